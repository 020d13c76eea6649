//! Programs and chats that are told of requests.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use test_vectors::encoding::{hex, sha256};
use verifier_core::hazmat::encoding::{base64, from_base64};

use crate::harness::{Gate, Log, RULES};
use crate::receiver::{Got, OK, Receiver, wait_for};

/// The rules of the tests, and a receiver that may be on this machine.
fn gate_and_receiver(more: &[&str]) -> (Gate, Receiver, String) {
    let (gate, receiver) = (Gate::new(RULES), Receiver::new());
    let secret = add(&gate, "hook", &receiver.url(), more);
    (gate, receiver, secret)
}

fn add(gate: &Gate, name: &str, url: &str, more: &[&str]) -> String {
    let args = ["webhook", "add", name, url, "--allow-private"];
    gate.succeed(&[&args[..], more].concat())
}

/// Whether one of its signatures is by this secret, computed here.
fn is_signed(got: &Got, secret: &str) -> bool {
    let key = from_base64(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, at) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{}", got.body).as_bytes());
    let expected = format!("v1,{}", base64(&mac.finalize().into_bytes()));
    let mut signatures = got.header("webhook-signature").split(' ');
    signatures.any(|signature| signature == expected)
}

fn kinds(got: &[Got]) -> Vec<String> {
    let mut kinds: Vec<String> = got.iter().map(Got::kind).collect();
    kinds.sort();
    kinds
}

#[test]
fn everything_that_happens_is_told_signed_and_without_the_payload() {
    let (gate, receiver, secret) = gate_and_receiver(&[]);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "board"));
    let agent = gate.key("agent", "create", None);
    let executor = gate.key("executor", "claim", None);
    let ask = |amount: &str| {
        let payload = json!({ "amount": amount, "to": "DE89370400440532013000" });
        gate.ask(&agent, "payment.send", &payload)
    };
    // It expires after ten seconds, while the others are decided.
    let expires = gate.ask(&agent, "quick", &json!({}));
    let refused = ask("2500.00");
    assert_eq!(bob.decide(&gate, &refused, "refuse").status, 200);
    let cancelled = ask("10.00");
    let path = format!("/api/confirmations/{cancelled}/cancel");
    assert_eq!(gate.call(&path, &agent, "", &json!({})).status, 200);
    let claimed = ask("20.00");
    assert_eq!(ann.decide(&gate, &claimed, "approve").status, 200);
    gate.wait(&agent, &claimed);
    let payload = json!({ "amount": "20.00", "to": "DE89370400440532013000" }).to_string();
    let hash = hex(&sha256(payload.as_bytes()));
    let path = format!("/api/confirmations/{claimed}/claim");
    let claim = gate.call(&path, &executor, "op", &json!({ "payloadHash": hash }));
    assert_eq!(claim.status, 200, "{claim:?}");

    let all = receiver.wait(9);
    let created = "request.created";
    assert_eq!(
        kinds(&all),
        [
            "request.approved",
            "request.cancelled",
            "request.claimed",
            created,
            created,
            created,
            created,
            "request.expired",
            "request.rejected",
        ]
    );
    let of = |kind: &str, id: &str| {
        let mut all = all.iter();
        let got = all.find(|got| got.kind() == kind && got.json()["data"]["id"] == id);
        got.unwrap().json()
    };
    for (kind, id, status) in [
        (created, &claimed, "pending"),
        ("request.approved", &claimed, "approved"),
        ("request.claimed", &claimed, "approved"),
        ("request.rejected", &refused, "rejected"),
        ("request.cancelled", &cancelled, "cancelled"),
        ("request.expired", &expires, "expired"),
    ] {
        let event = of(kind, id);
        assert_eq!(event["data"]["status"], status, "{event}");
        assert_eq!(event["data"]["url"], format!("{}/a/{id}", gate.origin()));
        crate::openapi::conform_event(&event);
    }
    let event = of("request.claimed", &claimed);
    assert_eq!(event["data"]["payloadHash"], hash);
    assert_eq!(event["timestamp"], event["data"]["claimedAt"]);
    let mut ids: Vec<&str> = all.iter().map(|got| got.header("webhook-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9, "each has an id of its own");
    for got in &all {
        assert!(is_signed(got, &secret), "{got:?}");
        assert_eq!(got.header("content-type"), "application/json");
        assert!(!got.body.contains("DE89") && !got.body.contains("20.00"));
        assert!(!got.body.contains("amount"), "{got:?}");
    }
    let line = "cosignet_gate_delivery_tries_total{to=\"hook\",outcome=\"delivered\"} 9";
    wait_for(|| gate.get("/metrics", "").text.contains(line).then_some(()));
}

#[test]
fn nobody_is_told_approved_before_the_log_has_it() {
    let mut log = Log::new();
    let gate = Gate::beside(&log, RULES);
    let receiver = Receiver::new();
    add(
        &gate,
        "hook",
        &receiver.url(),
        &["--event", "request.approved"],
    );
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.got().len(), 0);
    log.serve(&gate.origin());
    let [told] = &receiver.wait(1)[..] else {
        panic!("one");
    };
    assert_eq!(told.kind(), "request.approved");
    let now = gate.get(&format!("/api/confirmations/{id}"), &agent).json();
    assert_eq!(now["status"], "approved");
}

