//! The erasure keys of a log, and the change from one to the next.
//!
//! ```text
//! head.kek        the current one: every commit names it in its condition, every change of evidence
//!                 holds it with a lock
//! erasure_key     all that may have wrapped a key in evidence_key
//! begin           one more row of erasure_key, head.kek = the new one
//! rewrap, seal    rows that the new one has not wrapped, in order, some in each transaction
//! end             the other rows of erasure_key go
//! ```
//!
//! Once `begin` is committed nothing is written under another key: the lock on the head comes before
//! or after every transaction that writes evidence. So one pass over the tables finds all that is left, and
//! whoever was interrupted makes another one.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::evidence::{self, Columns};
use super::freeze;
use super::link::{Answer, Ending, Link, Place, Value};
use super::rows::{index, number};
use super::sealed::{self, Kept};
use super::session::Purpose;
use crate::erasure_key::DataKey;
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::store::Evidence;
use crate::store::sealing::{Census, ErasureKeys, Sealing, Step};

/// How many wrapped keys, and how many rows of evidence, change in one transaction.
const KEYS: i64 = 1000;
const ROWS: i64 = 64;

/// How many entries are counted at once.
const COUNTED: u64 = 100_000;

/// A row that has evidence in it which is not sealed.
const PLAIN: &str = "sealed IS NULL AND num_nonnulls(approval_id, client_data_json, payload, action, \
                     blind, salt, email, context, refusal) > 0";

/// The checksum of a row that was not what was written before it was sealed: so it stays one.
const DAMAGED: [u8; 32] = [0; 32];

/// The id of the current erasure key.
pub(super) async fn current(client: &Client, log: i32) -> Answer<Option<String>> {
    let sql = "SELECT kek FROM head WHERE log_id = $1";
    let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
    row.try_get(0)
}

/// Fails unless this process has every key that the log needs.
pub(super) fn require(place: &Place) -> Result<()> {
    let keys = keys(&mut Link::new(place, Purpose::Serve))?;
    for id in &keys.needed {
        place.wrapper(id)?;
    }
    if keys.current.is_none() && !place.keys.is_empty() {
        tracing::warn!(
            "evidence is not sealed, although there is an erasure key: `cosignet-log erasure-key \
             rotate` seals it"
        );
    }
    Ok(())
}

fn keys(link: &mut Link) -> Result<ErasureKeys> {
    let sql = "SELECT kek FROM erasure_key WHERE log_id = $1 ORDER BY kek COLLATE \"C\"";
    link.ask(async |client, log| {
        let current = current(client, log).await?;
        let rows = client.query_typed(sql, &[(&log, Type::INT4)]).await?;
        let needed = rows.iter().map(|row| row.try_get(0));
        Ok(ErasureKeys {
            current,
            needed: needed.collect::<Answer<_>>()?,
        })
    })
}

/// The one that changes erasure keys.
#[derive(Debug)]
pub(super) struct Resealer {
    link: Link,
    /// How many rows change in one transaction: wrapped keys, evidence.
    pub(super) steps: [i64; 2],
}

impl Resealer {
    pub(super) fn open(place: &Place) -> Result<Self> {
        Ok(Self {
            link: Link::open(place, Purpose::Serve)?,
            steps: [KEYS, ROWS],
        })
    }

    /// The current key, of which this process has the file.
    fn current(&mut self) -> Result<String> {
        let place = self.link.place().clone();
        let none = || LogError::System("the log has no erasure key yet".into());
        let id = self.link.ask(current)?.ok_or_else(none)?;
        place.wrapper(&id)?;
        Ok(id)
    }

    /// A change of evidence that is not frozen, under this key.
    fn change(
        &mut self,
        kek: &str,
        work: impl AsyncFn(&Client, i32) -> Answer<u64>,
    ) -> Result<u64> {
        let place = self.link.place().clone();
        self.link.change(async |client, log| {
            Ok(match obstacle(client, log, &place, kek).await? {
                Some(failure) => Ending::Undo(Err(failure)),
                None => Ending::Commit(Ok(work(client, log).await?)),
            })
        })?
    }
}

/// Whether the log is frozen, or somebody else has begun with another key.
async fn obstacle(client: &Client, log: i32, place: &Place, kek: &str) -> Answer<Option<LogError>> {
    let standing = freeze::standing(client, log).await?;
    if let Some(why) = standing.frozen {
        return Ok(Some(freeze::refusal(place, &why)));
    }
    Ok(match standing.kek.as_deref() == Some(kek) {
        true => None,
        false => Some(LogError::System(
            "another erasure key has become the current one meanwhile: run it again".into(),
        )),
    })
}

