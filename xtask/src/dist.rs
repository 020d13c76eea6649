//! What a release consists of: `cargo xtask dist`. Nothing is published.
//!
//! ```text
//! target/dist/
//!   cosignet-VERSION-TARGET.tar.gz      the programs with pages, completions and units
//!   cosignet-VERSION-source.tar.gz      the commit
//!   NAME_VERSION-1_MACHINE.deb          a package for Debian of each program
//!   cosignet-{gate,log,witness}-VERSION.oci.tar   images for containers
//!   cosignet-{gate,verifier}-VERSION.tgz          packages for npm
//!   cosignet_gate-VERSION*              the client for Python: wheel and sources
//!   cosignet.rb                         the formula for Homebrew
//!   verify.html, openapi.json, openapi-gate.json
//!   SHA256SUMS, release.json            what the maintainers approve
//! ```
//!
//! Packing is a function: of the same programs and texts it makes the same bytes, wherever and
//! whenever. `--check` does it twice, `--compile-twice` compiles twice as well.

mod archive;
mod debian;
mod formula;
mod image;
mod notices;
mod product;
mod programs;
mod release;
mod share;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use verifier_core::hazmat::encoding::{hex, sha256};

use crate::command::{cargo, root, run as run_command, target};
use crate::interop::python;
use crate::{files, npm, web};

use archive::{Tree, gzip};
use product::PRODUCTS;
use programs::Programs;
use release::{Files, Release};
use share::Share;

/// What is asked for.
#[derive(Debug, Default, Eq, PartialEq)]
struct Options {
    targets: Vec<String>,
    /// A folder with one for each target, in which somebody has built the programs.
    programs: Option<PathBuf>,
    check: bool,
    compile_twice: bool,
}

/// Makes all of it in `target/dist`.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let options = Options::parse(words)?;
    let release = Release::here()?;
    web::build()?;
    let programs = options.programs()?;
    let folder = folder();
    files::remove(&folder)?;
    let files = Inputs::make(&release, &programs, options.check)?.pack()?;
    for (name, bytes) in &files {
        files::write(&folder.join(name), bytes)?;
        println!("{}  {} bytes  {name}", hex(&sha256(bytes)), bytes.len());
    }
    if options.check {
        let again = Inputs::make(&release, &programs, options.check)?.pack()?;
        same(&files, &again)?;
        eprintln!("packed twice: the same bytes");
    }
    println!("all of it is in {}", folder.display());
    Ok(())
}

/// Where a release is put.
pub(crate) fn folder() -> PathBuf {
    target().join("dist")
}

/// Writes what the programs say of themselves into a folder that has none of it.
pub(crate) fn describe(folder: &Path) -> Result<(), String> {
    let mut words = cargo(&["run", "--quiet", "--locked", "--package", "dist", "--"]);
    run_command(words.arg(folder))
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} of what?"));
            match *word {
                "--check" => options.check = true,
                "--compile-twice" => options.compile_twice = true,
                "--target" => options.targets.push((*value()?).to_owned()),
                "--programs" => options.programs = Some(root().join(value()?)),
                _ => return Err(format!("dist has no option {word}")),
            }
        }
        Ok(options)
    }

    /// The programs of each target: built, or as they were built before.
    fn programs(&self) -> Result<Vec<Programs>, String> {
        let mut targets = self.targets.clone();
        if targets.is_empty() {
            targets = programs::usual()?;
        }
        let folders = programs::folders();
        let mut all = Vec::new();
        for name in &targets {
            let programs = match &self.programs {
                Some(folder) => Programs::read(name, &folder.join(name))?,
                None => Programs::build(name, &target())?,
            };
            programs.say_nothing_of(&folders)?;
            if self.compile_twice {
                let apart = target().join("dist-again");
                files::remove(&apart)?;
                let again = Programs::build(name, &apart)?;
                for product in &PRODUCTS {
                    let name = product.name;
                    if programs.file(name)? != again.file(name)? {
                        let target = &programs.target;
                        return Err(format!(
                            "compiling {name} twice for {target} gave two programs"
                        ));
                    }
                }
                eprintln!("compiled twice for {name}: the same bytes");
            }
            all.push(programs);
        }
        Ok(all)
    }
}

/// All that is packed.
#[derive(Debug)]
struct Inputs<'a> {
    release: &'a Release,
    programs: &'a [Programs],
    share: Share,
    /// What is a package already.
    packages: Files,
    /// The sources, as a tar.
    source: Vec<u8>,
    page: Vec<u8>,
}

