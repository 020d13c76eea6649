//! A request, and what may become of it. Every change is decided here, from the request as it stands
//! and the moment of the transaction that changes it; a store only keeps what comes out.
//!
//! ```text
//! pending ── enough people approve, now < expires ──► signed ── all of it in the log ──► approved ── claim
//!    ├── somebody refuses ──► rejected                   └──────── now ≥ claim by ────────────┴──► lapsed
//!    ├── now ≥ expires ──► expired
//!    └── the requester ──► cancelled
//! ```

use verifier_core::Time;
use verifier_core::hazmat::decision::{Person, Served, assign};
use verifier_core::hazmat::encoding::{hex, sha256};

use crate::person::Credential;
use crate::refusal::{Reason, Refusal, Result};
use crate::rules::Require;
use crate::terms::Terms;

/// Where a request stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It can be approved and refused.
    Pending,
    /// Enough people have approved; the log does not have all of it yet.
    Signed,
    Approved,
    Rejected,
    Expired,
    Cancelled,
    /// It was signed, and not claimed in time.
    Lapsed,
}

/// Where a request stands, as everybody outside sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    Pending,
    Approved,
    Rejected,
    Expired,
    Cancelled,
}

impl Status {
    pub(crate) const ALL: [Self; 5] = [
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl State {
    pub(crate) const ALL: [Self; 7] = [
        Self::Pending,
        Self::Signed,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Lapsed,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Signed => "signed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A request, with everything that was signed about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Request {
    /// A lower-case UUID.
    pub(crate) id: String,
    pub(crate) requester: Requester,
    pub(crate) action: String,
    /// The bytes that are signed; `None` when they have been erased.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) payload_hash: [u8; 32],
    pub(crate) rule: RuleName,
    pub(crate) terms: Terms,
    /// The text that is signed, in canonical JSON.
    pub(crate) context: String,
    /// What the random bytes of every signature are derived from. Nobody outside sees it.
    pub(crate) secret: [u8; 32],
    /// Somebody who has to be among those who approve.
    pub(crate) approver: Option<Named>,
    pub(crate) created: Time,
    pub(crate) expires: Time,
    pub(crate) state: State,
    /// The moment of the last signature, of a refusal, or of the end.
    pub(crate) decided: Option<Time>,
    /// Until when it can be claimed, once it is decided.
    pub(crate) claim_by: Option<Time>,
    pub(crate) claim: Option<Claim>,
    pub(crate) signatures: Vec<Signature>,
}

/// The key that asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Requester {
    /// The id of the key.
    pub(crate) key: String,
    pub(crate) name: String,
    /// When the key was made.
    pub(crate) since: Time,
    /// The person who answers for the key, and never approves what it asks.
    pub(crate) owner: Option<String>,
}

/// Somebody who was asked by name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// The groups at the time of the request.
    pub(crate) groups: Vec<String>,
}

/// A rule as it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RuleName {
    pub(crate) name: String,
    pub(crate) sha256: [u8; 32],
    /// The rule in canonical JSON, which has this hash.
    pub(crate) text: String,
}

/// The one operation that may act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Claim {
    /// The caller's id of the operation.
    pub(crate) operation: String,
    /// The id of the key.
    pub(crate) key: String,
    pub(crate) at: Time,
    /// What came of it.
    pub(crate) outcome: Option<Outcome>,
}

/// What an executor reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Done,
    Failed,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Done, Self::Failed]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

/// What somebody has said with a passkey.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    Approve,
    Refuse,
}

impl Act {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Approve, Self::Refuse]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

/// A signature that was verified, and what the log made of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Signature {
    pub(crate) person: String,
    pub(crate) act: Act,
    /// The id under which it is in the log, whenever it is tried.
    pub(crate) approval_id: String,
    pub(crate) credential_id: Vec<u8>,
    /// The browser's JSON of the assertion.
    pub(crate) assertion: String,
    /// The groups that the person counted for.
    pub(crate) groups: Vec<String>,
    pub(crate) reason: Option<String>,
    pub(crate) received: Time,
    /// The log's bundle, once it is in the log.
    pub(crate) bundle: Option<String>,
    /// Whether it is one of those that made the decision.
    pub(crate) counts: bool,
}

