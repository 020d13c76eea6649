//! The tiles of a log.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use log_client::{Kind, RemoteLog};
use test_vectors::server::{Answer, Server};
use test_vectors::site;
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{Level, Tile};

use crate::client;

const SIZE: u64 = 70_000;

fn leaves() -> Vec<Vec<u8>> {
    (0..SIZE).map(|i| i.to_be_bytes().to_vec()).collect()
}

fn root(leaves: &[Vec<u8>]) -> Hash {
    let mut tree = CompactRange::default();
    for leaf in leaves {
        tree.append(leaf_hash(leaf)).unwrap();
    }
    tree.root()
}

#[test]
fn what_a_log_shows_is_what_it_has_signed_or_not() {
    let leaves = leaves();
    let server = Server::start();
    let log = RemoteLog::new(&client(), &format!("{}/", server.url())).unwrap();
    let files = site::tiles(&leaves);
    server.replace(files.clone());
    let root = root(&leaves);
    log.shows(SIZE, &root).unwrap();
    assert_eq!(log.entry(69_999, SIZE).unwrap(), leaves[69_999]);
    assert!(server.received().len() < 10, "a few tiles of many");
    assert_eq!(
        log.shows(SIZE, &[7; 32]).unwrap_err().kind(),
        Kind::Mismatch
    );
    // Larger than anybody has tiles for.
    assert_eq!(log.shows(1 << 40, &root).unwrap_err().kind(), Kind::Missing);
    assert_eq!(log.entry(SIZE, SIZE).unwrap_err().kind(), Kind::Missing);
    server.remove("tile/2/000.p/1");
    assert_eq!(log.shows(SIZE, &root).unwrap_err().kind(), Kind::Missing);
}

#[test]
fn of_a_partial_tile_that_is_gone_the_full_one_has_the_beginning() {
    let leaves = leaves()[..300].to_vec();
    let server = Server::start();
    let log = RemoteLog::new(&client(), &server.url()).unwrap();
    let partial = Tile::new(Level::Hashes(0), 0, 44).unwrap();
    let full: Vec<u8> = leaves[..256]
        .iter()
        .flat_map(|leaf| leaf_hash(leaf))
        .collect();
    server.set("tile/0/000", full.clone());
    assert_eq!(log.tile(&partial).unwrap().unwrap(), full[..44 * 32]);
    server.set("tile/0/000", full[..43 * 32].to_vec());
    assert_eq!(log.tile(&partial).unwrap_err().kind(), Kind::Mismatch);
    server.remove("tile/0/000");
    assert!(log.tile(&partial).unwrap().is_none());
    assert_eq!(log.hashes(&partial).unwrap_err().kind(), Kind::Missing);
}

#[test]
fn tiles_may_be_stored_compressed() {
    let leaves = leaves()[..300].to_vec();
    let server = Server::start();
    let files = site::tiles(&leaves).into_iter().map(|(path, bytes)| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes).unwrap();
        let headers = "content-encoding: gzip\r\n";
        (path, Answer::Said(200, headers, encoder.finish().unwrap()))
    });
    server.replace(files);
    let log = RemoteLog::new(&client(), &server.url()).unwrap();
    log.shows(300, &root(&leaves)).unwrap();
    assert_eq!(log.entry(299, 300).unwrap(), leaves[299]);
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let server = Server::start();
    let log = RemoteLog::new(&client(), &server.url()).unwrap();
    for (answer, times) in [
        (Answer::Status(503), 3),
        (Answer::Status(429), 3),
        (Answer::Nothing, 3),
        (Answer::Status(403), 1),
        (Answer::Said(301, "location: /x\r\n", Vec::new()), 1),
    ] {
        server.set("checkpoint", answer.clone());
        log.checkpoint().unwrap_err();
        let asked = server.received().len();
        // A connection that is closed at once may be tried again by the client itself.
        assert!(asked >= times && asked <= 2 * times, "{answer:?}: {asked}");
    }
}
