//! From a question to an act, or to the reason why there is none.

use std::time::{Duration, Instant};

use log_client::Answer;
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::json::Value;
use verifier_core::roster::{self, Roster};
use verifier_core::{Policy, quote};

use crate::answer::{self, Claimed, Seen, Status};
use crate::approved::{Approved, Asked, Trust, same_payload, same_request};
use crate::ask::Ask;
use crate::asking::{Age, Asking};
use crate::clock::Clock;
use crate::connection::{Call, Connection, Keys, Right};
use crate::denied::{Denied, Reason};
use crate::journal::Journal;
use crate::uses::{Use, Uses};

/// Where requests are.
const REQUESTS: &str = "/api/confirmations";

/// How long the gate is asked to wait with an answer: below the 60 seconds of most proxies.
const LONG_POLL: Duration = Duration::from_secs(25);

/// The time between two looks at a gate that answers at once.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// How long a question is repeated that nobody has to think about.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gate, the keys for it, and the policy that decides.
#[derive(Clone, Debug)]
pub struct Gate {
    connection: Connection,
    trust: Trust,
    journal: Option<Journal>,
    patience: Duration,
    clock: Clock,
}

/// An act that was allowed, and happened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ran<T, E> {
    /// What the closure returned.
    pub result: Result<T, E>,
    /// Why the gate, or the journal, was not told about it, if it was not.
    pub unreported: Option<Denied>,
}

/// What became of an act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was tried, and failed.
    Failed,
}

impl Outcome {
    /// The gate's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Gate {
    /// A gate at this address, such as `https://gate.example`. Decisions are verified under
    /// `policy`, which is the caller's own and never the gate's.
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for an address or a key that is none.
    pub fn new(url: &str, keys: Keys, policy: Policy) -> Result<Self, Denied> {
        let mut gate = Self::without_policy(url, keys)?;
        gate.trust.policy = Some(policy);
        Ok(gate)
    }

    /// A gate for a caller that asks and waits, and leaves it to others to claim and to act.
    ///
    /// # Errors
    ///
    /// As those of [`Gate::new`].
    pub fn without_policy(url: &str, keys: Keys) -> Result<Self, Denied> {
        Ok(Self {
            connection: Connection::new(url, keys)?,
            trust: Trust::default(),
            journal: None,
            patience: PATIENCE,
            clock: Clock::of_system(),
        })
    }

    /// Remembers acts over restarts.
    #[must_use]
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The roster, for a policy that leaves it to one who may approve, as [`Roster::verify`] found
    /// it.
    #[must_use]
    pub fn roster(mut self, roster: Result<Roster, roster::Error>) -> Self {
        self.trust.roster = Some(roster);
        self
    }

    /// How long questions are repeated that nobody has to think about: asking, claiming,
    /// reporting. 60 seconds, if nothing is said.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A clock for tests, that shows this time now.
    #[cfg(test)]
    pub(crate) fn at(mut self, now: verifier_core::Time) -> Self {
        self.clock = Clock::at(now);
        self
    }

    /// Asks, waits for people to decide, claims the approval, verifies it, and only then calls
    /// `act`, once. What `act` returns is reported to the gate as done or failed.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason. `act` was not called then.
    pub fn run<T, E>(
        &self,
        ask: Ask,
        act: impl FnOnce(&Approved) -> Result<T, E>,
    ) -> Result<Ran<T, E>, Denied> {
        self.act(&self.request(ask)?, act)
    }

    /// The rest of [`Gate::run`], for a request that was made.
    ///
    /// # Errors
    ///
    /// As those of [`Gate::run`].
    pub fn act<T, E>(
        &self,
        asking: &Asking,
        act: impl FnOnce(&Approved) -> Result<T, E>,
    ) -> Result<Ran<T, E>, Denied> {
        let approved = self.claim(asking)?;
        let result = act(&approved);
        let outcome = match result {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Failed,
        };
        let unreported = self.report(&approved, outcome).err();
        Ok(Ran { result, unreported })
    }

    /// Makes the request, and waits for nobody.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason.
    pub fn request(&self, mut ask: Ask) -> Result<Asking, Denied> {
        let own = ask.operation.take();
        let operation = self.operation(own.as_deref())?;
        let began = self.clock.now();
        let call = Call {
            right: Right::Create,
            path: REQUESTS,
            operation: Some(&operation),
            json: Some(ask.to_json()),
            wait: Duration::ZERO,
        };
        let answer = self.connection.ask(&call, self.soon())?;
        let seen = match answer.status {
            200 | 201 => Seen::read(&answer.body)?,
            _ => return Err(self.not_asked(&call, &answer)),
        };
        // Only an operation that was tried before can have made its request before.
        let resumed = own.is_some() && answer.status == 200;
        Asking::new(
            ask,
            operation,
            seen,
            began,
            match resumed {
                true => Age::Earlier,
                false => Age::New,
            },
            self.clock.now(),
        )
    }

