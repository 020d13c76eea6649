//! The command line.

mod store;
mod webhook;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use command_line::Format;

use crate::layout::Layout;
use crate::settings::Settings;

pub(crate) use store::StoreArgs;
pub(crate) use webhook::{AddArgs, WebhookCommand};

/// Ask people before something critical happens, and keep what proves their answers
#[derive(Debug, Parser)]
#[command(
    name = "cosignet-gate",
    version,
    after_help = "\
Start here:
  cosignet-gate init --data /var/lib/cosignet-gate --origin gate.example.com/log
  (write a rule into /var/lib/cosignet-gate/rules.toml)
  cosignet-gate serve --data /var/lib/cosignet-gate --url https://gate.example.com
  cosignet-gate invite alice --group finance --data /var/lib/cosignet-gate

docs/GATE.md goes the whole way, to the first approval on a phone."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Serve(Box<ServeArgs>),
    Invite(InviteArgs),
    /// People who may approve
    #[command(subcommand)]
    Approver(ApproverCommand),
    /// API keys of those who ask and act
    #[command(subcommand)]
    Key(KeyCommand),
    /// Programs and chats that are told of requests
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// The rule file
    #[command(subcommand)]
    Rules(RulesCommand),
    Policy(PolicyArgs),
    Roster(RosterArgs),
    Export(ExportArgs),
    Move(MoveArgs),
    /// The clock of this machine
    #[command(subcommand)]
    Clock(ClockCommand),
}

#[derive(Args, Debug)]
pub(crate) struct DataArg {
    /// Where the gate lives
    #[arg(long, value_name = "DIR", env = "COSIGNET_GATE_DATA")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

impl DataArg {
    /// The directory, with the store that goes with it.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(&self.data).with_store(self.store.clone())
    }
}

/// Create a gate: its database, its rule file, and its log. Prints the log's verifier key
#[derive(Args, Debug)]
#[command(after_help = "\
Nothing else ever creates a gate. Back up DIR/log/log.key now, and keep it secret. With --no-log the
gate has no log of its own, and serve needs --log and --log-token; with --store it has none either.
Exit codes: 0 done; 2 wrong usage; 5 a file cannot be written.")]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) data: DataArg,
    /// The name of the log for ever, such as gate.example.com/log
    #[arg(long, value_name = "NAME", required_unless_present = "no_log")]
    pub(crate) origin: Option<String>,
    /// The log is elsewhere
    #[arg(long, conflicts_with = "origin")]
    pub(crate) no_log: bool,
}

/// Run the gate
#[derive(Args, Debug)]
#[command(after_help = "\
Every setting can stand in a TOML file too, under the name of its variable without COSIGNET_GATE_
and in camelCase:
  url = \"https://gate.example.com\"
  retentionDays = 30
A flag or variable wins over the file. Put a reverse proxy with TLS in front: browsers make passkeys
on https:// pages alone, and on http://localhost for trying out.
Exit codes: 0 ended by a signal; 1 DIR is damaged; 2 wrong usage; 5 a file or the network.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataArg,
    /// Settings
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Print a link with which somebody makes a passkey, once, within 24 hours
#[derive(Args, Debug)]
#[command(after_help = "\
Give the link to that person and nobody else: whoever opens it first is that person from then on.
Afterwards compare the fingerprint on their screen with `cosignet-gate approver list`. For somebody
who is known the link adds a passkey; --group then replaces their groups.

Example:
  cosignet-gate invite alice --group finance --data /var/lib/cosignet-gate")]
