//! Several processes of one gate, on one database and one log.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres_cluster::Cluster;
use serde_json::json;
use test_vectors::encoding::{from_b64url, hex, sha256};

use crate::harness::{Gate, Log, Person, RULES, Reply};

/// Two processes behind what browsers take for one.
struct Pair {
    gates: [Gate; 2],
    log: Log,
    database: String,
}

impl Pair {
    fn new() -> Option<Self> {
        let cluster = Cluster::shared()?;
        let database = cluster.database();
        let address = cluster.address(&database);
        let mut log = Log::new();
        let one = Gate::sharing(&address, None, &log, RULES);
        let two = Gate::sharing(&address, Some(&one), &log, RULES);
        log.serve(&one.origin());
        let mut gates = [one, two];
        for gate in &mut gates {
            gate.serve_beside(&log);
        }
        Some(Self {
            gates,
            log,
            database,
        })
    }

    fn sql(&self, sql: &str) -> String {
        let sql = format!("SET search_path = cosignet_gate; {sql}");
        Cluster::shared().unwrap().sql(&self.database, &sql)
    }
}

fn path(id: &str) -> String {
    format!("/api/confirmations/{id}")
}

fn claim(gate: &Gate, key: &str, id: &str, operation: &str, payload: &serde_json::Value) -> Reply {
    let body = json!({ "payloadHash": hex(&sha256(payload.to_string().as_bytes())) });
    gate.call(&format!("{}/claim", path(id)), key, operation, &body)
}

/// Each step at the other process.
fn decide(pair: &Pair, person: &Person, id: &str) -> Reply {
    let [one, two] = &pair.gates;
    let options = one.post("/session/options", &json!({}));
    let challenge = from_b64url(options.json()["challenge"].as_str().unwrap());
    let body = json!({ "assertion": person.sign(one, &challenge) });
    let session = two.post("/session/finish", &body);
    assert_eq!(session.status, 200, "{session:?}");
    // Once, wherever.
    for gate in &pair.gates {
        let again = gate.post("/session/finish", &body);
        assert_eq!(again.refusal(), (422, "session.refused".into()));
    }
    let cookie = session.header("set-cookie").split(';').next().unwrap();
    let see = |gate: &Gate| {
        let headers = [("cookie", cookie)];
        gate.send("GET", &format!("/a/{id}/request"), &headers, None)
    };
    let shown = see(one);
    assert_eq!(shown.status, 200, "{shown:?}");
    let challenge = Person::challenge(&shown.json(), "approve");
    let body = json!({ "kind": "approve", "assertion": person.sign(one, &challenge) });
    let decided = two.post(&format!("/a/{id}/decision"), &body);
    let headers = [("cookie", cookie)];
    let ended = one.send("POST", "/session/end", &headers, Some(b"{}"));
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_ne!(see(two).status, 200);
    decided
}

#[test]
fn two_processes_are_one_gate() {
    let Some(mut pair) = Pair::new() else {
        return;
    };
    let [one, two] = &pair.gates;
    let ann = one.person("ann", "finance");
    let bob = one.person("bob", "board");
    let (agent, executor) = (
        two.key("agent", "create", None),
        one.key("executor", "claim", None),
    );
    let payload = json!({ "amount": "2500.00" });
    let id = one.ask(&agent, "payment.send", &payload);
    assert_eq!(decide(&pair, &ann, &id).status, 200);
    // Somebody waits at the one, and hears at once of what came in at the other.
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let decided = one.wait(&agent, &id);
            (decided, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(decide(&pair, &bob, &id).status, 200);
        let decided = Instant::now();
        let (told, at) = waits.join().unwrap();
        assert_eq!(told["status"], "approved", "{told}");
        assert!(at < decided + Duration::from_secs(5));
    });
    let claimed = claim(two, &executor, &id, "op", &payload);
    assert_eq!(claimed.status, 200, "{claimed:?}");
    let taken = claim(one, &executor, &id, "other", &payload);
    assert_eq!(taken.refusal(), (409, "claim.taken".into()));

    // One dies: its clients go to the other one, and lose nothing.
    let next = one.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    one.kill();
    let again = claim(two, &executor, &id, "op", &payload);
    assert_eq!(again.json(), claimed.json());
    assert_eq!(two.get(&path(&next), &agent).json()["status"], "pending");
    assert_eq!(ann.decide(two, &next, "approve").status, 200);
    assert_eq!(two.wait(&agent, &next)["status"], "approved");
    // With the directory alone, while nobody runs there.
    assert!(one.succeed(&["approver", "list"]).contains("ann"));
    one.succeed(&["key", "create", "--name", "late", "--right", "read"]);
    pair.gates[0].serve_beside(&pair.log);
    let one = &pair.gates[0];
    assert_eq!(one.get(&path(&next), &agent).json()["status"], "approved");
    let exported = one.data().join("events");
    std::fs::write(&exported, one.succeed(&["export"])).unwrap();
    let file = exported.display().to_string();
    one.succeed(&["export", "--verify", &file]);
}

