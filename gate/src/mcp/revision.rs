//! Revisions of the protocol, and the agreement of headers with the body.
//!
//! ```text
//! legacy: initialize, then MCP-Protocol-Version: 2025-11-25 (none: 2025-03-26)
//! modern: MCP-Protocol-Version: 2026-07-28, Mcp-Method: tools/call, Mcp-Name: get_approval
//!         (the id of a task where the method is one of tasks/*)
//!         params._meta: {"io.modelcontextprotocol/protocolVersion":"2026-07-28",
//!                        "io.modelcontextprotocol/clientCapabilities":{}}
//! ```

use hyper::HeaderMap;
use serving::openapi::schema::object;
use verifier_core::hazmat::json::Value;
use verifier_core::quote;

use super::message::{
    CAPABILITIES, Error, HEADER_MISMATCH, INVALID_PARAMS, Message, UNSUPPORTED_VERSION,
};
use crate::http::single;

/// The revision without `initialize`.
pub(crate) const MODERN: &str = "2026-07-28";

/// The revisions that begin with `initialize`, the newest first.
pub(crate) const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

const VERSION_HEADER: &str = "mcp-protocol-version";
const VERSION_MEMBER: &str = "io.modelcontextprotocol/protocolVersion";

/// The two ways of talking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Era {
    /// With `initialize`.
    Legacy,
    /// Every request says all there is to know.
    Modern,
}

impl Era {
    /// The era of a message, if its headers and its body agree about it.
    pub(crate) fn of(message: &Message<'_, '_>, headers: &HeaderMap) -> Result<Self, Error> {
        let header = one(headers, VERSION_HEADER)?;
        let meta = message.meta()?;
        let stated = meta.as_ref().is_some_and(|meta| meta.has(VERSION_MEMBER));
        if header != Some(MODERN) && !stated {
            return legacy(message.method, header);
        }
        if message.id.is_none() {
            // Nothing is asked; which headers a notification has is not settled.
            return match header {
                Some(MODERN) => Ok(Self::Modern),
                other => Err(unsupported(other.unwrap_or_default())),
            };
        }
        let meta = meta.ok_or_else(|| missing("_meta"))?;
        let version = meta.text(VERSION_MEMBER)?;
        agree("MCP-Protocol-Version", header, version)?;
        if version != MODERN {
            return legacy(message.method, Some(version));
        }
        if meta.optional_members(CAPABILITIES)?.is_none() {
            return Err(missing(CAPABILITIES));
        }
        agree("Mcp-Method", one(headers, "mcp-method")?, message.method)?;
        // What proxies choose the way by.
        let named = match message.method {
            "tools/call" => Some("name"),
            "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
            _ => None,
        };
        if let (Some(member), Some(params)) = (named, &message.params) {
            agree("Mcp-Name", one(headers, "mcp-name")?, params.text(member)?)?;
        }
        Ok(Self::Modern)
    }
}

/// Every revision that is spoken here, the newest first.
pub(crate) fn supported() -> Value<'static> {
    let all = [MODERN].into_iter().chain(LEGACY);
    all.map(Value::from).collect()
}

fn legacy(method: &str, header: Option<&str>) -> Result<Era, Error> {
    match header {
        // `initialize` negotiates in its body.
        _ if method == "initialize" => Ok(Era::Legacy),
        None => Ok(Era::Legacy),
        Some(version) if LEGACY.contains(&version) => Ok(Era::Legacy),
        Some(version) => Err(unsupported(version)),
    }
}

/// A header that says one thing, or is not there.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Error> {
    match (headers.contains_key(name), single(headers, name)) {
        (false, _) => Ok(None),
        (true, Some(value)) => Ok(Some(value)),
        (true, None) => {
            let message = format!("The header {name} has to be one text of ASCII.");
            Err(Error::new(HEADER_MISMATCH, message))
        }
    }
}

fn agree(name: &str, header: Option<&str>, body: &str) -> Result<(), Error> {
    if header == Some(body) {
        return Ok(());
    }
    let found = header.map_or_else(|| "nothing".into(), quote);
    let message = format!(
        "The header {name} says {found}, and the body {}.",
        quote(body)
    );
    Err(Error::new(HEADER_MISMATCH, message))
}

fn missing(member: &str) -> Error {
    let message = format!("Every request needs `{member}` in its `params`.");
    Error::new(INVALID_PARAMS, message)
}

fn unsupported(requested: &str) -> Error {
    let message = "This server does not speak that revision of the protocol.";
    Error::new(UNSUPPORTED_VERSION, message).with(object([
        ("requested", requested.to_owned().into()),
        ("supported", supported()),
    ]))
}
