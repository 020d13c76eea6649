//! The networks: what their rules have in common is in [`super::chain`], what differs is here.

use alloc::vec::Vec;
use core::fmt;

use super::header::{self, BlockHash, CompactTarget, Header};
use super::uint::U256;
use crate::encoding::from_hex;

/// A Bitcoin network. The policy chooses it, never the proof: proofs look alike on all of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Network {
    /// The one with value.
    Mainnet,
    /// For tests on one machine. Its work costs nothing.
    Regtest,
    /// Its blocks count by a signature that headers do not carry, so its work never counts.
    Signet,
    /// The public test network. Its work costs little.
    Testnet4,
}

/// A block known to be in the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PinnedBlock {
    /// Its height.
    pub height: u64,
    /// Its hash, in the byte order in which block explorers print it.
    pub hash: [u8; 32],
}

impl PinnedBlock {
    /// The block with this hash, in the byte order in which block explorers print it.
    pub const fn new(height: u64, hash: [u8; 32]) -> Self {
        Self { height, hash }
    }
}

impl Network {
    /// Every network.
    pub const ALL: &[Self] = &[Self::Mainnet, Self::Regtest, Self::Signet, Self::Testnet4];

    /// How long a block should take, in seconds.
    pub(super) const SPACING: u32 = 600;
    /// How many blocks share a target.
    pub(super) const EPOCH: u32 = 2016;
    /// How long an epoch should take, in seconds.
    pub(super) const TIMESPAN: u32 = Self::EPOCH * Self::SPACING;

    /// The name in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Regtest => "regtest",
            Self::Signet => "signet",
            Self::Testnet4 => "testnet4",
        }
    }

    /// The network with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }

    /// The easiest target.
    pub const fn limit(self) -> CompactTarget {
        CompactTarget::new(match self {
            Self::Mainnet | Self::Testnet4 => 0x1d00_ffff,
            Self::Regtest => 0x207f_ffff,
            Self::Signet => 0x1e03_77ae,
        })
    }

    /// The block that the network begins with.
    pub fn genesis(self) -> Option<BlockHash> {
        hash(match self {
            Self::Mainnet => "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
            Self::Regtest => "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
            Self::Signet => "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
            Self::Testnet4 => "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
        })
        .map(BlockHash::from_display_order)
    }

    /// The blocks that a policy knows which names none: those of this release. Empty on all
    /// networks but mainnet.
    pub fn pinned_blocks(self) -> Vec<PinnedBlock> {
        let rows: &[(u32, &str)] = match self {
            Self::Mainnet => &MAINNET,
            Self::Regtest | Self::Signet | Self::Testnet4 => &[],
        };
        let pin =
            |(height, text): &(u32, &str)| Some(PinnedBlock::new(u64::from(*height), hash(text)?));
        rows.iter().filter_map(pin).collect()
    }

    /// Whether the target follows the time that blocks take.
    pub(super) fn retargets(self) -> bool {
        self != Self::Regtest
    }

    /// Whether a block that comes late may be easy, and the rules of BIP 94 hold.
    pub(super) fn is_testnet4(self) -> bool {
        self == Self::Testnet4
    }

    /// Whether blocks on top of one say anything about it.
    pub(super) fn work_counts(self) -> bool {
        self != Self::Signet
    }
}

impl Header {
    /// Checks that the hash meets the target, and the target the network's limit. The maker of the
    /// header chose the target: this says what it cost, not that it is in any chain.
    ///
    /// # Errors
    ///
    /// A target that does not exist or is too easy; a hash above it.
    pub fn check_work(&self, network: Network) -> Result<U256, header::Error> {
        let found = self.bits();
        let target = found.target().ok_or(header::Error::Target { found })?;
        let limit = network.limit();
        if limit.target().is_none_or(|limit| target > limit) {
            return Err(header::Error::TooEasy { limit, found });
        }
        self.check_target(target)?;
        Ok(target)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Blocks of mainnet that begin an epoch. The last one counts for everything above it; the others
/// let headers of old blocks end early.
const MAINNET: [(u32, &str); 9] = [
    (
        100_800,
        "000000000000e383d43cc471c64a9a4a46794026989ef4ff9611d5acb704e47a",
    ),
    (
        201_600,
        "00000000000003a5e28bef30ad31f1f9be706e91ae9dda54179a95c9f9cd9ad0",
    ),
    (
        302_400,
        "0000000000000000472132c4daaf358acaf461ff1c3e96577a74e5ebf91bb170",
    ),
    (
        403_200,
        "000000000000000000c4272a5c68b4f55e5af734e88ceab09abf73e9ac3b6d01",
    ),
    (
        504_000,
        "0000000000000000006cd44d7a940c79f94c7c272d159ba19feb15891aa1ea54",
    ),
    (
        604_800,
        "00000000000000000012145f8ffa7218d2d04ca66b61835a2a5eaec33dffc098",
    ),
    (
        705_600,
        "0000000000000000000d37dfef7fe1c7bd22c893dbe4a94272c8cf556e40be99",
    ),
    (
        806_400,
        "00000000000000000004e0dd717641832e782bd5a5b92cf80c64c092ae1a8c8a",
    ),
    (
        832_608,
        "00000000000000000001e529aa1b6b7433794e9b33723be85daeab7fdaabf1c0",
    ),
];

fn hash(text: &str) -> Option<[u8; 32]> {
    from_hex(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_reads() {
        for network in Network::ALL.iter().copied() {
            assert_eq!(Network::parse(network.as_str()), Some(network));
            assert!(network.limit().target().is_some());
            assert!(network.genesis().is_some());
        }
        let pins = Network::Mainnet.pinned_blocks();
        assert_eq!(pins.len(), MAINNET.len());
        assert!(pins.is_sorted_by_key(|pin| pin.height));
        assert!(pins.iter().all(|pin| pin.height % 2016 == 0));
    }
}
