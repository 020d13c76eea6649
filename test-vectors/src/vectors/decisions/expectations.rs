//! What the caller asked for.

use serde_json::{Value, json};

use super::super::File;
use super::super::bundles::and;
use super::super::people::{PAYLOAD, asked, decided, given, no, together, yes};
use super::quorum::{by, ruled};
use crate::encoding::{hex, sha256};
use crate::{Context, Decision, Draft};

pub(in super::super) fn expectations() -> File {
    let mut file = File::new(
        "decision",
        "expectations",
        "decisions that are, or are not, what the caller asked for",
    );
    let request = Context::numbered(1).request_id;
    let two = || by(&["bob", "cat"], &[("finance", 2)]);
    let mut ask = |name: &str, input: Value, asked: Value, verdict: &str, code: &str| {
        let input = and(input, json!({"expectations": asked}));
        file.verdict(name, input, verdict, code);
    };
    ask(
        "the request",
        two(),
        json!({"approvalId": request}),
        "VERIFIED",
        "ok",
    );
    ask(
        "another request",
        two(),
        json!({"approvalId": Context::numbered(2).request_id}),
        "REJECTED",
        "expectation.approval_id",
    );
    ask(
        "the approval id of one of the bundles",
        two(),
        json!({"approvalId": yes("bob").approval_id}),
        "REJECTED",
        "expectation.approval_id",
    );
    ask(
        "a request, and there is no context",
        {
            let drafts = ["bob", "cat"].map(|seed| Draft::by(seed).approving(PAYLOAD));
            decided(drafts, &ruled(&[("finance", 2)]))
        },
        json!({"approvalId": request}),
        "INCOMPLETE",
        "expectation.approval_id_missing",
    );
    ask(
        "one of those who approved",
        two(),
        json!({"approver": "cat"}),
        "VERIFIED",
        "ok",
    );
    ask(
        "one who did not approve",
        two(),
        json!({"approver": "ann"}),
        "REJECTED",
        "expectation.approver",
    );
    ask(
        "one whom nobody knows",
        two(),
        json!({"approver": "eve"}),
        "REJECTED",
        "expectation.approver",
    );
    ask(
        "a person is not a name",
        by(&["ann's key", "bob"], &[("finance", 2)]),
        json!({"approver": "ann"}),
        "REJECTED",
        "expectation.approver",
    );
    ask(
        "one whose approval does not count",
        {
            let mut decision = Decision::of(&together(["ann", "bob", "cat"].map(yes)));
            decision.bundles[0].evidence = None;
            asked(&decision.value(), &ruled(&[("finance", 2)]))
        },
        json!({"approver": "ann"}),
        "REJECTED",
        "expectation.approver",
    );
    ask(
        "request and approver",
        two(),
        json!({"approvalId": request, "approver": "bob"}),
        "VERIFIED",
        "ok",
    );
    ask(
        "another request and another approver",
        two(),
        json!({"approvalId": yes("bob").approval_id, "approver": "eve"}),
        "REJECTED",
        "expectation.approval_id",
    );
    ask(
        "a request that cannot be compared, and another approver",
        {
            let drafts = ["bob", "cat"].map(|seed| Draft::by(seed).approving(PAYLOAD));
            decided(drafts, &ruled(&[("finance", 2)]))
        },
        json!({"approvalId": request, "approver": "eve"}),
        "REJECTED",
        "expectation.approver",
    );
    ask(
        "the relying party",
        two(),
        json!({"rpId": "approvals.example"}),
        "VERIFIED",
        "ok",
    );
    ask(
        "another relying party",
        two(),
        json!({"rpId": "other.example"}),
        "REJECTED",
        "expectation.rp_id",
    );
    ask(
        "the payload hash",
        two(),
        json!({"payloadSha256": hex(&sha256(PAYLOAD))}),
        "VERIFIED",
        "ok",
    );
    ask(
        "another payload hash",
        two(),
        json!({"payloadSha256": "00".repeat(32)}),
        "REJECTED",
        "payload.mismatch",
    );
    ask(
        "an approver, without a policy",
        and(two(), json!({"policy": null})),
        json!({"approver": "bob"}),
        "INCOMPLETE",
        "decision.quorum_short",
    );
    ask(
        "an approver, and somebody refused",
        decided([yes("bob"), no("cat")], &ruled(&[("finance", 2)])),
        json!({"approver": "cat"}),
        "REJECTED",
        "expectation.approver",
    );
    file.verdict(
        "the caller's payload",
        and(two(), given(PAYLOAD)),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "another payload",
        and(two(), given(b"other")),
        "REJECTED",
        "payload.mismatch",
    );
    file
}
