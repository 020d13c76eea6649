//! The rules of a store in a database, whichever it is: each call is one transaction, whole or not at
//! all, with its event in the chain.
//!
//! One thread writes. It takes everything that waits into one transaction, each call in a savepoint
//! of its own, and answers when that is committed: a refusal changes nothing, and many callers share
//! one wait for the disk.
//!
//! ```text
//! database    statements, values, rows; what a database has to be able to do
//! writer      the thread, and what it needs of a database: a Ledger
//! requests, signing, people, keys, uses, channels, deliveries     the rules
//! rows, news, visits                                        what is in tables; news; sessions
//! ```

mod channels;
pub(super) mod database;
mod deliveries;
mod keys;
mod news;
mod people;
mod requests;
pub(super) mod rows;
mod signing;
#[cfg(test)]
mod tests;
mod uses;
mod visits;
pub(super) mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use verifier_core::Time;

use super::{
    Answer, Created, Enrolment, Invite, NewCredential, NewRequest, Store, StoreError, Trouble,
    Unlogged, Visits,
};
use crate::break_glass::{Facts, Recorded, ToLog, UsesSeen};
use crate::event::{Event, Link};
use crate::person::{ApiKey, Credential, Person};
use crate::request::{NewSignature, Outcome, Request};
use database::Connection;
use writer::{Ledger, Step, Writer};

/// How many connections read at a time.
const READERS: usize = 8;

/// The clock of a machine, or of a test.
pub(crate) type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Something that was committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'c> {
    /// The request with this id is another one now.
    Request(&'c str),
    /// There is something to deliver.
    Deliveries,
}

/// Whoever hears of every change, when it is committed.
pub(crate) type Notify = Arc<dyn Fn(Change<'_>) + Send + Sync>;

/// Opens a connection that reads.
pub(super) type Open =
    Box<dyn Fn() -> Result<Box<dyn Connection + Send>, StoreError> + Send + Sync>;

/// An open database.
pub(crate) struct Sql {
    writer: Writer,
    readers: Arc<Readers>,
    clock: Clock,
    /// What hears of other processes, and ends with it; only where there are such.
    guard: Option<Box<dyn Send + Sync>>,
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql").finish_non_exhaustive()
    }
}

