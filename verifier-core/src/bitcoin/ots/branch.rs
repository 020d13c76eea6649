//! Timestamps in the making: what calendars answer, and what becomes of it.
//!
//! ```text
//! proof   = magic[31] 01 08 digest[32] branch
//! branch  = *( ff item ) item
//! ```
//!
//! A calendar first answers a digest with a branch that ends in its promise, and later the message
//! at that promise with a branch that ends in a block. A proof grows by putting branches beside
//! each other and in place of promises. Nothing is decoded into a tree: bytes are spliced, and
//! what comes out is read again.

use alloc::string::String;
use alloc::vec::Vec;

use super::reader::Reader;
use super::{Attestation, Error, Evaluated, MAGIC, Timestamp, evaluate};

/// The mark of an item that another one follows.
const FOLLOWED: u8 = 0xff;

/// A timestamp of a message, well formed to its last byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Branch {
    message: Vec<u8>,
    bytes: Vec<u8>,
    /// Where the last item begins.
    last: usize,
    plain: bool,
    attestations: Vec<Attestation>,
    /// Where each attestation stands, with its mark if it has one.
    places: Vec<core::ops::Range<usize>>,
}

impl Branch {
    /// Reads and evaluates what a calendar answers when it is asked for `message`.
    ///
    /// # Errors
    ///
    /// As [`Timestamp::parse`].
    pub fn parse(message: &[u8], bytes: &[u8]) -> Result<Self, Error> {
        for found in [message.len(), bytes.len()] {
            if found > Timestamp::MAX_BYTES {
                return Err(Error::TooLong { found });
            }
        }
        let mut reader = Reader::new(bytes);
        let Evaluated {
            attestations,
            last,
            plain,
        } = evaluate(&mut reader, message)?;
        let (attestations, places) = attestations.into_iter().unzip();
        match reader.left() {
            0 => Ok(Self {
                message: message.into(),
                bytes: bytes.into(),
                last,
                plain,
                attestations,
                places,
            }),
            found => Err(Error::Trailing { found }),
        }
    }

    /// The branch of a whole proof, on its digest.
    ///
    /// # Errors
    ///
    /// As [`Timestamp::parse`].
    pub fn of_proof(proof: &[u8]) -> Result<Self, Error> {
        let timestamp = Timestamp::parse(proof)?;
        let begin = MAGIC.len() + 2 + timestamp.digest().len();
        Self::parse(timestamp.digest(), proof.get(begin..).unwrap_or_default())
    }

    /// Where the paths lead, in the order of the bytes; never empty.
    pub fn attestations(&self) -> &[Attestation] {
        &self.attestations
    }

    /// Whether it needs no operations but `sha256`, `append` and `prepend`: all that a calendar
    /// has a use for.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// This branch and another one of the same message, beside each other. `None` if the messages
    /// differ.
    ///
    /// # Errors
    ///
    /// Together they exceed a limit.
    pub fn beside(&self, other: &Self) -> Result<Option<Self>, Error> {
        if self.message != other.message {
            return Ok(None);
        }
        let bytes = [&self.followed()[..], &other.bytes].concat();
        Self::parse(&self.message, &bytes).map(Some)
    }

    /// The branch with `answer` in place of the calendar's promise that it fulfils. `None` if
    /// there is no such promise.
    ///
    /// # Errors
    ///
    /// The result exceeds a limit.
    pub fn fulfilled(&self, uri: &str, answer: &Self) -> Result<Option<Self>, Error> {
        let promise = Attestation::Pending {
            commitment: answer.message.clone(),
            uri: String::from(uri),
        };
        let found = self.attestations.iter().position(|one| *one == promise);
        let place = found.and_then(|index| self.places.get(index));
        let Some(place) = place else {
            return Ok(None);
        };
        let (before, rest) = self.bytes.split_at_checked(place.start).unwrap_or_default();
        let (old, after) = rest.split_at_checked(place.len()).unwrap_or_default();
        let new = match old.first() {
            Some(&FOLLOWED) => answer.followed(),
            _ => answer.bytes.clone(),
        };
        Self::parse(&self.message, &[before, &new, after].concat()).map(Some)
    }

    /// The file: a proof of the message, if it is a digest of 32 bytes and the file not too long.
    pub fn to_proof(&self) -> Option<Vec<u8>> {
        let proof = [&MAGIC[..], &[1, 8], &self.message, &self.bytes].concat();
        let fits = self.message.len() == 32 && proof.len() <= Timestamp::MAX_BYTES;
        fits.then_some(proof)
    }

