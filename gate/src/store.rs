//! What must never be lost, and the rules of whatever keeps it.
//!
//! Every call that changes something is one transaction: it reads the state, judges it by the
//! store's own clock, and commits the change together with its event, or nothing. An answer means
//! that the change is durable. The clock of a store never goes back: while the machine's clock stands
//! before the last event by more than [`CLOCK_ALLOWANCE_MILLIS`], nothing is changed
//! (`clock.behind`).

mod error;
#[cfg(test)]
mod model;
mod news;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(test)]
mod scene;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;
mod visits;

use std::fmt;
use std::pin::Pin;

use verifier_core::Time;

use crate::break_glass::{Facts, Recorded, ToLog, UsesSeen};
use crate::event::Event;
use crate::person::{ApiKey, Credential, Person};
use crate::refusal::Refusal;
use crate::request::{Named, NewSignature, Outcome, Request, Requester, RuleName};
use crate::terms::Terms;

pub(crate) use error::StoreError;
pub(crate) use news::News;
pub(crate) use place::Place;
pub(crate) use sql::{Change, Notify};
pub(crate) use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;
pub(crate) use visits::{Visit, Visits};

/// A store's answer: a refusal is one of the gate's own rules, an error is trouble of the store.
pub(crate) type Answer<'s, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 's>>;

/// Why a call to the store has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A rule says no. Nothing was changed.
    #[error("{}", .0.detail)]
    Refused(Refusal),
    /// The store cannot. After an error of a commit nobody knows whether it took effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A request that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewRequest {
    pub(crate) id: String,
    pub(crate) requester: Requester,
    pub(crate) repeats: Repeats,
    /// The hash of what the caller said.
    pub(crate) body_hash: [u8; 32],
    pub(crate) action: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) rule: RuleName,
    pub(crate) terms: Terms,
    pub(crate) audience: String,
    pub(crate) secret: [u8; 32],
    pub(crate) approver: Option<Named>,
    /// How long it can be decided, in milliseconds.
    pub(crate) lifetime: u64,
    pub(crate) limits: Limits,
}

/// The earlier call of the same key whose request a call gets, instead of a second one.
#[derive(Clone, Debug)]
pub(crate) enum Repeats {
    /// The call that had this name. It has to have said the same.
    Named(String),
    Nothing,
    /// A call without a name that said the same, for as long as its request is pending.
    Pending,
}

/// How many requests may be open at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of one key.
    pub(crate) of_key: u64,
    /// That ask one person by name.
    pub(crate) of_person: u64,
}

/// What became of a call that makes a request.
#[derive(Clone, Debug)]
pub(crate) enum Created {
    New(Request),
    /// It was made by an earlier call.
    Repeat(Request),
}

/// A link to enrol a passkey with.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    /// SHA-256 of the token.
    pub(crate) hash: [u8; 32],
    pub(crate) person: String,
    /// The groups that the person gets; those of a person who exists stay if there are none.
    pub(crate) groups: Vec<String>,
    /// How long it can be used, in milliseconds.
    pub(crate) lifetime: u64,
}

/// An enrolment that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pub(crate) person: Person,
    pub(crate) challenge: [u8; 32],
    /// The end of the link.
    pub(crate) expires: Time,
}

/// A passkey that was verified, to be enrolled.
#[derive(Clone, Debug)]
pub(crate) struct NewCredential {
    pub(crate) id: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) transports: Vec<String>,
    pub(crate) attestation: String,
    pub(crate) registration: String,
}

/// A signature that the log does not have yet.
#[derive(Clone, Debug)]
pub(crate) struct Unlogged {
    pub(crate) request: Request,
    /// The position of it among the signatures of the request.
    pub(crate) approval_id: String,
    pub(crate) public_key: Vec<u8>,
}

/// Who is asked for what becomes of a call.
pub(crate) trait Store: News + fmt::Debug + Send + Sync {
    /// The moment on the store's clock.
    fn now(&self) -> Time;
    /// Sessions of browsers, if several processes work on the store. If one has it for itself, it
    /// keeps them as well as a store would.
    fn visits(&self) -> Option<&dyn Visits>;

