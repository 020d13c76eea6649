//! Behaviour that is PostgreSQL's alone: several stores on one database, and answers that are lost.
//! The rules of every store are in `store::tests` and `store::model`.

mod moved;
mod went_back;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postgres_cluster::proxy::Cut;
use postgres_cluster::{Cluster, Proxy, WAITING};
use verifier_core::Time;
use verifier_core::hazmat::encoding::sha256;

use super::*;
use crate::channel::{Channel, Kept, Kind, Target};
use crate::delivery::{Lane, Outcome};
use crate::event::Link as ChainLink;
use crate::notice::Topic;
use crate::request::{Act, NewSignature};
use crate::store::scene::{Base, START, Scene, key, new_request};
use crate::store::sql::Change;
use crate::store::{News as _, Store, Trouble, sqlite};
use crate::webhook::Secret;

/// A gate in a database, in a server that others use as well, or in one of its own.
struct Fixture {
    cluster: Option<Cluster>,
    database: String,
    runtime: tokio::runtime::Runtime,
}

impl Fixture {
    fn new() -> Option<Self> {
        let fixture = Self::of(None, Cluster::shared()?.database());
        fixture.at(Cluster::shared()?.port).create().unwrap();
        Some(fixture)
    }

    fn alone() -> Option<Self> {
        let cluster = Cluster::start(&[])?;
        let database = cluster.database();
        let fixture = Self::of(Some(cluster), database);
        fixture.at(fixture.cluster().port).create().unwrap();
        Some(fixture)
    }

    fn of(cluster: Option<Cluster>, database: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Self {
            cluster,
            database,
            runtime,
        }
    }

    fn cluster(&self) -> &Cluster {
        self.cluster
            .as_ref()
            .unwrap_or_else(|| Cluster::shared().unwrap())
    }

    fn at(&self, port: u16) -> Database {
        let address = self.cluster().address_at(port, &self.database);
        Database::parse(&address, None, None).unwrap()
    }

    /// A store, behind something that listens on this port.
    fn behind(&self, port: u16) -> Sql {
        self.at(port).open(None, Arc::new(|_| {})).unwrap()
    }

    fn open(&self) -> Sql {
        self.behind(self.cluster().port)
    }

    fn sql(&self, sql: &str) -> String {
        let sql = format!("SET search_path = cosignet_gate; {sql}");
        self.cluster().sql(&self.database, &sql)
    }

    fn run<T>(&self, answer: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        self.runtime.block_on(answer)
    }

    /// A request that was approved, and can be claimed.
    fn approved(&self, store: &Sql, number: usize) -> String {
        let id = new_request(number, 0).id;
        let person = "INSERT INTO person VALUES ('ann', '[\"finance\"]', NULL) ON CONFLICT DO \
                      NOTHING; INSERT INTO credential VALUES ('ann', 'ann', 'k', 0, 0, '[]', \
                      'none', '{}', 0, NULL) ON CONFLICT DO NOTHING";
        self.sql(person);
        self.run(store.create(new_request(number, 0))).unwrap();
        let new = NewSignature {
            act: Act::Approve,
            approval_id: id.clone(),
            assertion: "{}".into(),
            reason: None,
        };
        self.run(store.sign(&id, b"ann", new)).unwrap();
        self.run(store.logged(&id, "bundle".into())).unwrap();
        id
    }

    fn claim(&self, store: &Sql, id: &str, operation: &str) -> Result<(), Trouble> {
        let claim = store.claim(id, &key(), operation, sha256(b"{}"));
        self.run(claim).map(|_| ())
    }

    /// Who the server has for the one that has claimed it.
    fn claimed(&self, id: &str) -> String {
        self.sql(&format!(
            "SELECT coalesce(claim_operation, '') FROM request WHERE id = '{id}'"
        ))
    }

