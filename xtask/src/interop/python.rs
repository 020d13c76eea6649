//! The client for Python: built twice alike, installed where nothing else is, its form and types
//! read, and put in front of a real gate; then its tests once more under every Python that is here.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::command::{binary, cargo, print, root, run, succeeds, target};
use crate::{files, venv};

/// From the Python package index.
const TOOLS: [&str; 4] = [
    "build==1.6.1",
    "hatchling==1.33.0",
    "mypy==2.4.1",
    "ruff==0.17.6",
];

/// The Pythons that it is for.
const PYTHONS: [&str; 6] = [
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
];

/// The tests that need a gate. Without one they are all skipped, and Python 3.12.1 takes that for a
/// failure.
const WITH_GATE: &str = "test_gate";

/// Folders below that of the package that go into no archive.
const MADE: [&str; 5] = ["tests", "dist", "venv", "__pycache__", ".mypy_cache"];

/// The moment that the files in the archives have.
const EPOCH: &str = "1700000000";

/// All of it.
pub(crate) fn run_all() -> Result<(), String> {
    run(&mut cargo(&["build", "--package", "verifier-cli"]))?;
    let folder = target().join("interop").join("python");
    files::make(&folder)?;
    let tools = tools(&folder)?;
    let archives = build_twice(&folder, &tools)?;
    let wheel = archives.iter().find(|path| is_wheel(path));
    let wheel = wheel.ok_or("no wheel was built")?;
    let python = install(&folder, wheel)?;
    style(&tools)?;
    types(&tools, &python)?;
    let fixture = env::current_exe().map_err(|error| error.to_string())?;
    let mut tests = Tests::of(&python);
    tests.fixture = Some(fixture.clone());
    tests.run()?;
    for name in PYTHONS {
        if succeeds(Command::new(name).args(["-c", ""])) {
            let mut tests = Tests::of(Path::new(name));
            tests.path = Some(package().join("src"));
            tests.fixture = Some(fixture.clone());
            tests.run()?;
        }
    }
    println!("{}", wheel.display());
    Ok(())
}

/// Wheel and source archive, built twice alike.
pub(crate) fn archives() -> Result<Vec<PathBuf>, String> {
    let folder = target().join("interop").join("python");
    files::make(&folder)?;
    build_twice(&folder, &tools(&folder)?)
}

/// The tests that need neither a network nor a package, if there is a Python.
pub(crate) fn run_quick() -> Result<(), String> {
    let python = Path::new("python3");
    if !succeeds(Command::new(python).args(["-c", "import sys; assert sys.version_info >= (3, 9)"]))
    {
        eprintln!("\nthere is no Python 3.9 or newer: its client is not tested");
        return Ok(());
    }
    let mut tests = Tests::of(python);
    tests.path = Some(package().join("src"));
    tests.run()
}

/// The folder of the package.
fn package() -> PathBuf {
    root().join("clients").join("python")
}

/// One run of its tests.
struct Tests {
    python: PathBuf,
    /// Where the package is, unless it is installed.
    path: Option<PathBuf>,
    /// A program that starts a gate.
    fixture: Option<PathBuf>,
}

impl Tests {
    fn of(python: &Path) -> Self {
        Self {
            python: python.to_path_buf(),
            path: None,
            fixture: None,
        }
    }

    /// Runs all modules beside each other: they wait more than they work.
    fn run(&self) -> Result<(), String> {
        let folder = package().join("tests");
        let mut modules = Vec::new();
        for path in files::entries(&folder)? {
            let name = path.file_stem().map(OsStr::to_string_lossy);
            modules.extend(
                name.filter(|name| name.starts_with("test_"))
                    .map(String::from),
            );
        }
        if self.fixture.is_none() {
            modules.retain(|name| name != WITH_GATE);
        }
        if modules.is_empty() {
            return Err(format!("{}: no tests", folder.display()));
        }
        eprintln!(
            "\n$ {} -m unittest {}",
            self.python.display(),
            modules.join(" ")
        );
        thread::scope(|scope| {
            let runs = modules.iter().map(|module| {
                let mut command = self.command(&folder, module);
                scope.spawn(move || one(&mut command))
            });
            let runs: Vec<_> = runs.collect();
            for (module, run) in modules.iter().zip(runs) {
                let said = run.join().map_err(|_| format!("{module}: a panic"))?;
                let said = said.map_err(|said| format!("{module}:\n{said}"))?;
                eprintln!("{module}: {}", said.lines().last().unwrap_or_default());
            }
            Ok(())
        })
    }

