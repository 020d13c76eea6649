//! Questions that several parts have.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use verifier_core::hazmat::tlog::merkle::Hash;

use super::link::{Answer, Ending, Link, Value};
use super::{freeze, staged};
use crate::error::{LogError, Result};
use crate::store::{Claim, Claims, Closing, Head, Holders};

/// The committed head.
pub(super) fn head(link: &mut Link) -> Result<Head> {
    let sql = "SELECT size, root, checkpoint FROM head WHERE log_id = $1";
    let (size, root, checkpoint) =
        link.ask(async |client, log| -> Answer<(i64, Vec<u8>, String)> {
            let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        })?;
    Ok(Head {
        size: index(size)?,
        root: hash(root)?,
        checkpoint,
    })
}

/// The end of the log, if it is closed.
pub(super) fn closing(link: &mut Link) -> Result<Option<Closing>> {
    let sql = "SELECT closed, successor, frozen FROM head WHERE log_id = $1";
    type Row = (Option<String>, Option<String>, Option<String>);
    let (closed, successor, frozen) = link.ask(async |client, log| -> Answer<Row> {
        let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })?;
    if let Some(why) = frozen {
        return Err(freeze::refusal(link.place(), &why));
    }
    Ok(closed.map(|at| Closing { at, successor }))
}

/// Lets nothing be appended any more. A commit that has the row of the head comes before this, and a
/// later one finds the mark, under whatever epoch.
pub(super) fn close(link: &mut Link, closing: &Closing) -> Result<()> {
    let sql = "UPDATE head SET closed = coalesce(closed, $2), successor = coalesce($3, successor) \
               WHERE log_id = $1 AND frozen IS NULL";
    let changed = link.change(async |client, log| {
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&closing.at, Type::TEXT),
            (&closing.successor, Type::TEXT),
        ];
        Ok(match client.execute_typed(sql, values).await? {
            1 => Ending::Commit(true),
            _ => Ending::Undo(false),
        })
    })?;
    if changed {
        return Ok(());
    }
    // It says why nothing can be changed.
    self::closing(link)?;
    Err(LogError::damage("the database has no head of this log"))
}

/// The published checkpoint.
pub(super) fn published(link: &mut Link) -> Result<String> {
    let sql = "SELECT checkpoint FROM published WHERE log_id = $1";
    link.ask(async |client, log| {
        let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
        row.try_get(0)
    })
}

/// The holders of these claims, in one snapshot: it is one statement.
pub(super) fn claimed(link: &mut Link, claims: &[Claim]) -> Result<Vec<Holders>> {
    let approvals: Vec<&[u8]> = claims.iter().map(|claim| &claim.approval[..]).collect();
    let assertions: Vec<&[u8]> = claims.iter().map(|claim| &claim.assertion[..]).collect();
    let sql = "SELECT true, hash, leaf FROM approval WHERE log_id = $1 AND hash = ANY($2) \
               UNION ALL \
               SELECT false, hash, leaf FROM assertion WHERE log_id = $1 AND hash = ANY($3)";
    let rows: Vec<(bool, Vec<u8>, i64)> = link.ask(async |client, log| {
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&approvals, Type::BYTEA_ARRAY),
            (&assertions, Type::BYTEA_ARRAY),
        ];
        let rows = client.query_typed(sql, values).await?;
        let each = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        rows.iter().map(each).collect()
    })?;
    let mut held = HashMap::new();
    for (is_approval, hash, leaf) in rows {
        held.insert((is_approval, hash), index(leaf)?);
    }
    let holders = claims.iter().map(|claim| Holders {
        approval: held.get(&(true, claim.approval.to_vec())).copied(),
        assertion: held.get(&(false, claim.assertion.to_vec())).copied(),
    });
    Ok(holders.collect())
}

pub(super) fn table(claims: Claims) -> &'static str {
    match claims {
        Claims::Approvals => "approval",
        Claims::Assertions => "assertion",
    }
}

