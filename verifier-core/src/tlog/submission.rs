//! A log's request to a witness, and the answer: c2sp.org/tlog-witness, `add-checkpoint`.

use alloc::vec::Vec;
use core::fmt;

use crate::Failure;
use crate::code::Code;
use crate::encoding::base64;
use crate::tlog::merkle::Hash;

/// The body of a request to cosign a checkpoint, nothing of it verified.
///
/// ```text
/// old 20852014                    the size that the witness cosigned last
/// <base64 hash>                   0 to 63: the tree of that size is a beginning of the new one
///                                 an empty line
/// <signed checkpoint>             to the end, verbatim
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Submission<'a> {
    /// The size of the tree that the proof begins at.
    pub old: u64,
    /// The proof of consistency.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, not read yet: what is wrong with it has answers of its own.
    pub checkpoint: &'a str,
}

impl<'a> Submission<'a> {
    /// The most lines of a proof.
    pub const MAX_PROOF: usize = 63;

    /// A request to cosign `checkpoint`, with the proof that it extends the tree of size `old`.
    pub fn new(old: u64, proof: Vec<Hash>, checkpoint: &'a str) -> Self {
        Self {
            old,
            proof,
            checkpoint,
        }
    }

    /// Reads a body.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let (head, checkpoint) = super::split_at_blank_line(text).ok_or(Error::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(super::parse_decimal)
            .ok_or(Error::Old)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == Self::MAX_PROOF {
                return Err(Error::TooManyHashes);
            }
            proof.push(super::parse_hash(line).ok_or(Error::Hash { at: proof.len() })?);
        }
        Ok(Self::new(old, proof, checkpoint))
    }
}

/// The text that [`Submission::parse`] reads.
impl fmt::Display for Submission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", base64(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// The type of the body of an answer with status 409.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// Reads the body of an answer with status 409: the size that the witness cosigned last, and a
/// newline.
pub fn parse_size(body: &str) -> Option<u64> {
    super::parse_decimal(body.strip_suffix('\n')?)
}

/// Why a text is no submission.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A line that is not 32 bytes in standard base64.
    #[error("hash {at} of the consistency proof is not 32 bytes in base64")]
    Hash {
        /// Which of the hashes, from 0.
        at: usize,
    },
    /// No empty line.
    #[error("there is no checkpoint after an empty line")]
    NoCheckpoint,
    /// No first line `old`, or no plain decimal number below 2^64 in it.
    #[error("the first line is not `old` and a plain decimal number")]
    Old,
    /// More hashes than the limit.
    #[error("the consistency proof has more than {} hashes", Submission::MAX_PROOF)]
    TooManyHashes,
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::LogProofForm
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString as _};

    use super::*;
    use crate::tlog::checkpoint::SignedCheckpoint;

    /// The example of c2sp.org/tlog-witness.
    const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

    #[test]
    fn the_example_of_the_specification_reads_back() {
        let submission = Submission::parse(EXAMPLE).unwrap();
        assert_eq!((submission.old, submission.proof.len()), (20_852_014, 4));
        assert_eq!(submission.to_string(), EXAMPLE);
        let checkpoint = SignedCheckpoint::parse(submission.checkpoint).unwrap();
        assert_eq!(checkpoint.checkpoint().size(), 20_852_163);
        assert_eq!(checkpoint.note().signatures().len(), 2);
        let empty = Submission::parse("old 0\n\nany\n").unwrap();
        assert_eq!(
            (empty.old, empty.proof.len(), empty.checkpoint),
            (0, 0, "any\n")
        );
    }

    #[test]
    fn refuses_what_is_no_submission() {
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        for (text, error) in [
            (String::new(), Error::NoCheckpoint),
            ("old 1\nx\n".into(), Error::NoCheckpoint),
            ("\n\nx\n".into(), Error::Old),
            ("1\n\nx\n".into(), Error::Old),
            ("old\n\nx\n".into(), Error::Old),
            ("old 01\n\nx\n".into(), Error::Old),
            ("old -1\n\nx\n".into(), Error::Old),
            ("old  1\n\nx\n".into(), Error::Old),
            ("old 1\r\n\nx\n".into(), Error::Old),
            ("old 18446744073709551616\n\nx\n".into(), Error::Old),
            ("old 1\nAAAA\n\nx\n".into(), Error::Hash { at: 0 }),
            (
                format!("old 1\n{}", hash.repeat(64)) + "\nx\n",
                Error::TooManyHashes,
            ),
        ] {
            assert_eq!(Submission::parse(&text), Err(error), "{text:?}");
        }
        let most = format!("old 1\n{}", hash.repeat(63)) + "\nx\n";
        assert_eq!(Submission::parse(&most).unwrap().proof.len(), 63);
    }

    #[test]
    fn sizes_have_one_form() {
        assert_eq!(parse_size("0\n"), Some(0));
        assert_eq!(parse_size("20852163\n"), Some(20_852_163));
        for text in [
            "",
            "\n",
            "1",
            "01\n",
            "1\n\n",
            " 1\n",
            "1\r\n",
            "-1\n",
            "18446744073709551616\n",
        ] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }
}
