//! A small approval service: it asks, collects the assertion, and appends to the log.
//!
//! It checks little by itself. The log checks every approval at its door, with the rules that
//! verifiers apply later.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::encoding::{base64url, hex, sha256};
use verifier_core::hazmat::webauthn::Registration;
use verifier_core::{Policy, Time};
use webauthn_rs_proto::{
    AllowCredentials, AttestationConveyancePreference, AuthenticatorSelectionCriteria,
    CreationChallengeResponse, PubKeyCredParams, PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions, RelyingParty, RequestChallengeResponse,
    ResidentKeyRequirement, User, UserVerificationPolicy,
};

use crate::Result;
use crate::payload::{ACTION, PAYLOAD};
use crate::stage::{Stage, beside};

/// Browsers take `localhost` for secure, and this name for its relying party.
const RP_ID: &str = "localhost";

/// The files of an auditor, beside the approval.
const POLICY: &str = "policy.json";
const PAYLOAD_FILE: &str = "payload.json";

/// How long a person may take, in milliseconds.
const TIMEOUT: u32 = 300_000;

/// How many approvals may be open: this is a demo for one visitor.
const MOST_OPEN: usize = 100;

pub(crate) struct Service {
    stage: Arc<Stage>,
    origin: String,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    enrolled: Option<Enrolled>,
    /// The approval ids that have been asked for and not answered.
    open: HashMap<String, ()>,
}

/// The one approver of the demo.
#[derive(Clone)]
struct Enrolled {
    credential_id: Vec<u8>,
    public_key: Vec<u8>,
    fingerprint: String,
    /// Whether this program holds its private key.
    in_software: bool,
}

impl Approved {
    /// The command that an auditor uses, word by word, in the folder with the files.
    pub(crate) fn command(&self) -> Vec<String> {
        let names = self.names();
        self.words("cosignet", &names)
    }

    /// The same for this machine, from any folder.
    pub(crate) fn command_here(&self) -> Result<Vec<String>> {
        let paths = self.files.each_ref().map(|path| path.display().to_string());
        Ok(self.words(&beside("cosignet")?.display().to_string(), &paths))
    }

    /// The names of the files.
    pub(crate) fn names(&self) -> [String; 3] {
        let name = |path: &PathBuf| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        self.files.each_ref().map(name)
    }

    fn words(&self, program: &str, [approval, policy, payload]: &[String; 3]) -> Vec<String> {
        let words = [
            program,
            "verify",
            approval,
            "--policy",
            policy,
            "--payload",
            payload,
            "--approval-id",
            &self.id,
        ];
        words.map(str::to_owned).to_vec()
    }
}

/// An approval that the log has taken in.
pub(crate) struct Approved {
    pub(crate) id: String,
    pub(crate) verify_url: String,
    /// The files that an auditor gets, in the order of the command.
    pub(crate) files: [PathBuf; 3],
}

