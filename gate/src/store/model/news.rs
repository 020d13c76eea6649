//! News of what the model does: which deliveries there are, and what becomes of them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serving::openapi::schema::object;
use verifier_core::Time;
use verifier_core::hazmat::json::{Limits as JsonLimits, Value};

use crate::break_glass::{self, Facts, ToLog, UsesSeen};
use crate::channel::{Channel, Kept, Kind, Target};
use crate::delivery::{Due, Lane, Outcome, PATIENCE, Receiver, Record, State};
use crate::event::Event;
use crate::notice::{self, Glass, Topic};
use crate::person::MailAddress;
use crate::refusal::Reason;
use crate::request::{Act, Named, NewSignature};
use crate::store::scene::{
    CLAIM_WITHIN, LIFETIME, PEOPLE, START, Scene, WIDENS, in_each_database, key, new_request,
};
use crate::store::{NewRequest, News as _, Store as _};
use crate::webhook::Secret;

const NAME: &str = "hook";

fn webhook(name: &str, topics: &[Topic]) -> Channel {
    Channel {
        name: name.into(),
        kind: Kind::Webhook,
        target: Target::parse("https://hooks.example/", false).unwrap(),
        topics: topics.to_vec(),
        created: Time::EPOCH,
        disabled: None,
        secrets: vec![Kept {
            secret: Secret::generate().unwrap(),
            until: None,
        }],
    }
}

/// A webhook that wants everything.
pub(super) struct Told(());

impl Told {
    pub(super) fn listen(scene: &Scene) -> Self {
        scene
            .run(scene.store().add_channel(webhook(NAME, &Topic::ALL)))
            .unwrap();
        Self(())
    }

    /// Everything said at this moment is so: nothing is called approved that is not.
    pub(super) fn agree(&self, scene: &Scene) {
        let now = Time::from_millis(scene.now()).unwrap();
        let all = records(scene);
        for record in all.iter().filter(|one| one.at == now) {
            let request = scene.store().request(&record.about);
            let request = scene.run(request).unwrap().unwrap();
            // Of two events of one moment the later one counts.
            let mut of_it = all.iter().filter(|one| one.about == record.about);
            let last = of_it.next().unwrap();
            assert_eq!(Some(request.status(now)), last.topic.status(), "{record:?}");
        }
    }

    /// There is one delivery for each event that is news, and no other.
    pub(super) fn are_the_events(&self, scene: &Scene) {
        let mut told: Vec<_> = records(scene)
            .into_iter()
            .map(|one| (one.at, one.topic.as_str().to_owned(), one.about))
            .collect();
        let events = scene.run(scene.store().events(0, 10_000)).unwrap();
        let mut happened = Vec::new();
        for event in events {
            let value = Value::parse(event.line.as_bytes(), JsonLimits::bytes(1 << 20)).unwrap();
            let text = |value: &Value<'_>, key: &str| {
                value.as_object()?.get(key)?.as_str().map(str::to_owned)
            };
            let kind = text(&value, "kind").unwrap();
            if Topic::parse(&kind).is_some() {
                let at = Time::parse(&text(&value, "at").unwrap()).unwrap();
                let facts = value.as_object().unwrap().get("event").unwrap();
                happened.push((at, kind, text(facts, "request").unwrap()));
            }
        }
        told.sort();
        happened.sort();
        assert_eq!(told, happened);
    }
}

fn records(scene: &Scene) -> Vec<Record> {
    scene
        .run(scene.store().deliveries(None, None, 100_000))
        .unwrap()
}

fn due(scene: &Scene, lane: &Lane) -> Vec<Due> {
    scene
        .run(scene.store().due(lane, Vec::new(), 1000))
        .unwrap()
}

fn tried(scene: &Scene, id: &str, outcome: Outcome) {
    scene.run(scene.store().tried(id, outcome, 0)).unwrap();
}

fn failed() -> Outcome {
    Outcome::Failed {
        why: "answered 500".into(),
        wish: None,
    }
}

fn hook() -> Lane {
    Lane::Channel(NAME.into())
}

/// Everybody gets mail.
fn address_all(scene: &Scene) {
    for (name, _) in PEOPLE {
        let address = MailAddress::parse(&format!("{name}@example.com")).unwrap();
        scene
            .run(scene.store().set_address(name, Some(address)))
            .unwrap();
    }
}