impl Sql {
    /// Starts the thread that writes.
    pub(super) fn start(
        ledger: Box<dyn Ledger>,
        open: Open,
        clock: Clock,
        notify: Notify,
        guard: Option<Box<dyn Send + Sync>>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            writer: Writer::start(ledger, Arc::clone(&clock), notify)?,
            readers: Arc::new(Readers::new(open)),
            clock,
            guard,
        })
    }

    /// Makes a change, in a transaction.
    fn change<'s, T: Send + 'static>(
        &'s self,
        work: impl FnOnce(&mut Step<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Answer<'s, T> {
        Box::pin(self.writer.run(work))
    }

    /// Reads what is committed.
    fn look<'s, T: Send + 'static>(
        &'s self,
        work: impl Fn(&dyn Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Answer<'s, T> {
        let readers = Arc::clone(&self.readers);
        Box::pin(async move {
            // Whoever waits for a place takes no thread meanwhile. It is never closed.
            let place = Arc::clone(&readers.places).acquire_owned().await;
            let looked = tokio::task::spawn_blocking(move || {
                // The question goes on when nobody waits for the answer any more, and has its place
                // until it ends.
                let _place = place;
                readers.with(work)
            });
            let looked = looked.await;
            looked.unwrap_or_else(|error| Err(StoreError::Reach(error.to_string()).into()))
        })
    }
}

impl Store for Sql {
    fn now(&self) -> Time {
        (self.clock)()
    }

    fn visits(&self) -> Option<&dyn Visits> {
        match self.guard {
            None => None,
            Some(_) => Some(self),
        }
    }

    fn create(&self, new: NewRequest) -> Answer<'_, Created> {
        self.change(move |step| step.create(new))
    }

    fn request(&self, id: &str) -> Answer<'_, Option<Request>> {
        let id = id.to_owned();
        self.look(move |connection| Ok(rows::request(connection, &id)?))
    }

    fn previous(&self, key: &str, action: &str, before: Time) -> Answer<'_, Option<Request>> {
        let (key, action) = (key.to_owned(), action.to_owned());
        self.look(move |connection| Ok(keys::previous(connection, &key, &action, before)?))
    }

    fn sign(&self, id: &str, credential: &[u8], new: NewSignature) -> Answer<'_, Request> {
        let (id, credential) = (id.to_owned(), credential.to_vec());
        self.change(move |step| step.sign(&id, &credential, new))
    }

    fn cancel(&self, id: &str) -> Answer<'_, Request> {
        let id = id.to_owned();
        self.change(move |step| step.cancel(&id))
    }

    fn claim(
        &self,
        id: &str,
        key: &ApiKey,
        operation: &str,
        payload_hash: [u8; 32],
    ) -> Answer<'_, Request> {
        let (id, key, operation) = (id.to_owned(), key.clone(), operation.to_owned());
        self.change(move |step| step.claim(&id, &key, &operation, &payload_hash))
    }

    fn report(&self, id: &str, key: &ApiKey, outcome: Outcome) -> Answer<'_, Request> {
        let (id, key) = (id.to_owned(), key.clone());
        self.change(move |step| step.report(&id, &key, outcome))
    }

    fn expire(&self, most: usize) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let now = self.now();
            // A look costs less than a transaction, and most of the time nothing is due.
            let due = self.look(move |connection| Ok(requests::due(connection, now, 1)?));
            match due.await?.is_empty() {
                true => Ok(Vec::new()),
                false => self.change(move |step| step.expire(most)).await,
            }
        })
    }

    fn erase(&self, before: Time, most: usize) -> Answer<'_, usize> {
        Box::pin(async move {
            let kept = self.look(move |connection| Ok(requests::kept(connection, before, 1)?));
            match kept.await?.is_empty() {
                true => Ok(0),
                false => self.change(move |step| step.erase(before, most)).await,
            }
        })
    }

    fn unlogged(&self, most: usize) -> Answer<'_, Vec<Unlogged>> {
        self.look(move |connection| Ok(signing::unlogged(connection, most)?))
    }

    fn logged(&self, approval_id: &str, bundle: String) -> Answer<'_, Request> {
        let id = approval_id.to_owned();
        self.change(move |step| step.logged(&id, bundle))
    }

    fn invite(&self, invite: Invite) -> Answer<'_, Person> {
        self.change(move |step| step.invite(&invite))
    }

    fn enrolment(&self, hash: [u8; 32], challenge: [u8; 32]) -> Answer<'_, Enrolment> {
        self.change(move |step| step.begin_enrolment(&hash, &challenge))
    }

    fn begun(&self, hash: [u8; 32]) -> Answer<'_, Enrolment> {
        let now = self.now();
        self.look(move |connection| people::begun(connection, &hash, now))
    }

    fn enrol(&self, hash: [u8; 32], credential: NewCredential) -> Answer<'_, Credential> {
        self.change(move |step| step.enrol(&hash, &credential))
    }

    fn people(&self) -> Answer<'_, Vec<Person>> {
        self.look(|connection| Ok(people::people(connection)?))
    }

    fn person(&self, name: &str) -> Answer<'_, Option<Person>> {
        let name = name.to_owned();
        self.look(move |connection| Ok(people::person(connection, &name)?))
    }

    fn credential(&self, id: &[u8]) -> Answer<'_, Option<Credential>> {
        let id = id.to_vec();
        self.look(move |connection| {
            let found = people::credential(connection, &id)?;
            Ok(found.filter(|one| one.retired.is_none()))
        })
    }

    fn retire(&self, person: &str, credential: Option<&[u8]>) -> Answer<'_, Person> {
        let (person, credential) = (person.to_owned(), credential.map(<[u8]>::to_vec));
        self.change(move |step| step.retire(&person, credential.as_deref()))
    }

    fn add_key(&self, key: ApiKey) -> Answer<'_, ()> {
        self.change(move |step| step.add_key(key))
    }

    fn keys(&self) -> Answer<'_, Vec<ApiKey>> {
        self.look(|connection| Ok(keys::keys(connection)?))
    }

    fn key(&self, id: &str) -> Answer<'_, Option<ApiKey>> {
        let id = id.to_owned();
        self.look(move |connection| Ok(keys::key(connection, &id)?))
    }

    fn revoke(&self, name: &str) -> Answer<'_, bool> {
        let name = name.to_owned();
        self.change(move |step| step.revoke(&name))
    }

    fn uses_seen(&self, id: &str, grant: Option<[u8; 32]>) -> Answer<'_, UsesSeen> {
        let id = id.to_owned();
        self.look(move |connection| Ok(uses::uses_seen(connection, &id, grant.as_ref())?))
    }

    fn record_use(
        &self,
        id: &str,
        seen: UsesSeen,
        grant: Option<[u8; 32]>,
        facts: Facts,
    ) -> Answer<'_, Recorded> {
        let place = uses::place_of_use(id);
        self.change(move |step| step.record_use(&place, &seen, grant.as_ref(), facts))
    }

    fn unlogged_glass(&self, most: usize) -> Answer<'_, Vec<ToLog>> {
        self.look(move |connection| Ok(uses::unlogged(connection, most)?))
    }

    fn glass_logged(&self, id: &str, bundle: String) -> Answer<'_, ()> {
        let id = id.to_owned();
        self.change(move |step| step.glass_logged(&id, &bundle))
    }

    fn end_use(&self, id: &str, seen: u64, facts: String) -> Answer<'_, Recorded> {
        let place = uses::place_of_end(id);
        self.change(move |step| step.end_use(&place, seen, &facts))
    }

    fn events(&self, after: u64, most: usize) -> Answer<'_, Vec<Event>> {
        self.look(move |connection| Ok(keys::events(connection, after, most)?))
    }

    fn accept_clock(&self) -> Answer<'_, usize> {
        let is_shared = self.guard.is_some();
        self.change(move |step| {
            let ended = step.accept_clock()?;
            if is_shared {
                visits::end_all(step.connection)?;
            }
            Ok(ended)
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        self.change(|_| Ok(()))
    }
}

/// Connections that read, made when they are first needed.
struct Readers {
    open: Open,
    idle: Mutex<Vec<Box<dyn Connection + Send>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    fn new(open: Open) -> Self {
        Self {
            open,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(READERS)),
        }
    }

    fn with<T>(&self, work: impl Fn(&dyn Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A connection that was idle may have ended meanwhile, and then all others have as well.
        let kept = idle().pop();
        let answered = kept.map(|kept| (work(&*kept), kept));
        let (answer, connection) = match answered {
            Some((answer, kept)) if !kept.is_gone() => (answer, kept),
            ended => {
                if ended.is_some() {
                    idle().clear();
                }
                let new = (self.open)()?;
                (work(&*new), new)
            }
        };
        let mut idle = idle();
        if idle.len() < READERS && connection.is_usable() {
            idle.push(connection);
        }
        answer
    }
}

/// The end of the chain of events, and the moment of the last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct End {
    pub(super) link: Link,
    pub(super) at: Time,
}
