//! From either kind of input to the one claim that the checks are about.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ASSERTION_CHECKS, Logged, Run, Standing};
use crate::bundle::Bundle;
use crate::check::{Check, CheckId};
use crate::code::Code;
use crate::commitment::{EmailAddress, approver_commitment, email_hash};
use crate::confirmation::{Approved, Confirmation};
use crate::encoding::{base64url, hex, sha256};
use crate::entry::{Act, Entry};
use crate::payload::Challenge;
use crate::policy::{Approver, Approvers};
use crate::report::Claimed;
use crate::webauthn::client_data::ClientData;
use crate::webauthn::cose_key::CoseKey;

/// A claim that some key signed an assertion. All of it comes from the input, except `standing`.
#[derive(Debug)]
pub(super) struct SigningClaim<'a> {
    /// Only a log entry commits to one.
    pub(super) approval_id_hash: Option<[u8; 32]>,
    pub(super) authenticator_data: Cow<'a, [u8]>,
    pub(super) signature: Cow<'a, [u8]>,
    /// The second half of the signed message, after `authenticator_data`.
    pub(super) client_data_hash: [u8; 32],
    /// Only if it has that hash.
    pub(super) client_data_json: Option<&'a [u8]>,
    /// The payload that came with the claim.
    pub(super) payload: Option<&'a [u8]>,
    /// The context that came with it.
    pub(super) context: Option<&'a str>,
    /// The random part of what a refusal signs.
    pub(super) refusal: Option<&'a [u8; 32]>,
    /// The relying party that the claim states, if it states one.
    pub(super) rp_id: Option<String>,
    /// The key that is claimed to have signed, if the claim or the policy says which.
    pub(super) key: Option<CoseKey>,
    /// Whose key it is, according to the policy or its roster.
    pub(super) standing: Standing<'a>,
    credential_id: Option<&'a [u8]>,
}

impl SigningClaim<'_> {
    pub(super) fn key_for_people(&self) -> String {
        match (&self.key, self.credential_id) {
            (Some(key), _) => format!("{} ({})", key.fingerprint(), key.public_key().algorithm()),
            (None, Some(id)) => format!("credential id {}", base64url(id)),
            (None, None) => "no sound key".into(),
        }
    }
}

impl<'r> Run<'r> {
    /// `evidence.match` and `webauthn.key` of a bundle.
    pub(super) fn claim<'a>(
        &mut self,
        entry: Entry,
        bundle: &'a Bundle,
        logged: Logged<'_>,
        claimed: &mut Claimed,
    ) -> Option<SigningClaim<'a>>
    where
        'r: 'a,
    {
        let client_data_json = bundle.evidence.client_data_json.as_deref();
        let fits = client_data_json.filter(|json| sha256(json) == entry.client_data_hash);
        let check = evidence_match(&entry, bundle, claimed);
        self.push(check);

        let bytes = &entry.credential_public_key;
        let read = self.trust.keys.read_before(bytes).cloned();
        let key = match read.map_or_else(|| CoseKey::parse(bytes), Ok) {
            Ok(key) => {
                let message = format!("A sound {} key.", key.public_key().algorithm());
                self.push(Check::pass(CheckId::WebauthnKey, message).found(key.fingerprint()));
                Some(key)
            }
            Err(error) => {
                self.push(Check::failed(CheckId::WebauthnKey, &error));
                None
            }
        };
        let keys = self.trust.keys;
        Some(SigningClaim {
            standing: match &key {
                Some(key) => keys.standing(key.as_bytes(), logged),
                None => Standing::Unknown,
            },
            approval_id_hash: Some(entry.approval_id_hash),
            authenticator_data: entry.authenticator_data.into(),
            signature: entry.signature.into(),
            client_data_hash: entry.client_data_hash,
            client_data_json: fits,
            payload: bundle.evidence.payload.as_deref(),
            context: bundle.evidence.context.as_deref(),
            refusal: bundle.evidence.refusal.as_ref(),
            rp_id: Some(entry.rp_id),
            key,
            credential_id: None,
        })
    }

    /// `evidence.match` and `webauthn.key` of a confirmation, which names no key.
    pub(super) fn confirmed<'a>(
        &mut self,
        confirmation: &'a Confirmation,
    ) -> Option<SigningClaim<'a>>
    where
        'r: 'a,
    {
        self.push(Check::not_checked(
            CheckId::EntryForm,
            "A confirmation has no log entry.",
        ));
        let Some(approved) = &confirmation.approved else {
            self.skip(
                &[CheckId::EvidenceMatch, CheckId::ApproverKey],
                CheckId::Expectation,
            );
            self.skip(ASSERTION_CHECKS, CheckId::Expectation);
            return None;
        };
        self.push(confirmation_match(approved));

        let Ok(assertion) = &approved.assertion else {
            self.skip(&[CheckId::ApproverKey], CheckId::EvidenceMatch);
            self.skip(ASSERTION_CHECKS, CheckId::EvidenceMatch);
            return None;
        };
        let mut claim = SigningClaim {
            approval_id_hash: None,
            authenticator_data: Cow::Borrowed(assertion.authenticator_data()),
            signature: Cow::Borrowed(assertion.signature()),
            client_data_hash: sha256(assertion.client_data_json()),
            client_data_json: Some(assertion.client_data_json()),
            payload: None,
            context: None,
            refusal: None,
            rp_id: None,
            key: None,
            standing: Standing::Unknown,
            credential_id: Some(&approved.credential_id),
        };
        let holder = self.trust.keys.list();
        match holder.and_then(|list| self.holder(list, &claim)) {
            Some(approver) => {
                // A confirmation has no place in a log, where a roster would have an order.
                let key = approver.key.as_bytes();
                claim.standing = self.trust.keys.standing(key, Logged::default());
                let message = "The policy's key for this credential.";
                let found = approver.key.fingerprint();
                self.push(Check::pass(CheckId::WebauthnKey, message).found(found));
                claim.key = Some(approver.key.clone());
            }
            None => self.skip(&[CheckId::WebauthnKey], CheckId::ApproverKey),
        }
        Some(claim)
    }

    /// The approver with that credential id; else the one whose key, listed without an id, fits
    /// the signature.
    fn holder(&self, list: &'r Approvers, claim: &SigningClaim<'_>) -> Option<&'r Approver> {
        let by_id = claim.credential_id.and_then(|id| list.by_credential(id));
        by_id.or_else(|| {
            // An attacker must not choose how much is hashed again for every key.
            if claim.authenticator_data.len() > Entry::MAX_BYTES {
                return None;
            }
            let without_id = list.list.iter().filter(|a| a.credential_id.is_none());
            let fits = |approver: &&Approver| self.signature(claim, &approver.key).is_ok();
            without_id.into_iter().find(fits)
        })
    }
}

