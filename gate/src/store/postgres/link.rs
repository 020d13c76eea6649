//! A session that answers questions.

use std::borrow::Cow;
use std::cell::{Cell as Flag, RefCell};
use std::sync::Arc;
use std::time::Duration;

use postgres_session::address::Address;
use postgres_session::error::Lapse;
use postgres_session::session::{Answer, LIMIT, Purpose, Session};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row as Found};

use super::clock::NOW;
use super::known::Known;
use super::schema;
use crate::store::StoreError;
use crate::store::sql::database::{Cell, Connection, Row, Value, Work};

/// A session, and who takes work with it.
pub(super) struct Link {
    session: RefCell<Session>,
    /// It is of no use any more.
    lost: Flag<bool>,
    /// It had ended before it was asked.
    gone: Flag<bool>,
    known: Arc<Known>,
    holder: Arc<str>,
    is_taken: String,
}

impl Link {
    pub(super) fn open(
        address: &Address,
        purpose: Purpose,
        holder: &Arc<str>,
        known: &Arc<Known>,
    ) -> Result<Self, StoreError> {
        let mut session = Session::open(address, purpose)?;
        schema::require(&mut session)?;
        Ok(Self {
            session: RefCell::new(session),
            lost: Flag::new(false),
            gone: Flag::new(false),
            known: Arc::clone(known),
            holder: Arc::clone(holder),
            // It is made of hexadecimal digits.
            is_taken: format!(" AND taker = '{holder}' AND taken > {NOW}"),
        })
    }

    pub(super) fn ask<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Answer<T>,
    ) -> Result<T, StoreError> {
        let done = self.session.borrow_mut().run(LIMIT, work);
        done.map_err(|lapse| self.failed(lapse))
    }

    /// Ends the transaction. If there is an error, nobody knows how.
    pub(super) fn commit(&self) -> Result<(), Lapse> {
        let done = self.session.borrow_mut().commit();
        self.lost.set(self.lost.get() || done.is_err());
        done
    }

    /// Waits for a notification, for so long at most.
    pub(super) fn hear(&self, limit: Duration) -> Result<(), StoreError> {
        let heard = self.session.borrow_mut().hear(limit);
        heard.map(|_| ()).map_err(|lapse| self.failed(lapse))
    }

    fn failed(&self, lapse: Lapse) -> StoreError {
        let is_lost = lapse.is_of_session();
        self.lost.set(self.lost.get() || is_lost);
        // The server may still be at what has no answer in time.
        let is_gone = is_lost && !matches!(lapse, Lapse::Deadline(_) | Lapse::Warned(_));
        self.gone.set(self.gone.get() || is_gone);
        lapse.into()
    }
}

