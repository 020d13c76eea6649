//! `entry`: the form of the leaf.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::File;
use crate::encoding::{b64, b64url, from_b64url, stray_bits};
use crate::entry::canonical;
use crate::{Algorithm, Draft};

type Members = BTreeMap<String, String>;

/// Changes the members of a good entry.
type Edit = fn(&mut Members);

pub(super) fn form() -> File {
    let mut file = File::new(
        "entry",
        "form",
        "the leaf is canonical JSON with these members, each of its one form",
    );
    for algorithm in Algorithm::ALL {
        let (_, text) = Draft::sample(algorithm).sign();
        file.valid(
            format!("an entry with a key of {}", algorithm.name()),
            input(&text),
        );
    }
    let good = good();
    let text = canonical(&good);
    file.valid(
        "without a commitment to an approver",
        input(&with(|m| drop(m.remove("approver")))),
    );
    fn refusal(m: &mut BTreeMap<String, String>) {
        m.insert("type".into(), "cosignet.refusal/v1".into());
    }
    file.valid("a refusal", input(&with(refusal)));
    file.invalid(
        "a refusal without decidedAt",
        input(&with(|m| {
            refusal(m);
            m.remove("decidedAt");
        })),
        "entry.field",
    );
    file.invalid(
        "a refusal that says why",
        input(&with(|m| {
            refusal(m);
            m.insert("reason".into(), "no".into());
        })),
        "entry.field",
    );
    file.valid("exactly 8 KiB", input(&padded(8192)));
    file.invalid(
        "one byte more than 8 KiB",
        input(&padded(8193)),
        "entry.too_large",
    );
    file.invalid("64 KiB", input(&padded(65536)), "entry.too_large");

    for (name, text) in not_canonical(&text) {
        file.invalid(name, input(&text), "entry.not_canonical");
    }
    for (name, text) in [
        ("an array", "[]"),
        ("a string", "\"text\""),
        ("null", "null"),
        ("a number", "1"),
    ] {
        file.invalid(format!("{name} instead of an object"), input(text), "*");
    }
    file.invalid("no members", input("{}"), "entry.field");
    file.invalid(
        "deep nesting",
        input(&format!(
            "{{\"type\":{}{}}}",
            "[".repeat(4000),
            "]".repeat(4000)
        )),
        "*",
    );

    for key in good.keys() {
        if key != "approver" {
            let mut members = good.clone();
            members.remove(key);
            file.invalid(
                format!("without {key}"),
                input(&canonical(&members)),
                "entry.field",
            );
        }
        for (what, value) in [
            ("null", "null"),
            ("a number", "7"),
            ("an array", "[\"AA\"]"),
        ] {
            let string = json!(good[key]).to_string();
            let text = text.replacen(
                &format!("\"{key}\":{string}"),
                &format!("\"{key}\":{value}"),
                1,
            );
            file.invalid(format!("{key} is {what}"), input(&text), "entry.field");
        }
    }
    for key in ["approvalIdHash", "approver", "clientDataHash"] {
        for (what, length) in [("31", 31), ("33", 33), ("no", 0)] {
            let mut members = good.clone();
            members.insert(key.into(), b64url(&vec![7; length]));
            file.invalid(
                format!("{key} of {what} bytes"),
                input(&canonical(&members)),
                "entry.field",
            );
        }
    }
    for key in [
        "approvalIdHash",
        "approver",
        "authenticatorData",
        "clientDataHash",
        "credentialPublicKey",
        "signature",
    ] {
        for (what, value) in base64_spellings(&good[key]) {
            let mut members = good.clone();
            members.insert(key.into(), value);
            file.invalid(
                format!("{key} in base64 {what}"),
                input(&canonical(&members)),
                "entry.field",
            );
        }
    }
    for (key, value, is_valid) in spellings() {
        let mut members = good.clone();
        members.insert(key.into(), value.clone());
        let (name, input) = (format!("{key}: {value:?}"), input(&canonical(&members)));
        match is_valid {
            true => file.valid(name, input),
            false => file.invalid(name, input, "entry.field"),
        }
    }
    unknown_types(&mut file);
    for time in [
        "",
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.0Z",
        "2026-03-01T12:00:00.000000Z",
        "2026-03-01T12:00:00.000+00:00",
        "2026-03-01t12:00:00.000z",
        "2026-03-01 12:00:00.000Z",
        "2026-02-29T12:00:00.000Z",
        "2026-13-01T12:00:00.000Z",
        "2026-03-01T24:00:00.000Z",
        "2026-03-01T12:00:60.000Z",
        "+026-03-01T12:00:00.000Z",
        " 2026-03-01T12:00:00.000Z",
        "1772366400",
    ] {
        let mut members = good.clone();
        members.insert("decidedAt".into(), time.into());
        file.invalid(
            format!("decidedAt is {time:?}"),
            input(&canonical(&members)),
            "entry.field",
        );
    }
    let fields: [(&str, Edit); 3] = [
        ("an unknown member", |m| {
            drop(m.insert("note".into(), "x".into()))
        }),
        ("a member in another case", |m| {
            drop(m.insert("RpId".into(), "x".into()))
        }),
        ("a member with an empty name", |m| {
            drop(m.insert(String::new(), "x".into()))
        }),
    ];
    for (name, edit) in fields {
        file.invalid(name, input(&with(edit)), "entry.field");
    }
    let types: [(&str, Edit); 4] = [
        ("a later version of a refusal", |m| {
            drop(m.insert("type".into(), "cosignet.refusal/v2".into()))
        }),
        ("a later version", |m| {
            drop(m.insert("type".into(), "cosignet.approval/v2".into()))
        }),
        ("another type with other members", |m| {
            m.clear();
            m.insert("type".into(), "cosignet.comment/v1".into());
            m.insert("reason".into(), "no".into());
        }),
        ("the type in another case", |m| {
            drop(m.insert("type".into(), "Cosignet.approval/v1".into()));
        }),
    ];
    for (name, edit) in types {
        file.invalid(name, input(&with(edit)), "entry.unknown_type");
    }
    let glass: [(&str, Edit); 2] = [
        ("the type of break-glass", |m| {
            drop(m.insert("type".into(), "cosignet.break-glass/v1".into()))
        }),
        ("the type of break-glass with other members", |m| {
            m.clear();
            m.insert("type".into(), "cosignet.break-glass/v1".into());
            m.insert("reason".into(), "no".into());
        }),
    ];
    for (name, edit) in glass {
        file.invalid(name, input(&with(edit)), "entry.break_glass");
    }
    file
}

