//! The public key of a passkey as COSE writes it (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4).
//!
//! ```text
//! label   EC2 (ES256, ES384, ES512)   OKP (EdDSA)       RSA (RS256)
//!   1     2                           1                 3              kty
//!   3     -7, -35, -36                -8                -257           alg
//!         -9, -51, -52                -19                              the same, RFC 9864
//!  -1     1, 2, 3                     6                 n              curve, or modulus
//!  -2     x: 32, 48, 66 bytes         32 bytes          65537          x, or exponent
//!  -3     y: as x                     –                 –
//! ```
//!
//! WebAuthn ties each algorithm to one curve and forbids compressed points (Level 3 §5.8.5). That
//! makes the first row of algorithms the same as the second, which names the curve as well: both
//! are read, and the first one is written. So a key has one identity, however it came.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::cbor;
use crate::code::Code;
use crate::encoding::{base64url, sha256};
use crate::failure::Failure;
use crate::shown::quote;
use crate::signature::{Algorithm, KeyError, KeyRef, PublicKey};

const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const RSA_N: i64 = -1;
const RSA_E: i64 = -2;

const KTY_OKP: i64 = 1;
const KTY_EC2: i64 = 2;
const KTY_RSA: i64 = 3;

/// A sound public key and its COSE encoding under the algorithms that WebAuthn registers: −7, −35,
/// −36, −8 and −257. The encoding is the identity of the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CoseKey {
    key: PublicKey,
    bytes: Vec<u8>,
}

impl CoseKey {
    /// Reads a COSE_Key in CTAP2 canonical CBOR with exactly the members of its kind. A key under
    /// −9, −51, −52 or −19 becomes the same one under −7, −35, −36 or −8.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_cbor(&cbor::Value::parse(bytes, cbor::Limits::CTAP2).map_err(Error::Cbor)?)
    }

    /// Reads the COSE_Key that `bytes` begin with, and returns what follows it.
    pub(super) fn parse_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let (value, rest) =
            cbor::Value::parse_prefix(bytes, cbor::Limits::CTAP2).map_err(Error::Cbor)?;
        Ok((Self::from_cbor(&value)?, rest))
    }

    /// Writes `key` as a COSE_Key.
    pub fn from_public_key(key: PublicKey) -> Self {
        let bytes = encode(key.as_ref());
        Self { key, bytes }
    }

    /// The key.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.key.as_ref().algorithm()
    }

    /// The COSE_Key that identifies the key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`Self::as_bytes`].
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.bytes)
    }

    /// `SHA256:` and the hash of the COSE_Key in base64url: short enough to compare over another
    /// channel.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", base64url(&self.sha256()))
    }

    fn from_cbor(value: &cbor::Value<'_>) -> Result<Self, Error> {
        let cbor::Value::Map(map) = value else {
            let found = value.kind();
            return Err(Error::NotAMap { found });
        };
        if let Some(cbor::Value::LargeInteger { .. }) = map.get(ALG) {
            return Err(Error::LargeAlgorithm);
        }
        let alg = integer(map, ALG)?;
        let algorithm = Algorithm::from_cose(alg).ok_or(Error::UnsupportedAlgorithm { alg })?;
        let key = match algorithm {
            Algorithm::Es256 => {
                let (x, y) = ec2(map, alg, 1)?;
                PublicKey::es256(x, y)
            }
            Algorithm::Es384 => {
                let (x, y) = ec2(map, alg, 2)?;
                PublicKey::es384(x, y)
            }
            Algorithm::Es512 => {
                let (x, y) = ec2(map, alg, 3)?;
                PublicKey::es512(x, y)
            }
            Algorithm::EdDsa => {
                only(map, &[KTY, ALG, CRV, X])?;
                agree(map, alg, KTY, KTY_OKP)?;
                agree(map, alg, CRV, 6)?;
                PublicKey::ed25519(fixed(map, X)?)
            }
            Algorithm::Rs256 => {
                only(map, &[KTY, ALG, RSA_N, RSA_E])?;
                agree(map, alg, KTY, KTY_RSA)?;
                PublicKey::rs256(bytes(map, RSA_N)?, bytes(map, RSA_E)?)
            }
        }
        .map_err(Error::Unsound)?;
        // Canonical and with exactly these members, the input was this encoding, or differs from
        // it in the number of the algorithm.
        Ok(Self::from_public_key(key))
    }
}

