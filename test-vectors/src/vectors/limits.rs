//! `bundle`: how deep, how many, how long, each to the last one that there may be.

use serde_json::{Value, json};

use super::bundles::{and, drafted, input, input_of};
use super::{File, sorted};
use crate::ceremony::{ED, UP, UV};
use crate::encoding::{b64url, sha256};
use crate::passkey::cose;
use crate::{Algorithm, Approval, Ceremony, Draft};

const OK: (&str, &str) = ("VERIFIED", "ok");
const MISMATCH: (&str, &str) = ("REJECTED", "payload.mismatch");
const CLIENT_DATA: (&str, &str) = ("REJECTED", "webauthn.client_data_form");

pub(super) fn limits() -> File {
    let mut file = File::new(
        "bundle",
        "limits",
        "levels, values, bytes and letters at the limits of the specification, and one beyond",
    );
    payloads(&mut file);
    client_data(&mut file);
    inputs(&mut file);
    confirmations(&mut file);
    addresses(&mut file);
    file
}

fn arrays(count: usize) -> String {
    "[".repeat(count) + &"]".repeat(count)
}

/// `payload` was approved, and the caller has `given`.
fn given(payload: &[u8], given: &[u8]) -> Value {
    let mut draft = Draft::sample(Algorithm::Es256);
    let ceremony = &mut draft.ceremony;
    *ceremony = Ceremony {
        sign_count: ceremony.sign_count,
        ..Ceremony::new(&ceremony.rp_id, &ceremony.origin, &[7; 32], payload)
    };
    draft.payload = payload.to_vec();
    and(input(&draft.mint()), json!({"payload": b64url(given)}))
}

fn payloads(file: &mut File) {
    for (levels, (verdict, code)) in [(64, OK), (65, MISMATCH)] {
        let text = arrays(levels);
        file.verdict(
            format!("a payload of {levels} levels, and a space"),
            given(text.as_bytes(), format!("{text} ").as_bytes()),
            verdict,
            code,
        );
        file.verdict(
            format!("a payload of {levels} levels, byte for byte"),
            given(text.as_bytes(), text.as_bytes()),
            OK.0,
            OK.1,
        );
    }
    // U+1F600 is D83D DE00 in UTF-16, and so before U+FB33; by code point it is behind.
    let (utf16, points) = (
        "{\"\u{1f600}\":1,\"\u{fb33}\":2}",
        "{\"\u{fb33}\":2,\"\u{1f600}\":1}",
    );
    file.verdict(
        "members that UTF-16 and code points sort differently",
        given(utf16.as_bytes(), points.as_bytes()),
        OK.0,
        OK.1,
    );
    file.verdict(
        "a member twice in both",
        given(b"{\"a\":1,\"a\":1}", b"{\"a\":1, \"a\":1}"),
        MISMATCH.0,
        MISMATCH.1,
    );
    for (name, escape) in [
        ("a low surrogate alone", "\\udc00"),
        ("a high surrogate alone", "\\ud800"),
        ("two high surrogates", "\\ud800\\ud800"),
        ("surrogates in the wrong order", "\\udc00\\ud800"),
    ] {
        let text = format!("[\"{escape}\"]");
        file.verdict(
            format!("a payload with {name}, and a space"),
            given(text.as_bytes(), format!("{text} ").as_bytes()),
            MISMATCH.0,
            MISMATCH.1,
        );
    }
    file.verdict(
        "a payload with a pair of surrogates, and its character",
        given(b"[\"\\ud83d\\ude00\"]", "[\"\u{1f600}\"]".as_bytes()),
        OK.0,
        OK.1,
    );
}

fn client_data(file: &mut File) {
    let extra = |member: String| drafted(|draft| draft.ceremony.extra = vec![member]);
    for (levels, (verdict, code)) in [(64, OK), (65, CLIENT_DATA)] {
        file.verdict(
            format!("client data of {levels} levels"),
            extra(format!("\"x\":{}", arrays(levels - 1))),
            verdict,
            code,
        );
    }
    let bare = Draft::sample(Algorithm::Es256).ceremony.client_data_json();
    let padding = |bytes: usize| bytes - bare.len() - ",\"x\":\"\"".len();
    for (bytes, (verdict, code)) in [(65_536, OK), (65_537, CLIENT_DATA)] {
        file.verdict(
            format!("client data of {bytes} bytes"),
            extra(format!("\"x\":\"{}\"", "x".repeat(padding(bytes)))),
            verdict,
            code,
        );
    }
    for (name, member) in [
        ("a low surrogate alone", "\"x\":\"\\udc00\""),
        ("a member twice", "\"origin\":\"https://approvals.example\""),
    ] {
        file.verdict(
            format!("client data with {name}"),
            extra(member.into()),
            CLIENT_DATA.0,
            CLIENT_DATA.1,
        );
    }
}

