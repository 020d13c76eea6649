//! What is no decision, where its parts may stand, and one bundle under a policy with a decision.

use serde_json::{Value, json};

use super::super::bundles::{and, remove};
use super::super::people::{
    PAYLOAD, alone, asked, context, given, members, no, policy, together, wanting, yes,
};
use super::super::{File, sorted};
use crate::{Decision, Draft, Policy};

fn two() -> Policy {
    policy(&members(), Some(wanting(&[("finance", 2)])))
}

fn good() -> Decision {
    Decision::of(&together(["bob", "cat"].map(yes)))
}

pub(in super::super) fn malformed() -> File {
    let mut file = File::new(
        "decision",
        "forms",
        "where the parts of a decision may stand, and what is no decision",
    );
    places(&mut file);
    let schema = "bundle.schema";
    let mut put = |name: &str, change: &dyn Fn(&mut Value), code: &str| {
        let mut decision = good().value();
        change(&mut decision);
        file.verdict(
            format!("malformed: {name}"),
            asked(&decision, &two()),
            "MALFORMED",
            code,
        );
    };
    put("an unknown member", &|d| d["more"] = json!(1), schema);
    put("no bundles", &|d| remove(d, "/bundles"), schema);
    put(
        "an empty list of bundles",
        &|d| d["bundles"] = json!([]),
        schema,
    );
    put(
        "bundles that are no list",
        &|d| d["bundles"] = d["bundles"][0].clone(),
        schema,
    );
    put(
        "a bundle that is null",
        &|d| d["bundles"][1] = Value::Null,
        schema,
    );
    put(
        "a bundle as text",
        &|d| d["bundles"][1] = json!(d["bundles"][1].to_string()),
        schema,
    );
    put(
        "a decision for a bundle",
        &|d| d["bundles"][1] = d.clone(),
        schema,
    );
    put(
        "a confirmation for a bundle",
        &|d| {
            d["bundles"][1] = together([yes("cat")])[0].confirmation();
        },
        schema,
    );
    put(
        "a bundle of another version",
        &|d| d["bundles"][1]["type"] = json!("cosignet.bundle/v2"),
        schema,
    );
    put(
        "a bundle without a type",
        &|d| remove(d, "/bundles/1/type"),
        schema,
    );
    put(
        "a bundle without an entry",
        &|d| remove(d, "/bundles/1/entry"),
        schema,
    );
    put(
        "a member more in a bundle",
        &|d| d["bundles"][1]["more"] = json!(1),
        schema,
    );
    put(
        "a member more in its evidence",
        &|d| d["bundles"][1]["evidence"]["more"] = json!(1),
        schema,
    );
    put(
        "a payload in the decision and in a bundle",
        &|d| {
            d["bundles"][1]["evidence"]["payload"] = d["payload"].clone();
        },
        schema,
    );
    put(
        "a context in the decision and in a bundle",
        &|d| {
            d["bundles"][1]["evidence"]["context"] = d["context"].clone();
        },
        schema,
    );
    put(
        "a context that is no text",
        &|d| d["context"] = json!({}),
        schema,
    );
    put(
        "a context that is null",
        &|d| d["context"] = Value::Null,
        schema,
    );
    put(
        "a payload that is null",
        &|d| d["payload"] = Value::Null,
        schema,
    );
    put(
        "a payload that is no base64url",
        &|d| d["payload"] = json!("AA=="),
        "bundle.base64",
    );
    put(
        "client data that are no base64url",
        &|d| {
            d["bundles"][1]["evidence"]["clientDataJSON"] = json!("+");
        },
        "bundle.base64",
    );
    put(
        "another version",
        &|d| d["type"] = json!("cosignet.decision/v2"),
        schema,
    );
    put("no type", &|d| remove(d, "/type"), schema);
    put(
        "a status in place of a type, and nothing of a confirmation",
        &|d| {
            remove(d, "/type");
            d["status"] = json!("approved");
        },
        schema,
    );
    put(
        "a status beside its type",
        &|d| d["status"] = json!("approved"),
        schema,
    );

    let mut raw = |name: &str, text: String, code: &str| {
        let input = json!({"decisionText": text, "policy": two().value()});
        file.verdict(format!("malformed: {name}"), input, "MALFORMED", code);
    };
    let text = sorted(&good().value());
    raw(
        "a brace missing",
        text[..text.len() - 1].into(),
        "bundle.not_json",
    );
    raw(
        "a member twice",
        text.replacen('{', "{\"payload\":\"AA\",", 1),
        "bundle.not_json",
    );
    raw(
        "something behind it",
        format!("{text}{text}"),
        "bundle.not_json",
    );
    raw(
        "a list of bundles",
        sorted(&good().value()["bundles"]),
        schema,
    );
    raw("65 bundles", sorted(&tiny(65)), "bundle.too_large");
    file
}

