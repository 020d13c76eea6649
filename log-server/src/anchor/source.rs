//! The header of a block that a proof leads to, from an esplora or a node.
//!
//! The source is trusted for nothing but bytes: a header has to have the Merkle root that the
//! proof leads to, and to carry its own work. Whether it is in the chain is for verifiers to say.

use log_client::Client;
use log_client::headers::Source;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;

/// The header of the block at this height, which has to have this root, or why there is none.
pub(super) fn header(
    client: &Client,
    source: &str,
    network: Network,
    (height, root): (u32, [u8; 32]),
) -> Result<[u8; Header::BYTES], String> {
    let read = Source::new(client, source).and_then(|mut source| source.read(height, height));
    let headers = read.map_err(|error| error.to_string())?;
    let [bytes] = headers.as_slice() else {
        return Err(format!("it does not have block {height}"));
    };
    let header = Header::new(bytes);
    if header.merkle_root() != &root {
        return Err(format!(
            "block {height} has another Merkle root there than the proof leads to"
        ));
    }
    header
        .check_work(network)
        .map_err(|error| error.to_string())?;
    Ok(*bytes)
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
        let client = crate::client(super::super::worker::PATIENCE).unwrap();
        for (chain, network, height, fits) in [
            (&chain, Network::Regtest, 3, true),
            (&chain, Network::Regtest, 4, false),
            (&chain, Network::Regtest, 9, false),
            (&chain, Network::Mainnet, 3, false),
            (&idle, Network::Regtest, 3, false),
        ] {
            let node = Node::start(chain.clone());
            for source in [node.url().to_owned(), format!("{}/rest", node.url())] {
                let found = header(&client, &source, network, (height, root)).ok();
                assert_eq!(found, fits.then_some(good), "{source} {height}");
            }
        }
    }
}
