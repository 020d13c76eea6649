//! A block header, and the work that it carries.
//!
//! ```text
//! version[4] previous[32] merkle_root[32] time[4] bits[4] nonce[4]     ; integers little-endian
//! ```

use core::fmt;

use super::ots::display_order;
use super::sha256d;
use super::uint::U256;
use crate::Failure;
use crate::code::Code;

/// The header of a block, as it is hashed: any 80 bytes are one. It proves nothing until
/// [`Header::check_work`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    previous: BlockHash,
    merkle_root: [u8; 32],
    time: u32,
    bits: CompactTarget,
    hash: BlockHash,
}

/// The name of a block: the double SHA-256 of its header. Prints as block explorers print it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct BlockHash([u8; 32]);

/// A target as headers write it (`nBits`): a mantissa of 23 bits and an exponent of base 256.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct CompactTarget(u32);

impl Header {
    /// The length of a header.
    pub const BYTES: usize = 80;

    /// Reads a header.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        let (_version, rest) = split::<4>(bytes);
        let (previous, rest) = split(rest);
        let (merkle_root, rest) = split(rest);
        let (time, rest) = split(rest);
        let (bits, _nonce) = split(rest);
        Self {
            previous: BlockHash(previous),
            merkle_root,
            time: u32::from_le_bytes(time),
            bits: CompactTarget(u32::from_le_bytes(bits)),
            hash: BlockHash(sha256d(bytes)),
        }
    }

    /// The block before this one.
    pub fn previous(&self) -> BlockHash {
        self.previous
    }

    /// The root of the block's transactions, in the order of the header's bytes.
    pub fn merkle_root(&self) -> &[u8; 32] {
        &self.merkle_root
    }

    /// When the miner says that the block was made, in seconds since 1970. The rules allow it to
    /// be wrong by about two hours either way.
    pub fn time(&self) -> u32 {
        self.time
    }

    /// The target that the block claims to meet.
    pub fn bits(&self) -> CompactTarget {
        self.bits
    }

    /// The hash of the header.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Checks that the hash is not above `target`.
    pub(super) fn check_target(&self, target: U256) -> Result<(), Error> {
        if U256::from_le_bytes(self.hash.0) > target {
            return Err(Error::Work { found: self.hash });
        }
        Ok(())
    }
}

impl BlockHash {
    /// The hash whose bytes stand here in the order in which block explorers print them.
    pub fn from_display_order(mut bytes: [u8; 32]) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// The bytes in the order of headers.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&display_order(&self.0))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl CompactTarget {
    /// The number as it stands in a header.
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The number as it stands in a header.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The target: mantissa · 256^(exponent − 3). `None` if it is negative, zero or 2^256 and
    /// more.
    pub fn target(self) -> Option<U256> {
        let [exponent, high, middle, low] = self.0.to_be_bytes();
        if high & 0x80 != 0 {
            return None;
        }
        let mut bytes = [0; 32];
        for (place, digit) in (0..).zip([low, middle, high]) {
            // How many bytes of the number are below this one.
            let Some(below) = (usize::from(exponent) + place).checked_sub(3) else {
                continue; // shifted out
            };
            match bytes.iter_mut().rev().nth(below) {
                Some(byte) => *byte = digit,
                None if digit == 0 => {}
                None => return None,
            }
        }
        Some(U256::from_be_bytes(bytes)).filter(|target| *target != U256::ZERO)
    }

    /// The compact form of a target, which keeps only its first three bytes.
    pub fn of(target: U256) -> Self {
        let bytes = target.to_be_bytes();
        let mut digits = bytes.iter().copied().skip_while(|byte| *byte == 0);
        let mut exponent = bytes.iter().skip_while(|byte| **byte == 0).count();
        let mut next = || digits.next().unwrap_or(0);
        let (mut high, mut middle, mut low) = (next(), next(), next());
        // The top bit is a sign.
        if high & 0x80 != 0 {
            (high, middle, low) = (0, high, middle);
            exponent += 1;
        }
        let exponent = u8::try_from(exponent).unwrap_or(u8::MAX);
        Self(u32::from_be_bytes([exponent, high, middle, low]))
    }
}

impl fmt::Display for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a header does not carry its own work.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A target that is negative, zero or too large to exist.
    #[error("the block header has a target {found}, which does not exist")]
    Target {
        /// The value in the header.
        found: CompactTarget,
    },
    /// A target above the network's limit.
    #[error("the block header has a target {found}, which is easier than its network allows")]
    TooEasy {
        /// The limit.
        limit: CompactTarget,
        /// The value in the header.
        found: CompactTarget,
    },
    /// A hash above the target.
    #[error("the block header does not carry the work that it claims")]
    Work {
        /// The hash.
        found: BlockHash,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::AnchorHeader
    }
}