/// As many bundles, of which nothing can be said.
fn tiny(count: usize) -> Value {
    let bundles: Vec<Value> = (0..count)
        .map(|i| {
            let entry = format!("{{\"n\":{i},\"type\":\"another/v1\"}}");
            json!({"type": "cosignet.bundle/v1", "entry": entry, "logProof": ""})
        })
        .collect();
    json!({"type": "cosignet.decision/v1", "bundles": bundles})
}

fn places(file: &mut File) {
    let mut verified = |name: &str, input| file.verdict(name, input, "VERIFIED", "ok");
    verified("context and payload once", asked(&good().value(), &two()));
    let all = |lift: &[&str]| {
        let mut decision = good();
        for bundle in &mut decision.bundles {
            let evidence = bundle.evidence.as_mut().unwrap();
            evidence.context = Some(context()).filter(|_| !lift.contains(&"context"));
            evidence.payload = Some(PAYLOAD.to_vec()).filter(|_| !lift.contains(&"payload"));
        }
        decision.context = decision.context.filter(|_| lift.contains(&"context"));
        decision.payload = decision.payload.filter(|_| lift.contains(&"payload"));
        decision
    };
    verified("both in each bundle", asked(&all(&[]).value(), &two()));
    verified(
        "only the context once",
        asked(&all(&["context"]).value(), &two()),
    );
    verified(
        "only the payload once",
        asked(&all(&["payload"]).value(), &two()),
    );
    verified("the payload in one bundle, and of the caller", {
        let mut decision = all(&[]);
        decision.bundles[1].evidence.as_mut().unwrap().payload = None;
        and(asked(&decision.value(), &two()), given(PAYLOAD))
    });
    verified("the payload of the caller alone", {
        let mut decision = good();
        decision.payload = None;
        and(asked(&decision.value(), &two()), given(PAYLOAD))
    });
    verified("the payload of the caller, written otherwise", {
        let spaced = String::from_utf8(PAYLOAD.to_vec())
            .unwrap()
            .replace(',', ", ");
        and(asked(&good().value(), &two()), given(spaced.as_bytes()))
    });
    verified("no payload, for hashes only", {
        let mut decision = good();
        decision.payload = None;
        let payload = Some("hash-only".into());
        asked(&decision.value(), &Policy { payload, ..two() })
    });
    verified("the context in one bundle alone", {
        let mut decision = all(&[]);
        decision.bundles[1].evidence.as_mut().unwrap().context = None;
        asked(&decision.value(), &two())
    });
    verified("one bundle", {
        let decision = Decision::of(&together([yes("bob")]));
        asked(&decision.value(), &policy(&members(), None))
    });
    verified("indented", {
        let text = serde_json::to_string_pretty(&good().value()).unwrap();
        json!({"decisionText": text, "policy": two().value()})
    });
    file.verdict(
        "the payload in one bundle, and of nobody else",
        {
            let mut decision = all(&[]);
            decision.bundles[1].evidence.as_mut().unwrap().payload = None;
            asked(&decision.value(), &two())
        },
        "INCOMPLETE",
        "decision.quorum_short",
    );
    file.verdict(
        "64 bundles of which nothing can be said",
        {
            let policy = Policy { log: None, ..two() };
            asked(&tiny(64), &policy)
        },
        "INCOMPLETE",
        "decision.quorum_short",
    );
}