/// The signature was taken in by a process that is gone before the log has it.
#[test]
fn another_process_feeds_the_log() {
    let Some(mut pair) = Pair::new() else {
        return;
    };
    let ann = pair.gates[0].person("ann", "finance");
    let agent = pair.gates[0].key("agent", "create", None);
    pair.log.kill();
    let one = &pair.gates[0];
    let id = one.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    assert_eq!(ann.decide(one, &id, "approve").status, 200);
    one.kill();
    pair.log.serve(&pair.gates[0].origin());
    assert_eq!(pair.gates[1].wait(&agent, &id)["status"], "approved");
}

#[test]
fn of_a_thousand_claims_at_two_processes_one_wins() {
    let Some(pair) = Pair::new() else {
        return;
    };
    let [one, two] = &pair.gates;
    let ann = one.person("ann", "finance");
    let agent = one.key("agent", "create", None);
    let executor = one.key("executor", "claim", None);
    let payload = json!({ "amount": "1" });
    let id = one.ask(&agent, "payment.send", &payload);
    assert_eq!(ann.decide(one, &id, "approve").status, 200);
    assert_eq!(two.wait(&agent, &id)["status"], "approved");
    let (next, won) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= 1000 {
                        return;
                    }
                    let operation = number.to_string();
                    let gate = &pair.gates[number % 2];
                    let answer = claim(gate, &executor, &id, &operation, &payload);
                    match answer.status {
                        200 => won.lock().unwrap().push(operation),
                        _ => assert_eq!(answer.refusal(), (409, "claim.taken".into())),
                    }
                }
            });
        }
    });
    let won = won.into_inner().unwrap();
    assert_eq!(won.len(), 1, "{won:?}");
    let kept = pair.sql("SELECT claim_operation FROM request");
    assert_eq!(kept, won[0]);
}

/// Clients who go to the other process when theirs does not answer. Whatever they were answered stays,
/// and what they asked for twice is there once.
#[test]
fn a_process_that_is_killed_loses_nothing() {
    let Some(mut pair) = Pair::new() else {
        return;
    };
    let agent = pair.gates[0].key("agent", "create", None);
    let (next, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answered: Mutex<BTreeMap<usize, String>> = Mutex::default();
    let Pair { gates, log, .. } = &mut pair;
    let [one, two] = gates;
    for kill in 0..4 {
        let before = answered.lock().unwrap().len();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !ended.load(Ordering::SeqCst) {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        let name = format!("request-{number}");
                        let headers = [("x-api-key", &*agent), ("idempotency-key", &name)];
                        let body = json!({
                            "action": "payment.send", "payload": { "amount": number.to_string() }
                        });
                        let body = body.to_string();
                        // Until somebody answers.
                        for turn in 0.. {
                            let gate = if (number + turn) % 2 == 0 {
                                &*one
                            } else {
                                &*two
                            };
                            let sent = gate.try_send(
                                "POST",
                                "/api/confirmations",
                                &headers,
                                Some(body.as_bytes()),
                            );
                            match &sent {
                                Ok(reply) if [200, 201].contains(&reply.status) => {
                                    let id = reply.json()["id"].as_str().unwrap().to_owned();
                                    answered.lock().unwrap().insert(number, id);
                                    break;
                                }
                                Ok(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
                                Err(_) => {}
                            }
                            assert!(turn < 400, "nobody answers: {sent:?}");
                            std::thread::sleep(Duration::from_millis(10));
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(700));
            if kill % 2 == 0 {
                one.kill()
            } else {
                two.kill()
            }
            // The other one alone.
            std::thread::sleep(Duration::from_millis(700));
            ended.store(true, Ordering::SeqCst);
        });
        ended.store(false, Ordering::SeqCst);
        let dead = if kill % 2 == 0 { &mut *one } else { &mut *two };
        dead.serve_beside(log);
        assert!(answered.lock().unwrap().len() > before + 10);
    }
    let answered = answered.into_inner().unwrap();
    for (number, id) in &answered {
        let found = pair.gates[number % 2].get(&path(id), &agent);
        assert_eq!(found.status, 200, "{number}: {found:?}");
    }
    let names = pair.sql("SELECT count(*), count(DISTINCT idempotency) FROM request");
    let count = answered.len();
    assert_eq!(names, format!("{count}|{count}"));
}
