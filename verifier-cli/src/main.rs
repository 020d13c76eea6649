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
mod monitor;
mod output;
mod policy;
mod policy_file;
mod pool;
mod role;
mod text;
mod vectors;
mod verify;
// Its durability is that of Unix file systems.
#[cfg(unix)]
mod witness;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};
use verifier_core::hazmat::shown::escape;

use args::{Cli, Command, Format, VectorsCommand, words};
use exit::Exit;
use failure::CliError;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match parse(&words) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
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

/// The command line as it was meant, or how the process ends instead.
fn parse(words: &[OsString]) -> Result<Cli, Exit> {
    let format = match words::want_json(words) {
        true => Format::Json,
        false => Format::Human,
    };
    let refused = |error: CliError| {
        error.print(format);
        error.exit()
    };
    words::check(words).map_err(refused)?;
    Cli::try_parse_from(words).map_err(|error| {
        let asked = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        );
        if asked && command_line::only_asks(words, &Cli::command()) {
            let printed = output::print(&error.render().to_string(), format);
            return printed.err().unwrap_or(Exit::Ok);
        }
        if asked {
            let error = CliError::usage(command_line::NOT_ALONE);
            return refused(error.next(command_line::NEXT_NOT_ALONE));
        }
        let error = legible(error);
        if format == Format::Json {
            return refused(CliError::usage(first_paragraph(&error)));
        }
        // There is nowhere left to report a failure of this.
        let _ignored = error.print();
        Exit::Usage
    })
}

/// The error with the words of the command line in it made fit to print.
fn legible(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(escape(text)))),
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(|text| escape(text)).collect();
                Some((kind, ContextValue::Strings(texts)))
            }
            // Tips, one line each, which repeat the words.
            ContextValue::StyledStrs(tips) => {
                let tips = tips.iter().map(|tip| escape(&tip.to_string()).into());
                Some((kind, ContextValue::StyledStrs(tips.collect())))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in context {
        error.insert(kind, value);
    }
    error
}

/// The fault in the command line, in one line.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
