//! `policy`: the form of the policy's JSON.

use serde_json::{Value, json};

use super::{File, sorted};
use crate::encoding::{b64url, from_b64url};
use crate::note::{COSIGNATURE, NOTE};
use crate::passkey::cose;
use crate::{Algorithm, Approval, Approver, Passkey, Policy};

/// Breaks a good policy.
type Change = Box<dyn Fn(&mut Value)>;
type Edit = (String, Change);

pub(super) fn form() -> File {
    let mut file = File::new(
        "policy",
        "form",
        "what a policy may say, and what it has to",
    );
    let policy = full();
    let full = policy.value();
    let mut valid = |name: &str, edit: &dyn Fn(&mut Value)| {
        let mut policy = full.clone();
        edit(&mut policy);
        file.valid(name, input(&sorted(&policy)));
    };
    valid("with every member", &|_| {});
    valid("with the least there can be", &|p| {
        *p = json!({
            "name": "least",
            "webauthn": {"rpIds": ["a.example"], "origins": ["https://a.example"]},
            "log": "none",
        });
    });
    valid("without a log", &|p| p["log"] = json!("none"));
    valid("without maxAppendDelay", &|p| {
        remove(p, "/log/maxAppendDelay")
    });
    valid("without an anchor", &|p| remove(p, "/anchor"));
    valid("without a least work", &|p| {
        remove(p, "/anchor/minChainWork");
    });
    valid("for hashes only", &|p| p["payload"] = json!("hash-only"));
    valid("without approvers", &|p| p["approvers"] = json!([]));
    valid("user verification preferred", &|p| {
        p["webauthn"]["userVerification"] = json!("preferred");
    });
    valid("keys under the algorithms that fix the curve", &|p| {
        for approver in p["approvers"].as_array_mut().unwrap() {
            let key = from_b64url(approver["publicKey"].as_str().unwrap());
            if let Some(key) = cose::fix_curve(&key) {
                approver["publicKey"] = json!(b64url(&key));
            }
        }
    });
    valid("names of many scripts", &|p| {
        p["name"] = json!("J\u{fc}rgen  (e\u{301}, \u{6f22}\u{5b57})");
        p["approvers"][0]["name"] = json!("\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}");
        p["approvers"][1]["name"] = json!("\u{5d0}\u{5d1}\u{5d2}");
    });
    valid("two keys of one approver", &|p| {
        p["approvers"][1]["name"] = p["approvers"][0]["name"].clone();
    });
    valid("a tlog-policy without a quorum", &|p| {
        edit_log(p, |text| {
            text.split_once("group").unwrap().0.to_owned() + "quorum none\n"
        });
    });
    let log = full["log"]["policy"].as_str().unwrap().to_owned();
    let lines = |count: usize| "#\n".repeat(count - log.lines().count()) + &log;
    let sized = |bytes: usize| format!("#{}\n{log}", "x".repeat(bytes - log.len() - 2));
    for (name, text, is_valid) in [
        ("1,024 lines", lines(1024), true),
        ("1,025 lines", lines(1025), false),
        ("65,536 bytes", sized(65_536), true),
        ("65,537 bytes", sized(65_537), false),
        (
            "65,536 bytes without a last newline",
            sized(65_537).trim_end().to_owned(),
            true,
        ),
        ("no last newline", log.trim_end().to_owned(), true),
        ("U+007F in a comment", format!("# \u{7f}\n{log}"), false),
        ("U+0085 in a comment", format!("# \u{85}\n{log}"), true),
        ("a tab in a comment", format!("#\t\n{log}"), true),
        ("CR LF in one place", log.replacen('\n', "\r\n", 1), false),
        ("a byte order mark", format!("\u{feff}{log}"), false),
        ("CR alone", log.replacen('\n', "\r", 1), false),
        ("CR in a line", log.replacen(' ', "\r ", 1), false),
        (
            "no log line",
            log.split_once('\n').unwrap().1.to_owned(),
            true,
        ),
    ] {
        let mut policy = full.clone();
        policy["log"]["policy"] = json!(text);
        let (name, input) = (format!("a tlog-policy of {name}"), input(&sorted(&policy)));
        match is_valid {
            true => file.valid(name, input),
            false => file.invalid(name, input, "policy.log"),
        }
    }
    file.valid(
        "indented",
        input(&serde_json::to_string_pretty(&full).unwrap()),
    );

    syntax(&mut file, &sorted(&full));
    for (what, name) in BAD_NAMES {
        for pointer in ["/name", "/approvers/0/name"] {
            let mut policy = full.clone();
            *policy.pointer_mut(pointer).unwrap() = json!(name);
            let case = format!("field: {pointer} is {what}");
            file.invalid(case, input(&sorted(&policy)), "policy.field");
        }
    }
    for (name, edit) in fields() {
        let mut policy = full.clone();
        edit(&mut policy);
        file.invalid(
            format!("field: {name}"),
            input(&sorted(&policy)),
            "policy.field",
        );
    }
    for (name, edit) in keys() {
        let mut policy = full.clone();
        edit(&mut policy);
        file.invalid(
            format!("key: {name}"),
            input(&sorted(&policy)),
            "policy.key",
        );
    }
    let text = policy.log.unwrap();
    for (name, text) in logs(&text) {
        let mut policy = full.clone();
        policy["log"]["policy"] = json!(text);
        file.invalid(
            format!("log: {name}"),
            input(&sorted(&policy)),
            "policy.log",
        );
    }
    file
}

