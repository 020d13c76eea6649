//! The back end for every target: pure Rust, no_std.

mod pkcs1;

use ecdsa::EcdsaCurve;
use ecdsa::elliptic_curve::point::AffineCoordinates;
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::point::on_curve;
use super::{BadSignature, Crypto, KeyRef, der};

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
    match key {
        KeyRef::Es256(point) => {
            ecdsa::<p256::NistP256, 32>(point, &Sha256::digest(message), signature)
        }
        KeyRef::Es384(point) => {
            ecdsa::<p384::NistP384, 48>(point, &Sha384::digest(message), signature)
        }
        KeyRef::Es512(point) => {
            ecdsa::<p521::NistP521, 66>(point, &Sha512::digest(message), signature)
        }
        KeyRef::Ed25519(bytes) => {
            let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
            key.verify_strict(message, &signature).ok()
        }
        KeyRef::Rs256 { n, e: [1, 0, 1] } => pkcs1::verify(n, message, signature),
        KeyRef::Rs256 { .. } => None,
    }
}

/// ECDSA over a message with this hash, on a curve whose numbers have `N` bytes.
fn ecdsa<C, const N: usize>(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()>
where
    C: CurveArithmetic + EcdsaCurve,
    AffinePoint<C>: AffineCoordinates<FieldRepr = FieldBytes<C>>,
    FieldBytes<C>: From<[u8; N]>,
{
    let key = on_curve::<C>(key)?.into();
    let (r, s) = der::read::<N>(signature)?;
    let signature = ecdsa::Signature::<C>::from_scalars(r, s).ok()?;
    ecdsa::hazmat::verify_prehashed(&key, hash, &signature).ok()
}
