//! OpenTimestamps proofs: a digest, and the operations that lead from it to Bitcoin blocks.
//!
//! ```text
//! file        = magic[31] 01 08 digest[32] timestamp
//! timestamp   = *( ff item ) item                        ; ff: a sibling follows
//! item        = 00 tag[8] len payload[len]               ; an attestation to the message
//!             / operation timestamp                      ; continues with another message
//! operation   = 02 (sha1) / 03 (ripemd160) / 08 (sha256) / 67 (keccak256)
//!             / f0 len suffix[len] / f1 len prefix[len] / f2 (reverse) / f3 (hexlify)
//! ```
//!
//! Lengths are LEB128. The proof is evaluated as it is read, without recursion and without
//! building a tree: the only memory that grows are the messages at which siblings still follow.

mod branch;
mod operation;
mod reader;

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::Failure;
use crate::code::Code;
use crate::encoding::hex;

pub use branch::Branch;

use operation::{Operation, apply};
use reader::Reader;

/// The first bytes of a proof.
const MAGIC: &[u8; 31] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";

const BITCOIN: [u8; 8] = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];
const ETHEREUM: [u8; 8] = [0x30, 0xfe, 0x80, 0x87, 0xb5, 0xc7, 0xea, 0xd7];
const LITECOIN: [u8; 8] = [0x06, 0x86, 0x9a, 0x0d, 0x73, 0xd7, 0x1b, 0x45];
const PENDING: [u8; 8] = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];

/// A proof that is well formed to its last byte, and what it came to.
///
/// That the operations lead somewhere says nothing about the place: whoever wrote the proof chose
/// the heights, and whether a block has such a root only its header tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timestamp {
    digest: [u8; 32],
    attestations: Vec<Attestation>,
}

/// The end of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Attestation {
    /// The block at this height should have this Merkle root.
    Bitcoin {
        /// The height that the proof claims.
        height: u32,
        /// The message, in the byte order of the header.
        merkle_root: [u8; 32],
    },
    /// Another block chain. Not trusted.
    Foreign {
        /// Which.
        chain: ForeignChain,
        /// The height that the proof claims.
        height: u64,
    },
    /// A calendar has promised to anchor the message.
    Pending {
        /// The commitment to ask the calendar for.
        commitment: Vec<u8>,
        /// The calendar, as the proof names it. Not trusted.
        uri: String,
    },
    /// Something that this version does not know. Not trusted.
    Unknown {
        /// Its kind.
        tag: [u8; 8],
    },
}

/// A block chain other than Bitcoin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ForeignChain {
    /// Ethereum.
    Ethereum,
    /// Litecoin.
    Litecoin,
}

impl Timestamp {
    /// The longest proof, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// The longest message and the longest operand, in bytes.
    pub const MAX_MESSAGE: usize = 4096;
    /// The most operations on one path.
    pub const MAX_DEPTH: usize = 255;
    /// The longest payload of an attestation, in bytes.
    pub const MAX_PAYLOAD: usize = 8192;
    /// The longest calendar URI, in bytes.
    pub const MAX_URI: usize = 1000;
    /// The most attestations in one proof.
    pub const MAX_ATTESTATIONS: usize = 256;
    /// The most bytes that all operations of one proof read and write together.
    pub const MAX_WORK: usize = 4 * 1024 * 1024;

    /// Reads and evaluates a proof.
    ///
    /// # Errors
    ///
    /// Anything that is not exactly the format above within the limits, be it on a path that leads
    /// nowhere: a proof is good as a whole or not at all.
    pub fn parse(proof: &[u8]) -> Result<Self, Error> {
        if proof.len() > Self::MAX_BYTES {
            let found = proof.len();
            return Err(Error::TooLong { found });
        }
        let mut reader = Reader::new(proof);
        if reader.take(MAGIC.len()) != Ok(MAGIC) {
            return Err(Error::Magic);
        }
        match reader.byte()? {
            1 => {}
            found => return Err(Error::Version { found }),
        }
        match reader.byte()? {
            0x08 => {}
            found => return Err(Error::FileHash { found }),
        }
        let digest = reader.array()?;
        let attestations = evaluate(&mut reader, &digest)?.attestations;
        match reader.left() {
            0 => Ok(Self {
                digest,
                attestations: attestations.into_iter().map(|(one, _)| one).collect(),
            }),
            found => Err(Error::Trailing { found }),
        }
    }

    /// The digest that was stamped.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Where the paths lead, in the order of the proof; never empty.
    pub fn attestations(&self) -> &[Attestation] {
        &self.attestations
    }

