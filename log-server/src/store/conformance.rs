//! The rules of a back end, as tests against the traits: every back end has to pass all of them.
//!
//! A rule gets a back end without a log. [`conforms!`] makes tests of the rules for one more.

use std::collections::BTreeSet;
use std::sync::OnceLock;

#[cfg(feature = "postgres")]
use postgres_cluster::Cluster;
use test_vectors::weed::Weed;
use verifier_core::Time;
use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::*;
#[cfg(feature = "postgres")]
use crate::erasure_key::{ErasureKey, Keyring};
use crate::error::LogError;
use crate::key::LogKey;
use crate::layout::Layout;

/// A test of each rule for a back end: what makes one, and what has to live as long.
macro_rules! conforms {
    ($name:ident: $make:expr; $($rule:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $rule() {
                    if let Some((_alive, backend)) = $make {
                        super::$rule(&backend);
                    }
                }
            )*
        }
    };
}

macro_rules! backends {
    ($($rule:ident)*) => {
        conforms!(embedded: {
            let folder = tempfile::tempdir().unwrap();
            let layout = super::Layout::new(folder.path());
            Some((folder, super::Embedded::new(&layout)))
        }; $($rule)*);
        conforms!(memory: Some(((), super::Memory::default())); $($rule)*);
        #[cfg(feature = "postgres")]
        conforms!(postgres: super::in_postgres(); $($rule)*);
        #[cfg(feature = "postgres")]
        conforms!(postgres_with_an_erasure_key: super::sealed_in_postgres(); $($rule)*);
        #[cfg(feature = "postgres")]
        conforms!(postgres_and_bucket: super::in_postgres_and_a_bucket(); $($rule)*);
        conforms!(bucket: Some({
            let store = std::sync::Arc::new(super::Faulty::default());
            let folder = tempfile::tempdir().unwrap();
            let backend = super::detached(folder.path(), store.bucket());
            (folder, backend)
        }); $($rule)*);

        /// All of them, each on a place of its own, so that the server is started once.
        #[test]
        fn a_bucket_of_a_real_server() {
            let folder = tempfile::tempdir().unwrap();
            let Some(weed) = Weed::start(folder.path()) else {
                return;
            };
            let [_, (_, secret)] = Weed::credentials();
            $({
                let folder = tempfile::tempdir().unwrap();
                let address = concat!("s3://logs/", stringify!($rule));
                let bucket = super::bucket::tests::open(&weed, address, secret);
                println!("{}", stringify!($rule));
                $rule(&detached(folder.path(), bucket));
            })*
        }
    };
}

/// The back end of one machine, with its objects in a bucket.
fn detached(folder: &Path, bucket: Bucket) -> Detached {
    let embedded = Embedded::new(&Layout::new(folder));
    Detached::new(Box::new(embedded), Arc::new(bucket), key().public())
}

backends! {
    there_is_a_whole_log_or_none
    only_one_of_two_commits_on_a_head_takes_effect
    a_claim_that_is_taken_undoes_the_whole_commit
    what_is_committed_is_kept_until_it_is_published
    what_is_committed_is_found_by_everybody_at_once
    a_commit_that_failed_is_settled
    nobody_commits_or_publishes_beside_the_one_that_leads
    the_public_checkpoint_never_goes_back
    a_closed_log_takes_no_commit_and_stays_closed
    evidence_changes_only_if_it_is_what_it_was
    what_is_taken_away_is_pending_until_it_is_gone
    a_revoked_token_is_worthless_and_its_name_is_taken
    objects_are_what_was_put_last
    folders_are_listed_one_level_at_a_time
    fsck_sees_what_was_committed
    a_copy_has_all_of_it
}

