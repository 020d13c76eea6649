//! The evidence beside an entry, and its erasure.
//!
//! PostgreSQL overwrites nothing: a change leaves the old version of the row in its table until a
//! VACUUM takes it away, and in the write-ahead log, in standbys and in backups for as long as those
//! are kept. A row of `erasure` stays until the VACUUM is done; the rest is the operator's.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use verifier_core::hazmat::tlog::merkle::Hash;

use super::link::{Answer, Ending, Link, Place, Value};
use super::session::Purpose;
use super::{
    freeze,
    rows::{self, index, number},
};
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::store::sqlite::checksum_of_evidence;
use crate::store::{Disclosure, Eraser, Evidence, Records, Replaced};

const COLUMNS: &str = "leaf, disclosure, approval_id, client_data_json, payload, action, blind, \
                       salt, email, context, refusal, sha256";

/// How many look-ups ask the database at a time.
const READERS: usize = 4;

/// A row as it was read.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) leaf: i64,
    disclosure: i64,
    bytes: [Option<Vec<u8>>; 9],
    sum: Vec<u8>,
}

impl Kept {
    pub(super) fn read(row: &Row) -> Answer<Self> {
        let mut bytes: [Option<Vec<u8>>; 9] = Default::default();
        for (at, bytes) in (2..).zip(&mut bytes) {
            *bytes = row.try_get(at)?;
        }
        Ok(Self {
            leaf: row.try_get(0)?,
            disclosure: row.try_get(1)?,
            bytes,
            sum: row.try_get(11)?,
        })
    }

    /// The evidence, and whether it is what was written.
    pub(super) fn checked(self) -> Result<(Evidence, bool)> {
        let [
            approval,
            json,
            payload,
            action,
            blind,
            salt,
            email,
            context,
            refusal,
        ] = self.bytes;
        let kept = Evidence {
            disclosure: Disclosure::from_number(self.disclosure),
            approval_id: text(approval)?,
            client_data_json: json,
            payload,
            action: text(action)?,
            blind: fixed(blind)?,
            salt: fixed(salt)?,
            email: text(email)?,
            context: text(context)?,
            refusal: fixed(refusal)?,
        };
        let sum = checksum_of_evidence(self.leaf, &kept)?;
        Ok((kept, sum[..] == self.sum))
    }

    fn evidence(self) -> Result<Evidence> {
        self.checked().map(|(kept, _)| kept)
    }
}

fn text(bytes: Option<Vec<u8>>) -> Result<Option<String>> {
    let wrong = |_| LogError::damage("the database: a text of the evidence is no text");
    bytes.map(String::from_utf8).transpose().map_err(wrong)
}

fn fixed(bytes: Option<Vec<u8>>) -> Result<Option<[u8; 32]>> {
    let wrong =
        |_| LogError::damage("the database: a random number of the evidence is not 32 bytes");
    bytes.map(<[u8; 32]>::try_from).transpose().map_err(wrong)
}

/// The evidence of several entries, column by column.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    leaf: Vec<i64>,
    disclosure: Vec<i64>,
    bytes: [Vec<Option<&'a [u8]>>; 9],
    sum: Vec<Vec<u8>>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(rows: impl Iterator<Item = (i64, &'a Evidence)>) -> Result<Self> {
        let mut this = Self::default();
        for (leaf, kept) in rows {
            this.leaf.push(leaf);
            this.disclosure.push(kept.disclosure.number());
            for (column, value) in this.bytes.iter_mut().zip(bytes(kept)) {
                column.push(value);
            }
            this.sum.push(checksum_of_evidence(leaf, kept)?.to_vec());
        }
        Ok(this)
    }

    /// Adds the rows. Returns how many.
    pub(super) async fn insert(&self, client: &Client, log: i32) -> Answer<u64> {
        let over = match failpoint::unfenced() {
            false => "",
            true => " ON CONFLICT (log_id, leaf) DO UPDATE SET sha256 = excluded.sha256",
        };
        let sql = format!(
            "INSERT INTO evidence (log_id, {COLUMNS}) SELECT $1, * FROM unnest($2::int8[], \
             $3::int8[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], \
             $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[]){over}"
        );
        let mut values: Vec<Value<'_>> = vec![
            (&log, Type::INT4),
            (&self.leaf, Type::INT8_ARRAY),
            (&self.disclosure, Type::INT8_ARRAY),
        ];
        for column in &self.bytes {
            values.push((column, Type::BYTEA_ARRAY));
        }
        values.push((&self.sum, Type::BYTEA_ARRAY));
        client.execute_typed(&sql, &values).await
    }
}

