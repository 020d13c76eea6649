//! `bundle`: inputs that are MALFORMED, about which nothing can be said.

use serde_json::{Value, json};

use super::anchors::bundle_with_anchor;
use super::bundles::input_of;
use super::{File, sorted};
use crate::encoding::{b64url, stray_bits};

const NOT_JSON: &str = "bundle.not_json";
const SCHEMA: &str = "bundle.schema";
const BASE64: &str = "bundle.base64";

pub(super) fn malformed() -> File {
    let mut file = File::new(
        "bundle",
        "malformed",
        "inputs that are no bundle: no JSON, another schema, loose base64",
    );
    let (good, policy) = bundle_with_anchor();
    file.verdict(
        "nothing wrong",
        input_of(&sorted(&good), &policy),
        "VERIFIED",
        "ok",
    );
    for (name, text, code) in texts(&sorted(&good)) {
        file.verdict(name, input_of(&text, &policy), "MALFORMED", code);
    }
    for pointer in ["/type", "/entry", "/logProof"] {
        let mut bundle = good.clone();
        bundle.as_object_mut().unwrap().remove(&pointer[1..]);
        file.verdict(
            format!("without {pointer}"),
            input_of(&sorted(&bundle), &policy),
            "MALFORMED",
            SCHEMA,
        );
    }
    for pointer in [
        "",
        "/evidence",
        "/evidence/approver",
        "/anchor",
        "/anchor/header",
    ] {
        let mut bundle = good.clone();
        bundle.pointer_mut(pointer).unwrap()["more"] = json!("x");
        file.verdict(
            format!("an unknown member in {pointer:?}"),
            input_of(&sorted(&bundle), &policy),
            "MALFORMED",
            SCHEMA,
        );
    }
    for (pointer, value) in values() {
        let mut bundle = good.clone();
        let name = format!("{pointer} is {value}");
        *bundle.pointer_mut(pointer).unwrap() = value;
        file.verdict(
            name,
            input_of(&sorted(&bundle), &policy),
            "MALFORMED",
            SCHEMA,
        );
    }
    for pointer in [
        "/evidence/clientDataJSON",
        "/evidence/payload",
        "/evidence/approver/blind",
        "/evidence/approver/salt",
        "/anchor/ots",
        "/anchor/header/bytes",
    ] {
        let text = good.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let mut rows = vec![
            ("with a space", format!("{} {}", &text[..2], &text[2..])),
            ("with a newline", format!("{text}\n")),
            ("with padding", format!("{text}==")),
            ("in the other alphabet", format!("+/{}", &text[2..])),
            (
                "with a letter that is none",
                format!("\u{e9}{}", &text[1..]),
            ),
        ];
        if text.len() % 4 != 0 {
            rows.push(("with stray bits", stray_bits(&text)));
        }
        for (what, text) in rows {
            let mut bundle = good.clone();
            *bundle.pointer_mut(pointer).unwrap() = json!(text);
            file.verdict(
                format!("{pointer} {what}"),
                input_of(&sorted(&bundle), &policy),
                "MALFORMED",
                BASE64,
            );
        }
    }
    for bytes in [0, 31, 33] {
        for key in ["blind", "salt"] {
            let mut bundle = good.clone();
            bundle["evidence"]["approver"][key] = json!(b64url(&vec![7; bytes]));
            file.verdict(
                format!("a {key} of {bytes} bytes"),
                input_of(&sorted(&bundle), &policy),
                "MALFORMED",
                SCHEMA,
            );
        }
    }
    file
}

pub(super) fn too_large() -> File {
    let mut file = File::new(
        "bundle",
        "too_large",
        "inputs beyond the limits: 1 MiB for a bundle, 64 KiB for a timestamp proof",
    );
    let (good, policy) = bundle_with_anchor();
    let text = sorted(&good);
    let longer = format!("{text}{}", " ".repeat((1 << 20) + 1 - text.len()));
    file.verdict(
        "a bundle of one byte more than 1 MiB",
        input_of(&longer, &policy),
        "MALFORMED",
        "bundle.too_large",
    );
    let mut bundle = good;
    bundle["anchor"]["ots"] = json!(b64url(&vec![0; (64 << 10) + 1]));
    file.verdict(
        "a timestamp proof of one byte more than 64 KiB",
        input_of(&sorted(&bundle), &policy),
        "MALFORMED",
        "bundle.too_large",
    );
    file
}

