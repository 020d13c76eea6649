//! The handling of each kind of vectors.

use verifier_core::Code;
use verifier_core::Crypto;
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::Roster;
use verifier_core::Time;
use verifier_core::break_glass::{self, Opened, Settings};
use verifier_core::hazmat::context::Context;
use verifier_core::hazmat::encoding::{from_base64url, from_hex};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::json::{Object, Value};
use verifier_core::hazmat::leaf;
use verifier_core::hazmat::tlog::merkle::{self, Hash};
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::vkey::VerifierKey;
use verifier_core::hazmat::webauthn::{Assertion, CoseKey, Expected, UserVerification};
use verifier_core::{Failure, Request, policy, verify};

use super::bitcoin;
use super::case::{Outcome, text, texts};
use super::verdict::Found;

/// A kind of vectors.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Assertion,
    BreakGlass,
    Bundle,
    Consistency,
    Context,
    Decision,
    Entry,
    Headers,
    Inclusion,
    Leaf,
    LogProof,
    Note,
    Policy,
    Retarget,
    Roster,
    Timestamp,
}

/// An input that does not have the members of its kind.
pub(super) type Broken = String;

pub(super) type Input<'v> = &'v Object<'v>;

impl Kind {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "bitcoin.headers" => Self::Headers,
            "bitcoin.retarget" => Self::Retarget,
            "break-glass" => Self::BreakGlass,
            "bundle" => Self::Bundle,
            "context" => Self::Context,
            "decision" => Self::Decision,
            "entry" => Self::Entry,
            "leaf" => Self::Leaf,
            "merkle.consistency" => Self::Consistency,
            "merkle.inclusion" => Self::Inclusion,
            "note" => Self::Note,
            "ots" => Self::Timestamp,
            "policy" => Self::Policy,
            "roster" => Self::Roster,
            "tlog.proof" => Self::LogProof,
            "webauthn.assertion" => Self::Assertion,
            _ => return None,
        })
    }

    /// Runs a case; an error is a defect of the vector file itself.
    pub(super) fn run(self, input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
        match self {
            Self::Assertion => assertion(input, crypto),
            Self::BreakGlass => break_glass(input, crypto),
            Self::Bundle => report(input, "bundleText", crypto),
            Self::Context => Ok(outcome(Context::parse(text(input, "text")?))),
            Self::Decision => report(input, "decisionText", crypto),
            Self::Consistency => consistency(input),
            Self::Entry => Ok(outcome(Entry::parse(text(input, "text")?))),
            Self::Headers => bitcoin::headers(input),
            Self::Inclusion => inclusion(input),
            Self::Leaf => leaf(input, crypto),
            Self::LogProof => log_proof(input, crypto),
            Self::Note => note(input, crypto),
            Self::Policy => Ok(outcome(Policy::from_json(
                text(input, "policy")?.as_bytes(),
            ))),
            Self::Retarget => bitcoin::retarget(input),
            Self::Roster => roster(input, crypto),
            Self::Timestamp => bitcoin::timestamp(input),
        }
    }
}

fn assertion(input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let owned = |key| Ok::<_, Broken>(texts(input, key)?.into_iter().map(String::from).collect());
    let rp_id = text(input, "rpId")?.to_owned();
    let mut expected = Expected::new(rp_id, owned("origins")?, bytes(input, "challenge")?);
    expected.user_verification = match text(input, "userVerification")? {
        "required" => UserVerification::Required,
        "preferred" => UserVerification::Preferred,
        _ => return Err("userVerification: expected \"required\" or \"preferred\"".into()),
    };
    expected.allow_cross_origin = match input.get("allowCrossOrigin") {
        Some(Value::Bool(flag)) => *flag,
        _ => return Err("allowCrossOrigin: expected a boolean".into()),
    };
    expected.top_origins = owned("topOrigins")?;
    let (data, json) = (
        bytes(input, "authenticatorData")?,
        bytes(input, "clientDataJSON")?,
    );
    let signature = bytes(input, "signature")?;
    let key = match CoseKey::parse(&bytes(input, "publicKey")?) {
        Ok(key) => key,
        Err(error) => return Ok(Outcome::Invalid(error.code().as_str())),
    };
    Ok(outcome(
        Assertion::new(&data, &json, &signature).verify(&key, &expected, crypto),
    ))
}

