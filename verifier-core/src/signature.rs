//! Public keys and signatures, behind one small trait.
//!
//! A [`PublicKey`] that exists is sound: its point is on the curve, its modulus within bounds. The
//! core verifies with [`RustCrypto`]; a native binary plugs in a faster [`Crypto`]. Both must give
//! the same answer on every input, so all that implementations are known to differ in is decided
//! here, before either is asked.

mod algorithm;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod der;
mod key;
mod point;
mod rust_crypto;

use core::fmt::Debug;

pub use algorithm::Algorithm;
#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::AwsLc;
pub use key::{KeyError, KeyRef, PublicKey};
pub use rust_crypto::RustCrypto;

/// Verifies signatures. Implementations see sound keys and signatures of plausible form.
pub trait Crypto: Debug + Send + Sync {
    /// Whether `signature` over `message` verifies under `key`.
    ///
    /// ECDSA signatures are DER, and a high `s` is fine; Ed25519 is verified by the cofactorless
    /// equation of RFC 8032 §5.1.7 and compares the encoding of R; RSA is PKCS #1 v1.5 with
    /// SHA-256.
    fn verify(&self, key: KeyRef<'_>, message: &[u8], signature: &[u8])
    -> Result<(), BadSignature>;
}

/// The signature does not verify.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature does not verify under this key")]
#[non_exhaustive]
pub struct BadSignature;

/// The encodings of the eight points of small order, without the bit for the sign of x. With one
/// of them as R, a signature can be valid under more keys and messages than its own.
const SMALL_ORDER: [[u8; 32]; 5] = [
    // y = 0, order 4
    [0; 32],
    // y = 1, order 1
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    // order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    // order 8
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    // y = −1, order 2
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
];

impl PublicKey {
    /// Whether `signature` over `message` verifies under this key.
    pub fn verify(
        &self,
        crypto: &dyn Crypto,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let key = self.as_ref();
        let plausible = match key {
            KeyRef::Ed25519(_) => has_sound_r(signature),
            KeyRef::Es256(_) => der::read::<32>(signature).is_some(),
            KeyRef::Es384(_) => der::read::<48>(signature).is_some(),
            KeyRef::Es512(_) => der::read::<66>(signature).is_some(),
            KeyRef::Rs256 { n, .. } => signature.len() == n.len(),
        };
        if !plausible {
            return Err(BadSignature);
        }
        crypto.verify(key, message, signature)
    }
}

/// Whether an Ed25519 signature has 64 bytes and an R that is not of small order.
fn has_sound_r(signature: &[u8]) -> bool {
    let (Some(r), true) = (signature.first_chunk::<32>(), signature.len() == 64) else {
        return false;
    };
    let mut y = *r;
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    !SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_order_points_are_what_the_curve_says() {
        use ed25519_dalek::VerifyingKey;

        for y in SMALL_ORDER {
            let key = VerifyingKey::from_bytes(&y).unwrap();
            assert!(key.is_weak(), "{y:02x?}");
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&y);
            assert!(!has_sound_r(&signature));
            signature[31] |= 0x80;
            assert!(!has_sound_r(&signature));
        }
        assert!(!has_sound_r(&[7; 63]));
        assert!(has_sound_r(&[7; 64]));
    }
}
