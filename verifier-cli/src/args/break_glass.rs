//! `cosignet break-glass`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use verifier_core::Time;

use super::gate::duration;
use super::time::moment;
use super::{Door, Format, Trusted};

#[derive(Debug, Subcommand)]
pub(crate) enum BreakGlassCommand {
    New(BreakGlassNewArgs),
    Sign(BreakGlassSignArgs),
    Join(BreakGlassJoinArgs),
    Check(BreakGlassCheckArgs),
    Report(BreakGlassReportArgs),
}

impl BreakGlassCommand {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::New(_) | Self::Sign(_) | Self::Join(_) => Format::Human,
            Self::Check(args) => args.format,
            Self::Report(args) => args.format,
        }
    }
}

/// Write a break-glass file that nobody has signed yet
#[derive(Args, Debug)]
#[command(after_help = "\
People sign it with their passkeys on the page /break-glass of the gate, or on a copy of that page
under the same name; or with a key in a file, if the policy lists it: `cosignet break-glass sign`.
It is for an hour at most.

Example:
  cosignet break-glass new --policy policy.toml --action payment.send --audience payments.example \\
      --reason \"The gate is down, and salaries are due today.\" --for 30m -o payday.json")]
pub(crate) struct BreakGlassNewArgs {
    /// The policy whose people sign (TOML or JSON): the one that the program's settings name
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// What may be done: one action, or the beginning of some, such as payment.*
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: String,
    /// The program that may do it, by the name in its settings
    #[arg(long, value_name = "NAME")]
    pub(crate) audience: String,
    /// Why, for those who sign and those who review it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The first moment, such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME|now", default_value = "now", value_parser = moment)]
    pub(crate) from: Time,
    /// For how long, at most 60m
    #[arg(long = "for", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub(crate) lasts: Duration,
    /// How many acts it permits, at most 100
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) uses: u64,
    /// Where to write it; an existing file is never overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Sign a break-glass file with a key in a file, where no passkey can be used
#[derive(Args, Debug)]
#[command(after_help = "\
The policy has to list the key (`cosignet policy add-approver --key FILE`). A key in a file is as
good as the place where it is kept: no device asks who uses it. What the file permits is shown first,
with the SHA-256 of the grant; it is signed if you type `yes`, or gave that with --grant-sha256. The
file is changed where it is.

Example:
  openssl genpkey -algorithm ed25519 -out emergency.pem
  cosignet break-glass sign payday.json --policy policy.toml --key emergency.pem")]
pub(crate) struct BreakGlassSignArgs {
    /// The break-glass file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) trust: Trusted,
    /// The private key: Ed25519, or ECDSA on P-256, as PKCS #8 in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The grant that is to be signed, as somebody has read it to you; without it a terminal asks
    #[arg(long, value_name = "HEX")]
    pub(crate) grant_sha256: Option<String>,
}

/// Put the signatures of several copies of one break-glass file together
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  cosignet break-glass join from-ann.json from-bob.json -o payday.json")]
pub(crate) struct BreakGlassJoinArgs {
    /// Copies of one file, each with signatures of its own
    #[arg(required = true, value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Where to write it; an existing file is never overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Say who has signed a break-glass file, and whether it would open
#[derive(Args, Debug)]
#[command(after_help = "\
Without --settings it says whether every signature holds, and not whether they are enough. With
--settings it says whether the file opens, and with --action whether that would be permitted. It
does nothing else: no use is written down by it.

Exit codes: 0 it holds, as far as was asked; 1 it does not; 2 wrong usage, a bad policy or bad
settings; 4 the roster is missing or cannot be judged; 5 a file cannot be read.

Example:
  cosignet break-glass check payday.json --policy policy.toml \\
      --settings /etc/payments/break-glass.json --action payment.send --at now")]
pub(crate) struct BreakGlassCheckArgs {
    /// The break-glass file, or - for stdin
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) trust: Trusted,
    /// The settings of the program that acts
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// What would be done
    #[arg(long, value_name = "ACTION", requires = "settings", requires = "at")]
    pub(crate) action: Option<String>,
    /// When, such as 2026-03-01T12:00:00Z or "now"
    #[arg(long, value_name = "TIME|now", requires = "action", value_parser = moment)]
    pub(crate) at: Option<Time>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Tell the gate about uses of break-glass files, when it is there again
#[derive(Args, Debug)]
#[command(after_help = "\
Reads the journal that the settings name, and tells the gate about every use that it does not know
of. The gate records it, and approves nothing. It may be run again and again, by a timer for example.

Exit codes: 0 the gate knows all of them; 12 it cannot be reached; 13 it does not take one of them.

Example:
  cosignet break-glass report --gate https://gate.example --key-file key \\
      --settings /etc/payments/break-glass.json")]
pub(crate) struct BreakGlassReportArgs {
    #[command(flatten)]
    pub(crate) door: Door,
    /// The settings of the program that acts
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}
