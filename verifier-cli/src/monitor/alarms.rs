//! From evidence to a file that anybody can check.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use verifier_core::AwsLc;
use verifier_core::alarm::{Alarm, Evidence, Request};
use verifier_core::hazmat::encoding::{hex, sha256};

use super::Monitor;
use super::event::{Event, now};
use super::state::{replace, unwritable};
use crate::alarm::proven_members;
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};

/// How many files there may be. A log that forks on and on is not to fill a disk.
const MOST: usize = 1000;

impl Monitor<'_> {
    /// Writes an alarm, unless it is there already, and says so.
    pub(super) fn raise(&mut self, evidence: Evidence, from: &[String]) -> Result<(), CliError> {
        let mut alarm = Alarm::new(evidence);
        // What we cannot prove to ourselves we say to nobody.
        let mut request = Request::new(self.policy, &AwsLc);
        request.headers = self.headers;
        let proven = alarm.judge(&request).map_err(|error| {
            let message = format!("Evidence was found that does not hold: {error}.");
            CliError::new(CliCode::ServedMismatch, message)
        })?;
        self.worst = Exit::Rejected;
        let id = hex(&id(&alarm.evidence));
        let name = format!(
            "{}-{}.json",
            proven.kind().replace('.', "-"),
            id.get(..16).unwrap_or_default()
        );
        let path = self.dir.alarms().join(&name);
        if path.exists() || self.alarm_files()?.len() >= MOST {
            return Ok(());
        }
        alarm.observed.at = now();
        alarm.observed.from = from.to_vec();
        fs::create_dir_all(self.dir.alarms())
            .map_err(|error| unwritable(&self.dir.alarms(), &error))?;
        replace(&path, alarm.to_json().as_bytes())?;
        self.state.untold.push(name);
        self.save()?;
        let mut event = Event::new(
            "alarm",
            format!("{} {}", proven.statement(), show_path(&path)),
        )
        .with("file", path.to_string_lossy().into_owned());
        for (key, value) in proven_members(&proven) {
            event = event.with(key, value);
        }
        self.say(&event);
        Ok(())
    }

    /// The alarms that are still there.
    pub(super) fn alarm_files(&self) -> Result<Vec<PathBuf>, CliError> {
        let folder = self.dir.alarms();
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(CliError::unreadable(&folder, &error)),
        };
        let mut paths = Vec::new();
        for file in files {
            let path = file.map_err(|error| unwritable(&folder, &error))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                paths.push(path);
            }
        }
        Ok(paths)
    }
}

/// The identity of an alarm: the entries, whatever head they are proven under, or the heads.
fn id(evidence: &Evidence) -> [u8; 32] {
    match evidence {
        Evidence::BadEntry(logged)
        | Evidence::Late { late: logged, .. }
        | Evidence::PostDated { logged, .. } => sha256(&logged.entry),
        Evidence::Duplicate(first, second) => {
            sha256(&[sha256(&first.entry), sha256(&second.entry)].concat())
        }
        _ => sha256(Alarm::new(evidence.clone()).to_json().as_bytes()),
    }
}
