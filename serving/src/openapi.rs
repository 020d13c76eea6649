//! A description of an HTTP interface, in OpenAPI 3.1, from tables.

pub mod schema;

use std::borrow::Cow;

use verifier_core::hazmat::json::Value;

use crate::answer::{NDJSON, TEXT};
use crate::problem::PROBLEM_TYPE;
use schema::{object, reference};

/// The contents of a request or an answer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content {
    /// `application/octet-stream`
    Bytes,
    /// JSON of the schema with this name, or the same bit by bit, as `text/event-stream`.
    Events(&'static str),
    /// A page.
    Html,
    /// JSON of the schema with this name.
    Json(&'static str),
    /// Lines of JSON.
    Ndjson,
    /// Nothing.
    Nothing,
    /// An error of RFC 9457; the schemas have to have a `Problem`.
    Problem,
    /// Plain text.
    Text,
}

/// An answer: its status, what it means, and what it carries.
pub type Response = (u16, &'static str, Content);

/// The answers that this floor itself gives at every address.
const FLOOR: [Response; 2] = [
    (
        400,
        "Not a request that has one meaning, such as one with two `Host`.",
        Content::Problem,
    ),
    (
        429,
        "Too many connections or requests of this client; see Retry-After.",
        Content::Problem,
    ),
];

/// The terms on which the interface may be used: those of the program.
const LICENCE: &str = env!("CARGO_PKG_LICENSE");

/// One method of one address.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "rows of tables")]
pub struct Operation {
    /// In lower case.
    pub method: &'static str,
    /// With parameters in braces, each a whole segment.
    pub path: &'static str,
    /// The name of the call in generated clients, in camelCase; no two are the same.
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The schema of the request, if it has a body.
    pub request: Option<&'static str>,
    /// What the query and the headers may say, beside what is in the path.
    pub parameters: &'static [Parameter],
    /// Whether it needs a token.
    pub token: bool,
    /// The answers, beside those that are given at every address.
    pub answers: &'static [Response],
}

/// Something that is said in the query or in a header.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "rows of tables")]
pub struct Parameter {
    /// Where it stands.
    pub place: Place,
    /// Its name there.
    pub name: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
    /// The form of its value.
    pub schema: fn() -> Value<'static>,
}

/// The place of a [`Parameter`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// A field of the header.
    Header,
    /// `?name=value`
    Query,
}

/// Something that the server itself sends, to addresses that its operator has named.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "rows of tables")]
pub struct Webhook {
    /// The event.
    pub name: &'static str,
    /// As of an [`Operation`].
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The schema of what is sent.
    pub body: &'static str,
}

/// The document: `title` and `version` of the interface, its operations, what it sends by itself, its
/// schemas by name, and the schemas of parameters that are more than any text.
pub fn document(
    title: &'static str,
    version: &'static str,
    operations: &[Operation],
    webhooks: &[Webhook],
    schemas: Value<'static>,
    parameter: impl Fn(&str) -> Option<Value<'static>>,
) -> String {
    let mut paths: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for operation in operations {
        match paths.iter_mut().find(|(path, _)| *path == operation.path) {
            Some((_, operations)) => operations.push(operation),
            None => paths.push((operation.path, vec![operation])),
        }
    }
    let paths = paths.into_iter().map(|(path, operations)| {
        let methods = operations
            .iter()
            .map(|one| (one.method, describe(one, &parameter)));
        (path, object(methods))
    });
    let paths = object(paths);
    let token = object([
        ("scheme", Value::from("bearer")),
        ("type", Value::from("http")),
    ]);
    let licence = object([
        ("identifier", Value::from(LICENCE)),
        ("name", Value::from(LICENCE)),
    ]);
    let info = [
        ("license", licence),
        ("title", Value::from(title)),
        ("version", Value::from(version)),
    ];
    let sent = object(webhooks.iter().map(|one| (one.name, send(one))));
    let sent = (!webhooks.is_empty()).then_some(("webhooks", sent));
    let members = [
        ("openapi", Value::from("3.1.0")),
        ("info", object(info)),
        // Where the description itself is.
        (
            "servers",
            Value::Array(vec![object([("url", Value::from("/"))])]),
        ),
        ("paths", paths),
        (
            "components",
            object([
                ("schemas", schemas),
                ("securitySchemes", object([("token", token)])),
            ]),
        ),
    ];
    object(members.into_iter().chain(sent)).to_text()
}

fn describe(
    operation: &Operation,
    parameter: impl Fn(&str) -> Option<Value<'static>>,
) -> Value<'static> {
    let in_path = operation.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(object([
            ("in", Value::from("path")),
            ("name", Value::from(name)),
            ("required", Value::from(true)),
            ("schema", parameter(name).unwrap_or_else(schema::string)),
        ]))
    });
    let elsewhere = operation.parameters.iter().map(|one| {
        let place = match one.place {
            Place::Header => "header",
            Place::Query => "query",
        };
        object([
            ("description", Value::from(one.meaning)),
            ("in", Value::from(place)),
            ("name", Value::from(one.name)),
            ("required", Value::from(one.required)),
            ("schema", (one.schema)()),
        ])
    });
    let parameters = in_path.chain(elsewhere);
    let described = |status: u16| operation.answers.iter().any(|answer| answer.0 == status);
    let floor = FLOOR.iter().filter(|answer| !described(answer.0));
    let answers = operation
        .answers
        .iter()
        .chain(floor)
        .map(|(status, meaning, content)| {
            let answer = object([
                ("content", media(*content)),
                ("description", Value::from(*meaning)),
            ]);
            (Cow::from(status.to_string()), answer)
        });
    let mut members = vec![
        ("operationId", Value::from(operation.id)),
        ("parameters", parameters.collect()),
        ("responses", Value::Object(answers.collect())),
        ("summary", Value::from(operation.summary)),
    ];
    if let Some(name) = operation.request {
        let body = [
            ("content", media(Content::Json(name))),
            ("required", Value::from(true)),
        ];
        members.push(("requestBody", object(body)));
    }
    let token = object([("token", Value::Array(Vec::new()))]);
    let needed = operation.token.then_some(token);
    members.push(("security", Value::Array(needed.into_iter().collect())));
    object(members)
}