/// A signature that was just verified, by somebody whose passkey is enrolled.
#[derive(Clone, Debug)]
pub(crate) struct NewSignature {
    pub(crate) act: Act,
    pub(crate) approval_id: String,
    pub(crate) assertion: String,
    pub(crate) reason: Option<String>,
}

/// Whether somebody may decide, for the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum May {
    Decide,
    /// It is decided, or by this person.
    Done,
    /// Enough people of this person's groups have approved.
    Enough,
    NotAsked,
    Requester,
    /// The passkey may leave its device, and the rule wants one that cannot.
    Synced,
}

impl Request {
    /// The random half of what hides the payload from readers of the log, for what this person
    /// signs. Each has one of their own: with the same bytes everybody would sign the same challenge,
    /// and the log would show that several entries are of one request.
    pub(crate) fn random(&self, person: &str) -> [u8; 32] {
        let tag: &[u8] = b"cosignet.gate-random/v1\0";
        sha256(&[tag, &self.secret, person.as_bytes()].concat())
    }

    pub(crate) fn status(&self, now: Time) -> Status {
        let in_time = || self.claim_by.is_none_or(|by| now < by);
        match self.state {
            State::Pending if now < self.expires => Status::Pending,
            State::Signed if in_time() => Status::Pending,
            State::Approved if self.claim.is_some() || in_time() => Status::Approved,
            State::Rejected => Status::Rejected,
            State::Cancelled => Status::Cancelled,
            State::Pending | State::Signed | State::Approved | State::Expired | State::Lapsed => {
                Status::Expired
            }
        }
    }

    /// The signatures of this kind that made the decision.
    pub(crate) fn deciding(&self, act: Act) -> impl Iterator<Item = &Signature> {
        let all = self.signatures.iter();
        all.filter(move |one| one.counts && one.act == act)
    }

    /// The state that time alone makes of it, if that is another one.
    pub(crate) fn overdue(&self, now: Time) -> Option<State> {
        if self.status(now) != Status::Expired {
            return None;
        }
        match self.state {
            State::Pending => Some(State::Expired),
            State::Signed | State::Approved => Some(State::Lapsed),
            _ => None,
        }
    }

