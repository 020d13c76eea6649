//! Questions to the gate, repeated while it makes sense.

use std::fmt;
use std::time::{Duration, Instant};

use log_client::{Answer, Client, Question, address};
use verifier_core::hazmat::decision::Decision;

use crate::denied::{Denied, Reason};

/// For all of one answer, if nothing is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The first pause before a question is repeated; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(200);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest answer, in bytes: a decision, its payload once more, and what the gate says beside.
const MAX_ANSWER: usize = 2 * Decision::MAX_BYTES;

/// The keys with which the gate is asked.
#[derive(Clone)]
pub struct Keys {
    create: String,
    claim: String,
}

impl Keys {
    /// One key that may create and claim.
    pub fn both(key: &str) -> Self {
        Self::apart(key, key)
    }

    /// A key that creates, and another one that claims.
    pub fn apart(create: &str, claim: &str) -> Self {
        let [create, claim] = [create, claim].map(|key| key.trim().to_owned());
        Self { create, claim }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// The right that a question needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right {
    Create,
    Claim,
}

/// A question, without the address and the key.
#[derive(Clone, Debug)]
pub(crate) struct Call<'c> {
    pub(crate) right: Right,
    /// From the root of the gate on.
    pub(crate) path: &'c str,
    pub(crate) operation: Option<&'c str>,
    pub(crate) json: Option<Vec<u8>>,
    /// How long the gate is asked to wait with its answer.
    pub(crate) wait: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    client: Client,
    url: String,
    keys: Keys,
}

impl Connection {
    pub(crate) fn new(url: &str, keys: Keys) -> Result<Self, Denied> {
        let invalid = |error: log_client::Error| Denied::new(Reason::Invalid, error.to_string());
        for key in [&keys.create, &keys.claim] {
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                let message = "A key of a gate is one line of visible ASCII characters.";
                return Err(Denied::new(Reason::Invalid, message));
            }
        }
        let agent = concat!("cosignet-gate-client/", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            client: Client::new(agent, TIMEOUT).map_err(invalid)?,
            url: address(url).map_err(invalid)?,
            keys,
        })
    }

    /// One answer to `call`, asked again until `until` while the network or the gate fails.
    pub(crate) fn ask(&self, call: &Call<'_>, until: Instant) -> Result<Answer, Denied> {
        let mut pause = PAUSE;
        loop {
            let why = match self.once(call, until) {
                Ok(answer) if !is_passing(&answer) => return Ok(answer),
                Ok(answer) => answer.refused(&self.address(call)).to_string(),
                Err(error) => error.to_string(),
            };
            let left = until.saturating_duration_since(Instant::now());
            if left <= pause {
                return Err(Denied::new(Reason::Unreachable, why));
            }
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    fn once(&self, call: &Call<'_>, until: Instant) -> log_client::Result<Answer> {
        let key = match call.right {
            Right::Create => &self.keys.create,
            Right::Claim => &self.keys.claim,
        };
        let mut headers = vec![("x-api-key", key.as_str())];
        headers.extend(call.operation.map(|id| ("idempotency-key", id)));
        let left = until.saturating_duration_since(Instant::now());
        // An answer that is under way at the end may still come.
        let timeout = TIMEOUT.min(left.saturating_add(PAUSE));
        self.client.ask(Question {
            url: &self.address(call),
            headers: &headers,
            json: call.json.clone(),
            timeout: timeout.saturating_add(call.wait),
            limit: MAX_ANSWER,
        })
    }

    pub(crate) fn address(&self, call: &Call<'_>) -> String {
        let wait = match call.wait.as_secs() {
            0 => String::new(),
            seconds => format!("?wait={seconds}"),
        };
        format!("{}{}{wait}", self.url, call.path)
    }
}

/// Whether the same question may have another answer soon.
fn is_passing(answer: &Answer) -> bool {
    matches!(answer.status, 408 | 429 | 500..=599)
}
