//! The command line, the settings file, and the environment: one set of names.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use serde::Deserialize;
use serving::{Listen, Proxies};
use verifier_core::hazmat::shown::quote_bytes;
use verifier_core::hazmat::webauthn::UserVerification;

use crate::admission::Rules;
use crate::anchor;
use crate::backend::{Place, StoreAddress};
use crate::close::CloseArgs;
use crate::disk;
use crate::error::{LogError, Result};
use crate::import::ImportArgs;
use crate::mirror::MirrorArgs;
use crate::place::{ObjectPlace, ObjectsArgs, ServerArgs};
use crate::predecessor::PredecessorSetting;
use crate::rotation::{ErasureKeyCommand, ErasureKeysArg};
use crate::settings;
use crate::shards::{Plan, ShardSetting};

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

impl Cli {
    /// The arguments of this process, or its end with a message about them. A name of a file is
    /// never an option, and help is printed only where nothing else was asked for: `fsck` ends with
    /// 0 for a log that is clean, and for nothing else.
    pub(crate) fn of_this_process() -> Self {
        let words: Vec<OsString> = std::env::args_os().collect();
        let mut command = without_empty_variables(Self::command());
        let mut refused = |message: &str, next: &str| -> ! {
            let error = command.error(ErrorKind::ArgumentConflict, format!("{message}\n{next}"));
            error.exit()
        };
        if let Some(path) = command_line::option_that_is_a_file(&words) {
            let path = quote_bytes(path.as_os_str().as_encoded_bytes());
            let message = format!("{path} is an option, and the name of a file here.");
            refused(&message, command_line::NEXT_WITH_FILE);
        }
        let matches = without_empty_variables(Self::command()).try_get_matches_from(&words);
        let parsed = matches.and_then(|matches| Self::from_arg_matches(&matches));
        parsed.unwrap_or_else(|error| {
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            if asked && !command_line::only_asks(&words, &Self::command()) {
                refused(command_line::NOT_ALONE, command_line::NEXT_NOT_ALONE);
            }
            command_line::legible(error).exit()
        })
    }
}

/// A variable that is set and empty says nothing: that is how files of variables leave one out.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let arguments = command.get_arguments();
    let empty: Vec<clap::Id> = arguments
        .filter(|argument| argument.get_env().is_some_and(is_empty))
        .map(|argument| argument.get_id().clone())
        .collect();
    let command = empty.into_iter().fold(command, |command, id| {
        command.mut_arg(id, |argument| argument.env(None::<&'static str>))
    });
    command.mut_subcommands(without_empty_variables)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Serve(Box<ServeArgs>),
    /// Tokens of those who may write
    #[command(subcommand)]
    Token(TokenCommand),
    Fsck(FsckArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    Mirror(MirrorArgs),
    Close(CloseArgs),
    /// Keys that evidence in a database is erased with
    #[command(subcommand)]
    ErasureKey(ErasureKeyCommand),
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
    #[command(flatten)]
    pub(crate) objects: ObjectsArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) erasure_keys: ErasureKeysArg,
}

/// Where what must not be lost is kept, if that is not the data directory.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArg {
    /// A database instead of log.sqlite: postgres://USER:PASSWORD@HOST:PORT/DATABASE. A password
    /// belongs into the variable, which no list of processes shows
    #[arg(
        long = "store",
        value_name = "ADDRESS",
        env = "COSIGNET_LOG_STORE",
        hide_env_values = true
    )]
    pub(crate) address: Option<StoreAddress>,
}

