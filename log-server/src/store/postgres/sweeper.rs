//! Old versions of rows, taken away after an erasure.

use std::sync::Mutex;

use tokio_postgres::types::Type;

use super::link::{Ending, Link, Place, Value};
use super::rows::index;
use super::session::Purpose;
use crate::error::{LogError, Result};
use crate::store::Eraser;

/// The one that has them taken away. A row of `erasure` stays until that is done.
#[derive(Debug)]
pub(super) struct Sweeper(Mutex<Link>);

impl Sweeper {
    pub(super) fn open(place: &Place) -> Result<Self> {
        Ok(Self(Mutex::new(Link::open(place, Purpose::Maintain)?)))
    }
}

impl Eraser for Sweeper {
    fn pending(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM erasure WHERE log_id = $1";
        let count: i64 = super::held(&self.0).ask(async |client, log| {
            let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
            row.try_get(0)
        })?;
        index(count)
    }

    fn finish(&self) -> Result<bool> {
        let mut link = super::held(&self.0);
        let last = "SELECT max(id), pg_has_role(relowner, 'USAGE') \
                    FROM pg_class LEFT JOIN erasure ON log_id = $1 \
                    WHERE pg_class.oid = 'cosignet_log.evidence'::regclass GROUP BY relowner";
        let (last, may): (Option<i64>, bool) = link.ask(async |client, log| {
            let row = client.query_typed_one(last, &[(&log, Type::INT4)]).await?;
            Ok((row.try_get(0)?, row.try_get(1)?))
        })?;
        let Some(last) = last else {
            return Ok(true);
        };
        if !may {
            return Err(LogError::Usage(
                "only the owner of the table evidence can have erased rows taken away by VACUUM: \
                 serve the log as the role that made it"
                    .into(),
            ));
        }
        link.ask(async |client, _| client.batch_execute("VACUUM evidence, evidence_key").await)?;
        // Somebody with an older snapshot keeps old versions alive, and then VACUUM does too.
        let left = "SELECT coalesce(sum(n_dead_tup), 0)::int8 FROM pg_stat_all_tables \
                    WHERE relid IN (SELECT unnest(ARRAY[oid, reltoastrelid]) FROM pg_class \
                    WHERE oid IN ('cosignet_log.evidence'::regclass, \
                    'cosignet_log.evidence_key'::regclass))";
        let left: i64 =
            link.ask(async |client, _| client.query_typed_one(left, &[]).await?.try_get(0))?;
        if left != 0 {
            return Ok(false);
        }
        let sql = "DELETE FROM erasure WHERE log_id = $1 AND id <= $2";
        link.change(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&last, Type::INT8)];
            client.execute_typed(sql, values).await?;
            Ok(Ending::Commit(()))
        })?;
        Ok(true)
    }

    fn journal(&self) -> u64 {
        0
    }
}
