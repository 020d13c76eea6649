//! Shows what a file says, and verifies nothing.
//!
//! Every part that can be read is shown; where one cannot, the error stands in its place. Texts
//! are as they are in the file: whoever prints them for people has to escape them, see
//! [`crate::quote`].

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::bundle::{Anchor, Bundle, Evidence, Header};
use crate::confirmation::{Approved, Confirmation};
use crate::encoding::{base64url, from_base64url, hex, sha256};
use crate::entry;
use crate::input::{self, Input};
use crate::json::{Limits, Value};
use crate::leaf::Leaf;
use crate::payload::Challenge;
use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::cosignature::Cosignature;
use crate::tlog::merkle::leaf_hash;
use crate::tlog::proof::Proof;
use crate::webauthn::{AuthenticatorData, ClientData, CoseKey, Flags, Registration};
use crate::{Failure, break_glass};

/// The first line of every inspection.
pub const NOTICE: &str = "NOTHING WAS VERIFIED. This is what the file says, true or not.";

/// Decodes a bundle, a service's confirmation, a registration, a log entry, a log proof or a
/// signed checkpoint. The object has the members `kind`, `notice`, `sha256`, and one named like
/// the kind.
pub fn inspect(bytes: &[u8]) -> Result<Value<'static>, input::Error> {
    let (kind, content) = content(bytes)?;
    Ok(Value::from([
        ("kind", kind.into()),
        ("notice", NOTICE.into()),
        ("sha256", hex(&sha256(bytes)).into()),
        (kind, content),
    ]))
}

fn content(bytes: &[u8]) -> Result<(&'static str, Value<'static>), input::Error> {
    let text = core::str::from_utf8(bytes).unwrap_or_default();
    if text.starts_with("c2sp.org/tlog-proof@") && bytes.len() <= Input::MAX_BYTES {
        return Ok(("logProof", log_proof(text)));
    }
    let value = match Value::parse(bytes, Limits::bytes(Input::MAX_BYTES)) {
        Ok(value) => value,
        Err(error) => {
            return match SignedCheckpoint::parse(text) {
                Ok(signed) => Ok(("checkpoint", checkpoint(&signed))),
                Err(_) => Err(input::Error::NotJson(error)),
            };
        }
    };
    let kind = value.as_object().and_then(|o| o.get("type")?.as_str());
    if matches!(
        kind,
        Some(entry::TYPE | entry::REFUSAL_TYPE | break_glass::ENTRY_TYPE)
    ) {
        return Ok(("entry", entry(text)));
    }
    if Registration::is_meant(&value) {
        return Ok(match Registration::from_value(&value) {
            Ok(registration) => ("registration", self::registration(&registration)),
            Err(error) => ("registration", in_place(&error, "")),
        });
    }
    Ok(match Input::parse(bytes)? {
        Input::Bundle(bundle) => ("bundle", self::bundle(&bundle)),
        Input::Confirmation(confirmation) => ("confirmation", self::confirmation(&confirmation)),
        Input::Decision(decision) => (
            "decision",
            Value::from([("bundles", decision.bundles.iter().map(bundle).collect())]),
        ),
    })
}

fn bundle(bundle: &Bundle) -> Value<'static> {
    Value::from([
        ("anchor", bundle.anchor.as_ref().map(anchor).into()),
        ("entry", entry(&bundle.entry)),
        ("evidence", evidence(&bundle.evidence)),
        ("logProof", log_proof(&bundle.log_proof)),
    ])
}