impl StoreArg {
    /// The log with this data directory, and with its public files there.
    pub(crate) fn place(&self, data: &Path, objects: Option<ObjectPlace>) -> Place {
        Place {
            store: self.address.clone(),
            objects,
            ..Place::new(data)
        }
    }
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
What begins with ANCHOR_ stands in the table [anchor], without it. The logs before this one stand
in tables [[predecessors]], with vkey, data and, for public files elsewhere, objects. Several logs of
one process stand in tables [[shards]], with path, data, objects and witnessPolicy. A flag or variable wins over the
file. Put a reverse proxy with TLS in front.")]
pub(crate) struct ServeArgs {
    /// Where the log lives, unless --config names several logs
    #[arg(long, value_name = "DIR", env = "COSIGNET_LOG_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Settings
    #[arg(long, value_name = "FILE", env = "COSIGNET_LOG_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// A database instead of log.sqlite: postgres://USER:PASSWORD@HOST:PORT/DATABASE. A password
    /// belongs into the variable or the file, which no list of processes shows
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "COSIGNET_LOG_STORE",
        hide_env_values = true
    )]
    store: Option<StoreAddress>,
    /// The file of an erasure key, if evidence in the database of --store is sealed; can be repeated
    #[arg(
        long = "erasure-key",
        value_name = "FILE",
        env = "COSIGNET_LOG_ERASURE_KEYS",
        value_delimiter = ','
    )]
    erasure_keys: Vec<PathBuf>,
    /// Address and port, such as localhost:8080; :8080 is every address of this machine [default:
    /// 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "COSIGNET_LOG_LISTEN")]
    listen: Option<String>,
    /// Where other members of a log with --store reach this process, such as http://10.0.0.2:8080
    /// [default: the address that it listens on]
    #[arg(long, value_name = "URL", env = "COSIGNET_LOG_MEMBER_URL")]
    member_url: Option<String>,
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
    /// A c2sp.org/tlog-policy: the witnesses to ask, and the quorum without which nothing is
    /// published
    #[arg(long, value_name = "FILE", env = "COSIGNET_LOG_WITNESS_POLICY")]
    witness_policy: Option<PathBuf>,
    /// How many seconds an append may wait for its publication [default: 20]
    #[arg(long, env = "COSIGNET_LOG_PUBLISH_WAIT_SECONDS")]
    publish_wait_seconds: Option<u64>,
    /// How many appends may wait before clients are sent away [default: 4096]
    #[arg(long, env = "COSIGNET_LOG_QUEUE")]
    queue: Option<usize>,
    /// How many requests a second each token may make [default: 10000]
    #[arg(long, env = "COSIGNET_LOG_REQUESTS_PER_SECOND")]
    requests_per_second: Option<u32>,
    /// How many connections may be open [default: 1024]
    #[arg(long, env = "COSIGNET_LOG_CONNECTIONS")]
    connections: Option<usize>,
    /// A reverse proxy, by address or network: it says in X-Forwarded-For for whom it asks, and
    /// may hold any number of connections; can be repeated [default: this machine]
    #[arg(
        long = "proxy",
        value_name = "ADDRESS",
        env = "COSIGNET_LOG_PROXIES",
        value_delimiter = ','
    )]
    proxies: Vec<String>,
    /// `human` or `json` [default: human]
    #[arg(long, env = "COSIGNET_LOG_LOG_FORMAT")]
    log_format: Option<String>,
    /// A policy, as JSON, that the verify page offers to those who look approvals up
    #[arg(long, value_name = "FILE", env = "COSIGNET_LOG_VERIFY_POLICY")]
    verify_policy: Option<PathBuf>,
    /// Where the public files are, if not in the data directory: s3://BUCKET/PREFIX or a folder.
    /// Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the like
    #[arg(long, value_name = "PLACE", env = "COSIGNET_LOG_OBJECTS")]
    objects: Option<String>,
    /// The server of the bucket [default: AWS_ENDPOINT_URL, or that of AWS]
    #[arg(long, value_name = "URL", env = "COSIGNET_LOG_OBJECTS_ENDPOINT")]
    objects_endpoint: Option<String>,
    /// The region of the bucket [default: AWS_REGION]
    #[arg(long, value_name = "NAME", env = "COSIGNET_LOG_OBJECTS_REGION")]
    objects_region: Option<String>,
    #[command(flatten)]
    anchor: anchor::AnchorSettings,
    // In the file alone: each is a table.
    #[arg(skip)]
    predecessors: Vec<PredecessorSetting>,
    #[arg(skip)]
    shards: Vec<ShardSetting>,
}

/// The settings with their defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: Listen,
    pub(crate) proxies: Proxies,
    pub(crate) connections: usize,
    pub(crate) json_messages: bool,
    member_url: Option<String>,
    pub(crate) log: settings::Settings,
    /// The logs, if there are several.
    pub(crate) shards: Vec<Plan>,
}

