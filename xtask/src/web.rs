//! The verify page: `cargo xtask web`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{add_target, cargo, root, run, succeeds, target};
use crate::files;

const TARGET: &str = "wasm32-unknown-unknown";

/// The compiler decides the bytes of the page, so a release names it.
const COMPILER: &str = "1.95.0";

/// Builds the module and the page into `target/web`. What is there already stays as it is: programs
/// that have the page in them need not be built again.
pub(crate) fn build() -> Result<(), String> {
    let (new, page) = (target().join("web-new"), target().join("web"));
    build_into(&target(), &new)?;
    if page.exists() && files::same(&new, &page)? {
        eprintln!("{} has the same files", page.display());
        return files::remove(&new);
    }
    files::remove(&page)?;
    std::fs::rename(&new, &page).map_err(|e| format!("{}: {e}", page.display()))?;
    eprintln!("they are in {} now", page.display());
    Ok(())
}

/// Builds everything once more, from nothing, and compares the bytes.
pub(crate) fn check() -> Result<(), String> {
    build()?;
    let apart = target().join("web-again");
    files::remove(&apart)?;
    build_into(&apart, &apart.join("web"))?;
    let read = |folder: &Path, name: &str| files::read(&folder.join("web").join(name));
    for name in ["verifier_bg.wasm", "index.html", "single/verify.html"] {
        if read(&target(), name)? != read(&apart, name)? {
            return Err(format!("building {name} twice gave different bytes"));
        }
    }
    eprintln!("built twice: the same bytes");
    Ok(())
}

fn build_into(target: &Path, out: &Path) -> Result<(), String> {
    let mut module = compiler()?;
    module.args([
        "rustc",
        "--package",
        "verifier-wasm",
        "--lib",
        // Alone: with an rlib beside it there would be no optimisation across crates.
        "--crate-type",
        "cdylib",
        "--target",
        TARGET,
        "--profile",
        "wasm",
    ]);
    module
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f"));
    run(&mut module)?;
    let module = target.join(TARGET).join("wasm").join("verifier_wasm.wasm");
    let mut page = cargo(&["run", "--quiet", "--package", "web-build", "--"]);
    let sources = root().join("verifier-wasm").join("web");
    run(page.arg(module).arg(sources).arg(out))
}

/// The compiler of the release where rustup has it or gets it, else the one at hand.
fn compiler() -> Result<Command, String> {
    let own = Command::new("rustc").arg("--version").output();
    let own = own.map_err(|e| format!("rustc: {e}"))?;
    let own = String::from_utf8_lossy(&own.stdout).into_owned();
    if own.split(' ').nth(1) == Some(COMPILER) {
        add_target(TARGET, "the verify page needs")?;
        return Ok(cargo(&[]));
    }
    let mut install = Command::new("rustup");
    install.args(["toolchain", "install", "--profile", "minimal", "--target"]);
    if !succeeds(install.args([TARGET, COMPILER])) {
        eprintln!("\nnot Rust {COMPILER}: the page will have other bytes than that of the release");
        add_target(TARGET, "the verify page needs")?;
        return Ok(cargo(&[]));
    }
    // By way of rustup: the cargo that runs this belongs to one toolchain.
    let mut command = Command::new("rustup");
    command.args(["run", COMPILER, "cargo"]).current_dir(root());
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    Ok(command)
}

/// Flags that make the module small beyond its profile, and the same on every machine.
fn flags() -> Vec<String> {
    let small = [
        // Rounds of SHA-2 in a loop.
        "--cfg=sha2_backend_soft=\"compact\"",
        // WASM copies memory in one instruction; LLVM would write up to eight loads and stores.
        "-Cllvm-args=-max-store-memcpy=1",
        "-Cllvm-args=-max-store-memmove=1",
        "-Cllvm-args=-max-store-memset=1",
    ];
    let mut flags = without_paths();
    flags.extend(small.map(str::to_owned));
    flags
}

/// Names of files appear in debugging information and messages of panics: the same ones on every
/// machine.
fn without_paths() -> Vec<String> {
    let places = sources().into_iter();
    let flags = places.map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()));
    flags.collect()
}

/// Where sources are on this machine, and the names that stand for these folders in what is built.
pub(crate) fn sources() -> Vec<(PathBuf, &'static str)> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    let registry = home.map(|home| home.join("registry").join("src"));
    let indexes = registry.and_then(|registry| registry.read_dir().ok());
    let indexes = indexes.into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = indexes.map(|entry| entry.path()).collect();
    paths.sort();
    let crates = paths.into_iter().map(|path| (path, "/crates"));
    [(root(), "/verifier")].into_iter().chain(crates).collect()
}