    /// How many events of this kind there are; the chain of all of them holds.
    fn events(&self, store: &Sql, kind: &str) -> usize {
        let events = self.run(store.events(0, 100_000)).unwrap();
        let mut link = ChainLink::default();
        let kind = format!("\"kind\":\"{kind}\"");
        let mut found = 0;
        for event in events {
            link = ChainLink::follow(Some(link), &event.line).unwrap();
            found += usize::from(event.line.contains(&kind));
        }
        found
    }
}

/// How often it has cut.
fn cuts(proxy: &Proxy) -> u32 {
    proxy.hits()
}

fn is_trouble(done: Result<(), Trouble>) -> String {
    match done {
        Err(Trouble::Store(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_claim_whose_answer_is_lost_is_found() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let proxy = Proxy::start(gate.cluster().port);
    let store = gate.behind(proxy.port);
    let writes = || -> u64 { gate.sql("SELECT writes FROM chain").parse().unwrap() };
    let id = gate.approved(&store, 0);
    let before = writes();
    proxy.cut(Cut::AfterCommit, 1);
    gate.claim(&store, &id, "one").unwrap();
    assert_eq!((cuts(&proxy), gate.claimed(&id)), (1, "one".into()));
    // It was asked after with a commit, not with a question.
    assert_eq!(writes(), before + 2);
    assert!(gate.claim(&store, &id, "two").is_err());

    let id = gate.approved(&store, 1);
    proxy.cut(Cut::BeforeCommit, 1);
    let said = is_trouble(gate.claim(&store, &id, "one"));
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!((cuts(&proxy), gate.claimed(&id)), (2, String::new()));
    gate.claim(&store, &id, "two").unwrap();

    // The answer to the question can be lost, too.
    let id = gate.approved(&store, 2);
    proxy.cut(Cut::AfterCommit, 3);
    gate.claim(&store, &id, "one").unwrap();
    assert_eq!((cuts(&proxy), gate.claimed(&id)), (5, "one".into()));
    assert_eq!(gate.events(&store, "request.claimed"), 3);
}

/// Two processes, whose connections are cut around the COMMIT again and again: whoever was told that
/// the claim is theirs is the only one, and the server agrees.
#[test]
fn whatever_is_cut_there_is_one_claim() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let proxies = [0, 1].map(|_| Proxy::start(gate.cluster().port));
    let stores = [0, 1].map(|at: usize| Arc::new(gate.behind(proxies[at].port)));
    for number in 0..16 {
        let id = gate.approved(&gate.open(), number);
        for (at, proxy) in proxies.iter().enumerate() {
            let cut = match (number + at) % 2 {
                0 => Cut::AfterCommit,
                _ => Cut::BeforeCommit,
            };
            proxy.cut(cut, 1 + number / 8);
        }
        let won = gate.runtime.block_on(async {
            let mut calls = tokio::task::JoinSet::new();
            for call in 0..8 {
                let (store, id) = (Arc::clone(&stores[call % 2]), id.clone());
                calls.spawn(async move {
                    let operation = format!("{number}-{call}");
                    let claim = store.claim(&id, &key(), &operation, sha256(b"{}"));
                    claim.await.ok().map(|_| operation)
                });
            }
            calls.join_all().await
        });
        let won: Vec<String> = won.into_iter().flatten().collect();
        let claimed = gate.claimed(&id);
        assert!(won.len() <= 1, "{won:?}");
        if let [one] = &won[..] {
            assert_eq!(*one, claimed);
        }
        // Nobody was told of it, and the one whose it is asks again.
        if !claimed.is_empty() {
            gate.claim(&gate.open(), &id, &claimed).unwrap();
        }
        for proxy in &proxies {
            proxy.cut(Cut::AfterCommit, 0);
        }
    }
    let cuts: u32 = proxies.iter().map(cuts).sum();
    assert!(cuts > 16, "{cuts}");
    let claims = gate.events(&gate.open(), "request.claimed");
    let rows = gate.sql("SELECT count(*) FROM request WHERE claim_operation IS NOT NULL");
    assert_eq!(rows, claims.to_string());
}

/// Nobody is turned away because another process writes as well, and there is one chain.
#[test]
fn two_processes_continue_one_chain() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let stores = [0, 1].map(|_| Arc::new(gate.open()));
    let made = gate.runtime.block_on(async {
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..400 {
            let store = Arc::clone(&stores[number % 2]);
            calls.spawn(async move { store.create(new_request(number, 0)).await });
        }
        calls.join_all().await
    });
    for done in made {
        done.unwrap();
    }
    for store in &stores {
        assert_eq!(gate.events(store, "request.created"), 400);
    }
}

/// The server ends the transaction of a process that does nothing any more, and the next one goes on.
#[test]
fn a_process_that_freezes_holds_nobody_for_long() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let store = gate.open();
    let id = gate.approved(&store, 0);
    let address = gate.at(gate.cluster().port).address;
    let frozen = Link::open(&address, Purpose::Serve, &"frozen".into(), &Arc::default());
    let frozen = frozen.unwrap();
    frozen
        .batch("BEGIN; UPDATE chain SET writes = writes + 1")
        .unwrap();
    let begun = Instant::now();
    gate.claim(&store, &id, "one").unwrap();
    let waited = begun.elapsed();
    assert!((3..8).contains(&waited.as_secs()), "{waited:?}");
    assert!(frozen.batch("COMMIT").is_err());
    assert_eq!(gate.events(&store, "request.claimed"), 1);
}

