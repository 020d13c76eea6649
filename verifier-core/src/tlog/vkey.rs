//! The keys that verify notes: c2sp.org/signed-note, "Verifier keys".

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::code::Code;
use crate::encoding::{base64, from_base64, from_hex, hex, sha256};
use crate::signature::{BadSignature, Crypto, KeyError, PublicKey};
use crate::time::Time;
use crate::tlog::cosignature::Cosignature;
use crate::{Failure, quote};

/// The first four bytes of a hash over name, type and key. An identifier, not a fingerprint.
pub type KeyId = [u8; 4];

/// How a key signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Type 0x04: an Ed25519 cosignature with a time (c2sp.org/tlog-cosignature).
    Cosignature,
    /// Type 0x01: Ed25519 over the text.
    Ed25519,
}

impl Algorithm {
    /// The signature type byte.
    pub fn as_byte(self) -> u8 {
        match self {
            Self::Cosignature => 0x04,
            Self::Ed25519 => 0x01,
        }
    }
}

/// A verifier key, "vkey" for short: a public key, its name, and how it signs.
///
/// ```
/// # use verifier_core::hazmat::tlog::vkey::VerifierKey;
/// let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/// let key = VerifierKey::parse(text)?;
/// assert_eq!(key.name(), "example.com/foo");
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), verifier_core::hazmat::tlog::vkey::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    algorithm: Algorithm,
    bytes: Vec<u8>,
    key: PublicKey,
}

impl VerifierKey {
    /// The longest name of a key, in bytes.
    pub const MAX_NAME: usize = 255;

    /// The key of this name whose public key is `bytes`, in the form and of the length that the
    /// algorithm has: 32 bytes of Ed25519.
    pub fn new(name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Error> {
        if !is_key_name(name) || name.len() > Self::MAX_NAME {
            let name = name.to_owned();
            return Err(Error::Name { name });
        }
        let ed25519 = bytes.try_into().map_err(|_| Error::Form)?;
        let hashed = [name.as_bytes(), &[b'\n', algorithm.as_byte()], bytes].concat();
        let [a, b, c, d, ..] = sha256(&hashed);
        Ok(Self {
            name: name.to_owned(),
            id: [a, b, c, d],
            algorithm,
            bytes: bytes.to_vec(),
            key: PublicKey::ed25519(ed25519).map_err(Error::Unsound)?,
        })
    }

    /// Reads a vkey ("Verifier keys").
    ///
    /// ```text
    /// <name>+<8 hex digits: key id>+<base64(type ‖ public key)>
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        // The base64 may hold more plus signs; name and id cannot.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Form);
        };
        let id: KeyId = from_hex(id)
            .ok()
            .and_then(|id| id.try_into().ok())
            .ok_or(Error::Form)?;
        let key = from_base64(key).map_err(|_| Error::Form)?;
        let (algorithm, bytes) = match key.split_first() {
            Some((0x01, bytes)) => (Algorithm::Ed25519, bytes),
            Some((0x04, bytes)) => (Algorithm::Cosignature, bytes),
            Some((other, _)) => return Err(Error::Type { found: *other }),
            None => return Err(Error::Form),
        };
        let key = Self::new(name, algorithm, bytes)?;
        if key.id() != id {
            return Err(Error::Id {
                expected: key.id(),
                found: id,
            });
        }
        Ok(key)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes of the public key. Their number is the algorithm's affair: 32 of Ed25519, 1,312 of
    /// ML-DSA-44.
    pub fn public_key(&self) -> &[u8] {
        &self.bytes
    }

    /// Its id: SHA-256(name ‖ 0x0A ‖ type ‖ public key), the first four bytes.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The signature line of this key, with its newline. For a cosignature, `signature` is what
    /// [`Cosignature::to_bytes`] returns. A note is its text, an empty line, and such lines.
    pub fn signature_line(&self, signature: &[u8]) -> String {
        let payload = base64(&[&self.id(), signature].concat());
        format!("\u{2014} {} {payload}\n", self.name)
    }

    /// Verifies one signature of this key over the text of a note.
    pub(crate) fn verify(
        &self,
        crypto: &dyn Crypto,
        text: &str,
        signature: &[u8],
    ) -> Result<Option<Time>, BadSignature> {
        match self.algorithm {
            Algorithm::Ed25519 => {
                self.key.verify(crypto, text.as_bytes(), signature)?;
                Ok(None)
            }
            Algorithm::Cosignature => {
                let cosignature = Cosignature::parse(signature).map_err(|_| BadSignature)?;
                let message = cosignature.message(text);
                self.key
                    .verify(crypto, message.as_bytes(), cosignature.signature())?;
                Ok(Some(cosignature.time()))
            }
        }
    }

