//! A way to one log in the database, over a session that is opened again when it is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::Address;
use super::error::Lapse;
use super::schema;
use super::session::{LIMIT, Purpose, Session};
use crate::erasure_key::Keyring;
use crate::error::{LogError, Result};
use crate::failpoint;

/// How long after a session that could not be opened the next attempt is made.
const CALM: Duration = Duration::from_millis(300);

pub(super) use super::session::Answer;

/// A value for a statement, and the type that the server takes it for.
pub(super) type Value<'v> = (&'v (dyn ToSql + Sync), Type);

/// The end that a transaction is to have.
#[derive(Debug)]
pub(super) enum Ending<T> {
    Commit(T),
    Undo(T),
}

/// A log in a database: the address, and the key that the log has for ever.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) address: Arc<Address>,
    pub(super) key: Arc<VerifierKey>,
    /// The erasure keys of this process.
    pub(super) keys: Keyring,
    /// The log is on its way, and found under no name that a key can have.
    pub(super) arriving: bool,
    /// Commits name no epoch: for the test that shows that somebody would notice.
    #[cfg(test)]
    pub(super) unfenced: bool,
}

impl Place {
    /// The name of the log in the table of logs.
    pub(super) fn name(&self) -> String {
        let name = self.key.name();
        match self.arriving {
            true => format!("arriving {name}"),
            false => name.to_owned(),
        }
    }
}

/// One life of a server: its timeline, and when it was started. A standby that takes its place has
/// another one, and so has the same server after a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Incarnation(String);

/// The log that a session has found.
#[derive(Debug)]
struct Found {
    log: i32,
    incarnation: Incarnation,
}

/// A way to it.
#[derive(Debug)]
pub(super) struct Link {
    place: Place,
    purpose: Purpose,
    session: Option<(Session, i32)>,
    /// The only one that sessions may be opened with.
    only: Option<Incarnation>,
    /// When no session could be opened for the last time, and why.
    refused: Option<(Instant, String)>,
}

impl Link {
    /// A link that opens its session when it is first asked.
    pub(super) fn new(place: &Place, purpose: Purpose) -> Self {
        Self {
            place: place.clone(),
            purpose,
            session: None,
            only: None,
            refused: None,
        }
    }

    /// A link to this incarnation of the server alone: at another one it is deposed.
    pub(super) fn bound(place: &Place, purpose: Purpose, only: &Incarnation) -> Self {
        Self {
            only: Some(only.clone()),
            ..Self::new(place, purpose)
        }
    }

    /// A link whose session is open.
    pub(super) fn open(place: &Place, purpose: Purpose) -> Result<Self> {
        let mut this = Self::new(place, purpose);
        this.session()?;
        Ok(this)
    }

    /// A link that is bound to the incarnation of its first session, which is open.
    pub(super) fn open_bound(place: &Place, purpose: Purpose) -> Result<(Self, Incarnation)> {
        let mut this = Self::new(place, purpose);
        let (session, found) = this.open_session()?;
        this.session = Some((session, found.log));
        this.only = Some(found.incarnation.clone());
        Ok((this, found.incarnation))
    }

    /// The log that it leads to.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Asks something that changes nothing. `work` gets the number of the log, and is repeated once
    /// if the session was lost since the last question.
    pub(super) fn ask<T>(&mut self, work: impl AsyncFn(&Client, i32) -> Answer<T>) -> Result<T> {
        let again = self.session.is_some();
        match self.once(&work)? {
            Err(lapse) if again && lapse.is_of_session() => Ok(self.once(&work)??),
            done => Ok(done?),
        }
    }

    /// Changes something in one transaction. If an error comes from the end of it, nobody knows
    /// whether it has taken effect.
    pub(super) fn change<T>(
        &mut self,
        work: impl AsyncFn(&Client, i32) -> Answer<Ending<T>>,
    ) -> Result<T> {
        match self.prepare(work)? {
            Ending::Commit(done) => {
                self.commit()?;
                Ok(done)
            }
            Ending::Undo(done) => Ok(done),
        }
    }

    /// The part of a transaction before its COMMIT: an error from here says that nothing has taken
    /// effect. What is to be undone is undone.
    pub(super) fn prepare<T>(
        &mut self,
        work: impl AsyncFn(&Client, i32) -> Answer<Ending<T>>,
    ) -> Result<Ending<T>> {
        let work = async |client: &Client, log: i32| {
            client.batch_execute("BEGIN").await?;
            work(client, log).await
        };
        let done = self.ask(work);
        if !matches!(done, Ok(Ending::Commit(_))) {
            self.undo();
        }
        done
    }

    /// Commits what was prepared.
    pub(super) fn commit(&mut self) -> std::result::Result<(), Lapse> {
        let lost = || Lapse::Lost("before the COMMIT".into());
        let (session, _) = self.session.as_mut().ok_or_else(lost)?;
        let done = commit(session);
        if done.is_err() {
            self.session = None;
        }
        done
    }

