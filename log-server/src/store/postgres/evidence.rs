//! The table of evidence, and what is kept of erasures.
//!
//! PostgreSQL overwrites nothing: a change leaves the old version of the row in its table until a
//! VACUUM takes it away, and in the write-ahead log, in standbys and in backups for as long as those
//! are kept. So the evidence of a log that has an erasure key is [sealed](super::sealed), and an
//! erasure takes the wrapped key away as well.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::Client;
use tokio_postgres::types::Type;
use verifier_core::hazmat::tlog::merkle::Hash;

use super::link::{Answer, Ending, Link, Place, Value};
use super::rows::{self, number};
use super::sealed::{self, Kept, Written};
use super::session::Purpose;
use super::{freeze, sealing};
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::store::{Claim, Closing, Evidence, Holders, Records, Replaced};

const COLUMNS: &str = "leaf, disclosure, approval_id, client_data_json, payload, action, blind, \
                       salt, email, context, refusal, sha256, sealed";

/// Rows with their keys, out of one snapshot, as [`Kept::read`] takes them.
const SELECT: &str = "SELECT e.leaf, disclosure, approval_id, client_data_json, payload, action, \
                      blind, salt, email, context, refusal, sha256, sealed, kek, wrapped \
                      FROM evidence e LEFT JOIN evidence_key USING (log_id, leaf)";

/// How many look-ups ask the database at a time.
const READERS: usize = 4;

/// How often a change begins anew because another erasure key has become the current one.
const ATTEMPTS: usize = 3;

/// The evidence of several entries, column by column.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    leaf: Vec<i64>,
    disclosure: Vec<i64>,
    fields: [Vec<Option<&'a [u8]>>; 9],
    sum: Vec<Vec<u8>>,
    sealed: Vec<Option<Vec<u8>>>,
    keys: Keys,
}

/// Wrapped keys, column by column.
#[derive(Debug, Default)]
struct Keys {
    leaf: Vec<i64>,
    kek: Vec<String>,
    wrapped: Vec<Vec<u8>>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(rows: Vec<Written<'a>>) -> Self {
        let mut this = Self::default();
        for row in rows {
            this.leaf.push(row.leaf);
            this.disclosure.push(row.disclosure);
            for (column, value) in this.fields.iter_mut().zip(row.fields) {
                column.push(value);
            }
            this.sum.push(row.sum.to_vec());
            this.sealed.push(row.sealed);
            if let Some((kek, wrapped)) = row.key {
                this.keys.leaf.push(row.leaf);
                this.keys.kek.push(kek);
                this.keys.wrapped.push(wrapped);
            }
        }
        this
    }

    /// Adds the rows, and those of their keys. Whether all of them were written.
    pub(super) async fn insert(&self, client: &Client, log: i32) -> Answer<bool> {
        let over = match failpoint::unfenced() {
            false => "",
            true => " ON CONFLICT (log_id, leaf) DO UPDATE SET sha256 = excluded.sha256",
        };
        let sql = format!(
            "INSERT INTO evidence (log_id, {COLUMNS}) SELECT $1, * FROM unnest($2::int8[], \
             $3::int8[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], \
             $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], \
             $14::bytea[]){over}"
        );
        let mut values: Vec<Value<'_>> = vec![
            (&log, Type::INT4),
            (&self.leaf, Type::INT8_ARRAY),
            (&self.disclosure, Type::INT8_ARRAY),
        ];
        for column in &self.fields {
            values.push((column, Type::BYTEA_ARRAY));
        }
        values.push((&self.sum, Type::BYTEA_ARRAY));
        values.push((&self.sealed, Type::BYTEA_ARRAY));
        let rows = client.execute_typed(&sql, &values);
        let keys = self.keys.insert(client, log);
        let (rows, keys) = tokio::try_join!(biased; rows, keys)?;
        let all = |column: &Vec<i64>| crate::count(column.len());
        Ok((rows, keys) == (all(&self.leaf), all(&self.keys.leaf)))
    }
}

