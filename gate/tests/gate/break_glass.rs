//! Break-glass: `cosignet gate run` without a gate, and the report when it is there again.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_vectors::break_glass::settings;
use test_vectors::encoding::{hex, sha256};

use crate::harness::{Gate, Log, Person, RULES, Reply, program};
use crate::receiver::Receiver;

const PAYLOAD: &str = r#"{"amount":"25.00","to":"Acme GmbH"}"#;

/// A gate with two people who can break the glass, and the files of a program that acts.
struct World {
    gate: Gate,
    ann: Person,
    bob: Person,
    executor: String,
    folder: TempDir,
}

/// The report of a use under a file, of which nothing is known but that it was begun. `payload` is each
/// byte of the hash.
fn report(number: usize, file: &str, payload: &str, used_at: &Value) -> Value {
    json!({
        "action": "payment.send",
        "file": file,
        "outcome": null,
        "payloadHash": payload.repeat(32),
        "useId": format!("00000000-0000-4000-8000-{number:012}"),
        "usedAt": used_at,
    })
}

impl World {
    fn new() -> Self {
        Self::of(Gate::new(RULES), "")
    }

    /// `log` is what the policy says of it, if the gate does not know.
    fn of(gate: Gate, log: &str) -> Self {
        let (ann, bob) = (gate.person("ann", "oncall"), gate.person("bob", "oncall"));
        let executor = gate.key("executor", "claim,read", None);
        // Everybody writes the folder of temporary files: no settings count there.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let world = Self {
            gate,
            ann,
            bob,
            executor,
            folder,
        };
        let policy = world.gate.succeed(&["policy"]);
        world.write("policy.toml", &format!("{log}{policy}"));
        world.write("payload.json", PAYLOAD);
        world.write("key", &world.executor);
        let policy = world.cosignet(&["policy", "show", "policy.toml", "--format", "json"]);
        let hash = hex(&sha256(
            String::from_utf8(policy.stdout).unwrap().trim().as_bytes(),
        ));
        let journal = world.path("uses.jsonl").display().to_string();
        world.write("settings.json", &settings(&hash, &journal).to_string());
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn cosignet(&self, words: &[&str]) -> Output {
        program("cosignet")
            .args(words)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// A file that nobody has signed.
    fn new_file(&self, name: &str, more: &[&str]) {
        let words = [
            &["break-glass", "new", "--policy", "policy.toml"][..],
            &["--action", "payment.send", "--audience", "payments.example"],
            &["--reason", "The gate is down.", "-o", name],
            more,
        ];
        let made = self.cosignet(&words.concat());
        assert!(made.status.success(), "{made:?}");
    }

    /// The file with a signature as the page would have it made.
    fn sign(&self, name: &str, person: &Person) {
        let mut file: Value = serde_json::from_str(&self.read(name)).unwrap();
        let grant = file["grant"].as_str().unwrap().to_owned();
        let tagged = [b"cosignet.break-glass/v1\0", grant.as_bytes()].concat();
        let challenge = [&b"break-glass\0"[..], &sha256(&tagged)].concat();
        let assertion = person.sign(&self.gate, &challenge);
        let response = &assertion["response"];
        let signature = json!({
            "authenticatorData": response["authenticatorData"],
            "clientDataJSON": response["clientDataJSON"],
            "credentialId": assertion["rawId"],
            "signature": response["signature"],
        });
        file["signatures"].as_array_mut().unwrap().push(signature);
        self.write(name, &file.to_string());
    }

    /// A file, and the grant in it.
    fn file(&self, name: &str) -> (Value, Value) {
        let file: Value = serde_json::from_str(&self.read(name)).unwrap();
        let grant = serde_json::from_str(file["grant"].as_str().unwrap()).unwrap();
        (file, grant)
    }

    fn check(&self, name: &str, more: &[&str]) -> (i32, Value) {
        let words = ["break-glass", "check", name, "--policy", "policy.toml"];
        let words = [&words[..], &["--format", "json"], more].concat();
        let done = self.cosignet(&words);
        let text = match done.status.success() {
            true => done.stdout,
            false => done.stderr,
        };
        let text = String::from_utf8(text).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        (done.status.code().unwrap(), value)
    }

    /// `cosignet gate run` under a file.
    fn run(&self, file: &str, gate: &str, script: &str) -> Output {
        self.cosignet(&[
            "gate",
            "run",
            "--gate",
            gate,
            "--key-file",
            "key",
            "--patience",
            "1s",
            "--policy",
            "policy.toml",
            "--action",
            "payment.send",
            "--payload",
            "payload.json",
            "--break-glass",
            file,
            "--break-glass-settings",
            "settings.json",
            "--",
            "sh",
            "-c",
            script,
        ])
    }

    fn report(&self, gate: &str) -> Output {
        self.cosignet(&[
            "break-glass",
            "report",
            "--gate",
            gate,
            "--key-file",
            "key",
            "--patience",
            "1s",
            "--settings",
            "settings.json",
        ])
    }

    fn tell(&self, key: &str, body: &Value) -> Reply {
        let reply = self.gate.call("/v1/break-glass", key, "", body);
        let text = body.to_string();
        crate::openapi::conform("POST", "/v1/break-glass", Some(text.as_bytes()), &reply);
        reply
    }

    /// The events of this kind.
    fn events(&self, kind: &str) -> Vec<Value> {
        let lines = self.gate.succeed(&["export"]);
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &Value| line["kind"] == kind).collect()
    }
}

