//! A log on a primary with standbys: every way in which a COMMIT can leave a doubt, and every server
//! that can come next.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use postgres_cluster::Trio;

use super::*;

/// A log in a database of three servers.
struct Failover<T> {
    trio: T,
    database: String,
    key: LogKey,
    folder: tempfile::TempDir,
}

/// The servers of all tests that promote none of them.
fn shared() -> Option<MutexGuard<'static, Trio>> {
    static SHARED: OnceLock<Option<Mutex<Trio>>> = OnceLock::new();
    let trio = SHARED.get_or_init(|| Trio::start().map(Mutex::new));
    let trio = trio
        .as_ref()?
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    for number in trio.standbys() {
        trio.resume(number);
    }
    Some(trio)
}

impl<T: std::ops::Deref<Target = Trio>> Failover<T> {
    fn new(trio: T) -> Self {
        let this = Self {
            database: trio.primary().database(),
            trio,
            key: LogKey::generate("log.example").unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        this.backend().create(&this.head(0, 0)).unwrap();
        this
    }

    fn backend(&self) -> Postgres {
        let text = self.trio.address(&self.database) + "?sslmode=disable";
        let objects = Directory::new(self.folder.path().join("public"));
        let address = address(&text).unwrap();
        Postgres::new(address, self.key.public(), Arc::new(objects))
    }

    fn head(&self, size: u64, byte: u8) -> Head {
        head(&self.key, size, byte)
    }

    fn sql(&self, sql: &str) -> String {
        self.trio.primary().sql(&self.database, sql)
    }

    fn size(&self) -> String {
        self.sql("SELECT size FROM cosignet_log.head")
    }

    /// Lets both standbys lag.
    fn pause(&self) {
        self.trio
            .standbys()
            .into_iter()
            .for_each(|number| self.trio.pause(number));
    }

    fn resume(&self) {
        self.trio
            .standbys()
            .into_iter()
            .for_each(|number| self.trio.resume(number));
    }

    /// Waits until the head has so many entries, for whoever looks.
    fn until_shown(&self, size: &str) {
        let begun = Instant::now();
        while self.size() != size {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it does not show"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A commit of the first entry, by a thread.
fn committing(mut lead: Lead, none: &Head, one: &Head) -> JoinHandle<(Result<Outcome>, Lead)> {
    let (none, one) = (none.clone(), one.clone());
    thread::spawn(move || {
        let done = lead.store.commit(&none, &one, &[addition(0)], 0);
        (done, lead)
    })
}

/// The back end of a commit is interrupted while it waits for a standby. Its row shows, and the log does
/// not believe it before a standby has it.
fn interrupted(function: &str) {
    let Some(trio) = shared() else { return };
    let log = Failover::new(trio);
    let [none, one, two] = [0, 1, 2].map(|size: u8| log.head(size.into(), size));
    let lead = log.backend().lead().unwrap();
    log.pause();
    let commit = committing(lead, &none, &one);
    log.trio.primary().until_waiting();
    assert_eq!(log.size(), "0");
    assert!(log.trio.primary().interrupt(function) >= 1);
    // Whoever looks sees it, and the one that asks after it waits for a standby again.
    log.until_shown("1");
    log.trio.primary().until_waiting();
    assert!(!commit.is_finished());
    log.resume();
    let (done, mut lead) = commit.join().unwrap();
    assert_eq!(done.unwrap(), Outcome::Committed);
    let done = lead.store.commit(&one, &two, &[addition(1)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
}

/// The answer is COMMIT, with a warning.
#[test]
fn a_cancelled_wait_for_a_standby_is_waited_for_again() {
    interrupted("pg_cancel_backend");
}

/// There is no answer.
#[test]
fn a_back_end_that_is_terminated_in_its_wait_is_asked_after_by_a_commit() {
    interrupted("pg_terminate_backend");
}

/// Nothing but the log's own patience ends the wait inside a COMMIT; the server goes on with it. Until
/// that has an end, nobody leads in its place.
#[test]
fn a_commit_beyond_its_deadline_is_still_under_way() {
    let Some(trio) = shared() else { return };
    let log = Failover::new(trio);
    let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
    let lead = log.backend().lead().unwrap();
    // Also whoever comes next has to wait for it.
    log.sql("UPDATE cosignet_log.head SET renewed = now() - interval '6 s'");
    log.pause();
    let begun = Instant::now();
    let commit = committing(lead, &none, &one);
    log.trio.primary().until_waiting();
    let refused = log.backend().lead().unwrap_err();
    assert!(matches!(refused, LogError::Database(_)), "{refused}");
    // The deadline is five seconds.
    thread::sleep(Duration::from_millis(5500).saturating_sub(begun.elapsed()));
    assert!(!commit.is_finished());
    assert_eq!(log.size(), "0");
    log.resume();
    let (done, mut lead) = commit.join().unwrap();
    assert_eq!(done.unwrap(), Outcome::Committed);
    assert_eq!(log.backend().head().unwrap(), one);
    assert!(begun.elapsed() > Duration::from_secs(5));
    lead.publish.publish(&one.checkpoint, 1).unwrap();
}

/// The server has answered, the connection stays, and nothing comes.
#[test]
fn an_answer_to_a_commit_that_never_comes_is_asked_for_elsewhere() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let proxy = Proxy::start(log.cluster.port);
    let mut lead = log.backend_at(proxy.port).lead().unwrap();
    let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
    let before = log.epoch();
    proxy.cut(Cut::Unanswered, 1);
    let begun = Instant::now();
    let done = lead.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!((done.unwrap(), proxy.hits()), (Outcome::Committed, 1));
    assert!(begun.elapsed() > Duration::from_secs(4));
    assert!(log.epoch() > before);
}

/// A question that ends in the middle, and an answer that does.
#[test]
fn a_connection_that_is_cut_after_any_number_of_bytes_leaves_all_or_nothing() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let proxy = Proxy::start(log.cluster.port);
    let mut lead = log.backend_at(proxy.port).lead().unwrap();
    let (mut old, mut hits) = (log.head(0, 0), 0);
    for (way, bytes) in [
        (Way::There, 1),
        (Way::There, 40),
        (Way::There, 400),
        (Way::There, 1500),
        (Way::There, 2500),
        (Way::Back, 1),
        (Way::Back, 100),
        (Way::Back, 200),
        (Way::Back, 400),
    ] {
        let new = log.head(old.size + 1, u8::try_from(old.size + 1).unwrap());
        proxy.cut_after(way, bytes);
        let done = lead.store.commit(&old, &new, &[addition(old.size)], 0);
        let found = lead.store.settle().unwrap();
        proxy.heal();
        match done {
            Ok(Outcome::Committed) => assert_eq!(found, new, "{way:?} {bytes}"),
            Ok(Outcome::Closed(_) | Outcome::Moved) => panic!("nobody else commits, or closes"),
            Err(_) => assert_eq!(found, old, "{way:?} {bytes}"),
        }
        assert_eq!(log.backend().head().unwrap(), found);
        hits = proxy.hits().max(hits);
        old = found;
    }
    assert!(hits >= 5, "{hits} of the cuts were in time");
}

/// What was shown and is at no standby is lost with the server, and nobody was told that it is there.
#[test]
fn what_no_standby_has_is_lost_with_its_server_and_was_never_called_committed() {
    let Some(mut trio) = Trio::start() else {
        return;
    };
    let (none, one, backend, database, commit, _folder) = {
        let log = Failover::new(&trio);
        let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
        let lead = log.backend().lead().unwrap();
        log.pause();
        let commit = committing(lead, &none, &one);
        log.trio.primary().until_waiting();
        assert!(log.trio.primary().interrupt("pg_cancel_backend") >= 1);
        log.until_shown("1");
        log.trio
            .standbys()
            .into_iter()
            .for_each(|number| log.trio.cut_off(number));
        let backend = log.backend();
        (none, one, backend, log.database, commit, log.folder)
    };
    trio.kill_primary();
    trio.standbys()
        .into_iter()
        .for_each(|number| trio.resume(number));
    let next = trio.most_advanced();
    trio.promote(next, true);
    let (done, mut lead) = commit.join().unwrap();
    assert!(done.is_err(), "{done:?}");
    assert_deposed(&mut lead, &one);
    assert_eq!(
        trio.primary()
            .sql(&database, "SELECT size FROM cosignet_log.head"),
        "0"
    );
    // Nothing was lost that anybody was told of: the log goes on.
    let mut next = led(&backend);
    let done = next.store.commit(&none, &one, &[addition(7)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
}

fn accused(members: &dyn Members, shown: &Head) -> bool {
    let why = "a member has shown more; see OPERATIONS";
    members.accuse(shown, why).unwrap()
}

/// Leads, once the lease of whoever led before has run out.
fn led(backend: &Postgres) -> Lead {
    let begun = Instant::now();
    loop {
        match backend.lead() {
            Ok(lead) => return lead,
            Err(failure) => assert!(begun.elapsed() < Duration::from_secs(20), "{failure}"),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The server dies, and the standby that has most of what it sent comes in its place.
#[test]
fn a_promoted_standby_that_has_what_was_committed_is_led_anew() {
    let Some(mut trio) = Trio::start() else {
        return;
    };
    let (heads, backend, mut lead, members, _folder) = {
        let log = Failover::new(&trio);
        let heads = [0, 1, 2, 3].map(|size: u8| log.head(size.into(), size));
        let mut lead = log.backend().lead().unwrap();
        // The acknowledgement of one of them is enough.
        log.trio.pause(1);
        for (pair, number) in heads.windows(2).take(2).zip(0..) {
            let done = lead
                .store
                .commit(&pair[0], &pair[1], &[addition(number)], 0);
            assert_eq!(done.unwrap(), Outcome::Committed);
        }
        lead.publish.publish(&heads[1].checkpoint, 1).unwrap();
        // A publication that shows here, and that no standby has: its leader has not said so.
        log.trio.pause(2);
        let head = heads[2].clone();
        let publishing = thread::spawn(move || {
            let done = lead.publish.publish(&head.checkpoint, 2);
            (done, lead)
        });
        log.trio.primary().until_waiting();
        assert!(log.trio.primary().interrupt("pg_cancel_backend") >= 1);
        let (done, lead) = publishing.join().unwrap();
        assert!(done.is_err(), "{done:?}");
        let members = log.backend().members().unwrap().unwrap();
        assert_eq!(members.published().unwrap(), heads[2].checkpoint);
        [1, 2]
            .into_iter()
            .for_each(|number| log.trio.cut_off(number));
        (heads, log.backend(), lead, members, log.folder)
    };
    trio.kill_primary();
    [1, 2].into_iter().for_each(|number| trio.resume(number));
    let next = trio.most_advanced();
    assert_eq!(next, 2);
    trio.promote(next, true);
    trio.until_streaming(1);
    assert_deposed(&mut lead, &heads[2]);
    drop(lead);
    // What was public went back, and what was committed did not: that is no roll-back.
    assert_eq!(members.published().unwrap(), heads[1].checkpoint);
    assert!(!accused(&*members, &heads[2]));
    let mut next = led(&backend);
    assert_eq!(next.store.head().unwrap(), heads[2]);
    next.publish.publish(&heads[2].checkpoint, 2).unwrap();
    assert_eq!(members.published().unwrap(), heads[2].checkpoint);
    let done = next.store.commit(&heads[2], &heads[3], &[addition(2)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
}

/// `ANY 1` has the acknowledgement of one standby, and the other one is promoted.
#[test]
fn a_promoted_standby_that_lags_is_frozen_for_good_and_not_led() {
    let Some(mut trio) = Trio::start() else {
        return;
    };
    let (heads, backend, mut lead, members, _folder) = {
        let log = Failover::new(&trio);
        let heads = [0, 1, 2].map(|size: u8| log.head(size.into(), size));
        let mut lead = log.backend().lead().unwrap();
        let done = lead.store.commit(&heads[0], &heads[1], &[addition(0)], 0);
        assert_eq!(done.unwrap(), Outcome::Committed);
        lead.publish.publish(&heads[1].checkpoint, 1).unwrap();
        log.trio.pause(1);
        let done = lead.store.commit(&heads[1], &heads[2], &[addition(1)], 0);
        assert_eq!(done.unwrap(), Outcome::Committed);
        lead.publish.publish(&heads[2].checkpoint, 2).unwrap();
        let members = log.backend().members().unwrap().unwrap();
        assert!(!accused(&*members, &heads[2]));
        log.trio.cut_off(1);
        (heads, log.backend(), lead, members, log.folder)
    };
    trio.kill_primary();
    trio.kill_standby(2);
    trio.promote(1, false);
    assert_deposed(&mut lead, &heads[2]);
    let shown = lead
        .brake
        .as_ref()
        .unwrap()
        .freeze("what a reign that is over has seen");
    assert!(matches!(shown, Err(LogError::Deposed(_))), "{shown:?}");
    drop(lead);
    // Somebody leads there before a member looks.
    let mut next = led(&backend);
    assert_eq!(members.published().unwrap(), heads[1].checkpoint);
    assert!(accused(&*members, &heads[2]));
    assert_deposed(&mut next, &heads[1]);
    let done = next.store.commit(&heads[1], &heads[2], &[addition(7)], 0);
    assert!(matches!(done, Err(LogError::Deposed(_))), "{done:?}");
    drop(next);
    assert_frozen(&backend, "a member has shown more");
    // Also by who asks for the first time.
    assert!(!accused(&*members, &heads[2]));
}

/// Nobody leads, nobody publishes, nobody copies, and everybody says why.
fn assert_frozen(backend: &Postgres, why: &str) {
    let members = backend.members().unwrap().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    for refused in [
        backend.lead().map(|_| ()),
        members.published().map(|_| ()),
        backend.copy_to(file.path()),
    ] {
        let Err(LogError::Rollback(said)) = refused else {
            panic!("{refused:?}");
        };
        assert!(said.contains("is frozen") && said.contains(why), "{said}");
        assert!(said.contains("OPERATIONS"), "{said}");
    }
    let Leadership::Frozen(said) = members.leadership().unwrap() else {
        panic!("somebody leads, or can");
    };
    assert!(said.contains(why), "{said}");
    let found = backend.audit().unwrap().complaints();
    let found: Vec<String> = found.into_iter().collect::<Result<_>>().unwrap();
    assert!(found.iter().any(|one| one.contains(why)), "{found:?}");
}

#[test]
fn a_leader_freezes_the_log_and_one_that_was_deposed_does_not() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let backend = log.backend();
    let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
    let mut first = backend.lead().unwrap();
    log.sql("UPDATE cosignet_log.head SET renewed = now() - interval '6 s'");
    let mut second = backend.lead().unwrap();
    let late = first
        .brake
        .as_ref()
        .unwrap()
        .freeze("a witness knows more; see OPERATIONS");
    assert!(matches!(late, Err(LogError::Deposed(_))), "{late:?}");
    let done = second.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    let (records, tokens) = (backend.records().unwrap(), backend.tokens().unwrap());
    let token = |name: &str| TokenRow {
        name: name.into(),
        id: name.into(),
        hash: vec![1; 32],
        rights: "append".into(),
        created: "2026-01-01T00:00:00Z".into(),
        revoked: None,
    };
    assert!(tokens.add(&token("one")).unwrap());
    let old = addition(0).evidence;
    let less = Evidence {
        approval_id: None,
        ..old.clone()
    };
    let brake = second.brake.clone().unwrap();
    brake
        .freeze("a witness\0 knows more; see OPERATIONS.")
        .unwrap();
    // To say so again changes nothing.
    let epoch = log.epoch();
    brake.freeze("another reason").unwrap();
    assert_eq!(log.epoch(), epoch);
    // The database that comes in its place would not have heard of these.
    let changes = [
        records.replace_evidence(0, &old, &less).map(|_| ()),
        tokens.add(&token("two")).map(|_| ()),
        tokens.revoke("one", "2026-01-02T00:00:00Z").map(|_| ()),
    ];
    for change in changes {
        assert!(matches!(change, Err(LogError::Rollback(_))), "{change:?}");
    }
    assert_eq!(records.evidence(0).unwrap(), Some(old));
    assert_eq!(tokens.all().unwrap(), [token("one")]);
    assert_deposed(&mut second, &one);
    assert_deposed(&mut first, &one);
    drop((first, second));
    assert_frozen(&backend, "knows more; see OPERATIONS");
    // Not by waiting either.
    log.sql("UPDATE cosignet_log.head SET renewed = '-infinity', leader = NULL");
    assert_frozen(&backend, "knows more; see OPERATIONS");
}
