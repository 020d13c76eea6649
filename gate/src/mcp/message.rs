//! One message of JSON-RPC 2.0.
//!
//! ```text
//! {"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":"p"},…}}
//! {"jsonrpc":"2.0","id":7,"result":{…}} | {"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"…"}}
//! ```

use std::borrow::Cow;

use hyper::StatusCode;
use serving::openapi::schema::object;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::{self, Members};

use super::revision::Era;

/// Where a client of the modern era says what it can do.
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Not JSON.
pub(crate) const PARSE: i32 = -32700;
/// JSON, and not one request or notification.
pub(crate) const INVALID_REQUEST: i32 = -32600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const INTERNAL: i32 = -32603;
/// A header does not say what the body says.
pub(crate) const HEADER_MISMATCH: i32 = -32020;
/// The client has not said that it can do what this needs.
pub(crate) const MISSING_CAPABILITY: i32 = -32021;
/// A revision of the protocol that this server does not speak.
pub(crate) const UNSUPPORTED_VERSION: i32 = -32022;

/// A request, or a notification if it has no id.
#[derive(Debug)]
pub(crate) struct Message<'v, 'a> {
    pub(crate) id: Option<&'v Value<'a>>,
    pub(crate) method: &'v str,
    pub(crate) params: Option<Members<'v, 'a>>,
}

impl<'v, 'a> Message<'v, 'a> {
    pub(crate) fn read(value: &'v Value<'a>) -> Result<Self, Error> {
        if matches!(value, Value::Array(_)) {
            let message = "Batches are not read: send each message by itself.";
            return Err(Error::new(INVALID_REQUEST, message));
        }
        let wrong = |error: schema::Error| Error::new(INVALID_REQUEST, format!("{error}."));
        let members = Members::of(value).map_err(wrong)?;
        if members.text("jsonrpc").map_err(wrong)? != "2.0" {
            return Err(Error::new(INVALID_REQUEST, "`jsonrpc` has to be \"2.0\"."));
        }
        let id = members.value("id").ok();
        if !matches!(id, None | Some(Value::String(_) | Value::Number(_))) {
            return Err(Error::new(
                INVALID_REQUEST,
                "`id` has to be a string or a number.",
            ));
        }
        Ok(Self {
            id,
            // This server asks nothing, so an answer is none of its business.
            method: members.text("method").map_err(wrong)?,
            params: members.optional_members("params").map_err(wrong)?,
        })
    }

    /// What the client says about the call itself.
    pub(crate) fn meta(&self) -> Result<Option<Members<'v, 'a>>, Error> {
        let Some(params) = &self.params else {
            return Ok(None);
        };
        Ok(params.optional_members("_meta")?)
    }

    /// Whether the client says with this message that it knows an extension.
    pub(crate) fn declares(&self, extension: &str) -> Result<bool, Error> {
        let Some(meta) = self.meta()? else {
            return Ok(false);
        };
        let capabilities = meta.optional_members(CAPABILITIES)?;
        let extensions = match capabilities {
            None => None,
            Some(capabilities) => capabilities.optional_members("extensions")?,
        };
        Ok(extensions.is_some_and(|all| all.has(extension)))
    }

    /// What progress is reported under, if the client wants to hear of it.
    pub(crate) fn progress_token(&self) -> Result<Option<Value<'static>>, Error> {
        let meta = self.meta()?;
        let token = meta.and_then(|meta| meta.value("progressToken").ok().cloned());
        match token {
            None => Ok(None),
            Some(token @ (Value::String(_) | Value::Number(_))) => Ok(Some(token.into_owned())),
            Some(_) => {
                let message = "`progressToken` has to be a string or a number.";
                Err(Error::new(INVALID_PARAMS, message))
            }
        }
    }
}

/// A call that was not made.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    code: i32,
    message: Cow<'static, str>,
    data: Option<Value<'static>>,
}

impl Error {
    pub(crate) fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(crate) fn with(mut self, data: Value<'static>) -> Self {
        self.data = Some(data);
        self
    }

    /// The HTTP status that it goes with. Clients of the era with `initialize` look for errors of a
    /// method in the body of an answer that succeeded.
    pub(crate) fn status(&self, era: Era) -> StatusCode {
        match (self.code, era) {
            (METHOD_NOT_FOUND, Era::Modern) => StatusCode::NOT_FOUND,
            (METHOD_NOT_FOUND | INVALID_PARAMS, Era::Legacy) => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The text of the answer.
    pub(crate) fn to_text(&self, id: Option<&Value<'_>>) -> String {
        let mut error = vec![
            ("code", Value::Number(self.code.to_string().into())),
            ("message", self.message.as_ref().into()),
        ];
        error.extend(self.data.clone().map(|data| ("data", data)));
        Value::from([
            ("error", object(error)),
            ("id", id.cloned().unwrap_or(Value::Null)),
            ("jsonrpc", "2.0".into()),
        ])
        .to_text()
    }
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::new(INVALID_PARAMS, format!("{error}."))
    }
}

/// The text of an answer that succeeded.
pub(super) fn result(id: &Value<'_>, result: Value<'_>) -> String {
    Value::from([
        ("id", id.clone()),
        ("jsonrpc", "2.0".into()),
        ("result", result),
    ])
    .to_text()
}

/// The text of a notification that a call is still being worked on; `progress` has to grow.
pub(crate) fn progress(token: &Value<'_>, progress: u64, message: &str) -> String {
    let params = Value::from([
        ("message", message.into()),
        ("progress", progress.into()),
        ("progressToken", token.clone()),
    ]);
    Value::from([
        ("jsonrpc", "2.0".into()),
        ("method", "notifications/progress".into()),
        ("params", params),
    ])
    .to_text()
}
