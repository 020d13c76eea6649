//! The payload that is to be approved.

use verifier_core::hazmat::payload::fields;

/// A payment, as an approval service would get it from its customer.
pub(crate) const PAYLOAD: &str = r#"{"action":"wire_transfer","amount":"4200.00","currency":"EUR","to":{"iban":"DE89370400440532013000","name":"Acme GmbH"},"reference":"Invoice 2026-117"}"#;

/// The service's label for the action.
pub(crate) const ACTION: &str = "wire_transfer";

/// The payload field by field, for those who are asked to approve it.
pub(crate) fn shown() -> Vec<(String, String)> {
    let fields = fields(PAYLOAD.as_bytes(), 100).unwrap_or_default();
    let name = |path: &str| path.trim_start_matches("$.").to_owned();
    let all = fields.into_iter();
    all.map(|field| (name(&field.path), field.text)).collect()
}
