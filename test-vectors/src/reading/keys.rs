//! Sound keys, and the signatures under them (docs/spec/webauthn.md).

use num_bigint::BigUint;
use p256::ecdsa::signature::Verifier as _;

use super::cbor::{self, Cbor};
use crate::encoding::sha256;

/// A key in the one form of its algorithm.
pub(super) enum Key {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Rsa(BigUint, usize),
}

impl Key {
    pub(super) fn read(cose: &[u8]) -> Result<Self, &'static str> {
        if let Some(key) = Self::known(&identity(cose)) {
            return key.ok_or("webauthn.bad_key");
        }
        // No form of the nine. Which of the two codes it is depends on `alg` alone.
        match cbor::read(cose) {
            Some(Cbor::Map(members)) => {
                let alg = members.iter().find(|(key, _)| key.as_slice() == [3]);
                match alg {
                    Some((_, Cbor::Integer(alg))) if !is_known(alg) => {
                        Err("webauthn.unsupported_algorithm")
                    }
                    _ => Err("webauthn.bad_key"),
                }
            }
            _ => Err("webauthn.bad_key"),
        }
    }

    /// The outer `None`: not one of the five forms. The inner one: not sound.
    fn known(cose: &[u8]) -> Option<Option<Self>> {
        let point = |head: &[u8], between: &[u8], size: usize| {
            let rest = cose.strip_prefix(head)?;
            let (x, rest) = rest.split_at_checked(size)?;
            let y = rest.strip_prefix(between)?;
            (y.len() == size).then(|| [&[4], x, y].concat())
        };
        let es256 = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20";
        if let Some(point) = point(es256, b"\x22\x58\x20", 32) {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            return Some(key.ok().map(Self::P256));
        }
        let es384 = b"\xa5\x01\x02\x03\x38\x22\x20\x02\x21\x58\x30";
        if let Some(point) = point(es384, b"\x22\x58\x30", 48) {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            return Some(key.ok().map(Self::P384));
        }
        let es512 = b"\xa5\x01\x02\x03\x38\x23\x20\x03\x21\x58\x42";
        if let Some(point) = point(es512, b"\x22\x58\x42", 66) {
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            return Some(key.ok().map(Self::P521));
        }
        let eddsa = b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20";
        if let Some(key) = cose.strip_prefix(eddsa)
            && let Ok(key) = <&[u8; 32]>::try_from(key)
        {
            return Some(ed25519(key).map(Self::Ed25519));
        }
        let rs256 = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59";
        let rest = cose.strip_prefix(rs256)?;
        let (length, rest) = rest.split_at_checked(2)?;
        let length = usize::from(length[0]) << 8 | usize::from(length[1]);
        let (n, e) = rest.split_at_checked(length)?;
        (e == b"\x21\x43\x01\x00\x01").then_some(())?;
        let number = BigUint::from_bytes_be(n);
        let sound =
            (2048..=8192).contains(&number.bits()) && n.first() != Some(&0) && number.bit(0);
        Some(sound.then_some(Self::Rsa(number, length)))
    }

    /// Whether the signature over `message` verifies.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => verify_ed25519(key, message, signature),
            Self::P256(key) => scalars(signature, 32)
                .and_then(|(r, s)| {
                    let r: [u8; 32] = r.try_into().ok()?;
                    let s: [u8; 32] = s.try_into().ok()?;
                    p256::ecdsa::Signature::from_scalars(r, s).ok()
                })
                .is_some_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => scalars(signature, 48)
                .and_then(|(r, s)| {
                    let r: [u8; 48] = r.try_into().ok()?;
                    let s: [u8; 48] = s.try_into().ok()?;
                    p384::ecdsa::Signature::from_scalars(r, s).ok()
                })
                .is_some_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P521(key) => scalars(signature, 66)
                .and_then(|(r, s)| {
                    let r: [u8; 66] = r.try_into().ok()?;
                    let s: [u8; 66] = s.try_into().ok()?;
                    p521::ecdsa::Signature::from_scalars(r, s).ok()
                })
                .is_some_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Rsa(n, length) => {
                let number = BigUint::from_bytes_be(signature);
                signature.len() == *length
                    && number < *n
                    && number.modpow(&65537_u32.into(), n)
                        == BigUint::from_bytes_be(&emsa(message, *length))
            }
        }
    }
}

/// The heads of keys under the second number of their algorithm (RFC 9864), and under the first.
const NUMBERS: [[&[u8]; 2]; 4] = [
    [b"\xa5\x01\x02\x03\x28", b"\xa5\x01\x02\x03\x26"],
    [b"\xa5\x01\x02\x03\x38\x32", b"\xa5\x01\x02\x03\x38\x22"],
    [b"\xa5\x01\x02\x03\x38\x33", b"\xa5\x01\x02\x03\x38\x23"],
    [b"\xa4\x01\x01\x03\x32", b"\xa4\x01\x01\x03\x27"],
];

/// The key under the first number of its algorithm.
pub(super) fn identity(cose: &[u8]) -> Vec<u8> {
    for [second, first] in NUMBERS {
        if let Some(rest) = cose.strip_prefix(second) {
            return [first, rest].concat();
        }
    }
    cose.to_vec()
}

/// −7, −35, −36, −8, and their second numbers; −257.
fn is_known(alg: &[u8]) -> bool {
    alg == b"\x39\x01\x00" || NUMBERS.iter().flatten().any(|head| head[4..] == *alg)
}

/// EMSA-PKCS1-v1_5 for SHA-256.
fn emsa(message: &[u8], length: usize) -> Vec<u8> {
    let info = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let tail = [&[0], &info[..], &sha256(message)].concat();
    [&[0, 1], &vec![0xff; length - 2 - tail.len()][..], &tail].concat()
}

/// The key, if its encoding is canonical and its point not of small order.
pub(super) fn ed25519(bytes: &[u8; 32]) -> Option<ed25519_dalek::VerifyingKey> {
    let mut y = *bytes;
    y[31] &= 0x7f;
    // The field prime, 2^255 − 19.
    let p = (BigUint::from(1_u32) << 255) - 19_u32;
    (BigUint::from_bytes_le(&y) < p && !is_small(bytes)).then_some(())?;
    ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()
}

pub(super) fn verify_ed25519(
    key: &ed25519_dalek::VerifyingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
        return false;
    };
    !is_small(signature.r_bytes()) && key.verify_strict(message, &signature).is_ok()
}

/// The table of docs/spec/webauthn.md.
fn is_small(point: &[u8; 32]) -> bool {
    const SMALL: [&str; 5] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let mut point = *point;
    point[31] &= 0x7f;
    SMALL.contains(&crate::encoding::hex(&point).as_str())
}

/// `r` and `s` of `SEQUENCE { r INTEGER, s INTEGER }` in strict DER, each in `size` bytes.
fn scalars(der: &[u8], size: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let (content, rest) = tagged(der, 0x30)?;
    let (r, content) = tagged(content, 0x02)?;
    let (s, content) = tagged(content, 0x02)?;
    (rest.is_empty() && content.is_empty()).then_some(())?;
    Some((unsigned(r, size)?, unsigned(s, size)?))
}

/// The content of an element with this tag, its length in as few bytes as possible.
fn tagged(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn unsigned(integer: &[u8], size: usize) -> Option<Vec<u8>> {
    let digits = match integer {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => return None,
        [0, rest @ ..] => rest,
        all => all,
    };
    let padding = size.checked_sub(digits.len())?;
    Some([&vec![0; padding][..], digits].concat())
}
