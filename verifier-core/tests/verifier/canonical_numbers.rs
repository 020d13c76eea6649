//! Canonical number tokens against the machine's doubles. The core decides about them in integers.

#![allow(clippy::unwrap_used)] // these are tests

use proptest::prelude::*;
use verifier_core::hazmat::json::{Limits, Value};

fn is_canonical(token: &str) -> bool {
    let value = Value::parse(token.as_bytes(), Limits::bytes(4096)).unwrap();
    value.to_canonical().is_some()
}

/// The rule word by word: ECMAScript prints the double so, and it is that number.
fn by_doubles(token: &str) -> bool {
    let value: f64 = token.parse().unwrap();
    value.is_finite() && ecmascript(value) == token && plain(token) == exactly(value)
}

/// ECMAScript's Number::toString. Rust prints the same shortest digits; only the layout differs.
fn ecmascript(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap();
    let (first, rest) = digits.split_at(1);
    let sign = if value < 0.0 { "-" } else { "" };
    sign.to_owned()
        + &match exponent {
            -6..=20 => plain(&scientific),
            _ if rest.is_empty() => format!("{first}e{exponent:+}"),
            _ => format!("{first}.{rest}e{exponent:+}"),
        }
}

/// All digits of a double: the last place of the smallest one is the 1074th.
fn exactly(value: f64) -> String {
    let text = format!("{value:.1074}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A token without exponent and without zeros that say nothing.
fn plain(token: &str) -> String {
    let (mantissa, exponent) = token.split_once('e').unwrap_or((token, "0"));
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().unwrap();
    let zeros = "0".repeat(usize::try_from(exponent.abs()).unwrap());
    let point = i32::try_from(zeros.len() + whole.len()).unwrap() + exponent;
    let digits = format!("{zeros}{whole}{fraction}{zeros}");
    let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap());
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let text = format!("{sign}{whole}.{fraction}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn agrees(token: &str) {
    assert_eq!(is_canonical(token), by_doubles(token), "{token}");
}

/// A double in three spellings, and the same with its last digit changed.
fn around(value: f64) {
    let shortest = ecmascript(value);
    agrees(&shortest);
    agrees(&format!("{value:e}"));
    agrees(&format!("{value}"));
    let end = shortest.find('e').unwrap_or(shortest.len());
    for digit in '0'..='9' {
        let mut near = shortest.clone();
        near.replace_range(end - 1..end, &digit.to_string());
        agrees(&near);
    }
}

#[test]
fn powers_of_two_and_their_neighbours() {
    let mut canonical = 0;
    for exponent in -90..=90 {
        for odd in [
            1.0,
            3.0,
            5.0,
            4_503_599_627_370_497.0,
            9_007_199_254_740_991.0,
        ] {
            let value: f64 = odd * 2_f64.powi(exponent);
            for value in [value, value.next_up(), value.next_down(), -value] {
                around(value);
                canonical += u32::from(is_canonical(&ecmascript(value)));
            }
        }
    }
    assert!(canonical > 500, "{canonical}");
}

#[test]
fn round_decimals() {
    for exponent in -30..=30 {
        (1..100_u32).for_each(|digits| around(format!("{digits}e{exponent}").parse().unwrap()));
    }
}

#[test]
fn the_ends_of_the_range() {
    for value in [0.0, f64::MIN_POSITIVE, f64::MAX, 5e-324] {
        around(value);
    }
    for token in [
        "-0",
        "0.0",
        "0e0",
        "1e400",
        "1e-400",
        "1e99999999999",
        "1e-99999999999",
    ] {
        assert!(!is_canonical(token), "{token}");
    }
}

#[test]
fn integers_where_doubles_thin_out() {
    for start in [
        999_999_999_999_900,
        (1_u64 << 53) - 100,
        (1 << 54) - 100,
        (1 << 55) - 200,
        (1 << 56) - 400,
        99_999_999_999_999_800,
    ] {
        (start..start + 1000).for_each(|integer| agrees(&integer.to_string()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_double(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        around(value);
    }

    #[test]
    fn doubles_with_few_binary_places(number in 0_u32.., places in 0_i32..56) {
        around(f64::from(number) * 2_f64.powi(-places));
    }

    #[test]
    fn any_spelling(token in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?(e[+-]?[0-9]{1,3})?") {
        agrees(&token);
    }
}
