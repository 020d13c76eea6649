//! A store against a small model of what a gate promises: calls in any order, with the clock moved
//! and the store closed and opened in between.
//!
//! The model knows nothing of the store's code. It counts people by trying every way to seat them,
//! and keeps no states: what a request is follows from what happened to it and when.

mod news;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use verifier_core::Time;
use verifier_core::hazmat::decision::Clause;
use verifier_core::hazmat::encoding::sha256;

use super::{Created, Invite, Limits, NewCredential, NewRequest, Repeats, Sqlite, Store, Trouble};
use crate::event::Link;
use crate::person::{ApiKey, Rights};
use crate::refusal::Reason;
use crate::request::{Act, NewSignature, Outcome, Requester, RuleName, State, Status};
use crate::rules::{Escalation, Require};
use crate::terms::Terms;

const START: u64 = 1_800_000_000_000;
const LIFETIME: u64 = 60_000;
const CLAIM_WITHIN: u64 = 30_000;
const WIDENS: u64 = 20_000;

/// Name, groups, and whether the passkey is synced.
const PEOPLE: [(&str, &[&str]); 5] = [
    ("ann", &["finance", "board"]),
    ("bob", &["finance"]),
    ("cat", &["board"]),
    ("dan", &["oncall"]),
    ("eve", &[]),
];
/// The owner of the key that asks.
const OWNER: usize = 1;

const RULES: [&[(&str, usize)]; 3] = [
    &[("finance", 1)],
    &[("finance", 1), ("board", 1)],
    &[("finance", 2)],
];

#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    Sign(usize, usize, bool),
    Log(usize, usize),
    Cancel(usize),
    Claim(usize, usize, bool),
    Report(usize, bool),
    Retire(usize),
    Expire,
    Wait(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let request = 0..2_usize;
    let person = 0..PEOPLE.len();
    // Those who can bring a request to its end come more often than those who cannot.
    let signer =
        prop_oneof![4 => Just(0), 1 => Just(OWNER), 4 => Just(2), 2 => Just(3), 1 => Just(4)];
    prop_oneof![
        4 => (0..RULES.len()).prop_map(Step::Create),
        20 => (request.clone(), signer, prop::bool::weighted(0.95))
            .prop_map(|(r, p, yes)| Step::Sign(r, p, yes)),
        20 => (request.clone(), 0..2_usize).prop_map(|(r, s)| Step::Log(r, s)),
        1 => request.clone().prop_map(Step::Cancel),
        8 => (request.clone(), 0..2_usize, prop::bool::weighted(0.7))
            .prop_map(|(r, op, right)| Step::Claim(r, op, right)),
        2 => (request, any::<bool>()).prop_map(|(r, done)| Step::Report(r, done)),
        1 => person.prop_map(Step::Retire),
        4 => Just(Step::Expire),
        6 => prop_oneof![Just(1), Just(10_000), Just(20_000), Just(30_000)].prop_map(Step::Wait),
        2 => Just(Step::Restart),
    ]
}

/// What happened to a request.
#[derive(Clone, Debug, Default)]
struct Modelled {
    id: String,
    rule: usize,
    created: u64,
    /// Person, moment, and whether it is in the log.
    approvals: Vec<(usize, u64, bool)>,
    /// Those that made the decision, and when.
    signed: Option<(Vec<usize>, u64)>,
    approved: Option<u64>,
    refused: bool,
    cancelled: bool,
    claimed: Option<usize>,
}

