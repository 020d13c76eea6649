//! Agents that ask over MCP: the SDKs of Python and TypeScript, of both eras, each in front of a
//! real gate and of somebody who takes five seconds, 70, and six minutes.

use crate::command::{cargo, run, target};
use crate::{files, npm, venv};

/// Folders of virtual environments, and what is in each.
const PYTHON: [(&str, &str); 2] = [("mcp-1", "mcp==1.30.0"), ("mcp-2", "mcp==2.3.0")];

const NODE: [&str; 2] = [
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
];

/// Installs what is missing, and lets all of them ask.
pub(crate) fn run_all() -> Result<(), String> {
    let folder = target().join("interop").join("mcp");
    files::make(&folder)?;
    for (name, package) in PYTHON {
        venv::with(&folder.join(name), &[package])?;
    }
    npm::modules(&folder, &NODE)?;
    let mut tests = cargo(&["test", "--package", "gate", "--test", "gate", "--"]);
    tests
        .args(["--ignored", "--nocapture", "clients_of_others"])
        .env("COSIGNET_MCP_CLIENTS", &folder);
    run(&mut tests)
}
