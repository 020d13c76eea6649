//! `cosignet policy check`: what is weak about a policy that is well formed.

use verifier_core::Time;
use verifier_core::hazmat::json::Value;

use crate::args::{CheckArgs, Format, now};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::wrap;
use crate::{output, policy_file};

pub(super) fn run(args: &CheckArgs) -> Result<Exit, CliError> {
    let policy = policy_file::load(&args.file)?;
    let at: Time = match args.at {
        Some(at) => at,
        None => now().map_err(CliError::usage)?,
    };
    let warnings = policy_advice::policy(&policy, at);
    let text = match args.format {
        Format::Json => Value::from([("warnings", list(&warnings))]).to_text() + "\n",
        Format::Human => {
            let path = show_path(&args.file);
            let mut out = match warnings.len() {
                0 => format!("{path} is well formed; there is nothing to warn about.\n"),
                1 => format!("{path} is well formed, with 1 warning:\n"),
                count => format!("{path} is well formed, with {count} warnings:\n"),
            };
            for warning in &warnings {
                out.push_str(&wrap("  - ", warning));
            }
            out
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// Warnings for programs.
pub(super) fn list(warnings: &[String]) -> Value<'_> {
    let texts = warnings.iter().map(|text| Value::from(text.as_str()));
    texts.collect()
}
