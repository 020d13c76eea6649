//! The verifier for browsers and other JavaScript hosts.
//!
//! Bytes in, JSON text out. The rules, and every sentence of a report, are those of
//! `verifier-core`: the same input gives the same bytes here and from the command `cosignet`.
//! There is no clock, no randomness and no network; [`Verifier::set_time`] names the moment to ask
//! about.
//!
//! A fault in the *question* (a policy that is no policy, a payload beyond the limit) is
//! thrown as an `Error` whose `name` is the stable code. A fault in the *evidence* is in
//! the report and throws nothing.

#![no_std]

extern crate alloc;

mod email;
mod explain;
mod json;
mod kind;
mod path;
mod payload;
mod policy;
mod roster;
#[cfg(target_arch = "wasm32")]
mod runtime;
mod types;
mod usage;

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::Request;
use verifier_core::Roster;
use verifier_core::RustCrypto;
use verifier_core::Time;
use verifier_core::break_glass::{File, Opened, Settings};
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::payload::MAX_BYTES;
use wasm_bindgen::prelude::wasm_bindgen;

use usage::{Error, Usage};

/// A question, asked of as many approvals as one likes: whom to trust and what to expect.
#[derive(Debug, Default)]
#[wasm_bindgen]
pub struct Verifier {
    policy: Option<Policy>,
    source: String,
    payload: Option<Vec<u8>>,
    payload_sha256: Option<[u8; 32]>,
    approval_id: Option<String>,
    approver: Option<String>,
    rp_id: Option<String>,
    headers: Option<Vec<u8>>,
    roster: Option<Vec<u8>>,
    /// What became of `roster`, for all approvals that are asked about under one policy.
    verified: OnceCell<Result<Roster, verifier_core::roster::Error>>,
    at: Option<Time>,
}

#[wasm_bindgen]
impl Verifier {
    /// Trusts nobody and expects nothing: every bundle is INCOMPLETE at best.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// The policy, as JSON: whom and what to trust. `source` says in the report who brought
    /// it; the command line says `caller`.
    #[wasm_bindgen(js_name = setPolicy)]
    pub fn set_policy(&mut self, policy: &[u8], source: &str) -> Result<(), Error> {
        self.policy = Some(policy::read(policy)?);
        self.verified = OnceCell::new();
        source.clone_into(&mut self.source);
        Ok(())
    }

    /// The payload that should have been approved, at most 512 KiB.
    #[wasm_bindgen(js_name = setPayload)]
    pub fn set_payload(&mut self, payload: &[u8]) -> Result<(), Error> {
        if payload.len() > MAX_BYTES {
            return Err(Usage::payload_too_large(payload.len()).into());
        }
        self.payload = Some(payload.to_vec());
        Ok(())
    }

    /// The SHA-256 of the payload that should have been approved, in lower-case hex.
    #[wasm_bindgen(js_name = setPayloadSha256)]
    pub fn set_payload_sha256(&mut self, hash: &str) -> Result<(), Error> {
        self.payload_sha256 = Some(usage::hash(hash)?);
        Ok(())
    }

    /// The approval that this should be.
    #[wasm_bindgen(js_name = setApprovalId)]
    pub fn set_approval_id(&mut self, id: &str) -> Result<(), Error> {
        self.approval_id = Some(usage::approval_id(id)?);
        Ok(())
    }

    /// The name, in the policy, of the approver that this should be from.
    #[wasm_bindgen(js_name = setApprover)]
    pub fn set_approver(&mut self, name: &str) {
        self.approver = Some(name.to_owned());
    }

    /// The relying party id that this should be for.
    #[wasm_bindgen(js_name = setRpId)]
    pub fn set_rp_id(&mut self, rp_id: &str) {
        self.rp_id = Some(rp_id.to_owned());
    }

    /// Bitcoin's block headers: a file of `cosignet headers`.
    #[wasm_bindgen(js_name = setHeaders)]
    pub fn set_headers(&mut self, headers: &[u8]) -> Result<(), Error> {
        HeaderChain::parse(headers).map_err(|error| Usage::of(&error))?;
        self.headers = Some(headers.to_vec());
        self.verified = OnceCell::new();
        Ok(())
    }

    /// The roster's file, for a policy that leaves it to a roster who may approve. One that does
    /// not hold shows in the report.
    #[wasm_bindgen(js_name = setRoster)]
    pub fn set_roster(&mut self, roster: &[u8]) {
        self.roster = Some(roster.to_vec());
        self.verified = OnceCell::new();
    }

    /// The moment to ask about, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    #[wasm_bindgen(js_name = setTime)]
    pub fn set_time(&mut self, time: &str) -> Result<(), Error> {
        self.at = Some(usage::time(time)?);
        self.verified = OnceCell::new();
        Ok(())
    }

    /// Verifies a bundle, an approval service's confirmation or a decision. The report as JSON, byte for byte
    /// what `cosignet verify --format json` prints.
    #[wasm_bindgen(unchecked_return_type = "string")]
    pub fn verify(&self, evidence: &[u8]) -> Result<String, Error> {
        // Once more, because a chain borrows its bytes; that it is one has been seen before.
        let chain = self.headers.as_deref().map(HeaderChain::parse);
        let chain = chain.transpose().map_err(|error| Usage::of(&error))?;
        let mut request = Request::default();
        request.policy = self.policy.as_ref();
        request.policy_source = &self.source;
        request.payload = self.payload.as_deref();
        request.payload_sha256 = self.payload_sha256;
        request.approval_id = self.approval_id.as_deref();
        request.approver = self.approver.as_deref();
        request.rp_id = self.rp_id.as_deref();
        request.headers = chain.as_ref();
        request.at = self.at;
        let roster = self.roster.as_deref();
        let once = |file| self.verified.get_or_init(|| Roster::verify(file, &request));
        request.roster = roster.map(once);
        Ok(verifier_core::verify(evidence, &request).to_json())
    }
}

