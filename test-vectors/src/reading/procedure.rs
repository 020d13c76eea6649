//! The checks, in the order in which one needs the other.

mod anchor;
mod context;
mod expectation;
mod log;
mod signature;
mod verdict;

use serde_json::Value;

use super::assertion::ClientData;
use super::encodings::show_time;
use super::entry::Entry;
use super::keys::{Key, identity};
use super::log::Policy as LogPolicy;
use super::people::{Clause, Holder};
use super::roster::{Place, Version, holders_of_policy};
use super::shape::{Bundle, Confirmation, Input};
use super::{Answer, Check, Question, decision, roster};
use crate::encoding::sha256;
use crate::entry::{Disclosure, email_hash};
use crate::tree::Hash;

pub(super) use verdict::{coded, judge, verdict};

/// The checks that need a claim, and the two other families.
const CLAIM: [&str; 12] = [
    "webauthn.key",
    "webauthn.signature",
    "webauthn.client_data",
    "webauthn.type",
    "webauthn.challenge",
    "webauthn.origin",
    "webauthn.cross_origin",
    "webauthn.authenticator_data",
    "webauthn.rp_id",
    "webauthn.user_presence",
    "webauthn.user_verification",
    "payload.binding",
];
const LOG: [&str; 3] = ["log.proof", "log.checkpoint", "log.quorum"];
const ANCHOR: [&str; 4] = ["anchor.log", "anchor.path", "anchor.header", "anchor.chain"];

/// Two hours and two minutes, in milliseconds.
const BLOCK: u64 = 7_200_000;
const CLOCK: u64 = 120_000;

pub(super) fn answer(question: &Question) -> Answer {
    let input = match Input::read(&question.input) {
        Ok(input) => input,
        Err(code) => {
            return Answer {
                verdict: "MALFORMED",
                code,
                checks: Vec::new(),
                not_later_than: None,
            };
        }
    };
    let trust = Trust::of(question);
    match &input {
        Input::Bundle(bundle) => Course::new(question, &trust, true).of_bundle(bundle).0,
        Input::Confirmation(confirmation) => {
            Course::new(question, &trust, true).of_confirmation(confirmation)
        }
        Input::Decision(decision) => decision::answer(question, &trust, decision).0,
    }
}

/// Everything that the owner of the verdict trusts.
pub(super) struct Trust<'q> {
    pub(super) policy: Option<&'q Value>,
    log: Option<LogPolicy>,
    who: Who,
    pub(super) rules: Rules,
}

/// The keys of those who may approve.
pub(super) enum Who {
    /// There is no policy.
    Nobody,
    Listed(Vec<Holder>),
    /// The versions of the roster, or the code of the check `roster`.
    Roster(Result<Vec<Version>, &'static str>),
}

/// The policy's `decision`.
#[derive(Default)]
pub(super) struct Rules {
    /// `None` if the policy has no `decision`.
    pub(super) clauses: Option<Vec<Clause>>,
    needs_context: bool,
    audience: Option<String>,
    enforces_expiry: bool,
}

impl<'q> Trust<'q> {
    pub(super) fn new(policy: Option<&'q Value>, who: Who, rules: Rules) -> Self {
        Self {
            policy,
            log: policy
                .and_then(|policy| policy["log"]["policy"].as_str())
                .map(LogPolicy::read),
            who,
            rules,
        }
    }

    fn of(question: &'q Question) -> Self {
        let policy = question.policy.as_ref();
        let who = match (policy, &question.roster) {
            (None, _) => Who::Nobody,
            (Some(policy), _) if policy["roster"].is_null() => {
                Who::Listed(holders_of_policy(&policy["approvers"]))
            }
            (Some(_), None) => Who::Roster(Err("roster.missing")),
            (Some(policy), Some(file)) => Who::Roster(roster::read(question, policy, file)),
        };
        Self::new(policy, who, policy.map(Rules::of).unwrap_or_default())
    }

    fn has_roster(&self) -> bool {
        matches!(self.who, Who::Roster(_))
    }

    /// The keys among which that of a confirmation is looked up.
    fn newest(&self) -> &[Holder] {
        match &self.who {
            Who::Listed(holders) => holders,
            Who::Roster(Ok(versions)) => &versions.last().unwrap().approvers,
            Who::Nobody | Who::Roster(Err(_)) => &[],
        }
    }
}

impl Rules {
    /// These clauses, and no word about contexts.
    pub(super) fn wanting(clauses: Vec<Clause>) -> Self {
        Self {
            clauses: Some(clauses),
            ..Self::default()
        }
    }