/// A log in a database of its own, and a folder for its public objects.
#[cfg(feature = "postgres")]
fn postgres() -> Option<(tempfile::TempDir, Postgres, Arc<Directory>)> {
    let cluster = Cluster::shared()?;
    let address = database_address(&cluster.address(&cluster.database())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let objects = Arc::new(Directory::new(folder.path().join("public")));
    let backend = Postgres::new(address, key().public(), objects.clone());
    Some((folder, backend, objects))
}

/// The back end of several machines, with its public objects in that folder.
#[cfg(feature = "postgres")]
fn in_postgres() -> Option<(tempfile::TempDir, Detached)> {
    let (folder, postgres, objects) = postgres()?;
    Some((
        folder,
        Detached::new(Box::new(postgres), objects, key().public()),
    ))
}

/// The same with evidence under keys of its own.
#[cfg(feature = "postgres")]
fn sealed_in_postgres() -> Option<(tempfile::TempDir, Detached)> {
    let (folder, postgres, objects) = postgres()?;
    let mut keys = Keyring::default();
    keys.add(Arc::new(ErasureKey::generate().unwrap()));
    let postgres = postgres.with_keys(keys);
    Some((
        folder,
        Detached::new(Box::new(postgres), objects, key().public()),
    ))
}

/// The back end of several machines, whole: its objects are in a bucket.
#[cfg(feature = "postgres")]
fn in_postgres_and_a_bucket() -> Option<(tempfile::TempDir, Detached)> {
    let (folder, postgres, _) = postgres()?;
    let bucket = Arc::new(Faulty::default()).bucket();
    let backend = Detached::new(Box::new(postgres), Arc::new(bucket), key().public());
    Some((folder, backend))
}

/// The key of every log here: each has a place of its own.
fn key() -> &'static LogKey {
    static KEY: OnceLock<LogKey> = OnceLock::new();
    KEY.get_or_init(|| LogKey::generate("log.example").unwrap())
}

/// A signed head, of a tree that is none.
pub(super) fn head(key: &LogKey, size: u64, byte: u8) -> Head {
    let root = if size == 0 { EMPTY_ROOT } else { [byte; 32] };
    key.head(size, root).unwrap()
}

fn evidence(byte: u8) -> Evidence {
    Evidence {
        disclosure: Disclosure::Hash,
        approval_id: Some(format!("approval-{byte}")),
        client_data_json: Some(vec![byte; 100]),
        payload: None,
        action: None,
        blind: Some([byte; 32]),
        salt: None,
        email: None,
        context: Some(format!("context {byte}")),
        refusal: None,
    }
}

pub(crate) fn addition(byte: u8) -> Addition {
    Addition {
        leaf: format!("leaf {byte}"),
        claim: Claim {
            approval: [byte; 32],
            assertion: [byte + 100; 32],
        },
        evidence: evidence(byte),
    }
}

fn holders(leaf: u64) -> Holders {
    Holders {
        approval: Some(leaf),
        assertion: Some(leaf),
    }
}

/// Makes a log of these entries, `step` in each commit, none of them published.
fn with_entries(backend: &dyn Backend, key: &LogKey, count: u8, step: usize) -> Lead {
    backend.create(&head(key, 0, 0)).unwrap();
    let mut lead = backend.lead().unwrap();
    let all: Vec<_> = (0..count).map(addition).collect();
    for some in all.chunks(step) {
        let old = lead.store.head().unwrap();
        let size = old.size + crate::count(some.len());
        let new = head(key, size, u8::try_from(size).unwrap());
        let done = lead.store.commit(&old, &new, some, 0);
        assert_eq!(done.unwrap(), Outcome::Committed);
    }
    lead
}

fn there_is_a_whole_log_or_none(backend: &dyn Backend) {
    assert!(!backend.exists().unwrap());
    assert!(backend.lead().is_err());
    backend.require_vacant().unwrap();
    let first = head(key(), 0, 0);
    backend.create(&first).unwrap();
    assert!(backend.exists().unwrap());
    assert_eq!(backend.head().unwrap(), first);
    assert_eq!(backend.published().unwrap(), first.checkpoint);
    assert!(backend.require_vacant().is_err());
    assert!(backend.create(&head(key(), 0, 0)).is_err());
    assert_eq!(backend.head().unwrap(), first);
    let mut lead = backend.lead().unwrap();
    assert!(!lead.store.is_taken().unwrap());
    assert_eq!(lead.store.head().unwrap(), first);
    assert_eq!(lead.store.staged(0).unwrap(), [""; 0]);
}

