//! Power cuts, as far as a process can simulate them: SIGKILL under load, and death at every step
//! of the append protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{Level, Tile, entries};

use crate::harness::{Approval, Client, Dice, Log, Reply};

/// Every step between the parts of the append protocol.
const STEPS: [&str; 8] = [
    "before-commit",
    "after-commit",
    // While the batch before is not published.
    "after-second-commit",
    "after-hand-over",
    "before-tiles",
    "after-tile",
    "before-checkpoint",
    "after-checkpoint",
];

/// Every checkpoint and every acknowledged append that anybody has seen.
#[derive(Default)]
pub(crate) struct Witnessed {
    checkpoints: BTreeMap<u64, Hash>,
    /// Index and approval id.
    acknowledged: Vec<(u64, String)>,
    /// The last ones, to be repeated.
    recent: Vec<(u64, Approval)>,
    /// Appended so far, acknowledged or not.
    number: u32,
}

impl Witnessed {
    fn checkpoint(&mut self, text: &str) {
        let signed = SignedCheckpoint::parse(text).unwrap();
        let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
        assert_eq!(*self.checkpoints.entry(size).or_insert(root), root);
    }

    fn reply(&mut self, approval: Approval, reply: &Reply) {
        if matches!(reply.status, 200 | 201) {
            let index = reply.index();
            let id = approval.draft.approval_id.clone();
            self.acknowledged.push((index, id));
            self.recent.push((index, approval));
            let proof = reply.json()["logProof"].as_str().unwrap().to_owned();
            self.checkpoint(proof.split_once("\n\n").unwrap().1);
        }
    }

    /// How many appends were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Appends from four clients until the server is gone.
    pub(crate) fn load(&mut self, client: &Client) {
        const CLIENTS: u32 = 4;
        const EACH: u32 = 1_000_000;
        let first = self.number;
        let replies = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|one| {
                    let client = client.clone();
                    scope.spawn(move || {
                        let mut replies = Vec::new();
                        for number in (first + one..first + EACH).step_by(4) {
                            let approval = Approval::new(number);
                            match client.try_append(&approval) {
                                Ok(reply) => replies.push((approval, reply)),
                                Err(_) => break,
                            }
                        }
                        replies
                    })
                })
                .collect();
            let replies = clients.into_iter().map(|client| client.join().unwrap());
            replies.collect::<Vec<_>>()
        });
        let longest = replies.iter().map(Vec::len).max().unwrap_or(0);
        // One more each was tried, and may be in the log.
        self.number += CLIENTS * (u32::try_from(longest).unwrap() + 1);
        for (approval, reply) in replies.into_iter().flatten() {
            self.reply(approval, &reply);
        }
    }

    /// Nothing that was seen is gone, and no two checkpoints contradict each other: the root of
    /// each is that of the entries that there are now.
    pub(crate) fn check(&mut self, client: &Client) {
        self.checkpoint(&client.checkpoint());
        let (&size, _) = self.checkpoints.last_key_value().unwrap();
        let (mut tree, mut ids) = (CompactRange::default(), Vec::new());
        for tile in Tile::all_in_tree(Level::Entries, size) {
            let reply = client.get(&format!("/{}", tile.path()));
            assert_eq!(reply.status, 200, "{}", tile.path());
            for leaf in entries(&reply.bytes).unwrap() {
                tree.append(leaf_hash(leaf)).unwrap();
                if let Some(root) = self.checkpoints.get(&tree.size()) {
                    assert_eq!(*root, tree.root(), "at {}", tree.size());
                }
                let text = std::str::from_utf8(leaf).unwrap();
                ids.push(Entry::parse(text).unwrap().approval_id_hash);
            }
        }
        for (index, id) in &self.acknowledged {
            let index = usize::try_from(*index).unwrap();
            assert_eq!(ids[index], sha256(id.as_bytes()), "entry {index}");
        }
        for (index, approval) in self.recent.drain(..) {
            let repeat = client.append(&approval);
            assert_eq!((repeat.status, repeat.index()), (200, index));
            assert_eq!(client.verification(&approval).index(), index);
        }
    }
}

#[test]
fn survives_death_at_every_step() {
    let log = Log::new();
    let mut seen = Witnessed::default();
    let again = ["before-commit:3", "after-commit:3", "after-tile:4"];
    for step in STEPS.into_iter().chain(again) {
        let server = log.serve_until(step);
        seen.load(&server.client);
        server.wait();
        let server = log.serve();
        seen.check(&server.client);
        server.kill();
        log.assert_clean();
    }
}

#[test]
fn survives_ten_kills_under_load() {
    campaign(10);
}

#[test]
#[ignore = "minutes: cargo xtask crash"]
fn survives_two_hundred_kills_under_load() {
    campaign(200);
}

/// Kills, half of them at random moments and half at random passes of random steps.
fn campaign(kills: u64) {
    let mut dice = Dice::new();
    let log = Log::new();
    let mut seen = Witnessed::default();
    for kill in 0..kills {
        if kill.is_multiple_of(2) {
            let server = log.serve();
            let client = server.client.clone();
            let delay = Duration::from_millis(20 + dice.below(500));
            let killer = std::thread::spawn(move || {
                std::thread::sleep(delay);
                server.kill();
            });
            seen.load(&client);
            killer.join().unwrap();
        } else {
            let step = STEPS[usize::try_from(dice.below(8)).unwrap()];
            let server = log.serve_until(&format!("{step}:{}", 1 + dice.below(30)));
            seen.load(&server.client);
            server.wait();
        }
        log.assert_clean();
        let server = log.serve();
        seen.check(&server.client);
        server.kill();
    }
    let acknowledged = seen.acknowledged.len();
    println!("{kills} kills, {acknowledged} acknowledged appends, all of them there");
    assert!(acknowledged > 10);
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
