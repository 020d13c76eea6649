//! What a release consists of, installed where nothing else is: in empty folders and in an empty
//! Debian. It takes what is in `target/dist`, and has to be root on Debian.

mod debian;
mod image;
mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{print, root, run, target};
use crate::interop::python;
use crate::npm::npm;
use crate::{browser, dist, files, lint};

use place::Place;

/// Programs that the trials need, and the packages that have them.
const TOOLS: [(&str, &str); 6] = [
    ("debootstrap", "debootstrap"),
    ("lintian", "lintian"),
    ("qemu-aarch64-static", "qemu-user-static"),
    ("ruby", "ruby"),
    ("skopeo", "skopeo"),
    ("umoci", "umoci"),
];

/// The user of whom nothing is known in an empty folder.
const NOBODY: &str = "65534:65534";

/// All of it.
pub(crate) fn run_all() -> Result<(), String> {
    let release = dist::folder();
    if !release.is_dir() {
        return Err("there is no release: `cargo xtask dist` makes one".into());
    }
    let missing = TOOLS.iter().filter(|(program, _)| !lint::has(program));
    let missing: Vec<&str> = missing.map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        browser::install("the trials of packages", &missing)?;
    }
    let folder = target().join("interop").join("packages");
    files::make(&folder)?;
    sums(&release)?;
    formula(&release)?;
    for archive in ending(&release, "-linux-musl.tar.gz")? {
        programs(&archive, &folder.join("archive"))?;
    }
    debian::try_all(&release, &folder)?;
    image::try_all(&release, &folder)?;
    modules(&release, &folder.join("npm"))?;
    for wheel in ending(&release, ".whl")? {
        python::install(&folder.join("python"), &wheel)?;
    }
    println!("\nevery package can be installed, and does what it should");
    Ok(())
}

/// The files of a release whose names end so: there has to be one.
fn ending(release: &Path, end: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = files::entries(release)?;
    found.retain(|path| path.to_string_lossy().ends_with(end));
    match found.is_empty() {
        true => Err(format!("{}: nothing ends with {end}", release.display())),
        false => Ok(found),
    }
}

/// The sums, as everybody checks them.
fn sums(release: &Path) -> Result<(), String> {
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "--quiet", "SHA256SUMS"]);
    run(check.current_dir(release))
}

/// Ruby can read the formula, and finds what it names.
fn formula(release: &Path) -> Result<(), String> {
    let formula = release.join("cosignet.rb");
    run(Command::new("ruby").args(["-w", "-c"]).arg(&formula))?;
    let text = files::read(&formula)?;
    let text = String::from_utf8_lossy(&text);
    for line in text.lines() {
        let name = line.trim().strip_prefix("url \"");
        let name = name.and_then(|url| url.trim_end_matches('"').rsplit('/').next());
        if name.is_some_and(|name| !release.join(name).is_file()) {
            return Err(format!("the formula names what is not there: {line}"));
        }
    }
    Ok(())
}

/// The programs of an archive, alone in a root of their own, as a user whom nobody knows.
fn programs(archive: &Path, folder: &Path) -> Result<(), String> {
    files::remove(folder)?;
    files::make(folder)?;
    run(Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("-C")
        .arg(folder))?;
    let [top] = files::entries(folder)?
        .try_into()
        .map_err(|found| format!("{}: more than one folder: {found:?}", archive.display()))?;
    let place = Place::at(&top.join("bin"), NOBODY);
    let place = match is_foreign(&archive.to_string_lossy()) {
        true => place.foreign()?,
        false => place,
    };
    for program in files::entries(&top.join("bin"))? {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("cosignet") {
            place.says_its_version(&format!("/{name}"))?;
        }
    }
    verifies(&place, "/cosignet")
}

/// A real approval is VERIFIED there, and another payload is not.
fn verifies(place: &Place, cosignet: &str) -> Result<(), String> {
    let example = root().join("docs").join("example");
    for name in ["approval.json", "payload.json", "registration.json"] {
        place.write(
            &format!("evidence/{name}"),
            &files::read(&example.join(name))?,
        )?;
    }
    place.write("evidence/other.json", b"{}")?;
    place.owns("evidence")?;
    let init = "policy init -o /evidence/policy.toml --name demo --rp-id localhost --origin http://localhost:38107 --no-log";
    let words: Vec<&str> = [cosignet].into_iter().chain(init.split(' ')).collect();
    place.run(&words)?;
    let registration = "--registration=/evidence/registration.json";
    let add = [
        "policy",
        "add-approver",
        "/evidence/policy.toml",
        "--name",
        "alice",
        registration,
    ];
    place.run(&[&[cosignet], &add[..]].concat())?;
    for (payload, code) in [("payload.json", 0), ("other.json", 1)] {
        let payload = format!("/evidence/{payload}");
        let verify = [
            "verify",
            "--policy",
            "/evidence/policy.toml",
            "--payload",
            &payload,
        ];
        let words = [&[cosignet], &verify[..], &["--", "/evidence/approval.json"]].concat();
        place.ends(&words, code)?;
    }
    Ok(())
}

/// The packages for npm in an empty folder, without a network.
fn modules(release: &Path, folder: &Path) -> Result<(), String> {
    files::remove(folder)?;
    let package = br#"{"private":true,"type":"module"}"#;
    files::write(&folder.join("package.json"), package)?;
    let mut install = npm(folder, &["install", "--offline", "--no-audit", "--no-fund"]);
    run(install.args(ending(release, ".tgz")?))?;
    let script = "import '@cosignet/gate'; import { verify } from '@cosignet/verifier'; console.log(typeof verify)";
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval", script]);
    let said = print(node.current_dir(folder))?;
    match said.as_str() {
        "function" => Ok(()),
        _ => Err(format!("@cosignet/verifier has no verify: {said}")),
    }
}

/// What a server there answers.
fn get(address: &str, path: &str) -> Result<String, String> {
    let url = format!("http://{address}{path}");
    print(Command::new("curl").args([
        "--silent",
        "--show-error",
        "--fail",
        "--location",
        "--max-time",
        "20",
        &url,
    ]))
}

/// Removes a folder that only root may, and makes it anew.
fn fresh(folder: &Path) -> Result<(), String> {
    files::remove(folder)?;
    files::make(folder)
}

/// Whether this is a program for another machine than this one.
fn is_foreign(name: &str) -> bool {
    let arm = name.contains("aarch64") || name.contains("arm64");
    arm != cfg!(target_arch = "aarch64")
}

fn metadata(path: &Path) -> Result<fs::Metadata, String> {
    fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))
}
