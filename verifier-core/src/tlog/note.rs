//! Signed notes: c2sp.org/signed-note.
//!
//! ```text
//! This is an example message.                      text: ends with a newline,
//!                                                  the last blank line follows it
//! — example.com/foo <base64(key id ‖ signature)>   1 to 64 signature lines
//! ```
//!
//! A note that was parsed says nothing yet: only what [`Note::verify`] returns was signed.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use crate::code::Code;
use crate::encoding::from_base64;
use crate::signature::Crypto;
use crate::time::Time;
use crate::tlog::vkey::{Algorithm, KeyId, VerifierKey, is_key_name};
use crate::{Failure, quote};

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
        let mut pairs = note.as_bytes().windows(2);
        let (text, lines) = pairs
            .rposition(|two| two == b"\n\n")
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
                let name = key.name().to_owned();
                return Err(match key.algorithm() {
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
            let mut matching = keys.clone().filter(|key| key.is_named(line.name, line.id));
            let Some(key) = matching.next() else { continue };
            if matching.any(|other| other != key) {
                let name = key.name().to_owned();
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

    /// The bytes after the key id: a signature, or for cosignatures the time and a signature.
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

/// Why a note is refused.
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
            Self::AmbiguousKey { .. } => Code::PolicyLog,
            Self::NoKnownKey => Code::LogUnknownKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;
    use crate::encoding::from_hex;
    use crate::signature::RustCrypto;
    use crate::tlog::testing::Signer;

    const CRYPTO: RustCrypto = RustCrypto;

    fn verify(note: &str, keys: &[VerifierKey]) -> Result<Vec<(String, Option<Time>)>, Error> {
        let verified = Note::parse(note)?.verify(&CRYPTO, keys)?;
        let names = verified
            .iter()
            .map(|v| (v.key().name().to_owned(), v.time()));
        Ok(names.collect())
    }

    fn names(note: &str, keys: &[VerifierKey]) -> Result<Vec<String>, Error> {
        Ok(verify(note, keys)?
            .into_iter()
            .map(|(name, _)| name)
            .collect())
    }

    #[test]
    fn notes_of_other_implementations_verify() {
        for (vkey, note) in [
            (
                // c2sp.org/signed-note, "Example".
                "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
            ),
            (
                // The documentation of golang.org/x/mod/sumdb/note.
                "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
            ),
        ] {
            let key = VerifierKey::parse(vkey).unwrap();
            assert_eq!(key.to_string(), vkey);
            let keys = [key];
            assert_eq!(names(note, &keys).unwrap(), [keys[0].name()]);
            let other = note.replacen('i', "j", 1);
            let name = keys[0].name().to_owned();
            assert_eq!(names(&other, &keys), Err(Error::BadSignature { name }));
        }
    }

    #[test]
    fn a_checkpoint_of_another_implementation_verifies() {
        // C2SP/C2SP#99, the second of the two.
        let key = from_hex("66e0b858e462a609e66fe71370c816d8846ff103d5499a22a7fec37fdbc424a7");
        let note = "sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69
10
HA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

\u{2014} sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69 gJ2ho0n8F8olcerUF1FFdv235A/5as/coWrpLrtE7ovMeP5whgwouYExowG/lTznxu6OUGjjt5yJQ6bXtTcf718MqAQ=
";
        let (origin, _) = note.split_once('\n').unwrap();
        let key = key.unwrap();
        let key = VerifierKey::new(origin, Algorithm::Ed25519, &key).unwrap();
        assert_eq!(key.id(), [0x80, 0x9d, 0xa1, 0xa3]);
        assert_eq!(names(note, &[key]).unwrap(), [origin]);
    }

    #[test]
    fn refuses_what_is_no_note() {
        let line = Signer::log("x", 1).sign("text\n");
        let bad_line = |line| Error::SignatureLine { line };
        assert!(Note::parse(&format!("text\n\n{line}")).is_ok());
        assert!(Note::parse(&format!("\n\n{line}")).is_ok());
        for (note, error) in [
            (String::new(), Error::NoBlankLine),
            ("text\n".to_owned(), Error::NoBlankLine),
            (format!("text\n{line}"), Error::NoBlankLine),
            (format!("\n{line}"), Error::NoBlankLine),
            ("text\n\n".to_owned(), Error::NoSignatures),
            (format!("text\n\n{line}\n"), Error::NoSignatures),
            (format!("text\r\n\r\n{line}"), Error::ControlCharacter),
            (format!("te\txt\n\n{line}"), Error::ControlCharacter),
            (format!("text\0\n\n{line}"), Error::ControlCharacter),
            (format!("text\n\n{}", line.trim_end()), bad_line(1)),
            (format!("text\n\n{line}more\n"), bad_line(2)),
            (format!("text\n\n{line}{line} \n"), bad_line(3)),
            (
                format!("text\n\n{}", line.replace('\u{2014}', "-")),
                bad_line(1),
            ),
            (
                format!("text\n\n{}", line.replace("\u{2014} ", "\u{2014}")),
                bad_line(1),
            ),
            (
                format!("text\n\n{}", line.replace(" x ", " x  ")),
                bad_line(1),
            ),
            (
                format!("text\n\n{}", line.replace(" x ", "  ")),
                bad_line(1),
            ),
            (
                format!("text\n\n{}", line.replace(" x ", " x+y ")),
                bad_line(1),
            ),
            (
                format!("text\n\n{}", line.replace(" x ", " x\u{a0}y ")),
                bad_line(1),
            ),
            (
                format!("text\n\n{}", line.replace("=\n", "\n")),
                bad_line(1),
            ),
            ("text\n\n\u{2014} x AAAAAA==\n".to_owned(), bad_line(1)),
            ("text\n\n\u{2014} x AAAA\n".to_owned(), bad_line(1)),
            ("text\n\n\u{2014} x \n".to_owned(), bad_line(1)),
            (
                format!("text\n\n{}", line.repeat(65)),
                Error::TooManySignatures,
            ),
            (
                "x".repeat(1 << 20) + "\n",
                Error::TooLong {
                    found: (1 << 20) + 1,
                },
            ),
        ] {
            assert_eq!(Note::parse(&note).err(), Some(error), "{note:.60}");
        }
        assert!(Note::parse(&format!("text\n\n{}", line.repeat(64))).is_ok());
    }

    #[test]
    fn the_last_blank_line_separates() {
        let signer = Signer::log("x", 1);
        let text = "one\n\n\u{2014} x AAAAAAA=\n\ntwo\n";
        let note = format!("{text}\n{}", signer.sign(text));
        assert_eq!(Note::parse(&note).unwrap().text(), text);
        assert_eq!(names(&note, &[signer.key]).unwrap(), ["x"]);
    }

    #[test]
    fn unknown_keys_are_ignored_and_known_ones_are_not() {
        let text = "text\n";
        let (a, b) = (Signer::log("a", 1), Signer::log("b", 2));
        let same_name = Signer::log("a", 3);
        let keys = [a.key.clone(), b.key.clone()];
        let bad = |name: &str| {
            Err(Error::BadSignature {
                name: name.to_owned(),
            })
        };
        let note = |lines: &[&str]| format!("{text}\n{}", lines.concat());
        let (good_a, good_b) = (a.sign(text), b.sign(text));
        let (bad_a, unknown) = (a.sign("other\n"), same_name.sign("other\n"));
        // The id of `a` under another name.
        let same_id = bad_a.replace(" a ", " c ");

        let ok = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        for (lines, result) in [
            (&[&good_a[..]][..], ok(&["a"])),
            (&[&good_b, &good_a], ok(&["b", "a"])),
            (&[&good_a, &good_b, &good_a], ok(&["a", "b"])),
            (&[&unknown, &same_id, &good_a], ok(&["a"])),
            (&[&bad_a], bad("a")),
            (&[&good_a, &bad_a], bad("a")),
            (&[&bad_a, &good_a], bad("a")),
            (&[&good_b, &bad_a], bad("a")),
            (&[&unknown], Err(Error::NoKnownKey)),
            (&[&same_id], Err(Error::NoKnownKey)),
        ] {
            assert_eq!(names(&note(lines), &keys), result, "{lines:?}");
        }
        assert_eq!(names(&note(&[&good_a]), &[]), Err(Error::NoKnownKey));
    }

    #[test]
    fn at_most_sixteen_lines_of_known_keys_are_verified() {
        let text = "text\n";
        let (known, other) = (Signer::log("known", 1), Signer::log("other", 2));
        let lines = |n| {
            format!(
                "{text}\n{}{}",
                other.sign(text).repeat(40),
                known.sign(text).repeat(n)
            )
        };
        assert_eq!(
            names(&lines(16), core::slice::from_ref(&known.key)).unwrap(),
            ["known"]
        );
        assert_eq!(
            names(&lines(17), &[known.key]),
            Err(Error::TooManyKnownSignatures { limit: 16 })
        );
    }

    #[test]
    fn cosignatures_tell_their_earliest_time() {
        let text = "log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let witness = Signer::witness("w", 1);
        let keys = [witness.key.clone()];
        let note = |lines: &[String]| format!("{text}\n{}", lines.concat());
        let at = |seconds| Time::from_seconds(seconds);
        let (early, late) = (witness.cosign(text, 1000), witness.cosign(text, 2000));
        let verified = verify(&note(&[late.clone(), early.clone()]), &keys).unwrap();
        assert_eq!(verified, [("w".to_owned(), at(1000))]);

        let bad = Err(Error::BadCosignature {
            name: "w".to_owned(),
        });
        // The same signature under another time, a plain signature, and a line too short.
        let bytes = from_base64(early.split(' ').next_back().unwrap().trim()).unwrap();
        let mut moved = bytes[4..].to_vec();
        moved[7] ^= 1;
        let plain = Signer::log("w", 1).sign(text);
        let plain = from_base64(plain.split(' ').next_back().unwrap().trim()).unwrap();
        for payload in [&moved[..], &plain[4..], &bytes[4..75], &bytes[12..]] {
            let line = witness.key.signature_line(payload);
            assert_eq!(verify(&note(&[late.clone(), line]), &keys), bad);
        }
    }

    #[test]
    fn two_keys_with_one_id_are_refused() {
        // A birthday among 105,723 seeds: ids are short.
        let keys = [
            "x+cb82066a+ARSNRZktFD3+PlkpMTVLmgLwnaU0OCfv2n/eFKDYNqpa",
            "x+cb82066a+AWEfh8Kt5GauvoNcz4/YkaZdlsIckDeCFyJAeh5Vuxrn",
        ];
        let keys = keys.map(|key| VerifierKey::parse(key).unwrap());
        let note = format!("text\n\n{}", keys[0].signature_line(&[0; 64]));
        let bad = Error::BadSignature {
            name: "x".to_owned(),
        };
        let twice = [keys[0].clone(), keys[0].clone()];
        assert_eq!(names(&note, &twice), Err(bad));
        let ambiguous = Error::AmbiguousKey {
            name: "x".to_owned(),
        };
        assert_eq!(names(&note, &keys), Err(ambiguous));
    }
}