fn entry(text: &str) -> Value<'static> {
    let entry = match Leaf::parse(text) {
        Ok(Leaf::Decision(entry)) => entry,
        Ok(Leaf::BreakGlass(entry)) => return glass(&entry, text),
        Err(error) => return in_place(&error, text),
    };
    Value::from([
        ("act", entry.act.entry_type().into()),
        ("approvalIdHash", hex(&entry.approval_id_hash).into()),
        ("approver", entry.approver.map(|hash| hex(&hash)).into()),
        (
            "authenticatorData",
            authenticator_data(&entry.authenticator_data),
        ),
        ("clientDataHash", hex(&entry.client_data_hash).into()),
        ("credentialPublicKey", key(&entry.credential_public_key)),
        ("decidedAt", entry.decided_at.to_string().into()),
        ("leafHash", hex(&leaf_hash(text.as_bytes())).into()),
        ("rpId", entry.rp_id.into()),
        ("signature", base64url(&entry.signature).into()),
    ])
}

/// The entry of a use of break-glass.
fn glass(entry: &break_glass::Entry, text: &str) -> Value<'static> {
    Value::from([
        (
            "authenticatorData",
            authenticator_data(&entry.authenticator_data),
        ),
        ("clientDataJSON", client_data(&entry.client_data_json)),
        ("credentialPublicKey", key(&entry.credential_public_key)),
        ("id", entry.id().into()),
        ("leafHash", hex(&leaf_hash(text.as_bytes())).into()),
        ("notBefore", entry.not_before.to_string().into()),
        ("rpId", entry.rp_id.clone().into()),
        ("signature", base64url(&entry.signature).into()),
        ("type", break_glass::ENTRY_TYPE.into()),
    ])
}

fn evidence(evidence: &Evidence) -> Value<'static> {
    let reveal = evidence.approver.as_ref().map(|reveal| {
        Value::from([
            ("blind", base64url(&reveal.blind).into()),
            ("email", reveal.email.clone().into()),
            ("salt", base64url(&reveal.salt).into()),
        ])
    });
    let client_data_json = evidence.client_data_json.as_deref();
    Value::from([
        ("action", evidence.action.clone().into()),
        ("approvalId", evidence.approval_id.clone().into()),
        ("approver", reveal.into()),
        ("clientDataJSON", client_data_json.map(client_data).into()),
        ("context", evidence.context.clone().into()),
        ("payload", evidence.payload.as_deref().map(data).into()),
        (
            "refusal",
            evidence.refusal.map(|random| base64url(&random)).into(),
        ),
    ])
}

fn anchor(anchor: &Anchor) -> Value<'static> {
    let hashes = |hashes: &Vec<[u8; 32]>| -> Value<'static> {
        hashes.iter().map(|hash| Value::from(hex(hash))).collect()
    };
    let header = |header: &Header| {
        Value::from([
            ("bytes", hex(&header.bytes).into()),
            ("height", header.height.into()),
        ])
    };
    Value::from([
        (
            "checkpoint",
            anchor.checkpoint.as_deref().map(signed_checkpoint).into(),
        ),
        (
            "consistency",
            anchor.consistency.as_ref().map(hashes).into(),
        ),
        ("header", anchor.header.as_ref().map(header).into()),
        (
            "logProof",
            anchor.log_proof.as_deref().map(log_proof).into(),
        ),
        ("ots", anchor.ots.as_deref().map(data).into()),
    ])
}

fn confirmation(confirmation: &Confirmation) -> Value<'static> {
    Value::from([
        (
            "approved",
            confirmation.approved.as_ref().map(approved).into(),
        ),
        ("status", confirmation.status.clone().into()),
    ])
}

fn approved(approved: &Approved) -> Value<'static> {
    let assertion = match &approved.assertion {
        Ok(assertion) => Value::from([
            (
                "authenticatorData",
                authenticator_data(assertion.authenticator_data()),
            ),
            ("clientDataJSON", client_data(assertion.client_data_json())),
            ("credentialId", base64url(assertion.credential_id()).into()),
            ("signature", base64url(assertion.signature()).into()),
        ]),
        Err(error) => in_place(error, ""),
    };
    Value::from([
        ("credentialId", base64url(&approved.credential_id).into()),
        ("payloadHash", hex(&approved.payload_hash).into()),
        ("rawAssertion", assertion),
    ])
}

