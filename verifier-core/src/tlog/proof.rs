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
        let (head, checkpoint) = super::split_at_blank_line(text).ok_or(Error::NoCheckpoint)?;
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

    /// The index of the leaf, from 0. Not checked: see [`Proof::verify_inclusion`].
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
    /// The text after the empty line is no signed checkpoint.
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

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;
    use crate::tlog::merkle::leaf_hash;
    use crate::tlog::note;
    use crate::tlog::testing::PROOF;

    #[test]
    fn the_known_answer_reads_back_and_verifies() {
        let proof = Proof::parse(PROOF).unwrap();
        assert_eq!(proof.to_string(), PROOF);
        assert_eq!((proof.index(), proof.hashes().len()), (1, 2));
        assert_eq!(proof.extra(), None);
        let leaf = leaf_hash(b"approval-1");
        assert_eq!(
            base64(&leaf),
            "HplGvavCwR8Ed6P1TOXAwN9TnLLTXpElSKKb0lLJugU="
        );
        assert_eq!(proof.verify_inclusion(&leaf), Ok(()));
        for other in [&b"approval-0"[..], b"approval-2", b""] {
            let error = proof.verify_inclusion(&leaf_hash(other)).unwrap_err();
            assert_eq!(error.code(), Code::LogNotIncluded);
        }
    }

    #[test]
    fn extra_data_is_carried() {
        let text = PROOF.replacen("index", "extra aGVsbG8=\nindex", 1);
        let proof = Proof::parse(&text).unwrap();
        assert_eq!(proof.extra(), Some(&b"hello"[..]));
        assert_eq!(proof.to_string(), text);
    }

    #[test]
    fn refuses_what_is_no_proof() {
        let hash = "RrftREWfNpxPXIU0UpsFNMwE6z2vMOtN0SVZAzGOoLU=";
        let in_note = |error| Error::Checkpoint(checkpoint::Error::Note(error));
        let lines_to_65 = format!("{hash}\n").repeat(64);
        for (from, to, error) in [
            (MAGIC, "c2sp.org/tlog-proof@v2", Error::Magic),
            (MAGIC, " c2sp.org/tlog-proof@v1", Error::Magic),
            ("index 1\n", "", Error::Index),
            ("index 1", "index 01", Error::Index),
            ("index 1", "index +1", Error::Index),
            ("index 1", "index 1 ", Error::Index),
            ("index 1", "index  1", Error::Index),
            ("index 1", "index 1\r", Error::Index),
            ("index 1", "Index 1", Error::Index),
            ("index 1", "index", Error::Index),
            ("index 1", "index 18446744073709551616", Error::Index),
            ("index 1", "extra\nindex 1", Error::Index),
            ("index 1", "extra \nindex 1", Error::Extra),
            ("index 1", "extra aGVsbG8\nindex 1", Error::Extra),
            (
                "index 1",
                "extra aGVsbG8=\nextra aGVsbG8=\nindex 1",
                Error::Index,
            ),
            ("index 1", "index 1\nextra aGVsbG8=", Error::Hash { at: 0 }),
            (hash, "AAAA", Error::Hash { at: 0 }),
            (hash, &hash.replace('=', ""), Error::Hash { at: 0 }),
            (hash, &format!("{hash} "), Error::Hash { at: 0 }),
            (hash, &format!("{lines_to_65}{hash}"), Error::TooManyHashes),
            ("\n\nlog", "\nlog", Error::Hash { at: 2 }),
            (
                "\n\nlog",
                "\n\n\nlog",
                Error::Checkpoint(checkpoint::Error::Size {
                    found: "log.example/approvals".to_owned(),
                }),
            ),
            (
                "Sj15DA==\n",
                "Sj15DA==",
                in_note(note::Error::SignatureLine { line: 2 }),
            ),
            (
                "Sj15DA==\n",
                "Sj15DA==\n\n",
                in_note(note::Error::NoSignatures),
            ),
            (
                "approvals\n3",
                "approvals\n3\r",
                in_note(note::Error::ControlCharacter),
            ),
        ] {
            let text = PROOF.replacen(from, to, 1);
            assert_ne!(text, PROOF);
            assert_eq!(Proof::parse(&text).err(), Some(error), "{text}");
        }
        let (head, _) = PROOF.split_once("\n\n").unwrap();
        assert_eq!(Proof::parse(head).err(), Some(Error::NoCheckpoint));
        assert_eq!(Proof::parse("").err(), Some(Error::NoCheckpoint));
        assert_eq!(
            Proof::parse(&format!("{MAGIC}\n\nx")).err(),
            Some(Error::Index)
        );
        let long = "x".to_owned().repeat(Proof::MAX_BYTES + 1);
        assert!(matches!(Proof::parse(&long), Err(Error::TooLong { .. })));
    }

    #[test]
    fn a_new_proof_is_held_to_the_same_rules() {
        let (_, checkpoint) = PROOF.split_once("\n\n").unwrap();
        let new = |extra: Option<&[u8]>, index, n| {
            let checkpoint = SignedCheckpoint::parse(checkpoint).unwrap();
            let extra = extra.map(<[u8]>::to_vec);
            let proof = Proof::new(extra, index, alloc::vec![[1; 32]; n], checkpoint)?;
            let text = proof.to_string();
            assert_eq!(Proof::parse(&text).unwrap().to_string(), text);
            Ok::<_, Error>(())
        };
        assert_eq!(new(Some(b"x"), 2, 64), Ok(()));
        assert_eq!(new(None, 0, 0), Ok(()));
        assert_eq!(new(Some(b""), 0, 0), Err(Error::Extra));
        assert_eq!(new(None, 0, 65), Err(Error::TooManyHashes));
        // Whether a leaf is there is not a matter of form.
        assert_eq!(new(None, 3, 0), Ok(()));
    }
}
