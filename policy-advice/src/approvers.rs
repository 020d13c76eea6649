//! Whose keys are known, and when they count.

use verifier_core::Time;
use verifier_core::policy::{Approver, LogRule, Policy};
use verifier_core::quote;

pub(crate) fn warnings(policy: &Policy, now: Time) -> Vec<String> {
    let approvers = policy.approvers();
    if approvers.is_empty() {
        return vec![
            "It lists no approvers, so nothing will be VERIFIED: `cosignet policy add-approver`."
                .into(),
        ];
    }
    let mut out = Vec::new();
    for (i, approver) in approvers.iter().enumerate() {
        // Several keys under one name are one person who has changed or added a device. Only the
        // name as a whole can be over.
        let same = |other: &&Approver| other.name == approver.name;
        if approvers.iter().take(i).any(|other| same(&other)) {
            continue;
        }
        let keys: Vec<&Approver> = approvers.iter().filter(same).collect();
        out.extend(validity(&approver.name, &keys, now));
    }
    let dated = approvers.iter().filter(|key| key.not_after.is_some());
    out.extend(dated.filter_map(|key| retirement(policy, &key.name)));
    out.dedup();
    out
}

/// A warning if a key ends at a date and the policy asks for no proof of time.
pub fn retirement(policy: &Policy, name: &str) -> Option<String> {
    let witnessed = match policy.log() {
        LogRule::Required(log) => log.tlog.requires_witnesses(),
        _ => false,
    };
    let name = quote(name);
    match (policy.log(), witnessed) {
        (_, true) => None,
        (LogRule::Required(_), false) => Some(format!(
            "The key of {name} has a notAfter, and without a quorum of witnesses only an anchor \
             proves a time: otherwise its approvals stay INCOMPLETE."
        )),
        _ => Some(format!(
            "The key of {name} has a notAfter, and without a log nothing proves a time: its \
             approvals stay INCOMPLETE."
        )),
    }
}

/// Whether any key of one name counts now.
fn validity(name: &str, keys: &[&Approver], now: Time) -> Option<String> {
    let name = quote(name);
    let over = |key: &&&Approver| key.not_after.is_some_and(|end| end < now);
    let early = |key: &&&Approver| key.not_before.is_some_and(|start| start > now);
    if keys.iter().any(|key| !over(&key) && !early(&key)) {
        return None;
    }
    let starts = keys.iter().filter(early).filter_map(|key| key.not_before);
    if let Some(start) = starts.min() {
        return Some(format!(
            "No key of {name} counts yet: the first notBefore is {start}, and approvals that are \
             proven older are REJECTED."
        ));
    }
    let ends = keys.iter().filter_map(|key| key.not_after);
    ends.max().map(|end| {
        format!(
            "No key of {name} counts any more: the last notAfter was {end}, and approvals that are \
             not proven to be as old as that are not VERIFIED."
        )
    })
}
