//! The checks, in the order in which one needs the other.

mod anchor;
mod signature;

use serde_json::Value;

use super::assertion::ClientData;
use super::bitcoin::Rule;
use super::encodings::show_time;
use super::entry::Entry;
use super::keys::{Key, identity};
use super::log::{Heads, Policy as LogPolicy, Proof, Signed};
use super::shape::{Bundle, Confirmation, Input};
use super::{Answer, Check, Question};
use crate::encoding::{from_b64url, sha256};
use crate::entry::{Disclosure, email_hash};
use crate::tree::{Hash, leaf_hash};

/// Every check, in the order of reports.
const ORDER: [&str; 24] = [
    "entry.form",
    "evidence.match",
    "expectation",
    "approver.key",
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
    "log.proof",
    "log.checkpoint",
    "log.quorum",
    "anchor.log",
    "anchor.path",
    "anchor.header",
    "anchor.chain",
    "time",
];

/// The codes that make a check incomplete; all others make it fail.
const INCOMPLETE: [&str; 14] = [
    "entry.unknown_type",
    "evidence.client_data_missing",
    "expectation.approval_id_missing",
    "approver.unknown_key",
    "approver.time_unproven",
    "payload.missing",
    "log.missing",
    "log.unknown_key",
    "log.quorum_short",
    "anchor.missing",
    "anchor.pending",
    "anchor.header_missing",
    "anchor.not_pinned",
    "anchor.too_shallow",
];

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
    let mut course = Course {
        question,
        policy: question.policy.as_ref(),
        log: question
            .policy
            .as_ref()
            .and_then(|policy| policy["log"]["policy"].as_str())
            .map(LogPolicy::read),
        checks: Vec::new(),
        bound: None,
        times: Vec::new(),
    };
    match &input {
        Input::Bundle(bundle) => course.bundle(bundle),
        Input::Confirmation(confirmation) => course.confirmation(confirmation),
    }
    course.time();
    course.conclude(matches!(input, Input::Bundle(_)))
}

/// The signer and the payload that the evidence names.
struct Claim<'a> {
    entry: Option<&'a Entry>,
    key: Option<Key>,
    approver: Option<&'a Value>,
    authenticator_data: &'a [u8],
    signature: &'a [u8],
    client_data_hash: Hash,
    client_data: Option<&'a [u8]>,
    payload: Option<&'a [u8]>,
}

struct Course<'q> {
    question: &'q Question,
    policy: Option<&'q Value>,
    log: Option<LogPolicy>,
    checks: Vec<Check>,
    /// The earliest proven time, in milliseconds.
    bound: Option<u64>,
    /// The allowance for clocks, in milliseconds.
    times: Vec<u64>,
}

