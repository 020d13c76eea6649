//! Chains of headers: links, targets, times and work, under the rules of a network.
//!
//! A chain that follows the rules may still be anybody's: everyone can mine one of the easiest
//! target from the first block on. [`super::trust`] says which chains count.

mod file;
mod target;

use crate::Failure;
use crate::code::Code;

use super::header::{self, BlockHash, CompactTarget, Header};
use super::network::Network;
use super::uint::U256;

pub use file::{FileError, first_line, read_first_line};
pub use target::retarget;
use target::{Epoch, Targets};

/// Whether `next` can begin the epoch behind one of which these are the first and the last header:
/// what can be said of a change of the target without the headers between.
///
/// # Errors
///
/// A header that does not carry its own work, another link, target or time than the rules give.
pub fn check_epoch(
    network: Network,
    first: &Header,
    last: &Header,
    next: &Header,
) -> Result<(), Error> {
    const HEIGHT: u32 = Network::EPOCH;
    for (height, header) in [(0, first), (HEIGHT - 1, last), (HEIGHT, next)] {
        let work = header.check_work(network);
        work.map_err(|error| Error::Header { height, error })?;
    }
    let (expected, found) = (last.hash(), next.previous());
    if expected != found {
        let height = HEIGHT;
        return Err(Error::Link {
            height,
            expected,
            found,
        });
    }
    let mut targets = Targets::new(network);
    let epoch = targets.check(0, first, None)?;
    targets.add(epoch, first);
    targets.check(HEIGHT, next, Some(last)).map(drop)
}

/// Checks headers one after the other, in constant memory.
#[derive(Clone, Debug)]
pub struct Checker {
    network: Network,
    /// The height of the next header.
    next: u32,
    start: u32,
    tip: Option<Header>,
    times: Times,
    targets: Targets,
    /// The work of all headers so far, and that of one at the current target.
    work: U256,
    cost: Cost,
}

/// The work of one block of a target; it stays the same for thousands of blocks.
#[derive(Clone, Copy, Debug)]
struct Cost {
    bits: CompactTarget,
    target: U256,
    work: U256,
}

impl Checker {
    /// A checker whose first header has this height: 0, or a multiple of 2016, where a target
    /// begins. The target of that first header is taken as given, unless the height is 0.
    ///
    /// # Errors
    ///
    /// Any other height.
    pub fn new(network: Network, start: u32) -> Result<Self, Error> {
        if !start.is_multiple_of(Network::EPOCH) {
            return Err(Error::Start { found: start });
        }
        let limit = network.limit();
        Ok(Self {
            network,
            next: start,
            start,
            tip: None,
            times: Times::default(),
            targets: Targets::new(network),
            work: U256::ZERO,
            cost: Cost {
                bits: limit,
                target: U256::ZERO,
                work: U256::ZERO,
            },
        })
    }

    /// Adds the next header.
    ///
    /// # Errors
    ///
    /// The rule that it breaks. The chain stays as it was.
    pub fn push(&mut self, bytes: &[u8; Header::BYTES]) -> Result<Header, Error> {
        let height = self.next;
        let header = Header::new(bytes);
        let epoch = self.check_place(height, &header)?;
        let cost = self.cost(height, &header)?;
        let work = self.work.checked_add(cost.work);
        (self.next, self.work) = match (height.checked_add(1), work) {
            (Some(next), Some(work)) => (next, work),
            _ => return Err(Error::End { height }),
        };
        self.cost = cost;
        self.targets.add(epoch, &header);
        self.times.add(header.time());
        self.tip = Some(header);
        Ok(header)
    }

    /// The network.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The height of the first header.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// The height of the next header.
    pub fn next_height(&self) -> u32 {
        self.next
    }

    /// The last header.
    pub fn tip(&self) -> Option<&Header> {
        self.tip.as_ref()
    }

    /// The work of all headers together.
    pub fn work(&self) -> U256 {
        self.work
    }

