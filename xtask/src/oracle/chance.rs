//! Numbers that look random and come from a seed.

use verifier_core::hazmat::encoding::sha256;

/// SplitMix64. Its quality does not matter here; that it is the same everywhere does.
pub(super) struct Chance(u64);

impl Chance {
    /// The numbers of one case.
    pub(super) fn new(seed: u64, case: usize) -> Self {
        let hash = sha256(format!("{seed} {case}").as_bytes());
        let first = hash.first_chunk().copied().unwrap_or_default();
        Self(u64::from_le_bytes(first))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % n).unwrap_or(0)
    }

    /// True once in `n` times.
    pub(super) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        let at = self.below(items.len());
        items
            .get(at)
            .unwrap_or_else(|| unreachable!("nothing to pick from"))
    }
}
