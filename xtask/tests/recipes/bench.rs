//! A folder in which a recipe runs, with programs that stand in for others.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What recipes may use, beside what stands in for others.
const TOOLS: [&str; 12] = [
    "bash",
    "cat",
    "cut",
    "env",
    "jq",
    "mktemp",
    "printf",
    "rm",
    "sh",
    "sha256sum",
    "touch",
    "tr",
];

/// `cosignet gate run` where people approve: it runs the command behind `--`, with the payload on
/// standard input and in a file, as the real one does.
const APPROVES: &str = r#"
printf '%s\n' "$@" > "$BENCH/asked"
while [ "$1" != -- ]; do
  [ "$1" != --payload ] || payload=$2
  [ "$1" != --key-file ] || cat "$2" > "$BENCH/key"
  [ "$1" != --policy ] || cat "$2" > "$BENCH/policy"
  shift
done
shift
[ "$payload" != - ] || payload=/dev/stdin
cat "$payload" > "$BENCH/approved.json"
export COSIGNET_PAYLOAD_FILE="$BENCH/approved.json" COSIGNET_REQUEST_ID=6a0f
"$@" < "$BENCH/approved.json"
"#;

/// How the step before the act can go wrong, and the exit code of `cosignet` in that case.
const DENIALS: [(&str, u8); 6] = [
    ("wrong usage", 2),
    ("a file that cannot be read", 5),
    ("refused", 10),
    ("expired", 11),
    ("unreachable", 12),
    ("not verified", 13),
];

/// A folder with nothing but a recipe's files, and a path of programs that begins and ends there.
pub(crate) struct Bench {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self {
            folder,
            variables: BTreeMap::new(),
        };
        fs::create_dir(bench.path("bin")).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        for tool in TOOLS {
            let mut folders = std::env::split_paths(&path);
            let found = folders.find_map(|folder| fs::canonicalize(folder.join(tool)).ok());
            let found = found.unwrap_or_else(|| panic!("the recipes need {tool}"));
            std::os::unix::fs::symlink(found, bench.path("bin").join(tool)).unwrap();
        }
        bench
    }

    /// The same for a recipe that is told in variables where the gate is, and which files have its key
    /// and the policy.
    pub(crate) fn with_gate() -> Self {
        let mut bench = Self::new();
        for (name, value) in [
            ("GATE_URL", "https://gate.example.com"),
            ("GATE_KEY_FILE", "key-file"),
            ("GATE_POLICY_FILE", "policy-file"),
        ] {
            bench.set(name, value);
        }
        bench.write("key-file", "cosignet_key");
        bench.write("policy-file", "name = \"mine\"");
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A program in the path; it finds the folder in `BENCH`.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A file of the recipes, with its own first line and rights.
    pub(crate) fn recipe(&self, name: &str) -> String {
        let path = recipes().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(name).unwrap();
    }

    /// Runs a program of the path with these variables and no others.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.path("bin").join(program));
        command.args(arguments).current_dir(self.folder.path());
        command.env_clear().envs(&self.variables);
        command.env("PATH", self.path("bin"));
        command.env("BENCH", self.folder.path());
        command.env("TMPDIR", self.folder.path());
        command.output().unwrap()
    }

    /// What people were asked to approve.
    pub(crate) fn approved(&self) -> Value {
        serde_json::from_str(&self.text("approved.json")).unwrap()
    }

    /// The arguments of `cosignet`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.text("asked").lines().map(str::to_owned).collect()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// From now on people approve.
    pub(crate) fn approves(&self) {
        self.program("cosignet", APPROVES);
    }

    /// Runs a recipe in every way in which nothing must be done: each has to fail, and leave no
    /// file of this name.
    pub(crate) fn never(&self, act: &str, run: impl Fn(&Self) -> Output) {
        let failed = |why: &str| {
            let output = run(self);
            assert!(!output.status.success(), "{why}: {output:?}");
            assert!(!self.has(act), "{why}: it acted");
            output.status.code()
        };
        for (why, code) in DENIALS {
            self.program("cosignet", &format!("exit {code}"));
            assert_eq!(failed(why), Some(i32::from(code)), "{why}");
        }
        self.program("cosignet", "kill -9 $$");
        failed("killed");
        fs::remove_file(self.path("bin/cosignet")).unwrap();
        failed("not installed");
    }

    /// Whether files of the recipe's own are left over.
    pub(crate) fn assert_nothing_private_is_left(&self) {
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(
                !name.to_string_lossy().starts_with("tmp."),
                "{name:?} is left"
            );
        }
    }
}

pub(crate) fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipes")
}
