//! Logs that lie, and are caught with evidence.

use crate::world::{NOW, SIZE, World, entries};

/// The same log with one entry exchanged.
fn rewritten(count: usize, at: usize) -> Vec<Vec<u8>> {
    let mut leaves = entries(count);
    leaves[at] = entries(SIZE + 60)[SIZE + 59].clone();
    leaves
}

#[test]
fn two_trees_of_one_size() {
    let world = World::new();
    world.audited(&entries(SIZE));
    world.serve(&rewritten(SIZE, 7), NOW);
    let round = world.round("");
    assert_eq!(round.code, 1, "{round:?}");
    assert_eq!(round.events("alarm").len(), 1);
    let json = world.alarm("fork.same_size");
    // Both witnesses of the first head cosigned the second one, too.
    assert_eq!(json["against"].as_array().unwrap().len(), 3, "{json}");
    // It is said once, and never forgotten.
    let again = world.round("");
    assert_eq!(
        (again.code, again.events("alarm").len()),
        (1, 0),
        "{again:?}"
    );
    world.alarm("fork.same_size");
}