fn input(text: &str) -> Value {
    json!({ "policy": text })
}

/// A policy that says everything that can be said.
fn full() -> Policy {
    let mut policy = Approval::sample(Algorithm::Es256).policy;
    policy.payload = Some("required".into());
    policy.user_verification = Some("required".into());
    policy.cross_origin = Some(true);
    policy.top_origins = Some(vec!["https://top.example".into()]);
    policy.approvers = Algorithm::ALL
        .map(|algorithm| Approver::new(algorithm.name(), &Passkey::new(algorithm, "alice")))
        .to_vec();
    policy.approvers[0].not_before = Some("2026-01-01T00:00:00.000Z".into());
    policy.approvers[0].not_after = Some("2026-12-31T23:59:59.999Z".into());
    policy.max_append_delay = Some("24h".into());
    policy.anchor = Some(json!({
        "required": false,
        "network": "mainnet",
        "minConfirmations": 6,
        "minChainWork": format!("{:0>64}", "8a"),
        "pinnedBlocks": [{
            "height": 830_592,
            "hash": "0000000000000000000000000000000000000000000000000000000000000001",
        }],
    }));
    policy
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(key).unwrap();
}

fn edit_log(policy: &mut Value, edit: impl Fn(&str) -> String) {
    let text = edit(policy["log"]["policy"].as_str().unwrap());
    policy["log"]["policy"] = json!(text);
}

fn syntax(file: &mut File, text: &str) {
    for (name, text) in [
        ("empty", String::new()),
        ("no JSON", "policy".into()),
        ("a brace missing", text[..text.len() - 1].into()),
        ("something behind it", format!("{text}}}")),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a member twice", text.replacen('{', "{\"name\":\"x\",", 1)),
        (
            "a member twice further down",
            text.replacen("\"rpIds\"", "\"rpIds\":[\"x\"],\"rpIds\"", 1),
        ),
        (
            "a trailing comma",
            format!("{},}}", &text[..text.len() - 1]),
        ),
        ("a comment", format!("// policy\n{text}")),
        ("twenty thousand brackets", "[".repeat(20_000)),
    ] {
        file.invalid(format!("syntax: {name}"), input(&text), "policy.syntax");
    }
    for (name, text) in [
        ("an array", "[]"),
        ("null", "null"),
        ("a string", "\"none\""),
    ] {
        file.invalid(
            format!("syntax: {name} instead of an object"),
            input(text),
            "*",
        );
    }
}

