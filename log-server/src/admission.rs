//! Admission: a request to append, read strictly and verified with the rules of the core.
//!
//! ```text
//! {"approvalId":…,"decidedAt":…,"rpId":…,"credentialPublicKey":b64,
//!  "assertion":{PublicKeyCredential JSON},"payloadHash":hex,
//!  "payload":b64?,"action":…?,"approver":{"emailHash":b64,"salt":b64}?,
//!  "context":"…"?,"refusal":{"random":b64}?,
//!  "disclosure":"sealed"|"hash"|"public"?}
//! ```
//!
//! What was done under break-glass has a request of its own, see `glass`.

pub(crate) mod glass;

use verifier_core::AwsLc;
use verifier_core::Code;
use verifier_core::hazmat::bundle::{Bundle, is_approval_id};
use verifier_core::hazmat::commitment::approver_commitment;
use verifier_core::hazmat::encoding::{from_base64url, hex, sha256};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::time::{CLOCK_ALLOWANCE_MILLIS, Time};
use verifier_core::hazmat::webauthn::{
    AssertionJson, ClientData, CoseKey, Expected, UserVerification, VerifiedAssertion,
};
use verifier_core::policy::max_decision_age;
use verifier_core::quote;

use crate::refusal::{Reason, Refusal};
use crate::statement::Statement;
use crate::store::{Addition, Claim, Disclosure, Evidence};

/// The rules of admission: whose approvals a log takes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// The relying party ids.
    pub rp_ids: Vec<String>,
    /// The origins, letter by letter.
    pub origins: Vec<String>,
    /// By default required.
    pub user_verification: UserVerification,
    /// Whether approvals from frames of other origins are admitted. By default not.
    pub allow_cross_origin: bool,
    /// The origins of pages that may have the approval in a frame, where the browser names them.
    pub top_origins: Vec<String>,
    /// How long after a decision it is published at the latest, in milliseconds. By default a day.
    pub max_append_delay: u64,
}

impl Rules {
    /// The strictest rules for approvals of these relying party ids and origins.
    pub fn new(rp_ids: Vec<String>, origins: Vec<String>) -> Self {
        Self {
            rp_ids,
            origins,
            user_verification: UserVerification::Required,
            allow_cross_origin: false,
            top_origins: Vec::new(),
            max_append_delay: 86_400_000,
        }
    }
}

/// The members of a request to append, those that are optional included.
pub(crate) const REQUEST_MEMBERS: &[&str] = &[
    "action",
    "approvalId",
    "approver",
    "assertion",
    "context",
    "credentialPublicKey",
    "decidedAt",
    "disclosure",
    "payload",
    "payloadHash",
    "refusal",
    "rpId",
];

/// A verified approval, refusal, or signature under break-glass.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// The entry without its commitment to the approver.
    pub(crate) entry: Leaf,
    /// The caller's evidence, to be sent back.
    pub(crate) sent: Sent,
    pub(crate) disclosure: Disclosure,
}

/// The evidence in a request.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) approval_id: String,
    pub(crate) client_data_json: Vec<u8>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) action: Option<String>,
    pub(crate) approver: Option<EmailHash>,
    pub(crate) statement: Statement,
}

/// The approver, as the approval service knows them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct EmailHash {
    pub(crate) hash: [u8; 32],
    pub(crate) salt: [u8; 32],
}

impl Admitted {
    /// Reads and verifies. Whether the decision is recent is asked later, of new entries only:
    /// a repeat may come at any time.
    pub(crate) fn read(body: &[u8], rules: &Rules) -> Result<Self, Refusal> {
        let value = Value::parse(body, Limits::bytes(Bundle::MAX_PAYLOAD * 2))
            .map_err(|error| Refusal::new(Reason::NotJson, error.to_string()))?;
        if glass::is_meant(&value) {
            return glass::read(Members::of(&value)?, rules);
        }
        let members = Members::of(&value)?.only(REQUEST_MEMBERS)?;
        let approval_id = members.text("approvalId")?;
        if !is_approval_id(approval_id) {
            return Err(members
                .wrong("approvalId", "a lower-case UUID", approval_id)
                .into());
        }
        let payload_hash = members.hash("payloadHash")?;
        let payload = members.optional_bytes("payload")?;
        if payload
            .as_ref()
            .is_some_and(|p| p.len() > Bundle::MAX_PAYLOAD)
        {
            let problem = schema::Wrong::TooLarge {
                limit: Bundle::MAX_PAYLOAD,
                unit: "bytes",
            };
            return Err(members.error("payload", problem).into());
        }
        let rp_id = members.text("rpId")?;
        let decided_at = members.time("decidedAt")?;
        let key = members.bytes("credentialPublicKey")?;
        let assertion = AssertionJson::from_value(members.value("assertion")?)?;
        let sent = Sent {
            approval_id: approval_id.to_owned(),
            client_data_json: assertion.client_data_json().to_vec(),
            payload,
            action: label(&members, "action")?,
            approver: members
                .optional_members("approver")?
                .map(email_hash)
                .transpose()?,
            statement: Statement::read(&members)?,
        };
        let disclosure = disclosure(&members)?.unwrap_or(Disclosure::Sealed);

        if disclosure == Disclosure::Public && sent.payload.is_none() {
            return Err(Refusal::rejected(
                Code::PayloadMissing,
                "A public entry needs its payload.",
            ));
        }
        let key = CoseKey::parse(&key)?;
        let verified = verify(&key, &assertion, rp_id, rules)?;
        let challenge = verified.client_data().challenge();
        sent.statement.check(challenge, &payload_hash)?;
        if let Some(found) = sent.payload.as_deref().map(sha256)
            && found != payload_hash
        {
            return Err(Refusal::rejected(
                Code::PayloadMismatch,
                "The payload does not have the hash that was signed.",
            )
            .compared(hex(&payload_hash), hex(&found)));
        }
        let entry = Entry::new(
            sent.statement.act(),
            approval_id,
            rp_id,
            decided_at,
            &key,
            &assertion,
            None,
        );
        // With the longest commitment, so that what is admitted here fits.
        Entry::parse(&with_approver(&entry, Some([0; 32])).to_text())?;
        Ok(Self {
            entry: Leaf::Decision(entry),
            sent,
            disclosure,
        })
    }

