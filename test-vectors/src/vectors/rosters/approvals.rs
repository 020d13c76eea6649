//! `roster`: what the decision about a version has to be, by whomever it was made.

use serde_json::json;

use super::super::File;
use super::super::people::{SEALED_AT, context, member, require};
use super::admins::{BAD, R1, R12, first};
use super::scene::{Scene, approval, versions};
use super::{input, rooted};
use crate::{Decision, Draft, Ledger, Policy};

/// What their decision has to be.
pub(super) fn how(file: &mut File) {
    let mut put = |name: &str, policy: &Policy, decisions: &[Decision], code| {
        file.roster(name, input(decisions, policy), code);
    };
    let one = first(1, R12);
    let next = one.next(&[]);
    let policy = rooted(1, R12);
    let good = || versions(&[(&one, R1), (&next, R1)]);
    let second = |change: &dyn Fn(&mut Decision)| {
        let mut decisions = good();
        change(&mut decisions[1]);
        decisions
    };
    put("good", &policy, &good(), None);
    put(
        "the payload in the only bundle",
        &policy,
        &second(&|d| {
            d.bundles[0].evidence.as_mut().unwrap().payload = d.payload.take();
        }),
        None,
    );
    put(
        "the payload in the first bundle alone",
        &policy,
        &{
            let mut decisions = versions(&[(&one, R12)]);
            let payload = decisions[0].payload.take();
            decisions[0].bundles[0].evidence.as_mut().unwrap().payload = payload;
            decisions
        },
        None,
    );
    put(
        "the approvals of the version before",
        &policy,
        &{
            let mut decisions = good();
            decisions[1].bundles = decisions[0].bundles.clone();
            decisions
        },
        BAD,
    );
    put(
        "approvals of another payload",
        &policy,
        &{
            let mut decisions = good();
            decisions[1].payload = Some(one.next(&[member("eve", &[])]).payload());
            decisions
        },
        BAD,
    );
    put(
        "the same approval twice",
        &policy,
        &second(&|d| d.bundles.push(d.bundles[0].clone())),
        BAD,
    );
    put(
        "sealed approvals",
        &policy,
        &second(&|d| d.bundles[0].evidence = None),
        BAD,
    );
    put(
        "no proof of the log",
        &policy,
        &{ second(&|d| d.bundles[0].log_proof.header = "none".into()) },
        BAD,
    );
    put(
        "a proof of another entry",
        &policy,
        &second(&|d| d.bundles[0].log_proof.index = 0),
        BAD,
    );
    put(
        "a head without its witness",
        &policy,
        &{ second(&|d| d.bundles[0].log_proof.lines.truncate(1)) },
        BAD,
    );
    let in_log = |ledger: Ledger, draft: Draft| {
        let mut ledger = ledger;
        ledger.add(draft);
        ledger.seal(SEALED_AT);
        Decision::of(&ledger.approvals_from(0))
    };
    put(
        "a log that the policy does not know",
        &policy,
        &{
            let draft = approval("root1", "elsewhere", &next.payload());
            let mut decisions = good();
            decisions[1] = in_log(Ledger::new("other.example/log"), draft);
            decisions
        },
        BAD,
    );
    let signed = |change: &dyn Fn(Draft) -> Draft| {
        let mut scene = Scene::default();
        scene.version(&one, R1);
        scene.seal(0);
        let mut decisions = scene.decisions();
        let draft = change(approval("root1", "changed", &next.payload()));
        decisions.push(in_log(Ledger::default(), draft));
        decisions
    };
    put(
        "a broken signature",
        &policy,
        &signed(&|mut draft| {
            draft.edit_entry = |entry| entry.signature = vec![0; 64];
            draft
        }),
        BAD,
    );
    put(
        "another origin",
        &policy,
        &signed(&|mut draft| {
            draft.ceremony.origin = "https://evil.example".into();
            draft
        }),
        BAD,
    );
    put(
        "a context that nobody asks for",
        &policy,
        &{ signed(&|draft| draft.approving_under(&context(), &next.payload())) },
        None,
    );
    put(
        "a context that is none",
        &policy,
        &{ signed(&|draft| draft.approving_under("{}", &next.payload())) },
        BAD,
    );
    put(
        "a refusal",
        &policy,
        &signed(&|draft| draft.refusing(&context(), &next.payload())),
        BAD,
    );
    put(
        "an approval and a refusal",
        &policy,
        &{
            let mut scene = Scene::default();
            scene.version(&one, R1);
            let no = scene.ledger.len();
            scene.ledger.add(
                approval("root1", "yes", &next.payload())
                    .approving_under(&context(), &next.payload()),
            );
            scene.ledger.add(
                approval("root2", "no", &next.payload()).refusing(&context(), &next.payload()),
            );
            scene.seal(0);
            let mut decisions = scene.decisions();
            decisions.push(Decision::of(&scene.ledger.approvals_from(no)));
            decisions
        },
        BAD,
    );

    // What else the policy says.
    let ruled = |rules: serde_json::Value| Policy {
        decision: Some(rules),
        ..policy.clone()
    };
    put(
        "a policy that wants contexts of approvals",
        &ruled(json!({
            "context": "required", "audience": "payments.example", "expiry": "enforced",
        })),
        &good(),
        None,
    );
    put(
        "a policy that wants more people for approvals",
        &ruled(json!({
            "require": require(&[("finance", 5)]),
        })),
        &good(),
        None,
    );
    put(
        "a policy for hashes only",
        &Policy {
            payload: Some("hash-only".into()),
            ..policy.clone()
        },
        &good(),
        None,
    );
    put(
        "a policy that requires an anchor",
        &Policy {
            anchor: Some(json!({"required": true})),
            ..policy.clone()
        },
        &good(),
        BAD,
    );
    for (name, member, time, code) in [
        (
            "an admin of the policy until the cosignature",
            "notAfter",
            "2026-03-01T12:00:05.000Z",
            None,
        ),
        (
            "an admin of the policy until just before it",
            "notAfter",
            "2026-03-01T12:00:04.999Z",
            BAD,
        ),
        (
            "an admin of the policy from the cosignature on",
            "notBefore",
            "2026-03-01T12:00:05.000Z",
            None,
        ),
        (
            "an admin of the policy from just after it",
            "notBefore",
            "2026-03-01T12:00:05.001Z",
            BAD,
        ),
    ] {
        let mut policy = policy.clone();
        policy.roster.as_mut().unwrap()["admins"][0][member] = json!(time);
        put(name, &policy, &versions(&[(&one, R1)]), code);
    }
}
