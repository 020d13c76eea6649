//! The descriptions of the interfaces of log and gate, read by programs that know nothing of this
//! project: one that looks for what readers stumble over, and one that makes a client of each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{run, succeeds, target};
use crate::dist;
use crate::lint::has;
use crate::venv;

/// From the npm registry.
const LINTER: &str = "@redocly/cli@2.77.0";

/// From the Python package index.
const GENERATOR: &str = "openapi-python-client==0.29.1";

/// No formatter of Python behind it. It knows no lines of JSON: they are text.
const SETTINGS: &str = r#"{
    "post_hooks": [],
    "content_type_overrides": {"application/x-ndjson": "text/plain"}
}
"#;

/// Wants neither to have anything to say. Where one cannot be installed, says so and goes on.
pub(crate) fn read_by_others() -> Result<(), String> {
    let folder = target().join("openapi");
    let described = folder.join("described");
    if described.exists() {
        fs::remove_dir_all(&described).map_err(|e| format!("{}: {e}", described.display()))?;
    }
    dist::describe(&described)?;
    let documents = ["openapi.json", "openapi-gate.json"].map(|name| described.join(name));
    lint(&folder, &documents)?;
    generate(&folder, &documents)
}

fn lint(folder: &Path, documents: &[PathBuf]) -> Result<(), String> {
    let mut install = Command::new("npm");
    install
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
        .arg("--prefix")
        .arg(folder)
        .arg(LINTER);
    if !has("npm") || !succeeds(&mut install) {
        eprintln!("\nno openapi.json linted: `npm install {LINTER}` brings the tool");
        return Ok(());
    }
    let mut linter = Command::new(folder.join("node_modules/.bin/redocly"));
    linter
        .args(["lint", "--extends=recommended-strict"])
        .args(documents)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    run(&mut linter)
}

fn generate(folder: &Path, documents: &[PathBuf]) -> Result<(), String> {
    let Ok(bin) = venv::with(&folder.join("venv"), &[GENERATOR]) else {
        eprintln!(
            "\nno client made of any openapi.json: `pip install {GENERATOR}` brings the tool"
        );
        return Ok(());
    };
    let settings = folder.join("generator.json");
    fs::write(&settings, SETTINGS).map_err(|e| format!("{}: {e}", settings.display()))?;
    for document in documents {
        let name = document.file_stem().unwrap_or(document.as_os_str());
        let client = folder.join("clients").join(name);
        fs::create_dir_all(&client).map_err(|e| format!("{}: {e}", client.display()))?;
        let mut generator = Command::new(bin.join("openapi-python-client"));
        generator
            .args(["generate", "--fail-on-warning", "--overwrite", "--path"])
            .arg(document)
            .arg("--config")
            .arg(&settings)
            .arg("--output-path")
            .arg(&client);
        run(&mut generator)?;
        let mut compiler = Command::new(bin.join("python"));
        run(compiler.args(["-m", "compileall", "-q"]).arg(&client))?;
    }
    Ok(())
}
