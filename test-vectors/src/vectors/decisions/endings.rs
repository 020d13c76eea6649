//! Those who refused, and the moment by which there were enough.

use serde_json::json;

use super::super::File;
use super::super::bundles::and;
use super::super::people::{
    PAYLOAD, SEALED_AT, asked, decided, given, members, no, policy, together, wanting, yes,
};
use super::quorum::ruled;
use crate::{Decision, Ledger, Policy};

pub(super) fn refused(file: &mut File) {
    let code = "decision.refused";
    let two = || ruled(&[("finance", 2)]);
    for (name, drafts) in [
        ("a refusal first", [no("ann"), yes("bob"), yes("cat")]),
        ("a refusal between", [yes("bob"), no("ann"), yes("cat")]),
        ("a refusal last", [yes("bob"), yes("cat"), no("ann")]),
        (
            "a refusal by one who serves no clause",
            [yes("bob"), yes("cat"), no("dan")],
        ),
        (
            "a refusal by one who has approved",
            [yes("bob"), yes("cat"), no("cat")],
        ),
        ("too few and a refusal", [yes("bob"), no("cat"), no("ann")]),
    ] {
        file.verdict(
            format!("refused: {name}"),
            decided(drafts, &two()),
            "REJECTED",
            code,
        );
    }
    file.verdict(
        "refused: nothing but a refusal",
        decided([no("ann")], &two()),
        "REJECTED",
        code,
    );
    file.verdict(
        "refused: by a second key of one who has approved",
        decided([yes("ann"), yes("bob"), no("ann's key")], &two()),
        "REJECTED",
        code,
    );
    file.verdict(
        "refused: in a log that the policy does not know",
        {
            let mut all = together([yes("bob"), yes("cat")]);
            let mut other = Ledger::new("other.example/log");
            other.add(no("ann"));
            other.seal(SEALED_AT);
            all.push(other.approval(0));
            asked(&Decision::of(&all).value(), &two())
        },
        "REJECTED",
        code,
    );
    file.verdict(
        "refused: the payload is the caller's",
        {
            let mut decision = Decision::of(&together([yes("bob"), yes("cat"), no("ann")]));
            decision.payload = None;
            and(asked(&decision.value(), &two()), given(PAYLOAD))
        },
        "REJECTED",
        code,
    );
    let unknown = |payload: Option<&str>| {
        let mut decision = Decision::of(&together([yes("bob"), yes("cat"), no("ann")]));
        decision.payload = None;
        let payload = payload.map(str::to_owned);
        asked(&decision.value(), &Policy { payload, ..two() })
    };
    file.verdict(
        "a refusal of a payload that is not known, for hashes only",
        unknown(Some("hash-only")),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "a refusal of a payload that is not known",
        unknown(None),
        "INCOMPLETE",
        "decision.quorum_short",
    );
    file.verdict(
        "a refusal without its random part",
        {
            let mut decision = Decision::of(&together([yes("bob"), yes("cat"), no("ann")]));
            decision.bundles[2].evidence.as_mut().unwrap().random = None;
            asked(&decision.value(), &two())
        },
        "VERIFIED",
        "ok",
    );
}

/// The moment by which there were enough.
pub(super) fn times(file: &mut File) {
    let sealed = |seeds: [&str; 3]| {
        let mut ledger = Ledger::default();
        for (seed, minute) in seeds.iter().zip(1..) {
            ledger.add(yes(seed));
            ledger.seal(SEALED_AT + 60 * minute);
        }
        Decision::of(&ledger.approvals_from(0))
    };
    for (name, list) in [
        ("the first is enough", vec![("finance", 1)]),
        ("two are enough", vec![("finance", 2)]),
        ("all three are needed", vec![("finance", 3)]),
        ("the last is needed", vec![("board", 1)]),
        ("nobody in particular is wanted", vec![]),
    ] {
        let decision = sealed(["bob", "cat", "ann"]).value();
        file.verdict(
            format!("times: {name}"),
            asked(&decision, &ruled(&list)),
            "VERIFIED",
            "ok",
        );
    }
    let decision = sealed(["ann", "ann's key", "bob"]).value();
    file.verdict(
        "times: two keys of one person are not two people",
        asked(&decision, &ruled(&[("finance", 2)])),
        "VERIFIED",
        "ok",
    );
    let mut decision = sealed(["bob", "cat", "ann"]);
    decision.bundles.reverse();
    let input = asked(&decision.value(), &ruled(&[("finance", 2)]));
    file.verdict(
        "times: two are enough, in the other order",
        input,
        "VERIFIED",
        "ok",
    );
    let input = and(
        asked(&decision.value(), &ruled(&[("finance", 3)])),
        json!({"at": "2026-03-01T12:00:00.000Z"}),
    );
    file.verdict(
        "times: the last is from the future",
        input,
        "REJECTED",
        "time.in_future",
    );
    let mut expired = wanting(&[("finance", 3)]);
    expired["expiry"] = json!("enforced");
    let mut ledger = Ledger::default();
    for (seed, hour) in [("bob", 0), ("cat", 0), ("ann", 2)] {
        ledger.add(yes(seed));
        ledger.seal(SEALED_AT + 3600 * hour);
    }
    let decision = Decision::of(&ledger.approvals_from(0)).value();
    let input = asked(&decision, &policy(&members(), Some(expired)));
    file.verdict(
        "times: the last came when the request had expired",
        input,
        "REJECTED",
        "context.expired",
    );
    let unwitnessed = |mut policy: Policy| {
        let text = policy.log.unwrap();
        policy.log = Some(text.split_once("group").unwrap().0.to_owned() + "quorum none\n");
        policy
    };
    let input = decided(
        ["bob", "cat"].map(yes),
        &unwitnessed(ruled(&[("finance", 2)])),
    );
    file.verdict("times: none is proven", input, "VERIFIED", "ok");
}
