//! `cosignet witness`: the witness is a program of its own, which is started if it is at hand.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::args::WitnessArgs;
use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// Becomes the witness that stands beside this program, or says how to call it.
///
/// One that a search would find elsewhere may be another version, or somebody else's.
pub(crate) fn run(args: &WitnessArgs) -> Result<ExitCode, CliError> {
    let Some(program) = beside() else {
        return Err(moved(args));
    };
    start(Command::new(&program).args(&args.words)).map_err(|error| {
        let message = format!("{} cannot be started: {error}.", show_path(&program));
        CliError::new(CliCode::IoUnreadable, message).file(&program)
    })
}

fn beside() -> Option<PathBuf> {
    let name = format!("cosignet-witness{}", std::env::consts::EXE_SUFFIX);
    let program = std::env::current_exe().ok()?.with_file_name(name);
    Path::is_file(&program).then_some(program)
}

/// In place of this process: signals and the exit code are the witness's own.
#[cfg(unix)]
fn start(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn start(command: &mut Command) -> io::Result<ExitCode> {
    let code = command.status()?.code();
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The error that says which program to call.
fn moved(args: &WitnessArgs) -> CliError {
    let words: Vec<_> = args
        .words
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let command = match words.first() {
        Some(first) if ["init", "serve"].contains(&&**first) => {
            format!("cosignet-witness {first} …")
        }
        _ => "cosignet-witness --help".into(),
    };
    let message = "the witness is a program of its own, cosignet-witness, and it is not here.";
    CliError::usage(message).next(format!(
        "Put it beside this program, or call `{command}`: the arguments are the same."
    ))
}
