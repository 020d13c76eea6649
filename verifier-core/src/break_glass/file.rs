//! A grant with the signatures of people.
//!
//! ```text
//! {"type":"cosignet.break-glass-file/v1","grant":"<text>",
//!  "signatures":[{"authenticatorData":b64,"clientDataJSON":b64,"credentialId":b64,"signature":b64},…]}
//! ```

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Error, FILE_TYPE, Grant, challenge};
use crate::encoding::{base64url, sha256};
use crate::json::{Limits, Value};
use crate::policy::{Approver, Approvers, Policy};
use crate::roster::{self, Roster};
use crate::schema::{Members, Wrong};
use crate::signature::Crypto;
use crate::webauthn::AssertionJson;
use crate::webauthn::assertion::{self, Assertion, Expected, verify_signature};

/// A file, well formed. Nothing in it has been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    text: String,
    grant: Grant,
    signatures: Vec<Signature>,
}

/// What a passkey returned, and nobody has looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signature {
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The clientDataJSON, byte for byte.
    pub client_data_json: Vec<u8>,
    /// Where to look for the key. Not signed.
    pub credential_id: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Signature {
    /// The byte strings of an assertion, and the id of the credential.
    pub fn new(
        authenticator_data: Vec<u8>,
        client_data_json: Vec<u8>,
        credential_id: Vec<u8>,
        signature: Vec<u8>,
    ) -> Self {
        Self {
            authenticator_data,
            client_data_json,
            credential_id,
            signature,
        }
    }

    /// What a browser returned, without what this file has no room for.
    pub fn of(assertion: &AssertionJson) -> Self {
        Self {
            authenticator_data: assertion.authenticator_data().to_vec(),
            client_data_json: assertion.client_data_json().to_vec(),
            credential_id: assertion.credential_id().to_vec(),
            signature: assertion.signature().to_vec(),
        }
    }

    fn read(members: Members<'_, '_>) -> Result<Self, crate::schema::Error> {
        let members = members.only(&[
            "authenticatorData",
            "clientDataJSON",
            "credentialId",
            "signature",
        ])?;
        Ok(Self {
            authenticator_data: members.bytes("authenticatorData")?,
            client_data_json: members.bytes("clientDataJSON")?,
            credential_id: members.bytes("credentialId")?,
            signature: members.bytes("signature")?,
        })
    }

    fn to_value(&self) -> Value<'static> {
        Value::from([
            (
                "authenticatorData",
                base64url(&self.authenticator_data).into(),
            ),
            ("clientDataJSON", base64url(&self.client_data_json).into()),
            ("credentialId", base64url(&self.credential_id).into()),
            ("signature", base64url(&self.signature).into()),
        ])
    }
}

impl File {
    /// The longest file, in bytes.
    pub const MAX_BYTES: usize = 128 * 1024;
    /// The most signatures.
    pub const MAX_SIGNATURES: usize = 16;

