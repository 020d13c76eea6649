//! Signed notes and the keys that verify them: c2sp.org/signed-note.
//!
//! ```text
//! This is an example message.                      text: ends with a newline,
//!                                                  the last blank line follows it
//! — example.com/foo <base64(key id ‖ signature)>   1 to 64 signature lines
//! ```
//!
//! A note that was parsed says nothing yet: only what [`Note::verify`] returns was signed.

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

/// A well-formed note, its signatures unverified.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<SignatureLine<'a>>,
}

/// One signature line of a note, unverified.
#[derive(Clone, Debug)]
pub struct SignatureLine<'a> {
    name: &'a str,
    id: KeyId,
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// The longest note, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;
    /// The most signature lines.
    pub const MAX_SIGNATURES: usize = 64;
    /// The most signatures that one call verifies.
    pub const MAX_VERIFIED: usize = 16;

    /// Reads a note ("Format").
    pub fn parse(note: &'a str) -> Result<Self, Error> {
        if note.len() > Self::MAX_BYTES {
            return Err(Error::TooLong { found: note.len() });
        }
        if super::has_control_characters(note) {
            return Err(Error::ControlCharacter);
        }
        let (text, lines) = note
            .rfind("\n\n")
            .and_then(|at| note.split_at_checked(at.checked_add(1)?))
            .ok_or(Error::NoBlankLine)?;
        // `lines` begins with the blank line.
        let lines = lines.strip_prefix('\n').ok_or(Error::NoBlankLine)?;
        let mut signatures = Vec::new();
        for line in lines.split_inclusive('\n') {
            if signatures.len() == Self::MAX_SIGNATURES {
                return Err(Error::TooManySignatures);
            }
            let number = signatures.len().saturating_add(1);
            let line = SignatureLine::parse(line).ok_or(Error::SignatureLine { line: number })?;
            signatures.push(line);
        }
        if signatures.is_empty() {
            return Err(Error::NoSignatures);
        }
        Ok(Self { text, signatures })
    }

    /// The signed text, with its final newline.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The signature lines, in the order of the note.
    pub fn signatures(&self) -> &[SignatureLine<'a>] {
        &self.signatures
    }

    /// Verifies every line of a key in `keys` ("Signatures").
    ///
    /// Lines of other keys are ignored. One bad signature of a known key refuses the whole note,
    /// and so do more than 16 lines of known keys, and none. Returns each key that verified, in
    /// the order of its first line; of several cosignatures by one key the earliest time counts.
    pub fn verify<'k>(
        &self,
        crypto: &dyn Crypto,
        keys: &'k [VerifierKey],
    ) -> Result<Vec<Verified<'k>>, Error> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for (key, line) in self.lines_of(keys.iter(), Self::MAX_VERIFIED)? {
            let Ok(time) = key.verify(crypto, self.text, &line.signature) else {
                let name = key.name.clone();
                return Err(match key.algorithm {
                    Algorithm::Cosignature => Error::BadCosignature { name },
                    Algorithm::Ed25519 => Error::BadSignature { name },
                });
            };
            match verified.iter_mut().find(|known| known.key == key) {
                Some(known) => known.time = known.time.min(time),
                None => verified.push(Verified { key, time }),
            }
        }
        if verified.is_empty() {
            return Err(Error::NoKnownKey);
        }
        Ok(verified)
    }

    /// The lines of known keys, in the order of the note. Fails if there are more than `limit`.
    pub(crate) fn lines_of<'k>(
        &self,
        keys: impl Iterator<Item = &'k VerifierKey> + Clone,
        limit: usize,
    ) -> Result<Vec<(&'k VerifierKey, &SignatureLine<'a>)>, Error> {
        let mut lines = Vec::new();
        for line in &self.signatures {
            let mut matching = keys.clone().filter(|key| key.made(line));
            let Some(key) = matching.next() else { continue };
            if matching.any(|other| other != key) {
                let name = key.name.clone();
                return Err(Error::AmbiguousKey { name });
            }
            if lines.len() == limit {
                return Err(Error::TooManyKnownSignatures { limit });
            }
            lines.push((key, line));
        }
        Ok(lines)
    }
}

impl<'a> SignatureLine<'a> {
    /// ```text
    /// — <name> <base64(key id[4] ‖ signature)>\n
    /// ```
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.strip_suffix('\n')?.strip_prefix("\u{2014} ")?;
        let (name, signature) = line.split_once(' ')?;
        let bytes = from_base64(signature).ok()?;
        let (id, signature) = bytes.split_first_chunk()?;
        let line = Self {
            name,
            id: *id,
            signature: signature.to_vec(),
        };
        (is_key_name(name) && !signature.is_empty()).then_some(line)
    }

    /// The name of the key that the line claims.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The id of the key that the line claims.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What follows the key id: a signature, or for cosignatures the time and a signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// A key that verified a note. Only [`Note::verify`] makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verified<'k> {
    key: &'k VerifierKey,
    time: Option<Time>,
}

impl<'k> Verified<'k> {
    /// The key.
    pub fn key(&self) -> &'k VerifierKey {
        self.key
    }

    /// The time that a cosignature states; `None` for plain signatures.
    pub fn time(&self) -> Option<Time> {
        self.time
    }
}

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
/// # use verifier_core::tlog::note::VerifierKey;
/// let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/// let key = VerifierKey::parse(text)?;
/// assert_eq!(key.name(), "example.com/foo");
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), verifier_core::tlog::note::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    algorithm: Algorithm,
    bytes: [u8; 32],
    key: PublicKey,
}

