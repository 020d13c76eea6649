//! The file itself.

use serde_json::{Value, json};

use super::super::bundles::remove;
use super::super::people::member;
use super::super::{File, sorted};
use super::scene::versions;
use super::{file_of, input_of, root, rooted};
use crate::Roster;

pub(in super::super) fn files() -> File {
    let mut file = File::new(
        "roster",
        "files",
        "files that are none, and the order in which defects count",
    );
    let one = Roster::first("acme", 1, &[root("root")], &[member("ann", &[])]);
    let good = file_of(&versions(&[(&one, &["root"]), (&one.next(&[]), &["root"])]));
    let policy = rooted(1, &["root"]);
    let form = Some("roster.form");
    let text = sorted(&good);
    let mut raw = |name: &str, text: &str, code| {
        file.roster(name, input_of(text, &policy), code);
    };
    raw(
        "indented",
        &serde_json::to_string_pretty(&good).unwrap(),
        None,
    );
    for (name, text) in [
        ("empty", String::new()),
        ("no JSON", "roster".into()),
        ("null", "null".into()),
        ("a list of decisions", good["decisions"].to_string()),
        ("one decision", good["decisions"][0].to_string()),
        ("a payload", String::from_utf8(one.payload()).unwrap()),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a brace missing", text[..text.len() - 1].into()),
        (
            "a member twice",
            text.replacen('{', "{\"decisions\":[],", 1),
        ),
    ] {
        raw(name, &text, form);
    }
    let mut put = |name: &str, change: &dyn Fn(&mut Value), code| {
        let mut file = good.clone();
        change(&mut file);
        raw(name, &sorted(&file), code);
    };
    put(
        "another version",
        &|f| f["type"] = json!("cosignet.roster-chain/v2"),
        form,
    );
    put("no type", &|f| remove(f, "/type"), form);
    put("no decisions", &|f| remove(f, "/decisions"), form);
    put("an empty list", &|f| f["decisions"] = json!([]), form);
    put("a member more", &|f| f["name"] = json!("acme"), form);
    put(
        "decisions that are no list",
        &|f| f["decisions"] = f["decisions"][0].clone(),
        form,
    );
    put(
        "a bundle for a decision",
        &|f| {
            f["decisions"][1] = f["decisions"][1]["bundles"][0].clone();
        },
        form,
    );
    put(
        "a decision without bundles",
        &|f| f["decisions"][1]["bundles"] = json!([]),
        form,
    );
    put(
        "a decision with a member more",
        &|f| f["decisions"][1]["more"] = json!(1),
        form,
    );
    put(
        "a bundle without an entry",
        &|f| remove(f, "/decisions/1/bundles/0/entry"),
        form,
    );
    put(
        "a decision without a payload",
        &|f| remove(f, "/decisions/1/payload"),
        form,
    );
    put(
        "a payload that is no base64url",
        &|f| f["decisions"][1]["payload"] = json!("A"),
        form,
    );

    // The first version counts before the second, and within it one step before the next.
    let admins = Some("roster.admins");
    let unsigned = |f: &mut Value| f["decisions"][0]["bundles"][0]["logProof"] = json!("");
    put("the first is not approved", &|f| unsigned(f), admins);
    put(
        "the first is not approved, and the second is no roster",
        &|f| {
            unsigned(f);
            f["decisions"][1]["payload"] = json!("e30");
        },
        admins,
    );
    put(
        "the first is not approved, and the second has no bundles",
        &|f| {
            unsigned(f);
            f["decisions"][1]["bundles"] = json!([]);
        },
        form,
    );
    put(
        "the first is not approved, and the second has no payload",
        &|f| {
            unsigned(f);
            remove(f, "/decisions/1/payload");
        },
        admins,
    );
    put(
        "the second is no roster, and not approved",
        &|f| {
            f["decisions"][1]["payload"] = json!("e30");
        },
        form,
    );
    put(
        "the first is missing, and the second not approved",
        &|f| {
            let list = f["decisions"].as_array_mut().unwrap();
            list.remove(0);
            list[0]["bundles"][0]["logProof"] = json!("");
        },
        Some("roster.chain"),
    );
    file
}
