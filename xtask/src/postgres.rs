//! PostgreSQL, which the tests of a log of several machines start by themselves.

use std::fs;
use std::process::Command;

use crate::browser::install;
use crate::command::succeeds;

/// With this variable a test fails where it would be skipped without PostgreSQL.
pub(crate) const REQUIRED: &str = "COSIGNET_TEST_POSTGRES";

/// Finds PostgreSQL; installs it, where it may.
pub(crate) fn prepare() -> Result<(), String> {
    // Debian keeps the server beside the search path.
    let debian = fs::read_dir("/usr/lib/postgresql");
    let mut versions = debian.into_iter().flatten().flatten();
    let is_there = versions.any(|version| version.path().join("bin/initdb").is_file())
        || succeeds(Command::new("initdb").arg("--version"));
    match is_there {
        true => Ok(()),
        false => install("the tests of a log in PostgreSQL", &["postgresql"]),
    }
}