    /// Gives the session up, and whatever it is in the middle of.
    pub(super) fn forget(&mut self) {
        self.session = None;
    }

    fn undo(&mut self) {
        let Some((session, _)) = self.session.as_mut() else {
            return;
        };
        let rollback = async |client: &Client| client.batch_execute("ROLLBACK").await;
        if session.run(LIMIT, rollback).is_err() {
            self.session = None;
        }
    }

    /// The outer error: there is no session. The inner one: no answer.
    fn once<T>(
        &mut self,
        work: &impl AsyncFn(&Client, i32) -> Answer<T>,
    ) -> Result<std::result::Result<T, Lapse>> {
        let limit = match self.purpose {
            Purpose::Maintain => LIMIT * 60,
            Purpose::Lead | Purpose::Serve | Purpose::Examine => LIMIT,
        };
        let (session, log) = self.session()?;
        let done = session.run(limit, async |client| work(client, log).await);
        if done.as_ref().is_err_and(Lapse::is_of_session) {
            self.session = None;
        }
        Ok(done)
    }

    fn session(&mut self) -> Result<(&mut Session, i32)> {
        let (session, log) = match self.session.take() {
            Some(open) => open,
            None => {
                let (session, found) = self.open_session()?;
                (session, found.log)
            }
        };
        let (session, log) = self.session.insert((session, log));
        Ok((session, *log))
    }
}

impl Link {
    /// Who asks many questions does not wait for each of them while there is no server.
    fn open_session(&mut self) -> Result<(Session, Found)> {
        if let Some((at, why)) = &self.refused
            && at.elapsed() < CALM
        {
            return Err(Lapse::Lost(why.clone()).into());
        }
        let opened = Session::open(&self.place.address, self.purpose);
        let opened = opened.map_err(LogError::from).and_then(|mut session| {
            let found = identify(&mut session, &self.place)?;
            match &self.only {
                Some(only) if *only != found.incarnation => Err(reborn(&self.place)),
                _ => Ok((session, found)),
            }
        });
        self.refused = match &opened {
            Err(failure @ LogError::Database(_)) => Some((Instant::now(), failure.to_string())),
            _ => None,
        };
        opened
    }
}

/// Commits what a session has done.
pub(super) fn commit(session: &mut Session) -> std::result::Result<(), Lapse> {
    failpoint::pass("before-commit");
    let done = session.commit();
    if done.is_ok() {
        failpoint::pass("after-commit");
    }
    done
}

/// The number of the log in the database, which has to be the one that it was made in, or a copy of
/// all of its files: the same key in two databases signs two histories.
fn identify(session: &mut Session, place: &Place) -> Result<Found> {
    schema::require(session)?;
    let origin = place.name();
    let sql = "SELECT log_id, vkey, cluster, system_identifier::text, \
               CASE WHEN pg_is_in_recovery() THEN 'standby' \
               ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END \
               || ' ' || extract(epoch FROM pg_postmaster_start_time())::text \
               FROM log, pg_control_system() WHERE origin = $1";
    let row = session.run(LIMIT, async |client| {
        let rows = client.query_typed(sql, &[(&origin, Type::TEXT)]).await?;
        let row = rows.first();
        row.map(|row| -> Answer<(i32, String, String, String, String)> {
            Ok((
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
            ))
        })
        .transpose()
    })?;
    let at = &place.address;
    let origin = verifier_core::plain(&origin);
    let Some((log, vkey, cluster, found, incarnation)) = row else {
        return Err(LogError::Usage(format!(
            "{at} has no log named {origin}: create it with `cosignet-log init`"
        )));
    };
    if vkey != place.key.to_string() {
        return Err(LogError::Usage(format!(
            "the log {origin} in {at} has the key {vkey}, and log.key is {}: put the key and the \
             database of the same log together again; never sign one log with two keys",
            place.key
        )));
    }
    if cluster != found {
        return Err(LogError::Usage(format!(
            "the log {origin} was made in the PostgreSQL cluster {cluster}, and {at} is cluster \
             {found}: two clusters with one key fork the log. If its rows were moved here on \
             purpose, and the old cluster is gone for good, see OPERATIONS, \"A log in PostgreSQL\""
        )));
    }
    Ok(Found {
        log,
        incarnation: Incarnation(incarnation),
    })
}

/// The head of this process may be in the history of a server that is gone: what is at this one says
/// nothing about what else was committed there, under whatever epoch.
fn reborn(place: &Place) -> LogError {
    LogError::Deposed(format!(
        "the PostgreSQL server of the log {} was restarted, or another one has taken its place, \
         since this process began to lead: it may have lost commits, and going on could fork the \
         log. Start again: the start compares the database with the heads that are kept outside \
         it, and asks the witnesses",
        verifier_core::plain(place.key.name())
    ))
}
