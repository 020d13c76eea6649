//! An esplora: plain texts over HTTP, one header at a time.
//!
//! ```text
//! GET <url>/blocks/tip/height       → height
//! GET <url>/block-height/<height>   → hash
//! GET <url>/block/<hash>/header     → header in hex
//! ```

use verifier_core::hazmat::encoding::from_hex;

use super::{Bytes, hash_of, nonsense, ok};
use crate::blocking::Client;
use crate::error::Result;

/// The longest answer, in bytes.
const LONGEST: usize = 1024;

/// How many headers are fetched before they are handed on.
const BATCH: u32 = 20;

#[derive(Debug)]
pub(super) struct Esplora {
    pub(super) client: Client,
    pub(super) url: String,
}

impl Esplora {
    pub(super) fn tip(&self) -> Result<u32> {
        let height = self.text("/blocks/tip/height")?.parse();
        height.map_err(|_| nonsense(&self.url, "the height of its last block"))
    }

    pub(super) fn read(&self, height: u32, last: u32) -> Result<Vec<Bytes>> {
        let last = last.min(height.saturating_add(BATCH - 1));
        (height..=last).map(|height| self.header(height)).collect()
    }

    fn text(&self, path: &str) -> Result<String> {
        let url = format!("{}{path}", self.url);
        let body = ok(&url, self.client.answer(&url, LONGEST)?)?;
        let text = String::from_utf8(body).map_err(|_| nonsense(&url, "a text"))?;
        Ok(text.trim().to_owned())
    }

    fn header(&self, height: u32) -> Result<Bytes> {
        let hash = self.text(&format!("/block-height/{height}"))?;
        let hash = hash_of(&hash).ok_or_else(|| nonsense(&self.url, "the hash of a block"))?;
        let header = from_hex(&self.text(&format!("/block/{hash}/header"))?).ok();
        let header = header.and_then(|bytes| bytes.try_into().ok());
        header.ok_or_else(|| nonsense(&self.url, "a header of 80 bytes in hex"))
    }
}