impl<'q> Course<'q> {
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
        let incomplete = INCOMPLETE.contains(&code);
        self.put(
            id,
            if incomplete { "incomplete" } else { "fail" },
            Some(code),
        );
    }

    /// Passed, or failed with the code.
    fn judge(&mut self, id: &'static str, holds: bool, code: &'static str) {
        match holds {
            true => self.pass(id),
            false => self.coded(id, code),
        }
    }

    fn passed(&self, id: &str) -> bool {
        let check = self.checks.iter().find(|check| check.id == id);
        check.is_some_and(|check| check.status == "pass")
    }

    fn proves(&mut self, millis: u64) {
        self.bound = Some(self.bound.map_or(millis, |bound| bound.min(millis)));
    }

    fn approvers(&self) -> impl Iterator<Item = &'q Value> + use<'q> {
        let approvers = self
            .policy
            .and_then(|policy| policy["approvers"].as_array());
        approvers.into_iter().flatten()
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
            self.skip(&ORDER[4..16]);
            return self.expectation_without_claim(false);
        };
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
        let stated = identity(&entry.public_key);
        let claim = Claim {
            entry: Some(&entry),
            key,
            approver: self
                .approvers()
                .find(|approver| identity(&cose_of(approver)) == stated),
            authenticator_data: &entry.authenticator_data,
            signature: &entry.signature,
            client_data_hash: entry.client_data_hash,
            client_data: bundle
                .client_data
                .as_deref()
                .filter(|json| sha256(json) == entry.client_data_hash),
            payload: bundle.payload.as_deref(),
        };
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
        match client_data {
            None => self.coded(id, "evidence.client_data_missing"),
            Some(_) => self.pass(id),
        }
    }

    fn confirmation(&mut self, confirmation: &Confirmation) {
        self.leave(&["entry.form"]);
        match self.log {
            Some(_) => {
                self.coded("log.proof", "log.missing");
                self.skip(&["log.checkpoint", "log.quorum"]);
            }
            None => self.leave(&ORDER[16..19]),
        }
        self.no_anchor();
        let Some(approved) = &confirmation.approved else {
            self.skip(&["evidence.match", "approver.key"]);
            self.skip(&ORDER[4..16]);
            return self.coded("expectation", "expectation.status");
        };
        let id = "evidence.match";
        if approved.contradicts_itself {
            self.coded(id, "evidence.credential_mismatch");
            self.skip(&["approver.key"]);
            self.skip(&ORDER[4..16]);
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
            approver: None,
            authenticator_data: &approved.authenticator_data,
            signature: &approved.signature,
            client_data_hash: sha256(&approved.client_data),
            client_data: Some(&approved.client_data),
            payload: None,
        };
        claim.approver = self.holder(approved, &claim);
        match claim.approver {
            Some(approver) => {
                claim.key = Some(key_of(approver));
                self.pass("webauthn.key");
            }
            None => self.skip(&["webauthn.key"]),
        }
        self.claim_checks(&claim);
    }

    fn asks(&self) -> bool {
        let question = self.question;
        question.approval_id.is_some() || question.approver.is_some() || question.rp_id.is_some()
    }

    fn expectation_without_claim(&mut self, confirmation: bool) {
        match (self.asks(), confirmation) {
            (true, _) => self.skip(&["expectation"]),
            (false, true) => self.pass("expectation"),
            (false, false) => self.leave(&["expectation"]),
        }
    }

    fn expectation(&mut self, claim: &Claim<'_>) {
        if !self.asks() {
            return self.expectation_without_claim(claim.entry.is_none());
        }
        /// A code, or nothing that it could be compared with.
        enum Miss {
            Coded(&'static str),
            Skipped,
        }
        let mut misses = Vec::new();
        if let Some(id) = &self.question.approval_id {
            match claim.entry {
                None => misses.push(Miss::Coded("expectation.approval_id_missing")),
                Some(entry) if entry.approval_id_hash != sha256(id.as_bytes()) => {
                    misses.push(Miss::Coded("expectation.approval_id"));
                }
                Some(_) => {}
            }
        }
        if let Some(name) = &self.question.approver {
            match (self.policy, claim.approver) {
                (None, _) => misses.push(Miss::Skipped),
                (_, Some(approver)) if approver["name"] == name.as_str() => {}
                _ => misses.push(Miss::Coded("expectation.approver")),
            }
        }
        if let Some(id) = &self.question.rp_id {
            let signed = claim.authenticator_data.first_chunk::<32>();
            let holds = match (claim.entry, signed) {
                (Some(entry), _) => Some(entry.rp_id == *id),
                (None, Some(hash)) => Some(*hash == sha256(id.as_bytes())),
                (None, None) => None,
            };
            match holds {
                Some(true) => {}
                Some(false) => misses.push(Miss::Coded("expectation.rp_id")),
                None => misses.push(Miss::Skipped),
            }
        }
        let fails = |miss: &&Miss| matches!(miss, Miss::Coded(c) if !INCOMPLETE.contains(c));
        match misses.iter().find(fails).or(misses.first()) {
            None => self.pass("expectation"),
            Some(Miss::Coded(code)) => self.coded("expectation", code),
            Some(Miss::Skipped) => self.skip(&["expectation"]),
        }
    }

    /// The head of the bundle's own proof, if all three checks passed.
    fn log_checks(&mut self, bundle: &Bundle) -> Option<(Signed, Heads)> {
        let [proof_id, checkpoint_id, quorum_id] = ["log.proof", "log.checkpoint", "log.quorum"];
        if self.policy.is_some() && self.log.is_none() {
            self.leave(&[proof_id, checkpoint_id, quorum_id]);
            return None;
        }
        let proof = match Proof::read(&bundle.log_proof) {
            Ok(proof) => proof,
            Err(code) => {
                let broken = match code {
                    "log.checkpoint_form" => checkpoint_id,
                    _ => proof_id,
                };
                for id in [proof_id, checkpoint_id, quorum_id] {
                    match id == broken {
                        true => self.coded(id, code),
                        false => self.skip(&[id]),
                    }
                }
                return None;
            }
        };
        let included = proof.includes(leaf_hash(bundle.entry.as_bytes()));
        self.judge(proof_id, included, "log.not_included");
        let heads = match &self.log {
            None => Err("log.unknown_key"),
            Some(log) => log.who_signed(&proof.signed),
        };
        let heads = match heads {
            Ok(heads) => heads,
            Err(code) => {
                self.coded(checkpoint_id, code);
                self.skip(&[quorum_id]);
                return None;
            }
        };
        self.pass(checkpoint_id);
        if included {
            self.times
                .extend(heads.times.iter().flatten().map(|s| s * 1000));
        }
        let quorum = self.log.as_ref().map(|log| log.quorum(&heads));
        match quorum? {
            Err(code) => {
                self.coded(quorum_id, code);
                None
            }
            Ok(time) => {
                self.pass(quorum_id);
                if included && let Some(time) = time {
                    self.proves(time * 1000);
                }
                included.then_some((proof.signed, heads))
            }
        }
    }

    fn time(&mut self) {
        let Some(at) = self.question.at else {
            return self.leave(&["time"]);
        };
        let in_time = self.times.iter().all(|time| *time <= at + CLOCK);
        self.judge("time", in_time, "time.in_future");
    }

    /// docs/spec/verification.md, *Verdict*.
    fn conclude(mut self, bundle: bool) -> Answer {
        let place = |check: &Check| ORDER.iter().position(|id| *id == check.id);
        self.checks.sort_by_key(place);
        let ids: Vec<&str> = self.checks.iter().map(|check| check.id).collect();
        assert_eq!(ids, ORDER, "every check ends in one way");

        let first = |status| self.checks.iter().find(|check| check.status == status);
        let coded = |check: &Check| check.code.unwrap();
        let (verdict, code) = if let Some(check) = first("fail") {
            ("REJECTED", coded(check))
        } else if let Some(check) = first("incomplete") {
            ("INCOMPLETE", coded(check))
        } else if self.policy.is_some_and(|policy| {
            let required = |id: &&&str| match **id {
                "entry.form" => bundle,
                "expectation" => !bundle || self.asks(),
                "time" => false,
                id if id.starts_with("log.") => self.log.is_some(),
                id if id.starts_with("anchor.") => Rule::read(policy).required,
                _ => true,
            };
            ORDER.iter().filter(required).all(|id| self.passed(id))
        }) {
            ("VERIFIED", "ok")
        } else {
            ("INCOMPLETE", "approver.unknown_key")
        };
        Answer {
            verdict,
            code,
            not_later_than: self.bound.map(show_time),
            checks: self.checks,
        }
    }
}

impl Claim<'_> {
    fn verifies(&self, key: &Key) -> bool {
        let message = [self.authenticator_data, &self.client_data_hash].concat();
        key.verify(&message, self.signature)
    }
}

fn cose_of(approver: &Value) -> Vec<u8> {
    from_b64url(approver["publicKey"].as_str().unwrap())
}

fn key_of(approver: &Value) -> Key {
    Key::read(&cose_of(approver)).unwrap_or_else(|code| panic!("the policy is refused: {code}"))
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}
