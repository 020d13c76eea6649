//! Advice about a key that cannot be taken.

use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::webauthn::cose_key;
use verifier_core::hazmat::webauthn::loose_bytes;
use verifier_core::hazmat::webauthn::registration::Error;

use crate::code::CliCode;
use crate::failure::CliError;

/// For keys that are sound, and that this version does not verify with.
pub(crate) const OTHER_PASSKEY: &str = "Register a passkey of another kind: ES256, ES384, ES512, \
     EdDSA (Ed25519) or RS256, or look for a newer verifier.";

/// A text or file that is no public key: why.
pub(super) fn malformed(why: &str) -> CliError {
    CliError::new(
        CliCode::KeyForm,
        format!("this is not a public key to rely on: {why}."),
    )
}

/// A COSE_Key that cannot be taken.
pub(super) fn cose(error: &cose_key::Error) -> CliError {
    let refused = malformed(&error.to_string());
    match error.code() {
        Code::WebauthnUnsupportedAlgorithm => refused.next(OTHER_PASSKEY),
        _ => refused,
    }
}

/// A registration that cannot be taken.
pub(super) fn unreadable_registration(error: &Error) -> CliError {
    let next = match error {
        Error::Assertion => {
            "Give the answer to `navigator.credentials.create()`: a browser makes it once, when \
             the passkey is registered."
        }
        Error::Bytes {
            error: loose_bytes::Error::LostBuffer,
            ..
        } => {
            "Register again, and keep what `credential.toJSON()` returns: JSON.stringify writes no \
             ArrayBuffer."
        }
        Error::Bytes { .. } => {
            "Copy the registration again from the place where it is kept, with all of its bytes."
        }
        error if error.code() == Code::WebauthnUnsupportedAlgorithm => OTHER_PASSKEY,
        Error::Json(_) | Error::Kind { .. } | Error::Missing { .. } => {
            "Give what `PublicKeyCredential.toJSON()` returns after `navigator.credentials.create()`, \
             or the public key alone with `--key`."
        }
        Error::Ceremony { .. } | Error::CredentialId { .. } | Error::CredentialType { .. } => {
            "Do not add this key: its parts come from different credentials. Register the passkey \
             again."
        }
        _ => "Register the passkey again; if it stays so, use another passkey.",
    };
    CliError::new(
        CliCode::KeyForm,
        format!("this registration has no key to rely on: {error}."),
    )
    .next(next)
}
