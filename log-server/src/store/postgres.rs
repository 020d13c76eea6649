//! The back end of several machines: PostgreSQL for what must not be lost, and public objects
//! wherever they are.
//!
//! ```text
//! link                    one log in it, over sessions that are opened again
//! schema                  the tables
//! members                 who leads, and what is public
//! leader, batch, publisher         epochs: commits and publications of the one that leads
//! intake                  a log that comes from a directory
//! freeze                  the mark that ends a log whose database went back
//! sealed, sealing         evidence under keys of its own, and the erasure keys of these
//! sweeper                 what erasures leave behind
//! rows, staged, evidence, tokens, audit, copy   the questions
//! ```

mod audit;
mod batch;
mod copy;
mod error;
mod evidence;
mod freeze;
mod intake;
mod leader;
mod link;
mod members;
mod publisher;
mod rows;
mod schema;
mod sealed;
mod sealing;
mod staged;
mod sweeper;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postgres_session::address::{Address, Tenant};
use postgres_session::{session, settings};
use tokio_postgres::types::Type;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use self::link::{Answer, Link, Place, Value};
use self::rows::number;
use self::session::{LIMIT, Purpose, Session};
use super::{
    Audit, Backend, Closing, Eraser, Head, Intake, Lead, Members, Objects, Records, Sealing, Tokens,
};
use crate::erasure_key::Keyring;
use crate::error::{LogError, Result};

/// The database with this address, which holds logs.
pub(crate) fn address(text: &str) -> Result<Address> {
    let tenant = Tenant::new("cosignet-log", "cosignet_log", "and then the log forks");
    Ok(Address::parse(text, tenant)?)
}

/// A log in a database.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    place: Place,
    objects: Arc<dyn Objects>,
    /// The address at which other members reach this one.
    url: Option<String>,
}

impl Postgres {
    /// The log with this key. Its name is that of its rows.
    pub(crate) fn new(address: Address, key: &VerifierKey, objects: Arc<dyn Objects>) -> Self {
        let place = Place {
            address: Arc::new(address),
            key: Arc::new(key.clone()),
            keys: Keyring::default(),
            arriving: false,
            #[cfg(test)]
            unfenced: false,
        };
        Self {
            place,
            objects,
            url: None,
        }
    }

    /// The same, reached by other members at this address.
    pub(crate) fn reached_at(self, url: Option<String>) -> Self {
        Self { url, ..self }
    }

    /// The same, of a process that has these erasure keys.
    pub(crate) fn with_keys(mut self, keys: Keyring) -> Self {
        self.place.keys = keys;
        self
    }

    /// The same on its way from elsewhere: nobody else finds it.
    pub(crate) fn arriving(mut self) -> Self {
        self.place.arriving = true;
        self
    }
}

/// Whether the tables have a log of this name, whatever its key is.
fn has_name(place: &Place) -> Result<bool> {
    let mut session = Session::open(&place.address, Purpose::Serve)?;
    if schema::version(&mut session)?.is_none() {
        return Ok(false);
    }
    let origin = place.name();
    let sql = "SELECT EXISTS (SELECT FROM cosignet_log.log WHERE origin = $1)";
    let there = session.run(LIMIT, async |client| -> Answer<bool> {
        let row = client
            .query_typed_one(sql, &[(&origin, Type::TEXT)])
            .await?;
        row.try_get(0)
    });
    Ok(there?)
}