fn only_one_of_two_commits_on_a_head_takes_effect(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 2, 1);
    for stale in [head(key, 1, 1), head(key, 2, 9), head(key, 3, 3)] {
        let done = lead
            .store
            .commit(&stale, &head(key, 4, 4), &[addition(7)], 0);
        assert_eq!(done.unwrap(), Outcome::Moved);
    }
    assert_eq!(lead.store.head().unwrap(), head(key, 2, 2));
    let claim = addition(7).claim;
    let found = lead.store.claimed(&[claim]).unwrap();
    assert_eq!(found, [Holders::default()]);
    assert_eq!(lead.store.staged(0).unwrap(), ["leaf 0", "leaf 1"]);
    let records = backend.records().unwrap();
    assert_eq!(records.find(&claim.approval).unwrap(), None);
    assert_eq!(records.evidence(2).unwrap(), None);
}

fn a_claim_that_is_taken_undoes_the_whole_commit(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 2, 2);
    let (mut approval, mut assertion) = (addition(8), addition(8));
    approval.claim.approval = addition(0).claim.approval;
    assertion.claim.assertion = addition(1).claim.assertion;
    // By another batch, by the same one, and each half alone.
    for taken in [approval, assertion, addition(1), addition(7)] {
        let batch = [addition(7), taken];
        let done = lead
            .store
            .commit(&head(key, 2, 2), &head(key, 4, 4), &batch, 0);
        assert!(done.is_err());
        assert_eq!(lead.store.settle().unwrap(), head(key, 2, 2));
        let claims = batch.map(|addition| addition.claim);
        let found = lead.store.claimed(&claims).unwrap();
        assert_eq!(found.first(), Some(&Holders::default()));
        assert_eq!(lead.store.staged(0).unwrap().len(), 2);
        assert!(!lead.store.is_taken().unwrap());
    }
}

fn what_is_committed_is_kept_until_it_is_published(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 3, 2);
    assert_eq!(lead.store.staged(1).unwrap(), ["leaf 1", "leaf 2"]);
    assert_eq!(lead.store.staged(3).unwrap(), [""; 0]);
    assert_eq!(lead.store.staged_leaf(2).unwrap(), "leaf 2");
    let done = lead
        .store
        .commit(&head(key, 3, 3), &head(key, 4, 4), &[addition(3)], 2);
    assert_eq!(done.unwrap(), Outcome::Committed);
    assert_eq!(lead.store.staged(2).unwrap(), ["leaf 2", "leaf 3"]);
    for lost in [
        lead.store.staged_leaf(4).map(|_| ()),
        lead.store.staged_leaf(99).map(|_| ()),
    ] {
        let failure = lost.unwrap_err();
        assert!(matches!(failure, LogError::Damage(_)), "{failure}");
    }
}

fn what_is_committed_is_found_by_everybody_at_once(backend: &dyn Backend) {
    let key = key();
    backend.create(&head(key, 0, 0)).unwrap();
    // They look before there is anything to see.
    let records = backend.records().unwrap();
    let other = backend.records().unwrap();
    assert_eq!(records.find(&addition(0).claim.approval).unwrap(), None);
    let mut lead = backend.lead().unwrap();
    for byte in 0..5 {
        let old = lead.store.head().unwrap();
        let size = old.size + 1;
        let new = head(key, size, byte + 1);
        let done = lead.store.commit(&old, &new, &[addition(byte)], 0);
        assert_eq!(done.unwrap(), Outcome::Committed);
        assert_eq!(lead.store.head().unwrap(), new);
        assert_eq!(backend.head().unwrap(), new);
        for records in [&records, &other] {
            // More often than there are connections.
            for _ in 0..9 {
                let found = records.find(&addition(byte).claim.approval);
                assert_eq!(found.unwrap(), Some(old.size));
                let kept = records.evidence(old.size).unwrap();
                assert_eq!(kept, Some(evidence(byte)));
            }
        }
    }
    let claims = [4, 9, 0].map(|byte| addition(byte).claim);
    let found = lead.store.claimed(&claims).unwrap();
    assert_eq!(found, [holders(4), Holders::default(), holders(0)]);
    // Each half by itself.
    let crossed = Claim {
        approval: addition(1).claim.approval,
        assertion: addition(3).claim.assertion,
    };
    let found = lead.store.claimed(&[crossed]).unwrap();
    let expected = Holders {
        approval: Some(1),
        assertion: Some(3),
    };
    assert_eq!(found, [expected]);
}