    /// The request with this id, which was made for the same payload, perhaps by another process.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason.
    pub fn find(&self, id: &str, mut ask: Ask) -> Result<Asking, Denied> {
        if !is_approval_id(id) {
            let message = format!("{} is not the id of a request", quote(id));
            return Err(Denied::new(Reason::Invalid, message));
        }
        let operation = self.operation(ask.operation.take().as_deref())?;
        let call = Call {
            right: Right::Claim,
            path: &format!("{REQUESTS}/{id}"),
            operation: None,
            json: None,
            wait: Duration::ZERO,
        };
        let answer = self.connection.ask(&call, self.soon())?;
        let seen = match answer.status {
            200 => Seen::read(&answer.body)?,
            _ => return Err(self.unexpected(&call, &answer)),
        };
        same_request(id, &seen.id)?;
        Asking::new(
            ask,
            operation,
            seen,
            self.clock.now(),
            Age::Earlier,
            self.clock.now(),
        )
    }

    /// The caller's id of the operation, if it may act; else a new one.
    fn operation(&self, own: Option<&str>) -> Result<String, Denied> {
        let Some(id) = own else {
            return random_id();
        };
        let Some(journal) = &self.journal else {
            let message = "an operation that can be tried again needs a journal, which remembers \
                           whether it has acted";
            return Err(Denied::new(Reason::Journal, message));
        };
        journal.is_new(id)?;
        Ok(id.into())
    }

