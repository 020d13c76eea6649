//! HTTP/1.1 byte by byte, for what a good client never sends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
pub(crate) struct Wire(BufReader<TcpStream>);

/// An answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    /// In lower case, a line each.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Said {
    /// Whether the connection ends with it, as it says itself.
    pub(crate) fn is_last(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

impl Wire {
    pub(crate) fn to(url: &str) -> Self {
        Self::of(TcpStream::connect(address(url)).unwrap())
    }

    /// From another address of this machine.
    pub(crate) fn between(from: &str, url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            let to: SocketAddr = address(url).parse().unwrap();
            socket.connect(to).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Self::of(stream)
    }

    fn of(stream: TcpStream) -> Self {
        let patience = Some(Duration::from_secs(30));
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(patience).unwrap();
        stream.set_write_timeout(patience).unwrap();
        Self(BufReader::new(stream))
    }

    /// `false` if the other side has closed.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// So many bytes as they come.
    pub(crate) fn exactly(&mut self, bytes: &mut [u8]) {
        self.0.read_exact(bytes).unwrap();
    }

    /// The head of the next answer, in lower case; empty if the connection ends before.
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(self.0.read_line(&mut head), Ok(1..)) {
                return String::new();
            }
        }
        head.to_ascii_lowercase()
    }

    /// The next answer; `None` if the connection ends, or is reset, before.
    pub(crate) fn answer(&mut self) -> Option<Said> {
        let head = self.head();
        let length = head.split("\r\ncontent-length: ").nth(1)?;
        let length = length.split("\r\n").next()?.parse().ok()?;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Said {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head,
            body: String::from_utf8(body).ok()?,
        })
    }

    /// Whether the connection ends here, in good order.
    pub(crate) fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }
}

fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}
