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

    // Approved texts that have no canonical form: only the same bytes will do.
    for (name, approved, same) in [
        ("1.0 and 1", r#"{"n":1.0}"#, r#"{"n":1}"#),
        ("1.0 twice, spaced", r#"{"n":1.0}"#, r#"{"n": 1.0}"#),
        ("1e2 and 100", r#"{"n":1e2}"#, r#"{"n":100}"#),
        ("-0 and 0", r#"{"n":-0}"#, r#"{"n":0}"#),
        (
            "2^53 + 1 and 2^53",
            r#"{"n":9007199254740993}"#,
            r#"{"n":9007199254740992}"#,
        ),
        (
            "2^53 + 1 twice, spaced",
            r#"{"n":9007199254740993}"#,
            r#"{"n": 9007199254740993}"#,
        ),
        ("1e400 twice, spaced", r#"{"n":1e400}"#, r#"{"n": 1e400}"#),
        (
            "a member twice in both, spaced",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1, "a":2}"#,
        ),
    ] {
        let approve = || {
            drafted(|d| {
                d.payload = approved.as_bytes().to_vec();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
            })
        };
        let exact = json!({"payload": b64url(approved.as_bytes())});
        file.verdict(
            format!("number forms: {name}: the same bytes"),
            and(approve(), exact),
            "VERIFIED",
            "ok",
        );
        let other = json!({"payload": b64url(same.as_bytes())});
        file.verdict(
            format!("number forms: {name}"),
            and(approve(), other),
            rejected,
            mismatch,
        );
    }
    file.verdict(
        "canonical numbers, spaced",
        and(
            drafted(|d| {
                d.payload = br#"{"n":[1,0.5,1e+21,-7]}"#.to_vec();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
            }),
            json!({"payload": b64url(br#"{ "n": [1, 0.5, 1e+21, -7] }"#)}),
        ),
        "VERIFIED",
        "ok",
    );
    file
}