fn send(webhook: &Webhook) -> Value<'static> {
    let answer = |meaning| object([("description", Value::from(meaning))]);
    let answers = [
        ("204", answer("It is taken. Every 2xx says so.")),
        ("410", answer("Nothing is wanted any more.")),
    ];
    let body = [
        ("content", media(Content::Json(webhook.body))),
        ("required", Value::from(true)),
    ];
    let post = object([
        ("operationId", Value::from(webhook.id)),
        ("requestBody", object(body)),
        ("responses", object(answers)),
        ("security", Value::Array(Vec::new())),
        ("summary", Value::from(webhook.summary)),
    ]);
    object([("post", post)])
}

fn media(content: Content) -> Value<'static> {
    let (kind, schema) = match content {
        Content::Bytes => ("application/octet-stream", schema::binary()),
        Content::Events(name) => {
            let kinds = [
                ("application/json", reference(name)),
                ("text/event-stream", schema::string()),
            ];
            return object(kinds.map(|(kind, schema)| (kind, object([("schema", schema)]))));
        }
        Content::Html => ("text/html; charset=utf-8", schema::string()),
        Content::Json(name) => ("application/json", reference(name)),
        Content::Nothing => return object([]),
        Content::Ndjson => (NDJSON, schema::string()),
        Content::Problem => (PROBLEM_TYPE, reference("Problem")),
        Content::Text => (TEXT, schema::string()),
    };
    object([(kind, object([("schema", schema)]))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_one_address_stand_together() {
        let operation = |method, id| Operation {
            method,
            path: "/things/{id}",
            id,
            summary: "A thing.",
            request: None,
            parameters: &[Parameter {
                place: Place::Query,
                name: "wait",
                meaning: "For how long.",
                required: false,
                schema: schema::integer,
            }],
            token: method == "put",
            answers: &[(200, "It.", Content::Json("Thing"))],
        };
        let operations = [operation("get", "getThing"), operation("put", "putThing")];
        let schemas = object([("Thing", schema::open(&["id"], |_| schema::string()))]);
        let webhooks = [Webhook {
            name: "thing.made",
            id: "thingMade",
            summary: "There is a thing.",
            body: "Thing",
        }];
        let text = document("things", "1", &operations, &webhooks, schemas, |_| None);
        let value = Value::parse(
            text.as_bytes(),
            verifier_core::hazmat::json::Limits::bytes(text.len()),
        );
        assert!(value.is_ok(), "{text}");
        assert_eq!(text.matches("/things/{id}").count(), 1);
        assert_eq!(text.matches(r#""security":[{"token":[]}]"#).count(), 1);
        // Said in so many words: whatever needs no token.
        assert_eq!(text.matches(r#""security":[]"#).count(), 2);
        // What is in the path is needed; the rest as the table says.
        let parameter = r#""in":"query","name":"wait","required":false"#;
        assert_eq!(text.matches(parameter).count(), 2);
        assert_eq!(
            text.matches(r#""in":"path","name":"id","required":true"#)
                .count(),
            2
        );
        // What is refused before an address is looked at.
        assert_eq!(text.matches(r#""429":{"#).count(), 2);
    }
}
