//! Which numbers have one spelling only.
//!
//! In integers alone: a double of the machine is never made, so nothing rests on how a platform
//! reads or prints one, and a module for browsers carries no tables of powers of ten.

use alloc::format;
use alloc::string::{String, ToString as _};

/// Whether RFC 8785 §3.2.2.3 would print the double that `token` names as `token`, and that
/// double is exactly the number that the token says. Readers that keep decimals and readers that
/// keep doubles agree about such a number.
pub(super) fn is_canonical_number(token: &str) -> bool {
    if token == "0" {
        return true;
    }
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    Decimal::read(unsigned)
        .is_some_and(|number| number.in_ecmascript() == unsigned && number.is_shortest_double())
}

/// `digits` × 10^`exponent`, where `digits` is not 0 and does not end in 0.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u64,
    exponent: i32,
}

impl Decimal {
    /// No double needs more digits to be told from all others.
    const MAX_DIGITS: usize = 17;

    /// The number that a JSON token without a sign names. `None` for 0, and for what has so many
    /// digits, or is so large or small, that it cannot be canonical.
    fn read(token: &str) -> Option<Self> {
        let (mantissa, exponent) = token.split_once('e').unwrap_or((token, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let digits = all.trim_end_matches('0');
        let dropped = i32::try_from(all.len().checked_sub(digits.len())?).ok()?;
        let after_point = i32::try_from(fraction.len()).ok()?;
        let digits = digits.trim_start_matches('0');
        if digits.len() > Self::MAX_DIGITS {
            return None;
        }
        Some(Self {
            digits: digits.parse().ok()?,
            exponent: exponent
                .parse::<i32>()
                .ok()?
                .checked_sub(after_point)?
                .checked_add(dropped)?,
        })
    }

    /// How ECMAScript's Number::toString would print a double with these shortest digits.
    fn in_ecmascript(self) -> String {
        let digits = self.digits.to_string();
        let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        // The decimal point stands after this many digits.
        let point = self.exponent.saturating_add(count);
        let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
        let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
        if count <= point && point <= 21 {
            digits.clone() + &zeros(point - count)
        } else if 0 < point && point <= 21 {
            let (whole, fraction) = split(point);
            format!("{whole}.{fraction}")
        } else if -6 < point && point <= 0 {
            format!("0.{}{digits}", zeros(-point))
        } else {
            let (first, rest) = split(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let exponent = point.saturating_sub(1);
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{first}{dot}{rest}e{sign}{}", exponent.unsigned_abs())
        }
    }

    /// Whether this is exactly a double, and no number of fewer digits is nearer to that double
    /// than to any other.
    fn is_shortest_double(self) -> bool {
        /// Bits of a double's significand.
        const PRECISION: u32 = 53;
        /// 17 digits have no more factors of five to give, and no significand has room for more.
        const MAX_FIVES: u32 = 24;

        let fives = self.exponent.unsigned_abs();
        if fives > MAX_FIVES {
            return false;
        }
        let power = 5_u64.pow(fives);
        // This is `number` × 2^exponent, and 10^exponent is `up` ÷ `down` × 2^exponent. At most
        // 10^17 × 5^24 < 2^113.
        let (number, up, down) = match self.exponent < 0 {
            true if !self.digits.is_multiple_of(power) => return false,
            true => (u128::from(self.digits / power), 1, power),
            false => (u128::from(self.digits) * u128::from(power), power, 1),
        };
        let odd_part = number >> number.trailing_zeros();
        if odd_part >> PRECISION != 0 {
            return false;
        }
        // Fifteen digits survive the way through a double, so no two such numbers meet in one.
        if self.digits < 1_000_000_000_000_000 {
            return true;
        }
        // Of fewer digits the nearest are the multiples of ten around `digits`. One of them reads as
        // this double if it is no farther than half a step of the significand, which is
        // 2^(bits − 54) × 2^exponent; exactly there the even neighbour wins. (Below a power of two
        // the steps are half as long. Ten get here, and it changes none.)
        let bits = number.ilog2() + 1;
        let half_step = u128::from(down) << bits.saturating_sub(PRECISION + 1);
        let significand_is_even = odd_part >> (PRECISION - 1) == 0;
        let meets = |distance: u64| {
            let away =
                (u128::from(distance) * u128::from(up)) << (PRECISION + 1).saturating_sub(bits);
            away < half_step || (away == half_step && significand_is_even)
        };
        let last = self.digits % 10;
        !meets(last) && !meets(10 - last)
    }
}
