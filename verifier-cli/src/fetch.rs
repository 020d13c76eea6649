//! `cosignet fetch`: an approval from a log, with a proof made from the log's own tiles.

use std::time::Duration;

use log_client::RemoteLog;
use verifier_core::AwsLc;
use verifier_core::hazmat::bundle::{Bundle, Evidence};
use verifier_core::hazmat::commitment::{EmailAddress, approver_commitment, email_hash};
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::payload::Challenge;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::leaf_hash;
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::webauthn::ClientData;
use verifier_core::policy::{LogRule, Policy};
use verifier_core::{Report, Request, quote, verify};

use crate::args::{FetchArgs, Format, Wanted};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::{Style, wrap};
use crate::verify::human;
use crate::{file, http, output, policy_file, shards};

pub(crate) fn run(args: &FetchArgs) -> Result<Exit, CliError> {
    let policy = args.policy.as_deref().map(policy_file::load).transpose()?;
    let client = http::client_with(Duration::from_secs(args.timeout))?;
    let log = RemoteLog::new(&client, &args.log)?;
    let fetched = fetch(&log, &args.wanted, policy.as_ref());
    let fetched = match fetched {
        // There may be several logs below.
        Err(error) if is_absent(&error) => {
            let shards = shards::at(&log, &client, &args.log, policy.as_ref())?;
            from_one_of(shards, &args.wanted, policy.as_ref(), error)?
        }
        fetched => fetched?,
    };
    let json = fetched.bundle.to_json();
    // What was asked for has to be what is written, whatever the policy says.
    let report = policy.as_ref().map(|policy| {
        let mut request = Request::default();
        request.policy = Some(policy);
        request.approval_id = args.wanted.id();
        request.crypto = &AwsLc;
        verify(json.as_bytes(), &request)
    });
    file::create(&args.output, &json)?;
    let exit = report.as_ref().map_or(Exit::Ok, |r| Exit::of(r.verdict()));
    let text = match args.format {
        Format::Json => fetched.to_json(args, report.as_ref()),
        Format::Human => fetched.to_human(args, &json, report.as_ref()),
    };
    Ok(output::print(&text, args.format).err().unwrap_or(exit))
}

impl Wanted {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Index(_) => None,
        }
    }
}

/// A bundle whose entry is proven to be in the tree of the log's head, and what was left out.
struct Fetched {
    bundle: Bundle,
    index: u64,
    size: u64,
    left_out: Vec<&'static str>,
}

/// The advice about an entry whose evidence the log does not show.
const SEALED: &str = "the log does not show the evidence of this approval. The bundle that answered \
                      its append (201) has all of it: ask the service that appended it, and keep \
                      that bundle.";

impl Fetched {
    /// Whether the evidence that every verdict needs is missing.
    fn is_sealed(&self) -> bool {
        self.bundle.evidence.client_data_json.is_none()
    }

    fn to_json(&self, args: &FetchArgs, report: Option<&Report>) -> String {
        // A report is the same wherever it comes from.
        if let Some(report) = report {
            return report.to_json() + "\n";
        }
        use verifier_core::hazmat::json::Value;
        let left_out = self.left_out.iter().copied().map(Value::from);
        let value = Value::from([
            (
                "file",
                Value::from(args.output.to_string_lossy().into_owned()),
            ),
            ("index", self.index.into()),
            ("leftOut", left_out.collect()),
            ("sealed", self.is_sealed().into()),
            ("treeSize", self.size.into()),
        ]);
        value.to_text() + "\n"
    }

    fn to_human(&self, args: &FetchArgs, json: &str, report: Option<&Report>) -> String {
        let mut out = format!(
            "{}: entry {} of {}, with a proof from the log's tiles\n",
            show_path(&args.output),
            self.index,
            self.size
        );
        for what in &self.left_out {
            out.push_str(&wrap("left out: ", what));
        }
        if self.is_sealed() {
            out.push_str(&wrap("sealed: ", SEALED));
        }
        out.push('\n');
        match report {
            Some(report) => {
                out.push_str(&human::full(
                    report,
                    json.as_bytes(),
                    None,
                    None,
                    Style::of_stdout(),
                ));
            }
            None => {
                let text =
                    "Nothing was verified but the entry's place in the tree: you gave no policy.";
                out.push_str(&wrap("", text));
            }
        }
        out
    }
}

