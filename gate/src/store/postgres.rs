//! The store of several machines: PostgreSQL. Any number of processes work on one database; the rules
//! are those of `sql`, and this is what makes them hold with several processes.
//!
//! ```text
//! schema     the tables
//! link       a session that answers questions, and takes what is worked on
//! ledger     the session that writes, and what becomes of a COMMIT without an answer
//! clock      the clock of the server
//! known      the event that has to be there, whichever server answers
//! listener   hears of what other processes have changed
//! moving     takes in what was in a file
//! ```

mod clock;
mod error;
mod known;
mod ledger;
mod link;
mod listener;
mod moving;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use postgres_session::address::{Address, Tenant};
use postgres_session::session::Purpose;
use postgres_session::settings;
use verifier_core::hazmat::encoding::hex;

use super::StoreError;
use super::sql::database::Connection;
use super::sql::{Clock, Notify, Sql};
use clock::ServerClock;
use known::Known;
use ledger::Book;
use link::Link;
use listener::{Ear, Listener};

/// The schema of the tables, unless it is said.
const SCHEMA: &str = "cosignet_gate";

/// The longest name of a schema, in bytes, as PostgreSQL has it.
const MAX_SCHEMA: usize = 63;

/// A database that a gate is kept in.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    address: Arc<Address>,
}

impl Database {
    /// The database with this address, `postgres://…`. A password that is said wins over that of the
    /// address.
    pub(crate) fn parse(
        text: &str,
        password: Option<&[u8]>,
        schema: Option<&str>,
    ) -> Result<Self, StoreError> {
        let schema = schema.unwrap_or(SCHEMA);
        if !is_schema(schema) {
            return Err(StoreError::Usage(format!(
                "--store-schema has to be a name of small letters, digits and _, and not {}",
                verifier_core::quote(schema)
            )));
        }
        let tenant = Tenant::new(
            "cosignet-gate",
            schema,
            "and then an approval is used twice",
        );
        let address = Address::parse(text, tenant)?;
        let address = match password {
            None => address,
            Some(password) => address.with_password(password),
        };
        Ok(Self {
            address: Arc::new(address),
        })
    }

    /// Makes a gate's tables. There must be none.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        settings::require(&self.address)?;
        schema::create(&self.address)
    }

    /// Whether it has a gate's tables.
    pub(crate) fn has_gate(&self) -> Result<bool, StoreError> {
        schema::exists(&self.address)
    }

    /// Opens it. `notify` hears of every change, whichever process has made it. The clock is that of
    /// the server, but for tests.
    pub(crate) fn open(&self, clock: Option<Clock>, notify: Notify) -> Result<Sql, StoreError> {
        settings::require(&self.address)?;
        schema::upgrade(&self.address)?;
        let holder = crate::random::<8>().map(|bytes| hex(&bytes));
        let holder = holder.map_err(|refusal| StoreError::Reach(refusal.detail))?;
        let holder: Arc<str> = holder.into();
        let server = Arc::new(ServerClock::default());
        let address = Arc::clone(&self.address);
        let known = Arc::new(Known::default());
        let mut book = Book::new(&address, &holder, &server, &known);
        let end = book.meet()?;
        let guard = Listener::start(Ear {
            address: Arc::clone(&address),
            holder: Arc::clone(&holder),
            clock: Arc::clone(&server),
            known: Arc::clone(&known),
            seen: i64::try_from(end.link.number).unwrap_or(i64::MAX),
            notify: Arc::clone(&notify),
        })?;
        let clock = clock.unwrap_or_else(|| Arc::new(move || server.now()));
        let open = move || -> Result<Box<dyn Connection + Send>, StoreError> {
            let link = Link::open(&address, Purpose::Serve, &holder, &known)?;
            known.require_of(&link)?;
            Ok(Box::new(link))
        };
        Sql::start(
            Box::new(book),
            Box::new(open),
            clock,
            notify,
            Some(Box::new(guard)),
        )
    }
}

/// Whether PostgreSQL takes it for a name without quotes.
fn is_schema(name: &str) -> bool {
    let small = |byte: &u8| matches!(byte, b'a'..=b'z' | b'_');
    let all = |byte: u8| small(&byte) || byte.is_ascii_digit();
    name.as_bytes().first().is_some_and(small)
        && name.bytes().all(all)
        && name.len() <= MAX_SCHEMA
        && !name.starts_with("pg_")
        && !matches!(name, "public" | "information_schema")
}
