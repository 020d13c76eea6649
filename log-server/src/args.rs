//! The command line, the settings file, and the environment: one set of names.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;
use verifier_core::webauthn::UserVerification;

use crate::admission::Rules;
use crate::anchor;
use crate::failure::{Failure, Result};

/// A transparency log for human approvals: what it has accepted, nobody can drop, alter or
/// reorder unseen, its operator included.
#[derive(Debug, Parser)]
#[command(
    name = "cosignet-log",
    version,
    after_help = "\
Start here:
  cosignet-log init --data /var/lib/cosignet-log --origin log.example.com/approvals
  cosignet-log token create --data /var/lib/cosignet-log --name approvals
  cosignet-log serve --data /var/lib/cosignet-log --rp-id example.com --origin https://example.com

Exit codes: 0 done, 1 damage, 2 wrong usage or settings, 5 a file, the database or the system."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Serve(Box<ServeArgs>),
    /// Tokens of those who may write
    #[command(subcommand)]
    Token(TokenCommand),
    Fsck(FsckArgs),
    ApproverHash(ApproverHashArgs),
}

/// Create a log: its key and its empty, signed tree. Prints the verifier key
#[derive(Args, Debug)]
#[command(after_help = "\
Nothing else ever creates a log. Back up DIR/log.key now, and keep it secret: whoever has it can
sign another history. The verifier key that is printed goes into the policies of verifiers.")]
pub(crate) struct InitArgs {
    /// Where the log lives; made if it does not exist
    #[arg(long, value_name = "DIR", env = "COSIGNET_LOG_DATA")]
    pub(crate) data: PathBuf,
    /// The name of the log for ever, such as log.example.com/approvals
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: String,
}

/// Run the log
#[derive(Args, Debug)]
#[command(after_help = "\
Every setting can stand in a TOML file too, under the name of its variable without COSIGNET_LOG_
and in camelCase:
  listen = \"127.0.0.1:8080\"
  rpIds = [\"example.com\"]
  origins = [\"https://example.com\"]
  maxAppendDelaySeconds = 86400
  [anchor]
  calendars = [\"https://…\", \"https://…\", \"https://…\"]
What begins with ANCHOR_ stands in the table [anchor], without it. A flag or variable wins over the
file. Put a reverse proxy with TLS in front.")]
pub(crate) struct ServeArgs {
    /// Where the log lives
    #[arg(long, value_name = "DIR", env = "COSIGNET_LOG_DATA")]
    pub(crate) data: PathBuf,
    /// Settings
    #[arg(long, value_name = "FILE", env = "COSIGNET_LOG_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Address and port [default: 127.0.0.1:8080]
    #[arg(long, env = "COSIGNET_LOG_LISTEN")]
    listen: Option<SocketAddr>,
    /// A relying party id whose approvals are admitted; can be repeated
    #[arg(long = "rp-id", env = "COSIGNET_LOG_RP_IDS", value_delimiter = ',')]
    rp_ids: Vec<String>,
    /// An origin whose approvals are admitted, letter by letter; can be repeated
    #[arg(long = "origin", env = "COSIGNET_LOG_ORIGINS", value_delimiter = ',')]
    origins: Vec<String>,
    /// `required` or `preferred` [default: required]
    #[arg(long, env = "COSIGNET_LOG_USER_VERIFICATION")]
    user_verification: Option<String>,
    /// Admit approvals from frames of other origins [default: false]
    #[arg(long, env = "COSIGNET_LOG_CROSS_ORIGIN")]
    cross_origin: Option<bool>,
    /// An origin of pages that may have the approval in a frame; can be repeated
    #[arg(
        long = "top-origin",
        env = "COSIGNET_LOG_TOP_ORIGINS",
        value_delimiter = ','
    )]
    top_origins: Vec<String>,
    /// How long after a decision it is still appended [default: 86400]
    #[arg(long, env = "COSIGNET_LOG_MAX_APPEND_DELAY_SECONDS")]
    max_append_delay_seconds: Option<u64>,
    /// How many appends may wait before clients are sent away [default: 4096]
    #[arg(long, env = "COSIGNET_LOG_QUEUE")]
    queue: Option<usize>,
    /// How many connections may be open [default: 1024]
    #[arg(long, env = "COSIGNET_LOG_CONNECTIONS")]
    connections: Option<usize>,
    /// `human` or `json` [default: human]
    #[arg(long, env = "COSIGNET_LOG_LOG_FORMAT")]
    log_format: Option<String>,
    #[command(flatten)]
    anchor: anchor::AnchorSettings,
}

/// The settings with their defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) rules: Rules,
    pub(crate) queue: usize,
    pub(crate) connections: usize,
    pub(crate) json_messages: bool,
    pub(crate) anchor: Option<anchor::Config>,
}

