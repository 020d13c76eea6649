//! The transparency log server for human approvals: append-only, idempotent, crash-proof.
//!
//! The rules that an approval has to meet are those of `verifier-core`; here are the protocol
//! that appends it (`sequencer`, `store`, `publisher`, `startup`) and the HTTP around that.
//!
//! `cosignet-log` is one program that runs such a log. Others can run one in their own process, on
//! their own listener: [`create`] makes it, [`Log::open`] starts it.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program with std"
)]

mod admission;
mod anchor;
mod args;
mod backend;
mod batch;
mod close;
mod cosign;
mod disclosure;
mod disk;
mod edge;
mod erasure;
mod erasure_key;
mod error;
mod export;
mod failpoint;
mod follower;
mod fsck;
mod group;
mod health;
mod http;
mod import;
mod init;
mod key;
mod layout;
mod log;
mod member;
mod metrics;
mod mirror;
mod partials;
mod place;
mod predecessor;
mod publication;
mod publisher;
mod refusal;
mod rotation;
mod sequencer;
mod serve;
mod settings;
mod shards;
mod startup;
mod statement;
mod store;
mod subtrees;
mod tiles;
mod token;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::CommandFactory as _;
use verifier_core::Time;

use args::{Cli, Command};

pub use admission::Rules;
pub use anchor::{AnchorSettings, Config as AnchorConfig};
pub use backend::StoreAddress;
pub use error::LogError;
pub use init::{create, exists};
pub use log::{Log, Running};
pub use place::ObjectPlace;
pub use settings::Settings;
pub use store::DatabaseError;

/// Runs `cosignet-log` with the arguments of this process.
pub fn run() -> ExitCode {
    let cli = Cli::of_this_process();
    let done = match &cli.command {
        Command::Init(args) => init::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Token(command) => token::run(command),
        Command::Fsck(args) => fsck::run(args),
        Command::Export(args) => export::run(args),
        Command::Close(args) => close::run(args),
        Command::Import(args) => import::run(args),
        Command::Mirror(args) => mirror::run(args),
        Command::ErasureKey(command) => rotation::run(command),
        Command::ApproverHash(args) => init::approver_hash(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cosignet-log: {failure}");
            ExitCode::from(&failure)
        }
    }
}

/// The commands and their arguments, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The HTTP interface in OpenAPI 3.1, as `/openapi.json` has it.
pub fn description() -> String {
    http::openapi::document()
}

/// The clock of this machine.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    let millis = millis.saturating_add_signed(failpoint::clock());
    Time::from_millis(millis).unwrap_or(Time::EPOCH)
}

/// The name that other servers see.
const AGENT: &str = concat!("cosignet-log/", env!("CARGO_PKG_VERSION"));

/// A client that waits this long for all of one answer.
fn client(timeout: Duration) -> error::Result<log_client::Client> {
    Ok(log_client::Client::new(AGENT, timeout)?)
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> error::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| LogError::System(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