impl Modelled {
    fn groups(&self, person: usize, now: u64) -> Vec<&'static str> {
        let mut groups = PEOPLE[person].1.to_vec();
        if groups.contains(&"oncall") && now - self.created >= WIDENS {
            groups.push("finance");
        }
        groups
    }

    /// How many places stay empty, whoever sits where.
    fn missing(&self, people: &[(usize, u64)]) -> usize {
        fn seat(free: &mut Vec<(&str, usize)>, people: &[Vec<&str>]) -> usize {
            let Some((first, rest)) = people.split_first() else {
                return free.iter().map(|(_, n)| n).sum();
            };
            let mut best = seat(free, rest);
            for i in 0..free.len() {
                if free[i].1 > 0 && first.contains(&free[i].0) {
                    free[i].1 -= 1;
                    best = best.min(seat(free, rest));
                    free[i].1 += 1;
                }
            }
            best
        }
        let groups: Vec<_> = people.iter().map(|(p, at)| self.groups(*p, *at)).collect();
        seat(&mut RULES[self.rule].to_vec(), &groups)
    }

    fn status(&self, now: u64) -> Status {
        if self.refused {
            return Status::Rejected;
        }
        if self.cancelled {
            return Status::Cancelled;
        }
        match (&self.signed, self.approved) {
            (None, _) if now < self.created + LIFETIME => Status::Pending,
            (None, _) => Status::Expired,
            (Some(_), Some(_)) if self.claimed.is_some() => Status::Approved,
            (Some((_, at)), approved) if now < at + CLAIM_WITHIN => match approved {
                Some(_) => Status::Approved,
                None => Status::Pending,
            },
            (Some(_), _) => Status::Expired,
        }
    }

    fn may_sign(&self, person: usize, yes: bool, retired: &[usize], now: u64) -> bool {
        let open = self.status(now) == Status::Pending && self.signed.is_none();
        let asked = self
            .groups(person, now)
            .iter()
            .any(|group| RULES[self.rule].iter().any(|(asked, _)| asked == group));
        let signed = self.approvals.iter().any(|(other, _, _)| *other == person);
        if !open || !asked || signed || person == OWNER || retired.contains(&person) {
            return false;
        }
        let mut people = self.counted(retired);
        let before = self.missing(&people);
        people.push((person, now));
        !yes || self.missing(&people) < before
    }

    fn counted(&self, retired: &[usize]) -> Vec<(usize, u64)> {
        let all = self.approvals.iter();
        let all = all.filter(|(person, _, _)| !retired.contains(person));
        all.map(|(person, at, _)| (*person, *at)).collect()
    }
}

