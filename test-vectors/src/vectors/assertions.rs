//! `webauthn.assertion`: each check fails by itself, with everything else properly signed.

mod authenticator_data;
mod client_data;
mod crafted;
mod extensions;
mod keys;
mod members;
mod signatures;

use serde_json::{Value, json};

use super::File;
use crate::encoding::{b64url, from_b64url};
use crate::{Algorithm, Assertion, Ceremony, Passkey};

const RP_ID: &str = "approvals.example";
const ORIGIN: &str = "https://approvals.example";

/// A ceremony, who signs it, and what the verifier expects.
struct Scene {
    passkey: Passkey,
    ceremony: Ceremony,
    challenge: Vec<u8>,
    origins: Vec<&'static str>,
    user_verification: &'static str,
    allow_cross_origin: bool,
    top_origins: Vec<&'static str>,
}

impl Scene {
    fn new(algorithm: Algorithm) -> Self {
        let nonce = crate::encoding::pseudo_random("assertion nonce");
        let ceremony = Ceremony::new(RP_ID, ORIGIN, &nonce, b"payload");
        Self {
            passkey: Passkey::new(algorithm, "assertion"),
            challenge: from_b64url(&ceremony.challenge),
            ceremony,
            origins: vec![ORIGIN],
            user_verification: "required",
            allow_cross_origin: false,
            top_origins: Vec::new(),
        }
    }

    fn assertion(&self) -> Assertion {
        self.ceremony.sign(&self.passkey)
    }

    fn input(&self) -> Value {
        self.input_of(&self.assertion())
    }

    fn input_of(&self, assertion: &Assertion) -> Value {
        json!({
            "publicKey": b64url(&assertion.public_key),
            "authenticatorData": b64url(&assertion.authenticator_data),
            "clientDataJSON": b64url(&assertion.client_data_json),
            "signature": b64url(&assertion.signature),
            "challenge": b64url(&self.challenge),
            "rpId": RP_ID,
            "origins": self.origins,
            "userVerification": self.user_verification,
            "allowCrossOrigin": self.allow_cross_origin,
            "topOrigins": self.top_origins,
        })
    }
}

fn scene(edit: impl FnOnce(&mut Scene)) -> Value {
    let mut scene = Scene::new(Algorithm::Es256);
    edit(&mut scene);
    scene.input()
}

pub(super) fn generated() -> File {
    let mut file = File::new(
        "webauthn.assertion",
        "generated",
        "one good assertion for each algorithm, and for each check of WebAuthn L3 §7.2 assertions \
         that are signed properly and fail that check alone",
    );
    for algorithm in Algorithm::ALL {
        file.valid(
            format!("a good assertion, {}", algorithm.name()),
            Scene::new(algorithm).input(),
        );
    }
    keys::rows(&mut file);
    signatures::rows(&mut file);
    client_data::rows(&mut file);
    members::rows(&mut file);
    authenticator_data::rows(&mut file);
    extensions::rows(&mut file);
    crafted::rows(&mut file);
    file
}
