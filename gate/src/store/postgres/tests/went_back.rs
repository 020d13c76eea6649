//! A server that has lost what was committed.

use super::*;

/// The end of the chain, and what brings the tables back to it, as far as these tests fill them.
fn way_back(gate: &Fixture) -> String {
    let end = gate.sql("SELECT number, encode(hash, 'hex'), at FROM chain");
    let [number, hash, at] = end.split('|').collect::<Vec<_>>()[..] else {
        panic!("{end}");
    };
    format!(
        "DELETE FROM request WHERE id IN (SELECT request FROM event WHERE number > {number} AND \
         line LIKE '%request.created%'); DELETE FROM event WHERE number > {number}; \
         UPDATE request SET claim_operation = NULL, claim_key = NULL, claimed = NULL; UPDATE chain \
         SET number = {number}, hash = decode('{hash}', 'hex'), at = {at};"
    )
}

fn end_of_sessions(gate: &Fixture) -> String {
    format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND usename = \
         'log'",
        gate.database
    )
}

/// What was told before is not there any more: a server that was behind has taken over, or a backup was
/// restored into one that runs, which ends no session.
fn a_server_that_went_back(ends_sessions: bool) {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let [one, two, reads] = [gate.open(), gate.open(), gate.open()];
    let id = gate.approved(&one, 0);
    let back = way_back(&gate);
    gate.claim(&one, &id, "one").unwrap();
    for store in [&two, &reads] {
        // As every process does all the time.
        gate.run(store.check()).unwrap();
    }
    assert!(gate.run(reads.request(&id)).unwrap().is_some());
    gate.sql(&back);
    if ends_sessions {
        gate.sql(&end_of_sessions(&gate));
    }
    for store in [&one, &two] {
        let said = is_trouble(gate.claim(store, &id, "two"));
        assert!(said.contains("it went back"), "{said}");
        // Nor does it show that the claim is free.
        let said = is_trouble(gate.run(store.request(&id)).map(|_| ()));
        assert!(said.contains("it went back"), "{said}");
    }
    // One that changes nothing notices as well.
    let begun = Instant::now();
    let said = loop {
        match gate.run(reads.request(&id)) {
            Ok(_) if begun.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            done => break is_trouble(done.map(|_| ())),
        }
    };
    assert!(said.contains("it went back"), "{said}");
    // A process that knows of nothing goes on. The others are not deceived by a chain that is longer.
    let fresh = gate.open();
    for number in 1..6 {
        gate.run(fresh.create(new_request(number, 0))).unwrap();
    }
    let said = is_trouble(gate.claim(&two, &id, "two"));
    assert!(said.contains("it went back"), "{said}");
    // The operator says so, to a process that knows of nothing.
    drop((one, two, reads, fresh));
    gate.sql("INSERT INTO session VALUES ('\\x01', '\\x01', 9000000000000)");
    let store = gate.open();
    assert_eq!(gate.run(store.accept_clock()).unwrap(), 6);
    let late = gate.claim(&store, &id, "two");
    assert!(matches!(late, Err(Trouble::Refused(_))), "{late:?}");
    assert_eq!(gate.sql("SELECT count(*) FROM session"), "0");
}

#[test]
fn a_server_that_went_back_gives_nothing() {
    a_server_that_went_back(true);
}

#[test]
fn a_backup_that_is_restored_into_a_running_server_gives_nothing() {
    a_server_that_went_back(false);
}

/// A fail-over rightly loses what no standby had: nobody was told that it is done, though some have seen
/// it.
#[test]
fn what_was_only_seen_may_be_gone() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let [one, two] = [gate.open(), gate.open()];
    gate.run(one.create(new_request(0, 0))).unwrap();
    gate.run(two.check()).unwrap();
    let back = way_back(&gate);
    gate.run(one.create(new_request(1, 0))).unwrap();
    // Until the other one has heard of it, and read it.
    std::thread::sleep(Duration::from_secs(1));
    assert!(
        gate.run(two.request(&new_request(1, 0).id))
            .unwrap()
            .is_some()
    );
    drop(one);
    gate.sql(&(back + &end_of_sessions(&gate)));
    gate.run(two.create(new_request(2, 0))).unwrap();
    assert!(
        gate.run(two.request(&new_request(1, 0).id))
            .unwrap()
            .is_none()
    );
    assert_eq!(gate.events(&two, "request.created"), 2);
}