fn input(text: &str) -> Value {
    json!({ "text": text })
}

fn good() -> Members {
    let (_, text) = Draft::sample(Algorithm::Es256).sign();
    serde_json::from_str(&text).unwrap()
}

fn with(edit: Edit) -> String {
    let mut members = good();
    edit(&mut members);
    canonical(&members)
}

/// A good entry of `length` bytes, filled up with authenticator data; the RP id takes the rest
/// that base64 cannot express.
/// RP ids and times at the edges of what may be, and beyond.
fn spellings() -> Vec<(&'static str, String, bool)> {
    let mut rows = Vec::new();
    let (long, longer) = ("a".repeat(63), "a".repeat(64));
    let labels = |count: usize| vec!["a"; count].join(".");
    for id in [
        "a",
        "a.b",
        "-a",
        "a-",
        "_a",
        "a_b.c",
        "127.0.0.1",
        "localhost",
        "xn--e1afmkfd",
        &long,
        &format!("{long}.b"),
        &labels(127),
        &format!("{long}.{long}.{long}.{}", &long[..61]),
    ] {
        rows.push(("rpId", id.to_owned(), true));
    }
    for id in [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "A.b",
        "a b",
        "a:1",
        "a/b",
        "[::1]",
        "\u{e9}.example",
        "a\n",
        &longer,
        &format!("a.{longer}"),
        &format!("{long}.{long}.{long}.{}", &long[..62]),
        &format!("{}aa", labels(127)),
    ] {
        rows.push(("rpId", id.to_owned(), false));
    }
    for time in [
        "1970-01-01T00:00:00.000Z",
        "2000-02-29T23:59:59.999Z",
        "2024-02-29T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
    ] {
        rows.push(("decidedAt", time.to_owned(), true));
    }
    for time in [
        "0000-01-01T00:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
        "2100-02-29T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z",
        "2026-04-31T00:00:00.000Z",
        "2026-01-01T23:60:00.000Z",
        "2026-01-01T00:00:00,000Z",
        "2026-1-01T00:00:00.0000Z",
        "2026-01-01T00:00:00.000z",
        "2026-01-01T00:00:00.000Z\n",
        "\u{ff12}026-01-01T00:00:00.00Z",
    ] {
        rows.push(("decidedAt", time.to_owned(), false));
    }
    rows
}

