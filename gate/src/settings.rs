//! The settings of a running gate: flags and variables, else a file, else the default.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use command_line::CliError;
use serde::Deserialize;
use serving::{Listen, Proxies};
use url::Url;

use crate::args::ServeArgs;
use crate::layout::Layout;
use crate::site::Site;
use crate::store::Limits;

/// The longest file of settings, in bytes.
const MAX_FILE: usize = 64 * 1024;

/// The time without a sign of life to somebody who waits, and the longest that can be set, in
/// seconds: proxies and clients end what is silent.
const KEEP_ALIVE: [u64; 2] = [10, 15];

#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where browsers reach the gate, such as https://gate.example.com
    #[arg(long, value_name = "URL", env = "COSIGNET_GATE_URL")]
    url: Option<String>,
    /// Address and port, such as localhost:8090 [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDRESS:PORT", env = "COSIGNET_GATE_LISTEN")]
    listen: Option<String>,
    /// The relying party id of the passkeys, for ever [default: the host of --url]
    #[arg(long, value_name = "DOMAIN", env = "COSIGNET_GATE_RP_ID")]
    rp_id: Option<String>,
    /// Where approvals are meant to be used; everybody signs it [default: the host of --url]
    #[arg(long, value_name = "NAME", env = "COSIGNET_GATE_AUDIENCE")]
    audience: Option<String>,
    /// The name under which passkeys are kept [default: Cosignet]
    #[arg(long, value_name = "NAME", env = "COSIGNET_GATE_NAME")]
    name: Option<String>,
    /// The rule file [default: DIR/rules.toml]
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_RULES")]
    rules: Option<PathBuf>,
    /// The address of a log elsewhere [default: the log in DIR/log]
    #[arg(long, value_name = "URL", env = "COSIGNET_GATE_LOG")]
    log: Option<String>,
    /// The file with the token for that log
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_LOG_TOKEN")]
    log_token: Option<PathBuf>,
    /// A c2sp.org/tlog-policy: the witnesses that the gate's own log asks
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_WITNESS_POLICY")]
    witness_policy: Option<PathBuf>,
    /// Days until the payload of a request that has ended is erased; its hash, and what was signed,
    /// stay [default: never]
    #[arg(long, value_name = "DAYS", env = "COSIGNET_GATE_RETENTION_DAYS")]
    retention_days: Option<u64>,
    /// How many requests a second each key may make [default: 100]
    #[arg(long, env = "COSIGNET_GATE_REQUESTS_PER_SECOND")]
    requests_per_second: Option<u32>,
    /// How many requests of one key may be open [default: 1000]
    #[arg(long, env = "COSIGNET_GATE_OPEN_PER_KEY")]
    open_per_key: Option<u64>,
    /// How many open requests may ask one person by name [default: 50]
    #[arg(long, env = "COSIGNET_GATE_OPEN_PER_PERSON")]
    open_per_person: Option<u64>,
    /// How many callers may wait for a decision at a time [default: 10000]
    #[arg(long, env = "COSIGNET_GATE_WAITING")]
    waiting: Option<usize>,
    /// Seconds between two signs of life to a client that waits on /mcp, at most 15 [default: 10]
    #[arg(long, value_name = "SECONDS", env = "COSIGNET_GATE_KEEP_ALIVE")]
    keep_alive: Option<u64>,
    /// How many connections may be open [default: 16384]
    #[arg(long, env = "COSIGNET_GATE_CONNECTIONS")]
    connections: Option<usize>,
    /// A reverse proxy, by address or network: it says in X-Forwarded-For for whom it asks; can be
    /// repeated [default: this machine]
    #[arg(
        long = "proxy",
        value_name = "ADDRESS",
        env = "COSIGNET_GATE_PROXIES",
        value_delimiter = ','
    )]
    proxies: Vec<String>,
    /// `human` or `json` [default: human]
    #[arg(long, env = "COSIGNET_GATE_LOG_FORMAT")]
    log_format: Option<String>,
}

/// The settings with their defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) site: Site,
    pub(crate) listen: Listen,
    pub(crate) proxies: Proxies,
    pub(crate) rules: PathBuf,
    pub(crate) log: LogPlace,
    pub(crate) retention_days: Option<u64>,
    pub(crate) requests_per_second: u32,
    pub(crate) waiting: usize,
    pub(crate) connections: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) json_messages: bool,
}

/// Where the log is.
#[derive(Clone, Debug)]
pub(crate) enum LogPlace {
    /// In this process, with these witnesses.
    Here { witness_policy: Option<PathBuf> },
    /// At this address, with the token in this file.
    There { url: String, token: PathBuf },
}