/// The bytes that identify the key that these are, whichever of two numbers its algorithm was written
/// with ([`CoseKey::as_bytes`]). What is no sound key stands for itself.
pub fn identity(bytes: &[u8]) -> Cow<'_, [u8]> {
    match CoseKey::parse(bytes) {
        Ok(key) if key.as_bytes() != bytes => key.as_bytes().to_vec().into(),
        _ => bytes.into(),
    }
}

/// Why bytes are not a key that we would verify with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not CTAP2 canonical CBOR.
    #[error("the key is not canonical CBOR: {0}")]
    Cbor(cbor::Error),
    /// Key type or curve are not those of the algorithm.
    #[error("COSE algorithm {alg} needs {expected} under label {label}, not {found}")]
    Disagreement {
        /// The algorithm.
        alg: i64,
        /// 1 for the key type, -1 for the curve.
        label: i64,
        /// The value that the algorithm needs.
        expected: i64,
        /// The value that is there.
        found: i64,
    },
    /// A member of another kind of key, or of none.
    #[error("the key has a member that its kind does not have: {label}")]
    ExtraMember {
        /// The label, fit to print.
        label: String,
    },
    /// A coordinate of the wrong length.
    #[error("the key's member {label} has {found} bytes instead of {expected}")]
    Length {
        /// The label.
        label: i64,
        /// The length that the curve needs, in bytes.
        expected: usize,
        /// The length that is there, in bytes.
        found: usize,
    },
    /// A member of the wrong kind. A compressed point has a boolean as y.
    #[error("the key's member {label} is {found} instead of {expected}")]
    MemberKind {
        /// The label.
        label: i64,
        /// The right kind.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// An algorithm that nobody has registered: its number has more than 64 bits.
    #[error("no COSE algorithm has a number of more than 64 bits")]
    LargeAlgorithm,
    /// A member that this kind of key has, missing.
    #[error("the key has no member {label}")]
    Missing {
        /// The label.
        label: i64,
    },
    /// Not a map at all.
    #[error("the key is {found} instead of a map")]
    NotAMap {
        /// The value that is there.
        found: &'static str,
    },
    /// Well formed, and yet not a key to rely on.
    #[error(transparent)]
    Unsound(KeyError),
    /// An algorithm that this project does not verify.
    #[error("COSE algorithm {alg}{} is not supported{}", name(*alg), not_yet(*alg))]
    UnsupportedAlgorithm {
        /// The algorithm.
        alg: i64,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::LargeAlgorithm | Self::UnsupportedAlgorithm { .. } => {
                Code::WebauthnUnsupportedAlgorithm
            }
            _ => Code::WebauthnBadKey,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Disagreement { expected, .. } => Some(expected.to_string()),
            Self::Length { expected, .. } => Some(format!("{expected} bytes")),
            Self::MemberKind { expected, .. } => Some((*expected).into()),
            Self::NotAMap { .. } => Some("a map".into()),
            Self::LargeAlgorithm | Self::UnsupportedAlgorithm { .. } => {
                Some("ES256 (-7, -9), ES384 (-35, -51), ES512 (-36, -52), EdDSA (-8, -19) or RS256 (-257)".into())
            }
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Disagreement { found, .. } => Some(found.to_string()),
            Self::Length { found, .. } => Some(format!("{found} bytes")),
            Self::MemberKind { found, .. } | Self::NotAMap { found } => Some((*found).into()),
            Self::UnsupportedAlgorithm { alg } => Some(format!("{alg}{}", name(*alg))),
            _ => None,
        }
    }
}

