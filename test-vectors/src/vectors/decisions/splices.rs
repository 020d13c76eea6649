//! Two good decisions of the same people about two requests, and every part of one in the other.

use serde_json::{Value, json};

use super::super::File;
use super::super::people::{asked, members, policy, wanting};
use crate::{Context, Decision, Draft, Ledger};

pub(in super::super) fn splices() -> File {
    let mut file = File::new(
        "decision",
        "splices",
        "two good decisions of one log under one head, and every part of one put into the other",
    );
    let [a, b] = pair();
    let policy = policy(&members(), Some(wanting(&[("finance", 2)])));
    for (way, into, from) in [("B in A", &a, &b), ("A in B", &b, &a)] {
        let mut put = |part: &str, decision: &Value, code: &str| {
            let verdict = if code == "ok" { "VERIFIED" } else { "REJECTED" };
            file.verdict(
                format!("{part} of {way}"),
                asked(decision, &policy),
                verdict,
                code,
            );
        };
        put("nothing", into, "ok");
        let client_data = "evidence.client_data_mismatch";
        for (pointer, code) in [
            ("/context", "context.mismatch"),
            ("/payload", "payload.mismatch"),
            ("/bundles/0", "decision.other_payload"),
            ("/bundles/1", "decision.other_payload"),
            ("/bundles/0/entry", client_data),
            ("/bundles/0/logProof", "log.not_included"),
            ("/bundles/0/evidence", client_data),
            (
                "/bundles/0/evidence/approvalId",
                "evidence.approval_id_mismatch",
            ),
            ("/bundles/0/evidence/clientDataJSON", client_data),
        ] {
            let mut decision = into.clone();
            *decision.pointer_mut(pointer).unwrap() = from.pointer(pointer).unwrap().clone();
            put(pointer, &decision, code);
        }
        let mut decision = into.clone();
        decision["bundles"] = from["bundles"].clone();
        put("all bundles", &decision, "payload.mismatch");
        decision["payload"] = from["payload"].clone();
        put("all but the context", &decision, "context.mismatch");
        let mut decision = into.clone();
        decision["context"] = from["context"].clone();
        decision["payload"] = from["payload"].clone();
        put("context and payload", &decision, "payload.mismatch");
        for (name, entry, other) in [("ann's by bob", 0, 1), ("bob's by ann", 1, 0)] {
            let mut decision = into.clone();
            decision["bundles"][entry]["evidence"] = into["bundles"][other]["evidence"].clone();
            put(
                &format!("the evidence of the other bundle, {name}, and nothing"),
                &decision,
                client_data,
            );
        }
        let mut decision = into.clone();
        let list = decision["bundles"].as_array_mut().unwrap();
        list.extend(from["bundles"].as_array().unwrap().clone());
        put("a copy of all bundles", &decision, "decision.other_payload");
        let mut decision = into.clone();
        let evidence = &mut decision["bundles"][0]["evidence"];
        evidence["approvalId"] = json!(Context::numbered(1).request_id);
        put(
            "the request's id for an approval's, and nothing",
            &decision,
            "evidence.approval_id_mismatch",
        );
    }
    file
}

fn pair() -> [Value; 2] {
    let mut ledger = Ledger::default();
    for (number, payload) in [(1, &b"one"[..]), (2, b"two")] {
        let context = Context::numbered(number).text();
        for seed in ["ann", "bob"] {
            let mut draft = Draft::by(seed);
            draft.approval_id = crate::approval::uuid(&format!("{seed} {number}"));
            ledger.add(draft.approving_under(&context, payload));
        }
    }
    ledger.seal(super::super::people::SEALED_AT);
    let all = ledger.approvals_from(0);
    [&all[..2], &all[2..]].map(|part| Decision::of(part).value())
}
