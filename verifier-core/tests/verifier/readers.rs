//! The readers of the webauthn modules, on inputs that nobody thought of: they do not panic, and
//! what they accept has exactly one encoding.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use std::fs;
use std::path::Path;

use coset::cbor::Value as Cbor;
use proptest::prelude::*;
use proptest::sample::Index;
use verifier_core::RustCrypto;
use verifier_core::hazmat::encoding::from_base64url;
use verifier_core::hazmat::webauthn::registration::AttestationObject;
use verifier_core::hazmat::webauthn::{AttestedData, AuthenticatorData, ClientData, CoseKey, cbor};

/// Writes a value with another CBOR library.
fn encode(value: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    coset::cbor::into_writer(value, &mut out).unwrap();
    out
}

/// Whether our reader accepts `bytes`; if so, the other library must write them the same way.
fn accepts(bytes: &[u8], limits: cbor::Limits) -> Result<bool, TestCaseError> {
    if cbor::Value::parse(bytes, limits).is_err() {
        return Ok(false);
    }
    let value: Cbor = coset::cbor::from_reader(bytes)
        .map_err(|error| TestCaseError::fail(format!("only we accept {bytes:02x?}: {error}")))?;
    prop_assert_eq!(encode(&value), bytes);
    Ok(true)
}

/// Values with their maps in canonical order.
fn canonical() -> impl Strategy<Value = Cbor> {
    let integer = || {
        prop_oneof![
            (-30_i64..300).prop_map(Cbor::from),
            any::<i64>().prop_map(Cbor::from),
            any::<u64>().prop_map(Cbor::from),
        ]
    };
    let text = || "[a-zé]{0,30}".prop_map(Cbor::from);
    let bytes = || prop::collection::vec(any::<u8>(), 0..300).prop_map(Cbor::from);
    let key = move || prop_oneof![integer(), text()];
    let leaf = prop_oneof![
        integer(),
        text(),
        bytes(),
        any::<bool>().prop_map(Cbor::from),
        Just(Cbor::Null),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let entries = prop::collection::vec((key(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Cbor::Array),
            entries.prop_map(|mut entries| {
                entries.sort_by_key(|(key, _)| encode(key));
                entries.dedup_by_key(|(key, _)| encode(key));
                Cbor::Map(entries)
            }),
        ]
    })
}

/// Attestation objects of the specification and a browser's client data.
fn samples() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/registrations.json");
    let file: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let members = ["attestationObject", "clientDataJSON", "publicKey"];
    let cases = file["w3c"].as_array().unwrap().iter();
    cases
        .flat_map(|case| members.map(|member| case[member].as_str()))
        .flatten()
        .map(|text| from_base64url(text).unwrap())
        .collect()
}

fn read_everything(bytes: &[u8]) -> Result<(), TestCaseError> {
    if accepts(bytes, cbor::Limits::CTAP2)? {
        prop_assert!(cbor::Value::parse(bytes, cbor::Limits::UNVERIFIED).is_ok());
    }
    let _ = cbor::Value::parse(bytes, cbor::Limits::UNVERIFIED);
    if let Ok(key) = CoseKey::parse(bytes) {
        // The number of the algorithm may be another one; everything else is as it was.
        prop_assert_eq!(&CoseKey::parse(key.as_bytes()), &Ok(key.clone()));
        prop_assert_eq!(key.as_bytes().len(), bytes.len());
        let again = CoseKey::from_public_key(key.public_key().clone());
        prop_assert_eq!(again, key);
    }
    let _ = ClientData::parse(bytes);
    let _ = AuthenticatorData::parse(bytes);
    let _ = AttestedData::parse(bytes);
    if let Ok(object) = AttestationObject::parse(bytes) {
        let _ = object.verify_statement(&[0; 32], &RustCrypto);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn canonical_cbor_is_accepted(value in canonical()) {
        let mut limits = cbor::Limits::CTAP2;
        limits.depth = 8;
        prop_assert!(accepts(&encode(&value), limits)?);
        let lenient = cbor::Value::parse(&encode(&value), cbor::Limits::UNVERIFIED).is_ok();
        prop_assert!(lenient);
    }

    #[test]
    fn noise_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes)?;
    }

    #[test]
    fn damaged_canonical_cbor_is_refused_or_canonical(
        value in canonical(),
        at in any::<Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        read_everything(&bytes)?;
    }

    #[test]
    fn damaged_samples_are_read_without_a_panic(
        sample in prop::sample::select(samples()),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..3),
        end in any::<Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = sample;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        read_everything(&bytes)?;
        if let Some(tail) = bytes.get(37..) {
            read_everything(tail)?;
        }
    }
}