    /// Links, times and target.
    fn check_place(&self, height: u32, header: &Header) -> Result<Epoch, Error> {
        let found = header.hash();
        match &self.tip {
            Some(tip) if header.previous() != tip.hash() => {
                return Err(Error::Link {
                    height,
                    expected: tip.hash(),
                    found: header.previous(),
                });
            }
            None if height == 0 && Some(found) != self.network.genesis() => {
                let network = self.network;
                return Err(Error::Genesis { network, found });
            }
            _ => {}
        }
        let found = header.time();
        // A chain that begins in the middle has no median until it is long enough.
        if let Some(median) = self.times.median(self.start == 0)
            && found <= median
        {
            return Err(Error::Time {
                height,
                median,
                found,
            });
        }
        self.targets.check(height, header, self.tip.as_ref())
    }

    /// The header's own work.
    fn cost(&self, height: u32, header: &Header) -> Result<Cost, Error> {
        let work = |error| Error::Header { height, error };
        let bits = header.bits();
        if bits == self.cost.bits && self.cost.target != U256::ZERO {
            header.check_target(self.cost.target).map_err(work)?;
            return Ok(self.cost);
        }
        let target = header.check_work(self.network).map_err(work)?;
        Ok(Cost {
            bits,
            target,
            work: target.work(),
        })
    }
}

/// The times of the last eleven blocks.
#[derive(Clone, Debug, Default)]
struct Times {
    last: [u32; Self::SPAN],
    /// How many have been added, at most `SPAN`.
    count: usize,
    /// Where the next one goes.
    next: usize,
}

impl Times {
    const SPAN: usize = 11;

    fn add(&mut self, time: u32) {
        if let Some(place) = self.last.get_mut(self.next) {
            *place = time;
        }
        self.next = (self.next + 1) % Self::SPAN;
        self.count = (self.count + 1).min(Self::SPAN);
    }

    /// The median; of fewer than eleven only if these are `all` that there are.
    fn median(&self, all: bool) -> Option<u32> {
        if self.count < Self::SPAN && !all {
            return None;
        }
        median(self.last.get(..self.count)?)
    }
}

/// The median of at most eleven times, the later one of two.
pub(super) fn median(times: &[u32]) -> Option<u32> {
    let below = times.len() / 2;
    let is_median = |time: &&u32| {
        let earlier = times.iter().filter(|other| other < time).count();
        let not_later = times.iter().filter(|other| other <= time).count();
        (earlier..not_later).contains(&below)
    };
    times.iter().find(is_median).copied()
}

/// Headers that follow each other under the rules of their network. Only verification makes one.
#[derive(Clone, Copy, Debug)]
pub struct HeaderChain<'a> {
    network: Network,
    start: u32,
    headers: &'a [[u8; Header::BYTES]],
    tip: u32,
    work: U256,
}

impl<'a> HeaderChain<'a> {
    /// Verifies headers, one after the other without anything between them, of which the first
    /// has the height `start`.
    ///
    /// # Errors
    ///
    /// The first header that breaks a rule; bytes that are no whole headers, or none at all.
    pub fn verify(network: Network, start: u32, bytes: &'a [u8]) -> Result<Self, Error> {
        let (headers, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            let found = bytes.len();
            return Err(Error::Length { found });
        }
        let mut checker = Checker::new(network, start)?;
        let mut tip = None;
        for header in headers {
            tip = Some(checker.next_height());
            checker.push(header)?;
        }
        Ok(Self {
            network,
            start,
            headers,
            tip: tip.ok_or(Error::Length { found: 0 })?,
            work: checker.work(),
        })
    }

    /// Reads and verifies a header file:
    ///
    /// ```text
    /// cosignet.headers/v1 <network> <height of the first header> LF
    /// *( header[80] )
    /// ```
    ///
    /// # Errors
    ///
    /// Another first line; else as [`Self::verify`].
    pub fn parse(file: &'a [u8]) -> Result<Self, FileError> {
        let (network, start, headers) = read_first_line(file)?;
        Ok(Self::verify(network, start, headers)?)
    }

