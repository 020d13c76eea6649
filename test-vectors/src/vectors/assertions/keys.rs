//! Keys that nobody should verify with.

use super::{File, Scene};
use crate::encoding::flip;
use crate::passkey::cose;
use crate::{Algorithm, Passkey};

/// Keys that nobody should verify with. The signature is by the real key wherever there is one.
pub(super) fn rows(file: &mut File) {
    use Algorithm::{EdDsa, Es256, Rs256};

    let es256 = Passkey::new(Es256, "assertion").public_key;
    let (x, y) = (&es256[10..42], &es256[45..77]);
    let ed25519 = Passkey::new(EdDsa, "assertion").public_key[10..].to_vec();
    let rsa = Passkey::new(Rs256, "assertion").public_key;
    let n = &rsa[11..267];
    let mut identity = vec![0; 32];
    identity[0] = 1;
    // y = p + 3: another encoding of y = 3.
    let mut non_canonical = vec![0xff; 32];
    non_canonical[0] = 0xf0;
    non_canonical[31] = 0x7f;
    let (int, bytes, map) = (cose::int, cose::bytes, cose::map);
    let ec2 = |alg: Vec<u8>, crv: Vec<u8>| {
        map(&[
            (1, int(2)),
            (3, alg),
            (-1, crv),
            (-2, bytes(x)),
            (-3, bytes(y)),
        ])
    };

    let bad = "webauthn.bad_key";
    let unsupported = "webauthn.unsupported_algorithm";
    let rows: Vec<(&str, Algorithm, Vec<u8>, &str)> = vec![
        ("empty", Es256, vec![], bad),
        ("no CBOR", Es256, b"not a key".to_vec(), bad),
        ("an empty map", Es256, map(&[]), bad),
        ("a byte too short", Es256, es256[..76].to_vec(), bad),
        ("a byte too long", Es256, [&es256[..], &[0]].concat(), bad),
        (
            "y of another point",
            Es256,
            cose::ec2(-7, 1, x, &flip(y.to_vec())),
            bad,
        ),
        (
            "x = y = 0",
            Es256,
            cose::ec2(-7, 1, &[0; 32], &[0; 32]),
            bad,
        ),
        (
            "x larger than the field",
            Es256,
            cose::ec2(-7, 1, &[0xff; 32], y),
            bad,
        ),
        (
            "x with a leading zero",
            Es256,
            cose::ec2(-7, 1, &[&[0], x].concat(), y),
            bad,
        ),
        ("x a byte short", Es256, cose::ec2(-7, 1, &x[..31], y), bad),
        (
            "a compressed point",
            Es256,
            map(&[
                (1, int(2)),
                (3, int(-7)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-3, vec![0xf5]),
            ]),
            bad,
        ),
        (
            "no y",
            Es256,
            map(&[(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, bytes(x))]),
            bad,
        ),
        (
            "no algorithm",
            Es256,
            map(&[(1, int(2)), (-1, int(1)), (-2, bytes(x)), (-3, bytes(y))]),
            bad,
        ),
        (
            "no key type",
            Es256,
            map(&[(3, int(-7)), (-1, int(1)), (-2, bytes(x)), (-3, bytes(y))]),
            bad,
        ),
        (
            "the algorithm as text",
            Es256,
            ec2(cose::text("ES256"), int(1)),
            bad,
        ),
        (
            "ES256 on the curve of ES384",
            Es256,
            ec2(int(-7), int(2)),
            bad,
        ),
        ("ES256 on secp256k1", Es256, ec2(int(-7), int(8)), bad),
        (
            "RS256 with a key on a curve",
            Es256,
            ec2(int(-257), int(1)),
            bad,
        ),
        (
            "EdDSA with a key on P-256",
            Es256,
            ec2(int(-8), int(1)),
            bad,
        ),
        (
            "members in the wrong order",
            Es256,
            map(&[
                (3, int(-7)),
                (1, int(2)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-3, bytes(y)),
            ]),
            bad,
        ),
        (
            "a member twice",
            Es256,
            map(&[
                (1, int(2)),
                (3, int(-7)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-2, bytes(x)),
                (-3, bytes(y)),
            ]),
            bad,
        ),
        (
            "a member too many",
            Es256,
            map(&[
                (1, int(2)),
                (3, int(-7)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-3, bytes(y)),
                (-4, bytes(&[7; 32])),
            ]),
            bad,
        ),
        (
            "an integer longer than it needs",
            Es256,
            ec2(vec![0x38, 0x06], int(1)),
            bad,
        ),
        (
            "a map of indefinite length",
            Es256,
            [&[0xbf], &es256[1..], &[0xff]].concat(),
            bad,
        ),
        (
            "a tag around the map",
            Es256,
            [&[0xd8, 0x98], &es256[..]].concat(),
            bad,
        ),
        (
            "Ed25519, the point that is the identity",
            EdDsa,
            cose::okp(-8, 6, &identity),
            bad,
        ),
        (
            "Ed25519, the point of order two",
            EdDsa,
            {
                let mut y = [0xff; 32];
                y[0] = 0xec;
                y[31] = 0x7f;
                cose::okp(-8, 6, &y)
            },
            bad,
        ),
        (
            "Ed25519, y not reduced",
            EdDsa,
            cose::okp(-8, 6, &non_canonical),
            bad,
        ),
        (
            "Ed25519, 31 bytes",
            EdDsa,
            cose::okp(-8, 6, &ed25519[..31]),
            bad,
        ),
        (
            "X25519 instead of Ed25519",
            EdDsa,
            cose::okp(-8, 4, &ed25519),
            bad,
        ),
        ("RSA with exponent 1", Rs256, cose::rsa(-257, n, &[1]), bad),
        ("RSA with exponent 3", Rs256, cose::rsa(-257, n, &[3]), bad),
        (
            "RSA with an even exponent",
            Rs256,
            cose::rsa(-257, n, &[1, 0, 0]),
            bad,
        ),
        (
            "RSA with 1024 bits",
            Rs256,
            cose::rsa(-257, &[&n[..127], &n[255..]].concat(), &[1, 0, 1]),
            bad,
        ),
        (
            "RSA with 2047 bits",
            Rs256,
            {
                let mut n = n.to_vec();
                n[0] = 0x7f;
                cose::rsa(-257, &n, &[1, 0, 1])
            },
            bad,
        ),
        (
            "RSA with an even modulus",
            Rs256,
            cose::rsa(-257, &flip(n.to_vec()), &[1, 0, 1]),
            bad,
        ),
        (
            "RSA with a modulus of 16,384 bits",
            Rs256,
            cose::rsa(-257, &[0xff; 2048], &[1, 0, 1]),
            bad,
        ),
        (
            "RSA with a leading zero",
            Rs256,
            cose::rsa(-257, &[&[0], n].concat(), &[1, 0, 1]),
            bad,
        ),
        (
            "ESP256 on the curve of ESP384",
            Es256,
            cose::ec2(-9, 2, x, y),
            bad,
        ),
        (
            "ESP384 on the curve of ESP256",
            Es256,
            cose::ec2(-51, 1, x, y),
            bad,
        ),
        (
            "ESP256 in more bytes than it needs",
            Es256,
            ec2(vec![0x38, 0x08], int(1)),
            bad,
        ),
        (
            "Ed25519 with the curve of Ed448",
            EdDsa,
            cose::okp(-19, 7, &ed25519),
            bad,
        ),
        (
            "Ed25519, the point that is the identity, fully specified",
            EdDsa,
            cose::okp(-19, 6, &identity),
            bad,
        ),
        (
            "ESB256, on a Brainpool curve",
            Es256,
            cose::ec2(-265, 256, x, y),
            unsupported,
        ),
        ("ES256K", Es256, cose::ec2(-47, 8, x, y), unsupported),
        ("PS256", Rs256, cose::rsa(-37, n, &[1, 0, 1]), unsupported),
        ("RS1", Rs256, cose::rsa(-65535, n, &[1, 0, 1]), unsupported),
        ("Ed448", EdDsa, cose::okp(-53, 7, &[7; 57]), unsupported),
        (
            "an algorithm of more than 64 bits",
            Es256,
            ec2([&[0x1b, 0x80][..], &[0; 7]].concat(), int(1)),
            unsupported,
        ),
        (
            "ML-DSA-44",
            EdDsa,
            map(&[(1, int(7)), (3, int(-48)), (-1, bytes(&[7; 1312]))]),
            unsupported,
        ),
    ];
    for (name, algorithm, key, code) in rows {
        let scene = Scene::new(algorithm);
        let mut assertion = scene.assertion();
        assertion.public_key = key;
        file.invalid(format!("key: {name}"), scene.input_of(&assertion), code);
    }
    for algorithm in Algorithm::ALL {
        let scene = Scene::new(algorithm);
        let mut assertion = scene.assertion();
        if let Some(key) = cose::fix_curve(&assertion.public_key) {
            assertion.public_key = key;
            file.valid(
                format!("key: {} with the curve fixed", algorithm.name()),
                scene.input_of(&assertion),
            );
        }
    }
    let scene = Scene::new(EdDsa);
    let mut forged = scene.assertion();
    forged.public_key = cose::okp(-8, 6, &identity);
    forged.signature = [&identity[..], &[0; 32]].concat();
    file.invalid(
        "key: the identity, and a signature that any message has under it",
        scene.input_of(&forged),
        bad,
    );
}
