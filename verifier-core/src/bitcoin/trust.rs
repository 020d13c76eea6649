//! Which chains a policy believes, and how far.
//!
//! A pinned block vouches for all blocks below it, because its hash commits to them. For blocks
//! above it only work speaks, at the price that work had then. So above a pinned block a chain
//! counts only if no pinned block is higher: otherwise somebody could leave the real chain at an
//! old pin, where blocks were cheap, and date an anchor back.

use alloc::string::{String, ToString as _};

use super::chain::{HeaderChain, median};
use super::header::{BlockHash, Header};
use super::network::{Network, PinnedBlock};
use super::uint::U256;
use crate::Failure;
use crate::code::Code;
use crate::time::Time;

/// The policy owner's knowledge of a chain.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Known<'p> {
    /// The network.
    pub network: Network,
    /// Blocks in it.
    pub pinned: &'p [PinnedBlock],
    /// Work that a chain from the network's first block has at least.
    pub min_work: Option<U256>,
}

impl<'p> Known<'p> {
    /// Blocks of a network, and no work.
    pub fn new(network: Network, pinned: &'p [PinnedBlock]) -> Self {
        Self {
            network,
            pinned,
            min_work: None,
        }
    }
}

/// A chain, as far as a policy believes it. Only [`TrustedChain::new`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct TrustedChain<'c> {
    chain: &'c HeaderChain<'c>,
    /// The highest block that counts.
    reach: u32,
}

/// How late after the time in its header a block may have been made, and how early before it:
/// the rules allow clocks to be wrong by this much.
pub const TOLERANCE_SECONDS: u64 = 2 * 60 * 60;

impl<'c> TrustedChain<'c> {
    /// Compares a chain with what is known.
    ///
    /// # Errors
    ///
    /// Another network, no block that is known, or another block at the height of a known one.
    pub fn new(chain: &'c HeaderChain<'c>, known: Known<'_>) -> Result<Self, Error> {
        if chain.network() != known.network {
            return Err(Error::Network {
                expected: known.network,
                found: chain.network(),
            });
        }
        let mut pinned_at = None;
        for pin in known.pinned {
            let header = u32::try_from(pin.height)
                .ok()
                .and_then(|height| Some((height, chain.header(height)?)));
            let Some((height, header)) = header else {
                continue;
            };
            let expected = BlockHash::from_display_order(pin.hash);
            if header.hash() != expected {
                return Err(Error::OtherBlock {
                    height,
                    expected,
                    found: header.hash(),
                });
            }
            pinned_at = pinned_at.max(Some(height));
        }
        let counts = known.network.work_counts();
        let worked = chain.start() == 0 && known.min_work.is_some_and(|min| chain.work() >= min);
        let highest = known.pinned.iter().map(|pin| pin.height).max();
        let reach = match pinned_at {
            _ if counts && worked => chain.tip(),
            Some(height) if counts && highest == Some(u64::from(height)) => chain.tip(),
            Some(height) => height,
            None => return Err(Error::NotPinned),
        };
        Ok(Self { chain, reach })
    }

    /// The block at this height, if it counts.
    pub fn block(&self, height: u32) -> Option<TrustedBlock> {
        let confirmations = self.reach.checked_sub(height)?.checked_add(1)?;
        let header = self.chain.header(height)?;
        Some(TrustedBlock {
            header,
            height,
            confirmations,
            time: self.time(height, &header),
        })
    }

    /// The later one of the block's own time and the median of it and the ten that follow it. A
    /// single miner can put a time too early into a header, but not into the next ones.
    fn time(&self, height: u32, header: &Header) -> u32 {
        let mut times = [0; 11];
        let mut count = 0;
        let heights = height..=self.reach.min(height.saturating_add(10));
        for (place, height) in times.iter_mut().zip(heights) {
            if let Some(header) = self.chain.header(height) {
                *place = header.time();
                count += 1;
            }
        }
        let median = times.get(..count).and_then(median).unwrap_or(0);
        header.time().max(median)
    }
}

/// A block of a chain that a policy believes.
#[derive(Clone, Copy, Debug)]
pub struct TrustedBlock {
    header: Header,
    height: u32,
    confirmations: u32,
    time: u32,
}

impl TrustedBlock {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The height.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How many blocks that count stand at this height and above it.
    pub fn confirmations(&self) -> u64 {
        u64::from(self.confirmations)
    }

    /// When the block was made, give or take [`TOLERANCE_SECONDS`].
    pub fn time(&self) -> Option<Time> {
        Time::from_seconds(u64::from(self.time))
    }

    /// The moment after which the block was not made: its time and the tolerance.
    pub fn not_later_than(&self) -> Option<Time> {
        Time::from_seconds(u64::from(self.time) + TOLERANCE_SECONDS)
    }
}

