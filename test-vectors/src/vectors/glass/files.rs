//! `break-glass`: whether a file permits an act.

use serde_json::{Value, json};

use super::super::File;
use super::{CEREMONIES, Row, hash, key, policy, rules, signed};
use crate::encoding::b64url;
use crate::{Ceremony, Glass, Policy};

const ACTION: &str = "payment.send";
const AT: &str = "2026-03-01T12:10:00.000Z";

/// A change of JSON.
type Edit<T> = (&'static str, fn(&mut T));

pub(in super::super) fn files() -> File {
    let mut file = File::new(
        "break-glass",
        "files",
        "whether enough people permit an act, for a time, to a program; none of it is an approval",
    );
    let policy = policy();
    file.valid("two people", input(&two(&policy), &policy));
    file.valid(
        "three people",
        input(&signed(&policy, &["ann", "cleo", "bob"]), &policy),
    );
    file.valid(
        "another key of a person",
        input(&signed(&policy, &["bob", "ann too"]), &policy),
    );
    people(&mut file, &policy);
    ceremonies(&mut file, &policy);
    grants(&mut file, &policy);
    limits(&mut file);
    settings(&mut file, &policy);
    acts(&mut file, &policy);
    forms(&mut file, &policy);
    file
}

fn two(policy: &Policy) -> Glass {
    signed(policy, &["ann", "bob"])
}

fn input(glass: &Glass, policy: &Policy) -> Value {
    of(&glass.text(), policy, &rules(policy), ACTION, AT)
}

fn of(file: &str, policy: &Policy, settings: &Value, action: &str, at: &str) -> Value {
    json!({
        "action": action,
        "at": at,
        "file": file,
        "policy": policy.value(),
        "settings": super::sorted(settings),
    })
}

fn people(file: &mut File, policy: &Policy) {
    let short = "break_glass.quorum_short";
    for (name, signers) in [
        ("nobody has signed", &[][..]),
        ("one person", &["ann"]),
        ("one person twice", &["ann", "ann"]),
        ("one person with two keys", &["ann", "ann too"]),
        ("somebody of another group", &["ann", "cleo"]),
    ] {
        file.invalid(name, input(&signed(policy, signers), policy), short);
    }
    file.invalid(
        "a third signature by a stranger",
        input(&signed(policy, &["ann", "bob", "mallory"]), policy),
        "break_glass.unknown_key",
    );
    file.invalid(
        "a stranger under the id of somebody's key",
        {
            let mut posing = key("mallory");
            posing.credential_id = key("bob").credential_id;
            let glass = signed(policy, &[]).signed_by(&[&key("ann"), &posing]);
            input(&glass, policy)
        },
        "webauthn.bad_signature",
    );
    file.valid("keys without ids", {
        let mut policy = policy.clone();
        for approver in &mut policy.approvers {
            approver.credential_id = None;
        }
        input(&two(&policy), &policy)
    });
}

fn ceremonies(file: &mut File, policy: &Policy) {
    let [registration, others @ ..] = CEREMONIES;
    let origin: Row<Ceremony> = (
        "another origin",
        |c| c.origin = "https://evil.example".into(),
        "webauthn.origin",
    );
    let challenges: [Row<Ceremony>; 4] = [
        (
            "44 other bytes",
            |c| c.challenge = b64url(&[7; 44]),
            "webauthn.challenge",
        ),
        (
            "a login",
            |c| c.challenge = b64url(&[7; 32]),
            "webauthn.challenge",
        ),
        (
            "an approval",
            |c| c.challenge = b64url(&[7; 64]),
            "webauthn.challenge",
        ),
        ("padding", |c| c.challenge.push('='), "webauthn.challenge"),
    ];
    let rows = [registration, origin].into_iter().chain(others);
    for (name, edit, code) in rows.chain(challenges) {
        let mut glass = two(policy);
        glass.edit = edit;
        file.invalid(format!("signed: {name}"), input(&glass, policy), code);
    }
    let mut lax = policy.clone();
    lax.user_verification = Some("preferred".into());
    lax.cross_origin = Some(true);
    file.valid(
        "a policy that does without recognition",
        input(&two(&lax), &lax),
    );
    let rows: [Row<Ceremony>; 2] = [
        (
            "nobody was recognised, and the policy does without",
            |c| c.flags = 0x01,
            "webauthn.user_verification",
        ),
        (
            "in a frame, and the policy allows it",
            |c| c.cross_origin = Some(true),
            "webauthn.cross_origin",
        ),
    ];
    for (name, edit, code) in rows {
        let mut glass = two(&lax);
        glass.edit = edit;
        file.invalid(format!("signed: {name}"), input(&glass, &lax), code);
    }
    file.invalid(
        "signatures of another grant",
        {
            let mut other = two(policy);
            other.reason = "Another one.".into();
            let mut value = two(policy).value();
            value["signatures"] = other.value()["signatures"].clone();
            of(&super::sorted(&value), policy, &rules(policy), ACTION, AT)
        },
        "webauthn.challenge",
    );
}

fn grants(file: &mut File, policy: &Policy) {
    let rows: [Row<Glass>; 5] = [
        (
            "for another program",
            |g| g.audience = "deploy.example".into(),
            "break_glass.audience",
        ),
        (
            "under another policy",
            |g| g.policy_sha256 = "00".repeat(32),
            "break_glass.other_policy",
        ),
        (
            "for more than is allowed",
            |g| g.action = "deploy.*".into(),
            "break_glass.not_allowed",
        ),
        (
            "for something else",
            |g| g.action = "payments.*".into(),
            "break_glass.not_allowed",
        ),
        (
            "for less than the pattern that is allowed",
            |g| g.action = "deploy.production.*".into(),
            "break_glass.not_allowed",
        ),
    ];
    for (name, edit, code) in rows {
        let mut glass = two(policy);
        edit(&mut glass);
        file.invalid(format!("a grant {name}"), input(&glass, policy), code);
    }
    let rows: [Edit<Glass>; 13] = [
        ("an hour and a millisecond", |g| {
            g.not_after = "2026-03-01T13:00:00.001Z".into()
        }),
        ("no time", |g| g.not_after.clone_from(&g.not_before)),
        ("time that runs back", |g| {
            g.not_after = "2026-03-01T11:59:59.999Z".into()
        }),
        ("no act", |g| g.uses = 0),
        ("101 acts", |g| g.uses = 101),
        ("no reason", |g| g.reason.clear()),
        ("1001 bytes of reason", |g| g.reason = "x".repeat(1001)),
        ("a reason that cannot be seen", |g| {
            g.reason = "a\u{202e}b".into()
        }),
        ("no program", |g| g.audience.clear()),
        ("a star alone", |g| g.action = "*".into()),
        ("a star in the middle", |g| {
            g.action = "payment.*.send".into()
        }),
        ("a star without a dot", |g| g.action = "payment*".into()),
        ("121 bytes of action", |g| g.action = "x".repeat(121)),
    ];
    for (name, edit) in rows {
        let mut glass = two(policy);
        edit(&mut glass);
        let name = format!("the form of a grant: {name}");
        file.invalid(name, input(&glass, policy), "break_glass.form");
    }
    file.valid("exactly an hour, and a hundred acts", {
        let mut glass = two(policy);
        glass.not_after = "2026-03-01T13:00:00.000Z".into();
        glass.uses = 100;
        input(&glass, policy)
    });
    file.valid("all payments", {
        let mut glass = two(policy);
        glass.action = "payment.*".into();
        input(&glass, policy)
    });
}

fn limits(file: &mut File) {
    let rows: [Row<Policy>; 2] = [
        (
            "ends before the grant",
            |p| p.approvers[0].not_after = Some("2026-03-01T12:29:59.999Z".into()),
            "break_glass.key_limits",
        ),
        (
            "begins after the grant",
            |p| p.approvers[0].not_before = Some("2026-03-01T12:00:00.001Z".into()),
            "break_glass.key_limits",
        ),
    ];
    for (name, edit, code) in rows {
        let mut policy = policy();
        edit(&mut policy);
        file.invalid(format!("a key {name}"), input(&two(&policy), &policy), code);
    }
    file.valid("a key for exactly that time", {
        let mut policy = policy();
        policy.approvers[0].not_before = Some("2026-03-01T12:00:00.000Z".into());
        policy.approvers[0].not_after = Some("2026-03-01T12:30:00.000Z".into());
        input(&two(&policy), &policy)
    });
}

fn settings(file: &mut File, policy: &Policy) {
    let with = |edit: fn(&mut Value)| {
        let mut settings = rules(policy);
        edit(&mut settings);
        of(&two(policy).text(), policy, &settings, ACTION, AT)
    };
    file.valid(
        "settings for exactly that time",
        with(|s| s["longest"] = json!("30m")),
    );
    file.invalid(
        "settings for less time",
        with(|s| s["longest"] = json!("29m")),
        "break_glass.too_long",
    );
    file.invalid(
        "settings for three people",
        with(|s| s["require"][0]["atLeast"] = json!(3)),
        "break_glass.quorum_short",
    );
    file.invalid(
        "settings of another policy",
        with(|s| s["policySha256"] = json!("11".repeat(32))),
        "break_glass.other_policy",
    );
    let bad: [Edit<Value>; 7] = [
        ("one person", |s| s["require"][0]["atLeast"] = json!(1)),
        ("more than an hour", |s| s["longest"] = json!("61m")),
        ("no action", |s| s["actions"] = json!([])),
        ("a star alone", |s| s["actions"] = json!(["*"])),
        ("an unknown member", |s| s["note"] = json!("x")),
        ("another type", |s| {
            s["type"] = json!("cosignet.break-glass-settings/v2")
        }),
        ("no journal", |s| {
            drop(s.as_object_mut().unwrap().remove("journal"))
        }),
    ];
    for (name, edit) in bad {
        file.invalid(
            format!("bad settings: {name}"),
            with(edit),
            "break_glass.settings",
        );
    }
}

fn acts(file: &mut File, policy: &Policy) {
    let text = two(policy).text();
    let at = |action: &str, at: &str| of(&text, policy, &rules(policy), action, at);
    file.valid("the first moment", at(ACTION, "2026-03-01T12:00:00.000Z"));
    file.valid("the last moment", at(ACTION, "2026-03-01T12:29:59.999Z"));
    for (name, time) in [
        ("before the first moment", "2026-03-01T11:59:59.999Z"),
        ("behind the last moment", "2026-03-01T12:30:00.000Z"),
        ("a year later", "2027-03-01T12:10:00.000Z"),
    ] {
        file.invalid(name, at(ACTION, time), "break_glass.window");
    }
    for action in [
        "payment.sen",
        "payment.send.",
        "payment",
        "",
        "PAYMENT.SEND",
    ] {
        let name = format!("the act {action:?}");
        file.invalid(name, at(action, AT), "break_glass.other_action");
    }
}

fn forms(file: &mut File, policy: &Policy) {
    let good = two(policy).value();
    let with = |edit: fn(&mut Value)| {
        let mut value = good.clone();
        edit(&mut value);
        of(&super::sorted(&value), policy, &rules(policy), ACTION, AT)
    };
    let bad: [Edit<Value>; 7] = [
        ("no signatures", |v| {
            drop(v.as_object_mut().unwrap().remove("signatures"))
        }),
        ("an unknown member", |v| v["note"] = json!("x")),
        ("another type", |v| v["type"] = json!("cosignet.bundle/v1")),
        ("the grant as an object", |v| {
            v["grant"] = serde_json::from_str(v["grant"].as_str().unwrap()).unwrap();
        }),
        ("a grant with a blank in front", |v| {
            v["grant"] = json!(format!(" {}", v["grant"].as_str().unwrap()));
        }),
        ("a grant with an unknown member", |v| {
            let grant = v["grant"]
                .as_str()
                .unwrap()
                .replace("\"uses\":1", "\"uses\":1,\"v\":1");
            v["grant"] = json!(grant);
        }),
        ("17 signatures", |v| {
            let one = v["signatures"][0].clone();
            v["signatures"] = json!(vec![one; 17]);
        }),
    ];
    for (name, edit) in bad {
        file.invalid(format!("a file: {name}"), with(edit), "break_glass.form");
    }
    for (name, text) in [("nothing", ""), ("no JSON", "{"), ("a list", "[]")] {
        let input = of(text, policy, &rules(policy), ACTION, AT);
        file.invalid(format!("a file: {name}"), input, "break_glass.form");
    }
    assert_eq!(good["grant"].as_str().unwrap(), two(policy).grant_text());
    assert_eq!(rules(policy)["policySha256"], json!(hash(policy)));
}
