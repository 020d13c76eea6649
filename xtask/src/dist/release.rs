//! Which release it is, and the statement about it that its maintainers approve.
//!
//! ```text
//! release.json = the RFC 8785 form of
//!   {"kind": "release", "name": "cosignet", "version": "0.1.0", "commit": hex,
//!    "files": {name: SHA-256 in hex, …}}
//! ```
//!
//! It is a payload like any other: small enough for every rule of a gate, and in the form that
//! people are shown. `files` has `SHA256SUMS` among them, and not itself.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use payload_form::Payload;
use serde_json::json;
use time::OffsetDateTime;
use verifier_core::hazmat::encoding::{hex, sha256};

use crate::command::{print, root};

/// The sums, in the form that `sha256sum --check` reads.
pub(super) const SUMS: &str = "SHA256SUMS";

/// The payload that the maintainers approve.
pub(super) const STATEMENT: &str = "release.json";

/// The longest payload that a rule of a gate takes if it does not say otherwise, in bytes.
const USUAL_PAYLOAD: usize = 16 * 1024;

/// Files by their names.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What all files of a release have in common.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) version: String,
    /// The commit, with `-dirty` behind it if the files are not those of that commit.
    pub(super) commit: String,
    /// The time that all files have: seconds since 1970.
    pub(super) time: u64,
}

impl Release {
    /// That of this checkout; `SOURCE_DATE_EPOCH` replaces the time of the commit.
    pub(super) fn here() -> Result<Self, String> {
        let git = |args: &[&str]| {
            let said = print(Command::new("git").args(args).current_dir(root()));
            said.map_err(|error| format!("a release is made of a commit: {error}"))
        };
        let time = match env::var("SOURCE_DATE_EPOCH") {
            Ok(time) => time,
            Err(_) => git(&["log", "-1", "--format=%ct"])?,
        };
        let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
        let mark = if changed.is_empty() { "" } else { "-dirty" };
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").into(),
            commit: format!("{}{mark}", git(&["rev-parse", "HEAD"])?),
            time: time
                .trim()
                .parse()
                .map_err(|_| format!("SOURCE_DATE_EPOCH: {time} is no number of seconds"))?,
        })
    }

    /// The time in RFC 3339.
    pub(super) fn moment(&self) -> Result<String, String> {
        let at = self.at()?;
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.to_hms();
        Ok(format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        ))
    }

    /// The time in RFC 5322, as Debian's changelogs have it.
    pub(super) fn mail_date(&self) -> Result<String, String> {
        let at = self.at()?;
        let short = |name: String| name.chars().take(3).collect::<String>();
        let (weekday, month) = (
            short(at.weekday().to_string()),
            short(at.month().to_string()),
        );
        let (day, year) = (at.day(), at.year());
        let (hour, minute, second) = at.to_hms();
        Ok(format!(
            "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000"
        ))
    }

    fn at(&self) -> Result<OffsetDateTime, String> {
        let seconds = i64::try_from(self.time).map_err(|error| error.to_string())?;
        OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| error.to_string())
    }

    /// Adds the sums of the files, and the statement about all of them.
    pub(super) fn state(&self, files: &mut Files) -> Result<(), String> {
        let lines = files
            .iter()
            .map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(bytes))));
        let sums: String = lines.collect();
        files.insert(SUMS.into(), sums.into_bytes());
        let sums: BTreeMap<&String, String> = files
            .iter()
            .map(|(name, bytes)| (name, hex(&sha256(bytes))))
            .collect();
        let statement = json!({
            "kind": "release",
            "name": "cosignet",
            "version": self.version,
            "commit": self.commit,
            "files": sums,
        });
        let payload = Payload::parse(statement.to_string().as_bytes())
            .and_then(|payload| payload.at_most(USUAL_PAYLOAD))
            .map_err(|refusal| format!("{STATEMENT}: a gate would refuse it: {refusal:?}"))?;
        files.insert(STATEMENT.into(), payload.bytes().to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
