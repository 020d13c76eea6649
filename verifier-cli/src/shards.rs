//! Several logs at one address, one after the other: which of them has an approval.
//!
//! `<address>/log.json` names them, and is a hint: those are asked whose keys the policy lists, and each
//! answer has to be under a key of the policy as from a log alone.

use log_client::{Client, RemoteLog, is_shard_path};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::policy::{LogRule, Policy};

use crate::code::CliCode;
use crate::failure::CliError;

/// The longest text that names the logs, in bytes.
const MAX_TEXT: usize = 256 * 1024;

/// The most logs at one address.
const MOST: usize = 1000;

/// One of them, as the address names it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Named {
    path: String,
    vkey: String,
}

/// The logs to ask at an address, the newest first; `None` if there is one log, or something else.
pub(crate) fn at(
    log: &RemoteLog,
    client: &Client,
    address: &str,
    policy: Option<&Policy>,
) -> Result<Option<Vec<RemoteLog>>, CliError> {
    let Some(named) = log.get("log.json", MAX_TEXT)?.and_then(|text| named(&text)) else {
        return Ok(None);
    };
    let known = named.into_iter().filter(|one| is_known(&one.vkey, policy));
    let below = |one: Named| RemoteLog::new(client, &format!("{}/{}", base(address), one.path));
    let logs: Vec<_> = known.rev().map(below).collect::<Result<_, _>>()?;
    match logs.is_empty() {
        false => Ok(Some(logs)),
        true => {
            let message = format!("None of the logs at {} is in the policy.", log.url());
            let next = "Compare the keys of its log.json with the `log` lines of your policy.";
            Err(CliError::new(CliCode::FetchUnknown, message).next(next))
        }
    }
}

fn base(address: &str) -> &str {
    address.trim_end_matches('/')
}

/// Whether a policy lists a log with this key. One that asks for no log knows all of them.
fn is_known(vkey: &str, policy: Option<&Policy>) -> bool {
    match policy.map(Policy::log) {
        Some(LogRule::Required(rule)) => {
            let mut logs = rule.tlog.logs().iter();
            logs.any(|log| log.key().to_string() == vkey)
        }
        _ => true,
    }
}

/// The logs that a text names, in the order of time; `None` if it names none.
fn named(text: &[u8]) -> Option<Vec<Named>> {
    let value = Value::parse(text, Limits::bytes(MAX_TEXT)).ok()?;
    let Value::Array(shards) = value.as_object()?.get("shards")? else {
        return None;
    };
    let each = shards.iter().take(MOST).filter_map(|shard| {
        let shard = shard.as_object()?;
        let text = |name: &str| shard.get(name)?.as_str();
        let (path, vkey) = (text("path")?, text("vkey")?);
        is_shard_path(path).then(|| Named {
            path: path.to_owned(),
            vkey: vkey.to_owned(),
        })
    });
    Some(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_the_address_is_a_log_there() {
        let text = r#"{"shards":[{"path":"2026","vkey":"a"},{"path":"../x","vkey":"b"},
            {"path":"","vkey":"c"},{"path":"x/y","vkey":"d"},{"path":"2027"},7,
            {"path":"2028","vkey":"e"}]}"#;
        let found = named(text.as_bytes()).unwrap();
        let paths: Vec<_> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["2026", "2028"]);
        for text in ["", "{}", "[]", r#"{"shards":7}"#, r#"{"origin":"x"}"#] {
            assert_eq!(named(text.as_bytes()), None, "{text}");
        }
    }
}
