//! People, their groups and how many of them it takes, in words.

use verifier_core::hazmat::decision::Clause;
use verifier_core::plain;
use verifier_core::policy::Approver;

/// "2 of finance and 1 of board"; empty if it takes nobody in particular.
pub(crate) fn clauses(list: &[Clause]) -> String {
    let list: Vec<String> = list
        .iter()
        .map(|clause| format!("{} of {}", clause.at_least, plain(&clause.group)))
        .collect();
    list.join(" and ")
}

/// "of ann, finance, board": the person whose key it is, and for whom that person can speak.
pub(crate) fn person(one: &Approver) -> String {
    let groups: Vec<String> = one.groups.iter().map(|group| plain(group)).collect();
    let groups = match groups.as_slice() {
        [] => "no group".to_owned(),
        groups => groups.join(", "),
    };
    format!("of {}, {groups}", plain(&one.person))
}
