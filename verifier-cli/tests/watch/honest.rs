//! Logs that tell the truth.

use crate::world::{NOW, SIZE, World, entries};

#[test]
fn a_log_that_grows_is_clean() {
    let world = World::new();
    world.audited(&entries(SIZE));
    world.server.received();
    let round = world.round("");
    assert_eq!(round.code, 0, "{round:?}");
    assert_eq!(round.events("unchanged").len(), 1);
    let requests = world.server.received();
    assert_eq!(requests.len(), 1, "{requests:?}");

    for size in [SIZE + 1, SIZE + 60] {
        world.serve(&entries(size), NOW + 60);
        let round = world.round("");
        assert_eq!(round.code, 0, "{round:?}");
        assert_eq!(round.events("checked")[0]["size"], size);
    }
    assert!(world.alarms().is_empty());
}

#[test]
fn an_empty_log_is_clean_and_may_begin() {
    let world = World::new();
    world.audited(&[]);
    world.serve(&entries(1), NOW);
    assert_eq!(world.round("").code, 0);
    assert_eq!(world.round("").code, 0);
}
