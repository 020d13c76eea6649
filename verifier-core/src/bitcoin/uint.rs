//! Unsigned integers of 256 bits: targets, and the work of chains.

use core::fmt;

use crate::encoding::hex;

/// An unsigned integer below 2^256.
///
/// Eight digits of 32 bits, the most significant first, so that the derived order is the numeric
/// one.
#[derive(Clone, Copy, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct U256([u32; 8]);

impl U256 {
    /// 0.
    pub const ZERO: Self = Self([0; 8]);
    /// 1.
    pub const ONE: Self = Self([0, 0, 0, 0, 0, 0, 0, 1]);

    /// Reads 32 bytes, the most significant first.
    pub fn from_be_bytes(bytes: [u8; 32]) -> Self {
        let mut digits = [0; 8];
        let (chunks, _) = bytes.as_chunks::<4>();
        for (digit, chunk) in digits.iter_mut().zip(chunks) {
            *digit = u32::from_be_bytes(*chunk);
        }
        Self(digits)
    }

    /// Reads 32 bytes, the least significant first, as Bitcoin compares hashes.
    pub fn from_le_bytes(mut bytes: [u8; 32]) -> Self {
        bytes.reverse();
        Self::from_be_bytes(bytes)
    }

    /// 32 bytes, the most significant first.
    pub fn to_be_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let (chunks, _) = bytes.as_chunks_mut::<4>();
        for (chunk, digit) in chunks.iter_mut().zip(self.0) {
            *chunk = digit.to_be_bytes();
        }
        bytes
    }

    /// The sum, or `None` from 2^256 on.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let mut carry = 0;
        let mut out = self;
        for (digit, add) in out.0.iter_mut().zip(other.0).rev() {
            let (high, low) = split(u64::from(*digit) + u64::from(add) + carry);
            (*digit, carry) = (low, u64::from(high));
        }
        (carry == 0).then_some(out)
    }

    /// The product, or `None` from 2^256 on.
    pub fn checked_mul(self, factor: u32) -> Option<Self> {
        let mut carry = 0;
        let mut out = self;
        for digit in out.0.iter_mut().rev() {
            let (high, low) = split(u64::from(*digit) * u64::from(factor) + carry);
            (*digit, carry) = (low, u64::from(high));
        }
        (carry == 0).then_some(out)
    }

    /// The quotient, rounded down, or `None` for a divisor of 0.
    pub fn checked_div(self, divisor: u32) -> Option<Self> {
        let divisor = u64::from(divisor);
        let mut rest = 0;
        let mut out = self;
        for digit in &mut out.0 {
            let dividend = rest << 32 | u64::from(*digit);
            (_, *digit) = split(dividend.checked_div(divisor)?);
            rest = dividend % divisor;
        }
        Some(out)
    }

    /// How many hashes a target stands for on average: 2^256 / (`self` + 1), rounded down.
    pub(crate) fn work(self) -> Self {
        // 2^256 does not fit; 2^256 / d is (2^256 - d) / d + 1, and 2^256 - d is the complement
        // of the target.
        let Some(divisor) = self.checked_add(Self::ONE) else {
            return Self::ONE;
        };
        let quotient = self.not().div(divisor);
        quotient.checked_add(Self::ONE).unwrap_or(quotient)
    }

    fn not(self) -> Self {
        Self(self.0.map(|digit| !digit))
    }

    /// Long division, bit by bit; 0 for a divisor of 0.
    fn div(self, divisor: Self) -> Self {
        let (mut quotient, mut rest) = (Self::ZERO, Self::ZERO);
        for bit in 0..256 {
            let overflow;
            (rest, overflow) = rest.shifted(self.bit(bit));
            let fits = divisor != Self::ZERO && (overflow || rest >= divisor);
            if fits {
                rest = rest.wrapping_sub(divisor);
            }
            (quotient, _) = quotient.shifted(fits);
        }
        quotient
    }

    /// Bit `index`, counted from the most significant.
    fn bit(self, index: usize) -> bool {
        let digit = self.0.get(index / 32).copied().unwrap_or(0);
        digit.rotate_left(1 + u32::try_from(index % 32).unwrap_or(0)) & 1 == 1
    }

    /// Twice the number, plus `low`; and whether a bit fell off the top.
    fn shifted(self, low: bool) -> (Self, bool) {
        let mut carry = u32::from(low);
        let mut out = self;
        for digit in out.0.iter_mut().rev() {
            (*digit, carry) = (*digit << 1 | carry, *digit >> 31);
        }
        (out, carry == 1)
    }

    fn wrapping_sub(self, other: Self) -> Self {
        let mut borrow = false;
        let mut out = self;
        for (digit, sub) in out.0.iter_mut().zip(other.0).rev() {
            let (less, first) = digit.overflowing_sub(sub);
            let (less, second) = less.overflowing_sub(u32::from(borrow));
            (*digit, borrow) = (less, first || second);
        }
        out
    }
}

/// Lower-case hex, 64 digits.
impl fmt::Display for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.to_be_bytes()))
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The upper and the lower half.
fn split(wide: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = wide.to_be_bytes();
    (
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(number: u128) -> U256 {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&number.to_be_bytes());
        U256::from_be_bytes(bytes)
    }

    const MAX: U256 = U256([u32::MAX; 8]);

    #[test]
    fn agrees_with_small_integers() {
        let numbers = [0, 1, 2, 0xffff_ffff, 1 << 32, (1 << 90) + 12345, 1 << 95];
        for a in numbers {
            for b in numbers {
                assert_eq!(small(a).checked_add(small(b)), Some(small(a + b)));
                assert_eq!(small(a).cmp(&small(b)), a.cmp(&b));
                if let Some(quotient) = a.checked_div(b) {
                    assert_eq!(small(a).div(small(b)), small(quotient), "{a} / {b}");
                }
            }
            for b in [1, 3, 1_209_600, u32::MAX] {
                assert_eq!(small(a).checked_mul(b), Some(small(a * u128::from(b))));
                assert_eq!(small(a).checked_div(b), Some(small(a / u128::from(b))));
            }
            assert_eq!(small(a).checked_div(0), None);
        }
    }

    #[test]
    fn ends_at_two_to_the_256th() {
        assert_eq!(MAX.checked_add(U256::ONE), None);
        assert_eq!(MAX.checked_mul(2), None);
        assert_eq!(MAX.checked_mul(1), Some(MAX));
        assert_eq!(MAX.div(MAX), U256::ONE);
        assert_eq!(MAX.work(), U256::ONE);
        assert_eq!(U256::ZERO.work(), MAX); // 2^256, saturated
        assert_eq!(U256::ONE.work().to_be_bytes()[0], 0x80);
        let mut bytes = [0; 32];
        bytes[0] = 1;
        assert_eq!(U256::from_le_bytes(bytes), U256::ONE);
    }
}