fn a_commit_that_failed_is_settled(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 1, 1);
    let (old, new) = (head(key, 1, 1), head(key, 2, 2));
    let batch = [addition(0)];
    assert!(lead.store.commit(&old, &new, &batch, 0).is_err());
    assert_eq!(lead.store.settle().unwrap(), old);
    // And it can be gone on from.
    let done = lead.store.commit(&old, &new, &[addition(1)], 0);
    assert_eq!(done.unwrap(), Outcome::Committed);
    assert_eq!(lead.store.settle().unwrap(), new);
}

fn nobody_commits_or_publishes_beside_the_one_that_leads(backend: &dyn Backend) {
    let key = key();
    let mut first = with_entries(backend, key, 1, 1);
    let (old, new) = (head(key, 1, 1), head(key, 2, 2));
    let batch = [addition(1)];
    match backend.lead() {
        Err(failure) => {
            assert!(matches!(failure, LogError::Usage(_)), "{failure}");
            let done = first.store.commit(&old, &new, &batch, 0);
            assert_eq!(done.unwrap(), Outcome::Committed);
            first.publish.publish(&new.checkpoint, 2).unwrap();
            drop(first);
        }
        Ok(mut second) => {
            let done = first.store.commit(&old, &new, &batch, 0);
            assert!(!matches!(done, Ok(Outcome::Committed)));
            assert!(first.publish.publish(&old.checkpoint, 1).is_err());
            assert!(first.store.settle().is_err());
            assert_eq!(backend.head().unwrap(), old);
            assert_ne!(backend.published().unwrap(), old.checkpoint);
            let done = second.store.commit(&old, &new, &batch, 0);
            assert_eq!(done.unwrap(), Outcome::Committed);
            second.publish.publish(&new.checkpoint, 2).unwrap();
            drop((first, second));
        }
    }
    assert_eq!(backend.published().unwrap(), new.checkpoint);
    // When it has ended, somebody else can.
    let mut next = backend.lead().unwrap();
    assert_eq!(next.store.head().unwrap(), new);
    let newer = head(key, 3, 3);
    let done = next.store.commit(&new, &newer, &[addition(2)], 2);
    assert_eq!(done.unwrap(), Outcome::Committed);
}

fn the_public_checkpoint_never_goes_back(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 3, 1);
    let [two, three] = [2, 3].map(|size| head(key, size, u8::try_from(size).unwrap()));
    for (head, goes) in [(&two, true), (&three, true), (&two, false), (&three, true)] {
        let done = lead.publish.publish(&head.checkpoint, head.size);
        assert_eq!(done.is_ok(), goes, "{}", head.size);
        let expected = if goes { head } else { &three };
        assert_eq!(backend.published().unwrap(), expected.checkpoint);
    }
    // The same head with more lines.
    let witness = "— witness.example AAAAAAAA\n";
    let more = three.checkpoint.clone() + witness;
    lead.publish.publish(&more, 3).unwrap();
    assert_eq!(backend.published().unwrap(), more);
    let read: &VerifierKey = key.public();
    assert_eq!(crate::key::open(read, &more).unwrap(), (3, three.root));
}

fn evidence_changes_only_if_it_is_what_it_was(backend: &dyn Backend) {
    let key = key();
    let _lead = with_entries(backend, key, 2, 2);
    let records = backend.records().unwrap();
    let mut new = evidence(1);
    new.disclosure = Disclosure::Public;
    new.payload = Some(b"a payload".to_vec());
    new.action = Some("pay \u{1f9fe}".into());
    new.salt = Some([3; 32]);
    new.email = Some("ann@example.com".into());
    new.refusal = Some([4; 32]);
    let other = evidence(0);
    let replaced = records.replace_evidence(1, &other, &new).unwrap();
    assert_eq!(replaced, Replaced::Other);
    assert_eq!(records.evidence(1).unwrap(), Some(evidence(1)));
    let replaced = records.replace_evidence(1, &evidence(1), &new).unwrap();
    assert_eq!(replaced, Replaced::Done);
    // To the letter, and beside one entry alone.
    assert_eq!(records.evidence(1).unwrap(), Some(new.clone()));
    assert_eq!(records.evidence(0).unwrap(), Some(other));
    // A change that is based on old evidence comes too late.
    let late = records.replace_evidence(1, &evidence(1), &evidence(1));
    assert_eq!(late.unwrap(), Replaced::Other);
    assert_eq!(records.evidence(1).unwrap(), Some(new));
    assert_eq!(records.evidence(2).unwrap(), None);
}

