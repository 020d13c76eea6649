//! How RFC 8785 writes numbers (§3.2.2.3, which is ECMAScript's `Number::toString`).

use crate::decimal::Decimal;

/// The one text for the double that is nearest to a JSON number; `None` if it is too large for one.
pub fn canonical(token: &str) -> Option<String> {
    let double: f64 = token.parse().ok()?;
    if !double.is_finite() {
        return None;
    }
    if double == 0.0 {
        return Some("0".into());
    }
    let sign = if double < 0.0 { "-" } else { "" };
    // The fewest digits that read back, one of them before the point: "1.2345e-7".
    let shortest = format!("{:e}", double.abs());
    let (mantissa, power) = shortest.split_once('e')?;
    let power: i32 = power.parse().ok()?;
    let digits = even(mantissa.replace('.', ""), power, double.abs());
    // The value is 0.digits × 10^point.
    let point = power.checked_add(1)?;
    let count = i32::try_from(digits.len()).ok()?;
    let zeros = |number: i32| "0".repeat(usize::try_from(number).unwrap_or_default());
    let text = match point {
        // 123000
        1..=21 if count <= point => digits + &zeros(point.checked_sub(count)?),
        // 12.3
        1..=21 => {
            let (whole, fraction) = digits.split_at_checked(usize::try_from(point).ok()?)?;
            format!("{whole}.{fraction}")
        }
        // 0.00000123
        -5..=0 => format!("0.{}{digits}", zeros(point.checked_neg()?)),
        // 1.23e+21, 1e-7
        _ => {
            let plus = if power > 0 { "+" } else { "" };
            let (first, rest) = digits.split_at_checked(1)?;
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{first}{dot}{rest}e{plus}{power}")
        }
    };
    Some(format!("{sign}{text}"))
}

/// The digits, or those whose last is even where two are equally near to the double, which is the
/// middle between them. ECMAScript takes the even one then, and the standard library need not.
fn even(digits: String, power: i32, double: f64) -> String {
    let number = |digits: &str| {
        let (first, rest) = digits.split_at_checked(1)?;
        Some(format!("{first}.{rest}0e{power}"))
    };
    let mut start = digits.clone();
    let last = start.pop().and_then(|last| last.to_digit(10));
    let Some(last) = last.filter(|last| last % 2 == 1) else {
        return digits;
    };
    // No double has more digits than this, so what is written is the double itself.
    let exact = Decimal::parse(&format!("{double:.800e}"));
    let lower = last.saturating_sub(1);
    let upper = last.saturating_add(1);
    for (below, neighbour) in [(lower, lower), (last, upper)] {
        let middle = number(&format!("{start}{below}5"));
        let other = format!("{start}{neighbour}");
        let same = number(&other).and_then(|text| text.parse().ok()) == Some(double);
        if neighbour < 10 && same && middle.as_deref().and_then(Decimal::parse) == exact {
            return other;
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_the_samples_of_rfc_8785() {
        // Appendix B.
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            // 17 digits name every double.
            let token = format!("{:.16e}", f64::from_bits(bits));
            assert_eq!(canonical(&token).as_deref(), Some(expected), "{token}");
            assert_eq!(canonical(expected).as_deref(), Some(expected));
        }
    }

    #[test]
    fn there_is_no_text_for_what_is_too_large() {
        assert_eq!(canonical("1e400"), None);
        assert_eq!(canonical("-1e400"), None);
        assert_eq!(canonical("1e-400").as_deref(), Some("0"));
    }

    proptest! {
        #[test]
        fn of_two_texts_that_are_equally_near_the_even_one_is_taken(
            whole in (1_u64 << 50)..(1_u64 << 51),
        ) {
            // Doubles are a quarter apart here: one digit behind the point tells them apart.
            for (quarter, digit) in [("25", "2"), ("75", "8"), ("5", "5")] {
                let text = canonical(&format!("{whole}.{quarter}"));
                prop_assert_eq!(text, Some(format!("{whole}.{digit}")));
            }
        }

        #[test]
        fn reads_back_as_the_same_double(bits in any::<u64>()) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            let text = canonical(&format!("{double:e}")).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap(), double);
            prop_assert_eq!(canonical(&text), Some(text));
        }
    }
}