/// Writes the first rows of a log.
fn insert(place: &Place, session: &mut Session, head: &Head, public: &Head) -> Result<()> {
    let (origin, vkey) = (place.name(), place.key.to_string());
    let kek = place.keys.of_new_log()?.map(|key| key.id());
    // A number for each log, one after the other: the lock on the table makes them wait.
    let log = "INSERT INTO log SELECT coalesce(max(log_id), 0) + 1, $1, $2, \
               (SELECT system_identifier::text FROM pg_control_system()) FROM log \
               RETURNING log_id";
    let heads = "INSERT INTO head (log_id, size, root, checkpoint, epoch, renewed, kek) \
                 VALUES ($1, $2, $3, $4, 0, '-infinity', $5)";
    let published = "INSERT INTO published VALUES ($1, $2, $3, $4, 0)";
    let keys = "INSERT INTO erasure_key SELECT $1, $2 WHERE $2 IS NOT NULL";
    let (size, root) = (number(head.size)?, &head.root[..]);
    let (public_size, public_root) = (number(public.size)?, &public.root[..]);
    session.run(LIMIT, async |client| -> Answer<()> {
        client
            .batch_execute("BEGIN; LOCK TABLE log IN EXCLUSIVE MODE")
            .await?;
        let values: &[Value<'_>] = &[(&origin, Type::TEXT), (&vkey, Type::TEXT)];
        let row = client.query_typed_one(log, values).await?;
        let log: i32 = row.try_get(0)?;
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&size, Type::INT8),
            (&root, Type::BYTEA),
            (&head.checkpoint, Type::TEXT),
            (&kek, Type::TEXT),
        ];
        client.execute_typed(heads, values).await?;
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&public_size, Type::INT8),
            (&public_root, Type::BYTEA),
            (&public.checkpoint, Type::TEXT),
        ];
        client.execute_typed(published, values).await?;
        let values: &[Value<'_>] = &[(&log, Type::INT4), (&kek, Type::TEXT)];
        client.execute_typed(keys, values).await?;
        Ok(())
    })?;
    Ok(link::commit(session)?)
}

impl Backend for Postgres {
    fn name(&self) -> String {
        self.place.address.to_string()
    }

    fn exists(&self) -> Result<bool> {
        has_name(&self.place)
    }

    fn require_vacant(&self) -> Result<()> {
        if has_name(&self.place)? {
            return Err(LogError::Usage(format!(
                "{} has a log named {} already",
                self.place.address,
                verifier_core::plain(self.place.key.name())
            )));
        }
        Ok(())
    }

    fn create(&self, head: &Head) -> Result<()> {
        self.require_vacant()?;
        settings::require(&self.place.address)?;
        schema::upgrade(&self.place.address)?;
        let mut session = Session::open(&self.place.address, Purpose::Serve)?;
        insert(&self.place, &mut session, head, head)
    }

    fn lead(&self) -> Result<Lead> {
        settings::require(&self.place.address)?;
        schema::upgrade_existing(&self.place.address)?;
        sealing::require(&self.place)?;
        leader::take_over(&self.place, self.url.as_deref())
    }

    fn head(&self) -> Result<Head> {
        rows::head(&mut Link::new(&self.place, Purpose::Serve))
    }

    fn close(&self, closing: &Closing) -> Result<()> {
        rows::close(&mut Link::new(&self.place, Purpose::Serve), closing)
    }

    fn published(&self) -> Result<String> {
        rows::published(&mut Link::new(&self.place, Purpose::Serve))
    }

    fn records(&self) -> Result<Arc<dyn Records>> {
        Ok(Arc::new(evidence::Readers::open(&self.place)?))
    }

    fn tokens(&self) -> Result<Arc<dyn Tokens>> {
        Ok(Arc::new(tokens::TokenTable::open(&self.place)?))
    }

    fn eraser(&self) -> Result<Arc<dyn Eraser>> {
        Ok(Arc::new(sweeper::Sweeper::open(&self.place)?))
    }

    fn audit(&self) -> Result<Box<dyn Audit>> {
        Ok(Box::new(audit::Examiner::open(&self.place)?))
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::clone(&self.objects)
    }

    fn members(&self) -> Result<Option<Arc<dyn Members>>> {
        schema::upgrade_existing(&self.place.address)?;
        sealing::require(&self.place)?;
        Ok(Some(Arc::new(members::Observer::open(&self.place)?)))
    }

    fn sealing(&self) -> Result<Option<Box<dyn Sealing>>> {
        Ok(Some(Box::new(sealing::Resealer::open(&self.place)?)))
    }

    fn intake(&self) -> Result<Option<Box<dyn Intake>>> {
        settings::require(&self.place.address)?;
        Ok(Some(Box::new(intake::Arrival::new(&self.place)?)))
    }

    fn copy_to(&self, file: &Path) -> Result<()> {
        // A copy can be started by itself, and would be the fork.
        match freeze::frozen(&mut Link::new(&self.place, Purpose::Serve))? {
            Some(why) => Err(freeze::refusal(&self.place, &why)),
            None => {
                sealing::require(&self.place)?;
                copy::copy_to(&self.place, file)
            }
        }
    }
}

fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
