//! `cosignet policy show`: what a policy comes to, defaults filled in.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::webauthn::UserVerification;
use verifier_core::policy::{AnchorRule, LogRule, PayloadRule, Policy};

use crate::args::{Format, PolicyArgs};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::text::{plain, wrap};
use crate::{output, policy_file};

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
    if policy.approvers().is_empty() {
        say("approvers", "none");
    }
    for approver in policy.approvers() {
        say("approver", &plain(&approver.name));
        let key = format!(
            "{} ({})",
            approver.key.fingerprint(),
            approver.key.public_key().algorithm()
        );
        say("", &key);
        let bounds = [
            ("not before", approver.not_before),
            ("not after", approver.not_after),
        ];
        for (label, time) in bounds {
            if let Some(time) = time {
                say("", &format!("{label} {time}"));
            }
        }
    }
    out
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
