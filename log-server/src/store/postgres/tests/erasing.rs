//! Evidence under keys of its own: sealed, erased, and brought under the next erasure key.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::sealing::Resealer;
use super::*;
use crate::erasure_key::{DataKey, ErasureKey, Keyring, Wrapper};
use crate::store::Found;
use crate::store::sealing::{Census, ErasureKeys, Sealing, Step};

fn key() -> Arc<ErasureKey> {
    Arc::new(ErasureKey::generate().unwrap())
}

fn ring(keys: &[&Arc<ErasureKey>]) -> Keyring {
    let mut ring = Keyring::default();
    for key in keys {
        let key: Arc<ErasureKey> = Arc::clone(key);
        ring.add(key);
    }
    ring
}

/// A log whose evidence is sealed under this key, if there is one, from the beginning.
fn sealed<C: Borrow<Cluster>>(log: Fixture<C>, keys: &[&Arc<ErasureKey>]) -> Fixture<C> {
    let backend = log.backend().with_keys(ring(keys));
    backend.create(&log.head(0, 0)).unwrap();
    log
}

fn evidence(number: u64) -> Evidence {
    Evidence {
        payload: Some(format!("PAYLOAD-{number:05}-").repeat(20).into_bytes()),
        email: Some(format!("ann-{number:05}@example.com")),
        context: Some(format!("context {number:05}")),
        disclosure: Disclosure::Public,
        ..addition(number).evidence
    }
}

fn with_evidence(number: u64) -> Addition {
    Addition {
        evidence: evidence(number),
        ..addition(number)
    }
}

/// Appends so many entries to the ones that are there.
fn append(lead: &mut Lead, key: &LogKey, count: u64) -> Result<()> {
    let old = lead.store.head()?;
    let size = old.size + count;
    let new = head(key, size, u8::try_from(size).unwrap());
    let some: Vec<_> = (old.size..size).map(with_evidence).collect();
    match lead.store.commit(&old, &new, &some, 0)? {
        Outcome::Committed => Ok(()),
        other => panic!("{other:?}"),
    }
}

fn nothing(of: &Evidence) -> Evidence {
    Evidence {
        disclosure: Disclosure::Sealed,
        approval_id: None,
        client_data_json: None,
        payload: None,
        blind: None,
        email: None,
        context: None,
        ..of.clone()
    }
}

fn all(step: impl FnMut(u64) -> Result<Option<Step>>) -> u64 {
    crate::store::sealing::all(step).unwrap()
}

fn census(backend: &Postgres) -> Census {
    let mut census = Census::default();
    let mut sealing = backend.sealing().unwrap().unwrap();
    assert_eq!(sealing.count(0, &mut census).unwrap(), None);
    census
}

fn contains(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|item| {
        let path = item.unwrap().path();
        if path.is_dir() {
            return contains(&path, bytes);
        }
        // What the server removes meanwhile has nothing in it.
        let file = std::fs::read(&path).unwrap_or_default();
        file.windows(bytes.len()).any(|window| window == bytes)
    })
}

/// Neither in tables nor in the write-ahead log.
#[test]
fn sealed_evidence_is_in_no_file_of_the_server() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let folder = cluster.sql("postgres", "SHOW data_directory");
    for (number, erasure_key) in [(11_111, None), (22_222, Some(key()))] {
        let keys: Vec<_> = erasure_key.iter().collect();
        let log = sealed(Fixture::on(&cluster), &keys);
        let backend = log.backend().with_keys(ring(&keys));
        let mut lead = backend.lead().unwrap();
        let (old, new) = (log.head(0, 0), log.head(1, 1));
        lead.store
            .commit(&old, &new, &[with_evidence(number)], 0)
            .unwrap();
        let kept = backend.records().unwrap().evidence(0).unwrap();
        assert_eq!(kept, Some(evidence(number)));
        cluster.sql("postgres", "CHECKPOINT");
        for text in [
            format!("PAYLOAD-{number}"),
            format!("ann-{number}@"),
            format!("context {number}"),
        ] {
            let is_there = contains(Path::new(&folder), text.as_bytes());
            assert_eq!(is_there, erasure_key.is_none(), "{text}");
        }
    }
}

