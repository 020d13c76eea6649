//! Credentials as server libraries keep them in a database: a key and an id, and nothing that says
//! where the passkey was made.

use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::{Object, Value};
use verifier_core::hazmat::webauthn::{CoseKey, LooseBytes};

use super::{jwk, only_key};
use crate::code::CliCode;
use crate::failure::CliError;

/// Names of the key in libraries: SimpleWebAuthn, py_webauthn, go-webauthn, Fido2NetLib,
/// webauthn4j, and databases.
const KEYS: &[&str] = &[
    "publicKey",
    "credentialPublicKey",
    "credential_public_key",
    "public_key",
    "PublicKey",
    "coseKey",
    "cose_key",
    "attestedCredentialPublicKey",
];

/// And the id.
const IDS: &[&str] = &[
    "id",
    "credentialId",
    "credentialID",
    "credential_id",
    "cred_id",
    "rawId",
    "ID",
    "CredentialId",
];

/// How deep the key may be: `{"cred":{"cred":{"key":…}}}`, `{"authenticator":{…}}`.
const DEPTH: usize = 4;

/// Names a stored record, if the value is one, and says how to use what is in it.
pub(super) fn name(value: &Value<'_>) -> Option<CliError> {
    let found = search(value, None, DEPTH)?;
    let message = "this is the record of a credential that a server keeps, not a browser's \
                   registration: it does not say for which relying party the passkey was made.";
    let error = CliError::new(CliCode::KeyForm, message);
    Some(match found {
        Found { key: Some(key), id } => {
            let id = id.map(|id| format!(" --credential-id {}", base64url(&id)));
            error.next(format!(
                "Give its key and id: `--key {}{}`.",
                base64url(key.as_bytes()),
                id.unwrap_or_default()
            ))
        }
        Found { key: None, .. } => error.next(
            "Give its public key with `--key` (PEM, DER, JWK, or COSE_Key in base64url) and its id \
             with `--credential-id`.",
        ),
    })
}

struct Found {
    key: Option<CoseKey>,
    id: Option<Vec<u8>>,
}

/// The first object with a key in it, and the id beside it or around it.
fn search(value: &Value<'_>, around: Option<&Value<'_>>, depth: usize) -> Option<Found> {
    let object = value.as_object()?;
    let id = member(object, IDS).or(around);
    let found = |key: Option<CoseKey>| Found {
        key,
        id: id.and_then(|id| LooseBytes::from_value(id).ok()?.into_only().ok()),
    };
    if let Some(key) = jwk::rust(value) {
        return Some(found(Some(key)));
    }
    if let Some(written) = member(object, KEYS) {
        return Some(found(key(written)));
    }
    let depth = depth.checked_sub(1)?;
    object
        .iter()
        .find_map(|(_, inner)| search(inner, id, depth))
}

fn member<'v>(object: &'v Object<'v>, names: &[&str]) -> Option<&'v Value<'v>> {
    names.iter().find_map(|name| object.get(name))
}

fn key(written: &Value<'_>) -> Option<CoseKey> {
    if let Ok(Some(key)) = jwk::read(written) {
        return Some(key);
    }
    match written.as_str().filter(|text| text.contains("-----BEGIN")) {
        Some(pem) => super::spki::from_pem(pem).ok(),
        None => only_key(&LooseBytes::from_value(written).ok()?).ok(),
    }
}
