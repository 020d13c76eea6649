//! A store against a small model of what a gate promises: calls in any order, with the clock moved
//! and the store closed and opened in between.
//!
//! The model knows nothing of the store's code. It counts people by trying every way to seat them,
//! and keeps no states: what a request is follows from what happened to it and when.

mod news;

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use verifier_core::Time;
use verifier_core::hazmat::encoding::sha256;

use super::scene::{CLAIM_WITHIN, LIFETIME, OWNER, PEOPLE, RULES, Scene, WIDENS, key, new_request};
use super::{Created, Store};
use crate::event::Link;
use crate::request::{Act, NewSignature, Outcome, Status};

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

/// The request that was made last, the one before it, …
fn newest(all: &mut [Modelled], number: usize) -> Option<&mut Modelled> {
    all.iter_mut().rev().nth(number)
}

fn check(mut scene: Scene, steps: &[Step]) {
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
        check(Scene::in_sqlite(), &steps);
    }
}

// Each step waits for a disk, and for a server.
#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_store_in_postgres_does_what_the_model_does(
        steps in prop::collection::vec(step(), 1..100)
    ) {
        if let Some(scene) = Scene::in_postgres() {
            check(scene, &steps);
        }
    }
}
