//! The transparency log that every signature goes into.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use log_client::{Http, Kind};
use verifier_core::AwsLc;
use verifier_core::hazmat::bundle::Bundle;
use verifier_core::hazmat::encoding::{base64url, hex, sha256};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::tlog::merkle::leaf_hash;
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::proof::Proof;

use crate::request::{Act, Signature};
use crate::store::Unlogged;

/// How long the log may take for one entry. It answers when its witnesses have cosigned.
const TIME: Duration = Duration::from_secs(60);

/// The longest answer, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A log, in this process or elsewhere.
pub(crate) trait Log: fmt::Debug + Send + Sync {
    /// Has an entry appended, and returns its bundle. The same entry again gives the same bundle.
    fn append(
        &self,
        entry: String,
    ) -> Pin<Box<dyn Future<Output = Result<String, NotLogged>> + Send + '_>>;
}

/// Why a signature is not in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NotLogged {
    /// It may be there the next time.
    #[error("{0}")]
    Later(String),
    /// The log will never take it.
    #[error("{0}")]
    Never(String),
}

/// A log that is reached over HTTP.
#[derive(Debug)]
pub(crate) struct Remote {
    http: Http,
    url: String,
    token: String,
    /// The logs and the quorum that answers have to be under, if somebody has said so.
    policy: Option<TlogPolicy>,
}

impl Remote {
    pub(crate) fn new(
        agent: &str,
        url: &str,
        token: String,
        policy: Option<TlogPolicy>,
    ) -> log_client::Result<Self> {
        Ok(Self {
            http: Http::new(agent, TIME)?,
            url: format!("{}/v1/entries", log_client::address(url)?),
            token,
            policy,
        })
    }

    /// The bundle in an answer, if it is proven under a head that the policy accepts.
    fn accept(&self, bundle: String) -> Result<String, NotLogged> {
        let accepted = self.policy.as_ref().map_or(Ok(()), |policy| {
            accept(policy, &bundle).map_err(|why| {
                NotLogged::Later(format!(
                    "the log's answer is not one of a log that --log-policy accepts: {why}"
                ))
            })
        });
        accepted.map(|()| bundle)
    }
}

/// Whether the entry of a bundle is proven under a head that this policy accepts.
fn accept(policy: &TlogPolicy, bundle: &str) -> Result<(), String> {
    let said = |error: &dyn fmt::Display| error.to_string();
    let bundle = read_bundle(bundle).ok_or("it is no bundle")?;
    let proof = Proof::parse(&bundle.log_proof).map_err(|error| said(&error))?;
    let leaf = leaf_hash(bundle.entry.as_bytes());
    proof
        .verify_inclusion(&leaf)
        .map_err(|error| said(&error))?;
    let quorum = policy.verify_quorum(&AwsLc, proof.checkpoint());
    quorum.map_err(|error| said(&error))
}

impl Log for Remote {
    fn append(
        &self,
        entry: String,
    ) -> Pin<Box<dyn Future<Output = Result<String, NotLogged>> + Send + '_>> {
        Box::pin(async move {
            let later = |error: log_client::Error| NotLogged::Later(error.to_string());
            let answer = self
                .http
                .post_with_token(&self.url, &self.token, entry.into_bytes(), MAX_ANSWER)
                .await
                .map_err(later)?;
            if answer.is_success() {
                let text = String::from_utf8(answer.body)
                    .map_err(|_| NotLogged::Later("the log's answer is not text".into()))?;
                return self.accept(text);
            }
            let error = answer.refused(&self.url);
            match error.kind() {
                // What it says of this entry stays; everything else may be mended.
                Kind::Status(400 | 409 | 413 | 422) => Err(NotLogged::Never(error.to_string())),
                _ => Err(NotLogged::Later(error.to_string())),
            }
        })
    }
}

/// The body of `POST /v1/entries` for a signature, the same whenever it is tried. The payload is not
/// in it: the log needs its hash alone, and what the log does not get it cannot keep.
pub(crate) fn entry(unlogged: &Unlogged, signature: &Signature, rp_id: &str) -> Option<String> {
    let request = &unlogged.request;
    let assertion = Value::parse(
        signature.assertion.as_bytes(),
        Limits::bytes(crate::ceremony::MAX_ASSERTION),
    )
    .ok()?;
    let mut members = vec![
        ("action", request.action.as_str().into()),
        ("approvalId", signature.approval_id.as_str().into()),
        ("assertion", assertion),
        ("context", request.context.as_str().into()),
        (
            "credentialPublicKey",
            base64url(&unlogged.public_key).into(),
        ),
        ("decidedAt", signature.received.to_string().into()),
        ("payloadHash", hex(&request.payload_hash).into()),
        ("rpId", rp_id.into()),
    ];
    if signature.act == Act::Refuse {
        let random = Value::from([(
            "random",
            base64url(&request.random(&signature.person)).into(),
        )]);
        members.push(("refusal", random));
    }
    Some(serving::openapi::schema::object(members).to_text())
}

/// Whether a bundle is of the signature that was handed in: the gate keeps nothing else under it.
pub(crate) fn is_of(bundle: &str, signature: &Signature) -> bool {
    let entry = read_bundle(bundle).and_then(|bundle| Entry::parse(&bundle.entry).ok());
    let id = sha256(signature.approval_id.as_bytes());
    entry.is_some_and(|entry| entry.approval_id_hash == id)
}

/// A bundle, well formed.
pub(crate) fn read_bundle(text: &str) -> Option<Bundle> {
    match Input::parse(text.as_bytes()) {
        Ok(Input::Bundle(bundle)) => Some(bundle),
        _ => None,
    }
}
