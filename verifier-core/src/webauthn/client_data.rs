//! The clientDataJSON that a browser writes (Level 3 §5.8.1).
//!
//! ```text
//! {"type":"webauthn.get","challenge":"<base64url>","origin":"https://example.org",
//!  "crossOrigin":false,"topOrigin":"https://example.com", …}
//! ```
//!
//! The passkey signs the hash of these bytes and never reads them. Browsers may add members, so
//! unknown ones are ignored; `tokenBinding`, which Level 3 has withdrawn, is one of them.

use alloc::borrow::ToOwned as _;
use alloc::string::String;

use crate::code::Code;
use crate::failure::Failure;
use crate::json;

/// A well-formed clientDataJSON. Nothing in it has been compared with anything yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientData {
    ceremony: String,
    challenge: String,
    origin: String,
    cross_origin: Option<bool>,
    top_origin: Option<String>,
}

impl ClientData {
    /// The longest clientDataJSON that is read, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads a clientDataJSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let value = json::Value::parse(bytes, json::Limits::bytes(Self::MAX_BYTES))?;
        let object = value.as_object().ok_or(Error::NotAnObject {
            found: value.kind(),
        })?;
        Ok(Self {
            ceremony: required(object, "type")?,
            challenge: required(object, "challenge")?,
            origin: required(object, "origin")?,
            cross_origin: match object.get("crossOrigin") {
                None => None,
                Some(json::Value::Bool(value)) => Some(*value),
                Some(other) => {
                    return Err(Error::MemberKind {
                        member: "crossOrigin",
                        expected: "a boolean",
                        found: other.kind(),
                    });
                }
            },
            top_origin: string(object, "topOrigin")?,
        })
    }

    /// The member `type`: `webauthn.get` for an assertion.
    pub fn ceremony(&self) -> &str {
        &self.ceremony
    }

    /// The challenge as the browser encoded it.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// The origin of the page that asked. Not always a URL: native apps have origins of their own.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the page was in a frame of another origin; `None` where the browser does not say.
    pub fn cross_origin(&self) -> Option<bool> {
        self.cross_origin
    }

    /// The origin of the page around that frame.
    pub fn top_origin(&self) -> Option<&str> {
        self.top_origin.as_deref()
    }
}

/// Why bytes are not what a browser writes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not strict JSON.
    #[error("the clientDataJSON is not strict JSON: {0}")]
    Json(#[from] json::Error),
    /// A member of the wrong kind.
    #[error("{member} in the clientDataJSON is {found} instead of {expected}")]
    MemberKind {
        /// Its key.
        member: &'static str,
        /// The right kind.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// A member that every browser writes, missing.
    #[error("the clientDataJSON has no {member}")]
    Missing {
        /// Its key.
        member: &'static str,
    },
    /// Not an object.
    #[error("the clientDataJSON is {found} instead of an object")]
    NotAnObject {
        /// The value that is there.
        found: &'static str,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::WebauthnClientDataForm
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Json(_) => None,
            Self::MemberKind { expected, .. } => Some((*expected).into()),
            Self::Missing { member } => Some((*member).into()),
            Self::NotAnObject { .. } => Some("an object".into()),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::MemberKind { found, .. } | Self::NotAnObject { found } => Some((*found).into()),
            Self::Json(_) | Self::Missing { .. } => None,
        }
    }
}

fn required(object: &json::Object<'_>, member: &'static str) -> Result<String, Error> {
    string(object, member)?.ok_or(Error::Missing { member })
}

