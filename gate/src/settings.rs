//! The settings of a running gate: flags and variables, else a file, else the default.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use command_line::CliError;
use lettre::message::Mailbox;
use log_server::StoreAddress;
use serde::Deserialize;
use serving::{Listen, Proxies};
use url::Url;

use crate::args::{ServeArgs, StoreArgs};
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
    // Every command has these, so that here they are those of the file alone.
    #[arg(skip)]
    store: Option<StoreAddress>,
    #[arg(skip)]
    store_password: Option<PathBuf>,
    #[arg(skip)]
    store_schema: Option<String>,
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
    /// A c2sp.org/tlog-policy: the keys and the quorum under which that log has to answer [default:
    /// any]
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_LOG_POLICY")]
    log_policy: Option<PathBuf>,
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
    /// The server that takes mail for people who are asked: smtps://HOST with TLS from the start,
    /// smtp://HOST with STARTTLS or not at all, or smtp-plain://localhost [default: no mail]
    #[arg(long, value_name = "URL", env = "COSIGNET_GATE_MAIL_SERVER")]
    mail_server: Option<String>,
    /// The sender of mail, such as "Approvals <gate@example.com>"
    #[arg(long, value_name = "ADDRESS", env = "COSIGNET_GATE_MAIL_FROM")]
    mail_from: Option<String>,
    /// The user at the server of mail
    #[arg(long, value_name = "NAME", env = "COSIGNET_GATE_MAIL_USER")]
    mail_user: Option<String>,
    /// The file with the password of that user
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_MAIL_PASSWORD")]
    mail_password: Option<PathBuf>,
    /// A certificate in PEM that the server of mail may have been signed with, beside those that the
    /// system trusts
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_MAIL_CA")]
    mail_ca: Option<PathBuf>,
    /// `human` or `json` [default: human]
    #[arg(long, env = "COSIGNET_GATE_LOG_FORMAT")]
    log_format: Option<String>,
}

/// The settings with their defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) store: StoreArgs,
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
    pub(crate) mail: Option<Mail>,
    pub(crate) json_messages: bool,
}

/// The server that takes mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: MailTls,
    pub(crate) from: Mailbox,
    /// A name, and the file with its password.
    pub(crate) user: Option<(String, PathBuf)>,
    pub(crate) ca: Option<PathBuf>,
}

/// How a connection to the server of mail is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MailTls {
    FromTheStart,
    /// With STARTTLS, and nothing is sent if the server has none.
    StartTls,
    /// Not at all, to this machine.
    None,
}

/// Where the log is.
#[derive(Clone, Debug)]
pub(crate) enum LogPlace {
    /// In this process, with these witnesses.
    Here { witness_policy: Option<PathBuf> },
    /// At this address, with the token in one file, and under the policy in another.
    There {
        url: String,
        token: PathBuf,
        policy: Option<PathBuf>,
    },
}

impl ServeArgs {
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        let file = match &self.config {
            None => Settings::default(),
            Some(path) => {
                let text = command_line::file::read(path, MAX_FILE)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                parse(&text).map_err(|why| CliError::usage(why).about(path))?
            }
        };
        let mut all = self.settings.clone().over(file);
        let in_file = StoreArgs {
            store: all.store.take(),
            store_password: all.store_password.take(),
            store_schema: all.store_schema.take(),
        };
        let store = self.data.store.clone().over(in_file);
        all.config(&Layout::new(&self.data.data), store)
    }
}

/// The settings in a file. A reason quotes nothing of it: there may be a password on the line.
fn parse(text: &str) -> Result<Settings, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count().saturating_add(1));
        match line {
            Some(line) => format!("line {line}: {}", error.message()),
            None => error.message().to_owned(),
        }
    })
}