fn texts(text: &str) -> Vec<(&'static str, String, &'static str)> {
    let inside = &text[1..text.len() - 1];
    let nested = |n: usize| format!("{{\"x\":{}{},{inside}}}", "[".repeat(n), "]".repeat(n));
    vec![
        ("empty", String::new(), NOT_JSON),
        ("white space", " \n".into(), NOT_JSON),
        (
            "an HTML page",
            "<!doctype html><title>502</title>".into(),
            NOT_JSON,
        ),
        ("a byte order mark", format!("\u{feff}{text}"), NOT_JSON),
        ("a brace missing", text[..text.len() - 1].into(), NOT_JSON),
        ("cut in the middle", text[..text.len() / 2].into(), NOT_JSON),
        ("two bundles", format!("{text}\n{text}"), NOT_JSON),
        ("a byte of zero at the end", format!("{text}\0"), NOT_JSON),
        ("a trailing comma", format!("{{{inside},}}"), NOT_JSON),
        ("a comment", format!("// bundle\n{text}"), NOT_JSON),
        ("single quotes", text.replace('"', "'"), NOT_JSON),
        (
            "a member twice",
            format!("{{\"entry\":\"x\",{inside}}}"),
            NOT_JSON,
        ),
        (
            "a member twice, the same",
            format!("{{\"type\":\"cosignet.bundle/v1\",{inside}}}"),
            NOT_JSON,
        ),
        (
            "a member twice, once behind an escape",
            format!("{{\"\\u0065ntry\":\"x\",{inside}}}"),
            NOT_JSON,
        ),
        (
            "a member twice further down",
            text.replacen("\"evidence\":{", "\"evidence\":{\"payload\":\"AA\",", 1),
            NOT_JSON,
        ),
        (
            "a lone surrogate",
            text.replacen("wire_transfer\"", "\\ud800\"", 1),
            NOT_JSON,
        ),
        (
            "a control character in a string",
            text.replacen("wire_transfer\"", "\u{1}\"", 1),
            NOT_JSON,
        ),
        (
            "a leading zero",
            text.replacen("900000", "0900000", 1),
            NOT_JSON,
        ),
        ("NaN", text.replacen("900000", "NaN", 1), NOT_JSON),
        ("65 levels of nesting and more", nested(100), NOT_JSON),
        (
            "twenty thousand levels of nesting",
            nested(20_000),
            NOT_JSON,
        ),
        ("brackets without end", "[".repeat(20_000), NOT_JSON),
        (
            "a few levels of nesting in an unknown member",
            nested(10),
            SCHEMA,
        ),
        ("null", "null".into(), SCHEMA),
        ("a string", "\"cosignet.bundle/v1\"".into(), SCHEMA),
        ("a number", "1".into(), SCHEMA),
        ("a bundle in an array", format!("[{text}]"), SCHEMA),
        ("an empty object", "{}".into(), SCHEMA),
        (
            "only a type",
            r#"{"type":"cosignet.bundle/v1"}"#.into(),
            SCHEMA,
        ),
        (
            "another kind of file",
            r#"{"name":"acme","log":"none"}"#.into(),
            SCHEMA,
        ),
        (
            "a member in capitals",
            text.replacen("\"entry\"", "\"Entry\"", 1),
            SCHEMA,
        ),
    ]
}

fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("/type", json!("cosignet.bundle/v2")),
        ("/type", json!("Cosignet.bundle/v1")),
        ("/type", json!("")),
        ("/type", json!(1)),
        ("/type", json!(null)),
        ("/entry", json!(null)),
        ("/entry", json!({"type": "cosignet.approval/v1"})),
        ("/entry", json!(["x"])),
        ("/logProof", json!(null)),
        ("/logProof", json!({})),
        ("/logProof", json!(7)),
        ("/evidence", json!(null)),
        ("/evidence", json!([])),
        ("/evidence", json!("AA")),
        ("/evidence/approvalId", json!(7)),
        ("/evidence/approvalId", json!("")),
        ("/evidence/approvalId", json!("x")),
        (
            "/evidence/approvalId",
            json!("8C0F6FE4-3F0E-4D9C-9F32-0A1B2C3D4E5F"),
        ),
        (
            "/evidence/approvalId",
            json!("{8c0f6fe4-3f0e-4d9c-9f32-0a1b2c3d4e5f}"),
        ),
        (
            "/evidence/approvalId",
            json!("8c0f6fe43f0e4d9c9f320a1b2c3d4e5f"),
        ),
        ("/evidence/clientDataJSON", json!({"type": "webauthn.get"})),
        ("/evidence/clientDataJSON", json!([1, 2])),
        ("/evidence/payload", json!({"amount": 1})),
        ("/evidence/payload", json!(null)),
        ("/evidence/action", json!(7)),
        ("/evidence/approver", json!("alice@example.com")),
        ("/evidence/approver", json!({"email": "alice@example.com"})),
        ("/evidence/approver/email", json!(false)),
        ("/anchor", json!("none")),
        ("/anchor/checkpoint", json!(7)),
        ("/anchor/logProof", json!([])),
        ("/anchor/consistency", json!("AA")),
        ("/anchor/consistency", json!([7])),
        ("/anchor/ots", json!(7)),
        ("/anchor/header", json!("AA")),
        ("/anchor/header/height", json!("900000")),
        ("/anchor/header/height", json!(-1)),
        ("/anchor/header/height", json!(0.5)),
    ]
}
