//! Agents that ask over MCP: the SDKs of Python and TypeScript, of both eras, each in front of a
//! real gate and of somebody who takes five seconds, 70, and six minutes. Beside them the Inspector
//! and the conformance suite.

use std::path::Path;

use crate::command::{cargo, root, run, target};
use crate::{files, npm, venv};

/// Folders of virtual environments, and what is in each.
const PYTHON: [(&str, &str); 2] = [("mcp-1", "mcp==1.30.0"), ("mcp-2", "mcp==2.3.0")];

const NODE: [&str; 2] = [
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
];

/// The names of tests, or what is in them.
const TESTS: [&str; 3] = [
    "clients_of_others",
    "the_inspector",
    "the_conformance_suite",
];

/// Installs what is missing, and lets all of them ask.
pub(crate) fn run_all() -> Result<(), String> {
    let folder = target().join("interop").join("mcp");
    files::make(&folder)?;
    for (name, package) in PYTHON {
        venv::with(&folder.join(name), &[package])?;
    }
    npm::modules(&folder, &NODE)?;
    programs(&folder.join("programs"))?;
    let mut tests = cargo(&["test", "--package", "gate", "--test", "gate", "--"]);
    tests
        .args(["--ignored", "--nocapture"])
        .args(TESTS)
        .env("COSIGNET_MCP_CLIENTS", &folder);
    run(&mut tests)
}

/// The programs of the lock file, apart from the SDKs: they bring some of their own.
fn programs(folder: &Path) -> Result<(), String> {
    let sources = root().join("gate/tests/mcp-clients");
    for name in ["package.json", "package-lock.json"] {
        files::copy(&sources.join(name), &folder.join(name))?;
    }
    npm::install(folder)
}
