//! The sentence that a report begins with, and what it must not be taken for.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::check::Status;
use crate::code::Code;
use crate::encoding::hex;
use crate::input;
use crate::kind::Kind;
use crate::plain;
use crate::policy::{LogRule, Network, Policy};
use crate::report::{
    AnchorFacts, Bound, BoundSource, NotProven, PayloadMatch, Report, Strength, Verdict,
};
use crate::time::{CLOCK_ALLOWANCE_MILLIS, for_people};

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

/// The kind of the file, if it is something else than an approval, or its fault.
pub(super) fn of_malformed(error: &input::Error, looks: Kind) -> String {
    match looks.noun().filter(|_| !looks.is_approval()) {
        Some(noun) => {
            format!("Nothing can be concluded: this looks like {noun}, not like an approval.")
        }
        None => format!("Nothing can be concluded: {error}."),
    }
}

/// Everything that somebody might read into the verdict and that the evidence does not show.
pub(super) fn not_proven(report: &Report, policy: Option<&Policy>) -> Vec<NotProven> {
    let mut out = Vec::new();
    let mut say = |id, text: &str| {
        let text = text.to_string();
        out.push(NotProven { id, text });
    };
    let subject = report.subject.as_ref();
    let mismatch = report
        .checks
        .iter()
        .any(|check| check.code == Some(Code::PayloadMismatch));
    say(
        "display",
        "What the approver saw or understood: WebAuthn signs a hash, not a display.",
    );
    say("single_use", "That the approval was used only once.");
    say(
        "sole_control",
        "That nobody else can use the key: it may have been copied, lent or taken over.",
    );
    if subject.is_some_and(|subject| subject.backup_eligible) {
        say(
            "one_device",
            "That the key is on one device: it is a synced passkey.",
        );
    }
    if subject.is_some_and(|subject| !subject.user_verified) {
        say(
            "user_verified",
            "That the device checked who was using it: the user was not verified.",
        );
    }
    say(
        "not_a_login",
        "That it was an approval and not a login, unless the relying party id is used for nothing else.",
    );
    if subject.is_some_and(|subject| subject.payload_match.is_none()) && !mismatch {
        say("payload", "What was approved: only its hash is known.");
    }
    say(
        "claims",
        match &report.signed {
            None => {
                "What the service claims and nobody signed: approval id, time of decision, action, status, approver's e-mail."
            }
            Some(_) => {
                "What the service claims and nobody signed: approval id, time of decision, status, approver's e-mail."
            }
        },
    );
    if let Some(signed) = &report.signed {
        say(
            "request",
            "That the request was what its context says: the approver signed the service's words about it.",
        );
        if signed.in_time != Some(true) {
            say("in_time", "That it was decided before the request expired.");
        }
    }
    if report.roster.is_some() {
        say(
            "newest_roster",
            "That there is no newer version of the roster: one that you were not given may have removed the approver.",
        );
    }
    match policy.map(Policy::log) {
        Some(LogRule::None) => say(
            "logged",
            "That a log holds the approval: the policy does without one.",
        ),
        Some(LogRule::Required(log)) if !log.tlog.requires_witnesses() => say(
            "same_tree",
            "That the log shows everybody the same tree: the policy requires no witnesses.",
        ),
        Some(LogRule::Required(_)) | None => {}
    }
    if let Some(anchor) = &report.anchor {
        let lone = anchor.strength != Strength::Chain;
        if lone {
            say(
                "block",
                "That the Bitcoin block exists: anybody can make a lone block or name one.",
            );
        }
        if let Some(text) = cheap(anchor.network).filter(|_| !lone) {
            say("block_cost", text);
        }
    }
    match (report.not_later_than(), report.claimed.decided_at) {
        (Some(proven), Some(claimed))
            if claimed > proven.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS) =>
        {
            say(
                "claimed_time",
                "When it was approved: the service names a time after the log held it, which is false.",
            )
        }
        (Some(_), _) => say(
            "exact_time",
            "When exactly it was approved: it is proven only that it was not later.",
        ),
        (None, _) => say(
            "time",
            "When it was approved: no time in the evidence is proven.",
        ),
    }
    out
}

/// Why a chain of this network does not say much.
fn cheap(network: Network) -> Option<&'static str> {
    match network {
        Network::Mainnet => None,
        Network::Regtest => Some(
            "That the block was made when it says: blocks of regtest cost nothing, and anybody can make them with any time.",
        ),
        Network::Signet => Some(
            "That the block was made when it says: blocks of signet are as good as the word of those who sign them.",
        ),
        Network::Testnet4 => {
            Some("That the block was made when it says: blocks of testnet4 cost little to make.")
        }
    }
}

fn approved(report: &Report) -> String {
    let subject = report.subject.as_ref();
    let decision = report.decision.as_ref();
    let hash = subject
        .and_then(|subject| subject.payload_hash)
        .or(decision.and_then(|decision| decision.payload_hash))
        .unwrap_or_default();
    let matched = subject
        .and_then(|subject| subject.payload_match)
        .or(decision.and_then(|decision| decision.payload_match));
    let what = match matched {
        Some(PayloadMatch::Bundle) if subject.is_none() => {
            "exactly the payload in this decision".into()
        }
        Some(PayloadMatch::Bundle) => "exactly the payload in this bundle".into(),
        Some(PayloadMatch::Canonical) => "this JSON document (in another layout)".into(),
        Some(PayloadMatch::Exact) => "exactly this payload".into(),
        Some(PayloadMatch::Sha256) => "the payload with exactly this hash".into(),
        None => format!("the payload with SHA-256 {}", hex(&hash)),
    };
    let who = match (report.approver.as_ref(), decision) {
        (Some(approver), _) => plain(&approver.name),
        (None, Some(decision)) => all_of(&decision.approved_by),
        (None, None) => String::new(),
    };
    let when = match report.bound {
        Some(Bound { time, from }) => {
            let (time, by) = (for_people(time), whose_word(from, report.anchor.as_ref()));
            format!("no later than {time} ({by})")
        }
        None => match report.claimed.decided_at {
            Some(time) => format!("on {}, says the service (not proven)", for_people(time)),
            None => "at a time that is not proven".into(),
        },
    };
    format!("{who} approved {what}, {when}.")
}

/// `alice`, `alice and bob`, `alice, bob and carol`.
fn all_of(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `witnessed`, `Bitcoin block 830592`, `Bitcoin regtest block 3`.
fn whose_word(from: BoundSource, anchor: Option<&AnchorFacts>) -> String {
    match (from, anchor) {
        (BoundSource::Block, Some(anchor)) => anchor.block_for_people(),
        _ => "witnessed".into(),
    }
}

fn first_message(report: &Report, status: Status) -> String {
    let first = report.checks.iter().find(|check| check.status == status);
    let message = first.map(|check| check.message.clone());
    message.unwrap_or_else(|| "A required check could not be made.".into())
}
