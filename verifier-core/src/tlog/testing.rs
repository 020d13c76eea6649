//! Keys to sign with, for the tests of the modules beside this one.

use alloc::format;
use alloc::string::String;

use ed25519_dalek::{Signer as _, SigningKey};

use crate::tlog::cosignature::{Cosignature, message};
use crate::tlog::vkey::{Algorithm, VerifierKey};

/// The known answer: log seed 32 × 00, witness seed 32 × 01, the entries `approval-0`, `-1`, `-2`,
/// cosigned at 1,700,000,000 seconds. Made with another implementation.
pub(super) const PROOF: &str = "c2sp.org/tlog-proof@v1
index 1
RrftREWfNpxPXIU0UpsFNMwE6z2vMOtN0SVZAzGOoLU=
RmnfELi7BfXZA9oxFskPBDRvYm3CYHEM+2E8EBBW4tk=

log.example/approvals
3
R5y09q0/iwFAFyl7p2IbBXiS0maZ64aL6jcebhvhS0E=

\u{2014} log.example/approvals 3zK7UyrRGX8TPzdJo54Bq0akp2oOJhuPi8rR4X1TLSfGhShkjeg0ziRn0XhhUhottviBKU76goYaP0qXYO4K2FFdtgU=
\u{2014} witness.example/w1 CtfTXgAAAABlU/EArEdl8GKXzmJfeLDb+R3GKCWTfMe+SgNi8SlsK/8KL/5hs4DOiHzxlhAuveXIkXwTJWQFJ4OY3bLTQWyOSj15DA==
";
pub(super) const LOG: &str =
    "log.example/approvals+df32bb53+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
pub(super) const WITNESS: &str =
    "witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

pub(super) struct Signer {
    pub(super) key: VerifierKey,
    secret: SigningKey,
}

impl Signer {
    pub(super) fn log(name: &str, seed: u8) -> Self {
        Self::new(name, Algorithm::Ed25519, seed)
    }

    pub(super) fn witness(name: &str, seed: u8) -> Self {
        Self::new(name, Algorithm::Cosignature, seed)
    }

    fn new(name: &str, algorithm: Algorithm, seed: u8) -> Self {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = secret.verifying_key().to_bytes();
        let key = VerifierKey::new(name, algorithm, &public).unwrap();
        Self { key, secret }
    }

    /// The vkey.
    pub(super) fn vkey(&self) -> String {
        format!("{}", self.key)
    }

    pub(super) fn sign(&self, text: &str) -> String {
        let signature = self.secret.sign(text.as_bytes()).to_bytes();
        self.key.signature_line(&signature)
    }

    pub(super) fn cosign(&self, text: &str, seconds: u64) -> String {
        let signature = self.secret.sign(message(text, seconds).as_bytes());
        let cosignature = Cosignature::new(seconds, signature.to_bytes()).unwrap();
        self.key.signature_line(&cosignature.to_bytes())
    }
}