/// Names in the IANA registry of the algorithms that passkeys are known to use and we do not
/// verify.
fn name(alg: i64) -> &'static str {
    match alg {
        -37 => " (PS256)",
        -47 => " (ES256K)",
        -48 => " (ML-DSA-44)",
        -49 => " (ML-DSA-65)",
        -50 => " (ML-DSA-87)",
        -53 => " (Ed448)",
        -65_535 => " (RS1)",
        _ => "",
    }
}

/// ML-DSA will come, see docs/DESIGN.md.
fn not_yet(alg: i64) -> &'static str {
    match alg {
        -50..=-48 => " yet",
        _ => "",
    }
}

type Coordinates<'a, const N: usize> = (&'a [u8; N], &'a [u8; N]);

fn ec2<'a, const N: usize>(
    map: &cbor::Map<'a>,
    alg: i64,
    crv: i64,
) -> Result<Coordinates<'a, N>, Error> {
    only(map, &[KTY, ALG, CRV, X, Y])?;
    agree(map, alg, KTY, KTY_EC2)?;
    agree(map, alg, CRV, crv)?;
    Ok((fixed(map, X)?, fixed(map, Y)?))
}

/// Refuses members that are not among `labels`.
fn only(map: &cbor::Map<'_>, labels: &[i64]) -> Result<(), Error> {
    for (label, _) in map.iter() {
        let label = match label {
            cbor::Value::Integer(label) if labels.contains(label) => continue,
            cbor::Value::Integer(label) => label.to_string(),
            cbor::Value::Text(label) => quote(label),
            other => other.kind().into(),
        };
        return Err(Error::ExtraMember { label });
    }
    Ok(())
}

/// Refuses another value under `label` than the one that goes with the algorithm.
fn agree(map: &cbor::Map<'_>, alg: i64, label: i64, expected: i64) -> Result<(), Error> {
    let found = integer(map, label)?;
    if found == expected {
        return Ok(());
    }
    Err(Error::Disagreement {
        alg,
        label,
        expected,
        found,
    })
}

fn integer(map: &cbor::Map<'_>, label: i64) -> Result<i64, Error> {
    match map.get(label).ok_or(Error::Missing { label })? {
        cbor::Value::Integer(value) => Ok(*value),
        other => Err(Error::MemberKind {
            label,
            expected: "an integer",
            found: other.kind(),
        }),
    }
}

fn bytes<'a>(map: &cbor::Map<'a>, label: i64) -> Result<&'a [u8], Error> {
    match map.get(label).ok_or(Error::Missing { label })? {
        cbor::Value::Bytes(value) => Ok(value),
        other => Err(Error::MemberKind {
            label,
            expected: "a byte string",
            found: other.kind(),
        }),
    }
}

fn fixed<'a, const N: usize>(map: &cbor::Map<'a>, label: i64) -> Result<&'a [u8; N], Error> {
    let bytes = bytes(map, label)?;
    bytes.try_into().map_err(|_| Error::Length {
        label,
        expected: N,
        found: bytes.len(),
    })
}

fn encode(key: KeyRef<'_>) -> Vec<u8> {
    match key {
        // A5 01 02  03 26  20 01  21 58 20 x  22 58 20 y
        KeyRef::Es256(point) => encode_ec2(&[0x26], 1, point),
        // A5 01 02  03 38 22  20 02  21 58 30 x  22 58 30 y
        KeyRef::Es384(point) => encode_ec2(&[0x38, 0x22], 2, point),
        // A5 01 02  03 38 23  20 03  21 58 42 x  22 58 42 y
        KeyRef::Es512(point) => encode_ec2(&[0x38, 0x23], 3, point),
        // A4 01 01  03 27  20 06  21 58 20 x
        KeyRef::Ed25519(x) => {
            let mut out = alloc::vec![0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21];
            push_bytes(&mut out, x);
            out
        }
        // A4 01 03  03 39 01 00  20 59 .. .. n  21 43 01 00 01
        KeyRef::Rs256 { n, e } => {
            let mut out = alloc::vec![0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20];
            push_bytes(&mut out, n);
            out.push(0x21);
            push_bytes(&mut out, e);
            out
        }
    }
}