fn fields() -> Vec<Edit> {
    let mut rows: Vec<Edit> = Vec::new();
    for pointer in [
        "/name",
        "/webauthn",
        "/webauthn/rpIds",
        "/webauthn/origins",
        "/log",
        "/log/policy",
        "/approvers/0/name",
        "/approvers/0/publicKey",
        "/anchor/pinnedBlocks/0/height",
        "/anchor/pinnedBlocks/0/hash",
    ] {
        let name = format!("without {pointer}");
        rows.push((name, Box::new(move |p| remove(p, pointer))));
    }
    for pointer in [
        "",
        "/webauthn",
        "/log",
        "/approvers/0",
        "/anchor",
        "/anchor/pinnedBlocks/0",
    ] {
        let name = format!("an unknown member in {pointer:?}");
        rows.push((
            name,
            Box::new(move |p| p.pointer_mut(pointer).unwrap()["more"] = json!(1)),
        ));
    }
    for (pointer, value) in [
        ("/name", json!(1)),
        ("/payload", json!("optional")),
        ("/payload", json!("none")),
        ("/payload", json!(true)),
        ("/webauthn", json!([])),
        ("/webauthn/rpIds", json!([])),
        ("/webauthn/rpIds", json!("approvals.example")),
        ("/webauthn/rpIds/0", json!(1)),
        ("/webauthn/origins", json!([])),
        ("/webauthn/origins", json!("https://approvals.example")),
        ("/webauthn/origins/0", json!(null)),
        ("/webauthn/userVerification", json!("discouraged")),
        ("/webauthn/userVerification", json!(true)),
        ("/webauthn/crossOrigin", json!("false")),
        ("/webauthn/crossOrigin", json!(0)),
        ("/webauthn/topOrigins", json!("https://top.example")),
        ("/approvers", json!({})),
        ("/approvers/0", json!("alice")),
        ("/approvers/0/name", json!(null)),
        ("/approvers/0/publicKey", json!(7)),
        ("/approvers/0/credentialId", json!(7)),
        ("/approvers/0/notBefore", json!("2026-01-01")),
        ("/approvers/0/notBefore", json!(1_767_225_600)),
        ("/approvers/0/notAfter", json!("2026-12-31T23:59:59Z")),
        ("/approvers/0/notAfter", json!("2026-02-30T00:00:00.000Z")),
        ("/log", json!("all")),
        ("/log", json!("None")),
        ("/log", json!(null)),
        ("/log", json!([])),
        ("/log/policy", json!(7)),
        ("/log/maxAppendDelay", json!("24")),
        ("/log/maxAppendDelay", json!("1 day")),
        ("/log/maxAppendDelay", json!("-1h")),
        ("/log/maxAppendDelay", json!(24)),
        ("/anchor", json!("none")),
        ("/anchor/required", json!("yes")),
        ("/anchor/network", json!("bitcoin")),
        ("/anchor/network", json!(1)),
        ("/anchor/minConfirmations", json!("6")),
        ("/anchor/minConfirmations", json!(-1)),
        ("/anchor/minConfirmations", json!(1.5)),
        ("/anchor/minChainWork", json!(138)),
        ("/anchor/minChainWork", json!("8a")),
        ("/anchor/minChainWork", json!("0".repeat(64))),
        ("/anchor/minChainWork", json!("A".repeat(64))),
        ("/anchor/pinnedBlocks", json!({})),
        ("/anchor/pinnedBlocks/0/height", json!("830592")),
        ("/anchor/pinnedBlocks/0/hash", json!("00")),
        ("/anchor/pinnedBlocks/0/hash", json!("F".repeat(64))),
    ] {
        let name = format!("{pointer} is {value}");
        rows.push((
            name,
            Box::new(move |p| *p.pointer_mut(pointer).unwrap() = value.clone()),
        ));
    }
    rows
}

