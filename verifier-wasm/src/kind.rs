//! How a dropped file looks.
//!
//! For words about the file, never for its role: whoever made the file decides how it looks.

use alloc::borrow::Cow;

use verifier_core::bitcoin::chain::read_first_line;
use verifier_core::bundle;
use verifier_core::entry;
use verifier_core::input::Input;
use verifier_core::inspect::inspect;
use verifier_core::json::{Limits, Object, Value};
use verifier_core::text::from_people;
use verifier_core::tlog;

use crate::policy;

/// A guess: the verifier then says whether the file is one.
pub(crate) fn of(file: &[u8]) -> &'static str {
    if read_first_line(file).is_ok() {
        return "headers";
    }
    if file.len() > Input::MAX_BYTES {
        return "unknown";
    }
    // A file that somebody edited looks like what it was before: with marks and line ends of
    // another system, and with an error in it.
    let text = from_people(file).unwrap_or_else(|_| {
        let bytes: alloc::vec::Vec<u8> = file.iter().copied().filter(|b| *b != 0).collect();
        Cow::Owned(alloc::string::String::from_utf8_lossy(&bytes).into_owned())
    });
    match Value::parse(text.as_bytes(), Limits::bytes(Input::MAX_BYTES)) {
        Ok(value) => value.as_object().map_or("unknown", of_object),
        Err(_) => of_text(&text),
    }
}

fn of_object(object: &Object<'_>) -> &'static str {
    let has = |keys: &[&str]| keys.iter().all(|key| object.get(key).is_some());
    match object.get("type").and_then(Value::as_str) {
        Some(bundle::TYPE | entry::TYPE) => "approval",
        _ if has(&["entry", "logProof"]) => "approval",
        _ if has(&["status", "payloadHash"]) || has(&["status", "rawAssertion"]) => "approval",
        _ if has(&["approvers"]) || has(&["webauthn"]) => "policy",
        _ if is_registration(object) => "registration",
        _ => "unknown",
    }
}

fn is_registration(object: &Object<'_>) -> bool {
    let response = object.get("response").and_then(Value::as_object);
    response.is_some_and(|response| response.get("attestationObject").is_some())
}

fn of_text(text: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().all(|word| text.contains(word));
    if has(&[bundle::TYPE]) || has(&[entry::TYPE]) || has(&["\"rawAssertion\""]) {
        return "approval";
    }
    if has(&["\"approvers\"", "\"webauthn\""]) || policy::looks_like_toml(text) {
        return "policy";
    }
    if tlog::policy::Policy::parse(text).is_ok_and(|policy| !policy.logs().is_empty()) {
        return "logPolicy";
    }
    let value = inspect(text.as_bytes()).ok();
    let kind = value.as_ref().and_then(Value::as_object);
    match kind.and_then(|object| object.get("kind")?.as_str()) {
        Some("logProof") => "logProof",
        Some("checkpoint") => "checkpoint",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;

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
        let cases: &[(&[u8], &str)] = &[
            (bundle.as_bytes(), "approval"),
            (bundle.split_at(bundle.len() / 2).0.as_bytes(), "approval"),
            (&utf16(&bundle, u16::to_le_bytes), "approval"),
            (confirmation.as_bytes(), "approval"),
            (br#"{"status":"denied","payloadHash":"00"}"#, "approval"),
            (json.as_bytes(), "policy"),
            (toml.as_bytes(), "policy"),
            // Written by other systems, or with an error in it.
            (marked.as_bytes(), "policy"),
            (&utf16(&marked, u16::to_le_bytes), "policy"),
            (&utf16(&marked, u16::to_be_bytes), "policy"),
            (&utf16(&json, u16::to_le_bytes), "policy"),
            (crlf.as_bytes(), "policy"),
            (broken.as_bytes(), "policy"),
            (&json.bytes().chain(*b"\xff").collect::<Vec<u8>>(), "policy"),
            (br#"{"approvers":[]}"#, "policy"),
            (b"cosignet.headers/v1 mainnet 0\n", "headers"),
            (log_policy.as_str().unwrap().as_bytes(), "logPolicy"),
            (proof.as_bytes(), "logProof"),
            (note.as_bytes(), "checkpoint"),
            (br#"{"response":{"attestationObject":""}}"#, "registration"),
            (&approval.payload, "unknown"),
            (b"\xff", "unknown"),
            (b"", "unknown"),
        ];
        for (file, kind) in cases {
            assert_eq!(of(file), *kind, "{}", String::from_utf8_lossy(file));
        }
    }
}
