//! The public checkpoint: a row, which whoever leads moves forward.

use std::sync::Arc;

use tokio_postgres::types::Type;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::Hash;

use super::leader::{Reign, deposed};
use super::link::{Ending, Link, Value};
use super::rows::number;
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::store::Publish;

/// Where checkpoints are published.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) reign: Arc<Reign>,
    pub(super) link: Link,
}

impl Publish for Publisher {
    fn publish(&mut self, checkpoint: &str, size: u64) -> Result<()> {
        let root = root(checkpoint)?;
        let (root, size) = (&root[..], number(size)?);
        let sql = match failpoint::unfenced() {
            false => {
                "UPDATE published SET size = $2, root = $3, checkpoint = $4 \
                 WHERE log_id = $1 AND epoch = $5 \
                 AND (size < $2 OR (size = $2 AND root = $3))"
            }
            true => {
                "UPDATE published SET size = $2, root = $3, checkpoint = $4 \
                 WHERE log_id = $1 AND $5::int8 IS NOT NULL"
            }
        };
        let found = "SELECT epoch, size FROM published WHERE log_id = $1";
        let epoch = self.reign.epoch();
        let there = self.link.change(async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&size, Type::INT8),
                (&root, Type::BYTEA),
                (&checkpoint, Type::TEXT),
                (&*epoch, Type::INT8),
            ];
            if client.execute_typed(sql, values).await? == 1 {
                return Ok(Ending::Commit(None));
            }
            let row = client.query_typed_one(found, &[(&log, Type::INT4)]).await?;
            let there: (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok(Ending::Undo(Some(there)))
        })?;
        match there {
            None => Ok(()),
            Some((other, _)) if other != *epoch => Err(deposed(&self.reign.place)),
            Some((_, there)) => Err(LogError::damage(format!(
                "the published checkpoint has {there} entries and another tree than the one of \
                 {size} that this process has: stop the log, and run `cosignet-log fsck`"
            ))),
        }
    }
}

fn root(checkpoint: &str) -> Result<Hash> {
    let signed = SignedCheckpoint::parse(checkpoint);
    let signed = signed.map_err(|error| LogError::System(format!("a checkpoint: {error}")))?;
    Ok(signed.checkpoint().root())
}