impl Service {
    pub(crate) fn new(stage: Arc<Stage>, origin: &str) -> Self {
        Self {
            stage,
            origin: origin.to_owned(),
            memory: Mutex::default(),
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Fingerprint of the passkey, and whether it is one in software; `None` before there is one.
    pub(crate) fn passkey(&self) -> Option<(String, bool)> {
        let memory = self.memory();
        let enrolled = memory.enrolled.as_ref();
        enrolled.map(|enrolled| (enrolled.fingerprint.clone(), enrolled.in_software))
    }

    /// The fingerprint of the demo's policy, as every verifier prints it.
    pub(crate) fn policy_sha256(&self) -> Result<String> {
        let policy = self.stage.kept(POLICY).ok_or("there is no policy yet")?;
        let policy = Policy::from_json(&policy).map_err(|error| error.to_string())?;
        Ok(hex(&policy.sha256()))
    }

    /// One of the files that an auditor gets.
    pub(crate) fn file(&self, name: &str) -> Option<Vec<u8>> {
        let known = name == POLICY || name == PAYLOAD_FILE;
        let id = name.strip_suffix(".json").filter(|id| is_approval_id(id));
        (known || id.is_some()).then(|| self.stage.kept(name))?
    }

    /// The options with which a browser makes a passkey.
    pub(crate) fn registration_options(&self) -> Result<CreationChallengeResponse> {
        let parameters = [-7, -8, -257].map(|alg| PubKeyCredParams {
            type_: "public-key".into(),
            alg,
        });
        Ok(CreationChallengeResponse {
            public_key: PublicKeyCredentialCreationOptions {
                rp: RelyingParty {
                    name: "Cosignet demo".into(),
                    id: RP_ID.into(),
                },
                user: User {
                    id: random::<16>()?.to_vec(),
                    name: "visitor".into(),
                    display_name: "Visitor of the demo".into(),
                },
                challenge: random::<32>()?.to_vec(),
                pub_key_cred_params: parameters.to_vec(),
                timeout: Some(TIMEOUT),
                exclude_credentials: None,
                authenticator_selection: Some(AuthenticatorSelectionCriteria {
                    authenticator_attachment: None,
                    resident_key: Some(ResidentKeyRequirement::Discouraged),
                    require_resident_key: false,
                    user_verification: UserVerificationPolicy::Required,
                }),
                hints: None,
                attestation: Some(AttestationConveyancePreference::None),
                attestation_formats: None,
                extensions: None,
            },
        })
    }

    /// Takes the passkey in, and writes the policy that trusts it. Returns its fingerprint.
    pub(crate) fn enrol(&self, registration: &[u8], in_software: bool) -> Result<String> {
        let registration = Registration::parse(registration)
            .map_err(|error| format!("this is no registration of a passkey: {error}"))?;
        let enrolled = Enrolled {
            credential_id: registration.credential_id().to_vec(),
            public_key: registration.key().as_bytes().to_vec(),
            fingerprint: registration.key().fingerprint(),
            in_software,
        };
        let policy = json!({
            "name": "demo",
            "webauthn": { "rpIds": [RP_ID], "origins": [self.origin] },
            "approvers": [{
                "name": "visitor",
                "publicKey": base64url(&enrolled.public_key),
                "credentialId": base64url(&enrolled.credential_id),
            }],
            "log": { "policy": self.stage.tlog_policy() },
        });
        self.stage
            .keep(POLICY, format!("{policy:#}\n").as_bytes())?;
        let fingerprint = enrolled.fingerprint.clone();
        self.memory().enrolled = Some(enrolled);
        Ok(fingerprint)
    }

    /// A new approval: its id, and what a browser needs to ask for it.
    pub(crate) fn ask(&self) -> Result<(String, RequestChallengeResponse)> {
        let enrolled = self.enrolled()?;
        let id = new_id()?;
        // The nonce keeps the payload secret from those who see only the log.
        let challenge = [random::<32>()?, sha256(PAYLOAD.as_bytes())].concat();
        let mut memory = self.memory();
        if memory.open.len() >= MOST_OPEN {
            memory.open.clear();
        }
        memory.open.insert(id.clone(), ());
        drop(memory);
        let options = RequestChallengeResponse {
            public_key: PublicKeyCredentialRequestOptions {
                challenge,
                timeout: Some(TIMEOUT),
                rp_id: RP_ID.into(),
                allow_credentials: vec![AllowCredentials {
                    type_: "public-key".into(),
                    id: enrolled.credential_id,
                    transports: None,
                }],
                user_verification: UserVerificationPolicy::Required,
                hints: None,
                extensions: None,
            },
            mediation: None,
        };
        Ok((id, options))
    }

    /// Appends the approval, and keeps what an auditor gets.
    pub(crate) fn approve(&self, id: &str, assertion: &Value) -> Result<Approved> {
        let enrolled = self.enrolled()?;
        if self.memory().open.remove(id).is_none() {
            return Err("nobody has asked for this approval, or it was given before".into());
        }
        let bundle = self.stage.append(&json!({
            "approvalId": id,
            "decidedAt": now()?.to_string(),
            "rpId": RP_ID,
            "credentialPublicKey": base64url(&enrolled.public_key),
            "assertion": assertion,
            "payloadHash": hex(&sha256(PAYLOAD.as_bytes())),
            "payload": base64url(PAYLOAD.as_bytes()),
            "action": ACTION,
            "disclosure": "public",
        }))?;
        let approval = self.stage.keep(&format!("{id}.json"), bundle.as_bytes())?;
        let payload = self.stage.keep(PAYLOAD_FILE, PAYLOAD.as_bytes())?;
        let policy = payload.with_file_name(POLICY);
        Ok(Approved {
            id: id.to_owned(),
            verify_url: format!("{}/verify/#id={id}", self.stage.log_url),
            files: [approval, policy, payload],
        })
    }

    fn enrolled(&self) -> Result<Enrolled> {
        let enrolled = self.memory().enrolled.clone();
        enrolled.ok_or_else(|| "make a passkey first".into())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Result<Time> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok());
    let time = millis.and_then(Time::from_millis);
    time.ok_or_else(|| "the clock of this machine is wrong".into())
}

/// A UUID of version 4.
fn new_id() -> Result<String> {
    let mut bytes = random::<16>()?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let digits = hex(&bytes);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Ok([
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-"))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(bytes)
}
