//! People whom the demo plays: a passkey in software, and what the gate's pages do with one.

use serde_json::{Value, json};
use verifier_core::hazmat::context::refusal_challenge;
use verifier_core::hazmat::encoding::{from_base64url, sha256};

use crate::Result;
use crate::gate::{Gate, text};
use crate::software::Software;

/// Somebody with a passkey.
#[derive(Debug)]
pub(crate) struct Person {
    passkey: Software,
    rp_id: String,
    pub(crate) fingerprint: String,
}

/// What somebody does to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Approve,
    Refuse,
}

impl Act {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
        }
    }
}

impl Person {
    /// Opens an invitation and makes a passkey.
    pub(crate) fn enrol(gate: &Gate, name: &str, group: &str) -> Result<Self> {
        let link = gate.invite(name, group)?;
        let (_, token) = link.split_once('#').ok_or("the link has no token")?;
        let options = gate.post("/enrol/options", &[], &json!({ "token": token }))?;
        let options = options
            .done()?
            .get("publicKey")
            .cloned()
            .unwrap_or_default();
        let (passkey, made) = Software::register(gate.origin(), &options)?;
        let body = json!({ "token": token, "credential": made });
        let enrolled = gate.post("/enrol/finish", &[], &body)?.done()?;
        let rp_id = options.pointer("/rp/id").and_then(Value::as_str);
        Ok(Self {
            passkey,
            rp_id: rp_id.unwrap_or_default().to_owned(),
            fingerprint: text(&enrolled, "fingerprint").to_owned(),
        })
    }

    /// Signs in, looks at a request, and decides it as the page does.
    pub(crate) fn decide(&self, gate: &Gate, id: &str, act: Act) -> Result<()> {
        let options = gate.post("/session/options", &[], &json!({}))?.done()?;
        let assertion = self.sign(&bytes(&options, "challenge")?)?;
        let session = gate.post("/session/finish", &[], &json!({ "assertion": assertion }))?;
        session.done()?;
        let cookie = session.cookie.ok_or("the gate opened no session")?;
        let shown = gate.get(&format!("/a/{id}/request"), &[("cookie", &cookie)])?;
        let shown = shown.done()?;
        let challenge = challenge(&shown, act)?;
        let body = json!({ "kind": act.as_str(), "assertion": self.sign(&challenge)? });
        let decided = gate.post(&format!("/a/{id}/decision"), &[], &body)?;
        decided.done().map(|_| ())
    }

    fn sign(&self, challenge: &[u8]) -> Result<Value> {
        self.passkey.sign(&self.rp_id, challenge)
    }
}

/// The challenge over what is shown (docs/spec/decision.md).
fn challenge(shown: &Value, act: Act) -> Result<Vec<u8>> {
    let random = bytes(shown, "random")?;
    let random: [u8; 32] = random
        .try_into()
        .map_err(|_| "the random value is no 32 bytes")?;
    let context = sha256(text(shown, "context").as_bytes());
    let payload = sha256(&bytes(shown, "payload")?);
    Ok(match act {
        Act::Approve => [random, context, payload].concat(),
        Act::Refuse => refusal_challenge(&random, &context, &payload).to_vec(),
    })
}

fn bytes(value: &Value, name: &str) -> Result<Vec<u8>> {
    from_base64url(text(value, name)).map_err(|error| format!("`{name}` of the gate: {error}"))
}
