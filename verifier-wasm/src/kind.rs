//! What a dropped file seems to be.

use verifier_core::bitcoin::chain::read_first_line;
use verifier_core::bundle;
use verifier_core::input::Input;
use verifier_core::json::{Limits, Value};

use crate::policy;

/// A guess: the verifier then says whether the file is one. A damaged bundle is still meant to be
/// an approval, hence the look at its text.
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
        let has = |key: &str| value.as_object().is_some_and(|o| o.get(key).is_some());
        return match () {
            () if has("approvers") && has("webauthn") => "policy",
            () if has("logProof") || (has("status") && has("payloadHash")) => "approval",
            () if text.contains(bundle::TYPE) => "approval",
            () if has("status") && has("rawAssertion") => "approval",
            () => "unknown",
        };
    }
    match () {
        () if text.contains(bundle::TYPE) => "approval",
        () if policy::looks_like_toml(text) => "policy",
        () => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_vectors::{Algorithm, Approval};

    #[test]
    fn files_are_put_in_their_place_by_content() {
        let approval = Approval::sample(Algorithm::Es256);
        let bundle = approval.bundle.text();
        let cases: [(&[u8], &str); 10] = [
            (bundle.as_bytes(), "approval"),
            (bundle.split_at(bundle.len() / 2).0.as_bytes(), "approval"),
            (approval.confirmation().to_string().as_bytes(), "approval"),
            (br#"{"status":"denied","payloadHash":"00"}"#, "approval"),
            (approval.policy.value().to_string().as_bytes(), "policy"),
            (approval.policy.toml().as_bytes(), "policy"),
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
