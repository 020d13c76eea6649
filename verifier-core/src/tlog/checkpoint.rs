//! The signed head of a log: c2sp.org/tlog-checkpoint.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::fmt;

use crate::code::Code;
use crate::encoding::base64;
use crate::tlog::merkle::{EMPTY_ROOT, Hash};
use crate::tlog::note::{self, Note};
use crate::{Failure, quote};

/// The statement of a checkpoint: origin, size and root.
///
/// ```text
/// example.com/behind-the-sofa                        origin
/// 20852163                                           tree size
/// CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       root hash
///                                                    any number of extension lines
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Checkpoint<'a> {
    origin: &'a str,
    size: u64,
    root: Hash,
    extensions: &'a str,
}

impl<'a> Checkpoint<'a> {
    /// The longest origin, in bytes: what the cosignatures of other kinds can carry.
    pub const MAX_ORIGIN: usize = 255;

    /// A checkpoint without extension lines.
    pub fn new(origin: &'a str, size: u64, root: Hash) -> Result<Self, Error> {
        let sound = (1..=Self::MAX_ORIGIN).contains(&origin.len())
            && !super::has_control_characters(origin)
            && !origin.bytes().any(|byte| byte == b'\n');
        if !sound {
            let origin = origin.to_owned();
            return Err(Error::Origin { origin });
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(Error::EmptyTreeRoot { found: root });
        }
        Ok(Self {
            origin,
            size,
            root,
            extensions: "",
        })
    }

    /// Reads the text of a note ("Note text").
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        if super::has_control_characters(text) {
            return Err(Error::ControlCharacter);
        }
        let mut parts = text.splitn(4, '\n');
        let (Some(origin), Some(size), Some(root), Some(extensions)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::TooFewLines);
        };
        let size = super::parse_decimal(size).ok_or_else(|| Error::Size {
            found: size.to_owned(),
        })?;
        let root = super::parse_hash(root).ok_or_else(|| Error::Root {
            found: root.to_owned(),
        })?;
        let mut lines = extensions.split_inclusive('\n');
        if lines.any(|line| line == "\n" || !line.ends_with('\n')) {
            return Err(Error::Extension);
        }
        Ok(Self {
            extensions,
            ..Self::new(origin, size, root)?
        })
    }

    /// The identity of the log.
    pub fn origin(&self) -> &'a str {
        self.origin
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The extension lines, opaque.
    pub fn extensions(&self) -> impl Iterator<Item = &'a str> {
        self.extensions.lines()
    }
}

/// The text of the note, with its final newline.
impl fmt::Display for Checkpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = base64(&self.root);
        let (origin, size, extensions) = (self.origin, self.size, self.extensions);
        write!(f, "{origin}\n{size}\n{root}\n{extensions}")
    }
}

/// A note whose text is a checkpoint. Its signatures are not verified:
/// [`TlogPolicy::verify_log`](crate::tlog::policy::TlogPolicy::verify_log) does that.
#[derive(Clone, Debug)]
pub struct SignedCheckpoint<'a> {
    whole: &'a str,
    note: Note<'a>,
    checkpoint: Checkpoint<'a>,
}

