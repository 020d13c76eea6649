//! The same log, read by programs that are not ours.

use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, Tile, TileHashReader, TileReader, check_record, prove_record, record_hash,
    tree_hash,
};
use verifier_core::hazmat::tlog::tile::entries;

use crate::harness::{Approval, Client, Log};

struct Tiles<'c>(&'c Client);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        // Theirs name the height too, which is 8 in tlog-tiles.
        let get = |tile: &Tile| self.0.get(&tile.path().replace("tile/8/", "/tile/")).bytes;
        Ok(tiles.iter().map(get).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn other_readers_find_every_entry() {
    let log = Log::new();
    let server = log.serve();
    for number in 1..=260 {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    let text = server.client.checkpoint();
    let note = Note::from_bytes(text.as_bytes()).unwrap();
    let key = StandardVerifier::new(&log.vkey).unwrap();
    let known = VerifierList::new(vec![Box::new(key)]);
    assert_eq!(note.verify(&known).unwrap().0.len(), 1);
    let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    assert_eq!(size, 260);

    let tiles = Tiles(&server.client);
    let reader = TileHashReader::new(size, root, &tiles);
    assert_eq!(tree_hash(size, &reader).unwrap(), root);
    let mut leaves = Vec::new();
    for path in ["/tile/entries/000", "/tile/entries/001.p/4"] {
        let bundle = server.client.get(path).bytes;
        leaves.extend(
            entries(&bundle)
                .unwrap()
                .iter()
                .map(|leaf| record_hash(leaf)),
        );
    }
    for (index, leaf) in (0..).zip(leaves).step_by(37) {
        let proof = prove_record(size, index, &reader).unwrap();
        check_record(&proof, size, root, index, leaf).unwrap();
    }
    // They read our key file as well.
    let secret = std::fs::read_to_string(log.path("log.key")).unwrap();
    assert!(StandardSigner::new(secret.trim_end()).is_ok());
}
