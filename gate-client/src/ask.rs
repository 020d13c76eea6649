//! What somebody is asked to approve.

use std::time::Duration;

use payload_form::Payload;
use verifier_core::hazmat::json::{Limits, Value};

use crate::denied::{Denied, Reason};

/// The longest operation id, in bytes: that of an `Idempotency-Key`.
const MAX_OPERATION: usize = 255;

/// A request in the making.
#[derive(Clone, Debug)]
pub struct Ask {
    pub(crate) action: String,
    pub(crate) payload: Payload,
    approvers: Option<Approvers>,
    expires_in: Option<Duration>,
    pub(crate) operation: Option<String>,
}

#[derive(Clone, Debug)]
enum Approvers {
    Group(String),
    Username(String),
}

impl Ask {
    /// Asks for this action with this payload, a JSON text. Its bytes become its canonical form
    /// (RFC 8785).
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for what is not strict JSON, and for a number or a key that readers may
    /// take for another: it is never rewritten.
    pub fn new(action: &str, payload: &[u8]) -> Result<Self, Denied> {
        Ok(Self {
            action: action.into(),
            payload: Payload::parse(payload)?,
            approvers: None,
            expires_in: None,
            operation: None,
        })
    }

    /// Asks this person alone, as far as the rule allows it.
    #[must_use]
    pub fn username(mut self, name: &str) -> Self {
        self.approvers = Some(Approvers::Username(name.into()));
        self
    }

    /// Asks this group alone, as far as the rule allows it.
    #[must_use]
    pub fn group(mut self, name: &str) -> Self {
        self.approvers = Some(Approvers::Group(name.into()));
        self
    }

    /// Gives this long to decide, in whole seconds; else it is what the rule says.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }

    /// The caller's own id of the operation, the same whenever it is tried again: 1 to 255 visible
    /// characters. Only a caller with a [`Journal`] can have one, since without it a second try
    /// would act a second time.
    ///
    /// [`Journal`]: crate::Journal
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for another text.
    pub fn operation(mut self, id: &str) -> Result<Self, Denied> {
        self.operation = Some(operation(id)?);
        Ok(self)
    }

    /// The bytes that people are asked to approve.
    pub fn payload(&self) -> &[u8] {
        self.payload.bytes()
    }

    /// The body of the request.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let payload = self.payload.bytes();
        // What a payload is made of can be read again.
        let value = Value::parse(payload, Limits::bytes(Payload::MAX_BYTES));
        let mut members = vec![
            ("action".into(), self.action.as_str().into()),
            ("payload".into(), value.unwrap_or(Value::Null)),
        ];
        match &self.approvers {
            None => {}
            Some(Approvers::Group(name)) => members.push(("group".into(), name.as_str().into())),
            Some(Approvers::Username(name)) => {
                members.push(("username".into(), name.as_str().into()));
            }
        }
        if let Some(time) = self.expires_in {
            members.push(("expiresIn".into(), time.as_secs().into()));
        }
        let members = members.into_iter().collect();
        Value::Object(members).to_text().into_bytes()
    }
}

/// An operation id, if the text can be one.
pub(crate) fn operation(id: &str) -> Result<String, Denied> {
    let visible = id.bytes().all(|byte| byte.is_ascii_graphic());
    match visible && (1..=MAX_OPERATION).contains(&id.len()) {
        true => Ok(id.into()),
        false => Err(Denied::new(
            Reason::Invalid,
            "The id of the operation is not 1 to 255 visible ASCII characters.",
        )),
    }
}