    pub(crate) fn claim(&self) -> Claim {
        Claim::of(&self.entry)
    }

    /// Refuses a decision that is too old, or in the future: the promise that makes back-dating
    /// provable.
    pub(crate) fn check_time(&self, now: Time, rules: &Rules) -> Result<(), Refusal> {
        let decided = match &self.entry {
            Leaf::BreakGlass(entry) => return glass::check_time(entry, now),
            Leaf::Decision(entry) => entry.decided_at,
        };
        let most = max_decision_age(rules.max_append_delay);
        let earliest = now.as_millis().saturating_sub(most);
        let latest = now.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS);
        if decided.as_millis() >= earliest && decided <= latest {
            return Ok(());
        }
        let earliest = Time::from_millis(earliest).unwrap_or(now);
        Err(Refusal::new(
            Reason::DecidedAt,
            "The decision is too old for this log to append, or in the future.",
        )
        .compared(format!("{earliest} to {latest}"), decided.to_string()))
    }

    /// The new entry, with a commitment that nobody can link to another one.
    pub(crate) fn addition(&self, blind: [u8; 32]) -> Addition {
        let commitment = |approver: EmailHash| approver_commitment(&blind, &approver.hash);
        let leaf = match &self.entry {
            Leaf::BreakGlass(entry) => entry.to_text(),
            Leaf::Decision(entry) => {
                with_approver(entry, self.sent.approver.map(commitment)).to_text()
            }
        };
        let public = self.disclosure == Disclosure::Public;
        let approver = self.sent.approver;
        Addition {
            leaf,
            claim: self.claim(),
            evidence: Evidence {
                disclosure: self.disclosure,
                approval_id: Some(self.sent.approval_id.clone()),
                client_data_json: Some(self.sent.client_data_json.clone()),
                payload: self.sent.payload.clone().filter(|_| public),
                action: self.sent.action.clone().filter(|_| public),
                blind: approver.map(|_| blind),
                salt: approver.map(|approver| approver.salt),
                email: None,
                context: self.sent.statement.context.clone(),
                refusal: self.sent.statement.refusal,
            },
        }
    }

    /// Whether this is what that entry is of, word for word but for the approver, whose
    /// commitment is different each time.
    pub(crate) fn repeats(&self, entry: &Leaf) -> bool {
        match entry {
            Leaf::BreakGlass(_) => *entry == self.entry,
            Leaf::Decision(entry) => Leaf::Decision(with_approver(entry, None)) == self.entry,
        }
    }
}

fn with_approver(entry: &Entry, approver: Option<[u8; 32]>) -> Entry {
    let mut entry = entry.clone();
    entry.approver = approver;
    entry
}

/// Every rule of the core about the assertion, in its order; the code is the one that an auditor
/// would get. What was signed is for [`Statement::check`] to judge.
fn verify(
    key: &CoseKey,
    json: &AssertionJson,
    rp_id: &str,
    rules: &Rules,
) -> Result<VerifiedAssertion, Refusal> {
    require_rp_id(rp_id, rules)?;
    // Whatever it is: one that is malformed fits no expectation.
    let challenge = ClientData::parse(json.client_data_json()).ok();
    let challenge = challenge.and_then(|data| from_base64url(data.challenge()).ok());
    let challenge = challenge.unwrap_or_default();
    let mut expected = Expected::new(rp_id.into(), rules.origins.clone(), challenge);
    expected.user_verification = rules.user_verification;
    expected.allow_cross_origin = rules.allow_cross_origin;
    expected.top_origins = rules.top_origins.clone();
    Ok(json.assertion().verify(key, &expected, &AwsLc)?)
}

fn require_rp_id(rp_id: &str, rules: &Rules) -> Result<(), Refusal> {
    if rules.rp_ids.iter().any(|known| known == rp_id) {
        return Ok(());
    }
    let detail = "This log admits no approvals for this relying party id.";
    Err(Refusal::rejected(Code::WebauthnRpId, detail)
        .compared(rules.rp_ids.join(", "), quote(rp_id)))
}

fn email_hash(members: Members<'_, '_>) -> Result<EmailHash, schema::Error> {
    let members = members.only(&["emailHash", "salt"])?;
    Ok(EmailHash {
        hash: members.array("emailHash")?,
        salt: members.array("salt")?,
    })
}

/// A short text, if it is there: bundles have a largest size.
pub(crate) fn label(members: &Members<'_, '_>, key: &str) -> Result<Option<String>, schema::Error> {
    const LONGEST: usize = 1024;
    match members.optional_text(key)? {
        Some(text) if text.len() > LONGEST => {
            let problem = schema::Wrong::TooLarge {
                limit: LONGEST,
                unit: "bytes",
            };
            Err(members.error(key, problem))
        }
        text => Ok(text.map(Into::into)),
    }
}

/// The member `disclosure`, if it is there.
pub(crate) fn disclosure(members: &Members<'_, '_>) -> Result<Option<Disclosure>, schema::Error> {
    let Some(text) = members.optional_text("disclosure")? else {
        return Ok(None);
    };
    Disclosure::parse(text)
        .map(Some)
        .ok_or_else(|| members.wrong("disclosure", "sealed, hash or public", text))
}
