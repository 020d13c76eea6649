//! The leaf of a log for one signature of a grant that was used.
//!
//! ```text
//! {"authenticatorData":b64,"clientDataJSON":b64,"credentialPublicKey":b64,"notBefore":time,
//!  "rpId":string,"signature":b64,"type":"cosignet.break-glass/v1"}
//! ```
//!
//! Other than the entry of an approval it has the clientDataJSON itself, and so everybody sees from the
//! leaf alone that a grant was signed and nothing else. What the grant says is not in it, and nobody
//! guesses it: a grant has 32 random bytes.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{ENTRY_TYPE, Grant, Signature, challenge, is_challenge};
use crate::bundle::uuid;
use crate::encoding::{base64url, from_base64url, sha256};
use crate::entry::{self, rp_id};
use crate::json::Value;
use crate::schema::{self, Members};
use crate::time::Time;
use crate::webauthn::cose_key;
use crate::webauthn::{ClientData, CoseKey};

/// An entry, well formed: what was signed is the challenge of some grant. The signature has not been
/// verified.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The clientDataJSON, byte for byte.
    pub client_data_json: Vec<u8>,
    /// The COSE_Key of the credential, as the entry has it; see [`Entry::key_identity`].
    pub credential_public_key: Vec<u8>,
    /// From when on the grant permits something, as the log has read in it.
    pub not_before: Time,
    /// The relying party id.
    pub rp_id: String,
    /// The signature.
    pub signature: Vec<u8>,
    client_data: ClientData,
    challenge: Vec<u8>,
}

impl Entry {
    /// The entry of a signature; `None` if that is over something else than this grant.
    pub fn new(grant: &Grant, signature: &Signature, rp_id: &str, key: &CoseKey) -> Option<Self> {
        let (client_data, signed) = read(&signature.client_data_json)?;
        (signed == challenge(&grant.to_text())).then(|| Self {
            authenticator_data: signature.authenticator_data.clone(),
            client_data_json: signature.client_data_json.clone(),
            credential_public_key: key.as_bytes().to_vec(),
            not_before: grant.not_before,
            rp_id: rp_id.to_string(),
            signature: signature.signature.clone(),
            client_data,
            challenge: signed,
        })
    }

    /// The id under which a log has it, in the form of an approval's: a key's signature of a grant has
    /// one, whoever hands it in and as often as they do.
    ///
    /// ```text
    /// SHA-256("cosignet.break-glass-entry/v1" ‖ 0x00 ‖ challenge[44] ‖ key)[..16] as a UUID
    /// ```
    pub fn id(&self) -> String {
        let tag: &[u8] = b"cosignet.break-glass-entry/v1\0";
        let hash = sha256(&[tag, &self.challenge, &self.key_identity()].concat());
        let mut first = [0; 16];
        first.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        uuid(&first)
    }

    /// The challenge that was signed, 44 bytes.
    pub fn challenge(&self) -> &[u8] {
        &self.challenge
    }

    /// What the browser, or the program with the key, says of itself.
    pub fn client_data(&self) -> &ClientData {
        &self.client_data
    }

    /// SHA-256 of the clientDataJSON.
    pub fn client_data_hash(&self) -> [u8; 32] {
        sha256(&self.client_data_json)
    }

    /// The bytes that identify the key, as [`entry::Entry::key_identity`].
    pub fn key_identity(&self) -> Cow<'_, [u8]> {
        cose_key::identity(&self.credential_public_key)
    }

    /// The text of the leaf.
    pub fn to_text(&self) -> String {
        Value::from([
            (
                "authenticatorData",
                base64url(&self.authenticator_data).into(),
            ),
            ("clientDataJSON", base64url(&self.client_data_json).into()),
            (
                "credentialPublicKey",
                base64url(&self.credential_public_key).into(),
            ),
            ("notBefore", self.not_before.to_string().into()),
            ("rpId", self.rp_id.as_str().into()),
            ("signature", base64url(&self.signature).into()),
            ("type", ENTRY_TYPE.into()),
        ])
        .to_text()
    }

    /// Reads the text of a leaf of this type.
    ///
    /// # Errors
    ///
    /// [`entry::Error`] for what is none.
    pub fn parse(text: &str) -> Result<Self, entry::Error> {
        let value = entry::canonical(text)?;
        let members = Members::of(&value)?;
        let found = members.text("type")?;
        if found != ENTRY_TYPE {
            let found = found.to_string();
            return Err(entry::Error::UnknownType { found });
        }
        Ok(Self::of(members)?)
    }

    /// The members of an entry that is of this type.
    pub(crate) fn of(members: Members<'_, '_>) -> Result<Self, schema::Error> {
        let members = members.only(&[
            "authenticatorData",
            "clientDataJSON",
            "credentialPublicKey",
            "notBefore",
            "rpId",
            "signature",
            "type",
        ])?;
        let client_data_json = members.bytes("clientDataJSON")?;
        let (client_data, challenge) = read(&client_data_json).ok_or_else(|| {
            let expected = "client data with the challenge of a break-glass grant";
            members.wrong("clientDataJSON", expected, "others")
        })?;
        Ok(Self {
            authenticator_data: members.bytes("authenticatorData")?,
            client_data_json,
            credential_public_key: members.bytes("credentialPublicKey")?,
            not_before: members.time("notBefore")?,
            rp_id: rp_id(&members, "rpId")?.to_string(),
            signature: members.bytes("signature")?,
            client_data,
            challenge,
        })
    }
}

