//! What a release consists of: `cargo xtask dist`.

use std::fs;
use std::path::{Path, PathBuf};

use verifier_core::hazmat::encoding::{hex, sha256};

use crate::command::{binary, cargo, run, target};
use crate::web;

/// Package and program.
const PROGRAMS: [(&str, &str); 4] = [
    ("gate", "cosignet-gate"),
    ("log-server", "cosignet-log"),
    ("verifier-cli", "cosignet"),
    ("witness", "cosignet-witness"),
];

/// The sums, in the form that `sha256sum --check` reads.
const SUMS: &str = "SHA256SUMS";

/// Builds the page and the programs, and puts them into `target/dist` with completions, manual
/// pages and the sums of all files.
pub(crate) fn make() -> Result<(), String> {
    web::build()?;
    let packages = PROGRAMS.map(|(package, _)| ["--package", package]);
    let build = [
        "build",
        "--release",
        "--locked",
        "--features",
        "verify-page,gate/postgres,log-server/postgres,log-server/s3",
    ];
    run(&mut cargo(&[&build[..], packages.as_flattened()].concat()))?;
    let folder = target().join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    }
    let programs = folder.join("bin");
    fs::create_dir_all(&programs).map_err(|error| failed(&programs, &error))?;
    for (_, name) in PROGRAMS {
        copy(&binary("release", name), &programs)?;
    }
    copy(&target().join("web/single/verify.html"), &folder)?;
    describe(&folder)?;
    let sums = sums(&folder)?;
    let path = folder.join(SUMS);
    fs::write(&path, &sums).map_err(|error| failed(&path, &error))?;
    print!("{sums}");
    println!("all of it is in {}", folder.display());
    Ok(())
}

/// Writes what the programs say of themselves into a folder that has none of it.
pub(crate) fn describe(folder: &Path) -> Result<(), String> {
    let mut words = cargo(&["run", "--quiet", "--locked", "--package", "dist", "--"]);
    run(words.arg(folder))
}

fn copy(file: &Path, folder: &Path) -> Result<(), String> {
    let name = file.file_name().unwrap_or_default();
    let copied = fs::copy(file, folder.join(name));
    copied.map(|_| ()).map_err(|error| failed(file, &error))
}

/// One line for each file below the folder, sorted by name.
fn sums(folder: &Path) -> Result<String, String> {
    let mut files = files(folder)?;
    files.sort();
    let lines = files.iter().map(|path| {
        let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
        let name = path.strip_prefix(folder).unwrap_or(path);
        let name = name.to_string_lossy().replace('\\', "/");
        Ok(format!("{}  {name}\n", hex(&sha256(&bytes))))
    });
    lines.collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