/// Whether an error says that something is not at an address, and no more.
fn is_absent(error: &CliError) -> bool {
    let absent = [CliCode::FetchUnknown, CliCode::ServedMissing];
    absent.iter().any(|code| error.code() == code.as_str())
}

/// The approval from the first of these logs that has it. `unknown` is what the address itself said.
fn from_one_of(
    logs: Option<Vec<RemoteLog>>,
    wanted: &Wanted,
    policy: Option<&Policy>,
    unknown: CliError,
) -> Result<Fetched, CliError> {
    let Some(logs) = logs else {
        return Err(unknown);
    };
    if let Wanted::Index(_) = wanted {
        let urls: Vec<_> = logs.iter().map(RemoteLog::url).collect();
        let message =
            "There are several logs at this address, and each has an entry at this place.";
        let next = format!("Say which with --log: {}.", urls.join(", "));
        return Err(CliError::usage(message).next(next));
    }
    let mut failed = None;
    for log in &logs {
        match fetch(log, wanted, policy) {
            Err(error) if is_absent(&error) => {}
            // Another one may have it. If none has, nobody knows.
            Err(error) => failed = Some(error),
            fetched => return fetched,
        }
    }
    Err(failed.unwrap_or(unknown))
}

fn fetch(log: &RemoteLog, wanted: &Wanted, policy: Option<&Policy>) -> Result<Fetched, CliError> {
    // The hint first: it may be about an entry that is newer than the head.
    let hint = match wanted {
        Wanted::Id(id) => Some(look_up(log, id)?),
        Wanted::Index(_) => None,
    };
    let head = log.checkpoint()?.ok_or_else(|| log.missing("checkpoint"))?;
    let head = signed(log, &head, policy)?;
    let size = head.checkpoint().size();
    let index = match (wanted, &hint) {
        (Wanted::Index(index), _) => *index,
        (_, Some(hint)) => hint_index(log, hint)?,
        (_, None) => 0,
    };
    if index >= size {
        let message = format!("The log has {size} entries; there is no entry {index} yet.");
        return Err(CliError::new(CliCode::FetchUnknown, message));
    }
    let leaf = log.entry(index, size)?;
    let mut nodes = log.nodes(size);
    let hashes = prove::inclusion(index, size, &mut |height, number| {
        nodes.node(height, number)
    })?;
    let bad = |error: &dyn std::fmt::Display| log.mismatch("tile", &error.to_string());
    let proof = Proof::new(None, index, hashes.unwrap_or_default(), head);
    let proof = proof.map_err(|error| bad(&error))?;
    proof
        .verify_inclusion(&leaf_hash(&leaf))
        .map_err(|error| bad(&error))?;
    let text = String::from_utf8(leaf).map_err(|_| {
        let message = format!("Entry {index} of the log is no text, so no bundle can carry it.");
        CliError::new(CliCode::ServedMismatch, message)
    })?;
    let mut left_out = Vec::new();
    let evidence = match (Leaf::parse(&text), wanted.id()) {
        (Ok(entry), Some(id)) => {
            belongs(&entry, id)?;
            let hint = hint.map(|hint| hint.evidence).unwrap_or_default();
            match &entry {
                // The leaf is all that there is.
                Leaf::BreakGlass(_) => Evidence::default(),
                Leaf::Decision(entry) => disclosed(id, entry, hint, &mut left_out),
            }
        }
        (Ok(_), None) => Evidence::default(),
        (Err(error), Some(_)) => return Err(CliError::of(&error)),
        // Whatever it is: `cosignet verify` says so.
        (Err(_), None) => Evidence::default(),
    };
    Ok(Fetched {
        bundle: Bundle::new(text, proof.to_string(), evidence),
        index,
        size,
        left_out,
    })
}