struct Scene {
    folder: TempDir,
    clock: Arc<AtomicU64>,
    store: Option<Sqlite>,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new() -> Self {
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

    fn open(&mut self) {
        self.store = None;
        let clock = Arc::clone(&self.clock);
        let clock = move || Time::from_millis(clock.load(Ordering::Relaxed)).unwrap();
        let path = self.folder.path().join("db");
        self.store = Some(open(&path, clock));
    }

    fn store(&self) -> &Sqlite {
        self.store.as_ref().unwrap()
    }

    fn run<T>(&self, answer: impl Future<Output = Result<T, Trouble>>) -> Result<T, Reason> {
        self.runtime
            .block_on(answer)
            .map_err(|trouble| match trouble {
                Trouble::Refused(refusal) => refusal.reason,
                Trouble::Store(error) => panic!("{error}"),
            })
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }
}

fn open(path: &Path, clock: impl Fn() -> Time + Send + Sync + 'static) -> Sqlite {
    Sqlite::open(path, Arc::new(clock), |_| {}).unwrap()
}

fn key() -> ApiKey {
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

fn new_request(number: usize, rule: usize) -> NewRequest {
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

/// The request that was made last, the one before it, …
fn newest(all: &mut [Modelled], number: usize) -> Option<&mut Modelled> {
    all.iter_mut().rev().nth(number)
}

fn check(steps: &[Step]) {
    let mut scene = Scene::new();
    let told = news::Told::listen(&scene);
    let mut all: Vec<Modelled> = Vec::new();
    let mut retired: Vec<usize> = Vec::new();
    let mut signatures = 0_u32;
    for step in steps {
        let now = scene.now();
        match *step {
            Step::Create(rule) => {
                let new = new_request(all.len(), rule);
                let id = new.id.clone();
                let again = new.clone();
                let made = scene.run(scene.store().create(new)).unwrap();
                assert!(matches!(made, Created::New(_)));
                let made = scene.run(scene.store().create(again)).unwrap();
                assert!(matches!(made, Created::Repeat(_)));
                all.push(Modelled {
                    id,
                    rule,
                    created: now,
                    ..Modelled::default()
                });
            }
            Step::Sign(r, person, yes) => {
                let Some(model) = newest(&mut all, r) else {
                    continue;
                };
                let may = model.may_sign(person, yes, &retired, now);
                signatures += 1;
                let new = NewSignature {
                    act: if yes { Act::Approve } else { Act::Refuse },
                    approval_id: format!("s{r}-{person}-{signatures}"),
                    assertion: "{}".into(),
                    reason: None,
                };
                let name = PEOPLE[person].0.as_bytes();
                let done = scene.run(scene.store().sign(&model.id, name, new));
                assert_eq!(done.is_ok(), may, "{step:?}: {done:?}");
                if may && yes {
                    model.approvals.push((person, now, false));
                    let counted = model.counted(&retired);
                    if model.missing(&counted) == 0 {
                        let people = counted.iter().map(|(person, _)| *person).collect();
                        model.signed = Some((people, now));
                    }
                } else if may {
                    model.refused = true;
                }
            }
            Step::Log(r, number) => {
                let Some(model) = newest(&mut all, r) else {
                    continue;
                };
                let request = scene
                    .run(scene.store().request(&model.id))
                    .unwrap()
                    .unwrap();
                let approvals: Vec<_> = request
                    .signatures
                    .iter()
                    .filter(|one| one.act == Act::Approve)
                    .collect();
                let Some(signature) = approvals.get(number) else {
                    continue;
                };
                let done = scene
                    .store()
                    .logged(&signature.approval_id, "bundle".into());
                scene.run(done).unwrap();
                model.approvals[number].2 = true;
                if let Some((people, at)) = &model.signed
                    && now < at + CLAIM_WITHIN
                    && model.approved.is_none()
                    && !model.cancelled
                {
                    let logged = |person: &usize| {
                        let mut all = model.approvals.iter();
                        all.any(|(other, _, logged)| other == person && *logged)
                    };
                    model.approved = people.iter().all(logged).then_some(now);
                }
            }
            Step::Cancel(r) => {
                let Some(model) = newest(&mut all, r) else {
                    continue;
                };
                let may = model.cancelled || model.status(now) == Status::Pending;
                let done = scene.run(scene.store().cancel(&model.id));
                assert_eq!(done.is_ok(), may, "{step:?}: {done:?}");
                model.cancelled |= may;
            }
            Step::Claim(r, operation, right) => {
                let Some(model) = newest(&mut all, r) else {
                    continue;
                };
                let hash = sha256(if right { b"{}" } else { b"[]" });
                let may = match model.claimed {
                    Some(by) => by == operation,
                    None => model.status(now) == Status::Approved,
                } && right;
                let name = operation.to_string();
                let done = scene.run(scene.store().claim(&model.id, &key(), &name, hash));
                assert_eq!(done.is_ok(), may, "{step:?}: {done:?}");
                if may {
                    model.claimed = Some(operation);
                }
            }
            Step::Report(r, done) => {
                let Some(model) = newest(&mut all, r) else {
                    continue;
                };
                let outcome = if done { Outcome::Done } else { Outcome::Failed };
                let reported = scene.run(scene.store().report(&model.id, &key(), outcome));
                assert!(reported.is_err() || model.claimed.is_some());
            }
            Step::Retire(person) => {
                let name = PEOPLE[person].0;
                scene.run(scene.store().retire(name, None)).unwrap();
                retired.push(person);
            }
            Step::Expire => {
                scene.run(scene.store().expire(100)).unwrap();
            }
            Step::Wait(millis) => {
                scene.clock.fetch_add(millis, Ordering::Relaxed);
            }
            Step::Restart => scene.open(),
        }
        let now = scene.now();
        for model in &all {
            let request = scene
                .run(scene.store().request(&model.id))
                .unwrap()
                .unwrap();
            let at = Time::from_millis(now).unwrap();
            assert_eq!(
                request.status(at),
                model.status(now),
                "{step:?}: {request:#?}\n{model:#?}"
            );
        }
        told.agree(&scene);
    }
    let events = scene.run(scene.store().events(0, 10_000)).unwrap();
    let mut link = Link::default();
    for event in events {
        link = Link::follow(Some(link), &event.line).unwrap();
    }
    told.are_the_events(&scene);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_does_what_the_model_does(steps in prop::collection::vec(step(), 1..100)) {
        check(&steps);
    }
}

#[test]
fn a_clock_that_goes_back_decides_nothing() {
    let scene = Scene::new();
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

#[test]
fn an_approval_that_nobody_claimed_ends_with_the_clock() {
    let scene = Scene::new();
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

#[test]
fn a_call_without_a_name_finds_what_is_pending() {
    let scene = Scene::new();
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

#[test]
fn of_a_thousand_claims_at_once_one_wins() {
    let scene = Scene::new();
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
    let store = Arc::new(open(&scene.folder.path().join("db"), {
        let clock = Arc::clone(&scene.clock);
        move || Time::from_millis(clock.load(Ordering::Relaxed)).unwrap()
    }));
    let won = scene.runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..1000 {
            let (store, id) = (Arc::clone(&store), id.clone());
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
