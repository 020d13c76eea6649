//! Which addresses a client may connect to.
//!
//! An address on the web that somebody else names may be that of a machine behind one's own walls: a
//! database, or the service that hands out a cloud's credentials. So what counts is not the name but
//! the IP addresses that a connection is opened to, each time one is opened. A name that resolves to
//! something else a moment later gains nothing by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use verifier_core::quote;

use crate::error::{Error, Kind, Result};
use crate::http::shown;

/// The addresses that may be connected to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reach {
    /// Every address.
    Any,
    /// Addresses that everybody on the internet can reach: none of this machine, of a private
    /// network, of a link, or of a translation that could lead to one of these.
    Public,
}

impl Reach {
    /// Checks an address on the web whose host is an IP address. A name passes: it is resolved, and
    /// checked, when there is a connection.
    ///
    /// # Errors
    ///
    /// The host is an IP address out of reach, or the text is no address.
    pub fn check(self, url: &str) -> Result<()> {
        if self == Self::Any {
            return Ok(());
        }
        let wrong = |why: String| Error::new(Kind::Address, quote(&shown(url)), why);
        let parsed = Url::parse(url).map_err(|error| wrong(format!("is not a URL: {error}")))?;
        let host = parsed.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match host.parse() {
            Ok(address) if !self.admits(address) => {
                Err(wrong(format!("cannot be used: {}", NotPublic(address))))
            }
            _ => Ok(()),
        }
    }

    fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Public => is_public(address),
        }
    }
}

/// A resolver that keeps what is out of reach from whoever connects.
pub(crate) struct Within<R> {
    inner: Arc<R>,
    reach: Reach,
}

impl Within<System> {
    pub(crate) fn system(reach: Reach) -> Self {
        Self::new(System, reach)
    }
}

impl<R: Resolve> Within<R> {
    fn new(inner: R, reach: Reach) -> Self {
        let inner = Arc::new(inner);
        Self { inner, reach }
    }
}

impl<R: Resolve + 'static> Resolve for Within<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let (inner, reach) = (Arc::clone(&self.inner), self.reach);
        Box::pin(async move {
            let all: Vec<SocketAddr> = inner.resolve(name).await?.collect();
            let within: Vec<SocketAddr> = all
                .iter()
                .copied()
                .filter(|address| reach.admits(address.ip()))
                .collect();
            match (within.is_empty(), all.first()) {
                (true, Some(first)) => Err(NotPublic(first.ip()).into()),
                _ => {
                    let within: Addrs = Box::new(within.into_iter());
                    Ok(within)
                }
            }
        })
    }
}

/// The resolver of the operating system.
pub(crate) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} is no public address")]
struct NotPublic(IpAddr);

/// Whether an address is one of the public internet, by the registries of IANA (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b) {
        // This network, private, loopback, link-local with the metadata of clouds, private.
        (0 | 10 | 127, _) | (169, 254) | (172, 16..=31) | (192, 168) => true,
        // Carrier-grade NAT (RFC 6598), benchmarks (RFC 2544).
        (100, 64..=127) | (198, 18..=19) => true,
        // Protocol assignments, documentation, relays of 6to4.
        (192, 0) => matches!(c, 0 | 2),
        (192, 88) => c == 99,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        // Multicast, reserved, broadcast.
        (224.., _) => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // 2000::/3 alone is global unicast: outside are loopback, mapped and translated IPv4
    // (::ffff:0:0/96, 64:ff9b::/96), unique local, link-local, multicast.
    let global = a & 0xe000 == 0x2000;
    let special = match a {
        // Protocol assignments up to 2001:1ff (Teredo is 2001:0), and documentation.
        0x2001 => b < 0x0200 || b == 0x0db8,
        // 6to4, with an IPv4 address inside.
        0x2002 => true,
        // Documentation (RFC 9637).
        0x3fff => b < 0x1000,
        _ => false,
    };
    global && !special
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_address_in_any_notation_is_checked() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1:8080/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            let refused = Reach::Public.check(url).unwrap_err();
            assert_eq!(refused.kind(), Kind::Address, "{url}");
            assert!(refused.why().contains("no public address"), "{refused}");
            Reach::Any.check(url).unwrap();
        }
        Reach::Public.check("https://hooks.example/a").unwrap();
        Reach::Public.check("https://8.8.8.8/").unwrap();
    }

    /// A name whose addresses are others each time.
    struct Turning(Mutex<Vec<Vec<&'static str>>>);

    impl Resolve for Turning {
        fn resolve(&self, _: Name) -> Resolving {
            let next = self.0.lock().unwrap().remove(0);
            let next = next
                .into_iter()
                .map(|one| SocketAddr::new(one.parse().unwrap(), 0));
            let next: Addrs = Box::new(next.collect::<Vec<_>>().into_iter());
            Box::pin(async move { Ok(next) })
        }
    }

    #[tokio::test]
    async fn a_name_is_checked_each_time_it_is_resolved() {
        let answers = vec![
            vec!["8.8.8.8"],
            vec!["127.0.0.1"],
            vec!["10.0.0.1", "8.8.4.4", "::1"],
            vec![],
        ];
        let resolver = Within::new(Turning(Mutex::new(answers)), Reach::Public);
        let resolve = || async {
            let found = resolver.resolve("hooks.example".parse().unwrap()).await;
            found
                .map(|all| all.map(|one| one.ip().to_string()).collect::<Vec<_>>())
                .map_err(|error| error.to_string())
        };
        assert_eq!(resolve().await, Ok(vec!["8.8.8.8".into()]));
        let refused = "127.0.0.1 is no public address".to_owned();
        assert_eq!(resolve().await, Err(refused));
        assert_eq!(resolve().await, Ok(vec!["8.8.4.4".into()]));
        assert_eq!(resolve().await, Ok(vec![]));
    }
}
