//! Which target a block must have.

use super::{CompactTarget, Error, Header, Network};

/// The target of an epoch, from the one before: multiplied by the time that its first and last
/// block are apart, divided by two weeks. The time counts as half a week at least and eight weeks
/// at most, and the result is never easier than the network's limit. `None` if `old` is no target.
///
/// Between the first and the last of 2016 blocks lie only 2015 intervals; that is how it is.
pub fn retarget(
    network: Network,
    old: CompactTarget,
    first_time: u32,
    last_time: u32,
) -> Option<CompactTarget> {
    const { assert!(Network::TIMESPAN <= u32::MAX / 4) };
    // A last block before the first counts as half a week, too.
    let span = last_time.saturating_sub(first_time);
    let span = span.clamp(Network::TIMESPAN / 4, Network::TIMESPAN * 4);
    let limit = network.limit();
    let easiest = limit.target()?;
    // A target whose product does not fit is far above the limit of every network.
    let new = match old.target()?.checked_mul(span) {
        Some(product) => product.checked_div(Network::TIMESPAN)?,
        None => easiest,
    };
    Some(if new > easiest {
        limit
    } else {
        CompactTarget::of(new)
    })
}

/// The state that the target of the next block follows from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Targets {
    network: Network,
    epoch: Option<Epoch>,
}

/// An epoch so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    first_time: u32,
    first_bits: CompactTarget,
    /// The target of the last block that was not easy because it came late.
    regular_bits: CompactTarget,
}

impl Targets {
    pub(super) fn new(network: Network) -> Self {
        let epoch = None;
        Self { network, epoch }
    }

    /// The epoch that the header belongs to, if its target is right.
    pub(super) fn check(
        &self,
        height: u32,
        header: &Header,
        before: Option<&Header>,
    ) -> Result<Epoch, Error> {
        let found = header.bits();
        let first = Epoch {
            first_time: header.time(),
            first_bits: found,
            regular_bits: found,
        };
        let (Some(epoch), Some(before)) = (self.epoch, before) else {
            return Ok(first);
        };
        let begins = height.is_multiple_of(Network::EPOCH);
        if begins && self.network.is_testnet4() {
            let earliest = before.time().saturating_sub(Network::SPACING);
            if header.time() < earliest {
                return Err(Error::Timewarp {
                    height,
                    earliest,
                    found: header.time(),
                });
            }
        }
        let expected = if begins && self.network.retargets() {
            // BIP 94: what made the last block easy must not make the next epoch easy.
            let old = match self.network.is_testnet4() {
                true => epoch.first_bits,
                false => before.bits(),
            };
            retarget(self.network, old, epoch.first_time, before.time())
        } else if self.is_late(header, before) {
            Some(self.network.limit())
        } else if self.network.is_testnet4() {
            Some(epoch.regular_bits)
        } else {
            Some(before.bits())
        };
        match expected {
            Some(expected) if expected == found => Ok(if begins { first } else { epoch }),
            expected => Err(Error::Target {
                height,
                expected: expected.unwrap_or(self.network.limit()),
                found,
            }),
        }
    }

    pub(super) fn add(&mut self, epoch: Epoch, header: &Header) {
        let bits = header.bits();
        let regular_bits = match bits == self.network.limit() {
            true => epoch.regular_bits,
            false => bits,
        };
        self.epoch = Some(Epoch {
            regular_bits,
            ..epoch
        });
    }

