//! The address of a database, as the command line has it.
//!
//! ```text
//! postgres://USER:PASSWORD@HOST:PORT[,HOST:PORT…]/DATABASE[?sslmode=disable|require]
//! ```

use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::{Error, Result, chain};
use crate::tls::Tls;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How soon a peer that is gone is noticed.
const GONE: Duration = Duration::from_secs(5);

/// A program that keeps something in a database.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(crate) name: &'static str,
    pub(crate) schema: String,
    pub(crate) harm: &'static str,
}

impl Tenant {
    /// The program with this name, as the server sees it, whose tables are in this schema. `harm` is
    /// what comes of a commit that is lost, such as "and then the log forks".
    pub fn new(name: &'static str, schema: impl Into<String>, harm: &'static str) -> Self {
        let schema = schema.into();
        Self { name, schema, harm }
    }
}

/// Where a database is, and how it is spoken to.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    pub(crate) tenant: Tenant,
    shown: String,
}

impl Address {
    /// Reads an address. A host that is not this machine is spoken to over TLS, unless the address
    /// says `sslmode=disable`; one that is, only if it says `sslmode=require`.
    ///
    /// # Errors
    ///
    /// If it is none, or the system has no TLS.
    pub fn parse(text: &str, tenant: Tenant) -> Result<Self> {
        let wrong = |why: &str| {
            // It may hold a password.
            Error::Usage(format!(
                "--store has to be postgres://USER:PASSWORD@HOST:PORT/DATABASE: {why}"
            ))
        };
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            return Err(wrong("it does not begin so"));
        }
        let mut config: Config = text.parse().map_err(|error| wrong(&chain(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host"));
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            let here = config.get_hosts().iter().all(is_here);
            config.ssl_mode(if here {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        // After a fail-over one of several hosts still answers, and writes no more.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT);
        config.tcp_user_timeout(GONE);
        config.keepalives_idle(GONE);
        config.keepalives_interval(Duration::from_secs(1));
        config.keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name(tenant.name);
        }
        let shown = shown(&config);
        Ok(Self {
            config,
            tls: Tls::new()?,
            tenant,
            shown,
        })
    }

    /// The same, with this password instead of what the address says.
    #[must_use]
    pub fn with_password(mut self, password: &[u8]) -> Self {
        self.config.password(password);
        self
    }

    /// The schema that the tables are in.
    pub fn schema(&self) -> &str {
        &self.tenant.schema
    }
}

/// Without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let host = match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        match ports.get(at).or_else(|| ports.first()) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    });
    let hosts: Vec<String> = hosts.collect();
    let database = config
        .get_dbname()
        .or(config.get_user())
        .unwrap_or_default();
    format!("PostgreSQL {}/{database}", hosts.join(","))
}

/// Whether it is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) if name == "localhost" => true,
        Host::Tcp(name) => name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address> {
        Address::parse(text, Tenant::new("program", "tables", ""))
    }

    #[test]
    fn another_machine_is_spoken_to_over_tls() {
        for (text, mode) in [
            ("postgres://u:p@db.example/log", SslMode::Require),
            (
                "postgres://u@10.0.0.1,127.0.0.1/log?sslmode=prefer",
                SslMode::Require,
            ),
            (
                "postgres://u@db.example/log?sslmode=disable",
                SslMode::Disable,
            ),
            ("postgresql://u@127.0.0.1:5433/log", SslMode::Disable),
            (
                "postgres://u@localhost/log?sslmode=require",
                SslMode::Require,
            ),
            ("postgres://u@%2Frun%2Fpostgresql/log", SslMode::Disable),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.config.get_ssl_mode(), mode, "{text}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = parse("postgres://ann:secret@a.example:1,b.example:2/log").unwrap();
        assert_eq!(
            address.to_string(),
            "PostgreSQL a.example:1,b.example:2/log"
        );
        assert!(!format!("{address:?}").contains("secret"));
        for text in [
            "mysql://u:secret@h/d",
            "postgres://",
            "postgres://u:secret@h:x/d",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
