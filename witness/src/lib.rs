//! `cosignet-witness`: c2sp.org/tlog-witness for anyone to run.
//!
//! ```text
//! DIR/witness.key              the private key, mode 0600
//! DIR/lock                     held by the one process that runs
//! DIR/logs/<SHA-256 of origin> what was cosigned last of each log
//! DIR/known                    the logs that have such a file
//! ```
//!
//! A witness is worth something because it never cosigns two heads of a log of which neither
//! extends the other. So what it is about to cosign is compared with what it remembers and made
//! durable in one step, one request a log at a time, and only then signed.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program with std"
)]
#![allow(
    rustdoc::bare_urls,
    reason = "doc comments of arguments are their help"
)]

mod args;
mod check;
mod directory;
mod key;
mod known;
mod ledger;
mod record;
mod server;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory as _;
use command_line::{CliError, Exit, Format, file, output};
use verifier_core::Code;
use verifier_core::hazmat::tlog::policy::TlogPolicy;

use args::{Cli, Command, InitArgs, ServeArgs};
use directory::Directory;
use key::WitnessKey;
use ledger::Witness;

/// Runs `cosignet-witness` with the arguments of this process.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let done = match command_line::parse::<Cli>(&words) {
        Err(exit) => return exit.into(),
        Ok(cli) => match &cli.command {
            Command::Init(args) => init(args),
            Command::Serve(args) => serve(args),
        },
    };
    let exit = done.unwrap_or_else(|error| {
        error.print(Format::Human);
        error.exit()
    });
    exit.into()
}

/// The commands and their arguments, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

fn init(args: &InitArgs) -> Result<Exit, CliError> {
    let key = WitnessKey::generate(&args.name)?;
    Directory::new(&args.data).create(&key)?;
    let text = format!("{}\n", key.public());
    let printed = output::print(&text, Format::Human);
    Ok(printed.err().unwrap_or(Exit::Ok))
}

fn serve(args: &ServeArgs) -> Result<Exit, CliError> {
    serving::messages(false);
    let directory = Directory::new(&args.data);
    directory.require()?;
    let _lock = directory.lock()?;
    let key = WitnessKey::read(&directory.key())?;
    let text = file::read_text(&args.logs, TlogPolicy::MAX_BYTES, Code::PolicyLog)?;
    let policy =
        TlogPolicy::parse(&text).map_err(|error| CliError::of(&error).about(&args.logs))?;
    if policy.logs().is_empty() {
        let message = "the policy has no `log` line, so there is nothing to cosign.";
        return Err(CliError::usage(message).about(&args.logs));
    }
    let witness = Witness::open(key, &policy, &directory, args.rate)?;
    for url in &args.check_log {
        check::check(url, &witness)?;
    }
    server::serve(witness, args)?;
    Ok(Exit::Ok)
}

/// Where a test lets the process die, as a power cut would: if `COSIGNET_WITNESS_FAILPOINT` names
/// this place. Nothing in a release build.
#[cfg(debug_assertions)]
fn failpoint(place: &str) {
    if std::env::var("COSIGNET_WITNESS_FAILPOINT").is_ok_and(|wanted| wanted == place) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
fn failpoint(_place: &str) {}
