//! Power cuts, as far as a process can simulate them: SIGKILL under load, again and again.

mod client;
mod news;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, hex, pseudo_random, sha256};
use ureq::Error;
use verifier_core::{AwsLc, Policy, Request, Verdict, verify};

use client::Client;

use crate::harness::{Gate, Person, Reply, program};
use crate::receiver::Receiver;

/// Nothing ends by itself while the campaign runs.
const RULES: &str = r#"
[[rule]]
name = "payments"
action = "payment.*"
approve = [{ group = "finance", at_least = 1 }, { group = "board", at_least = 1 }]
expires = "7d"
claim_within = "7d"
"#;

/// Who approves, and the group: two of the same group are not enough.
const PEOPLE: [(&str, &str); 3] = [("ann", "finance"), ("bob", "board"), ("cat", "finance")];

/// How many clients at a time.
const CLIENTS: u64 = 4;

const SETTINGS: [&str; 2] = ["--open-per-key", "1000000"];

#[test]
fn survives_five_kills_under_load() {
    campaign(5);
}

#[test]
#[ignore = "minutes: cargo xtask crash --gate"]
fn survives_many_kills_under_load() {
    let kills = std::env::var("KILLS").ok();
    campaign(kills.and_then(|kills| kills.parse().ok()).unwrap_or(200));
}

/// All that one request was told, and all that it was answered.
#[derive(Clone, Debug, Default)]
struct Told {
    amount: u64,
    /// Person and act: sent, and answered with 200.
    tried: BTreeSet<(&'static str, &'static str)>,
    kept: BTreeSet<(&'static str, &'static str)>,
    is_approved: bool,
    is_cancelled: bool,
    /// Ids of operations: sent, and answered with 200.
    operations: BTreeSet<String>,
    claims: BTreeSet<String>,
}

impl Told {
    fn payload(&self) -> String {
        payload(self.amount).to_string()
    }

    fn hash(&self) -> String {
        hex(&sha256(self.payload().as_bytes()))
    }
}

fn payload(amount: u64) -> Value {
    json!({ "amount": amount.to_string() })
}

/// What all clients know together.
#[derive(Debug, Default)]
struct Witnessed {
    requests: BTreeMap<String, Told>,
    /// Creations without an answer, by amount: it is the Idempotency-Key, too.
    lost: BTreeSet<u64>,
    /// Requests of the life that has just ended.
    touched: BTreeSet<String>,
    created: u64,
    events: Vec<String>,
}

struct World {
    gate: Gate,
    people: [Person; 3],
    agent: String,
    executor: String,
    auditor: String,
    /// Is told of everything.
    receiver: Receiver,
    policy: Policy,
    /// A policy that knows one person less.
    narrow: Policy,
    seen: Mutex<Witnessed>,
}

fn campaign(kills: u64) {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| std::process::id().into());
    println!("SEED={seed}");
    let mut world = World::new();
    let mut dice = Dice::new(&format!("kills {seed}"));
    for life in 0..kills {
        let delay = Duration::from_millis(20 + dice.below(700));
        world.live(&format!("{seed} {life}"), delay);
        world.assert_clean_log();
        world.gate.serve(&SETTINGS);
        world.look_back();
    }
    world.audit(kills);
}

impl World {
    fn new() -> Self {
        let mut gate = Gate::new(RULES);
        let people = PEOPLE.map(|(name, group)| gate.person(name, group));
        let (agent, executor) = (
            gate.key("agent", "create", None),
            gate.key("executor", "claim", None),
        );
        let auditor = gate.key("auditor", "read", None);
        let receiver = Receiver::new();
        let url = receiver.url();
        gate.succeed(&["webhook", "add", "hook", &url, "--allow-private"]);
        gate.kill();
        gate.serve(&SETTINGS);
        let policy = |known: &[usize]| {
            let known: Vec<Value> = known
                .iter()
                .map(|&at| {
                    let ((name, group), passkey) = (PEOPLE[at], &people[at].passkey);
                    json!({
                        "name": name, "groups": [group],
                        "publicKey": b64url(&passkey.public_key),
                        "credentialId": b64url(&passkey.credential_id),
                    })
                })
                .collect();
            let policy = json!({
                "name": "crash",
                "webauthn": { "rpIds": ["localhost"], "origins": [gate.origin()] },
                "approvers": known,
                "decision": {
                    "require": [
                        { "group": "finance", "atLeast": 1 },
                        { "group": "board", "atLeast": 1 },
                    ],
                    "context": "required",
                    "audience": "localhost",
                },
                "log": { "policy": format!("log {}\nquorum none\n", gate.vkey) },
            });
            Policy::from_json(policy.to_string().as_bytes()).unwrap()
        };
        let (whole, narrow) = (policy(&[0, 1, 2]), policy(&[0, 2]));
        Self {
            gate,
            people,
            agent,
            executor,
            auditor,
            receiver,
            policy: whole,
            narrow,
            seen: Mutex::default(),
        }
    }