/// The policy of a case, if it has one.
fn policy_of(input: Input<'_>) -> Result<Option<Policy>, policy::Error> {
    let json = match input.get("policy") {
        None | Some(Value::Null) => return Ok(None),
        Some(policy) => policy.to_text(),
    };
    Policy::from_json(json.as_bytes()).map(Some)
}

/// Whether a file permits an act under settings, in the order of docs/spec/break-glass.md.
fn break_glass(input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let policy = match policy_of(input) {
        Ok(policy) => policy.ok_or("policy: missing")?,
        Err(error) => return Ok(invalid(&error)),
    };
    let request = Request::new().policy(&policy).crypto(crypto);
    let roster = optional(input, "roster", text)?;
    let roster = roster.map(|file| Roster::verify(file.as_bytes(), &request));
    let (file, settings) = (text(input, "file")?, text(input, "settings")?);
    let (action, at) = (text(input, "action")?, time(input, "at")?);
    let permits = || -> Result<(), break_glass::Error> {
        let settings = Settings::from_json(settings.as_bytes())?;
        let file = break_glass::File::parse(file.as_bytes())?;
        let signed = file.verify(&policy, roster.as_ref(), crypto)?;
        let opened = Opened::new(signed, &settings)?;
        opened.permits(action, at).map(|_| ())
    };
    Ok(outcome(permits()))
}

/// The rules for an entry that need the leaf alone.
fn leaf(input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let policy = match policy_of(input) {
        Ok(policy) => policy.ok_or("policy: missing")?,
        Err(error) => return Ok(invalid(&error)),
    };
    let text = text(input, "text")?;
    Ok(outcome(leaf::check(
        text.as_bytes(),
        policy.webauthn(),
        crypto,
    )))
}

fn roster(input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let policy = match policy_of(input) {
        Ok(policy) => policy.ok_or("policy: missing")?,
        Err(error) => return Ok(invalid(&error)),
    };
    let request = Request::new().policy(&policy).crypto(crypto);
    let file = text(input, "roster")?;
    Ok(outcome(Roster::verify(file.as_bytes(), &request)))
}

/// A whole verification of the text under `key`.
fn report(input: Input<'_>, key: &str, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let policy = match policy_of(input) {
        Ok(policy) => policy,
        Err(error) => return Ok(invalid(&error)),
    };
    let payload = optional(input, "payload", bytes)?;
    let nothing = Object::default();
    let asked = match input.get("expectations") {
        None => &nothing,
        Some(asked) => asked
            .as_object()
            .ok_or("expectations: expected an object")?,
    };
    const KNOWN: [&str; 4] = ["approvalId", "approver", "payloadSha256", "rpId"];
    if asked.unknown_key(&KNOWN).is_some() {
        return Err("expectations: an unknown key".into());
    }
    let mut request = Request::default();
    request.policy = policy.as_ref();
    request.payload = payload.as_deref();
    request.payload_sha256 = optional(asked, "payloadSha256", hash)?;
    request.approval_id = optional(asked, "approvalId", text)?;
    request.approver = optional(asked, "approver", text)?;
    request.rp_id = optional(asked, "rpId", text)?;
    request.at = optional(input, "at", time)?;
    request.crypto = crypto;
    let file = optional(input, "headers", bytes)?;
    let chain = file.as_deref().map(HeaderChain::parse).transpose();
    let chain = match chain {
        Ok(chain) => chain,
        Err(error) => return Ok(invalid(&error)),
    };
    request.headers = chain.as_ref();
    let file = optional(input, "roster", text)?;
    let roster = file.map(|file| Roster::verify(file.as_bytes(), &request));
    request.roster = roster.as_ref();
    let report = verify(text(input, key)?.as_bytes(), &request);
    Ok(Outcome::Report(Box::new(Found::of(&report))))
}

fn inclusion(input: Input<'_>) -> Result<Outcome, Broken> {
    let (index, size) = (number(input, "leafIndex")?, number(input, "treeSize")?);
    let hashes = (
        any_hash(input, "leafHash")?,
        hashes(input, "proof")?,
        any_hash(input, "root")?,
    );
    let (Some(leaf), Some(proof), Some(root)) = hashes else {
        return Ok(Outcome::Invalid(Code::LogNotIncluded.as_str()));
    };
    Ok(outcome(merkle::verify_inclusion(
        &leaf, index, size, &proof, &root,
    )))
}

