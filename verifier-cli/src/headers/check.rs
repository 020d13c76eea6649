//! `cosignet headers check`

use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::bitcoin::trust::TrustedChain;

use super::facts::Facts;
use super::known;
use crate::args::{Format, HeadersCheckArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::plain;
use crate::{output, policy_file};

pub(super) fn run(args: &HeadersCheckArgs) -> Result<Exit, CliError> {
    let policy = args.policy.as_deref().map(policy_file::load).transpose()?;
    let file = super::read(&args.file)?;
    let chain = file.verify()?;
    if let Some(policy) = &policy {
        let pinned = policy.anchor().known_blocks();
        TrustedChain::new(&chain, known(policy.anchor(), &pinned)).map_err(|error| {
            let refused = CliError::policy(Code::HeadersChain, format!("{error}."));
            let refused = match (error.expected(), error.found()) {
                (Some(expected), Some(found)) => refused.expected(expected).found(found),
                _ => refused,
            };
            refused.about(&args.file)
        })?;
    }
    let facts = Facts::of_chain(&chain);
    let text = match args.format {
        Format::Json => facts.to_json() + "\n",
        Format::Human => {
            let known = match policy {
                Some(policy) => format!("policy {} knows the chain", plain(policy.name())),
                None => "whether it is Bitcoin's chain is for a policy to say (--policy)".into(),
            };
            format!(
                "{} is sound: {}\n{known}\n",
                show_path(&args.file),
                facts.in_words()
            )
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}