fn registration(registration: &Registration) -> Value<'static> {
    let client_data = registration.client_data();
    let origin = client_data.map(|data| data.origin().to_string());
    Value::from([
        (
            "credentialId",
            base64url(registration.credential_id()).into(),
        ),
        ("flags", flags(registration.flags())),
        ("key", key(registration.key().as_bytes())),
        ("origin", origin.into()),
        ("rpIdHash", hex(registration.rp_id_hash()).into()),
    ])
}

fn log_proof(text: &str) -> Value<'static> {
    let proof = match Proof::parse(text) {
        Ok(proof) => proof,
        Err(error) => return in_place(&error, text),
    };
    Value::from([
        ("checkpoint", checkpoint(proof.checkpoint())),
        ("extra", proof.extra().map(base64url).into()),
        (
            "hashes",
            proof
                .hashes()
                .iter()
                .map(|hash| Value::from(hex(hash)))
                .collect(),
        ),
        ("index", proof.index().into()),
    ])
}

fn signed_checkpoint(text: &str) -> Value<'static> {
    match SignedCheckpoint::parse(text) {
        Ok(signed) => checkpoint(&signed),
        Err(error) => in_place(&error, text),
    }
}

fn checkpoint(signed: &SignedCheckpoint<'_>) -> Value<'static> {
    let head = signed.checkpoint();
    let lines = signed.note().signatures().iter();
    let signatures = lines.map(|line| {
        // Only a cosignature has that length; its type is known to its key alone.
        let time = Cosignature::parse(line.signature())
            .ok()
            .map(|c| c.time().to_string());
        Value::from([
            ("cosignedAt", time.into()),
            ("keyId", hex(&line.id()).into()),
            ("name", line.name().to_string().into()),
        ])
    });
    let extensions = head.extensions().map(|line| Value::from(line.to_string()));
    Value::from([
        ("extensions", extensions.collect()),
        ("origin", head.origin().to_string().into()),
        ("root", hex(&head.root()).into()),
        ("signatures", signatures.collect()),
        ("size", head.size().into()),
    ])
}

fn client_data(bytes: &[u8]) -> Value<'static> {
    let client_data = match ClientData::parse(bytes) {
        Ok(client_data) => client_data,
        Err(error) => return in_place(&error, &String::from_utf8_lossy(bytes)),
    };
    let challenge = match Challenge::parse(client_data.challenge()) {
        Ok(challenge) => Value::from([
            ("nonce", base64url(challenge.nonce()).into()),
            ("payloadHash", hex(challenge.payload_hash()).into()),
        ]),
        Err(error) => match from_base64url(client_data.challenge()) {
            Ok(signed) if break_glass::is_challenge(&signed) => {
                Value::from([("breakGlass", base64url(&signed).into())])
            }
            _ => in_place(&error, client_data.challenge()),
        },
    };
    Value::from([
        ("challenge", challenge),
        ("crossOrigin", client_data.cross_origin().into()),
        ("origin", client_data.origin().to_string().into()),
        ("sha256", hex(&sha256(bytes)).into()),
        (
            "topOrigin",
            client_data.top_origin().map(String::from).into(),
        ),
        ("type", client_data.ceremony().to_string().into()),
    ])
}

fn authenticator_data(bytes: &[u8]) -> Value<'static> {
    let data = match AuthenticatorData::parse(bytes) {
        Ok(data) => data,
        Err(error) => return in_place(&error, &base64url(bytes)),
    };
    let extensions = data.extensions().map(|id| Value::from(id.to_string()));
    Value::from([
        ("extensions", extensions.collect()),
        ("flags", flags(data.flags())),
        ("rpIdHash", hex(data.rp_id_hash()).into()),
        ("signCount", u64::from(data.sign_count()).into()),
    ])
}

