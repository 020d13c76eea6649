//! An esplora: plain texts over HTTP, one header at a time.
//!
//! ```text
//! GET <url>/blocks/tip/height       → height
//! GET <url>/block-height/<height>   → hash
//! GET <url>/block/<hash>/header     → header in hex
//! ```

use verifier_core::bitcoin::network::Network;
use verifier_core::encoding::from_hex;

use super::{Bytes, Offer, Source, nonsense};
use crate::failure::CliError;
use crate::http::Client;

/// The longest answer, in bytes.
const LONGEST: usize = 1024;

/// How many headers are fetched before they are verified and kept.
const BATCH: u32 = 20;

pub(super) struct Esplora {
    client: Client,
    url: String,
    offer: Offer,
}

impl Esplora {
    pub(super) fn open(url: String, network: Network) -> Result<Self, CliError> {
        let mut this = Self {
            client: Client::new()?,
            url,
            offer: Offer {
                network,
                first: 0,
                last: 0,
            },
        };
        let last = this.text("/blocks/tip/height")?.parse();
        this.offer.last = last.map_err(|_| nonsense(&this.url, "the height of its last block"))?;
        Ok(this)
    }

    fn text(&self, path: &str) -> Result<String, CliError> {
        let url = format!("{}{path}", self.url);
        let answer = self.client.get(&url, LONGEST)?;
        let text = answer.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.map(|text| text.trim().to_owned());
        text.ok_or_else(|| nonsense(&url, "a text"))
    }

    fn header(&self, height: u32) -> Result<Bytes, CliError> {
        let hash = self.text(&format!("/block-height/{height}"))?;
        // What a server says becomes part of an address only if it can be nothing else.
        if hash.len() != 64 || from_hex(&hash).is_err() {
            return Err(nonsense(&self.url, "the hash of a block"));
        }
        let header = from_hex(&self.text(&format!("/block/{hash}/header"))?).ok();
        let header = header.and_then(|bytes| bytes.try_into().ok());
        header.ok_or_else(|| nonsense(&self.url, "a header of 80 bytes in hex"))
    }
}

impl Source for Esplora {
    fn offer(&self) -> Offer {
        self.offer
    }

    fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>, CliError> {
        let last = last.min(height.saturating_add(BATCH - 1));
        (height..=last).map(|height| self.header(height)).collect()
    }
}
