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
}

impl Node {
    /// Starts one with this chain.
    pub fn start(chain: Chain) -> Self {
        let chain = Arc::new(Mutex::new(chain));
        let asked = Arc::new(Mutex::new(0));
        let (shared, count) = (Arc::clone(&chain), Arc::clone(&asked));
        let url = serve(move |request| {
            *count.lock().unwrap() += 1;
            Some(answer(&shared.lock().unwrap(), request))
        });
        Self { url, chain, asked }
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

fn answer(chain: &Chain, request: &Request) -> Response {
    let not_found = || Response::new(404, "Block not found");
    if request.method == "POST" {
        return rpc(chain, request);
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
        ["rest", "headers", count, hash, kind] => {
            let count = height(count).filter(|count| (1..=2000).contains(count));
            let headers = at(hash).zip(count);
            let headers = headers.map(|(at, count)| {
                let headers = chain.headers[at..].iter().take(count);
                headers.flatten().copied().collect::<Vec<u8>>()
            });
            match (headers, kind) {
                (Some(bytes), "bin") => return Response::ok(bytes),
                (headers, _) => headers.map(|bytes| hex(&bytes)),
            }
        }
        _ => None,
    };
    found.map_or_else(not_found, Response::ok)
}

/// Batches of `getblockcount`, `getblockhash` and `getblockheader`.
fn rpc(chain: &Chain, request: &Request) -> Response {
    if request.authorization != "Basic dXNlcjpwYXNz" {
        return Response::new(401, "");
    }
    let call = |call: &Value| {
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
