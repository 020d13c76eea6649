//! A software authenticator and client that were written without this project in mind: what they
//! sign verifies, and no byte of it can be changed.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use coset::iana::Algorithm;
use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{
    AttestationConveyancePreference, CredentialCreationOptions, CredentialRequestOptions,
    PublicKeyCredentialCreationOptions, PublicKeyCredentialParameters,
    PublicKeyCredentialRequestOptions, PublicKeyCredentialRpEntity, PublicKeyCredentialType,
    PublicKeyCredentialUserEntity, UserVerificationRequirement,
};
use url::Url;
use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::encoding::{base64url, sha256};
use verifier_core::hazmat::signature::{AwsLc, Crypto, RustCrypto};
use verifier_core::hazmat::webauthn::registration::parse_attestation_object;
use verifier_core::hazmat::webauthn::{Assertion, Ceremony, CoseKey, Expected};

const ORIGIN: &str = "https://example.com";
const RP_ID: &str = "example.com";

const BACK_ENDS: [&dyn Crypto; 2] = [&RustCrypto, &AwsLc];

/// A user who always agrees.
struct Agreeable;

#[async_trait::async_trait]
impl UserValidationMethod for Agreeable {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence,
            verification,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

struct Minted {
    key: CoseKey,
    challenge: Vec<u8>,
    authenticator_data: Vec<u8>,
    client_data_json: Vec<u8>,
    signature: Vec<u8>,
}

async fn mint(algorithm: Algorithm) -> Minted {
    let store: Option<Passkey> = None;
    let authenticator =
        Authenticator::new(Aaguid::new_empty(), store, Agreeable, RustCryptoBackend);
    let mut client = Client::new(authenticator);
    let origin = Url::parse(ORIGIN).unwrap();

    let creation = PublicKeyCredentialCreationOptions {
        rp: PublicKeyCredentialRpEntity {
            id: Some(RP_ID.into()),
            name: "Example".into(),
        },
        user: PublicKeyCredentialUserEntity {
            id: vec![7; 16].into(),
            display_name: "Alice".into(),
            name: "alice".into(),
        },
        challenge: vec![1; 32].into(),
        pub_key_cred_params: vec![PublicKeyCredentialParameters {
            ty: PublicKeyCredentialType::PublicKey,
            alg: algorithm,
        }],
        timeout: None,
        exclude_credentials: None,
        authenticator_selection: None,
        hints: None,
        attestation: AttestationConveyancePreference::None,
        attestation_formats: None,
        extensions: None,
    };
    let registration = client
        .register(
            &origin,
            CredentialCreationOptions {
                public_key: creation,
            },
            DefaultClientData,
        )
        .await
        .unwrap();
    let attested = parse_attestation_object(&registration.response.attestation_object).unwrap();
    assert_eq!(attested.credential_id(), &registration.raw_id[..]);
    let response = &registration.response;
    let json = serde_json::json!({
        "id": registration.id,
        "rawId": base64url(&registration.raw_id),
        "type": "public-key",
        "response": {
            "attestationObject": base64url(&response.attestation_object),
            "clientDataJSON": base64url(&response.client_data_json),
        },
    });
    let json = json.to_string();
    let origins = [ORIGIN.to_owned()];
    for crypto in BACK_ENDS {
        let ceremony = Ceremony::new(RP_ID, &origins, &[1; 32]);
        let verified = ceremony.verify(json.as_bytes(), crypto).unwrap();
        assert_eq!(verified.key(), attested.key());
        let other = Ceremony::new(RP_ID, &origins, &[2; 32]);
        let error = other.verify(json.as_bytes(), crypto).unwrap_err();
        assert_eq!(error.code(), Code::WebauthnChallenge);
    }

    // A nonce of 32 bytes and a hash.
    let challenge = [[9; 32], sha256(b"payload")].concat();
    let request = PublicKeyCredentialRequestOptions {
        challenge: challenge.clone().into(),
        timeout: None,
        rp_id: Some(RP_ID.into()),
        allow_credentials: None,
        user_verification: UserVerificationRequirement::Required,
        hints: None,
        attestation: AttestationConveyancePreference::None,
        attestation_formats: None,
        extensions: None,
    };
    let assertion = client
        .authenticate(
            &origin,
            CredentialRequestOptions {
                public_key: request,
            },
            DefaultClientData,
        )
        .await
        .unwrap();
    Minted {
        key: attested.key().clone(),
        challenge,
        authenticator_data: assertion.response.authenticator_data.to_vec(),
        client_data_json: assertion.response.client_data_json.to_vec(),
        signature: assertion.response.signature.to_vec(),
    }
}

fn verify(minted: &Minted, crypto: &dyn Crypto) -> Code {
    let expected = Expected::new(RP_ID.into(), vec![ORIGIN.into()], minted.challenge.clone());
    let assertion = Assertion::new(
        &minted.authenticator_data,
        &minted.client_data_json,
        &minted.signature,
    );
    match assertion.verify(&minted.key, &expected, crypto) {
        Ok(_) => Code::Ok,
        Err(error) => error.code(),
    }
}

async fn check(algorithm: Algorithm, name: &str) {
    let mut minted = mint(algorithm).await;
    assert_eq!(minted.key.public_key().algorithm(), name);
    for crypto in BACK_ENDS {
        assert_eq!(verify(&minted, crypto), Code::Ok);
        let parts: [fn(&mut Minted) -> &mut Vec<u8>; 3] = [
            |minted| &mut minted.authenticator_data,
            |minted| &mut minted.client_data_json,
            |minted| &mut minted.signature,
        ];
        for part in parts {
            for at in 0..part(&mut minted).len() {
                part(&mut minted)[at] ^= 0x01;
                assert_eq!(verify(&minted, crypto), Code::WebauthnBadSignature);
                part(&mut minted)[at] ^= 0x01;
            }
            let last = part(&mut minted).pop().unwrap();
            assert_eq!(verify(&minted, crypto), Code::WebauthnBadSignature);
            part(&mut minted).push(last);
        }
        minted.challenge[0] ^= 1;
        assert_eq!(verify(&minted, crypto), Code::WebauthnChallenge);
        minted.challenge[0] ^= 1;
    }
}

#[tokio::test]
async fn es256_assertions_verify_and_no_byte_can_change() {
    check(Algorithm::ES256, "ES256").await;
}

#[tokio::test]
async fn eddsa_assertions_verify_and_no_byte_can_change() {
    check(Algorithm::EdDSA, "EdDSA").await;
}
