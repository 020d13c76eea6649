//! Keys that have been checked once and for all.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Algorithm;
use super::point::on_curve;

/// A public key of one of the five algorithms.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey(Key);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Key {
    Es256([u8; 65]),
    Es384(Box<[u8; 97]>),
    Es512(Box<[u8; 133]>),
    Ed25519([u8; 32]),
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

/// The bytes of a [`PublicKey`]. The algorithm is part of the key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum KeyRef<'a> {
    /// ECDSA on P-256 with SHA-256: the uncompressed point `04 ‖ x ‖ y`.
    Es256(&'a [u8; 65]),
    /// ECDSA on P-384 with SHA-384.
    Es384(&'a [u8; 97]),
    /// ECDSA on P-521 with SHA-512.
    Es512(&'a [u8; 133]),
    /// Ed25519.
    Ed25519(&'a [u8; 32]),
    /// RSASSA-PKCS1-v1_5 with SHA-256; both numbers big-endian without leading zeros.
    Rs256 {
        /// The modulus.
        n: &'a [u8],
        /// The public exponent.
        e: &'a [u8],
    },
}

impl KeyRef<'_> {
    /// The algorithm of the key.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::Es256(_) => Algorithm::Es256,
            Self::Es384(_) => Algorithm::Es384,
            Self::Es512(_) => Algorithm::Es512,
            Self::Rs256 { .. } => Algorithm::Rs256,
        }
    }
}

impl PublicKey {
    /// The shortest RSA modulus, in bits.
    const RSA_MIN_BITS: usize = 2048;
    /// The longest, because the work of a check grows with its square.
    const RSA_MAX_BITS: usize = 8192;

    /// An ES256 key from its coordinates.
    pub fn es256(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let point: [u8; 65] = uncompressed(x, y)?;
        on_curve::<p256::NistP256>(&point).ok_or(KeyError::NotOnCurve)?;
        Ok(Self(Key::Es256(point)))
    }

    /// An ES384 key from its coordinates.
    pub fn es384(x: &[u8; 48], y: &[u8; 48]) -> Result<Self, KeyError> {
        let point: [u8; 97] = uncompressed(x, y)?;
        on_curve::<p384::NistP384>(&point).ok_or(KeyError::NotOnCurve)?;
        Ok(Self(Key::Es384(Box::new(point))))
    }

    /// An ES512 key from its coordinates.
    pub fn es512(x: &[u8; 66], y: &[u8; 66]) -> Result<Self, KeyError> {
        let point: [u8; 133] = uncompressed(x, y)?;
        on_curve::<p521::NistP521>(&point).ok_or(KeyError::NotOnCurve)?;
        Ok(Self(Key::Es512(Box::new(point))))
    }

    /// An Ed25519 key. Refused are encodings that are not canonical, and points of small order,
    /// under which anybody can sign anything.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        if key.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        Ok(Self(Key::Ed25519(*bytes)))
    }

    /// An RS256 key from modulus and exponent, both big-endian without leading zeros.
    pub fn rs256(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if n.first() == Some(&0) || e.first() == Some(&0) {
            return Err(KeyError::NotCanonical);
        }
        let unused = n.first().map_or(0, |first| first.leading_zeros());
        let bits = n
            .len()
            .saturating_mul(8)
            .saturating_sub(usize::try_from(unused).unwrap_or(0));
        if !(Self::RSA_MIN_BITS..=Self::RSA_MAX_BITS).contains(&bits) {
            return Err(KeyError::ModulusSize { bits });
        }
        if n.last().is_none_or(|last| last % 2 == 0) {
            return Err(KeyError::EvenModulus);
        }
        if e != [1, 0, 1] {
            return Err(KeyError::Exponent);
        }
        Ok(Self(Key::Rs256 {
            n: n.to_vec(),
            e: e.to_vec(),
        }))
    }

    /// The bytes, for a [`super::Crypto`] and for those who print keys.
    pub fn as_ref(&self) -> KeyRef<'_> {
        match &self.0 {
            Key::Es256(point) => KeyRef::Es256(point),
            Key::Es384(point) => KeyRef::Es384(point),
            Key::Es512(point) => KeyRef::Es512(point),
            Key::Ed25519(bytes) => KeyRef::Ed25519(bytes),
            Key::Rs256 { n, e } => KeyRef::Rs256 { n, e },
        }
    }

    /// The name of the algorithm as WebAuthn spells it.
    pub fn algorithm(&self) -> &'static str {
        self.as_ref().algorithm().as_str()
    }
}

