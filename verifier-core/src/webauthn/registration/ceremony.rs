//! The rules for a registration that the service has asked for itself (Level 3 §7.1).
//!
//! The JSON is read as strictly as that of an assertion. What §7.1 leaves to the service stays with
//! it: that the challenge is used once, that the session belongs to the user, and that the
//! credential id is not registered already (step 27).

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::CEREMONY;
use super::attestation::{self, Attestation, AttestationObject};
use crate::code::Code;
use crate::encoding::{base64url, sha256};
use crate::failure::Failure;
use crate::json;
use crate::shown::quote;
use crate::signature::{Algorithm, Crypto};
use crate::webauthn::assertion::{self, UserVerification};
use crate::webauthn::authenticator_data::{AttestedData, Backup, Flags};
use crate::webauthn::credential::{self, RegistrationJson};
use crate::webauthn::{ClientData, CoseKey};

/// The ceremony as the service has asked for it: the expectations that its outcome has to meet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ceremony<'e> {
    /// The relying party id.
    pub rp_id: &'e str,
    /// The origins that may have asked. Exact strings: nothing is normalised.
    pub origins: &'e [String],
    /// The whole challenge.
    pub challenge: &'e [u8],
    /// The algorithms that were offered.
    pub algorithms: &'e [Algorithm],
    /// By default required.
    pub user_verification: UserVerification,
    /// Whether the page may have been in a frame of another origin. By default not.
    pub allow_cross_origin: bool,
    /// The origins of pages that may have had it in a frame, where the browser names them.
    pub top_origins: &'e [String],
}

impl<'e> Ceremony<'e> {
    /// The longest registration JSON that is read, in bytes.
    pub const MAX_BYTES: usize = 128 * 1024;

    /// The strictest expectation: user verification required, no frames. All algorithms that this
    /// project verifies were offered.
    pub fn new(rp_id: &'e str, origins: &'e [String], challenge: &'e [u8]) -> Self {
        Self {
            rp_id,
            origins,
            challenge,
            algorithms: &Algorithm::ALL,
            user_verification: UserVerification::Required,
            allow_cross_origin: false,
            top_origins: &[],
        }
    }

    /// Reads the JSON that the browser has made of the new credential and applies every rule, in
    /// the order of §7.1; the first that is broken is the error.
    pub fn verify(&self, json: &[u8], crypto: &dyn Crypto) -> Result<VerifiedRegistration, Error> {
        let value = json::Value::parse(json, json::Limits::bytes(Self::MAX_BYTES))?;
        let written = RegistrationJson::from_value(&value)?;
        let client_data =
            ClientData::parse(written.client_data_json()).map_err(assertion::Error::ClientData)?;
        assertion::check_type(&client_data, CEREMONY)?;
        assertion::check_challenge(&client_data, self.challenge)?;
        assertion::check_origin(&client_data, self.origins)?;
        assertion::check_cross_origin(&client_data, self.allow_cross_origin, self.top_origins)?;
        let object = AttestationObject::parse(written.attestation_object())?;
        let data = object.attested_data().authenticator_data();
        assertion::check_rp_id(data, self.rp_id)?;
        assertion::check_user_presence(data)?;
        assertion::check_user_verification(data, self.user_verification)?;
        check_algorithm(object.attested_data().key(), self.algorithms)?;
        let hash = sha256(written.client_data_json());
        let attestation = object.verify_statement(&hash, crypto)?;
        check_credential_id(object.attested_data(), written.credential_id())?;
        Ok(VerifiedRegistration {
            transports: written.transports().to_vec(),
            attested_data: object.into_attested_data(),
            client_data,
            attestation,
        })
    }
}

/// A registration that [`Ceremony::verify`] found to be in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedRegistration {
    attested_data: AttestedData,
    client_data: ClientData,
    attestation: Attestation,
    transports: Vec<String>,
}

impl VerifiedRegistration {
    /// The id of the credential, 1 to 1023 bytes.
    pub fn credential_id(&self) -> &[u8] {
        self.attested_data.credential_id()
    }

    /// The public key.
    pub fn key(&self) -> &CoseKey {
        self.attested_data.key()
    }