/// The back end of a session ends with the session, in the middle of whatever it does.
#[test]
fn sessions_that_are_terminated_lose_nothing() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let store = gate.open();
    let id = gate.approved(&store, 0);
    let ended = AtomicBool::new(false);
    let answered = std::thread::scope(|scope| {
        let terminate = scope.spawn(|| {
            let mut times = 0;
            while !ended.load(Ordering::Relaxed) {
                let sql = format!(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname \
                     = '{}' AND usename = 'log'",
                    gate.database
                );
                gate.cluster().sql("postgres", &sql);
                times += 1;
                std::thread::sleep(Duration::from_millis(15));
            }
            times
        });
        let mut answered = Vec::new();
        let begun = Instant::now();
        let mut number = 1;
        while begun.elapsed() < Duration::from_secs(6) {
            if gate.run(store.create(new_request(number, 0))).is_ok() {
                answered.push(new_request(number, 0).id);
            }
            number += 1;
        }
        ended.store(true, Ordering::Relaxed);
        assert!(terminate.join().unwrap() > 20);
        answered
    });
    assert!(answered.len() > 5, "{}", answered.len());
    for id in &answered {
        assert!(gate.run(store.request(id)).unwrap().is_some(), "{id}");
    }
    gate.claim(&store, &id, "one").unwrap();
    let rows = gate.sql("SELECT count(*) FROM request");
    assert_eq!(gate.events(&store, "request.created").to_string(), rows);
}

#[test]
fn a_claim_that_no_standby_has_is_not_given() {
    let Some(gate) = Fixture::alone() else {
        return;
    };
    let cluster = gate.cluster();
    let store = Arc::new(gate.open());
    let id = gate.approved(&store, 0);
    cluster.require_nobody();
    let claim = {
        let (store, id) = (Arc::clone(&store), id.clone());
        gate.runtime
            .spawn(async move { store.claim(&id, &key(), "one", sha256(b"{}")).await })
    };
    cluster.until_waiting();
    let cancel = format!("SELECT bool_and(pg_cancel_backend(pid)) {WAITING}");
    assert_eq!(cluster.sql("postgres", &cancel), "t");
    // The row shows, and nobody is told: a commit is asked for, and waits for the standby again.
    cluster.until_waiting();
    assert_eq!(gate.claimed(&id), "one");
    assert!(!claim.is_finished());
    cluster.require_standbys("");
    gate.runtime.block_on(claim).unwrap().unwrap();
}