/// The first `N` bytes of a longer array, and the rest of it. Past the end there are zeros, which
/// no caller here reaches.
fn split<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    match bytes.split_first_chunk() {
        Some((first, rest)) => (*first, rest),
        None => ([0; N], &[]),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::bitcoin::network::Network;
    use crate::encoding::from_hex;

    /// Block 358391.
    const REAL: &str = "02000000b96394585a281b7e5f438fd1c9ed492645a1fd61cb3802040000000000000000007ee445d23ad061af4a36b809501fab1ac4f2d7e7a739817dd0cbb7ec661b8a1e376755f58616186272def6";

    fn real() -> [u8; 80] {
        from_hex(REAL).unwrap().try_into().unwrap()
    }

    /// Bytes of zero may stand above the number, and no others.
    #[test]
    fn a_target_has_256_bits() {
        let target = |bits| CompactTarget::new(bits).target();
        let top = |byte: u8| {
            let mut bytes = [0; 32];
            bytes[0] = byte;
            Some(U256::from_be_bytes(bytes))
        };
        assert_eq!(target(0x2100_0100), top(1));
        assert_eq!(target(0x2101_0100), None);
        assert_eq!(target(0x2200_0001), top(1));
        assert_eq!(target(0x2200_0101), None);
    }

    #[test]
    fn reads_a_real_header() {
        let header = Header::new(&real());
        assert_eq!(
            header.hash().to_string(),
            "000000000000000003e892881a8cdcdc117c06d444057c98b6f04a9ee75a2319"
        );
        assert_eq!(
            display_order(header.merkle_root()),
            "8a1b66ecb7cbd07d8139a7e7d7f2c41aab1f5009b8364aaf61d03ad245e47e00"
        );
        assert_eq!(header.time(), 1_432_827_678);
        assert_eq!(header.bits(), CompactTarget::new(0x1816_86f5));
        let target = header.check_work(Network::Mainnet).unwrap();
        assert_eq!(CompactTarget::of(target), header.bits());
    }

    #[test]
    fn every_flipped_bit_costs_the_work() {
        for bit in 0..640 {
            let mut bytes = real();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let header = Header::new(&bytes);
            assert!(header.check_work(Network::Mainnet).is_err(), "{bit}");
        }
    }

    #[test]
    fn easy_targets_are_another_networks() {
        let mut bytes = real();
        bytes[72..76].copy_from_slice(&0x207f_ffff_u32.to_le_bytes());
        // Somewhere among these is a hash below half of all.
        for nonce in 0..64 {
            bytes[79] = nonce;
            let header = Header::new(&bytes);
            let easy = Error::TooEasy {
                limit: CompactTarget::new(0x1d00_ffff),
                found: CompactTarget::new(0x207f_ffff),
            };
            assert_eq!(header.check_work(Network::Mainnet), Err(easy));
            if header.check_work(Network::Regtest).is_ok() {
                return;
            }
        }
        panic!("no hash below the target of regtest");
    }

    #[test]
    fn compact_targets_that_do_not_exist() {
        for bits in [
            0,
            0x0100_0000,
            0x0080_0000,
            0x1d80_0001,
            0x2300_0001,
            0x2100_0100 | 0x00ff_0000,
            0x2200_0100,
            0x2101_0000,
            0xff00_ffff,
            0x0000_0001,
            0x0100_ffff,
            0x0200_00ff,
        ] {
            assert_eq!(CompactTarget::new(bits).target(), None, "{bits:08x}");
        }
        for (bits, low) in [
            (0x0112_0000, 0x12),
            (0x0212_3400, 0x1234),
            (0x0312_3456, 0x12_3456),
        ] {
            let target = CompactTarget::new(bits).target().unwrap();
            let bytes = target.to_be_bytes();
            assert_eq!(bytes[28..], u32::to_be_bytes(low), "{bits:08x}");
        }
        for bits in [
            0x1d00_ffff,
            0x207f_ffff,
            0x1e03_77ae,
            0x0312_3456,
            0x2000_8000,
            0x2200_0001,
            0x2100_ffff,
        ] {
            let target = CompactTarget::new(bits).target().unwrap();
            assert_eq!(
                CompactTarget::of(target).target(),
                Some(target),
                "{bits:08x}"
            );
        }
    }
}
