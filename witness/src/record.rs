//! A witness's memory of a log: the head that it cosigned last.
//!
//! ```text
//! time <seconds since 1970>        when it was cosigned
//! <signed checkpoint>              with the log's signatures
//! ```
//!
//! The cosignature itself is not kept: Ed25519 makes the same one again.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use verifier_core::AwsLc;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::directory::replace;

/// A head that was cosigned, or is about to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) seconds: u64,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// The text of the checkpoint's note.
    pub(crate) text: String,
    /// The signature lines of the log.
    pub(crate) signatures: String,
}

impl Record {
    /// The record at `path`, if there is one.
    pub(crate) fn load(
        path: &Path,
        origin: &str,
        keys: &[VerifierKey],
    ) -> Result<Option<Self>, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        Self::parse(&text, origin, keys).map(Some)
    }

    fn parse(text: &str, origin: &str, keys: &[VerifierKey]) -> Result<Self, String> {
        let (time, rest) = text.split_once('\n').ok_or("it has no lines")?;
        let seconds = time.strip_prefix("time ").and_then(|n| n.parse().ok());
        let seconds = seconds.ok_or("its first line is not a time")?;
        let signed = SignedCheckpoint::parse(rest).map_err(|error| error.to_string())?;
        let checkpoint = signed.checkpoint();
        if checkpoint.origin() != origin {
            return Err("it is of another log".into());
        }
        signed
            .note()
            .verify(&AwsLc, keys)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            seconds,
            size: checkpoint.size(),
            root: checkpoint.root(),
            text: signed.note().text().into(),
            signatures: signatures(signed.note(), keys),
        })
    }

    /// Makes this what is remembered. When this returns it is durable.
    pub(crate) fn store(&self, path: &Path) -> io::Result<()> {
        replace(path, self.to_text().as_bytes())
    }

    fn to_text(&self) -> String {
        let (seconds, checkpoint) = (self.seconds, self.checkpoint());
        format!("time {seconds}\n{checkpoint}")
    }

    /// The signed checkpoint, without the cosignature.
    pub(crate) fn checkpoint(&self) -> String {
        format!("{}\n{}", self.text, self.signatures)
    }
}

/// The signature lines of a note by these keys, one a key.
pub(crate) fn signatures(note: &Note<'_>, keys: &[VerifierKey]) -> String {
    let lines = keys.iter().filter_map(|key| {
        let mut lines = note.signatures().iter();
        let own = lines.find(|line| (line.name(), line.id()) == (key.name(), key.id()))?;
        Some(key.signature_line(own.signature()))
    });
    lines.collect()
}
