//! `cosignet-gate`: the approval service. It asks people, has them sign with passkeys, and keeps what
//! proves their answers.
//!
//! No verdict trusts it: an auditor verifies what it hands out under a policy of their own, and so
//! does whatever acts on an approval.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program with std"
)]
#![allow(
    rustdoc::bare_urls,
    reason = "doc comments of arguments are their help"
)]

mod admin;
mod args;
mod break_glass;
mod ceremony;
mod channel;
mod commands;
mod courier;
mod delivery;
mod embedded;
mod enrolment;
mod event;
mod export;
mod gate;
mod http;
mod init;
mod layout;
mod listed;
mod log;
mod mcp;
mod metrics;
mod moving;
mod notice;
mod openapi;
mod outbox;
mod person;
mod policy;
mod refusal;
mod request;
mod roster;
pub mod rules;
mod serve;
mod session;
mod settings;
mod site;
mod store;
mod terms;
mod waiting;
mod webhook;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::CommandFactory as _;
use command_line::Format;
use verifier_core::Time;
use verifier_core::hazmat::bundle;

use args::Cli;
use refusal::Refusal;

/// The name that other servers see.
const AGENT: &str = concat!("cosignet-gate/", env!("CARGO_PKG_VERSION"));

/// Runs `cosignet-gate` with the arguments of this process.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match command_line::parse::<Cli>(&words) {
        Err(exit) => return exit.into(),
        Ok(cli) => cli,
    };
    let exit = commands::run(&cli.command).unwrap_or_else(|error| {
        error.print(Format::Human);
        error.exit()
    });
    exit.into()
}

/// The commands and their arguments, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The HTTP interface in OpenAPI 3.1, as `/openapi.json` has it.
pub fn description() -> String {
    openapi::document()
}

/// The clock of this machine.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    Time::from_millis(millis).unwrap_or(Time::EPOCH)
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            tracing::error!("no random numbers: {error}");
            Err(Refusal::internal())
        }
    }
}

/// A random UUID (RFC 9562 §5.4).
fn uuid() -> Result<String, Refusal> {
    let mut bits = u128::from_be_bytes(random()?);
    bits &= !(0xf << 76 | 0x3 << 62);
    bits |= 0x4 << 76 | 0x2 << 62;
    Ok(bundle::uuid(&bits.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_is_one() {
        use verifier_core::hazmat::bundle::is_approval_id;
        for _ in 0..100 {
            let id = super::uuid().unwrap();
            assert!(is_approval_id(&id), "{id}");
            assert_eq!(&id[14..15], "4");
            assert!("89ab".contains(&id[19..20]), "{id}");
        }
    }
}