/// Confirmations may have further members, so they can be as deep and have as many values as JSON
/// may here.
fn inputs(file: &mut File) {
    let policy = Approval::sample(Algorithm::Es256).policy;
    let rejected = ("REJECTED", "expectation.status");
    let malformed = ("MALFORMED", "bundle.not_json");
    let mut row = |name: String, more: String, (verdict, code): (&str, &str)| {
        let text = format!("{{\"status\":\"rejected\",\"more\":{more}}}");
        file.verdict(name, input_of(&text, &policy), verdict, code);
    };
    for (levels, outcome) in [(64, rejected), (65, malformed)] {
        row(
            format!("an input of {levels} levels"),
            arrays(levels - 1),
            outcome,
        );
    }
    // The document, its two members, and the rest.
    for (values, outcome) in [(65_536, rejected), (65_537, malformed)] {
        let items = vec!["0"; values - 3].join(",");
        row(
            format!("an input of {values} values"),
            format!("[{items}]"),
            outcome,
        );
    }
}

/// A confirmation whose authenticator data have this many bytes.
fn confirmed(bytes: usize, with_id: bool) -> Value {
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.ceremony.flags = UP | UV | ED;
    // Head and key of the map, and the head of the byte string.
    let fill = bytes - 37 - 6;
    draft.ceremony.tail = [&[0xa1][..], &cose::text("a"), &cose::bytes(&vec![0; fill])].concat();
    assert_eq!(draft.ceremony.authenticator_data().len(), bytes);
    let mut approval = draft.mint();
    approval.policy.log = None;
    if !with_id {
        approval.policy.approvers[0].credential_id = None;
    }
    and(
        input_of(&sorted(&approval.confirmation()), &approval.policy),
        json!({"payload": b64url(&approval.payload)}),
    )
}

fn confirmations(file: &mut File) {
    let unknown = ("INCOMPLETE", "approver.unknown_key");
    for (bytes, with_id, (verdict, code)) in [
        (8192, false, OK),
        (8193, false, unknown),
        (8192, true, OK),
        (8193, true, OK),
    ] {
        let id = if with_id { "with" } else { "without" };
        file.verdict(
            format!("a confirmation of {bytes} bytes of authenticator data, a key {id} its id"),
            confirmed(bytes, with_id),
            verdict,
            code,
        );
    }
}

/// Of an address ASCII white space at its ends and ASCII capitals do not matter; all else does.
fn addresses(file: &mut File) {
    let mismatch = ("REJECTED", "evidence.approver_mismatch");
    for (name, email, (verdict, code)) in [
        (
            "in capitals, with white space",
            "\t\u{c}\r\n ALICE@Example.COM \n",
            OK,
        ),
        ("with a vertical tab", "\u{b}alice@example.com", mismatch),
        ("with a no-break space", "alice@example.com\u{a0}", mismatch),
        (
            "with a full-width letter",
            "\u{ff21}lice@example.com",
            mismatch,
        ),
    ] {
        let mut draft = Draft::sample(Algorithm::Es256);
        draft.reveal_email = true;
        let mut approval = draft.mint();
        let evidence = approval.bundle.evidence.as_mut().unwrap();
        evidence.approver.as_mut().unwrap().email = Some(email.into());
        file.verdict(
            format!("the approver's address {name}"),
            input(&approval),
            verdict,
            code,
        );
    }
    let mut other = Draft::sample(Algorithm::Es256);
    other.ceremony.top_origin = Some("https://top.example".into());
    other.ceremony.cross_origin = None;
    other.edit_policy = |policy| policy.top_origins = Some(vec!["https://top.example".into()]);
    file.verdict(
        "a listed top origin and no crossOrigin",
        input(&other.mint()),
        "REJECTED",
        "webauthn.cross_origin",
    );
    // Anybody can write a salt of the right length that opens nothing.
    let mut approval = Approval::sample(Algorithm::Es256);
    let evidence = approval.bundle.evidence.as_mut().unwrap();
    evidence.approver.as_mut().unwrap().salt = sha256(b"another salt");
    file.verdict(
        "another salt, and no address to open anything",
        input(&approval),
        OK.0,
        OK.1,
    );
}