    /// Makes a request, or finds the one that an earlier call has made.
    fn create(&self, new: NewRequest) -> Answer<'_, Created>;
    /// A request as it stands.
    fn request(&self, id: &str) -> Answer<'_, Option<Request>>;
    /// The last request of this key and action that was approved before this moment.
    fn previous(&self, key: &str, action: &str, before: Time) -> Answer<'_, Option<Request>>;
    /// Takes a verified signature in, by the passkey with this id.
    fn sign(&self, id: &str, credential: &[u8], new: NewSignature) -> Answer<'_, Request>;
    /// Takes a request back.
    fn cancel(&self, id: &str) -> Answer<'_, Request>;
    /// Claims an approval for one operation.
    fn claim(
        &self,
        id: &str,
        key: &ApiKey,
        operation: &str,
        payload_hash: [u8; 32],
    ) -> Answer<'_, Request>;
    /// Keeps what came of a claim.
    fn report(&self, id: &str, key: &ApiKey, outcome: Outcome) -> Answer<'_, Request>;
    /// Ends everything whose time is over, at most so many at once; returns the ids.
    fn expire(&self, most: usize) -> Answer<'_, Vec<String>>;
    /// Erases the payloads of requests that ended before this moment; returns how many.
    fn erase(&self, before: Time, most: usize) -> Answer<'_, usize>;

    /// Signatures that the log does not have yet, the oldest first.
    fn unlogged(&self, most: usize) -> Answer<'_, Vec<Unlogged>>;
    /// Keeps the log's bundle of a signature.
    fn logged(&self, approval_id: &str, bundle: String) -> Answer<'_, Request>;

    /// Makes a person, if there is none, and a link.
    fn invite(&self, invite: Invite) -> Answer<'_, Person>;
    /// Begins an enrolment by a link. Nothing is used up.
    fn enrolment(&self, hash: [u8; 32], challenge: [u8; 32]) -> Answer<'_, Enrolment>;
    /// The enrolment that has begun by this link.
    fn begun(&self, hash: [u8; 32]) -> Answer<'_, Enrolment>;
    /// Enrols a passkey, and uses the link up.
    fn enrol(&self, hash: [u8; 32], credential: NewCredential) -> Answer<'_, Credential>;
    /// Everybody, by name.
    fn people(&self) -> Answer<'_, Vec<Person>>;
    /// Somebody, with all passkeys.
    fn person(&self, name: &str) -> Answer<'_, Option<Person>>;
    /// A passkey that may be used.
    fn credential(&self, id: &[u8]) -> Answer<'_, Option<Credential>>;
    /// Ends the part of a person, or of one passkey of theirs.
    fn retire(&self, person: &str, credential: Option<&[u8]>) -> Answer<'_, Person>;

    /// Keeps a new key.
    fn add_key(&self, key: ApiKey) -> Answer<'_, ()>;
    /// Every key, by name.
    fn keys(&self) -> Answer<'_, Vec<ApiKey>>;
    /// A key, by id.
    fn key(&self, id: &str) -> Answer<'_, Option<ApiKey>>;
    /// Ends a key.
    fn revoke(&self, name: &str) -> Answer<'_, bool>;

    /// What is known of the use of a break-glass file with this id, and of others under its grant.
    fn uses_seen(&self, id: &str, grant: Option<[u8; 32]>) -> Answer<'_, UsesSeen>;
    /// Records a use that was not seen, as an event with these facts, in canonical JSON: they are
    /// asked for when nothing else is recorded, with what was recorded under the grant since it was
    /// looked. There is one event for an id at most: a second call changes nothing, and gets the
    /// first one's.
    fn record_use(
        &self,
        id: &str,
        seen: UsesSeen,
        grant: Option<[u8; 32]>,
        facts: Facts,
    ) -> Answer<'_, Recorded>;
    /// What was signed under break-glass and the log does not have yet, the oldest first.
    fn unlogged_glass(&self, most: usize) -> Answer<'_, Vec<ToLog>>;
    /// Records that the log has it, with its bundle.
    fn glass_logged(&self, id: &str, bundle: String) -> Answer<'_, ()>;
    /// Records what came of a use, once, by the same rule; nothing was before event `seen`.
    fn end_use(&self, id: &str, seen: u64, facts: String) -> Answer<'_, Recorded>;

    /// The events behind this number, in order: so many at most, and fewer if they are long; one at
    /// least, if there is one.
    fn events(&self, after: u64, most: usize) -> Answer<'_, Vec<Event>>;
    /// Lets the store's clock follow the machine's again after that went back; everything that is
    /// open, or approved and not claimed, ends. Returns how many requests that were.
    fn accept_clock(&self) -> Answer<'_, usize>;
    /// Changes nothing, as every change is made: whether there could be one.
    fn check(&self) -> Answer<'_, ()>;
}
