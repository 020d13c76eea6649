//! Events: every change of state, in a chain of hashes, as auditors get it.
//!
//! ```text
//! {"at":time,"event":{…},"kind":"request.created",…,"number":n,"previous":hex,"type":"cosignet.gate-event/v1"}
//! ```
//!
//! One line of canonical JSON each. `previous` is the SHA-256 of the line before it, without its
//! line end; 32 zero bytes for the first. Whoever keeps the hash of one line can tell whether
//! anything before it was changed.

use verifier_core::Time;
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{Members, Wrong};

/// The `type` of the lines of this version.
pub(crate) const TYPE: &str = "cosignet.gate-event/v1";

/// The longest line, in bytes. A bundle is in some of them.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A line of the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Event {
    /// 1 for the first.
    pub(crate) number: u64,
    /// Canonical JSON, without a line end.
    pub(crate) line: String,
}

impl Event {
    /// The event behind `previous`.
    pub(crate) fn next(
        previous: Link,
        at: Time,
        kind: &'static str,
        facts: Value<'_>,
    ) -> (Self, Link) {
        let number = previous.number.saturating_add(1);
        let line = Value::from([
            ("at", at.to_string().into()),
            ("event", facts),
            ("kind", kind.into()),
            ("number", number.into()),
            ("previous", hex(&previous.hash).into()),
            ("type", TYPE.into()),
        ])
        .to_text();
        let hash = sha256(line.as_bytes());
        (Self { number, line }, Link { number, hash })
    }
}

/// The end of a chain: what the next line continues.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Link {
    /// How many lines there are.
    pub(crate) number: u64,
    /// The hash of the last of them.
    pub(crate) hash: [u8; 32],
}

impl Link {
    /// Checks that a line continues the chain. A chain may be taken up in the middle: then `self` is
    /// `None`, and the line is believed.
    pub(crate) fn follow(before: Option<Self>, line: &str) -> Result<Self, String> {
        let value = Value::parse(line.as_bytes(), Limits::bytes(MAX_BYTES))
            .map_err(|error| format!("it is not strict JSON: {error}"))?;
        if value.to_canonical().as_deref() != Some(line) {
            return Err("it is not in canonical form (RFC 8785)".into());
        }
        let read = || {
            let members = Members::of(&value)?
                .only(&["at", "event", "kind", "number", "previous", "type"])?;
            let number = members.optional_u64("number")?;
            let number = number.ok_or_else(|| members.error("number", Wrong::Missing))?;
            members.time("at")?;
            members.text("kind")?;
            match members.text("type")? {
                TYPE => Ok((number, members.hash("previous")?)),
                other => Err(members.wrong("type", TYPE, other)),
            }
        };
        let (number, previous) =
            read().map_err(|error: verifier_core::hazmat::schema::Error| error.to_string())?;
        let before = match (before, number) {
            (Some(before), _) => before,
            (None, 1) => Self::default(),
            (None, _) => Self {
                number: number.saturating_sub(1),
                hash: previous,
            },
        };
        if number != before.number.saturating_add(1) {
            return Err(format!(
                "number {} was expected, and it is number {number}",
                before.number.saturating_add(1)
            ));
        }
        if previous != before.hash {
            return Err(format!(
                "it continues a line with hash {}, and the line before it has {}",
                hex(&previous),
                hex(&before.hash)
            ));
        }
        Ok(Self {
            number,
            hash: sha256(line.as_bytes()),
        })
    }
}
