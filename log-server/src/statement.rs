//! What was signed beside the payload: the context, and of a refusal its random part.
//!
//! One rule for what is admitted, for what is shown later, and for what `fsck` finds.

use verifier_core::Code;
use verifier_core::hazmat::context::{Context, refusal_challenge};
use verifier_core::hazmat::encoding::{from_base64url, hex, sha256};
use verifier_core::hazmat::entry::Act;
use verifier_core::hazmat::payload::Challenge;
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::webauthn::ClientData;

use crate::refusal::Refusal;
use crate::store::Evidence;

/// What was signed beside the payload, as somebody states it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    /// The text of the context.
    pub(crate) context: Option<String>,
    /// The random part of what a refusal signs.
    pub(crate) refusal: Option<[u8; 32]>,
}

impl Statement {
    /// The members `context` and `refusal` of a request.
    pub(crate) fn read(members: &Members<'_, '_>) -> Result<Self, schema::Error> {
        let refusal = members.optional_members("refusal")?;
        Ok(Self {
            context: members.optional_text("context")?.map(Into::into),
            refusal: refusal
                .map(|members| members.only(&["random"])?.array("random"))
                .transpose()?,
        })
    }

    /// The statement that is kept beside an entry.
    pub(crate) fn of(kept: &Evidence) -> Self {
        Self {
            context: kept.context.clone(),
            refusal: kept.refusal,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.context.is_none() && self.refusal.is_none()
    }

    pub(crate) fn act(&self) -> Act {
        match self.refusal {
            Some(_) => Act::Refusal,
            None => Act::Approval,
        }
    }

    /// Fails unless this challenge, as client data have it, was made of this statement and of a
    /// payload with this hash: with the code that an auditor would get.
    pub(crate) fn check(&self, challenge: &str, payload_hash: &[u8; 32]) -> Result<(), Refusal> {
        if let Some(text) = &self.context {
            Context::parse(text)?;
        }
        let context = self.context.as_ref().map(|text| sha256(text.as_bytes()));
        match (&self.refusal, context) {
            (None, context) => check_approval(challenge, payload_hash, context.as_ref()),
            (Some(random), Some(context)) => {
                let expected = refusal_challenge(random, &context, payload_hash);
                check_refusal(challenge, &expected)
            }
            (Some(_), None) => {
                let message = "A refusal signs its context: send it along.";
                Err(Refusal::rejected(Code::EvidenceRefusalMissing, message))
            }
        }
    }

    /// Fails unless this is what an entry of this kind needs beside its client data, as far as that
    /// shows without the payload: which context a refusal signs only the payload shows.
    pub(crate) fn check_form(&self, act: Act, client_data_json: &[u8]) -> Result<(), Refusal> {
        match act {
            Act::Refusal if self.refusal.is_none() || self.context.is_none() => {
                let message =
                    "What a refusal signs was erased: send its random part and its context along.";
                Err(Refusal::rejected(Code::EvidenceRefusalMissing, message))
            }
            Act::Approval if self.refusal.is_some() => {
                let message = "The entry is that of an approval.";
                Err(Refusal::rejected(Code::EntryTypeMismatch, message))
            }
            Act::Approval if self.context.is_some() => {
                let challenge = challenge(client_data_json)?;
                let hash = *Challenge::parse(&challenge)?.payload_hash();
                self.check(&challenge, &hash)
            }
            _ => Ok(()),
        }
    }
}

fn check_approval(
    challenge: &str,
    payload_hash: &[u8; 32],
    context: Option<&[u8; 32]>,
) -> Result<(), Refusal> {
    let signed = Challenge::parse(challenge)?;
    if signed.payload_hash() != payload_hash {
        let message = "The payload hash is not the one that was signed.";
        return Err(Refusal::rejected(Code::PayloadMismatch, message)
            .compared(hex(payload_hash), hex(signed.payload_hash())));
    }
    match context {
        Some(hash) if signed.context_hash() != Some(hash) => {
            let message = "The context is not the one that was signed.";
            Err(Refusal::rejected(Code::ContextMismatch, message))
        }
        _ => Ok(()),
    }
}

fn check_refusal(challenge: &str, expected: &[u8]) -> Result<(), Refusal> {
    match (Challenge::parse(challenge), from_base64url(challenge)) {
        (Ok(_), _) => {
            let message =
                "What was signed is an approval, and the request says that it is a refusal.";
            Err(Refusal::rejected(Code::EntryTypeMismatch, message))
        }
        (Err(_), Ok(signed)) if signed == expected => Ok(()),
        (Err(_), Ok(signed)) if signed.len() == expected.len() => {
            let message = "With this payload and this context the refusal does not lead to what \
                           was signed.";
            Err(Refusal::rejected(Code::PayloadMismatch, message)
                .compared(hex(expected), hex(&signed)))
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The challenge in client data that were admitted.
pub(crate) fn challenge(client_data_json: &[u8]) -> Result<String, Refusal> {
    let data = ClientData::parse(client_data_json).map_err(|_| Refusal::internal())?;
    Ok(data.challenge().to_owned())
}