    fn of(policy: &Value) -> Self {
        let decision = &policy["decision"];
        let audience = decision["audience"].as_str().map(str::to_owned);
        let enforces_expiry = decision["expiry"] == "enforced";
        Self {
            clauses: (!decision.is_null()).then(|| Clause::of_policy(&decision["require"])),
            needs_context: decision["context"] == "required"
                || audience.is_some()
                || enforces_expiry,
            audience,
            enforces_expiry,
        }
    }
}

/// The signer and the payload that the evidence names.
struct Claim<'a> {
    entry: Option<&'a Entry>,
    key: Option<Key>,
    authenticator_data: &'a [u8],
    signature: &'a [u8],
    client_data_hash: Hash,
    client_data: Option<&'a [u8]>,
    payload: Option<&'a [u8]>,
    context: Option<&'a str>,
    random: Option<Hash>,
}

impl Claim<'_> {
    fn refuses(&self) -> bool {
        self.entry.is_some_and(|entry| entry.refuses)
    }
}

/// The challenge of well-formed client data, if it has the form for the entry's type.
enum Challenge {
    Unknown,
    Approves(Vec<u8>),
    Refuses(Vec<u8>),
}

/// What a decision has to know of a bundle.
#[derive(Default)]
pub(super) struct Facts {
    /// The client data's hash and the key, of a well-formed entry.
    pub(super) assertion: Option<(Hash, Vec<u8>)>,
    pub(super) bound: Option<u64>,
    pub(super) has_subject: bool,
    pub(super) holder: Option<Holder>,
    pub(super) place: Option<Place>,
    /// `requestId` of a context that is signed.
    pub(super) request_id: Option<String>,
    /// The hashes of payload and context, as far as they are known.
    pub(super) signed_for: Option<(Hash, Hash)>,
}

pub(super) struct Course<'q> {
    question: &'q Question,
    trust: &'q Trust<'q>,
    /// Whether the bundle stands in no decision.
    alone: bool,
    refuses: bool,
    checks: Vec<Check>,
    /// The earliest proven time, in milliseconds.
    bound: Option<u64>,
    /// The allowance for clocks, in milliseconds.
    times: Vec<u64>,
    facts: Facts,
}

impl<'q> Course<'q> {
    pub(super) fn new(question: &'q Question, trust: &'q Trust<'q>, alone: bool) -> Self {
        Self {
            question,
            trust,
            alone,
            refuses: false,
            checks: Vec::new(),
            bound: None,
            times: Vec::new(),
            facts: Facts::default(),
        }
    }

    pub(super) fn of_bundle(mut self, bundle: &Bundle) -> (Answer, Facts) {
        self.roster();
        self.bundle(bundle);
        self.time();
        self.conclude(true)
    }

    fn of_confirmation(mut self, confirmation: &Confirmation) -> Answer {
        self.roster();
        self.confirmation(confirmation);
        self.time();
        self.conclude(false).0
    }

    fn roster(&mut self) {
        match &self.trust.who {
            Who::Nobody | Who::Listed(_) => {}
            Who::Roster(Ok(_)) => self.pass("roster"),
            Who::Roster(Err(code)) => self.coded("roster", code),
        }
    }

    fn put(&mut self, id: &'static str, status: &'static str, code: Option<&'static str>) {
        self.checks.push(Check { id, status, code });
    }

    fn pass(&mut self, id: &'static str) {
        self.put(id, "pass", None);
    }

