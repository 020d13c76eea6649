//! The store of one machine: SQLite with a write-ahead log, `synchronous = FULL` and
//! `secure_delete`, so that what is erased is overwritten.

mod schema;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{OpenFlags, ToSql, params_from_iter};

use super::StoreError;
use super::sql::database::{Cell, Connection, Row, Value};
use super::sql::writer::Ledger;
use super::sql::{Clock, End, Notify, Sql, rows};

/// How long a connection waits for a lock of another process.
const BUSY: Duration = Duration::from_secs(10);

/// Makes an empty database in a file that is empty, or not there.
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    let mut file = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?.0;
    let transaction = file.transaction()?;
    schema::create(&transaction)?;
    Ok(transaction.commit()?)
}

/// Opens a database. `notify` hears of every change, when it is committed.
pub(crate) fn open(path: &Path, clock: Clock, notify: Notify) -> Result<Sql, StoreError> {
    let mut file = connect(path, OpenFlags::empty())?;
    schema::upgrade(&mut file.0)?;
    let end = rows::end_of_events(&file)?;
    let path = path.to_path_buf();
    let open = move || -> Result<Box<dyn Connection + Send>, StoreError> {
        Ok(Box::new(connect(&path, OpenFlags::empty())?))
    };
    let ledger = Box::new(Book { file, end });
    Sql::start(ledger, Box::new(open), clock, notify, None)
}

/// A way to what is in a file that nobody serves, brought to this version of the tables.
#[cfg(feature = "postgres")]
pub(super) fn look_into(path: &Path) -> Result<impl Connection + use<>, StoreError> {
    let mut file = connect(path, OpenFlags::empty())?;
    schema::upgrade(&mut file.0)?;
    // Everything into one file, which is about to have another name.
    file.batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(file)
}

fn connect(path: &Path, more: OpenFlags) -> Result<File, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = rusqlite::Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(File(connection))
}

/// A connection.
struct File(rusqlite::Connection);

impl Connection for File {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(values))?)
    }

    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let names: Arc<[String]> = names.into();
        let width = names.len();
        let found = statement.query_map(params_from_iter(values), |row| {
            let cells = (0..width).map(|at| row.get_ref(at).and_then(cell));
            Ok(Row::new(
                Arc::clone(&names),
                cells.collect::<rusqlite::Result<_>>()?,
            ))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.0.execute_batch(sql)?)
    }
}

fn cell(value: ValueRef<'_>) -> rusqlite::Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Number(number),
        ValueRef::Text(_) => Cell::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        // The tables are STRICT, and none of them has one.
        ValueRef::Real(_) => Cell::Null,
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}

/// The file as it is written, with the end of its chain: nobody else writes it.
struct Book {
    file: File,
    end: End,
}

impl Ledger for Book {
    fn begin(&mut self) -> Result<End, StoreError> {
        self.file.batch("BEGIN IMMEDIATE")?;
        Ok(self.end)
    }

    fn connection(&self) -> Result<&dyn Connection, StoreError> {
        Ok(&self.file)
    }

    fn commit(&mut self, end: End) -> Result<(), StoreError> {
        self.file.batch("COMMIT")?;
        self.end = end;
        Ok(())
    }

    fn undo(&mut self) {
        // SQLite may have done so by itself.
        if !self.file.0.is_autocommit()
            && let Err(error) = self.file.batch("ROLLBACK")
        {
            tracing::error!("{error}");
        }
    }
}
