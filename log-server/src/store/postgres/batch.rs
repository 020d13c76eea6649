//! The statements of one commit.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::evidence::Columns;
use super::link::{Answer, Value};
use super::rows::{insert_claims, number};
use super::sealed::{self, Seal};
use super::staged;
use crate::error::Result;
use crate::failpoint;
use crate::store::{Addition, Claims, Head};

/// The part of a commit that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Written {
    All,
    /// The head is another one, or the epoch, or the erasure key.
    Nothing,
    /// Something between here and the tables has changed what they were told.
    Part,
}

/// The rows of one commit.
pub(super) struct Batch<'a> {
    head: [i64; 2],
    roots: [&'a [u8]; 2],
    checkpoint: &'a str,
    leaves: Vec<i64>,
    approvals: Vec<&'a [u8]>,
    assertions: Vec<&'a [u8]>,
    staged: Vec<u8>,
    evidence: Columns<'a>,
    kek: Option<&'a str>,
    published: i64,
}

impl<'a> Batch<'a> {
    /// The evidence is sealed with `seal`, which has the erasure key `kek`, if the log has one.
    pub(super) fn new(
        (kek, seal): (Option<&'a str>, Option<Seal<'_>>),
        old: &'a Head,
        new: &'a Head,
        additions: &'a [Addition],
        published: u64,
    ) -> Result<Self> {
        let leaves = (old.size..).take(additions.len()).map(number);
        let leaves: Vec<i64> = leaves.collect::<Result<_>>()?;
        let each = additions.iter().map(|addition| &addition.evidence);
        let evidence = sealed::write(seal, leaves.iter().copied().zip(each))?;
        let evidence = Columns::new(evidence);
        Ok(Self {
            head: [number(old.size)?, number(new.size)?],
            roots: [&old.root, &new.root],
            checkpoint: &new.checkpoint,
            approvals: additions
                .iter()
                .map(|one| &one.claim.approval[..])
                .collect(),
            assertions: additions
                .iter()
                .map(|one| &one.claim.assertion[..])
                .collect(),
            staged: staged::write(additions.iter().map(|one| &*one.leaf))?,
            leaves,
            evidence,
            kek,
            published: number(published)?,
        })
    }

    /// Everything but the COMMIT. The first statement takes the row of the head, so all that follows
    /// is alone.
    pub(super) async fn write(&self, client: &Client, log: i32, epoch: i64) -> Answer<Written> {
        let [old_size, new_size] = &self.head;
        let [old_root, new_root] = &self.roots;
        let moves = match failpoint::unfenced() {
            false => {
                "UPDATE head SET size = $2, root = $3, checkpoint = $4, renewed = now() \
                 WHERE log_id = $1 AND size = $5 AND root = $6 AND epoch = $7 \
                 AND kek IS NOT DISTINCT FROM $8 AND closed IS NULL"
            }
            true => {
                "UPDATE head SET size = $2, root = $3, checkpoint = $4, renewed = now() \
                 WHERE log_id = $1 AND ($5::int8, $6::bytea, $7::int8) IS NOT NULL \
                 AND kek IS NOT DISTINCT FROM $8"
            }
        };
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (new_size, Type::INT8),
            (new_root, Type::BYTEA),
            (&self.checkpoint, Type::TEXT),
            (old_size, Type::INT8),
            (old_root, Type::BYTEA),
            (&epoch, Type::INT8),
            (&self.kek, Type::TEXT),
        ];
        if client.execute_typed(moves, values).await? != 1 {
            return Ok(Written::Nothing);
        }
        let claim = |kind, hashes| insert_claims(client, log, kind, hashes, &self.leaves);
        let approvals = claim(Claims::Approvals, &self.approvals);
        let assertions = claim(Claims::Assertions, &self.assertions);
        let last = new_size - 1;
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (old_size, Type::INT8),
            (&last, Type::INT8),
            (&self.staged, Type::BYTEA),
        ];
        let stage = match failpoint::unfenced() {
            false => "INSERT INTO staged VALUES ($1, $2, $3, $4)",
            true => {
                "INSERT INTO staged VALUES ($1, $2, $3, $4) ON CONFLICT (log_id, first) \
                 DO UPDATE SET last = excluded.last, leaves = excluded.leaves"
            }
        };
        let staged = client.execute_typed(stage, values);
        let evidence = self.evidence.insert(client, log);
        let old: &[Value<'_>] = &[(&log, Type::INT4), (&self.published, Type::INT8)];
        let drop = "DELETE FROM staged WHERE log_id = $1 AND last < $2";
        let dropped = client.execute_typed(drop, old);
        // Sent in this order, without waiting for the answers in between.
        let (approvals, assertions, staged, evidence, _) = tokio::try_join!(
            biased;
            approvals, assertions, staged, evidence, dropped
        )?;
        let all = crate::count(self.leaves.len());
        Ok(
            match [approvals, assertions] == [all; 2] && evidence && staged == 1 {
                true => Written::All,
                false => Written::Part,
            },
        )
    }
}
