//! A break-glass file: a signature that holds is always one of the grant that two people have signed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use test_vectors::Glass;
use verifier_core::break_glass::File;
use verifier_core::{Policy, RustCrypto};

static GOOD: LazyLock<(String, Policy)> = LazyLock::new(|| {
    let (glass, policy) = Glass::apart();
    let policy = Policy::from_json(policy.value().to_string().as_bytes()).unwrap();
    // The target is worth nothing if the good file is refused.
    let file = File::parse(glass.text().as_bytes()).unwrap();
    file.verify(&policy, None, &RustCrypto).unwrap();
    (glass.grant_text(), policy)
});

fuzz_target!(|input: &[u8]| {
    let (good, policy) = &*GOOD;
    let Ok(file) = File::parse(input) else {
        return;
    };
    assert_eq!(File::parse(file.to_json().as_bytes()).as_ref(), Ok(&file));
    if let Ok(signed) = file.verify(policy, None, &RustCrypto) {
        assert!(signed.signers().is_empty() || signed.file().grant_text() == good);
    }
});