impl ServeArgs {
    /// The settings: flags and variables, else the file, else the default.
    pub(crate) fn config(&self) -> Result<Config> {
        let file = match &self.config {
            None => Settings::default(),
            Some(path) => {
                let text = disk::read_text(path)?;
                toml::from_str(&text).map_err(|error| {
                    // Nothing of the line is quoted: it may have a password in it.
                    let before = error.span().and_then(|span| text.get(..span.start));
                    let line = before.map_or(0, |before| before.matches('\n').count());
                    let (path, line) = (path.display(), line.saturating_add(1));
                    LogError::Usage(format!("{path}, line {line}: {}", error.message()))
                })?
            }
        };
        let own = self.settings.clone();
        let list = |own: Vec<String>, file| if own.is_empty() { file } else { own };
        let rp_ids = list(own.rp_ids, file.rp_ids);
        let origins = list(own.origins, file.origins);
        if rp_ids.is_empty() || origins.is_empty() {
            return Err(LogError::Usage(
                "say whose approvals are admitted: at least one --rp-id and one --origin".into(),
            ));
        }
        let mut rules = Rules::new(rp_ids, origins);
        let user_verification = own.user_verification.or(file.user_verification);
        match user_verification.as_deref() {
            None | Some("required") => {}
            Some("preferred") => rules.user_verification = UserVerification::Preferred,
            Some(_) => return Err(bad("user-verification", "required or preferred")),
        }
        let cross_origin = own.cross_origin.or(file.cross_origin);
        rules.allow_cross_origin = cross_origin.unwrap_or(rules.allow_cross_origin);
        rules.top_origins = list(own.top_origins, file.top_origins);
        let delay = own
            .max_append_delay_seconds
            .or(file.max_append_delay_seconds)
            .map(|seconds| seconds.saturating_mul(1000));
        rules.max_append_delay = delay.unwrap_or(rules.max_append_delay);
        let json_messages = match own.log_format.or(file.log_format).as_deref() {
            None | Some("human") => false,
            Some("json") => true,
            Some(_) => return Err(bad("log-format", "human or json")),
        };
        let mut log = settings::Settings::new(rules);
        let member_url = own.member_url.or(file.member_url);
        let member_url = member_url.map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = &member_url {
            log_client::address(url)
                .map_err(|error| LogError::Usage(format!("--member-url: {error}")))?;
        }
        match own.publish_wait_seconds.or(file.publish_wait_seconds) {
            Some(0) => return Err(bad("publish-wait-seconds", "at least 1")),
            wait => log.publish_wait = wait.map_or(log.publish_wait, Duration::from_secs),
        }
        match own.requests_per_second.or(file.requests_per_second) {
            Some(0) => return Err(bad("requests-per-second", "at least 1")),
            rate => log.requests_per_second = rate.unwrap_or(log.requests_per_second),
        }
        let positive = |value: Option<usize>, name, default| match value {
            Some(0) => Err(bad(name, "at least 1")),
            other => Ok(other.unwrap_or(default)),
        };
        log.queue = positive(own.queue.or(file.queue), "queue", log.queue)?;
        log.store = own.store.or(file.store);
        log.erasure_keys = match own.erasure_keys.is_empty() {
            true => file.erasure_keys,
            false => own.erasure_keys,
        };
        log.witness_policy = own.witness_policy.or(file.witness_policy);
        log.anchor = own.anchor.config(file.anchor)?;
        log.verify_policy = own.verify_policy.or(file.verify_policy);
        let server = ServerArgs {
            endpoint: own.objects_endpoint.or(file.objects_endpoint),
            region: own.objects_region.or(file.objects_region),
        };
        let objects = own.objects.or(file.objects);
        let objects = objects.map(|place| server.place(&place));
        log.objects = objects.transpose()?;
        let before = file.predecessors.iter();
        let before = before.map(|one| one.place(&log, &server));
        log.predecessors = before.collect::<Result<_>>()?;
        let shards = Plan::all(&file.shards, &log, &server)?;
        Ok(Config {
            listen: own
                .listen
                .or(file.listen)
                .as_deref()
                .unwrap_or("127.0.0.1:8080")
                .parse()
                .map_err(|error| LogError::Usage(format!("--listen: {error}")))?,
            proxies: Proxies::of(&list(own.proxies, file.proxies))
                .map_err(|expected| bad("proxy", expected))?,
            connections: positive(own.connections.or(file.connections), "connections", 1024)?,
            json_messages,
            member_url,
            log,
            shards,
        })
    }
}

