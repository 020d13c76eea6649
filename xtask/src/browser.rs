//! Programs that the tests need: a browser, its driver and axe-core for the pages, curl and jq for
//! what the documentation tells its readers to type.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{root, run, succeeds, target};

/// Finds Chromium, chromedriver, axe-core, curl and jq; installs what is missing, where it may.
pub(crate) fn prepare() -> Result<(), String> {
    let programs = [
        ("chromedriver", "chromium-driver"),
        ("curl", "curl"),
        ("jq", "jq"),
        ("npm", "npm"),
    ];
    let missing: Vec<&str> = programs
        .into_iter()
        .filter(|(program, _)| !succeeds(Command::new(program).arg("--version")))
        .map(|(_, package)| package)
        .chain((!has_browser()).then_some("chromium"))
        .collect();
    if !missing.is_empty() {
        install("the tests of pages and documentation", &missing)?;
    }
    axe()
}

/// The name of a browser that can be started by its name.
pub(crate) fn find() -> Option<&'static str> {
    [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
    .into_iter()
    .find(|name| succeeds(Command::new(name).arg("--version")))
}

fn has_browser() -> bool {
    find().is_some()
        // chromedriver looks there itself.
        || Path::new("/Applications/Google Chrome.app").exists()
}

/// Installs programs that tests need: as root with apt-get; everybody else is asked, in one
/// line.
pub(crate) fn install(tested: &str, packages: &[&str]) -> Result<(), String> {
    let list = packages.join(" ");
    let ask = || {
        format!(
            "{tested} need {list}: install them, on Debian with `apt-get install {list}`, and run this again"
        )
    };
    if !is_root() || !succeeds(Command::new("apt-get").arg("--version")) {
        return Err(ask());
    }
    let apt = |args: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut apt)
    };
    let wanted = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    let installed = apt(&["update"]).and_then(|()| apt(&wanted));
    installed.map_err(|_| ask())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// The rules of accessibility that the page is held to, in the version of the lock file.
fn axe() -> Result<(), String> {
    let source = root().join("verifier-wasm").join("tests").join("axe");
    let folder = target().join("axe");
    let failed = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut same = folder.join("node_modules/axe-core/axe.min.js").is_file();
    for name in ["package.json", "package-lock.json"] {
        let wanted = fs::read(source.join(name)).map_err(failed)?;
        same &= fs::read(folder.join(name)).is_ok_and(|found| found == wanted);
        fs::write(folder.join(name), wanted).map_err(failed)?;
    }
    if same {
        return Ok(());
    }
    let mut npm = Command::new(format!(
        "npm{}",
        if env::consts::OS == "windows" {
            ".cmd"
        } else {
            ""
        }
    ));
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(npm.current_dir(&folder))
        .map_err(|_| "the tests of the verify page need axe-core from the npm registry".into())
}
