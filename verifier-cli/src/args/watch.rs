//! `cosignet fetch`, `monitor` and `verify-alarm`: what talks to a log, or comes of that.

use std::path::PathBuf;

use clap::Args;

use super::{Format, approval_id};
use crate::monitor::WebhookFormat;

/// Fetch an approval from a log, with a proof made from the log's own tiles
#[derive(Args, Debug)]
#[command(after_help = "\
The log's look-up is a hint for where the entry is and what it discloses, nothing more: the entry,
and the proof that it is in the tree of the log's signed head, are built from the tiles and checked
before anything is written. What the log discloses is included if it belongs to the entry. Of a
sealed entry that is nothing, and the verdict is INCOMPLETE: the bundle that answered the append
(201) is the only complete one, so whoever appends keeps it.

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
    /// The log's address: what comes before /checkpoint; or one with several logs below it, of which
    /// those in the policy are asked
    #[arg(long, value_name = "URL")]
    pub(crate) log: String,
    /// Your trust policy (TOML or JSON)
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

/// The approval to fetch.
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
as a file is there every round ends with 1; 1 as well, and once, if an entry is by a key that the
roster does not list (entry.unlisted_key), or says that something was done under break-glass, without
an approval (entry.break_glass), which proves nothing against the log and makes no file;
2 wrong usage, a bad policy, or no state; 4 the round could not be completed, which proves nothing;
5 the log cannot be reached, or the round has read as much as it may (--round-seconds,
--round-entries, --round-mib) and the next one goes on there, or a file cannot be written.
Without --once it runs until it is ended, at any moment: the next run goes on where this one was.
A command or webhook that fails is tried again in each round, and changes no exit code.

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
    /// The roster's file: every entry by a key that it does not list is an alarm
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
    /// A mirror, or what a witness shows of the log, to compare heads with; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) compare: Vec<String>,
    /// A shell command for each alarm; the file's name is in $COSIGNET_ALARM
    #[arg(long, value_name = "CMD")]
    pub(crate) on_alarm: Option<String>,
    /// Where alarms, and entries by watched keys, are posted as JSON
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// The form in which the webhook wants them
    #[arg(long, value_enum, default_value_t, requires = "webhook")]
    pub(crate) webhook_format: WebhookFormat,
    /// Bitcoin's block headers, for anchors; see `cosignet headers`
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    /// Complain (exit 4) when the newest witnessed head is older than this many seconds
    #[arg(long, value_name = "SECS", value_parser = seconds())]
    pub(crate) max_age: Option<u64>,
    /// Prometheus metrics: a file to write, or an address such as localhost:9618 to serve them on
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub(crate) metrics: Option<String>,
    /// A page for people, written anew after each round: one file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print only what is wrong, and what was asked to be watched: for cron, which mails the rest
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// How long a round may read, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 600, value_parser = seconds())]
    pub(crate) round_seconds: u64,
    /// How many entries a round may read
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) round_entries: u64,
    /// How much a round may write into the state, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) round_mib: u64,
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
