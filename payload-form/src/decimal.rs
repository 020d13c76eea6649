//! Decimal numbers as texts, compared exactly.

use std::cmp::Ordering;

/// A decimal number of any length. Two of them are equal if they are the same number, however they
/// were written: `1000`, `1000.00` and `1e3`.
///
/// ```text
/// value = ± 0.digits × 10^exponent        1000.00 = + 0.1 × 10^4
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decimal {
    negative: bool,
    /// Where the point is, counted from the first digit. 0 for zero.
    exponent: i64,
    /// Without zeros at either end; empty for zero.
    digits: String,
}

impl Decimal {
    /// Reads a text in the grammar of JSON numbers (RFC 8259 §6); `None` for any other, such as
    /// `+1`, `01`, `.5`, `1,000`, `1 000`, and for exponents of more than 18 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-');
        let negative = unsigned.is_some();
        let unsigned = unsigned.unwrap_or(text);
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, parse_power(power)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let is_whole = whole == "0" || (!whole.is_empty() && !whole.starts_with('0'));
        if !is_whole || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let all = [whole, fraction].concat();
        let significant = all.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::zero());
        }
        let leading = i64::try_from(all.len().checked_sub(significant.len())?).ok()?;
        let places = i64::try_from(whole.len()).ok()?;
        Some(Self {
            negative,
            exponent: places.checked_sub(leading)?.checked_add(power)?,
            digits: significant.trim_end_matches('0').into(),
        })
    }

    /// 0
    pub fn zero() -> Self {
        Self {
            negative: false,
            exponent: 0,
            digits: String::new(),
        }
    }

    /// The number with the other sign.
    pub fn negated(&self) -> Self {
        Self {
            negative: !self.negative && !self.digits.is_empty(),
            ..self.clone()
        }
    }

    /// Where the point is, counted from the first digit; 0 for zero.
    pub fn exponent(&self) -> i64 {
        self.exponent
    }

    /// The digits, the most significant first, without zeros at either end.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        // The first digit is not zero: the place of the point decides before the digits do.
        let magnitude = || {
            let exponents = self.exponent.cmp(&other.exponent);
            exponents.then_with(|| self.digits.cmp(&other.digits))
        };
        self.sign().cmp(&other.sign()).then_with(|| {
            if self.negative {
                magnitude().reverse()
            } else {
                magnitude()
            }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn parse_power(text: &str) -> Option<i64> {
    const LONGEST: usize = 18;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let significant = digits.trim_start_matches('0');
    if digits.is_empty() || !is_digits(digits) || significant.len() > LONGEST {
        return None;
    }
    let power = match significant {
        "" => 0,
        digits => digits.parse::<i64>().ok()?,
    };
    match text.starts_with('-') {
        true => power.checked_neg(),
        false => Some(power),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn one_number_has_many_texts() {
        for (a, b) in [
            ("1000", "1000.00"),
            ("1000", "1e3"),
            ("1000", "0.1E+4"),
            ("0", "-0"),
            ("0", "0.000e99"),
            ("0.05", "5e-2"),
            ("1e1", "1e0000000000000000000001"),
        ] {
            assert_eq!(decimal(a), decimal(b), "{a} {b}");
            assert_eq!(decimal(a).cmp(&decimal(b)), Ordering::Equal);
        }
    }

    #[test]
    fn orders_what_doubles_cannot_tell_apart() {
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("0.1", "0.10000000000000000001"),
            ("-0.10000000000000000001", "-0.1"),
            ("999.99", "1000.00"),
            ("9", "10"),
            ("-10", "-9"),
            ("-1", "0"),
            ("0", "1e-999999999999999999"),
            ("1e308", "1e999999999999999999"),
            ("-1e400", "1e-400"),
        ] {
            assert!(decimal(less) < decimal(more), "{less} {more}");
            assert!(decimal(more) > decimal(less), "{less} {more}");
        }
    }

    #[test]
    fn other_texts_are_no_decimals() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-01",
            "00",
            ".5",
            "5.",
            "1.e2",
            "1e",
            "1e+",
            "1e1.5",
            " 1",
            "1 ",
            "1,000",
            "1_000",
            "0x10",
            "inf",
            "NaN",
            "1e--2",
            "\u{661}",
            "1\u{0}",
            "--1",
            "1.2.3",
            "1e1000000000000000000",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
    }

    /// The number times 10^60, by another arithmetic.
    fn scaled(whole: &str, fraction: &str, power: i32, negative: bool) -> BigInt {
        let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
        let shift = 60 + power - i32::try_from(fraction.len()).unwrap();
        let value = digits * BigInt::from(10).pow(u32::try_from(shift).unwrap());
        if negative { -value } else { value }
    }

    fn number() -> impl Strategy<Value = (String, BigInt)> {
        let whole = prop_oneof![Just("0".to_owned()), "[1-9][0-9]{0,22}", "[1-9]0{0,3}"];
        let fraction = prop_oneof![Just(String::new()), "[0-9]{1,22}", "0{1,3}"];
        (whole, fraction, -30..30_i32, any::<bool>(), any::<bool>()).prop_map(
            |(whole, fraction, power, negative, plain)| {
                let power = if plain { 0 } else { power };
                let sign = if negative { "-" } else { "" };
                let point = if fraction.is_empty() { "" } else { "." };
                let exponent = match plain {
                    true => String::new(),
                    false => format!("e{power}"),
                };
                let text = format!("{sign}{whole}{point}{fraction}{exponent}");
                (text, scaled(&whole, &fraction, power, negative))
            },
        )
    }

    proptest! {
        #[test]
        fn compares_as_integers_of_any_size_do((a, x) in number(), (b, y) in number()) {
            prop_assert_eq!(decimal(&a).cmp(&decimal(&b)), x.cmp(&y));
            prop_assert_eq!(decimal(&a) == decimal(&b), x == y);
        }

        #[test]
        fn a_near_number_is_another((a, x) in number()) {
            let next: Decimal = decimal(&format!("{}e-60", &x + 1_i32));
            prop_assert!(decimal(&a) < next);
            prop_assert_eq!(decimal(&a), decimal(&format!("{x}e-60")));
        }
    }
}
