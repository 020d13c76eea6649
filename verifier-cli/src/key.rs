//! Public keys, however a person has them: registration JSON, PEM, DER, COSE_Key.

use std::path::Path;

use spki::SubjectPublicKeyInfoRef;
use spki::der::asn1::{BitStringRef, ObjectIdentifier, UintRef};
use spki::der::{Decode as _, Document, Reader as _, SliceReader};
use verifier_core::encoding::{from_base64, from_base64url};
use verifier_core::signature::PublicKey;
use verifier_core::webauthn::{CoseKey, Registration};

use crate::code::CliCode;
use crate::failure::CliError;
use crate::file;

/// The longest key file; the longest RSA key takes about 2 KiB in PEM.
const MAX_BYTES: usize = 16 * 1024;

// RFC 5480, RFC 8410, RFC 8017
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The key and credential in a browser's registration JSON.
pub(crate) fn registration(path: &Path) -> Result<Registration, CliError> {
    let bytes = file::read_whole(path, Registration::MAX_BYTES)?;
    Registration::parse(&bytes).map_err(|error| malformed(&error.to_string()).about(path))
}

/// A key in a file, or the text of one.
pub(crate) fn read(text: &str) -> Result<CoseKey, CliError> {
    let path = Path::new(text);
    if file::is_stdin(path) || path.is_file() {
        let bytes = file::read_whole(path, MAX_BYTES)?;
        return parse(&bytes).map_err(|error| error.about(path));
    }
    parse(text.as_bytes()).map_err(|error| {
        let looks_like_file = text.contains(['.', '/', '\\']) && !text.contains("-----");
        match looks_like_file {
            true => CliError::unreadable(path, &std::io::ErrorKind::NotFound.into()),
            false => error,
        }
    })
}

fn parse(bytes: &[u8]) -> Result<CoseKey, CliError> {
    if let Some(text) = std::str::from_utf8(bytes).ok().map(str::trim) {
        if text.starts_with("-----BEGIN") {
            let text = text.to_owned() + "\n";
            let (label, document) =
                Document::from_pem(&text).map_err(|error| malformed(&error.to_string()))?;
            if label != "PUBLIC KEY" {
                return Err(malformed("the PEM block is not a PUBLIC KEY")
                    .found(verifier_core::quote(label)));
            }
            return from_spki(document.as_bytes());
        }
        if let Ok(bytes) = from_base64url(text).or_else(|_| from_base64(text)) {
            return from_binary(&bytes);
        }
    }
    from_binary(bytes)
}

/// DER begins with a SEQUENCE, a COSE_Key with a map.
fn from_binary(bytes: &[u8]) -> Result<CoseKey, CliError> {
    match bytes.first() {
        Some(0x30) => from_spki(bytes),
        _ => CoseKey::parse(bytes).map_err(|error| malformed(&error.to_string())),
    }
}

fn from_spki(der: &[u8]) -> Result<CoseKey, CliError> {
    let form = |error: spki::der::Error| malformed(&error.to_string());
    let spki: SubjectPublicKeyInfoRef<'_> = SubjectPublicKeyInfoRef::from_der(der).map_err(form)?;
    let bits: BitStringRef<'_> = spki.subject_public_key;
    let bytes = bits
        .as_bytes()
        .ok_or_else(|| malformed("the key is not whole bytes"))?;
    let curve = || spki.algorithm.parameters_oid().ok();
    let key = match spki.algorithm.oid {
        EC if curve() == Some(P256) => point(bytes).map(|(x, y)| PublicKey::es256(x, y)),
        EC if curve() == Some(P384) => point(bytes).map(|(x, y)| PublicKey::es384(x, y)),
        EC if curve() == Some(P521) => point(bytes).map(|(x, y)| PublicKey::es512(x, y)),
        ED25519 => bytes.try_into().ok().map(PublicKey::ed25519),
        RSA => {
            let (n, e) = rsa(bytes).map_err(form)?;
            Some(PublicKey::rs256(n, e))
        }
        other => {
            return Err(malformed("the key is of a kind that passkeys do not have")
                .expected("P-256, P-384, P-521, Ed25519 or RSA")
                .found(format!("algorithm {other}")));
        }
    };
    let key = key.ok_or_else(|| malformed("the key is not an uncompressed point of its length"))?;
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
fn rsa(der: &[u8]) -> Result<(&[u8], &[u8]), spki::der::Error> {
    let mut reader = SliceReader::new(der)?;
    let numbers = reader.sequence(|reader| {
        let n = UintRef::decode(reader)?;
        let e = UintRef::decode(reader)?;
        Ok::<_, spki::der::Error>((n.as_bytes(), e.as_bytes()))
    })?;
    reader.finish()?;
    Ok(numbers)
}

fn malformed(why: &str) -> CliError {
    CliError::new(
        CliCode::KeyForm,
        format!("this is not a public key to rely on: {why}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use spki::der::pem::{LineEnding, encode_string};
    use test_vectors::{Algorithm, Passkey};
    use verifier_core::encoding::{base64, base64url};
    use verifier_core::signature::KeyRef;

    /// SubjectPublicKeyInfo up to the key itself, for keys of this one length.
    fn spki(key: KeyRef<'_>) -> Vec<u8> {
        let (prefix, bytes): (&str, &[u8]) = match key {
            KeyRef::Es256(point) => (
                "3059301306072a8648ce3d020106082a8648ce3d030107034200",
                point,
            ),
            KeyRef::Es384(point) => ("3076301006072a8648ce3d020106052b81040022036200", point),
            KeyRef::Es512(point) => ("30819b301006072a8648ce3d020106052b8104002303818600", point),
            KeyRef::Ed25519(bytes) => ("302a300506032b6570032100", bytes),
            KeyRef::Rs256 { n, .. } => (
                "30820122300d06092a864886f70d01010105000382010f003082010a0282010100",
                n,
            ),
            _ => unreachable!(),
        };
        let mut out = verifier_core::encoding::from_hex(prefix).unwrap();
        out.extend(bytes);
        if let KeyRef::Rs256 { .. } = key {
            out.extend([2, 3, 1, 0, 1]);
        }
        out
    }

    #[test]
    fn reads_every_kind_in_every_form() {
        for algorithm in Algorithm::ALL {
            let cose = Passkey::new(algorithm, "alice").public_key;
            let key = CoseKey::parse(&cose).unwrap();
            let der = spki(key.public_key().as_ref());
            let pem = encode_string("PUBLIC KEY", LineEnding::LF, &der).unwrap();
            for form in [
                cose.clone(),
                base64url(&cose).into_bytes(),
                der.clone(),
                base64(&der).into_bytes(),
                pem.clone().into_bytes(),
                pem.trim_end().replace('\n', "\r\n").into_bytes(),
            ] {
                assert_eq!(parse(&form).unwrap(), key, "{algorithm:?}");
            }
            let private = pem.replace("PUBLIC", "PRIVATE");
            assert!(parse(private.as_bytes()).is_err());
            assert!(parse(&der[..der.len() - 1]).is_err());
        }
    }
}
