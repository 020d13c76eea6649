//! A copy of the tables in the form of the embedded back end, piece by piece.
//!
//! Rows of entries are never changed but for evidence, and evidence is of one entry alone, so the
//! copy is that of the head that it begins with.

use std::path::Path;

use tokio_postgres::types::Type;

use super::link::{Answer, Link, Place};
use super::rows::{self, hash, index, number};
use super::session::Purpose;
use super::{audit, evidence, sealed, staged, tokens};
use crate::error::Result;
use crate::store::sqlite::Import;
use crate::store::{Claims, Closing, Head};

/// How many rows of evidence are read at once: each may have a megabyte.
const EVIDENCE: i64 = 64;

/// Copies everything that is committed into a file, which is there and empty.
pub(super) fn copy_to(place: &Place, file: &Path) -> Result<()> {
    let mut link = Link::open(place, Purpose::Serve)?;
    let Beginning {
        head,
        closing,
        staged: leaves,
    } = beginning(&mut link)?;
    let mut copy = Import::begin(file, &head)?;
    if let Some(closing) = closing {
        copy.closed(&closing)?;
    }
    copy.staged(&leaves)?;
    for (token, written) in tokens::all(&mut link)? {
        copy.token(&token, written)?;
    }
    let erasing = "SELECT leaf FROM erasure WHERE log_id = $1 ORDER BY id";
    let erasing: Vec<i64> = link.ask(async |client, log| {
        let rows = client.query_typed(erasing, &[(&log, Type::INT4)]).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    })?;
    copy.erasing(&erasing)?;
    let end = number(head.size)?;
    for kind in [Claims::Approvals, Claims::Assertions] {
        let mut last = Vec::new();
        loop {
            let mut rows = audit::claims_after(&mut link, kind, &last)?;
            let Some((hash, _)) = rows.last() else {
                break;
            };
            last.clone_from(hash);
            rows.retain(|(_, leaf)| *leaf < end);
            copy.claims(rows::table(kind), &rows)?;
        }
    }
    let mut from = 0;
    loop {
        let range = [from, end];
        let some = link
            .ask(async |client, log| evidence::some(client, log, range, "true", EVIDENCE).await)?;
        let Some(last) = some.last() else {
            break;
        };
        from = last.leaf.saturating_add(1);
        // SQLite overwrites what is erased, and keeps it plain.
        let rows = sealed::open(place, some)?.into_iter().map(|opened| {
            let (leaf, written) = (index(opened.leaf)?, opened.written);
            Ok((leaf, opened.evidence()?, written))
        });
        copy.evidence(&rows.collect::<Result<Vec<_>>>()?)?;
    }
    copy.finish()
}

/// The part of a copy that has to be of one moment.
struct Beginning {
    head: Head,
    closing: Option<Closing>,
    staged: Vec<(u64, String)>,
}

/// The head with its end, and the leaves that are kept with it, out of one snapshot: a copy that is
/// closed has all that the log has.
fn beginning(link: &mut Link) -> Result<Beginning> {
    type Row = (i64, Vec<u8>, String, Option<String>, Option<String>);
    type Read = (Row, Vec<rows::Staged>);
    let sql = "SELECT size, root, checkpoint, closed, successor FROM head WHERE log_id = $1";
    let ((size, root, checkpoint, closed, successor), batches) =
        link.ask(async |client, log| -> Answer<Read> {
            client
                .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await?;
            let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
            let head = (
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
            );
            let staged = rows::batches_of(client, log, 0, u64::MAX).await?;
            client.batch_execute("COMMIT").await?;
            Ok((head, staged))
        })?;
    let head = Head {
        size: index(size)?,
        root: hash(root)?,
        checkpoint,
    };
    let mut leaves = Vec::new();
    for (first, last, bytes) in batches {
        leaves.extend(staged::read(index(first)?, index(last)?, &bytes)?);
    }
    let closing = closed.map(|at| Closing { at, successor });
    Ok(Beginning {
        head,
        closing,
        staged: leaves,
    })
}