    fn skip(&mut self, ids: &[&'static str]) {
        ids.iter().for_each(|id| self.put(id, "skipped", None));
    }

    fn leave(&mut self, ids: &[&'static str]) {
        ids.iter().for_each(|id| self.put(id, "not_checked", None));
    }

    /// Failed or incomplete, as the code says.
    fn coded(&mut self, id: &'static str, code: &'static str) {
        self.checks.push(coded(id, code));
    }

    /// Passed, or failed with the code.
    fn judge(&mut self, id: &'static str, holds: bool, code: &'static str) {
        self.checks.push(judge(id, holds, code));
    }

    fn passed(&self, id: &str) -> bool {
        let check = self.checks.iter().find(|check| check.id == id);
        check.is_some_and(|check| check.status == "pass")
    }

    fn proves(&mut self, millis: u64) {
        self.bound = Some(self.bound.map_or(millis, |bound| bound.min(millis)));
    }

    fn bundle(&mut self, bundle: &Bundle) {
        let entry = match Entry::read(&bundle.entry) {
            Ok(entry) => {
                self.pass("entry.form");
                self.times.push(entry.decided_at);
                Some(entry)
            }
            Err(code) => {
                self.coded("entry.form", code);
                None
            }
        };
        let head = self.log_checks(bundle);
        self.anchor_checks(bundle, head);
        let Some(entry) = entry else {
            self.skip(&["evidence.match", "approver.key"]);
            self.skip(&CLAIM);
            self.context(bundle.context.as_deref(), None);
            return self.expectation_without_claim(false);
        };
        self.refuses = entry.refuses;
        self.facts.assertion = Some((entry.client_data_hash, identity(&entry.public_key)));
        self.evidence_match(bundle, &entry);
        let key = match Key::read(&entry.public_key) {
            Ok(key) => {
                self.pass("webauthn.key");
                Some(key)
            }
            Err(code) => {
                self.coded("webauthn.key", code);
                None
            }
        };
        let claim = Claim {
            entry: Some(&entry),
            key,
            authenticator_data: &entry.authenticator_data,
            signature: &entry.signature,
            client_data_hash: entry.client_data_hash,
            client_data: bundle
                .client_data
                .as_deref()
                .filter(|json| sha256(json) == entry.client_data_hash),
            payload: bundle.payload.as_deref(),
            context: bundle.context.as_deref(),
            random: bundle.random,
        };
        self.approver_of_entry(&entry);
        self.claim_checks(&claim);
    }

    fn evidence_match(&mut self, bundle: &Bundle, entry: &Entry) {
        let id = "evidence.match";
        let client_data = bundle.client_data.as_deref().map(sha256);
        let approval = bundle.approval_id.as_ref().map(|id| sha256(id.as_bytes()));
        if client_data.is_some_and(|hash| hash != entry.client_data_hash) {
            return self.coded(id, "evidence.client_data_mismatch");
        }
        if approval.is_some_and(|hash| hash != entry.approval_id_hash) {
            return self.coded(id, "evidence.approval_id_mismatch");
        }
        if let Some(opening) = &bundle.approver
            && let Some(email) = &opening.email
        {
            // Slow on purpose; where the entry commits to nothing it cannot open anything.
            let bare = email.trim_matches(|c: char| c.is_ascii_whitespace());
            let is_address = !bare.is_empty() && !bare.contains(char::is_control);
            let opens = entry
                .approver
                .filter(|_| is_address)
                .is_some_and(|commitment| {
                    let hash = email_hash(email, &opening.salt);
                    Disclosure::commitment(&opening.blind, &hash) == commitment
                });
            if !opens {
                return self.coded(id, "evidence.approver_mismatch");
            }
        }
        if client_data.is_none() {
            return self.coded(id, "evidence.client_data_missing");
        }
        if bundle.random.is_some() && !entry.refuses {
            return self.coded(id, "entry.type_mismatch");
        }
        let opened = bundle.random.is_some() && bundle.context.is_some();
        self.judge(id, opened || !entry.refuses, "evidence.refusal_missing");
    }

    fn confirmation(&mut self, confirmation: &Confirmation) {
        self.leave(&["entry.form"]);
        match self.trust.log {
            Some(_) => {
                self.coded("log.proof", "log.missing");
                self.skip(&["log.checkpoint", "log.quorum"]);
            }
            None => self.leave(&LOG),
        }
        self.no_anchor();
        let Some(approved) = &confirmation.approved else {
            self.skip(&["evidence.match", "approver.key"]);
            self.skip(&CLAIM);
            self.context(None, None);
            return self.coded("expectation", "expectation.status");
        };
        let id = "evidence.match";
        if approved.contradicts_itself {
            self.coded(id, "evidence.credential_mismatch");
            self.skip(&["approver.key"]);
            self.skip(&CLAIM);
            self.context(None, None);
            return self.expectation_without_claim(true);
        }
        let signed = ClientData::read(&approved.client_data).and_then(|data| data.payload_hash());
        match signed {
            _ if approved.credential_id != approved.id => {
                self.coded(id, "evidence.credential_mismatch");
            }
            None => self.skip(&[id]),
            Some(hash) => self.judge(
                id,
                hash == approved.payload_hash,
                "evidence.payload_hash_mismatch",
            ),
        }
        let mut claim = Claim {
            entry: None,
            key: None,
            authenticator_data: &approved.authenticator_data,
            signature: &approved.signature,
            client_data_hash: sha256(&approved.client_data),
            client_data: Some(&approved.client_data),
            payload: None,
            context: None,
            random: None,
        };
        self.approver_of_confirmation(approved, &claim);
        match &self.facts.holder {
            Some(holder) => {
                claim.key = Some(key_of(holder));
                self.pass("webauthn.key");
            }
            None => self.skip(&["webauthn.key"]),
        }
        self.claim_checks(&claim);
    }

    fn time(&mut self) {
        let Some(at) = self.question.at else {
            return self.leave(&["time"]);
        };
        let in_time = self.times.iter().all(|time| *time <= at + CLOCK);
        self.judge("time", in_time, "time.in_future");
    }
}

impl Claim<'_> {
    fn verifies(&self, key: &Key) -> bool {
        let message = [self.authenticator_data, &self.client_data_hash].concat();
        key.verify(&message, self.signature)
    }
}

fn key_of(holder: &Holder) -> Key {
    Key::read(&holder.public_key).unwrap_or_else(|code| panic!("the policy is refused: {code}"))
}

pub(super) fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}
