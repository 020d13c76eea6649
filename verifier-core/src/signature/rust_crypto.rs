//! The back end for every target: pure Rust, no_std.

mod pkcs1;

use ecdsa::EcdsaCurve;
use ecdsa::der::{MaxOverhead, MaxSize};
use ecdsa::elliptic_curve::array::ArraySize;
use ecdsa::elliptic_curve::point::AffineCoordinates;
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize};
use sha2::{Digest, Sha256, Sha384, Sha512};

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
    match key {
        KeyRef::Es256(point) => ecdsa::<p256::NistP256, Sha256>(point, message, signature),
        KeyRef::Es384(point) => ecdsa::<p384::NistP384, Sha384>(point, message, signature),
        KeyRef::Es512(point) => ecdsa::<p521::NistP521, Sha512>(point, message, signature),
        KeyRef::Ed25519(bytes) => {
            let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
            key.verify_strict(message, &signature).ok()
        }
        KeyRef::Rs256 { n, .. } => pkcs1::verify(n, message, signature),
    }
}

/// The point `04 ‖ x ‖ y`, if both coordinates are below p and it is on the curve.
pub(super) fn point<C>(uncompressed: &[u8]) -> Option<AffinePoint<C>>
where
    C: CurveArithmetic,
    AffinePoint<C>: AffineCoordinates<FieldRepr = FieldBytes<C>>,
{
    let (4, coordinates) = uncompressed.split_first()? else {
        return None;
    };
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let (x, y) = (x.try_into().ok()?, y.try_into().ok()?);
    AffinePoint::<C>::from_coordinates(x, y).into()
}

/// ECDSA with a signature in DER.
fn ecdsa<C, D>(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()>
where
    C: CurveArithmetic + EcdsaCurve,
    D: Digest,
    AffinePoint<C>: AffineCoordinates<FieldRepr = FieldBytes<C>>,
    MaxSize<C>: ArraySize,
    <FieldBytesSize<C> as core::ops::Add>::Output: core::ops::Add<MaxOverhead> + ArraySize,
{
    let key = point::<C>(key)?.into();
    let signature = ecdsa::Signature::<C>::from_der(signature).ok()?;
    ecdsa::hazmat::verify_prehashed(&key, &D::digest(message), &signature).ok()
}
