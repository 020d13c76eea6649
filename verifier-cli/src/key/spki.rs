//! SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER and PEM, and what looks like it.

use spki::SubjectPublicKeyInfoRef;
use spki::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use spki::der::{Decode as _, Reader as _, SliceReader};
use verifier_core::hazmat::signature::PublicKey;
use verifier_core::hazmat::webauthn::{CoseKey, LooseBytes};
use verifier_core::quote;

use super::advice::malformed;
use crate::failure::CliError;

// RFC 5480, RFC 8410, RFC 8017
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The key in a PEM block. Its line breaks may be anything that databases and environment
/// variables have made of them: blanks, nothing, or the letters `\n`.
pub(super) fn from_pem(text: &str) -> Result<CoseKey, CliError> {
    const BEGIN: &str = "-----BEGIN ";
    let text = text.replace("\\r", "\r").replace("\\n", "\n");
    let block = text.split_once(BEGIN).map(|(_, block)| block);
    let parts = block.and_then(|block| {
        let (label, rest) = block.split_once("-----")?;
        let (body, behind) = rest.split_once(&format!("-----END {label}-----"))?;
        Some((label, body, behind))
    });
    let Some((label, body, behind)) = parts else {
        return Err(malformed(
            "the PEM block has no end, or another one than its beginning",
        ));
    };
    if behind.contains(BEGIN) {
        return Err(malformed("there is more than one PEM block")
            .next("Leave the block with the PUBLIC KEY of the passkey, and nothing else."));
    }
    let der = LooseBytes::from_text(body).ok();
    let der = der.as_ref().and_then(|body| body.readings().last());
    let der = der.ok_or_else(|| malformed("the PEM block does not hold base64"));
    match label {
        "PUBLIC KEY" => from_der(der?),
        "RSA PUBLIC KEY" => from_pkcs1(der?),
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => Err(certificate()),
        label if label.contains("PRIVATE KEY") => Err(private()),
        other => Err(malformed("the PEM block is not a PUBLIC KEY").found(quote(other))),
    }
}

/// The key in a SubjectPublicKeyInfo or, for RSA, in an RSAPublicKey.
pub(super) fn from_der(der: &[u8]) -> Result<CoseKey, CliError> {
    let inside = AnyRef::from_der(der).ok().map(|sequence| sequence.value());
    let inside = inside.unwrap_or_default();
    let mut reader = SliceReader::new(inside).ok();
    let first = reader
        .as_mut()
        .and_then(|reader| AnyRef::decode(reader).ok())
        .map(|first| first.value());
    match (inside, first) {
        // PKCS #8 and SEC 1 begin with their version, RSAPublicKey with a long number.
        ([2, ..], Some([0 | 1])) => return Err(private()),
        ([2, ..], _) => return from_pkcs1(der),
        // The algorithm of a SubjectPublicKeyInfo begins with an OID, a certificate with its
        // version in a tag.
        ([0x30, ..], Some([0xa0, ..])) => return Err(certificate()),
        _ => {}
    }
    let form = |error: spki::der::Error| {
        malformed(&format!(
            "it begins like DER, and is no SubjectPublicKeyInfo: {error}"
        ))
    };
    let spki: SubjectPublicKeyInfoRef<'_> = SubjectPublicKeyInfoRef::from_der(der).map_err(form)?;
    let bits: BitStringRef<'_> = spki.subject_public_key;
    let bytes = bits
        .as_bytes()
        .ok_or_else(|| malformed("the key in it is not whole bytes"))?;
    let curve = || spki.algorithm.parameters_oid().ok();
    let key = match spki.algorithm.oid {
        EC if curve() == Some(P256) => point(bytes).map(|(x, y)| PublicKey::es256(x, y)),
        EC if curve() == Some(P384) => point(bytes).map(|(x, y)| PublicKey::es384(x, y)),
        EC if curve() == Some(P521) => point(bytes).map(|(x, y)| PublicKey::es512(x, y)),
        ED25519 => bytes.try_into().ok().map(PublicKey::ed25519),
        RSA => return from_pkcs1(bytes),
        other => {
            let curve = curve().map(|curve| format!(", curve {curve}"));
            return Err(malformed("it is of a kind that we do not verify with")
                .expected("P-256, P-384, P-521, Ed25519 or RSA")
                .found(format!("algorithm {other}{}", curve.unwrap_or_default()))
                .next(super::advice::OTHER_PASSKEY));
        }
    };
    let key = key.ok_or_else(|| malformed("it is not an uncompressed point of its length"))?;
    let key = key.map_err(|error| malformed(&error.to_string()))?;
    Ok(CoseKey::from_public_key(key))
}

/// The coordinates in `04 ‖ x ‖ y`.
fn point<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    let (4, rest) = bytes.split_first().map(|(first, rest)| (*first, rest))? else {
        return None;
    };
    let (x, y) = rest.split_at_checked(N)?;
    Some((x.try_into().ok()?, y.try_into().ok()?))
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`
fn from_pkcs1(der: &[u8]) -> Result<CoseKey, CliError> {
    let read = || {
        let mut reader = SliceReader::new(der)?;
        let numbers = reader.sequence(|reader| {
            let n = UintRef::decode(reader)?;
            let e = UintRef::decode(reader)?;
            Ok::<_, spki::der::Error>((n.as_bytes(), e.as_bytes()))
        })?;
        reader.finish()?;
        Ok(numbers)
    };
    let (n, e) = read()
        .map_err(|error: spki::der::Error| malformed(&format!("it is no RSA key: {error}")))?;
    let key = PublicKey::rs256(n, e).map_err(|error| malformed(&error.to_string()))?;
    Ok(CoseKey::from_public_key(key))
}

fn certificate() -> CliError {
    malformed("it is a certificate").next(
        "An attestation certificate belongs to the maker of a passkey, not to an approver. Give the \
         registration with `--registration FILE`.",
    )
}

/// A person who has a private key in a file has the wrong file.
pub(super) fn private() -> CliError {
    malformed("it is a private key").next(
        "Keep it to yourself: nobody else needs it, and that of a passkey never leaves its device. \
         Give the public key, or the registration with `--registration FILE`.",
    )
}