fn string(object: &json::Object<'_>, member: &'static str) -> Result<Option<String>, Error> {
    match object.get(member) {
        None => Ok(None),
        Some(json::Value::String(text)) => Ok(Some(text.as_ref().to_owned())),
        Some(other) => Err(Error::MemberKind {
            member,
            expected: "a string",
            found: other.kind(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::json::ErrorKind;

    const REST: &str = r#""origin":"https://example.org","crossOrigin":false}"#;

    fn parse(text: &str) -> Result<ClientData, Error> {
        ClientData::parse(text.as_bytes())
    }

    fn json_error(text: &str) -> ErrorKind {
        match parse(text) {
            Err(Error::Json(error)) => error.kind,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn reads_what_browsers_write() {
        let data = parse(concat!(
            r#"{"type":"webauthn.get","challenge":"AQ","origin":"https://example.org","#,
            r#""crossOrigin":true,"topOrigin":"https://example.com","#,
            r#""other_keys_can_be_added_here":"do not compare against a template","#,
            r#""tokenBinding":{"status":"supported"}}"#,
        ))
        .unwrap();
        assert_eq!(data.ceremony(), "webauthn.get");
        assert_eq!(data.challenge(), "AQ");
        assert_eq!(data.origin(), "https://example.org");
        assert_eq!(data.cross_origin(), Some(true));
        assert_eq!(data.top_origin(), Some("https://example.com"));

        // Older clients write no crossOrigin, and in another order.
        let data = parse(r#"{"origin":"o","challenge":"c","type":"t"}"#).unwrap();
        assert_eq!(data.cross_origin(), None);
        assert_eq!(data.top_origin(), None);
    }

    #[test]
    fn members_are_not_looked_for_inside_of_others() {
        let data = parse(concat!(
            r#"{"type":"webauthn.get","extra":{"challenge":"evil","origin":"evil"},"#,
            r#""text":"\"challenge\":\"evil\",","challenge":"good","origin":"o"}"#,
        ))
        .unwrap();
        assert_eq!(data.challenge(), "good");
        let nested = r#"{"type":"webauthn.get","x":{"challenge":"evil"},"origin":"o"}"#;
        let missing = Error::Missing {
            member: "challenge",
        };
        assert_eq!(parse(nested), Err(missing));
    }

    #[test]
    fn refuses_a_member_twice() {
        for text in [
            format!(r#"{{"type":"webauthn.get","challenge":"a","challenge":"b",{REST}"#),
            format!(r#"{{"type":"webauthn.get","challenge":"a","\u0063hallenge":"b",{REST}"#),
            format!(r#"{{"type":"webauthn.get","type":"x","challenge":"a",{REST}"#),
            format!(r#"{{"type":"webauthn.get","challenge":"a","origin":"x",{REST}"#),
            format!(r#"{{"type":"t","challenge":"a","crossOrigin":true,{REST}"#),
        ] {
            assert!(matches!(json_error(&text), ErrorKind::DuplicateKey(_)));
        }
    }

    #[test]
    fn refuses_members_missing_or_of_the_wrong_kind() {
        let whole =
            r#"{"challenge":"c","crossOrigin":false,"origin":"o","topOrigin":"p","type":"t"}"#;
        assert!(parse(whole).is_ok());
        for member in ["type", "challenge", "origin"] {
            let renamed = whole.replace(&format!("\"{member}\""), "\"renamed\"");
            assert_eq!(parse(&renamed), Err(Error::Missing { member }));
        }
        for (from, to, member, expected, found) in [
            (r#""t"}"#, "null}", "type", "a string", "null"),
            (r#""c""#, r#"["c"]"#, "challenge", "a string", "an array"),
            (r#""o""#, "1", "origin", "a string", "a number"),
            (
                "false",
                r#""false""#,
                "crossOrigin",
                "a boolean",
                "a string",
            ),
            ("false", "null", "crossOrigin", "a boolean", "null"),
            ("false", "0", "crossOrigin", "a boolean", "a number"),
            (r#""p""#, "null", "topOrigin", "a string", "null"),
        ] {
            let error = Error::MemberKind {
                member,
                expected,
                found,
            };
            assert_eq!(error.code(), Code::WebauthnClientDataForm);
            assert_eq!(parse(&whole.replacen(from, to, 1)), Err(error), "{to}");
        }
        let array = Error::NotAnObject { found: "an array" };
        assert_eq!(parse("[]"), Err(array));
    }

    #[test]
    fn refuses_what_is_not_strict_json() {
        let good = r#"{"type":"t","challenge":"c","origin":"o"}"#;
        assert_eq!(
            json_error(&format!("\u{feff}{good}")),
            ErrorKind::ByteOrderMark
        );
        for text in [
            format!("{good}x"),
            format!("{good}{good}"),
            format!("{good}\0"),
            String::new(),
            good.replace("\"t\"", "t"),
            good.replace('}', ",}"),
        ] {
            assert!(matches!(json_error(&text), ErrorKind::Syntax(_)), "{text}");
        }
        let long = " ".repeat(ClientData::MAX_BYTES + 1);
        assert_eq!(json_error(&long), ErrorKind::TooLong(ClientData::MAX_BYTES));
        assert_eq!(json_error(&"[".repeat(1000)), ErrorKind::TooDeep(64));
        for not_utf8 in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80"] {
            let bytes = [br#"{"x":""#, not_utf8, b"\"}"].concat();
            assert!(matches!(ClientData::parse(&bytes), Err(Error::Json(_))));
        }
    }
}
