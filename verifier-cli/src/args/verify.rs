//! `cosignet verify`.

use std::path::PathBuf;

use clap::Args;
use verifier_core::Time;
use verifier_core::hazmat::encoding::from_hex;

use super::time::moment;
use super::{Format, approval_id};

/// Verify approvals: bundles from a log, or an approval service's own answers
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 VERIFIED, 1 REJECTED, 2 wrong usage or bad policy, 3 MALFORMED, 4 INCOMPLETE,
5 a file cannot be read. Only 0 means that everything your policy requires was checked and holds.
Of several inputs the worst counts: 1 before 3 before 4 before 5.

An input is a bundle, an approval service's own answer, or a decision of several people. With
--together several bundles are verified as one decision; `cosignet decision join` writes it to a
file.

A verdict is about what you expect. Without --payload and --approval-id any approval by an approver
of the policy is VERIFIED, an old one as well; the command says so, also with -q. A pipeline names
both, or at least asks for --require-expectation.

Folders: every *.json in it, sorted by name, in any case. X.payload or X.payload.json beside X.json
is its payload. Everything else in it is left out and named in the last line: folders below it,
other names, the files given as --policy and --headers. Links are followed inside the folder only.

JSON: one report a line on stdout, in the order of the inputs. Of several inputs or a folder each
line also has the name of its \"file\"; and if files were left out, or say the same thing twice, a
last line lists them: {\"duplicates\":…,\"exitCode\":…,\"leftOut\":…,\"schema\":\"cosignet.run/v1\"}. An
input that cannot be read has a line too: {\"code\":\"io.unreadable\",\"exitCode\":5,\"file\":…,
\"message\":…,\"next\":…}. Errors that concern no single input are such an object on stderr.

Examples (`--` ends the options: behind it a file named -h.json is a file):
  cosignet verify --policy policy.toml --payload wire.json --approval-id ID -- approval.json
  cosignet verify --policy policy.toml --payload-sha256 \"$(sha256sum < wire.json | cut -c1-64)\" -- a.json
  cosignet verify --policy policy.toml --format json -- approvals/ > reports.jsonl
  cosignet verify --policy policy.toml --payload wire.json --approval-id ID -q -- approval.json \\
      && ./deploy wire.json")]
pub(crate) struct VerifyArgs {
    /// Approvals, folders of them, or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Your trust policy (TOML or JSON); without it nothing is VERIFIED
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
    /// The roster's file, for a policy that leaves it to a roster who may approve
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
    /// The files are bundles of one decision, to be verified as one
    #[arg(long)]
    pub(crate) together: bool,
    /// Bitcoin's block headers, for anchors; see `cosignet headers`
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    /// A moment that no time in the evidence may lie after, such as 2026-03-01T12:00:00Z or "now"
    #[arg(long, value_name = "TIME|now", value_parser = moment)]
    pub(crate) at: Option<Time>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Fail with 2 unless --payload, --payload-sha256 or --approval-id says what is expected; in a
    /// folder, unless each file has its payload beside it
    #[arg(long)]
    pub(crate) require_expectation: bool,
    /// Print no results: the exit code says it all
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn sha256(text: &str) -> Result<[u8; 32], &'static str> {
    let bytes = from_hex(&text.to_ascii_lowercase()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("a SHA-256 is 64 hex digits")
}
