//! Agents that ask over MCP: the SDKs of Python and TypeScript, of both eras, each in front of a
//! real gate and of somebody who takes five seconds.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{cargo, run, target};

/// Folders of virtual environments, and what is in each.
const PYTHON: [(&str, &str); 2] = [("mcp-1", "mcp==1.30.0"), ("mcp-2", "mcp==2.3.0")];

const NODE: [&str; 2] = [
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
];

/// Installs what is missing, and lets all of them ask.
pub(crate) fn run_all() -> Result<(), String> {
    let folder = target().join("interop").join("mcp");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, package) in PYTHON {
        install_python(&folder.join(name), package)?;
    }
    if !folder.join("node_modules").is_dir() {
        let mut install = Command::new("npm");
        install
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&folder)
            .args(NODE);
        run(&mut install)?;
    }
    let mut tests = cargo(&["test", "--package", "gate", "--test", "gate", "--"]);
    tests
        .args(["--ignored", "--nocapture", "clients_of_others"])
        .env("COSIGNET_MCP_CLIENTS", &folder);
    run(&mut tests)
}

fn install_python(folder: &Path, package: &str) -> Result<(), String> {
    let bin = folder.join("bin");
    let mut library = Command::new(bin.join("python"));
    if bin.is_dir() && crate::command::succeeds(library.args(["-c", "import mcp"])) {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    run(Command::new(bin.join("pip")).args(["install", "--quiet", package]))
}
