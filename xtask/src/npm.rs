//! The packages for npm, made of `clients/verifier-js` and `clients/typescript`: `cargo xtask npm`.
//!
//! ```text
//! target/npm/verifier-js/, typescript/     what is in them
//! target/npm/cosignet-*.tgz                 the packages
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use verifier_core::hazmat::encoding::{base64, hex, sha256};

use crate::command::{print, root, run, target};
use crate::files;
use crate::web;

/// Folders below `clients`, in the order in which they need each other.
const PACKAGES: [&str; 2] = ["verifier-js", "typescript"];

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Builds both packages, and returns their files.
pub(crate) fn build() -> Result<Vec<PathBuf>, String> {
    web::build()?;
    let packages = pack()?;
    for package in &packages {
        let bytes = files::read(package)?;
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        println!("{}  {} bytes  {name}", hex(&sha256(&bytes)), bytes.len());
    }
    println!("the packages are in {}", folder().display());
    Ok(packages)
}

/// Builds both packages twice, and compares the bytes.
pub(crate) fn check() -> Result<Vec<PathBuf>, String> {
    let read = |packages: &[PathBuf]| -> Result<Vec<Vec<u8>>, String> {
        packages.iter().map(|path| files::read(path)).collect()
    };
    let first = read(&build()?)?;
    let packages = pack()?;
    match read(&packages)? == first {
        true => eprintln!("packed twice: the same bytes"),
        false => return Err("packing twice gave different bytes".into()),
    }
    Ok(packages)
}

/// The folder of the sources, which is one workspace for npm.
pub(crate) fn sources() -> PathBuf {
    root().join("clients")
}

/// The folder of what is made.
pub(crate) fn folder() -> PathBuf {
    target().join("npm")
}

/// Installs packages of others into a folder, unless it has some.
pub(crate) fn modules(folder: &Path, packages: &[&str]) -> Result<(), String> {
    if folder.join("node_modules").is_dir() {
        return Ok(());
    }
    let mut install = npm(
        folder,
        &[
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--prefix",
            ".",
        ],
    );
    run(install.args(packages))
}

/// npm, or another program that it brings, in a folder.
pub(crate) fn npm(folder: &Path, args: &[&str]) -> Command {
    let name = match std::env::consts::OS {
        "windows" => "npm.cmd",
        _ => "npm",
    };
    let mut command = Command::new(name);
    command.args(args).current_dir(folder);
    command
}

/// Installs what the lock file of a folder names.
pub(crate) fn install(folder: &Path) -> Result<(), String> {
    let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    run(&mut npm(folder, &quiet))
        .map_err(|error| format!("{error}: is npm there, with its registry?"))
}

/// The compiler of the lock file.
pub(crate) fn compile(project: &Path) -> Result<(), String> {
    let compiler = sources().join("node_modules").join(".bin").join("tsc");
    run(Command::new(compiler).arg("-p").arg(project))
}

/// Looks at the types of both packages, where somebody has installed the compiler and built them.
pub(crate) fn lint() -> Result<(), String> {
    let compiler = sources().join("node_modules").join(".bin").join("tsc");
    let module = sources().join("verifier-js").join("src").join("module");
    if !compiler.exists() || !module.exists() {
        eprintln!("\nno TypeScript checked: `cargo xtask npm` brings the compiler");
        return Ok(());
    }
    for package in PACKAGES {
        run(Command::new(&compiler)
            .args(["--noEmit", "-p"])
            .arg(sources().join(package)))?;
    }
    Ok(())
}

/// Makes packages of the sources and of the module in `target/web`.
fn pack() -> Result<Vec<PathBuf>, String> {
    install(&sources())?;
    let module = sources().join("verifier-js").join("src").join("module");
    embed(&target().join("web"), &module)?;
    for package in PACKAGES {
        let source = sources().join(package);
        files::remove(&source.join("dist"))?;
        if package == "verifier-js" {
            files::copy_all(&module, &source.join("dist").join("module"), &[])?;
        }
        compile(&source)?;
    }
    files::remove(&folder())?;
    PACKAGES.iter().map(|package| pack_one(package)).collect()
}

/// Writes the module, as base64 in a script: no program that bundles has to know what it is.
fn embed(web: &Path, module: &Path) -> Result<(), String> {
    let read = |name: &str| files::read(&web.join(name));
    let types = root().join("verifier-wasm").join("src").join("types.d.ts");
    let bytes = base64(&read("verifier_bg.wasm")?);
    files::remove(module)?;
    for (name, text) in [
        ("verifier.js", read("verifier.js")?),
        ("verifier.d.ts", read("verifier.d.ts")?),
        ("report.d.ts", files::read(&types)?),
        (
            "bytes.js",
            format!("export const MODULE = \"{bytes}\";\n").into_bytes(),
        ),
        (
            "bytes.d.ts",
            b"export declare const MODULE: string;\n".to_vec(),
        ),
    ] {
        files::write(&module.join(name), &text)?;
    }
    Ok(())
}

/// Puts a package into a folder of its own, without anything that only its makers need.
fn pack_one(package: &str) -> Result<PathBuf, String> {
    let (source, out) = (sources().join(package), folder().join(package));
    for name in ["package.json", "README.md"] {
        files::copy(&source.join(name), &out.join(name))?;
    }
    for name in LICENCES {
        files::copy(&root().join(name), &out.join(name))?;
    }
    files::copy_all(&source.join("dist"), &out.join("dist"), &[])?;
    let args = ["pack", "--loglevel=error", "--pack-destination", ".."];
    let name = print(&mut npm(&out, &args))?;
    Ok(folder().join(name.lines().last().unwrap_or_default()))
}

/// The tests in a folder, for `node --test`.
pub(crate) fn tests(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut tests = files::entries(folder)?;
    tests.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    match tests.is_empty() {
        true => Err(format!("{}: no tests", folder.display())),
        false => Ok(tests),
    }
}