impl Config {
    /// The address at which other members reach this process. One that listens on every address has
    /// to say it.
    pub(crate) fn member_url(&self) -> Option<String> {
        let listen = self.listen.to_string();
        let is_one = listen
            .parse::<SocketAddr>()
            .is_ok_and(|address| !address.ip().is_unspecified() && address.port() != 0);
        let own = || is_one.then(|| format!("http://{listen}"));
        self.member_url.clone().or_else(own)
    }
}

fn bad(name: &str, expected: &str) -> LogError {
    LogError::Usage(format!("--{name} has to be {expected}"))
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, once
    Create {
        #[command(flatten)]
        data: DataArg,
        /// The name of its user
        #[arg(long)]
        name: String,
        /// A right that it has; can be repeated [default: both]
        #[arg(long = "right", value_enum)]
        rights: Vec<Right>,
    },
    /// Show all tokens: name, rights, dates; never the token
    List {
        #[command(flatten)]
        data: DataArg,
    },
    /// Take over the valid tokens of the log before this one: its users need no others
    Copy {
        #[command(flatten)]
        data: DataArg,
        /// The data directory of that log
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
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
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// A right of a token.
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
A directory is read with its database: also who holds which approval id, and the evidence. Of public
files alone, such as a copy that `mirror` has made, all that is there is checked. Of an address only
what everybody can read is checked, if its tiles lead to the root that it has signed at all. Changes
nothing; a running server is no obstacle.

Exit codes: 0 clean, 1 damage, 2 wrong usage, 5 the directory or the address cannot be read, or has
more than --max-entries and --max-seconds allow for.")]
pub(crate) struct FsckArgs {
    /// The data directory of a log, its public files (s3://BUCKET/PREFIX or a folder of them), or
    /// its address: http://… or https://…
    #[arg(value_name = "DIR|PLACE|URL")]
    pub(crate) log: String,
    /// The verifier key that public files must have, and the log at an address. Without it the log
    /// at an address is asked, and only shown to agree with itself
    #[arg(long, value_name = "VKEY")]
    pub(crate) vkey: Option<String>,
    /// How many entries of an address are read, at 48 bytes of memory each
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(crate) max_entries: u64,
    /// How long an address is read, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 3600)]
    pub(crate) max_seconds: u64,
    /// The log's own witness policy: the cosignatures of the checkpoint have to meet its quorum. Not
    /// of an address
    #[arg(long, value_name = "FILE", env = "COSIGNET_LOG_WITNESS_POLICY")]
    pub(crate) witness_policy: Option<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) objects: ObjectsArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) erasure_keys: ErasureKeysArg,
}

