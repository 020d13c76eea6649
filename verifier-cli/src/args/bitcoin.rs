//! `cosignet headers` and `cosignet anchor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use verifier_core::hazmat::bitcoin::network::Network;

use super::Format;

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

fn network(text: &str) -> Result<Network, &'static str> {
    Network::parse(text).ok_or("a network is mainnet, testnet4, signet or regtest")
}
