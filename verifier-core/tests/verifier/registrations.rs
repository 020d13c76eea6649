//! Registrations of WebAuthn Level 3 §16 and of a browser, and a second way to read their
//! clientDataJSON.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use std::fs;
use std::path::Path;

use serde_json::Value;
use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::encoding::{base64url, from_base64url, sha256};
use verifier_core::hazmat::json;
use verifier_core::hazmat::webauthn::registration::{self, parse_attestation_object};
use verifier_core::hazmat::webauthn::{
    AssertionJson, AttestedData, ClientData, CoseKey, Registration, cbor,
};

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    from_base64url(text(value, key)).unwrap()
}

#[test]
fn attestation_objects_of_the_specification_yield_their_keys() {
    let file = read("tests/data/registrations.json");
    let cases = file["w3c"].as_array().unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        let name = text(case, "name");
        let found = parse_attestation_object(&bytes(case, "attestationObject"));
        check(name, case, found);

        // The same as a browser would wrap it.
        let id = text(case, "credentialId");
        let object = text(case, "attestationObject");
        let json = format!(
            r#"{{"id":"{id}","rawId":"{id}","type":"public-key","response":{{"attestationObject":"{object}"}}}}"#
        );
        match Registration::parse(json.as_bytes()) {
            Ok(registration) => {
                assert_eq!(
                    base64url(registration.key().as_bytes()),
                    text(case, "publicKey")
                );
                assert_eq!(base64url(registration.credential_id()), id);
            }
            Err(error) => assert_eq!(error.code(), Code::WebauthnUnsupportedAlgorithm, "{name}"),
        }
    }
}

fn check(name: &str, case: &Value, found: Result<AttestedData, registration::Error>) {
    let Some(key) = case["publicKey"].as_str() else {
        let code = found.unwrap_err().code();
        assert_eq!(code, Code::WebauthnUnsupportedAlgorithm, "{name}");
        return;
    };
    let found = found.unwrap();
    assert_eq!(base64url(found.key().as_bytes()), key, "{name}");
    assert_eq!(found.credential_id(), bytes(case, "credentialId"), "{name}");
    let rp_id_hash = sha256(text(case, "rpId").as_bytes());
    assert_eq!(found.authenticator_data().rp_id_hash(), &rp_id_hash);
    let again = CoseKey::parse(&from_base64url(key).unwrap()).unwrap();
    assert_eq!(found.key(), &again, "{name}");
}

/// Attestation objects that are no canonical CBOR, and passkeys that work.
#[test]
fn attestation_objects_as_authenticators_and_libraries_wrote_them_yield_their_keys() {
    let file = read("tests/data/registrations.json");
    let cases = file["field"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let name = text(case, "name");
        let object = bytes(case, "attestationObject");
        let mut canonical = cbor::Limits::UNVERIFIED;
        canonical.form = cbor::Form::Canonical;
        let error = cbor::Value::parse(&object, canonical).expect_err(name);
        assert_eq!(error.kind, cbor::ErrorKind::UnsortedKeys, "{name}");
        let found = parse_attestation_object(&object).expect(name);
        assert_eq!(
            base64url(found.key().as_bytes()),
            text(case, "publicKey"),
            "{name}"
        );
        assert_eq!(found.credential_id(), bytes(case, "credentialId"), "{name}");
    }
}

#[test]
fn a_browsers_registration_yields_the_key_that_its_assertions_use() {
    let file = read("tests/data/registrations.json");
    let case = &file["chromium"];
    let registration = Registration::parse(text(case, "json").as_bytes()).unwrap();
    assert_eq!(
        base64url(registration.key().as_bytes()),
        text(case, "publicKey")
    );
    assert_eq!(registration.credential_id(), bytes(case, "credentialId"));
    assert_eq!(
        registration.rp_id_hash(),
        &sha256(text(case, "rpId").as_bytes())
    );
    for assertion in case["assertions"].as_array().unwrap() {
        let text = assertion.as_str().unwrap();
        let value = json::Value::parse(text.as_bytes(), json::Limits::bytes(10_000)).unwrap();
        let assertion = AssertionJson::from_value(&value).unwrap();
        assert_eq!(assertion.credential_id(), registration.credential_id());
    }
}

/// The Limited Verification Algorithm (§5.8.1.3) compares the beginning of the bytes with what it
/// expects there, and so needs no parser. Whoever uses it must come to the same result.
#[test]
fn a_verifier_without_a_json_parser_reads_the_same_client_data() {
    let mut samples = Vec::new();
    let registrations = read("tests/data/registrations.json");
    for case in registrations["w3c"].as_array().unwrap() {
        samples.push(bytes(case, "clientDataJSON"));
    }
    samples.push(bytes(&registrations["chromium"], "clientDataJSON"));
    for file in ["w3c-level-3", "chromium"] {
        let file = read(&format!("../test-vectors/webauthn.assertion/{file}.json"));
        for case in file["cases"].as_array().unwrap() {
            samples.push(bytes(&case["input"], "clientDataJSON"));
        }
    }
    samples.sort();
    samples.dedup();
    assert!(samples.len() > 30, "{}", samples.len());

    for sample in samples {
        let data = ClientData::parse(&sample).unwrap();
        let mut prefix = format!(
            r#"{{"type":"{}","challenge":"{}","origin":"{}","crossOrigin":{}"#,
            data.ceremony(),
            data.challenge(),
            data.origin(),
            data.cross_origin().unwrap(),
        );
        if let Some(top_origin) = data.top_origin() {
            prefix += &format!(r#","topOrigin":"{top_origin}""#);
        }
        let rest = sample.strip_prefix(prefix.as_bytes()).unwrap();
        assert!(rest == b"}" || rest.starts_with(b","));
    }
}