impl Settings {
    /// These, and where they say nothing, those.
    fn over(self, file: Self) -> Self {
        Self {
            store: self.store.or(file.store),
            store_password: self.store_password.or(file.store_password),
            store_schema: self.store_schema.or(file.store_schema),
            url: self.url.or(file.url),
            listen: self.listen.or(file.listen),
            rp_id: self.rp_id.or(file.rp_id),
            audience: self.audience.or(file.audience),
            name: self.name.or(file.name),
            rules: self.rules.or(file.rules),
            log: self.log.or(file.log),
            log_token: self.log_token.or(file.log_token),
            log_policy: self.log_policy.or(file.log_policy),
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
            mail_server: self.mail_server.or(file.mail_server),
            mail_from: self.mail_from.or(file.mail_from),
            mail_user: self.mail_user.or(file.mail_user),
            mail_password: self.mail_password.or(file.mail_password),
            mail_ca: self.mail_ca.or(file.mail_ca),
            log_format: self.log_format.or(file.log_format),
        }
    }

    fn config(self, layout: &Layout, store: StoreArgs) -> Result<Config, CliError> {
        let (origin, host) = origin(self.url.as_deref())?;
        let mail = self.mail()?;
        let log = match (self.log, self.log_token) {
            (None, None) if self.log_policy.is_some() => {
                return Err(bad("log-policy", "given together with --log"));
            }
            (None, None) => LogPlace::Here {
                witness_policy: self.witness_policy,
            },
            (Some(url), Some(token)) => LogPlace::There {
                url,
                token,
                policy: self.log_policy,
            },
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
            store,
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
            mail,
            json_messages: match self.log_format.as_deref() {
                None | Some("human") => false,
                Some("json") => true,
                Some(_) => return Err(bad("log-format", "human or json")),
            },
        })
    }
}

impl Settings {
    fn mail(&self) -> Result<Option<Mail>, CliError> {
        let others = [
            self.mail_from.is_some(),
            self.mail_user.is_some(),
            self.mail_password.is_some(),
            self.mail_ca.is_some(),
        ];
        let (server, from) = match (&self.mail_server, &self.mail_from) {
            (Some(server), Some(from)) => (server, from),
            (None, None) if !others.contains(&true) => return Ok(None),
            _ => return Err(bad("mail-server", "given together with --mail-from")),
        };
        let user = match (&self.mail_user, &self.mail_password) {
            (None, None) => None,
            (Some(user), Some(password)) => Some((user.clone(), password.clone())),
            _ => return Err(bad("mail-user", "given together with --mail-password")),
        };
        let wrong =
            |expected: &str| bad("mail-server", expected).found(verifier_core::quote(server));
        let form = "smtps://HOST[:PORT], smtp://HOST[:PORT] or smtp-plain://localhost[:PORT]";
        let url = Url::parse(server).map_err(|_| wrong(form))?;
        let host = url.host_str().ok_or_else(|| wrong(form))?.to_owned();
        let is_bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        let (tls, port) = match url.scheme() {
            "smtps" if is_bare => (MailTls::FromTheStart, 465),
            "smtp" if is_bare => (MailTls::StartTls, 587),
            "smtp-plain" if is_bare && is_here => (MailTls::None, 25),
            "smtp-plain" if is_bare => {
                return Err(wrong(
                    "smtps:// or smtp://: only this machine is sent to without TLS",
                ));
            }
            _ => return Err(wrong(form)),
        };
        Ok(Some(Mail {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            tls,
            from: from.parse().map_err(|_| {
                bad(
                    "mail-from",
                    "an address such as \"Approvals <gate@example.com>\"",
                )
                .found(verifier_core::quote(from))
            })?,
            user,
            ca: self.mail_ca.clone(),
        }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_shows_no_password() {
        for (text, expected) in [
            (
                "name = \"a\"\nstore = \"postgres://u:secret@h/d",
                "line 2: ",
            ),
            ("store = postgres://u:secret@h/d", "line 1: "),
            (
                "\n\nstores = \"postgres://u:secret@h/d\"",
                "line 3: unknown field `stores`",
            ),
            (
                "store = [\"postgres://u:secret@h/d\"]",
                "line 1: invalid type",
            ),
            (
                "store = \"postgres://u:secret@h/d\"\nstore = \"\"",
                "line 2: ",
            ),
        ] {
            let why = parse(text).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
            assert!(why.starts_with(expected), "{why}");
        }
        assert!(parse("store = \"postgres://u:secret@h/d\"").is_ok());
    }
}