#[test]
fn sealed_evidence_opens_beside_its_entry_and_as_it_was_disclosed() {
    let Some(log) = Fixture::new() else { return };
    let key = key();
    let log = sealed(log, &[&key]);
    let backend = log.backend().with_keys(ring(&[&key]));
    let mut lead = backend.lead().unwrap();
    append(&mut lead, &log.key, 3).unwrap();
    let records = backend.records().unwrap();
    let audit = backend.audit().unwrap();
    // Ciphertexts of two entries, with all that belongs to them.
    log.sql(
        "UPDATE cosignet_log.evidence SET leaf = -1 WHERE leaf = 0; \
         UPDATE cosignet_log.evidence SET leaf = 0 WHERE leaf = 1; \
         UPDATE cosignet_log.evidence SET leaf = 1 WHERE leaf = -1; \
         UPDATE cosignet_log.evidence_key SET leaf = -1 WHERE leaf = 0; \
         UPDATE cosignet_log.evidence_key SET leaf = 0 WHERE leaf = 1; \
         UPDATE cosignet_log.evidence_key SET leaf = 1 WHERE leaf = -1",
    );
    for leaf in [0, 1] {
        for failure in [
            records.evidence(leaf).unwrap_err(),
            audit.evidence(leaf).unwrap_err(),
        ] {
            assert!(failure.is_damage(), "{failure}");
            assert!(
                failure.to_string().contains("cannot be opened"),
                "{failure}"
            );
        }
    }
    assert_eq!(records.evidence(2).unwrap(), Some(evidence(2)));
    // Nor can somebody who writes to the database have more shown than was asked for.
    log.sql("UPDATE cosignet_log.evidence SET disclosure = 1 WHERE leaf = 2");
    assert!(records.evidence(2).unwrap_err().is_damage());
    log.sql("UPDATE cosignet_log.evidence SET disclosure = 2 WHERE leaf = 2");
    assert_eq!(records.evidence(2).unwrap(), Some(evidence(2)));
    // Also what nobody could open is held against its checksum.
    let blind = log.backend().audit().unwrap();
    let found = |written| {
        Some(Found {
            kept: None,
            written,
        })
    };
    assert_eq!(blind.evidence(2).unwrap(), found(true));
    log.sql("UPDATE cosignet_log.evidence SET sealed = sealed || '\\x00' WHERE leaf = 2");
    assert_eq!(blind.evidence(2).unwrap(), found(false));
    log.sql("DELETE FROM cosignet_log.evidence_key WHERE leaf = 2");
    assert!(blind.evidence(2).unwrap_err().is_damage());
}

#[test]
fn what_was_erased_is_unreadable_in_a_backup_when_its_key_is_destroyed() {
    let Some(log) = Fixture::new() else { return };
    let (old, new) = (key(), key());
    let log = sealed(log, &[&old]);
    let before = log.backend().with_keys(ring(&[&old]));
    let mut lead = before.lead().unwrap();
    append(&mut lead, &log.key, 2).unwrap();
    drop(lead);
    let records = before.records().unwrap();
    // What archives and backups have.
    log.sql(
        "CREATE TABLE evidence AS TABLE cosignet_log.evidence; \
         CREATE TABLE evidence_key AS TABLE cosignet_log.evidence_key",
    );
    let less = nothing(&evidence(0));
    let done = records.replace_evidence(0, &evidence(0), &less).unwrap();
    assert_eq!(done, Replaced::Done);
    assert_eq!(records.evidence(0).unwrap(), Some(less));
    let keys = "SELECT count(*) FROM cosignet_log.evidence_key WHERE leaf = 0";
    assert_eq!(log.sql(keys), "0");
    let sealed = "SELECT count(*) FROM cosignet_log.evidence WHERE leaf = 0 AND sealed IS NULL";
    assert_eq!(log.sql(sealed), "1");

    let both = log.backend().with_keys(ring(&[&old, &new]));
    let mut sealing = both.sealing().unwrap().unwrap();
    sealing.begin(new.id(), &[]).unwrap();
    assert_eq!(all(|first| sealing.rewrap(first)), 1);
    assert_eq!(all(|first| sealing.seal(first)), 0);
    assert_eq!(sealing.end(new.id()).unwrap(), [old.id()]);
    log.sql(
        "TRUNCATE cosignet_log.evidence, cosignet_log.evidence_key; \
         INSERT INTO cosignet_log.evidence SELECT * FROM evidence; \
         INSERT INTO cosignet_log.evidence_key SELECT * FROM evidence_key",
    );
    // Whoever still has the key reads it, and nobody else.
    let records = both.records().unwrap();
    assert_eq!(records.evidence(0).unwrap(), Some(evidence(0)));
    let after = log.backend().with_keys(ring(&[&new]));
    let refused = after.records().unwrap().evidence(0).unwrap_err();
    assert!(refused.to_string().contains(old.id()), "{refused}");
    // Nor under the name of the other one.
    let name = format!("UPDATE cosignet_log.evidence_key SET kek = '{}'", new.id());
    log.sql(&name);
    assert!(
        after
            .records()
            .unwrap()
            .evidence(0)
            .unwrap_err()
            .is_damage()
    );
}

