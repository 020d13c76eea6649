//! Sources of headers, and the ways in which they refuse.

use log_client::headers::Source;
use log_client::{Error, Kind};
use test_vectors::bitcoin::Chain;
use test_vectors::http::{Response, serve};
use test_vectors::node::{Manner, Node};

use crate::client;

fn chain() -> Chain {
    Chain::default().extended(30, 1_700_000_000, "chain")
}

/// The addresses of a node as each kind of source.
fn addresses(url: &str) -> [String; 3] {
    let with_password = url.replace("http://", "http://user:pass@");
    [format!("{url}/rest"), with_password, url.to_owned()]
}

fn first(url: &str) -> Result<(u32, Vec<[u8; 80]>), Error> {
    let mut source = Source::new(&client(), url)?;
    Ok((source.tip()?, source.read(3, 7)?))
}

#[test]
fn both_forms_of_rest_addresses_are_known() {
    let chain = chain();
    let node = Node::start(chain.clone());
    for manner in [Manner::Both, Manner::Newer, Manner::Older] {
        node.speak(manner);
        for url in addresses(node.url()) {
            let (tip, headers) = first(&url).unwrap();
            assert_eq!(
                (tip, &headers[..]),
                (30, &chain.headers[3..8]),
                "{url} {manner:?}"
            );
        }
    }
}

#[test]
fn a_node_that_only_knows_the_older_form_is_asked_by_it_from_then_on() {
    let node = Node::start(chain());
    node.speak(Manner::Older);
    let mut source = Source::new(&client(), &format!("{}/rest", node.url())).unwrap();
    source.read(1, 1).unwrap();
    let asked = node.asked();
    source.read(2, 2).unwrap();
    assert_eq!(node.asked() - asked, 2, "a hash and its header");
}

#[test]
fn the_reason_of_a_node_is_handed_on() {
    let node = Node::start(chain());
    node.speak(Manner::WarmingUp);
    for url in &addresses(node.url())[..2] {
        let error = first(url).unwrap_err();
        assert!(error.to_string().contains("Loading block index"), "{error}");
    }
    node.speak(Manner::NoRest);
    let error = first(&addresses(node.url())[0]).unwrap_err();
    assert_eq!(error.kind(), Kind::Status(404));
    assert!(error.to_next().unwrap().contains("-rest"), "{error:?}");
    node.speak(Manner::Both);
    let wrong = node.url().replace("http://", "http://user:wrong@");
    let error = first(&wrong).unwrap_err();
    assert_eq!(error.kind(), Kind::Status(401));
    assert!(error.to_next().unwrap().contains("password"), "{error:?}");
    assert!(!format!("{error:?}").contains("wrong@"), "{error:?}");
    // A height that no block has yet.
    let mut source = Source::new(&client(), &addresses(node.url())[1]).unwrap();
    let error = source.read(99, 99).unwrap_err();
    assert!(
        error.to_string().contains("Block height out of range"),
        "{error}"
    );
    let mut source = Source::new(&client(), &addresses(node.url())[2]).unwrap();
    let error = source.read(99, 99).unwrap_err();
    assert!(error.to_string().contains("Block not found"), "{error}");
}

#[test]
fn a_page_is_no_source() {
    let url = serve(|_| Some(Response::ok("<html></html>")));
    for url in addresses(&url) {
        assert_eq!(first(&url).unwrap_err().kind(), Kind::Answer, "{url}");
    }
    // A long page of a server that has no such address is no flood.
    let url = serve(|_| Some(Response::new(404, "<html>".repeat(10_000))));
    for url in addresses(&url) {
        assert_eq!(first(&url).unwrap_err().kind(), Kind::Status(404), "{url}");
    }
    assert_eq!(
        Source::new(&client(), "nowhere").unwrap_err().kind(),
        Kind::Address
    );
}
