//! Keys and signatures that only arithmetic finds: a verifier that reduces, or leaves out a
//! comparison, accepts them.

use num_bigint::BigUint;

use super::signatures::{integer, sequence};
use super::{File, Scene};
use crate::passkey::cose;
use crate::{Algorithm, Assertion};

const BAD_KEY: &str = "webauthn.bad_key";
const BAD_SIGNATURE: &str = "webauthn.bad_signature";

pub(super) fn rows(file: &mut File) {
    small_r(file);
    without_leading_zeros(file);
    not_reduced(file);
    larger_coordinates(file);
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
}

/// Big-endian, filled up with zeros.
fn bytes(number: &BigUint, size: usize) -> Vec<u8> {
    let digits = number.to_bytes_be();
    [vec![0; size - digits.len()], digits].concat()
}

/// With an R of small order, here the identity, S = k·a fits every message without the cofactor,
/// too: whoever holds the key can make signatures whose R says nothing.
fn small_r(file: &mut File) {
    let scene = Scene::new(Algorithm::EdDsa);
    let good = scene.assertion();
    let mut identity = [0; 32];
    identity[0] = 1;
    let message = [
        &good.authenticator_data[..],
        &crate::encoding::sha256(&good.client_data_json),
    ]
    .concat();
    let signature = scene.passkey.sign_with_r(&identity, &message);
    file.invalid(
        "signature, EdDSA: R is the identity, and S fits it",
        scene.input_of(&Assertion { signature, ..good }),
        BAD_SIGNATURE,
    );
}

/// An `r` and an `s` whose highest bits are set are negative without a zero byte in front.
fn without_leading_zeros(file: &mut File) {
    let (scene, good, raw) = (0..)
        .map(|count| {
            let mut scene = Scene::new(Algorithm::Es256);
            scene.ceremony.sign_count = count;
            let good = scene.assertion();
            let signature = p256::ecdsa::Signature::from_der(&good.signature).unwrap();
            (scene, good, signature.to_bytes())
        })
        .find(|(_, _, raw)| raw[0] >= 0x80 && raw[32] >= 0x80)
        .unwrap();
    let (r, s) = raw.split_at(32);
    file.valid(
        "signature, DER: r and s with their highest bits",
        scene.input_of(&good),
    );
    for (name, r, s) in [
        ("r", integer(r), integer(&[&[0], s].concat())),
        ("s", integer(&[&[0], r].concat()), integer(s)),
        ("r and s", integer(r), integer(s)),
    ] {
        let signature = sequence(&[r, s].concat());
        let assertion = Assertion {
            signature,
            ..good.clone()
        };
        file.invalid(
            format!("signature, DER: {name} without the zero byte in front"),
            scene.input_of(&assertion),
            BAD_SIGNATURE,
        );
    }
}

/// `s + n` is the same number modulo n.
fn not_reduced(file: &mut File) {
    let (scene, good, sum) = (0..)
        .map(|count| {
            let mut scene = Scene::new(Algorithm::Rs256);
            scene.ceremony.sign_count = count;
            let good = scene.assertion();
            let n = BigUint::from_bytes_be(&good.public_key[11..267]);
            let sum = BigUint::from_bytes_be(&good.signature) + n;
            (scene, good, sum)
        })
        .find(|(_, _, sum)| sum.bits() <= 2048)
        .unwrap();
    let rows = [
        ("s + n in place of s", bytes(&sum, 256)),
        ("a zero byte in front", [&[0], &good.signature[..]].concat()),
    ];
    for (name, signature) in rows {
        let assertion = Assertion {
            signature,
            ..good.clone()
        };
        file.invalid(
            format!("signature, RS256: {name}"),
            scene.input_of(&assertion),
            BAD_SIGNATURE,
        );
    }
}

/// `x + p` and `y + p` name the same point modulo p.
fn larger_coordinates(file: &mut File) {
    // P-521: coordinates have 528 bits, so every one has room.
    let scene = Scene::new(Algorithm::Es512);
    let good = scene.assertion();
    let p521 = (BigUint::from(1_u32) << 521) - 1_u32;
    let (x, y) = (&good.public_key[14..80], &good.public_key[83..149 - 3]);
    let (x, y) = (BigUint::from_bytes_be(x), BigUint::from_bytes_be(y));
    for (name, x, y) in [
        ("x + p", &x + &p521, y.clone()),
        ("y + p", x.clone(), &y + &p521),
    ] {
        let public_key = cose::ec2(-36, 3, &bytes(&x, 66), &bytes(&y, 66));
        let assertion = Assertion {
            public_key,
            ..good.clone()
        };
        file.invalid(
            format!("key: ES512, {name}"),
            scene.input_of(&assertion),
            BAD_KEY,
        );
    }
    // The others: a point with a small x. Nobody knows a secret for it.
    for (algorithm, alg, crv, size, p, b) in [
        (
            Algorithm::Es256,
            -7,
            1,
            32,
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
        ),
        (
            Algorithm::Es384,
            -35,
            2,
            48,
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
             ffffffff0000000000000000ffffffff",
            "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a\
             c656398d8a2ed19d2a85c8edd3ec2aef",
        ),
    ] {
        let p = number(p);
        let (x, y) = small_point(&p, &number(b));
        let scene = Scene::new(algorithm);
        let good = scene.assertion();
        for (name, x, code) in [
            ("a small x", x.clone(), BAD_SIGNATURE),
            ("a small x, plus p", x + &p, BAD_KEY),
        ] {
            let public_key = cose::ec2(alg, crv, &bytes(&x, size), &bytes(&y, size));
            let assertion = Assertion {
                public_key,
                ..good.clone()
            };
            file.invalid(
                format!("key: {}, {name}", algorithm.name()),
                scene.input_of(&assertion),
                code,
            );
        }
    }
}

/// The point of `y² = x³ − 3x + b` with the smallest x above 1. `p` is 3 modulo 4, so a square
/// root is a power.
fn small_point(p: &BigUint, b: &BigUint) -> (BigUint, BigUint) {
    (2_u32..)
        .map(BigUint::from)
        .find_map(|x| {
            let square = (x.pow(3) + b + p * 3_u32 - &x * 3_u32) % p;
            let y = square.modpow(&((p + 1_u32) >> 2), p);
            (y.modpow(&2_u32.into(), p) == square).then_some((x, y))
        })
        .unwrap()
}
