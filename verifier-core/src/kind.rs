//! How a file looks.
//!
//! For words about the file, never for its role: whoever made the file decides how it looks.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bitcoin::chain::read_first_line;
use crate::json::{Limits, Object, Value};
use crate::text::{from_people, has};
use crate::{break_glass, bundle, decision, entry, input::Input, inspect::inspect, roster, tlog};

/// The `type` of alarms. It stands here because the front door tells an alarm from an approval, and
/// alarms are judged with the front door's rules.
pub(crate) const ALARM: &str = "cosignet.alarm/v1";

/// A guess: only its reader can say whether a file is one. It is made of what is read in vain, to
/// tell a person what is in hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Evidence against a log.
    Alarm,
    /// A permission for when the gate is not there.
    BreakGlass,
    /// A bundle of a log.
    Bundle,
    /// A signed head of a log.
    Checkpoint,
    /// An approval service's own answer.
    Confirmation,
    /// Several approvals of one request.
    Decision,
    /// An entry of a log, without what proves its place.
    Entry,
    /// Bitcoin's block headers.
    Headers,
    /// A c2sp.org/tlog-policy.
    LogPolicy,
    /// A c2sp.org/tlog-proof.
    LogProof,
    /// A key or certificate, as PEM.
    Pem,
    /// A policy, as JSON or as TOML.
    Policy,
    /// A browser's answer from the registration of a passkey.
    Registration,
    /// The versions of a roster.
    Roster,
    /// Anything else, payloads among it.
    Unknown,
}

impl Kind {
    /// The kind that a file looks like, also in the forms that editors and shells write, and with
    /// an error in it. A file longer than [`Input::MAX_BYTES`] is `Headers` or `Unknown`.
    pub fn of(file: &[u8]) -> Self {
        if read_first_line(file).is_ok() {
            return Self::Headers;
        }
        if file.len() > Input::MAX_BYTES {
            return Self::Unknown;
        }
        let text = from_people(file).unwrap_or_else(|_| {
            let bytes: Vec<u8> = file.iter().copied().filter(|byte| *byte != 0).collect();
            Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
        });
        match Value::parse(text.as_bytes(), Limits::bytes(Input::MAX_BYTES)) {
            Ok(value) => value.as_object().map_or(Self::Unknown, of_object),
            Err(_) => of_text(&text),
        }
    }

    /// Whether it is something that [`verify`](crate::verify) reads.
    pub const fn is_approval(self) -> bool {
        matches!(self, Self::Bundle | Self::Confirmation | Self::Decision)
    }

    /// The word for it, with its article: "a policy". `None` for `Unknown`.
    pub const fn noun(self) -> Option<&'static str> {
        Some(match self {
            Self::Alarm => "an alarm",
            Self::BreakGlass => "a break-glass file",
            Self::Bundle | Self::Confirmation => "an approval",
            Self::Checkpoint => "a checkpoint of a log",
            Self::Decision => "a decision",
            Self::Entry => "an entry of a log",
            Self::Headers => "a file of block headers",
            Self::LogPolicy => "a log policy",
            Self::LogProof => "a log proof",
            Self::Pem => "a key or certificate",
            Self::Policy => "a policy",
            Self::Roster => "a roster",
            Self::Registration => "the registration of a passkey",
            Self::Unknown => return None,
        })
    }
}

/// Whether a text that is no JSON has the tables of a policy. Comments and titles do not count.
pub fn looks_like_toml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.any(|line| line.starts_with("[webauthn]") || line.starts_with("[[approvers]]"))
}

fn of_object(object: &Object<'_>) -> Kind {
    let has = |keys: &[&str]| keys.iter().all(|key| object.get(key).is_some());
    match object.get("type").and_then(Value::as_str) {
        Some(break_glass::FILE_TYPE) => Kind::BreakGlass,
        Some(bundle::TYPE) => Kind::Bundle,
        Some(entry::TYPE | entry::REFUSAL_TYPE | break_glass::ENTRY_TYPE) => Kind::Entry,
        Some(decision::TYPE) => Kind::Decision,
        Some(roster::CHAIN_TYPE) => Kind::Roster,
        Some(ALARM) => Kind::Alarm,
        _ if has(&["entry", "logProof"]) => Kind::Bundle,
        _ if has(&["status", "payloadHash"]) || has(&["status", "rawAssertion"]) => {
            Kind::Confirmation
        }
        _ if has(&["approvers"]) || has(&["webauthn"]) => Kind::Policy,
        _ if is_registration(object) => Kind::Registration,
        _ => Kind::Unknown,
    }
}

