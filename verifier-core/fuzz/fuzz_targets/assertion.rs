//! clientDataJSON, authenticatorData and COSE_Key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::payload::Challenge;
use verifier_core::webauthn::{AuthenticatorData, ClientData, CoseKey};

fuzz_target!(|input: &[u8]| {
    if let Ok(data) = ClientData::parse(input) {
        if let Ok(challenge) = Challenge::parse(data.challenge()) {
            assert_eq!(challenge.to_text(), data.challenge());
        }
    }
    let _ = AuthenticatorData::parse(input);
    if let Ok(key) = CoseKey::parse(input) {
        let again = CoseKey::from_public_key(key.public_key().clone());
        assert_eq!(again.as_bytes(), input);
    }
});