/// Why a chain that follows the rules is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A chain of another network.
    #[error("the headers are of {found}, and the policy wants {expected}")]
    Network {
        /// The network of the policy.
        expected: Network,
        /// The network of the headers.
        found: Network,
    },
    /// Nothing in the chain is known.
    #[error("the headers contain no block that the policy knows, and not the work that it wants")]
    NotPinned,
    /// Another chain.
    #[error("the headers have another block at height {height} than the one that the policy knows")]
    OtherBlock {
        /// The height.
        height: u32,
        /// The block that the policy pins.
        expected: BlockHash,
        /// The value that is there.
        found: BlockHash,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::AnchorNotPinned
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Network { expected, .. } => Some(expected.to_string()),
            Self::NotPinned => None,
            Self::OtherBlock { expected, .. } => Some(expected.to_string()),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Network { found, .. } => Some(found.to_string()),
            Self::NotPinned => None,
            Self::OtherBlock { found, .. } => Some(found.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::policy::AnchorRule;

    /// Fifteen headers that differ in their times: the one at height n is of n · 100.
    fn headers() -> Vec<[u8; 80]> {
        let header = |height: u32| {
            let mut bytes = [0; 80];
            bytes[68..72].copy_from_slice(&(height * 100).to_le_bytes());
            bytes
        };
        (0..15).map(header).collect()
    }

    fn pin(headers: &[[u8; 80]], height: usize) -> PinnedBlock {
        let mut hash = *Header::new(&headers[height]).hash().as_bytes();
        hash.reverse();
        let height = u64::try_from(height).unwrap();
        PinnedBlock { height, hash }
    }

    /// How far the chain counts.
    fn reach(network: Network, pinned: &[PinnedBlock], min_work: Option<U256>) -> Option<u32> {
        let headers = headers();
        let work = U256::ONE.checked_mul(1000)?;
        let chain = HeaderChain::unverified(network, 0, &headers, work);
        let mut known = Known::new(network, pinned);
        known.min_work = min_work;
        TrustedChain::new(&chain, known)
            .ok()
            .map(|chain| chain.reach)
    }

    #[test]
    fn above_a_pinned_block_only_the_highest_one_counts() {
        let headers = headers();
        let (low, high) = (pin(&headers, 3), pin(&headers, 8));
        let beyond = PinnedBlock {
            height: 100,
            hash: [0; 32],
        };
        let wrong = PinnedBlock { height: 5, ..low };
        let mainnet = |pins: &[PinnedBlock]| reach(Network::Mainnet, pins, None);
        assert_eq!(mainnet(&[]), None);
        assert_eq!(mainnet(&[beyond]), None);
        assert_eq!(mainnet(&[low]), Some(14));
        assert_eq!(mainnet(&[high, low]), Some(14));
        assert_eq!(mainnet(&[low, beyond]), Some(3));
        assert_eq!(mainnet(&[high, beyond, low]), Some(8));
        assert_eq!(mainnet(&[low, wrong]), None);
    }

    #[test]
    fn a_pin_of_the_policy_does_not_replace_those_of_the_release() {
        let mut rule = AnchorRule::of(Network::Mainnet);
        let first = pin(&headers(), 0);
        rule.pinned_blocks = Vec::from([first]);
        // The release knows higher blocks, so the first one vouches for itself alone.
        assert_eq!(reach(Network::Mainnet, &rule.known_blocks(), None), Some(0));
        assert_eq!(reach(Network::Mainnet, &[first], None), Some(14));
        // A release without pins has nothing to add.
        rule.network = Network::Testnet4;
        assert_eq!(
            reach(Network::Testnet4, &rule.known_blocks(), None),
            Some(14)
        );
    }

    #[test]
    fn signet_s_work_never_counts() {
        let low = pin(&headers(), 3);
        let work = Some(U256::ONE);
        assert_eq!(reach(Network::Signet, &[low], work), Some(3));
        assert_eq!(reach(Network::Signet, &[], work), None);
        assert_eq!(reach(Network::Testnet4, &[], work), Some(14));
    }

    #[test]
    fn work_counts_from_the_amount_that_the_policy_names() {
        let work = |n| U256::ONE.checked_mul(n);
        assert_eq!(reach(Network::Mainnet, &[], work(1000)), Some(14));
        assert_eq!(reach(Network::Mainnet, &[], work(1001)), None);
        // What a chain claims to stand on does not count.
        let headers = headers();
        let above = HeaderChain::unverified(Network::Mainnet, 2016, &headers, U256::ONE);
        let mut known = Known::new(Network::Mainnet, &[]);
        known.min_work = Some(U256::ONE);
        let refused = TrustedChain::new(&above, known).map(drop);
        assert_eq!(refused, Err(Error::NotPinned));
    }

    #[test]
    fn a_block_is_as_late_as_those_above_it_say() {
        let mut headers = headers();
        headers[2][68..72].copy_from_slice(&5000_u32.to_le_bytes());
        let chain = HeaderChain::unverified(Network::Mainnet, 0, &headers, U256::ONE);
        let pinned = [pin(&headers, 14)];
        let trusted = TrustedChain::new(&chain, Known::new(Network::Mainnet, &pinned)).unwrap();
        let time = |height| trusted.block(height).unwrap().time;
        assert_eq!(time(0), 600); // 0, 100, 300 … 1000 and 5000
        assert_eq!(time(2), 5000); // its own
        assert_eq!(time(3), 800); // 300 … 1300
        assert_eq!(time(14), 1400);
        let block = trusted.block(12).unwrap();
        assert_eq!((block.height(), block.confirmations()), (12, 3));
        assert_eq!(block.not_later_than(), Time::from_seconds(1300 + 7200));
        assert!(trusted.block(15).is_none());
    }
}
