//! ECDSA signatures as WebAuthn carries them: DER, in the one form that it has for two numbers.
//!
//! ```text
//! 30 len 02 len r 02 len s          Ecdsa-Sig-Value, RFC 3279 §2.2.3
//! ```
//!
//! A length is one byte below 80, or 81 and one byte from 80 up. A number is positive, without zero
//! bytes in front beyond the one that keeps its first bit clear. Nothing follows.

/// r and s of a signature, each big-endian in `N` bytes. Whether they are in the range of the curve
/// is not asked here.
pub(super) fn read<const N: usize>(signature: &[u8]) -> Option<([u8; N], [u8; N])> {
    let (both, rest) = value(0x30, signature)?;
    let (r, both) = value(0x02, both)?;
    let (s, both) = value(0x02, both)?;
    (rest.is_empty() && both.is_empty()).then_some((number(r)?, number(s)?))
}

/// The value of an element with this tag, and what follows the element.
fn value(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.strip_prefix(&[tag])?;
    let (length, rest) = match bytes {
        [length @ 0..=0x7f, rest @ ..] => (length, rest),
        [0x81, length @ 0x80..=0xff, rest @ ..] => (length, rest),
        _ => return None,
    };
    rest.split_at_checked(usize::from(*length))
}

/// A positive INTEGER, with as many zeros in front as are missing.
fn number<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let digits = match bytes {
        [0, digits @ ..] if matches!(digits, [0x80..=0xff, ..]) => digits,
        [1..=0x7f, ..] | [0] => bytes,
        _ => return None,
    };
    let mut number = [0; N];
    let start = N.checked_sub(digits.len())?;
    number.get_mut(start..)?.copy_from_slice(digits);
    Some(number)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn every_number_has_one_form() {
        for (number, form) in [
            ("0200", None),
            ("020100", Some("0000")),
            ("020101", Some("0001")),
            ("02017f", Some("007f")),
            ("020180", None),
            ("02020080", Some("0080")),
            ("0202007f", None),
            ("020200", None),
            ("02020000", None),
            ("02027fff", Some("7fff")),
            ("0202ffff", None),
            ("020300ffff", Some("ffff")),
            ("0203010000", None),
            ("02820001ff", None),
            ("02810101", None),
            ("0301ff", None),
        ] {
            let number = crate::encoding::from_hex(number).unwrap();
            for both in [
                [&number[..], &[2, 1, 1]].concat(),
                [&[2, 1, 1], &number[..]].concat(),
            ] {
                let length = u8::try_from(both.len()).unwrap();
                let found = read::<2>(&[&[0x30, length], &both[..]].concat());
                let expected = form.map(|form| crate::encoding::from_hex(form).unwrap());
                let other = Vec::from([0, 1]);
                match expected {
                    None => assert_eq!(found, None, "{both:02x?}"),
                    Some(expected) => {
                        let (r, s) = found.unwrap();
                        let (r, s) = (r.to_vec(), s.to_vec());
                        assert!((r == expected && s == other) || (r == other && s == expected));
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_cut_off_or_follows() {
        let good = [0x30, 6, 2, 1, 1, 2, 1, 2];
        assert_eq!(read(&good), Some(([1], [2])));
        for end in 0..good.len() {
            assert_eq!(read::<1>(&good[..end]), None);
        }
        for bad in [
            &[0x30, 6, 2, 1, 1, 2, 1, 2, 0][..],
            &[0x30, 7, 2, 1, 1, 2, 1, 2, 0],
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 2],
            &[0x30, 0x80, 2, 1, 1, 2, 1, 2, 0, 0],
            &[0x31, 6, 2, 1, 1, 2, 1, 2],
        ] {
            assert_eq!(read::<1>(bad), None, "{bad:02x?}");
        }
        // Numbers of ES512 need lengths above 7f, which take one more byte.
        let long = |length: &[u8], digits: u8| {
            let number = [2, digits].into_iter();
            let number: Vec<u8> = number.chain((0..digits).map(|_| 1)).collect();
            read::<66>(&[&[0x30], length, &number, &number].concat())
        };
        assert!(long(&[0x81, 136], 66).is_some());
        assert!(long(&[0x81, 128], 62).is_some());
        assert!(long(&[0x80], 62).is_none());
        assert!(long(&[0x82, 0, 128], 62).is_none());
    }
}
