//! Signatures that do not verify, and some that are not even signatures.

use rsa::traits::PublicKeyParts as _;

use super::{File, Scene};
use crate::encoding::{flip, sha256};
use crate::{Algorithm, Assertion, Passkey};

pub(super) fn rows(file: &mut File) {
    for algorithm in Algorithm::ALL {
        let scene = Scene::new(algorithm);
        let name = algorithm.name();
        let good = scene.assertion();
        let mut rows: Vec<(&str, Vec<u8>)> = vec![
            ("empty", vec![]),
            ("a bit flipped", flip(good.signature.clone())),
            ("a byte at the end", [&good.signature[..], &[0]].concat()),
            (
                "the last byte missing",
                good.signature[..good.signature.len() - 1].to_vec(),
            ),
            ("over other bytes", scene.passkey.sign(b"other bytes")),
            (
                "over the hash of the client data alone",
                scene.passkey.sign(&sha256(&good.client_data_json)),
            ),
            (
                "over the authenticator data alone",
                scene.passkey.sign(&good.authenticator_data),
            ),
        ];
        if algorithm == Algorithm::EdDsa {
            let (r, s) = good.signature.split_at(32);
            rows.push(("S not reduced", [r, &plus_group_order(s)].concat()));
        }
        if algorithm == Algorithm::Rs256 {
            let key = rsa_public_key(&good.public_key);
            rows.push(("the modulus itself", key.n_bytes().to_vec()));
            rows.push(("one", [vec![0; 255], vec![1]].concat()));
        }
        for (what, signature) in rows {
            let assertion = Assertion {
                signature,
                ..good.clone()
            };
            file.invalid(
                format!("signature, {name}: {what}"),
                scene.input_of(&assertion),
                "webauthn.bad_signature",
            );
        }
        let mut assertion = good.clone();
        assertion.authenticator_data[36] ^= 1;
        file.invalid(
            format!("signature, {name}: the counter was changed"),
            scene.input_of(&assertion),
            "webauthn.bad_signature",
        );
        let mut assertion = good.clone();
        assertion.client_data_json.push(b' ');
        file.invalid(
            format!("signature, {name}: a space was added to the client data"),
            scene.input_of(&assertion),
            "webauthn.bad_signature",
        );
    }
    ecdsa_signatures(file);

    let other = Passkey::new(Algorithm::Es256, "somebody else");
    let scene = Scene::new(Algorithm::Es256);
    let mut assertion = scene.assertion();
    assertion.public_key = other.public_key;
    file.invalid(
        "signature: by another key",
        scene.input_of(&assertion),
        "webauthn.bad_signature",
    );
}

fn ecdsa_signatures(file: &mut File) {
    let scene = Scene::new(Algorithm::Es256);
    let good = scene.assertion();
    let signature = p256::ecdsa::Signature::from_der(&good.signature).unwrap();
    let (r, s) = signature.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
    let with = |signature: &[u8]| {
        scene.input_of(&Assertion {
            signature: signature.to_vec(),
            ..good.clone()
        })
    };
    file.valid(
        "signature: n - s instead of s, which is as good",
        with(other.to_der().as_bytes()),
    );
    let raw = signature.to_bytes();
    let (r, s) = raw.split_at(32);
    // The order of P-256.
    let n = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (r, s) = (unsigned(r), unsigned(s));
    let long_form = {
        let mut der = sequence(&[integer(&r), integer(&s)].concat());
        let length = der[1];
        der.splice(1..2, [0x81, length]);
        der
    };
    let rows: Vec<(&str, Vec<u8>)> = vec![
        (
            "r = s = 0",
            sequence(&[integer(&[0]), integer(&[0])].concat()),
        ),
        ("r = 0", sequence(&[integer(&[0]), integer(&s)].concat())),
        ("s = 0", sequence(&[integer(&r), integer(&[0])].concat())),
        (
            "r = n",
            sequence(&[integer(&unsigned(&n)), integer(&s)].concat()),
        ),
        (
            "s = n",
            sequence(&[integer(&r), integer(&unsigned(&n))].concat()),
        ),
        (
            "r negative",
            sequence(&[integer(&[0xff]), integer(&s)].concat()),
        ),
        (
            "a leading zero",
            sequence(&[integer(&[&[0, 0], &r[..]].concat()), integer(&s)].concat()),
        ),
        (
            "r of 33 bytes",
            sequence(&[integer(&[1; 33]), integer(&s)].concat()),
        ),
        ("length in the long form", long_form),
        ("r and s without DER", raw.to_vec()),
        (
            "three numbers",
            sequence(&[integer(&r), integer(&s), integer(&[1])].concat()),
        ),
        ("a set instead of a sequence", {
            let mut der = good.signature.clone();
            der[0] = 0x31;
            der
        }),
    ];
    for (name, signature) in rows {
        file.invalid(
            format!("signature, DER: {name}"),
            with(&signature),
            "webauthn.bad_signature",
        );
    }
}

fn rsa_public_key(cose: &[u8]) -> rsa::RsaPublicKey {
    let n = rsa::BoxedUint::from_be_slice(&cose[11..267], 2048).unwrap();
    rsa::RsaPublicKey::new(n, rsa::BoxedUint::from(65537_u64)).unwrap()
}

/// `s + L`, where L is the order of the group of Ed25519, both little-endian.
fn plus_group_order(s: &[u8]) -> Vec<u8> {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    s.iter()
        .zip(L)
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(b) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect()
}

pub(super) fn sequence(content: &[u8]) -> Vec<u8> {
    [&[0x30, content.len().try_into().unwrap()], content].concat()
}

pub(super) fn integer(content: &[u8]) -> Vec<u8> {
    [&[0x02, content.len().try_into().unwrap()], content].concat()
}

/// The content of a DER INTEGER for a big-endian number.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(0);
    let digits = &number[start..];
    match digits[0] {
        0x80.. => [&[0], digits].concat(),
        _ => digits.to_vec(),
    }
}
