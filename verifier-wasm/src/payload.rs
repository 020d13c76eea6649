//! A payload as people should see it.

use alloc::string::String;
use alloc::vec::Vec;

use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::payload::{Field, fields};

/// How much of a payload that is no text is shown.
const SHOWN_BYTES: usize = 1024;

/// The payload that came with a bundle or a decision, as the verifier reads it.
pub(crate) fn of(file: &[u8]) -> Option<Vec<u8>> {
    let bundle = match Input::parse(file) {
        Ok(Input::Bundle(bundle)) => bundle,
        // If another one comes with another payload, the decision is REJECTED.
        Ok(Input::Decision(decision)) => decision.bundles.into_iter().next()?,
        _ => return None,
    };
    bundle.evidence.payload
}

/// Fields if it is JSON, text if it is text, else bytes in hex.
pub(crate) fn describe(payload: &[u8], most: usize) -> String {
    // One more than asked for says whether there are more.
    let found = fields(payload, most.saturating_add(1));
    let more = found.as_ref().is_some_and(|fields| fields.len() > most);
    let one = |field: Field| {
        Value::from([
            ("kind", field.kind.into()),
            ("path", field.path.into()),
            ("text", field.text.into()),
        ])
    };
    let fields: Option<Value<'_>> =
        found.map(|fields| fields.into_iter().take(most).map(one).collect());
    let text = core::str::from_utf8(payload).ok();
    let bytes = match text {
        Some(_) => None,
        None => payload.get(..payload.len().min(SHOWN_BYTES)).map(hex),
    };
    let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
    Value::from([
        ("fields", fields.into()),
        ("hex", bytes.into()),
        ("length", length.into()),
        ("more", more.into()),
        ("sha256", hex(&sha256(payload)).into()),
        ("text", text.into()),
    ])
    .to_text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_vectors::{Algorithm, Approval, Decision};

    #[test]
    fn a_bundle_has_its_payload_in_it() {
        let approval = Approval::sample(Algorithm::Es256);
        let decision = Decision::of(core::slice::from_ref(&approval)).text();
        for file in [approval.bundle.text(), decision] {
            assert_eq!(of(file.as_bytes()), Some(approval.payload.clone()));
        }
        assert_eq!(of(b"{}"), None);
    }

    #[test]
    fn shows_fields_text_or_bytes() {
        let json = describe(br#"{"a":1.50,"b":"x"}"#, 1);
        assert!(json.contains(r#""fields":[{"kind":"number","path":"$.a","text":"1.50"}]"#));
        assert!(json.contains(r#""more":true"#), "{json}");
        let text = describe("pay Bob".as_bytes(), 5);
        assert!(text.contains(r#""fields":null"#) && text.contains(r#""text":"pay Bob""#));
        let bytes = describe(&[0xff; 2000], 5);
        assert!(bytes.contains(&"ff".repeat(SHOWN_BYTES)) && bytes.contains(r#""length":2000"#));
        assert!(!bytes.contains(&"ff".repeat(SHOWN_BYTES + 1)));
    }
}