    /// Headers that nobody has checked, for tests of those who come after.
    #[cfg(test)]
    pub(super) fn unverified(
        network: Network,
        start: u32,
        headers: &'a [[u8; Header::BYTES]],
        work: U256,
    ) -> Self {
        Self {
            network,
            start,
            headers,
            tip: start + u32::try_from(headers.len()).unwrap() - 1,
            work,
        }
    }

    /// The network.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The height of the first header.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// The height of the last header.
    pub fn tip(&self) -> u32 {
        self.tip
    }

    /// The work of all headers together.
    pub fn work(&self) -> U256 {
        self.work
    }

    /// The header at this height.
    pub fn header(&self, height: u32) -> Option<Header> {
        self.bytes(height).map(Header::new)
    }

    /// The bytes of the header at this height.
    pub fn bytes(&self, height: u32) -> Option<&'a [u8; Header::BYTES]> {
        let index = usize::try_from(height.checked_sub(self.start)?).ok()?;
        self.headers.get(index)
    }
}

/// Why headers are not a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More blocks or work than any chain can have.
    #[error("the chain does not end at height {height}")]
    End {
        /// Where it should have ended.
        height: u32,
    },
    /// Another first block than the network's.
    #[error("the chain of {network} does not begin with block {found}")]
    Genesis {
        /// The network.
        network: Network,
        /// The first block.
        found: BlockHash,
    },
    /// A header that does not carry its own work.
    #[error("at height {height}: {error}")]
    Header {
        /// Its height.
        height: u32,
        /// Why not.
        error: header::Error,
    },
    /// Bytes that are no whole headers.
    #[error("{found} bytes are not a whole number of block headers of 80 bytes, at least one")]
    Length {
        /// How many bytes.
        found: usize,
    },
    /// A header that does not follow the one before it.
    #[error("the header at height {height} does not follow the one before it")]
    Link {
        /// Its height.
        height: u32,
        /// The hash of the block before.
        expected: BlockHash,
        /// The hash that it names.
        found: BlockHash,
    },
    /// A first header in the middle of an epoch, where nothing tells its target.
    #[error("a chain begins at height 0 or at a multiple of 2016, not at {found}")]
    Start {
        /// The height.
        found: u32,
    },
    /// A target other than the rules give.
    #[error("the header at height {height} has the target {found}; the rules give {expected}")]
    Target {
        /// Its height.
        height: u32,
        /// The target by the rules.
        expected: CompactTarget,
        /// The target that the header states.
        found: CompactTarget,
    },
    /// A time that is not later than the median of the eleven blocks before.
    #[error("the header at height {height} is not later than the blocks before it")]
    Time {
        /// Its height.
        height: u32,
        /// The median, in seconds since 1970.
        median: u32,
        /// Its time, in seconds since 1970.
        found: u32,
    },
    /// The first block of an epoch, more than ten minutes before the block before it (BIP 94).
    #[error("the header at height {height} begins an epoch too long before the block before it")]
    Timewarp {
        /// Its height.
        height: u32,
        /// The earliest time, in seconds since 1970.
        earliest: u32,
        /// Its time, in seconds since 1970.
        found: u32,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Length { .. } | Self::Start { .. } => Code::HeadersForm,
            _ => Code::HeadersChain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[5]), Some(5));
        assert_eq!(median(&[9, 1]), Some(9));
        assert_eq!(median(&[3, 9, 1]), Some(3));
        let mut times = Times::default();
        for time in [100, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] {
            assert_eq!(times.median(false), None);
            times.add(time);
        }
        assert_eq!(times.median(false), Some(6));
        times.add(0); // in place of 100
        assert_eq!(times.median(false), Some(5));
    }

    #[test]
    fn chains_begin_where_a_target_begins() {
        assert!(Checker::new(Network::Mainnet, 4032).is_ok());
        let found = 4031;
        let wrong = Checker::new(Network::Mainnet, found).map(drop);
        assert_eq!(wrong, Err(Error::Start { found }));
        for bytes in [&[0; 79][..], &[]] {
            let found = bytes.len();
            let wrong = HeaderChain::verify(Network::Mainnet, 0, bytes).map(drop);
            assert_eq!(wrong, Err(Error::Length { found }));
        }
    }
}
