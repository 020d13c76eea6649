//! A passkey in software, for people whom the demo plays. Its authenticator and its client know
//! nothing of this project: JSON goes in and comes out, as in a browser.

use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use url::Url;
use verifier_core::hazmat::encoding::base64url;

use crate::Result;

/// An authenticator with one passkey.
#[derive(Debug)]
pub(crate) struct Software {
    passkey: Option<Passkey>,
    origin: Url,
}

/// A client that holds what is in the store; its type has no name that one would want to write.
macro_rules! client {
    ($store:expr) => {
        Client::new(Authenticator::new(
            Aaguid::new_empty(),
            $store,
            Agreeable,
            RustCryptoBackend,
        ))
        .allows_insecure_localhost(true)
    };
}

impl Software {
    /// Makes a passkey for a page of this origin, after a `PublicKeyCredentialCreationOptionsJSON`;
    /// with it the `RegistrationResponseJSON`.
    pub(crate) fn register(origin: &str, options: &Value) -> Result<(Self, Value)> {
        let origin = Url::parse(origin).map_err(|error| format!("{origin}: {error}"))?;
        let options: CredentialCreationOptions = read(options)?;
        let mut client = client!(None::<Passkey>);
        let made = client.register(&origin, options, DefaultClientData);
        let made = Handle::current().block_on(made);
        let made = made.map_err(|error| failed("be made", &error))?;
        let answer = json!({
            "id": made.id,
            "rawId": base64url(&made.raw_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "attestationObject": base64url(&made.response.attestation_object),
                "clientDataJSON": base64url(&made.response.client_data_json),
            },
        });
        let passkey = client.authenticator().store().clone();
        Ok((Self { passkey, origin }, answer))
    }

    /// Signs a challenge; an `AuthenticationResponseJSON`.
    pub(crate) fn sign(&self, rp_id: &str, challenge: &[u8]) -> Result<Value> {
        let options: CredentialRequestOptions = read(&json!({
            "challenge": base64url(challenge),
            "rpId": rp_id,
            "userVerification": "required",
        }))?;
        let mut client = client!(self.passkey.clone());
        let made = client.authenticate(&self.origin, options, DefaultClientData);
        let made = Handle::current().block_on(made);
        let made = made.map_err(|error| failed("sign", &error))?;
        Ok(json!({
            "id": made.id,
            "rawId": base64url(&made.raw_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": base64url(&made.response.authenticator_data),
                "clientDataJSON": base64url(&made.response.client_data_json),
                "signature": base64url(&made.response.signature),
            },
        }))
    }
}

fn read<T: serde::de::DeserializeOwned>(options: &Value) -> Result<T> {
    serde_json::from_value(json!({ "publicKey": options }))
        .map_err(|error| format!("the options are not what authenticators read: {error}"))
}

fn failed(what: &str, error: &impl core::fmt::Debug) -> String {
    format!("the software passkey could not {what}: {error:?}")
}

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
    ) -> core::result::Result<UserCheck, Ctap2Error> {
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