/// Settings count only if they and their folders are root's own; the tests of everybody else end
/// before that.
#[cfg(unix)]
fn is_root(world: &World) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let path = world.path("settings.json").canonicalize().unwrap();
    let root = path.ancestors().all(|one| {
        let found = std::fs::metadata(one).unwrap();
        found.uid() == 0 && found.mode() & 0o022 == 0
    });
    if !root {
        eprintln!("NOT TESTED: the act itself, since settings are root's own");
        let done = world.run("file.json", "http://127.0.0.1:9", "touch acted");
        assert_eq!(done.status.code(), Some(13), "{done:?}");
        assert!(!world.path("acted").exists());
    }
    root
}

#[test]
fn two_people_sign_something_is_done_and_the_gate_hears_of_it_later() {
    let world = World::new();
    world.new_file("file.json", &[]);
    let settings = ["--settings", "settings.json"];
    world.sign("file.json", &world.ann);
    assert_eq!(world.check("file.json", &[]).0, 0, "one signature holds");
    let (code, said) = world.check("file.json", &settings);
    assert_eq!(
        (code, &said["code"]),
        (1, &json!("break_glass.quorum_short"))
    );
    world.sign("file.json", &world.bob);
    let act = ["--action", "payment.send", "--at", "now"];
    let (code, said) = world.check("file.json", &[&settings[..], &act].concat());
    assert_eq!(
        (code, &said["people"]),
        (0, &json!(["ann", "bob"])),
        "{said}"
    );
    if !is_root(&world) {
        return;
    }

    // Nobody listens there.
    let nowhere = "http://127.0.0.1:9";
    let script = "cat > acted; cat \"$COSIGNET_PAYLOAD_FILE\" >> acted; \
                  printf '%s' \"${COSIGNET_REQUEST_ID:-none} $COSIGNET_BREAK_GLASS\" >> acted; \
                  cat uses.jsonl > then";
    let done = world.run("file.json", nowhere, script);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(
        done.status.code(),
        Some(14),
        "not that of an approval: {said}"
    );
    assert!(
        said.contains("WITHOUT AN APPROVAL, signed for by ann, bob"),
        "{said}"
    );
    assert!(said.contains("break-glass report"), "{said}");
    let used: Value = serde_json::from_str(world.read("then").trim()).unwrap();
    assert_eq!(used["event"], "used", "it was written before");
    let id = used["useId"].as_str().unwrap();
    assert_eq!(world.read("acted"), format!("{PAYLOAD}{PAYLOAD}none {id}"));

    // The same file is not good for a second time.
    let again = world.run("file.json", nowhere, "touch twice");
    assert_eq!(again.status.code(), Some(13), "{again:?}");
    assert!(!world.path("twice").exists());

    let unheard = world.report(nowhere);
    assert_eq!(unheard.status.code(), Some(12), "{unheard:?}");
    for told in [1, 0] {
        let heard = world.report(&world.gate.origin());
        assert!(heard.status.success(), "{heard:?}");
        let said = String::from_utf8(heard.stdout).unwrap();
        assert!(said.contains(&format!("about {told} uses")), "{said}");
    }
    let events = world.events("break-glass.used");
    assert_eq!(events.len(), 1);
    let event = &events[0]["event"];
    assert_eq!(event["valid"], true, "{event}");
    assert_eq!(event["signers"], json!(["ann", "bob"]));
    assert_eq!(event["useId"], used["useId"]);
    assert_eq!(event["key"], "executor");
    assert_eq!(event["outcome"], "done");
    assert_eq!(event["code"], Value::Null);
    let figures = world.gate.get("/metrics", "").text;
    let line = "cosignet_gate_break_glass_uses_total{signatures=\"valid\"} 1";
    assert!(figures.contains(line), "{figures}");

    // No request has come of it, and none is approved.
    assert!(world.events("request.created").is_empty());
    assert!(world.events("request.approved").is_empty());
    let path = format!("/api/confirmations/{id}");
    assert_eq!(world.gate.get(&path, &world.executor).status, 404);
    let file = world.path("file.json").display().to_string();
    let verified = world.cosignet(&["verify", &file, "--policy", "policy.toml"]);
    assert_eq!(verified.status.code(), Some(3), "no approval: {verified:?}");

    // Nor does a report take it for one.
    let report = world.cosignet(&[
        "report",
        "--policy",
        "policy.toml",
        "--break-glass",
        "uses.jsonl",
        "--jsonl",
        "rows.jsonl",
        "--html",
        "report.html",
        "--",
        "file.json",
    ]);
    let said = String::from_utf8(report.stdout).unwrap().replace('\n', " ");
    assert_eq!(report.status.code(), Some(3), "{said}");
    assert!(
        said.contains("One act went ahead without an approval"),
        "{said}"
    );
    assert!(said.contains("signed for by ann, bob"), "{said}");
    assert!(!said.contains("VERIFIED"), "{said}");
    let rows = world.read("rows.jsonl");
    let last: Value = serde_json::from_str(rows.lines().last().unwrap()).unwrap();
    assert_eq!(last["schema"], "cosignet.report-break-glass/v1");
    assert_eq!(
        (&last["useId"], &last["reported"]),
        (&used["useId"], &json!(true))
    );
    assert!(
        world
            .read("report.html")
            .contains("Done without an approval")
    );
    // A line that nobody signed is called by its name.
    world.write(
        "uses.jsonl",
        &world
            .read("uses.jsonl")
            .replace("payment.send", "payment.rend"),
    );
    let words = [
        "report",
        "--policy",
        "policy.toml",
        "--break-glass",
        "uses.jsonl",
        "file.json",
    ];
    let changed = world.cosignet(&words);
    assert_eq!(changed.status.code(), Some(1), "{changed:?}");
    assert!(String::from_utf8_lossy(&changed.stdout).contains("nobody who counts"));
}

