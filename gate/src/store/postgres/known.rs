//! The last event that this process knows to be committed. A server that does not have it was behind
//! when it took over, or was given a backup: it has lost what others were told, and a claim that it
//! does not know could be given a second time.
//!
//! Only an own COMMIT that was confirmed says what is known. A read may show what no standby has yet,
//! and a fail-over loses that rightly.
//!
//! ```text
//! a new session       looks for the event
//! begin of a change   looks for it under the lock of the chain, and alone says that all is well again
//! the listener        looks for it twice a second, since idle sessions outlive a restored backup
//! any other question  is refused while one of these has not found it
//! ```

use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::Type;
use verifier_core::hazmat::encoding::sha256;

use super::link::Link;
use crate::event::Link as ChainLink;
use crate::store::StoreError;

/// The line of the event with the number `$place`, or NULL.
pub(super) fn line(place: u8) -> String {
    format!("(SELECT line FROM event WHERE number = ${place})")
}

/// The last event that is known, with its hash.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    end: ChainLink,
    /// The server was found without it.
    is_missing: bool,
}

/// An event that has to be there. It has no number as long as nothing is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected(ChainLink);

impl Expected {
    pub(super) fn number(&self) -> i64 {
        i64::try_from(self.0.number).unwrap_or(i64::MAX)
    }

    fn is(&self, line: Option<&str>) -> bool {
        self.0.number == 0 || line.is_some_and(|line| sha256(line.as_bytes()) == self.0.hash)
    }

    fn missing(&self) -> StoreError {
        StoreError::Damaged(format!(
            "it went back: event {} is not the one that was there. A server that was behind has \
             taken over, or a backup was restored, and a claim could be given twice. Stop every \
             process of this gate, run `cosignet-gate clock accept`, which ends all that is open \
             or unclaimed, and start again",
            self.0.number
        ))
    }
}

impl Known {
    /// A COMMIT of this process was confirmed, with the chain up to here.
    pub(super) fn see(&self, end: ChainLink) {
        let mut state = self.state();
        if end.number > state.end.number {
            state.end = end;
        }
    }

    /// The event that everything asked from now on has to find.
    pub(super) fn expected(&self) -> Expected {
        Expected(self.state().end)
    }

    /// Fails if what the server has in its place is another one. From then on every session of this
    /// process refuses.
    pub(super) fn require(&self, expected: Expected, line: Option<&str>) -> Result<(), StoreError> {
        match expected.is(line) {
            true => Ok(()),
            false => {
                self.state().is_missing = true;
                Err(expected.missing())
            }
        }
    }

    /// The same, asked by somebody who holds the lock of the chain: the others follow.
    pub(super) fn decide(&self, expected: Expected, line: Option<&str>) -> Result<(), StoreError> {
        self.require(expected, line)?;
        self.state().is_missing = false;
        Ok(())
    }

    /// Asks the server at the other end of a new session.
    pub(super) fn require_of(&self, link: &Link) -> Result<(), StoreError> {
        let expected = self.expected();
        let (number, sql) = (expected.number(), format!("SELECT {}", line(1)));
        let found = link.ask(async |client| {
            let row = client
                .query_typed_one(&sql, &[(&number, Type::INT8)])
                .await?;
            row.try_get::<_, Option<String>>(0)
        })?;
        self.require(expected, found.as_deref())
    }

    /// Fails if the server was found without the event.
    pub(super) fn stand(&self) -> Result<(), StoreError> {
        let state = self.state();
        match state.is_missing {
            true => Err(Expected(state.end).missing()),
            false => Ok(()),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
