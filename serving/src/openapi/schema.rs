//! JSON Schemas, as far as descriptions here need them. All of them are objects: generators of
//! clients do not read `true`.

use std::borrow::Cow;

use verifier_core::hazmat::json::Value;

/// The form of base64url without padding.
pub const BASE64URL: &str = "^[A-Za-z0-9_-]*$";
/// The form of 32 bytes in lower-case hex.
pub const HEX_32: &str = "^[0-9a-f]{64}$";
/// The form of a lower-case UUID.
pub const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
/// The form of a time of 24 characters.
pub const TIME: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$";

/// A JSON object.
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Value<'a> {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(key, value)| (Cow::from(key), value))
            .collect(),
    )
}

/// An object with these members and no others.
pub fn closed(
    members: &[&'static str],
    required: &[&'static str],
    schema: impl Fn(&str) -> Value<'static>,
) -> Value<'static> {
    let properties = members.iter().map(|name| (*name, schema(name)));
    object([
        ("additionalProperties", Value::from(false)),
        ("properties", object(properties)),
        (
            "required",
            required.iter().map(|name| Value::from(*name)).collect(),
        ),
        ("type", Value::from("object")),
    ])
}

/// An object with at least these members.
pub fn open(required: &[&'static str], schema: impl Fn(&str) -> Value<'static>) -> Value<'static> {
    open_with(required, &[], schema)
}

/// An object with at least these members, and with others that may be missing.
pub fn open_with(
    required: &[&'static str],
    optional: &[&'static str],
    schema: impl Fn(&str) -> Value<'static>,
) -> Value<'static> {
    let all = required.iter().chain(optional);
    let properties = all.map(|name| (*name, schema(name)));
    object([
        ("properties", object(properties)),
        (
            "required",
            required.iter().map(|name| Value::from(*name)).collect(),
        ),
        ("type", Value::from("object")),
    ])
}

/// Any object.
pub fn any_object() -> Value<'static> {
    object([("type", Value::from("object"))])
}

/// An array of these.
pub fn array(items: Value<'static>) -> Value<'static> {
    object([("items", items), ("type", Value::from("array"))])
}

/// The schema with this name.
pub fn reference(name: &str) -> Value<'static> {
    object([("$ref", format!("#/components/schemas/{name}").into())])
}

/// One of these texts.
pub fn one_of(texts: &[&'static str]) -> Value<'static> {
    let texts = texts.iter().map(|text| Value::from(*text)).collect();
    object([("enum", texts), ("type", Value::from("string"))])
}

/// A text of this form.
pub fn text(pattern: &'static str) -> Value<'static> {
    object([
        ("pattern", Value::from(pattern)),
        ("type", Value::from("string")),
    ])
}

/// A text of this form, or nothing.
pub fn text_or_null(pattern: &'static str) -> Value<'static> {
    let kinds = ["string", "null"].map(Value::from);
    object([
        ("pattern", Value::from(pattern)),
        ("type", kinds.into_iter().collect()),
    ])
}

/// Any text.
pub fn string() -> Value<'static> {
    object([("type", Value::from("string"))])
}

/// Bytes that are no text.
pub fn binary() -> Value<'static> {
    object([
        ("format", Value::from("binary")),
        ("type", Value::from("string")),
    ])
}

/// `true` or `false`.
pub fn boolean() -> Value<'static> {
    object([("type", Value::from("boolean"))])
}

/// An integer that is not negative.
pub fn integer() -> Value<'static> {
    object([
        ("minimum", Value::from(0_u64)),
        ("type", Value::from("integer")),
    ])
}

/// An integer between these, or one of them.
pub fn integer_between(least: u64, most: u64) -> Value<'static> {
    object([
        ("maximum", Value::from(most)),
        ("minimum", Value::from(least)),
        ("type", Value::from("integer")),
    ])
}

/// The JSON of [`crate::Problem`].
pub fn problem() -> Value<'static> {
    closed(
        &[
            "code",
            "detail",
            "expected",
            "found",
            "status",
            "successor",
            "title",
        ],
        &["code", "detail", "status", "title"],
        |name| match name {
            "status" => integer(),
            _ => string(),
        },
    )
}
