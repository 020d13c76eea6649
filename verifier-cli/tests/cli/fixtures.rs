//! Approvals in a folder of their own, the same every time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use test_vectors::{Algorithm, Approval, Draft};

/// A temporary folder; every command runs inside it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Empty.
    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// `approval.json`, its `wire.json`, and the `policy.toml` that trusts it.
    pub(crate) fn sample() -> Self {
        Self::of(&Approval::sample(Algorithm::Es256))
    }

    /// The same, from a draft.
    pub(crate) fn drafted(edit: impl FnOnce(&mut Draft)) -> Self {
        let mut draft = Draft::sample(Algorithm::Es256);
        edit(&mut draft);
        Self::of(&draft.mint())
    }

    pub(crate) fn of(approval: &Approval) -> Self {
        let folder = Self::empty();
        folder.write("approval.json", approval.bundle.text());
        folder.write("wire.json", &approval.payload);
        folder.write("policy.toml", approval.policy.toml());
        folder
    }

    /// `folder/01.json` to `count`, each with its payload beside it, and `policy.toml`.
    pub(crate) fn many(count: u32) -> Self {
        let folder = Self::empty();
        fs::create_dir(folder.path("folder")).unwrap();
        for (i, approval) in Approval::many(count).iter().enumerate() {
            let name = format!("folder/{:02}", i + 1);
            folder.write(format!("{name}.json"), approval.bundle.text());
            let extension = if i % 2 == 0 {
                "payload"
            } else {
                "payload.json"
            };
            folder.write(format!("{name}.{extension}"), &approval.payload);
            folder.write("policy.toml", approval.policy.toml());
        }
        folder
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces `from`, which has to be there, in a file.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from} is not in {text}");
        self.write(name, text.replacen(from, to, 1));
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosignet"));
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs `cosignet` with these arguments, split at blanks.
    pub(crate) fn run(&self, args: &str) -> Run {
        self.run_args(args.split_whitespace())
    }

    pub(crate) fn run_args<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        Run::from(self.command().args(args).output().unwrap())
    }
}

/// A command's output, and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("not killed by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// Everything, for a snapshot.
    pub(crate) fn transcript(&self) -> String {
        let mut out = self.stdout.clone();
        if !self.stderr.is_empty() {
            out.push_str("--- stderr\n");
            out.push_str(&self.stderr);
        }
        out.push_str(&format!("--- exit {}\n", self.code));
        out
    }
}
