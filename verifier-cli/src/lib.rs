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
mod break_glass;
mod decision;
mod explain;
mod fetch;
mod gate;
mod headers;
mod html;
mod http;
mod input;
mod inspect;
mod key;
mod monitor;
mod people;
mod policy;
mod policy_file;
mod pool;
mod report;
mod role;
mod roster;
mod roster_file;
mod shards;
mod vectors;
mod verify;
mod witness;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory as _;
// Under these names throughout the program.
use command_line::{code, exit, failure, file, output, text};

use args::{Cli, Command, VectorsCommand};

/// Runs `cosignet` with the arguments of this process.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match command_line::parse::<Cli>(&words) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let format = cli.format();
    let done = match &cli.command {
        Command::Verify(args) => verify::run(args),
        Command::Report(args) => report::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Vectors(VectorsCommand::Run(args)) => vectors::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Policy(command) => policy::run(command),
        Command::Roster(command) => roster::run(command),
        Command::Decision(command) => decision::run(command),
        Command::Headers(command) => headers::run(command),
        Command::Anchor(command) => anchor::run(command),
        Command::Witness(args) => match witness::run(args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Gate(command) => match gate::run(command) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::BreakGlass(command) => match break_glass::run(command) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
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

/// The commands and their arguments, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}
