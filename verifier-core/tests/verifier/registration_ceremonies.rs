//! Registrations that a service has asked for: each rule, from a registration that is in order but
//! for one defect.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use std::sync::LazyLock;

use serde_json::{Value, json};
use test_vectors::ceremony::{AT, BE, BS, ED, UP, UV};
use test_vectors::passkey::cose;
use test_vectors::registration::Attestation as Minted;
use test_vectors::{Algorithm as Kind, Passkey, Registration};
use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::encoding::{base64url, from_base64url, sha256};
use verifier_core::hazmat::signature::{Algorithm, AwsLc, Crypto, RustCrypto};
use verifier_core::hazmat::webauthn::registration::Attestation;
use verifier_core::hazmat::webauthn::registration::ceremony::Error;
use verifier_core::hazmat::webauthn::{Backup, Ceremony, UserVerification, VerifiedRegistration};

const RP_ID: &str = "approvals.example";
const ORIGIN: &str = "https://approvals.example";
const CHALLENGE: [u8; 32] = [0xfb; 32];

static ORIGINS: LazyLock<[String; 1]> = LazyLock::new(|| [ORIGIN.to_owned()]);

const BACK_ENDS: [&dyn Crypto; 2] = [&RustCrypto, &AwsLc];

fn draft(kind: Kind) -> Registration {
    Passkey::new(kind, "registration").register(RP_ID, ORIGIN, &CHALLENGE)
}

/// A registration with one change.
fn with(change: impl FnOnce(&mut Registration)) -> Registration {
    let mut registration = draft(Kind::Es256);
    change(&mut registration);
    registration
}

fn other(format: &str, statement: &[u8]) -> Minted {
    Minted::Other(format.into(), statement.into())
}

/// Verifies with both back ends, which have to agree, under expectations with one change.
fn verify_text<'e>(
    text: &str,
    change: impl Fn(&mut Ceremony<'e>),
) -> Result<VerifiedRegistration, Error> {
    let mut ceremony = Ceremony::new(RP_ID, &*ORIGINS, &CHALLENGE);
    change(&mut ceremony);
    let [first, second] = BACK_ENDS.map(|crypto| ceremony.verify(text.as_bytes(), crypto));
    assert_eq!(first, second);
    first
}

fn verify(registration: &Registration) -> Result<VerifiedRegistration, Error> {
    verify_text(&registration.json().to_string(), |_| {})
}

fn code(result: Result<VerifiedRegistration, Error>) -> Code {
    result.map_or_else(|error| error.code(), |_| Code::Ok)
}

#[test]
fn a_registration_in_order_yields_the_credential() {
    for kind in Kind::ALL {
        let passkey = Passkey::new(kind, "registration");
        let mut registration = draft(kind);
        registration.aaguid = [7; 16];
        registration.ceremony.sign_count = 5;
        let verified = verify(&registration).unwrap();
        assert_eq!(verified.credential_id(), passkey.credential_id);
        assert_eq!(verified.key().as_bytes(), passkey.public_key);
        assert_eq!(verified.key().algorithm().as_str(), kind.name());
        assert_eq!(verified.fingerprint(), verified.key().fingerprint());
        assert_eq!(verified.aaguid(), &[7; 16]);
        assert_eq!(verified.sign_count(), 5);
        assert_eq!(verified.transports(), ["internal", "hybrid"]);
        assert_eq!(verified.attestation(), &Attestation::None);
        assert_eq!(verified.client_data().origin(), ORIGIN);
    }
}

