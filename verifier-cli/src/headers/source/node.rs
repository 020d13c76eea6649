//! A node of one's own: its REST interface, or its JSON-RPC.
//!
//! ```text
//! GET  <…/rest>/chaininfo.json                      → {"blocks":height,…}
//! GET  <…/rest>/blockhashbyheight/<height>.hex      → hash
//! GET  <…/rest>/headers/<count>/<hash>.bin          → headers, 80 bytes each
//!
//! POST [{"id":n,"method":"getblockcount","params":[]}]            → [{"id":n,"result":height}]
//!      [{"id":n,"method":"getblockhash","params":[height]},…]     → [{"id":n,"result":hash},…]
//!      [{"id":n,"method":"getblockheader","params":[hash,false]},…]
//!                                                                 → [{"id":n,"result":hex},…]
//! ```

use reqwest::StatusCode;
use verifier_core::bitcoin::network::Network;
use verifier_core::encoding::from_hex;
use verifier_core::json::{Limits, Value};

use super::{Bytes, Offer, Source, nonsense};
use crate::failure::CliError;
use crate::http::{self, Client};

/// The most headers that a node hands out at once, and the most that are asked for by RPC.
const REST_BATCH: u32 = 2000;
const RPC_BATCH: u32 = 500;

/// The longest answers, in bytes.
const LONGEST_HEADERS: usize = 2000 * 80;
const LONGEST_JSON: usize = 1024 * 1024;

pub(super) struct Rest {
    client: Client,
    url: String,
    offer: Offer,
}

impl Rest {
    pub(super) fn open(url: String, network: Network) -> Result<Self, CliError> {
        let client = Client::new()?;
        let about = format!("{url}/chaininfo.json");
        let answer = client.get(&about, LONGEST_JSON)?.unwrap_or_default();
        let value = Value::parse(&answer, Limits::bytes(LONGEST_JSON)).ok();
        let blocks = value.as_ref().and_then(Value::as_object);
        let blocks = blocks.and_then(|info| info.get("blocks")?.as_u64());
        let last = blocks.and_then(|blocks| blocks.try_into().ok());
        Ok(Self {
            offer: Offer {
                network,
                first: 0,
                last: last.ok_or_else(|| nonsense(&about, "the number of its blocks"))?,
            },
            client,
            url,
        })
    }

    fn hash(&self, height: u32) -> Result<String, CliError> {
        let url = format!("{}/blockhashbyheight/{height}.hex", self.url);
        let answer = self.client.get(&url, 1024)?.unwrap_or_default();
        let hash = String::from_utf8(answer).unwrap_or_default();
        hash_of(hash.trim()).ok_or_else(|| nonsense(&url, "the hash of a block"))
    }
}

impl Source for Rest {
    fn offer(&self) -> Offer {
        self.offer
    }

    fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>, CliError> {
        let count = last
            .saturating_sub(height)
            .saturating_add(1)
            .min(REST_BATCH);
        let hash = self.hash(height)?;
        let url = format!("{}/headers/{count}/{hash}.bin", self.url);
        let answer = self.client.get(&url, LONGEST_HEADERS)?.unwrap_or_default();
        let (headers, rest) = answer.as_chunks();
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        if headers.is_empty() || headers.len() > most || !rest.is_empty() {
            return Err(nonsense(&url, "headers of 80 bytes"));
        }
        Ok(headers.to_vec())
    }
}

pub(super) struct Rpc {
    client: Client,
    /// With name and password.
    url: String,
    offer: Offer,
}

impl Rpc {
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
        let none = Value::Array(Vec::new());
        let count = this.call("getblockcount", vec![none], |result| {
            result.as_u64()?.try_into().ok()
        })?;
        this.offer.last = count.first().copied().unwrap_or(0);
        Ok(this)
    }

    /// One method, called with each of these parameters; the results in the same order.
    fn call<T>(
        &self,
        method: &str,
        params: Vec<Value<'_>>,
        read: impl Fn(&Value<'_>) -> Option<T>,
    ) -> Result<Vec<T>, CliError> {
        let count = params.len();
        let calls = (0_u64..).zip(params).map(|(id, params)| {
            Value::from([
                ("id", id.into()),
                ("jsonrpc", "2.0".into()),
                ("method", method.into()),
                ("params", params),
            ])
        });
        let body: Value<'_> = calls.collect();
        let body = body.to_text().into_bytes();
        let kind = "application/json";
        let answer = self.client.post(&self.url, kind, body, LONGEST_JSON)?;
        if answer.status != StatusCode::OK {
            return Err(http::unexpected(&self.url, answer.status));
        }
        let nonsense = || nonsense(&self.url, &format!("the results of {method}"));
        let answer = Value::parse(&answer.body, Limits::bytes(LONGEST_JSON)).ok();
        let Some(Value::Array(answers)) = answer else {
            return Err(nonsense());
        };
        // In any order.
        let mut results: Vec<(u64, T)> = Vec::new();
        for answer in &answers {
            let answer = answer.as_object();
            let id = answer.and_then(|answer| answer.get("id")?.as_u64());
            let result = answer.and_then(|answer| read(answer.get("result")?));
            results.push(id.zip(result).ok_or_else(nonsense)?);
        }
        results.sort_by_key(|(id, _)| *id);
        let all = results.iter().map(|(id, _)| *id).eq((0..).take(count));
        match all {
            true => Ok(results.into_iter().map(|(_, result)| result).collect()),
            false => Err(nonsense()),
        }
    }
}

impl Source for Rpc {
    fn offer(&self) -> Offer {
        self.offer
    }

    fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>, CliError> {
        let last = last.min(height.saturating_add(RPC_BATCH - 1));
        let heights = (height..=last).map(|height| Value::Array(vec![u64::from(height).into()]));
        let hashes = self.call("getblockhash", heights.collect(), |result| {
            hash_of(result.as_str()?)
        })?;
        let hashes = hashes
            .into_iter()
            .map(|hash| Value::Array(vec![hash.into(), false.into()]));
        self.call("getblockheader", hashes.collect(), |result| {
            from_hex(result.as_str()?).ok()?.try_into().ok()
        })
    }
}

/// A hash of a block in hex, and nothing else.
fn hash_of(text: &str) -> Option<String> {
    let hash = text.len() == 64 && from_hex(text).is_ok();
    hash.then(|| text.to_owned())
}
