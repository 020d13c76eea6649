//! A file in the place of another one: what it looks like, and where it belongs.

use verifier_core::Code;
use verifier_core::Kind;
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::{Report, Verdict};

use crate::code;
use crate::failure::CliError;

/// The error of a file that was read as `wanted` and was none. If it looks like something else, the
/// error says so, and where that belongs.
pub(crate) fn named(error: CliError, bytes: &[u8], wanted: &str, fits: &[Kind]) -> CliError {
    let kind = Kind::of(bytes);
    match (kind.noun(), belongs(kind)) {
        (Some(noun), Some(next)) if !fits.contains(&kind) => {
            error.instead(format!("this looks like {noun}, not like {wanted}."), next)
        }
        _ => error,
    }
}

/// The next step behind a report that the file, and not its content, is to blame for. `None` if the
/// one of its code says it all.
pub(crate) fn next(report: &Report, input: &[u8], payload: Option<&[u8]>) -> Option<String> {
    match report.verdict() {
        Verdict::Malformed => malformed(report.code(), input).map(Into::into),
        _ if report.code() == Code::PayloadMismatch => {
            let noun = Kind::of(payload?).noun()?;
            let next = code::next(Code::PayloadMismatch);
            Some(format!(
                "The payload that you gave looks like {noun}: check that it is the file you meant. \
                 {next}"
            ))
        }
        _ => None,
    }
}

fn malformed(code: Code, input: &[u8]) -> Option<&'static str> {
    let kind = Kind::of(input);
    if kind.is_approval() {
        return None;
    }
    let is_json = || Value::parse(input, Limits::bytes(Input::MAX_BYTES)).is_ok();
    belongs(kind).or_else(|| {
        (code == Code::BundleSchema && is_json()).then_some(
            "If it is the payload, give it beside its approval: `cosignet verify --policy POLICY \
             --payload FILE -- APPROVAL`. If it is meant to be the approval, get it again from its \
             source.",
        )
    })
}

/// Where a file of this kind is of use.
const fn belongs(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::BreakGlass => {
            "A break-glass file is no approval. `cosignet break-glass check FILE --policy POLICY` \
             says who has signed it."
        }
        Kind::Alarm => "An alarm is judged by `cosignet verify-alarm FILE --policy POLICY`.",
        Kind::Roster => {
            "A roster is given beside an approval: `cosignet verify --policy POLICY --roster FILE \
             -- APPROVAL`; `cosignet roster check FILE --policy POLICY` checks it."
        }
        Kind::Bundle | Kind::Confirmation | Kind::Decision => {
            "An approval is verified: `cosignet verify --policy POLICY -- FILE`."
        }
        Kind::Checkpoint | Kind::Entry | Kind::LogProof => {
            "It is a part of a bundle and proves no approval alone: verify the bundle. `cosignet \
             inspect FILE` shows what it says."
        }
        Kind::Headers => {
            "Block headers are given beside an approval: `cosignet verify --policy POLICY \
             --headers FILE -- APPROVAL`; `cosignet headers check FILE` checks them."
        }
        Kind::LogPolicy => {
            "A log policy goes into a policy: `cosignet policy init --log-policy FILE …`."
        }
        Kind::Pem => {
            "A public key goes into a policy: `cosignet policy add-approver POLICY --name NAME \
             --key FILE`."
        }
        Kind::Policy => {
            "A policy is given beside an approval: `cosignet verify --policy FILE -- APPROVAL`; \
             `cosignet policy show FILE` shows it."
        }
        Kind::Registration => {
            "A registration goes into a policy: `cosignet policy add-approver POLICY --name NAME \
             --registration FILE`."
        }
        _ => return None,
    })
}
