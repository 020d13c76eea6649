//! A kept HTTP connection: requests that are bytes already, and answers as they come.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A connection to a server at this address.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        let stream = stream.map_err(|error| format!("{address}: {error}"))?;
        Ok(Self {
            address: address.to_owned(),
            stream: BufReader::with_capacity(2048, stream),
        })
    }

    /// Sends a request and reads the answer to it.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer, String> {
        self.send(request)?;
        self.read()
    }

    pub(crate) fn send(&mut self, request: &[u8]) -> Result<(), String> {
        let sent = self.stream.get_mut().write_all(request);
        sent.map_err(|error| format!("{}: {error}", self.address))
    }

    /// Reads one answer, which says how long its body is.
    pub(crate) fn read(&mut self) -> Result<Answer, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.address);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).map_err(failed)? == 0 {
                return Err(format!("{} has closed a connection", self.address));
            }
        }
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        self.stream.read_exact(&mut body).map_err(failed)?;
        Ok(Answer {
            status: status.ok_or("an answer without a status")?,
            head,
            body,
        })
    }
}

impl Answer {
    /// The answer, if it has this status; else what it says.
    pub(crate) fn expect(self, status: u16) -> Result<Self, String> {
        match self.status == status {
            true => Ok(self),
            false => Err(format!(
                "expected {status}: {}{}",
                self.head,
                String::from_utf8_lossy(&self.body)
            )),
        }
    }

    pub(crate) fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("an answer: {error}"))
    }
}