    /// The blocks that the proof leads to: height and Merkle root, lowest first.
    pub fn blocks(&self) -> Vec<(u32, [u8; 32])> {
        let block = |attestation: &Attestation| match attestation {
            Attestation::Bitcoin {
                height,
                merkle_root,
            } => Some((*height, *merkle_root)),
            _ => None,
        };
        let mut blocks = Vec::new();
        for block in self.attestations.iter().filter_map(block) {
            if let Err(place) = blocks.binary_search(&block) {
                blocks.insert(place, block);
            }
        }
        blocks
    }

    /// The calendars that have promised an anchor, in the order of the proof.
    pub fn calendars(&self) -> impl Iterator<Item = &str> {
        self.attestations.iter().filter_map(|one| match one {
            Attestation::Pending { uri, .. } => Some(uri.as_str()),
            _ => None,
        })
    }
}

/// A message, and how many operations led to it.
#[derive(Clone)]
struct Node {
    message: Vec<u8>,
    depth: usize,
}

/// The result of a timestamp, and where its parts stand.
struct Evaluated {
    /// In their order, each with its place: from its mark `ff`, if it has one, to its end.
    attestations: Vec<(Attestation, Range<usize>)>,
    /// Where the last item of the whole timestamp begins, the one without a mark.
    last: usize,
    /// Whether all operations are `sha256`, `append` and `prepend`.
    plain: bool,
}

/// Places count from where the reader stands.
fn evaluate(reader: &mut Reader<'_>, message: &[u8]) -> Result<Evaluated, Error> {
    let all = reader.left();
    let mut attestations = Vec::new();
    let (mut last, mut plain) = (0, true);
    let mut work = Timestamp::MAX_WORK;
    // Nodes at which a sibling follows. Never more than one for each operation on the path.
    let mut waiting: Vec<Node> = Vec::new();
    let mut node = Node {
        message: message.to_vec(),
        depth: 0,
    };
    loop {
        let begin = all - reader.left();
        let mut tag = reader.byte()?;
        if tag == 0xff {
            spend(&mut work, node.message.len())?;
            waiting.push(node.clone());
            tag = reader.byte()?;
        } else if node.depth == 0 {
            last = begin;
        }
        if tag == 0 {
            if attestations.len() == Timestamp::MAX_ATTESTATIONS {
                return Err(Error::TooManyAttestations);
            }
            let attestation = attestation(reader, &node.message)?;
            attestations.push((attestation, begin..all - reader.left()));
            match waiting.pop() {
                Some(next) => node = next,
                None => {
                    return Ok(Evaluated {
                        attestations,
                        last,
                        plain,
                    });
                }
            }
            continue;
        }
        if node.depth == Timestamp::MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        let operation = Operation::read(tag, reader)?;
        plain &= operation.is_plain();
        let message = apply(operation, &node.message)?;
        spend(&mut work, node.message.len() + message.len())?;
        node = Node {
            message,
            depth: node.depth + 1,
        };
    }
}

fn spend(work: &mut usize, bytes: usize) -> Result<(), Error> {
    *work = work.checked_sub(bytes).ok_or(Error::TooMuchWork)?;
    Ok(())
}

/// ```text
/// tag[8] len payload[len]
/// ```
fn attestation(reader: &mut Reader<'_>, message: &[u8]) -> Result<Attestation, Error> {
    let tag: [u8; 8] = reader.array()?;
    let mut payload = Reader::new(reader.bytes(0, Timestamp::MAX_PAYLOAD)?);
    let attestation = match tag {
        BITCOIN => {
            let height = payload.number()?;
            Attestation::Bitcoin {
                height: height.try_into().map_err(|_| Error::Height { height })?,
                merkle_root: message.try_into().map_err(|_| Error::RootLength {
                    found: message.len(),
                })?,
            }
        }
        ETHEREUM => Attestation::Foreign {
            chain: ForeignChain::Ethereum,
            height: payload.number()?,
        },
        LITECOIN => Attestation::Foreign {
            chain: ForeignChain::Litecoin,
            height: payload.number()?,
        },
        PENDING => Attestation::Pending {
            commitment: message.to_vec(),
            uri: uri(payload.bytes(0, Timestamp::MAX_URI)?)?,
        },
        tag => return Ok(Attestation::Unknown { tag }),
    };
    match payload.left() {
        0 => Ok(attestation),
        found => Err(Error::Payload { found }),
    }
}

fn uri(bytes: &[u8]) -> Result<String, Error> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_/:".contains(byte);
    if bytes.iter().all(plain) {
        Ok(bytes.iter().copied().map(char::from).collect())
    } else {
        Err(Error::Uri)
    }
}

