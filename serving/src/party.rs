//! The clients that shares are kept for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::header::HeaderMap;
use ipnet::IpNet;

use crate::Request;

/// A client that a share is kept for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Party {
    /// An address; of IPv6 the network of 64 bits, which one subscriber has.
    Address(IpAddr),
    /// The holder of the token with this id.
    Token(String),
}

impl Party {
    /// The client at this address.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
            address => address,
        })
    }
}

/// The reverse proxies whose word counts: they say for whom they ask.
#[derive(Clone, Debug)]
pub struct Proxies(Vec<IpNet>);

impl Default for Proxies {
    /// This machine.
    fn default() -> Self {
        Self(vec![
            IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ])
    }
}

impl Proxies {
    /// The proxies of a setting: networks such as `10.0.0.0/8`, and addresses as networks of one.
    /// This machine, if there are none.
    ///
    /// # Errors
    ///
    /// The form that was expected, if a text is neither.
    pub fn of(texts: &[String]) -> Result<Self, &'static str> {
        if texts.is_empty() {
            return Ok(Self::default());
        }
        let networks = texts.iter().map(|text| Self::parse(text));
        Ok(Self::new(networks.collect::<Result<Vec<_>, _>>()?))
    }

    /// These networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// A network such as `10.0.0.0/8`, or an address.
    ///
    /// # Errors
    ///
    /// The form that was expected, if the text is neither.
    pub fn parse(text: &str) -> Result<IpNet, &'static str> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address
            .or_else(|_| text.parse())
            .map_err(|_| "an address or a network, such as 10.0.0.7 or 10.0.0.0/8")
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client that a connection is from; `None` if it is a proxy's, which speaks for many.
    pub(crate) fn connection(&self, peer: IpAddr) -> Option<Party> {
        (!self.has(peer)).then(|| Party::at(peer))
    }

    /// The client that a request is from: the last address of `X-Forwarded-For` that is no proxy of
    /// ours, if a proxy of ours has sent it. `None` if it does not say.
    pub(crate) fn request(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Party> {
        if let Some(party) = self.connection(peer) {
            return Some(party);
        }
        let forwarded = headers.get_all("x-forwarded-for").iter();
        let addresses = forwarded
            .rev()
            .flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
        for address in addresses {
            // Beyond what cannot be read, nothing can be believed.
            let address: IpAddr = address.trim().parse().ok()?;
            if !self.has(address) {
                return Some(Party::at(address));
            }
        }
        None
    }
}

/// The client that a request is from, as far as connections and proxies say; `None` if a proxy does
/// not.
pub fn party(request: &Request) -> Option<Party> {
    let known = request.extensions().get::<KnownParty>()?;
    known.0.clone()
}

/// The party of a request, among its extensions.
#[derive(Clone, Debug)]
pub(crate) struct KnownParty(pub(crate) Option<Party>);

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn forwarded(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_a_proxy_of_ours_says_for_whom_it_asks() {
        let proxies = Proxies::new(["127.0.0.1", "10.0.0.0/8"].map(|n| Proxies::parse(n).unwrap()));
        for (peer, values, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], Some("203.0.113.9")),
            ("127.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("::ffff:127.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            // What stands before was written by the client.
            (
                "10.1.1.1",
                &["192.0.2.1, 198.51.100.1"],
                Some("198.51.100.1"),
            ),
            (
                "10.1.1.1",
                &["192.0.2.1", "198.51.100.1"],
                Some("198.51.100.1"),
            ),
            (
                "127.0.0.1",
                &["198.51.100.1, 10.2.2.2"],
                Some("198.51.100.1"),
            ),
            ("127.0.0.1", &["2001:db8::1:2:3:4"], Some("2001:db8::")),
            ("127.0.0.1", &["198.51.100.1, nonsense"], None),
            ("127.0.0.1", &["10.2.2.2"], None),
            ("127.0.0.1", &[], None),
        ] {
            let found = proxies.request(peer.parse().unwrap(), &forwarded(values));
            let expected = expected.map(|address| Party::Address(address.parse().unwrap()));
            assert_eq!(found, expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let at = |text: &str| Party::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:0:0:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }
}
