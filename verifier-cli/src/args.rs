//! The command line.

#[cfg(unix)]
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use verifier_core::bitcoin::network::Network;
use verifier_core::bundle::is_approval_id;
use verifier_core::encoding::from_hex;
use verifier_core::time::Time;

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

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Init(InitArgs),
    AddApprover(AddArgs),
    /// Read a policy and say what is weak about it
    #[command(after_help = "\
Exit codes: 0 it can be used, perhaps with warnings; 2 it cannot; 5 it cannot be read.

Example:
  cosignet policy check policy.toml")]
    Check(PolicyArgs),
    /// Show a policy with its defaults filled in, its SHA-256, and the fingerprints of its keys
    #[command(after_help = "\
--format json prints the canonical JSON that the SHA-256 is over.

Example:
  cosignet policy show policy.toml")]
    Show(PolicyArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PolicyArgs {
    /// The policy (TOML or JSON), or - for stdin
    pub(crate) file: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Write a new policy with comments that explain it
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  cosignet policy init -o policy.toml --name acme \\
      --rp-id acme.com --origin https://acme.com --log-policy log.policy")]
pub(crate) struct InitArgs {
    /// Where to write it; an existing file is never overwritten. Default: stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// A name for the policy; reports show it
    #[arg(long)]
    pub(crate) name: String,
    /// A relying party id that approvals are signed for; may be repeated
    #[arg(long, required = true, value_name = "ID")]
    pub(crate) rp_id: Vec<String>,
    /// An origin that approvals are signed on, such as https://acme.com; may be repeated
    #[arg(long, required = true, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,
    /// The log and its witnesses, as a c2sp.org/tlog-policy file
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "no_log",
        conflicts_with = "no_log"
    )]
    pub(crate) log_policy: Option<PathBuf>,
    /// Do without a log: approvals can then be denied, dropped and back-dated
    #[arg(long)]
    pub(crate) no_log: bool,
    /// Accept approvals of which only the payload's hash is known
    #[arg(long)]
    pub(crate) hash_only: bool,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Add an approver's key to a policy, keeping its comments
#[derive(Args, Debug)]
#[command(after_help = "\
Compare the fingerprint that this prints with the approver, over another channel than the one
that brought the key.

Examples:
  cosignet policy add-approver policy.toml --name \"alice (phone)\" --registration alice.json
  cosignet policy add-approver policy.toml --name bob --key bob.pem --alg ES256")]
pub(crate) struct AddArgs {
    /// The policy to change (TOML)
    pub(crate) policy: PathBuf,
    /// What reports should call the approver
    #[arg(long)]
    pub(crate) name: String,
    /// The browser's registration JSON (PublicKeyCredential.toJSON()); - for stdin
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "key",
        conflicts_with = "key"
    )]
    pub(crate) registration: Option<PathBuf>,
    /// A public key: a file or the text itself; PEM, DER, or COSE_Key in base64url
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The algorithm that the key has to be of: ES256, ES384, ES512, EdDSA or RS256
    #[arg(long, value_parser = ["ES256", "ES384", "ES512", "EdDSA", "RS256"])]
    pub(crate) alg: Option<String>,
    /// The credential id, base64url; a registration carries its own
    #[arg(long, value_name = "ID", conflicts_with = "registration")]
    pub(crate) credential_id: Option<String>,
    /// No approval with this key may be proven older than this
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) not_before: Option<Time>,
    /// Every approval with this key has to be proven not later than this
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) not_after: Option<Time>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HeadersCommand {
    Check(HeadersCheckArgs),
    Sync(SyncArgs),
}

/// Check a file of block headers: links, targets, times, work
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 it can be used; 2 it cannot, or the policy does not know its chain; 5 it cannot be
read. That headers follow the rules does not say that they are Bitcoin's: a policy does.

Example:
  cosignet headers check headers --policy policy.toml")]
