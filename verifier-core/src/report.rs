//! The report: the checks, the findings, and the limits of the proof.
//!
//! A report has no clock and no path in it: the same input, policy and expectations give the same
//! bytes on every machine and in every year.

mod anchor;
mod decision;
mod log;
mod subject;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::check::Check;
use crate::code::Code;
use crate::decision::Person;
use crate::encoding::hex;
use crate::json::Value;
use crate::policy::Approver;
use crate::time::Time;

pub use anchor::{AnchorFacts, Strength};
pub use decision::{DecisionFacts, RosterFacts, SignedFacts};
pub use log::{LogFacts, SignatureFacts, Signer, WitnessFacts};
pub use subject::{PayloadMatch, Subject};

/// The `schema` of the reports that this version writes.
pub const SCHEMA: &str = "cosignet.report/v1";

/// The answer to "did a human approve this?".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing failed, but a required check could not be made.
    Incomplete,
    /// Nothing can be concluded from the input.
    Malformed,
    /// A check ran and failed.
    Rejected,
    /// Every check that the policy requires ran and passed.
    Verified,
}

impl Verdict {
    /// The word that a report begins with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Malformed => "MALFORMED",
            Self::Rejected => "REJECTED",
            Self::Verified => "VERIFIED",
        }
    }

    /// The exit code of a process that reports this verdict alone.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Rejected => 1,
            Self::Malformed => 3,
            Self::Incomplete => 4,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A verdict and its reasons. Only [`crate::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) verdict: Verdict,
    pub(crate) code: Code,
    pub(crate) summary: String,
    pub(crate) subject: Option<Subject>,
    /// Not in the JSON: it is in the bundle.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) signed: Option<SignedFacts>,
    pub(crate) approver: Option<ApproverFacts>,
    pub(crate) roster: Option<RosterFacts>,
    pub(crate) claimed: Claimed,
    pub(crate) log: Option<LogFacts>,
    pub(crate) anchor: Option<AnchorFacts>,
    pub(crate) bound: Option<Bound>,
    pub(crate) decision: Option<DecisionFacts>,
    /// Of a decision, in its order.
    pub(crate) approvals: Vec<Self>,
    pub(crate) expected: Vec<Expected>,
    pub(crate) checks: Vec<Check>,
    pub(crate) not_proven: Vec<NotProven>,
    pub(crate) policy: Option<PolicyFacts>,
    pub(crate) inputs: Inputs,
    pub(crate) at: Option<Time>,
}

impl Report {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The code of the first failed check, else of the first incomplete one, else `ok`.
    pub fn code(&self) -> Code {
        self.code
    }

    /// One sentence for people.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The signed facts; `None` unless the signature verified.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// The payload that was signed, as the bundle carries it; `None` unless the signature verified
    /// and nothing contradicts the payload. Without one in the bundle the signed bytes are those
    /// that the caller gave, if [`Subject::payload_match`] is [`PayloadMatch::Exact`].
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// The context that was signed; `None` unless signature and context verified.
    pub fn signed(&self) -> Option<&SignedFacts> {
        self.signed.as_ref()
    }

    /// The version of the roster that was in force; `None` unless the policy leaves it to one, and
    /// it lists the key.
    pub fn roster(&self) -> Option<&RosterFacts> {
        self.roster.as_ref()
    }

    /// Who approved and who refused; `None` unless it is a decision, or the policy asks for one.
    pub fn decision(&self) -> Option<&DecisionFacts> {
        self.decision.as_ref()
    }

    /// The report on each bundle of a decision, in its order; empty for anything else.
    pub fn approvals(&self) -> &[Self] {
        &self.approvals
    }

    /// The person, and the groups of the key that signed.
    pub(crate) fn person(&self) -> Option<Person> {
        let approver = self.approver.as_ref()?;
        Some(Person {
            name: approver.person.clone(),
            groups: approver.groups.clone(),
        })
    }

    /// Whose key signed; `None` unless the signature verified and the policy lists the key.
    pub fn approver(&self) -> Option<&ApproverFacts> {
        self.approver.as_ref()
    }

    /// The service's claims, which nobody signed.
    pub fn claimed_by_service(&self) -> &Claimed {
        &self.claimed
    }

    /// Where the entry stands; `None` unless inclusion and checkpoint signature verified.
    pub fn log(&self) -> Option<&LogFacts> {
        self.log.as_ref()
    }

    /// The Bitcoin block that the timestamp leads to; `None` unless its path is in order. How far
    /// to believe it is in [`AnchorFacts::strength`].
    pub fn anchor(&self) -> Option<&AnchorFacts> {
        self.anchor.as_ref()
    }

    /// The earliest time by which the approval is proven to have existed: a quorum of the
    /// policy's witnesses had cosigned a tree that contains it, or a Bitcoin block had.
    pub fn not_later_than(&self) -> Option<Time> {
        self.bound.map(|bound| bound.time)
    }

    /// Whose word [`Report::not_later_than`] is. A sentence about that time has to name it.
    pub fn not_later_than_from(&self) -> Option<BoundSource> {
        self.bound.map(|bound| bound.from)
    }

    /// The caller's expectations of the approval; empty if nothing. Then any genuine approval of
    /// anybody in the policy is VERIFIED, however old.
    pub fn expected(&self) -> &[Expected] {
        &self.expected
    }

    /// Every check, in order; empty if the input was malformed.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The limits of the evidence.
    pub fn not_proven(&self) -> &[NotProven] {
        &self.not_proven
    }

    /// The policy that was applied.
    pub fn policy(&self) -> Option<&PolicyFacts> {
        self.policy.as_ref()
    }

    /// The hashes of the inputs.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The moment the caller asked about.
    pub fn at(&self) -> Option<Time> {
        self.at
    }

    /// The report as JSON, one line, keys in canonical order, integers exact.
    pub fn to_json(&self) -> String {
        self.to_value().to_text()
    }

    /// The report as JSON for programs that add members of their own.
    // Recursion is bounded: the reports of a decision's bundles have none in them.
    pub fn to_value(&self) -> Value<'_> {
        Value::from([
            (
                "anchor",
                self.anchor.as_ref().map(AnchorFacts::to_value).into(),
            ),
            (
                "approver",
                self.approver.as_ref().map(ApproverFacts::to_value).into(),
            ),
            (
                "approvals",
                self.approvals.iter().map(Self::to_value).collect(),
            ),
            ("at", self.at.map(|at| at.to_string()).into()),
            ("checks", self.checks.iter().map(Check::to_value).collect()),
            ("claimedByService", self.claimed.to_value()),
            ("code", self.code.as_str().into()),
            (
                "decision",
                self.decision.as_ref().map(DecisionFacts::to_value).into(),
            ),
            ("exitCode", u64::from(self.verdict.exit_code()).into()),
            ("expected", expected(&self.expected)),
            ("inputs", self.inputs.to_value()),
            ("log", self.log.as_ref().map(LogFacts::to_value).into()),
            (
                "notLaterThan",
                self.not_later_than().map(|time| time.to_string()).into(),
            ),
            (
                "notLaterThanFrom",
                self.not_later_than_from().map(BoundSource::as_str).into(),
            ),
            (
                "notProven",
                self.not_proven
                    .iter()
                    .map(|one| Value::from(one.text.as_str()))
                    .collect(),
            ),
            (
                "notProvenIds",
                self.not_proven
                    .iter()
                    .map(|one| Value::from(one.id))
                    .collect(),
            ),
            (
                "policy",
                self.policy.as_ref().map(PolicyFacts::to_value).into(),
            ),
            (
                "roster",
                self.roster.as_ref().map(RosterFacts::to_value).into(),
            ),
            ("schema", SCHEMA.into()),
            (
                "signed",
                self.signed.as_ref().map(SignedFacts::to_value).into(),
            ),
            (
                "subject",
                self.subject.as_ref().map(Subject::to_value).into(),
            ),
            ("summary", self.summary.as_str().into()),
            ("verdict", self.verdict.as_str().into()),
            (
                "verifier",
                Value::from([("version", env!("CARGO_PKG_VERSION").into())]),
            ),
        ])
    }
}

/// `"nothing"`, or what was expected.
fn expected(list: &[Expected]) -> Value<'static> {
    match list {
        [] => "nothing".into(),
        list => list.iter().map(|one| Value::from(one.as_str())).collect(),
    }
}

/// Something that the caller expected of the approval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Expected {
    /// An approval id.
    ApprovalId,
    /// An approver, by the name in the policy.
    Approver,
    /// A payload.
    Payload,
    /// The SHA-256 of a payload.
    PayloadSha256,
    /// A relying party id.
    RpId,
}

impl Expected {
    /// The text in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalId => "approvalId",
            Self::Approver => "approver",
            Self::Payload => "payload",
            Self::PayloadSha256 => "payloadSha256",
            Self::RpId => "rpId",
        }
    }
}

/// A time by which the approval existed, and whose word that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) time: Time,
    pub(crate) from: BoundSource,
}

/// Where a proven time comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BoundSource {
    /// A quorum of the policy's witnesses had cosigned the head that was anchored.
    AnchoredQuorum,
    /// A Bitcoin block had been made that commits to the head that was anchored.
    Block,
    /// A quorum of the policy's witnesses had cosigned the head in the bundle's log proof.
    Quorum,
}

impl BoundSource {
    /// The text in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnchoredQuorum => "anchoredQuorum",
            Self::Block => "block",
            Self::Quorum => "quorum",
        }
    }
}

/// Something that somebody might read into the verdict and that the evidence does not show.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NotProven {
    /// Stable, for programs; docs/spec/report.md lists them.
    pub id: &'static str,
    /// One sentence, for people.
    pub text: String,
}

/// Whose key it is, according to the policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApproverFacts {
    /// The name in the policy.
    pub name: String,
    /// SHA-256 of the COSE_Key.
    pub key_sha256: [u8; 32],
    /// Whose key it is: several keys may be one person's.
    pub person: String,
    pub(crate) groups: Vec<String>,
}

impl ApproverFacts {
    pub(crate) fn of(approver: &Approver) -> Self {
        Self {
            name: approver.name.clone(),
            key_sha256: approver.key.sha256(),
            person: approver.person.clone(),
            groups: approver.groups.clone(),
        }
    }

    fn to_value(&self) -> Value<'_> {
        Value::from([
            ("keySha256", hex(&self.key_sha256).into()),
            ("name", self.name.as_str().into()),
            ("person", self.person.as_str().into()),
        ])
    }
}

/// The service's claims, which nobody signed. The log entry commits to the approval id and to the
/// e-mail address; that ties them to the entry, not to the human.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// A label of the action.
    pub action: Option<String>,
    /// The approval id.
    pub approval_id: Option<String>,
    /// The approver's e-mail address, if it opens the commitment in the entry.
    pub approver_email: Option<String>,
    /// When the human decided.
    pub decided_at: Option<Time>,
    /// The outcome of the request.
    pub status: Option<String>,
}

impl Claimed {
    fn to_value(&self) -> Value<'_> {
        Value::from([
            ("action", self.action.as_deref().into()),
            ("approvalId", self.approval_id.as_deref().into()),
            ("approverEmail", self.approver_email.as_deref().into()),
            (
                "decidedAt",
                self.decided_at.map(|time| time.to_string()).into(),
            ),
            ("status", self.status.as_deref().into()),
        ])
    }
}

/// Which policy was applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyFacts {
    /// Its name.
    pub name: String,
    /// SHA-256 of its canonical JSON.
    pub sha256: [u8; 32],
    /// The bringer, see [`crate::Request::policy_source`].
    pub source: String,
}

impl PolicyFacts {
    fn to_value(&self) -> Value<'_> {
        Value::from([
            ("name", self.name.as_str().into()),
            ("sha256", hex(&self.sha256).into()),
            ("source", self.source.as_str().into()),
        ])
    }
}

/// The hashes of the inputs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inputs {
    /// SHA-256 of the bundle or confirmation.
    pub bundle_sha256: [u8; 32],
    /// SHA-256 of the caller's payload, or the hash the caller named.
    pub payload_sha256: Option<[u8; 32]>,
}

impl Inputs {
    fn to_value(&self) -> Value<'_> {
        Value::from([
            ("bundleSha256", hex(&self.bundle_sha256).into()),
            (
                "payloadSha256",
                self.payload_sha256.map(|hash| hex(&hash)).into(),
            ),
        ])
    }
}
