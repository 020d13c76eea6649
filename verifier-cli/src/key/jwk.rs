//! JSON Web Keys (RFC 7517, RFC 8037), and the keys of webauthn-rs, which are much alike.

use verifier_core::hazmat::json::{Object, Value};
use verifier_core::hazmat::signature::{KeyError, PublicKey};
use verifier_core::hazmat::webauthn::{CoseKey, LooseBytes};
use verifier_core::quote;

use super::advice::{OTHER_PASSKEY, malformed};
use super::spki::private;
use crate::failure::CliError;

/// The key in a JWK or in a JWK Set of one; `None` if the value is neither.
pub(super) fn read(value: &Value<'_>) -> Result<Option<CoseKey>, CliError> {
    let Some(object) = value.as_object() else {
        return Ok(None);
    };
    match (object.get("kty"), object.get("keys")) {
        (Some(_), _) => key(object).map(Some),
        (None, Some(Value::Array(keys))) => match keys.as_slice() {
            [Value::Object(only)] if only.get("kty").is_some() => key(only).map(Some),
            _ => Err(malformed("it is a JWK Set of more or less than one key")
                .next("Leave the JWK of the passkey, and nothing around it.")),
        },
        _ => Ok(None),
    }
}

/// The key of a record of webauthn-rs.
///
/// ```text
/// {"type_":"ES256","key":{"EC_EC2":{"curve":"SECP256R1","x":b64,"y":b64}}}
/// ```
pub(super) fn rust(value: &Value<'_>) -> Option<CoseKey> {
    let key = value.as_object()?.get("key")?.as_object()?;
    let ec2 = key.get("EC_EC2").and_then(Value::as_object);
    let okp = key.get("EC_OKP").and_then(Value::as_object);
    let key = match (ec2, okp) {
        (Some(ec2), _) => match ec2.get("curve")?.as_str()? {
            "SECP256R1" => on_curve(ec2, PublicKey::es256),
            "SECP384R1" => on_curve(ec2, PublicKey::es384),
            "SECP521R1" => on_curve(ec2, PublicKey::es512),
            _ => return None,
        },
        (_, Some(okp)) => fixed(okp, "x").map(|x| PublicKey::ed25519(&x)),
        _ => return None,
    };
    Some(CoseKey::from_public_key(key.ok()?.ok()?))
}

fn key(jwk: &Object<'_>) -> Result<CoseKey, CliError> {
    let text = |member: &str| jwk.get(member).and_then(Value::as_str);
    if jwk.get("d").is_some() || jwk.get("k").is_some() {
        return Err(private());
    }
    let (kty, crv) = (text("kty").unwrap_or_default(), text("crv"));
    let key = match (kty, crv) {
        ("EC", Some("P-256")) => on_curve(jwk, PublicKey::es256)?,
        ("EC", Some("P-384")) => on_curve(jwk, PublicKey::es384)?,
        ("EC", Some("P-521")) => on_curve(jwk, PublicKey::es512)?,
        ("OKP", Some("Ed25519")) => PublicKey::ed25519(&fixed(jwk, "x")?),
        ("RSA", _) => PublicKey::rs256(&number(jwk, "n")?, &number(jwk, "e")?),
        _ => {
            let curve = crv.map(|crv| format!(", curve {}", quote(crv)));
            return Err(
                malformed("it is a JWK of a kind that we do not verify with")
                    .expected("P-256, P-384, P-521, Ed25519 or RSA")
                    .found(format!("{}{}", quote(kty), curve.unwrap_or_default()))
                    .next(OTHER_PASSKEY),
            );
        }
    };
    let key = key.map_err(|error| malformed(&format!("it is a JWK, and {error}")))?;
    let algorithm = key.algorithm();
    let fits = |alg: &str| match alg {
        "Ed25519" => algorithm == "EdDSA",
        "ESP256" | "ESP384" | "ESP512" => alg.replace("ESP", "ES") == algorithm,
        other => other == algorithm,
    };
    match text("alg") {
        Some(alg) if !fits(alg) => Err(malformed("it is a JWK for another algorithm")
            .expected(algorithm)
            .found(quote(alg))
            .next("Compare it with the approver's registration: its curve and its alg contradict each other.")),
        _ => Ok(CoseKey::from_public_key(key)),
    }
}

fn on_curve<const N: usize>(
    jwk: &Object<'_>,
    make: fn(&[u8; N], &[u8; N]) -> Result<PublicKey, KeyError>,
) -> Result<Result<PublicKey, KeyError>, CliError> {
    Ok(make(&fixed(jwk, "x")?, &fixed(jwk, "y")?))
}

fn fixed<const N: usize>(jwk: &Object<'_>, member: &str) -> Result<[u8; N], CliError> {
    let bytes = member_bytes(jwk, member)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| {
        let why = format!("it is a JWK, and its {member} has {found} bytes instead of {N}");
        malformed(&why)
    })
}

/// A number, without the zeros that some libraries write in front.
fn number(jwk: &Object<'_>, member: &str) -> Result<Vec<u8>, CliError> {
    let bytes = member_bytes(jwk, member)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.into_iter().skip(zeros).collect())
}

fn member_bytes(jwk: &Object<'_>, member: &str) -> Result<Vec<u8>, CliError> {
    let value = jwk
        .get(member)
        .ok_or_else(|| malformed(&format!("it is a JWK, and has no {member}")))?;
    let bytes = LooseBytes::from_value(value)
        .map_err(|error| malformed(&format!("it is a JWK, and its {member} is {error}")))?;
    // JWKs are in base64url, never in hex.
    Ok(bytes.readings().last().unwrap_or_default().to_vec())
}
