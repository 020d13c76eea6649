//! Runs `cases/cases.json`: a gate that plays a script, and what has to come of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use test_vectors::http::{Request, Response, serve};
use test_vectors::passkey::{Algorithm, Passkey};
use test_vectors::policy::Approver;
use test_vectors::{Approval, Context, Decision, Draft};
use verifier_core::{Policy, Time};

use crate::{Ask, Denied, Gate, Journal, Keys, Reason};

const CASES: &str = include_str!("../cases/cases.json");

fn cases() -> Value {
    serde_json::from_str(CASES).unwrap()
}

fn evidence() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/evidence.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Decisions and policies, minted from fixed seeds.
fn minted() -> Value {
    let cases = cases();
    let payload = cases["ask"]["payload"].to_string().into_bytes();
    let context = Context::numbered(1);
    let draft = |number: u32| {
        let mut draft = Draft::numbered(Algorithm::Es256, number);
        draft.action = None;
        draft
    };
    let under = |context: &Context| draft(1).approving_under(&context.text(), &payload);
    let changed = |change: fn(&mut Context)| {
        let mut context = context.clone();
        change(&mut context);
        under(&context)
    };
    let good = under(&context);
    let mut unpinned = good.clone();
    unpinned.passkey = Passkey::new(Algorithm::Es256, "mallory");
    let mut other_log = good.clone();
    other_log.log_seed = [7; 32];
    let mut bad_signature = good.clone();
    bad_signature.edit_entry = |entry| *entry.signature.last_mut().unwrap() ^= 1;
    let mut few_witnesses = good.clone();
    few_witnesses.cosigned.clear();
    let decision = |draft: &Draft| Decision::of(&[draft.mint()]).value();
    let policy = good.mint().policy;
    let mut two_people = policy.clone();
    two_people.approvers = vec![
        Approver::new("alice", &good.passkey).in_groups(&["finance"]),
        Approver::new("bob", &Passkey::new(Algorithm::Es256, "bob")).in_groups(&["finance"]),
    ];
    two_people.decision = Some(json!({"require": [{"group": "finance", "atLeast": 2}]}));
    let mut strangers = policy.clone();
    strangers.approvers = vec![Approver::new("bob", &Passkey::new(Algorithm::Es256, "bob"))];
    let mut audience = policy.clone();
    audience.decision = Some(json!({"audience": "staging.example", "context": "required"}));
    let refusal = draft(1).refusing(&context.text(), &payload);
    let other = br#"{"amount":"9999.00"}"#;
    let mixed = Approval::together(&[good.clone(), {
        let mut second = draft(2).refusing(&context.text(), &payload);
        second.passkey = Passkey::new(Algorithm::Es256, "bob");
        second
    }]);
    json!({
        "type": "cosignet.gate-client-evidence/v1",
        "requestId": context.request_id,
        "decisions": {
            "bad signature": decision(&bad_signature),
            "few witnesses": decision(&few_witnesses),
            "good": decision(&good),
            "no context": decision(&draft(1).approving(&payload)),
            "of yesterday": decision(&changed(|context| {
                context.expires_at = "2026-02-28T12:00:00.000Z".into();
            })),
            "one refused": Decision::of(&mixed).value(),
            "other action": decision(&changed(|context| context.action = "list".into())),
            "other log": decision(&other_log),
            "other payload": decision(&draft(1).approving_under(&context.text(), other)),
            "other request": decision(&under(&Context::numbered(2))),
            "refusal": decision(&refusal),
            "unpinned key": decision(&unpinned),
        },
        "policies": {
            "audience": audience.value(),
            "good": policy.value(),
            "strangers": strangers.value(),
            "two people": two_people.value(),
        },
    })
}

/// A script, and what was asked.
#[derive(Default)]
struct Played {
    /// How often each call came, and with which keys.
    calls: HashMap<&'static str, Vec<String>>,
}

fn call(request: &Request) -> &'static str {
    let path = request.path.split('?').next().unwrap();
    match (request.method.as_str(), path.rsplit('/').next().unwrap()) {
        ("POST", "confirmations") => "create",
        ("POST", "claim") => "claim",
        ("POST", "result") => "result",
        _ => "look",
    }
}

/// A body of the file, with what the answer sets in it, and evidence in its place.
fn body(all: &Value, evidence: &Value, answer: &Value) -> String {
    if let Some(text) = answer["text"].as_str() {
        return text.into();
    }
    let name = answer["body"].as_str().unwrap();
    let mut body = all["bodies"][name].clone();
    assert!(body.is_object(), "no body {name}");
    for (key, value) in answer["set"].as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    if let Some(name) = answer_decision(&body) {
        body["decision"] = evidence["decisions"][&name].clone();
        assert!(body["decision"].is_object(), "no decision {name}");
    }
    body.to_string()
}