fn what_is_taken_away_is_pending_until_it_is_gone(backend: &dyn Backend) {
    let key = key();
    let _lead = with_entries(backend, key, 2, 2);
    let records = backend.records().unwrap();
    let eraser = backend.eraser().unwrap();
    let mut more = evidence(0);
    more.action = Some("pay".into());
    records.replace_evidence(0, &evidence(0), &more).unwrap();
    assert!(!records.is_erasing(0).unwrap());
    assert_eq!(eraser.pending().unwrap(), 0);
    let mut less = evidence(1);
    less.client_data_json = None;
    records.replace_evidence(1, &evidence(1), &less).unwrap();
    // It shows at once in look-ups, whatever is still in the files.
    assert_eq!(records.evidence(1).unwrap(), Some(less));
    assert!(records.is_erasing(1).unwrap());
    assert!(!records.is_erasing(0).unwrap());
    assert_eq!(eraser.pending().unwrap(), 1);
    // Somebody else finds it, too: the process may have ended.
    let eraser = backend.eraser().unwrap();
    assert_eq!(eraser.pending().unwrap(), 1);
    assert!(eraser.finish().unwrap());
    assert_eq!(eraser.pending().unwrap(), 0);
    assert!(!records.is_erasing(1).unwrap());
    // But for a note that it is done.
    assert!(eraser.journal() < 64 * 1024);
}

fn a_revoked_token_is_worthless_and_its_name_is_taken(backend: &dyn Backend) {
    backend.create(&head(key(), 0, 0)).unwrap();
    let tokens = backend.tokens().unwrap();
    let other = backend.tokens().unwrap();
    let token = |name: &str, id: &str, created: &str| TokenRow {
        name: name.into(),
        id: id.into(),
        hash: vec![7; 32],
        rights: "append disclose".into(),
        created: created.into(),
        revoked: None,
    };
    let late = token("a", "01", "2026-01-02T00:00:00.000Z");
    let early = token("b", "02", "2026-01-01T00:00:00.000Z");
    assert!(tokens.add(&late).unwrap());
    assert!(tokens.add(&early).unwrap());
    for same in [token("a", "03", "x"), token("c", "01", "x")] {
        assert!(!tokens.add(&same).unwrap());
    }
    assert_eq!(other.all().unwrap(), [early.clone(), late.clone()]);
    assert_eq!(other.find("01").unwrap(), Some(late.clone()));
    assert_eq!(other.find("03").unwrap(), None);
    let at = "2026-02-01T00:00:00.000Z";
    assert!(tokens.revoke("a", at).unwrap());
    assert_eq!(other.find("01").unwrap(), None);
    assert_eq!(other.find("02").unwrap(), Some(early.clone()));
    for name in ["a", "nobody"] {
        assert!(!other.revoke(name, "later").unwrap(), "{name}");
    }
    assert!(!tokens.add(&token("a", "04", "x")).unwrap());
    let revoked = TokenRow {
        revoked: Some(at.into()),
        ..late
    };
    assert_eq!(other.all().unwrap(), [early, revoked]);
    let audit = backend.audit().unwrap();
    assert_eq!(audit.damaged_tokens().unwrap(), [""; 0]);
}

fn objects_are_what_was_put_last(backend: &dyn Backend) {
    let (objects, other) = (backend.objects(), backend.objects());
    let name = "tile/0/x001/234.p/5";
    assert_eq!(objects.get(name).unwrap(), None);
    assert!(!objects.has(name).unwrap());
    assert_eq!(objects.written(name).unwrap(), None);
    for bytes in [&b"one"[..], b"", b"two\x00\xff"] {
        objects.put(name, bytes).unwrap();
        assert_eq!(other.get(name).unwrap().as_deref(), Some(bytes));
        assert_eq!(other.there(name).unwrap(), bytes);
    }
    assert!(other.has(name).unwrap());
    let written = objects.written(name).unwrap().unwrap();
    assert!(written > Time::EPOCH && written <= crate::now());
    // More than are written at a time.
    let many: Vec<(String, Vec<u8>)> = (0..50_u8)
        .map(|n| (format!("tile/entries/{n:03}"), vec![n; usize::from(n)]))
        .collect();
    let named: Vec<(String, &[u8])> = many.iter().map(|(n, b)| (n.clone(), &**b)).collect();
    objects.put_all(&named).unwrap();
    for (name, bytes) in &many {
        assert_eq!(other.get(name).unwrap().as_ref(), Some(bytes));
    }
    // The error names a missing object.
    let failure = objects.there("anchors/index.json").unwrap_err().to_string();
    assert!(failure.contains("anchors/index.json"), "{failure}");
    let failure = objects.text(name).unwrap_err().to_string();
    assert!(failure.contains("no text"), "{failure}");
    for _ in 0..2 {
        objects.delete(name).unwrap();
        assert_eq!(other.get(name).unwrap(), None);
    }
}

