//! Who may break the glass, and for what, as the owner of the program that acts has it.
//!
//! ```text
//! {"actions":[pattern,…],"audience":string,"journal":string,"longest"?:duration,
//!  "minRosterVersion"?:n,"policySha256":hex,"require":[{"atLeast":n,"group":name},…],
//!  "type":"cosignet.break-glass-settings/v1"}
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use super::grant::pattern;
use super::{Error, MAX_MILLIS, Pattern, SETTINGS_TYPE};
use crate::decision::Clause;
use crate::json::{Limits, Value};
use crate::schema::{self, Members, Wrong};
use crate::time::parse_duration;

/// The most patterns.
const MAX_ACTIONS: usize = 64;

/// The fewest people.
const FEWEST: usize = 2;

/// Settings that can be applied. Without any there is no break-glass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    pub(super) actions: Vec<Pattern>,
    pub(super) audience: String,
    journal: String,
    pub(super) longest: u64,
    pub(super) min_roster_version: Option<u64>,
    pub(super) policy_sha256: [u8; 32],
    pub(super) require: Vec<Clause>,
}

impl Settings {
    /// The longest file, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads the JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] for anything else.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let value =
            Value::parse(text, Limits::bytes(Self::MAX_BYTES)).map_err(Error::SettingsNotJson)?;
        Members::of(&value)
            .and_then(Self::read)
            .map_err(Error::Settings)
    }

    /// The name of the program.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The path of the journal. Nothing here opens it.
    pub fn journal(&self) -> &str {
        &self.journal
    }

    /// The one policy whose people count.
    pub fn policy_sha256(&self) -> [u8; 32] {
        self.policy_sha256
    }

    /// Who has to sign.
    pub fn require(&self) -> &[Clause] {
        &self.require
    }

    fn read(members: Members<'_, '_>) -> Result<Self, schema::Error> {
        let members = members.only(&[
            "actions",
            "audience",
            "journal",
            "longest",
            "minRosterVersion",
            "policySha256",
            "require",
            "type",
        ])?;
        let found = members.text("type")?;
        if found != SETTINGS_TYPE {
            return Err(members.wrong("type", SETTINGS_TYPE, found));
        }
        let actions = members.texts("actions")?;
        match actions.len() {
            0 => return Err(members.error("actions", Wrong::Missing)),
            n if n > MAX_ACTIONS => {
                let problem = Wrong::TooLarge {
                    limit: MAX_ACTIONS,
                    unit: "actions",
                };
                return Err(members.error("actions", problem));
            }
            _ => {}
        }
        let actions = actions.into_iter();
        let require = Clause::list(&members, "require")?;
        let people: usize = require.iter().map(|clause| clause.at_least).sum();
        if people < FEWEST {
            let expected = "clauses that together ask for two people or more";
            let found = alloc::format!("{people}");
            return Err(members.wrong("require", expected, &found));
        }
        let journal = members.text("journal")?;
        if journal.is_empty() {
            return Err(members.error("journal", Wrong::Missing));
        }
        Ok(Self {
            actions: actions
                .map(|text| pattern(&members, "actions", text))
                .collect::<Result<_, _>>()?,
            audience: crate::policy::name(&members, "audience")?,
            journal: journal.into(),
            longest: longest(&members)?,
            min_roster_version: min_roster_version(&members)?,
            policy_sha256: members.hash("policySha256")?,
            require,
        })
    }
}

/// Whoever has an old roster could bring back people whom a newer one has removed.
fn min_roster_version(members: &Members<'_, '_>) -> Result<Option<u64>, schema::Error> {
    let version = members.optional_u64("minRosterVersion")?;
    match version {
        Some(0) => Err(members.wrong("minRosterVersion", "1 or more", "0")),
        _ => Ok(version),
    }
}

fn longest(members: &Members<'_, '_>) -> Result<u64, schema::Error> {
    let Some(text) = members.optional_text("longest")? else {
        return Ok(MAX_MILLIS);
    };
    let millis = parse_duration(text).filter(|millis| *millis <= MAX_MILLIS);
    millis.ok_or_else(|| members.wrong("longest", "a duration of at most 60m", text))
}
