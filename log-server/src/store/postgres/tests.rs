//! Behaviour that is PostgreSQL's alone; the rules of every back end are in `conformance`.

mod erasing;
mod failover;

use std::borrow::Borrow;
use std::thread;
use std::time::{Duration, Instant};

use postgres_cluster::proxy::{Cut, Way};
use postgres_cluster::{Cluster, Proxy, WAITING};

use super::address as address_of;
use super::*;
use crate::key::LogKey;
use crate::store::conformance::head;
use crate::store::{
    Addition, Claim, Claims, Directory, Disclosure, Evidence, Leadership, Outcome, Replaced,
    TokenRow,
};

/// A log in a database of its own, in a server that others use as well, or in one of its own.
struct Fixture<C = &'static Cluster> {
    cluster: C,
    database: String,
    key: LogKey,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Option<Self> {
        Cluster::shared().map(Self::on)
    }

    fn with_log() -> Option<Self> {
        Self::new().map(Self::created)
    }
}

impl Fixture<Cluster> {
    fn alone() -> Option<Self> {
        Cluster::start(&[]).map(|cluster| Self::on(cluster).created())
    }
}

impl<C: Borrow<Cluster>> Fixture<C> {
    fn on(cluster: C) -> Self {
        Self {
            database: cluster.borrow().database(),
            cluster,
            key: LogKey::generate("log.example").unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn created(self) -> Self {
        self.backend().create(&self.head(0, 0)).unwrap();
        self
    }

    fn backend(&self) -> Postgres {
        self.backend_at(self.cluster.borrow().port)
    }

    fn backend_at(&self, port: u16) -> Postgres {
        let address = self.cluster.borrow().address_at(port, &self.database);
        let address = address_of(&(address + "?sslmode=disable")).unwrap();
        let objects = Directory::new(self.folder.path().join("public"));
        Postgres::new(address, self.key.public(), Arc::new(objects))
    }

    fn sql(&self, sql: &str) -> String {
        self.cluster.borrow().sql(&self.database, sql)
    }

    fn epoch(&self) -> i64 {
        let epoch = self.sql("SELECT epoch FROM cosignet_log.head");
        epoch.parse().unwrap()
    }

    fn head(&self, size: u64, byte: u8) -> Head {
        head(&self.key, size, byte)
    }
}

fn addition(number: u64) -> Addition {
    let mut claim = Claim {
        approval: [1; 32],
        assertion: [2; 32],
    };
    for hash in [&mut claim.approval, &mut claim.assertion] {
        hash[..8].copy_from_slice(&number.to_be_bytes());
    }
    let evidence = Evidence {
        disclosure: Disclosure::Hash,
        approval_id: Some(format!("approval {number}")),
        client_data_json: Some(vec![7; 300]),
        payload: None,
        action: None,
        blind: Some([3; 32]),
        salt: None,
        email: None,
        context: None,
        refusal: None,
    };
    Addition {
        leaf: format!("leaf {number}"),
        claim,
        evidence,
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_found() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let proxy = Proxy::start(log.cluster.port);
    let mut lead = log.backend_at(proxy.port).lead().unwrap();
    let [none, one, two, three] = [0, 1, 2, 3].map(|size: u8| log.head(size.into(), size));
    let before = log.epoch();
    proxy.cut(Cut::AfterCommit, 1);
    let done = lead.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!((done.unwrap(), proxy.hits()), (Outcome::Committed, 1));
    assert_eq!(log.backend().head().unwrap(), one);
    // It was asked after with a commit, not with a question.
    assert!(log.epoch() > before);
    proxy.cut(Cut::BeforeCommit, 1);
    assert!(lead.store.commit(&one, &two, &[addition(1)], 0).is_err());
    assert_eq!(proxy.hits(), 2);
    assert_eq!(lead.store.settle().unwrap(), one);
    // And publication goes on under the epoch of the moment.
    lead.publish.publish(&one.checkpoint, 1).unwrap();
    // The answer to the question can be lost, too.
    proxy.cut(Cut::AfterCommit, 3);
    let done = lead.store.commit(&one, &two, &[addition(1)], 0);
    assert_eq!((done.unwrap(), proxy.hits()), (Outcome::Committed, 5));
    assert_eq!(lead.store.settle().unwrap(), two);
    proxy.cut(Cut::AfterCommit, 1);
    let done = lead.publish.publish(&two.checkpoint, 2);
    assert!(done.is_err());
    lead.publish.publish(&two.checkpoint, 2).unwrap();
    let done = lead.store.commit(&two, &three, &[addition(2)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
}

/// What was never sent to be committed needs no server to be known.
#[test]
fn a_leader_outlives_a_server_that_is_away() {
    let Some(log) = Fixture::alone() else {
        return;
    };
    let [none, one, two] = [0, 1, 2].map(|size: u8| log.head(size.into(), size));
    let mut lead = log.backend().lead().unwrap();
    let done = lead.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    drop(log.cluster);
    let begun = Instant::now();
    let claims: Vec<Claim> = (0..200).map(|n| addition(n).claim).collect();
    while lead.store.claimed(&claims).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
    for claim in claims {
        assert!(lead.store.claimed(&[claim]).is_err());
    }
    assert!(lead.store.commit(&one, &two, &[addition(1)], 0).is_err());
    assert_eq!(lead.store.settle().unwrap(), one);
    assert!(lead.publish.publish(&one.checkpoint, 1).is_err());
    let renewed = lead.tenure.as_mut().unwrap().renew();
    assert!(!matches!(renewed, Ok(()) | Err(LogError::Deposed(_))));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// Another server, promoted, may have lost what this one had: its epochs and heads are no proof.
#[test]
fn a_reign_ends_with_its_server() {
    let Some(log) = Fixture::alone() else {
        return;
    };
    let [none, one, two] = [0, 1, 2].map(|size: u8| log.head(size.into(), size));
    let mut lead = log.backend().lead().unwrap();
    let done = lead.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    lead.publish.publish(&none.checkpoint, 0).unwrap();
    lead.tenure.as_mut().unwrap().renew().unwrap();
    log.cluster.restart();
    // The rows name its epoch and its head as before.
    let late = lead.store.commit(&one, &two, &[addition(1)], 0);
    assert!(matches!(late, Err(LogError::Deposed(_))), "{late:?}");
    assert_deposed(&mut lead, &one);
    assert_eq!(log.backend().head().unwrap(), one);
    // It still hands over, and the next reign is one of this server.
    drop(lead);
    let mut next = log.backend().lead().unwrap();
    let done = next.store.commit(&one, &two, &[addition(1)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
}

/// Everything but a commit, by a leader that is none any more.
fn assert_deposed(lead: &mut Lead, head: &Head) {
    let late = lead.publish.publish(&head.checkpoint, head.size);
    assert!(matches!(late, Err(LogError::Deposed(_))), "{late:?}");
    let late = lead.store.settle();
    assert!(matches!(late, Err(LogError::Deposed(_))), "{late:?}");
    let late = lead.tenure.as_mut().unwrap().renew();
    assert!(matches!(late, Err(LogError::Deposed(_))), "{late:?}");
}

#[test]
fn a_session_that_the_server_has_ended_is_opened_again() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let backend = log.backend();
    let mut lead = backend.lead().unwrap();
    let (records, tokens) = (backend.records().unwrap(), backend.tokens().unwrap());
    let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
    lead.publish.publish(&none.checkpoint, 0).unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: u32 = log.sql(end).parse().unwrap();
    assert!(ended >= 4, "{ended}");
    let done = lead.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    lead.publish.publish(&one.checkpoint, 1).unwrap();
    let found = records.find(&addition(0).claim.approval).unwrap();
    assert_eq!(found, Some(0));
    assert_eq!(tokens.find("x").unwrap(), None);
    lead.tenure.unwrap().renew().unwrap();
}

/// While a COMMIT waits for a standby, a cancel of the wait makes it one that this server alone has:
/// the answer is "COMMIT", and a warning.
#[test]
fn a_commit_that_no_standby_has_is_no_commit() {
    let Some(log) = Fixture::alone() else {
        return;
    };
    let (cluster, backend) = (&log.cluster, log.backend());
    let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
    let mut lead = backend.lead().unwrap();
    cluster.require_nobody();
    let new = one.clone();
    let commit = thread::spawn(move || lead.store.commit(&none, &new, &[addition(0)], 0));
    cluster.until_waiting();
    assert_eq!(
        cluster.sql(
            "postgres",
            &format!("SELECT bool_and(pg_cancel_backend(pid)) {WAITING}")
        ),
        "t"
    );
    // The row shows, and the log does not believe it: it writes, and waits for the standby again.
    let shown = || log.sql("SELECT size FROM cosignet_log.head");
    cluster.until_waiting();
    assert_eq!(shown(), "1");
    assert!(!commit.is_finished());
    cluster.require_standbys("");
    assert_eq!(commit.join().unwrap().unwrap(), Outcome::Committed);
    assert_eq!(backend.head().unwrap(), one);
}

#[test]
fn who_was_deposed_changes_nothing() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    assert!(fenced(&log.backend(), &log));
}

/// The rule of the epoch, broken: the test above would see it.
#[test]
fn without_the_epoch_a_deposed_leader_would_commit() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let mut backend = log.backend();
    backend.place.unfenced = true;
    assert!(!fenced(&backend, &log));
}

/// Whether a leader whose lease has run out, and who does not know, still changes something.
fn fenced(backend: &Postgres, log: &Fixture) -> bool {
    let mut frozen = backend.lead().unwrap();
    let led = backend.lead().unwrap_err();
    assert!(matches!(led, LogError::Usage(_)), "{led}");
    log.sql("UPDATE cosignet_log.head SET renewed = now() - interval '6 s'");
    let mut next = backend.lead().unwrap();
    let [none, one] = [0, 1].map(|size: u8| log.head(size.into(), size));
    let late = frozen.store.commit(&none, &one, &[addition(0)], 0);
    if matches!(late, Ok(Outcome::Committed)) {
        return false;
    }
    assert!(matches!(late, Err(LogError::Deposed(_))), "{late:?}");
    assert_deposed(&mut frozen, &none);
    // Nor does its end take anything from the one that leads.
    drop(frozen);
    assert!(backend.lead().is_err());
    let done = next.store.commit(&none, &one, &[addition(0)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    next.tenure.as_mut().unwrap().renew().unwrap();
    drop(next);
    backend.lead().unwrap();
    true
}

/// A server that was promoted has a clock of its own.
#[test]
fn a_lease_from_a_clock_that_was_ahead_ends() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let backend = log.backend();
    let members = backend.members().unwrap().unwrap();
    let mut old = backend.lead().unwrap();
    log.sql("UPDATE cosignet_log.head SET renewed = now() + interval '3 s'");
    assert_eq!(members.leadership().unwrap(), Leadership::Held(None));
    assert!(backend.lead().is_err());
    log.sql("UPDATE cosignet_log.head SET renewed = now() + interval '1 hour'");
    assert_eq!(members.leadership().unwrap(), Leadership::Vacant);
    // The one that leads mends it, if it is there.
    old.tenure.as_mut().unwrap().renew().unwrap();
    assert_eq!(members.leadership().unwrap(), Leadership::Held(None));
    log.sql("UPDATE cosignet_log.head SET renewed = now() + interval '1 hour'");
    let _next = backend.lead().unwrap();
    let renewed = old.tenure.as_mut().unwrap().renew();
    assert!(matches!(renewed, Err(LogError::Deposed(_))), "{renewed:?}");
}

#[test]
fn look_ups_read_no_table_from_end_to_end() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    // Whatever PostgreSQL knows of the rows: nothing at first, then that they are few.
    log.sql("ALTER TABLE cosignet_log.approval SET (autovacuum_enabled = off)");
    log.sql("ALTER TABLE cosignet_log.assertion SET (autovacuum_enabled = off)");
    let backend = log.backend();
    let mut lead = backend.lead().unwrap();
    let mut old = log.head(0, 0);
    for _ in 0..8 {
        let some: Vec<_> = (old.size..old.size + 500).map(addition).collect();
        let claims: Vec<Claim> = some.iter().map(|addition| addition.claim).collect();
        let new = log.head(old.size + 500, 9);
        let found = lead.store.claimed(&claims).unwrap();
        assert!(found.iter().all(|holders| holders.approval.is_none()));
        lead.store.commit(&old, &new, &some, 0).unwrap();
        let found = lead.store.claimed(&claims).unwrap();
        assert!(found.iter().all(|holders| holders.assertion.is_some()));
        if old.size == 0 {
            log.sql("ANALYZE cosignet_log.approval, cosignet_log.assertion");
        }
        old = new;
    }
    drop(lead);
    let scans = "SELECT sum(seq_scan) FROM pg_stat_user_tables \
                 WHERE relname IN ('approval', 'assertion')";
    let begun = Instant::now();
    let used = "SELECT sum(idx_scan) > 0 FROM pg_stat_user_tables WHERE relname = 'approval'";
    while log.sql(used) != "t" {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(50));
    }
    // One for each key that was made with its table.
    assert_eq!(log.sql(scans), "2");
}

#[test]
fn a_server_that_forgets_what_it_has_committed_is_refused() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let set = |value: &str| {
        let database = &log.database;
        log.sql(&format!(
            "ALTER DATABASE {database} SET synchronous_commit = {value}"
        ));
    };
    for value in ["off", "local", "remote_write"] {
        set(value);
        let refused = log.backend().lead().unwrap_err();
        assert!(matches!(refused, LogError::Usage(_)), "{refused}");
        assert!(
            refused.to_string().contains("synchronous_commit"),
            "{refused}"
        );
    }
    for value in ["on", "remote_apply"] {
        set(value);
        log.backend().lead().unwrap();
    }
}

/// Settings may be changed after the start has looked at them.
#[test]
fn a_session_commits_durably_whatever_is_set_later() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let place = log.backend().place;
    for (set, expected) in [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ] {
        let database = &log.database;
        log.sql(&format!(
            "ALTER DATABASE {database} SET synchronous_commit = {set}"
        ));
        for purpose in [Purpose::Lead, Purpose::Serve] {
            let mut link = Link::open(&place, purpose).unwrap();
            let found: String = link
                .ask(async |client, _| {
                    let sql = "SELECT current_setting('synchronous_commit')";
                    client.query_typed_one(sql, &[]).await?.try_get(0)
                })
                .unwrap();
            assert_eq!(found, expected, "{set}, {purpose:?}");
        }
    }
}

#[test]
fn a_log_is_that_of_its_key_and_its_cluster() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let mut other = log.backend();
    let key = LogKey::generate("log.example").unwrap();
    other.place.key = Arc::new(key.public().clone());
    assert!(other.exists().unwrap());
    let refused = other.lead().unwrap_err();
    assert!(refused.to_string().contains("two keys"), "{refused}");
    log.sql("UPDATE cosignet_log.log SET cluster = '7'");
    let refused = log.backend().lead().unwrap_err();
    assert!(refused.to_string().contains("fork"), "{refused}");
    assert!(log.backend().records().is_err());
}

#[test]
fn several_logs_fit_into_one_database() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let beside = Fixture {
        database: log.database.clone(),
        key: LogKey::generate("log.example/2").unwrap(),
        ..Fixture::on(log.cluster)
    };
    let other = beside.backend();
    assert!(!other.exists().unwrap());
    other.create(&beside.head(0, 0)).unwrap();
    let (mut first, mut second) = (log.backend().lead().unwrap(), other.lead().unwrap());
    let done = first
        .store
        .commit(&log.head(0, 0), &log.head(1, 1), &[addition(0)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    // The same claims are free in the other one.
    assert_eq!(other.head().unwrap().size, 0);
    let two = [addition(0), addition(1)];
    let done = second
        .store
        .commit(&beside.head(0, 0), &beside.head(2, 2), &two, 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    assert_eq!(log.backend().head().unwrap(), log.head(1, 1));
    let audit = log.backend().audit().unwrap();
    assert_eq!(
        audit.count_claims(Claims::Approvals, 1).unwrap(),
        (1, vec![])
    );
    assert_eq!(audit.strays().unwrap(), []);
}

#[test]
fn every_text_is_kept() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let backend = log.backend();
    let mut lead = backend.lead().unwrap();
    let mut odd = addition(0);
    odd.evidence.action = Some("a\0b \u{10ffff}".into());
    odd.evidence.approval_id = Some(String::new());
    odd.leaf = "\0".into();
    let done = lead
        .store
        .commit(&log.head(0, 0), &log.head(1, 1), &[odd.clone()], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    let records = backend.records().unwrap();
    assert_eq!(records.evidence(0).unwrap(), Some(odd.evidence.clone()));
    let mut less = odd.evidence.clone();
    less.action = None;
    let done = records.replace_evidence(0, &odd.evidence, &less);
    assert_eq!(done.unwrap(), Replaced::Done);
    assert_eq!(lead.store.staged(0).unwrap(), ["\0"]);
}

#[test]
fn fsck_sees_what_is_not_as_it_was_written() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let backend = log.backend();
    let mut lead = backend.lead().unwrap();
    let two = [addition(0), addition(1)];
    lead.store
        .commit(&log.head(0, 0), &log.head(2, 2), &two, 0)
        .unwrap();
    let audit = backend.audit().unwrap();
    let complaints = || -> Vec<String> {
        let found = audit.complaints().into_iter();
        found.collect::<Result<_>>().unwrap()
    };
    assert_eq!(complaints(), [""; 0]);
    log.sql("UPDATE cosignet_log.evidence SET salt = blind WHERE leaf = 1");
    assert!(audit.evidence(0).unwrap().unwrap().written);
    assert!(!audit.evidence(1).unwrap().unwrap().written);
    // The damage goes along with a copy.
    let file = log.folder.path().join("copy.sqlite");
    std::fs::write(&file, "").unwrap();
    backend.copy_to(&file).unwrap();
    let copy = crate::store::sqlite::Sqlite::open_to_read(&file).unwrap();
    assert!(copy.evidence_checked(0).unwrap().unwrap().1);
    assert!(!copy.evidence_checked(1).unwrap().unwrap().1);
    // Whatever keeps rows away is seen before the COMMIT.
    log.sql("CREATE RULE r AS ON INSERT TO cosignet_log.assertion DO INSTEAD NOTHING");
    let more = lead
        .store
        .commit(&log.head(2, 2), &log.head(3, 3), &[addition(2)], 0);
    assert!(more.unwrap_err().is_damage());
    assert_eq!(backend.head().unwrap(), log.head(2, 2));
    log.sql("DROP RULE r ON cosignet_log.assertion");
    log.sql("INSERT INTO cosignet_log.approval VALUES (1, sha256('x'), 7)");
    let (count, strays) = audit.count_claims(Claims::Approvals, 2).unwrap();
    assert_eq!((count, strays.len()), (2, 1));
    log.sql("INSERT INTO cosignet_log.staged VALUES (1, 5, 6, '')");
    assert_eq!(audit.strays().unwrap().len(), 1);
    assert!(lead.store.is_taken().unwrap());
    for (change, named) in [
        (
            "ALTER TABLE cosignet_log.approval DROP CONSTRAINT approval_pkey",
            "PRIMARY KEY",
        ),
        (
            "ALTER TABLE cosignet_log.head ADD COLUMN more int",
            "head.more",
        ),
        (
            "CREATE RULE r AS ON DELETE TO cosignet_log.token DO INSTEAD NOTHING",
            "rule r on token",
        ),
        ("CREATE TABLE cosignet_log.other (a int)", "other.a"),
    ] {
        log.sql(change);
        let found = complaints();
        assert!(
            found.iter().any(|one| one.contains(named)),
            "{named}: {found:?}"
        );
    }
}

#[test]
fn an_older_database_is_brought_to_this_version_and_a_newer_one_is_left_alone() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    log.sql("UPDATE cosignet_log.schema SET version = 4");
    let refused = log.backend().lead().unwrap_err();
    assert!(refused.to_string().contains("schema 4"), "{refused}");
    assert_eq!(log.sql("SELECT version FROM cosignet_log.schema"), "4");
    // One that version 1 has made: whoever serves brings it up to date first.
    for first in [
        |log: &Postgres| log.members().map(|_| ()),
        |log: &Postgres| log.lead().map(|_| ()),
    ] {
        for column in ["frozen", "kek", "closed", "successor"] {
            log.sql(&format!(
                "ALTER TABLE cosignet_log.head DROP COLUMN {column}"
            ));
        }
        log.sql("ALTER TABLE cosignet_log.evidence DROP COLUMN sealed");
        log.sql("DROP TABLE cosignet_log.evidence_key, cosignet_log.erasure_key");
        log.sql("UPDATE cosignet_log.schema SET version = 1");
        // Nobody else does: processes of version 1 may still run.
        for early in [
            log.backend().audit().map(|_| ()),
            log.backend().tokens().map(|_| ()),
            log.backend().head().map(|_| ()),
        ] {
            let early = early.unwrap_err().to_string();
            assert!(early.contains("brings it up to date"), "{early}");
        }
        assert_eq!(log.sql("SELECT version FROM cosignet_log.schema"), "1");
        first(&log.backend()).unwrap();
        assert_eq!(log.sql("SELECT version FROM cosignet_log.schema"), "3");
        let found = log.backend().audit().unwrap().complaints();
        assert!(found.is_empty(), "{found:?}");
    }
    let other = Fixture::new().unwrap();
    // As if this version had come without its tables: the steps are what makes them.
    other.sql("CREATE SCHEMA cosignet_log AUTHORIZATION log");
    other.sql("SET ROLE log; CREATE TABLE cosignet_log.schema (version int4 NOT NULL)");
    other.sql("INSERT INTO cosignet_log.schema VALUES (0)");
    let none = other.backend().lead().unwrap_err();
    assert!(none.to_string().contains("no log named"), "{none}");
    assert_eq!(other.sql("SELECT version FROM cosignet_log.schema"), "3");
    other.backend().create(&other.head(0, 0)).unwrap();
    other.backend().lead().unwrap();
}