impl Columns<'_> {
    /// Puts these rows, all of which are sealed, in place of plain ones with these checksums, where
    /// those still are. Returns how many.
    pub(super) async fn close(&self, client: &Client, log: i32, old: &[Vec<u8>]) -> Answer<u64> {
        let sql = "WITH closed AS ( \
                       UPDATE evidence e SET approval_id = NULL, client_data_json = NULL, \
                       payload = NULL, action = NULL, blind = NULL, salt = NULL, email = NULL, \
                       context = NULL, refusal = NULL, sealed = new.sealed, sha256 = new.sum \
                       FROM unnest($2::int8[], $3::bytea[], $4::bytea[], $5::bytea[]) \
                       AS new (leaf, old, sealed, sum) \
                       WHERE e.log_id = $1 AND e.leaf = new.leaf AND e.sealed IS NULL \
                       AND e.sha256 = new.old RETURNING e.leaf \
                   ) \
                   INSERT INTO evidence_key (log_id, leaf, kek, wrapped) \
                   SELECT $1, leaf, kek, wrapped FROM closed \
                   JOIN unnest($6::int8[], $7::text[], $8::bytea[]) AS key (leaf, kek, wrapped) \
                   USING (leaf)";
        let Keys { leaf, kek, wrapped } = &self.keys;
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&self.leaf, Type::INT8_ARRAY),
            (&old, Type::BYTEA_ARRAY),
            (&self.sealed, Type::BYTEA_ARRAY),
            (&self.sum, Type::BYTEA_ARRAY),
            (leaf, Type::INT8_ARRAY),
            (kek, Type::TEXT_ARRAY),
            (wrapped, Type::BYTEA_ARRAY),
        ];
        client.execute_typed(sql, values).await
    }
}

impl Keys {
    async fn insert(&self, client: &Client, log: i32) -> Answer<u64> {
        if self.leaf.is_empty() {
            return Ok(0);
        }
        let sql = "INSERT INTO evidence_key (log_id, leaf, kek, wrapped) \
                   SELECT $1, * FROM unnest($2::int8[], $3::text[], $4::bytea[])";
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&self.leaf, Type::INT8_ARRAY),
            (&self.kek, Type::TEXT_ARRAY),
            (&self.wrapped, Type::BYTEA_ARRAY),
        ];
        client.execute_typed(sql, values).await
    }
}

/// The row of an entry.
pub(super) fn kept(link: &mut Link, leaf: u64) -> Result<Option<Kept>> {
    let leaf = number(leaf)?;
    link.ask(async |client, log| one(client, log, leaf).await)
}