pub(crate) struct HeadersCheckArgs {
    /// The file of headers
    pub(crate) file: PathBuf,
    /// Whose pinned blocks have to be in the chain (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Add headers to a file, from a node, an explorer or another file
#[derive(Args, Debug)]
#[command(after_help = "\
The source is trusted for nothing but bytes: all headers, old and new, are checked, and where the
source knows another branch than the file, the one with more work is kept. Headers are written as
they are checked; run the command again to go on after an interruption, or for newer blocks.

Sources:
  http://127.0.0.1:8332/rest         a node that runs with -rest=1: the fastest
  http://USER:PASSWORD@HOST:8332     a node's JSON-RPC; or --cookie FILE instead of the password
  https://blockstream.info/api       an esplora, two requests a header: for the last few thousand
  FILE                               a file of this form, or headers of 80 bytes one after the
                                     other, as they are or as hex, the first one at --start

Examples:
  cosignet headers sync headers --from http://127.0.0.1:8332/rest
  cosignet headers sync headers --from http://127.0.0.1:8332 --cookie ~/.bitcoin/.cookie
  cosignet headers sync headers --from https://blockstream.info/api --start 925344
  cosignet headers sync headers --from download.bin --start 832608")]
pub(crate) struct SyncArgs {
    /// The file of headers; made if it is not there
    pub(crate) file: PathBuf,
    /// Where headers come from
    #[arg(long, value_name = "URL|FILE")]
    pub(crate) from: String,
    /// The cookie of a node: a file with a name and a password, a colon between
    #[arg(long, value_name = "FILE")]
    pub(crate) cookie: Option<PathBuf>,
    /// The network, for a source that does not say
    #[arg(long, default_value = "mainnet", value_parser = network)]
    pub(crate) network: Network,
    /// The height at which a new file begins: 0 or a multiple of 2016
    #[arg(long, default_value_t = 0, value_name = "HEIGHT")]
    pub(crate) start: u32,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AnchorCommand {
    Upgrade(AnchorUpgradeArgs),
    Verify(AnchorVerifyArgs),
}

/// Put the block that was promised for a bundle's checkpoint into the bundle
#[derive(Args, Debug)]
#[command(after_help = "\
Asks the calendars that the timestamp names, if they are public ones or given as --calendar; or the
log, with --log, which can also anchor a bundle that has no timestamp yet. The file is replaced at
once. Nothing that is fetched is trusted: `cosignet verify` checks it, offline from then on.
Exit codes: 0 the timestamp leads to a block; 1 what came does not fit the bundle or your headers;
4 there is no block yet; 5 a file or a server cannot be read.

Examples:
  cosignet anchor upgrade approval.json
  cosignet anchor upgrade approval.json --log https://log.example.com --headers headers")]
pub(crate) struct AnchorUpgradeArgs {
    /// The bundle to change
    pub(crate) bundle: PathBuf,
    /// A calendar that may be asked, besides the public ones; can be repeated
    #[arg(long = "calendar", value_name = "URL", conflicts_with = "log")]
    pub(crate) calendars: Vec<String>,
    /// Take the anchor of the log at this address
    #[arg(long, value_name = "URL")]
    pub(crate) log: Option<String>,
    /// Bitcoin's block headers, to compare and to put the header of the block into the bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Verify that a checkpoint was timestamped in a block that the policy knows
#[derive(Args, Debug)]
#[command(after_help = "\
This is about the bytes of a file and a block, not about an approval: who signed the checkpoint is
for `cosignet verify`.
Exit codes: 0 VERIFIED, 1 REJECTED, 2 wrong usage, 4 INCOMPLETE, 5 a file cannot be read.

Example:
  cosignet anchor verify checkpoint checkpoint.ots --headers headers")]
pub(crate) struct AnchorVerifyArgs {
    /// The checkpoint, exactly as it was stamped
    pub(crate) checkpoint: PathBuf,
    /// The OpenTimestamps proof
    pub(crate) ots: PathBuf,
    /// Bitcoin's block headers; see `cosignet headers`
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    /// Network, pinned blocks and confirmations (TOML or JSON)
    #[arg(long, value_name = "FILE", conflicts_with = "network")]
    pub(crate) policy: Option<PathBuf>,
    /// The network, where no policy is given
    #[arg(long, default_value = "mainnet", value_parser = network)]
    pub(crate) network: Network,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[cfg(unix)]
#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    Init(WitnessInitArgs),
    Serve(WitnessServeArgs),
}

/// Create a witness: its key and its empty memory. Prints the verifier key
#[cfg(unix)]
#[derive(Args, Debug)]
#[command(after_help = "\
Nothing else ever creates a witness. Back up DIR/witness.key now, and keep it secret. The verifier
key that is printed goes into the policies of logs and verifiers.
Exit codes: 0 done; 2 wrong usage; 5 a file cannot be written.

Example:
  cosignet witness init --data /var/lib/cosignet-witness --name witness.example.com/w1")]
pub(crate) struct WitnessInitArgs {
    /// Where the witness lives; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The name of the key for ever, such as witness.example.com/w1
    #[arg(long)]
    pub(crate) name: String,
}

/// Run a witness (c2sp.org/tlog-witness)
#[cfg(unix)]
#[derive(Args, Debug)]
#[command(after_help = "\
--logs is a c2sp.org/tlog-policy file; its `log` lines say whose checkpoints are cosigned, and the
rest of it is not looked at. Put a reverse proxy with TLS in front, and do not expose /metrics.

Never start a witness from an old copy of DIR/logs: it could sign a second history. If you cannot
rule that out, give --check-log for each log (and for each copy of what this witness publishes):
URL/checkpoint is fetched, and if it carries a cosignature of this witness on more than DIR
remembers, the witness does not start.
Exit codes: 0 ended by a signal; 1 DIR is damaged or was rolled back; 2 wrong usage; 5 a file or
the network.

Example:
  cosignet witness serve --data /var/lib/cosignet-witness --logs logs.policy \\
      --check-log https://log.example.com")]
pub(crate) struct WitnessServeArgs {
    /// Where the witness lives
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The logs to cosign, as a c2sp.org/tlog-policy file
    #[arg(long, value_name = "POLICYFILE")]
    pub(crate) logs: PathBuf,
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Compare with the checkpoint at URL/checkpoint before the start; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) check_log: Vec<String>,
    /// How many connections may be open
    #[arg(long, default_value_t = 1024, value_name = "COUNT")]
    pub(crate) connections: u16,
    /// How many requests a second are looked at for each log
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    pub(crate) rate: u16,
}

/// Fetch an approval from a log, with a proof made from the log's own tiles
#[derive(Args, Debug)]
#[command(after_help = "\
The log's look-up is a hint for where the entry is and what it discloses, nothing more: the entry,
and the proof that it is in the tree of the log's signed head, are built from the tiles and checked
before anything is written. What the log discloses is included if it belongs to the entry.

With --policy, the verdict on what was written is printed, and the exit code is that of
`cosignet verify --approval-id ID`: 0 VERIFIED, 1 REJECTED, 4 INCOMPLETE. Without one, 0 says only
that the file was written. 1 and no file: the log answered with another approval than you asked
for. 4 and no file: the log does not have it, or serves what does not fit its head. 5: the log
cannot be reached, or the file cannot be written.

Examples:
  cosignet fetch 5534d6f2-c643-4355-8548-73af4b8540f2 --log https://log.example -o approval.json
  cosignet fetch 1234 --log https://log.example --policy policy.toml -o approval.json")]
pub(crate) struct FetchArgs {
    /// The approval's id, or the index of its entry
    #[arg(value_name = "ID|INDEX", value_parser = wanted)]
    pub(crate) wanted: Wanted,
    /// The log's address: what comes before /checkpoint
    #[arg(long, value_name = "URL")]
    pub(crate) log: String,
    /// Whom and what you trust (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where to write the bundle; an existing file is never overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How long to wait for one answer, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 60, value_parser = seconds())]
    pub(crate) timeout: u64,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// What to fetch.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// The entry of this approval.
    Id(String),
    /// The entry at this place.
    Index(u64),
}

/// Watch a log: that it only appends, and that every signature in it holds
#[derive(Args, Debug)]
#[command(after_help = "\
Each round fetches the log's head, proves that it extends the head that was last checked in full,
reads the new entries, recomputes the tree from them, and verifies every signature. The state moves
on only after that. The first round needs --init and reads the whole log.

Exit codes of --once: 0 clean; 1 misbehaviour is proven: the evidence is in DIR/alarms, and as long
as a file is there every round ends with 1; 2 wrong usage, a bad policy, or no state; 4 the round
could not be completed, which proves nothing; 5 the log cannot be reached. Without --once it runs
until it is ended, at any moment: the next run goes on where this one was.

An alarm is a file that anybody checks with `cosignet verify-alarm FILE --policy FILE`.

Examples:
  cosignet monitor https://log.example --policy policy.toml --state state --init --once
  cosignet monitor https://log.example --policy policy.toml --state state --once
  cosignet monitor https://log.example --policy policy.toml --state state --every 60 \\
      --compare https://mirror.example --on-alarm 'mail -s alarm ops@example.com < \"$COSIGNET_ALARM\"'")]
pub(crate) struct MonitorArgs {
    /// The log's address: what comes before /checkpoint
    pub(crate) url: String,
    /// The log, its witnesses, and the rules for entries (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Where the monitor keeps what it has checked
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// One round, then end
    #[arg(long, conflicts_with = "every")]
    pub(crate) once: bool,
    /// Seconds between rounds
    #[arg(long, value_name = "SECS", default_value_t = 60, value_parser = seconds())]
    pub(crate) every: u64,
    /// Start a new state, with the log's first entry; refused where there is a state
    #[arg(long)]
    pub(crate) init: bool,
    /// Report every entry by this public key (PEM, DER or COSE_Key); may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) watch_key: Vec<String>,
    /// A mirror, or what a witness shows of the log, to compare heads with; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) compare: Vec<String>,
    /// A shell command for each alarm; the file's name is in $COSIGNET_ALARM
    #[arg(long, value_name = "CMD")]
    pub(crate) on_alarm: Option<String>,
    /// Where alarms, and entries by watched keys, are posted as JSON
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// Bitcoin's block headers, for anchors; see `cosignet headers`
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    /// Complain (exit 4) when the newest witnessed head is older than this many seconds
    #[arg(long, value_name = "SECS", value_parser = seconds())]
    pub(crate) max_age: Option<u64>,
    /// Prometheus metrics: a file to write, or an address such as 127.0.0.1:9618 to serve them on
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub(crate) metrics: Option<String>,
    /// Print only what is wrong, and what was asked to be watched: for cron, which mails the rest
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// How many downloads may run at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) connections: u16,
    /// How long to wait for one answer, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 60, value_parser = seconds())]
    pub(crate) timeout: u64,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Check an alarm of a monitor: what it proves, and against whom
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 the alarm proves what it says; 1 it does not; 2 wrong usage or a bad policy; 3 it is
no alarm; 4 it cannot be decided: the policy does not know the log, or block headers are missing;
5 a file cannot be read.

Example:
  cosignet verify-alarm state/alarms/fork-0123456789abcdef.json --policy policy.toml")]
pub(crate) struct VerifyAlarmArgs {
    /// The alarm, or - for stdin
    pub(crate) file: PathBuf,
    /// Whose keys the log's and its witnesses' are, and the rules for entries (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Bitcoin's block headers, for alarms that rest on a block
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
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

fn wanted(text: &str) -> Result<Wanted, &'static str> {
    match text.parse() {
        Ok(index) => Ok(Wanted::Index(index)),
        Err(_) => approval_id(text).map(Wanted::Id),
    }
}

/// At least a second, at most a year.
fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=31_536_000)
}

fn network(text: &str) -> Result<Network, &'static str> {
    Network::parse(text).ok_or("a network is mainnet, testnet4, signet or regtest")
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
