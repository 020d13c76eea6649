//! A folder in which programs run as if it were the whole system.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::command::{run, until_serving};
use crate::files;

/// Runs programs for arm64 on another machine. It is in the folder itself as long as it is used, and
/// stands before the program, so the kernel needs to know nothing of it.
const EMULATOR: &str = "qemu-aarch64-static";

/// The folder, and the user as whom programs run in it.
pub(super) struct Place {
    folder: PathBuf,
    user: String,
    /// Whether programs are for another machine.
    foreign: bool,
    /// What programs find in their environment beside the usual.
    variables: Vec<(String, String)>,
}

impl Place {
    /// A folder, and a user in it: a name or a number, with a group.
    pub(super) fn at(folder: &Path, user: &str) -> Self {
        Self {
            folder: folder.to_path_buf(),
            user: user.to_owned(),
            foreign: false,
            variables: Vec::new(),
        }
    }

    /// The same folder, whose programs are for arm64.
    pub(super) fn foreign(mut self) -> Result<Self, String> {
        let emulator = Path::new("/usr/bin").join(EMULATOR);
        run(Command::new("cp")
            .arg(&emulator)
            .arg(self.folder.join(EMULATOR)))?;
        self.foreign = true;
        Ok(self)
    }

    /// The same folder, with another user.
    pub(super) fn as_user(&self, user: &str) -> Self {
        Self {
            folder: self.folder.clone(),
            user: user.to_owned(),
            foreign: self.foreign,
            variables: self.variables.clone(),
        }
    }

    /// With these variables, each a name, an equals sign and a value.
    pub(super) fn with<'a>(mut self, variables: impl Iterator<Item = &'a str>) -> Self {
        let pairs = variables.filter_map(|variable| variable.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.variables.extend(pairs);
        self
    }

    /// A path in it, as it is outside.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Writes a file there.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        files::write(&self.path(path), bytes)
    }

    /// Gives a folder there to the user.
    pub(super) fn owns(&self, path: &str) -> Result<(), String> {
        run(Command::new("chown")
            .args(["--recursive", &self.user])
            .arg(self.path(path)))
    }

    /// Standard output of what runs there and succeeds.
    pub(super) fn run(&self, words: &[&str]) -> Result<String, String> {
        self.ends(words, 0)
    }

    /// Standard output, and errors behind it, of what runs there and ends with this code.
    pub(super) fn ends(&self, words: &[&str], code: i32) -> Result<String, String> {
        let line = words.join(" ");
        eprintln!("\n[{}] $ {line}", self.user);
        let output = self.command(words).stdin(Stdio::null()).output();
        let Output {
            status,
            stdout,
            stderr,
        } = output.map_err(|error| format!("{line}: {error}"))?;
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        match status.code() == Some(code) {
            true => Ok(said.trim().to_owned()),
            false => Err(format!(
                "{line} ended with {status}, expected {code}:\n{said}"
            )),
        }
    }

    /// Starts a server there: its process and its address.
    pub(super) fn serve(&self, words: &[&str]) -> Result<Serving, String> {
        let (process, address) = until_serving(&mut self.command(words))?;
        Ok(Serving { process, address })
    }

    /// The program runs, and is of this version.
    pub(super) fn says_its_version(&self, program: &str) -> Result<(), String> {
        let said = self.run(&[program, "--version"])?;
        match said.ends_with(concat!(" ", env!("CARGO_PKG_VERSION"))) {
            true => Ok(()),
            false => Err(format!("{program} says it is {said}")),
        }
    }

    /// Whether a path has this mode and this owner, by name in the folder's own list of users.
    pub(super) fn has(&self, path: &str, mode: u32, owner: &str) -> Result<(), String> {
        let found = super::metadata(&self.path(path))?;
        let users = files::read(&self.path("etc/passwd"))?;
        let users = String::from_utf8_lossy(&users);
        let number = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let number = fields.nth(1)?;
            (name == owner).then(|| number.to_owned())
        });
        let found_mode = found.permissions().mode() & 0o7777;
        let is = (found_mode, Some(found.uid().to_string()));
        match is == (mode, number) {
            true => Ok(()),
            false => Err(format!("{path}: expected {mode:o} {owner}, found {is:?}")),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        // By its path: the search path below is that of the place.
        let mut command = Command::new("/usr/sbin/chroot");
        command
            .arg(format!("--userspec={}", self.user))
            .arg(&self.folder);
        if self.foreign {
            command.arg(format!("/{EMULATOR}"));
        }
        command
            .args(words)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C.UTF-8")
            .envs(self.variables.iter().cloned());
        command
    }
}

/// A server that is ended with this.
pub(super) struct Serving {
    process: Child,
    pub(super) address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ignored = self.process.kill();
        let _ignored = self.process.wait();
    }
}
