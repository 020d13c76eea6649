//! Power cuts, as far as a process can simulate them: SIGKILL under load, and death at every step
//! of the append protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use verifier_core::tlog::checkpoint::SignedCheckpoint;
use verifier_core::tlog::merkle::{Hash, leaf_hash, verify_consistency};
use verifier_core::tlog::prove;
use verifier_core::tlog::tile::{Level, Tile, entries};

use crate::harness::{Approval, Client, Log};

/// Every checkpoint and every acknowledged append that anybody has seen.
#[derive(Default)]
struct Witnessed {
    checkpoints: BTreeMap<u64, Hash>,
    acknowledged: BTreeMap<u32, (u64, Approval)>,
}

impl Witnessed {
    fn checkpoint(&mut self, text: &str) {
        let signed = SignedCheckpoint::parse(text).unwrap();
        let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
        assert_eq!(*self.checkpoints.entry(size).or_insert(root), root);
    }

    fn append(&mut self, client: &Client, number: u32) -> bool {
        let approval = Approval::new(number);
        let Ok(reply) = client.try_append(&approval) else {
            return false;
        };
        if matches!(reply.status, 200 | 201) {
            let index = reply.index();
            self.acknowledged.insert(number, (index, approval));
            let proof = reply.json()["logProof"].as_str().unwrap().to_owned();
            self.checkpoint(proof.split_once("\n\n").unwrap().1);
        }
        true
    }

    /// Nothing that was seen is gone, and no two checkpoints contradict each other.
    fn check(&mut self, client: &Client) {
        self.checkpoint(&client.checkpoint());
        let (&size, root) = self.checkpoints.last_key_value().unwrap();
        let mut leaves = Vec::new();
        for tile in Tile::all_in_tree(Level::Entries, size) {
            let reply = client.get(&format!("/{}", tile.path()));
            assert_eq!(reply.status, 200, "{}", tile.path());
            leaves.extend(entries(&reply.bytes).unwrap().into_iter().map(leaf_hash));
        }
        for (&old, old_root) in self.checkpoints.iter().filter(|(old, _)| **old > 0) {
            let proof = prove::consistency(old, size, &mut |height, number| {
                let first = usize::try_from(number << height).unwrap();
                let mut hashes = leaves[first..first + (1 << height)].to_vec();
                while let [_, _, ..] = hashes[..] {
                    hashes = hashes
                        .chunks(2)
                        .map(|pair| verifier_core::tlog::merkle::node_hash(&pair[0], &pair[1]))
                        .collect();
                }
                Ok::<_, std::convert::Infallible>(hashes[0])
            });
            let proof = proof.unwrap().unwrap();
            verify_consistency(old, old_root, size, root, &proof).unwrap();
        }
        for (index, approval) in self.acknowledged.values() {
            assert_eq!(client.verification(approval).index(), *index);
            let repeat = client.append(approval);
            assert_eq!((repeat.status, repeat.index()), (200, *index));
        }
    }
}

#[test]
fn survives_death_at_every_step() {
    let log = Log::new();
    let mut seen = Witnessed::default();
    let mut number = 0;
    for step in [
        "before-commit",
        "after-commit",
        "before-tiles",
        "after-tile",
        "before-checkpoint",
        "after-checkpoint",
        "before-commit:3",
        "after-commit:3",
        "after-tile:4",
    ] {
        let server = log.serve_until(step);
        loop {
            number += 1;
            if !seen.append(&server.client, number) {
                break;
            }
        }
        server.wait();
        let server = log.serve();
        seen.check(&server.client);
        server.kill();
        log.assert_clean();
    }
}

#[test]
fn survives_ten_kills_under_load() {
    let log = Log::new();
    let mut seen = Witnessed::default();
    let mut number = 0;
    for round in 0..10_u64 {
        let server = log.serve();
        seen.check(&server.client);
        let client = server.client.clone();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(60 + round * 37));
            server.kill();
        });
        loop {
            number += 1;
            if !seen.append(&client, number) {
                break;
            }
        }
        killer.join().unwrap();
        log.assert_clean();
    }
    let server = log.serve();
    seen.check(&server.client);
    assert!(seen.acknowledged.len() > 10);
}

#[test]
fn what_was_committed_and_not_published_is_published_and_not_appended_again() {
    let log = Log::new();
    let approval = Approval::new(1);
    let server = log.serve_until("after-commit");
    assert!(server.client.try_append(&approval).is_err());
    server.wait();
    let text = std::fs::read_to_string(log.path("public/checkpoint")).unwrap();
    assert_eq!(crate::harness::tree(&text).0, 0);
    let server = log.serve();
    assert_eq!(crate::harness::tree(&server.client.checkpoint()).0, 1);
    let repeat = server.client.append(&approval);
    assert_eq!((repeat.status, repeat.index()), (200, 0));
}
