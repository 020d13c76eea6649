//! The checks, in the order in which one needs the other.

use serde_json::Value;

use super::assertion::{AuthenticatorData, ClientData, same_json};
use super::bitcoin::{Chain, Rule, Timestamp, Trusted, merkle_root};
use super::encodings::show_time;
use super::entry::Entry;
use super::keys::{Key, identity};
use super::log::{Heads, Policy as LogPolicy, Proof, Signed, is_consistent};
use super::shape::{Anchor, Approved, Bundle, Confirmation, Input};
use super::{Answer, Check, Question};
use crate::bitcoin::block_hash;
use crate::encoding::{b64url, from_b64url, sha256};
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

    /// Whose credential it is, or under whose key without a credential id the signature verifies.
    fn holder(&self, approved: &Approved, claim: &Claim<'_>) -> Option<&'q Value> {
        let id = b64url(&approved.credential_id);
        let named = self.approvers().find(|a| a["credentialId"] == id.as_str());
        named.or_else(|| {
            let mut nameless = self.approvers().filter(|a| a["credentialId"].is_null());
            let fits = |approver: &&Value| {
                claim.authenticator_data.len() <= 8192 && claim.verifies(&key_of(approver))
            };
            nameless.find(fits)
        })
    }

    fn claim_checks(&mut self, claim: &Claim<'_>) {
        self.approver_key(claim);
        match &claim.key {
            None => self.skip(&["webauthn.signature"]),
            Some(key) => self.judge(
                "webauthn.signature",
                claim.verifies(key),
                "webauthn.bad_signature",
            ),
        }
        let payload_hash = self.client_data_checks(claim);
        self.authenticator_data_checks(claim);
        match payload_hash {
            None => self.skip(&["payload.binding"]),
            Some(signed) => self.payload_binding(claim.payload, signed),
        }
        self.expectation(claim);
    }

    fn approver_key(&mut self, claim: &Claim<'_>) {
        let Some(approver) = claim.approver else {
            return self.coded("approver.key", "approver.unknown_key");
        };
        let limit = |key: &str| {
            let text = approver[key].as_str();
            text.map(|text| super::encodings::time(text).unwrap())
        };
        let (from, to) = (limit("notBefore"), limit("notAfter"));
        let code = match (from, to, self.bound) {
            (Some(from), _, Some(bound)) if bound < from => "approver.key_not_yet_valid",
            (_, Some(to), Some(bound)) if bound > to => "approver.key_expired",
            (_, Some(_), None) => "approver.time_unproven",
            _ => return self.pass("approver.key"),
        };
        self.coded("approver.key", code);
    }

    /// The payload hash that was signed.
    fn client_data_checks(&mut self, claim: &Claim<'_>) -> Option<Hash> {
        let Some(json) = claim.client_data else {
            self.skip(&ORDER[6..11]);
            return None;
        };
        let Some(data) = ClientData::read(json) else {
            self.coded("webauthn.client_data", "webauthn.client_data_form");
            self.skip(&ORDER[7..11]);
            return None;
        };
        self.pass("webauthn.client_data");
        self.judge(
            "webauthn.type",
            data.kind == "webauthn.get",
            "webauthn.type",
        );
        let hash = data.payload_hash();
        self.judge("webauthn.challenge", hash.is_some(), "webauthn.challenge");
        let Some(policy) = self.policy else {
            self.skip(&["webauthn.origin", "webauthn.cross_origin"]);
            return hash;
        };
        let rules = &policy["webauthn"];
        let listed = texts(&rules["origins"]).contains(&data.origin);
        self.judge("webauthn.origin", listed, "webauthn.origin");
        let framed = data.may_be_framed(
            rules["crossOrigin"].as_bool().unwrap_or(false),
            &texts(&rules["topOrigins"]),
        );
        self.judge("webauthn.cross_origin", framed, "webauthn.cross_origin");
        hash
    }

    fn authenticator_data_checks(&mut self, claim: &Claim<'_>) {
        let Some(data) = AuthenticatorData::read(claim.authenticator_data) else {
            self.coded("webauthn.authenticator_data", "webauthn.authenticator_data");
            return self.skip(&ORDER[12..15]);
        };
        self.pass("webauthn.authenticator_data");
        let is = |id: &str| sha256(id.as_bytes()) == data.rp_id_hash;
        let stated = claim.entry.is_none_or(|entry| is(&entry.rp_id));
        match self.policy {
            None if stated => self.skip(&["webauthn.rp_id"]),
            None => self.coded("webauthn.rp_id", "webauthn.rp_id"),
            Some(policy) => {
                let listed = texts(&policy["webauthn"]["rpIds"]).iter().any(|id| is(id));
                self.judge("webauthn.rp_id", stated && listed, "webauthn.rp_id");
            }
        }
        self.judge(
            "webauthn.user_presence",
            data.user_present,
            "webauthn.user_presence",
        );
        match self.policy {
            None => self.skip(&["webauthn.user_verification"]),
            Some(policy) => {
                let preferred = policy["webauthn"]["userVerification"] == "preferred";
                self.judge(
                    "webauthn.user_verification",
                    data.user_verified || preferred,
                    "webauthn.user_verification",
                );
            }
        }
    }

    fn payload_binding(&mut self, bundled: Option<&[u8]>, signed: Hash) {
        let id = "payload.binding";
        let mismatch = "payload.mismatch";
        if bundled.is_some_and(|payload| sha256(payload) != signed) {
            return self.coded(id, mismatch);
        }
        if self
            .question
            .payload_sha256
            .is_some_and(|hash| hash != signed)
        {
            return self.coded(id, mismatch);
        }
        if let Some(given) = &self.question.payload {
            let same =
                sha256(given) == signed || bundled.is_some_and(|bundled| same_json(given, bundled));
            return self.judge(id, same, mismatch);
        }
        let hash_only = self
            .policy
            .is_some_and(|policy| policy["payload"] == "hash-only");
        if self.question.payload_sha256.is_some() || bundled.is_some() || hash_only {
            return self.pass(id);
        }
        self.coded(id, "payload.missing");
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

    fn no_anchor(&mut self) {
        let required = self
            .policy
            .is_some_and(|policy| Rule::read(policy).required);
        if required {
            self.coded("anchor.log", "anchor.missing");
            return self.skip(&ORDER[20..23]);
        }
        self.leave(&ORDER[19..23]);
    }

    fn anchor_checks(&mut self, bundle: &Bundle, own: Option<(Signed, Heads)>) {
        let checkpoint = bundle.anchor.as_ref().and_then(|a| a.checkpoint.as_deref());
        let (Some(anchor), Some(checkpoint)) = (&bundle.anchor, checkpoint) else {
            return self.no_anchor();
        };
        if self.log.is_none() {
            return self.no_anchor();
        }
        let Some((own, own_heads)) = own else {
            return self.skip(&ORDER[19..23]);
        };
        match self.stamped(bundle, anchor, checkpoint, &own, &own_heads) {
            Stamped::Fits(heads, time) => {
                self.pass("anchor.log");
                self.times
                    .extend(heads.times.iter().flatten().map(|s| s * 1000));
                if let Some(time) = time {
                    self.proves(time * 1000);
                }
                self.block_checks(anchor, checkpoint);
            }
            Stamped::Short => self.no_anchor(),
            Stamped::Unfit => {
                self.coded("anchor.log", "anchor.log");
                self.skip(&ORDER[20..23]);
            }
        }
    }

    /// Steps 4 to 10 of *anchor.log*.
    fn stamped(
        &self,
        bundle: &Bundle,
        anchor: &Anchor,
        checkpoint: &str,
        own: &Signed,
        own_heads: &Heads,
    ) -> Stamped {
        let (Some(policy), Some(stamped)) = (&self.log, Signed::read(checkpoint)) else {
            return Stamped::Unfit;
        };
        let heads = match policy.who_signed(&stamped) {
            Ok(heads) if heads.same_log(own_heads) => heads,
            _ => return Stamped::Unfit,
        };
        let time = match policy.quorum(&heads) {
            Ok(time) => time,
            Err("log.quorum_short") => return Stamped::Short,
            Err(_) => return Stamped::Unfit,
        };
        if stamped.size == own.size {
            return match stamped.root == own.root {
                true => Stamped::Fits(Box::new(heads), time),
                false => Stamped::Unfit,
            };
        }
        let proof = anchor.log_proof.as_deref().map(Proof::read);
        let Some(Ok(proof)) = proof else {
            return Stamped::Unfit;
        };
        let of = |signed: &Signed| (signed.origin.clone(), signed.size, signed.root);
        let leaf = leaf_hash(bundle.entry.as_bytes());
        if of(&proof.signed) != of(&stamped) || !proof.includes(leaf) {
            return Stamped::Unfit;
        }
        let mut heads_in_order = [(own.size, own.root), (stamped.size, stamped.root)];
        heads_in_order.sort_by_key(|(size, _)| *size);
        let [old, new] = heads_in_order;
        if !policy.wants_witnesses() && !is_consistent(old, new, &anchor.consistency) {
            return Stamped::Unfit;
        }
        Stamped::Fits(Box::new(heads), time)
    }

    /// Incomplete if the policy requires an anchor.
    fn open(&mut self, rule: &Rule, id: &'static str, code: &'static str) {
        match rule.required {
            true => self.coded(id, code),
            false => self.leave(&[id]),
        }
    }

    /// The consequence of a check that did not pass.
    fn follow(&mut self, ids: &[&'static str]) {
        match self.checks.last() {
            Some(check) if check.status == "not_checked" => self.leave(ids),
            _ => self.skip(ids),
        }
    }

    fn block_checks(&mut self, anchor: &Anchor, checkpoint: &str) {
        let rule = Rule::read(self.policy.unwrap());
        let places = match anchor.ots.as_deref().map(Timestamp::read) {
            None => {
                self.open(&rule, "anchor.path", "anchor.missing");
                return self.follow(&ORDER[21..23]);
            }
            Some(Some(timestamp)) if timestamp.digest == sha256(checkpoint.as_bytes()) => {
                timestamp.places
            }
            Some(_) => {
                self.coded("anchor.path", "anchor.bad_proof");
                return self.follow(&ORDER[21..23]);
            }
        };
        if places.is_empty() {
            self.open(&rule, "anchor.path", "anchor.pending");
            return self.follow(&ORDER[21..23]);
        }
        self.pass("anchor.path");

        let headers = self.question.headers.as_deref().map(Chain::read);
        let trusted = headers
            .as_ref()
            .and_then(|chain| Trusted::new(chain, &rule));
        let known = |height: u32| trusted.as_ref()?.header(height.into());
        let id = "anchor.header";
        if let Some((height, header)) = &anchor.header {
            let fits = |(place, root): &(u32, Hash)| {
                u64::from(*place) == *height && merkle_root(header) == *root
            };
            if !places.iter().any(fits) || !rule.has_work(header) {
                self.coded(id, "anchor.header");
                return self.follow(&ORDER[22..23]);
            }
        }
        let in_chain = |(height, root): &&(u32, Hash)| {
            known(*height).is_some_and(|header| merkle_root(header) == *root)
        };
        let block = places.iter().find(in_chain).map(|(height, _)| *height);
        let there = |chain: &Chain| {
            let mut places = places.iter();
            places.any(|(height, _)| chain.header((*height).into()).is_some())
        };
        if block.is_some() || anchor.header.is_some() {
            self.pass(id);
        } else if places.iter().any(|(height, _)| known(*height).is_some()) {
            self.coded(id, "anchor.header");
            return self.follow(&ORDER[22..23]);
        } else {
            let code = match &headers {
                Some(chain) if trusted.is_none() || there(chain) => "anchor.not_pinned",
                _ => "anchor.header_missing",
            };
            self.open(&rule, id, code);
            return self.follow(&ORDER[22..23]);
        }

        let id = "anchor.chain";
        if let Some((height, header)) = &anchor.header
            && let Some(other) = trusted.as_ref().and_then(|t| t.header(*height))
            && block_hash(other) != block_hash(header)
        {
            return self.coded(id, "anchor.chain");
        }
        let (Some(height), Some(trusted)) = (block, &trusted) else {
            return self.open(&rule, id, "anchor.not_pinned");
        };
        let height = height.into();
        if !rule.are_enough(trusted.confirmations(height)) {
            return self.open(&rule, id, "anchor.too_shallow");
        }
        self.pass(id);
        let time = trusted.time(height);
        self.proves(time + BLOCK);
        self.times.push(time.saturating_sub(BLOCK));
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

enum Stamped {
    Fits(Box<Heads>, Option<u64>),
    Short,
    Unfit,
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
