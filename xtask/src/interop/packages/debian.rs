//! The packages for Debian: looked at by lintian, and installed, run, removed and purged in a system
//! that `debootstrap` has just made.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::Place;
use super::{ending, fresh, get, is_foreign, verifies};
use crate::command::{root, run};
use crate::files;

/// The oldest release that is still looked after.
const SUITE: &str = "bookworm";

/// What the packages name under `Depends`: dpkg refuses them if it is not enough.
const NEEDED: &str = "adduser,ca-certificates";

const MIRROR: &str = "http://deb.debian.org/debian";

/// A service, and what makes it one that can run.
struct Case {
    name: &'static str,
    /// The words of its `init`.
    init: &'static [&'static str],
    /// The mode of its data directory.
    mode: u32,
    /// Its file of settings.
    settings: &'static str,
    /// What it needs beside that, below its data directory.
    rules: Option<&'static str>,
    /// How its `serve` is told a port.
    listen: &'static [&'static str],
    /// What it answers when it is well.
    page: &'static str,
}

const RULES: &str =
    "[[rule]]\nname = \"all\"\naction = \"*\"\napprove = [{ group = \"g\", at_least = 1 }]\n";

const CASES: [Case; 3] = [
    Case {
        name: "cosignet-log",
        init: &["--origin", "log.example.com/approvals"],
        mode: 0o755,
        settings: "etc/cosignet-log.toml",
        rules: None,
        listen: &[
            "--config",
            "/etc/cosignet-log.toml",
            "--listen",
            "127.0.0.1:0",
        ],
        page: "/verify",
    },
    Case {
        name: "cosignet-gate",
        init: &["--origin", "gate.example.com/log"],
        mode: 0o700,
        settings: "etc/cosignet-gate.toml",
        rules: Some("rules.toml"),
        listen: &[
            "--config",
            "/etc/cosignet-gate.toml",
            "--listen",
            "127.0.0.1:0",
        ],
        page: "/verify",
    },
    Case {
        name: "cosignet-witness",
        init: &["--name", "witness.example.com/w1"],
        mode: 0o700,
        settings: "etc/cosignet-witness.policy",
        rules: None,
        listen: &[
            "--logs",
            "/etc/cosignet-witness.policy",
            "--listen",
            "127.0.0.1:0",
        ],
        page: "/healthz",
    },
];

/// All packages of a release.
pub(super) fn try_all(release: &Path, folder: &Path) -> Result<(), String> {
    let packages = ending(release, ".deb")?;
    lint(&packages)?;
    let (foreign, own): (Vec<_>, Vec<_>) = packages
        .into_iter()
        .partition(|path| is_foreign(&path.to_string_lossy()));
    for package in &foreign {
        unpack(package, &folder.join("foreign"))?;
    }
    let system = system(folder)?;
    install(&system, &own)?;
    live(&system, &own)
}

/// The rules of Debian.
fn lint(packages: &[PathBuf]) -> Result<(), String> {
    run(Command::new("lintian")
        .args(["--fail-on", "error,warning", "--tag-display-limit", "0"])
        .arg("--allow-root")
        .args(packages))
}

/// A package for another machine: its program, in an empty folder.
fn unpack(package: &Path, folder: &Path) -> Result<(), String> {
    fresh(folder)?;
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(package)
        .arg(folder))?;
    let place = Place::at(folder, super::NOBODY).foreign()?;
    for program in files::entries(&folder.join("usr/bin"))? {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        place.says_its_version(&format!("/usr/bin/{name}"))?;
    }
    Ok(())
}

/// A system with nothing in it but what every Debian has.
fn system(folder: &Path) -> Result<Place, String> {
    let (made, system) = (folder.join(SUITE), folder.join("system"));
    let done = folder.join(format!("{SUITE}.made"));
    if !done.is_file() {
        files::remove(&made)?;
        run(Command::new("debootstrap")
            .args(["--variant=minbase", "--include", NEEDED, SUITE])
            .arg(&made)
            .arg(MIRROR))?;
        files::write(&done, b"")?;
    }
    files::remove(&system)?;
    run(Command::new("cp").arg("--archive").arg(&made).arg(&system))?;
    Ok(Place::at(&system, "root:root"))
}

