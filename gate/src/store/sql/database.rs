//! What the rules ask of a database: statements, with values for them, and rows for an answer.
//!
//! Statements are in the part of SQL that SQLite and PostgreSQL both have, with `?1` for the first
//! value. Of what differs, a database says itself how it goes: see [`Connection::take`].

use std::sync::Arc;

use verifier_core::Time;
use verifier_core::hazmat::json::{self, Limits};

use crate::person::Rights;
use crate::request::{Act, Outcome, State};
use crate::store::StoreError;
use crate::terms::Terms;

/// A way to ask a database.
pub(in crate::store) trait Connection {
    /// Changes rows; returns how many.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError>;

    /// Rows, in order.
    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError>;

    /// Does something that has neither values nor an answer.
    fn batch(&self, sql: &str) -> Result<(), StoreError>;

    /// Whether it can be asked something else.
    fn is_usable(&self) -> bool {
        true
    }

    /// Whether it had ended before it was asked: another one may have an answer.
    fn is_gone(&self) -> bool {
        false
    }

    /// Takes rows for this process, where several work on one database: for a while nobody else
    /// takes them. Where one process has the database for itself, everything is taken.
    fn take(&self, _work: &Work<'_>, _values: &[Value<'_>]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Lets go of a row, if this process has it.
    fn release(&self, _table: &str, _key: &str, _of: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// The end of a condition that holds for what is taken.
    fn is_taken(&self) -> &str {
        ""
    }
}

impl dyn Connection + '_ {
    /// The first row, if there is one.
    pub(super) fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// Every row, as something else.
    pub(super) fn map<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows(sql, values)?.iter().map(each).collect()
    }
}

/// Rows that are worked on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "one process takes everything")
)]
pub(in crate::store) struct Work<'w> {
    pub(in crate::store) table: &'w str,
    /// The column that names a row.
    pub(in crate::store) key: &'w str,
    pub(in crate::store) condition: &'w str,
    /// The column that says what comes first.
    pub(in crate::store) order: &'w str,
    pub(in crate::store) most: usize,
    /// How long nobody else takes them, in milliseconds.
    pub(in crate::store) lease: u64,
}

/// A value in a statement; `None` is NULL.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Value<'v> {
    Bytes(Option<&'v [u8]>),
    Number(Option<i64>),
    Text(Option<&'v str>),
}

/// Something that can be a value.
pub(in crate::store) trait Column {
    const NULL: Value<'static>;

    fn value(&self) -> Value<'_>;
}

/// The values of a statement, in order.
macro_rules! params {
    ($($value:expr),+ $(,)?) => {
        &[$($crate::store::sql::database::Column::value(&$value)),+]
    };
}
pub(super) use params;

macro_rules! column {
    ($($kind:ty: $variant:ident, $read:expr;)+) => {
        $(impl Column for $kind {
            const NULL: Value<'static> = Value::$variant(None);

            fn value(&self) -> Value<'_> {
                Value::$variant(Some(($read)(self)))
            }
        })+
    };
}

column! {
    str: Text, |text| text;
    String: Text, String::as_str;
    [u8]: Bytes, |bytes| bytes;
    Vec<u8>: Bytes, Vec::as_slice;
    [u8; 32]: Bytes, <[u8; 32]>::as_slice;
    i64: Number, |number: &i64| *number;
    // Databases have no larger numbers, and nothing here counts as far.
    u64: Number, |number: &u64| i64::try_from(*number).unwrap_or(i64::MAX);
    usize: Number, |number: &usize| i64::try_from(*number).unwrap_or(i64::MAX);
    bool: Number, |yes: &bool| i64::from(*yes);
}

impl<T: Column + ?Sized> Column for &T {
    const NULL: Value<'static> = T::NULL;

    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: Column> Column for Option<T> {
    const NULL: Value<'static> = T::NULL;

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(T::NULL, Column::value)
    }
}

/// What stands in one column of a row.
#[derive(Clone, Debug)]
pub(in crate::store) enum Cell {
    Bytes(Vec<u8>),
    Null,
    Number(i64),
    Text(String),
}

/// A row.
#[derive(Clone, Debug)]
pub(in crate::store) struct Row {
    names: Arc<[String]>,
    cells: Vec<Cell>,
}

impl Row {
    /// As many cells as names.
    pub(in crate::store) fn new(names: Arc<[String]>, cells: Vec<Cell>) -> Self {
        Self { names, cells }
    }

    /// The column of this name.
    pub(in crate::store) fn get<T: FromCell>(&self, name: &str) -> Result<T, StoreError> {
        let at = self.names.iter().position(|one| one == name);
        self.read(at.and_then(|at| self.cells.get(at)), name)
    }

    /// The column at this place.
    pub(super) fn at<T: FromCell>(&self, place: usize) -> Result<T, StoreError> {
        let name = self.names.get(place).map_or("?", String::as_str);
        self.read(self.cells.get(place), name)
    }

    /// Every column, by name.
    #[cfg(feature = "postgres")]
    pub(in crate::store) fn columns(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.names.iter().map(String::as_str).zip(&self.cells)
    }

    fn read<T: FromCell>(&self, cell: Option<&Cell>, name: &str) -> Result<T, StoreError> {
        let wrong = || StoreError::Damaged(format!("the column {name} is not what was written"));
        cell.and_then(T::from_cell).ok_or_else(wrong)
    }
}

/// Something that a column can be read as.
pub(in crate::store) trait FromCell: Sized {
    fn from_cell(cell: &Cell) -> Option<Self>;
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

impl FromCell for i64 {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromCell for u64 {
    fn from_cell(cell: &Cell) -> Option<Self> {
        Self::try_from(i64::from_cell(cell)?).ok()
    }
}

impl FromCell for bool {
    fn from_cell(cell: &Cell) -> Option<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl FromCell for Time {
    fn from_cell(cell: &Cell) -> Option<Self> {
        Self::from_millis(u64::from_cell(cell)?)
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl FromCell for [u8; 32] {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: &Cell) -> Option<Self> {
        text(cell).map(str::to_owned)
    }
}

fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

macro_rules! texts {
    ($($kind:ty: $read:expr;)+) => {
        $(impl FromCell for $kind {
            fn from_cell(cell: &Cell) -> Option<Self> {
                text(cell).and_then($read)
            }
        })+
    };
}

texts! {
    State: State::parse;
    Act: Act::parse;
    Outcome: Outcome::parse;
    Rights: Rights::parse;
    Terms: |text| Terms::parse(text).ok();
    Vec<String>: names;
}

/// A list of names, as JSON.
fn names(text: &str) -> Option<Vec<String>> {
    let value = json::Value::parse(text.as_bytes(), Limits::bytes(64 * 1024)).ok()?;
    let json::Value::Array(items) = &value else {
        return None;
    };
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}
