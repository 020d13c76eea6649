//! A gate in a file, moved into a database.

use super::*;

/// Everything that a file has is in the database afterwards, and goes on there.
#[test]
fn a_gate_in_a_file_is_moved() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let scene = Scene::in_sqlite();
    let Base::File(path) = &scene.base else {
        return;
    };
    let id = new_request(0, 0).id;
    scene.run(scene.store().create(new_request(0, 0))).unwrap();
    let new = NewSignature {
        act: Act::Approve,
        approval_id: id.clone(),
        assertion: "{}".into(),
        reason: Some("because".into()),
    };
    scene.run(scene.store().sign(&id, b"ann", new)).unwrap();
    scene
        .run(scene.store().logged(&id, "bundle".into()))
        .unwrap();
    for number in 1..450 {
        scene
            .run(scene.store().create(new_request(number, 1)))
            .unwrap();
    }
    let database = gate.at(gate.cluster().port);
    let events = scene.run(scene.store().events(0, 1000)).unwrap();
    let file = || sqlite::look_into(path).unwrap();
    // Again, as after an answer that was lost.
    for _ in 0..2 {
        let moved = database.take_in(&file()).unwrap();
        assert_eq!(moved, u64::try_from(events.len()).unwrap());
    }
    let clock = Arc::clone(&scene.clock);
    let clock = move || Time::from_millis(clock.load(Ordering::Relaxed)).unwrap();
    let store = database
        .open(Some(Arc::new(clock)), Arc::new(|_| {}))
        .unwrap();
    assert_eq!(gate.run(store.events(0, 1000)).unwrap(), events);
    assert_eq!(
        gate.run(store.people()).unwrap(),
        scene.run(scene.store().people()).unwrap()
    );
    let before = scene.run(scene.store().request(&id)).unwrap();
    assert_eq!(gate.run(store.request(&id)).unwrap(), before);
    gate.claim(&store, &id, "one").unwrap();
    assert_eq!(gate.events(&store, "request.claimed"), 1);
    // Again, after the answer was lost and the gate has gone on there.
    let moved = database.take_in(&file()).unwrap();
    assert_eq!(moved, u64::try_from(events.len()).unwrap());
    // And never over another gate.
    let other = Scene::in_sqlite();
    let Base::File(path) = &other.base else {
        return;
    };
    other.run(other.store().create(new_request(7, 0))).unwrap();
    let other_file = sqlite::look_into(path).unwrap();
    let over = database.take_in(&other_file).unwrap_err();
    assert!(matches!(over, StoreError::Usage(_)), "{over}");
}
