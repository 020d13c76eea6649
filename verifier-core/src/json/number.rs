//! Which numbers have one spelling only.

use alloc::format;
use alloc::string::String;

/// Whether RFC 8785 §3.2.2.3 would print the double that `token` names as `token`, and that
/// double is exactly the number that the token says. Readers that keep decimals and readers that
/// keep doubles agree about such a number.
pub(super) fn is_canonical_number(token: &str) -> bool {
    match token.parse::<f64>() {
        Ok(value) if value.is_finite() => ecmascript_number(value) == token && is_dyadic(token),
        _ => false,
    }
}

/// Whether a canonical token is an integer below 2^53 times a power of two.
fn is_dyadic(token: &str) -> bool {
    let (mantissa, exponent) = token.split_once('e').unwrap_or((token, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.trim_start_matches('-'), fraction].concat();
    let shift = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let (Ok(mut number), Ok(exponent)) = (digits.parse::<u128>(), exponent.parse::<i64>()) else {
        return false;
    };
    // number × 10^tens; powers of two are free, so only the powers of five are left.
    let mut tens = exponent.saturating_sub(shift);
    while tens > 0 {
        match number.checked_mul(5) {
            Some(more) => number = more,
            None => return false,
        }
        number >>= number.trailing_zeros().min(127);
        tens -= 1;
    }
    while tens < 0 {
        if number % 5 != 0 {
            return false;
        }
        number /= 5;
        tens += 1;
    }
    number == 0 || number >> number.trailing_zeros() < 1 << 53
}

/// ECMAScript's Number::toString. Rust prints the same shortest digits; only the layout differs.
fn ecmascript_number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    // The decimal point stands after this many digits.
    let point = exponent + 1;
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    let plain = if count <= point && point <= 21 {
        digits.clone() + &zeros(point - count)
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = split(point);
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{dot}{rest}e{sign}{}", exponent.abs())
    };
    if value < 0.0 {
        format!("-{plain}")
    } else {
        plain
    }
}