fn create(scene: &Scene, new: NewRequest) {
    scene.run(scene.store().create(new)).unwrap();
}

/// Addresses that would be mailed now, and the number of people with nothing left to decide.
fn mailed(scene: &Scene) -> (Vec<String>, usize) {
    let all = due(scene, &Lane::Mail);
    let mut to: Vec<String> = all
        .iter()
        .filter_map(|one| match &one.receiver {
            Receiver::Mail(address) => Some(address.clone()),
            _ => None,
        })
        .collect();
    to.sort();
    let nobody = all.len() - to.len();
    (to, nobody)
}

in_each_database! {
    those_are_mailed_who_may_decide_and_when_they_may
    somebody_asked_by_name_is_mailed_alone_if_that_is_enough
    no_address_no_mail_and_none_for_those_who_left
    nobody_is_mailed_more_than_thirty_times_an_hour
    a_delivery_keeps_its_id_until_it_is_taken_or_given_up
    a_receiver_that_is_gone_gets_nothing_until_it_is_enabled
    a_channel_gets_what_it_wants_and_leaves_nothing_behind
    secrets_overlap_for_as_long_as_is_said
    what_waits_for_a_clock_that_was_ahead_waits_no_longer
    deliveries_are_forgotten_a_while_after_they_ended
    what_did_not_happen_is_told_to_nobody
    a_use_of_break_glass_is_told_once_and_is_no_request
    a_use_is_mailed_to_everybody_who_is_here
    requests_and_uses_are_counted_by_themselves
    what_was_signed_waits_for_the_log_and_is_logged_once
}

fn those_are_mailed_who_may_decide_and_when_they_may(scene: Scene) {
    address_all(&scene);
    // One of finance: ann. Bob is of finance and owns the key; cat and eve are of other groups.
    create(&scene, new_request(0, 0));
    assert_eq!(mailed(&scene), (vec!["ann@example.com".into()], 0));
    // Dan joins finance when the request is escalated, and not a moment before.
    scene.clock.fetch_add(WIDENS - 1, Ordering::Relaxed);
    assert_eq!(mailed(&scene).0, ["ann@example.com"]);
    scene.clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(mailed(&scene).0, ["ann@example.com", "dan@example.com"]);
    // Enough have approved: nobody has anything to decide.
    let sign = NewSignature {
        act: Act::Approve,
        approval_id: "a".into(),
        assertion: "{}".into(),
        reason: None,
    };
    let id = new_request(0, 0).id;
    scene.run(scene.store().sign(&id, b"ann", sign)).unwrap();
    assert_eq!(mailed(&scene), (vec![], 2));
    for one in due(&scene, &Lane::Mail) {
        tried(&scene, &one.id, Outcome::Moot);
    }
    assert_eq!(mailed(&scene), (vec![], 0));
}

fn somebody_asked_by_name_is_mailed_alone_if_that_is_enough(scene: Scene) {
    address_all(&scene);
    let named = NewRequest {
        approver: Some(Named {
            name: "ann".into(),
            groups: vec!["finance".into(), "board".into()],
        }),
        ..new_request(0, 0)
    };
    create(&scene, named);
    scene.clock.fetch_add(WIDENS, Ordering::Relaxed);
    assert_eq!(mailed(&scene).0, ["ann@example.com"]);
}

fn no_address_no_mail_and_none_for_those_who_left(scene: Scene) {
    address_all(&scene);
    scene.run(scene.store().set_address("ann", None)).unwrap();
    create(&scene, new_request(0, 2));
    scene.clock.fetch_add(WIDENS, Ordering::Relaxed);
    assert_eq!(mailed(&scene).0, ["dan@example.com"]);
    scene.run(scene.store().retire("dan", None)).unwrap();
    assert_eq!(mailed(&scene), (vec![], 1));
    let unknown = scene.run(scene.store().set_address("zoe", None));
    assert_eq!(unknown.unwrap_err(), Reason::ApproverUnknown);
}

fn nobody_is_mailed_more_than_thirty_times_an_hour(scene: Scene) {
    address_all(&scene);
    for number in 0..40 {
        create(&scene, new_request(number, 0));
    }
    assert_eq!(mailed(&scene).0.len(), 30);
    scene.clock.fetch_add(3_600_000, Ordering::Relaxed);
    create(&scene, new_request(40, 0));
    assert_eq!(mailed(&scene).0.len(), 1);
}

