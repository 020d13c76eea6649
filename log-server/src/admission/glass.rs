//! Admission of what was done under break-glass: one person's signature of a grant that was used.
//!
//! ```text
//! {"assertion":{PublicKeyCredential JSON},"breakGlass":"<grant>","credentialPublicKey":b64,"rpId":…}
//! ```
//!
//! The grant shows that this and nothing else was signed. It is not kept: the leaf is all that the log
//! has of it, and nothing is disclosed later.

use verifier_core::break_glass::{Entry, Grant, Signature, challenge};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::schema::Members;
use verifier_core::hazmat::time::{CLOCK_ALLOWANCE_MILLIS, Time};
use verifier_core::hazmat::webauthn::{AssertionJson, CoseKey, Expected};
use verifier_core::{AwsLc, Code};

use super::{Admitted, Rules, Sent, require_rp_id};
use crate::refusal::{Reason, Refusal};
use crate::statement::Statement;
use crate::store::Disclosure;

/// The member that such a request has, and no other one.
const GRANT: &str = "breakGlass";

/// The members of a request, all of which have to be there.
pub(crate) const MEMBERS: &[&str] = &["assertion", GRANT, "credentialPublicKey", "rpId"];

/// Whether a request is of this kind.
pub(super) fn is_meant(value: &Value<'_>) -> bool {
    value
        .as_object()
        .is_some_and(|members| members.get(GRANT).is_some())
}

/// Reads and verifies. The rules are the strictest, whatever the log admits of approvals
/// (docs/spec/break-glass.md).
pub(super) fn read(members: Members<'_, '_>, rules: &Rules) -> Result<Admitted, Refusal> {
    let members = members.only(MEMBERS)?;
    let grant = Grant::parse(members.text(GRANT)?)?;
    let rp_id = members.text("rpId")?;
    let key = members.bytes("credentialPublicKey")?;
    let assertion = AssertionJson::from_value(members.value("assertion")?)?;
    let key = CoseKey::parse(&key)?;
    require_rp_id(rp_id, rules)?;
    let signed = challenge(&grant.to_text());
    let expected = Expected::new(rp_id.into(), rules.origins.clone(), signed);
    assertion.assertion().verify(&key, &expected, &AwsLc)?;
    let entry = Entry::new(&grant, &Signature::of(&assertion), rp_id, &key);
    let entry = entry.ok_or_else(Refusal::internal)?;
    // It may be too large for a leaf.
    Entry::parse(&entry.to_text())?;
    let sent = Sent {
        approval_id: entry.id(),
        client_data_json: entry.client_data_json.clone(),
        payload: None,
        action: None,
        approver: None,
        statement: Statement::default(),
    };
    Ok(Admitted {
        entry: Leaf::BreakGlass(entry),
        sent,
        disclosure: Disclosure::Sealed,
    })
}

/// Refuses what cannot have been used yet. How long ago it was does not count: it may have taken long
/// until anybody could say so, and nobody decides anything by it.
pub(super) fn check_time(entry: &Entry, now: Time) -> Result<(), Refusal> {
    let latest = now.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS);
    if entry.not_before <= latest {
        return Ok(());
    }
    let detail = "The grant permits nothing yet, so nothing was done under it.";
    Err(Refusal::new(Reason::DecidedAt, detail)
        .compared(format!("{latest} or before"), entry.not_before.to_string()))
}

/// Why nothing can be shown beside an entry of this kind.
pub(crate) fn nothing_to_disclose() -> Refusal {
    let detail = "The entry is that of a use of break-glass: its leaf is all that there is.";
    Refusal::rejected(Code::EntryBreakGlass, detail)
}
