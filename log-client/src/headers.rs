//! Sources of Bitcoin's block headers: an esplora, or a node by its REST interface or JSON-RPC.
//! They are trusted for nothing but bytes.

mod esplora;
mod node;

use reqwest::Url;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::encoding::from_hex;
use verifier_core::quote;

use crate::blocking::Client;
use crate::error::{Error, Kind, Result};
use crate::http::{Answer, shown};

use esplora::Esplora;
use node::{Rest, Rpc};

/// A header.
pub type Bytes = [u8; Header::BYTES];

/// A source behind an address.
#[derive(Debug)]
pub struct Source(Inner);

#[derive(Debug)]
enum Inner {
    Esplora(Esplora),
    Rest(Rest),
    Rpc(Rpc),
}

impl Source {
    /// The source at an address: a node's JSON-RPC if there is a name and password in it, a node's
    /// REST interface if it ends in `/rest`, else an esplora. Asks nothing yet.
    ///
    /// # Errors
    ///
    /// The text is no address of the web.
    pub fn new(client: &Client, url: &str) -> Result<Self> {
        Self::with_password(client, url, None)
    }

    /// [`Source::new`] with a name and password that do not stand in the address.
    ///
    /// # Errors
    ///
    /// As those of [`Source::new`].
    pub fn with_password(client: &Client, url: &str, secret: Option<(&str, &str)>) -> Result<Self> {
        let not_an_address = || {
            let why = "is not the address of a source of headers";
            Error::new(Kind::Address, quote(&shown(url)), why).expected("https://…")
        };
        let mut parsed = Url::parse(url).map_err(|_| not_an_address())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(not_an_address());
        }
        if let Some((name, password)) = secret {
            let set = parsed.set_username(name);
            set.and_then(|()| parsed.set_password(Some(password)))
                .map_err(|()| not_an_address())?;
        }
        let client = client.clone();
        let url = parsed.as_str().trim_end_matches('/').to_owned();
        Ok(Self(if !parsed.username().is_empty() {
            Inner::Rpc(Rpc { client, url })
        } else if url.ends_with("/rest") {
            Inner::Rest(Rest::new(client, url))
        } else {
            Inner::Esplora(Esplora { client, url })
        }))
    }

    /// The height of the last block.
    ///
    /// # Errors
    ///
    /// The source cannot be reached, or is none.
    pub fn tip(&self) -> Result<u32> {
        match &self.0 {
            Inner::Esplora(source) => source.tip(),
            Inner::Rest(source) => source.tip(),
            Inner::Rpc(source) => source.tip(),
        }
    }

    /// Headers from this height on, as many as are read at once: at least one, none above `last`.
    /// Whether they belong together, and to these heights, is the caller's to find out.
    ///
    /// # Errors
    ///
    /// The source cannot be reached, or does not have them.
    pub fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>> {
        match &mut self.0 {
            Inner::Esplora(source) => source.read(height, last),
            Inner::Rest(source) => source.read(height, last),
            Inner::Rpc(source) => source.read(height, last),
        }
    }
}

/// An answer that is not what was asked for.
fn nonsense(url: &str, expected: &str) -> Error {
    let why = "did not answer as a source of headers does";
    Error::new(Kind::Answer, shown(url), why).expected(expected)
}

/// An answer of status 200; everything else is an error with the source's own reason.
fn ok(url: &str, answer: Answer) -> Result<Vec<u8>> {
    match answer.status {
        200 => Ok(answer.body),
        _ => Err(answer.refused(url)),
    }
}

/// The hash of a block in hex, and nothing else: what a server says becomes part of an address
/// only if it can be nothing else.
fn hash_of(text: &str) -> Option<String> {
    let hash = text.len() == 64 && from_hex(text).is_ok();
    hash.then(|| text.to_owned())
}
