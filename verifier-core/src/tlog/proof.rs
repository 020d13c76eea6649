//! An entry's place in a log, to be verified offline: c2sp.org/tlog-proof.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::Failure;
use crate::code::Code;
use crate::encoding::{base64, from_base64};
use crate::tlog::checkpoint::{self, SignedCheckpoint};
use crate::tlog::merkle::{self, Hash, MAX_PROOF};
use crate::tlog::note::Note;

/// A well-formed proof, unverified.
///
/// ```text
/// c2sp.org/tlog-proof@v1
/// extra <base64>                  optional; nothing vouches for it
/// index <decimal>
/// <base64 hash>                   0 to 64, from the leaf's sibling to the root's child
///                                 an empty line
/// <signed checkpoint>             to the end, verbatim
/// ```
#[derive(Clone, Debug)]
pub struct Proof<'a> {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: SignedCheckpoint<'a>,
}

const MAGIC: &str = "c2sp.org/tlog-proof@v1";

impl<'a> Proof<'a> {
    /// The longest proof, in bytes.
    pub const MAX_BYTES: usize = Note::MAX_BYTES;

    /// A proof that the leaf at `index` is in the tree of `checkpoint`.
    pub fn new(
        extra: Option<Vec<u8>>,
        index: u64,
        hashes: Vec<Hash>,
        checkpoint: SignedCheckpoint<'a>,
    ) -> Result<Self, Error> {
        if extra.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::Extra);
        }
        if hashes.len() > MAX_PROOF {
            return Err(Error::TooManyHashes);
        }
        let size = checkpoint.checkpoint().size();
        if index >= size {
            return Err(Error::IndexOutsideTree { index, size });
        }
        Ok(Self {
            extra,
            index,
            hashes,
            checkpoint,
        })
    }

    /// Reads a proof ("Format").
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        if text.len() > Self::MAX_BYTES {
            return Err(Error::TooLong { found: text.len() });
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(Error::NoCheckpoint)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(MAGIC) {
            return Err(Error::Magic);
        }
        let mut line = lines.next().ok_or(Error::Index)?;
        let mut extra = None;
        if let Some(data) = line.strip_prefix("extra ") {
            extra = Some(from_base64(data).map_err(|_| Error::Extra)?);
            line = lines.next().ok_or(Error::Index)?;
        }
        let index = line
            .strip_prefix("index ")
            .and_then(super::parse_decimal)
            .ok_or(Error::Index)?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_PROOF {
                return Err(Error::TooManyHashes);
            }
            hashes.push(super::parse_hash(line).ok_or(Error::Hash { at: hashes.len() })?);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint).map_err(Error::Checkpoint)?;
        Self::new(extra, index, hashes, checkpoint)
    }

    /// Verifies that the leaf with this hash ([`merkle::leaf_hash`]) is where the proof says.
    /// That is worth as much as the checkpoint's signatures, which this does not look at.
    pub fn verify_inclusion(&self, leaf: &Hash) -> Result<(), merkle::Error> {
        let tree = self.checkpoint.checkpoint();
        merkle::verify_inclusion(leaf, self.index, tree.size(), &self.hashes, &tree.root())
    }

    /// Data of the application's own, which nothing vouches for.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The index of the leaf, from 0; below the size of the tree.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The hashes from the leaf's sibling to the root's child.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The head of the log that the proof leads to, unverified.
    pub fn checkpoint(&self) -> &SignedCheckpoint<'a> {
        &self.checkpoint
    }
}

/// The text that [`Proof::parse`] reads.
impl fmt::Display for Proof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", base64(hash))?;
        }
        write!(f, "\n{}", self.checkpoint.as_str())
    }
}

/// Why a text is no proof.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What follows the empty line is no signed checkpoint.
    #[error(transparent)]
    Checkpoint(checkpoint::Error),
    /// An extra line without data, or not in standard base64.
    #[error("the extra line is empty or not in base64")]
    Extra,
    /// A line that is not 32 bytes in standard base64.
    #[error("hash {at} of the inclusion proof is not 32 bytes in base64")]
    Hash {
        /// Which of the hashes, from 0.
        at: usize,
    },
    /// No index line, or one that is not a plain decimal number below 2^64.
    #[error("the index line is missing or not a plain decimal number")]
    Index,
    /// An index that is not below the tree size.
    #[error("there is no leaf {index} in a tree of {size} leaves")]
    IndexOutsideTree {
        /// The index of the leaf.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// Another first line.
    #[error("the proof does not begin with the line {MAGIC}")]
    Magic,
    /// No empty line.
    #[error("the proof has no checkpoint after an empty line")]
    NoCheckpoint,
    /// A longer proof than the limit.
    #[error("the proof has {found} bytes; {} are the limit", Proof::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// More hashes than any tree calls for.
    #[error("the inclusion proof has more than {MAX_PROOF} hashes")]
    TooManyHashes,
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Checkpoint(error) => error.code(),
            _ => Code::LogProofForm,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Checkpoint(error) => error.expected(),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Checkpoint(error) => error.found(),
            _ => None,
        }
    }
}
