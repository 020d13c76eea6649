//! Every request and answer of these tests, held against `/openapi.json`.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Log, Reply};

/// The description of the server under test; all of them have the same.
fn document(client: &Client) -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let url = format!("{}/openapi.json", client.url);
        // The first answer that is looked at may be one of a server that is about to be killed.
        let read = || client.agent.get(&url).call()?.body_mut().read_to_vec();
        let begun = Instant::now();
        let bytes = loop {
            match read() {
                Err(_) if begun.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                done => break done.unwrap(),
            }
        };
        serde_json::from_slice(&bytes).unwrap()
    })
}

/// The first fault of a value.
fn complain(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    static KNOWN: Mutex<Option<HashMap<String, jsonschema::Validator>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap();
    let known = known.get_or_insert_default();
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        jsonschema::validator_for(&whole).unwrap()
    });
    let complaint = validator.validate(value).err()?;
    Some(format!("{complaint} at {}", complaint.instance_path()))
}

/// The path of the description that a real one is of.
fn described<'d>(paths: &'d Value, path: &str) -> Option<&'d Value> {
    let paths = paths.as_object().unwrap();
    let fits = |pattern: &str| {
        let (mut pattern, mut path) = (pattern.split('/').peekable(), path.split('/').peekable());
        loop {
            match (pattern.next(), path.next()) {
                (None, None) => return true,
                // Tiles have numbers of several segments.
                (Some("{tile}"), Some(_)) => return true,
                (Some(wanted), Some(found)) if wanted == found || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    paths.iter().find(|(pattern, _)| fits(pattern)).map(|p| p.1)
}

/// Panics if the description knows no such request or answer.
pub(crate) fn conform(client: &Client, method: &str, path: &str, body: &[u8], reply: &Reply) {
    let document = document(client);
    let operation = described(&document["paths"], path)
        .and_then(|operations| operations.get(method.to_lowercase()));
    let Some(operation) = operation else {
        assert!(matches!(reply.status, 404 | 405), "{method} {path}");
        return;
    };
    let answer = &operation["responses"][reply.status.to_string()];
    let context = format!("{method} {path} {}", reply.status);
    assert!(answer.is_object(), "{context} is not described");
    let content = &answer["content"][&reply.kind];
    assert!(content.is_object(), "{context}: {}", reply.kind);
    if reply.kind.ends_with("json") {
        let value = serde_json::from_slice(&reply.bytes).unwrap();
        let complaint = complain(document, &content["schema"], &value);
        assert_eq!(complaint, None, "{context}");
    }
    let request = &operation["requestBody"]["content"]["application/json"]["schema"];
    if matches!(reply.status, 200 | 201) && !request.is_null() {
        let value = serde_json::from_slice(body).unwrap();
        assert_eq!(complain(document, request, &value), None, "{context}");
    }
    if matches!(reply.status, 429 | 503) {
        assert!(reply.retry_after.parse::<u32>().is_ok(), "{context}");
    }
}

#[test]
fn the_description_is_one_and_notices_what_does_not_conform() {
    let log = Log::new();
    let server = log.serve();
    let document = server.client.get("/openapi.json").json();
    assert_eq!(document["openapi"], json!("3.1.0"));
    let append = &document["paths"]["/v1/entries"]["post"]["requestBody"]["content"];
    let schema = &append["application/json"]["schema"];
    let good = crate::harness::Approval::new(1).body;
    assert_eq!(complain(&document, schema, &good), None);
    for (key, value) in [
        ("zebra", json!(1)),
        ("approvalId", json!("x")),
        ("payloadHash", json!(7)),
        ("disclosure", json!("secret")),
        ("assertion", json!({})),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(complain(&document, schema, &bad).is_some(), "{key}");
    }
}
