//! A log that arrives from elsewhere. Until it is whole its row in `log` has a name that no key can
//! have, so whoever looks for the log does not find it; the last statement gives it its own.

use tokio_postgres::types::Type;

use super::evidence::Columns;
use super::link::{Ending, Link, Place, Value};
use super::rows::{self, number};
use super::session::{LIMIT, Purpose, Session};
use super::{schema, sealed, staged, tokens};
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::store::{Claims, Evidence, Head, Intake, TokenRow};

/// How many rows of an earlier attempt are taken away at once.
const ROWS: i64 = 10_000;

/// The tables that name a log, that of the logs last.
const TABLES: [&str; 11] = [
    "staged",
    "approval",
    "assertion",
    "evidence_key",
    "evidence",
    "erasure",
    "erasure_key",
    "token",
    "published",
    "head",
    "log",
];

/// The rows of a log on its way.
#[derive(Debug)]
pub(super) struct Arrival {
    place: Place,
    link: Link,
    /// The erasure key that evidence is sealed under.
    kek: Option<String>,
}

impl Arrival {
    /// The place has the name of a log on its way.
    pub(super) fn new(place: &Place) -> Result<Self> {
        let kek = place.keys.of_new_log()?;
        Ok(Self {
            place: place.clone(),
            link: Link::new(place, Purpose::Serve),
            kek: kek.map(|key| key.id().to_owned()),
        })
    }

    /// Takes away what an earlier attempt has left.
    fn clear(&mut self) -> Result<()> {
        for table in TABLES {
            let sql = format!(
                "DELETE FROM {table} WHERE ctid = ANY(ARRAY(\
                 SELECT ctid FROM {table} WHERE log_id = $1 LIMIT $2))"
            );
            loop {
                let gone = self.link.change(async |client, log| {
                    let values: &[Value<'_>] = &[(&log, Type::INT4), (&ROWS, Type::INT8)];
                    Ok(Ending::Commit(client.execute_typed(&sql, values).await?))
                })?;
                if gone == 0 || table == "log" {
                    break;
                }
            }
        }
        self.link.forget();
        Ok(())
    }

    fn all(&self, done: u64, expected: usize) -> Result<()> {
        match done == crate::count(expected) {
            true => Ok(()),
            false => Err(LogError::damage(format!(
                "{} has taken {done} rows of {expected}: it has a rule or a trigger that is not of this \
                 program",
                self.place.address
            ))),
        }
    }
}

impl Intake for Arrival {
    fn begin(&mut self, head: &Head, published: &Head) -> Result<()> {
        schema::upgrade(&self.place.address)?;
        if super::has_name(&self.place)? {
            self.clear()?;
        }
        let mut session = Session::open(&self.place.address, Purpose::Serve)?;
        super::insert(&self.place, &mut session, head, published)
    }

    fn staged(&mut self, first: u64, leaves: &[String]) -> Result<()> {
        let Some(more) = leaves.len().checked_sub(1) else {
            return Ok(());
        };
        let last = number(first.saturating_add(crate::count(more)))?;
        let (first, leaves) = (
            number(first)?,
            staged::write(leaves.iter().map(String::as_str))?,
        );
        let sql = "INSERT INTO staged VALUES ($1, $2, $3, $4)";
        self.link.change(async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&first, Type::INT8),
                (&last, Type::INT8),
                (&leaves, Type::BYTEA),
            ];
            client.execute_typed(sql, values).await?;
            Ok(Ending::Commit(()))
        })
    }

    fn claims(&mut self, kind: Claims, rows: &[(Vec<u8>, i64)]) -> Result<()> {
        let hashes: Vec<&[u8]> = rows.iter().map(|(hash, _)| &hash[..]).collect();
        let leaves: Vec<i64> = rows.iter().map(|(_, leaf)| *leaf).collect();
        let done = self.link.change(async |client, log| {
            let done = rows::insert_claims(client, log, kind, &hashes, &leaves).await?;
            Ok(Ending::Commit(done))
        })?;
        failpoint::pass("after-arrival");
        self.all(done, rows.len())
    }

    fn evidence(&mut self, rows: &[(u64, Evidence)]) -> Result<()> {
        let each = rows.iter().map(|(leaf, kept)| Ok((number(*leaf)?, kept)));
        let each = each.collect::<Result<Vec<_>>>()?;
        let seal = self.place.seal(self.kek.as_deref())?;
        let columns = Columns::new(sealed::write(seal, each.into_iter())?);
        let whole = self
            .link
            .change(async |client, log| Ok(Ending::Commit(columns.insert(client, log).await?)))?;
        failpoint::pass("after-arrival");
        self.all(u64::from(whole), 1)
    }

    fn token(&mut self, token: &TokenRow) -> Result<()> {
        let sum = token.checksum()?;
        let done = self.link.change(async |client, log| {
            let done = tokens::insert(client, log, token, &sum).await?;
            Ok(Ending::Commit(done))
        })?;
        self.all(done, 1)
    }

    fn erasing(&mut self, leaves: &[u64]) -> Result<()> {
        let leaves = leaves.iter().map(|leaf| number(*leaf));
        let leaves: Vec<i64> = leaves.collect::<Result<_>>()?;
        let sql = "INSERT INTO erasure (log_id, leaf) SELECT $1, * FROM unnest($2::int8[])";
        let done = self.link.change(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&leaves, Type::INT8_ARRAY)];
            Ok(Ending::Commit(client.execute_typed(sql, values).await?))
        })?;
        self.all(done, leaves.len())
    }

    fn finish(&mut self) -> Result<()> {
        let name = self.place.key.name();
        let sql = "UPDATE log SET origin = $2 WHERE log_id = $1";
        self.link.change(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&name, Type::TEXT)];
            client.execute_typed(sql, values).await?;
            Ok(Ending::Commit(()))
        })?;
        // Planned for what is there now, and not for the empty tables.
        let mut session = Session::open(&self.place.address, Purpose::Maintain)?;
        let analyze = "ANALYZE approval, assertion, evidence, evidence_key";
        let done = session.run(LIMIT * 60, async |client| {
            client.batch_execute(analyze).await
        });
        if let Err(failure) = done {
            tracing::warn!(%failure, "the tables are not analysed yet");
        }
        Ok(())
    }
}
