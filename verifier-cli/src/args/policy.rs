//! `cosignet policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use verifier_core::Time;

use super::{Format, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Init(InitArgs),
    AddApprover(AddArgs),
    RetireApprover(RetireArgs),
    Check(CheckArgs),
    /// Show a policy with its defaults filled in, its SHA-256, and the fingerprints of its keys
    #[command(after_help = "\
--format json prints the canonical JSON that the SHA-256 is over.

Example:
  cosignet policy show policy.toml")]
    Show(PolicyArgs),
}

/// Read a policy and say what is weak or hopeless about it
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 it can be used, perhaps with warnings; 2 it cannot; 5 it cannot be read.

Warnings about keys that are over, or do not count yet, depend on the clock of this machine, or on
--at. Nothing else does.

Example:
  cosignet policy check policy.toml")]
pub(crate) struct CheckArgs {
    /// The policy (TOML or JSON), or - for stdin
    pub(crate) file: PathBuf,
    /// The moment at which keys should count, such as 2026-03-01T12:00:00Z. Default: now
    #[arg(long, value_name = "TIME|now", value_parser = moment)]
    pub(crate) at: Option<Time>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// End the validity of an approver's key, keeping the policy's comments
#[derive(Args, Debug)]
#[command(after_help = "\
Sets notAfter. Approvals that are proven to be as old as that stay VERIFIED; the time has to be
proven by witnesses or an anchor. A key is never removed: older approvals need it.

An end is only ever moved forward. To move one back, edit the file by hand.

Examples:
  cosignet policy retire-approver policy.toml --name alice --at 2026-03-01T12:00:00Z
  cosignet policy retire-approver policy.toml --key SHA256:RwATwmiih4ZWga-SdqHjk0UGlms8Ylmp5XB4qBRCAfA --at now")]
pub(crate) struct RetireArgs {
    /// The policy to change (TOML)
    pub(crate) policy: PathBuf,
    /// The approver, as the policy names them; they need to have one key that is not retired
    #[arg(long, required_unless_present = "key")]
    pub(crate) name: Option<String>,
    /// The fingerprint of the key, as `policy show` prints it
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) key: Option<String>,
    /// Every key that has the name, instead of the only one
    #[arg(long, requires = "name", conflicts_with = "key")]
    pub(crate) all: bool,
    /// Every later approval with the key is refused
    #[arg(long, value_name = "TIME|now", value_parser = moment)]
    pub(crate) at: Time,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
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
    /// The approver's name in reports
    #[arg(long)]
    pub(crate) name: String,
    /// The browser's registration JSON (PublicKeyCredential.toJSON()), in the encoding in which
    /// your server keeps it; - for stdin
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "key",
        conflicts_with = "key"
    )]
    pub(crate) registration: Option<PathBuf>,
    /// A public key: a file or the text itself; PEM, DER, JWK, or COSE_Key in base64 or hex
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: Option<String>,
    /// The algorithm that the key has to be of: ES256, ES384, ES512, EdDSA or RS256
    #[arg(long, value_parser = ["ES256", "ES384", "ES512", "EdDSA", "RS256"])]
    pub(crate) alg: Option<String>,
    /// The credential id in base64url; a registration carries its own
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "registration",
        allow_hyphen_values = true
    )]
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