/// The holders of one claim.
pub(super) fn holders(link: &mut Link, claim: &Claim) -> Result<Holders> {
    let found = claimed(link, std::slice::from_ref(claim))?;
    Ok(found.first().copied().unwrap_or_default())
}

/// Writes hashes of one kind, and the entries that hold them. Returns how many.
pub(super) async fn insert_claims(
    client: &Client,
    log: i32,
    kind: Claims,
    hashes: &[&[u8]],
    leaves: &[i64],
) -> Answer<u64> {
    let table = table(kind);
    let sql = format!("INSERT INTO {table} SELECT $1, * FROM unnest($2::bytea[], $3::int8[])");
    let values: &[Value<'_>] = &[
        (&log, Type::INT4),
        (&hashes, Type::BYTEA_ARRAY),
        (&leaves, Type::INT8_ARRAY),
    ];
    client.execute_typed(&sql, values).await
}

/// The entry that holds an approval id.
pub(super) fn find(link: &mut Link, approval: &Hash) -> Result<Option<u64>> {
    let sql = "SELECT leaf FROM approval WHERE log_id = $1 AND hash = $2";
    let hash = &approval[..];
    let found = link.ask(async |client, log| -> Answer<Option<i64>> {
        let values: &[Value<'_>] = &[(&log, Type::INT4), (&hash, Type::BYTEA)];
        let row = client.query_typed_opt(sql, values).await?;
        row.map(|row| row.try_get(0)).transpose()
    })?;
    found.map(index).transpose()
}

/// The committed leaves from `first` to before `end`, in order and without a hole.
pub(super) fn staged(link: &mut Link, first: u64, end: u64) -> Result<Vec<String>> {
    let rows = batches(link, first, end)?;
    let wanted = rows.into_iter().filter(|(at, _)| (first..end).contains(at));
    let mut leaves = Vec::new();
    for (expected, (at, leaf)) in (first..).zip(wanted) {
        if at != expected {
            return Err(lost(expected));
        }
        leaves.push(leaf);
    }
    Ok(leaves)
}

/// Every leaf of the batches that have one from `first` to before `end`.
pub(super) fn batches(link: &mut Link, first: u64, end: u64) -> Result<Vec<(u64, String)>> {
    let rows = link.ask(async |client, log| batches_of(client, log, first, end).await)?;
    let each = rows
        .into_iter()
        .map(|(first, last, leaves)| staged::read(index(first)?, index(last)?, &leaves));
    let each: Vec<_> = each.collect::<Result<_>>()?;
    Ok(each.into_iter().flatten().collect())
}

/// A row of `staged`.
pub(super) type Staged = (i64, i64, Vec<u8>);

pub(super) async fn batches_of(
    client: &Client,
    log: i32,
    first: u64,
    end: u64,
) -> Answer<Vec<Staged>> {
    let sql = "SELECT first, last, leaves FROM staged \
               WHERE log_id = $1 AND last >= $2 AND first < $3 ORDER BY first";
    let (first, end) = (bounded(first), bounded(end));
    let values: &[Value<'_>] = &[(&log, Type::INT4), (&first, Type::INT8), (&end, Type::INT8)];
    let rows = client.query_typed(sql, values).await?;
    let each = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    rows.iter().map(each).collect()
}

/// For bounds, which may lie beyond every tree.
fn bounded(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

pub(super) fn lost(entry: u64) -> LogError {
    LogError::damage(format!(
        "the database has lost entry {entry}: restore a backup, see OPERATIONS"
    ))
}

pub(super) fn number(index: u64) -> Result<i64> {
    i64::try_from(index).map_err(|_| LogError::System("the tree is full".into()))
}

pub(super) fn index(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| LogError::damage("the database holds a negative index"))
}

pub(super) fn hash(bytes: Vec<u8>) -> Result<Hash> {
    let wrong = |_| LogError::damage("the database: a hash is not 32 bytes");
    Hash::try_from(bytes).map_err(wrong)
}