fn flags(flags: Flags) -> Value<'static> {
    Value::from([
        ("backedUp", flags.backed_up().into()),
        ("backupEligible", flags.backup_eligible().into()),
        ("userPresent", flags.user_present().into()),
        ("userVerified", flags.user_verified().into()),
    ])
}

fn key(bytes: &[u8]) -> Value<'static> {
    match CoseKey::parse(bytes) {
        Ok(key) => Value::from([
            ("algorithm", key.public_key().algorithm().into()),
            ("coseKey", base64url(bytes).into()),
            ("fingerprint", key.fingerprint().into()),
        ]),
        Err(error) => in_place(&error, &base64url(bytes)),
    }
}

/// Bytes of any kind: as text, where they are one.
fn data(bytes: &[u8]) -> Value<'static> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let content = match core::str::from_utf8(bytes) {
        Ok(text) => ("text", text.to_string().into()),
        Err(_) => ("base64url", base64url(bytes).into()),
    };
    Value::from([
        content,
        ("length", length.into()),
        ("sha256", hex(&sha256(bytes)).into()),
    ])
}

/// The value in the place of a part that could not be read.
fn in_place(error: &dyn Failure, raw: &str) -> Value<'static> {
    let error = Value::from([
        ("code", error.code().as_str().into()),
        ("message", error.to_string().into()),
    ]);
    Value::from([("error", error), ("raw", raw.to_string().into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_vectors::{Algorithm, Approval, Draft};

    fn member<'v>(value: &'v Value<'_>, path: &str) -> &'v Value<'v> {
        path.split('.').fold(value, |value, key| {
            value.as_object().and_then(|o| o.get(key)).expect(path)
        })
    }

    #[test]
    fn shows_every_part_of_a_bundle() {
        let mut approval = Approval::sample(Algorithm::Es256);
        approval.bundle.anchor = Some(Draft::sample(Algorithm::Es256).anchor(3));
        let value = inspect(approval.bundle.text().as_bytes()).unwrap();
        assert_eq!(member(&value, "notice").as_str(), Some(NOTICE));
        for (path, text) in [
            ("bundle.entry.rpId", "approvals.example"),
            ("bundle.entry.credentialPublicKey.algorithm", "ES256"),
            (
                "bundle.evidence.clientDataJSON.origin",
                "https://approvals.example",
            ),
            ("bundle.logProof.checkpoint.origin", "log.example/approvals"),
            ("bundle.anchor.checkpoint.origin", "log.example/approvals"),
        ] {
            assert_eq!(member(&value, path).as_str(), Some(text), "{path}");
        }
        assert!(
            !value.to_text().contains("\"error\""),
            "{}",
            value.to_text()
        );
    }

    #[test]
    fn reads_what_a_bundle_is_made_of() {
        let approval = Approval::sample(Algorithm::EdDsa);
        let proof = approval.bundle.log_proof.text();
        let note = approval.bundle.log_proof.note();
        for (text, kind) in [
            (approval.bundle.entry.as_str(), "entry"),
            (proof.as_str(), "logProof"),
            (note.as_str(), "checkpoint"),
            (&approval.confirmation().to_string(), "confirmation"),
        ] {
            let value = inspect(text.as_bytes()).unwrap();
            assert_eq!(member(&value, "kind").as_str(), Some(kind));
            assert!(member(&value, kind).as_object().is_some());
        }
        for bad in ["", "{}", "[]", "text", "\u{feff}{}"] {
            assert!(inspect(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_error_stands_where_the_broken_part_was() {
        let good = Approval::sample(Algorithm::Es256);
        let text = good.bundle.text().replace("tlog-proof@v1", "tlog-proof@v9");
        let value = inspect(text.as_bytes()).unwrap();
        let code = member(&value, "bundle.logProof.error.code").as_str();
        assert_eq!(code, Some("log.proof_form"));
        assert!(member(&value, "bundle.entry.rpId").as_str().is_some());
    }
}
