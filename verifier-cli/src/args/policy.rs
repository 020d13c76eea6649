//! `cosignet policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use verifier_core::time::Time;

use super::{Format, moment};

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
