//! The address of a bucket, and the client that speaks to it.
//!
//! ```text
//! s3://BUCKET[/PREFIX]
//! ```
//!
//! Credentials come from the variables that all clients of AWS read (`AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_WEB_IDENTITY_TOKEN_FILE`, …) or from the role
//! of the machine, and never from a command line.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientOptions, HeaderValue, RetryConfig};

use crate::AGENT;
use crate::error::{LogError, Result};

/// How long a connection, and one request, may take.
const CONNECT: Duration = Duration::from_secs(3);
const REQUEST: Duration = Duration::from_secs(10);

/// A bucket, and the beginning of the keys in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Address {
    bucket: String,
    prefix: String,
}

impl Address {
    /// Empty, or parts with slashes between them.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for Address {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            LogError::Usage(format!(
                "{} is no bucket: it has to be s3://BUCKET or s3://BUCKET/PREFIX, with the letters, \
                 digits, dots and dashes that S3 allows, and a prefix of the same and _ and /",
                verifier_core::quote(text)
            ))
        };
        let rest = text.strip_prefix("s3://").ok_or_else(bad)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // A slash at the end says nothing; a second one would be a part without a name.
        let prefix = match prefix.strip_suffix('/') {
            Some("") => return Err(bad()),
            Some(parts) => parts,
            None => prefix,
        };
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|byte| lower(byte) || matches!(byte, b'.' | b'-'));
        let is_part = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
        };
        // Keys have 1024 bytes at most, and the names of a log less than 100.
        let is_prefix =
            prefix.is_empty() || (prefix.len() <= 512 && prefix.split('/').all(is_part));
        match is_bucket && is_prefix {
            true => Ok(Self {
                bucket: bucket.into(),
                prefix: prefix.into(),
            }),
            false => Err(bad()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => write!(f, "s3://{}", self.bucket),
            prefix => write!(f, "s3://{}/{prefix}", self.bucket),
        }
    }
}

/// The server that a bucket is asked for; what is missing, `AWS_ENDPOINT_URL` and `AWS_REGION` say,
/// and else it is that of AWS.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) url: Option<String>,
    pub(crate) region: Option<String>,
}

/// The client of a bucket, with the credentials that `builder` has, or finds.
pub(super) fn client(
    mut builder: AmazonS3Builder,
    address: &Address,
    endpoint: &Endpoint,
) -> Result<AmazonS3> {
    if let Some(url) = &endpoint.url {
        // The one that wins over everything that a variable says.
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, url.trim_end_matches('/'));
    }
    if let Some(region) = &endpoint.region {
        builder = builder.with_region(region);
    }
    let url = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let url = url.iter().find_map(|key| builder.get_config_value(key));
    let plain = url.as_deref().filter(|url| url.starts_with("http://"));
    if plain.is_some_and(|url| !is_here(url)) {
        return Err(LogError::Usage(
            "the endpoint of the bucket is http:// at another machine, where anybody on the way \
             could read and change what is sent: use https://"
                .into(),
        ));
    }
    let options = ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(AGENT))
        .with_connect_timeout(CONNECT)
        .with_timeout(REQUEST)
        .with_allow_http(plain.is_some());
    // A request that is sent again late may undo what was written meanwhile.
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
        },
        max_retries: 2,
        retry_timeout: Duration::from_secs(3),
    };
    builder
        .with_bucket_name(&address.bucket)
        .with_virtual_hosted_style_request(false)
        .with_client_options(options)
        .with_retry(retry)
        .build()
        .map_err(|error| LogError::Usage(format!("{address}: {error}")))
}

/// Whether an `http://` address is one of this machine.
fn is_here(url: &str) -> bool {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_prefix() {
        for (text, prefix, shown) in [
            ("s3://logs", "", "s3://logs"),
            ("s3://logs/", "", "s3://logs"),
            ("s3://my.logs-1/a/b_c/", "a/b_c", "s3://my.logs-1/a/b_c"),
            ("s3://abc/2027", "2027", "s3://abc/2027"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.prefix(), prefix, "{text}");
            assert_eq!(address.to_string(), shown, "{text}");
        }
        for text in [
            "",
            "s3:",
            "s3://",
            "s3://ab",
            "s3://Logs",
            "s3://logs//",
            "s3://logs/a//b",
            "s3://logs/../x",
            "s3://logs/a b",
            "s3://logs/a%2fb",
            "s3://lo gs",
            "https://logs.example",
            "s3://user@logs",
            "s3://logs?x",
            "s3://logs/.",
        ] {
            let failure = text.parse::<Address>().unwrap_err();
            assert!(matches!(failure, LogError::Usage(_)), "{text}: {failure}");
        }
    }

    #[test]
    fn what_goes_in_the_clear_stays_on_this_machine() {
        for url in [
            "http://127.0.0.1:8333",
            "http://localhost",
            "http://[::1]:9000/x",
            "http://127.9.9.9/",
        ] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "http://s3.example",
            "http://10.0.0.1:9000",
            "http://localhost.example",
            "http://127.0.0.1@evil.example",
            "https://127.0.0.1",
            "http://",
            "http://[::2]",
        ] {
            assert!(!is_here(url), "{url}");
        }
        let address: Address = "s3://logs".parse().unwrap();
        let at = |url: &str| Endpoint {
            url: Some(url.into()),
            region: None,
        };
        let failure =
            client(AmazonS3Builder::new(), &address, &at("http://s3.example")).unwrap_err();
        assert!(failure.to_string().contains("use https://"), "{failure}");
        assert!(client(AmazonS3Builder::new(), &address, &at("https://s3.example")).is_ok());
        assert!(client(AmazonS3Builder::new(), &address, &at("http://127.0.0.1:1")).is_ok());
        // Of two variables the more particular one is asked for, and an option before both.
        let variables = || {
            AmazonS3Builder::new()
                .with_config(AmazonS3ConfigKey::Endpoint, "http://127.0.0.1:1")
                .with_config(AmazonS3ConfigKey::S3Endpoint, "http://s3.example")
        };
        assert!(client(variables(), &address, &Endpoint::default()).is_err());
        assert!(client(variables(), &address, &at("https://s3.example")).is_ok());
    }
}
