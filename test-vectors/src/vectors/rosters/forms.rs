//! The form of a version. Each is properly approved, so that nothing else can be wrong.

use serde_json::{Value, json};

use super::super::bundles::remove;
use super::super::people::member;
use super::super::{File, sorted};
use super::scene::Scene;
use super::{input, root, rooted};
use crate::encoding::{b64url, from_b64url};
use crate::passkey::cose;
use crate::{Algorithm, Passkey, Roster};

pub(in super::super) fn forms() -> File {
    let mut file = File::new(
        "roster",
        "forms",
        "the payload of a version is canonical JSON with these members, each of its one form",
    );
    let good = Roster::first("acme", 1, &[root("root")], &[member("ann", &["finance"])]).value();
    let mut raw = |name: &str, payload: &[u8], code: Option<&str>| {
        let mut scene = Scene::default();
        scene.payload(payload, &["root"]);
        scene.seal(0);
        file.roster(name, input(&scene.decisions(), &rooted(1, &["root"])), code);
    };
    let text = sorted(&good);
    let form = Some("roster.form");
    for (name, text) in [
        ("empty", String::new()),
        ("no JSON", "roster".into()),
        ("an array", "[]".into()),
        ("null", "null".into()),
        ("a newline behind it", format!("{text}\n")),
        ("a space in it", text.replacen(':', ": ", 1)),
        ("a byte order mark", format!("\u{feff}{text}")),
        (
            "an escape that is not needed",
            text.replace("acme", "\\u0061cme"),
        ),
        ("a member twice", text.replacen('{', "{\"version\":1,", 1)),
        (
            "the version as 1.0",
            text.replace("\"version\":1", "\"version\":1.0"),
        ),
        (
            "the version as 1e0",
            text.replace("\"version\":1", "\"version\":1e0"),
        ),
        (
            "the version as -1",
            text.replace("\"version\":1", "\"version\":-1"),
        ),
        (
            "a version above 2^53",
            text.replace("\"version\":1", "\"version\":9007199254740993"),
        ),
    ] {
        raw(name, text.as_bytes(), form);
    }

    let mut put = |name: &str, change: &dyn Fn(&mut Value), code: Option<&str>| {
        let mut roster = good.clone();
        change(&mut roster);
        raw(name, sorted(&roster).as_bytes(), code);
    };
    put("with every member", &|_| {}, None);
    put("nobody may approve", &|r| r["approvers"] = json!([]), None);
    put(
        "nobody is in a group",
        &|r| r["approvers"][0]["groups"] = json!([]),
        None,
    );
    put(
        "one key as admin and approver",
        &|r| r["approvers"] = r["admins"].clone(),
        None,
    );
    put(
        "64 people in two clauses",
        &|r| {
            r["require"] = json!([{"group": "a", "atLeast": 60}, {"group": "b", "atLeast": 4}]);
        },
        None,
    );
    put(
        "two clauses of one group",
        &|r| {
            r["require"] = json!([{"group": "a", "atLeast": 1}, {"group": "a", "atLeast": 1}]);
        },
        None,
    );
    put(
        "a key with its credential id",
        &|r| r["approvers"][0]["credentialId"] = json!("AAAA"),
        None,
    );
    put(
        "a key under the number that fixes the curve",
        &|r| {
            let key = cose::fix_curve(&key(r)).unwrap();
            r["approvers"][0]["publicKey"] = json!(b64url(&key));
        },
        None,
    );

    for pointer in [
        "/admins",
        "/approvers",
        "/name",
        "/previous",
        "/require",
        "/type",
        "/version",
        "/require/0/atLeast",
        "/require/0/group",
        "/approvers/0/groups",
        "/approvers/0/name",
        "/approvers/0/person",
        "/approvers/0/publicKey",
        "/admins/0/person",
    ] {
        put(&format!("without {pointer}"), &|r| remove(r, pointer), form);
    }
    for pointer in ["", "/require/0", "/admins/0", "/approvers/0"] {
        put(
            &format!("a member more in {pointer:?}"),
            &|r| {
                r.pointer_mut(pointer).unwrap()["more"] = json!(1);
            },
            form,
        );
    }
    for (pointer, value) in [
        ("/type", json!("cosignet.roster/v2")),
        ("/type", Value::Null),
        ("/name", json!("")),
        ("/name", json!(" acme")),
        ("/name", json!("ac\u{202e}me")),
        ("/name", json!(1)),
        ("/name", json!("n".repeat(201))),
        ("/version", json!(0)),
        ("/version", json!("1")),
        ("/version", Value::Null),
        ("/previous", json!("")),
        ("/previous", json!("0".repeat(62))),
        ("/previous", json!("AA".repeat(32))),
        ("/previous", json!(0)),
        ("/require", json!([])),
        ("/require", json!({"group": "admins", "atLeast": 1})),
        ("/require/0/atLeast", json!(0)),
        ("/require/0/atLeast", json!("1")),
        ("/require/0/atLeast", json!(65)),
        ("/require/0/group", json!("")),
        ("/require/0/group", json!(["admins"])),
        ("/admins", json!([])),
        ("/admins", json!({})),
        ("/approvers", Value::Null),
        ("/approvers/0", json!("ann")),
        ("/approvers/0/name", json!("an\nn")),
        ("/approvers/0/person", json!("")),
        ("/approvers/0/person", Value::Null),
        ("/approvers/0/groups", json!("finance")),
        ("/approvers/0/groups", json!([""])),
        ("/approvers/0/groups", json!([1])),
        ("/approvers/0/groups", json!(["finance", "finance"])),
        ("/approvers/0/credentialId", Value::Null),
        ("/approvers/0/credentialId", json!("A")),
        ("/approvers/0/publicKey", json!("")),
        ("/approvers/0/publicKey", json!("pQEC=")),
        ("/approvers/0/publicKey", json!("AAAA")),
        ("/approvers/0/notAfter", json!("2030-01-01T00:00:00.000Z")),
    ] {
        let shown = sorted(&value);
        let shown = if shown.len() > 80 {
            "long"
        } else {
            shown.as_str()
        };
        put(
            &format!("{pointer} is {shown}"),
            &|r| {
                let (parent, member) = pointer.rsplit_once('/').unwrap();
                match r.pointer_mut(parent).unwrap() {
                    Value::Array(items) => items[0] = value.clone(),
                    object => object[member] = value.clone(),
                }
            },
            form,
        );
    }
    put(
        "a key of no algorithm that is known",
        &|r| {
            let key = cose::map(&[(1, cose::int(2)), (3, cose::int(-47))]);
            r["approvers"][0]["publicKey"] = json!(b64url(&key));
        },
        form,
    );
    put(
        "a key of small order",
        &|r| {
            r["approvers"][0]["publicKey"] = json!(b64url(&cose::okp(-8, 6, &[0; 32])));
        },
        form,
    );
    put(
        "65 people in two clauses",
        &|r| {
            r["require"] = json!([{"group": "a", "atLeast": 60}, {"group": "b", "atLeast": 5}]);
        },
        form,
    );
    put(
        "more people than 64 bits count",
        &|r| {
            r["require"] = json!([
                {"group": "a", "atLeast": 9_007_199_254_740_992_u64},
                {"group": "b", "atLeast": 9_007_199_254_740_992_u64},
            ]);
        },
        form,
    );
    for list in ["admins", "approvers"] {
        put(
            &format!("a key twice in {list}"),
            &|r| {
                let mut again = r[list][0].clone();
                again["name"] = json!("again");
                again["person"] = json!("again");
                r[list].as_array_mut().unwrap().push(again);
            },
            form,
        );
    }
    put(
        "a key twice, under both numbers of its algorithm",
        &|r| {
            let mut again = r["approvers"][0].clone();
            again["publicKey"] = json!(b64url(&cose::fix_curve(&key(r)).unwrap()));
            r["approvers"].as_array_mut().unwrap().push(again);
        },
        form,
    );
    put(
        "a credential id twice",
        &|r| {
            let other = Passkey::new(Algorithm::EdDsa, "bob").public_key;
            let mut again = r["approvers"][0].clone();
            again["publicKey"] = json!(b64url(&other));
            again["credentialId"] = json!("AAAA");
            r["approvers"][0]["credentialId"] = json!("AAAA");
            r["approvers"].as_array_mut().unwrap().push(again);
        },
        form,
    );
    file
}

fn key(roster: &Value) -> Vec<u8> {
    from_b64url(roster["approvers"][0]["publicKey"].as_str().unwrap())
}