/// Characters that a name may not hold, and where: they would print as nothing, as a blank, or as
/// another name.
const BAD_NAMES: [(&str, &str); 17] = [
    ("empty", ""),
    ("a space", " "),
    ("a space in front", " alice"),
    ("a space behind", "alice "),
    ("three spaces in a row", "alice   smith"),
    ("a newline", "alice\nbob"),
    ("a C1 control", "alice\u{9b}2J"),
    ("a no-break space", "alice\u{a0}"),
    ("a soft hyphen", "ali\u{ad}ce"),
    ("a mark in front", "\u{301}alice"),
    ("a mark behind a space", "alice \u{20dd}"),
    ("a blank of Braille", "\u{2800}"),
    ("a reordering character", "ali\u{202e}ce"),
    ("a Hangul filler", "\u{3164}"),
    ("a musical format character", "ali\u{1d173}ce"),
    ("a private character", "ali\u{e000}ce"),
    ("an unassigned character", "ali\u{e0fff}ce"),
];

fn keys() -> Vec<Edit> {
    let key = |bytes: Vec<u8>| -> Change {
        Box::new(move |p| p["approvers"][0]["publicKey"] = json!(b64url(&bytes)))
    };
    let es256 = Passkey::new(Algorithm::Es256, "alice").public_key;
    let (x, y) = (es256[10..42].to_vec(), es256[45..77].to_vec());
    let rows: Vec<(&str, Change)> = vec![
        ("empty", key(vec![])),
        ("no COSE_Key", key(b"key".to_vec())),
        ("something behind it", key([&es256[..], &[0]].concat())),
        ("not on the curve", key(cose::ec2(-7, 1, &x, &x))),
        (
            "of an algorithm that is not accepted",
            key(cose::ec2(-47, 8, &x, &y)),
        ),
        (
            "RSA with exponent 3",
            key(cose::rsa(-257, &[0xff; 256], &[3])),
        ),
        (
            "twice, once under the algorithm that fixes the curve",
            Box::new({
                let key = cose::ec2(-9, 1, &x, &y);
                move |p| {
                    p["approvers"][0]["publicKey"] = json!(b64url(&es256));
                    p["approvers"][1]["publicKey"] = json!(b64url(&key));
                }
            }),
        ),
        (
            "twice under two names",
            Box::new(|p| {
                p["approvers"][1]["publicKey"] = p["approvers"][0]["publicKey"].clone();
            }),
        ),
        (
            "a credential id twice",
            Box::new(|p| {
                p["approvers"][1]["credentialId"] = p["approvers"][0]["credentialId"].clone();
            }),
        ),
        (
            "the same approver twice",
            Box::new(|p| p["approvers"][1] = p["approvers"][0].clone()),
        ),
    ];
    rows.into_iter()
        .map(|(name, edit)| (name.to_owned(), edit))
        .collect()
}