/// A wrapped key as it stands in its table.
#[derive(Clone, Debug)]
struct Wrapped {
    leaf: i64,
    kek: String,
    bytes: Vec<u8>,
}

impl Wrapped {
    fn read(row: &Row) -> Answer<Self> {
        Ok(Self {
            leaf: row.try_get(0)?,
            kek: row.try_get(1)?,
            bytes: row.try_get(2)?,
        })
    }
}

/// The data keys, in order: all of them, or an error.
fn open(place: &Place, rows: &[Wrapped]) -> Result<Vec<DataKey>> {
    for row in rows {
        place.wrapper(&row.kek)?;
    }
    let wrapped = rows.iter().map(|row| Some((&*row.kek, &row.bytes[..])));
    let keys = sealed::data_keys(place, wrapped)?;
    let each = rows.iter().zip(keys).map(|(row, key)| {
        key.ok_or_else(|| {
            LogError::damage(format!(
                "the database: the erasure key {} has not wrapped the key of entry {}: `cosignet-log \
                 fsck` lists all damage; restore the row from a backup",
                verifier_core::plain(&row.kek),
                row.leaf
            ))
        })
    });
    each.collect()
}

impl Sealing for Resealer {
    fn keys(&mut self) -> Result<ErasureKeys> {
        keys(&mut self.link)
    }