pub(in super::super) fn alone_as_decision() -> File {
    let mut file = File::new(
        "bundle",
        "decision",
        "one bundle, or a confirmation, under a policy with a decision",
    );
    let ruled = |list: &[(&str, u64)]| policy(&members(), Some(wanting(list)));
    let short = "decision.quorum_short";
    for (name, seed, list, verdict, code) in [
        (
            "nobody in particular is wanted",
            "bob",
            vec![],
            "VERIFIED",
            "ok",
        ),
        (
            "one of the group is wanted",
            "bob",
            vec![("finance", 1)],
            "VERIFIED",
            "ok",
        ),
        (
            "one of another group is wanted",
            "bob",
            vec![("board", 1)],
            "INCOMPLETE",
            short,
        ),
        (
            "two are wanted",
            "bob",
            vec![("finance", 2)],
            "INCOMPLETE",
            short,
        ),
        (
            "one for two clauses",
            "ann",
            vec![("finance", 1), ("board", 1)],
            "INCOMPLETE",
            short,
        ),
        (
            "one for one of two clauses",
            "bob",
            vec![("finance", 1), ("board", 1)],
            "INCOMPLETE",
            short,
        ),
        (
            "another key of a person",
            "ann's key",
            vec![("finance", 1)],
            "VERIFIED",
            "ok",
        ),
        (
            "an unknown key",
            "eve",
            vec![],
            "INCOMPLETE",
            "approver.unknown_key",
        ),
    ] {
        file.verdict(name, alone(yes(seed), &ruled(&list)), verdict, code);
    }
    let mut one = ruled(&[("finance", 1)]);
    one.log = one
        .log
        .map(|text| text.split_once('\n').unwrap().1.to_owned());
    file.verdict(
        "the log is not known",
        alone(yes("bob"), &one),
        "INCOMPLETE",
        "log.unknown_key",
    );
    let confirmed = |status: &str, list: &[(&str, u64)]| {
        let mut confirmation = together([Draft::by("bob").approving(PAYLOAD)])[0].confirmation();
        confirmation["status"] = json!(status);
        let policy = Policy {
            log: None,
            ..ruled(list)
        };
        let input = json!({"bundleText": sorted(&confirmation), "policy": policy.value()});
        and(input, given(PAYLOAD))
    };
    file.verdict(
        "a confirmation",
        confirmed("approved", &[("finance", 1)]),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "a confirmation, and two are wanted",
        confirmed("approved", &[("finance", 2)]),
        "INCOMPLETE",
        short,
    );
    file.verdict(
        "a confirmation of a no",
        confirmed("rejected", &[("finance", 1)]),
        "REJECTED",
        "expectation.status",
    );
    file.verdict(
        "a broken signature",
        {
            let mut draft = yes("bob");
            draft.edit_entry = |entry| entry.signature = vec![0; 64];
            alone(draft, &ruled(&[("finance", 2)]))
        },
        "REJECTED",
        "webauthn.bad_signature",
    );
    file.verdict(
        "an entry that is no entry",
        {
            let mut draft = yes("bob");
            draft.entry_text = Some("{}".into());
            alone(draft, &ruled(&[]))
        },
        "REJECTED",
        "entry.field",
    );
    file.verdict(
        "no payload",
        {
            let mut input = alone(yes("bob"), &ruled(&[("finance", 2)]));
            super::super::bundle_contexts::edit(&mut input, |b| remove(b, "/evidence/payload"));
            input
        },
        "INCOMPLETE",
        "payload.missing",
    );
    file.verdict(
        "a refusal",
        alone(no("bob"), &ruled(&[("finance", 1)])),
        "REJECTED",
        "decision.refused",
    );
    file.verdict(
        "a refusal by an unknown key",
        alone(no("eve"), &ruled(&[("finance", 1)])),
        "INCOMPLETE",
        "approver.unknown_key",
    );
    file.verdict(
        "a caller who asks for another approver",
        {
            let input = alone(yes("bob"), &ruled(&[("finance", 1)]));
            and(input, json!({"expectations": {"approver": "cat"}}))
        },
        "REJECTED",
        "expectation.approver",
    );
    file
}