    /// The approvals that count now, each with the groups of its person. `active` says who is still
    /// enrolled with the key that was used.
    fn approvals<'r>(
        &'r self,
        active: &'r dyn Fn(&Signature) -> bool,
    ) -> impl Iterator<Item = &'r Signature> {
        let all = self.signatures.iter();
        all.filter(move |one| one.act == Act::Approve && active(one))
    }

    /// Who serves which clause.
    pub(crate) fn served(&self, active: &dyn Fn(&Signature) -> bool) -> Vec<Served> {
        let people: Vec<Person> = self.approvals(active).map(person).collect();
        assign(&self.terms.clauses, &people)
    }

    /// What this person may do about it.
    pub(crate) fn may(
        &self,
        who: &Credential,
        active: &dyn Fn(&Signature) -> bool,
        now: Time,
    ) -> May {
        let admitted = self.admit(who, now);
        let needed = admitted
            .and_then(|groups| self.needs(&Person::new(who.person.clone(), groups), active));
        match needed {
            Ok(()) => May::Decide,
            Err(refusal) => match refusal.reason {
                Reason::ApproverRequester => May::Requester,
                Reason::ApproverNotAsked => May::NotAsked,
                Reason::ApproverNotNeeded => May::Enough,
                Reason::AuthenticatorSynced => May::Synced,
                _ => May::Done,
            },
        }
    }

    /// The groups that somebody signs for now, if the rule asks this person.
    fn admit(&self, who: &Credential, now: Time) -> Result<Vec<String>> {
        self.open(now)?;
        let refuse = |reason, detail: &str| Err(Refusal::new(reason, detail));
        if self.requester.owner.as_ref() == Some(&who.person) {
            let detail = "You answer for the key that asked, and nobody approves a request of \
                          their own.";
            return refuse(Reason::ApproverRequester, detail);
        }
        if self.signatures.iter().any(|one| one.person == who.person) {
            let detail = "You have decided this request already.";
            return refuse(Reason::ApproverSigned, detail);
        }
        let elapsed = now.as_millis().saturating_sub(self.created.as_millis());
        let groups = self.terms.groups(&who.groups, elapsed);
        if !self.terms.ask(&groups) {
            let detail = "The rule of this request does not ask you.";
            return refuse(Reason::ApproverNotAsked, detail);
        }
        if self.terms.require == Require::DeviceBound && who.backup_eligible {
            let detail = "The rule wants a passkey that cannot leave its device, such as a \
                          security key. Yours is synced.";
            return refuse(Reason::AuthenticatorSynced, detail);
        }
        Ok(groups)
    }

    /// Whether the approval of one more person brings the request nearer to its end.
    fn needs(&self, one_more: &Person, active: &dyn Fn(&Signature) -> bool) -> Result<()> {
        let needed = |all: &[Person]| missing(&assign(&self.terms.clauses, all));
        let mut people: Vec<Person> = self.approvals(active).map(person).collect();
        // The place of somebody who has to be among them is kept free.
        if let Some(named) = &self.approver
            && named.name != one_more.name
            && people.iter().all(|one| one.name != named.name)
        {
            people.push(Person::new(named.name.clone(), named.groups.clone()));
        }
        let before = needed(&people);
        people.push(one_more.clone());
        if needed(&people) < before {
            return Ok(());
        }
        let detail = "Enough people of your groups have approved this request.";
        Err(Refusal::new(Reason::ApproverNotNeeded, detail))
    }

    fn open(&self, now: Time) -> Result<()> {
        match (self.state, self.status(now)) {
            (State::Pending, Status::Pending) => Ok(()),
            (_, Status::Expired) => Err(Refusal::new(
                Reason::DecisionExpired,
                "The time to decide this request is over.",
            )),
            (_, status) => {
                let detail = match status {
                    Status::Cancelled => "The requester has cancelled this request.",
                    Status::Rejected => "Somebody has refused this request.",
                    _ => "Enough people have approved this request already.",
                };
                Err(Refusal::new(Reason::DecisionMade, detail))
            }
        }
    }

    /// Takes a signature in: one that is verified, over this request's own context and payload.
    pub(crate) fn sign(
        &mut self,
        who: &Credential,
        new: NewSignature,
        active: &dyn Fn(&Signature) -> bool,
        now: Time,
    ) -> Result<()> {
        let groups = self.admit(who, now)?;
        let signature = Signature {
            person: who.person.clone(),
            act: new.act,
            approval_id: new.approval_id,
            credential_id: who.id.clone(),
            assertion: new.assertion,
            groups,
            reason: new.reason,
            received: now,
            bundle: None,
            counts: new.act == Act::Refuse,
        };
        if new.act == Act::Refuse {
            self.signatures.push(signature);
            self.end(State::Rejected, now);
            return Ok(());
        }
        self.needs(&person(&signature), active)?;
        self.signatures.push(signature);
        let counted: Vec<Person> = self.approvals(active).map(person).collect();
        if missing(&assign(&self.terms.clauses, &counted)) == 0 && self.approver_is_among(&counted)
        {
            let ids: Vec<String> = self
                .approvals(active)
                .map(|one| one.approval_id.clone())
                .collect();
            for one in &mut self.signatures {
                one.counts = ids.contains(&one.approval_id);
            }
            self.end(State::Signed, now);
            self.claim_by = Some(now.saturating_add_millis(self.terms.claim_within));
        }
        Ok(())
    }

    fn approver_is_among(&self, people: &[Person]) -> bool {
        let wanted = self.approver.as_ref();
        wanted.is_none_or(|named| people.iter().any(|one| one.name == named.name))
    }

    /// The log has a signature.
    pub(crate) fn logged(&mut self, approval_id: &str, bundle: String, now: Time) {
        for one in &mut self.signatures {
            if one.approval_id == approval_id && one.bundle.is_none() {
                one.bundle = Some(bundle.clone());
            }
        }
        if self.state == State::Signed && self.status(now) == Status::Pending && self.is_logged() {
            self.state = State::Approved;
        }
    }

    /// Whether the log has everything that made the decision.
    pub(crate) fn is_logged(&self) -> bool {
        let mut counted = self.signatures.iter().filter(|one| one.counts);
        counted.all(|one| one.bundle.is_some())
    }

    pub(crate) fn expire(&mut self, now: Time) -> bool {
        let Some(state) = self.overdue(now) else {
            return false;
        };
        self.state = state;
        self.decided = self.decided.or(Some(now));
        true
    }

    /// The requester takes it back.
    pub(crate) fn cancel(&mut self, now: Time) -> Result<()> {
        match self.state {
            State::Cancelled => Ok(()),
            State::Pending | State::Signed if self.status(now) == Status::Pending => {
                self.end(State::Cancelled, now);
                Ok(())
            }
            _ => self.open(now),
        }
    }

    /// The one operation that may act. The same operation of the same key gets the same answer again.
    pub(crate) fn claim(
        &mut self,
        key: &str,
        key_name: &str,
        operation: &str,
        payload_hash: &[u8; 32],
        now: Time,
    ) -> Result<()> {
        if *payload_hash != self.payload_hash {
            let detail = "Another payload was approved. Nothing was claimed.";
            return Err(Refusal::new(Reason::ClaimMismatch, detail)
                .compared(hex(&self.payload_hash), hex(payload_hash)));
        }
        if self.payload.is_none() {
            let detail = "The payload was erased after its time, so nothing can be done with it.";
            return Err(Refusal::new(Reason::Erased, detail));
        }
        if let Some(claimers) = &self.terms.claimers
            && !claimers.iter().any(|name| name == key_name)
        {
            let detail = "The rule of this request lets other keys claim it.";
            return Err(Refusal::new(Reason::ClaimNotAllowed, detail));
        }
        if let Some(claim) = &self.claim {
            if claim.operation == operation && claim.key == key {
                return Ok(());
            }
            let detail = "Another operation has claimed this approval, and an approval is good for \
                          one.";
            return Err(Refusal::new(Reason::ClaimTaken, detail));
        }
        match self.status(now) {
            Status::Approved => {}
            Status::Expired => {
                let detail = "It was not approved, or not claimed, in time. Ask again.";
                return Err(Refusal::new(Reason::ClaimExpired, detail));
            }
            other => {
                let detail = "It is not approved, and nothing may be done about it.";
                return Err(Refusal::new(Reason::ClaimNotApproved, detail)
                    .compared("approved", other.as_str()));
            }
        }
        self.claim = Some(Claim {
            operation: operation.to_owned(),
            key: key.to_owned(),
            at: now,
            outcome: None,
        });
        Ok(())
    }

    /// What came of it, from the key that claimed.
    pub(crate) fn report(&mut self, key: &str, outcome: Outcome) -> Result<()> {
        let claim = self.claim.as_mut().filter(|claim| claim.key == key);
        let Some(claim) = claim else {
            let detail = "This key has not claimed the approval.";
            return Err(Refusal::new(Reason::ClaimNotApproved, detail));
        };
        match claim.outcome {
            None => claim.outcome = Some(outcome),
            Some(kept) if kept == outcome => {}
            Some(kept) => {
                let detail = "Another result was reported, and it stays.";
                return Err(Refusal::new(Reason::ResultOther, detail)
                    .compared(kept.as_str(), outcome.as_str()));
            }
        }
        Ok(())
    }

    fn end(&mut self, state: State, now: Time) {
        self.state = state;
        self.decided = Some(now);
    }
}

fn person(signature: &Signature) -> Person {
    Person::new(signature.person.clone(), signature.groups.clone())
}

fn missing(served: &[Served]) -> usize {
    served.iter().map(Served::missing).sum()
}
