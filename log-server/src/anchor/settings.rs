//! The operator's settings for anchors.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use verifier_core::hazmat::bitcoin::network::Network;

use crate::error::{LogError, Result};

/// Two calendars have to take a stamp, and one may always be down.
const LEAST_CALENDARS: usize = 3;

/// The settings as an operator gives them, each of which may be missing.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(
    rustdoc::bare_urls,
    reason = "these texts are the help of the command line"
)]
pub struct AnchorSettings {
    /// An OpenTimestamps calendar, at least three of independent operators; can be repeated.
    /// Without any, heads are not anchored
    #[arg(
        long = "anchor-calendar",
        env = "COSIGNET_LOG_ANCHOR_CALENDARS",
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub calendars: Vec<String>,
    /// The time between two anchored heads [default: 3600]
    #[arg(
        long = "anchor-interval-seconds",
        env = "COSIGNET_LOG_ANCHOR_INTERVAL_SECONDS"
    )]
    pub interval_seconds: Option<u64>,
    /// After how long without a block a head is stamped again [default: 86400]
    #[arg(
        long = "anchor-overdue-seconds",
        env = "COSIGNET_LOG_ANCHOR_OVERDUE_SECONDS"
    )]
    pub overdue_seconds: Option<u64>,
    /// Where block headers come from: an esplora such as https://blockstream.info/api, or the
    /// REST interface of a node such as http://127.0.0.1:8332/rest
    #[arg(
        long = "anchor-headers-from",
        env = "COSIGNET_LOG_ANCHOR_HEADERS_FROM",
        value_name = "URL"
    )]
    pub headers_from: Option<String>,
    /// The network that the calendars anchor in [default: mainnet]
    #[arg(long = "anchor-network", env = "COSIGNET_LOG_ANCHOR_NETWORK")]
    pub network: Option<String>,
}

/// The settings with their defaults, which [`AnchorSettings::config`] makes.
#[derive(Clone, Debug)]
pub struct Config {
    /// No address is followed but these.
    pub(crate) calendars: Vec<String>,
    pub(crate) interval: Duration,
    pub(crate) overdue: Duration,
    pub(crate) headers_from: Option<String>,
    pub(crate) network: Network,
}

impl AnchorSettings {
    /// The settings: flags and variables, else the file, else the default. `None` if there are no
    /// calendars.
    ///
    /// # Errors
    ///
    /// [`LogError::Usage`] with the name of the option that makes no sense.
    pub fn config(self, file: Self) -> Result<Option<Config>> {
        let calendars = match self.calendars.is_empty() {
            true => file.calendars,
            false => self.calendars,
        };
        let mut calendars: Vec<String> = calendars
            .iter()
            .map(|calendar| address("anchor-calendar", calendar))
            .collect::<Result<_>>()?;
        calendars.sort();
        calendars.dedup();
        if calendars.is_empty() {
            return Ok(None);
        }
        if calendars.len() < LEAST_CALENDARS {
            return Err(LogError::Usage(format!(
                "--anchor-calendar names {} calendars, and a head is stamped at {LEAST_CALENDARS} \
                 or more: each of them may be down, lose stamps, or end",
                calendars.len()
            )));
        }
        let seconds = |own: Option<u64>, file, name, default| match own.or(file) {
            Some(0) => Err(LogError::Usage(format!("--{name} has to be at least 1"))),
            other => Ok(Duration::from_secs(other.unwrap_or(default))),
        };
        let network = self.network.or(file.network);
        let network = network.as_deref().unwrap_or("mainnet");
        let source = self.headers_from.or(file.headers_from);
        Ok(Some(Config {
            calendars,
            interval: seconds(
                self.interval_seconds,
                file.interval_seconds,
                "anchor-interval-seconds",
                3600,
            )?,
            overdue: seconds(
                self.overdue_seconds,
                file.overdue_seconds,
                "anchor-overdue-seconds",
                86_400,
            )?,
            headers_from: source
                .map(|source| address("anchor-headers-from", &source))
                .transpose()?,
            network: Network::parse(network).ok_or_else(|| {
                let networks = "mainnet, testnet4, signet or regtest";
                LogError::Usage(format!("--anchor-network has to be {networks}"))
            })?,
        }))
    }
}

/// An address without a slash at its end. Only characters that an address in a proof may have, so
/// that the two can be compared letter by letter.
fn address(name: &str, text: &str) -> Result<String> {
    let text = text.trim_end_matches('/');
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/:".contains(&byte);
    if host.is_some_and(|host| !host.is_empty()) && text.bytes().all(plain) {
        return Ok(text.into());
    }
    Err(LogError::Usage(format!(
        "--{name} has to be an address such as https://calendar.example.com, without a query"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(calendars: &[&str]) -> AnchorSettings {
        AnchorSettings {
            calendars: calendars.iter().map(|&url| url.into()).collect(),
            ..AnchorSettings::default()
        }
    }

    #[test]
    fn three_different_calendars_or_none() {
        let config = |calendars: &[&str]| with(calendars).config(AnchorSettings::default());
        assert!(config(&[]).unwrap().is_none());
        let three = ["https://a.example/", "https://b.example", "http://[::1]"];
        assert!(config(&three).is_err(), "brackets are in no proof");
        let three = ["https://a.example/", "https://b.example", "http://c:1/x"];
        let config_of_three = config(&three).unwrap().unwrap();
        let expected = ["http://c:1/x", "https://a.example", "https://b.example"];
        assert_eq!(config_of_three.calendars, expected);
        for bad in [
            &["https://a.example", "https://b.example"][..],
            &[
                "https://a.example",
                "https://a.example/",
                "https://b.example",
            ],
            &["https://a", "https://b", "https://user@c"],
            &["https://a", "https://b", "ftp://c"],
            &["https://a", "https://b", "https://"],
            &["https://a", "https://b", "https://c?x=1"],
        ] {
            assert!(config(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let own = AnchorSettings {
            interval_seconds: Some(5),
            ..AnchorSettings::default()
        };
        let file = AnchorSettings {
            interval_seconds: Some(7),
            network: Some("regtest".into()),
            ..with(&["https://a", "https://b", "https://c"])
        };
        let config = own.config(file.clone()).unwrap().unwrap();
        assert_eq!(config.interval, Duration::from_secs(5));
        assert_eq!(config.network, Network::Regtest);
        let zero = AnchorSettings {
            overdue_seconds: Some(0),
            ..AnchorSettings::default()
        };
        assert!(zero.config(file.clone()).is_err());
        let nowhere = AnchorSettings {
            network: Some("testnet3".into()),
            ..AnchorSettings::default()
        };
        assert!(nowhere.config(file).is_err());
    }
}
