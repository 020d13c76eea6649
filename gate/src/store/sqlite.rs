//! The store of one machine: SQLite with a write-ahead log, `synchronous = FULL` and
//! `secure_delete`, so that what is erased is overwritten.
//!
//! One thread writes. It takes everything that waits into one transaction, each call in a savepoint
//! of its own, and answers when that is committed: a refusal changes nothing, and many callers share
//! one wait for the disk.

mod channels;
mod deliveries;
mod keys;
mod news;
mod people;
mod requests;
mod rows;
mod schema;
mod signing;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use verifier_core::Time;

use super::{
    Answer, Created, Enrolment, Invite, NewCredential, NewRequest, Store, StoreError, Trouble,
    Unlogged,
};
use crate::event::{Event, Link};
use crate::person::{ApiKey, Credential, Person};
use crate::request::{NewSignature, Outcome, Request};
use writer::{Step, Writer};

/// How many connections read at a time.
const READERS: usize = 4;

/// How long a connection waits for a lock of another process.
const BUSY: Duration = Duration::from_secs(10);

/// The clock of the machine, or of a test.
pub(crate) type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Something that was committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'c> {
    /// The request with this id is another one now.
    Request(&'c str),
    /// There is something to deliver.
    Deliveries,
}

/// An open database.
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Arc<Readers>,
    clock: Clock,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Makes an empty database. The file must not exist.
    pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
        let mut connection = open(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        let transaction = connection.transaction()?;
        schema::create(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Opens a database, and starts the thread that writes. `notify` hears of every change, when it is
    /// committed.
    pub(crate) fn open(
        path: &Path,
        clock: Clock,
        notify: impl Fn(Change<'_>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let mut connection = open(path, OpenFlags::empty())?;
        schema::upgrade(&mut connection)?;
        let end = rows::end_of_events(&connection)?;
        Ok(Self {
            writer: Writer::start(connection, end, Arc::clone(&clock), Box::new(notify))?,
            readers: Arc::new(Readers::new(path)),
            clock,
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
        work: impl FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Answer<'s, T> {
        let readers = Arc::clone(&self.readers);
        Box::pin(async move {
            let looked = tokio::task::spawn_blocking(move || readers.with(work)).await;
            looked.unwrap_or_else(|error| Err(StoreError::Reach(error.to_string()).into()))
        })
    }
}

impl Store for Sqlite {
    fn now(&self) -> Time {
        (self.clock)()
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
        self.change(move |step| step.expire(most))
    }

    fn erase(&self, before: Time, most: usize) -> Answer<'_, usize> {
        self.change(move |step| step.erase(before, most))
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

    fn events(&self, after: u64, most: usize) -> Answer<'_, Vec<Event>> {
        self.look(move |connection| Ok(keys::events(connection, after, most)?))
    }

    fn accept_clock(&self) -> Answer<'_, usize> {
        self.change(|step| step.accept_clock())
    }
}

/// Connections that read, made when they are first needed.
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            idle: Mutex::default(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open(&self.path, OpenFlags::empty())?,
        };
        let done = work(&connection);
        let mut idle = idle();
        if idle.len() < READERS {
            idle.push(connection);
        }
        done
    }
}

fn open(path: &Path, more: OpenFlags) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The end of the chain of events, and the moment of the last.
#[derive(Clone, Copy, Debug)]
struct End {
    link: Link,
    at: Time,
}