/// Why bytes are not a proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file's own hash is not SHA-256.
    #[error("the timestamp is of a hash of kind {found:02x}, and only SHA-256 (08) counts")]
    FileHash {
        /// The tag.
        found: u8,
    },
    /// A height of 2^32 or more.
    #[error("the timestamp names a block height of {height}, which no block will ever have")]
    Height {
        /// The height.
        height: u64,
    },
    /// A length outside the limits of its field.
    #[error("the timestamp has a field of {found} bytes, where {least} to {most} are allowed")]
    Length {
        /// The length.
        found: u64,
        /// The smallest one.
        least: usize,
        /// The largest one.
        most: usize,
    },
    /// Another file.
    #[error("the timestamp does not begin like an OpenTimestamps proof")]
    Magic,
    /// A message that is too long, or too long to be written as hex.
    #[error("an operation of the timestamp leads to a message of {found} bytes")]
    Message {
        /// Its length.
        found: usize,
    },
    /// A number in more bytes than it needs, or of 2^64 or more.
    #[error("a number in the timestamp is not in its shortest form, or too large")]
    Number,
    /// An operation that does not exist.
    #[error("the timestamp has an operation {found:02x}, which does not exist")]
    Operation {
        /// The tag.
        found: u8,
    },
    /// An attestation with more in it than belongs there.
    #[error("an attestation in the timestamp has {found} bytes too many")]
    Payload {
        /// How many.
        found: usize,
    },
    /// A Bitcoin attestation to something that cannot be a Merkle root.
    #[error("the timestamp leads to a Merkle root of {found} bytes")]
    RootLength {
        /// The length of the message.
        found: usize,
    },
    /// More operations on one path than the limit.
    #[error(
        "the timestamp has a path of more than {} operations",
        Timestamp::MAX_DEPTH
    )]
    TooDeep,
    /// More bytes than the limit.
    #[error("the timestamp is longer than {} bytes", Timestamp::MAX_BYTES)]
    TooLong {
        /// The length.
        found: usize,
    },
    /// More attestations than the limit.
    #[error(
        "the timestamp has more than {} attestations",
        Timestamp::MAX_ATTESTATIONS
    )]
    TooManyAttestations,
    /// More work than the limit.
    #[error(
        "the operations of the timestamp move more than {} bytes",
        Timestamp::MAX_WORK
    )]
    TooMuchWork,
    /// Bytes after the end.
    #[error("the timestamp is followed by {found} more bytes")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// The end came too early.
    #[error("the timestamp ends too early")]
    Truncated,
    /// A calendar URI with other characters than those allowed.
    #[error("the timestamp names a calendar with characters that no calendar's address has")]
    Uri,
    /// A version that does not exist.
    #[error("the timestamp is of version {found}, and only version 1 exists")]
    Version {
        /// The version.
        found: u8,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::AnchorBadProof
    }
}

