//! Every request and answer of these tests, held against the description of the interface.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::harness::Reply;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&gate::description()).unwrap());

/// What begins the paths of the gate; the log in it answers at others, and describes them itself.
const OWN: [&str; 5] = ["/api/", "/a/", "/session/", "/enrol", "/export"];

/// Panics if the description knows no such request or answer.
pub(crate) fn conform(method: &str, path: &str, body: Option<&[u8]>, reply: &Reply) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let context = format!("{method} {path} {}", reply.status);
    let operation = described(path).and_then(|known| known.get(method.to_lowercase()));
    let Some(operation) = operation else {
        let is_own = OWN.iter().any(|own| path.starts_with(own));
        assert!(
            !is_own || matches!(reply.status, 404 | 405),
            "{context} is not described"
        );
        return;
    };
    if reply.status < 400 {
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let schema = parameter(operation, "query", name);
            let schema = schema.unwrap_or_else(|| panic!("{context}: {name} is not described"));
            let number = value
                .parse()
                .map_or_else(|_| json!(value), |number: u64| json!(number));
            assert_eq!(complain(&schema["schema"], &number), None, "{context}");
        }
    }
    let answer = &operation["responses"][reply.status.to_string()];
    assert!(answer.is_object(), "{context} is not described: {reply:?}");
    if reply.text.is_empty() {
        assert_eq!(answer["content"], json!({}), "{context}");
        return;
    }
    let kind = reply.header("content-type");
    let content = &answer["content"][kind];
    assert!(content.is_object(), "{context}: {kind:?} in {answer}");
    if kind.ends_with("/json") || kind.ends_with("+json") {
        assert_eq!(
            complain(&content["schema"], &reply.json()),
            None,
            "{context}"
        );
    }
    let request = &operation["requestBody"]["content"]["application/json"]["schema"];
    if let (200 | 201, false, Some(body)) = (reply.status, request.is_null(), body) {
        let body = serde_json::from_slice(body).unwrap();
        assert_eq!(complain(request, &body), None, "{context}");
    }
}

/// Holds what a webhook got against the description of its event.
pub(crate) fn conform_event(event: &Value) {
    let hook = &DOCUMENT["webhooks"][event["type"].as_str().unwrap()]["post"];
    let schema = &hook["requestBody"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{event} is not described");
    assert_eq!(complain(schema, event), None, "{event}");
}

/// What an operation says of a part of the query or of a header.
fn parameter<'d>(operation: &'d Value, place: &str, name: &str) -> Option<&'d Value> {
    let mut all = operation["parameters"].as_array()?.iter();
    all.find(|one| one["in"] == place && one["name"] == name)
}

/// The operations at a real path.
fn described(path: &str) -> Option<&'static Value> {
    let fits = |pattern: &str| {
        let (pattern, path) = (pattern.split('/'), path.split('/'));
        pattern.clone().count() == path.clone().count()
            && pattern
                .zip(path)
                .all(|(wanted, found)| wanted == found || wanted.starts_with('{'))
    };
    let mut paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths
        .find(|(pattern, _)| fits(pattern))
        .map(|found| found.1)
}

/// The first fault of a value.
fn complain(schema: &Value, value: &Value) -> Option<String> {
    static KNOWN: Mutex<Option<HashMap<String, jsonschema::Validator>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = DOCUMENT["components"].clone();
        jsonschema::validator_for(&whole).unwrap()
    });
    let complaint = validator.validate(value).err()?;
    Some(format!("{complaint} at {}", complaint.instance_path()))
}

#[test]
fn the_description_notices_what_does_not_conform() {
    let create = &DOCUMENT["paths"]["/api/confirmations"]["post"]["requestBody"]["content"];
    let schema = &create["application/json"]["schema"];
    let good = json!({ "action": "payment.send", "payload": { "amount": "1" } });
    assert_eq!(complain(schema, &good), None);
    for (key, value) in [
        ("zebra", json!(1)),
        ("action", json!(7)),
        ("expiresIn", json!("soon")),
        ("username", json!(["ann"])),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(complain(schema, &bad).is_some(), "{key}");
    }
}

/// Clients that are made from the description can say what the gate asks for in headers.
#[test]
fn the_name_of_an_operation_is_described() {
    for (path, required) in [
        ("/api/confirmations", false),
        ("/api/confirmations/{id}/claim", true),
    ] {
        let operation = &DOCUMENT["paths"][path]["post"];
        let name = parameter(operation, "header", "Idempotency-Key").unwrap();
        assert_eq!(name["required"], required, "{path}");
        for (value, fits) in [
            ("payment 7", true),
            (&"x".repeat(255), true),
            (&"x".repeat(256), false),
            ("", false),
            ("\u{e9}", false),
        ] {
            assert_eq!(
                complain(&name["schema"], &json!(value)).is_none(),
                fits,
                "{value}"
            );
        }
    }
}
