//! Timestamps and blocks: OpenTimestamps proofs, and chains of regtest headers with real work.

use num_bigint::BigUint;

use crate::encoding::{hex, sha256};

/// The first bytes of an OpenTimestamps proof.
pub const MAGIC: &[u8; 31] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";

/// The header of regtest's first block.
pub const REGTEST_GENESIS: [u8; 80] = {
    let mut bytes = [0; 80];
    bytes[0] = 1;
    let root = *b"\x3b\xa3\xed\xfd\x7a\x7b\x12\xb2\x7a\xc7\x2c\x3e\x67\x76\x8f\x61\
                  \x7f\xc8\x1b\xc3\x88\x8a\x51\x32\x3a\x9f\xb8\xaa\x4b\x1e\x5e\x4a";
    let mut i = 0;
    while i < 32 {
        bytes[36 + i] = root[i];
        i += 1;
    }
    let tail = *b"\xda\xe5\x49\x4d\xff\xff\x7f\x20\x02\x00\x00\x00";
    let mut i = 0;
    while i < 12 {
        bytes[68 + i] = tail[i];
        i += 1;
    }
    bytes
};

/// The header of signet's first block.
pub const SIGNET_GENESIS: [u8; 80] = {
    let mut bytes = REGTEST_GENESIS;
    let tail = *b"\x00\x8f\x4d\x5f\xae\x77\x03\x1e\x8a\xd2\x22\x03";
    let mut i = 0;
    while i < 12 {
        bytes[68 + i] = tail[i];
        i += 1;
    }
    bytes
};

/// The easiest target of regtest.
pub const EASIEST: u32 = 0x207f_ffff;

/// The double SHA-256 of a header, in the order of its bytes.
pub fn block_hash(header: &[u8; 80]) -> [u8; 32] {
    sha256(&sha256(header))
}

/// The hash as block explorers print it.
pub fn display_hash(header: &[u8; 80]) -> String {
    let mut hash = block_hash(header);
    hash.reverse();
    hex(&hash)
}

/// A block in the making.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The hash of the block before.
    pub previous: [u8; 32],
    /// The root of its transactions.
    pub merkle_root: [u8; 32],
    /// In seconds since 1970.
    pub time: u32,
    /// The target.
    pub bits: u32,
}

impl Block {
    /// The header with this nonce.
    pub fn header(&self, nonce: u32) -> [u8; 80] {
        let parts = [
            &0x2000_0000_u32.to_le_bytes()[..],
            &self.previous,
            &self.merkle_root,
            &self.time.to_le_bytes(),
            &self.bits.to_le_bytes(),
            &nonce.to_le_bytes(),
        ];
        parts.concat().try_into().unwrap()
    }

    /// The first header whose hash meets regtest's target: its highest bit is 0. Two tries are
    /// enough on average.
    pub fn mine(&self) -> [u8; 80] {
        self.find(true)
    }

    /// The first header whose hash does not meet that target.
    pub fn fail(&self) -> [u8; 80] {
        self.find(false)
    }

    /// The first header from this nonce on whose hash meets its own target. Where the target is not
    /// easy, callers keep the nonce that they found.
    pub fn mine_from(&self, nonce: u32) -> [u8; 80] {
        let (exponent, mantissa) = (self.bits >> 24, self.bits & 0x007f_ffff);
        let target = BigUint::from(mantissa) << (8 * (exponent - 3));
        let meets = |header: &[u8; 80]| BigUint::from_bytes_le(&block_hash(header)) <= target;
        (nonce..)
            .map(|nonce| self.header(nonce))
            .find(meets)
            .unwrap()
    }

    fn find(&self, meets: bool) -> [u8; 80] {
        (0..)
            .map(|nonce| self.header(nonce))
            .find(|header| (block_hash(header)[31] < 0x80) == meets)
            .unwrap()
    }
}

/// A chain of regtest, from the first block on.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The headers by height.
    pub headers: Vec<[u8; 80]>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            headers: vec![REGTEST_GENESIS],
        }
    }
}

impl Chain {
    /// The chain with `count` more blocks, ten minutes apart from `time` on. Their Merkle roots
    /// are hashes of `label`.
    pub fn extended(mut self, count: usize, time: u32, label: &str) -> Self {
        for i in 0..u32::try_from(count).unwrap() {
            let root = sha256(format!("{label} {i}").as_bytes());
            let next = self.next(root, time + 600 * i).mine();
            self.headers.push(next);
        }
        self
    }

