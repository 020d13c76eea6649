//! From the file of one process to a database of several: every row as it is, the chain of events
//! checked on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use postgres_session::session::Purpose;
use postgres_session::settings;
use tokio_postgres::types::Type;
use verifier_core::hazmat::encoding::sha256;

use super::link::Link;
use super::{Database, schema};
use crate::event::Link as ChainLink;
use crate::store::StoreError;
use crate::store::sql::database::{Cell, Connection, Row, Value};
use crate::store::sql::{End, rows};

/// The tables of the rules, each after those that it refers to.
const TABLES: [&str; 12] = [
    "person",
    "credential",
    "invite",
    "api_key",
    "request",
    "signature",
    "event",
    "channel",
    "channel_secret",
    "address",
    "delivery",
    "glass_entry",
];

/// How many rows are read at once.
const ROWS: i64 = 200;

impl Database {
    /// Takes in everything that is in a file. The database has no gate, or one in which nothing has
    /// happened, or what an earlier attempt has brought, and perhaps more since. Returns how many
    /// events the file has.
    pub(in crate::store) fn take_in(&self, file: &dyn Connection) -> Result<u64, StoreError> {
        settings::require(&self.address)?;
        let end = rows::end_of_events(file)?;
        if !self.has_gate()? {
            schema::create(&self.address)?;
        }
        let nobody: Arc<str> = "moving".into();
        let known = Arc::default();
        let link = Link::open(&self.address, Purpose::Maintain, &nobody, &known)?;
        link.batch("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        let found = link.rows("SELECT number, hash FROM chain FOR UPDATE", &[])?;
        let found = found.first().map(|row| -> Result<ChainLink, StoreError> {
            Ok(ChainLink {
                number: row.get("number")?,
                hash: row.get("hash")?,
            })
        });
        match found.transpose()? {
            Some(there) if there == end.link => return Ok(end.link.number),
            Some(ChainLink { number: 0, .. }) => {}
            // It has gone on there, before the file was set aside.
            Some(there) if there.number > end.link.number && has(&link, end.link)? => {
                return Ok(end.link.number);
            }
            _ => {
                return Err(StoreError::Usage(format!(
                    "{} has another gate in the schema {}",
                    self.address,
                    self.address.schema()
                )));
            }
        }
        for table in TABLES {
            copy(file, &link, table)?;
        }
        finish(&link, end)?;
        link.commit()?;
        Ok(end.link.number)
    }
}

/// Whether this event is there. A file in which nothing has happened has none to tell it by.
fn has(link: &Link, event: ChainLink) -> Result<bool, StoreError> {
    let number = i64::try_from(event.number).unwrap_or(i64::MAX);
    let sql = "SELECT line FROM event WHERE number = ?1";
    let found = link.rows(sql, &[Value::Number(Some(number))])?;
    let line = found.first().map(|row| row.get::<String>("line"));
    Ok(line
        .transpose()?
        .is_some_and(|line| sha256(line.as_bytes()) == event.hash))
}

fn copy(file: &dyn Connection, link: &Link, table: &str) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT rowid AS place, * FROM {table} WHERE rowid > ?1 ORDER BY rowid LIMIT {ROWS}"
    );
    let mut place = i64::MIN;
    loop {
        let some = file.rows(&sql, &[Value::Number(Some(place))])?;
        let Some(last) = some.last() else {
            return Ok(());
        };
        place = last.get("place")?;
        for row in &some {
            insert(link, table, row)?;
        }
    }
}

fn insert(link: &Link, table: &str, row: &Row) -> Result<(), StoreError> {
    let mut columns: BTreeMap<&str, Value<'_>> = BTreeMap::new();
    for (name, cell) in row.columns() {
        let value = match cell {
            // A column that is not named is NULL.
            Cell::Null => continue,
            Cell::Bytes(bytes) => Value::Bytes(Some(bytes)),
            Cell::Number(number) => Value::Number(Some(*number)),
            Cell::Text(text) => Value::Text(Some(text)),
        };
        if name != "place" {
            columns.insert(name, value);
        }
    }
    let names: Vec<&str> = columns.keys().copied().collect();
    let values: Vec<Value<'_>> = columns.values().copied().collect();
    let places: Vec<String> = (1..=values.len()).map(|at| format!("?{at}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        names.join(", "),
        places.join(", ")
    );
    link.execute(&sql, &values).map(|_| ())
}

/// Follows the chain as it is in the database now, and lets it end there.
fn finish(link: &Link, end: End) -> Result<(), StoreError> {
    let sql = "SELECT number, line FROM event WHERE number > ?1 ORDER BY number LIMIT 200";
    let mut chain = ChainLink::default();
    loop {
        let number = i64::try_from(chain.number).unwrap_or(i64::MAX);
        let some = link.rows(sql, &[Value::Number(Some(number))])?;
        if some.is_empty() {
            break;
        }
        for row in &some {
            let line: String = row.get("line")?;
            chain = ChainLink::follow(Some(chain), &line).map_err(|why| {
                let number = chain.number.saturating_add(1);
                StoreError::Damaged(format!("event {number} does not continue the chain: {why}"))
            })?;
        }
    }
    if chain != end.link {
        return Err(StoreError::Damaged("events were lost on the way".into()));
    }
    let number = i64::try_from(chain.number).unwrap_or(i64::MAX);
    let (hash, at) = (&chain.hash[..], rows::millis(end.at));
    let sql = "UPDATE chain SET number = $1, hash = $2, at = $3";
    link.ask(async |client| {
        let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
            (&number, Type::INT8),
            (&hash, Type::BYTEA),
            (&at, Type::INT8),
        ];
        client.execute_typed(sql, &values).await
    })?;
    Ok(())
}
