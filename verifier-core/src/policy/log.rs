//! Which log has to hold the approval, and who watches it.

use alloc::string::{String, ToString as _};

use super::Error;
use crate::json::Value;
use crate::schema::{Members, Wrong};
use crate::time::parse_duration;
use crate::tlog;

/// Whether a log has to hold the approval.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogRule {
    /// `log = "none"`: the owner of the verdict does without.
    None,
    /// One of these logs, with this quorum.
    Required(LogPolicy),
}

/// Which logs and witnesses are trusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogPolicy {
    /// Keys and quorum.
    pub tlog: tlog::policy::TlogPolicy,
    /// How long after a decision, in milliseconds, the log may publish it.
    pub max_append_delay: u64,
    text: String,
    max_append_delay_text: String,
}

impl LogPolicy {
    /// The c2sp.org/tlog-policy text, with LF behind each line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// [`LogPolicy::max_append_delay`] as it was given, such as `24h`.
    pub fn max_append_delay_text(&self) -> &str {
        &self.max_append_delay_text
    }

    /// How old, in milliseconds, a decision may be when the log admits it.
    pub fn max_decision_age(&self) -> u64 {
        max_decision_age(self.max_append_delay)
    }
}

/// How old, in milliseconds, a decision may be when a log admits it that promises to publish within
/// `max_append_delay` milliseconds: half of that. The other half is for the time in which witnesses
/// or disks hold the publication up.
pub fn max_decision_age(max_append_delay: u64) -> u64 {
    max_append_delay / 2
}

impl LogRule {
    pub(super) fn read(members: &Members<'_, '_>) -> Result<Self, Error> {
        const EXPECTED: &str = "\"none\" or an object";
        let value = members.value("log")?;
        if let Some(text) = value.as_str() {
            return match text {
                "none" => Ok(Self::None),
                other => Err(members.wrong("log", EXPECTED, other).into()),
            };
        }
        let log = members
            .optional_members("log")?
            .ok_or_else(|| members.error("log", Wrong::Missing))?
            .only(&["maxAppendDelay", "policy"])?;
        let text = normal(log.text("policy")?);
        let delay = log.optional_text("maxAppendDelay")?.unwrap_or("24h");
        Ok(Self::Required(LogPolicy {
            tlog: tlog::policy::TlogPolicy::parse(&text).map_err(Error::Log)?,
            max_append_delay: parse_duration(delay)
                .ok_or_else(|| log.wrong("maxAppendDelay", "a duration such as 24h", delay))?,
            text,
            max_append_delay_text: delay.to_string(),
        }))
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        match self {
            Self::None => "none".into(),
            Self::Required(log) => Value::from([
                ("maxAppendDelay", log.max_append_delay_text.as_str().into()),
                ("policy", log.text.as_str().into()),
            ]),
        }
    }
}

/// The text as every copy of it is written in the canonical form: with LF behind its last line,
/// too, as far as there is room for it.
fn normal(text: &str) -> String {
    let mut text = String::from(text);
    if !text.ends_with('\n') && text.len() < tlog::policy::TlogPolicy::MAX_BYTES {
        text.push('\n');
    }
    text
}
