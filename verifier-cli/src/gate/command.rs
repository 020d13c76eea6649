//! The command that acts, with the approved bytes.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use durable::Access;
use gate_client::Approved;

use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// The variable with the path to the approved bytes.
const FILE: &str = "COSIGNET_PAYLOAD_FILE";

/// The variable with the id of the request.
const REQUEST: &str = "COSIGNET_REQUEST_ID";

/// Why the act is no success.
#[derive(Debug)]
pub(super) enum Unsuccessful {
    /// The command ended with this code.
    Ended(u8),
    /// It never ran.
    NotStarted(CliError),
}

/// Runs the command to its end.
pub(super) fn run(words: &[OsString], approved: &Approved) -> Result<(), Unsuccessful> {
    let bytes = PayloadFile::create(approved).map_err(Unsuccessful::NotStarted)?;
    let child = start(words, approved, &bytes).map_err(Unsuccessful::NotStarted)?;
    let status = wait(child, approved).map_err(Unsuccessful::NotStarted)?;
    match code(status) {
        0 => Ok(()),
        code => Err(Unsuccessful::Ended(code)),
    }
}

fn start(words: &[OsString], approved: &Approved, bytes: &PayloadFile) -> Result<Child, CliError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(CliError::usage("there is no command behind `--`."));
    };
    let started = Command::new(program)
        .args(arguments)
        .env(FILE, &bytes.0)
        .env(REQUEST, approved.request_id())
        .stdin(Stdio::piped())
        .spawn();
    started.map_err(|error| {
        let name = show_path(program.as_ref());
        let message = format!("{name} cannot be started: {error}.");
        CliError::new(CliCode::GateCommand, message)
    })
}

fn wait(mut child: Child, approved: &Approved) -> Result<ExitStatus, CliError> {
    if let Some(mut stdin) = child.stdin.take() {
        let bytes = approved.payload().to_vec();
        // A command need not read them, and may end before they are written.
        std::thread::spawn(move || stdin.write_all(&bytes));
    }
    child.wait().map_err(|error| {
        let message = format!("the end of the command cannot be seen: {error}.");
        CliError::new(CliCode::GateCommand, message)
    })
}

/// The code that a shell would have for this end.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128));
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(u8::MAX)
}

/// The approved bytes in a file of the owner's, until the command has ended.
struct PayloadFile(PathBuf);

impl PayloadFile {
    fn create(approved: &Approved) -> Result<Self, CliError> {
        let name = format!("cosignet-payload-{}.json", approved.request_id());
        let path = std::env::temp_dir().join(name);
        // A file that is there already is somebody else's, and is never written to.
        durable::create(&path, approved.payload(), Access::Private).map_err(|error| {
            let message = format!("{} cannot be written: {error}.", show_path(&path));
            CliError::new(CliCode::GateCommand, message).file(&path)
        })?;
        Ok(Self(path))
    }
}

impl Drop for PayloadFile {
    fn drop(&mut self) {
        // It is in nobody's way if it stays.
        let _ignored = std::fs::remove_file(&self.0);
    }
}
