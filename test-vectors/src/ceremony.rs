//! A WebAuthn ceremony: what the authenticator and the browser write and sign.

use core::fmt::Write as _;

use serde_json::{Value, json};

use crate::encoding::{b64url, sha256};
use crate::passkey::Passkey;

/// User present.
pub const UP: u8 = 0x01;
/// User verified.
pub const UV: u8 = 0x04;
/// Backup eligible.
pub const BE: u8 = 0x08;
/// Backed up.
pub const BS: u8 = 0x10;
/// Attested credential data follow; never in an assertion.
pub const AT: u8 = 0x40;
/// Extension outputs follow.
pub const ED: u8 = 0x80;

/// Everything that goes into an assertion. Change any part, then [`sign`](Self::sign).
#[derive(Clone, Debug)]
pub struct Ceremony {
    /// The RP id whose hash leads the authenticator data.
    pub rp_id: String,
    /// The flags byte.
    pub flags: u8,
    /// The signature counter.
    pub sign_count: u32,
    /// The bytes after the 37 fixed ones.
    pub tail: Vec<u8>,
    /// `type` of the client data.
    pub kind: String,
    /// `challenge` of the client data, as it stands there.
    pub challenge: String,
    /// `origin` of the client data.
    pub origin: String,
    /// `crossOrigin` of the client data.
    pub cross_origin: Option<bool>,
    /// `topOrigin` of the client data.
    pub top_origin: Option<String>,
    /// Further members, raw: `"key":value`.
    pub extra: Vec<String>,
    /// Replaces the client data altogether, before they are hashed and signed.
    pub client_data_json: Option<Vec<u8>>,
    /// Replaces the authenticator data altogether, before they are signed.
    pub authenticator_data: Option<Vec<u8>>,
}

impl Ceremony {
    /// An ordinary approval of `payload`: challenge `nonce ‖ SHA-256(payload)`, user verified.
    pub fn new(rp_id: &str, origin: &str, nonce: &[u8], payload: &[u8]) -> Self {
        Self {
            rp_id: rp_id.into(),
            flags: UP | UV,
            sign_count: 0,
            tail: Vec::new(),
            kind: "webauthn.get".into(),
            challenge: b64url(&[nonce, &sha256(payload)].concat()),
            origin: origin.into(),
            cross_origin: Some(false),
            top_origin: None,
            extra: Vec::new(),
            client_data_json: None,
            authenticator_data: None,
        }
    }

    /// The authenticator data (WebAuthn L3 §6.1).
    ///
    /// ```text
    /// rpIdHash[32] ‖ flags ‖ signCount[4] ‖ extensions
    /// ```
    pub fn authenticator_data(&self) -> Vec<u8> {
        self.authenticator_data.clone().unwrap_or_else(|| {
            [
                &sha256(self.rp_id.as_bytes())[..],
                &[self.flags],
                &self.sign_count.to_be_bytes(),
                &self.tail,
            ]
            .concat()
        })
    }

    /// The client data as a browser serialises them (WebAuthn L3 §5.8.1.1).
    ///
    /// ```text
    /// {"type":…,"challenge":…,"origin":…,"crossOrigin":…[,"topOrigin":…][,more]}
    /// ```
    pub fn client_data_json(&self) -> Vec<u8> {
        if let Some(bytes) = &self.client_data_json {
            return bytes.clone();
        }
        let mut members = vec![
            format!("\"type\":{}", ccd_string(&self.kind)),
            format!("\"challenge\":{}", ccd_string(&self.challenge)),
            format!("\"origin\":{}", ccd_string(&self.origin)),
        ];
        if let Some(cross_origin) = self.cross_origin {
            members.push(format!("\"crossOrigin\":{cross_origin}"));
        }
        if let Some(top_origin) = &self.top_origin {
            members.push(format!("\"topOrigin\":{}", ccd_string(top_origin)));
        }
        members.extend(self.extra.iter().cloned());
        format!("{{{}}}", members.join(",")).into_bytes()
    }

    /// Lets `passkey` sign.
    pub fn sign(&self, passkey: &Passkey) -> Assertion {
        let authenticator_data = self.authenticator_data();
        let client_data_json = self.client_data_json();
        let message = [&authenticator_data[..], &sha256(&client_data_json)].concat();
        Assertion {
            public_key: passkey.public_key.clone(),
            credential_id: passkey.credential_id.clone(),
            signature: passkey.sign(&message),
            authenticator_data,
            client_data_json,
        }
    }
}

/// CCDToString of WebAuthn L3 §5.8.1.2.
fn ccd_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\u{1f}' => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The outcome of a ceremony, with the key that belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assertion {
    /// The COSE_Key.
    pub public_key: Vec<u8>,
    /// The credential id.
    pub credential_id: Vec<u8>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The client data.
    pub client_data_json: Vec<u8>,
    /// The signature over `authenticatorData ‖ SHA-256(clientDataJSON)`.
    pub signature: Vec<u8>,
}

impl Assertion {
    /// The assertion as a browser's `PublicKeyCredential.toJSON()` writes it.
    pub fn credential_json(&self) -> Value {
        json!({
            "id": b64url(&self.credential_id),
            "rawId": b64url(&self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": b64url(&self.authenticator_data),
                "clientDataJSON": b64url(&self.client_data_json),
                "signature": b64url(&self.signature),
                "userHandle": b64url(b"user"),
            },
        })
    }

    /// The answer that an approval service gives for an approved request.
    pub fn confirmation(&self, payload: &[u8]) -> Value {
        json!({
            "status": "approved",
            "payloadHash": crate::encoding::hex(&sha256(payload)),
            "credentialId": b64url(&self.credential_id),
            "rawAssertion": self.credential_json(),
            "approvalId": "not a contract",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_data_are_laid_out_as_browsers_do() {
        let mut ceremony = Ceremony::new("rp.example", "https://rp.example", &[], b"");
        ceremony.challenge = "AAA".into();
        let text = String::from_utf8(ceremony.client_data_json()).unwrap();
        assert_eq!(
            text,
            r#"{"type":"webauthn.get","challenge":"AAA","origin":"https://rp.example","crossOrigin":false}"#
        );
        ceremony.kind = "\"\\\n\u{7f}é".into();
        ceremony.cross_origin = None;
        ceremony.top_origin = Some("t".into());
        ceremony.extra.push("\"more\":1".into());
        let text = String::from_utf8(ceremony.client_data_json()).unwrap();
        assert_eq!(
            text,
            "{\"type\":\"\\\"\\\\\\u000a\u{7f}é\",\"challenge\":\"AAA\",\
             \"origin\":\"https://rp.example\",\"topOrigin\":\"t\",\"more\":1}"
        );
    }

    #[test]
    fn authenticator_data_are_37_bytes_and_a_tail() {
        let mut ceremony = Ceremony::new("rp.example", "https://rp.example", &[], b"");
        ceremony.sign_count = 0x0102_0304;
        let data = ceremony.authenticator_data();
        assert_eq!(data[32..], [UP | UV, 1, 2, 3, 4]);
        ceremony.tail = vec![0xa0];
        assert_eq!(ceremony.authenticator_data().len(), 38);
    }
}