/// The columns after the disclosure, in their order.
fn bytes(kept: &Evidence) -> [Option<&[u8]>; 9] {
    [
        kept.approval_id.as_deref().map(str::as_bytes),
        kept.client_data_json.as_deref(),
        kept.payload.as_deref(),
        kept.action.as_deref().map(str::as_bytes),
        kept.blind.as_ref().map(|bytes| &bytes[..]),
        kept.salt.as_ref().map(|bytes| &bytes[..]),
        kept.email.as_deref().map(str::as_bytes),
        kept.context.as_deref().map(str::as_bytes),
        kept.refusal.as_ref().map(|bytes| &bytes[..]),
    ]
}

/// The row of an entry.
pub(super) fn kept(link: &mut Link, leaf: u64) -> Result<Option<Kept>> {
    let leaf = number(leaf)?;
    link.ask(async |client, log| one(client, log, leaf, "").await)
}

async fn one(client: &Client, log: i32, leaf: i64, lock: &str) -> Answer<Option<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM evidence WHERE log_id = $1 AND leaf = $2 {lock}");
    let values: &[Value<'_>] = &[(&log, Type::INT4), (&leaf, Type::INT8)];
    let row = client.query_typed_opt(&sql, values).await?;
    row.as_ref().map(Kept::read).transpose()
}

/// Some rows from an entry on.
pub(super) async fn some(
    client: &Client,
    log: i32,
    [first, end]: [i64; 2],
    most: i64,
) -> Answer<Vec<Kept>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evidence WHERE log_id = $1 AND leaf >= $2 AND leaf < $3 \
         ORDER BY leaf LIMIT $4"
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

    fn evidence(&self, leaf: u64) -> Result<Option<Evidence>> {
        self.with(|link| kept(link, leaf))?
            .map(Kept::evidence)
            .transpose()
    }

    fn replace_evidence(&self, leaf: u64, old: &Evidence, new: &Evidence) -> Result<Replaced> {
        let leaf = number(leaf)?;
        let sum = checksum_of_evidence(leaf, new)?;
        let is_less = !old.is_within(new);
        self.with(|link| {
            let place = link.place().clone();
            link.change(async |client, log| {
                if let Some(why) = freeze::in_the_way(client, log).await? {
                    return Ok(Ending::Undo(Err(freeze::refusal(&place, &why))));
                }
                let found = one(client, log, leaf, "FOR UPDATE").await?;
                let found = found.map(Kept::evidence).transpose();
                match found {
                    Ok(Some(found)) if found == *old => {}
                    Ok(_) => return Ok(Ending::Undo(Ok(Replaced::Other))),
                    Err(failure) => return Ok(Ending::Undo(Err(failure))),
                }
                replace(client, log, leaf, new, &sum).await?;
                if is_less {
                    let sql = "INSERT INTO erasure (log_id, leaf) VALUES ($1, $2)";
                    let values: &[Value<'_>] = &[(&log, Type::INT4), (&leaf, Type::INT8)];
                    client.execute_typed(sql, values).await?;
                }
                Ok(Ending::Commit(Ok(Replaced::Done)))
            })?
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

async fn replace(
    client: &Client,
    log: i32,
    leaf: i64,
    new: &Evidence,
    sum: &[u8; 32],
) -> Answer<u64> {
    let sql = "UPDATE evidence SET disclosure = $3, approval_id = $4, client_data_json = $5, \
               payload = $6, action = $7, blind = $8, salt = $9, email = $10, context = $11, \
               refusal = $12, sha256 = $13 WHERE log_id = $1 AND leaf = $2";
    let disclosure = new.disclosure.number();
    let bytes = bytes(new);
    let mut values: Vec<Value<'_>> = vec![
        (&log, Type::INT4),
        (&leaf, Type::INT8),
        (&disclosure, Type::INT8),
    ];
    for value in &bytes {
        values.push((value, Type::BYTEA));
    }
    let sum = &sum[..];
    values.push((&sum, Type::BYTEA));
    client.execute_typed(sql, &values).await
}

/// The one that has old versions of rows taken away.
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
        link.ask(async |client, _| client.batch_execute("VACUUM evidence").await)?;
        // Somebody with an older snapshot keeps old versions alive, and then VACUUM does too.
        let left = "SELECT coalesce(sum(n_dead_tup), 0)::int8 FROM pg_stat_all_tables \
                    WHERE relid IN (SELECT unnest(ARRAY[oid, reltoastrelid]) FROM pg_class \
                    WHERE oid = 'cosignet_log.evidence'::regclass)";
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