fn is_registration(object: &Object<'_>) -> bool {
    let response = object.get("response").and_then(Value::as_object);
    response.is_some_and(|response| response.get("attestationObject").is_some())
}

fn of_text(text: &str) -> Kind {
    let has = |words: &[&str]| words.iter().all(|word| has(text, word));
    if has(&[ALARM]) {
        return Kind::Alarm;
    }
    if has(&[break_glass::FILE_TYPE]) {
        return Kind::BreakGlass;
    }
    // The type of a bundle stands at its end, and a download may have broken off before.
    if has(&[bundle::TYPE]) || has(&[entry::TYPE, "\"entry\""]) {
        return Kind::Bundle;
    }
    if has(&["\"rawAssertion\""]) {
        return Kind::Confirmation;
    }
    if has(&[entry::TYPE]) {
        return Kind::Entry;
    }
    if has(&["\"approvers\"", "\"webauthn\""]) || looks_like_toml(text) {
        return Kind::Policy;
    }
    if text.trim_start().starts_with("-----BEGIN ") {
        return Kind::Pem;
    }
    if tlog::policy::TlogPolicy::parse(text).is_ok_and(|policy| !policy.logs().is_empty()) {
        return Kind::LogPolicy;
    }
    let value = inspect(text.as_bytes()).ok();
    let kind = value.as_ref().and_then(Value::as_object);
    match kind.and_then(|object| object.get("kind")?.as_str()) {
        Some("logProof") => Kind::LogProof,
        Some("checkpoint") => Kind::Checkpoint,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use test_vectors::{Algorithm, Approval};

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn files_look_like_something() {
        let approval = Approval::sample(Algorithm::Es256);
        let bundle = approval.bundle.text();
        let confirmation = approval.confirmation().to_string();
        let (json, toml) = (approval.policy.value().to_string(), approval.policy.toml());
        let marked = String::from("\u{feff}") + &json;
        let (crlf, broken) = (toml.replace('\n', "\r\n"), json.replacen('{', "{,", 1));
        let (proof, note) = (
            approval.bundle.log_proof.text(),
            approval.bundle.log_proof.note(),
        );
        let log_policy = approval.policy.value()["log"]["policy"].clone();
        let cases: &[(&[u8], Kind)] = &[
            (bundle.as_bytes(), Kind::Bundle),
            (bundle.split_at(bundle.len() / 2).0.as_bytes(), Kind::Bundle),
            (&utf16(&bundle, u16::to_le_bytes), Kind::Bundle),
            (confirmation.as_bytes(), Kind::Confirmation),
            (
                br#"{"status":"denied","payloadHash":"00"}"#,
                Kind::Confirmation,
            ),
            (json.as_bytes(), Kind::Policy),
            (toml.as_bytes(), Kind::Policy),
            // Written by other systems, or with an error in it.
            (marked.as_bytes(), Kind::Policy),
            (&utf16(&marked, u16::to_le_bytes), Kind::Policy),
            (&utf16(&marked, u16::to_be_bytes), Kind::Policy),
            (&utf16(&json, u16::to_le_bytes), Kind::Policy),
            (crlf.as_bytes(), Kind::Policy),
            (broken.as_bytes(), Kind::Policy),
            (
                &json.bytes().chain(*b"\xff").collect::<Vec<u8>>(),
                Kind::Policy,
            ),
            (br#"{"approvers":[]}"#, Kind::Policy),
            (b"cosignet.headers/v1 mainnet 0\n", Kind::Headers),
            (log_policy.as_str().unwrap().as_bytes(), Kind::LogPolicy),
            (proof.as_bytes(), Kind::LogProof),
            (note.as_bytes(), Kind::Checkpoint),
            (
                br#"{"response":{"attestationObject":""}}"#,
                Kind::Registration,
            ),
            (approval.bundle.entry.as_bytes(), Kind::Entry),
            (br#"{"type":"cosignet.break-glass/v1"}"#, Kind::Entry),
            (br#"{"type":"cosignet.alarm/v1"}"#, Kind::Alarm),
            (
                br#"{"type":"cosignet.break-glass-file/v1"}"#,
                Kind::BreakGlass,
            ),
            (b"-----BEGIN PUBLIC KEY-----\n", Kind::Pem),
            (b"# Minutes\n\n## Approvers\n", Kind::Unknown),
            (b"# a comment = \"[webauthn]\"\n", Kind::Unknown),
            (&approval.payload, Kind::Unknown),
            (b"\xff", Kind::Unknown),
            (b"", Kind::Unknown),
        ];
        for (file, kind) in cases {
            assert_eq!(Kind::of(file), *kind, "{}", String::from_utf8_lossy(file));
        }
    }
}
