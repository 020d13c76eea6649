//! The form of the client data.

use super::{File, ORIGIN, Scene, scene};
use crate::Algorithm;

/// Client data that are signed as they are, and not what a browser writes.
pub(super) fn rows(file: &mut File) {
    let good = Scene::new(Algorithm::Es256).ceremony.client_data_json();
    let good = String::from_utf8(good).unwrap();
    let challenge = Scene::new(Algorithm::Es256).ceremony.challenge;
    let raw = |bytes: Vec<u8>| scene(|s| s.ceremony.client_data_json = Some(bytes));
    let text = |text: String| raw(text.into_bytes());
    let and = |extra: &str| text(good.replacen('}', &format!(",{extra}}}"), 1));
    let deep = |n: usize| format!("\"deep\":{}{}", "[".repeat(n), "]".repeat(n));

    for (name, input) in [
        (
            "unknown members",
            and(r#""other_keys_can_be_added_here":"do not compare","n":[1,{}]"#),
        ),
        (
            "crossOrigin left out",
            scene(|s| s.ceremony.cross_origin = None),
        ),
        (
            "tokenBinding, which is obsolete",
            and(r#""tokenBinding":{"status":"supported"}"#),
        ),
        (
            "white space between the tokens",
            text(good.replace(',', ",\n  ")),
        ),
        (
            "members in another order",
            text(format!(
                r#"{{"origin":"{ORIGIN}","challenge":"{challenge}","type":"webauthn.get"}}"#
            )),
        ),
        (
            "escapes that mean the same",
            text(good.replace("https://", "https:\\/\\u002f")),
        ),
        (
            "the name of a member inside a string",
            and(r#""x":"\"challenge\":\"AAAA\"""#),
        ),
        (
            "a member of the same name further down",
            and(r#""x":{"origin":"https://evil.example"}"#),
        ),
    ] {
        file.valid(format!("client data: {name}"), input);
    }
    let rows = vec![
        ("empty", raw(vec![])),
        ("no JSON", text("client data".into())),
        ("an array", text(format!("[{good}]"))),
        ("a byte order mark", text(format!("\u{feff}{good}"))),
        ("a brace missing", text(good.trim_end_matches('}').into())),
        ("something behind it", text(format!("{good}{{}}"))),
        ("a byte of zero behind it", text(format!("{good}\0"))),
        ("single quotes", text(good.replace('"', "'"))),
        ("a comment", text(format!("{good}// that is all"))),
        ("a trailing comma", text(good.replace('}', ",}"))),
        (
            "not UTF-8",
            raw([good.replacen('}', ",\"x\":\"", 1).as_bytes(), b"\xff\"}"].concat()),
        ),
        (
            "an overlong encoding",
            raw([
                good.replacen('}', ",\"x\":\"", 1).as_bytes(),
                b"\xc0\xaf\"}",
            ]
            .concat()),
        ),
        (
            "UTF-16",
            raw(good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ),
        ("a lone surrogate", and(r#""x":"\ud800""#)),
        ("a control character in a string", and("\"x\":\"\u{1}\"")),
        (
            "the challenge twice, the same",
            and(&format!(r#""challenge":"{challenge}""#)),
        ),
        (
            "the challenge twice, the wrong one first",
            text(good.replacen("\"challenge\"", "\"challenge\":\"AAAA\",\"challenge\"", 1)),
        ),
        (
            "the challenge twice, the wrong one last",
            and(r#""challenge":"AAAA""#),
        ),
        (
            "the challenge twice, once behind an escape",
            and(r#""\u0063hallenge":"AAAA""#),
        ),
        (
            "the origin twice",
            and(r#""origin":"https://evil.example""#),
        ),
        ("the type twice", and(r#""type":"webauthn.create""#)),
        ("crossOrigin twice", and(r#""crossOrigin":true"#)),
        ("an unknown member twice", and(r#""x":1,"x":2"#)),
        ("a member twice further down", and(r#""x":{"y":1,"y":2}"#)),
        (
            "without the type",
            text(good.replace("\"type\":\"webauthn.get\",", "")),
        ),
        (
            "without the challenge",
            text(good.replace(&format!("\"challenge\":\"{challenge}\","), "")),
        ),
        (
            "without the origin",
            text(good.replace(&format!("\"origin\":\"{ORIGIN}\","), "")),
        ),
        (
            "the type is a number",
            text(good.replace("\"webauthn.get\"", "1")),
        ),
        (
            "the type in an array",
            text(good.replace("\"webauthn.get\"", "[\"webauthn.get\"]")),
        ),
        (
            "the challenge is null",
            text(good.replace(&format!("\"{challenge}\""), "null")),
        ),
        (
            "the origin in an array",
            text(good.replace(&format!("\"{ORIGIN}\""), &format!("[\"{ORIGIN}\"]"))),
        ),
        (
            "crossOrigin is text",
            text(good.replace("false", "\"false\"")),
        ),
        ("crossOrigin is null", text(good.replace("false", "null"))),
        ("crossOrigin is a number", text(good.replace("false", "0"))),
        ("topOrigin is a boolean", and(r#""topOrigin":false"#)),
        ("twenty thousand brackets", and(&deep(20_000))),
    ];
    for (name, input) in rows {
        file.invalid(
            format!("client data: {name}"),
            input,
            "webauthn.client_data_form",
        );
    }
}
