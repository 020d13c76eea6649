//! The sentence that a report begins with, and what it must not be taken for.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Run;
use crate::check::Status;
use crate::code::Code;
use crate::encoding::hex;
use crate::input;
use crate::kind::Kind;
use crate::policy::{LogRule, Policy};
use crate::report::{PayloadMatch, Report, Strength, Verdict};
use crate::time::for_people;

/// Subject, verb, object, and the date that is best proven.
pub(super) fn sentence(report: &Report) -> String {
    match report.verdict {
        Verdict::Verified => approved(report),
        Verdict::Rejected => first_message(report, Status::Fail),
        Verdict::Incomplete | Verdict::Malformed => {
            format!(
                "Nothing failed, but a required check could not be made. {}",
                first_message(report, Status::Incomplete)
            )
        }
    }
}

/// What the file is, if it is something else than an approval, or what is wrong with it.
pub(super) fn of_malformed(error: &input::Error, looks: Kind) -> String {
    match looks.noun().filter(|_| !looks.is_approval()) {
        Some(noun) => {
            format!("Nothing can be concluded: this looks like {noun}, not like an approval.")
        }
        None => format!("Nothing can be concluded: {error}."),
    }
}

/// Everything that somebody might read into the verdict and that the evidence does not show.
pub(super) fn not_proven(report: &Report, policy: Option<&Policy>) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |text: &str| out.push(text.to_string());
    let subject = report.subject.as_ref();
    let mismatch = report
        .checks
        .iter()
        .any(|check| check.code == Some(Code::PayloadMismatch));
    say("What the approver saw or understood: WebAuthn signs a hash, not a display.");
    say("That the approval was used only once.");
    say("That nobody else can use the key: it may have been copied, lent or taken over.");
    if subject.is_some_and(|subject| subject.backup_eligible) {
        say("That the key is on one device: it is a synced passkey.");
    }
    if subject.is_some_and(|subject| !subject.user_verified) {
        say("That the device checked who was using it: the user was not verified.");
    }
    say(
        "That it was an approval and not a login, unless the relying party id is used for nothing else.",
    );
    if subject.is_some_and(|subject| subject.payload_match.is_none()) && !mismatch {
        say("What was approved: only its hash is known.");
    }
    say(
        "What the service claims and nobody signed: approval id, time of decision, action, status, approver's e-mail.",
    );
    match policy.map(Policy::log) {
        Some(LogRule::None) => say("That a log holds the approval: the policy does without one."),
        Some(LogRule::Required(log)) if !log.tlog.requires_witnesses() => {
            say("That the log shows everybody the same tree: the policy requires no witnesses.");
        }
        Some(LogRule::Required(_)) | None => {}
    }
    let anchor = report.anchor.as_ref();
    if anchor.is_some_and(|anchor| anchor.strength != Strength::Chain) {
        say("That the Bitcoin block exists: anybody can make a lone block or name one.");
    }
    match (report.not_later_than, report.claimed.decided_at) {
        (Some(proven), Some(claimed))
            if claimed > proven.saturating_add_millis(Run::CLOCK_SKEW_MILLIS) =>
        {
            say(
                "When it was approved: the service names a time after the log held it, which is false.",
            )
        }
        (Some(_), _) => {
            say("When exactly it was approved: it is proven only that it was not later.")
        }
        (None, _) => say("When it was approved: no time in the evidence is proven."),
    }
    out
}

fn approved(report: &Report) -> String {
    let subject = report.subject.as_ref();
    let hash = subject
        .and_then(|subject| subject.payload_hash)
        .unwrap_or_default();
    let what = match subject.and_then(|subject| subject.payload_match) {
        Some(PayloadMatch::Bundle) => "exactly the payload in this bundle".into(),
        Some(PayloadMatch::Canonical) => "this JSON document (in another layout)".into(),
        Some(PayloadMatch::Exact) => "exactly this payload".into(),
        Some(PayloadMatch::Sha256) => "the payload with exactly this hash".into(),
        None => format!("the payload with SHA-256 {}", hex(&hash)),
    };
    let who = report
        .approver
        .as_ref()
        .map_or("", |approver| &approver.name);
    let block = report
        .anchor
        .as_ref()
        .filter(|anchor| anchor.not_later_than == report.not_later_than);
    let when = match (report.not_later_than, block) {
        (Some(time), Some(block)) => {
            format!(
                "no later than {} (Bitcoin block {})",
                for_people(time),
                block.height
            )
        }
        (Some(time), None) => format!("no later than {} (witnessed)", for_people(time)),
        (None, _) => match report.claimed.decided_at {
            Some(time) => format!("on {}, says the service (not proven)", for_people(time)),
            None => "at a time that is not proven".into(),
        },
    };
    format!("{who} approved {what}, {when}.")
}

fn first_message(report: &Report, status: Status) -> String {
    let first = report.checks.iter().find(|check| check.status == status);
    let message = first.map(|check| check.message.clone());
    message.unwrap_or_else(|| "A required check could not be made.".into())
}