/// The log's answer about an approval.
fn look_up(log: &RemoteLog, id: &str) -> Result<Bundle, CliError> {
    let path = format!("public/log/entries/{id}/verification");
    let Some(bytes) = log.get(&path, Input::MAX_BYTES)? else {
        let message = format!("{} does not know the approval {id}.", log.url());
        return Err(CliError::new(CliCode::FetchUnknown, message));
    };
    match Input::parse(&bytes) {
        Ok(Input::Bundle(bundle)) => Ok(bundle),
        _ => Err(log.mismatch(&path, "it is no bundle").into()),
    }
}

fn hint_index(log: &RemoteLog, hint: &Bundle) -> Result<u64, CliError> {
    let proof = Proof::parse(&hint.log_proof);
    proof.map(|proof| proof.index()).map_err(|error| {
        log.mismatch("public/log/entries", &error.to_string())
            .into()
    })
}

/// The head; under a policy one that its log has signed.
fn signed<'t>(
    log: &RemoteLog,
    text: &'t str,
    policy: Option<&Policy>,
) -> Result<SignedCheckpoint<'t>, CliError> {
    let refused = |error: &dyn std::fmt::Display| {
        let message = format!("The head that {} serves: {error}.", log.url());
        CliError::new(CliCode::MonitorHead, message)
    };
    let head = SignedCheckpoint::parse(text).map_err(|error| refused(&error))?;
    if let Some(LogRule::Required(rule)) = policy.map(Policy::log) {
        rule.tlog
            .verify_log(&AwsLc, &head)
            .map_err(|error| refused(&error))?;
    }
    Ok(head)
}

/// The entry is that of the approval that was asked for.
fn belongs(entry: &Leaf, id: &str) -> Result<(), CliError> {
    if entry.id_hash() == sha256(id.as_bytes()) {
        return Ok(());
    }
    let message = format!(
        "The log answered with the entry of another approval than {}; nothing was written.",
        quote(id)
    );
    Err(CliError::policy(
        verifier_core::code::Code::ExpectationApprovalId,
        message,
    ))
}

/// As much of the evidence as belongs to the entry. `action` belongs to nothing; it is a claim.
fn disclosed(
    id: &str,
    entry: &Entry,
    hint: Evidence,
    left_out: &mut Vec<&'static str>,
) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.approval_id = Some(id.into());
    evidence.action = hint.action;
    let json = hint.client_data_json;
    let fits = |json: &Vec<u8>| sha256(json) == entry.client_data_hash;
    evidence.client_data_json = keep(json, fits, "a clientDataJSON of another approval", left_out);
    let signed = evidence.client_data_json.as_deref().and_then(|json| {
        let data = ClientData::parse(json).ok()?;
        Some(*Challenge::parse(data.challenge()).ok()?.payload_hash())
    });
    let fits = |payload: &Vec<u8>| Some(sha256(payload)) == signed;
    evidence.payload = keep(
        hint.payload,
        fits,
        "a payload that was not approved",
        left_out,
    );
    let opens = |reveal: &verifier_core::hazmat::bundle::Reveal| match &reveal.email {
        None => true,
        Some(email) => EmailAddress::parse(email).is_ok_and(|address| {
            let hash = email_hash(&address, &reveal.salt);
            entry.approver == Some(approver_commitment(&reveal.blind, &hash))
        }),
    };
    let what = "an e-mail address that the entry does not commit to";
    evidence.approver = keep(hint.approver, opens, what, left_out);
    evidence
}

fn keep<T>(
    part: Option<T>,
    fits: impl FnOnce(&T) -> bool,
    what: &'static str,
    left_out: &mut Vec<&'static str>,
) -> Option<T> {
    let part = part?;
    if fits(&part) {
        return Some(part);
    }
    left_out.push(what);
    None
}
