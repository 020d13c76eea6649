//! Passkeys, made by people who were given a link.

use verifier_core::AwsLc;
use verifier_core::hazmat::encoding::{base64url, from_base64url, sha256};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::signature::Algorithm;
use verifier_core::hazmat::webauthn::registration::{Ceremony, VerifiedRegistration};

use crate::gate::{Gate, Result};
use crate::person::Credential;
use crate::refusal::{Reason, Refusal};
use crate::store::{Enrolment, NewCredential};

/// The longest answer of a browser, in bytes.
pub(crate) const MAX_REGISTRATION: usize = 64 * 1024;

/// In the order in which they are asked for.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];

/// How long a person may take, in milliseconds.
pub(crate) const TIMEOUT: u64 = 300_000;

/// A new token for a link, and its hash.
pub(crate) fn token() -> Result<(String, [u8; 32]), Refusal> {
    let token = base64url(&crate::random::<32>()?);
    let hash = sha256(token.as_bytes());
    Ok((token, hash))
}

/// The hash of a token that somebody has sent.
pub(crate) fn hash_of(token: &str) -> Result<[u8; 32], Refusal> {
    match from_base64url(token) {
        Ok(bytes) if bytes.len() == 32 => Ok(sha256(token.as_bytes())),
        _ => {
            let detail = "This is no link of this gate. Copy all of it, with what stands behind #.";
            Err(Refusal::new(Reason::InviteUnknown, detail))
        }
    }
}

impl Gate {
    /// Begins to make a passkey: the options for the browser.
    pub(crate) async fn begin_enrolment(&self, token: &str) -> Result<Enrolment> {
        let challenge = crate::random()?;
        self.store.enrolment(hash_of(token)?, challenge).await
    }

    /// Enrols the passkey that a browser has made.
    pub(crate) async fn enrol(
        &self,
        token: &str,
        registration: &Value<'_>,
    ) -> Result<(Credential, VerifiedRegistration)> {
        let hash = hash_of(token)?;
        let enrolment = self.store.begun(hash).await?;
        let origins = [self.site.origin.clone()];
        let text = registration.to_text();
        let mut ceremony = Ceremony::new(&self.site.rp_id, &origins, &enrolment.challenge);
        ceremony.algorithms = &ALGORITHMS;
        let verified = ceremony
            .verify(text.as_bytes(), &AwsLc)
            .map_err(|error| Refusal::of(&error))?;
        let flags = verified.flags();
        let credential = NewCredential {
            id: verified.credential_id().to_vec(),
            public_key: verified.key().as_bytes().to_vec(),
            backup_eligible: flags.backup_eligible(),
            backed_up: flags.backed_up(),
            transports: verified.transports().to_vec(),
            attestation: verified.attestation().to_string(),
            registration: text,
        };
        let enrolled = self.store.enrol(hash, credential).await?;
        Ok((enrolled, verified))
    }

    /// `PublicKeyCredentialCreationOptionsJSON` (Level 3 §5.1.8).
    pub(crate) fn creation_options(&self, enrolment: &Enrolment) -> Value<'static> {
        let person = &enrolment.person;
        let parameter = |algorithm: Algorithm| {
            Value::from([
                ("alg", Value::Number(algorithm.cose().to_string().into())),
                ("type", "public-key".into()),
            ])
        };
        let user = sha256(format!("{}\0{}", self.site.rp_id, person.name).as_bytes());
        Value::from([
            ("attestation", "none".into()),
            (
                "authenticatorSelection",
                Value::from([
                    ("requireResidentKey", false.into()),
                    ("residentKey", "preferred".into()),
                    ("userVerification", "required".into()),
                ]),
            ),
            ("challenge", base64url(&enrolment.challenge).into()),
            (
                "excludeCredentials",
                person.credentials.iter().map(descriptor).collect(),
            ),
            (
                "pubKeyCredParams",
                ALGORITHMS.into_iter().map(parameter).collect(),
            ),
            (
                "rp",
                Value::from([
                    ("id", self.site.rp_id.clone().into()),
                    ("name", self.site.name.clone().into()),
                ]),
            ),
            ("timeout", TIMEOUT.into()),
            (
                "user",
                Value::from([
                    ("displayName", person.name.clone().into()),
                    ("id", base64url(&user).into()),
                    ("name", person.name.clone().into()),
                ]),
            ),
        ])
    }
}

/// `PublicKeyCredentialDescriptorJSON`
pub(crate) fn descriptor(credential: &Credential) -> Value<'static> {
    let transports = credential.transports.iter().cloned().map(Value::from);
    Value::from([
        ("id", base64url(&credential.id).into()),
        ("transports", transports.collect()),
        ("type", "public-key".into()),
    ])
}
