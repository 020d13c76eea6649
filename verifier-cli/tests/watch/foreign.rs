//! A log that was written by programs that are not ours.

use std::cell::RefCell;

use signed_note::{Note, StandardSigner};
use test_vectors::Draft;
use test_vectors::encoding::{b64, hex, pseudo_random};
use test_vectors::server::Answer;
use tlog_tiles::{Checkpoint, Error, Hash, HashReader, Tile, stored_hashes, tree_hash};

use crate::world::{SIZE, World, entries};

/// The hashes of a tree, in the order in which their library stores them.
#[derive(Default)]
struct Stored(RefCell<Vec<Hash>>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let stored = self.0.borrow();
        let at = |index: &u64| stored[usize::try_from(*index).unwrap()];
        Ok(indexes.iter().map(at).collect())
    }
}

/// Every file of a log of these leaves, and its signed head.
fn publish(world: &World, leaves: &[Vec<u8>]) {
    let stored = Stored::default();
    let mut files: Vec<(String, Answer)> = Vec::new();
    for (number, leaf) in (0..).zip(leaves) {
        let new = stored_hashes(number, leaf, &stored).unwrap();
        stored.0.borrow_mut().extend(new);
    }
    let size = u64::try_from(leaves.len()).unwrap();
    for tile in Tile::new_tiles(8, 0, size) {
        // Theirs name the height too, which is 8 in tlog-tiles.
        let path = tile.path().replace("tile/8/", "tile/");
        files.push((path, tile.read_data(&stored).unwrap().into()));
    }
    // Their library leaves bundles to its users.
    let ours = test_vectors::site::tiles(leaves);
    let bundles = ours
        .into_iter()
        .filter(|(path, _)| path.starts_with("tile/entries/"));
    files.extend(bundles.map(|(path, bytes)| (path, bytes.into())));

    let key = world.log(&[]).key;
    let root = tree_hash(size, &stored).unwrap();
    let text = Checkpoint::new(&key.name, size, root, "")
        .unwrap()
        .to_bytes();
    let mut note = Note::new(&text, &[]).unwrap();
    let seed = [&[1][..], &pseudo_random("log")].concat();
    let secret = format!("PRIVATE+KEY+{}+{}+{}", key.name, hex(&key.id()), b64(&seed));
    note.add_sigs(&[&StandardSigner::new(&secret).unwrap()])
        .unwrap();
    files.push(("checkpoint".into(), note.to_bytes().into()));
    world.server.replace(files);
}

#[test]
fn a_log_of_the_tlog_tiles_crate_is_clean() {
    let world = World::with_policy(|policy| {
        let text = policy.log.take().unwrap();
        policy.log = Some(text.replace("quorum all-witnesses", "quorum none"));
    });
    let leaves = entries(SIZE + 60);
    for (size, more) in [
        (1, "--init"),
        (255, ""),
        (256, ""),
        (257, ""),
        (SIZE + 60, ""),
    ] {
        publish(&world, &leaves[..size]);
        let round = world.round(more);
        assert_eq!(round.code, 0, "{size}: {round:?}");
        assert_eq!(round.events("checked")[0]["size"], size);
    }
    let id = Draft::numbered(test_vectors::Algorithm::Es256, 300).approval_id;
    assert_eq!(id.len(), 36);
    let url = world.server.url();
    let fetched = world.run(&format!(
        "fetch 299 --log {url} --policy policy.toml -o fetched.json"
    ));
    // Included, signed by its log, and sealed.
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(
        fetched.out.contains("[evidence.client_data_missing]"),
        "{fetched:?}"
    );
}