    /// On testnet4 a block more than twenty minutes after the last one is easy.
    fn is_late(&self, header: &Header, before: &Header) -> bool {
        let late = before.time().saturating_add(2 * Network::SPACING);
        self.network.is_testnet4() && header.time() > late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: CompactTarget = CompactTarget::new(0x1c05_a3f4);

    #[test]
    fn time_counts_within_bounds() {
        let after = |seconds: u32| retarget(Network::Mainnet, OLD, 1_000_000, 1_000_000 + seconds);
        assert_eq!(after(1_209_600), Some(OLD));
        assert_eq!(after(0), after(302_400));
        assert_ne!(after(302_400), after(303_000));
        assert_eq!(after(4_838_400), after(40_000_000));
        let backwards = retarget(Network::Mainnet, OLD, 1_000_000, 1);
        assert_eq!(backwards, after(0));
    }

    #[test]
    fn nothing_is_easier_than_the_limit() {
        for network in Network::ALL.iter().copied() {
            let limit = network.limit();
            assert_eq!(retarget(network, limit, 0, 4_838_400), Some(limit));
            let absurd = CompactTarget::new(0x2100_ffff);
            assert_eq!(retarget(network, absurd, 0, 4_838_400), Some(limit));
        }
        assert_eq!(
            retarget(Network::Mainnet, CompactTarget::new(0), 0, 1),
            None
        );
    }

    const LIMIT: CompactTarget = CompactTarget::new(0x1d00_ffff);

    fn header(time: u32, bits: CompactTarget) -> Header {
        let mut bytes = [0; 80];
        bytes[68..72].copy_from_slice(&time.to_le_bytes());
        bytes[72..76].copy_from_slice(&bits.bits().to_le_bytes());
        Header::new(&bytes)
    }

    /// Checks one more header behind these, the first of which begins an epoch.
    fn next(network: Network, chain: &[Header], height: u32, header: &Header) -> Result<(), Error> {
        let mut targets = Targets::new(network);
        let mut before = None;
        for (height, header) in (0..).zip(chain) {
            let epoch = targets.check(height, header, before).unwrap();
            targets.add(epoch, header);
            before = Some(header);
        }
        targets.check(height, header, before).map(drop)
    }

    fn expects(expected: CompactTarget, result: Result<(), Error>) -> bool {
        matches!(result, Err(Error::Target { expected: other, .. }) if other == expected)
    }

    #[test]
    fn on_testnet4_late_blocks_are_easy_and_the_next_ones_are_not() {
        let network = Network::Testnet4;
        let chain = [header(10_000, OLD), header(10_600, OLD)];
        let check = |time, bits| next(network, &chain, 2, &header(time, bits));
        assert_eq!(check(11_800, OLD), Ok(()));
        assert_eq!(check(11_801, LIMIT), Ok(()));
        assert!(expects(OLD, check(11_800, LIMIT)));
        assert!(expects(LIMIT, check(11_801, OLD)));
        let chain = [
            header(10_000, OLD),
            header(11_201, LIMIT),
            header(12_402, LIMIT),
        ];
        let check = |bits| next(network, &chain, 3, &header(12_500, bits));
        assert_eq!(check(OLD), Ok(()));
        assert!(expects(OLD, check(LIMIT)));
        // Elsewhere no block is easy because it is late.
        let chain = [header(10_000, OLD)];
        let late = |bits| next(Network::Mainnet, &chain, 1, &header(99_000, bits));
        assert_eq!(late(OLD), Ok(()));
        assert!(expects(OLD, late(LIMIT)));
    }

    #[test]
    fn on_testnet4_an_epoch_follows_from_the_first_target_of_the_one_before() {
        // The last block is easy, because it is late.
        let chain = [header(10_000, OLD), header(1_219_600, LIMIT)];
        let check = |time| next(Network::Testnet4, &chain, 2016, &header(time, OLD));
        assert_eq!(check(1_219_601), Ok(()));
        assert_eq!(check(1_219_000), Ok(()));
        let (earliest, found, height) = (1_219_000, 1_218_999, 2016);
        let timewarp = Error::Timewarp {
            height,
            earliest,
            found,
        };
        assert_eq!(check(found), Err(timewarp));
    }

    #[test]
    fn elsewhere_it_follows_from_the_last() {
        let chain = [header(10_000, OLD), header(1_219_600, OLD)];
        for network in [Network::Mainnet, Network::Signet] {
            // Long before the last block: no rule forbids that here.
            let check = |bits| next(network, &chain, 2016, &header(10_001, bits));
            assert_eq!(check(OLD), Ok(()));
            assert!(expects(OLD, check(LIMIT)));
        }
        let chain = [header(10_000, OLD), header(10_600, OLD)];
        let fast = |network| next(network, &chain, 2016, &header(11_200, OLD));
        let harder = retarget(Network::Mainnet, OLD, 0, 0).unwrap();
        assert!(expects(harder, fast(Network::Mainnet)));
        assert_eq!(fast(Network::Regtest), Ok(()));
    }
}
