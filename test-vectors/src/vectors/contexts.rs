//! `context`: the form of a context.

use serde_json::{Value, json};

use super::{File, sorted};
use crate::{Context, reading};

pub(super) fn form() -> File {
    let mut file = File::new(
        "context",
        "form",
        "the context is canonical JSON with these members, each of its one form",
    );
    let good = Context::numbered(1);
    let mut put = |name: &str, text: String, holds: bool| {
        assert_eq!(reading::is_context(&text), holds, "{name}");
        let input = json!({ "text": text });
        match holds {
            true => file.valid(name, input),
            false => file.invalid(name, input, "context.form"),
        }
    };
    put("with every member", good.text(), true);
    put(
        "with empty labels",
        {
            let mut context = good.clone();
            context.action = String::new();
            context.audience = String::new();
            context.requester = String::new();
            context.rule = String::new();
            context.text()
        },
        true,
    );
    put(
        "with a line break in a label",
        {
            let mut context = good.clone();
            context.requester = "agent\n7".into();
            context.text()
        },
        true,
    );
    put(
        "with letters of other scripts",
        {
            let mut context = good.clone();
            context.requester = "\u{6f22}\u{1f600}".into();
            context.text()
        },
        true,
    );
    let sized = |bytes: usize| {
        let mut context = good.clone();
        context.requester = "r".repeat(bytes - good.text().len() + good.requester.len());
        context.text()
    };
    put("4,096 bytes", sized(4096), true);
    put("4,097 bytes", sized(4097), false);

    let changed = |pointer: &str, value: Value| {
        let mut context = good.value();
        *context.pointer_mut(pointer).unwrap() = value;
        sorted(&context)
    };
    for pointer in [
        "/action",
        "/audience",
        "/expiresAt",
        "/requestId",
        "/requester",
        "/rule",
        "/rule/name",
        "/rule/sha256",
        "/type",
    ] {
        let mut context = good.value();
        super::bundles::remove(&mut context, pointer);
        put(&format!("without {pointer}"), sorted(&context), false);
        put(
            &format!("{pointer} is null"),
            changed(pointer, Value::Null),
            false,
        );
        put(
            &format!("{pointer} is a number"),
            changed(pointer, json!(1)),
            false,
        );
    }
    for (pointer, value) in [
        ("/expiresAt", json!("2026-03-01T13:00:00Z")),
        ("/expiresAt", json!("2026-02-29T13:00:00.000Z")),
        ("/requestId", json!(good.request_id.to_uppercase())),
        ("/requestId", json!(good.request_id.replace('-', ""))),
        ("/requestId", json!("")),
        ("/rule", json!("payments")),
        ("/rule", json!([])),
        ("/rule/sha256", json!(good.rule_sha256.to_uppercase())),
        ("/rule/sha256", json!(good.rule_sha256[..62])),
        ("/rule/sha256", json!(format!("{}00", good.rule_sha256))),
        ("/type", json!("cosignet.context/v2")),
        ("/type", json!("")),
    ] {
        put(
            &format!("{pointer} is {value}"),
            changed(pointer, value),
            false,
        );
    }
    for pointer in ["", "/rule"] {
        let mut context = good.value();
        context.pointer_mut(pointer).unwrap()["more"] = json!("x");
        put(
            &format!("a member more in {pointer:?}"),
            sorted(&context),
            false,
        );
    }
    let text = good.text();
    for (name, text) in [
        ("empty", String::new()),
        ("no JSON", "context".into()),
        ("an array", "[]".into()),
        ("a newline behind it", format!("{text}\n")),
        ("a space in it", text.replacen(':', ": ", 1)),
        ("a byte order mark", format!("\u{feff}{text}")),
        (
            "an escape that is not needed",
            text.replace("agent", "\\u0061gent"),
        ),
        ("an escaped slash", text.replace("agent-7", "agent\\/7")),
        (
            "a member twice",
            text.replacen('{', "{\"action\":\"wire_transfer\",", 1),
        ),
        ("members in another order", {
            let rest = text.strip_prefix("{\"action\":\"wire_transfer\",").unwrap();
            rest.replace("/v1\"}", "/v1\",\"action\":\"wire_transfer\"}")
        }),
    ] {
        put(name, text, false);
    }
    file
}
