//! Checksums of rows that nothing else vouches for: a bit that has flipped in them shows in no
//! signature and no tree. They are no defence against somebody who can write to the database.
//!
//! ```text
//! SHA-256 over each column in order:
//!   NULL      00
//!   integer   01 ‖ 8 bytes, big-endian
//!   text      02 ‖ length, 8 bytes big-endian ‖ UTF-8
//!   blob      03 ‖ length, 8 bytes big-endian ‖ bytes
//! ```

use rusqlite::Row;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use verifier_core::hazmat::encoding::sha256;

use crate::error::{LogError, Result};

/// Of a row as it was read.
pub(super) fn of_row(row: &Row<'_>) -> rusqlite::Result<[u8; 32]> {
    let columns = row.as_ref().column_count();
    let mut text = Vec::new();
    for column in 0..columns {
        add(&mut text, row.get_ref(column)?);
    }
    Ok(sha256(&text))
}

/// Of a row as it is about to be written.
pub(super) fn of(columns: &[&dyn ToSql]) -> Result<[u8; 32]> {
    let mut text = Vec::new();
    for column in columns {
        match column.to_sql()? {
            ToSqlOutput::Borrowed(value) => add(&mut text, value),
            ToSqlOutput::Owned(value) => add(&mut text, ValueRef::from(&value)),
            _ => return Err(LogError::System("a value has no checksum".into())),
        }
    }
    Ok(sha256(&text))
}

fn add(text: &mut Vec<u8>, value: ValueRef<'_>) {
    let long = |text: &mut Vec<u8>, kind: u8, bytes: &[u8]| {
        text.push(kind);
        text.extend(crate::count(bytes.len()).to_be_bytes());
        text.extend(bytes);
    };
    match value {
        ValueRef::Null => text.push(0),
        ValueRef::Integer(number) => {
            text.push(1);
            text.extend(number.to_be_bytes());
        }
        ValueRef::Real(number) => {
            text.push(4);
            text.extend(number.to_be_bytes());
        }
        ValueRef::Text(bytes) => long(text, 2, bytes),
        ValueRef::Blob(bytes) => long(text, 3, bytes),
    }
}
