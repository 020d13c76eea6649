//! What people sign.
//!
//! ```text
//! {"action":pattern,"audience":string,"notAfter":time,"notBefore":time,"policySha256":hex,
//!  "random":b64,"reason":string,"type":"cosignet.break-glass-grant/v1","uses":n}
//! ```
//!
//! Canonical JSON, at most 4 KiB.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::{Error, GRANT_TYPE};
use crate::encoding::{base64url, hex, sha256};
use crate::json::{Limits, Value};
use crate::schema::{self, Members, Wrong};
use crate::shown::is_name;
use crate::time::Time;

/// The longest time that a grant is for, in milliseconds: an hour.
pub const MAX_MILLIS: u64 = 60 * 60 * 1000;

/// The most acts that a grant permits.
pub const MAX_USES: u64 = 100;

/// The length of a challenge, and how each begins.
const CHALLENGE_BYTES: usize = 44;
const CHALLENGE_BEGIN: &[u8] = b"break-glass\0";

/// The longest reason, in bytes.
const MAX_REASON: usize = 1000;

/// The longest pattern, and the longest action, in bytes: as long as an action of the gate's.
const MAX_PATTERN: usize = 120;

/// A grant, well formed. That anybody signed it is for [`super::File::verify`] to say.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Grant {
    /// What may be done.
    pub action: Pattern,
    /// The program that may do it.
    pub audience: String,
    /// The moment from which nothing is permitted any more.
    pub not_after: Time,
    /// The first moment.
    pub not_before: Time,
    /// The policy whose people sign.
    pub policy_sha256: [u8; 32],
    /// Drawn anew for each grant.
    pub random: [u8; 32],
    /// Why.
    pub reason: String,
    /// How many acts are permitted.
    pub uses: u64,
}

impl Grant {
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 4 * 1024;

    /// A grant for one act. What is filled in by [`Grant::parse`] alone is checked there.
    pub fn new(
        action: Pattern,
        audience: String,
        reason: String,
        policy_sha256: [u8; 32],
        window: (Time, Time),
        random: [u8; 32],
    ) -> Self {
        Self {
            action,
            audience,
            not_after: window.1,
            not_before: window.0,
            policy_sha256,
            random,
            reason,
            uses: 1,
        }
    }

    /// Reads the text of a grant.
    ///
    /// # Errors
    ///
    /// [`Error::Field`], [`Error::NotCanonical`] or [`Error::NotJson`] for anything but the canonical
    /// text of a grant of this version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let limits = Limits::bytes(Self::MAX_BYTES);
        let value = Value::parse(text.as_bytes(), limits).map_err(Error::NotJson)?;
        if value.to_canonical().as_deref() != Some(text) {
            return Err(Error::NotCanonical);
        }
        let members = Members::of(&value)?.only(&[
            "action",
            "audience",
            "notAfter",
            "notBefore",
            "policySha256",
            "random",
            "reason",
            "type",
            "uses",
        ])?;
        let found = members.text("type")?;
        if found != GRANT_TYPE {
            return Err(members.wrong("type", GRANT_TYPE, found).into());
        }
        let (not_before, not_after) = (members.time("notBefore")?, members.time("notAfter")?);
        let lasts = not_after.as_millis().checked_sub(not_before.as_millis());
        if !lasts.is_some_and(|millis| (1..=MAX_MILLIS).contains(&millis)) {
            let expected = "a time after notBefore, by 60 minutes at most";
            let found = not_after.to_string();
            return Err(members.wrong("notAfter", expected, &found).into());
        }
        let uses = members.optional_u64("uses")?;
        let uses = uses.ok_or_else(|| members.error("uses", Wrong::Missing))?;
        if !(1..=MAX_USES).contains(&uses) {
            let expected = "a number from 1 to 100";
            return Err(members.wrong("uses", expected, &uses.to_string()).into());
        }
        Ok(Self {
            action: pattern(&members, "action", members.text("action")?)?,
            audience: crate::policy::name(&members, "audience")?,
            not_after,
            not_before,
            policy_sha256: members.hash("policySha256")?,
            random: members.array("random")?,
            reason: reason(&members)?,
            uses,
        })
    }

    /// The text, in canonical JSON. [`Grant::parse`] reads it back, unless a member is none that a
    /// grant can have.
    pub fn to_text(&self) -> String {
        Value::from([
            ("action", self.action.as_str().into()),
            ("audience", self.audience.as_str().into()),
            ("notAfter", self.not_after.to_string().into()),
            ("notBefore", self.not_before.to_string().into()),
            ("policySha256", hex(&self.policy_sha256).into()),
            ("random", base64url(&self.random).into()),
            ("reason", self.reason.as_str().into()),
            ("type", GRANT_TYPE.into()),
            ("uses", self.uses.into()),
        ])
        .to_text()
    }

    /// Whether the grant is for this action at this moment. That anybody signed it is another
    /// question.
    ///
    /// # Errors
    ///
    /// [`Error::OtherAction`] or [`Error::Window`].
    pub fn permits(&self, action: &str, at: Time) -> Result<(), Error> {
        if !is_action(action) || !self.action.matches(action) {
            return Err(Error::OtherAction {
                expected: self.action.clone(),
                found: action.into(),
            });
        }
        if at < self.not_before || self.not_after <= at {
            return Err(Error::Window {
                from: self.not_before,
                to: self.not_after,
                found: at,
            });
        }
        Ok(())
    }

    /// How long it is for, in milliseconds.
    pub(super) fn lasts(&self) -> u64 {
        let end = self.not_after.as_millis();
        end.saturating_sub(self.not_before.as_millis())
    }
}