/// Of an entry of another type nothing is read but that it is canonical.
fn unknown_types(file: &mut File) {
    let text = |member: &str| format!("{{{member},\"type\":\"another/v1\"}}");
    let arrays = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for (name, member) in [
        ("63 levels in it", format!("\"a\":{}", arrays(63))),
        (
            "members in the order of UTF-16",
            "\"\u{1f600}\":1,\"\u{fb33}\":2".into(),
        ),
        ("null and booleans", "\"a\":[null,true,false]".into()),
        ("the largest integer", "\"a\":9007199254740992".into()),
        (
            "a control character in short",
            "\"a\":\"\\b\\t\\n\\f\\r\\u001f\"".into(),
        ),
    ] {
        // Where a member sorts behind `type`, it stands behind it.
        let text = match name {
            "members in the order of UTF-16" => {
                format!("{{\"type\":\"another/v1\",{member}}}")
            }
            _ => text(&member),
        };
        file.invalid(
            format!("another type, {name}"),
            input(&text),
            "entry.unknown_type",
        );
    }
    for (name, text) in [
        ("64 levels in it", text(&format!("\"a\":{}", arrays(64)))),
        (
            "members in the order of code points",
            "{\"type\":\"another/v1\",\"\u{fb33}\":2,\"\u{1f600}\":1}".into(),
        ),
        ("a number with an exponent", text("\"a\":1e+21")),
        ("a half", text("\"a\":0.5")),
        ("a number below zero", text("\"a\":-1")),
        ("a negative zero", text("\"a\":-0")),
        ("a number with a zero behind it", text("\"a\":1.0")),
        (
            "a number above the largest integer",
            text("\"a\":9007199254740993"),
        ),
        ("a control character in hex", text("\"a\":\"\\u000a\"")),
        ("an escape in capitals", text("\"a\":\"\\u001F\"")),
        ("a slash that is escaped", text("\"a\":\"\\/\"")),
        ("a letter that is escaped", text("\"a\":\"\\u0061\"")),
        ("a pair of surrogates", text("\"a\":\"\\ud83d\\ude00\"")),
    ] {
        file.invalid(
            format!("another type, {name}"),
            input(&text),
            "entry.not_canonical",
        );
    }
}

fn padded(length: usize) -> String {
    let mut members = good();
    let missing = length - canonical(&members).len();
    let mut data = from_b64url(&members["authenticatorData"]);
    data.resize(data.len() + missing / 4 * 3 - 3, 0);
    members.insert("authenticatorData".into(), b64url(&data));
    let missing = length - canonical(&members).len();
    members.insert("rpId".into(), "r".repeat(missing) + &members["rpId"]);
    let text = canonical(&members);
    assert_eq!(text.len(), length);
    text
}

fn not_canonical(text: &str) -> Vec<(&'static str, String)> {
    let inside = &text[1..text.len() - 1];
    let (first, rest) = inside.split_once(',').unwrap();
    vec![
        ("empty", String::new()),
        ("no JSON", "approval".into()),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a space in front", format!(" {text}")),
        ("a newline at the end", format!("{text}\n")),
        ("a space after a colon", text.replacen("\":\"", "\": \"", 1)),
        ("a space after a comma", text.replacen(',', ", ", 1)),
        ("indented", {
            let members: Value = serde_json::from_str(text).unwrap();
            serde_json::to_string_pretty(&members).unwrap()
        }),
        (
            "two members in the wrong order",
            format!("{{{rest},{first}}}"),
        ),
        ("a member twice", format!("{{{first},{inside}}}")),
        (
            "a member twice, once with an escape in its name",
            format!("{{\"\\u0061{}", &text.replacen("{\"a", "", 1)).replacen(
                '}',
                &format!(",{first}}}"),
                1,
            ),
        ),
        (
            "an escape that is not needed",
            text.replacen("approvals.", "\\u0061pprovals.", 1),
        ),
        (
            "an escaped slash",
            text.replacen("approval/v1", "approval\\/v1", 1),
        ),
        ("a trailing comma", format!("{{{inside},}}")),
        ("a second object", format!("{text}{text}")),
        ("a byte of zero at the end", format!("{text}\0")),
        ("the last brace missing", text[..text.len() - 1].into()),
        ("single quotes", text.replace('"', "'")),
        ("a comment", text.replacen('{', "{/**/", 1)),
    ]
}

/// Other ways to write the same bytes, which a strict reader refuses.
fn base64_spellings(good: &str) -> Vec<(&'static str, String)> {
    let bytes = from_b64url(good);
    let mut spellings = vec![
        ("with a space", format!("{} {}", &good[..4], &good[4..])),
        ("with a newline at the end", format!("{good}\n")),
        ("with padding it does not need", format!("{good}====")),
        (
            "with a character outside the alphabet",
            format!("*{}", &good[1..]),
        ),
    ];
    let standard = b64(&bytes);
    if standard.ends_with('=') {
        spellings.push((
            "with padding",
            good.to_owned() + standard.trim_start_matches(|c| c != '='),
        ));
        spellings.push(("with stray bits at the end", stray_bits(good)));
    }
    if good.contains(['-', '_']) {
        spellings.push((
            "in the other alphabet",
            good.replace('-', "+").replace('_', "/"),
        ));
    }
    spellings
}