/// Client data in which somebody signs a grant, and their challenge.
fn read(client_data_json: &[u8]) -> Option<(ClientData, Vec<u8>)> {
    let data = ClientData::parse(client_data_json).ok()?;
    let challenge = from_base64url(data.challenge()).ok()?;
    is_challenge(&challenge).then_some((data, challenge))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::code::Code;
    use crate::failure::Failure as _;
    use crate::hazmat::leaf::Leaf;
    use crate::payload::Challenge;

    fn client_data(challenge: &[u8]) -> Vec<u8> {
        let challenge = base64url(challenge);
        format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://cosignet.com"}}"#
        )
        .into_bytes()
    }

    fn text_of(client_data_json: &[u8]) -> String {
        let data = base64url(client_data_json);
        format!(
            r#"{{"authenticatorData":"AQ","clientDataJSON":"{data}","credentialPublicKey":"Ag","notBefore":"2026-11-20T14:03:11.000Z","rpId":"cosignet.com","signature":"Aw","type":"cosignet.break-glass/v1"}}"#
        )
    }

    fn sample() -> String {
        text_of(&client_data(&challenge("grant")))
    }

    fn code(text: &str) -> Code {
        Leaf::parse(text).unwrap_err().code()
    }

    #[test]
    fn writes_the_text_that_it_reads() {
        let entry = Entry::parse(&sample()).unwrap();
        assert_eq!(entry.to_text(), sample());
        assert_eq!(entry.challenge(), challenge("grant"));
        assert_eq!(Leaf::parse(&sample()), Ok(Leaf::BreakGlass(entry)));
    }

    #[test]
    fn is_no_entry_of_an_approval() {
        let error = entry::Entry::parse(&sample()).unwrap_err();
        assert_eq!(error.code(), Code::EntryBreakGlass);
        for kind in [entry::TYPE, entry::REFUSAL_TYPE] {
            let other = sample().replace(ENTRY_TYPE, kind);
            assert_eq!(code(&other), Code::EntryField, "{kind}");
        }
    }

    #[test]
    fn has_an_id_of_its_own_for_each_grant_and_key() {
        let id = |text: String| Entry::parse(&text).unwrap().id();
        let first = id(sample());
        assert!(crate::bundle::is_approval_id(&first), "{first}");
        let signature = sample().replace("\"signature\":\"Aw\"", "\"signature\":\"BA\"");
        assert_eq!(id(signature), first);
        assert_ne!(id(text_of(&client_data(&challenge("other")))), first);
        let key = sample().replace(
            "\"credentialPublicKey\":\"Ag\"",
            "\"credentialPublicKey\":\"BA\"",
        );
        assert_ne!(id(key), first);
    }

    #[test]
    fn refuses_every_other_text() {
        for (from, to, expected) in [
            ("{\"auth", "{ \"auth", Code::EntryNotCanonical),
            ("\"signature\":\"Aw\",", "", Code::EntryField),
            (
                "\"notBefore\":\"2026",
                "\"notBefore\":\"x026",
                Code::EntryField,
            ),
            ("\"rpId\":\"c", "\"rpId\":\"C", Code::EntryField),
            ("}", ",\"zebra\":\"\"}", Code::EntryField),
            ("glass/v1", "glass/v2", Code::EntryUnknownType),
        ] {
            let bad = sample().replace(from, to);
            assert_ne!(bad, sample(), "{from}");
            assert_eq!(code(&bad), expected, "{to}");
        }
        let mut longer = challenge("grant");
        longer.push(0);
        let mut other = challenge("grant");
        other[10] ^= 1;
        for signed in [vec![], vec![7; 32], vec![7; 48], vec![7; 44], longer, other] {
            assert_eq!(code(&text_of(&client_data(&signed))), Code::EntryField);
        }
        let padded = String::from_utf8(client_data(&challenge("grant"))).unwrap();
        let padded = padded.replace("\",\"origin", "=\",\"origin");
        assert_eq!(code(&text_of(padded.as_bytes())), Code::EntryField);
        assert_eq!(code(&text_of(b"{}")), Code::EntryField);
    }

    proptest! {
        /// An approval signs 48 bytes at least, a refusal and a login 32: whatever was signed, it is
        /// at most one of them.
        #[test]
        fn no_challenge_is_that_of_two(
            glass in any::<bool>(),
            bytes in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let begin: &[u8] = if glass { b"break-glass\0" } else { b"" };
            let signed = [begin, &bytes].concat();
            let approval = Challenge::parse(&base64url(&signed)).is_ok();
            let refusal = signed.len() == 32;
            let entry = Entry::parse(&text_of(&client_data(&signed))).is_ok();
            prop_assert!(u8::from(approval) + u8::from(refusal) + u8::from(entry) <= 1);
            prop_assert_eq!(entry, glass && bytes.len() == 32);
        }

        /// A text is an entry of one kind, or of none.
        #[test]
        fn no_text_is_an_entry_of_two_kinds(at in 0..600_usize, byte in any::<u8>()) {
            let mut bytes = sample().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes) {
                let (decision, glass) = (entry::Entry::parse(&text), Entry::parse(&text));
                prop_assert!(decision.is_err() || glass.is_err());
            }
        }
    }
}
