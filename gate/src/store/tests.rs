//! Behaviour of a store that takes more than calls in some order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use verifier_core::hazmat::encoding::sha256;

use super::scene::{Base, CLAIM_WITHIN, LIFETIME, Scene, in_each_database, key, new_request};
use super::{Created, NewRequest, Repeats, Store};
use crate::refusal::Reason;
use crate::request::{Act, NewSignature, State};

in_each_database! {
    a_clock_that_goes_back_decides_nothing
    an_approval_that_nobody_claimed_ends_with_the_clock
    a_call_without_a_name_finds_what_is_pending
    of_a_thousand_claims_at_once_one_wins
}

fn a_clock_that_goes_back_decides_nothing(scene: Scene) {
    scene.run(scene.store().create(new_request(0, 0))).unwrap();
    let sign = |id: &str| NewSignature {
        act: Act::Approve,
        approval_id: id.into(),
        assertion: "{}".into(),
        reason: None,
    };
    let id = new_request(0, 0).id;
    scene.clock.fetch_sub(3_600_000, Ordering::Relaxed);
    let done = scene.run(scene.store().sign(&id, b"ann", sign("a")));
    assert_eq!(done.unwrap_err(), Reason::ClockBehind);
    let done = scene.run(scene.store().create(new_request(1, 0)));
    assert_eq!(done.unwrap_err(), Reason::ClockBehind);
    // What was open while the clock was ahead would live too long.
    assert_eq!(scene.run(scene.store().accept_clock()).unwrap(), 1);
    let done = scene.run(scene.store().sign(&id, b"ann", sign("b")));
    assert_eq!(done.unwrap_err(), Reason::DecisionExpired);
    scene.run(scene.store().create(new_request(2, 0))).unwrap();
}

fn an_approval_that_nobody_claimed_ends_with_the_clock(scene: Scene) {
    let approved = |number: usize| {
        let id = new_request(number, 0).id;
        scene
            .run(scene.store().create(new_request(number, 0)))
            .unwrap();
        let new = NewSignature {
            act: Act::Approve,
            approval_id: number.to_string(),
            assertion: "{}".into(),
            reason: None,
        };
        scene.run(scene.store().sign(&id, b"ann", new)).unwrap();
        let logged = scene.store().logged(&number.to_string(), "bundle".into());
        assert_eq!(scene.run(logged).unwrap().state, State::Approved);
        id
    };
    let (open, claimed) = (approved(0), approved(1));
    let claim = |id: &str| scene.run(scene.store().claim(id, &key(), "op", sha256(b"{}")));
    claim(&claimed).unwrap();
    assert_eq!(scene.run(scene.store().accept_clock()).unwrap(), 1);
    assert_eq!(claim(&open).unwrap_err(), Reason::ClaimExpired);
    claim(&claimed).unwrap();
}

fn a_call_without_a_name_finds_what_is_pending(scene: Scene) {
    let make = |new: NewRequest| {
        let made = scene.run(scene.store().create(new)).unwrap();
        let (is_new, request) = match made {
            Created::New(request) => (true, request),
            Created::Repeat(request) => (false, request),
        };
        (is_new, request.id)
    };
    let unnamed = |number| NewRequest {
        repeats: Repeats::Pending,
        ..new_request(number, 0)
    };
    let id = |number| new_request(number, 0).id;
    assert_eq!(make(new_request(0, 0)), (true, id(0)));
    let always = NewRequest {
        body_hash: [1; 32],
        ..unnamed(1)
    };
    assert_eq!(make(always.clone()), (true, id(1)));
    // Neither one that has a name, nor one that said something else.
    assert_eq!(make(unnamed(2)), (true, id(2)));
    assert_eq!(make(unnamed(3)), (false, id(2)));
    let mut other = unnamed(4);
    other.requester.key = "other".into();
    assert_eq!(make(other), (true, id(4)));
    let nothing = NewRequest {
        id: id(5),
        repeats: Repeats::Nothing,
        ..always
    };
    assert_eq!(make(nothing), (true, id(5)));

    // Signed, and waiting for the log: it is pending for the time to claim it.
    scene.clock.fetch_add(LIFETIME - 1, Ordering::Relaxed);
    let new = NewSignature {
        act: Act::Approve,
        approval_id: "a".into(),
        assertion: "{}".into(),
        reason: None,
    };
    scene.run(scene.store().sign(&id(2), b"ann", new)).unwrap();
    scene.clock.fetch_add(CLAIM_WITHIN - 1, Ordering::Relaxed);
    assert_eq!(make(unnamed(6)), (false, id(2)));
    scene.clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(make(unnamed(7)), (true, id(7)));
    // Over, though nobody has looked yet.
    scene.clock.fetch_add(LIFETIME, Ordering::Relaxed);
    assert_eq!(make(unnamed(8)), (true, id(8)));
    scene.run(scene.store().cancel(&id(8))).unwrap();
    assert_eq!(make(unnamed(9)), (true, id(9)));
}

fn of_a_thousand_claims_at_once_one_wins(scene: Scene) {
    let id = new_request(0, 0).id;
    scene.run(scene.store().create(new_request(0, 0))).unwrap();
    let new = NewSignature {
        act: Act::Approve,
        approval_id: "a".into(),
        assertion: "{}".into(),
        reason: None,
    };
    scene.run(scene.store().sign(&id, b"ann", new)).unwrap();
    scene
        .run(scene.store().logged("a", "bundle".into()))
        .unwrap();
    let stores = [Arc::new(scene.another()), Arc::new(scene.another())];
    let most = match scene.base {
        // One process has a file for itself.
        Base::File(_) => 1,
        #[cfg(feature = "postgres")]
        Base::Database(_) => 2,
    };
    let won = scene.runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..1000 {
            let (store, id) = (Arc::clone(&stores[number % most]), id.clone());
            tasks.spawn(async move {
                let operation = number.to_string();
                store
                    .claim(&id, &key(), &operation, sha256(b"{}"))
                    .await
                    .is_ok()
            });
        }
        tasks.join_all().await
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
}