    /// Whether a signature line with this name and id claims to be made by this key.
    pub(crate) fn is_named(&self, name: &str, id: KeyId) -> bool {
        self.id == id && self.name == name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm.as_byte()], self.public_key()].concat();
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), base64(&key))
    }
}

/// Why a text is no verifier key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A verifier key that is not name, id and key.
    #[error("the verifier key is not of the form name+hash+key")]
    Form,
    /// A verifier key whose id belongs to another name or key.
    #[error(
        "the verifier key's id is {}; its name and key have {}",
        hex(found),
        hex(expected)
    )]
    Id {
        /// The id of this name and key.
        expected: KeyId,
        /// The id in the text.
        found: KeyId,
    },
    /// A name that is empty, too long, or has white space or a plus sign.
    #[error("{} cannot be the name of a key", quote(name))]
    Name {
        /// The name.
        name: String,
    },
    /// A type of key that this verifier does not support.
    #[error("unsupported key type {found:#04x}; supported are 0x01 and 0x04, both Ed25519")]
    Type {
        /// The type byte.
        found: u8,
    },
    /// A public key that nobody should verify with.
    #[error("the verifier key is unsound: {0}")]
    Unsound(KeyError),
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::PolicyLog
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Id { expected, .. } => Some(hex(expected)),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Id { found, .. } => Some(hex(found)),
            _ => None,
        }
    }
}

/// Whether a key can have this name: not empty, no Unicode white space, no plus sign.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::tlog::testing::{LOG, Signer, WITNESS};

    #[test]
    fn keys_are_what_their_seeds_make_them() {
        assert_eq!(Signer::log("log.example/approvals", 0).vkey(), LOG);
        assert_eq!(Signer::witness("witness.example/w1", 1).vkey(), WITNESS);
    }

    #[test]
    fn refuses_what_is_no_verifier_key() {
        let named = |name: &str| LOG.replacen("log.example/approvals", name, 1);
        let long = "n".repeat(256);
        let key_name = |name: &str| Error::Name {
            name: name.to_owned(),
        };
        let typed = |byte: u8| format!("x+00000000+{}", base64(&[&[byte][..], &[7; 32]].concat()));
        let unsound = format!("x+00000000+{}", base64(&[&[1, 1][..], &[0; 31]].concat()));
        for (vkey, error) in [
            (String::new(), Error::Form),
            ("name".to_owned(), Error::Form),
            ("name+530d903a".to_owned(), Error::Form),
            (LOG.replace("df32bb53", "DF32BB53"), Error::Form),
            (LOG.replace("df32bb53", "df32bb5"), Error::Form),
            (LOG.replace("df32bb53", "df32bb5300"), Error::Form),
            (format!("{LOG}="), Error::Form),
            (format!("{LOG}\n"), Error::Form),
            (format!("x+00000000+{}", base64(&[])), Error::Form),
            (format!("x+00000000+{}", base64(&[1; 32])), Error::Form),
            (format!("x+00000000+{}", base64(&[1; 34])), Error::Form),
            (named(""), key_name("")),
            (named("a b"), key_name("a b")),
            (named("a\u{2003}b"), key_name("a\u{2003}b")),
            (named("a\u{85}b"), key_name("a\u{85}b")),
            (named(&long), key_name(&long)),
            (typed(0x00), Error::Type { found: 0 }),
            (typed(0x02), Error::Type { found: 2 }),
            (typed(0x06), Error::Type { found: 6 }),
            (typed(0xff), Error::Type { found: 0xff }),
            (unsound, Error::Unsound(KeyError::SmallOrder)),
            (LOG.replace("df32bb53", "df32bb54"), {
                Error::Id {
                    expected: [0xdf, 0x32, 0xbb, 0x53],
                    found: [0xdf, 0x32, 0xbb, 0x54],
                }
            }),
        ] {
            assert_eq!(VerifierKey::parse(&vkey), Err(error), "{vkey}");
        }
        // An id belongs to one name and one type only.
        for vkey in [named("other"), LOG.replace("+ATtq", "+BDtq")] {
            let error = VerifierKey::parse(&vkey);
            assert!(matches!(error, Err(Error::Id { .. })), "{vkey}");
        }
        // Plus signs in the base64 are no separators.
        let plus = (0..=255)
            .map(|seed| Signer::log("x", seed).key)
            .find(|key| key.to_string().matches('+').count() > 2)
            .unwrap();
        assert_eq!(VerifierKey::parse(&plus.to_string()), Ok(plus));
    }
}