    fn command(&self, folder: &Path, module: &str) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-W", "error", "-m", "unittest", module])
            .current_dir(folder)
            .env("COSIGNET", binary("debug", "cosignet"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("PYTHONPATH")
            .env_remove("COSIGNET_GATE_FIXTURE")
            .stdin(Stdio::null());
        if let Some(path) = &self.path {
            command.env("PYTHONPATH", path);
        }
        if let Some(fixture) = &self.fixture {
            command.env("COSIGNET_GATE_FIXTURE", fixture);
        }
        command
    }
}

/// What a run of tests says, if all of them pass; else as an error.
fn one(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(said),
    }
}

/// The Python of an environment with the tools.
fn tools(folder: &Path) -> Result<PathBuf, String> {
    Ok(venv::with(&folder.join("tools"), &TOOLS)?.join("python"))
}

fn is_wheel(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("whl"))
}

/// Source archive and wheel, from two copies of the sources, which have to be the same bytes.
fn build_twice(folder: &Path, tools: &Path) -> Result<Vec<PathBuf>, String> {
    let mut made = Vec::new();
    for name in ["first", "second"] {
        let copy = folder.join(name);
        files::remove(&copy)?;
        files::copy_all(&package(), &copy, &MADE)?;
        let out = copy.join("dist");
        run(Command::new(tools)
            .args(["-m", "build", "--no-isolation", "--outdir"])
            .arg(&out)
            .arg(&copy)
            .env("SOURCE_DATE_EPOCH", EPOCH)
            .stdout(Stdio::null()))?;
        made.push(files::entries(&out)?);
    }
    let [first, second] = made.as_slice() else {
        return Err("it was not built twice".into());
    };
    if first.len() != 2 || second.len() != 2 {
        return Err(format!("expected a wheel and a source archive: {first:?}"));
    }
    for (a, b) in first.iter().zip(second) {
        if a.file_name() != b.file_name() || files::read(a)? != files::read(b)? {
            return Err(format!("{} and {} differ", a.display(), b.display()));
        }
    }
    Ok(first.clone())
}

/// A virtual environment with the wheel and nothing else; its Python.
pub(super) fn install(folder: &Path, wheel: &Path) -> Result<PathBuf, String> {
    let venv = folder.join("fresh");
    let python = venv::empty(&venv)?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--no-index"])
        .arg(wheel))?;
    let where_is = "import cosignet_gate; print(cosignet_gate.__file__)";
    let file = print(Command::new(&python).args(["-c", where_is]))?;
    match Path::new(&file).starts_with(&venv) {
        true => Ok(python),
        false => Err(format!(
            "the package that was installed is not used, but {file}"
        )),
    }
}

/// Form and lints.
fn style(tools: &Path) -> Result<(), String> {
    for words in [&["check", "--quiet"][..], &["format", "--check", "--quiet"]] {
        run(Command::new(tools)
            .args(["-m", "ruff"])
            .args(words)
            .args(["--no-cache", "src", "tests"])
            .current_dir(package()))?;
    }
    Ok(())
}

/// The package has types for itself, and for callers: its tests, which see it as it is installed.
fn types(tools: &Path, python: &Path) -> Result<(), String> {
    let mypy = || {
        let mut mypy = Command::new(tools);
        mypy.args(["-m", "mypy", "--strict", "--python-executable"])
            .arg(python)
            .env_remove("MYPYPATH")
            .arg("--cache-dir")
            .arg(target().join("interop").join("python").join("mypy"));
        mypy
    };
    run(mypy().arg("src").current_dir(package()))?;
    run(mypy().arg(".").current_dir(package().join("tests")))
}