    /// Waits until the gate says that it is approved, which permits nothing yet.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason: it ended otherwise, or its own time is over.
    pub fn wait(&self, asking: &Asking) -> Result<(), Denied> {
        let id = &asking.seen.id;
        let path = format!("{REQUESTS}/{id}");
        let mut seen = asking.seen.clone();
        loop {
            seen.ended()?;
            if seen.status == Status::Approved {
                return Ok(());
            }
            let left = asking.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = format!("nobody decided until {}", asking.seen.expires);
                return Err(Denied::new(Reason::Expired, message));
            }
            let call = Call {
                right: Right::Create,
                path: &path,
                operation: None,
                json: None,
                // The gate is the one that says that the time is over, a moment later.
                wait: LONG_POLL.min(left.saturating_add(Duration::from_secs(1))),
            };
            let looked = Instant::now();
            let answer = self.connection.ask(&call, asking.until)?;
            seen = match answer.status {
                200 => Seen::read(&answer.body)?,
                _ => return Err(self.unexpected(&call, &answer)),
            };
            same_request(id, &seen.id)?;
            same_payload(asking.ask.payload(), &seen.payload_hash)?;
            if seen.status == Status::Pending && looked.elapsed() < BETWEEN_LOOKS {
                // A gate that does not wait is not asked all the time.
                std::thread::sleep(BETWEEN_LOOKS);
            }
        }
    }

    /// Waits, claims, verifies, and writes into the journal that the act begins. The caller acts
    /// once, and reports it.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason.
    pub fn claim(&self, asking: &Asking) -> Result<Approved, Denied> {
        if self.trust.policy.is_none() {
            let message = "a claim needs a policy: without one nothing is ever verified";
            return Err(Denied::new(Reason::Invalid, message));
        }
        self.wait(asking)?;
        let id = &asking.seen.id;
        let hash = hex(&sha256(asking.ask.payload()));
        let body = Value::from([("payloadHash", hash.into())]);
        let call = Call {
            right: Right::Claim,
            path: &format!("{REQUESTS}/{id}/claim"),
            operation: Some(&asking.operation),
            json: Some(body.to_text().into_bytes()),
            wait: Duration::ZERO,
        };
        let answer = self.connection.ask(&call, self.soon())?;
        let claimed = match answer.status {
            200 => Claimed::read(&answer.body)?,
            _ => return Err(self.unexpected(&call, &answer)),
        };
        let asked = Asked {
            id,
            action: &asking.ask.action,
            payload: asking.ask.payload(),
            began: asking.began,
            now: self.clock.now(),
        };
        let approved = Approved::verify(claimed, &asking.operation, asked, &self.trust)?;
        if let Some(journal) = &self.journal {
            journal.begin(&approved, self.clock.now())?;
        }
        Ok(approved)
    }

    /// Tells the journal and the gate what became of it.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason why one of them does not know.
    pub fn report(&self, approved: &Approved, outcome: Outcome) -> Result<(), Denied> {
        let written = match &self.journal {
            Some(journal) => journal.end(approved, outcome.as_str(), self.clock.now()),
            None => Ok(()),
        };
        let told = self.tell(approved, outcome.as_str());
        written.and(told)
    }

    fn tell(&self, approved: &Approved, outcome: &str) -> Result<(), Denied> {
        let call = Call {
            right: Right::Claim,
            path: &format!("{REQUESTS}/{}/result", approved.request_id()),
            operation: None,
            json: Some(Value::from([("outcome", outcome.into())]).to_text().into()),
            wait: Duration::ZERO,
        };
        let answer = self.connection.ask(&call, self.soon())?;
        match answer.status {
            200 => Ok(()),
            _ => Err(self.unexpected(&call, &answer)),
        }
    }

    /// Tells the gate about uses of break-glass files that it does not know of yet, and the journal
    /// that it knows.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the first reason why it does not know one of them. The others were told,
    /// unless the gate cannot be reached.
    pub fn report_break_glass(&self, uses: &Uses) -> Result<Reported, Denied> {
        let mut reported = Reported::default();
        let mut failed = None;
        for one in uses.unreported()? {
            let told = self.tell_use(&one).and_then(|valid| {
                uses.reported(&one, self.clock.now())?;
                Ok(valid)
            });
            match told {
                Ok(true) => reported.told += 1,
                Ok(false) => {
                    reported.told += 1;
                    reported.invalid += 1;
                }
                Err(denied) => {
                    // Each of the others would be waited for as long.
                    let is_over = denied.reason() == Reason::Unreachable;
                    failed = failed.or(Some(denied));
                    if is_over {
                        break;
                    }
                }
            }
        }
        failed.map_or(Ok(reported), Err)
    }

    /// Whether the gate holds the use for one that its people have signed.
    fn tell_use(&self, one: &Use) -> Result<bool, Denied> {
        let call = Call {
            right: Right::Claim,
            path: "/v1/break-glass",
            operation: None,
            json: Some(one.report().to_text().into()),
            wait: Duration::ZERO,
        };
        let answer = self.connection.ask(&call, self.soon())?;
        match answer.status {
            200 | 201 => answer::same_use(&answer.body, one.use_id()),
            _ => Err(self.unexpected(&call, &answer)),
        }
    }

    fn soon(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// A request that the gate does not take.
    fn not_asked(&self, call: &Call<'_>, answer: &Answer) -> Denied {
        let reason = match (answer.status, answer::code(answer).as_str()) {
            (403, "rule.none") => Reason::NoRule,
            (401 | 403, _) => Reason::KeyRefused,
            (400 | 409 | 413 | 422, _) => Reason::Invalid,
            _ => Reason::BadAnswer,
        };
        self.said(reason, call, answer)
    }

    /// An answer other than that to a request that exists and is approved.
    fn unexpected(&self, call: &Call<'_>, answer: &Answer) -> Denied {
        let reason = match (answer.status, answer::code(answer).as_str()) {
            (401 | 403, _) => Reason::KeyRefused,
            (409, "claim.not_approved") => Reason::NotApproved,
            (409, "claim.taken") => Reason::ClaimTaken,
            (410, "claim.expired") => Reason::ClaimExpired,
            (422, "claim.mismatch") => Reason::OtherPayload,
            _ => Reason::BadAnswer,
        };
        self.said(reason, call, answer)
    }

    fn said(&self, reason: Reason, call: &Call<'_>, answer: &Answer) -> Denied {
        let address = self.connection.address(call);
        Denied::new(reason, answer.refused(&address).to_string())
    }
}

/// What a gate was told about uses of break-glass files.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reported {
    /// Uses that it did not know of before, or not how they ended.
    pub told: usize,
    /// Those of them that it recorded as not valid: its own people have not signed for them.
    pub invalid: usize,
}

/// An id that nobody else has.
fn random_id() -> Result<String, Denied> {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(hex(&bytes)),
        Err(error) => {
            let message = format!("this machine has no random numbers: {error}");
            Err(Denied::new(Reason::Invalid, message))
        }
    }
}
