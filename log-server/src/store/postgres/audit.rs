//! The questions of `fsck` to the tables. Each reads a piece: a snapshot that is kept for long keeps
//! VACUUM from taking erased rows away.

use std::sync::Mutex;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::link::{Answer, Link, Place, Value};
use super::rows::{self, number};
use super::session::Purpose;
use super::{evidence, freeze, held, schema, sealed, tokens};
use crate::error::Result;
use crate::store::{Audit, Claim, Claims, Found, Head, Holders, Stray};

/// How many rows are read at once.
const ROWS: i64 = 4096;

/// A database under examination.
#[derive(Debug)]
pub(super) struct Examiner(Mutex<Link>);

impl Examiner {
    pub(super) fn open(place: &Place) -> Result<Self> {
        Ok(Self(Mutex::new(Link::open(place, Purpose::Serve)?)))
    }
}

/// Some claims after a hash, in order.
pub(super) fn claims_after(
    link: &mut Link,
    kind: Claims,
    last: &[u8],
) -> Result<Vec<(Vec<u8>, i64)>> {
    let table = rows::table(kind);
    let sql = format!(
        "SELECT hash, leaf FROM {table} WHERE log_id = $1 AND hash > $2 ORDER BY hash LIMIT {ROWS}"
    );
    link.ask(async |client, log| {
        let values: &[Value<'_>] = &[(&log, Type::INT4), (&last, Type::BYTEA)];
        let rows = client.query_typed(&sql, values).await?;
        let each = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(each).collect()
    })
}

impl Audit for Examiner {
    fn complaints(&self) -> Vec<Result<String>> {
        let mut link = held(&self.0);
        let found = link.ask(async |client, _| schema::complaints(client).await);
        let frozen = freeze::frozen(&mut link);
        let frozen = frozen.map(|why| why.map(|why| format!("the log is frozen: {why}")));
        let found = match found {
            Ok(found) => found.into_iter().map(Ok).collect(),
            Err(failure) => vec![Err(failure)],
        };
        found.into_iter().chain(frozen.transpose()).collect()
    }

    fn damaged_tokens(&self) -> Result<Vec<String>> {
        let all = tokens::all(&mut held(&self.0))?;
        let damaged = all.into_iter().filter(|(_, written)| !written);
        Ok(damaged.map(|(token, _)| token.name).collect())
    }

    fn head(&self) -> Result<Head> {
        rows::head(&mut held(&self.0))
    }

    fn holders(&self, claim: &Claim) -> Result<Holders> {
        rows::holders(&mut held(&self.0), claim)
    }

    fn evidence(&self, leaf: u64) -> Result<Option<Found>> {
        let mut link = held(&self.0);
        let Some(row) = evidence::kept(&mut link, leaf)? else {
            return Ok(None);
        };
        let opened = sealed::open_one(link.place(), row)?;
        Ok(Some(Found {
            written: opened.written,
            kept: opened.if_readable(),
        }))
    }

    fn count_claims(&self, kind: Claims, size: u64) -> Result<(u64, Vec<Stray>)> {
        let (table, size) = (rows::table(kind), number(size)?);
        let (mut count, mut strays) = (0, Vec::new());
        let mut last = Vec::new();
        loop {
            let rows = claims_after(&mut held(&self.0), kind, &last)?;
            let Some((hash, _)) = rows.last() else {
                return Ok((count, strays));
            };
            last.clone_from(hash);
            // A head that is read after the rows covers all of them.
            let end = number(self.head()?.size)?;
            for (_, leaf) in rows {
                if leaf < 0 || leaf >= end {
                    strays.push(Stray { table, leaf });
                } else if leaf < size {
                    count += 1;
                }
            }
        }
    }

    fn strays(&self) -> Result<Vec<Stray>> {
        let mut strays = Vec::new();
        for (table, first, last) in [
            ("evidence", "leaf", "leaf"),
            ("evidence_key", "leaf", "leaf"),
            ("staged", "first", "last"),
            ("erasure", "leaf", "leaf"),
        ] {
            for side in [
                format!("{first} < 0"),
                format!("{last} >= (SELECT size FROM head WHERE log_id = $1)"),
            ] {
                let sql =
                    format!("SELECT {last} FROM {table} WHERE log_id = $1 AND {side} LIMIT 100");
                let found = held(&self.0).ask(async |client, log| -> Answer<Vec<i64>> {
                    let rows = client.query_typed(&sql, &[(&log, Type::INT4)]).await?;
                    rows.iter().map(|row| row.try_get(0)).collect()
                })?;
                strays.extend(found.into_iter().map(|leaf| Stray { table, leaf }));
            }
        }
        Ok(strays)
    }

    fn staged(&self, first: u64) -> Result<Vec<String>> {
        rows::staged(&mut held(&self.0), first, u64::MAX)
    }

    fn staged_before(&self, end: u64) -> Result<Vec<(u64, String)>> {
        let leaves = rows::batches(&mut held(&self.0), 0, end)?;
        Ok(leaves.into_iter().filter(|(at, _)| *at < end).collect())
    }
}
