//! The native back end: AWS-LC, several times faster on the NIST curves.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{BadSignature, Crypto, KeyRef};

/// Verifies with AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // it has no state
pub struct AwsLc;

impl Crypto for AwsLc {
    fn verify(
        &self,
        key: KeyRef<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature)
        };
        match key {
            KeyRef::Es256(point) => with(&ECDSA_P256_SHA256_ASN1, point),
            KeyRef::Es384(point) => with(&ECDSA_P384_SHA384_ASN1, point),
            KeyRef::Es512(point) => with(&ECDSA_P521_SHA512_ASN1, point),
            KeyRef::Ed25519(bytes) => with(&ED25519, bytes),
            KeyRef::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        }
        .map_err(|_| BadSignature)
    }
}