fn answer_decision(body: &Value) -> Option<String> {
    Some(body["decision"]["$decision"].as_str()?.to_owned())
}

/// A gate that plays one case, and what it is asked.
fn script(all: &Value, evidence: &Value, case: &Value) -> (String, Arc<Mutex<Played>>) {
    let played = Arc::new(Mutex::new(Played::default()));
    let url = serve({
        let (played, all, case) = (Arc::clone(&played), all.clone(), case.clone());
        let evidence = evidence.clone();
        move |request| {
            let call = call(request);
            let number = {
                let mut played = played.lock().unwrap();
                let keys = played.calls.entry(call).or_default();
                keys.push(request.idempotency_key.clone());
                keys.len() - 1
            };
            let answers = match &case["answers"][call] {
                Value::Null => &all["answers"][call],
                own => own,
            };
            let answers = answers.as_array().unwrap();
            let answer = answers.get(number).or(answers.last())?;
            if answer == "drop" {
                return None;
            }
            let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
            Some(Response::new(status, body(&all, &evidence, answer)))
        }
    });
    (url, played)
}

/// The client of a case.
fn client(all: &Value, evidence: &Value, case: &Value, url: &str) -> Gate {
    let policy = &evidence["policies"][case["policy"].as_str().unwrap_or("good")];
    let policy = Policy::from_json(policy.to_string().as_bytes()).unwrap();
    let now = case["now"].as_str().or(all["now"].as_str()).unwrap();
    Gate::new(url, Keys::both("key"), policy)
        .unwrap()
        .at(Time::parse(now).unwrap())
        .patience(Duration::from_millis(
            all["patienceMillis"].as_u64().unwrap(),
        ))
}

fn ask(all: &Value, case: &Value) -> Result<Ask, Denied> {
    let ask = &all["ask"];
    let text = match case["payloadText"].as_str() {
        Some(text) => text.into(),
        None => ask["payload"].to_string(),
    };
    Ask::new(ask["action"].as_str().unwrap(), text.as_bytes())
}

/// Plays one case. The result, how often the closure ran, and what was asked.
fn play(all: &Value, evidence: &Value, case: &Value) -> (Result<(), Denied>, u32, Played) {
    let (url, played) = script(all, evidence, case);
    let gate = client(all, evidence, case, case["url"].as_str().unwrap_or(&url));
    let mut ran = 0;
    let result = ask(all, case).and_then(|ask| {
        let payload = ask.payload().to_vec();
        gate.run(ask, |approved| {
            ran += 1;
            assert_eq!(approved.payload(), payload);
            Ok::<(), ()>(())
        })
    });
    let played = std::mem::take(&mut *played.lock().unwrap());
    (result.map(|_| ()), ran, played)
}