#[wasm_bindgen]
impl Verifier {
    /// Whether a break-glass file permits an act under these settings, at the moment that was set:
    /// JSON (`BreakGlassReport`). What does not is thrown, with its code as name. It is no approval,
    /// and no verdict.
    #[wasm_bindgen(js_name = openBreakGlass)]
    pub fn open_break_glass(
        &self,
        file: &[u8],
        settings: &[u8],
        action: &str,
    ) -> Result<String, Error> {
        let policy = self.policy.as_ref().ok_or_else(Usage::no_policy)?;
        let at = self.at.ok_or_else(Usage::no_time)?;
        let mut request = Request::default();
        request.policy = Some(policy);
        let once = |file| self.verified.get_or_init(|| Roster::verify(file, &request));
        let roster = self.roster.as_deref().map(once);
        let settings = Settings::from_json(settings).map_err(|error| Usage::of(&error))?;
        let report = File::parse(file)
            .and_then(|file| file.verify(policy, roster, &RustCrypto))
            .and_then(|signed| Opened::new(signed, &settings))
            .and_then(|opened| Ok(opened.permits(action, at)?.to_json()));
        Ok(report.map_err(|error| Usage::of(&error))?)
    }
}

/// Describes a file, true or not, and verifies nothing. JSON as `cosignet inspect --format json`.
#[wasm_bindgen]
pub fn inspect(file: &[u8]) -> Result<String, Error> {
    let value = verifier_core::inspect::inspect(file).map_err(|error| Usage::of(&error))?;
    Ok(value.to_text())
}

/// Explains a code: its meaning, its cause and what to do. JSON (`Explanation`), or nothing for an
/// unknown code.
#[wasm_bindgen]
pub fn explain(code: &str) -> Option<String> {
    explain::code(code)
}

/// Every check with its title and why it matters: JSON (`CheckInfo[]`), in the order of reports.
#[wasm_bindgen]
pub fn checks() -> String {
    explain::checks()
}

/// The kind that a file looks like, for words about it: `approval`, `policy`, `headers` and others,
/// or
/// `unknown`. Whoever made the file decides how it looks, so nothing may follow from it that gives
/// the file a say: a policy becomes one by the act of its reader.
#[wasm_bindgen(unchecked_return_type = "FileKind")]
pub fn kind(file: &[u8]) -> String {
    kind::of(file).to_owned()
}

/// Describes a policy: JSON (`PolicyInfo`) with its identity, the fingerprints of its keys and
/// its canonical form.
#[wasm_bindgen(js_name = describePolicy)]
pub fn describe_policy(policy: &[u8]) -> Result<String, Error> {
    Ok(policy::describe(&policy::read(policy)?))
}

/// Describes the file of a roster by its own words: JSON (`RosterInfo`). Whether it holds under a
/// policy is in the report.
#[wasm_bindgen(js_name = describeRoster)]
pub fn describe_roster(file: &[u8]) -> Result<String, Error> {
    Ok(roster::describe(file)?)
}

/// A payload field by field: JSON (`PayloadInfo`), of at most `most` fields.
#[wasm_bindgen(js_name = describePayload)]
pub fn describe_payload(payload: &[u8], most: usize) -> String {
    payload::describe(payload, most)
}

/// The payload in a bundle, or in the first bundle of a decision; nothing if there is none, or the file
/// is neither.
#[wasm_bindgen(js_name = bundledPayload)]
pub fn bundled_payload(file: &[u8]) -> Option<Vec<u8>> {
    payload::of(file)
}

/// A JSON text as RFC 8785 lays it out, with every number token as it stands: what JavaScript's own
/// reader then makes of it is what every other one does. Thrown is whatever readers disagree about,
/// such as a key that stands twice.
#[wasm_bindgen(js_name = canonicalJson)]
pub fn canonical_json(text: &[u8]) -> Result<String, Error> {
    Ok(json::canonical(text)?)
}

/// A text from outside in quotes, for people: what is hidden or misleading in it is escaped, and a
/// long one is cut.
#[wasm_bindgen]
pub fn quote(text: &str) -> String {
    verifier_core::quote(text)
}

/// The way from the leaf of a bundle to the root of its tree: JSON (`MerklePath`), or nothing if
/// there is no proof that can be read.
#[wasm_bindgen(js_name = merklePath)]
pub fn merkle_path(bundle: &[u8]) -> Option<String> {
    path::of(bundle)
}

/// Whether this e-mail address opens the approver commitment of a bundle. Takes a moment: PBKDF2
/// with 600,000 iterations.
#[wasm_bindgen(js_name = checkEmail)]
pub fn check_email(bundle: &[u8], address: &str) -> Result<bool, Error> {
    Ok(email::opens(bundle, address)?)
}

/// SHA-256 in lower-case hex.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&verifier_core::hazmat::encoding::sha256(bytes))
}

/// The version of the verifier, as in reports.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