#[test]
fn a_change_of_keys_goes_on_where_it_was_interrupted_while_the_log_runs() {
    let Some(log) = Fixture::new() else { return };
    let (old, new) = (key(), key());
    let log = sealed(log, &[&old]);
    let backend = log.backend().with_keys(ring(&[&old, &new]));
    let mut lead = backend.lead().unwrap();
    append(&mut lead, &log.key, 10).unwrap();
    let change = |steps| {
        let mut change = Resealer::open(&backend.place).unwrap();
        change.steps = steps;
        change
    };
    let mut first = change([3, 2]);
    first.begin(new.id(), &[]).unwrap();
    let step = first.rewrap(0).unwrap().unwrap();
    assert_eq!((step.done, step.next), (3, 3));
    drop(first);
    let counts = |backend: &Postgres| {
        let sealed = census(backend).sealed;
        [&old, &new].map(|key| sealed.get(key.id()).copied().unwrap_or_default())
    };
    assert_eq!(counts(&backend), [7, 3]);
    // The log goes on meanwhile, and everything new is under the new key.
    append(&mut lead, &log.key, 2).unwrap();
    assert_eq!(counts(&backend), [7, 5]);
    let records = backend.records().unwrap();
    let mut less = evidence(8);
    less.email = None;
    records.replace_evidence(8, &evidence(8), &less).unwrap();
    assert_eq!(counts(&backend), [6, 6]);
    records
        .replace_evidence(9, &evidence(9), &nothing(&evidence(9)))
        .unwrap();
    assert_eq!(counts(&backend), [5, 6]);
    for leaf in [0, 5, 10] {
        assert_eq!(records.evidence(leaf).unwrap(), Some(evidence(leaf)));
    }
    let needed = |backend: &Postgres| backend.sealing().unwrap().unwrap().keys().unwrap();
    let mut ids = [old.id().to_owned(), new.id().to_owned()];
    ids.sort();
    let both = ErasureKeys {
        current: Some(new.id().into()),
        needed: ids.to_vec(),
    };
    assert_eq!(needed(&backend), both);

    let mut again = change([3, 2]);
    again.begin(new.id(), &[]).unwrap();
    assert_eq!(all(|first| again.rewrap(first)), 5);
    assert_eq!(all(|first| again.seal(first)), 0);
    assert_eq!(again.end(new.id()).unwrap(), [old.id()]);
    assert_eq!(counts(&backend), [0, 11]);
    let alone = log.backend().with_keys(ring(&[&new]));
    let records = alone.records().unwrap();
    for leaf in (0..12).filter(|leaf| ![8, 9].contains(leaf)) {
        assert_eq!(records.evidence(leaf).unwrap(), Some(evidence(leaf)));
    }
    assert_eq!(records.evidence(8).unwrap(), Some(less));
    drop(lead);
    alone.lead().unwrap();
    assert!(alone.audit().unwrap().complaints().is_empty());
}