pub(crate) struct InviteArgs {
    /// The person
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A group of theirs; can be repeated, or a list with commas
    #[arg(
        long = "group",
        alias = "groups",
        value_name = "GROUP",
        value_delimiter = ','
    )]
    pub(crate) groups: Vec<String>,
    /// How long the link can be used, in hours, at most 72
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=72))]
    pub(crate) hours: u64,
    #[command(flatten)]
    pub(crate) data: DataArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApproverCommand {
    /// Show everybody: groups, passkeys, fingerprints
    List {
        #[command(flatten)]
        data: DataArg,
    },
    /// Set where somebody gets a mail when they are asked
    #[command(after_help = "\
The mail has a link and the name of the action, and decides nothing. `serve --mail-server` says who
takes it.

Example:
  cosignet-gate approver mail ann ann@example.com --data /var/lib/cosignet-gate")]
    Mail {
        /// The person
        #[arg(value_name = "NAME")]
        name: String,
        /// The address
        #[arg(value_name = "ADDRESS", required_unless_present = "none")]
        address: Option<String>,
        /// Send this person no more mail
        #[arg(long, conflicts_with = "address")]
        none: bool,
        #[command(flatten)]
        data: DataArg,
    },
    /// End the part of a person, or of one passkey of theirs
    Retire {
        /// The person
        #[arg(value_name = "NAME")]
        name: String,
        /// One passkey, by the id that `list` shows
        #[arg(long, value_name = "ID")]
        passkey: Option<String>,
        #[command(flatten)]
        data: DataArg,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, once
    #[command(after_help = "\
No key approves or enrols anybody. Give what asks and what acts keys of their own: an agent that is
taken over can then ask, and not act.")]
    Create {
        /// Its name, which approvers see
        #[arg(long)]
        name: String,
        /// A right: create, claim, read; can be repeated, or a list with commas
        #[arg(
            long = "right",
            alias = "rights",
            value_name = "RIGHT",
            value_delimiter = ',',
            required = true
        )]
        rights: Vec<String>,
        /// The person who answers for it, and never approves what it asks
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        #[command(flatten)]
        data: DataArg,
    },
    /// Show all keys: names, rights, dates; never the key
    List {
        #[command(flatten)]
        data: DataArg,
    },
    /// Make a key worthless, at once
    Revoke {
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Find payloads that no rule covers, and rules that never fire
    Check {
        /// The rule file [default: DIR/rules.toml]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        data: RulesData,
    },
    /// Say which rule covers a request, and why
    Explain {
        /// A body of POST /api/confirmations, as JSON
        #[arg(value_name = "REQUEST.json")]
        request: PathBuf,
        /// The rule file [default: DIR/rules.toml]
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// The name of the key that asks
        #[arg(long, value_name = "NAME", default_value = "")]
        requester: String,
        #[command(flatten)]
        data: RulesData,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RulesData {
    /// Where the gate lives; needed if no rule file is named
    #[arg(long, value_name = "DIR", env = "COSIGNET_GATE_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

impl RulesData {
    /// The directory, with the store that goes with it.
    pub(crate) fn layout(&self) -> Option<Layout> {
        let data = self.data.as_deref()?;
        Some(Layout::new(data).with_store(self.store.clone()))
    }
}

/// Print the policy with which auditors verify: people, passkeys, log
#[derive(Args, Debug)]
#[command(after_help = "\
What is printed is as trustworthy as this machine. An auditor compares the fingerprints with the
people themselves, and the log's key with its operator, before trusting it.

Example:
  cosignet-gate policy --rule \"payments over 1000\" --data /var/lib/cosignet-gate > policy.toml
The verify page reads the JSON form: --format json")]
pub(crate) struct PolicyArgs {
    /// Ask for what this rule asks for
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// TOML for people, or the same as JSON, for the verify page
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) data: DataArg,
}

/// Print the next version of a roster, with the people and passkeys of this gate, for its admins to approve
#[derive(Args, Debug)]
#[command(after_help = "\
Name, admins and clauses are those of FILE: the draft that `cosignet roster init` wrote, or the file
of the roster. Its approvers are replaced by everybody here who is not retired, with the passkeys
that are not. Nothing is verified and nothing is approved by it: admins compare the fingerprints
with the people (`cosignet roster diff FILE NEXT`) and approve the payload like any other, here or
elsewhere. `cosignet roster append` then puts it into the file.

Example:
  cosignet-gate roster roster.json --data /var/lib/cosignet-gate > next.json")]
pub(crate) struct RosterArgs {
    /// The draft of a version, or the file of a roster; - is stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArg,
}

/// Print the events of the gate, one a line, or check such a file
#[derive(Args, Debug)]
#[command(after_help = "\
Each line has the hash of the line before it. Keep the last line's number and hash somewhere else:
then nobody can change what came before without it being seen.
Exit codes: 0 done, or the chain holds; 1 it does not; 2 wrong usage; 5 a file.")]
pub(crate) struct ExportArgs {
    /// Start behind this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) after: u64,
    /// Check the chain in this file instead
    #[arg(long, value_name = "FILE")]
    pub(crate) verify: Option<PathBuf>,
    /// Where the gate lives
    #[arg(
        long,
        value_name = "DIR",
        env = "COSIGNET_GATE_DATA",
        required_unless_present = "verify"
    )]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Move a gate from DIR/gate.db into a database, where several machines can serve it
#[derive(Args, Debug)]
#[command(after_help = "\
Stop the gate first. The file is kept, as gate.db.moved. If the command was interrupted, run it again.
A log in DIR/log stays there: serve it with cosignet-log, and name it with --log.

Example:
  cosignet-gate move --data /var/lib/cosignet-gate --store postgres://gate@db.example/gate
Exit codes: 0 done; 1 the file is damaged; 2 wrong usage; 5 a file, or the database.")]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    pub(crate) data: DataArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Take the machine's clock for right, though it stands before the last event; what is open or unclaimed ends
    Accept {
        #[command(flatten)]
        data: DataArg,
    },
}
