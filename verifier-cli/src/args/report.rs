//! `cosignet report`.

use std::path::PathBuf;

use clap::Args;
use verifier_core::Time;

use super::time::moment;

/// Report on many approvals: totals, exceptions, duplicates, a sample, and every row
#[derive(Args, Debug)]
#[command(after_help = "\
Folders are read as `cosignet verify` reads them, and the exit codes are the same; of several inputs
the worst counts. Totals and exceptions are printed; --html, --csv and --jsonl write all of it into
files, which must not exist yet. The report has no clock and no path of this machine in it but the
names of the inputs as you give them: the same inputs give the same bytes.

With --log or --log-copy the whole log is read, and compared with its signed head. Entries by keys of
the policy that are not among the inputs are listed: approvals and refusals that you were not shown.
Under a policy that leaves it to a roster who may approve, these are the keys of all versions in
--roster.

A sample is drawn by the hash of each file and the seed, so anybody can draw it again.

Examples:
  cosignet report --policy policy.toml --html 2026.html --csv 2026.csv -- approvals/
  cosignet report --policy policy.toml --log https://log.example/approvals --html 2026.html \\
      --sample 25 --seed 2026 -- approvals/")]
pub(crate) struct ReportArgs {
    /// Approvals, and folders of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Your trust policy (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The roster's file, for a policy that leaves it to a roster who may approve
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
    /// Bitcoin's block headers, for anchors; see `cosignet headers`
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    /// A moment that no time in the evidence may lie after, such as 2026-03-01T12:00:00Z or "now"
    #[arg(long, value_name = "TIME|now", value_parser = moment)]
    pub(crate) at: Option<Time>,
    /// The log to compare with, by its address
    #[arg(long, value_name = "URL", conflicts_with = "log_copy")]
    pub(crate) log: Option<String>,
    /// The same from a folder with `checkpoint` and `tile/`, as the log publishes them
    #[arg(long, value_name = "DIR")]
    pub(crate) log_copy: Option<PathBuf>,
    /// How many approvals to draw for a closer look
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,
    /// The seed of the sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// A journal of break-glass: what was done without an approval is listed, and never counted
    /// among approvals
    #[arg(long, value_name = "FILE")]
    pub(crate) break_glass: Option<PathBuf>,
    /// Write the report for people: one file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the rows for a spreadsheet
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write the rows for programs, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) jsonl: Option<PathBuf>,
}