async fn one(client: &Client, log: i32, leaf: i64) -> Answer<Option<Kept>> {
    let sql = format!("{SELECT} WHERE log_id = $1 AND e.leaf = $2");
    let values: &[Value<'_>] = &[(&log, Type::INT4), (&leaf, Type::INT8)];
    let row = client.query_typed_opt(&sql, values).await?;
    row.as_ref().map(Kept::read).transpose()
}

/// Some rows from an entry on, for which this holds.
pub(super) async fn some(
    client: &Client,
    log: i32,
    [first, end]: [i64; 2],
    holds: &str,
    most: i64,
) -> Answer<Vec<Kept>> {
    let sql = format!(
        "{SELECT} WHERE log_id = $1 AND e.leaf >= $2 AND e.leaf < $3 AND {holds} \
         ORDER BY e.leaf LIMIT $4"
    );
    let values: &[Value<'_>] = &[
        (&log, Type::INT4),
        (&first, Type::INT8),
        (&end, Type::INT8),
        (&most, Type::INT8),
    ];
    let rows = client.query_typed(&sql, values).await?;
    rows.iter().map(Kept::read).collect()
}

/// Links for look-ups. Whoever comes takes one that is free.
#[derive(Debug)]
pub(super) struct Readers {
    all: Vec<Mutex<Link>>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn open(place: &Place) -> Result<Self> {
        let mut all = vec![Link::open(place, Purpose::Serve)?];
        all.resize_with(READERS, || Link::new(place, Purpose::Serve));
        Ok(Self {
            all: all.into_iter().map(Mutex::new).collect(),
            next: AtomicUsize::new(0),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Link) -> Result<T>) -> Result<T> {
        let count = self.all.len().max(1);
        let first = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let mut rotated = self.all.iter().cycle().skip(first).take(count);
        let free = rotated.find_map(|link| link.try_lock().ok());
        let link = free.or_else(|| Some(super::held(self.all.get(first)?)));
        let none = || LogError::System("there is no link to the database".into());
        work(&mut *link.ok_or_else(none)?)
    }
}

impl Records for Readers {
    fn find(&self, approval: &Hash) -> Result<Option<u64>> {
        self.with(|link| rows::find(link, approval))
    }

    fn holders(&self, claim: &Claim) -> Result<Holders> {
        self.with(|link| rows::holders(link, claim))
    }

    fn closing(&self) -> Result<Option<Closing>> {
        self.with(rows::closing)
    }

    fn evidence(&self, leaf: u64) -> Result<Option<Evidence>> {
        self.with(|link| {
            let Some(row) = kept(link, leaf)? else {
                return Ok(None);
            };
            sealed::open_one(link.place(), row)?.evidence().map(Some)
        })
    }

    fn replace_evidence(&self, leaf: u64, old: &Evidence, new: &Evidence) -> Result<Replaced> {
        let leaf = number(leaf)?;
        self.with(|link| {
            for _ in 0..ATTEMPTS {
                if let Some(done) = exchange(link, leaf, old, new)? {
                    return Ok(done);
                }
            }
            let why = "the erasure key of the log changes all the time: try again";
            Err(LogError::System(why.into()))
        })
    }

    fn is_erasing(&self, leaf: u64) -> Result<bool> {
        let leaf = number(leaf)?;
        let sql = "SELECT EXISTS (SELECT FROM erasure WHERE log_id = $1 AND leaf = $2)";
        self.with(|link| {
            link.ask(async |client, log| {
                let values: &[Value<'_>] = &[(&log, Type::INT4), (&leaf, Type::INT8)];
                client.query_typed_one(sql, values).await?.try_get(0)
            })
        })
    }
}

/// Replaces evidence; `None` if another erasure key has become the current one meanwhile. Keys are
/// used outside the transaction: that holds locks, and an erasure key may be on another machine.
fn exchange(
    link: &mut Link,
    leaf: i64,
    old: &Evidence,
    new: &Evidence,
) -> Result<Option<Replaced>> {
    let place = link.place().clone();
    let (kek, found) = link.ask(async |client, log| -> Answer<_> {
        let kek = sealing::current(client, log).await?;
        Ok((kek, one(client, log, leaf).await?))
    })?;
    let Some(found) = found else {
        return Ok(Some(Replaced::Other));
    };
    if sealed::open_one(&place, found.clone())?.evidence()? != *old {
        return Ok(Some(Replaced::Other));
    }
    let rows = sealed::write(place.seal(kek.as_deref())?, [(leaf, new)].into_iter())?;
    let is_less = !old.is_within(new);
    link.change(async |client, log| {
        let standing = freeze::standing(client, log).await?;
        if let Some(why) = standing.frozen {
            return Ok(Ending::Undo(Err(freeze::refusal(&place, &why))));
        }
        if standing.kek != kek {
            return Ok(Ending::Undo(Ok(None)));
        }
        let lock = "SELECT FROM evidence WHERE log_id = $1 AND leaf = $2 FOR UPDATE";
        let values: &[Value<'_>] = &[(&log, Type::INT4), (&leaf, Type::INT8)];
        client.query_typed(lock, values).await?;
        let now = one(client, log, leaf).await?;
        if !now.is_some_and(|now| now.is_same(&found)) {
            return Ok(Ending::Undo(Ok(Some(Replaced::Other))));
        }
        for row in &rows {
            replace(client, log, row).await?;
        }
        if is_less {
            let sql = "INSERT INTO erasure (log_id, leaf) VALUES ($1, $2)";
            client.execute_typed(sql, values).await?;
        }
        Ok(Ending::Commit(Ok(Some(Replaced::Done))))
    })?
}

/// Writes a row in place of the one that is there, and its key in place of that one's.
pub(super) async fn replace(client: &Client, log: i32, new: &Written<'_>) -> Answer<()> {
    let sql = "UPDATE evidence SET disclosure = $3, approval_id = $4, client_data_json = $5, \
               payload = $6, action = $7, blind = $8, salt = $9, email = $10, context = $11, \
               refusal = $12, sha256 = $13, sealed = $14 WHERE log_id = $1 AND leaf = $2";
    let mut values: Vec<Value<'_>> = vec![
        (&log, Type::INT4),
        (&new.leaf, Type::INT8),
        (&new.disclosure, Type::INT8),
    ];
    for value in &new.fields {
        values.push((value, Type::BYTEA));
    }
    let sum = &new.sum[..];
    values.push((&sum, Type::BYTEA));
    values.push((&new.sealed, Type::BYTEA));
    client.execute_typed(sql, &values).await?;
    let Some((kek, wrapped)) = &new.key else {
        let sql = "DELETE FROM evidence_key WHERE log_id = $1 AND leaf = $2";
        let values: &[Value<'_>] = &[(&log, Type::INT4), (&new.leaf, Type::INT8)];
        return client.execute_typed(sql, values).await.map(|_| ());
    };
    let sql = "INSERT INTO evidence_key (log_id, leaf, kek, wrapped) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (log_id, leaf) DO UPDATE SET kek = excluded.kek, \
               wrapped = excluded.wrapped";
    let values: &[Value<'_>] = &[
        (&log, Type::INT4),
        (&new.leaf, Type::INT8),
        (kek, Type::TEXT),
        (wrapped, Type::BYTEA),
    ];
    client.execute_typed(sql, values).await.map(|_| ())
}
