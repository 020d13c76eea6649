//! The back end for every target: pure Rust, no_std.

use rsa::{BoxedUint, RsaPublicKey, pkcs1v15};
use sha2::Sha256;

use super::{BadSignature, Crypto, KeyRef};

/// Verifies with the RustCrypto crates and ed25519-dalek.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // it has no state
pub struct RustCrypto;

impl Crypto for RustCrypto {
    fn verify(
        &self,
        key: KeyRef<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        verify(key, message, signature).ok_or(BadSignature)
    }
}

fn verify(key: KeyRef<'_>, message: &[u8], signature: &[u8]) -> Option<()> {
    // One trait for all but Ed25519, where the plain `verify` accepts too much.
    use rsa::signature::Verifier as _;

    match key {
        KeyRef::Es256(point) => {
            let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
            p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .ok()?
                .verify(message, &signature)
                .ok()
        }
        KeyRef::Es384(point) => {
            let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
            p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .ok()?
                .verify(message, &signature)
                .ok()
        }
        KeyRef::Es512(point) => {
            let signature = p521::ecdsa::Signature::from_der(signature).ok()?;
            p521::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .ok()?
                .verify(message, &signature)
                .ok()
        }
        KeyRef::Ed25519(bytes) => {
            let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
            key.verify_strict(message, &signature).ok()
        }
        KeyRef::Rs256 { n, e } => {
            let n = BoxedUint::from_be_slice_vartime(n);
            let e = BoxedUint::from_be_slice_vartime(e);
            let key = RsaPublicKey::new_with_size_limits(n, e, 2048..=8192).ok()?;
            let signature = pkcs1v15::Signature::try_from(signature).ok()?;
            pkcs1v15::VerifyingKey::<Sha256>::new(key)
                .verify(message, &signature)
                .ok()
        }
    }
}
