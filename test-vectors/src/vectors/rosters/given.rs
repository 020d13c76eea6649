//! `bundle`: rosters that are given, are not given, or do not hold.

use serde_json::{Value, json};

use super::super::bundle_contexts::edit;
use super::super::bundles::and;
use super::super::mutations::edit_entry;
use super::super::people::{self, policy as listing};
use super::super::{File, sorted};
use super::in_force::{ROOT, ending, first, keys};
use super::scene::Scene;
use super::{at_least, rooted};
use crate::Decision;

pub(super) fn given(file: &mut File) {
    let mut scene = Scene::default();
    scene.version(&first(&["ann", "bob"]), ROOT);
    let ann = scene.approve("ann");
    let eve = scene.approve("eve");
    scene.seal(0);
    let decisions = scene.decisions();
    let policy = rooted(1, ROOT);
    let mut put = |name: &str, input: Value, code: &str| {
        file.verdict(name, input, ending(code), code);
    };
    let good = || scene.asked(ann, &decisions, &policy);
    let without = |mut input: Value| {
        input.as_object_mut().unwrap().remove("roster");
        input
    };
    let asking = |input: Value, name: &str| and(input, json!({"expectations": {"approver": name}}));
    put("no roster", without(good()), "roster.missing");
    put(
        "no roster, and an unknown key",
        without(scene.asked(eve, &decisions, &policy)),
        "roster.missing",
    );
    put(
        "no roster, and an approver is asked for",
        asking(without(good()), "ann"),
        "roster.missing",
    );
    put("an approver is asked for", asking(good(), "ann"), "ok");
    put(
        "another approver is asked for",
        asking(good(), "bob"),
        "expectation.approver",
    );
    put(
        "an approver whom nobody knows is asked for",
        asking(good(), "eve"),
        "expectation.approver",
    );
    put(
        "an unknown key, and its owner is asked for",
        asking(scene.asked(eve, &decisions, &policy), "eve"),
        "expectation.approver",
    );
    put(
        "a roster that is none",
        and(good(), json!({"roster": "none"})),
        "roster.form",
    );
    put(
        "a roster of another name",
        {
            let mut other = policy.clone();
            other.roster.as_mut().unwrap()["name"] = json!("other");
            scene.asked(ann, &decisions, &other)
        },
        "roster.chain",
    );
    put(
        "a roster of other admins",
        scene.asked(ann, &decisions, &rooted(1, &["eve"])),
        "roster.admins",
    );
    put(
        "a roster that is too old",
        scene.asked(ann, &decisions, &at_least(2, policy.clone())),
        "roster.too_old",
    );
    put(
        "a roster of other admins, and a broken signature",
        {
            let mut input = scene.asked(ann, &decisions, &rooted(1, &["eve"]));
            edit(&mut input, |b| {
                edit_entry(b, |m| drop(m.insert("signature".into(), "AA".into())));
            });
            input
        },
        "roster.admins",
    );
    put(
        "a roster for a policy that lists its approvers",
        {
            let listing = listing(&keys(&["ann"]), None);
            scene.asked(ann, &decisions, &listing)
        },
        "ok",
    );
    put(
        "a roster that is none, for a policy that lists its approvers",
        {
            let listing = listing(&keys(&["ann"]), None);
            and(
                scene.asked(ann, &decisions, &listing),
                json!({"roster": "none"}),
            )
        },
        "ok",
    );
    put(
        "a roster that knows a key which the policy does not list",
        {
            let listing = listing(&keys(&["bob"]), None);
            scene.asked(ann, &decisions, &listing)
        },
        "approver.unknown_key",
    );
    put(
        "a roster without a policy",
        and(good(), json!({"policy": null})),
        "approver.unknown_key",
    );
    put(
        "a broken signature",
        {
            let mut input = good();
            edit(&mut input, |b| {
                edit_entry(b, |m| drop(m.insert("signature".into(), "AA".into())));
            });
            input
        },
        "webauthn.bad_signature",
    );
    let confirmed = |seed: usize, roster: &[Decision]| {
        let approval = scene.ledger.approval(seed);
        let mut input = and(
            scene.asked(seed, roster, &policy),
            people::given(&approval.payload),
        );
        input["bundleText"] = json!(sorted(&approval.confirmation()));
        input
    };
    put("a confirmation", confirmed(ann, &decisions), "log.missing");
    put(
        "a confirmation with an unknown key",
        confirmed(eve, &decisions),
        "approver.unknown_key",
    );
    put(
        "a confirmation, and no roster",
        without(confirmed(ann, &decisions)),
        "roster.missing",
    );
    put(
        "a confirmation, and a roster that is none",
        and(confirmed(ann, &decisions), json!({"roster": "none"})),
        "roster.form",
    );
    put(
        "a confirmation of another status",
        {
            let mut input = confirmed(ann, &decisions);
            input["bundleText"] = json!("{\"status\":\"rejected\"}");
            input
        },
        "expectation.status",
    );
}
