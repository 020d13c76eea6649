//! `decision`: several approvals under a policy with a roster.

use serde_json::{Value, json};

use super::super::bundles::and;
use super::super::people::{PAYLOAD, context, member, require, wanting};
use super::super::{File, sorted};
use super::in_force::{ABSENT, REMOVED, ROOT, ending, keys};
use super::scene::{Scene, approval};
use super::{file_of, root, rooted};
use crate::{Approver, Decision, Draft, Policy, Roster};

pub(in super::super) fn decisions() -> File {
    let mut file = File::new(
        "decision",
        "roster",
        "decisions under a policy that leaves it to a roster who may approve",
    );
    let one = Roster::first(
        "acme",
        1,
        &[root("root")],
        &[
            member("ann", &["board", "finance"]),
            member("bob", &["finance"]),
            member("work", &["finance"]).of_person("eve"),
            member("home", &["board"]).of_person("eve"),
            member("phone", &["finance"]).of_person("fay"),
        ],
    );
    // bob goes, cat comes, and fay's phone becomes ann's.
    let two = one.next(&[
        member("ann", &["board", "finance"]),
        member("cat", &["finance"]),
        member("work", &["finance"]).of_person("eve"),
        member("home", &["board"]).of_person("eve"),
        member("phone", &["finance"]).of_person("ann"),
    ]);
    let mut scene = Scene::default();
    scene.version(&one, ROOT);
    let names = ["ann", "bob", "cat", "work", "home", "phone", "eve"];
    let before = names.map(|who| scene.approve(who));
    scene.version(&two, ROOT);
    let behind = names.map(|who| scene.approve(who));
    let no = scene
        .ledger
        .add(Draft::by("ann").refusing(&context(), PAYLOAD));
    let removed_no = scene
        .ledger
        .add(Draft::by("bob").refusing(&context(), PAYLOAD));
    scene.seal(0);
    let versions = scene.decisions();
    let of = |indices: &[usize]| {
        let all: Vec<_> = indices.iter().map(|i| scene.ledger.approval(*i)).collect();
        Decision::of(&all).value()
    };
    let under = |rules: Option<Value>| Policy {
        decision: rules,
        ..rooted(1, ROOT)
    };
    let asked = |indices: &[usize], list: &[(&str, u64)]| {
        json!({
            "decisionText": sorted(&of(indices)),
            "policy": under(Some(wanting(list))).value(),
            "roster": sorted(&file_of(&versions)),
        })
    };
    let mut put =
        |name: &str, input: Value, code: &str| file.verdict(name, input, ending(code), code);
    let [ann, bob, cat, work, home, phone, eve] = before;
    let [ann2, bob2, cat2, work2, home2, phone2, eve2] = behind;
    let short = "decision.quorum_short";
    let finance = &[("finance", 2)][..];
    let each = &[("finance", 1), ("board", 1)][..];
    put(
        "two under the first version",
        asked(&[ann, bob], finance),
        "ok",
    );
    put(
        "two under the second version",
        asked(&[ann2, cat2], finance),
        "ok",
    );
    put("one under each version", asked(&[bob, cat2], finance), "ok");
    put("one clause each", asked(&[bob, home], each), "ok");
    put(
        "one who can serve both, and another",
        asked(&[ann, bob], each),
        "ok",
    );
    put("too few", asked(&[ann], finance), short);
    put(
        "two keys of one person for two clauses",
        asked(&[work, home], each),
        short,
    );
    put(
        "two keys of one person, under two versions",
        asked(&[work, home2], each),
        short,
    );
    put(
        "two keys of one person, and another",
        asked(&[work2, home2, ann2], each),
        "ok",
    );
    put(
        "a key before it goes to one who has approved",
        asked(&[ann, phone], finance),
        "ok",
    );
    put(
        "a key that has gone to one who has approved",
        asked(&[ann2, phone2], finance),
        short,
    );
    put(
        "a key of two people, in turn, and the second approves too",
        asked(&[phone, phone2, ann], finance),
        "ok",
    );
    put(
        "a key of two people, in turn",
        asked(&[phone, phone2], finance),
        "ok",
    );
    put(
        "one who has been removed",
        asked(&[ann2, bob2], finance),
        REMOVED,
    );
    put(
        "one who has been removed among enough",
        asked(&[ann2, cat2, bob2], finance),
        REMOVED,
    );
    put(
        "one who has not been added yet",
        asked(&[ann, bob, cat], finance),
        ABSENT,
    );
    put(
        "an unknown key among enough",
        asked(&[ann, bob, eve], finance),
        ABSENT,
    );
    put(
        "an unknown key among enough, later",
        asked(&[ann2, cat2, eve2], finance),
        ABSENT,
    );
    put("nobody in particular is wanted", asked(&[bob], &[]), "ok");
    put(
        "no roster",
        {
            let mut input = asked(&[ann, bob], finance);
            input.as_object_mut().unwrap().remove("roster");
            input
        },
        short,
    );
    put(
        "a roster that is none",
        and(asked(&[ann, bob], finance), json!({"roster": "{}"})),
        "roster.form",
    );
    put(
        "a roster of other admins",
        {
            let policy = Policy {
                decision: Some(wanting(finance)),
                ..rooted(1, &["eve"])
            };
            and(
                asked(&[ann, bob], finance),
                json!({"policy": policy.value()}),
            )
        },
        "roster.admins",
    );
    put(
        "a roster, and the policy has no decision",
        {
            and(
                asked(&[ann], finance),
                json!({"policy": under(None).value()}),
            )
        },
        "ok",
    );
    put("a refusal", asked(&[no], finance), "decision.refused");
    put(
        "a refusal by one who has been removed",
        asked(&[removed_no], finance),
        REMOVED,
    );
    put(
        "an approver is asked for",
        {
            and(
                asked(&[ann, bob], finance),
                json!({"expectations": {"approver": "bob"}}),
            )
        },
        "ok",
    );
    put(
        "another approver is asked for",
        {
            and(
                asked(&[ann, bob], finance),
                json!({"expectations": {"approver": "cat"}}),
            )
        },
        "expectation.approver",
    );
    put(
        "a roster for a policy that lists its approvers",
        {
            let policy =
                super::super::people::policy(&keys(&["ann", "bob"]), Some(wanting(finance)));
            and(
                asked(&[ann, bob], finance),
                json!({"policy": policy.value()}),
            )
        },
        "ok",
    );
    contexts(&mut file);
    file
}