#[test]
fn a_log_that_had_no_key_gets_one_while_it_runs() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let key = key();
    let backend = log.backend().with_keys(ring(&[&key]));
    let mut lead = backend.lead().unwrap();
    append(&mut lead, &log.key, 5).unwrap();
    let records = backend.records().unwrap();
    records
        .replace_evidence(4, &evidence(4), &nothing(&evidence(4)))
        .unwrap();
    assert_eq!(census(&backend).plain, 4);
    // What was damaged before stays so.
    log.sql("UPDATE cosignet_log.evidence SET email = 'eve@example.com' WHERE leaf = 3");
    let mut change = Resealer::open(&backend.place).unwrap();
    change.steps = [3, 2];
    change.begin(key.id(), &[]).unwrap();
    assert_eq!(change.seal(0).unwrap().unwrap().next, 2);
    drop(change);
    append(&mut lead, &log.key, 1).unwrap();
    assert_eq!(census(&backend).plain, 2);
    let mut change = backend.sealing().unwrap().unwrap();
    change.begin(key.id(), &[]).unwrap();
    assert_eq!(all(|first| change.rewrap(first)), 0);
    assert_eq!(all(|first| change.seal(first)), 2);
    assert_eq!(change.end(key.id()).unwrap(), [""; 0]);
    assert_eq!(census(&backend).plain, 0);
    assert_eq!(census(&backend).sealed.get(key.id()), Some(&5));
    let audit = backend.audit().unwrap();
    for (leaf, written) in [(0, true), (2, true), (3, false), (4, true), (5, true)] {
        assert_eq!(
            audit.evidence(leaf).unwrap().unwrap().written,
            written,
            "{leaf}"
        );
    }
    assert_eq!(records.evidence(5).unwrap(), Some(evidence(5)));
    // Old versions of the rows are taken away like what was erased.
    let eraser = backend.eraser().unwrap();
    assert!(eraser.pending().unwrap() > 0);
    let begun = Instant::now();
    while !eraser.finish().unwrap() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(eraser.pending().unwrap(), 0);
}

#[test]
fn a_member_needs_every_key_of_its_log() {
    let Some(log) = Fixture::new() else { return };
    let (old, new) = (key(), key());
    let log = sealed(log, &[&old]);
    let with = |keys: &[&Arc<ErasureKey>]| log.backend().with_keys(ring(keys));
    let mut lead = with(&[&old]).lead().unwrap();
    append(&mut lead, &log.key, 1).unwrap();
    let refuses = |keys: &[&Arc<ErasureKey>], lacks: &ErasureKey| {
        let backend = with(keys);
        let file = log.folder.path().join("copy.sqlite");
        std::fs::write(&file, "").unwrap();
        for refused in [
            backend.members().map(|_| ()),
            backend.lead().map(|_| ()),
            backend.copy_to(&file),
        ] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, LogError::Usage(_)), "{refused}");
            assert!(refused.to_string().contains(lacks.id()), "{refused}");
        }
    };
    refuses(&[], &old);
    refuses(&[&new], &old);
    // Whoever changes the key has to have the old one, and nothing has begun.
    let mut change = with(&[&new]).sealing().unwrap().unwrap();
    assert!(change.begin(new.id(), &[]).is_err());
    with(&[&old]).members().unwrap();
    let mut change = with(&[&old, &new]).sealing().unwrap().unwrap();
    change.begin(new.id(), &[]).unwrap();
    refuses(&[&old], &new);
    refuses(&[&new], &old);
    // One that leads with the old key alone writes nothing more, and makes room for another one.
    let before = log.backend().head().unwrap();
    let refused = append(&mut lead, &log.key, 1).unwrap_err();
    assert!(matches!(refused, LogError::Deposed(_)), "{refused}");
    assert!(refused.to_string().contains(new.id()), "{refused}");
    assert_eq!(log.backend().head().unwrap(), before);
    drop(lead);
    let both = with(&[&old, &new]);
    let mut lead = both.lead().unwrap();
    append(&mut lead, &log.key, 1).unwrap();
    // One that follows says what it lacks, entry by entry, and changes nothing.
    let records = with(&[&old]).records().unwrap();
    assert_eq!(records.evidence(0).unwrap(), Some(evidence(0)));
    let refused = records.evidence(1).unwrap_err();
    assert!(refused.to_string().contains(new.id()), "{refused}");
    let refused = records.replace_evidence(0, &evidence(0), &nothing(&evidence(0)));
    assert!(refused.unwrap_err().to_string().contains(new.id()));
    assert_eq!(records.evidence(0).unwrap(), Some(evidence(0)));
}