impl ServeArgs {
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        let file = match &self.config {
            None => Settings::default(),
            Some(path) => {
                let text = command_line::file::read(path, MAX_FILE)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                toml::from_str(&text)
                    .map_err(|error| CliError::usage(error.to_string()).about(path))?
            }
        };
        self.settings
            .clone()
            .over(file)
            .config(&Layout::new(&self.data.data))
    }
}

impl Settings {
    /// These, and where they say nothing, those.
    fn over(self, file: Self) -> Self {
        Self {
            url: self.url.or(file.url),
            listen: self.listen.or(file.listen),
            rp_id: self.rp_id.or(file.rp_id),
            audience: self.audience.or(file.audience),
            name: self.name.or(file.name),
            rules: self.rules.or(file.rules),
            log: self.log.or(file.log),
            log_token: self.log_token.or(file.log_token),
            witness_policy: self.witness_policy.or(file.witness_policy),
            retention_days: self.retention_days.or(file.retention_days),
            requests_per_second: self.requests_per_second.or(file.requests_per_second),
            open_per_key: self.open_per_key.or(file.open_per_key),
            open_per_person: self.open_per_person.or(file.open_per_person),
            waiting: self.waiting.or(file.waiting),
            connections: self.connections.or(file.connections),
            keep_alive: self.keep_alive.or(file.keep_alive),
            proxies: match self.proxies.is_empty() {
                true => file.proxies,
                false => self.proxies,
            },
            log_format: self.log_format.or(file.log_format),
        }
    }

    fn config(self, layout: &Layout) -> Result<Config, CliError> {
        let (origin, host) = origin(self.url.as_deref())?;
        let log = match (self.log, self.log_token) {
            (None, None) => LogPlace::Here {
                witness_policy: self.witness_policy,
            },
            (Some(url), Some(token)) => LogPlace::There { url, token },
            _ => return Err(bad("log", "given together with --log-token, or neither")),
        };
        let rp_id = self.rp_id.unwrap_or_else(|| host.clone());
        if rp_id != host && !host.ends_with(&format!(".{rp_id}")) {
            return Err(bad("rp-id", "the host of --url, or a domain above it").found(rp_id));
        }
        let site = Site {
            origin,
            rp_id,
            audience: self.audience.unwrap_or(host),
            name: self.name.unwrap_or_else(|| "Cosignet".into()),
            limits: Limits {
                of_key: self.open_per_key.unwrap_or(1000),
                of_person: self.open_per_person.unwrap_or(50),
            },
        };
        let listen = self.listen.as_deref().unwrap_or("127.0.0.1:8090");
        Ok(Config {
            site,
            listen: listen
                .parse()
                .map_err(|error| CliError::usage(format!("--listen: {error}.")))?,
            proxies: Proxies::of(&self.proxies).map_err(|expected| bad("proxy", expected))?,
            rules: self.rules.unwrap_or_else(|| layout.rules()),
            log,
            retention_days: self.retention_days,
            requests_per_second: self.requests_per_second.unwrap_or(100),
            waiting: self.waiting.unwrap_or(10_000),
            connections: self.connections.unwrap_or(16_384),
            keep_alive: match (self.keep_alive, KEEP_ALIVE) {
                (None, [usual, _]) => Duration::from_secs(usual),
                (Some(seconds), [_, most]) if (1..=most).contains(&seconds) => {
                    Duration::from_secs(seconds)
                }
                _ => return Err(bad("keep-alive", "1 to 15 seconds")),
            },
            json_messages: match self.log_format.as_deref() {
                None | Some("human") => false,
                Some("json") => true,
                Some(_) => return Err(bad("log-format", "human or json")),
            },
        })
    }
}

/// The origin as browsers write it, and its host.
fn origin(url: Option<&str>) -> Result<(String, String), CliError> {
    let expected = "the address of the gate, such as https://gate.example.com, without a path";
    let text = url.ok_or_else(|| bad("url", expected))?;
    let wrong = || bad("url", expected).found(verifier_core::quote(text));
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?.to_owned();
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_here = host == "localhost" || host.ends_with(".localhost");
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    match is_bare && is_secure && url.username().is_empty() {
        true => Ok((url.origin().ascii_serialization(), host)),
        false => Err(wrong()),
    }
}

fn bad(name: &str, expected: &str) -> CliError {
    CliError::usage(format!("--{name} has to be {expected}."))
}
