//! A node of one's own: its REST interface, or its JSON-RPC.
//!
//! ```text
//! GET  <…/rest>/chaininfo.json                      → {"blocks":height,…}
//! GET  <…/rest>/blockhashbyheight/<height>.hex      → hash
//! GET  <…/rest>/headers/<hash>.bin?count=<count>    → headers, 80 bytes each
//! GET  <…/rest>/headers/<count>/<hash>.bin          → the same, of nodes before Bitcoin Core 24
//!
//! POST [{"id":n,"method":"getblockcount","params":[]}]            → [{"id":n,"result":height}]
//!      [{"id":n,"method":"getblockhash","params":[height]},…]     → [{"id":n,"result":hash},…]
//!      [{"id":n,"method":"getblockheader","params":[hash,false]},…]
//!                                                                 → [{"id":n,"result":hex},…]
//! ```

use verifier_core::hazmat::encoding::from_hex;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::quote;

use super::{Bytes, hash_of, nonsense, ok};
use crate::blocking::Client;
use crate::error::{Error, Kind, Result};
use crate::http::shown;

/// The most headers that a node hands out at once, and the most that are asked for by RPC.
const REST_BATCH: u32 = 2000;
const RPC_BATCH: u32 = 500;

/// The longest answers, in bytes.
const LONGEST_HEADERS: usize = 2000 * 80;
const LONGEST_JSON: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Rest {
    client: Client,
    url: String,
    /// Whether this node has shown that it knows only the older form of address.
    older: bool,
}

impl Rest {
    pub(super) fn new(client: Client, url: String) -> Self {
        Self {
            client,
            url,
            older: false,
        }
    }

    pub(super) fn tip(&self) -> Result<u32> {
        let url = format!("{}/chaininfo.json", self.url);
        let answer = self.client.answer(&url, LONGEST_JSON)?;
        if matches!(answer.status, 403 | 404) {
            let next = "Start the node with -rest, or use its JSON-RPC: an address with name and \
                        password.";
            return Err(answer.refused(&url).next(next));
        }
        let answer = ok(&url, answer)?;
        let value = Value::parse(&answer, Limits::bytes(LONGEST_JSON)).ok();
        let blocks = value.as_ref().and_then(Value::as_object);
        let blocks = blocks.and_then(|info| info.get("blocks")?.as_u64());
        blocks
            .and_then(|blocks| blocks.try_into().ok())
            .ok_or_else(|| nonsense(&url, "the number of its blocks"))
    }

    pub(super) fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>> {
        let count = last
            .saturating_sub(height)
            .saturating_add(1)
            .min(REST_BATCH);
        let hash = self.hash(height)?;
        let newer = format!("{}/headers/{hash}.bin?count={count}", self.url);
        let older = format!("{}/headers/{count}/{hash}.bin", self.url);
        let mut url = if self.older { &older } else { &newer };
        let mut answer = self.client.answer(url, LONGEST_HEADERS)?;
        // A node that does not know the newer form takes it for a count that is missing.
        if !self.older && matches!(answer.status, 400 | 404) {
            let second = self.client.answer(&older, LONGEST_HEADERS)?;
            if second.status == 200 {
                self.older = true;
                (url, answer) = (&older, second);
            }
        }
        let body = ok(url, answer)?;
        let (headers, rest) = body.as_chunks();
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        if headers.is_empty() || headers.len() > most || !rest.is_empty() {
            return Err(nonsense(url, "headers of 80 bytes"));
        }
        Ok(headers.to_vec())
    }

    fn hash(&self, height: u32) -> Result<String> {
        let url = format!("{}/blockhashbyheight/{height}.hex", self.url);
        let answer = ok(&url, self.client.answer(&url, 1024)?)?;
        let hash = String::from_utf8(answer).unwrap_or_default();
        hash_of(hash.trim()).ok_or_else(|| nonsense(&url, "the hash of a block"))
    }
}

#[derive(Debug)]
pub(super) struct Rpc {
    pub(super) client: Client,
    /// With name and password.
    pub(super) url: String,
}

impl Rpc {
    pub(super) fn tip(&self) -> Result<u32> {
        let none = Value::Array(Vec::new());
        let count = self.call("getblockcount", vec![none], |result| {
            result.as_u64()?.try_into().ok()
        })?;
        Ok(count.first().copied().unwrap_or(0))
    }

    pub(super) fn read(&self, height: u32, last: u32) -> Result<Vec<Bytes>> {
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

    /// One method, called with each of these parameters; the results in the same order.
    fn call<T>(
        &self,
        method: &str,
        params: Vec<Value<'_>>,
        read: impl Fn(&Value<'_>) -> Option<T>,
    ) -> Result<Vec<T>> {
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
        if answer.status == 401 {
            let next = "Check the name and the password; --cookie FILE takes those of the node.";
            return Err(answer.refused(&self.url).next(next));
        }
        let answer = ok(&self.url, answer)?;
        let nonsense = || nonsense(&self.url, &format!("the results of {method}"));
        let answer = Value::parse(&answer, Limits::bytes(LONGEST_JSON)).ok();
        // A node that does not take batches answers with one object.
        let answers = match answer {
            Some(Value::Array(answers)) => answers,
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(nonsense()),
        };
        // In any order.
        let mut results: Vec<(u64, T)> = Vec::new();
        for answer in &answers {
            if let Some(error) = self.refusal(method, answer) {
                return Err(error);
            }
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

    /// The node's own reason, if it has one: a warm-up, a method that is not allowed.
    fn refusal(&self, method: &str, answer: &Value<'_>) -> Option<Error> {
        let error = answer.as_object()?.get("error")?.as_object()?;
        let said = error.get("message")?.as_str()?;
        let why = format!("refuses {method}: {}", quote(said));
        Some(Error::new(Kind::Answer, shown(&self.url), why))
    }
}
