//! `bundle`: the caller's payload against the approved one.

use serde_json::json;

use super::File;
use super::bundles::{and, drafted, edited, input, remove, under};
use crate::approval::{ORIGIN, RP_ID};
use crate::encoding::{b64url, hex, sha256};
use crate::{Algorithm, Approval, Ceremony};

pub(super) fn payloads() -> File {
    let mut file = File::new(
        "bundle",
        "payloads",
        "the payload that the caller has, against the one that was approved",
    );
    let approval = Approval::sample(Algorithm::Es256);
    let given = |text: &str| {
        and(
            input(&approval),
            json!({"payload": b64url(text.as_bytes())}),
        )
    };
    let text = String::from_utf8(approval.payload.clone()).unwrap();
    let spaced = text.replace(',', ", \n ").replace(':', " : ");
    let reordered = {
        let inside = &text[1..text.len() - 1];
        let (first, rest) = inside.split_once(',').unwrap();
        format!("{{{rest},{first}}}")
    };
    let (rejected, mismatch) = ("REJECTED", "payload.mismatch");

    file.verdict("the same bytes", given(&text), "VERIFIED", "ok");
    file.verdict("with white space", given(&spaced), "VERIFIED", "ok");
    file.verdict(
        "with its keys in another order",
        given(&reordered),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "with escapes that mean the same",
        given(&text.replace("wire", "\\u0077ire")),
        "VERIFIED",
        "ok",
    );
    let without = || edited(|b| remove(b, "/evidence/payload"));
    file.verdict(
        "not in the bundle, the same bytes",
        and(without(), json!({"payload": b64url(text.as_bytes())})),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "not in the bundle, the same hash",
        and(
            without(),
            json!({"expectations": {"payloadSha256": hex(&sha256(text.as_bytes()))}}),
        ),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "neither in the bundle nor given",
        without(),
        "INCOMPLETE",
        "payload.missing",
    );
    file.verdict(
        "not in the bundle, and laid out otherwise",
        and(without(), json!({"payload": b64url(spaced.as_bytes())})),
        rejected,
        mismatch,
    );
    for (name, other) in [
        ("another amount", text.replace("1001.00", "1001.01")),
        (
            "an amount as a number",
            text.replace("\"1001.00\"", "1001.00"),
        ),
        ("a member more", text.replacen('{', "{\"a\":1,", 1)),
        ("a member less", text.replace(",\"currency\":\"EUR\"", "")),
        (
            "a member twice",
            text.replacen('{', "{\"amount\":\"9\",", 1),
        ),
        (
            "a member twice, the same",
            text.replacen('{', "{\"amount\":\"1001.00\",", 1),
        ),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a comma too many", text.replace('}', ",}")),
        (
            "white space inside a string",
            text.replace("Acme GmbH", "Acme  GmbH"),
        ),
        (
            "a letter that looks the same",
            text.replace("Acme", "\u{410}cme"),
        ),
        ("not JSON", "transfer it".into()),
        ("empty", String::new()),
    ] {
        file.verdict(name, given(&other), rejected, mismatch);
    }
    file.verdict(
        "another one, under a policy for hashes only",
        {
            let input = under(|p| p.payload = Some("hash-only".into()));
            and(input, json!({"payload": b64url(b"{}")}))
        },
        rejected,
        mismatch,
    );
    file.verdict(
        "another one in the bundle, the right one given",
        and(
            edited(|b| b["evidence"]["payload"] = json!(b64url(b"{}"))),
            json!({"payload": b64url(text.as_bytes())}),
        ),
        rejected,
        mismatch,
    );
    file.verdict(
        "another one in the bundle and given",
        and(
            edited(|b| b["evidence"]["payload"] = json!(b64url(b"{}"))),
            json!({"payload": b64url(b"{}")}),
        ),
        rejected,
        mismatch,
    );
    file.verdict(
        "laid out otherwise in the bundle",
        edited(|b| {
            b["evidence"]["payload"] = json!(b64url(spaced.as_bytes()));
        }),
        rejected,
        mismatch,
    );

    // A number is the text that it is written with.
    for (name, approved, given, same) in [
        ("1.0 and 1", "1.0", "1", false),
        ("1.0 twice", "1.0", "1.0", true),
        ("1e2 and 100", "1e2", "100", false),
        ("1e2 and 1E2", "1e2", "1E2", false),
        ("1e2 twice", "1e2", "1e2", true),
        ("0.1 and 0.10", "0.1", "0.10", false),
        ("19.99 twice", "19.99", "19.99", true),
        ("-0 and 0", "-0", "0", false),
        ("-0 twice", "-0", "-0", true),
        (
            "2^53 + 1 and 2^53",
            "9007199254740993",
            "9007199254740992",
            false,
        ),
        (
            "2^53 + 1 twice",
            "9007199254740993",
            "9007199254740993",
            true,
        ),
        ("1e400 twice", "1e400", "1e400", true),
        ("a number and the same as text", "1", "\"1\"", false),
    ] {
        let payload = |number: &str| format!("{{\"n\":{number}}}");
        let approve = || {
            drafted(|d| {
                d.payload = payload(approved).into_bytes();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
            })
        };
        let exact = json!({"payload": b64url(payload(approved).as_bytes())});
        file.verdict(
            format!("number forms: {name}: the same bytes"),
            and(approve(), exact),
            "VERIFIED",
            "ok",
        );
        let other = json!({"payload": b64url(payload(&format!(" {given} ")).as_bytes())});
        let (verdict, code) = match same {
            true => ("VERIFIED", "ok"),
            false => (rejected, mismatch),
        };
        let name = format!("number forms: {name}, spaced");
        file.verdict(name, and(approve(), other), verdict, code);
    }
    file.verdict(
        "a member twice in both, spaced",
        and(
            drafted(|d| {
                d.payload = br#"{"a":1,"a":2}"#.to_vec();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
            }),
            json!({"payload": b64url(br#"{"a":1, "a":2}"#)}),
        ),
        rejected,
        mismatch,
    );
    file
}
