//! The programs, compiled for other machines than this one as well: with musl in them they need
//! nothing of the system that they run on.
//!
//! C and C++ of libraries, and the linking, are Zig's for musl, by way of `cargo-zigbuild`: one
//! compiler for every machine, in a version that is written down, which decides the bytes together
//! with that of Rust.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::product::PRODUCTS;
use crate::command::{add_target, cargo, print, root, run, target as built};
use crate::{files, venv, web};

/// What is in the programs of a release beyond the defaults.
pub(super) const FEATURES: &str = "verify-page,gate/postgres,log-server/postgres,log-server/s3";

/// From the Python package index.
const TOOLS: [&str; 2] = ["cargo-zigbuild==0.24.0", "ziglang==0.17.0"];

/// The profile of a release: as `release`, without names of functions.
const PROFILE: &str = "shipped";

/// What a release has if nothing else is said, on Linux.
const USUAL: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// The programs of one target, by name.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub(super) target: String,
    pub(super) files: BTreeMap<&'static str, Vec<u8>>,
}

impl Programs {
    /// Compiles them into a folder of cargo.
    pub(super) fn build(target: &str, folder: &Path) -> Result<Self, String> {
        add_target(target, "the programs are also built for")?;
        if folder != built() {
            // The page that goes into the programs is looked for there.
            files::copy_all(&built().join("web"), &folder.join("web"), &[])?;
        }
        let mut build = compiler(target)?;
        let packages = PRODUCTS.each_ref().map(|one| ["--package", one.package]);
        build
            .args(["--locked", "--profile", PROFILE, "--features", FEATURES])
            .args(["--target", target])
            .args(packages.as_flattened())
            .current_dir(root());
        let mut places = web::sources();
        // Last, which is what decides: it may be in the folder of the workspace.
        places.push((folder.to_path_buf(), "/target"));
        let mut rust: Vec<String> = places
            .iter()
            .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
            .collect();
        if is_static(target) {
            // Zig takes no notice of the word that rustc says to it, -static-pie. Without this one
            // the program would be at the same address each time that it runs.
            rust.push("-Clink-arg=-pie".into());
        }
        let c = places
            .iter()
            .map(|(path, name)| format!("-ffile-prefix-map={}={name}", path.display()));
        let variable = format!("CFLAGS_{}", target.replace('-', "_"));
        build
            .env("CARGO_TARGET_DIR", folder)
            .env("CARGO_ENCODED_RUSTFLAGS", rust.join("\x1f"))
            .env(variable, c.collect::<Vec<_>>().join(" "));
        run(&mut build)?;
        let programs = Self::read(target, &folder.join(target).join(PROFILE))?;
        let fixed = |program: &&Vec<u8>| !is_position_independent(program);
        if is_static(target) && programs.files.values().any(|program| fixed(&program)) {
            return Err(format!("{target}: a program is always at the same address"));
        }
        Ok(programs)
    }

    /// Those that somebody has built before.
    pub(super) fn read(target: &str, folder: &Path) -> Result<Self, String> {
        let end = if target.contains("windows") {
            ".exe"
        } else {
            ""
        };
        let mut programs = BTreeMap::new();
        for product in &PRODUCTS {
            let path = folder.join(format!("{}{end}", product.name));
            programs.insert(product.name, files::read(&path)?);
        }
        Ok(Self {
            target: target.to_owned(),
            files: programs,
        })
    }

    /// One of them.
    pub(super) fn file(&self, name: &str) -> Result<&[u8], String> {
        let file = self.files.get(name).map(Vec::as_slice);
        file.ok_or_else(|| format!("{}: no {name}", self.target))
    }