/// `text` has a log, w1 to w3, the group all-witnesses of two, and a quorum.
fn logs(text: &str) -> Vec<(&'static str, String)> {
    let replace = |from: &str, to: &str| text.replacen(from, to, 1);
    let line = |start: &str| {
        let line = text.lines().find(|l| l.starts_with(start)).unwrap();
        format!("{line}\n")
    };
    let (log, w1) = (line("log "), line("witness w1 "));
    let key = crate::approval::witness(1).key;
    let witness = |vkey: &str| replace(&w1, &format!("witness w1 {vkey}\n"));
    vec![
        ("empty", String::new()),
        ("no quorum", replace("quorum all-witnesses\n", "")),
        ("two quorums", format!("{text}quorum w1\n")),
        ("quorum none and another", format!("{text}quorum none\n")),
        (
            "a quorum of nobody",
            replace("quorum all-witnesses", "quorum"),
        ),
        (
            "a quorum that is not defined",
            replace("quorum all-witnesses", "quorum w9"),
        ),
        (
            "a quorum with two names",
            replace("quorum all-witnesses", "quorum w1 w2"),
        ),
        ("a quorum in front of its group", {
            let quorum = "quorum all-witnesses\n";
            format!("{quorum}{}", replace(quorum, ""))
        }),
        ("an unknown word", format!("{text}threshold 2\n")),
        ("a word in capitals", replace("witness w1", "WITNESS w1")),
        ("a carriage return", text.replace('\n', "\r\n")),
        ("a byte of zero", format!("{text}\0")),
        ("0 of 3", replace("all-witnesses 2", "all-witnesses 0")),
        ("4 of 3", replace("all-witnesses 2", "all-witnesses 4")),
        ("-1 of 3", replace("all-witnesses 2", "all-witnesses -1")),
        (
            "2^64 of 3",
            replace("all-witnesses 2", "all-witnesses 18446744073709551616"),
        ),
        (
            "some of 3",
            replace("all-witnesses 2", "all-witnesses some"),
        ),
        ("a group without members", replace("2 w1 w2 w3", "any")),
        ("a group without a threshold", replace("2 w1 w2 w3", "")),
        (
            "a member that is not defined",
            replace("w1 w2 w3", "w1 w2 w9"),
        ),
        ("a member twice", replace("w1 w2 w3", "w1 w2 w2")),
        (
            "a member of two groups",
            replace("group all-", "group g any w1\ngroup all-"),
        ),
        (
            "a group that is its own member",
            replace("w1 w2 w3", "w1 w2 all-witnesses"),
        ),
        ("none as a member", replace("w1 w2 w3", "w1 w2 none")),
        ("a group called none", text.replace("all-witnesses", "none")),
        (
            "a group called like a witness",
            text.replace("all-witnesses", "w1"),
        ),
        (
            "two witnesses of one name",
            replace("witness w2", "witness w1"),
        ),
        (
            "a witness's key twice",
            format!("witness w9 {}\n{text}", key.vkey()),
        ),
        (
            "a witness's key twice under two key names",
            format!("witness w9 {}\n{text}", key.renamed("x.example").vkey()),
        ),
        ("a log twice", format!("{log}{text}")),
        ("a log without a key", replace(&log, "log\n")),
        ("a witness without a key", replace(&w1, "witness w1\n")),
        (
            "a witness with a word too many",
            replace(&w1, &format!("{} https://w.example/ more\n", w1.trim_end())),
        ),
        (
            "a witness with a key for plain signatures",
            witness(&key.with_kind(NOTE).vkey()),
        ),
        (
            "a witness with a key of an unknown type",
            witness(&key.with_kind(0x7f).vkey()),
        ),
        (
            "a key with the id of another name",
            witness(&key.with_kind(COSIGNATURE).vkey().replace("/w1+", "/w9+")),
        ),
        (
            "a key with its id in capitals",
            witness(&upper_id(&key.vkey())),
        ),
        (
            "a key with too short an id",
            witness(&key.vkey().replace(&crate::encoding::hex(&key.id()), "00")),
        ),
        (
            "a key without a name",
            witness(key.vkey().strip_prefix("witness.example/w1").unwrap()),
        ),
        ("a key in base64url", witness(&key.vkey().replace('+', "-"))),
        (
            "a key cut short",
            witness(&key.vkey()[..key.vkey().len() - 4]),
        ),
        ("a key of no bytes", witness("witness.example/w1+00000000+")),
    ]
}

fn upper_id(vkey: &str) -> String {
    let mut parts = vkey.splitn(3, '+');
    let (name, id, key) = (
        parts.next().unwrap(),
        parts.next().unwrap(),
        parts.next().unwrap(),
    );
    let upper = id.to_ascii_uppercase();
    assert_ne!(id, upper, "an id without letters shows nothing");
    format!("{name}+{upper}+{key}")
}
