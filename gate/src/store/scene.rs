//! A store with some people in it, on a clock that tests move.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use verifier_core::Time;
use verifier_core::hazmat::decision::Clause;
use verifier_core::hazmat::encoding::sha256;

use super::{Invite, Limits, NewCredential, NewRequest, Repeats, Sqlite, Store, Trouble};
use crate::person::{ApiKey, Rights};
use crate::refusal::Reason;
use crate::request::{Requester, RuleName};
use crate::rules::{Escalation, Require};
use crate::terms::Terms;

pub(in crate::store) const START: u64 = 1_800_000_000_000;
pub(in crate::store) const LIFETIME: u64 = 60_000;
pub(in crate::store) const CLAIM_WITHIN: u64 = 30_000;
pub(in crate::store) const WIDENS: u64 = 20_000;

/// Name, groups, and whether the passkey is synced.
pub(in crate::store) const PEOPLE: [(&str, &[&str]); 5] = [
    ("ann", &["finance", "board"]),
    ("bob", &["finance"]),
    ("cat", &["board"]),
    ("dan", &["oncall"]),
    ("eve", &[]),
];
/// The owner of the key that asks.
pub(in crate::store) const OWNER: usize = 1;

pub(in crate::store) const RULES: [&[(&str, usize)]; 3] = [
    &[("finance", 1)],
    &[("finance", 1), ("board", 1)],
    &[("finance", 2)],
];

pub(in crate::store) struct Scene {
    pub(in crate::store) folder: TempDir,
    pub(in crate::store) clock: Arc<AtomicU64>,
    store: Option<Sqlite>,
    pub(in crate::store) runtime: tokio::runtime::Runtime,
}

impl Scene {
    pub(in crate::store) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Sqlite::create(&folder.path().join("db")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let mut scene = Self {
            folder,
            clock: Arc::new(AtomicU64::new(START)),
            store: None,
            runtime,
        };
        scene.open();
        for (name, groups) in PEOPLE {
            let hash = sha256(name.as_bytes());
            let invite = Invite {
                hash,
                person: name.into(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                lifetime: 1000,
            };
            let credential = NewCredential {
                id: name.as_bytes().to_vec(),
                public_key: vec![1],
                backup_eligible: true,
                backed_up: true,
                transports: Vec::new(),
                attestation: "none".into(),
                registration: "{}".into(),
            };
            scene.run(scene.store().invite(invite)).unwrap();
            scene.run(scene.store().enrolment(hash, [7; 32])).unwrap();
            scene.run(scene.store().enrol(hash, credential)).unwrap();
        }
        scene
    }

    pub(in crate::store) fn open(&mut self) {
        self.store = None;
        let clock = Arc::clone(&self.clock);
        let clock = move || Time::from_millis(clock.load(Ordering::Relaxed)).unwrap();
        let path = self.folder.path().join("db");
        self.store = Some(open(&path, clock));
    }

    pub(in crate::store) fn store(&self) -> &Sqlite {
        self.store.as_ref().unwrap()
    }

    pub(in crate::store) fn run<T>(
        &self,
        answer: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Reason> {
        self.runtime
            .block_on(answer)
            .map_err(|trouble| match trouble {
                Trouble::Refused(refusal) => refusal.reason,
                Trouble::Store(error) => panic!("{error}"),
            })
    }

    pub(in crate::store) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }
}

pub(in crate::store) fn open(
    path: &Path,
    clock: impl Fn() -> Time + Send + Sync + 'static,
) -> Sqlite {
    Sqlite::open(path, Arc::new(clock), |_| {}).unwrap()
}

pub(in crate::store) fn key() -> ApiKey {
    ApiKey {
        id: "k".into(),
        name: "agent".into(),
        hash: [0; 32],
        rights: Rights::default(),
        owner: None,
        created: Time::EPOCH,
        revoked: None,
    }
}

pub(in crate::store) fn new_request(number: usize, rule: usize) -> NewRequest {
    NewRequest {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        requester: Requester {
            key: "k".into(),
            name: "agent".into(),
            since: Time::EPOCH,
            owner: Some(PEOPLE[OWNER].0.into()),
        },
        repeats: Repeats::Named(number.to_string()),
        body_hash: [0; 32],
        action: "pay".into(),
        payload: b"{}".to_vec(),
        rule: RuleName {
            name: "r".into(),
            sha256: [0; 32],
            text: "{}".into(),
        },
        terms: Terms {
            clauses: RULES[rule]
                .iter()
                .map(|(group, n)| Clause::new((*group).to_owned(), *n).unwrap())
                .collect(),
            escalate: vec![Escalation {
                after: Duration::from_millis(WIDENS),
                group: "oncall".into(),
                to: "finance".into(),
            }],
            require: Require::UserVerified,
            claimers: None,
            claim_within: CLAIM_WITHIN,
        },
        audience: "here".into(),
        secret: [0; 32],
        approver: None,
        lifetime: LIFETIME,
        limits: Limits {
            of_key: 1000,
            of_person: 1000,
        },
    }
}