fn folders_are_listed_one_level_at_a_time(backend: &dyn Backend) {
    let objects = backend.objects();
    assert_eq!(objects.list("tile").unwrap(), []);
    // A tile and the folder of its partial ones lie side by side.
    let names = [
        "tile/0/000",
        "tile/0/000.p/12",
        "tile/0/000.p/13",
        "tile/0/0001",
        "tile/1/000.p/1",
        "tile/entries/x001/000",
    ];
    for name in names.into_iter().chain(["tiles", "checkpoint"]) {
        objects.put(name, name.as_bytes()).unwrap();
    }
    let sorted = |folder: &str| -> BTreeSet<Listed> {
        let listed = objects.list(folder).unwrap();
        let set: BTreeSet<_> = listed.iter().cloned().collect();
        assert_eq!(set.len(), listed.len());
        set
    };
    let folder = |name: &str| Listed::Folder(name.into());
    let object = |name: &str| Listed::Object(name.into());
    let expected = ["tile/0", "tile/1", "tile/entries"].map(folder);
    assert_eq!(sorted("tile"), expected.into());
    let expected = [
        object("tile/0/000"),
        object("tile/0/0001"),
        folder("tile/0/000.p"),
    ];
    assert_eq!(sorted("tile/0"), expected.into());
    assert_eq!(sorted("tile/9"), BTreeSet::new());
    let walked = walk(&*objects, "tile").unwrap();
    let set: BTreeSet<&str> = walked.iter().map(String::as_str).collect();
    assert_eq!(set, names.into());
    // Those of the inner folders before those of the outer ones.
    let at = |name| walked.iter().position(|one| one == name);
    assert!(at("tile/0/000.p/12") < at("tile/0/000"));
    for _ in 0..2 {
        objects.delete_folder("tile/0/000.p").unwrap();
        assert_eq!(objects.get("tile/0/000.p/12").unwrap(), None);
    }
    for stays in ["tile/0/000", "tile/0/0001", "tiles", "checkpoint"] {
        assert!(objects.has(stays).unwrap(), "{stays}");
    }
}

fn a_closed_log_takes_no_commit_and_stays_closed(backend: &dyn Backend) {
    let key = key();
    let closing = |at: &str, successor: Option<&str>| Closing {
        at: at.into(),
        successor: successor.map(Into::into),
    };
    let mut lead = with_entries(backend, key, 2, 1);
    let records = backend.records().unwrap();
    assert_eq!(records.closing().unwrap(), None);
    assert_eq!(records.holders(&addition(1).claim).unwrap(), holders(1));
    // Beside the one that leads, and again: the first time counts, and the last address.
    for (at, successor, known) in [
        ("2027-01-01", None, None),
        (
            "2027-01-02",
            Some("https://a.example"),
            Some("https://a.example"),
        ),
        ("2027-01-03", None, Some("https://a.example")),
        (
            "2027-01-04",
            Some("https://b.example"),
            Some("https://b.example"),
        ),
    ] {
        backend.close(&closing(at, successor)).unwrap();
        let found = records.closing().unwrap();
        assert_eq!(found, Some(closing("2027-01-01", known)));
    }
    let closed = Outcome::Closed(closing("2027-01-01", Some("https://b.example")));
    let two = lead.store.head().unwrap();
    for _ in 0..2 {
        let done = lead.store.commit(&two, &head(key, 3, 3), &[addition(2)], 0);
        assert_eq!(done.unwrap(), closed);
        assert_eq!(lead.store.head().unwrap(), two);
        assert_eq!(lead.store.staged(0).unwrap().len(), 2);
        let held = lead.store.claimed(&[addition(2).claim]).unwrap();
        assert_eq!(held, [Holders::default()]);
        // What was committed before is published all the same.
        lead.publish.publish(&two.checkpoint, 2).unwrap();
        // And so it is for whoever leads next.
        drop(lead);
        lead = backend.lead().unwrap();
    }
    // Evidence can be erased, and looked up.
    let less = Evidence {
        context: None,
        ..evidence(0)
    };
    let done = records.replace_evidence(0, &evidence(0), &less).unwrap();
    assert_eq!(done, Replaced::Done);
    assert_eq!(records.find(&addition(0).claim.approval).unwrap(), Some(0));
}