#[test]
fn every_rule_refuses_the_one_defect_that_it_is_for() {
    let long = vec![9; 1023];
    let too_long = vec![9; 1024];
    let cases: Vec<(&str, Code, Registration)> = vec![
        // Client data.
        ("nothing", Code::Ok, with(|_| {})),
        (
            "the ceremony of an assertion",
            Code::WebauthnType,
            with(|r| r.ceremony.kind = "webauthn.get".into()),
        ),
        (
            "another challenge",
            Code::WebauthnChallenge,
            with(|r| r.ceremony.challenge = "-_v7".into()),
        ),
        (
            "the beginning of the challenge",
            Code::WebauthnChallenge,
            with(|r| r.ceremony.challenge.truncate(42)),
        ),
        (
            "the challenge with padding",
            Code::WebauthnChallenge,
            with(|r| r.ceremony.challenge.push('=')),
        ),
        (
            "another origin",
            Code::WebauthnOrigin,
            with(|r| r.ceremony.origin = "https://approvals.example.evil".into()),
        ),
        (
            "the origin with a slash",
            Code::WebauthnOrigin,
            with(|r| r.ceremony.origin.push('/')),
        ),
        (
            "a frame of another origin",
            Code::WebauthnCrossOrigin,
            with(|r| r.ceremony.cross_origin = Some(true)),
        ),
        (
            "a top origin without a frame",
            Code::WebauthnCrossOrigin,
            with(|r| r.ceremony.top_origin = Some("https://top.example".into())),
        ),
        (
            "a browser that does not speak of frames",
            Code::Ok,
            with(|r| r.ceremony.cross_origin = None),
        ),
        (
            "client data that are no JSON",
            Code::WebauthnClientDataForm,
            with(|r| r.ceremony.client_data_json = Some(b"{".to_vec())),
        ),
        // Authenticator data.
        (
            "another RP id",
            Code::WebauthnRpId,
            with(|r| r.ceremony.rp_id = "example".into()),
        ),
        (
            "nobody there",
            Code::WebauthnUserPresence,
            with(|r| r.ceremony.flags = UV | AT),
        ),
        (
            "nobody recognised",
            Code::WebauthnUserVerification,
            with(|r| r.ceremony.flags = UP | AT),
        ),
        (
            "backed up without being eligible",
            Code::WebauthnAuthenticatorData,
            with(|r| r.ceremony.flags |= BS),
        ),
        (
            "no attested data",
            Code::WebauthnAuthenticatorData,
            with(|r| r.ceremony.flags = UP | UV),
        ),
        (
            "bytes after the key",
            Code::WebauthnAuthenticatorData,
            with(|r| r.ceremony.tail = vec![0xa0]),
        ),
        (
            "extensions that are announced",
            Code::Ok,
            with(|r| {
                r.ceremony.flags |= ED;
                r.ceremony.tail = vec![0xa0];
            }),
        ),
        ("an id of 1023 bytes", Code::Ok, with(|r| r.set_id(&long))),
        (
            "an id of 1024 bytes",
            Code::WebauthnAuthenticatorData,
            with(|r| r.set_id(&too_long)),
        ),
        (
            "an id of no bytes",
            Code::WebauthnAuthenticatorData,
            with(|r| r.set_id(&[])),
        ),
        (
            "another id in the JSON",
            Code::EvidenceCredentialMismatch,
            with(|r| r.ids = [vec![1], vec![1]]),
        ),
        (
            "another id",
            Code::EvidenceCredentialMismatch,
            with(|r| r.ids[0] = vec![1]),
        ),
        (
            "another raw id",
            Code::EvidenceCredentialMismatch,
            with(|r| r.ids[1] = vec![1]),
        ),
        (
            "a key that is not canonical",
            Code::WebauthnBadKey,
            with(|r| {
                // Its members in another order: alg before kty.
                let rest = r.public_key[5..].to_vec();
                r.public_key = [&[0xa5, 0x03, 0x26, 0x01, 0x02], &rest[..]].concat();
            }),
        ),
        (
            "an algorithm that nobody verifies",
            Code::WebauthnUnsupportedAlgorithm,
            with(|r| r.public_key = cose::okp(-53, 7, &[0; 57])),
        ),
        // Attestation.
        (
            "an attestation object that is no CBOR",
            Code::WebauthnAuthenticatorData,
            with(|r| r.attestation_object = Some(vec![0xbf, 0xff])),
        ),
        (
            "an attestation object without members",
            Code::WebauthnAuthenticatorData,
            with(|r| r.attestation_object = Some(vec![0xa0])),
        ),
        (
            "none, with a statement",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other("none", &[0xa1, 0x61, b'x', 0x00])),
        ),
        (
            "none, with an array",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other("none", &[0x80])),
        ),
        (
            "packed, with an array",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other("packed", &[0x80])),
        ),
        (
            "packed, with nothing",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other("packed", &[0xa0])),
        ),
        (
            "a self attestation with one member more",
            Code::WebauthnAttestation,
            with(|r| {
                let members = [
                    &[0xa3][..],
                    &cose::text("alg"),
                    &cose::int(-7),
                    &cose::text("sig"),
                    &cose::bytes(&[0]),
                    &cose::text("ecdaaKeyId"),
                    &cose::bytes(&[0]),
                ];
                r.attestation = other("packed", &members.concat());
            }),
        ),
        (
            "a self attestation by another algorithm",
            Code::WebauthnAttestation,
            with(|r| r.attestation = Minted::Own(-35)),
        ),
        (
            "a self attestation by an unknown algorithm",
            Code::WebauthnAttestation,
            with(|r| r.attestation = Minted::Own(-47)),
        ),
        (
            "a self attestation by another key",
            Code::WebauthnBadSignature,
            with(|r| {
                r.attestation = Minted::Own(-7);
                r.passkey = Passkey::new(Kind::Es256, "another");
            }),
        ),
        (
            "a format without a name",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other("", &[0xa0])),
        ),
        (
            "a format with a long name",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other(&"x".repeat(33), &[0xa0])),
        ),
        (
            "a format with a blank in its name",
            Code::WebauthnAttestation,
            with(|r| r.attestation = other("a b", &[0xa0])),
        ),
    ];
    for (defect, expected, registration) in &cases {
        assert_eq!(code(verify(registration)), *expected, "{defect}");
    }
}

