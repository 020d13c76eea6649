//! A source of block headers.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::bitcoin::{Chain, display_hash};
use crate::encoding::hex;
use crate::http::{Request, Response, serve};

/// A server of headers on loopback, as an esplora, as the REST interface of a node (below
/// `/rest`), and as its JSON-RPC (for `user` with the password `pass`).
#[derive(Clone, Debug)]
pub struct Node {
    url: String,
    chain: Arc<Mutex<Chain>>,
    asked: Arc<Mutex<u32>>,
    manner: Arc<Mutex<Manner>>,
}

/// How a node speaks.
#[derive(Clone, Copy, Debug, Default)]
pub enum Manner {
    /// Both forms of addresses for headers.
    #[default]
    Both,
    /// `headers/<hash>.bin?count=<count>` alone.
    Newer,
    /// `headers/<count>/<hash>.bin` alone, as before Bitcoin Core 24.
    Older,
    /// It loads its blocks and says so.
    WarmingUp,
    /// Without the REST interface.
    NoRest,
}

impl Node {
    /// Starts one with this chain.
    pub fn start(chain: Chain) -> Self {
        let chain = Arc::new(Mutex::new(chain));
        let asked = Arc::new(Mutex::new(0));
        let manner = Arc::<Mutex<Manner>>::default();
        let (shared, count) = (Arc::clone(&chain), Arc::clone(&asked));
        let mood = Arc::clone(&manner);
        let url = serve(move |request| {
            *count.lock().unwrap() += 1;
            let manner = *mood.lock().unwrap();
            Some(answer(&shared.lock().unwrap(), manner, request))
        });
        Self {
            url,
            chain,
            asked,
            manner,
        }
    }

    /// Changes how it speaks.
    pub fn speak(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives it another chain.
    pub fn set(&self, chain: Chain) {
        *self.chain.lock().unwrap() = chain;
    }

    /// How often it was asked.
    pub fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

fn answer(chain: &Chain, manner: Manner, request: &Request) -> Response {
    let not_found = || Response::new(404, "Block not found");
    if request.method == "POST" {
        return rpc(chain, manner, request);
    }
    match manner {
        Manner::WarmingUp => {
            let text = "Service temporarily unavailable: Loading block index…\r\n";
            return Response::new(503, text);
        }
        Manner::NoRest if request.path.starts_with("/rest") => return Response::new(404, ""),
        _ => {}
    }
    let at = |hash: &str| {
        let mut headers = chain.headers.iter();
        headers.position(|header| display_hash(header) == hash)
    };
    let words: Vec<&str> = request.path.split(['/', '?', '=', '.']).skip(1).collect();
    let height = |text: &str| text.parse::<usize>().ok();
    let found = match words[..] {
        ["blocks", "tip", "height"] => Some(chain.tip().to_string()),
        ["block-height", number] | ["rest", "blockhashbyheight", number, "hex"] => {
            let header = height(number).and_then(|height| chain.headers.get(height));
            header.map(display_hash)
        }
        ["block", hash, "header"] => at(hash).map(|at| hex(&chain.headers[at])),
        ["rest", "chaininfo", "json"] => {
            Some(format!(r#"{{"chain":"regtest","blocks":{}}}"#, chain.tip()))
        }
        ["rest", "headers", hash, kind, "count", count] if !matches!(manner, Manner::Older) => {
            let count = height(count).filter(|count| (1..=2000).contains(count));
            return headers(chain, at(hash), count, kind).unwrap_or_else(not_found);
        }
        ["rest", "headers", _, _, "count", _] => {
            let usage = "No header count specified. Use /rest/headers/<count>/<hash>.<ext>.";
            return Response::new(400, usage);
        }
        ["rest", "headers", count, hash, kind] if !matches!(manner, Manner::Newer) => {
            let count = height(count).filter(|count| (1..=2000).contains(count));
            return headers(chain, at(hash), count, kind).unwrap_or_else(not_found);
        }
        _ => None,
    };
    found.map_or_else(not_found, Response::ok)
}

/// Headers from a place in the chain on, as bytes or in hex.
fn headers(chain: &Chain, at: Option<usize>, count: Option<usize>, kind: &str) -> Option<Response> {
    let headers = chain.headers.get(at?..)?.iter().take(count?);
    let bytes: Vec<u8> = headers.flatten().copied().collect();
    Some(match kind {
        "bin" => Response::ok(bytes),
        _ => Response::ok(hex(&bytes)),
    })
}

/// Batches of `getblockcount`, `getblockhash` and `getblockheader`.
fn rpc(chain: &Chain, manner: Manner, request: &Request) -> Response {
    if request.authorization != "Basic dXNlcjpwYXNz" {
        return Response::new(401, "");
    }
    let call = |call: &Value| {
        if matches!(manner, Manner::WarmingUp) {
            let error = json!({"code": -28, "message": "Loading block index…"});
            return json!({"result": null, "error": error, "id": call["id"]});
        }
        let params = &call["params"];
        let result = match call["method"].as_str().unwrap() {
            "getblockcount" => Some(json!(chain.tip())),
            "getblockhash" => {
                let height = usize::try_from(params[0].as_u64().unwrap()).unwrap();
                let header = chain.headers.get(height);
                header.map(|header| json!(display_hash(header)))
            }
            "getblockheader" => {
                assert_eq!(params[1], json!(false));
                let mut headers = chain.headers.iter();
                let header = headers.find(|header| json!(display_hash(header)) == params[0]);
                header.map(|header| json!(hex(header)))
            }
            _ => None,
        };
        match result {
            Some(result) => json!({"result": result, "error": null, "id": call["id"]}),
            None => {
                let error = json!({"code": -8, "message": "Block height out of range"});
                json!({"result": null, "error": error, "id": call["id"]})
            }
        }
    };
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let mut results: Vec<Value> = body.as_array().unwrap().iter().map(call).collect();
    // The order of results is not promised.
    results.reverse();
    Response::ok(json!(results).to_string())
}