    /// Load until the process dies.
    fn live(&self, seed: &str, delay: Duration) {
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let dice = Dice::new(&format!("client {seed} {client}"));
                    scope.spawn(move || Client::new(self, dice).work())
                })
                .collect();
            std::thread::sleep(delay);
            self.gate.kill();
            // A client that fails for another reason than the end fails the test.
            for client in clients {
                let _dead: Error = client.join().unwrap().unwrap_err();
            }
        });
    }

    fn seen<T>(&self, change: impl FnOnce(&mut Witnessed) -> T) -> T {
        // After a failed assertion of another client, its message is what counts.
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn told(&self, id: &str, change: impl FnOnce(&mut Told)) {
        self.seen(|seen| {
            seen.touched.insert(id.to_owned());
            change(seen.requests.get_mut(id).unwrap());
        });
    }

    fn assert_clean_log(&self) {
        let log = self.gate.data().join("log");
        let fsck = program("cosignet-log").args(["fsck"]).arg(log).output();
        let fsck = fsck.unwrap();
        assert_eq!(fsck.status.code(), Some(0), "{fsck:?}");
    }

    /// Nothing that was answered in the last life is gone.
    fn look_back(&self) {
        for amount in self.seen(|seen| std::mem::take(&mut seen.lost)) {
            // Made or not, there is one of it from now on.
            let made = self.create(amount).unwrap();
            assert!(matches!(made.status, 200 | 201), "{made:?}");
            self.keep_created(amount, &made);
        }
        for id in self.seen(|seen| std::mem::take(&mut seen.touched)) {
            self.check(&id);
        }
        self.read_events();
    }

    fn create(&self, amount: u64) -> Result<Reply, Error> {
        let body = json!({ "action": "payment.send", "payload": payload(amount) });
        let number = amount.to_string();
        let headers = [("x-api-key", &*self.agent), ("idempotency-key", &*number)];
        self.post("/api/confirmations", &headers, &body)
    }

    fn keep_created(&self, amount: u64, made: &Reply) {
        let id = made.json()["id"].as_str().unwrap().to_owned();
        self.seen(|seen| {
            let told = seen.requests.entry(id.clone()).or_default();
            told.amount = amount;
            seen.touched.insert(id);
        });
    }

    /// A request against everything that was heard of it; what it is now.
    fn check(&self, id: &str) -> Value {
        let told = self.seen(|seen| seen.requests[id].clone());
        let reply = self
            .gate
            .get(&format!("/api/confirmations/{id}"), &self.agent);
        assert_eq!(reply.status, 200, "{id}: {reply:?}");
        let now = reply.json();
        let context = || format!("{told:?}\n{now}");
        assert_eq!(now["payloadHash"], told.hash(), "{}", context());
        let status = now["status"].as_str().unwrap();
        let kept = |kind| told.kept.iter().filter(|one| one.1 == kind).count();
        let given = usize::try_from(now["signatures"]["given"].as_u64().unwrap()).unwrap();
        assert!(given >= kept("approve"), "{}", context());
        for (is_known, expected) in [
            (told.is_approved, "approved"),
            (told.is_cancelled, "cancelled"),
            (kept("refuse") > 0, "rejected"),
        ] {
            assert!(!is_known || status == expected, "{}", context());
        }
        assert!(told.claims.len() <= 1, "two operations: {}", context());
        assert!(
            told.claims.is_empty() || now["claimedAt"].is_string(),
            "{}",
            context()
        );
        if status == "approved" {
            let by: Vec<&str> = now["decidedBy"]
                .as_array()
                .unwrap()
                .iter()
                .map(|by| by.as_str().unwrap())
                .collect();
            let distinct: BTreeSet<&str> = by.iter().copied().collect();
            assert_eq!((by.len(), distinct.len()), (2, 2), "{}", context());
            // Nobody but those who have signed.
            let signed = |name: &&str| told.tried.iter().any(|one| *one == (*name, "approve"));
            assert!(by.iter().all(signed), "{}", context());
        }
        now
    }

    /// The events since the last look. They continue those that were read before.
    fn read_events(&self) {
        self.seen(|seen| {
            loop {
                let after = seen.events.len().saturating_sub(1);
                let text = self
                    .gate
                    .get(&format!("/export?after={after}"), &self.auditor)
                    .text;
                let mut lines = text.lines();
                if let Some(last) = seen.events.last() {
                    assert_eq!(
                        lines.next(),
                        Some(&**last),
                        "an event that was read is another one"
                    );
                }
                let before = seen.events.len();
                seen.events.extend(lines.map(str::to_owned));
                if seen.events.len() == before {
                    return;
                }
            }
        });
    }

    /// Everything, once more, by those who trust nobody.
    fn audit(&self, kills: u64) {
        let begun = Instant::now();
        while {
            self.read_events();
            self.count("request.signed") != self.count("signature.logged")
        } {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the log lacks signatures"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let (mut approved, mut claimed) = (0, 0);
        let ids: Vec<String> = self.seen(|seen| seen.requests.keys().cloned().collect());
        for id in &ids {
            let now = self.check(id);
            let told = self.seen(|seen| seen.requests[id].clone());
            let won = self.winners(id, &told);
            // Where none had it yet, the first of those who ask now has it.
            let is_free = now["status"] == "approved" && !told.operations.is_empty();
            let expected = usize::from(is_free || now["claimedAt"].is_string());
            assert_eq!(won.len(), expected, "{told:?}\n{now}");
            assert!(won.is_superset(&told.claims), "{won:?}: {told:?}");
            claimed += won.len();
            if now["status"] == "approved" {
                approved += 1;
                self.verify(id, &told);
            }
        }
        let file = self.gate.data().join("events");
        let text = self.seen(|seen| seen.events.join("\n"));
        std::fs::write(&file, text).unwrap();
        let said = self
            .gate
            .succeed(&["export", "--verify", &file.display().to_string()]);
        let events = self.seen(|seen| seen.events.len());
        assert!(
            said.starts_with(&format!("Events 1 to {events} follow")),
            "{said}"
        );
        // Each signature is in the log, and none of them twice.
        let checkpoint = self.gate.get("/checkpoint", "").text;
        let size: usize = checkpoint.lines().nth(1).unwrap().parse().unwrap();
        assert_eq!(self.count("signature.logged"), size);
        let (news, deliveries) = self.audit_news();
        self.gate.kill();
        self.assert_clean_log();
        let requests = ids.len();
        let kept: usize = self.seen(|seen| seen.requests.values().map(|one| one.kept.len()).sum());
        println!(
            "{kills} kills: {requests} requests, {kept} acknowledged decisions, {size} signatures \
             in the log, {approved} approved, {claimed} claimed, {events} events; nothing lost, \
             nothing twice; {news} of them told in {deliveries} deliveries"
        );
        assert!(approved > 0 && claimed > 0, "the load was none");
    }

    fn count(&self, kind: &str) -> usize {
        let wanted = format!("\"kind\":\"{kind}\"");
        self.seen(|seen| {
            seen.events
                .iter()
                .filter(|line| line.contains(&wanted))
                .count()
        })
    }

    /// The operations, of all that were tried, that have the claim.
    fn winners(&self, id: &str, told: &Told) -> BTreeSet<String> {
        let has_claim = |operation: &&String| {
            let reply = self.claim(id, operation, told).unwrap();
            reply.status == 200
        };
        match told.operations.is_empty() {
            true => BTreeSet::new(),
            false => told.operations.iter().filter(has_claim).cloned().collect(),
        }
    }

    fn verify(&self, id: &str, told: &Told) {
        let path = format!("/api/confirmations/{id}/decision");
        let decision = self.gate.get(&path, &self.agent);
        assert_eq!(decision.status, 200, "{decision:?}");
        let payload = told.payload();
        let verdict = |policy| {
            let request = Request::new().policy(policy).payload(payload.as_bytes());
            let report = verify(decision.text.as_bytes(), &request.crypto(&AwsLc));
            (report.verdict(), report.summary().to_owned())
        };
        let (found, why) = verdict(&self.policy);
        assert_eq!(found, Verdict::Verified, "{id}: {why}");
        // Without the board it is none.
        assert_ne!(verdict(&self.narrow).0, Verdict::Verified, "{id}");
    }

    fn claim(&self, id: &str, operation: &str, told: &Told) -> Result<Reply, Error> {
        let headers = [
            ("x-api-key", &*self.executor),
            ("idempotency-key", operation),
        ];
        let path = format!("/api/confirmations/{id}/claim");
        self.post(&path, &headers, &json!({ "payloadHash": told.hash() }))
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Reply, Error> {
        let body = body.to_string();
        self.gate
            .try_send("POST", path, headers, Some(body.as_bytes()))
    }
}

/// Numbers that are the same for the same seed.
struct Dice {
    seed: String,
    drawn: u64,
}

impl Dice {
    fn new(seed: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            drawn: 0,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.drawn += 1;
        let bytes = pseudo_random(&format!("{} {}", self.seed, self.drawn));
        u64::from_be_bytes(bytes[..8].try_into().unwrap()) % limit
    }
}
