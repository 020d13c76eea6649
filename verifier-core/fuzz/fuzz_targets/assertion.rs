//! clientDataJSON, authenticatorData and COSE_Key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::payload::Challenge;
use verifier_core::hazmat::webauthn::{AuthenticatorData, ClientData, CoseKey};

fuzz_target!(|input: &[u8]| {
    if let Ok(data) = ClientData::parse(input) {
        if let Ok(challenge) = Challenge::parse(data.challenge()) {
            assert_eq!(challenge.to_text(), data.challenge());
        }
    }
    let _ = AuthenticatorData::parse(input);
    if let Ok(key) = CoseKey::parse(input) {
        let again = CoseKey::from_public_key(key.public_key().clone());
        // Only the number of the algorithm may be another one (RFC 9864).
        assert_eq!(again, key);
        assert_eq!(again.as_bytes().len(), input.len());
    }
});