#[test]
fn a_secret_is_changed_without_a_gap() {
    let (gate, receiver, old) = gate_and_receiver(&[]);
    let agent = gate.key("agent", "create", None);
    let told = |count: usize| {
        gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
        receiver.wait(count).pop().unwrap()
    };
    assert!(is_signed(&told(1), &old));
    let new = gate.succeed(&["webhook", "rotate", "hook"]);
    assert_ne!(new, old);
    let both = told(2);
    assert!(is_signed(&both, &old) && is_signed(&both, &new), "{both:?}");
    let last = gate.succeed(&["webhook", "rotate", "hook", "--overlap", "0"]);
    let one = told(3);
    assert!(is_signed(&one, &last) && !is_signed(&one, &old) && !is_signed(&one, &new));
    // Nobody reads a secret a second time.
    let list = gate.succeed(&["webhook", "list"]);
    assert!(!list.contains("whsec_"), "{list}");
    assert!(!gate.succeed(&["export"]).contains("whsec_"));
}

#[test]
fn what_is_not_taken_is_tried_again_under_the_same_id() {
    let (gate, receiver, secret) = gate_and_receiver(&[]);
    let agent = gate.key("agent", "create", None);
    receiver.answer("HTTP/1.1 500 Oops\r\ncontent-length: 9\r\nconnection: close\r\n\r\nnot today");
    gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    receiver.wait(1);
    let log = wait_for(|| {
        let log = gate.succeed(&["webhook", "log", "hook"]);
        log.contains("1 try").then_some(log)
    });
    assert!(log.contains("waiting to hook"), "{log}");
    assert!(
        log.contains("answered 500 Internal Server Error: \"not today\""),
        "{log}"
    );
    receiver.answer(OK);
    let [first, second] = &receiver.wait(2)[..] else {
        panic!("two");
    };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    let at = |got: &Got| got.header("webhook-timestamp").parse::<u64>().unwrap();
    assert!(at(second) >= at(first) + 4, "{first:?} {second:?}");
    assert!(is_signed(second, &secret));
    wait_for(|| {
        let log = gate.succeed(&["webhook", "log", "hook"]);
        log.contains("delivered to hook, 2 tries").then_some(())
    });
}