impl VerifierKey {
    /// The longest name of a key, in bytes.
    pub const MAX_NAME: usize = 255;

    /// The key of this name whose Ed25519 public key is `bytes`.
    pub fn new(name: &str, algorithm: Algorithm, bytes: &[u8; 32]) -> Result<Self, Error> {
        if !is_key_name(name) || name.len() > Self::MAX_NAME {
            let name = name.to_owned();
            return Err(Error::KeyName { name });
        }
        let hashed = [name.as_bytes(), &[b'\n', algorithm.as_byte()], bytes].concat();
        let [a, b, c, d, ..] = sha256(&hashed);
        Ok(Self {
            name: name.to_owned(),
            id: [a, b, c, d],
            algorithm,
            bytes: *bytes,
            key: PublicKey::ed25519(bytes).map_err(Error::KeyUnsound)?,
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
            return Err(Error::KeyForm);
        };
        let id: KeyId = from_hex(id)
            .ok()
            .and_then(|id| id.try_into().ok())
            .ok_or(Error::KeyForm)?;
        let key = from_base64(key).map_err(|_| Error::KeyForm)?;
        let (algorithm, bytes) = match key.split_first() {
            Some((0x01, bytes)) => (Algorithm::Ed25519, bytes),
            Some((0x04, bytes)) => (Algorithm::Cosignature, bytes),
            Some((other, _)) => return Err(Error::KeyType { found: *other }),
            None => return Err(Error::KeyForm),
        };
        let bytes = bytes.try_into().map_err(|_| Error::KeyForm)?;
        let key = Self::new(name, algorithm, bytes)?;
        if key.id() != id {
            return Err(Error::KeyId {
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

    /// The Ed25519 public key.
    pub fn public_key(&self) -> &[u8; 32] {
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

    /// Whether `line` claims to be made by this key.
    fn made(&self, line: &SignatureLine<'_>) -> bool {
        self.id == line.id && self.name == line.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm.as_byte()], &self.public_key()[..]].concat();
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), base64(&key))
    }
}

/// Why a note is refused, or a text is no verifier key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two of the given keys have the same name and id, and a line claims to be theirs.
    #[error("two different keys have the name {} and the same id", quote(name))]
    AmbiguousKey {
        /// The name of both.
        name: String,
    },
    /// A cosignature of a known key does not verify, or states no possible time.
    #[error("the cosignature of {} does not verify", quote(name))]
    BadCosignature {
        /// The name of the key.
        name: String,
    },
    /// A signature of a known key does not verify.
    #[error("the signature of {} does not verify", quote(name))]
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// A character below U+0020 other than newline.
    #[error("the note has a control character")]
    ControlCharacter,
    /// A verifier key that is not name, id and key.
    #[error("the verifier key is not of the form name+hash+key")]
    KeyForm,
    /// A verifier key whose id belongs to another name or key.
    #[error(
        "the verifier key's id is {}; its name and key have {}",
        hex(found),
        hex(expected)
    )]
    KeyId {
        /// The id of this name and key.
        expected: KeyId,
        /// The id in the text.
        found: KeyId,
    },
    /// A name that is empty, too long, or has white space or a plus sign.
    #[error("{} cannot be the name of a key", quote(name))]
    KeyName {
        /// The name.
        name: String,
    },
    /// A type of key that this verifier does not support.
    #[error("unsupported key type {found:#04x}; supported are 0x01 and 0x04, both Ed25519")]
    KeyType {
        /// The type byte.
        found: u8,
    },
    /// A public key that nobody should verify with.
    #[error("the verifier key is unsound: {0}")]
    KeyUnsound(KeyError),
    /// No blank line between text and signatures.
    #[error("the note has no blank line that separates its text from its signatures")]
    NoBlankLine,
    /// No signature is by a known key.
    #[error("no known key has signed the note")]
    NoKnownKey,
    /// No signature lines after the last blank line.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A line that is no signature line.
    #[error("signature line {line} is malformed")]
    SignatureLine {
        /// Which of the signature lines, from 1.
        line: usize,
    },
    /// A longer note than the limit.
    #[error("the note has {found} bytes; {} are the limit", Note::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// More lines of known keys than the limit.
    #[error("the note has more than {limit} signatures by known keys")]
    TooManyKnownSignatures {
        /// The most that are verified.
        limit: usize,
    },
    /// More signature lines than the limit.
    #[error("the note has more than {} signatures", Note::MAX_SIGNATURES)]
    TooManySignatures,
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::BadCosignature { .. } => Code::LogBadCosignature,
            Self::BadSignature { .. } => Code::LogBadSignature,
            Self::ControlCharacter
            | Self::NoBlankLine
            | Self::NoSignatures
            | Self::SignatureLine { .. }
            | Self::TooLong { .. }
            | Self::TooManyKnownSignatures { .. }
            | Self::TooManySignatures => Code::LogCheckpointForm,
            Self::AmbiguousKey { .. }
            | Self::KeyForm
            | Self::KeyId { .. }
            | Self::KeyName { .. }
            | Self::KeyType { .. }
            | Self::KeyUnsound(_) => Code::PolicyLog,
            Self::NoKnownKey => Code::LogUnknownKey,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::KeyId { expected, .. } => Some(hex(expected)),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::KeyId { found, .. } => Some(hex(found)),
            _ => None,
        }
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}
