//! A passkey in software, for visitors without one and for machines without visitors.
//!
//! The same options that a browser gets go in, as JSON; what a browser's `toJSON()` gives comes
//! out.

use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;
use verifier_core::hazmat::encoding::base64url;
use webauthn_rs_proto::{CreationChallengeResponse, RequestChallengeResponse};

use crate::Result;

/// One authenticator with room for one passkey.
pub(crate) struct Software {
    passkey: Mutex<Option<Passkey>>,
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
    pub(crate) fn new(origin: &str) -> Result<Self> {
        Ok(Self {
            passkey: Mutex::default(),
            origin: Url::parse(origin).map_err(|error| format!("{origin}: {error}"))?,
        })
    }

    pub(crate) async fn register(&self, options: &CreationChallengeResponse) -> Result<Value> {
        let options: CredentialCreationOptions = read(options)?;
        let mut client = client!(None::<Passkey>);
        let made = client.register(&self.origin, options, DefaultClientData);
        let made = made.await.map_err(|error| failed("be made", &error))?;
        self.passkey
            .lock()
            .await
            .clone_from(client.authenticator().store());
        Ok(json!({
            "id": made.id,
            "rawId": base64url(&made.raw_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "attestationObject": base64url(&made.response.attestation_object),
                "clientDataJSON": base64url(&made.response.client_data_json),
            },
        }))
    }

    pub(crate) async fn approve(&self, options: &RequestChallengeResponse) -> Result<Value> {
        let options: CredentialRequestOptions = read(options)?;
        let mut client = client!(self.passkey.lock().await.clone());
        let made = client.authenticate(&self.origin, options, DefaultClientData);
        let made = made.await.map_err(|error| failed("sign", &error))?;
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

/// From one project's types to the other's, by the JSON that both read.
fn read<T: serde::de::DeserializeOwned>(options: &impl serde::Serialize) -> Result<T> {
    serde_json::to_value(options)
        .and_then(serde_json::from_value)
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