#[test]
fn a_lost_key_takes_its_evidence_with_it_and_the_log_goes_on() {
    let Some(log) = Fixture::new() else { return };
    let (lost, new) = (key(), key());
    let log = sealed(log, &[&lost]);
    let mut lead = log.backend().with_keys(ring(&[&lost])).lead().unwrap();
    append(&mut lead, &log.key, 3).unwrap();
    drop(lead);
    let backend = log.backend().with_keys(ring(&[&new]));
    assert!(backend.lead().is_err());
    let mut change = backend.sealing().unwrap().unwrap();
    let ids = [lost.id().to_owned()];
    change.begin(new.id(), &ids).unwrap();
    assert_eq!(all(|first| change.give_up(first, &ids)), 3);
    assert_eq!(all(|first| change.rewrap(first)), 0);
    assert_eq!(change.end(new.id()).unwrap(), ids);
    let mut lead = backend.lead().unwrap();
    append(&mut lead, &log.key, 1).unwrap();
    let audit = backend.audit().unwrap();
    let found = Found {
        kept: Some(nothing(&evidence(0))),
        written: true,
    };
    assert_eq!(audit.evidence(0).unwrap(), Some(found));
    assert_eq!(audit.evidence(3).unwrap().unwrap().kept, Some(evidence(3)));
}

/// A key that a service keeps, which is away at times.
#[derive(Debug)]
struct Away {
    key: Arc<ErasureKey>,
    away: Arc<AtomicBool>,
}

impl Away {
    fn check(&self) -> Result<()> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(LogError::System("the service of keys is away".into())),
            false => Ok(()),
        }
    }
}

impl Wrapper for Away {
    fn id(&self) -> &str {
        self.key.id()
    }

    fn wrap(&self, keys: &[DataKey]) -> Result<Vec<Vec<u8>>> {
        self.check()?;
        self.key.wrap(keys)
    }

    fn open(&self, wrapped: &[&[u8]]) -> Result<Vec<Option<DataKey>>> {
        self.check()?;
        self.key.open(wrapped)
    }
}

#[test]
fn while_keys_cannot_be_had_nothing_is_written_nor_lost() {
    let Some(log) = Fixture::new() else { return };
    let away = Arc::new(AtomicBool::new(false));
    let mut keys = Keyring::default();
    keys.add(Arc::new(Away {
        key: key(),
        away: Arc::clone(&away),
    }));
    let backend = log.backend().with_keys(keys);
    backend.create(&log.head(0, 0)).unwrap();
    let mut lead = backend.lead().unwrap();
    append(&mut lead, &log.key, 1).unwrap();
    let records = backend.records().unwrap();
    away.store(true, Ordering::SeqCst);
    let refused = append(&mut lead, &log.key, 1).unwrap_err().to_string();
    assert!(refused.contains("away"), "{refused}");
    assert_eq!(lead.store.settle().unwrap(), log.head(1, 1));
    assert!(!lead.store.is_taken().unwrap());
    assert_eq!(backend.head().unwrap(), log.head(1, 1));
    assert!(records.evidence(0).is_err());
    let less = nothing(&evidence(0));
    assert!(records.replace_evidence(0, &evidence(0), &less).is_err());
    away.store(false, Ordering::SeqCst);
    assert_eq!(records.evidence(0).unwrap(), Some(evidence(0)));
    append(&mut lead, &log.key, 1).unwrap();
    assert_eq!(records.evidence(1).unwrap(), Some(evidence(1)));
    let done = records.replace_evidence(0, &evidence(0), &less);
    assert_eq!(done.unwrap(), Replaced::Done);
}

/// A key during whose use something else happens, once.
struct Meanwhile {
    key: Arc<ErasureKey>,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.key.fmt(f)
    }
}

impl Wrapper for Meanwhile {
    fn id(&self) -> &str {
        self.key.id()
    }