/// The byte order in which people read Merkle roots and block hashes: hex, last byte first.
pub(crate) fn display_order(hash: &[u8; 32]) -> String {
    let mut bytes = *hash;
    bytes.reverse();
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// A proof over a digest of 32 times 07 with this timestamp.
    fn proof(timestamp: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 8][..], &[7; 32], timestamp].concat()
    }

    fn parse(timestamp: &[u8]) -> Result<Timestamp, Error> {
        Timestamp::parse(&proof(timestamp))
    }

    fn attest(tag: [u8; 8], payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0], &tag[..], &[length], payload].concat()
    }

    #[test]
    fn follows_every_branch() {
        let bitcoin = |height| attest(BITCOIN, &[height]);
        let bytes = [
            &[0xff][..],
            &attest(PENDING, b"\x0bhttps://a.b"),
            &[0xff, 0x08],
            &bitcoin(2),
            &[0xf0, 1, 9, 0x08, 0xff],
            &bitcoin(1),
            &attest([1; 8], b"xy"),
        ]
        .concat();
        let stamp = parse(&bytes).unwrap();
        assert_eq!(stamp.digest(), &[7; 32]);
        let root = crate::encoding::sha256(&[7; 32]);
        let other = crate::encoding::sha256(&[&[7; 32][..], &[9]].concat());
        assert_eq!(stamp.blocks(), [(1, other), (2, root)]);
        assert_eq!(stamp.calendars().collect::<Vec<_>>(), ["https://a.b"]);
        assert_eq!(
            stamp.attestations()[0],
            Attestation::Pending {
                commitment: [7; 32].to_vec(),
                uri: "https://a.b".into()
            }
        );
        assert_eq!(
            stamp.attestations()[3],
            Attestation::Unknown { tag: [1; 8] }
        );
    }

    #[test]
    fn other_chains_are_reported_and_no_blocks() {
        for (tag, chain) in [
            (ETHEREUM, ForeignChain::Ethereum),
            (LITECOIN, ForeignChain::Litecoin),
        ] {
            let stamp = parse(&attest(tag, &[0x80, 0x01])).unwrap();
            let height = 128;
            assert_eq!(
                stamp.attestations(),
                [Attestation::Foreign { chain, height }]
            );
            assert!(stamp.blocks().is_empty());
        }
    }

    #[test]
    fn refuses_what_is_not_the_format() {
        let good = attest(BITCOIN, &[1]);
        let rows: Vec<(Vec<u8>, Error)> = vec![
            (vec![], Error::Truncated),
            ([&good[..], &[0]].concat(), Error::Trailing { found: 1 }),
            (vec![0xff, 0xff], Error::Operation { found: 0xff }),
            (vec![0x55], Error::Operation { found: 0x55 }),
            ([&[0xff][..], &good].concat(), Error::Truncated),
            (attest(BITCOIN, &[1, 1]), Error::Payload { found: 1 }),
            (attest(BITCOIN, &[]), Error::Truncated),
            (attest(BITCOIN, &[0x81, 0x00]), Error::Number),
            (
                attest(BITCOIN, &[0x80, 0x80, 0x80, 0x80, 0x10]),
                Error::Height { height: 1 << 32 },
            ),
            (attest(LITECOIN, &[1, 2]), Error::Payload { found: 1 }),
            (
                [&[0xf0, 1, 9][..], &good].concat(),
                Error::RootLength { found: 33 },
            ),
            (attest(PENDING, b"\x03a b"), Error::Uri),
            (attest(PENDING, b"\x01ab"), Error::Payload { found: 1 }),
            (attest(PENDING, b"\x05ab"), Error::Truncated),
        ];
        for (bytes, error) in rows {
            assert_eq!(parse(&bytes), Err(error), "{bytes:02x?}");
        }
        for (at, byte, error) in [
            (0, 1, Error::Magic),
            (30, 0, Error::Magic),
            (31, 2, Error::Version { found: 2 }),
            (32, 2, Error::FileHash { found: 2 }),
            (32, 0x67, Error::FileHash { found: 0x67 }),
        ] {
            let mut bytes = proof(&good);
            bytes[at] = byte;
            assert_eq!(Timestamp::parse(&bytes), Err(error));
        }
        for length in 0..proof(&good).len() {
            assert!(Timestamp::parse(&proof(&good)[..length]).is_err());
        }
    }

    #[test]
    fn limits_hold() {
        let good = attest(BITCOIN, &[1]);
        let path = |operations: usize| [&vec![0x08; operations][..], &good].concat();
        assert!(parse(&path(Timestamp::MAX_DEPTH)).is_ok());
        assert_eq!(parse(&path(Timestamp::MAX_DEPTH + 1)), Err(Error::TooDeep));

        let many = |n: usize| [[&[0xff][..], &good].concat().repeat(n - 1), good.clone()].concat();
        assert!(parse(&many(Timestamp::MAX_ATTESTATIONS)).is_ok());
        let one_more = many(Timestamp::MAX_ATTESTATIONS + 1);
        assert_eq!(parse(&one_more), Err(Error::TooManyAttestations));

        let long = vec![0; Timestamp::MAX_BYTES + 1];
        let found = long.len();
        assert_eq!(Timestamp::parse(&long), Err(Error::TooLong { found }));

        // 4,096 bytes, turned around again and again in branches that end soon.
        let branch = [&[0xff][..], &[0xf2; 200], &good].concat();
        let busy = [
            &[0xf0, 0xe0, 0x1f][..],
            &[1; 4064],
            &branch.repeat(20),
            &good,
        ]
        .concat();
        let tail = [&[0xf0, 0xe0, 0x1f][..], &[1; 4064], &[0xff], &[0xf2; 200]].concat();
        assert_eq!(
            parse(&[&tail[..], &[0x08], &good, &[0x08], &good].concat()).map(drop),
            Ok(())
        );
        assert!(parse(&busy).is_err());
        let branch = [&[0xff][..], &[0xf2; 200], &[0x08], &good].concat();
        let busy = [
            &[0xf0, 0xe0, 0x1f][..],
            &[1; 4064],
            &branch.repeat(20),
            &[0x08],
            &good,
        ]
        .concat();
        assert_eq!(parse(&busy), Err(Error::TooMuchWork));
    }
}
