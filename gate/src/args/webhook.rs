//! `webhook`

use clap::{Args, Subcommand};

use super::DataArg;

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    Add(AddArgs),
    /// Show all of them: address, events, what keeps them from getting anything
    List {
        #[command(flatten)]
        data: DataArg,
    },
    /// Give a webhook a new secret, and print it, once
    #[command(after_help = "\
Deliveries are signed with the old secret, too, until the overlap is over: the receiver can change
its own meanwhile, and misses nothing. With --overlap 0 the old one is worthless at once.")]
    Rotate {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// How long the old secret signs as well, in hours, at most 168
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=168))]
        overlap: u64,
        #[command(flatten)]
        data: DataArg,
    },
    /// Send to one again that answered 410, and wanted nothing any more
    Enable {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// Forget one, with its secrets and everything that waits for it
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// Send once more what was given up, under the same ids
    Redeliver {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// This delivery alone, also if it was delivered; `log` shows the id
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        data: DataArg,
    },
    /// Show deliveries, the newest first: what became of them, and what the receiver said
    Log {
        /// Its name [default: all, and mail]
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Those that were given up
        #[arg(long)]
        dead: bool,
        /// How many, at most 1000
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1000))]
        most: u64,
        #[command(flatten)]
        data: DataArg,
    },
}

/// Tell a program, or a chat, what becomes of requests. Prints the secret that it verifies with
#[derive(Args, Debug)]
#[command(after_help = "\
Events: request.created, request.approved, request.rejected, request.expired, request.cancelled,
request.claimed. A webhook gets all of them if none is named, a chat request.created.
An address has to be https:// and on the public internet. --allow-private lifts both, for this one.
docs/WEBHOOKS.md says how a receiver verifies what it gets.

Examples:
  cosignet-gate webhook add billing https://billing.example.com/hooks --data /var/lib/cosignet-gate
  cosignet-gate webhook add team https://chat.example.com/hooks/… --chat --data /var/lib/cosignet-gate")]
pub(crate) struct AddArgs {
    /// A name for it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The address that is posted to
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// An event that it wants; can be repeated, or a list with commas
    #[arg(
        long = "event",
        alias = "events",
        value_name = "EVENT",
        value_delimiter = ','
    )]
    pub(crate) events: Vec<String>,
    /// Send {"text":…} for people, without a signature, as chats take it
    #[arg(long)]
    pub(crate) chat: bool,
    /// Let the address be one of this machine or of a private network, and http://
    #[arg(long)]
    pub(crate) allow_private: bool,
    #[command(flatten)]
    pub(crate) data: DataArg,
}