    /// The name that Debian and registries of images have for the machine, if the programs need
    /// nothing of its system.
    pub(super) fn machine(&self) -> Option<&'static str> {
        match self.target.as_str() {
            "aarch64-unknown-linux-musl" => Some("arm64"),
            "x86_64-unknown-linux-musl" => Some("amd64"),
            _ => None,
        }
    }

    /// Whether no folder of their builder is named in them.
    pub(super) fn say_nothing_of(&self, folders: &[PathBuf]) -> Result<(), String> {
        for (name, bytes) in &self.files {
            for folder in folders {
                let folder = folder.to_string_lossy();
                if let Some(at) = find(bytes, folder.as_bytes()) {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let text = rest
                        .iter()
                        .take(120)
                        .take_while(|byte| byte.is_ascii_graphic());
                    let text: String = text.map(|byte| char::from(*byte)).collect();
                    let target = &self.target;
                    return Err(format!("{name} for {target} has a name in it: {text}"));
                }
            }
        }
        Ok(())
    }
}

/// The targets of a release that is made here, if none is named.
pub(super) fn usual() -> Result<Vec<String>, String> {
    if env::consts::OS == "linux" {
        return Ok(USUAL.map(str::to_owned).into());
    }
    let said = print(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(vec![host.ok_or("rustc does not say its host")?.to_owned()])
}

/// The folders that no program may name.
pub(super) fn folders() -> Vec<PathBuf> {
    let home = ["HOME", "USERPROFILE", "CARGO_HOME"];
    let home = home.into_iter().filter_map(env::var_os).map(PathBuf::from);
    // A user without a home says nothing.
    let home = home.filter(|path| path.components().count() > 1);
    [root(), built()].into_iter().chain(home).collect()
}

/// `cargo build`, with a compiler of C for that machine.
fn compiler(target: &str) -> Result<Command, String> {
    if !is_static(target) {
        return Ok(cargo(&["build"]));
    }
    let bin = venv::with(&built().join("tools").join("zig"), &TOOLS)?;
    let mut build = Command::new(bin.join("cargo-zigbuild"));
    build.arg("zigbuild");
    // It looks for Zig in the Python of the search path.
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&path)));
    build.env("PATH", path.map_err(|error| error.to_string())?);
    Ok(build)
}

/// Whether programs for it need nothing of the system.
fn is_static(target: &str) -> bool {
    target.ends_with("-linux-musl")
}

/// Whether it is a program for Linux that may be anywhere in memory: `ET_DYN` in a header of ELF with
/// the lowest byte first.
fn is_position_independent(program: &[u8]) -> bool {
    program.starts_with(b"\x7fELF") && program.get(16..18) == Some(&[3, 0])
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(word.len().max(1));
    windows.position(|window| window == word)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn a_program_with_the_name_of_a_folder_is_found() {
        let of = |text: &str| Programs {
            target: "x86_64-unknown-linux-musl".into(),
            files: [("cosignet", text.as_bytes().to_vec())].into(),
        };
        let folders = ["/home/ann/verifier", "/home/ann"].map(PathBuf::from);
        let clean = of("\0/verifier/src/main.rs\0/home/anna/x");
        assert!(clean.say_nothing_of(&folders[..1]).is_ok());
        let error = of("\0\0/home/ann/verifier/src/main.rs\0and more");
        let error = error.say_nothing_of(&folders).unwrap_err();
        assert!(
            error.ends_with("in it: /home/ann/verifier/src/main.rs"),
            "{error}"
        );
        assert!(of("/home/ann/.cargo").say_nothing_of(&folders).is_err());
    }

    #[test]
    fn a_program_at_a_fixed_address_is_told_apart() {
        let header = |kind: u8| [&b"\x7fELF"[..], &[2, 1, 1], &[0; 9], &[kind, 0, 62, 0]].concat();
        assert!(is_position_independent(&header(3)));
        assert!(!is_position_independent(&header(2)));
        assert!(!is_position_independent(b"MZ"));
    }

    #[test]
    fn machines_have_the_names_that_others_give_them() {
        let machine = |target: &str| {
            let files = BTreeMap::new();
            let target = target.to_owned();
            Programs { target, files }.machine()
        };
        assert_eq!(USUAL.map(machine), [Some("amd64"), Some("arm64")]);
        assert_eq!(machine("x86_64-unknown-linux-gnu"), None);
    }
}
