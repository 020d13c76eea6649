//! Of which logs something was cosigned.
//!
//! ```text
//! <origin>                         one a line
//! ```
//!
//! Without this, a log whose file is gone would be one that was never seen, and any history of it
//! would be cosigned.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::directory::replace;

/// The list, in memory and on disk.
#[derive(Debug)]
pub(crate) struct Known {
    path: PathBuf,
    origins: Mutex<BTreeSet<String>>,
}

impl Known {
    /// Reads the list; a directory without one has cosigned nothing.
    pub(crate) fn load(path: PathBuf) -> io::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            other => other?,
        };
        let origins = text.lines().map(str::to_owned).collect();
        Ok(Self {
            path,
            origins: Mutex::new(origins),
        })
    }

    pub(crate) fn has(&self, origin: &str) -> bool {
        let origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.contains(origin)
    }

    /// Adds a log whose record is durable. When this returns, this is as well.
    pub(crate) fn add(&self, origin: &str) -> io::Result<()> {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.contains(origin) {
            return Ok(());
        }
        let mut more = origins.clone();
        more.insert(origin.to_owned());
        let lines: String = more.iter().map(|origin| format!("{origin}\n")).collect();
        replace(&self.path, lines.as_bytes())?;
        *origins = more;
        Ok(())
    }
}