/// Copy a log as it is now, while it runs: database, tiles, checkpoint; not the key
#[derive(Args, Debug)]
#[command(after_help = "\
The copy starts as it is once log.key lies beside it: see OPERATIONS, \"Restore\", before you do.
Run it again on the same copy to bring that up to date: tiles that are there are not copied twice.
A copy that was interrupted is refused by serve and fsck until export has run to its end.")]
pub(crate) struct ExportArgs {
    /// Where the log lives
    #[arg(long, value_name = "DIR", env = "COSIGNET_LOG_DATA")]
    pub(crate) data: PathBuf,
    /// Where the copy goes: a new directory, or an earlier copy of the same log. It is a log of one
    /// machine, wherever the log is kept
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) objects: ObjectsArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) erasure_keys: ErasureKeysArg,
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

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        listen = "127.0.0.1:9"
        store = "postgres://log:secret@db.example/log"
        erasureKeys = ["old.key", "new.key"]
        rpIds = ["a.example", "b.example"]
        origins = ["https://a.example"]
        userVerification = "preferred"
        crossOrigin = true
        topOrigins = ["https://top.example"]
        maxAppendDelaySeconds = 60
        witnessPolicy = "witnesses.txt"
        publishWaitSeconds = 5
        queue = 7
        connections = 8
        proxies = ["10.0.0.0/8", "::1"]
        requestsPerSecond = 9
        logFormat = "json"
        objects = "/srv/public"
        objectsEndpoint = "https://s3.example"
        objectsRegion = "eu"
    "#;

    fn config(file: &str, flags: &[&str]) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).unwrap();
        let path = path.display().to_string();
        let args = ["cosignet-log", "serve", "--data", "x", "--config", &path];
        let cli = Cli::try_parse_from(args.iter().chain(flags)).unwrap();
        match cli.command {
            Command::Serve(args) => args.config(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_setting_can_stand_in_the_file() {
        let found = config(FILE, &[]).unwrap();
        assert_eq!(found.listen.to_string(), "127.0.0.1:9");
        assert!(found.log.store.is_some());
        let keys = ["old.key", "new.key"].map(PathBuf::from);
        assert_eq!(found.log.erasure_keys, keys);
        assert!(!format!("{found:?}").contains("secret"));
        assert_eq!(found.log.rules.rp_ids, ["a.example", "b.example"]);
        assert_eq!(found.log.rules.origins, ["https://a.example"]);
        assert_eq!(
            found.log.rules.user_verification,
            UserVerification::Preferred
        );
        assert!(found.log.rules.allow_cross_origin);
        assert_eq!(found.log.rules.top_origins, ["https://top.example"]);
        assert_eq!(found.log.rules.max_append_delay, 60_000);
        let policy = Some(PathBuf::from("witnesses.txt"));
        assert_eq!(found.log.witness_policy, policy);
        assert_eq!(found.log.publish_wait, Duration::from_secs(5));
        assert_eq!((found.log.queue, found.connections), (7, 8));
        assert_eq!(found.log.requests_per_second, 9);
        let objects = found.log.objects.unwrap().open().unwrap();
        assert_eq!(objects.place("checkpoint"), "/srv/public/checkpoint");
        assert!(found.json_messages);
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = [
            "--rp-id",
            "c.example",
            "--queue",
            "1",
            "--cross-origin",
            "false",
        ];
        let found = config(FILE, &flags).unwrap();
        assert_eq!(found.log.rules.rp_ids, ["c.example"]);
        assert_eq!(found.log.queue, 1);
        assert!(!found.log.rules.allow_cross_origin);
        assert_eq!(found.connections, 8);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_wrong_usage() {
        let minimal = "rpIds = [\"a\"]\norigins = [\"b\"]\n";
        assert!(config(minimal, &[]).is_ok());
        for bad in [
            "",
            "rpIds = [\"a\"]\n",
            "rpIds",
            &format!("{minimal}zebra = 1\n"),
            &format!("{minimal}queue = 0\n"),
            &format!("{minimal}requestsPerSecond = 0\n"),
            &format!("{minimal}userVerification = \"discouraged\"\n"),
            &format!("{minimal}logFormat = \"xml\"\n"),
            &format!("{minimal}listen = \"8080\"\n"),
            &format!("{minimal}objects = \"https://s3.example/logs\"\n"),
            &format!("{minimal}objects = \"s3://x\"\n"),
            &format!("{minimal}proxies = [\"localhost\"]\n"),
        ] {
            let error = config(bad, &[]).unwrap_err();
            assert!(matches!(error, LogError::Usage(_)), "{bad}: {error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_shows_no_password() {
        for (text, line) in [
            (
                "queue = 7\nstore = \"postgres://log:secret@db/log",
                "line 2: ",
            ),
            ("store = postgres://log:secret@db/log", "line 1: "),
            (
                "stores = \"postgres://log:secret@db/log\"",
                "line 1: unknown",
            ),
        ] {
            let why = config(text, &[]).unwrap_err().to_string();
            assert!(!why.contains("secret") && why.contains(line), "{why}");
        }
    }
}