    /// `SHA256:` and the hash of the key, as [`CoseKey::fingerprint`] writes it.
    pub fn fingerprint(&self) -> String {
        self.key().fingerprint()
    }

    /// The flags at registration.
    pub fn flags(&self) -> Flags {
        self.attested_data.authenticator_data().flags()
    }

    /// Where the private key may be, as the authenticator claims.
    pub fn backup(&self) -> Backup {
        self.flags().backup()
    }

    /// The signature counter at registration; passkeys that are synchronised always write 0.
    pub fn sign_count(&self) -> u32 {
        self.attested_data.authenticator_data().sign_count()
    }

    /// The model of the authenticator, as it claims; zeros where it does not say. Nobody has
    /// vouched for it, whatever [`Self::attestation`] says.
    pub fn aaguid(&self) -> &[u8; 16] {
        self.attested_data.aaguid()
    }

    /// How the authenticator can be reached, as the browser believes. Not signed: a hint for the
    /// next request.
    pub fn transports(&self) -> &[String] {
        &self.transports
    }

    /// What the attestation statement has proven.
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// The browser's statement.
    pub fn client_data(&self) -> &ClientData {
        &self.client_data
    }
}

/// The key is one of an algorithm that was offered (step 20).
fn check_algorithm(key: &CoseKey, offered: &[Algorithm]) -> Result<(), Error> {
    let found = key.algorithm();
    if offered.contains(&found) {
        return Ok(());
    }
    Err(Error::AlgorithmNotOffered {
        expected: offered.to_vec(),
        found,
    })
}

/// The credential in the authenticator data is the one that the browser names.
fn check_credential_id(data: &AttestedData, found: &[u8]) -> Result<(), Error> {
    let expected = data.credential_id();
    if expected == found {
        return Ok(());
    }
    Err(Error::CredentialId {
        expected: base64url(expected),
        found: base64url(found),
    })
}

/// Which rule a registration breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key of another algorithm than was asked for.
    #[error("the key is one of {found}, which was not offered")]
    AlgorithmNotOffered {
        /// The algorithms that were.
        expected: Vec<Algorithm>,
        /// The algorithm that it is.
        found: Algorithm,
    },
    /// The attestation object: its form, the authenticator data in it, or its statement.
    #[error(transparent)]
    AttestationObject(#[from] attestation::Error),
    /// The JSON is not as a browser writes it.
    #[error(transparent)]
    Credential(#[from] credential::Error),
    /// The JSON and the authenticator data name two credentials.
    #[error(
        "the registration is of credential {}, its JSON says {}",
        quote(expected),
        quote(found)
    )]
    CredentialId {
        /// The id in the authenticator data, in base64url.
        expected: String,
        /// The id in the JSON, in base64url.
        found: String,
    },
    /// Not strict JSON.
    #[error("the registration is not strict JSON: {0}")]
    Json(#[from] json::Error),
    /// A rule that holds for assertions, too.
    #[error(transparent)]
    Rule(#[from] assertion::Error),
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::AlgorithmNotOffered { .. } => Code::WebauthnUnsupportedAlgorithm,
            Self::AttestationObject(error) => error.code(),
            Self::Credential(error) => error.code(),
            Self::CredentialId { .. } => Code::EvidenceCredentialMismatch,
            Self::Json(_) => Code::BundleNotJson,
            Self::Rule(error) => error.code(),
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::AlgorithmNotOffered { expected, .. } => Some(one_of(expected)),
            Self::AttestationObject(error) => error.expected(),
            Self::Credential(error) => error.expected(),
            Self::CredentialId { expected, .. } => Some(quote(expected)),
            Self::Json(_) => None,
            Self::Rule(error) => error.expected(),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::AlgorithmNotOffered { found, .. } => Some(found.to_string()),
            Self::AttestationObject(error) => error.found(),
            Self::Credential(error) => error.found(),
            Self::CredentialId { found, .. } => Some(quote(found)),
            Self::Json(_) => None,
            Self::Rule(error) => error.found(),
        }
    }
}

fn one_of(algorithms: &[Algorithm]) -> String {
    let names: Vec<&str> = algorithms
        .iter()
        .map(|algorithm| algorithm.as_str())
        .collect();
    match names.is_empty() {
        true => "none".into(),
        false => names.join(" or "),
    }
}
