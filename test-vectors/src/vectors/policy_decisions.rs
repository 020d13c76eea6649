//! `policy`: people, groups, clauses and rosters in a policy.

use serde_json::{Value, json};

use super::bundles::remove;
use super::people::{member, members, policy, wanting};
use super::{File, sorted};
use crate::encoding::{b64url, from_b64url};
use crate::passkey::cose;

pub(super) fn decisions() -> File {
    let mut file = File::new(
        "policy",
        "decision",
        "what a policy may say about people, decisions and rosters",
    );
    listed(&mut file);
    rostered(&mut file);
    file
}

type Change<'c> = &'c dyn Fn(&mut Value);

fn changed(good: &Value, change: Change<'_>) -> Value {
    let mut policy = good.clone();
    change(&mut policy);
    json!({"policy": sorted(&policy)})
}

/// Sets what `pointer` names, and makes it if it is not there.
fn set(policy: &mut Value, pointer: &str, value: &Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match policy.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value.clone(),
        object => object[key] = value.clone(),
    }
}

/// With approvers of its own.
fn listed(file: &mut File) {
    let mut rules = wanting(&[("finance", 2), ("board", 1)]);
    rules["context"] = json!("required");
    rules["audience"] = json!("payments.example");
    rules["expiry"] = json!("enforced");
    let good = policy(&members(), Some(rules)).value();
    let mut valid = |name: &str, change: Change<'_>| file.valid(name, changed(&good, change));
    valid("a decision with every member", &|_| {});
    valid("a decision with none", &|p| p["decision"] = json!({}));
    valid("no clauses", &|p| p["decision"]["require"] = json!([]));
    valid("two clauses of one group", &|p| {
        p["decision"] = wanting(&[("finance", 1), ("finance", 1)]);
    });
    valid("a group that nobody is in", &|p| {
        p["decision"] = wanting(&[("legal", 1)])
    });
    valid("64 people", &|p| {
        p["decision"] = wanting(&[("finance", 60), ("board", 4)])
    });
    valid("an audience without letters", &|p| {
        p["decision"]["audience"] = json!("")
    });
    valid("what is the default, said", &|p| {
        p["decision"] = json!({"require": [], "context": "optional", "expiry": "reported"});
    });
    valid("people and groups, and no decision", &|p| {
        remove(p, "/decision")
    });
    valid("no groups, said", &|p| {
        p["approvers"][0]["groups"] = json!([])
    });
    valid("a person of the same name", &|p| {
        p["approvers"][0]["person"] = json!("ann")
    });

    let mut field = |name: &str, change: Change<'_>| {
        file.invalid(
            format!("field: {name}"),
            changed(&good, change),
            "policy.field",
        );
    };
    for (pointer, value) in [
        ("/decision", Value::Null),
        ("/decision", json!([])),
        ("/decision", json!("required")),
        ("/decision/more", json!(1)),
        ("/decision/require", json!({})),
        ("/decision/require", Value::Null),
        ("/decision/require/0", json!("finance")),
        ("/decision/require/0", json!(["finance", 2])),
        ("/decision/require/0/more", json!(1)),
        ("/decision/require/0/atLeast", json!(0)),
        ("/decision/require/0/atLeast", json!(-1)),
        ("/decision/require/0/atLeast", json!(1.5)),
        ("/decision/require/0/atLeast", json!("2")),
        ("/decision/require/0/atLeast", json!(64)),
        ("/decision/require/0/atLeast", json!(u64::MAX)),
        ("/decision/require/0/group", json!("")),
        ("/decision/require/0/group", json!("finance ")),
        ("/decision/require/0/group", json!(["finance"])),
        ("/decision/context", json!("enforced")),
        ("/decision/context", json!(true)),
        ("/decision/context", Value::Null),
        ("/decision/audience", json!(["payments.example"])),
        ("/decision/audience", Value::Null),
        ("/decision/expiry", json!("required")),
        ("/decision/expiry", Value::Null),
        ("/approvers/0/person", json!("")),
        ("/approvers/0/person", json!("an\u{200b}n")),
        ("/approvers/0/person", Value::Null),
        ("/approvers/0/groups", json!("finance")),
        ("/approvers/0/groups", json!([""])),
        (
            "/approvers/0/groups",
            json!(["finance", "board", "finance"]),
        ),
        ("/approvers/0/groups", json!([1])),
        ("/approvers/0/groups", Value::Null),
    ] {
        field(&format!("{pointer} is {value}"), &|p| {
            set(p, pointer, &value)
        });
    }
    for pointer in ["/decision/require/0/atLeast", "/decision/require/0/group"] {
        field(&format!("without {pointer}"), &|p| remove(p, pointer));
    }
}

