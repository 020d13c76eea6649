//! `cosignet policy init`: a policy that explains itself.

use std::io::{self, Write as _};

use toml_edit::{Array, Value as Toml};
use verifier_core::Code;
use verifier_core::Kind;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::tlog;

use super::check::list;
use crate::args::{Format, InitArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::wrap;
use crate::{file, output, policy_file, role};

pub(super) fn run(args: &InitArgs) -> Result<Exit, CliError> {
    let log = match &args.log_policy {
        None => None,
        Some(path) => {
            let most = tlog::policy::TlogPolicy::MAX_BYTES;
            let bytes = file::read_whole(path, most)?;
            let named = |error: CliError| {
                role::named(error, &bytes, "a log policy", &[Kind::LogPolicy]).about(path)
            };
            let mut text = file::text(&bytes, Code::PolicyLog).map_err(named)?;
            if !text.ends_with('\n') {
                text.push('\n');
            }
            tlog::policy::TlogPolicy::parse(&text).map_err(|error| named(CliError::of(&error)))?;
            Some(text)
        }
    };
    let text = text(args, log.as_deref());
    // Never write what could not be read back.
    let policy = policy_file::from_toml(&text)?;
    let warnings = policy_advice::new_policy(&policy);
    let shown: String = warnings
        .iter()
        .map(|text| wrap("WARNING: ", text))
        .collect();
    let Some(path) = &args.output else {
        // The policy itself goes to stdout, which is probably a file.
        let _ignored = io::stderr().write_all(shown.as_bytes());
        return Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok));
    };
    file::create(path, &text)?;
    let path = show_path(path);
    let said = match args.format {
        Format::Json => {
            let name = policy.name().to_owned().into();
            let warnings = list(&warnings);
            let members = [
                ("file", path.into()),
                ("name", name),
                ("warnings", warnings),
            ];
            Value::from(members).to_text() + "\n"
        }
        Format::Human => format!(
            "Wrote {path}. It trusts nobody yet.\n\
             {shown}\
             Next: cosignet policy add-approver {path} --name NAME --registration FILE\n"
        ),
    };
    Ok(output::print(&said, args.format).err().unwrap_or(Exit::Ok))
}

fn text(args: &InitArgs, log: Option<&str>) -> String {
    let string = |text: &str| Toml::from(text).to_string();
    let list = |texts: &[String]| {
        texts
            .iter()
            .map(String::as_str)
            .collect::<Array>()
            .to_string()
    };
    let payload = if args.hash_only {
        "hash-only"
    } else {
        "required"
    };
    // Keys of the root have to stand before the first table.
    let (root_log, log) = match log {
        None => (
            "# No log: approvals can be denied, dropped and back-dated. Better: a [log] with witnesses.\n\
             log = \"none\"\n\n"
                .to_owned(),
            String::new(),
        ),
        Some(text) => (String::new(), log_table(text)),
    };
    format!(
        r#"# Whom and what we trust when we verify approvals.
# Check this file with `cosignet policy check`; every rule is in it or has the default named here.

# Reports show this name, and the SHA-256 of the whole policy.
name = {name}

# "required": the payload has to be there, in the bundle or from the caller.
# "hash-only": it may stay unknown; the report then states the hash that was signed.
payload = "{payload}"

{root_log}[webauthn]
# Domains that the passkeys belong to. An id that is used for nothing but approvals is what keeps a
# login from passing as an approval.
rpIds = {rp_ids}
# The pages on which approvals are signed: exactly as browsers write them, without a slash at the end.
origins = {origins}
# "required": the device checked who was using it (PIN or biometric). Or "preferred".
userVerification = "required"
# Whether those pages may be embedded in pages of the topOrigins.
crossOrigin = false
topOrigins = []
{log}
# A Bitcoin anchor proves "not later than" without witnesses.
[anchor]
required = false

# The approvers follow: `cosignet policy add-approver`. Each has a name and a publicKey; perhaps a
# credentialId, and notBefore and notAfter, which are judged by proven times and not by the service's.
"#,
        name = string(&args.name),
        rp_ids = list(&args.rp_id),
        origins = list(&args.origin),
    )
}

fn log_table(policy: &str) -> String {
    // In a literal text nothing is escaped; where it cannot hold the policy, TOML's escapes do.
    let literal = !policy.contains("'''") && policy.ends_with('\n') && !policy.contains('\r');
    let text = match literal {
        true => format!("'''\n{policy}'''"),
        false => Toml::from(policy).to_string(),
    };
    format!(
        r#"
# The log that has to hold an approval, and the witnesses that make sure that it shows everybody the
# same tree (c2sp.org/tlog-policy).
[log]
policy = {text}
# How long after a decision the log may publish it. It admits what is at most half as old.
maxAppendDelay = "24h"
"#
    )
}