impl ServeArgs {
    /// What the flags and variables say, else the file, else the default.
    pub(crate) fn config(&self) -> Result<Config> {
        let file = match &self.config {
            None => Settings::default(),
            Some(path) => {
                let text = fs::read_to_string(path).map_err(Failure::file(path))?;
                toml::from_str(&text)
                    .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?
            }
        };
        let own = self.settings.clone();
        let list = |own: Vec<String>, file| if own.is_empty() { file } else { own };
        let rp_ids = list(own.rp_ids, file.rp_ids);
        let origins = list(own.origins, file.origins);
        if rp_ids.is_empty() || origins.is_empty() {
            return Err(Failure::Usage(
                "say whose approvals are admitted: at least one --rp-id and one --origin".into(),
            ));
        }
        let user_verification = own.user_verification.or(file.user_verification);
        let user_verification = match user_verification.as_deref() {
            None | Some("required") => UserVerification::Required,
            Some("preferred") => UserVerification::Preferred,
            Some(_) => return Err(bad("user-verification", "required or preferred")),
        };
        let json_messages = match own.log_format.or(file.log_format).as_deref() {
            None | Some("human") => false,
            Some("json") => true,
            Some(_) => return Err(bad("log-format", "human or json")),
        };
        let delay = own
            .max_append_delay_seconds
            .or(file.max_append_delay_seconds)
            .unwrap_or(86_400);
        let positive = |value: Option<usize>, name, default| match value {
            Some(0) => Err(bad(name, "at least 1")),
            other => Ok(other.unwrap_or(default)),
        };
        Ok(Config {
            listen: match own.listen.or(file.listen) {
                Some(address) => address,
                None => SocketAddr::from(([127, 0, 0, 1], 8080)),
            },
            rules: Rules {
                rp_ids,
                origins,
                user_verification,
                allow_cross_origin: own.cross_origin.or(file.cross_origin).unwrap_or(false),
                top_origins: list(own.top_origins, file.top_origins),
                max_append_delay: delay.saturating_mul(1000),
            },
            queue: positive(own.queue.or(file.queue), "queue", 4096)?,
            connections: positive(own.connections.or(file.connections), "connections", 1024)?,
            json_messages,
            anchor: own.anchor.config(file.anchor)?,
        })
    }
}

fn bad(name: &str, expected: &str) -> Failure {
    Failure::Usage(format!("--{name} has to be {expected}"))
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, once
    Create {
        #[command(flatten)]
        data: DataArg,
        /// Who will use it
        #[arg(long)]
        name: String,
        /// What it may do; can be repeated [default: both]
        #[arg(long = "right", value_enum)]
        rights: Vec<Right>,
    },
    /// Show all tokens: name, rights, dates; never the token
    List {
        #[command(flatten)]
        data: DataArg,
    },
    /// Make a token worthless, at once
    Revoke {
        #[command(flatten)]
        data: DataArg,
        /// Its name
        #[arg(long)]
        name: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct DataArg {
    /// Where the log lives
    #[arg(long, value_name = "DIR", env = "COSIGNET_LOG_DATA")]
    pub(crate) data: PathBuf,
}

/// What a token allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Right {
    /// Append approvals
    Append,
    /// Change what is disclosed
    Disclose,
}

/// Recompute a log from its entries and compare everything with that
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 clean, 1 damage, 5 the directory cannot be read. Changes nothing; a running server
is no obstacle.")]
pub(crate) struct FsckArgs {
    /// The data directory of a log
    pub(crate) dir: PathBuf,
    /// How the result is written
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
}

/// Hash an approver's e-mail address for `approver.emailHash`: PBKDF2, for services without it
#[derive(Args, Debug)]
#[command(after_help = "\
The address is read from standard input, so that it is in no process list. Without --salt a new
salt is drawn; keep hash and salt with the approver, and reuse them.")]
pub(crate) struct ApproverHashArgs {
    /// 32 bytes in base64url
    #[arg(long)]
    pub(crate) salt: Option<String>,
}