    /// The bytes with a mark on the last item, too.
    fn followed(&self) -> Vec<u8> {
        let (before, last) = self.bytes.split_at_checked(self.last).unwrap_or_default();
        [before, &[FOLLOWED], last].concat()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::{BITCOIN, PENDING};
    use super::*;
    use crate::encoding::sha256;

    const URI: &str = "https://a.b";

    fn promise(uri: &str) -> Vec<u8> {
        let length = u8::try_from(uri.len()).unwrap();
        [&[0], &PENDING[..], &[length + 1, length], uri.as_bytes()].concat()
    }

    fn block(height: u8) -> Vec<u8> {
        [&[0], &BITCOIN[..], &[1, height]].concat()
    }

    fn append(byte: u8, rest: &[u8]) -> Vec<u8> {
        [&[0xf0, 1, byte, 0x08], rest].concat()
    }

    fn branch(message: &[u8], bytes: &[u8]) -> Branch {
        Branch::parse(message, bytes).unwrap()
    }

    fn pending(uri: &str, commitment: &[u8]) -> Attestation {
        Attestation::Pending {
            commitment: commitment.into(),
            uri: uri.into(),
        }
    }

    fn at(height: u32, message: &[u8]) -> Attestation {
        Attestation::Bitcoin {
            height,
            merkle_root: message.try_into().unwrap(),
        }
    }

    #[test]
    fn promises_of_several_calendars_are_fulfilled_one_after_the_other() {
        let digest = [7; 32];
        let one = branch(&digest, &append(1, &promise("https://one.b")));
        let two = branch(&digest, &append(2, &promise("https://two.b")));
        let both = one.beside(&two).unwrap().unwrap();
        let after = |byte| sha256(&[&digest[..], &[byte]].concat());
        let expected = [
            pending("https://one.b", &after(1)),
            pending("https://two.b", &after(2)),
        ];
        assert_eq!(both.attestations(), expected);

        // An answer of two items, in a place that another item follows and in one that none does.
        let answer = |message: &[u8]| {
            let bytes = [&[0xff][..], &append(8, &block(8)), &append(9, &block(9))].concat();
            branch(message, &bytes)
        };
        let root = |byte, next| sha256(&[&after(byte)[..], &[next]].concat());
        let first = both.fulfilled("https://one.b", &answer(&after(1))).unwrap();
        let first = first.unwrap();
        assert_eq!(
            first.attestations(),
            [
                at(8, &root(1, 8)),
                at(9, &root(1, 9)),
                pending("https://two.b", &after(2)),
            ]
        );
        let second = first
            .fulfilled("https://two.b", &answer(&after(2)))
            .unwrap();
        let second = second.unwrap();
        let blocks = [(1, 8), (1, 9), (2, 8), (2, 9)];
        let blocks = blocks.map(|(byte, next)| at(next.into(), &root(byte, next)));
        assert_eq!(second.attestations(), blocks);

        let proof = second.to_proof().unwrap();
        let read = Timestamp::parse(&proof).unwrap();
        assert_eq!(read.digest(), &digest);
        assert_eq!(read.attestations(), second.attestations());
        assert_eq!(Branch::of_proof(&proof).unwrap(), second);
    }

    #[test]
    fn a_promise_beside_others_of_the_same_message() {
        let digest = [7; 32];
        let promises = [
            &[0xff][..],
            &promise("https://x"),
            &[0xff],
            &promise(URI),
            &promise("https://y"),
        ];
        let before = branch(&digest, &promises.concat());
        for uri in ["https://x", URI, "https://y"] {
            let answer = branch(&digest, &[&[0xff][..], &block(3), &block(4)].concat());
            let after = before.fulfilled(uri, &answer).unwrap().unwrap();
            let expected = before.attestations().iter().flat_map(|one| {
                if *one == pending(uri, &digest) {
                    vec![at(3, &digest), at(4, &digest)]
                } else {
                    vec![one.clone()]
                }
            });
            assert_eq!(after.attestations(), expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn answers_fulfil_no_promise_but_their_own() {
        let digest = [7; 32];
        let before = branch(&digest, &append(1, &promise(URI)));
        let commitment = sha256(&[&digest[..], &[1]].concat());
        let answer = branch(&commitment, &block(3));
        assert!(before.fulfilled(URI, &answer).unwrap().is_some());
        assert_eq!(before.fulfilled("https://other", &answer), Ok(None));
        let other = branch(&[8; 32], &block(3));
        assert_eq!(before.fulfilled(URI, &other), Ok(None));
        assert_eq!(before.beside(&other), Ok(None));
    }

    #[test]
    fn says_whether_it_needs_more_than_calendars_do() {
        let plain = append(1, &promise(URI));
        assert!(branch(&[7; 32], &plain).is_plain());
        let reversed = [&[0xf2][..], &plain].concat();
        assert!(!branch(&[7; 32], &reversed).is_plain());
    }

    #[test]
    fn keeps_to_the_limits_of_proofs() {
        let digest = [7; 32];
        let long = [&[0xf1, 0x81, 0x20], &vec![1; 4097][..], &promise(URI)].concat();
        assert!(Branch::parse(&digest, &long).is_err());
        let trailing = [&promise(URI)[..], &[0]].concat();
        assert_eq!(
            Branch::parse(&digest, &trailing),
            Err(Error::Trailing { found: 1 })
        );
        assert_eq!(branch(&[7; 44], &promise(URI)).to_proof(), None);
        // Many branches together become too many attestations.
        let mut all = branch(&digest, &promise(URI));
        let refused = loop {
            match all.beside(&all) {
                Ok(next) => all = next.unwrap(),
                Err(error) => break error,
            }
        };
        assert_eq!(refused, Error::TooManyAttestations);
    }
}