#[test]
fn a_kill_between_event_and_delivery_loses_nothing() {
    let (mut gate, receiver, secret) = gate_and_receiver(&[]);
    let agent = gate.key("agent", "create", None);
    receiver.answer("");
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    let before = receiver.wait(1).remove(0);
    gate.kill();
    receiver.answer(OK);
    gate.serve(&[]);
    let after = receiver.wait(2).remove(1);
    assert_eq!(after.header("webhook-id"), before.header("webhook-id"));
    assert_eq!(after.body, before.body);
    assert_eq!(after.json()["data"]["id"], id.as_str());
    assert!(is_signed(&after, &secret));
    wait_for(|| {
        let log = gate.succeed(&["webhook", "log"]);
        log.contains("delivered to hook").then_some(())
    });
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_until_it_is_enabled() {
    let (gate, receiver, _) = gate_and_receiver(&[]);
    let agent = gate.key("agent", "create", None);
    let ask = || gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    receiver.answer("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    ask();
    wait_for(|| {
        let list = gate.succeed(&["webhook", "list"]);
        list.contains("disabled").then_some(())
    });
    receiver.answer(OK);
    ask();
    let refused = gate.run(&["webhook", "redeliver", "hook"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("channel.disabled"));
    assert_eq!(receiver.got().len(), 1);
    gate.succeed(&["webhook", "enable", "hook"]);
    let dead = gate.succeed(&["webhook", "log", "hook", "--dead"]);
    assert_eq!(dead.matches("dead to hook, 1 try").count(), 1, "{dead}");
    let said = gate.succeed(&["webhook", "redeliver", "hook"]);
    assert_eq!(said, "1 delivery is sent once more.");
    let [first, second] = &receiver.wait(2)[..] else {
        panic!("two");
    };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    let events = gate.succeed(&["export"]);
    for kind in ["added", "disabled", "enabled"] {
        assert!(events.contains(&format!("\"channel.{kind}\"")), "{events}");
    }
    gate.succeed(&["webhook", "remove", "hook"]);
    assert_eq!(gate.succeed(&["webhook", "list"]), "");
    ask();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn addresses_of_ones_own_network_are_refused_unless_it_is_said() {
    let (gate, receiver) = (Gate::new(RULES), Receiver::new());
    let agent = gate.key("agent", "create", None);
    for url in [
        &receiver.url(),
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "http://hooks.example/",
    ] {
        let refused = gate.run(&["webhook", "add", "hook", url]);
        assert_eq!(refused.status.code(), Some(2), "{url}: {refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("channel.address"), "{url}: {said}");
    }
    // A name may be anything; the address behind it is looked at when there is a connection.
    let named = format!("https://localhost:{}/", receiver.port);
    gate.succeed(&["webhook", "add", "hook", &named]);
    gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    let log = wait_for(|| {
        let log = gate.succeed(&["webhook", "log", "hook"]);
        log.contains("1 try").then_some(log)
    });
    assert!(log.contains("is no public address"), "{log}");
    assert_eq!(receiver.got().len(), 0);
}

#[test]
fn no_redirect_is_followed_and_no_answer_is_too_long() {
    let (gate, receiver, _) = gate_and_receiver(&[]);
    let other = Receiver::new();
    let agent = gate.key("agent", "create", None);
    let ask = || gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    receiver.answer(&format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n",
        other.url()
    ));
    ask();
    let log = wait_for(|| {
        let log = gate.succeed(&["webhook", "log", "hook"]);
        log.contains("1 try").then_some(log)
    });
    assert!(log.contains("redirects are not followed"), "{log}");
    // A body without an end: its status was all that counts.
    let endless = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    receiver.answer(&endless);
    ask();
    wait_for(|| {
        let log = gate.succeed(&["webhook", "log", "hook"]);
        log.contains("delivered to hook, 1 try: answered 200")
            .then_some(())
    });
    assert_eq!(other.got().len(), 0);
}

#[test]
fn a_chat_gets_a_link_and_the_action() {
    let (gate, receiver, said) = gate_and_receiver(&["--chat"]);
    assert_eq!(said, "", "a chat has no secret");
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.<!here>", &json!({ "amount": "10.00" }));
    let told = receiver.wait(1).remove(0);
    let text = told.json()["text"].as_str().unwrap().to_owned();
    let link = format!("{}/a/{id}", gate.origin());
    assert!(
        text.starts_with(&format!(
            "`payment.??here?` waits for a decision: {link} (until "
        )),
        "{text}"
    );
    assert_eq!(told.json().as_object().unwrap().len(), 1);
    assert_eq!(told.header("webhook-signature"), "");
    let list = gate.succeed(&["webhook", "list"]);
    assert!(
        list.contains("request.created") && !list.contains("/hooks"),
        "{list}"
    );
    // It was told that somebody is asked, and nothing else unless it wants that.
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    gate.wait(&agent, &id);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(receiver.got().len(), 1);
}

#[test]
fn a_slow_receiver_keeps_nobody_else_waiting() {
    let (gate, slow, _) = gate_and_receiver(&[]);
    let quick = Receiver::new();
    add(&gate, "quick", &quick.url(), &[]);
    slow.answer("");
    let agent = gate.key("agent", "create", None);
    for amount in 0..20 {
        gate.ask(
            &agent,
            "payment.send",
            &json!({ "amount": amount.to_string() }),
        );
    }
    assert_eq!(quick.wait(20).len(), 20);
    slow.wait(8);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(slow.got().len(), 8, "no more than that at a time");
}

/// The libraries that the authors of Standard Webhooks publish.
#[test]
#[ignore = "needs the indexes of Python and Node: cargo xtask interop webhooks"]
fn libraries_of_others_verify_what_is_delivered() {
    let folder = std::env::var_os("COSIGNET_WEBHOOK_LIBRARIES");
    let folder =
        std::path::PathBuf::from(folder.expect("`cargo xtask interop webhooks` runs this"));
    let (gate, receiver, old) = gate_and_receiver(&[]);
    let agent = gate.key("agent", "create", None);
    let new = gate.succeed(&["webhook", "rotate", "hook"]);
    gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    let got = receiver.wait(1).remove(0);
    let headers: serde_json::Map<String, Value> = got
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let case = |secret: &str, body: &str, valid: bool| json!({ "secret": secret, "headers": headers, "body": body, "valid": valid });
    let other = gate.succeed(&["webhook", "add", "other", "https://hooks.example/"]);
    let changed = got.body.replace("request.created", "request.approved");
    assert_ne!(changed, got.body);
    let cases = json!([
        case(&old, &got.body, true),
        case(&new, &got.body, true),
        case(&new, &changed, false),
        case(&other, &got.body, false),
    ]);
    let file = folder.join("cases.json");
    std::fs::write(&file, cases.to_string()).unwrap();
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/webhook-receivers");
    // Packages of Node are looked for beside the program.
    let node = folder.join("verify.mjs");
    std::fs::copy(sources.join("verify.mjs"), &node).unwrap();
    let python = folder.join("venv/bin/python");
    for (program, script) in [(python, sources.join("verify.py")), ("node".into(), node)] {
        let output = std::process::Command::new(&program)
            .arg(&script)
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {output:?}", program.display());
        assert!(said.contains("4 cases as expected"), "{said}");
        println!("{}: {}", program.display(), said.trim());
    }
}