#[test]
fn a_report_is_recorded_once_and_judged_by_the_gate_itself() {
    let world = World::new();
    world.new_file("file.json", &["--from", "2026-03-01T12:00:00Z"]);
    world.new_file("now.json", &[]);
    for name in ["file.json", "now.json"] {
        world.sign(name, &world.ann);
        world.sign(name, &world.bob);
    }
    let file = |name: &str| world.read(name).trim().to_owned();
    let (_, grant) = world.file("now.json");
    let now = grant["notBefore"].as_str().unwrap();
    world.new_file("one.json", &["--from", now]);
    world.sign("one.json", &world.ann);
    world.sign("one.json", &world.ann);
    let body = |number, file: &str| report(number, file, "00", &grant["notBefore"]);
    let good = body(1, &file("now.json"));
    let agent = world.gate.key("agent", "create", None);
    assert_eq!(world.tell("", &good).status, 401);
    assert_eq!(world.tell(&agent, &good).status, 403);
    let first = world.tell(&world.executor, &good);
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.json()["valid"], true, "{first:?}");
    assert_eq!(first.json()["signers"], json!(["ann", "bob"]));
    let again = world.tell(&world.executor, &good);
    assert_eq!((again.status, again.json()), (200, first.json()));
    // What came of it is told once, and nobody takes it back.
    let mut other = good.clone();
    for (outcome, status) in [
        (json!("done"), 200),
        (json!("done"), 200),
        (json!("failed"), 409),
        (json!(null), 200),
    ] {
        other["outcome"] = outcome;
        let told = world.tell(&world.executor, &other);
        assert_eq!(told.status, status, "{told:?}");
    }
    let ended = world.events("break-glass.ended");
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(
        ended[0]["event"],
        json!({"key": "executor", "outcome": "done", "useId": good["useId"]})
    );
    other["payloadHash"] = json!("11".repeat(32));
    assert_eq!(
        world.tell(&world.executor, &other).refusal(),
        (409, "break_glass.reused".into())
    );

    // What does not hold is recorded all the same, and called by its name.
    let mut wrong_action = body(2, &file("now.json"));
    wrong_action["action"] = json!("payment.refund");
    for (body, code) in [
        (wrong_action, "break_glass.other_action"),
        // The passkeys are younger than the window.
        (body(3, &file("file.json")), "break_glass.key_limits"),
        (body(4, &file("one.json")), "break_glass.quorum_short"),
        (body(5, "no file"), "break_glass.form"),
        // It was good for one act.
        (body(8, &file("now.json")), "break_glass.overused"),
    ] {
        let told = world.tell(&world.executor, &body);
        assert_eq!(told.status, 201, "{told:?}");
        let said = told.json();
        assert_eq!(
            (&said["valid"], &said["code"]),
            (&json!(false), &json!(code))
        );
        assert_eq!(said["signers"], json!([]));
    }
    for (key, value) in [
        ("useId", json!("x")),
        ("outcome", json!("approved")),
        ("usedAt", json!("now")),
        ("payloadHash", json!("")),
        ("file", json!(7)),
        ("file", json!("x".repeat(128 * 1024 + 1))),
        ("status", json!("approved")),
        ("action", json!(format!("payment.{}", "x".repeat(113)))),
        ("action", json!("payment.send ")),
    ] {
        let mut bad = body(6, &file("now.json"));
        bad[key] = value;
        let told = world
            .gate
            .call("/v1/break-glass", &world.executor, "", &bad);
        assert_eq!(told.refusal(), (400, "request.schema".into()), "{key}");
    }
    let events = world.events("break-glass.used");
    assert_eq!(events.len(), 6);
    // What is no file is not kept.
    let kept = |number: usize| {
        (
            &events[number]["event"]["file"],
            &events[number]["event"]["fileSha256"],
        )
    };
    assert_eq!(kept(4), (&Value::Null, &json!(hex(&sha256(b"no file")))));
    assert_eq!(kept(0).0, &json!(file("now.json")));
    assert!(world.events("request.approved").is_empty());
    let figures = world.gate.get("/metrics", "").text;
    for (word, count) in [("valid", 1), ("invalid", 5)] {
        let line = format!("break_glass_uses_total{{signatures=\"{word}\"}} {count}");
        assert!(figures.contains(&line), "{figures}");
    }
    // The chain of events holds across them.
    let lines = world.gate.succeed(&["export"]);
    world.write("events", &lines);
    let path = world.path("events").display().to_string();
    assert!(
        world
            .gate
            .run(&["export", "--verify", &path])
            .status
            .success()
    );
    // Somebody who is retired while the window is open does not count for the whole of it.
    world.gate.succeed(&["approver", "retire", "ann"]);
    let told = world.tell(&world.executor, &body(7, &file("now.json")));
    assert_eq!(told.json()["code"], "break_glass.key_limits", "{told:?}");
}

