//! Where a server listens, as people write it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tokio::net::TcpListener;

/// Where a server listens: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` and
/// `*:8080` for every address of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listen(Place);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Address(SocketAddr),
    Everywhere(u16),
    Name(String, u16),
}

/// A text that does not say where to listen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{why}; write an address and a port, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080, or \
     :8080 for every address of this machine"
)]
pub struct ListenError {
    why: &'static str,
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self(Place::Address(address))
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        if let Ok(address) = text.parse() {
            return Ok(Self(Place::Address(address)));
        }
        let no = |why| Err(ListenError { why });
        if text.contains("://") {
            return no("an address to listen on has no scheme");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return no(match text.parse::<u16>() {
                Ok(_) => "this is a port alone",
                Err(_) => "the port is missing",
            });
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let Some(port) = port.parse().ok().filter(|_| digits) else {
            return no("the port is not a number up to 65535");
        };
        if matches!(host, "" | "*") {
            return Ok(Self(Place::Everywhere(port)));
        }
        if host.contains(':') {
            return no("an address of IPv6 stands in brackets");
        }
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !host.bytes().all(name) {
            return no("this is no name of a machine");
        }
        Ok(Self(Place::Name(host.into(), port)))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Address(address) => address.fmt(f),
            Place::Everywhere(port) => write!(f, ":{port}"),
            Place::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Listen {
    /// Listens there: of several addresses that a name has, on the first that can be listened on.
    ///
    /// # Errors
    ///
    /// If the name is unknown, or the system allows none of its addresses. The error says where it
    /// was to listen.
    pub async fn bind(&self) -> io::Result<TcpListener> {
        let bound = match &self.0 {
            Place::Address(address) => TcpListener::bind(address).await,
            Place::Everywhere(port) => TcpListener::bind(&everywhere(*port)[..]).await,
            Place::Name(name, port) => TcpListener::bind((name.as_str(), *port)).await,
        };
        bound.map_err(|error| self.context(&error))
    }

    /// The same for a program that has threads of its own and waits.
    ///
    /// # Errors
    ///
    /// Those of [`Listen::bind`].
    pub fn bind_blocking(&self) -> io::Result<std::net::TcpListener> {
        let bound = match &self.0 {
            Place::Address(address) => std::net::TcpListener::bind(address),
            Place::Everywhere(port) => std::net::TcpListener::bind(&everywhere(*port)[..]),
            Place::Name(name, port) => std::net::TcpListener::bind((name.as_str(), *port)),
        };
        bound.map_err(|error| self.context(&error))
    }

    fn context(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot listen on {self}: {error}"))
    }
}

/// Every address of this machine; where there is no IPv6, the second one.
fn everywhere(port: u16) -> [SocketAddr; 2] {
    [
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        for right in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost:8080",
            "log-1.internal:80",
            ":8080",
        ] {
            assert_eq!(right.parse::<Listen>().unwrap().to_string(), right);
        }
        assert_eq!("*:80".parse::<Listen>(), ":80".parse());
        for (wrong, why) in [
            ("8080", "a port alone"),
            ("localhost", "the port is missing"),
            ("", "the port is missing"),
            ("localhost:", "not a number"),
            ("localhost:+80", "not a number"),
            ("localhost:65536", "not a number"),
            ("http://localhost:80", "no scheme"),
            ("::1:8080", "in brackets"),
            ("a b:80", "no name"),
            ("[::1]x:80", "in brackets"),
        ] {
            let error = wrong.parse::<Listen>().unwrap_err().to_string();
            assert!(error.contains(why), "{wrong}: {error}");
            assert!(error.contains("such as 127.0.0.1:8080"), "{error}");
        }
    }

    #[test]
    fn names_are_looked_up_and_a_port_alone_is_everywhere() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for (text, local) in [("localhost:0", true), (":0", false)] {
            let listen: Listen = text.parse().unwrap();
            let bound = runtime.block_on(listen.bind()).unwrap();
            let address = bound.local_addr().unwrap();
            assert_eq!(address.ip().is_loopback(), local, "{text}");
            assert_eq!(address.ip().is_unspecified(), !local, "{text}");
            let bound = listen.bind_blocking().unwrap();
            let address = bound.local_addr().unwrap();
            assert_eq!(address.ip().is_loopback(), local, "{text}");
        }
        let listen: Listen = "no-such-name.invalid:0".parse().unwrap();
        let error = runtime.block_on(listen.bind()).unwrap_err().to_string();
        assert!(error.contains("no-such-name.invalid:0"), "{error}");
    }
}