impl<'a> Inputs<'a> {
    /// Makes what goes with the programs; `check`: twice, where that has a way of its own.
    fn make(release: &'a Release, programs: &'a [Programs], check: bool) -> Result<Self, String> {
        let described = target().join("described");
        files::remove(&described)?;
        describe(&described)?;
        let first = programs.first().ok_or("no target")?;
        let share = Share::read(&described, notices::of(&first.target)?)?;
        let mut packages = Files::new();
        let npm = match check {
            true => npm::check()?,
            false => npm::build()?,
        };
        for path in npm.into_iter().chain(python::archives()?) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            packages.insert(name.into_owned(), files::read(&path)?);
        }
        Ok(Self {
            release,
            programs,
            share,
            packages,
            source: source(release)?,
            page: files::read(&target().join("web").join("single").join("verify.html"))?,
        })
    }

    /// All files of the release.
    fn pack(&self) -> Result<Files, String> {
        let (release, share) = (self.release, &self.share);
        let mut files = self.packages.clone();
        files.extend(share.interfaces.clone());
        files.insert("verify.html".into(), self.page.clone());
        files.insert(formula::source(release), gzip(&self.source)?);
        for programs in self.programs {
            let name = formula::archive(&programs.target, release);
            let tar = self.archive(programs)?.tar("", release.time)?;
            files.insert(name, gzip(&tar)?);
            let Some(machine) = programs.machine() else {
                continue;
            };
            for product in &PRODUCTS {
                let program = programs.file(product.name)?;
                files.extend([debian::package(product, machine, program, share, release)?]);
            }
        }
        for product in &PRODUCTS {
            let programs = self.programs.iter();
            let programs: Vec<(&str, &[u8])> = programs
                .filter_map(|programs| {
                    Some((programs.machine()?, programs.file(product.name).ok()?))
                })
                .collect();
            if let Some(service) = product.service.as_ref().filter(|_| !programs.is_empty()) {
                files.extend([image::image(product, service, &programs, release)?]);
            }
        }
        if let Some(formula) = formula::formula(&files, release) {
            files.insert("cosignet.rb".into(), formula.into_bytes());
        }
        release.state(&mut files)?;
        Ok(files)
    }

    /// The programs of a target with all that goes with them, in one folder.
    fn archive(&self, programs: &Programs) -> Result<Tree, String> {
        let (target, share) = (&programs.target, &self.share);
        let top = format!("cosignet-{}-{target}", self.release.version);
        let end = if target.contains("windows") {
            ".exe"
        } else {
            ""
        };
        let mut tree = Tree::default();
        for (name, bytes) in &programs.files {
            tree.file(&format!("{top}/bin/{name}{end}"), 0o755, bytes.as_slice());
        }
        for pages in share.all() {
            for (folder, files) in [
                ("man/man1", &pages.man),
                ("completions", &pages.completions),
            ] {
                for (name, bytes) in files {
                    let path = format!("{top}/share/{folder}/{name}");
                    tree.file(&path, 0o644, bytes.as_slice());
                }
            }
        }
        for product in &PRODUCTS {
            if let Some(service) = &product.service {
                let path = format!("{top}/share/systemd/{}.service", product.name);
                tree.file(&path, 0o644, service.unit);
            }
        }
        for (name, bytes) in [
            ("CHANGELOG.md", share.changelog.as_slice()),
            ("LICENSE-APACHE", share.apache.as_bytes()),
            ("LICENSE-MIT", share.mit.as_bytes()),
            ("README.md", share.readme.as_slice()),
            ("third-party.txt", share.notices.as_slice()),
        ] {
            tree.file(&format!("{top}/{name}"), 0o644, bytes);
        }
        Ok(tree)
    }
}

/// The files of the commit, as a tar.
fn source(release: &Release) -> Result<Vec<u8>, String> {
    let mut git = Command::new("git");
    git.args(["archive", "--format=tar"])
        .arg(format!("--prefix=cosignet-{}/", release.version))
        .arg("HEAD")
        .current_dir(root());
    let output = git.output().map_err(|error| format!("git: {error}"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Whether both have the same files with the same bytes.
fn same(one: &Files, other: &Files) -> Result<(), String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differ = names.into_iter();
    let differ: Vec<_> = differ
        .filter(|name| one.get(*name) != other.get(*name))
        .collect();
    match differ.is_empty() {
        true => Ok(()),
        false => Err(format!("packing twice gave different bytes: {differ:?}")),
    }
}

#[cfg(test)]
mod tests;