/// The challenge of a grant, 44 bytes. An approval's has at least 48, and a refusal's and a login's
/// 32, so that the length alone tells them apart.
///
/// ```text
/// "break-glass" ‖ 0x00 ‖ SHA-256("cosignet.break-glass/v1" ‖ 0x00 ‖ grant)
/// ```
pub fn challenge(grant: &str) -> Vec<u8> {
    let tag: &[u8] = b"cosignet.break-glass/v1\0";
    let hash = sha256(&[tag, grant.as_bytes()].concat());
    [CHALLENGE_BEGIN, &hash].concat()
}

/// Whether bytes can be the challenge of a grant. Of which one, the grant alone says.
pub fn is_challenge(bytes: &[u8]) -> bool {
    bytes.len() == CHALLENGE_BYTES && bytes.starts_with(CHALLENGE_BEGIN)
}

/// What may be done: one action, or all whose names begin alike.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern: `payment.send`, or `payment.*`. A star stands at the end alone, behind a
    /// dot, so that no pattern is met by everything.
    pub fn parse(text: &str) -> Option<Self> {
        let stem = text.strip_suffix('*').unwrap_or(text);
        let is_prefix = stem.len() < text.len();
        let fits = !is_prefix || (stem.ends_with('.') && stem.len() > 1);
        let plain = text.len() <= MAX_PATTERN && is_name(text) && !stem.contains('*');
        (fits && plain).then(|| Self(text.into()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `action` meets it.
    pub fn matches(&self, action: &str) -> bool {
        match self.0.strip_suffix('*') {
            None => action == self.0,
            Some(begin) => action.len() > begin.len() && action.starts_with(begin),
        }
    }

    /// Whether every action that meets it meets `other` as well.
    pub fn is_within(&self, other: &Self) -> bool {
        match other.0.strip_suffix('*') {
            None => self == other,
            Some(begin) => {
                self == other || (self.0.len() > begin.len() && self.0.starts_with(begin))
            }
        }
    }
}

/// Whether anything can be done under this name: what is longer no gate hears of afterwards.
pub fn is_action(text: &str) -> bool {
    text.len() <= MAX_PATTERN && is_name(text)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text under `key` as a pattern.
pub(super) fn pattern(
    members: &Members<'_, '_>,
    key: &str,
    text: &str,
) -> Result<Pattern, schema::Error> {
    let expected = "an action, or the beginning of some, such as payment.*";
    Pattern::parse(text).ok_or_else(|| members.wrong(key, expected, text))
}

fn reason(members: &Members<'_, '_>) -> Result<String, schema::Error> {
    let text = members.text("reason")?;
    if text.len() <= MAX_REASON && is_name(text) {
        return Ok(text.to_string());
    }
    let expected = "1 to 1000 bytes of printable text, without blanks at its ends";
    Err(members.wrong("reason", expected, text))
}