#[test]
fn what_one_process_changes_another_one_hears() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let notify = move |change: Change<'_>| {
        if let Change::Request(id) = change {
            told.lock().unwrap().push((id.to_owned(), Instant::now()));
        }
    };
    let database = gate.at(gate.cluster().port);
    let _waits = database.open(None, Arc::new(notify)).unwrap();
    let store = gate.open();
    // A notification wakes sooner than the look that comes without one.
    let mut slow = 0;
    for number in 0..8 {
        gate.run(store.create(new_request(number, 0))).unwrap();
        let made = Instant::now();
        let id = new_request(number, 0).id;
        loop {
            let all = heard.lock().unwrap().clone();
            if let Some((_, at)) = all.iter().find(|(other, _)| *other == id) {
                slow += u32::from(*at > made + Duration::from_millis(250));
                break;
            }
            assert!(made.elapsed() < Duration::from_secs(5), "{id}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(slow <= 2, "{slow} of 8 took long");
}

#[test]
fn work_is_taken_by_one_process() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let [one, two] = [gate.open(), gate.open()];
    let channel = Channel {
        name: "hook".into(),
        kind: Kind::Webhook,
        target: Target::parse("https://hooks.example/", false).unwrap(),
        topics: vec![Topic::Created],
        created: Time::EPOCH,
        disabled: None,
        secrets: vec![Kept {
            secret: Secret::generate().unwrap(),
            until: None,
        }],
    };
    gate.run(one.add_channel(channel)).unwrap();
    for number in 0..12 {
        gate.run(one.create(new_request(number, 0))).unwrap();
    }
    let lane = Lane::Channel("hook".into());
    let due = |store: &Sql, most| -> Vec<String> {
        let due = gate.run(store.due(&lane, Vec::new(), most)).unwrap();
        due.into_iter().map(|one| one.id).collect()
    };
    let (first, second) = (due(&one, 8), due(&two, 8));
    assert_eq!((first.len(), second.len()), (8, 4));
    assert!(first.iter().all(|id| !second.contains(id)));
    assert_eq!(due(&one, 8), first, "its own it finds again");
    // A try is over: whoever looks first makes the next one.
    let failed = Outcome::Failed {
        why: "answered 500".into(),
        wish: None,
    };
    gate.run(one.tried(&first[0], failed, 0)).unwrap();
    let free = "SELECT count(*) FROM delivery WHERE taker IS NULL";
    assert_eq!(gate.sql(free), "1");
    // One that has ended with its process is free after a while.
    drop(one);
    assert!(due(&two, 12).len() == 4);
    gate.sql("UPDATE delivery SET taken = taken - 90000 WHERE taker IS NOT NULL");
    assert_eq!(due(&two, 12).len(), 11);

    let id = gate.approved(&two, 20);
    gate.sql("UPDATE signature SET bundle = NULL");
    let one = gate.open();
    let unlogged = |store: &Sql| gate.run(store.unlogged(9)).unwrap().len();
    assert_eq!((unlogged(&one), unlogged(&two)), (1, 0), "{id}");
    assert_eq!(unlogged(&one), 1);
    // Taken by a clock that was ahead.
    gate.sql("UPDATE signature SET taker = 'gone', taken = taken + 900000000");
    assert_eq!(unlogged(&two), 1);
    // The time is over, and somebody else is just about to take it.
    let address = gate.at(gate.cluster().port).address;
    let other = Link::open(&address, Purpose::Serve, &"other".into(), &Arc::default()).unwrap();
    gate.sql("UPDATE signature SET taken = taken - 90000");
    other
        .batch("BEGIN; SELECT 1 FROM signature FOR UPDATE")
        .unwrap();
    assert_eq!(unlogged(&two), 0);
    // Whoever comes back late does not let go of what another one has.
    let id = due(&two, 12).pop().unwrap();
    gate.sql("UPDATE delivery SET taker = 'other'");
    let failed = Outcome::Failed {
        why: "answered 500".into(),
        wish: None,
    };
    gate.run(two.tried(&id, failed, 0)).unwrap();
    let taker = format!("SELECT taker FROM delivery WHERE id = '{id}'");
    assert_eq!(gate.sql(&taker), "other");
}

#[test]
fn a_gate_has_its_schema_to_itself() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let address = gate.cluster().address(&gate.database);
    let other = Database::parse(&address, None, Some("second")).unwrap();
    assert!(!other.has_gate().unwrap());
    let missing = other.open(None, Arc::new(|_| {})).unwrap_err();
    assert!(matches!(missing, StoreError::Usage(_)), "{missing}");
    other.create().unwrap();
    let twice = other.create().unwrap_err();
    assert!(matches!(twice, StoreError::Usage(_)), "{twice}");
    let second = other.open(None, Arc::new(|_| {})).unwrap();
    let first = gate.open();
    gate.run(first.create(new_request(0, 0))).unwrap();
    let id = new_request(0, 0).id;
    assert!(gate.run(second.request(&id)).unwrap().is_none());
    for schema in ["", "Gate", "gate;", "pg_gate", "public", "1gate", "ga te"] {
        let refused = Database::parse(&address, None, Some(schema)).unwrap_err();
        assert!(matches!(refused, StoreError::Usage(_)), "{schema}");
    }
    gate.sql("UPDATE schema SET version = 99");
    let newer = gate.at(gate.cluster().port).open(None, Arc::new(|_| {}));
    let newer = newer.unwrap_err();
    assert!(matches!(newer, StoreError::Version { found: 99, .. }));
    // A session that is opened later looks, too.
    drop(first);
    assert!(gate.at(gate.cluster().port).has_gate().unwrap());
}

