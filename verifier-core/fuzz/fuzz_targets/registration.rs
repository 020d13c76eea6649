//! A browser's registration, and the attestation object in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::RustCrypto;
use verifier_core::hazmat::webauthn::registration::AttestationObject;
use verifier_core::hazmat::webauthn::{Ceremony, Registration};

fuzz_target!(|input: &[u8]| {
    let _ = Registration::parse(input);
    let _ = Ceremony::new("", &[], &[]).verify(input, &RustCrypto);
    if let Ok(object) = AttestationObject::parse(input) {
        let _ = object.verify_statement(&[0; 32], &RustCrypto);
    }
});
