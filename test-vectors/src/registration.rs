//! A registration ceremony: a new passkey, and the JSON that a browser makes of it.

use serde_json::{Value, json};

use crate::ceremony::{AT, Ceremony, UP, UV};
use crate::encoding::{b64url, sha256};
use crate::passkey::{Passkey, cose};

/// Everything that goes into a registration. Change any part, then [`json`](Self::json): what is
/// signed is signed as it then is, so that one defect is all that is wrong.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Client data, RP id, flags and counter. Its `tail` follows the attested credential data.
    pub ceremony: Ceremony,
    /// The passkey that signs a self attestation.
    pub passkey: Passkey,
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    /// The credential id in the authenticator data.
    pub credential_id: Vec<u8>,
    /// The length of the credential id as it is written in front of it.
    pub id_length: u16,
    /// The COSE_Key in the authenticator data.
    pub public_key: Vec<u8>,
    /// The attestation.
    pub attestation: Attestation,
    /// `id` and `rawId` of the JSON.
    pub ids: [Vec<u8>; 2],
    /// `transports` of the JSON.
    pub transports: Option<Value>,
    /// Replaces the attestation object altogether.
    pub attestation_object: Option<Vec<u8>>,
}

/// The attestation of a registration.
#[derive(Clone, Debug)]
pub enum Attestation {
    /// `none`
    None,
    /// `packed`, by the credential itself, under this number of an algorithm.
    Own(i64),
    /// The format, and the statement in CBOR.
    Other(String, Vec<u8>),
}

impl Registration {
    /// An ordinary registration, user verified, with no attestation.
    pub fn new(rp_id: &str, origin: &str, challenge: &[u8], passkey: &Passkey) -> Self {
        let mut ceremony = Ceremony::new(rp_id, origin, &[], b"");
        ceremony.kind = "webauthn.create".into();
        ceremony.challenge = b64url(challenge);
        ceremony.flags = UP | UV | AT;
        let id = passkey.credential_id.clone();
        Self {
            ceremony,
            passkey: passkey.clone(),
            aaguid: [0; 16],
            id_length: id.len().try_into().unwrap(),
            public_key: passkey.public_key.clone(),
            attestation: Attestation::None,
            ids: [id.clone(), id.clone()],
            credential_id: id,
            transports: Some(json!(["internal", "hybrid"])),
            attestation_object: None,
        }
    }

    /// Gives the credential another id, everywhere.
    pub fn set_id(&mut self, id: &[u8]) {
        self.id_length = id.len().try_into().unwrap();
        self.credential_id = id.to_vec();
        self.ids = [id.to_vec(), id.to_vec()];
    }

    /// The authenticator data (WebAuthn L3 §6.5.1).
    ///
    /// ```text
    /// rpIdHash[32] ‖ flags ‖ signCount[4]
    ///   ‖ aaguid[16] ‖ length[2] ‖ credential id ‖ COSE_Key ‖ extensions
    /// ```
    pub fn authenticator_data(&self) -> Vec<u8> {
        let mut whole = self.ceremony.clone();
        if self.ceremony.flags & AT != 0 {
            whole.tail = [
                &self.aaguid[..],
                &self.id_length.to_be_bytes(),
                &self.credential_id,
                &self.public_key,
                &self.ceremony.tail,
            ]
            .concat();
        }
        whole.authenticator_data()
    }

    /// The attestation object (WebAuthn L3 §6.5.4).
    ///
    /// ```text
    /// {"fmt": text, "attStmt": map, "authData": bytes}
    /// ```
    pub fn attestation_object(&self) -> Vec<u8> {
        if let Some(bytes) = &self.attestation_object {
            return bytes.clone();
        }
        let data = self.authenticator_data();
        let (format, statement) = match &self.attestation {
            Attestation::None => ("none", vec![0xa0]),
            Attestation::Own(alg) => {
                let hash = sha256(&self.ceremony.client_data_json());
                let signature = self.passkey.sign(&[&data[..], &hash].concat());
                let members = [
                    &[0xa2][..],
                    &cose::text("alg"),
                    &cose::int(*alg),
                    &cose::text("sig"),
                    &cose::bytes(&signature),
                ];
                ("packed", members.concat())
            }
            Attestation::Other(format, statement) => (format.as_str(), statement.clone()),
        };
        [
            &[0xa3][..],
            &cose::text("fmt"),
            &cose::text(format),
            &cose::text("attStmt"),
            &statement,
            &cose::text("authData"),
            &cose::bytes(&data),
        ]
        .concat()
    }

    /// The registration as a browser's `PublicKeyCredential.toJSON()` writes it.
    pub fn json(&self) -> Value {
        let [id, raw_id] = &self.ids;
        let mut value = json!({
            "id": b64url(id),
            "rawId": b64url(raw_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "attestationObject": b64url(&self.attestation_object()),
                "authenticatorData": b64url(&self.authenticator_data()),
                "clientDataJSON": b64url(&self.ceremony.client_data_json()),
                "publicKeyAlgorithm": -7,
            },
        });
        if let Some(transports) = &self.transports {
            value["response"]["transports"] = transports.clone();
        }
        value
    }
}