    /// A file that nobody has signed yet.
    ///
    /// # Errors
    ///
    /// As those of [`Grant::parse`]: a member of the grant is none that a grant can have.
    pub fn unsigned(grant: &Grant) -> Result<Self, Error> {
        let text = grant.to_text();
        Ok(Self {
            grant: Grant::parse(&text)?,
            text,
            signatures: Vec::new(),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Field`], [`Error::NotCanonical`] or [`Error::NotJson`] for what is none.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        let value = Value::parse(file, Limits::bytes(Self::MAX_BYTES)).map_err(Error::NotJson)?;
        let members = Members::of(&value)?;
        let found = members.text("type")?;
        if found != FILE_TYPE {
            return Err(members.wrong("type", FILE_TYPE, found).into());
        }
        let members = members.only(&["grant", "signatures", "type"])?;
        if !members.has("signatures") {
            return Err(members.error("signatures", Wrong::Missing).into());
        }
        let signatures = members.objects("signatures")?;
        if signatures.len() > Self::MAX_SIGNATURES {
            let problem = Wrong::TooLarge {
                limit: Self::MAX_SIGNATURES,
                unit: "signatures",
            };
            return Err(members.error("signatures", problem).into());
        }
        let text = members.text("grant")?;
        let signatures = signatures.into_iter().map(Signature::read);
        Ok(Self {
            grant: Grant::parse(text)?,
            text: text.to_string(),
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// The grant.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The text of the grant, which is what people sign.
    pub fn grant_text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of the grant, which is what identifies the file: signatures can be left out, and
    /// have more than one form.
    pub fn grant_sha256(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }

    /// The signatures, in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The file with one more signature, unless it has the same one, or as many as it can have.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if there is no room for it.
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        let mut signed = self.clone();
        signed.signatures.push(signature);
        // The limits are those of the reader.
        *self = Self::parse(signed.to_json().as_bytes())?;
        Ok(())
    }

    /// The file, in canonical JSON.
    pub fn to_json(&self) -> String {
        let signatures = self.signatures.iter().map(Signature::to_value);
        Value::from([
            ("grant", self.text.as_str().into()),
            ("signatures", signatures.collect()),
            ("type", FILE_TYPE.into()),
        ])
        .to_text()
    }

    /// Whether every signature holds, under this policy and, if it names one, this roster. Nothing
    /// is said about how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] for the first that does not.
    pub fn verify(
        self,
        policy: &Policy,
        roster: Option<&Result<Roster, roster::Error>>,
        crypto: &dyn Crypto,
    ) -> Result<Signed, Error> {
        let (approvers, roster_version) = match (policy.roster(), roster) {
            (None, _) => (policy.listed(), None),
            (Some(_), Some(Ok(roster))) if roster.is_under(policy) => {
                let newest = roster.newest();
                (newest.listed(), Some(newest.number()))
            }
            (Some(_), Some(Err(error))) => return Err(Error::Roster(error.clone())),
            (Some(_), _) => return Err(Error::NoRoster),
        };
        let ceremony = Ceremony {
            policy,
            approvers,
            challenge: challenge(&self.text),
            crypto,
        };
        let signers = self.signatures.iter();
        let signers = signers
            .map(|signature| ceremony.signer(signature, &self.grant))
            .collect::<Result<_, _>>()?;
        Ok(Signed {
            file: self,
            policy_sha256: policy.sha256(),
            roster_version,
            signers,
        })
    }
}

/// Somebody who signed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signer {
    /// The name of the key in the policy.
    pub name: String,
    /// Whose key it is.
    pub person: String,
    /// The groups that the person may serve a clause for with it.
    pub groups: Vec<String>,
    /// The fingerprint of the key.
    pub fingerprint: String,
}

/// A file in which every signature holds; [`File::verify`] alone makes one. It permits nothing.
#[derive(Clone, Debug)]
pub struct Signed {
    pub(super) file: File,
    pub(super) policy_sha256: [u8; 32],
    /// The version of the roster that lists them, if the policy leaves it to one.
    pub(super) roster_version: Option<u64>,
    pub(super) signers: Vec<Signer>,
}

impl Signed {
    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// One for each signature, in their order. Two of them may be one person.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// The people who signed, each once, in the order of their names.
    pub fn people(&self) -> Vec<&str> {
        let all = self.signers.iter();
        let mut people: Vec<&str> = all.map(|one| one.person.as_str()).collect();
        people.sort_unstable();
        people.dedup();
        people
    }
}

/// All that a signature is judged by.
struct Ceremony<'c> {
    policy: &'c Policy,
    approvers: &'c Approvers,
    challenge: Vec<u8>,
    crypto: &'c dyn Crypto,
}

impl Ceremony<'_> {
    fn signer(&self, signature: &Signature, grant: &Grant) -> Result<Signer, Error> {
        let approver = self.approver(signature).ok_or_else(|| Error::UnknownKey {
            credential_id: base64url(&signature.credential_id),
        })?;
        let begins = approver
            .not_before
            .is_none_or(|from| from <= grant.not_before);
        let ends = approver.not_after.is_none_or(|to| grant.not_after <= to);
        if !(begins && ends) {
            return Err(Error::KeyLimits {
                approver: approver.name.clone(),
            });
        }
        self.holds(signature, approver)
            .map_err(|error| Error::Signature {
                approver: approver.name.clone(),
                error,
            })?;
        Ok(Signer {
            name: approver.name.clone(),
            person: approver.person.clone(),
            groups: approver.groups.clone(),
            fingerprint: approver.key.fingerprint(),
        })
    }

    fn approver(&self, signature: &Signature) -> Option<&Approver> {
        let by_id = self.approvers.by_credential(&signature.credential_id);
        by_id.or_else(|| {
            let hash = sha256(&signature.client_data_json);
            let data = &signature.authenticator_data;
            let fits = |approver: &&Approver| {
                verify_signature(
                    &approver.key,
                    data,
                    &hash,
                    &signature.signature,
                    self.crypto,
                )
                .is_ok()
            };
            let all = self.approvers.list.iter();
            all.filter(|approver| approver.credential_id.is_none())
                .find(fits)
        })
    }

    /// All rules for an assertion, with the user recognised and no frame around the page: those
    /// who break the glass have no device that cannot do that.
    fn holds(&self, signature: &Signature, approver: &Approver) -> Result<(), assertion::Error> {
        let assertion = Assertion::new(
            &signature.authenticator_data,
            &signature.client_data_json,
            &signature.signature,
        );
        let rules = self.policy.webauthn();
        let under = |rp_id: &String| {
            let challenge = self.challenge.clone();
            let expected = Expected::new(rp_id.clone(), rules.origins.clone(), challenge);
            assertion
                .verify(&approver.key, &expected, self.crypto)
                .map(|_| ())
        };
        let mut rp_ids = rules.rp_ids.iter();
        // There is one at least; one of them is what the passkey signed for, or none is.
        let first = rp_ids
            .next()
            .map_or(Err(assertion::Error::Signature), under);
        rp_ids.fold(first, |found, rp_id| match found {
            Err(assertion::Error::RpId { .. }) => under(rp_id),
            found => found,
        })
    }
}