fn encode_ec2(alg: &[u8], crv: u8, point: &[u8]) -> Vec<u8> {
    let mut out = alloc::vec![0xa5, 0x01, 0x02, 0x03];
    out.extend(alg);
    out.extend([0x20, crv]);
    // The point is 04 ‖ x ‖ y, both of one length.
    let (_, coordinates) = point.split_at_checked(1).unwrap_or_default();
    let half = coordinates.len() / 2;
    let (x, y) = coordinates.split_at_checked(half).unwrap_or_default();
    out.push(0x21);
    push_bytes(&mut out, x);
    out.push(0x22);
    push_bytes(&mut out, y);
    out
}

/// Appends a CBOR byte string. The longest that a key has is a modulus of 1024 bytes.
fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let [.., high, low] = bytes.len().to_be_bytes();
    match (high, low) {
        (0, 0..=23) => out.push(0x40 | low),
        (0, _) => out.extend([0x58, low]),
        _ => out.extend([0x59, high, low]),
    }
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{from_hex, hex};

    // WebAuthn Level 3 §16: one key of each kind (RS256 of its own making).
    const ES256: &str = concat!(
        "a50102032620012158",
        "20afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df612258",
        "20930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
    );
    const X: &str = "afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61";
    const Y: &str = "930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
    const ED25519: &str = concat!(
        "a4010103272006215820",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
    const OKP_X: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn parse(text: &str) -> Result<CoseKey, Error> {
        CoseKey::parse(&from_hex(text).unwrap())
    }

    fn rs256(n: &[u8], e: &str) -> String {
        let [.., high, low] = n.len().to_be_bytes();
        format!("a401030339010020{}{}{e}", hex(&[0x59, high, low]), hex(n))
    }

    #[test]
    fn reads_and_writes_one_encoding_of_each_kind_of_key() {
        use p384::elliptic_curve::sec1::ToSec1Point as _;
        let p384 = p384::SecretKey::from_slice(&[7; 48]).unwrap().public_key();
        let p521 = p521::SecretKey::from_slice(&[1; 66]).unwrap().public_key();
        let (p384, p521) = (p384.to_sec1_point(false), p521.to_sec1_point(false));
        let (p384, p521) = (p384.as_bytes(), p521.as_bytes());
        let es384 = format!(
            "a501020338222002215830{}225830{}",
            hex(&p384[1..49]),
            hex(&p384[49..])
        );
        let es512 = format!(
            "a501020338232003215842{}225842{}",
            hex(&p521[1..67]),
            hex(&p521[67..])
        );
        for (name, text) in [
            ("ES256", ES256.into()),
            ("ES384", es384),
            ("ES512", es512),
            ("EdDSA", ED25519.into()),
            ("RS256", rs256(&[0xff; 256], "2143010001")),
        ] {
            let key = parse(&text).unwrap();
            assert_eq!(key.public_key().algorithm(), name);
            assert_eq!(hex(key.as_bytes()), text);
            let again = CoseKey::from_public_key(key.public_key().clone());
            assert_eq!(again, key);
        }
    }

    #[test]
    fn fingerprint_is_the_hash_of_the_cose_key() {
        let key = parse(ES256).unwrap();
        assert_eq!(key.sha256(), sha256(&from_hex(ES256).unwrap()));
        let fingerprint = key.fingerprint();
        assert_eq!(
            fingerprint.strip_prefix("SHA256:"),
            Some(base64url(&key.sha256()).as_str())
        );
        assert_ne!(fingerprint, parse(ED25519).unwrap().fingerprint());
    }

    #[test]
    fn algorithms_that_are_not_ours_are_told_apart_from_bad_keys() {
        for (alg, text) in [
            (-53, "38342007"),       // Ed448
            (-47, "382e2008"),       // ES256K
            (-37, "38242001"),       // PS256
            (-48, "382f2001"),       // ML-DSA-44
            (-265, "3901082001"),    // ESB256, on a Brainpool curve
            (-65_535, "39fffe2001"), // RS1
            (0, "002001"),
        ] {
            let error = parse(&format!("a3010203{text}")).unwrap_err();
            assert_eq!(error, Error::UnsupportedAlgorithm { alg });
            assert_eq!(error.code(), Code::WebauthnUnsupportedAlgorithm);
        }
        // 2^63, and −1 − 2^63
        for text in ["1b8000000000000000", "3b8000000000000000"] {
            let error = parse(&format!("a2010203{text}")).unwrap_err();
            assert_eq!(error, Error::LargeAlgorithm);
            assert_eq!(error.code(), Code::WebauthnUnsupportedAlgorithm);
        }
    }

    #[test]
    fn says_that_ml_dsa_is_not_supported_yet() {
        for (text, expected) in [
            (
                "382f",
                "COSE algorithm -48 (ML-DSA-44) is not supported yet",
            ),
            (
                "3830",
                "COSE algorithm -49 (ML-DSA-65) is not supported yet",
            ),
            (
                "3831",
                "COSE algorithm -50 (ML-DSA-87) is not supported yet",
            ),
            ("382e", "COSE algorithm -47 (ES256K) is not supported"),
            ("01", "COSE algorithm 1 is not supported"),
        ] {
            let error = parse(&format!("a2010703{text}")).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    /// RFC 9864: −9, −51, −52 and −19 are −7, −35, −36 and −8 with the curve fixed.
    #[test]
    fn fully_specified_algorithms_are_the_same_keys() {
        let es384 = test_vectors::Passkey::new(test_vectors::Algorithm::Es384, "a").public_key;
        let es512 = test_vectors::Passkey::new(test_vectors::Algorithm::Es512, "a").public_key;
        for (text, from, to) in [
            (ES256.to_string(), "0326", "0328"),
            (hex(&es384), "033822", "033832"),
            (hex(&es512), "033823", "033833"),
            (ED25519.to_string(), "0327", "0332"),
        ] {
            let specified = text.replacen(from, to, 1);
            assert_ne!(specified, text);
            let (key, known) = (parse(&specified).unwrap(), parse(&text).unwrap());
            assert_eq!(key, known);
            assert_eq!(hex(key.as_bytes()), text);
            assert_eq!(key.fingerprint(), known.fingerprint());
        }
        let ec2 = format!("215820{X}225820{Y}");
        let disagreement = |alg, label, expected, found| {
            Err(Error::Disagreement {
                alg,
                label,
                expected,
                found,
            })
        };
        for (text, error) in [
            // ESP256 on P-384's number, as OKP; Ed25519 on P-256's and on Ed448's number
            (format!("a5010203282002{ec2}"), disagreement(-9, -1, 1, 2)),
            (format!("a5010103282001{ec2}"), disagreement(-9, 1, 2, 1)),
            (
                format!("a4010103322001215820{OKP_X}"),
                disagreement(-19, -1, 6, 1),
            ),
            (
                format!("a4010103322007215820{OKP_X}"),
                disagreement(-19, -1, 6, 7),
            ),
        ] {
            assert_eq!(parse(&text), error, "{text}");
        }
        // In another encoding it is no more a key than under the other number.
        let long = ES256.replacen("0326", "033808", 1);
        assert!(matches!(parse(&long), Err(Error::Cbor(_))));
    }

    #[test]
    fn refuses_keys_whose_parts_disagree() {
        let disagreement = |alg, label, expected, found| Error::Disagreement {
            alg,
            label,
            expected,
            found,
        };
        let ec2 = format!("215820{X}225820{Y}");
        for (text, error) in [
            // ES256 on another curve: P-384, Ed25519's number, secp256k1
            (format!("a5010203262002{ec2}"), disagreement(-7, -1, 1, 2)),
            (format!("a5010203262006{ec2}"), disagreement(-7, -1, 1, 6)),
            (format!("a5010203262008{ec2}"), disagreement(-7, -1, 1, 8)),
            // ES384 and ES512 on P-256
            (
                format!("a501020338222002215820{X}225820{Y}"),
                Error::Length {
                    label: -2,
                    expected: 48,
                    found: 32,
                },
            ),
            (
                format!("a501020338232001{ec2}"),
                disagreement(-36, -1, 3, 1),
            ),
            // key types of another algorithm
            (format!("a5010103262001{ec2}"), disagreement(-7, 1, 2, 1)),
            (
                format!("a4010203272006215820{OKP_X}"),
                disagreement(-8, 1, 1, 2),
            ),
            (
                format!("a4010103272001215820{OKP_X}"),
                disagreement(-8, -1, 6, 1),
            ),
            (
                rs256(&[0xff; 256], "2143010001").replacen("a40103", "a40102", 1),
                disagreement(-257, 1, 3, 2),
            ),
            // RS256 on an EC2 key
            (
                format!("a50102033901002001{ec2}"),
                Error::ExtraMember { label: "-3".into() },
            ),
        ] {
            assert_eq!(parse(&text), Err(error), "{text}");
        }
    }

    #[test]
    fn refuses_keys_with_members_missing_extra_or_of_the_wrong_kind() {
        let kind = |label, expected, found| Error::MemberKind {
            label,
            expected,
            found,
        };
        for (text, error) in [
            ("80".into(), Error::NotAMap { found: "an array" }),
            ("a0".into(), Error::Missing { label: 3 }),
            // alg as a text, as a bignum, missing
            (
                "a2010203634553323536".replace("634553", "654553"),
                kind(3, "an integer", "a text string"),
            ),
            (
                "a2010203c24107".into(),
                Error::Cbor(cbor::Value::parse(&[0xc0, 0], cbor::Limits::CTAP2).unwrap_err()),
            ),
            (
                format!("a401022001215820{X}225820{Y}"),
                Error::Missing { label: 3 },
            ),
            (
                format!("a403262001215820{X}225820{Y}"),
                Error::Missing { label: 1 },
            ),
            (
                format!("a401020326215820{X}225820{Y}"),
                Error::Missing { label: -1 },
            ),
            (
                format!("a4010203262001215820{X}"),
                Error::Missing { label: -3 },
            ),
            // a compressed point
            (
                format!("a5010203262001215820{X}22f5"),
                kind(-3, "a byte string", "a boolean"),
            ),
            (
                format!("a5010203262001215821{X}00225820{Y}"),
                Error::Length {
                    label: -2,
                    expected: 32,
                    found: 33,
                },
            ),
            (
                format!("a501020326200121581f{}225820{Y}", &X[2..]),
                Error::Length {
                    label: -2,
                    expected: 32,
                    found: 31,
                },
            ),
            // key id, key operations, a private key, a text label
            (
                format!("a6010202410003262001215820{X}225820{Y}"),
                Error::ExtraMember { label: "2".into() },
            ),
            (
                format!("a60102032604810220012158 20{X}225820{Y}").replace(' ', ""),
                Error::ExtraMember { label: "4".into() },
            ),
            (
                format!("a6010203262001215820{X}225820{Y}234101"),
                Error::ExtraMember { label: "-4".into() },
            ),
            (
                format!("a6010203262001215820{X}225820{Y}616100"),
                Error::ExtraMember {
                    label: "\"a\"".into(),
                },
            ),
            (
                format!("a5010103272006215820{OKP_X}225820{OKP_X}"),
                Error::ExtraMember { label: "-3".into() },
            ),
        ] {
            let found = parse(&text).unwrap_err();
            match (&found, &error) {
                (Error::Cbor(found), Error::Cbor(error)) => assert_eq!(found.kind, error.kind),
                _ => assert_eq!(found, error, "{text}"),
            }
            assert_eq!(found.code(), Code::WebauthnBadKey, "{text}");
        }
    }

    #[test]
    fn refuses_a_second_encoding_of_a_key() {
        for text in [
            format!("{ES256}00"),
            ES256[..ES256.len() - 2].into(),
            // indefinite map; long lengths; long integers
            format!("bf{}ff", &ES256[2..]),
            format!("b805{}", &ES256[2..]),
            ES256.replacen("a50102", "a5011802", 1),
            ES256.replacen("0326", "033806", 1),
            ES256.replacen("215820", "21590020", 1),
            // -2 before -1, 3 before 1, -3 twice, a tag around it
            format!("a501020326215820{X}2001225820{Y}"),
            format!("a5032601022001215820{X}225820{Y}"),
            format!("a6010203262001215820{X}225820{Y}225820{Y}"),
            format!("d9d9f7{ES256}"),
        ] {
            assert!(matches!(parse(&text), Err(Error::Cbor(_))), "{text}");
        }
    }

    #[test]
    fn refuses_unsound_keys() {
        let order = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
        let p = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
        let zero = "00".repeat(32);
        // (0, √b) is on P-256, so x = p names it a second time.
        let root_b = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
        let ec2 = |x: &str, y: &str| format!("a5010203262001215820{x}225820{y}");
        assert!(parse(&ec2(&zero, root_b)).is_ok());
        let okp = |x: &str| format!("a4010103272006215820{x}");
        for (text, error) in [
            (ec2(X, X), KeyError::NotOnCurve),
            (ec2(&zero, &zero), KeyError::NotOnCurve),
            (ec2(p, root_b), KeyError::NotOnCurve),
            (okp(&format!("01{}", "00".repeat(31))), KeyError::SmallOrder),
            (okp(&zero), KeyError::SmallOrder),
            (
                rs256(&[0xff; 256], "2103").replace("2103", "214103"),
                KeyError::Exponent,
            ),
            (rs256(&[0xff; 256], "214101"), KeyError::Exponent),
            (rs256(&[0xff; 256], "2143010000"), KeyError::Exponent),
            (rs256(&[0xff; 256], "214400010001"), KeyError::NotCanonical),
            (rs256(&[0xfe; 256], "2143010001"), KeyError::EvenModulus),
            (
                rs256(&[0x7f; 256], "2143010001"),
                KeyError::ModulusSize { bits: 2047 },
            ),
            (
                rs256(&[0xff; 1025], "2143010001"),
                KeyError::ModulusSize { bits: 8200 },
            ),
        ] {
            assert_eq!(parse(&text), Err(Error::Unsound(error)), "{text}");
        }
        // p = 2^255 − 19 as y is 0 again, in little-endian.
        let mut again = from_hex(order).unwrap();
        again.reverse();
        assert!(matches!(parse(&okp(&hex(&again))), Err(Error::Unsound(_))));
    }

    #[test]
    fn whatever_is_read_is_written_back_but_for_the_number_of_the_algorithm() {
        // Where the algorithm of these keys stands.
        const ALG: usize = 4;
        for text in [ES256, ED25519] {
            let good = from_hex(text).unwrap();
            for at in 0..good.len() {
                for byte in 0..=255 {
                    let mut bytes = good.clone();
                    bytes[at] = byte;
                    if let Ok(key) = CoseKey::parse(&bytes) {
                        if at == ALG {
                            assert!([0x26, 0x27, 0x28, 0x32].contains(&byte));
                            bytes[ALG] = good[ALG];
                        }
                        assert_eq!(key.as_bytes(), bytes);
                    }
                }
            }
        }
    }
}