/// Decisions under a context, by people of whom one is no longer in the roster.
fn contexts(file: &mut File) {
    let one = Roster::first("acme", 1, &[root("root")], &finance(&["ann", "bob"]));
    let two = one.next(&finance(&["ann", "cat"]));
    let mut scene = Scene::default();
    scene.version(&one, ROOT);
    let signed = |scene: &mut Scene, who: &str| {
        let label = format!("under a context, at {}", scene.ledger.len());
        let draft = approval(who, &label, PAYLOAD).approving_under(&context(), PAYLOAD);
        scene.ledger.add(draft)
    };
    let before = ["ann", "bob"].map(|who| signed(&mut scene, who));
    scene.version(&two, ROOT);
    let behind = ["ann", "bob", "cat"].map(|who| signed(&mut scene, who));
    let bare = scene.approve("cat");
    scene.seal(0);
    let roster = sorted(&file_of(&scene.decisions()));
    let rules = json!({
        "audience": "payments.example",
        "context": "required",
        "require": require(&[("finance", 2)]),
    });
    let policy = Policy {
        decision: Some(rules),
        ..rooted(1, ROOT)
    };
    let mut put = |name: &str, indices: &[usize], code: &str| {
        let all: Vec<_> = indices.iter().map(|i| scene.ledger.approval(*i)).collect();
        let input = json!({
            "decisionText": sorted(&Decision::of(&all).value()),
            "policy": policy.value(),
            "roster": roster,
        });
        file.verdict(
            format!("under a context: {name}"),
            input,
            ending(code),
            code,
        );
    };
    let [ann, bob] = before;
    let [ann2, bob2, cat2] = behind;
    put("two under the first version", &[ann, bob], "ok");
    put("two under the second version", &[ann2, cat2], "ok");
    put("one under each version", &[bob, cat2], "ok");
    put("one who has been removed", &[cat2, bob2], REMOVED);
    put("one without it", &[ann2, bare], "decision.other_context");
    put("one alone", &[ann2], "decision.quorum_short");
}

fn finance(names: &[&str]) -> Vec<Approver> {
    names
        .iter()
        .map(|name| member(name, &["finance"]))
        .collect()
}
