//! A second reading of docs/spec/verification.md, and of decision.md and roster.md beside it: the tables of the specification, taken down as
//! they stand, without a thought for speed or messages.
//!
//! Nothing here comes from the verifier. The vectors expect the checks that this module finds, and
//! `cargo xtask fuzz --oracle` holds the verifier against it on inputs that nobody wrote. Policies
//! and header files have to be well formed, as they are wherever it is asked.

mod assertion;
mod bitcoin;
mod cbor;
mod context;
mod decision;
mod encodings;
mod entry;
mod json;
mod keys;
mod log;
mod people;
mod procedure;
mod roster;
mod shape;

use serde_json::{Value, json};

use crate::encoding::from_b64url;
use crate::tree::Hash;

/// The evidence, and the knowledge and questions of the caller.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The bytes of a bundle, a confirmation or a decision.
    pub input: Vec<u8>,
    /// The policy, well formed.
    pub policy: Option<Value>,
    /// The payload that the caller has.
    pub payload: Option<Vec<u8>>,
    /// Its SHA-256, if that is what the caller has.
    pub payload_sha256: Option<Hash>,
    /// The approval that it should be.
    pub approval_id: Option<String>,
    /// The name of who should have approved.
    pub approver: Option<String>,
    /// The relying party that it should be for.
    pub rp_id: Option<String>,
    /// The file of a roster.
    pub roster: Option<Vec<u8>>,
    /// A header file, well formed.
    pub headers: Option<Vec<u8>>,
    /// The moment that the caller asks about, in milliseconds since 1970.
    pub at: Option<u64>,
}

impl Question {
    /// The input of a vector of kind `bundle`, `decision` or `roster`.
    pub fn of_vector(input: &Value) -> Self {
        let bytes = |key: &str| input[key].as_str().map(from_b64url);
        let asked = |key: &str| input["expectations"][key].as_str().map(str::to_owned);
        let text = |key: &str| input[key].as_str().map(|text| text.as_bytes().to_vec());
        let evidence = text("bundleText").or_else(|| text("decisionText"));
        Self {
            input: evidence.unwrap_or_default(),
            policy: Some(input["policy"].clone()).filter(|policy| !policy.is_null()),
            payload: bytes("payload"),
            payload_sha256: asked("payloadSha256")
                .map(|hex| encodings::hex(&hex).unwrap().try_into().unwrap()),
            approval_id: asked("approvalId"),
            approver: asked("approver"),
            rp_id: asked("rpId"),
            roster: text("roster"),
            headers: bytes("headers"),
            at: input["at"].as_str().map(|at| encodings::time(at).unwrap()),
        }
    }

    /// Goes through the procedure.
    pub fn answer(&self) -> Answer {
        procedure::answer(self)
    }

    /// The code for the file of a roster under the policy, or nothing if it holds.
    pub fn roster_code(&self) -> Option<&'static str> {
        let policy = self.policy.as_ref()?;
        roster::read(self, policy, self.roster.as_deref()?).err()
    }
}

/// Whether a text is a context.
pub fn is_context(text: &str) -> bool {
    context::Context::read(text).is_some()
}

/// The findings that a verifier has to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// `VERIFIED`, `REJECTED`, `INCOMPLETE` or `MALFORMED`.
    pub verdict: &'static str,
    /// The code of the report.
    pub code: &'static str,
    /// All checks in the order of reports; none for a malformed input.
    pub checks: Vec<Check>,
    /// The time by which the approval is proven to have existed.
    pub not_later_than: Option<String>,
}

impl Answer {
    /// The expectation of a vector of kind `bundle` or `decision`; the code is that of its author, because which
    /// of several defects of a malformed input counts is left open.
    pub fn expectation(&self, code: &str) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| json!({"id": check.id, "status": check.status, "code": check.code}))
            .collect();
        json!({
            "verdict": self.verdict,
            "code": code,
            "checks": checks,
            "notLaterThan": self.not_later_than,
        })
    }
}

/// How a check ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Check {
    /// The check.
    pub id: &'static str,
    /// `pass`, `fail`, `incomplete`, `skipped` or `not_checked`.
    pub status: &'static str,
    /// Why it failed or is incomplete.
    pub code: Option<&'static str>,
}