#[test]
fn the_json_is_as_strict_as_that_of_an_assertion() {
    type Change = fn(&mut Value);
    let changed = |change: Change| {
        let mut value = draft(Kind::Es256).json();
        change(&mut value);
        code(verify_text(&value.to_string(), |_| {}))
    };
    let cases: [(&str, Code, Change); 15] = [
        ("no id", Code::BundleSchema, |v| {
            v.as_object_mut().unwrap().remove("id");
        }),
        ("no rawId", Code::BundleSchema, |v| {
            v.as_object_mut().unwrap().remove("rawId");
        }),
        ("no type", Code::BundleSchema, |v| {
            v.as_object_mut().unwrap().remove("type");
        }),
        ("another type", Code::EvidenceCredentialMismatch, |v| {
            v["type"] = json!("password");
        }),
        ("no response", Code::BundleSchema, |v| {
            v.as_object_mut().unwrap().remove("response");
        }),
        ("no client data", Code::BundleSchema, |v| {
            let response = v["response"].as_object_mut().unwrap();
            response.remove("clientDataJSON");
        }),
        ("no attestation object", Code::BundleSchema, |v| {
            let response = v["response"].as_object_mut().unwrap();
            response.remove("attestationObject");
        }),
        ("padding", Code::BundleBase64, |v| {
            v["rawId"] = json!("AQ==");
        }),
        ("the other alphabet", Code::BundleBase64, |v| {
            let text = v["response"]["attestationObject"].as_str().unwrap();
            v["response"]["attestationObject"] = json!(format!("{text}+/"));
        }),
        ("bytes as a list", Code::BundleSchema, |v| {
            v["rawId"] = json!([1, 2]);
        }),
        ("transports of another kind", Code::BundleSchema, |v| {
            v["response"]["transports"] = json!("internal");
        }),
        ("a transport of another kind", Code::BundleSchema, |v| {
            v["response"]["transports"] = json!([1]);
        }),
        ("17 transports", Code::BundleSchema, |v| {
            v["response"]["transports"] = json!(vec!["usb"; 17]);
        }),
        ("a long transport", Code::BundleSchema, |v| {
            v["response"]["transports"] = json!(["x".repeat(33)]);
        }),
        ("members of which nobody knows", Code::Ok, |v| {
            v["x"] = json!({});
            v["response"]["x"] = json!(null);
            v["response"]["transports"] = json!(["new-kind"]);
        }),
    ];
    for (defect, expected, change) in cases {
        assert_eq!(changed(change), expected, "{defect}");
    }
    let unsaid = verify(&with(|r| r.transports = None)).unwrap();
    assert_eq!(unsaid.transports(), [""; 0]);

    let text = draft(Kind::Es256).json().to_string();
    for (text, expected) in [
        (String::new(), Code::BundleNotJson),
        (format!("{text}x"), Code::BundleNotJson),
        (text.replacen('{', r#"{"id":"AQ","#, 1), Code::BundleNotJson),
        ("[]".into(), Code::BundleSchema),
        (text + &" ".repeat(Ceremony::MAX_BYTES), Code::BundleNotJson),
    ] {
        assert_eq!(code(verify_text(&text, |_| {})), expected);
    }
}

#[test]
fn the_service_decides_what_it_allows() {
    let verified = |change: fn(&mut Registration), allow: fn(&mut Ceremony<'_>)| {
        code(verify_text(&with(change).json().to_string(), allow))
    };
    let unverified = |r: &mut Registration| r.ceremony.flags = UP | AT;
    let preferred = |c: &mut Ceremony<'_>| c.user_verification = UserVerification::Preferred;
    assert_eq!(verified(unverified, preferred), Code::Ok);

    let framed = |r: &mut Registration| {
        r.ceremony.cross_origin = Some(true);
        r.ceremony.top_origin = Some("https://top.example".into());
    };
    let frames = |c: &mut Ceremony<'_>| c.allow_cross_origin = true;
    assert_eq!(verified(framed, frames), Code::WebauthnCrossOrigin);
    let tops = ["https://top.example".to_owned()];
    let listed = verify_text(&with(framed).json().to_string(), |c| {
        c.allow_cross_origin = true;
        c.top_origins = &tops;
    });
    assert_eq!(code(listed), Code::Ok);

    // Only what was offered, under either number.
    let only = |c: &mut Ceremony<'_>| c.algorithms = &[Algorithm::EdDsa, Algorithm::Rs256];
    let error = verify_text(&draft(Kind::Es256).json().to_string(), only).unwrap_err();
    assert_eq!(error.code(), Code::WebauthnUnsupportedAlgorithm);
    assert_eq!(error.expected().as_deref(), Some("EdDSA or RS256"));
    assert_eq!(error.found().as_deref(), Some("ES256"));
    let mut second = draft(Kind::EdDsa);
    second.public_key = cose::fix_curve(&second.public_key).unwrap();
    let text = second.json().to_string();
    assert_eq!(code(verify_text(&text, only)), Code::Ok);

    let nothing = |c: &mut Ceremony<'_>| c.origins = &[];
    assert_eq!(verified(|_| {}, nothing), Code::WebauthnOrigin);
    let nothing = |c: &mut Ceremony<'_>| c.algorithms = &[];
    assert_eq!(
        verified(|_| {}, nothing),
        Code::WebauthnUnsupportedAlgorithm
    );
}

#[test]
fn flags_say_where_the_key_may_be() {
    for (flags, expected, words) in [
        (0, Backup::ThisDeviceOnly, "this device only"),
        (BE, Backup::Eligible, "may be synced"),
        (BE | BS, Backup::Synced, "synced"),
    ] {
        let verified = verify(&with(|r| r.ceremony.flags |= flags)).unwrap();
        assert_eq!(verified.backup(), expected);
        assert_eq!(verified.backup().to_string(), words);
        assert_eq!(verified.flags().bits(), UP | UV | AT | flags);
    }
}

#[test]
fn a_self_attestation_covers_every_byte_of_the_registration() {
    for (kind, alg) in [
        (Kind::Es256, -7),
        (Kind::Es384, -35),
        (Kind::Es512, -36),
        (Kind::EdDsa, -8),
        (Kind::Rs256, -257),
    ] {
        let mut registration = draft(kind);
        registration.attestation = Minted::Own(alg);
        let verified = verify(&registration).unwrap();
        assert_eq!(verified.attestation(), &Attestation::SelfAttested);
    }

    let mut signed = draft(Kind::Es256);
    signed.attestation = Minted::Own(-7);
    let object = signed.attestation_object();
    // The object keeps its statement while the parts that it covers change.
    let data = signed.authenticator_data();
    let at = object.windows(data.len()).position(|w| w == data).unwrap();
    let counter = at + 33;
    for changed in [counter, counter + 3, counter + 4, counter + 19] {
        let mut object = object.clone();
        object[changed] ^= 1;
        let forged = with(|r| r.attestation_object = Some(object));
        assert_eq!(
            code(verify(&forged)),
            Code::WebauthnBadSignature,
            "{changed}"
        );
    }
    let other_client = with(|r| {
        r.attestation_object = Some(object.clone());
        r.ceremony.extra.push(r#""more":1"#.into());
    });
    assert_eq!(code(verify(&other_client)), Code::WebauthnBadSignature);
    let hash = sha256(&signed.ceremony.client_data_json());
    let reversed = with(|r| {
        let signature = r.passkey.sign(&[&hash[..], &data].concat());
        let members = [
            &[0xa2][..],
            &cose::text("alg"),
            &cose::int(-7),
            &cose::text("sig"),
            &cose::bytes(&signature),
        ];
        r.attestation = other("packed", &members.concat());
    });
    assert_eq!(code(verify(&reversed)), Code::WebauthnBadSignature);
}

#[test]
fn statements_of_makers_are_named_and_not_verified() {
    let by_maker = [
        &[0xa3][..],
        &cose::text("alg"),
        &cose::int(-7),
        &cose::text("sig"),
        &cose::bytes(&[0]),
        &cose::text("x5c"),
        &[0x81],
        &cose::bytes(&[0x30]),
    ]
    .concat();
    for (format, statement) in [
        ("packed", &by_maker[..]),
        ("apple", &[0xa0]),
        ("compound", &[0x80]),
        ("android-key", &by_maker),
        ("fido-u2f", &by_maker),
        ("None", &[0xa0]),
    ] {
        let registration = with(|r| r.attestation = other(format, statement));
        let format = format.to_owned();
        let verified = verify(&registration).unwrap();
        let words = format!("unverified: {format}");
        assert_eq!(verified.attestation().to_string(), words);
        assert_eq!(verified.attestation(), &Attestation::Unverified { format });
    }
}

/// A registration of another maker, under the challenge that its client data name.
fn verify_foreign(text: &str, rp_id: &str) -> Result<VerifiedRegistration, Error> {
    let value: Value = serde_json::from_str(text).unwrap();
    let data = value["response"]["clientDataJSON"].as_str().unwrap();
    let data: Value = serde_json::from_slice(&from_base64url(data).unwrap()).unwrap();
    let challenge = from_base64url(data["challenge"].as_str().unwrap()).unwrap();
    let origins = [data["origin"].as_str().unwrap().to_owned()];
    let tops = ["https://example.com".to_owned()];
    let mut ceremony = Ceremony::new(rp_id, &origins, &challenge);
    ceremony.user_verification = UserVerification::Preferred;
    ceremony.allow_cross_origin = true;
    ceremony.top_origins = &tops;
    let [first, second] = BACK_ENDS.map(|crypto| ceremony.verify(text.as_bytes(), crypto));
    assert_eq!(first, second);
    let mut other = ceremony;
    other.challenge = &challenge[1..];
    let refused = code(other.verify(text.as_bytes(), &RustCrypto));
    assert_eq!(refused, Code::WebauthnChallenge);
    first
}

#[test]
fn registrations_of_the_specification_and_of_a_browser_are_in_order() {
    let file = include_str!("../data/registrations.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let text = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    let cases = file["w3c"].as_array().unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        let name = text(case, "name");
        let id = text(case, "credentialId");
        let json = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": {
                "attestationObject": case["attestationObject"],
                "clientDataJSON": case["clientDataJSON"],
            },
        });
        let verified = verify_foreign(&json.to_string(), &text(case, "rpId"));
        let expected = match name.as_str() {
            "packed-ed448" => {
                assert_eq!(code(verified), Code::WebauthnUnsupportedAlgorithm);
                continue;
            }
            "packed-self-es256" => "self".to_owned(),
            none if none.starts_with("none-") => "none".to_owned(),
            // The algorithm stands last, after the format.
            other => format!("unverified: {}", other.rsplit_once('-').unwrap().0),
        };
        let verified = verified.expect(&name);
        assert_eq!(verified.attestation().to_string(), expected, "{name}");
        assert_eq!(
            base64url(verified.key().as_bytes()),
            text(case, "publicKey")
        );
    }
    let case = &file["chromium"];
    let verified = verify_foreign(&text(case, "json"), &text(case, "rpId")).unwrap();
    assert_eq!(
        base64url(verified.key().as_bytes()),
        text(case, "publicKey")
    );
}