fn fsck_sees_what_was_committed(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 4, 3);
    let audit = backend.audit().unwrap();
    assert_eq!(audit.complaints().len(), 0);
    assert_eq!(audit.head().unwrap(), head(key, 4, 4));
    for leaf in 0..4_u8 {
        let index = u64::from(leaf);
        let found = audit.holders(&addition(leaf).claim).unwrap();
        assert_eq!(found, holders(index));
        let found = Found {
            kept: Some(evidence(leaf)),
            written: true,
        };
        assert_eq!(audit.evidence(index).unwrap(), Some(found));
    }
    assert_eq!(audit.evidence(4).unwrap(), None);
    for kind in [Claims::Approvals, Claims::Assertions] {
        assert_eq!(audit.count_claims(kind, 4).unwrap(), (4, vec![]));
        assert_eq!(audit.count_claims(kind, 3).unwrap(), (3, vec![]));
    }
    assert_eq!(audit.strays().unwrap(), []);
    assert_eq!(audit.staged(2).unwrap(), ["leaf 2", "leaf 3"]);
    let before = audit.staged_before(1).unwrap();
    assert_eq!(before, [(0, "leaf 0".to_owned())]);
    // It sees what comes later as well.
    let new = head(key, 5, 5);
    let done = lead.store.commit(&head(key, 4, 4), &new, &[addition(4)], 4);
    assert_eq!(done.unwrap(), Outcome::Committed);
    assert_eq!(audit.head().unwrap(), new);
    assert_eq!(audit.staged(4).unwrap(), ["leaf 4"]);
}

fn a_copy_has_all_of_it(backend: &dyn Backend) {
    let key = key();
    let mut lead = with_entries(backend, key, 3, 2);
    let done = lead
        .store
        .commit(&head(key, 3, 3), &head(key, 4, 4), &[addition(3)], 3);
    assert_eq!(done.unwrap(), Outcome::Committed);
    let token = TokenRow {
        name: "service".into(),
        id: "01".into(),
        hash: vec![7; 32],
        rights: "append".into(),
        created: "2026-01-01T00:00:00.000Z".into(),
        revoked: None,
    };
    assert!(backend.tokens().unwrap().add(&token).unwrap());
    let closing = Closing {
        at: "2027-01-01T00:00:00.000Z".into(),
        successor: Some("https://next.example".into()),
    };
    backend.close(&closing).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let target = Embedded::new(&layout);
    let mut copy = target.begin_copy(backend).unwrap();
    assert_eq!(copy.head().unwrap(), head(key, 4, 4));
    assert_eq!(copy.first_staged().unwrap(), Some(3));
    copy.stage(2, &["leaf 2".into()]).unwrap();
    assert_eq!(copy.staged(2).unwrap(), ["leaf 2", "leaf 3"]);
    assert!(!target.exists().unwrap());
    target.adopt(&copy.finish()).unwrap();

    assert_eq!(target.head().unwrap(), head(key, 4, 4));
    let records = target.records().unwrap();
    assert_eq!(records.closing().unwrap(), Some(closing));
    for leaf in 0..4_u8 {
        let found = records.find(&addition(leaf).claim.approval).unwrap();
        assert_eq!(found, Some(u64::from(leaf)));
        let kept = records.evidence(u64::from(leaf)).unwrap();
        assert_eq!(kept, Some(evidence(leaf)));
    }
    let audit = target.audit().unwrap();
    assert_eq!(audit.complaints().len(), 0);
    assert_eq!(audit.holders(&addition(3).claim).unwrap(), holders(3));
    assert_eq!(target.tokens().unwrap().all().unwrap(), [token]);
}
