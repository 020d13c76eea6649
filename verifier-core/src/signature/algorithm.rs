//! The five algorithms that passkeys sign with, and their numbers in the registry of COSE.

use core::fmt;

/// A signature algorithm of passkeys.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// All of them, in the order in which a service should offer them: what every authenticator
    /// can do first.
    pub const ALL: [Self; 5] = [
        Self::Es256,
        Self::EdDsa,
        Self::Es384,
        Self::Es512,
        Self::Rs256,
    ];

    /// The name as WebAuthn spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
        }
    }

    /// The number that WebAuthn offers it under (Level 3 §5.8.5).
    pub const fn cose(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::Es512 => -36,
            Self::Rs256 => -257,
        }
    }

    /// The algorithm of this number: of [`Self::cose`], or of the second one that names the curve
    /// as well (RFC 9864).
    pub const fn from_cose(number: i64) -> Option<Self> {
        match number {
            -7 | -9 => Some(Self::Es256),
            -8 | -19 => Some(Self::EdDsa),
            -35 | -51 => Some(Self::Es384),
            -36 | -52 => Some(Self::Es512),
            -257 => Some(Self::Rs256),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
