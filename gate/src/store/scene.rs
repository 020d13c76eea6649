//! A store with some people in it, on a clock that tests move; in each database that there is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(feature = "postgres")]
use postgres_cluster::Cluster;
use tempfile::TempDir;
use verifier_core::Time;
use verifier_core::hazmat::decision::Clause;
use verifier_core::hazmat::encoding::sha256;

#[cfg(feature = "postgres")]
use super::postgres::Database;
use super::sql::{Notify, Sql};
use super::{
    Invite, Limits, NewCredential, NewRequest, Repeats, Store, StoreError, Trouble, sqlite,
};
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

/// Each of these rules as a test, in each database.
macro_rules! in_each_database {
    ($($rule:ident)+) => {
        mod in_sqlite {
            $(
                #[test]
                fn $rule() {
                    super::$rule(crate::store::scene::Scene::in_sqlite());
                }
            )+
        }

        #[cfg(feature = "postgres")]
        mod in_postgres {
            $(
                #[test]
                fn $rule() {
                    if let Some(scene) = crate::store::scene::Scene::in_postgres() {
                        super::$rule(scene);
                    }
                }
            )+
        }
    };
}
pub(in crate::store) use in_each_database;

/// Where the store of a scene is.
#[derive(Clone, Debug)]
pub(in crate::store) enum Base {
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Database(Database),
}

impl Base {
    /// Nothing there yet.
    #[cfg(feature = "postgres")]
    pub(in crate::store) fn in_postgres() -> Option<Self> {
        use std::sync::OnceLock;
        use std::sync::atomic::AtomicU32;

        // One database for all, and a schema for each.
        static DATABASE: OnceLock<String> = OnceLock::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);

        let cluster = Cluster::shared()?;
        let address = cluster.address(DATABASE.get_or_init(|| cluster.database()));
        let schema = format!("scene{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let database = Database::parse(&address, None, Some(&schema));
        Some(Self::Database(database.unwrap()))
    }

    pub(in crate::store) fn open(
        &self,
        clock: impl Fn() -> Time + Send + Sync + 'static,
        notify: Notify,
    ) -> Result<Sql, StoreError> {
        match self {
            Self::File(path) => sqlite::open(path, Arc::new(clock), notify),
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.open(Some(Arc::new(clock)), notify),
        }
    }
}

pub(in crate::store) struct Scene {
    pub(in crate::store) base: Base,
    pub(in crate::store) clock: Arc<AtomicU64>,
    store: Option<Sql>,
    _folder: Option<TempDir>,
    pub(in crate::store) runtime: tokio::runtime::Runtime,
}

impl Scene {
    pub(in crate::store) fn in_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        sqlite::create(&path).unwrap();
        Self::new(Base::File(path), Some(folder))
    }

    /// `None` where there is no PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(in crate::store) fn in_postgres() -> Option<Self> {
        let base = Base::in_postgres()?;
        let Base::Database(database) = &base else {
            return None;
        };
        database.create().unwrap();
        Some(Self::new(base, None))
    }

    fn new(base: Base, folder: Option<TempDir>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let mut scene = Self {
            base,
            clock: Arc::new(AtomicU64::new(START)),
            store: None,
            _folder: folder,
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
        self.store = Some(self.another());
    }

    /// What another process has of the same store.
    pub(in crate::store) fn another(&self) -> Sql {
        let clock = Arc::clone(&self.clock);
        let clock = move || Time::from_millis(clock.load(Ordering::Relaxed)).unwrap();
        self.base.open(clock, Arc::new(|_| {})).unwrap()
    }

    pub(in crate::store) fn store(&self) -> &Sql {
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