    fn count(&mut self, first: u64, census: &mut Census) -> Result<Option<u64>> {
        let end = first.saturating_add(COUNTED);
        let range = [number(first)?, number(end)?];
        let sealed = "SELECT kek, count(*) FROM evidence_key \
                      WHERE log_id = $1 AND leaf >= $2 AND leaf < $3 GROUP BY kek";
        let plain = format!(
            "SELECT count(*), (SELECT size FROM head WHERE log_id = $1) FROM evidence \
             WHERE log_id = $1 AND leaf >= $2 AND leaf < $3 AND {PLAIN}"
        );
        type Counted = (Vec<(String, i64)>, i64, i64);
        let (keys, plain, size) = self.link.ask(async |client, log| -> Answer<Counted> {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&range[0], Type::INT8),
                (&range[1], Type::INT8),
            ];
            let rows = client.query_typed(sealed, values).await?;
            let keys = rows
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            let keys = keys.collect::<Answer<_>>()?;
            let row = client.query_typed_one(&plain, values).await?;
            Ok((keys, row.try_get(0)?, row.try_get(1)?))
        })?;
        for (kek, count) in keys {
            *census.sealed.entry(kek).or_default() += index(count)?;
        }
        census.plain += index(plain)?;
        Ok((end < index(size)?).then_some(end))
    }

    fn begin(&mut self, id: &str, lost: &[String]) -> Result<()> {
        let place = self.link.place().clone();
        place.wrapper(id)?;
        for needed in self.keys()?.needed {
            if !lost.contains(&needed) {
                place.wrapper(&needed)?;
            }
        }
        let lock = "SELECT frozen FROM head WHERE log_id = $1 FOR UPDATE";
        let keep = "INSERT INTO erasure_key VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let set = "UPDATE head SET kek = $2 WHERE log_id = $1";
        self.link.change(async |client, log| {
            let row = client.query_typed_one(lock, &[(&log, Type::INT4)]).await?;
            let frozen: Option<String> = row.try_get(0)?;
            if let Some(why) = frozen {
                return Ok(Ending::Undo(Err(freeze::refusal(&place, &why))));
            }
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&id, Type::TEXT)];
            client.execute_typed(keep, values).await?;
            client.execute_typed(set, values).await?;
            Ok(Ending::Commit(Ok(())))
        })?
    }

    fn give_up(&mut self, first: u64, lost: &[String]) -> Result<Option<Step>> {
        let kek = self.current()?;
        if lost.contains(&kek) {
            return Err(LogError::Usage(format!("{kek} is the current erasure key")));
        }
        let (first, most) = (number(first)?, self.steps[0]);
        let find = "SELECT leaf FROM evidence_key \
                    WHERE log_id = $1 AND leaf >= $2 AND kek = ANY($3) ORDER BY leaf LIMIT $4";
        let leaves: Vec<i64> = self.link.ask(async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&first, Type::INT8),
                (&lost, Type::TEXT_ARRAY),
                (&most, Type::INT8),
            ];
            let rows = client.query_typed(find, values).await?;
            rows.iter().map(|row| row.try_get(0)).collect()
        })?;
        let Some(last) = leaves.last() else {
            return Ok(None);
        };
        let nothing = Evidence::sealed();
        let empty = leaves.iter().map(|leaf| (*leaf, &nothing));
        let empty = sealed::write(None, empty)?;
        // Only if it is still the lost key: somebody may have replaced the evidence.
        let take = "DELETE FROM evidence_key WHERE log_id = $1 AND leaf = $2 AND kek = ANY($3)";
        let done = self.change(&kek, async |client, log| {
            let mut done = 0;
            for row in &empty {
                let values: &[Value<'_>] = &[
                    (&log, Type::INT4),
                    (&row.leaf, Type::INT8),
                    (&lost, Type::TEXT_ARRAY),
                ];
                if client.execute_typed(take, values).await? == 1 {
                    evidence::replace(client, log, row).await?;
                    done += 1;
                }
            }
            Ok(done)
        })?;
        let next = index(last.saturating_add(1))?;
        Ok(Some(Step { done, next }))
    }

    fn rewrap(&mut self, first: u64) -> Result<Option<Step>> {
        let kek = self.current()?;
        let (first, most) = (number(first)?, self.steps[0]);
        let find = "SELECT leaf, kek, wrapped FROM evidence_key \
                    WHERE log_id = $1 AND leaf >= $2 AND kek <> $3 ORDER BY leaf LIMIT $4";
        let rows: Vec<Wrapped> = self.link.ask(async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&first, Type::INT8),
                (&kek, Type::TEXT),
                (&most, Type::INT8),
            ];
            let rows = client.query_typed(find, values).await?;
            rows.iter().map(Wrapped::read).collect()
        })?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let next = index(last.leaf.saturating_add(1))?;
        let place = self.link.place().clone();
        let wrapped = sealed::wrap(place.wrapper(&kek)?, &open(&place, &rows)?)?;
        let leaves: Vec<i64> = rows.iter().map(|row| row.leaf).collect();
        let old: Vec<&[u8]> = rows.iter().map(|row| &row.bytes[..]).collect();
        // What was erased meanwhile stays erased.
        let sql = "UPDATE evidence_key k SET kek = $2, wrapped = new.wrapped \
                   FROM unnest($3::int8[], $4::bytea[], $5::bytea[]) AS new (leaf, old, wrapped) \
                   WHERE k.log_id = $1 AND k.leaf = new.leaf AND k.wrapped = new.old";
        let done = self.change(&kek, async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&kek, Type::TEXT),
                (&leaves, Type::INT8_ARRAY),
                (&old, Type::BYTEA_ARRAY),
                (&wrapped, Type::BYTEA_ARRAY),
            ];
            client.execute_typed(sql, values).await
        })?;
        failpoint::pass("after-rewrap");
        Ok(Some(Step { done, next }))
    }

    fn seal(&mut self, first: u64) -> Result<Option<Step>> {
        let kek = self.current()?;
        let (first, most) = (number(first)?, self.steps[1]);
        let rows = self.link.ask(async |client, log| {
            evidence::some(client, log, [first, i64::MAX], PLAIN, most).await
        })?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let next = index(last.leaf.saturating_add(1))?;
        let place = self.link.place().clone();
        let old: Vec<Vec<u8>> = rows.iter().map(|row: &Kept| row.sum.clone()).collect();
        let mut written = Vec::new();
        let mut plain = Vec::new();
        for row in sealed::open(&place, rows)? {
            written.push(row.written);
            plain.push((row.leaf, row.evidence()?));
        }
        let seal = place.seal(Some(&kek))?;
        let mut new = sealed::write(seal, plain.iter().map(|(leaf, kept)| (*leaf, kept)))?;
        for (row, written) in new.iter_mut().zip(written) {
            if !written {
                row.sum = DAMAGED;
            }
        }
        let new = Columns::new(new);
        let done = self.change(&kek, async |client, log| new.close(client, log, &old).await)?;
        failpoint::pass("after-seal");
        Ok(Some(Step { done, next }))
    }

    fn end(&mut self, id: &str) -> Result<Vec<String>> {
        let place = self.link.place().clone();
        let drop = "DELETE FROM erasure_key WHERE log_id = $1 AND kek <> $2 RETURNING kek";
        // Old versions of rows may have been plain, or wrapped by a key that is to be destroyed.
        let sweep = "INSERT INTO erasure (log_id, leaf) \
                     SELECT $1, 0 FROM head WHERE log_id = $1 AND size > 0";
        self.link.change(async |client, log| {
            if let Some(failure) = obstacle(client, log, &place, id).await? {
                return Ok(Ending::Undo(Err(failure)));
            }
            client.execute_typed(sweep, &[(&log, Type::INT4)]).await?;
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&id, Type::TEXT)];
            let rows = client.query_typed(drop, values).await?;
            let dropped = rows.iter().map(|row| row.try_get(0));
            Ok(Ending::Commit(Ok(dropped.collect::<Answer<_>>()?)))
        })?
    }
}