impl<'a> SignedCheckpoint<'a> {
    /// Reads a signed checkpoint.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let note = Note::parse(text).map_err(Error::Note)?;
        Ok(Self {
            whole: text,
            checkpoint: Checkpoint::parse(note.text())?,
            note,
        })
    }

    /// Every byte that was read, signatures included.
    pub fn as_str(&self) -> &'a str {
        self.whole
    }

    /// The note.
    pub fn note(&self) -> &Note<'a> {
        &self.note
    }

    /// The checkpoint's statement.
    pub fn checkpoint(&self) -> &Checkpoint<'a> {
        &self.checkpoint
    }
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A character below U+0020 other than newline.
    #[error("the checkpoint has a control character")]
    ControlCharacter,
    /// A tree without leaves whose root is not that of the empty tree.
    #[error("the root hash is not that of the empty tree, but the tree size is 0")]
    EmptyTreeRoot {
        /// The root hash.
        found: Hash,
    },
    /// An extension line that is empty or has no newline.
    #[error("an extension line of the checkpoint is empty or unfinished")]
    Extension,
    /// Around the checkpoint there is no note.
    #[error(transparent)]
    Note(note::Error),
    /// An origin that is empty, too long, or not one line.
    #[error("{} cannot be the origin of a log", quote(origin))]
    Origin {
        /// The origin.
        origin: String,
    },
    /// A root hash that is not 32 bytes in standard base64.
    #[error("the root hash {} is not 32 bytes in base64", quote(found))]
    Root {
        /// The third line.
        found: String,
    },
    /// A tree size that is not a plain decimal number below 2^64.
    #[error("the tree size {} is not a plain decimal number", quote(found))]
    Size {
        /// The second line.
        found: String,
    },
    /// Fewer than the three lines for origin, size and root hash.
    #[error("the checkpoint has fewer than three lines")]
    TooFewLines,
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Note(error) => error.code(),
            _ => Code::LogCheckpointForm,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::EmptyTreeRoot { .. } => Some(base64(&EMPTY_ROOT)),
            Self::Note(error) => error.expected(),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::EmptyTreeRoot { found } => Some(base64(found)),
            Self::Note(error) => error.found(),
            Self::Origin { origin } => Some(quote(origin)),
            Self::Root { found } | Self::Size { found } => Some(quote(found)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;
    use alloc::vec::Vec;

    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn checkpoints_read_back() {
        // The first is the example of c2sp.org/tlog-checkpoint.
        for (text, size, extensions) in [
            (
                "example.com/behind-the-sofa\n20852163\n@\n",
                20_852_163,
                &[][..],
            ),
            (
                "log with spaces+plus\n18446744073709551615\n@\n",
                u64::MAX,
                &[],
            ),
            ("x\n1\n@\none\n two \n", 1, &["one", " two "]),
            (&format!("x\n0\n{EMPTY}\n"), 0, &[]),
        ] {
            let text = text.replace('@', ROOT);
            let checkpoint = Checkpoint::parse(&text).unwrap();
            assert_eq!(checkpoint.size(), size, "{text}");
            assert_eq!(checkpoint.extensions().collect::<Vec<_>>(), extensions);
            assert_eq!(checkpoint.to_string(), text);
        }
        let long = "o".repeat(255);
        let checkpoint = Checkpoint::new(&long, 0, EMPTY_ROOT).unwrap();
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }

    #[test]
    fn refuses_what_is_no_checkpoint() {
        let size = |found: &str| Error::Size {
            found: found.to_owned(),
        };
        let root = |found: &str| Error::Root {
            found: found.replace('@', ROOT),
        };
        let origin = |origin: &str| Error::Origin {
            origin: origin.to_owned(),
        };
        let long = "o".repeat(256);
        for (text, error) in [
            ("", Error::TooFewLines),
            ("x\n1\n", Error::TooFewLines),
            ("x\n1\n@", Error::TooFewLines),
            ("\n1\n@\n", origin("")),
            (&format!("{long}\n1\n@\n"), origin(&long)),
            ("x\n\n@\n", size("")),
            ("x\n01\n@\n", size("01")),
            ("x\n00\n@\n", size("00")),
            ("x\n+1\n@\n", size("+1")),
            ("x\n-1\n@\n", size("-1")),
            ("x\n1 \n@\n", size("1 ")),
            ("x\n0x1\n@\n", size("0x1")),
            ("x\n18446744073709551616\n@\n", size("18446744073709551616")),
            ("x\n1\n\n", root("")),
            ("x\n1\n@=\n", root("@=")),
            ("x\n1\n @\n", root(" @")),
            ("x\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", {
                root("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I")
            }),
            ("x\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n", {
                root("CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=")
            }),
            ("x\n1\nAAAA\n", root("AAAA")),
            ("x\n1\n@\n\n", Error::Extension),
            ("x\n1\n@\na\n\nb\n", Error::Extension),
            ("x\n1\n@\na", Error::Extension),
            ("x\r\n1\r\n@\r\n", Error::ControlCharacter),
            ("x\t\n1\n@\n", Error::ControlCharacter),
        ] {
            let text = text.replace('@', ROOT);
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
        assert!(matches!(
            Checkpoint::parse(&format!("x\n0\n{ROOT}\n")),
            Err(Error::EmptyTreeRoot { .. })
        ));
        assert!(Checkpoint::new("a\nb", 0, EMPTY_ROOT).is_err());
    }
}
