//! What a dropped file seems to be.

use verifier_core::bitcoin::chain::read_first_line;
use verifier_core::bundle;
use verifier_core::entry;
use verifier_core::input::Input;
use verifier_core::json::{Limits, Value};

use crate::policy;

/// A guess: the verifier then says whether the file is one.
pub(crate) fn of(file: &[u8]) -> &'static str {
    if read_first_line(file).is_ok() {
        return "headers";
    }
    if file.len() > Input::MAX_BYTES {
        return "unknown";
    }
    let Ok(text) = core::str::from_utf8(file) else {
        return "unknown";
    };
    if let Ok(value) = Value::parse(file, Limits::bytes(Input::MAX_BYTES)) {
        let member = |key: &str| value.as_object().and_then(|object| object.get(key));
        let has = |keys: [&str; 2]| keys.iter().all(|key| member(key).is_some());
        return match member("type").and_then(Value::as_str) {
            Some(bundle::TYPE | entry::TYPE) => "approval",
            _ if has(["entry", "logProof"]) => "approval",
            _ if has(["status", "payloadHash"]) || has(["status", "rawAssertion"]) => "approval",
            _ if has(["approvers", "webauthn"]) => "policy",
            _ => "unknown",
        };
    }
    // A damaged approval is still meant to be one.
    let names = [bundle::TYPE, entry::TYPE, "\"rawAssertion\""];
    match () {
        () if names.iter().any(|name| text.contains(name)) => "approval",
        () if policy::looks_like_toml(text) => "policy",
        () => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};

    use super::*;
    use test_vectors::{Algorithm, Approval};

    #[test]
    fn files_are_put_in_their_place_by_content() {
        let approval = Approval::sample(Algorithm::Es256);
        let bundle = approval.bundle.text();
        let confirmation = approval.confirmation().to_string();
        let (json, toml) = (approval.policy.value().to_string(), approval.policy.toml());
        let cases: [(&[u8], &str); 10] = [
            (bundle.as_bytes(), "approval"),
            (bundle.split_at(bundle.len() / 2).0.as_bytes(), "approval"),
            (confirmation.as_bytes(), "approval"),
            (br#"{"status":"denied","payloadHash":"00"}"#, "approval"),
            (json.as_bytes(), "policy"),
            (toml.as_bytes(), "policy"),
            (b"cosignet.headers/v1 mainnet 0\n", "headers"),
            (&approval.payload, "unknown"),
            (b"\xff", "unknown"),
            (b"", "unknown"),
        ];
        for (file, kind) in cases {
            assert_eq!(of(file), kind, "{}", String::from_utf8_lossy(file));
        }
    }
}