fn install(system: &Place, packages: &[PathBuf]) -> Result<(), String> {
    let mut words = vec!["dpkg".to_owned(), "--install".to_owned()];
    for package in packages {
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        system.write(&format!("packages/{name}"), &files::read(package)?)?;
        words.push(format!("/packages/{name}"));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    system.run(&words).map(drop)
}

/// From the installation to the purge.
fn live(system: &Place, packages: &[PathBuf]) -> Result<(), String> {
    system.says_its_version("cosignet")?;
    verifies(system, "cosignet")?;
    vectors(system)?;
    for case in &CASES {
        case.installed(system)?;
    }
    let vkey = CASES.iter().map(|case| case.initialised(system));
    let vkeys: Vec<String> = vkey.collect::<Result<_, _>>()?;
    let log = vkeys.first().map(String::as_str).unwrap_or_default();
    for case in &CASES {
        case.serves(system, log)?;
    }
    // Once more, as an upgrade: settings and data stay as they are.
    let before = system.run(&["find", "/var/lib", "-path", "/var/lib/cosignet*", "-ls"])?;
    install(system, packages)?;
    let after = system.run(&["find", "/var/lib", "-path", "/var/lib/cosignet*", "-ls"])?;
    if before != after {
        return Err(format!("an upgrade changed data:\n{before}\n{after}"));
    }
    for case in &CASES {
        case.ends(system)?;
    }
    system.run(&["dpkg", "--purge", "cosignet"])?;
    let left = "find / -xdev -name *cosignet* -not -path /packages* -not -path /var/lib/cosignet*";
    let left = system.run(&left.split(' ').collect::<Vec<_>>())?;
    match left.is_empty() {
        true => Ok(()),
        false => Err(format!("a purge left something:\n{left}")),
    }
}

/// The program finds in the vectors what they expect.
fn vectors(system: &Place) -> Result<(), String> {
    run(Command::new("cp")
        .args(["--recursive", "test-vectors"])
        .arg(system.path("vectors"))
        .current_dir(root()))?;
    system
        .run(&["cosignet", "vectors", "run", "/vectors"])
        .map(drop)
}

impl Case {
    fn data(&self) -> String {
        format!("/var/lib/{}", self.name)
    }

    /// As its user.
    fn place(&self, system: &Place) -> Place {
        system.as_user(&format!("{0}:{0}", self.name))
    }

    fn serve<'a>(&'a self, data: &'a str) -> Vec<&'a str> {
        [&[self.name, "serve", "--data", data][..], self.listen].concat()
    }

    /// User, folder and modes are as they should be, and nothing runs.
    fn installed(&self, system: &Place) -> Result<(), String> {
        let (name, data) = (self.name, self.data());
        let user = system.run(&["getent", "passwd", name])?;
        if !user.ends_with("/usr/sbin/nologin") || !user.contains(&data) {
            return Err(format!("the user is {user}"));
        }
        system.has(&format!("var/lib/{name}"), self.mode, name)?;
        system.has(&format!("usr/bin/{name}"), 0o755, "root")?;
        system.has(self.settings, 0o644, "root")?;
        let wants = "etc/systemd/system/multi-user.target.wants";
        if system.path(&format!("{wants}/{name}.service")).exists() {
            return Err(format!(
                "{name} is started with the system, and nobody has asked for that"
            ));
        }
        system.says_its_version(name)?;
        // Nothing is set: it says so, in the way after which systemd does not start it again.
        self.place(system).ends(&self.serve(&data), 2).map(drop)
    }

    /// Makes what it keeps: its verifier key.
    fn initialised(&self, system: &Place) -> Result<String, String> {
        let data = self.data();
        let init = [&[self.name, "init", "--data", &data][..], self.init].concat();
        let vkey = self.place(system).run(&init)?;
        if let Some(file) = self.rules {
            system.write(&format!("var/lib/{}/{file}", self.name), RULES.as_bytes())?;
        }
        Ok(vkey)
    }

    /// It runs with the settings of its administrator.
    fn serves(&self, system: &Place, log: &str) -> Result<(), String> {
        system.write(self.settings, self.text(log).as_bytes())?;
        let serving = self.place(system).serve(&self.serve(&self.data()))?;
        get(&serving.address, "/healthz")?;
        let page = get(&serving.address, self.page)?;
        let expected = if self.page == "/verify" {
            "<!doctype html>"
        } else {
            "ok"
        };
        match page.to_lowercase().starts_with(expected) {
            true => Ok(()),
            false => Err(format!("{} answers {page}", self.name)),
        }
    }

    fn text(&self, log: &str) -> String {
        match self.name {
            "cosignet-gate" => "url = \"https://gate.example.com\"\n".into(),
            "cosignet-log" => {
                "rpIds = [\"example.com\"]\norigins = [\"https://example.com\"]\n".into()
            }
            _ => format!("log {log}\nquorum none\n"),
        }
    }

    /// Removed it leaves settings and data; purged, data and their owner.
    fn ends(&self, system: &Place) -> Result<(), String> {
        let name = self.name;
        let settings = system.path(self.settings);
        if files::read(&settings)? == files::read(&self.template())? {
            return Err(format!("the upgrade took the settings of {name}"));
        }
        system.run(&["dpkg", "--remove", name])?;
        let is_there = |path: &Path, what: &str, expected: bool| match path.exists() == expected {
            true => Ok(()),
            false => Err(format!("{name}: {} after the {what}", path.display())),
        };
        is_there(&settings, "removal", true)?;
        is_there(&system.path(&format!("usr/bin/{name}")), "removal", false)?;
        let wants = format!("etc/systemd/system/multi-user.target.wants/{name}.service");
        system.write(&wants, b"")?;
        let said = system.run(&["dpkg", "--purge", name])?;
        if !said.contains(&format!("{} and the user", self.data())) {
            return Err(format!("the purge does not say what it leaves: {said}"));
        }
        is_there(&settings, "purge", false)?;
        is_there(&system.path(&wants), "purge", false)?;
        system.has(&format!("var/lib/{name}"), self.mode, name)
    }

    /// The file of settings as it was in the package.
    fn template(&self) -> PathBuf {
        let name = Path::new(self.settings).file_name().unwrap_or_default();
        let sources = root().join("xtask/packaging/debian");
        sources.join(name)
    }
}
