//! `cosignet headers check`

use verifier_core::Failure as _;
use verifier_core::bitcoin::chain::HeaderChain;
use verifier_core::bitcoin::trust::TrustedChain;
use verifier_core::code::Code;
use verifier_core::json::Value;
use verifier_core::time::{Time, for_people};

use super::known;
use crate::args::{Format, HeadersCheckArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
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
    let text = match args.format {
        Format::Json => to_json(&chain) + "\n",
        Format::Human => {
            let known = match policy {
                Some(policy) => format!("policy {} knows the chain", policy.name()),
                None => "whether it is Bitcoin's chain is for a policy to say (--policy)".into(),
            };
            format!(
                "{} is sound: {}\n{known}\n",
                show_path(&args.file),
                in_words(&chain)
            )
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// From where to where, and the last block.
pub(super) fn in_words(chain: &HeaderChain<'_>) -> String {
    let tip = chain.header(chain.tip());
    let time = tip.and_then(|tip| Time::from_seconds(u64::from(tip.time())));
    let (hash, time) = (
        tip.map(|tip| tip.hash().to_string()).unwrap_or_default(),
        time.map(for_people).unwrap_or_default(),
    );
    let (network, start, height) = (chain.network(), chain.start(), chain.tip());
    format!("{network}, blocks {start} to {height}, the last one {hash} of {time}")
}

pub(super) fn to_json(chain: &HeaderChain<'_>) -> String {
    let tip = chain.header(chain.tip()).map(|tip| tip.hash().to_string());
    Value::from([
        ("network", chain.network().as_str().into()),
        ("start", u64::from(chain.start()).into()),
        ("tip", u64::from(chain.tip()).into()),
        ("tipHash", tip.into()),
        ("work", chain.work().to_string().into()),
    ])
    .to_text()
}