fn a_delivery_keeps_its_id_until_it_is_taken_or_given_up(mut scene: Scene) {
    let _told = Told::listen(&scene);
    create(&scene, new_request(0, 0));
    let [first] = &due(&scene, &hook())[..] else {
        panic!("one");
    };
    let id = first.id.clone();
    let taken = scene.run(scene.store().due(&hook(), vec![id.clone()], 10));
    assert!(taken.unwrap().is_empty(), "it is on its way");
    let end = START + PATIENCE;
    let mut tries = 0;
    while let [again] = &records(&scene)[..]
        && let Some(next) = again.next
    {
        assert_eq!((again.id.as_str(), again.tries), (id.as_str(), tries));
        scene.clock.store(next.as_millis(), Ordering::Relaxed);
        assert_eq!(due(&scene, &hook()).len(), 1);
        tried(&scene, &id, failed());
        assert!(due(&scene, &hook()).is_empty(), "not at once");
        if tries == 3 {
            scene.open();
        }
        tries += 1;
    }
    assert!(tries > 10, "{tries}");
    assert_eq!(scene.now(), end);
    let [dead] = &records(&scene)[..] else {
        panic!("one");
    };
    assert_eq!((dead.state, dead.tries), (State::Dead, tries));
    assert_eq!(dead.said.as_deref(), Some("answered 500"));
    let sent = scene.run(scene.store().redeliver(NAME, None)).unwrap();
    assert_eq!(sent, 1);
    let [again] = &due(&scene, &hook())[..] else {
        panic!("one");
    };
    assert_eq!(again.id, id);
    tried(&scene, &id, Outcome::Delivered("answered 200".into()));
    assert!(due(&scene, &hook()).is_empty());
    // The answer of a try that came too late changes nothing.
    tried(&scene, &id, failed());
    assert_eq!(records(&scene)[0].state, State::Delivered);
    let again = scene.run(scene.store().redeliver(NAME, None)).unwrap();
    assert_eq!(again, 0, "it was taken");
    let again = scene.run(scene.store().redeliver(NAME, Some(&id)));
    assert_eq!(again.unwrap(), 1, "it was asked for");
    let unknown = scene.run(scene.store().redeliver(NAME, Some("msg_none")));
    assert_eq!(unknown.unwrap_err(), Reason::DeliveryUnknown);
}

fn a_receiver_that_is_gone_gets_nothing_until_it_is_enabled(scene: Scene) {
    let _told = Told::listen(&scene);
    create(&scene, new_request(0, 0));
    create(&scene, new_request(1, 0));
    let gone = due(&scene, &hook())[0].id.clone();
    tried(&scene, &gone, Outcome::Gone("answered 410".into()));
    assert!(due(&scene, &hook()).is_empty());
    create(&scene, new_request(2, 0));
    assert_eq!(records(&scene).len(), 2);
    assert!(records(&scene).iter().all(|one| one.state == State::Dead));
    let channels = scene.run(scene.store().channels()).unwrap();
    assert_eq!(channels[0].disabled.as_ref().unwrap().why, "answered 410");
    let refused = scene.run(scene.store().redeliver(NAME, None));
    assert_eq!(refused.unwrap_err(), Reason::ChannelDisabled);
    scene.run(scene.store().enable(NAME)).unwrap();
    let sent = scene.run(scene.store().redeliver(NAME, None));
    assert_eq!(sent.unwrap(), 2);
    create(&scene, new_request(3, 0));
    assert_eq!(due(&scene, &hook()).len(), 3);
}

fn a_channel_gets_what_it_wants_and_leaves_nothing_behind(scene: Scene) {
    let add = |channel: Channel| scene.run(scene.store().add_channel(channel));
    add(webhook("ends", &[Topic::Cancelled, Topic::Expired])).unwrap();
    let again = add(webhook("ends", &[Topic::Created]));
    assert_eq!(again.unwrap_err(), Reason::NameTaken);
    create(&scene, new_request(0, 0));
    create(&scene, new_request(1, 0));
    let id = new_request(0, 0).id;
    scene.run(scene.store().cancel(&id)).unwrap();
    scene.clock.fetch_add(LIFETIME, Ordering::Relaxed);
    scene.run(scene.store().expire(10)).unwrap();
    let topics: Vec<Topic> = records(&scene).iter().map(|one| one.topic).collect();
    assert_eq!(topics, [Topic::Expired, Topic::Cancelled]);
    scene.run(scene.store().remove_channel("ends")).unwrap();
    assert_eq!(records(&scene), []);
    let unknown = scene.run(scene.store().remove_channel("ends"));
    assert_eq!(unknown.unwrap_err(), Reason::ChannelUnknown);
}

