//! Which log has to hold an approval, and who watches it.

use std::collections::BTreeMap;

use verifier_core::hazmat::time::write_duration;
use verifier_core::policy::{LogPolicy, LogRule, Policy};
use verifier_core::quote;

use crate::rp_id::registrable;

/// The longest promise that is of use, in milliseconds: 7 days.
const LONGEST_DELAY: u64 = 7 * 24 * 60 * 60 * 1000;
/// The shortest one that a log keeps through a restart: 5 minutes.
const SHORTEST_DELAY: u64 = 5 * 60 * 1000;

pub(crate) fn warnings(policy: &Policy) -> Vec<String> {
    let log = match policy.log() {
        LogRule::Required(log) => log,
        _ => {
            let mut out =
                vec!["log = \"none\": approvals can be denied, dropped and back-dated.".into()];
            if policy.anchor().required {
                out.push(
                    "It requires an anchor and does without a log, so nothing will be VERIFIED: an \
                     anchor is one of a log's head."
                        .into(),
                );
            }
            return out;
        }
    };
    let mut out = Vec::new();
    if log.tlog.logs().is_empty() {
        out.push("The log policy names no log, so nothing will be VERIFIED.".into());
    }
    match log.tlog.requires_witnesses() {
        true => out.extend(alone(log)),
        false => out.push(
            "The quorum is none: the log could show other people another tree, and no time is \
             proven."
                .into(),
        ),
    }
    if log.max_append_delay > LONGEST_DELAY {
        out.push(format!(
            "maxAppendDelay is {}: for so long the log may hold an approval back, or append one \
             that claims to be old, and nobody can prove anything against it.",
            write_duration(log.max_append_delay)
        ));
    } else if log.max_append_delay < SHORTEST_DELAY {
        out.push(format!(
            "maxAppendDelay is {}: a log that promises this admits decisions that are at most {} \
             old, and a restart breaks it; monitors will call its entries overdue.",
            write_duration(log.max_append_delay),
            write_duration(log.max_decision_age())
        ));
    }
    out
}

/// Parties that can meet the quorum without anybody else.
fn alone(log: &LogPolicy) -> Option<String> {
    let witnesses = log.tlog.witnesses();
    let mut parties: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, witness) in witnesses.iter().enumerate() {
        parties
            .entry(party(witness.key().name()))
            .or_default()
            .push(at);
    }
    let enough = |members: &Vec<usize>| {
        let present: Vec<bool> = (0..witnesses.len())
            .map(|at| members.contains(&at))
            .collect();
        log.tlog.is_quorum(&present)
    };
    let alone: Vec<(&str, usize)> = parties
        .iter()
        .filter(|(_, members)| enough(members))
        .map(|(party, members)| (*party, members.len()))
        .collect();
    let names: Vec<String> = alone.iter().map(|(party, _)| quote(party)).collect();
    let own = |(party, _): &(&str, usize)| {
        let logs = log.tlog.logs().iter();
        logs.map(|log| self::party(log.origin()))
            .any(|log| log == *party)
    };
    let with = match alone.iter().any(own) {
        true => " It is the log's own operator, by its name.",
        false => "",
    };
    match alone.as_slice() {
        [] => None,
        [(_, 1)] => Some(format!(
            "One witness meets the quorum alone, that of {}: together with the log it can show \
             other people another tree.{with}",
            names.concat()
        )),
        [(_, count)] => Some(format!(
            "One party meets the quorum alone, {} with {count} witnesses: together with the log it \
             can show other people another tree.{with}",
            names.concat()
        )),
        _ => Some(format!(
            "Each of {} meets the quorum alone: a single one of them, together with the log, can \
             show other people another tree.",
            names.join(", ")
        )),
    }
}

/// The operator of the key of this name, by its domain: names of keys are URLs without a scheme.
fn party(name: &str) -> &str {
    let host = name.split(['/', ':']).next().unwrap_or(name);
    match host.contains('.') {
        true => registrable(host),
        // Not a domain; the part before the slash is all there is.
        false => host,
    }
}