fn consistency(input: Input<'_>) -> Result<Outcome, Broken> {
    let (size1, size2) = (number(input, "size1")?, number(input, "size2")?);
    let hashes = (
        any_hash(input, "root1")?,
        hashes(input, "proof")?,
        any_hash(input, "root2")?,
    );
    let (Some(root1), Some(proof), Some(root2)) = hashes else {
        return Ok(Outcome::Invalid(Code::LogInconsistent.as_str()));
    };
    Ok(outcome(merkle::verify_consistency(
        size1, &root1, size2, &root2, &proof,
    )))
}

fn note(input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let (vkeys, text) = (texts(input, "vkeys")?, text(input, "note")?);
    let keys: Result<Vec<_>, _> = vkeys.into_iter().map(VerifierKey::parse).collect();
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => return Ok(invalid(&error)),
    };
    let verified = Note::parse(text).and_then(|note| note.verify(crypto, &keys));
    Ok(match verified {
        Ok(verified) => Outcome::Verified(
            verified
                .iter()
                .map(|verified| verified.key().name().to_owned())
                .collect(),
        ),
        Err(error) => invalid(&error),
    })
}

/// In the order: policy, form, limits, inclusion, log, cosignatures, quorum.
fn log_proof(input: Input<'_>, crypto: &dyn Crypto) -> Result<Outcome, Broken> {
    let (policy, proof) = (text(input, "policy")?, text(input, "proof")?);
    let Some(leaf) = any_hash(input, "leafHash")? else {
        return Ok(Outcome::Invalid(Code::LogNotIncluded.as_str()));
    };
    let policy = match TlogPolicy::parse(policy) {
        Ok(policy) => policy,
        Err(error) => return Ok(invalid(&error)),
    };
    let proof = match Proof::parse(proof) {
        Ok(proof) => proof,
        Err(error) => return Ok(invalid(&error)),
    };
    let signed = policy.verify_log(crypto, proof.checkpoint());
    if let Err(error) = &signed
        && error.code() == Code::LogCheckpointForm
    {
        return Ok(invalid(error));
    }
    if let Err(error) = proof.verify_inclusion(&leaf) {
        return Ok(invalid(&error));
    }
    let met = signed.and_then(|signed| signed.verify_cosignatures(crypto)?.quorum().map(|_| ()));
    Ok(outcome(met))
}

pub(super) fn outcome<T, E: Failure>(result: Result<T, E>) -> Outcome {
    result.map_or_else(|error| invalid(&error), |_| Outcome::Valid)
}

pub(super) fn invalid(error: &dyn Failure) -> Outcome {
    Outcome::Invalid(error.code().as_str())
}

pub(super) fn optional<'v, T>(
    object: Input<'v>,
    key: &str,
    read: impl FnOnce(Input<'v>, &str) -> Result<T, Broken>,
) -> Result<Option<T>, Broken> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => read(object, key).map(Some),
    }
}

pub(super) fn bytes(object: Input<'_>, key: &str) -> Result<Vec<u8>, Broken> {
    from_base64url(text(object, key)?).map_err(|error| format!("{key}: {error}"))
}

pub(super) fn number(object: Input<'_>, key: &str) -> Result<u64, Broken> {
    let number = object.get(key).and_then(Value::as_u64);
    number.ok_or_else(|| format!("{key}: expected a whole number below 2^64"))
}

fn time(object: Input<'_>, key: &str) -> Result<Time, Broken> {
    Time::parse(text(object, key)?).ok_or_else(|| format!("{key}: expected a time"))
}

fn hash(object: Input<'_>, key: &str) -> Result<Hash, Broken> {
    any_hash(object, key)?.ok_or_else(|| format!("{key}: expected 32 bytes in hex"))
}

/// `None` for hex of another length, which proves nothing.
fn any_hash(object: Input<'_>, key: &str) -> Result<Option<Hash>, Broken> {
    let bytes = from_hex(text(object, key)?).map_err(|error| format!("{key}: {error}"))?;
    Ok(bytes.try_into().ok())
}

fn hashes(object: Input<'_>, key: &str) -> Result<Option<Vec<Hash>>, Broken> {
    let decode = |text| from_hex(text).map_err(|error| format!("{key}: {error}"));
    let bytes: Result<Vec<_>, _> = texts(object, key)?.into_iter().map(decode).collect();
    Ok(bytes?
        .into_iter()
        .map(|bytes| bytes.try_into().ok())
        .collect())
}
