//! The command line.

mod bitcoin;
mod policy;
mod watch;
#[cfg(unix)]
mod witness;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use verifier_core::bundle::is_approval_id;
use verifier_core::encoding::from_hex;
use verifier_core::time::Time;

pub(crate) use self::bitcoin::*;
pub(crate) use self::policy::*;
pub(crate) use self::watch::*;
#[cfg(unix)]
pub(crate) use self::witness::*;

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

`verify` uses no network, and no environment variable changes a verdict."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Verify(VerifyArgs),
    Inspect(InspectArgs),
    Explain(ExplainArgs),
    /// Test vectors: run this verifier over files of cases
    #[command(subcommand)]
    Vectors(VectorsCommand),
    /// Policies: make, extend, check and show them
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Bitcoin's block headers: keep them in a file, check them
    #[command(subcommand)]
    Headers(HeadersCommand),
    /// Bitcoin anchors of a log's checkpoints
    #[command(subcommand)]
    Anchor(AnchorCommand),
    /// A witness: it cosigns the heads of logs that only append
    #[cfg(unix)]
    #[command(subcommand)]
    Witness(WitnessCommand),
    Fetch(FetchArgs),
    Monitor(Box<MonitorArgs>),
    VerifyAlarm(VerifyAlarmArgs),
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs: one JSON object a line
    Json,
}

/// Verify approvals: bundles from a log, or an approval service's own answers
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 VERIFIED, 1 REJECTED, 2 wrong usage or bad policy, 3 MALFORMED, 4 INCOMPLETE,
5 a file cannot be read. Only 0 means that everything your policy requires was checked and holds.
Of several inputs the worst counts: 1 before 3 before 4 before 5.

Folders: every *.json in it, sorted by name; folders below it are not read. X.payload or
X.payload.json beside X.json is its payload. The file given as --policy is left out.

JSON: one report a line on stdout, in the order of the inputs. A report names no file: its
inputs.bundleSha256 is what `sha256sum` prints for the file. An input that cannot be read has a
line too: {\"code\":\"io.unreadable\",\"exitCode\":5,\"file\":…,\"message\":…,\"next\":…}. Errors that
concern no single input are such an object on stderr.

Examples:
  cosignet verify approval.json --policy policy.toml --payload wire.json
  cosignet verify approval.json --policy policy.toml --payload-sha256 \"$(sha256sum < wire.json | cut -c1-64)\"
  cosignet verify approvals/ --policy policy.toml --format json > reports.jsonl
  cosignet verify - --policy policy.toml -q < approval.json && ./deploy")]
pub(crate) struct VerifyArgs {
    /// Approvals, folders of them, or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Whom and what you trust (TOML or JSON); without it nothing is VERIFIED
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The payload that should have been approved (one input only)
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<PathBuf>,
    /// The SHA-256 of that payload (one input only)
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub(crate) payload_sha256: Option<[u8; 32]>,
    /// The approval that this should be (one input only)
    #[arg(long, value_name = "ID", value_parser = approval_id)]
    pub(crate) approval_id: Option<String>,
    /// The approver, as named in the policy, that it should be from
    #[arg(long, value_name = "NAME")]
    pub(crate) approver: Option<String>,
    /// The relying party id that it should be for
    #[arg(long, value_name = "ID")]
    pub(crate) rp_id: Option<String>,
    /// Bitcoin's block headers, for anchors; see `cosignet headers`
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    /// A moment that no time in the evidence may lie after, such as 2026-03-01T12:00:00Z or "now"
    #[arg(long, value_name = "TIME|now", value_parser = moment)]
    pub(crate) at: Option<Time>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Print no results: the exit code says it all
    #[arg(short, long)]
    pub(crate) quiet: bool,
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

impl Cli {
    /// The form in which errors are to be reported.
    pub(crate) fn format(&self) -> Format {
        match &self.command {
            Command::Verify(args) => args.format,
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
            Command::Policy(PolicyCommand::Check(args) | PolicyCommand::Show(args)) => args.format,
            #[cfg(unix)]
            Command::Witness(_) => Format::Human,
        }
    }
}

fn sha256(text: &str) -> Result<[u8; 32], &'static str> {
    let bytes = from_hex(&text.to_ascii_lowercase()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("a SHA-256 is 64 hex digits")
}

fn approval_id(text: &str) -> Result<String, &'static str> {
    match is_approval_id(text) {
        true => Ok(text.into()),
        false => Err("an approval id is a lower-case UUID of 36 characters"),
    }
}

fn moment(text: &str) -> Result<Time, &'static str> {
    const FORM: &str = "a time is written 2026-03-01T12:00:00.000Z or 2026-03-01T12:00:00Z";
    if text == "now" {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let millis = now.ok().and_then(|now| u64::try_from(now.as_millis()).ok());
        return millis
            .and_then(Time::from_millis)
            .ok_or("the clock of this machine is wrong");
    }
    let seconds = text.strip_suffix('Z').filter(|text| text.len() == 19);
    let full = seconds.map(|text| format!("{text}.000Z"));
    Time::parse(full.as_deref().unwrap_or(text)).ok_or(FORM)
}
