//! The end of the chain as this process has seen it. A server that has not got there was behind when
//! it took over: it has lost what others were told, and a claim that it does not know could be given
//! a second time. Sessions end with their server, so each new one is asked.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::Type;
use verifier_core::hazmat::encoding::sha256;

use super::link::Link;
use crate::event::Link as ChainLink;
use crate::store::StoreError;

/// The last event that is known, with its hash.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<ChainLink>);

impl Known {
    /// The chain has been seen up to here.
    pub(super) fn see(&self, end: ChainLink) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if end.number >= known.number {
            *known = end;
        }
    }

    /// Fails if the server at the other end of a new session has another history.
    pub(super) fn require(&self, link: &Link) -> Result<(), StoreError> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(number @ 1..) = i64::try_from(known.number) else {
            return Ok(());
        };
        let sql = "SELECT line FROM event WHERE number = $1";
        let line = link.ask(async |client| {
            let found = client
                .query_typed_opt(sql, &[(&number, Type::INT8)])
                .await?;
            found.map(|row| row.try_get::<_, String>(0)).transpose()
        })?;
        match line.is_some_and(|line| sha256(line.as_bytes()) == known.hash) {
            true => Ok(()),
            false => Err(StoreError::Damaged(format!(
                "it went back: event {number} is not the one that was there. A server that was \
                 behind has taken over, or a backup was restored, and a claim could be given twice. \
                 Stop every process of this gate, run `cosignet-gate clock accept`, which ends all \
                 that is open or unclaimed, and start again"
            ))),
        }
    }
}
