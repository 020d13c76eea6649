//! The log entry, and the commitment to an approver that it may carry.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock};

use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha256;

use crate::ceremony::Assertion;
use crate::encoding::{b64url, sha256};

/// A log entry before it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// `type`.
    pub kind: String,
    /// SHA-256 of the approval id.
    pub approval_id_hash: Vec<u8>,
    /// The commitment to the approver.
    pub approver: Option<Vec<u8>>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// SHA-256 of the client data.
    pub client_data_hash: Vec<u8>,
    /// The COSE_Key.
    pub credential_public_key: Vec<u8>,
    /// When the service says that it was decided.
    pub decided_at: String,
    /// The RP id.
    pub rp_id: String,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Entry {
    /// The entry of an approval.
    pub fn new(approval_id: &str, rp_id: &str, decided_at: &str, assertion: &Assertion) -> Self {
        Self {
            kind: "cosignet.approval/v1".into(),
            approval_id_hash: sha256(approval_id.as_bytes()).to_vec(),
            approver: None,
            authenticator_data: assertion.authenticator_data.clone(),
            client_data_hash: sha256(&assertion.client_data_json).to_vec(),
            credential_public_key: assertion.public_key.clone(),
            decided_at: decided_at.into(),
            rp_id: rp_id.into(),
            signature: assertion.signature.clone(),
        }
    }

    /// The members by name.
    pub fn members(&self) -> BTreeMap<String, String> {
        let mut members: BTreeMap<String, String> = [
            ("approvalIdHash", b64url(&self.approval_id_hash)),
            ("authenticatorData", b64url(&self.authenticator_data)),
            ("clientDataHash", b64url(&self.client_data_hash)),
            ("credentialPublicKey", b64url(&self.credential_public_key)),
            ("decidedAt", self.decided_at.clone()),
            ("rpId", self.rp_id.clone()),
            ("signature", b64url(&self.signature)),
            ("type", self.kind.clone()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        if let Some(approver) = &self.approver {
            members.insert("approver".into(), b64url(approver));
        }
        members
    }

    /// The text of the leaf.
    pub fn text(&self) -> String {
        canonical(&self.members())
    }
}

/// RFC 8785 for an object of strings with ASCII keys: their byte order is the order that it
/// prescribes, and serde_json escapes strings as it does.
pub fn canonical(members: &BTreeMap<String, String>) -> String {
    serde_json::to_string(members).unwrap()
}

/// The opening of the commitment to an approver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disclosure {
    /// Random for each entry.
    pub blind: [u8; 32],
    /// Random for each approver.
    pub salt: [u8; 32],
    /// The address; hidden if `None`.
    pub email: Option<String>,
}

impl Disclosure {
    /// The `approver` of an entry.
    ///
    /// ```text
    /// SHA-256("cosignet.approver/v1" ‖ 00 ‖ blind[32] ‖ emailHash[32])
    /// ```
    pub fn commitment(blind: &[u8; 32], email_hash: &[u8; 32]) -> [u8; 32] {
        sha256(&[b"cosignet.approver/v1\0", &blind[..], &email_hash[..]].concat())
    }
}

/// PBKDF2-HMAC-SHA256 of the normalised address, 600,000 rounds. Slow, so results are kept.
pub fn email_hash(email: &str, salt: &[u8; 32]) -> [u8; 32] {
    type Known = Mutex<HashMap<(String, [u8; 32]), [u8; 32]>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();

    let email = email
        .trim_matches(|c: char| c.is_ascii_whitespace())
        .to_ascii_lowercase();
    let mut known = KNOWN.get_or_init(Known::default).lock().unwrap();
    *known
        .entry((email.clone(), *salt))
        .or_insert_with(|| pbkdf2_hmac_array::<Sha256, 32>(email.as_bytes(), salt, 600_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_rfc_8785_says() {
        let all: String = (0..=0x80)
            .filter_map(char::from_u32)
            .chain("é€😀".chars())
            .collect();
        let text = canonical(&BTreeMap::from([("k".to_owned(), all)]));
        let expected = "{\"k\":\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\
            \\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\
            \\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f !\\\"#$%&'()*+,\
            -./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\
            \u{7f}\u{80}é€😀\"}";
        assert_eq!(text, expected);
    }

    #[test]
    fn addresses_are_normalised_in_ascii_only() {
        let salt = [7; 32];
        let hash = email_hash("alice@example.com", &salt);
        assert_eq!(email_hash(" Alice@EXAMPLE.com\r\n", &salt), hash);
        assert_ne!(email_hash("alice@example.com\u{a0}", &salt), hash);
        assert_ne!(email_hash("alice@example.com", &[8; 32]), hash);
    }
}