#[test]
fn a_server_that_can_lose_commits_is_refused() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    gate.sql(
        "ALTER ROLE log IN DATABASE current SET synchronous_commit = off"
            .replace("current", &gate.database)
            .as_str(),
    );
    let refused = gate.at(gate.cluster().port).open(None, Arc::new(|_| {}));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("synchronous_commit"), "{refused}");
}

/// Time is that of the server, which the clocks of the gates need not agree with.
#[test]
fn the_clock_is_the_servers() {
    let Some(gate) = Fixture::new() else {
        return;
    };
    let store = gate.open();
    let server = || -> u64 {
        gate.sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8")
            .parse()
            .unwrap()
    };
    let (before, now, after) = (server(), store.now().as_millis(), server());
    assert!(now + 1000 > before && now < after + 1000, "{now}");
    // A chain that was continued in the future decides nothing.
    gate.sql("UPDATE chain SET at = at + 9000000000000");
    let made = gate.run(store.create(new_request(0, 0)));
    assert!(matches!(made, Err(Trouble::Refused(_))), "{made:?}");
}

/// In what is kept, whichever process wrote it, a moment never comes before an earlier one.
#[test]
fn two_clocks_that_differ_make_one_order() {
    let Some(scene) = Scene::in_postgres() else {
        return;
    };
    let Base::Database(_) = &scene.base else {
        return;
    };
    let late = Arc::new(AtomicU64::new(START - 90_000));
    let other = Arc::clone(&late);
    let clock = move || Time::from_millis(other.load(Ordering::Relaxed)).unwrap();
    let behind = scene.base.open(clock, Arc::new(|_| {})).unwrap();
    for number in 0..6 {
        let new = new_request(number, 0);
        match number % 2 {
            0 => scene.run(scene.store().create(new)).unwrap(),
            _ => scene.run(behind.create(new)).unwrap(),
        };
        scene.clock.fetch_add(1000, Ordering::Relaxed);
    }
    let events = scene.run(behind.events(0, 1000)).unwrap();
    let at = |line: &str| line.split("\"at\":\"").nth(1).unwrap()[..24].to_owned();
    let times: Vec<String> = events.iter().map(|one| at(&one.line)).collect();
    assert!(times.is_sorted(), "{times:?}");
}