    fn wrap(&self, keys: &[DataKey]) -> Result<Vec<Vec<u8>>> {
        if let Some(then) = held(&self.then).take() {
            then();
        }
        self.key.wrap(keys)
    }

    fn open(&self, wrapped: &[&[u8]]) -> Result<Vec<Option<DataKey>>> {
        self.key.open(wrapped)
    }
}

/// The keys of a process, during the use of the first of which something else happens.
fn meanwhile(
    key: &Arc<ErasureKey>,
    others: &[&Arc<ErasureKey>],
    then: impl FnOnce() + Send + 'static,
) -> Keyring {
    let mut ring = Keyring::default();
    ring.add(Arc::new(Meanwhile {
        key: Arc::clone(key),
        then: Mutex::new(Some(Box::new(then))),
    }));
    for other in others {
        let other: Arc<ErasureKey> = Arc::clone(other);
        ring.add(other);
    }
    ring
}

#[test]
fn nothing_is_written_under_a_key_that_was_given_up_meanwhile() {
    let Some(log) = Fixture::new() else { return };
    let (old, new) = (key(), key());
    let log = sealed(log, &[&old]);
    let both = log.backend().with_keys(ring(&[&old, &new]));
    let mut lead = both.lead().unwrap();
    append(&mut lead, &log.key, 2).unwrap();
    let begin = {
        let (both, id) = (both.clone(), new.id().to_owned());
        move || {
            let mut change = both.sealing().unwrap().unwrap();
            change.begin(&id, &[]).unwrap();
        }
    };
    let slow = log.backend().with_keys(meanwhile(&old, &[&new], begin));
    let records = slow.records().unwrap();
    let mut less = evidence(0);
    less.email = None;
    let done = records.replace_evidence(0, &evidence(0), &less);
    assert_eq!(done.unwrap(), Replaced::Done);
    assert_eq!(records.evidence(0).unwrap(), Some(less));
    assert_eq!(census(&both).sealed.get(new.id()), Some(&1));
}

#[test]
fn what_changes_during_a_change_of_keys_stays_as_it_was_changed() {
    let Some(log) = Fixture::with_log() else {
        return;
    };
    let (old, new) = (key(), key());
    let both = log.backend().with_keys(ring(&[&old, &new]));
    let mut lead = both.lead().unwrap();
    append(&mut lead, &log.key, 4).unwrap();
    let replace = |leaf: u64, less: Evidence| {
        let both = both.clone();
        move || {
            let records = both.records().unwrap();
            let found = records.evidence(leaf).unwrap().unwrap();
            let done = records.replace_evidence(leaf, &found, &less).unwrap();
            assert_eq!(done, Replaced::Done);
        }
    };
    let mut less = evidence(1);
    less.email = None;
    // While it is sealed for the first time.
    let then = replace(0, nothing(&evidence(0)));
    let slow = log.backend().with_keys(meanwhile(&old, &[], then));
    let mut change = slow.sealing().unwrap().unwrap();
    change.begin(old.id(), &[]).unwrap();
    assert_eq!(all(|first| change.seal(first)), 3);
    change.end(old.id()).unwrap();
    // And while its key is wrapped anew: replaced, and erased.
    for (leaf, less) in [(1, less.clone()), (2, nothing(&evidence(2)))] {
        let (from, to) = match leaf {
            1 => (&old, &new),
            _ => (&new, &old),
        };
        let slow = meanwhile(to, &[from], replace(leaf, less));
        let slow = log.backend().with_keys(slow);
        let mut change = slow.sealing().unwrap().unwrap();
        change.begin(to.id(), &[]).unwrap();
        all(|first| change.rewrap(first));
        assert_eq!(change.end(to.id()).unwrap(), [from.id()]);
    }
    let records = both.records().unwrap();
    for (leaf, expected) in [
        (0, nothing(&evidence(0))),
        (1, less),
        (2, nothing(&evidence(2))),
        (3, evidence(3)),
    ] {
        assert_eq!(records.evidence(leaf).unwrap(), Some(expected), "{leaf}");
    }
    let keys = "SELECT count(*) FROM cosignet_log.evidence_key";
    assert_eq!(log.sql(keys), "2");
}