fn evidence_match(entry: &Entry, bundle: &Bundle, claimed: &mut Claimed) -> Check {
    const ID: CheckId = CheckId::EvidenceMatch;
    let evidence = &bundle.evidence;
    let compared = |code, expected: &[u8; 32], found: [u8; 32]| {
        let label = |hash| format!("sha256 {}", hex(hash));
        Check::coded(ID, code)
            .expected(label(expected))
            .found(label(&found))
    };
    let mut opened = Vec::new();
    if let Some(found) = evidence.client_data_json.as_deref().map(sha256) {
        if found != entry.client_data_hash {
            let code = Code::EvidenceClientDataMismatch;
            return compared(code, &entry.client_data_hash, found);
        }
        opened.push("the client data");
    }
    if let Some(found) = evidence
        .approval_id
        .as_ref()
        .map(|id| sha256(id.as_bytes()))
    {
        if found != entry.approval_id_hash {
            let code = Code::EvidenceApprovalIdMismatch;
            return compared(code, &entry.approval_id_hash, found);
        }
        opened.push("the approval id");
    }
    if let Some(reveal) = &evidence.approver
        && let Some(email) = &reveal.email
    {
        let address = match EmailAddress::parse(email) {
            Ok(address) => address,
            Err(error) => return Check::failed(ID, &error),
        };
        let found = approver_commitment(&reveal.blind, &email_hash(&address, &reveal.salt));
        match entry.approver {
            Some(expected) if expected == found => {}
            Some(expected) => {
                return compared(Code::EvidenceApproverMismatch, &expected, found);
            }
            None => {
                return Check::coded(ID, Code::EvidenceApproverMismatch)
                    .expected("an approver commitment in the entry")
                    .found("none");
            }
        }
        claimed.approver_email = Some(email.clone());
        opened.push("the approver's e-mail address");
    }
    if evidence.client_data_json.is_none() {
        return Check::coded(ID, Code::EvidenceClientDataMissing);
    }
    let refusal = evidence.refusal.is_some();
    match entry.act {
        Act::Approval if refusal => {
            return Check::coded(ID, Code::EntryTypeMismatch)
                .expected("the entry of a refusal, as the evidence has it")
                .found(entry.act.entry_type());
        }
        Act::Refusal if !refusal || evidence.context.is_none() => {
            return Check::coded(ID, Code::EvidenceRefusalMissing);
        }
        _ => {}
    }
    Check::pass(ID, format!("The entry commits to {}.", opened.join(", ")))
}

fn confirmation_match(approved: &Approved) -> Check {
    const ID: CheckId = CheckId::EvidenceMatch;
    let assertion = match &approved.assertion {
        Ok(assertion) => assertion,
        Err(error) => return Check::failed(ID, error),
    };
    if assertion.credential_id() != approved.credential_id {
        return Check::coded(ID, Code::EvidenceCredentialMismatch)
            .expected(format!(
                "credential id {} (stated)",
                base64url(&approved.credential_id)
            ))
            .found(format!(
                "credential id {}",
                base64url(assertion.credential_id())
            ));
    }
    // The challenge is read again, and judged, by the check that is named after it.
    match signed_payload_hash(assertion.client_data_json()) {
        None => Check::skipped(ID, CheckId::WebauthnChallenge),
        Some(signed) if signed != approved.payload_hash => {
            Check::coded(ID, Code::EvidencePayloadHashMismatch)
                .expected(format!("sha256 {} (stated)", hex(&approved.payload_hash)))
                .found(format!("sha256 {} (signed)", hex(&signed)))
        }
        Some(_) => Check::pass(ID, "What the service states agrees with the assertion."),
    }
}

/// The payload hash that a clientDataJSON names, if it is well formed and names one.
fn signed_payload_hash(client_data_json: &[u8]) -> Option<[u8; 32]> {
    let client_data = ClientData::parse(client_data_json).ok()?;
    Some(
        *Challenge::parse(client_data.challenge())
            .ok()?
            .payload_hash(),
    )
}