#[test]
fn a_use_is_told_to_others_without_the_payload_and_the_reason() {
    let world = World::new();
    let (hook, chat) = (Receiver::new(), Receiver::new());
    let add = |name: &str, receiver: &Receiver, more: &[&str]| {
        let url = receiver.url();
        let args = ["webhook", "add", name, &url, "--allow-private"];
        world.gate.succeed(&[&args[..], more].concat());
    };
    add("hook", &hook, &[]);
    add("team", &chat, &["--chat"]);
    world.new_file("file.json", &[]);
    world.sign("file.json", &world.ann);
    world.sign("file.json", &world.bob);
    let (file, grant) = world.file("file.json");
    let text = file["grant"].as_str().unwrap();
    let body = |number, payload| report(number, &file.to_string(), payload, &grant["notBefore"]);
    let (first, over) = (body(1, "ab"), body(2, "cd"));
    // The second time it is known, and news to nobody.
    for (body, status) in [(&first, 201), (&first, 200), (&over, 201)] {
        assert_eq!(world.tell(&world.executor, body).status, status);
    }
    let mut got = hook.wait(2);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(hook.got().len(), 2);
    got.sort_by_key(|one| one.json()["data"]["useId"].to_string());
    let sha256 = hex(&sha256(text.as_bytes()));
    for (got, body, code, signers) in [
        (&got[0], &first, Value::Null, json!(["ann", "bob"])),
        (&got[1], &over, json!("break_glass.overused"), json!([])),
    ] {
        let event = got.json();
        crate::openapi::conform_event(&event);
        assert_eq!(event["type"], "break-glass.used");
        let told = json!({
            "action": "payment.send",
            "audience": "payments.example",
            "code": code,
            "grantSha256": sha256,
            "signers": signers,
            "useId": body["useId"],
            "usedAt": body["usedAt"],
            "valid": code.is_null(),
        });
        assert_eq!(event["data"], told);
    }
    let said: Vec<String> = chat.wait(2).into_iter().map(|got| got.body).collect();
    assert!(said.concat().contains("signed for by ann, bob"), "{said:?}");
    let told = got.iter().map(|got| got.body.clone()).chain(said);
    for told in told {
        for secret in ["The gate is down.", "abab", "cdcd", "signature"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let log = world.gate.succeed(&["webhook", "log", "hook"]);
    assert!(
        log.contains("break-glass.used 00000000-0000-4000-8000-000000000001"),
        "{log}"
    );
}

/// A log of its own, which is down when the gate hears of it.
#[test]
fn what_was_signed_goes_into_the_log_once_and_is_no_approval() {
    let mut log = Log::new();
    let gate = Gate::beside(&log, RULES);
    let world = World::of(gate, "log = \"none\"\n");
    world.new_file("file.json", &["--uses", "2"]);
    world.sign("file.json", &world.ann);
    world.sign("file.json", &world.bob);
    world.sign("file.json", &world.ann);
    let (file, grant) = world.file("file.json");
    let body = |number, payload| {
        let mut body = report(number, &file.to_string(), payload, &grant["notBefore"]);
        body["outcome"] = json!("done");
        body
    };
    assert_eq!(
        world.tell(&world.executor, &body(1, "00")).json()["valid"],
        true
    );
    // What nobody has signed is not logged.
    let mut none = body(3, "33");
    none["file"] = json!("none");
    assert_eq!(world.tell(&world.executor, &none).json()["valid"], false);
    crate::receiver::wait_for(|| {
        let said = world.gate.get("/readyz", "");
        (said.status == 503 && said.text.contains("signed")).then_some(())
    });
    assert!(world.events("break-glass.logged").is_empty());
    log.serve(&world.gate.origin());
    let logged = crate::receiver::wait_for(|| {
        Some(world.events("break-glass.logged")).filter(|all| all.len() == 2)
    });
    crate::receiver::wait_for(|| (world.gate.get("/readyz", "").status == 200).then_some(()));
    // The other use of the grant has the same signatures, and the log has them.
    assert_eq!(
        world.tell(&world.executor, &body(2, "22")).json()["valid"],
        true
    );
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(world.events("break-glass.logged").len(), 2);
    for event in &logged {
        let event = &event["event"];
        assert_eq!(event["useId"], "00000000-0000-4000-8000-000000000001");
        let bundle = event["bundle"].as_str().unwrap();
        assert!(bundle.contains("cosignet.break-glass/v1"), "{bundle}");
        assert!(!bundle.contains("The gate is down."));
        world.write("bundle.json", bundle);
        let verified = world.cosignet(&["verify", "bundle.json", "--policy", "policy.toml"]);
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert_eq!(verified.status.code(), Some(1), "{verified:?}");
        assert!(said.contains("entry.break_glass"), "{said}");
        assert!(!said.contains("VERIFIED"), "{said}");
    }
}

/// A grant for two acts: of one payload once, and of others as often as is left.
#[test]
fn a_gate_counts_the_uses_of_a_grant() {
    let world = World::new();
    world.new_file("file.json", &["--uses", "2"]);
    world.sign("file.json", &world.ann);
    world.sign("file.json", &world.bob);
    let (file, grant) = world.file("file.json");
    for (number, (payload, code)) in [
        ("00", Value::Null),
        ("00", json!("break_glass.overused")),
        ("11", json!("break_glass.overused")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = report(number, &file.to_string(), payload, &grant["notBefore"]);
        body["outcome"] = json!("done");
        let told = world.tell(&world.executor, &body);
        assert_eq!(
            (told.status, &told.json()["code"]),
            (201, &code),
            "{told:?}"
        );
    }
}

/// However much a key makes the gate keep, all of it can be read, in pieces.
#[test]
fn events_are_exported_in_pieces_of_bounded_size() {
    let world = World::new();
    world.new_file("file.json", &[]);
    let mut file = world.read("file.json");
    file.extend(std::iter::repeat_n(' ', 128 * 1024 - file.len()));
    for number in 10..50 {
        let used_at = json!("2026-03-01T12:00:00.000Z");
        let body = report(number, &file, "00", &used_at);
        let told = world
            .gate
            .call("/v1/break-glass", &world.executor, "", &body);
        assert_eq!(told.status, 201, "{told:?}");
    }
    let piece = world.gate.get("/export", &world.executor).text;
    assert!(piece.len() < 5 * 1024 * 1024, "{}", piece.len());
    assert!(piece.lines().count() < 40);
    assert_eq!(world.events("break-glass.used").len(), 40);
}
