//! `cosignet roster` and `cosignet decision`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum RosterCommand {
    Init(RosterInitArgs),
    Add(RosterAddArgs),
    Remove(RosterRemoveArgs),
    Append(RosterAppendArgs),
    /// Show a roster's file, or the payload of one version, without verifying anything
    #[command(after_help = "\
Example:
  cosignet roster show roster.json")]
    Show(RosterShowArgs),
    Diff(RosterDiffArgs),
    Check(RosterCheckArgs),
}

impl RosterCommand {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Init(_) | Self::Add(_) | Self::Remove(_) | Self::Append(_) => Format::Human,
            Self::Show(args) => args.format,
            Self::Diff(args) => args.format,
            Self::Check(args) => args.format,
        }
    }
}

/// Write the payload of version 1: the admins of a policy, and nobody who may approve yet
#[derive(Args, Debug)]
#[command(after_help = "\
The name, the admins and how many of them it takes are those of the policy's [roster]. Add people
with `cosignet roster add`, then let the admins approve the payload like any other.

Example:
  cosignet roster init --policy policy.toml -o version-1.json
  cosignet roster add version-1.json --name \"alice (phone)\" --group finance --registration alice.json")]
pub(crate) struct RosterInitArgs {
    /// The policy (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Where to write it; an existing file is never overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Add a key to the next version of a roster
#[derive(Args, Debug)]
#[command(after_help = "\
FILE is the roster's file, and the payload of the version after its newest is written to -o; or it
is such a payload that nobody has approved yet, which is changed where it is.

Example:
  cosignet roster add roster.json -o version-4.json --name \"bob (phone)\" --person bob \\
      --group finance --registration bob.json")]
pub(crate) struct RosterAddArgs {
    /// The roster's file, or a payload that is not approved yet
    pub(crate) file: PathBuf,
    /// Where to write the next version
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The name of the key in reports
    #[arg(long)]
    pub(crate) name: String,
    /// Whose key it is; all keys of one person count once. Default: the name
    #[arg(long)]
    pub(crate) person: Option<String>,
    /// A group of the person; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<String>,
    /// An admin, who approves versions of the roster, and not somebody who approves payloads
    #[arg(long)]
    pub(crate) admin: bool,
    /// The browser's registration JSON
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
}

/// Remove a key, or all keys of a person, from the next version of a roster
#[derive(Args, Debug)]
#[command(after_help = "\
What was logged before the admins' approval of the new version stays as good as it was.

Example:
  cosignet roster remove roster.json -o version-5.json --person bob")]
pub(crate) struct RosterRemoveArgs {
    /// The roster's file, or a payload that is not approved yet
    pub(crate) file: PathBuf,
    /// Where to write the next version
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The name of the key
    #[arg(long, required_unless_present = "person", conflicts_with = "person")]
    pub(crate) name: Option<String>,
    /// The person
    #[arg(long)]
    pub(crate) person: Option<String>,
    /// An admin's key, and not that of somebody who approves payloads
    #[arg(long)]
    pub(crate) admin: bool,
}

/// Append a decision of the admins to a roster's file
#[derive(Args, Debug)]
#[command(after_help = "\
The decision carries the payload of the next version, as `cosignet decision join` writes it. The
roster that comes of it has to hold under the policy; otherwise the file stays as it is. A file that
is not there is made.

Example:
  cosignet roster append roster.json decision.json --policy policy.toml")]
pub(crate) struct RosterAppendArgs {
    /// The roster's file
    pub(crate) file: PathBuf,
    /// The decision about the next version, or one bundle
    pub(crate) decision: PathBuf,
    /// The policy (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Bitcoin's block headers, for anchors
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RosterShowArgs {
    /// The roster's file, or the payload of one version
    pub(crate) file: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Say in what two versions of a roster differ
#[derive(Args, Debug)]
#[command(after_help = "\
Of a roster's file the newest version is compared. Exit codes: 0 they have been compared.

Example:
  cosignet roster diff roster.json version-4.json")]
pub(crate) struct RosterDiffArgs {
    /// The roster's file, or the payload of one version
    pub(crate) old: PathBuf,
    /// The same
    pub(crate) new: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Verify a roster's file: every version was approved by the admins of the one before
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 it holds, 1 it does not, 2 wrong usage or bad policy, 5 a file cannot be read.

Example:
  cosignet roster check roster.json --policy policy.toml")]
pub(crate) struct RosterCheckArgs {
    /// The roster's file
    pub(crate) file: PathBuf,
    /// The policy (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Bitcoin's block headers, for anchors
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DecisionCommand {
    Join(JoinArgs),
}

/// Put several bundles together into one decision
#[derive(Args, Debug)]
#[command(after_help = "\
Nothing is verified. What all bundles have in common, payload and context, stands in the file once.

Example:
  cosignet decision join alice.json bob.json -o decision.json
  cosignet verify --policy policy.toml --payload wire.json -- decision.json")]
pub(crate) struct JoinArgs {
    /// The bundles, or decisions to take them from
    #[arg(required = true, value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Where to write the decision; an existing file is never overwritten. Default: stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}
