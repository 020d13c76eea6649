//! `cosignet`: the command line of the verifier. It reads files and writes for people and
//! programs; every rule is in `verifier-core`.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program with std"
)]
#![allow(
    rustdoc::bare_urls,
    reason = "doc comments of arguments are their help"
)]

mod alarm;
mod anchor;
mod args;
mod code;
mod exit;
mod explain;
mod failure;
mod fetch;
mod file;
mod headers;
mod http;
mod input;
mod inspect;
mod key;
mod log;
mod monitor;
mod output;
mod policy;
mod policy_file;
mod text;
mod vectors;
mod verify;
// Its durability is that of Unix file systems.
#[cfg(unix)]
mod witness;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Cli, Command, Format, VectorsCommand};
use exit::Exit;
use failure::CliError;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error).into(),
    };
    let format = cli.format();
    let done = match &cli.command {
        Command::Verify(args) => verify::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Vectors(VectorsCommand::Run(args)) => vectors::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Policy(command) => policy::run(command),
        Command::Headers(command) => headers::run(command),
        Command::Anchor(command) => anchor::run(command),
        #[cfg(unix)]
        Command::Witness(command) => witness::run(command),
        Command::Fetch(args) => fetch::run(args),
        Command::Monitor(args) => monitor::run(args),
        Command::VerifyAlarm(args) => alarm::run(args),
    };
    let exit = done.unwrap_or_else(|error| {
        error.print(format);
        error.exit()
    });
    exit.into()
}

/// Help and version, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> Exit {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let words: Vec<_> = std::env::args_os().collect();
    let json = words.windows(2).any(|pair| pair == ["--format", "json"])
        || words.iter().any(|word| word == "--format=json");
    if json && !asked {
        let text = error.render().to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        let message = text.split_whitespace().collect::<Vec<_>>().join(" ");
        CliError::usage(message).print(Format::Json);
        return Exit::Usage;
    }
    match error.print() {
        Ok(()) if asked => Exit::Ok,
        Err(_) if asked => Exit::Io,
        _ => Exit::Usage,
    }
}