fn secrets_overlap_for_as_long_as_is_said(scene: Scene) {
    let _told = Told::listen(&scene);
    let secrets = || {
        let all = scene.run(scene.store().channels()).unwrap();
        let now = Time::from_millis(scene.now()).unwrap();
        all[0].secrets(now).cloned().collect::<Vec<_>>()
    };
    let first = secrets();
    let rotate = |overlap| {
        let secret = Secret::generate().unwrap();
        let done = scene.run(scene.store().rotate(NAME, secret.clone(), overlap));
        done.map(|()| secret)
    };
    let second = rotate(1000).unwrap();
    assert_eq!(secrets(), [second.clone(), first[0].clone()]);
    scene.clock.fetch_add(999, Ordering::Relaxed);
    assert_eq!(secrets().len(), 2);
    scene.clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(secrets(), [second]);
    for _ in 0..3 {
        rotate(1000).unwrap();
    }
    assert_eq!(rotate(1000).unwrap_err(), Reason::ChannelLimit);
    let last = rotate(0).unwrap();
    assert_eq!(secrets(), [last], "leaked ones end at once");
}

fn what_waits_for_a_clock_that_was_ahead_waits_no_longer(scene: Scene) {
    let _told = Told::listen(&scene);
    create(&scene, new_request(0, 0));
    let id = due(&scene, &hook())[0].id.clone();
    tried(&scene, &id, failed());
    let day = Duration::from_secs(86_400).as_millis();
    let day = u64::try_from(day).unwrap();
    scene.clock.fetch_sub(day, Ordering::Relaxed);
    assert!(due(&scene, &hook()).is_empty());
    scene.run(scene.store().accept_clock()).unwrap();
    // The request has ended with the clock, which is news as well.
    assert_eq!(due(&scene, &hook()).len(), 2);
}

fn deliveries_are_forgotten_a_while_after_they_ended(scene: Scene) {
    let _told = Told::listen(&scene);
    create(&scene, new_request(0, 0));
    create(&scene, new_request(1, 0));
    let id = due(&scene, &hook())[0].id.clone();
    tried(&scene, &id, Outcome::Delivered("answered 200".into()));
    let at = |millis| Time::from_millis(millis).unwrap();
    let forget = |before| scene.run(scene.store().forget(before, 10)).unwrap();
    assert_eq!(forget(at(scene.now())), 0);
    assert_eq!(forget(at(scene.now() + CLAIM_WITHIN)), 1);
    assert_eq!(records(&scene).len(), 1, "the one that waits is not");
}

fn use_id(number: usize) -> String {
    format!("10000000-0000-4000-8000-{number:012}")
}

/// What the log is told of it.
fn to_log(number: usize) -> ToLog {
    // Two uses of one grant have the same signatures.
    let id = format!("20000000-0000-4000-8000-{:012}", number / 2);
    let body = format!("{{\"use\":{}}}", number / 2);
    ToLog { id, body }
}

/// Has a use recorded, as the gate does.
fn record(scene: &Scene, number: usize) -> bool {
    let id = use_id(number);
    let notice = Glass {
        use_id: id.clone(),
        ..notice::sample()
    };
    let facts = object([("useId", id.as_str().into())]).to_text();
    let seen = scene.run(scene.store().uses_seen(&id, None)).unwrap();
    if seen.used.is_some() {
        return false;
    }
    let facts: Facts = Box::new(move |_| break_glass::Told {
        facts,
        leaves: vec![to_log(number)],
        notice,
    });
    let recorded = scene.store().record_use(&id, seen, None, facts);
    scene.run(recorded).unwrap().is_new
}

