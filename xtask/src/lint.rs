//! The checks that need no test to run: `cargo xtask lint`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::command::{add_target, cargo, root, run, succeeds, target};
use crate::{npm, openapi};

/// A target without std: whatever uses it, anywhere below the core, does not build.
const NO_STD_TARGET: &str = "thumbv7em-none-eabihf";

/// Auditors use Windows too, and what only builds on Unix creeps in unnoticed.
const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";

/// The C compiler for [`WINDOWS_TARGET`]: AWS-LC is written in C.
const WINDOWS_COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// Crates that the tests wait for beside those below the core: the database, the page's build, keys
/// of RSA, the second reading of the specification.
const ALSO_OPTIMISED: [&str; 8] = [
    "brotli",
    "libsqlite3-sys",
    "miniz_oxide",
    "num-bigint",
    "rsa",
    "walrus",
    "wasm-bindgen-cli-support",
    "wasmparser",
];

/// Everything: also the oldest compiler, Windows, the dependencies, and the description of the
/// log's interface.
pub(crate) fn run_all() -> Result<(), String> {
    run_quick()?;
    oldest_compiler()?;
    windows()?;
    dependencies()?;
    openapi::read_by_others()
}

/// Format, clippy, rustdoc; the core without std and as a package.
pub(crate) fn run_quick() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    optimised()?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    no_std()?;
    npm::lint()?;
    package()
}

/// `[profile.dev.package]` names what has to be fast, all of it, and nothing that is gone.
fn optimised() -> Result<(), String> {
    let mut tree = cargo(&[
        "tree",
        "--package=verifier-core",
        "--edges=normal,no-proc-macro",
        "--all-features",
        "--prefix=none",
        "--format={p}",
    ]);
    let tree = tree.output().map_err(|e| format!("cargo tree: {e}"))?;
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    let crates = tree.lines().filter_map(|line| line.split(' ').next());
    let wanted: BTreeSet<&str> = crates
        .filter(|name| *name != "verifier-core")
        .chain(ALSO_OPTIMISED)
        .collect();
    let manifest = manifest()?;
    let named: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_suffix(".opt-level = 2"))
        .collect();
    let missing: Vec<&&str> = wanted.difference(&named).collect();
    let gone: Vec<&&str> = named.difference(&wanted).collect();
    match missing.is_empty() && gone.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "[profile.dev.package] in Cargo.toml lacks {missing:?} and names {gone:?} for nothing"
        )),
    }
}

fn manifest() -> Result<String, String> {
    let path = root().join("Cargo.toml");
    std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
}

fn no_std() -> Result<(), String> {
    add_target(NO_STD_TARGET, "the core is also built for")?;
    run(&mut cargo(&[
        "build",
        "--package",
        "verifier-core",
        "--target",
        NO_STD_TARGET,
    ]))
}

/// The archive for the registry has all that the core needs to build.
fn package() -> Result<(), String> {
    run(&mut cargo(&[
        "package",
        "--package",
        "verifier-core",
        "--no-verify",
        "--allow-dirty",
        "--quiet",
    ]))
}

/// `rust-version` is a promise to everybody who builds the core or the command.
fn oldest_compiler() -> Result<(), String> {
    let manifest = manifest()?;
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or("Cargo.toml names no rust-version")?;
    let mut install = Command::new("rustup");
    install.args(["toolchain", "install", "--profile", "minimal", version]);
    if !succeeds(&mut install) {
        eprintln!("\nnot built with Rust {version}: `rustup toolchain install {version}` failed");
        return Ok(());
    }
    // By way of rustup: the cargo that runs this belongs to one toolchain.
    let mut check = Command::new("rustup");
    check
        .args(["run", version, "cargo", "check", "--locked"])
        .args(["--package", "verifier-core", "--package", "verifier-cli"])
        .current_dir(root())
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN")
        // Two compilers in one folder would build everything anew in turns.
        .env("CARGO_TARGET_DIR", target().join("oldest"));
    run(&mut check)
}

fn windows() -> Result<(), String> {
    if !has(WINDOWS_COMPILER) {
        let apt = ["install", "--yes", "--quiet", "gcc-mingw-w64-x86-64"];
        let installed = has("apt-get") && succeeds(Command::new("apt-get").args(apt));
        if !installed {
            eprintln!("\nnot checked for Windows: install {WINDOWS_COMPILER} (gcc-mingw-w64)");
            return Ok(());
        }
    }
    add_target(WINDOWS_TARGET, "the command is also checked for")?;
    run(&mut cargo(&[
        "check",
        "--package",
        "verifier-cli",
        "--target",
        WINDOWS_TARGET,
    ]))
}

/// Licences, advisories and sources of dependencies, where the tool for it is there.
fn dependencies() -> Result<(), String> {
    if !succeeds(&mut cargo(&["deny", "--version"])) {
        eprintln!(
            "\ndependencies not checked: `cargo install --locked cargo-deny` brings the tool"
        );
        return Ok(());
    }
    run(&mut cargo(&["deny", "--all-features", "check"]))
}

pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_there(&folder.join(program)))
}

fn is_there(program: &Path) -> bool {
    program.is_file()
}
