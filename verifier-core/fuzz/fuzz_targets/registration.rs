//! A browser's registration, and the attestation object in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::webauthn::Registration;
use verifier_core::hazmat::webauthn::registration::parse_attestation_object;

fuzz_target!(|input: &[u8]| {
    let _ = Registration::parse(input);
    let _ = parse_attestation_object(input);
});