#[test]
fn every_case_ends_as_the_file_says() {
    let (all, evidence) = (cases(), evidence());
    let mut wrong = Vec::new();
    for case in all["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (result, ran, played) = play(&all, &evidence, case);
        let (found, verifier) = match &result {
            Ok(()) => ("ran", None),
            Err(denied) => (denied.reason().code(), denied.reason().verifier()),
        };
        let mut expect = |what: &str, fits: bool| {
            if !fits {
                wrong.push(format!("{name}: {what}: {found} {result:?}"));
            }
        };
        expect("result", case["expect"].as_str() == Some(found));
        expect("closure", ran == u32::from(found == "ran"));
        if let Some(code) = case["code"].as_str() {
            expect("code", verifier.is_some_and(|found| found.as_str() == code));
        }
        for (call, most) in case["calls"].as_object().into_iter().flatten() {
            let count = played.calls.get(call.as_str()).map_or(0, Vec::len);
            expect(call, most.as_u64() == u64::try_from(count).ok());
        }
        // A gate that does not wait with its answer is not asked all the time.
        let looks = played.calls.get("look").map_or(0, Vec::len);
        expect("looks", looks <= 10);
        // Whatever is repeated is the same question.
        for call in ["create", "claim"] {
            let mut keys = played.calls.get(call).cloned().unwrap_or_default();
            expect("a key", keys.iter().all(|key| !key.is_empty()));
            keys.dedup();
            expect("one key", keys.len() <= 1);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_evidence_is_what_the_seeds_make() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/evidence.json");
    let mut minted = minted();
    // The same order, whatever another crate in the build has told serde_json.
    minted.sort_all_objects();
    if std::env::var_os("CASES").is_some_and(|value| value == "overwrite") {
        let text = serde_json::to_string_pretty(&minted).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
    assert!(evidence() == minted);
}

/// Runs under a journal and an operation, as often as it is called.
struct Remembering {
    gate: Gate,
    all: Value,
    played: Arc<Mutex<Played>>,
    ran: u32,
}

impl Remembering {
    fn new(path: &Path) -> Self {
        let (all, evidence) = (cases(), evidence());
        // The gate gives the same answers to everybody, as a hostile one would.
        let (url, played) = script(&all, &evidence, &Value::Null);
        let gate = client(&all, &evidence, &Value::Null, &url).journal(Journal::new(path));
        let ran = 0;
        Self {
            gate,
            all,
            played,
            ran,
        }
    }

    fn run(&mut self, operation: Option<&str>) -> Result<(), Reason> {
        let ask = ask(&self.all, &Value::Null).unwrap();
        let ask = match operation {
            Some(id) => ask.operation(id).unwrap(),
            None => ask,
        };
        let result = self.gate.run(ask, |_| {
            self.ran += 1;
            Ok::<(), ()>(())
        });
        result.map(|_| ()).map_err(|denied| denied.reason())
    }

    fn calls(&self, call: &str) -> usize {
        self.played
            .lock()
            .unwrap()
            .calls
            .get(call)
            .map_or(0, Vec::len)
    }
}

#[test]
fn an_operation_and_a_request_are_acted_on_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut caller = Remembering::new(&path);
    assert_eq!(caller.run(Some("one")), Ok(()));
    let events: Vec<String> = Journal::new(&path)
        .records()
        .unwrap()
        .into_iter()
        .map(|record| record.event)
        .collect();
    assert_eq!(events, ["claimed", "done"]);
    assert_eq!(caller.run(Some("one")), Err(Reason::OutcomeUnknown));
    assert_eq!(
        caller.calls("create"),
        1,
        "it is known before anybody is asked"
    );
    // The approval of an earlier request is no approval of another operation.
    assert_eq!(caller.run(Some("two")), Err(Reason::OutcomeUnknown));
    assert_eq!(caller.run(None), Err(Reason::OutcomeUnknown));
    assert_eq!(caller.ran, 1);
}

#[test]
fn the_line_is_written_before_the_act() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let caller = Remembering::new(&path);
    let ask = ask(&caller.all, &Value::Null)
        .unwrap()
        .operation("one")
        .unwrap();
    let ran = caller.gate.run(ask, |approved| {
        let records = Journal::new(&path).records().unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].event, "claimed");
        assert_eq!(records[0].request_id, approved.request_id());
        assert_eq!(records[0].operation, "one");
        Err::<(), ()>(())
    });
    assert!(ran.unwrap().result.is_err());
    assert_eq!(Journal::new(&path).records().unwrap()[1].event, "failed");
}

#[test]
fn without_a_journal_that_can_be_kept_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for damage in ["x\n", "{\"event\":\"claimed\"", "{}\n", "\n"] {
        std::fs::write(&path, damage).unwrap();
        let mut caller = Remembering::new(&path);
        assert_eq!(caller.run(Some("one")), Err(Reason::Journal), "{damage}");
        assert_eq!(caller.run(None), Err(Reason::Journal), "{damage}");
        assert_eq!(caller.ran, 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damage);
    }
    // No folder to write it in.
    let mut caller = Remembering::new(&folder.path().join("none").join("journal"));
    assert_eq!(caller.run(None), Err(Reason::Journal));
    assert_eq!(caller.ran, 0);
    // Another process is writing.
    std::fs::write(&path, "").unwrap();
    let held = std::fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let mut caller = Remembering::new(&path);
    assert_eq!(caller.run(Some("one")), Err(Reason::Journal));
    assert_eq!(caller.ran, 0);
    // An operation that could be tried again, and nobody remembers it.
    let (all, evidence) = (cases(), evidence());
    let (url, _) = script(&all, &evidence, &Value::Null);
    let gate = client(&all, &evidence, &Value::Null, &url);
    let ask = ask(&all, &Value::Null).unwrap().operation("one").unwrap();
    let denied = gate.run(ask, |_| -> Result<(), ()> { panic!("it ran") });
    assert_eq!(denied.unwrap_err().reason(), Reason::Journal);
}

#[test]
fn without_a_policy_nothing_is_claimed() {
    let (all, evidence) = (cases(), evidence());
    let (url, played) = script(&all, &evidence, &Value::Null);
    let gate = Gate::without_policy(&url, Keys::both("key")).unwrap();
    let gate = gate.at(Time::parse(all["now"].as_str().unwrap()).unwrap());
    let asking = gate.request(ask(&all, &Value::Null).unwrap()).unwrap();
    gate.wait(&asking).unwrap();
    assert_eq!(gate.claim(&asking).unwrap_err().reason(), Reason::Invalid);
    assert_eq!(played.lock().unwrap().calls.get("claim"), None);
}