    /// The chain with one more block.
    pub fn with(mut self, merkle_root: [u8; 32], time: u32) -> Self {
        let next = self.next(merkle_root, time).mine();
        self.headers.push(next);
        self
    }

    /// The block that could come next.
    pub fn next(&self, merkle_root: [u8; 32], time: u32) -> Block {
        Block {
            previous: block_hash(self.headers.last().unwrap()),
            merkle_root,
            time,
            bits: EASIEST,
        }
    }

    /// The height of the last block.
    pub fn tip(&self) -> usize {
        self.headers.len() - 1
    }

    /// The headers one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.headers.concat()
    }

    /// The file that a verifier reads.
    pub fn file(&self) -> Vec<u8> {
        header_file("regtest", 0, &self.bytes())
    }
}

/// ```text
/// cosignet.headers/v1 <network> <height> LF *( header[80] )
/// ```
pub fn header_file(network: &str, start: u32, headers: &[u8]) -> Vec<u8> {
    [
        format!("cosignet.headers/v1 {network} {start}\n").as_bytes(),
        headers,
    ]
    .concat()
}

/// A step of a timestamp.
#[derive(Clone, Debug)]
pub enum Op {
    /// SHA-256.
    Sha256,
    /// Bytes behind the message.
    Append(Vec<u8>),
    /// Bytes in front of it.
    Prepend(Vec<u8>),
}

impl Op {
    /// The message after this step.
    pub fn apply(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha256(message).to_vec(),
            Self::Append(bytes) => [message, bytes].concat(),
            Self::Prepend(bytes) => [&bytes[..], message].concat(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Sha256 => vec![0x08],
            Self::Append(bytes) => [&[0xf0], &var_bytes(bytes)[..]].concat(),
            Self::Prepend(bytes) => [&[0xf1], &var_bytes(bytes)[..]].concat(),
        }
    }
}

/// The path of a calendar and of the transaction that it is in, made up.
pub fn path() -> Vec<Op> {
    vec![
        Op::Append(sha256(b"nonce")[..16].to_vec()),
        Op::Sha256,
        Op::Prepend(sha256(b"sibling").to_vec()),
        Op::Sha256,
        Op::Prepend(b"a transaction that begins".to_vec()),
        Op::Append(b"and ends".to_vec()),
        Op::Sha256,
        Op::Sha256,
    ]
}

/// Where a path leads from a message.
pub fn follow(path: &[Op], message: &[u8]) -> [u8; 32] {
    let end = path
        .iter()
        .fold(message.to_vec(), |message, op| op.apply(&message));
    end.try_into().unwrap()
}

/// ```text
/// magic[31] 01 08 digest[32] timestamp
/// ```
pub fn proof(digest: &[u8; 32], timestamp: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &[1, 8], digest, timestamp].concat()
}

/// A path that ends in one attestation.
pub fn timestamp(path: &[Op], attestation: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = path.iter().flat_map(Op::encode).collect();
    out.extend(attestation);
    out
}

/// That the block at this height has the message as its root.
pub fn in_block(height: u64) -> Vec<u8> {
    attestation("0588960d73d71901", &number(height))
}

/// That a calendar promises a block.
pub fn promised(uri: &str) -> Vec<u8> {
    attestation("83dfe30d2ef90c8e", &var_bytes(uri.as_bytes()))
}

/// ```text
/// 00 tag[8] len payload[len]
/// ```
pub fn attestation(tag: &str, payload: &[u8]) -> Vec<u8> {
    let tag: Vec<u8> = (0..8)
        .map(|i| u8::from_str_radix(&tag[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    [&[0], &tag[..], &var_bytes(payload)].concat()
}

/// A byte string with its length in front.
pub fn var_bytes(bytes: &[u8]) -> Vec<u8> {
    [number(bytes.len().try_into().unwrap()), bytes.to_vec()].concat()
}

/// LEB128.
pub fn number(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        out.push(low | if number > 0 { 0x80 } else { 0 });
        if number == 0 {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_link_and_carry_their_work() {
        assert_eq!(
            display_hash(&REGTEST_GENESIS),
            "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
        );
        assert_eq!(
            display_hash(&SIGNET_GENESIS),
            "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"
        );
        let chain = Chain::default().extended(5, 1_700_000_000, "x");
        for pair in chain.headers.windows(2) {
            assert_eq!(pair[1][4..36], block_hash(&pair[0]));
            assert!(block_hash(&pair[1])[31] < 0x80);
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!(number(0), [0]);
        assert_eq!(number(300), [0xac, 0x02]);
    }
}
