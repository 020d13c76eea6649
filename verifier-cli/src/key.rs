//! Public keys, however a person has them: registration JSON, PEM, DER, JWK, COSE_Key.
//!
//! A key is written in the encodings in which libraries and databases keep it, and taken where
//! only one reading of it is a key. Everything else is named for what it is.

mod advice;
mod jwk;
mod record;
mod spki;

use std::path::Path;

use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::webauthn::registration::{self, parse_attestation_object};
use verifier_core::hazmat::webauthn::{AttestedData, CoseKey, LooseBytes, Registration};

use crate::code::CliCode;
use crate::failure::CliError;
use crate::file;
pub(crate) use advice::OTHER_PASSKEY;
use advice::{cose, malformed, unreadable_registration};

/// The longest file that is read for a key: a registration, which is then named as such.
const MAX_BYTES: usize = Registration::MAX_BYTES;

/// The key and credential in a browser's registration JSON.
pub(crate) fn registration(path: &Path) -> Result<Registration, CliError> {
    let bytes = file::read_whole(path, MAX_BYTES)?;
    let text = without_mark(&bytes);
    Registration::parse(text).map_err(|error| {
        let named = match &error {
            registration::Error::Missing { .. } => {
                json(text).and_then(|value| record::name(&value))
            }
            _ => None,
        };
        let named = named.or_else(|| is_key(text, &error).then(only_a_key));
        named
            .unwrap_or_else(|| unreadable_registration(&error))
            .about(path)
    })
}

/// A key in a file, or the text of one.
pub(crate) fn read(text: &str) -> Result<CoseKey, CliError> {
    let path = Path::new(text);
    if file::is_stdin(path) || path.is_file() {
        let bytes = file::read_whole(path, MAX_BYTES)?;
        return parse(&bytes).map_err(|error| error.about(path));
    }
    parse(text.as_bytes()).map_err(|error| {
        let looks_like_file =
            text.contains(['.', '/', '\\']) && !text.contains("-----") && !text.contains('{');
        match looks_like_file && text.len() < 255 {
            true => CliError::unreadable(path, &std::io::ErrorKind::NotFound.into()),
            false => error,
        }
    })
}

/// A credential id as somebody has typed or copied it.
pub(crate) fn credential_id(text: &str) -> Result<Vec<u8>, CliError> {
    let id = LooseBytes::from_text(text).and_then(LooseBytes::into_only);
    id.map_err(|error| {
        CliError::usage(format!("the text after --credential-id is {error}."))
            .expected("base64url, as browsers write a credential's id")
            .next("Copy the member id of the credential's registration or record.")
    })
}

fn parse(bytes: &[u8]) -> Result<CoseKey, CliError> {
    let Ok(text) = std::str::from_utf8(without_mark(bytes)) else {
        return binary(bytes);
    };
    let text = text.trim();
    // A record may hold a PEM block; a JSON string may be one.
    if text.contains("-----BEGIN") && !text.starts_with(['{', '[']) {
        return spki::from_pem(text);
    }
    if text.starts_with(['{', '[', '"']) {
        let value = json(text.as_bytes())
            .ok_or_else(|| malformed("it begins like JSON, and is not strict JSON"))?;
        return from_json(&value);
    }
    if let Some(word) = text.split_ascii_whitespace().next()
        && ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
    {
        return Err(
            malformed("it is an SSH key, and passkeys sign with keys of their own").next(
                "Give the registration of the approver's passkey with `--registration FILE`.",
            ),
        );
    }
    match LooseBytes::from_text(text) {
        Ok(written) => only_key(&written),
        Err(error) => Err(malformed(&format!("it is {error}"))),
    }
}

fn from_json(value: &Value<'_>) -> Result<CoseKey, CliError> {
    if Registration::is_meant(value) {
        return Err(
            malformed("it is a browser's registration, which has a key in it")
                .next("Give the same file with `--registration` instead of `--key`."),
        );
    }
    if let Some(key) = jwk::read(value)? {
        return Ok(key);
    }
    if let Some(error) = record::name(value) {
        return Err(error);
    }
    if let Value::String(text) = value {
        // A JSON string around a PEM block or base64; not around another one.
        let text = text.trim();
        return match text.starts_with(['{', '[', '"']) {
            true => Err(malformed("it is JSON in a string in JSON")),
            false => parse(text.as_bytes()),
        };
    }
    match LooseBytes::from_value(value) {
        Ok(written) => only_key(&written),
        Err(error) => Err(malformed(&format!("it is {error}"))),
    }
}

/// The reading that is a key. Two readings never are: hex of a key begins with a5, a4 or 30, and
/// base64 that begins like that is no key.
fn only_key(written: &LooseBytes) -> Result<CoseKey, CliError> {
    let mut first = None;
    for bytes in written.readings() {
        match binary(bytes) {
            Ok(key) => return Ok(key),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| malformed("it is empty")))
}

/// DER begins with a SEQUENCE, a COSE_Key with a map.
fn binary(bytes: &[u8]) -> Result<CoseKey, CliError> {
    if bytes.first() == Some(&0x30) {
        return spki::from_der(bytes);
    }
    let error = match CoseKey::parse(bytes) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    let bare = "Give the key with its algorithm: as SubjectPublicKeyInfo (PEM or DER), JWK or \
                COSE_Key, or the whole registration with `--registration FILE`.";
    Err(match (bytes.first(), bytes.len()) {
        (Some(4), 65 | 97 | 133) | (Some(2 | 3), 33 | 49 | 67) => {
            malformed("it is a bare point of a curve, without its algorithm").next(bare)
        }
        (_, 32 | 64) => {
            malformed("it is bare bytes, of a key or a hash, without an algorithm").next(bare)
        }
        _ => match (parse_attestation_object(bytes), AttestedData::parse(bytes)) {
            (Ok(data), _) => within("an attestation object", &data),
            (_, Ok(data)) => within("the authenticator data of a registration", &data),
            _ => cose(&error),
        },
    })
}

/// Bytes with a key in them, which we could take out; but then nobody has compared the rest.
fn within(what: &str, data: &AttestedData) -> CliError {
    malformed(&format!("it is {what}, with a key in it")).next(format!(
        "Give the whole registration with `--registration FILE`; or, if it is lost, `--key {} \
         --credential-id {}`.",
        base64url(data.key().as_bytes()),
        base64url(data.credential_id()),
    ))
}

fn is_key(text: &[u8], error: &registration::Error) -> bool {
    use registration::Error::{Json, Kind, Missing};
    matches!(error, Json(_) | Kind { .. } | Missing { .. }) && parse(text).is_ok()
}

fn only_a_key() -> CliError {
    CliError::new(
        CliCode::KeyForm,
        "this is a public key alone, not a browser's registration.",
    )
    .next("Give the same file with `--key` instead of `--registration`.")
}

fn json(text: &[u8]) -> Option<Value<'_>> {
    Value::parse(text, Limits::bytes(MAX_BYTES)).ok()
}

/// Without the byte order mark that some editors write.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::spki::der::pem::{LineEnding, encode_string};
    use test_vectors::{Algorithm, Passkey};
    use verifier_core::hazmat::encoding::{base64, base64url};
    use verifier_core::hazmat::signature::KeyRef;

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
        let mut out = verifier_core::hazmat::encoding::from_hex(prefix).unwrap();
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
