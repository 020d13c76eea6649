//! The rules that a report was made under.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::policy::{LogRule, Policy};
use verifier_core::roster::Version;
use verifier_core::{Roster, plain};

use crate::html::Html;
use crate::people;

/// The policy as a section of the report, and the version of its roster that was given.
pub(super) fn section(policy: &Policy, roster: Option<&Roster>, body: &mut Html) {
    body.heading("Policy");
    let list = |texts: &[String]| {
        let all: Vec<String> = texts.iter().map(|text| plain(text)).collect();
        Html::text(&all.join(", "))
    };
    let code = |text: &str| Html::tag("code", "", &Html::text(text));
    let rules = policy.webauthn();
    let (logs, witnesses) = match policy.log() {
        LogRule::Required(log) => (
            log.tlog
                .logs()
                .iter()
                .map(|log| log.origin().to_owned())
                .collect(),
            log.tlog.quorum_in_words(),
        ),
        _ => (Vec::new(), "none".to_owned()),
    };
    let needed = policy.decision().map(|rule| people::clauses(&rule.require));
    let needed = needed.filter(|clauses| !clauses.is_empty());
    let mut rows = vec![
        ("Name", Html::text(&plain(policy.name()))),
        ("SHA-256", code(&hex(&policy.sha256()))),
        ("Relying parties", list(&rules.rp_ids)),
        ("Sites", list(&rules.origins)),
        (
            "Logs",
            if logs.is_empty() {
                Html::text("none required")
            } else {
                list(&logs)
            },
        ),
        ("Witnesses", Html::text(&witnesses)),
        (
            "Bitcoin anchor",
            Html::text(if policy.anchor().required {
                "required"
            } else {
                "not required"
            }),
        ),
        (
            "People needed",
            Html::text(&needed.unwrap_or_else(|| "one approver".to_owned())),
        ),
    ];
    let newest = roster.map(Roster::newest);
    if let Some(newest) = newest {
        let version = format!("{}, version {}", plain(newest.name()), newest.number());
        rows.push(("Roster", Html::text(&version)));
        rows.push(("SHA-256 of that version", code(&hex(&newest.sha256()))));
    }
    let rows = rows.into_iter();
    body.table(
        &["Rule", "Value"],
        rows.map(|(name, value)| vec![Html::text(name), value]),
    );
    let approvers = newest.map_or(policy.approvers(), Version::approvers);
    let limit = |time: Option<Time>| Html::text(&time.map(for_people).unwrap_or_default());
    body.table(
        &["Approver", "Fingerprint", "Algorithm", "From", "Until"],
        approvers.iter().map(|approver| {
            vec![
                Html::text(&plain(&approver.name)),
                code(&approver.key.fingerprint()),
                Html::text(approver.key.public_key().algorithm()),
                limit(approver.not_before),
                limit(approver.not_after),
            ]
        }),
    );
}