fn a_use_of_break_glass_is_told_once_and_is_no_request(mut scene: Scene) {
    let _told = Told::listen(&scene);
    let add = |name: &str, topics: &[Topic]| {
        let channel = webhook(name, topics);
        scene.run(scene.store().add_channel(channel)).unwrap();
    };
    add("glass", &[Topic::BreakGlass]);
    add("other", &[Topic::Created, Topic::Approved]);
    assert!(record(&scene, 0));
    // The same report once more, also by a process that had looked before.
    assert!(!record(&scene, 0));
    let seen = UsesSeen::default();
    let facts: Facts = Box::new(|_| panic!("it is recorded"));
    let again = scene.store().record_use(&use_id(0), seen, None, facts);
    assert!(!scene.run(again).unwrap().is_new);
    scene.open();
    let mut told: Vec<(String, String)> = records(&scene)
        .into_iter()
        .map(|one| (one.receiver, one.about))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [("glass".into(), use_id(0)), (NAME.into(), use_id(0))]
    );
    let [due] = &due(&scene, &hook())[..] else {
        panic!("one");
    };
    assert_eq!(due.notice.use_id(), Some(use_id(0).as_str()));
    assert_eq!(due.notice.request(), None);
    assert_eq!(due.notice.topic, Topic::BreakGlass);
    assert_eq!(scene.run(scene.store().request(&use_id(0))).unwrap(), None);
    let (id, outcome) = (due.id.clone(), Outcome::Delivered("answered 200".into()));
    tried(&scene, &id, outcome);
    assert_eq!(due_count(&scene), 0);
}

fn due_count(scene: &Scene) -> usize {
    due(scene, &hook()).len()
}

fn a_use_is_mailed_to_everybody_who_is_here(scene: Scene) {
    address_all(&scene);
    scene.run(scene.store().set_address("bob", None)).unwrap();
    scene.run(scene.store().retire("cat", None)).unwrap();
    record(&scene, 0);
    let mails = ["ann", "dan", "eve"].map(|name| format!("{name}@example.com"));
    assert_eq!(mailed(&scene), (mails.to_vec(), 0));
    // Who leaves before it is sent hears of it no more.
    scene.run(scene.store().retire("dan", None)).unwrap();
    let mails = ["ann", "eve"].map(|name| format!("{name}@example.com"));
    assert_eq!(mailed(&scene), (mails.to_vec(), 1));
}

fn what_was_signed_waits_for_the_log_and_is_logged_once(mut scene: Scene) {
    for number in [0, 1, 2] {
        record(&scene, number);
        scene.clock.fetch_add(1, Ordering::Relaxed);
    }
    record(&scene, 0);
    let unlogged = |scene: &Scene| scene.run(scene.store().unlogged_glass(10)).unwrap();
    assert_eq!(unlogged(&scene), [to_log(0), to_log(2)]);
    scene.open();
    let first = to_log(0).id;
    for _ in 0..2 {
        let logged = scene.store().glass_logged(&first, "bundle".into());
        scene.run(logged).unwrap();
    }
    assert_eq!(unlogged(&scene), [to_log(2)]);
    // A later use of the grant is not logged again.
    record(&scene, 3);
    assert_eq!(unlogged(&scene), [to_log(2)]);
    let events = scene.run(scene.store().events(0, 1000)).unwrap();
    let logged = |event: &&Event| event.line.contains("\"kind\":\"break-glass.logged\"");
    let mut logged = events.iter().filter(logged);
    let line = &logged.next().unwrap().line;
    assert!(line.contains(&first) && line.contains(&use_id(0)), "{line}");
    assert!(logged.next().is_none(), "once");
}

fn requests_and_uses_are_counted_by_themselves(scene: Scene) {
    address_all(&scene);
    for number in 0..40 {
        create(&scene, new_request(number, 0));
    }
    for number in 0..40 {
        record(&scene, number);
    }
    let (to, _) = mailed(&scene);
    let of = |name: &str| to.iter().filter(|one| one.starts_with(name)).count();
    // Nobody asks Eve for a decision.
    assert_eq!((of("ann"), of("eve")), (60, 30));
}

/// The transaction is undone: the event, and its delivery with it.
fn what_did_not_happen_is_told_to_nobody(scene: Scene) {
    let _told = Told::listen(&scene);
    create(&scene, new_request(0, 0));
    let id = new_request(0, 0).id;
    let claim = scene.store().claim(&id, &key(), "op", [0; 32]);
    assert!(scene.run(claim).is_err());
    let again = new_request(0, 0);
    create(&scene, again);
    assert_eq!(records(&scene).len(), 1);
    // Another process finds the same.
    let other = scene.another();
    let found = scene.run(other.deliveries(None, None, 10)).unwrap();
    assert_eq!(found, records(&scene));
}
