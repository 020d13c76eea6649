//! `cosignet policy show`: what a policy comes to, defaults filled in.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::webauthn::UserVerification;
use verifier_core::policy::{
    AnchorRule, Approver, ContextRule, DecisionRule, ExpiryRule, LogRule, PayloadRule, Policy,
    RosterRule,
};

use crate::args::{Format, PolicyArgs};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::text::{plain, wrap};
use crate::{output, people, policy_file};

pub(super) fn run(args: &PolicyArgs) -> Result<Exit, CliError> {
    let policy = policy_file::load(&args.file)?;
    let text = match args.format {
        Format::Json => policy.canonical_json().to_owned() + "\n",
        Format::Human => human(&policy),
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

fn human(policy: &Policy) -> String {
    let mut out = String::new();
    let mut say = |label: &str, text: &str| out.push_str(&wrap(&format!("{label:<12}"), text));
    say("policy", &plain(policy.name()));
    say("sha256", &hex(&policy.sha256()));
    say(
        "payload",
        match policy.payload() {
            PayloadRule::Required => "required",
            _ => "its hash is enough",
        },
    );
    let rules = policy.webauthn();
    let list = |texts: &[String]| {
        texts
            .iter()
            .map(|text| plain(text))
            .collect::<Vec<_>>()
            .join(", ")
    };
    say("rpIds", &list(&rules.rp_ids));
    say("origins", &list(&rules.origins));
    say(
        "user",
        match rules.user_verification {
            UserVerification::Required => "has to be verified (PIN or biometric)",
            _ => "need not be verified",
        },
    );
    let frames = match (rules.cross_origin, rules.top_origins.as_slice()) {
        (false, _) => "the page must not be embedded".to_owned(),
        (true, tops) => format!("the page may be embedded in: {}", list(tops)),
    };
    say("frames", &frames);
    match policy.log() {
        LogRule::Required(log) => {
            for known in log.tlog.logs() {
                say("log", &plain(known.origin()));
                say("", &plain(&known.key().to_string()));
            }
            say("quorum", &log.tlog.quorum_in_words());
            for witness in log.tlog.witnesses() {
                let (name, key) = (plain(witness.name()), plain(witness.key().name()));
                say("witness", &format!("{name} ({key})"));
                say("", &plain(&witness.key().to_string()));
            }
            let (most, age) = (log.max_append_delay, log.max_decision_age());
            let (most, age) = (most / 1000, age / 1000);
            let text = format!("{most} s; the log admits decisions that are at most {age} s old");
            say("max. delay", &text);
        }
        _ => say("log", "none"),
    }
    for (i, text) in anchor(policy.anchor()).iter().enumerate() {
        say(if i == 0 { "anchor" } else { "" }, text);
    }
    for (label, text) in decision(policy.decision()) {
        say(label, &text);
    }
    let admins = match policy.roster() {
        Some(rule) => {
            say("roster", &roster(rule));
            rule.admins()
        }
        None => &[],
    };
    if policy.approvers().is_empty() {
        let none = match policy.roster() {
            Some(_) => "those of the roster",
            None => "none",
        };
        say("approvers", none);
    }
    let approvers = policy.approvers().iter().map(|one| ("approver", one));
    for (label, one) in admins.iter().map(|one| ("admin", one)).chain(approvers) {
        say(label, &plain(&one.name));
        key(one).iter().for_each(|text| say("", text));
    }
    out
}

/// A key, whose it is if that is worth a line, and when it counts.
fn key(one: &Approver) -> Vec<String> {
    let algorithm = one.key.public_key().algorithm();
    let mut out = vec![format!("{} ({algorithm})", one.key.fingerprint())];
    if one.person != one.name || !one.groups.is_empty() {
        out.push(people::person(one));
    }
    let bounds = [("not before", one.not_before), ("not after", one.not_after)];
    for (label, time) in bounds {
        out.extend(time.map(|time| format!("{label} {time}")));
    }
    out
}

/// How many people it takes, and what their context has to be.
fn decision(rule: Option<&DecisionRule>) -> Vec<(&'static str, String)> {
    let clauses = rule.map(|rule| people::clauses(&rule.require));
    let clauses = clauses.filter(|clauses| !clauses.is_empty());
    let one = || "one approver is enough".to_owned();
    let mut out = vec![("decision", clauses.unwrap_or_else(one))];
    let Some(rule) = rule else {
        return out;
    };
    let context = match rule.context {
        ContextRule::Required => "required",
        _ if rule.needs_context() => "required, since its audience or deadline counts",
        _ => "judged if it is there",
    };
    let audience = rule.audience.as_deref();
    let audience = audience.map(|audience| format!("; audience {}", plain(audience)));
    let expiry = match rule.expiry {
        ExpiryRule::Enforced => "an approval that is not proven to be in time is rejected",
        _ => "the report says whether it was in time",
    };
    let audience = audience.unwrap_or_default();
    out.push(("context", format!("{context}{audience}; {expiry}")));
    out
}

/// Whose word it is who may approve.
fn roster(rule: &RosterRule) -> String {
    let at_least = rule.min_version;
    let at_least = at_least.map(|version| format!(", version {version} or newer"));
    format!(
        "{}{}; version 1 takes {}",
        plain(&rule.name),
        at_least.unwrap_or_default(),
        people::clauses(&rule.require)
    )
}

/// Whether an anchor is required, and what a chain has to have to be believed.
fn anchor(rule: &AnchorRule) -> Vec<String> {
    let required = match rule.required {
        true => "required",
        false => "not required",
    };
    let confirmations = match rule.min_confirmations {
        1 => "1 confirmation".to_owned(),
        count => format!("{count} confirmations"),
    };
    let mut out = vec![format!(
        "{required}; network {}, {confirmations}",
        rule.network
    )];
    for pin in &rule.pinned_blocks {
        out.push(format!("pinned block {} {}", pin.height, hex(&pin.hash)));
    }
    match rule.network.pinned_blocks().last() {
        Some(newest) => {
            let and = if rule.pinned_blocks.is_empty() {
                ""
            } else {
                "and "
            };
            let height = newest.height;
            out.push(format!(
                "{and}the pinned blocks of this release, up to {height}"
            ));
        }
        None if rule.pinned_blocks.is_empty() => out.push("no pinned blocks".into()),
        None => {}
    }
    if let Some(work) = rule.min_chain_work {
        out.push(format!(
            "or a chain from the first block on with the work {work}"
        ));
    }
    out
}
