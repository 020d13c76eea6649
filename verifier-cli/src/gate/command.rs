//! The command that acts, with the approved bytes.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use durable::Access;
use gate_client::{Approved, Emergency};

use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// The variable with the path to the approved bytes.
const FILE: &str = "COSIGNET_PAYLOAD_FILE";

/// The variable with the id of the request.
const REQUEST: &str = "COSIGNET_REQUEST_ID";

/// The variable with the id of a use, if there is no approval.
const USE: &str = "COSIGNET_BREAK_GLASS";

/// What the command is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act<'a> {
    payload: &'a [u8],
    /// The variable with the id, and the id.
    id: (&'static str, &'a str),
}

impl<'a> Act<'a> {
    pub(super) fn of(approved: &'a Approved) -> Self {
        Self {
            payload: approved.payload(),
            id: (REQUEST, approved.request_id()),
        }
    }

    pub(super) fn without_approval(emergency: &'a Emergency) -> Self {
        Self {
            payload: emergency.payload(),
            id: (USE, emergency.use_id()),
        }
    }
}

/// Why the act is no success.
#[derive(Debug)]
pub(super) enum Unsuccessful {
    /// The command ended with this code.
    Ended(u8),
    /// It never ran.
    NotStarted(CliError),
}

/// Runs the command to its end.
pub(super) fn run(words: &[OsString], act: &Act<'_>) -> Result<(), Unsuccessful> {
    let bytes = PayloadFile::create(act).map_err(Unsuccessful::NotStarted)?;
    let child = start(words, act, &bytes).map_err(Unsuccessful::NotStarted)?;
    let status = wait(child, act).map_err(Unsuccessful::NotStarted)?;
    match code(status) {
        0 => Ok(()),
        code => Err(Unsuccessful::Ended(code)),
    }
}

fn start(words: &[OsString], act: &Act<'_>, bytes: &PayloadFile) -> Result<Child, CliError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(CliError::usage("there is no command behind `--`."));
    };
    let started = Command::new(program)
        .args(arguments)
        .env(FILE, &bytes.0)
        .env_remove(REQUEST)
        .env_remove(USE)
        .env(act.id.0, act.id.1)
        .stdin(Stdio::piped())
        .spawn();
    started.map_err(|error| {
        let name = show_path(program.as_ref());
        let message = format!("{name} cannot be started: {error}.");
        CliError::new(CliCode::GateCommand, message)
    })
}

fn wait(mut child: Child, act: &Act<'_>) -> Result<ExitStatus, CliError> {
    if let Some(mut stdin) = child.stdin.take() {
        let bytes = act.payload.to_vec();
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
    fn create(act: &Act<'_>) -> Result<Self, CliError> {
        let name = format!("cosignet-payload-{}.json", act.id.1);
        let path = std::env::temp_dir().join(name);
        // A file that is there already is somebody else's, and is never written to.
        durable::create(&path, act.payload, Access::Private).map_err(|error| {
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
