//! What people sign: the challenge of each act, and whether an assertion is over it.

use verifier_core::AwsLc;
use verifier_core::hazmat::context::refusal_challenge;
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::webauthn::{AssertionJson, CoseKey};

use crate::person::Credential;
use crate::refusal::{Reason, Refusal, Result};
use crate::request::{Act, Request};
use crate::site::Site;

/// The longest assertion JSON, in bytes.
pub(crate) const MAX_ASSERTION: usize = 32 * 1024;

/// The challenge that somebody signs to do this to a request (docs/spec/decision.md).
pub(crate) fn challenge(request: &Request, person: &str, act: Act) -> Vec<u8> {
    let random = request.random(person);
    let context = sha256(request.context.as_bytes());
    match act {
        Act::Approve => [random, context, request.payload_hash].concat(),
        Act::Refuse => refusal_challenge(&random, &context, &request.payload_hash).to_vec(),
    }
}

/// An assertion as a browser sends it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) assertion: AssertionJson,
    /// The text, in canonical form: what is kept and what the log gets.
    pub(crate) text: String,
}

impl Sent {
    pub(crate) fn read(value: &Value<'_>) -> Result<Self> {
        let assertion = AssertionJson::from_value(value).map_err(|error| Refusal::of(&error))?;
        let text = value.to_text();
        if text.len() > MAX_ASSERTION {
            return Err(Refusal::new(Reason::Schema, "The assertion is too long."));
        }
        Ok(Self { assertion, text })
    }

    /// The challenge that it says it is over.
    pub(crate) fn challenge(&self) -> Result<Vec<u8>> {
        use verifier_core::hazmat::encoding::from_base64url;
        use verifier_core::hazmat::webauthn::ClientData;
        let client_data = ClientData::parse(self.assertion.client_data_json())
            .map_err(|error| Refusal::of(&error))?;
        from_base64url(client_data.challenge())
            .map_err(|_| Refusal::new(Reason::Schema, "The challenge is not base64url."))
    }
}

/// Whether an assertion is by this passkey, over this challenge, at this site, by somebody whom the
/// passkey has recognised: the core's rules, and no other.
pub(crate) fn verify(
    site: &Site,
    credential: &Credential,
    challenge: Vec<u8>,
    sent: &Sent,
) -> Result<()> {
    let key = CoseKey::parse(&credential.public_key).map_err(|error| Refusal::of(&error))?;
    let assertion = sent.assertion.assertion();
    match assertion.verify(&key, &site.expected(challenge), &AwsLc) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::of(&error)),
    }
}

/// Reads a body of JSON.
pub(crate) fn read_json(body: &[u8], most: usize) -> Result<Value<'_>> {
    Value::parse(body, Limits::bytes(most)).map_err(|error| {
        let detail = format!("The body is not strict JSON: {error}.");
        Refusal::new(Reason::NotJson, detail)
    })
}