impl Connection for Link {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        self.known.stand()?;
        let (sql, values) = (numbered(sql), typed(values));
        let changed = self.ask(async |client| client.execute_typed(&sql, &borrowed(&values)).await);
        Ok(usize::try_from(changed?).unwrap_or(usize::MAX))
    }

    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.known.stand()?;
        let (sql, values) = (numbered(sql), typed(values));
        let found = self.ask(async |client| client.query_typed(&sql, &borrowed(&values)).await)?;
        let Some(first) = found.first() else {
            return Ok(Vec::new());
        };
        let names = first.columns().iter().map(|one| one.name().to_owned());
        let names: Arc<[String]> = names.collect::<Vec<_>>().into();
        let row = |row: &Found| {
            let cells = (0..row.len()).map(|at| cell(row, at));
            Ok(Row::new(Arc::clone(&names), cells.collect::<Answer<_>>()?))
        };
        let rows = found.iter().map(row).collect::<Answer<_>>();
        rows.map_err(|error| Lapse::from(error).into())
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.ask(async |client| client.batch_execute(sql).await)
    }

    fn is_usable(&self) -> bool {
        !self.lost.get()
    }

    fn is_gone(&self) -> bool {
        self.gone.get()
    }

    /// Rows that others have taken, or are just about to take or to change, are left to them.
    fn take(&self, work: &Work<'_>, values: &[Value<'_>]) -> Result<(), StoreError> {
        let Work {
            table, key, order, ..
        } = work;
        self.known.stand()?;
        let lease = i64::try_from(work.lease).unwrap_or(i64::MAX);
        let me = &self.holder;
        // A lease that ends later than a new one was taken by a clock that was ahead.
        let is_free = format!(
            "(taker IS NULL OR taker = '{me}' OR taken <= {NOW} OR taken > {NOW} + {lease})"
        );
        // What is one's own is not written again: when the time is over, others may have more luck.
        let sql = format!(
            "SELECT {key} AS key, taker = '{me}' AND taken > {NOW} AND taken <= {NOW} + {lease} \
             AS own FROM {table} \
             WHERE {} AND {is_free} ORDER BY {order} LIMIT {}",
            work.condition, work.most
        );
        let (sql, values) = (numbered(&sql), typed(values));
        let wanted = self.ask(async |client| -> Answer<Vec<String>> {
            let found = client.query_typed(&sql, &borrowed(&values)).await?;
            let mut wanted = Vec::new();
            for row in found {
                if row.try_get::<_, Option<bool>>("own")? != Some(true) {
                    wanted.push(row.try_get("key")?);
                }
            }
            Ok(wanted)
        })?;
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE {table} SET taker = '{me}', taken = {NOW} + {lease} WHERE {key} IN \
             (SELECT {key} FROM {table} WHERE {key} = ANY($1) AND {is_free} FOR UPDATE SKIP LOCKED)"
        );
        self.ask(async |client| {
            client
                .execute_typed(&sql, &[(&wanted, Type::TEXT_ARRAY)])
                .await
        })?;
        Ok(())
    }

    fn release(&self, table: &str, key: &str, of: &str) -> Result<(), StoreError> {
        // Somebody else may have it, after the time was over.
        let me = &self.holder;
        let sql = format!(
            "UPDATE {table} SET taker = NULL, taken = NULL WHERE {key} = ?1 AND taker = '{me}'"
        );
        self.execute(&sql, &[Value::Text(Some(of))])?;
        Ok(())
    }

    fn is_taken(&self) -> &str {
        &self.is_taken
    }
}

/// A statement with the numbers of its values as PostgreSQL writes them. No statement has a question
/// mark in a text.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

type Typed<'v> = (Box<dyn ToSql + Sync + 'v>, Type);

fn typed<'v>(values: &[Value<'v>]) -> Vec<Typed<'v>> {
    let one = |value: &Value<'v>| -> Typed<'v> {
        match *value {
            Value::Bytes(bytes) => (Box::new(bytes), Type::BYTEA),
            Value::Number(number) => (Box::new(number), Type::INT8),
            Value::Text(text) => (Box::new(text.map(storable)), Type::TEXT),
        }
    };
    values.iter().map(one).collect()
}

fn borrowed<'t>(values: &'t [Typed<'_>]) -> Vec<(&'t (dyn ToSql + Sync), Type)> {
    let one = |(value, kind): &'t Typed<'_>| -> (&'t (dyn ToSql + Sync), Type) {
        (&**value, kind.clone())
    };
    values.iter().map(one).collect()
}

/// A text of PostgreSQL has no U+0000. Names and whatever else has to be exact cannot have one; what
/// somebody asks for with one is not there.
fn storable(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

fn cell(row: &Found, at: usize) -> Answer<Cell> {
    let kind = row.columns().get(at).map(|column| column.type_().clone());
    Ok(match kind {
        Some(Type::INT8) => {
            let number: Option<i64> = row.try_get(at)?;
            number.map_or(Cell::Null, Cell::Number)
        }
        Some(Type::BYTEA) => {
            let bytes: Option<Vec<u8>> = row.try_get(at)?;
            bytes.map_or(Cell::Null, Cell::Bytes)
        }
        _ => {
            let text: Option<String> = row.try_get(at)?;
            text.map_or(Cell::Null, Cell::Text)
        }
    })
}
