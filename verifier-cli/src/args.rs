//! The command line.

mod bitcoin;
mod break_glass;
mod gate;
mod policy;
mod report;
mod roster;
mod time;
mod verify;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
pub(crate) use command_line::Format;
use verifier_core::hazmat::bundle::is_approval_id;

pub(crate) use self::bitcoin::*;
pub(crate) use self::break_glass::*;
pub(crate) use self::gate::*;
pub(crate) use self::policy::*;
pub(crate) use self::report::*;
pub(crate) use self::roster::*;
use self::time::moment;
pub(crate) use self::time::now;
pub(crate) use self::verify::*;
pub(crate) use self::watch::*;

/// Verifies human approvals made with passkeys, offline, trusting only your own policy.
#[derive(Debug, Parser)]
#[command(
    name = "cosignet",
    version,
    after_help = "\
Start here:
  cosignet policy init -o policy.toml --name acme --rp-id acme.com --origin https://acme.com --no-log
  cosignet policy add-approver policy.toml --name \"alice (phone)\" --registration alice.json
  cosignet verify approval.json --policy policy.toml --payload wire.json

In a pipeline, name the payload and the approval, and end the options with `--`:
  cosignet verify --policy policy.toml --payload wire.json --approval-id ID -q -- approval.json \\
      && ./deploy wire.json

`verify` uses no network, and no environment variable changes a verdict."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Verify(VerifyArgs),
    Report(Box<ReportArgs>),
    Inspect(InspectArgs),
    Explain(ExplainArgs),
    /// Test vectors: run this verifier over files of cases
    #[command(subcommand)]
    Vectors(VectorsCommand),
    /// Policies: make, extend, check and show them
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Rosters: who may approve, approved like anything else
    #[command(subcommand)]
    Roster(RosterCommand),
    /// Decisions of several people
    #[command(subcommand)]
    Decision(DecisionCommand),
    /// Ask people through a gate, and act on nothing but their verified approval
    #[command(subcommand)]
    Gate(GateCommand),
    /// Files for when the gate is not there: signed by several people, and no approvals
    #[command(subcommand)]
    BreakGlass(BreakGlassCommand),
    /// Bitcoin's block headers: keep them in a file, check them
    #[command(subcommand)]
    Headers(HeadersCommand),
    /// Bitcoin anchors of a log's checkpoints
    #[command(subcommand)]
    Anchor(AnchorCommand),
    Witness(WitnessArgs),
    Fetch(FetchArgs),
    Monitor(Box<MonitorArgs>),
    VerifyAlarm(VerifyAlarmArgs),
}

/// Show what is in a file, without verifying anything
#[derive(Args, Debug)]
#[command(after_help = "\
Reads bundles, services' confirmations, log entries, log proofs and checkpoints.
Exit codes: 0 it could be read, which proves nothing; 3 MALFORMED; 5 the file cannot be read.

Example:
  cosignet inspect approval.json")]
pub(crate) struct InspectArgs {
    /// The file, or - for stdin
    pub(crate) file: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Explain a code or a check: what it means, where it comes from, what to do
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cosignet explain payload.mismatch
  cosignet explain log.quorum
  cosignet explain              (lists them all)")]
pub(crate) struct ExplainArgs {
    /// A code such as payload.mismatch, or the id of a check such as payload.binding
    pub(crate) code: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VectorsCommand {
    /// Run vector files and say which cases differ
    #[command(after_help = "\
Every case runs with both back ends for signatures; if they disagree, the case fails.
Of a folder every *.json at any depth is run, in any case; links, pipes and the like are left out and
named.
Exit codes: 0 all passed; 1 one differs, or there was nothing to run; 3 not a vector file;
5 a file cannot be read.

Example:
  cosignet vectors run test-vectors/")]
    Run(VectorsArgs),
}

#[derive(Args, Debug)]
pub(crate) struct VectorsArgs {
    /// Vector files, or folders of them at any depth
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// The witness: the program cosignet-witness, if it stands beside this one
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct WitnessArgs {
    /// The arguments of cosignet-witness
    #[arg(
        allow_hyphen_values = true,
        trailing_var_arg = true,
        value_name = "ARGUMENT"
    )]
    pub(crate) words: Vec<OsString>,
}

impl Cli {
    /// The form in which errors are to be reported.
    pub(crate) fn format(&self) -> Format {
        match &self.command {
            Command::Verify(args) => args.format,
            Command::Report(_) => Format::Human,
            Command::Inspect(args) => args.format,
            Command::Explain(args) => args.format,
            Command::Vectors(VectorsCommand::Run(args)) => args.format,
            Command::Headers(HeadersCommand::Check(args)) => args.format,
            Command::Headers(HeadersCommand::Sync(args)) => args.format,
            Command::Anchor(AnchorCommand::Upgrade(args)) => args.format,
            Command::Anchor(AnchorCommand::Verify(args)) => args.format,
            Command::Fetch(args) => args.format,
            Command::Monitor(args) => args.format,
            Command::VerifyAlarm(args) => args.format,
            Command::Policy(PolicyCommand::Init(args)) => args.format,
            Command::Policy(PolicyCommand::AddApprover(args)) => args.format,
            Command::Policy(PolicyCommand::Check(args)) => args.format,
            Command::Policy(PolicyCommand::RetireApprover(args)) => args.format,
            Command::Policy(PolicyCommand::Show(args)) => args.format,
            Command::Witness(args) => command_line::format_of(&args.words),
            Command::Roster(command) => command.format(),
            Command::Decision(DecisionCommand::Join(args)) => args.format,
            Command::Gate(command) => command.format(),
            Command::BreakGlass(command) => command.format(),
        }
    }
}

fn approval_id(text: &str) -> Result<String, &'static str> {
    match is_approval_id(text) {
        true => Ok(text.into()),
        false => Err("an approval id is a lower-case UUID of 36 characters"),
    }
}