/// With a roster in their place.
fn rostered(file: &mut File) {
    let mut policy = policy(&[], Some(wanting(&[("finance", 2)])));
    let second = member("root2", &["admins"]).of_person("root");
    policy.roster = Some(json!({
        "name": "acme",
        "minVersion": 3,
        "require": [{"group": "admins", "atLeast": 1}],
        "admins": [member("root1", &["admins"]).value(), second.value()],
    }));
    let good = policy.value();
    let mut valid = |name: &str, change: Change<'_>| file.valid(name, changed(&good, change));
    valid("a roster with every member", &|_| {});
    valid("a roster without a least version", &|p| {
        remove(p, "/roster/minVersion")
    });
    valid("a roster and no decision", &|p| remove(p, "/decision"));
    valid("an admin with limits and a credential id", &|p| {
        p["roster"]["admins"][0]["notAfter"] = json!("2030-01-01T00:00:00.000Z");
        p["roster"]["admins"][0]["credentialId"] = json!("AAAA");
    });
    valid("admins who can never be enough", &|p| {
        p["roster"]["require"] = json!([{"group": "legal", "atLeast": 64}]);
    });

    let mut field = |name: &str, change: Change<'_>| {
        file.invalid(
            format!("field: {name}"),
            changed(&good, change),
            "policy.field",
        );
    };
    field("a roster and approvers", &|p| {
        p["approvers"] = p["roster"]["admins"].clone()
    });
    field("a roster and an empty list of approvers", &|p| {
        p["approvers"] = json!([])
    });
    field("a roster and no log", &|p| p["log"] = json!("none"));
    for (pointer, value) in [
        ("/roster", Value::Null),
        ("/roster", json!("acme")),
        ("/roster/more", json!(1)),
        ("/roster/version", json!(3)),
        ("/roster/name", json!("")),
        ("/roster/name", json!("ac\u{202e}me")),
        ("/roster/minVersion", json!(0)),
        ("/roster/minVersion", json!("3")),
        ("/roster/minVersion", Value::Null),
        ("/roster/require", json!([])),
        ("/roster/require/0/atLeast", json!(0)),
        ("/roster/require/0/atLeast", json!(65)),
        ("/roster/require/0/more", json!(1)),
        ("/roster/admins", json!([])),
        ("/roster/admins", json!({})),
        ("/roster/admins/0/name", json!("")),
        ("/roster/admins/0/more", json!(1)),
        ("/roster/admins/0/groups", json!(["admins", "admins"])),
    ] {
        field(&format!("{pointer} is {value}"), &|p| {
            set(p, pointer, &value)
        });
    }
    for pointer in [
        "/roster/name",
        "/roster/require",
        "/roster/admins",
        "/roster/admins/0/publicKey",
    ] {
        field(&format!("without {pointer}"), &|p| remove(p, pointer));
    }
    let mut key = |name: &str, change: Change<'_>| {
        file.invalid(format!("key: {name}"), changed(&good, change), "policy.key");
    };
    key("an admin's key twice", &|p| {
        p["roster"]["admins"][1]["publicKey"] = p["roster"]["admins"][0]["publicKey"].clone();
    });
    key(
        "an admin's key twice, under both numbers of its algorithm",
        &|p| {
            let key = from_b64url(p["roster"]["admins"][0]["publicKey"].as_str().unwrap());
            p["roster"]["admins"][1]["publicKey"] = json!(b64url(&cose::fix_curve(&key).unwrap()));
        },
    );
    key("an admin's credential id twice", &|p| {
        for admin in 0..2 {
            p["roster"]["admins"][admin]["credentialId"] = json!("AAAA");
        }
    });
    key("an admin's key that is none", &|p| {
        p["roster"]["admins"][0]["publicKey"] = json!("AAAA");
    });
}
