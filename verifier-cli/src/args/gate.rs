//! `cosignet gate`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use verifier_core::hazmat::time::parse_duration;

use super::{Format, approval_id};

#[derive(Debug, Subcommand)]
pub(crate) enum GateCommand {
    Run(Box<GateRunArgs>),
    Request(GateRequestArgs),
    Wait(GateWaitArgs),
    Claim(GateClaimArgs),
}

impl GateCommand {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Run(args) => args.format,
            Self::Request(args) => args.format,
            Self::Wait(args) => args.format,
            Self::Claim(args) => args.format,
        }
    }
}

/// Run a command if people approve, and not otherwise
#[derive(Args, Debug)]
#[command(after_help = "\
Asks, waits until people have decided, claims the approval, verifies it offline under your policy,
and only then starts COMMAND, once. It gets the approved bytes on stdin and in the file that
COSIGNET_PAYLOAD_FILE names, and the id of the request in COSIGNET_REQUEST_ID: give that to whatever
is to be done as its idempotency key.

Exit codes: that of COMMAND, if it ran (128 and the signal, if one ended it). Else nothing was done:
10 refused or cancelled, 11 expired, 12 the gate cannot be reached, 13 any other reason, 2 wrong
usage, a bad policy or a payload that cannot be asked for, 5 a file cannot be read or COMMAND cannot
be started. The reason is on stderr, with a code for `cosignet explain`.

With --journal a line is on the disk before COMMAND starts, and another one when it has ended. A run
with the same --operation that finds the first one does nothing: it says that the outcome is
unknown, and a person has to look. Without a journal nothing is remembered over a crash.

With --break-glass nobody is asked: COMMAND runs without an approval, if the file permits it and the
settings switch it on, and gets the id of the use in COSIGNET_BREAK_GLASS and none of a request. It
is written down before, in the journal that the settings name. The exit code is then 14 and not 0.

Example:
  cosignet gate run --gate https://gate.example --key-file key --policy policy.toml \\
      --action payment.send --payload wire.json --journal acts.jsonl --operation invoice-4711 \\
      -- ./send-payment")]
pub(crate) struct GateRunArgs {
    #[command(flatten)]
    pub(crate) door: Door,
    #[command(flatten)]
    pub(crate) trust: Trusted,
    #[command(flatten)]
    pub(crate) ask: Asked,
    #[command(flatten)]
    pub(crate) memory: Memory,
    #[command(flatten)]
    pub(crate) glass: Glass,
    /// How errors are written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The command, behind `--`
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Ask, and wait for nobody: the id of the request, and the page on which people decide
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 people are asked; 12 the gate cannot be reached; 13 the gate does not ask them;
2 wrong usage or a payload that cannot be asked for; 5 a file cannot be read.

Example:
  id=$(cosignet gate request --gate https://gate.example --key-file key \\
      --action payment.send --payload wire.json | head -n 1)")]
pub(crate) struct GateRequestArgs {
    #[command(flatten)]
    pub(crate) door: Door,
    #[command(flatten)]
    pub(crate) ask: Asked,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Wait until a request is decided. That it is approved permits nothing: `claim` does
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 the gate says that it is approved; 10 refused or cancelled, 11 expired, 12 the gate
cannot be reached, 13 any other reason; 2 wrong usage; 5 a file cannot be read.

Example:
  cosignet gate wait \"$id\" --gate https://gate.example --key-file key --payload wire.json")]
pub(crate) struct GateWaitArgs {
    /// The id of the request
    #[arg(value_parser = approval_id)]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) door: Door,
    /// The payload that was asked for, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Claim an approval, verify it, and write the approved bytes to stdout
#[derive(Args, Debug)]
#[command(after_help = "\
Waits for the decision if there is none yet. An approval is claimed once, and the
bytes are to be acted on once. `cosignet gate run` also starts the command and reports what came of it.

Exit codes: 0 approved, claimed and verified; 10 refused or cancelled, 11 expired, 12 the gate
cannot be reached, 13 any other reason; 2 wrong usage or a bad policy; 5 a file cannot be read. If
it is not 0, nothing was written.

Example:
  cosignet gate claim \"$id\" --gate https://gate.example --key-file key --policy policy.toml \\
      --action payment.send --payload wire.json > approved.json && ./send-payment approved.json")]
pub(crate) struct GateClaimArgs {
    /// The id of the request
    #[arg(value_parser = approval_id)]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) door: Door,
    #[command(flatten)]
    pub(crate) trust: Trusted,
    /// The action that was asked for
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: String,
    /// The payload that was asked for, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: PathBuf,
    #[command(flatten)]
    pub(crate) memory: Memory,
    /// How errors are written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// The way around people and gate, for when they are not there.
#[derive(Args, Debug)]
pub(crate) struct Glass {
    /// Ask nobody: run COMMAND WITHOUT AN APPROVAL, under this break-glass file
    #[arg(
        long = "break-glass",
        value_name = "FILE",
        requires = "settings",
        conflicts_with_all = ["username", "group", "expires_in", "journal", "operation"]
    )]
    pub(crate) file: Option<PathBuf>,
    /// The settings that switch break-glass on: a file of root's that nobody else can write
    #[arg(long = "break-glass-settings", value_name = "FILE", requires = "file")]
    pub(crate) settings: Option<PathBuf>,
}

/// The gate, and the way in.
#[derive(Args, Debug)]
pub(crate) struct Door {
    /// The gate
    #[arg(long = "gate", value_name = "URL")]
    pub(crate) url: String,
    /// The file with the key for the gate, one line
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: PathBuf,
    /// The file with another key, for the claim
    #[arg(long, value_name = "FILE")]
    pub(crate) claim_key_file: Option<PathBuf>,
    /// How long to try again when the gate does not answer what needs no person
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(crate) patience: Duration,
}

/// The caller's trust.
#[derive(Args, Debug)]
pub(crate) struct Trusted {
    /// Your trust policy (TOML or JSON): it decides, whatever the gate says
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The roster's file, for a policy that leaves it to a roster who may approve
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
}

/// What people are asked.
#[derive(Args, Debug)]
pub(crate) struct Asked {
    /// What is to be done, such as payment.send
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: String,
    /// What exactly, a JSON file, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: PathBuf,
    /// Ask this person
    #[arg(long, value_name = "NAME", conflicts_with = "group")]
    pub(crate) username: Option<String>,
    /// Ask this group
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,
    /// The time to decide, such as 30m; else it is what the rule says
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) expires_in: Option<Duration>,
}

/// What is remembered over a crash.
#[derive(Args, Debug)]
pub(crate) struct Memory {
    /// The file with a line before and behind each act; it is made if it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Your own id of the operation, the same whenever it is tried again
    #[arg(long, value_name = "ID", requires = "journal")]
    pub(crate) operation: Option<String>,
}

pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let millis = parse_duration(text).ok_or("a duration is written 90s, 30m, 12h or 7d");
    millis.map(Duration::from_millis)
}
