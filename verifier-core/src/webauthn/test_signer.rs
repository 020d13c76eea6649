//! A passkey for the tests of this module: it signs whatever it is given.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

use super::CoseKey;
use crate::encoding::{base64url, sha256};
use crate::signature::PublicKey;

pub(super) const RP_ID: &str = "example.org";
pub(super) const ORIGIN: &str = "https://example.org";

/// The two things that a passkey signs, in order until a test changes them.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) authenticator_data: Vec<u8>,
    pub(super) client_data: String,
}

impl Draft {
    pub(super) fn new(challenge: &[u8]) -> Self {
        let mut authenticator_data = sha256(RP_ID.as_bytes()).to_vec();
        authenticator_data.extend([0x05, 0, 0, 0, 7]);
        let challenge = base64url(challenge);
        let client_data = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{ORIGIN}","crossOrigin":false}}"#
        );
        Self {
            authenticator_data,
            client_data,
        }
    }
}

/// An ES256 key that is no secret.
pub(super) struct TestSigner {
    secret: SigningKey,
    key: CoseKey,
}

impl TestSigner {
    pub(super) fn new() -> Self {
        Self::from_secret([0x11; 32])
    }

    pub(super) fn other() -> Self {
        Self::from_secret([0x22; 32])
    }

    pub(super) fn key(&self) -> &CoseKey {
        &self.key
    }

    pub(super) fn sign(&self, draft: &Draft) -> Vec<u8> {
        let hash = sha256(draft.client_data.as_bytes());
        let message = [&draft.authenticator_data[..], &hash].concat();
        let signature: Signature = self.secret.sign(&message);
        signature.to_der().as_bytes().to_vec()
    }

    fn from_secret(secret: [u8; 32]) -> Self {
        let secret = SigningKey::from_slice(&secret).unwrap();
        let point = secret.verifying_key().to_sec1_point(false);
        let point = point.as_bytes();
        let (x, y) = (point[1..33].try_into(), point[33..].try_into());
        let key = PublicKey::es256(x.unwrap(), y.unwrap()).unwrap();
        Self {
            secret,
            key: CoseKey::from_public_key(key),
        }
    }
}
