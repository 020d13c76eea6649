//! Every vector of kind `webauthn.assertion`, with both back ends.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // these are tests

use std::fs;
use std::path::Path;

use serde_json::Value;
use verifier_core::Failure;
use verifier_core::hazmat::encoding::from_base64url;
use verifier_core::hazmat::signature::{AwsLc, Crypto, RustCrypto};
use verifier_core::hazmat::webauthn::{Assertion, CoseKey, Expected, UserVerification};

const BACK_ENDS: [&dyn Crypto; 2] = [&RustCrypto, &AwsLc];

#[test]
fn every_vector_gives_the_code_that_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/webauthn.assertion");
    let (mut files, mut cases) = (0, 0);
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read(&path).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(file["kind"], "webauthn.assertion");
        for case in file["cases"].as_array().unwrap() {
            for crypto in BACK_ENDS {
                let found = run(&case["input"], crypto);
                let expected = match &case["expect"] {
                    Value::String(valid) if valid == "valid" => "valid",
                    other => other["invalid"].as_str().unwrap(),
                };
                let name = format!("{}: {} with {crypto:?}", path.display(), case["name"]);
                assert_eq!(found, expected, "{name}");
            }
            cases += 1;
        }
        files += 1;
    }
    assert!(files >= 2 && cases >= 60, "{files} files, {cases} cases");
}

fn run(input: &Value, crypto: &dyn Crypto) -> &'static str {
    let text = |key: &str| input[key].as_str().unwrap().to_owned();
    let bytes = |key: &str| from_base64url(&text(key)).unwrap();
    let list = |key: &str| -> Vec<String> {
        let items = input[key].as_array().unwrap();
        let texts = items.iter().map(|item| item.as_str().unwrap().to_owned());
        texts.collect()
    };

    let mut expected = Expected::new(text("rpId"), list("origins"), bytes("challenge"));
    expected.user_verification = match text("userVerification").as_str() {
        "required" => UserVerification::Required,
        "preferred" => UserVerification::Preferred,
        other => panic!("{other}"),
    };
    expected.allow_cross_origin = input["allowCrossOrigin"].as_bool().unwrap();
    expected.top_origins = list("topOrigins");

    let key = match CoseKey::parse(&bytes("publicKey")) {
        Ok(key) => key,
        Err(error) => return error.code().as_str(),
    };
    let (data, json, signature) = (
        bytes("authenticatorData"),
        bytes("clientDataJSON"),
        bytes("signature"),
    );
    match Assertion::new(&data, &json, &signature).verify(&key, &expected, crypto) {
        Ok(_) => "valid",
        Err(error) => error.code().as_str(),
    }
}
