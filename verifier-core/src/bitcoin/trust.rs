//! Which chains a policy believes, and how far.
//!
//! A pinned block vouches for all blocks below it, because its hash commits to them. For blocks
//! above it only work speaks, at the price that work had then. So above a pinned block a chain
//! counts only if no pinned block is higher: otherwise somebody could leave the real chain at an
//! old pin, where blocks were cheap, and date an anchor back.

use alloc::string::{String, ToString as _};

use super::chain::{HeaderChain, median};
use super::header::{BlockHash, Header};
use super::network::Network;
use super::uint::U256;
use crate::Failure;
use crate::code::Code;
use crate::policy::PinnedBlock;
use crate::time::Time;

/// What the owner of a policy knows of a chain.
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
        /// What the policy wants.
        expected: Network,
        /// What the headers are.
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
        /// What the policy knows.
        expected: BlockHash,
        /// What is there.
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
