//! What the caller remembers over a crash: one line before each act, one behind it.
//!
//! ```text
//! {"at":time,"event":"claimed","operation":text,"payloadHash":hex,"requestId":uuid}
//! {"at":time,"event":"done","operation":text,"payloadHash":hex,"requestId":uuid}     or "failed"
//! ```
//!
//! The first line is on the disk before the act begins. A crash behind it leaves an outcome that
//! nobody can know from here, so that neither the operation nor the request is ever acted on again.

use std::path::Path;

use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::{Time, plain};

use crate::approved::Approved;
use crate::denied::{Denied, Reason};
use crate::lines::Lines;

/// A file of lines that are never taken back.
#[derive(Clone, Debug)]
pub struct Journal {
    lines: Lines<Record>,
}

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// When it was written, by the clock of this machine.
    pub at: Time,
    /// `claimed`, `done` or `failed`.
    pub event: String,
    /// The id of the operation.
    pub operation: String,
    /// The SHA-256 of the payload.
    pub payload_hash: [u8; 32],
    /// The id of the request.
    pub request_id: String,
}

impl Journal {
    /// The journal in this file, which is made with the first line.
    pub fn new(path: &Path) -> Self {
        let lines = Lines::new(path, record);
        Self { lines }
    }

    /// All lines, in their order; none if there is no file.
    ///
    /// # Errors
    ///
    /// [`Reason::Journal`] if it cannot be read, or is damaged: half a line is what a crash leaves
    /// while a line is written, and it is for people to look at.
    pub fn records(&self) -> Result<Vec<Record>, Denied> {
        self.lines.all()
    }

    /// Fails if this operation has been claimed before.
    pub(crate) fn is_new(&self, operation: &str) -> Result<(), Denied> {
        unknown(&self.records()?, |record| record.operation == operation)
    }

    /// Writes down that the act is about to begin. Nobody else does so at the same time.
    pub(crate) fn begin(&self, approved: &Approved, now: Time) -> Result<(), Denied> {
        self.append(approved, "claimed", now, |records| {
            unknown(records, |record| {
                record.operation == approved.operation()
                    || record.request_id == approved.request_id()
            })
        })
    }

    /// Writes down what became of it.
    pub(crate) fn end(&self, approved: &Approved, event: &str, now: Time) -> Result<(), Denied> {
        self.append(approved, event, now, |_| Ok(()))
    }

    fn append(
        &self,
        approved: &Approved,
        event: &str,
        now: Time,
        check: impl FnOnce(&[Record]) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        self.lines.append(|records| {
            check(records)?;
            Ok(Value::from([
                ("at", now.to_string().into()),
                ("event", event.into()),
                ("operation", approved.operation().into()),
                ("payloadHash", hex(&sha256(approved.payload())).into()),
                ("requestId", approved.request_id().into()),
            ]))
        })
    }
}

fn record(line: &[u8]) -> Option<Record> {
    let value = Value::parse(line, Limits::bytes(line.len())).ok()?;
    let members = Members::of(&value).ok()?;
    let read = || -> Result<Record, schema::Error> {
        Ok(Record {
            at: members.time("at")?,
            event: members.text("event")?.into(),
            operation: members.text("operation")?.into(),
            payload_hash: members.hash("payloadHash")?,
            request_id: members.text("requestId")?.into(),
        })
    };
    read().ok()
}

/// Fails if there are records of the same, with what is known of it.
fn unknown(records: &[Record], same: impl Fn(&Record) -> bool) -> Result<(), Denied> {
    let Some(last) = records.iter().rev().find(|record| same(record)) else {
        return Ok(());
    };
    let (id, at) = (&last.request_id, last.at);
    let message = match last.event.as_str() {
        "claimed" => format!(
            "request {id} was claimed at {at}, and nothing was written behind that: the outcome of \
             the act is unknown"
        ),
        event => format!(
            "request {id} was acted on before: the act ended at {at} as {}",
            plain(event)
        ),
    };
    Err(Denied::new(Reason::OutcomeUnknown, message))
}
