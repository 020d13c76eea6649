//! Short decimals below, between and above others, for examples.

use payload_form::decimal::Decimal;

/// A number below `bound`.
pub(super) fn below(bound: &Decimal) -> String {
    match *bound > Decimal::zero() {
        true => "0".into(),
        false => format!("-{}", above(&bound.negated())),
    }
}

/// A number above `bound`.
pub(super) fn above(bound: &Decimal) -> String {
    match *bound < Decimal::zero() {
        true => "0".into(),
        // One digit more than it has before the point.
        false => format!("1{}", "0".repeat(whole(bound).max(1))),
    }
}

/// A number between `low` and `high`, with few digits. `low` has to be the lower one.
pub(super) fn between(low: &Decimal, high: &Decimal) -> String {
    let zero = Decimal::zero();
    if *low < zero && *high > zero {
        return "0".into();
    }
    if *low < zero {
        return format!("-{}", positive(&high.negated(), &low.negated()));
    }
    positive(low, high)
}

/// `between` for two numbers that are not negative.
///
/// ```text
/// 0500.0    the first digits that differ are 0 and 1: 1… would be the upper number itself,
/// 1000.0    so 0, and behind it more than 500: 0700
/// ```
fn positive(low: &Decimal, high: &Decimal) -> String {
    let whole = whole(low).max(whole(high)).max(1);
    let fraction = fraction(low).max(fraction(high));
    let (low, high) = (
        aligned(low, whole, fraction),
        aligned(high, whole, fraction),
    );
    let mut digits = Vec::new();
    let mut pairs = low.into_iter().zip(high);
    for (a, b) in pairs.by_ref() {
        if a == b {
            digits.push(a);
            continue;
        }
        let (low, high): (Vec<u8>, Vec<u8>) = pairs.unzip();
        if b.abs_diff(a) > 1 {
            digits.push(a.midpoint(b));
        } else if high.iter().any(|digit| *digit > 0) {
            digits.push(b);
        } else {
            digits.push(a);
            // The first digit that can be raised, and raised half of the way.
            let nines = low.iter().take_while(|digit| **digit == 9).count();
            digits.extend(std::iter::repeat_n(9, nines));
            let next = low.get(nines).copied().unwrap_or_default();
            digits.push(next.saturating_add(10).div_ceil(2).min(9));
        }
        break;
    }
    written(&digits, whole)
}

/// How many digits stand before the point.
fn whole(number: &Decimal) -> usize {
    usize::try_from(number.exponent()).unwrap_or_default()
}

/// How many digits stand behind the point.
fn fraction(number: &Decimal) -> usize {
    let digits = i64::try_from(number.digits().len()).unwrap_or(i64::MAX);
    let behind = digits.saturating_sub(number.exponent());
    usize::try_from(behind).unwrap_or_default()
}

/// So many digits before and behind the point.
fn aligned(number: &Decimal, whole: usize, fraction: usize) -> Vec<u8> {
    let length = whole.saturating_add(fraction);
    let exponent = usize::try_from(number.exponent().max(0)).unwrap_or_default();
    let behind = usize::try_from(number.exponent().min(0).unsigned_abs()).unwrap_or_default();
    let leading = whole.saturating_sub(exponent).saturating_add(behind);
    let digits = number.digits().bytes();
    let digits = digits.map(|digit| digit.saturating_sub(b'0'));
    let zeros = std::iter::repeat_n(0, leading);
    let mut all: Vec<u8> = zeros.chain(digits).collect();
    all.resize(length.max(all.len()), 0);
    all
}

/// The digits with a point behind the first `whole` of them.
fn written(digits: &[u8], whole: usize) -> String {
    let letter = |digit: &u8| char::from(b'0'.saturating_add(*digit));
    let mut all: String = digits.iter().map(letter).collect();
    while all.len() < whole {
        all.push('0');
    }
    let (before, behind) = all.split_at_checked(whole).unwrap_or((&all, ""));
    let before = match before.trim_start_matches('0') {
        "" => "0",
        before => before,
    };
    match behind.trim_end_matches('0') {
        "" => before.into(),
        behind => format!("{before}.{behind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn finds_short_numbers() {
        for (low, high, expected) in [
            ("500", "1000.00", "800"),
            ("0", "1", "0.5"),
            ("0.1", "0.2", "0.15"),
            ("1", "2.5", "2"),
            ("-1", "1", "0"),
            ("-1", "0", "-0.5"),
            ("-1000", "-500", "-800"),
            ("999.99", "1000", "999.995"),
            ("0.99", "1", "0.995"),
            ("5", "500", "200"),
            ("0.001", "0.0011", "0.00105"),
        ] {
            assert_eq!(
                between(&decimal(low), &decimal(high)),
                expected,
                "{low} {high}"
            );
        }
        assert_eq!(above(&decimal("1000.00")), "10000");
        assert_eq!(above(&decimal("0.5")), "10");
        assert_eq!(above(&decimal("-3")), "0");
        assert_eq!(below(&decimal("3")), "0");
        assert_eq!(below(&decimal("0")), "-10");
        assert_eq!(below(&decimal("-25")), "-100");
    }

    proptest! {
        #[test]
        fn lies_where_it_should(
            a in "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,6})?",
            b in "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,6})?",
        ) {
            let (a, b) = (decimal(&a), decimal(&b));
            prop_assert!(decimal(&below(&a)) < a);
            prop_assert!(decimal(&above(&a)) > a);
            prop_assume!(a != b);
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let text = between(&low, &high);
            let middle = decimal(&text);
            prop_assert!(low < middle && middle < high, "{:?} {} {:?}", low, text, high);
        }

        #[test]
        fn lies_between_neighbours(digits in "[0-9]{1,8}", nines in "9{0,8}") {
            // The same beginning, and as near as it gets.
            let low = decimal(&format!("1{digits}{nines}"));
            let high: u128 = format!("1{digits}{nines}").parse().unwrap();
            let high = decimal(&(high + 1).to_string());
            let middle = decimal(&between(&low, &high));
            prop_assert!(low < middle && middle < high);
        }
    }
}