/// Why bytes are not a key that we would verify with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An even RSA modulus.
    #[error("the RSA modulus is even")]
    EvenModulus,
    /// Another RSA exponent than 65537.
    #[error("the RSA exponent is not 65537")]
    Exponent,
    /// An RSA modulus outside 2048 to 8192 bits.
    #[error("the RSA modulus has {bits} bits; 2048 to 8192 are allowed")]
    ModulusSize {
        /// Its length in bits.
        bits: usize,
    },
    /// A second encoding of a key that has one already.
    #[error("the key is not in its one canonical encoding")]
    NotCanonical,
    /// Coordinates that name no point of the curve.
    #[error("the point is not on the curve")]
    NotOnCurve,
    /// A point under which anybody can sign.
    #[error("the point has small order: anybody can make signatures for it")]
    SmallOrder,
}

fn uncompressed<const N: usize>(x: &[u8], y: &[u8]) -> Result<[u8; N], KeyError> {
    let bytes = [&[4], x, y].concat();
    bytes.try_into().map_err(|_| KeyError::NotOnCurve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsound_keys_do_not_exist() {
        assert_eq!(
            PublicKey::es256(&[1; 32], &[2; 32]),
            Err(KeyError::NotOnCurve)
        );
        // Not below p.
        assert_eq!(
            PublicKey::es256(&[0xff; 32], &[2; 32]),
            Err(KeyError::NotOnCurve)
        );
        assert_eq!(
            PublicKey::es384(&[1; 48], &[2; 48]),
            Err(KeyError::NotOnCurve)
        );
        assert_eq!(
            PublicKey::es512(&[1; 66], &[2; 66]),
            Err(KeyError::NotOnCurve)
        );

        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::ed25519(&identity), Err(KeyError::SmallOrder));
        // y = p + 3 is 3 again, a point of large order in another encoding.
        let mut again = [0xff; 32];
        again[0] = 0xf0;
        again[31] = 0x7f;
        assert_eq!(PublicKey::ed25519(&again), Err(KeyError::NotCanonical));

        let mut n = [0xff; 256];
        assert!(PublicKey::rs256(&n, &[1, 0, 1]).is_ok());
        assert_eq!(PublicKey::rs256(&n, &[3]), Err(KeyError::Exponent));
        assert_eq!(PublicKey::rs256(&n, &[1]), Err(KeyError::Exponent));
        assert_eq!(
            PublicKey::rs256(&n, &[0, 1, 0, 1]),
            Err(KeyError::NotCanonical)
        );
        n[255] = 0xfe;
        assert_eq!(PublicKey::rs256(&n, &[1, 0, 1]), Err(KeyError::EvenModulus));
        n[0] = 0x7f;
        let short = Err(KeyError::ModulusSize { bits: 2047 });
        assert_eq!(PublicKey::rs256(&n, &[1, 0, 1]), short);
        n[0] = 0;
        assert_eq!(
            PublicKey::rs256(&n, &[1, 0, 1]),
            Err(KeyError::NotCanonical)
        );
        let long = Err(KeyError::ModulusSize { bits: 8200 });
        assert_eq!(PublicKey::rs256(&[0xff; 1025], &[1, 0, 1]), long);
        assert_eq!(
            PublicKey::rs256(&[], &[1, 0, 1]),
            Err(KeyError::ModulusSize { bits: 0 })
        );
    }
}
