//! Where block headers come from: an esplora, or the REST interface of a node.
//!
//! ```text
//! esplora   GET <url>/block-height/<height>                 → hash
//!           GET <url>/block/<hash>/header                   → header in hex
//! node      GET <…/rest>/blockhashbyheight/<height>.hex     → hash
//!           GET <…/rest>/headers/1/<hash>.hex               → header in hex
//! ```
//!
//! The source is trusted for nothing but bytes: a header has to have the Merkle root that the
//! proof leads to, and to carry its own work. Whether it is in the chain is for verifiers to say.

use verifier_core::bitcoin::header::Header;
use verifier_core::bitcoin::network::Network;
use verifier_core::encoding::from_hex;

use super::calendar::{Fault, Http};

/// The header of the block at this height, which has to have this root.
pub(super) fn header(
    http: &Http,
    source: &str,
    network: Network,
    (height, root): (u32, [u8; 32]),
) -> Result<[u8; Header::BYTES], Fault> {
    let node = source.ends_with("/rest");
    let text = |url: String| {
        let answer = http.get(&url)?;
        let text = answer.and_then(|body| String::from_utf8(body).ok());
        text.map(|text| text.trim().to_owned())
            .ok_or_else(|| Fault(format!("it does not have block {height}")))
    };
    let hash = text(match node {
        true => format!("{source}/blockhashbyheight/{height}.hex"),
        false => format!("{source}/block-height/{height}"),
    })?;
    // What a server says becomes part of an address only if it can be nothing else.
    if hash.len() != 64 || from_hex(&hash).is_err() {
        return Err(Fault(format!("it names no hash of block {height}")));
    }
    let header = text(match node {
        true => format!("{source}/headers/1/{hash}.hex"),
        false => format!("{source}/block/{hash}/header"),
    })?;
    let bytes = from_hex(&header).ok();
    let bytes: [u8; Header::BYTES] = bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Fault(format!("its header of block {height} is none")))?;
    let header = Header::new(&bytes);
    if header.merkle_root() != &root {
        return Err(Fault(format!(
            "block {height} has another Merkle root there than the proof leads to"
        )));
    }
    header
        .check_work(network)
        .map_err(|error| Fault(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use test_vectors::bitcoin::Chain;
    use test_vectors::node::Node;

    use super::*;

    #[test]
    fn takes_no_header_but_one_of_the_root_and_with_its_work() {
        let chain = Chain::default().extended(5, 1_700_000_000, "x");
        let good = chain.headers[3];
        let root = *Header::new(&good).merkle_root();
        // The same root under a hash that does not meet the target.
        let mut before = chain.clone();
        before.headers.truncate(3);
        let mut idle = chain.clone();
        idle.headers[3] = before.next(root, 1_700_001_200).fail();
        let http = Http::new().unwrap();
        for (chain, network, height, fits) in [
            (&chain, Network::Regtest, 3, true),
            (&chain, Network::Regtest, 4, false),
            (&chain, Network::Regtest, 9, false),
            (&chain, Network::Mainnet, 3, false),
            (&idle, Network::Regtest, 3, false),
        ] {
            let node = Node::start(chain.clone());
            for source in [node.url().to_owned(), format!("{}/rest", node.url())] {
                let found = header(&http, &source, network, (height, root)).ok();
                assert_eq!(found, fits.then_some(good), "{source} {height}");
            }
        }
    }
}
