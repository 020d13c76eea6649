//! Anchors from end to end: a real log, calendars that speak the real API, blocks with real work,
//! and the verifier.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use test_vectors::bitcoin::{Chain, REGTEST_GENESIS, display_hash, header_file};
use test_vectors::calendar::{Calendar, Mood, mine};
use test_vectors::encoding::{b64url, from_b64url, sha256};
use test_vectors::node::Node;
use test_vectors::server as site;
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::{Report, Request, verify};

use crate::harness::{Approval, Log, Server, run};
use crate::mirrors::files;

/// The height of the block that is mined for the calendars.
const HEIGHT: usize = 13;

struct Stage {
    log: Log,
    calendars: Vec<Calendar>,
    chain: Chain,
    node: Node,
    /// When the first block is made: before anything is appended.
    time: u32,
}

impl Stage {
    fn new(calendars: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let time = u32::try_from(now.as_secs()).unwrap() - 10_000;
        let chain = Chain::default().extended(HEIGHT - 1, time, "before");
        Self {
            time,
            log: Log::new(),
            calendars: (0..calendars).map(|_| Calendar::start()).collect(),
            node: Node::start(chain.clone()),
            chain,
        }
    }

    fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    fn serve_with(&self, more: &[(&str, &str)]) -> Server {
        let calendars: Vec<&str> = self.calendars.iter().map(Calendar::uri).collect();
        let calendars = calendars.join(",");
        let source = format!("{}/rest", self.node.url());
        let mut env = vec![
            ("COSIGNET_LOG_ANCHOR_CALENDARS", calendars.as_str()),
            ("COSIGNET_LOG_ANCHOR_INTERVAL_SECONDS", "1"),
            ("COSIGNET_LOG_ANCHOR_HEADERS_FROM", &source),
            ("COSIGNET_LOG_ANCHOR_NETWORK", "regtest"),
        ];
        env.extend(more);
        self.log.serve_with(&env).expect("the server starts")
    }

    /// A block with what the calendars owe, and nine more.
    fn mine(&mut self) {
        let calendars: Vec<&Calendar> = self.calendars.iter().collect();
        let next = block_time(self.chain.headers.last().unwrap()) + 600;
        mine(&calendars, &mut self.chain, next.max(self.time + 20_000));
        let next = block_time(self.chain.headers.last().unwrap()) + 600;
        self.chain = self.chain.clone().extended(9, next, "after");
        self.node.set(self.chain.clone());
    }

    /// The verdict of a reader who requires an anchor, knows this block, and has these
    /// headers.
    fn audit(
        &self,
        approval: &Approval,
        bundle: &str,
        anchor: &Value,
        headers: Option<&Chain>,
    ) -> Report {
        let file = headers.map(Chain::file);
        self.audit_with(approval, bundle, anchor, file.as_deref())
    }

    /// The same with a file of headers.
    fn audit_with(
        &self,
        approval: &Approval,
        bundle: &str,
        anchor: &Value,
        file: Option<&[u8]>,
    ) -> Report {
        let mut policy = approval.draft.clone().mint().policy;
        policy.log = Some(format!("log {}\nquorum none\n", self.log.vkey));
        policy.anchor = Some(anchor.clone());
        let policy = Policy::from_json(policy.value().to_string().as_bytes()).unwrap();
        let chain = file.map(|file| HeaderChain::parse(file).unwrap());
        let mut request = Request::default();
        request.policy = Some(&policy);
        request.approval_id = Some(&approval.draft.approval_id);
        request.payload = Some(&approval.draft.payload);
        request.headers = chain.as_ref();
        verify(bundle.as_bytes(), &request)
    }

    fn rule(&self, pin: usize) -> Value {
        json!({
            "required": true,
            "network": "regtest",
            "pinnedBlocks": [{"height": pin, "hash": display_hash(&self.chain.headers[pin])}],
        })
    }
}

fn index(server: &Server) -> Vec<Value> {
    let reply = server.client.get("/anchors/index.json");
    assert_eq!(reply.status, 200);
    reply.json()["anchors"].as_array().unwrap().clone()
}

fn block_time(header: &[u8; 80]) -> u32 {
    u32::from_le_bytes(header[68..72].try_into().unwrap())
}

/// Waits for something to become true.
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits for the anchor of a head, in this state.
fn anchor(server: &Server, size: u64, state: impl Fn(&Value) -> bool) -> Value {
    until("the anchor", || {
        let mut anchors = index(server).into_iter();
        anchors.find(|anchor| anchor["treeSize"] == size && state(anchor))
    })
}

fn is_pending(anchor: &Value) -> bool {
    anchor["height"].is_null()
}

fn is_complete(anchor: &Value) -> bool {
    anchor["height"].is_u64() && anchor["pending"].is_null()
}

fn verdict(report: &Report) -> (&'static str, &'static str) {
    (report.verdict().as_str(), report.code().as_str())
}

/// The bundle with its anchor changed.
fn edited(bundle: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(bundle).unwrap();
    edit(&mut value["anchor"]);
    value.to_string()
}

fn without(bundle: &str, member: &str) -> String {
    edited(bundle, |anchor| {
        anchor.as_object_mut().unwrap().remove(member).unwrap();
    })
}

#[test]
fn a_mirror_has_the_anchors_and_takes_none_that_it_cannot_check() {
    let mut stage = Stage::new(3);
    let server = stage.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let folder = tempfile::tempdir().unwrap();
    let vkey = stage.log.vkey.clone();
    let mirror = |url: &str, name: &str, vkey: &str| {
        let copy = folder.path().join(name).display().to_string();
        let output = run(&["mirror", url, &copy, "--vkey", vkey]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    };
    let url = server.client.url.clone();
    let mirrored = || {
        let (code, said) = mirror(&url, "copy", &vkey);
        assert_eq!(code, 0, "{said}");
        said
    };
    anchor(&server, 1, is_pending);
    assert!(mirrored().contains("1 new anchors"));
    assert!(mirrored().contains("0 new anchors"));
    stage.mine();
    anchor(&server, 1, is_complete);
    assert!(mirrored().contains("1 new anchors"));
    assert!(mirrored().contains("0 new anchors"));
    let copy = folder.path().join("copy");
    let mut there = files(&copy);
    for name in ["index.json", "1/checkpoint", "1/checkpoint.ots", "1/header"] {
        let name = format!("anchors/{name}");
        assert_eq!(
            there[&name],
            server.client.get(&format!("/{name}")).bytes,
            "{name}"
        );
    }
    let copied = copy.display().to_string();
    let (code, report) = stage.log.fsck_of(&[&copied, "--vkey", &stage.log.vkey]);
    assert_eq!(code, Some(0), "{report}");

    // From a server that has changed the signature, the stamped digest or the block's root, no anchor
    // is taken.
    for (name, at) in [("checkpoint", 100), ("checkpoint.ots", 40), ("header", 40)] {
        let site = site::Server::start();
        let name = format!("anchors/1/{name}");
        let bytes = there[&name].clone();
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        there.insert(name.clone(), changed);
        site.replace(there.clone());
        there.insert(name.clone(), bytes);
        let (code, said) = mirror(&site.url(), &name.replace('/', "-"), &vkey);
        assert_eq!(code, 1, "{name}: {said}");
        assert!(said.contains("anchors/1"), "{said}");
        let found = files(&folder.path().join(name.replace('/', "-")));
        assert!(!found.contains_key("anchors/index.json"), "{name}");
        assert!(!found.contains_key("checkpoint"), "{name}");
    }
}

#[test]
fn from_an_append_to_a_block_that_a_policy_knows() {
    let mut stage = Stage::new(3);
    let server = stage.serve();
    let approval = Approval::new(1);
    assert_eq!(server.client.append(&approval).status, 201);
    let pending = anchor(&server, 1, is_pending);
    assert_eq!(pending["pending"].as_array().unwrap().len(), 3);
    for number in 2..=3 {
        server.client.append(&Approval::new(number));
    }

    // Whoever appends the same again, or looks it up, gets the promise…
    let public = approval.with("disclosure", json!("public"));
    let shown = |server: &Server| server.client.append(&public).text();
    let rule = stage.rule(0);
    let promised = stage.audit(&approval, &shown(&server), &rule, Some(&stage.chain));
    assert_eq!(verdict(&promised), ("INCOMPLETE", "anchor.pending"));

    // …and then the block.
    stage.mine();
    let complete = anchor(&server, 1, is_complete);
    assert_eq!(complete["height"], HEIGHT);
    let bundle = shown(&server);
    let looked_up = server.client.verification(&approval).json();
    let value: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(looked_up["anchor"], value["anchor"]);
    let tip = stage.chain.tip();
    let rule = stage.rule(tip);
    let report = stage.audit(&approval, &bundle, &rule, Some(&stage.chain));
    assert_eq!(verdict(&report), ("VERIFIED", "ok"), "{}", report.to_json());
    let anchored = report.anchor().unwrap();
    assert_eq!((anchored.height, anchored.confirmations), (13, 10));
    assert_eq!(
        anchored.not_later_than.unwrap().as_millis(),
        u64::from(stage.time + 20_000 + 5 * 600 + 7200) * 1000, // the median of ten, and two hours
    );

    // What is public is what is in the bundle, for the stock client too.
    let checkpoint = server.client.get("/anchors/1/checkpoint");
    assert_eq!(json!(checkpoint.text()), value["anchor"]["checkpoint"]);
    let proof = server.client.get("/anchors/1/checkpoint.ots");
    assert_eq!(json!(b64url(&proof.bytes)), value["anchor"]["ots"]);
    let read = Timestamp::parse(&proof.bytes).unwrap();
    assert_eq!(read.digest(), &sha256(&checkpoint.bytes));
    assert_eq!(read.attestations().len(), 3, "every calendar has answered");
    let header = server.client.get("/anchors/1/header");
    assert_eq!(header.bytes, stage.chain.headers[HEIGHT]);

    // Everything else that could look like an anchor is none.
    let fork = |from: usize| {
        let mut fork = stage.chain.clone();
        fork.headers.truncate(from);
        fork.extended(30, stage.time + 19_000, "fork")
    };
    let mut short = stage.chain.clone();
    short.headers.truncate(HEIGHT + 5);
    let mainnet = json!({"required": true, "network": "mainnet"});
    let (before, none) = (stage.rule(HEIGHT - 2), without(&bundle, "header"));
    let other_root = edited(&bundle, |anchor| {
        let mut bytes = from_b64url(anchor["header"]["bytes"].as_str().unwrap());
        bytes[40] ^= 1;
        anchor["header"]["bytes"] = json!(b64url(&bytes));
    });
    let other_head = edited(&bundle, |anchor| {
        anchor["consistency"][0] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    });
    let chain = Some(&stage.chain);
    let (inside, below) = (fork(HEIGHT), fork(HEIGHT - 3));
    for (what, bundle, rule, headers, expected) in [
        (
            "a chain that leaves the known one below a pinned block",
            &bundle,
            &rule,
            Some(&inside),
            ("INCOMPLETE", "anchor.not_pinned"),
        ),
        (
            "a longer chain with another block at that height",
            &bundle,
            &before,
            Some(&inside),
            ("REJECTED", "anchor.chain"),
        ),
        (
            "the same, and the bundle shows no header",
            &none,
            &before,
            Some(&inside),
            ("REJECTED", "anchor.header"),
        ),
        (
            "a chain in which the policy knows nothing",
            &bundle,
            &rule,
            Some(&short),
            ("INCOMPLETE", "anchor.not_pinned"),
        ),
        (
            "another chain from the first block on, with more work",
            &none,
            &before,
            Some(&below),
            ("INCOMPLETE", "anchor.not_pinned"),
        ),
        (
            "a lone header",
            &bundle,
            &rule,
            None,
            ("INCOMPLETE", "anchor.not_pinned"),
        ),
        (
            "no header at all",
            &none,
            &rule,
            None,
            ("INCOMPLETE", "anchor.header_missing"),
        ),
        (
            "a header of a block with another root",
            &other_root,
            &rule,
            chain,
            ("REJECTED", "anchor.header"),
        ),
        (
            "a block of regtest for somebody who wants mainnet",
            &bundle,
            &mainnet,
            None,
            ("REJECTED", "anchor.header"),
        ),
        (
            "the same with its chain, and without the header",
            &none,
            &mainnet,
            chain,
            ("INCOMPLETE", "anchor.not_pinned"),
        ),
        (
            "five confirmations of six",
            &bundle,
            &stage.rule(HEIGHT + 4),
            Some(&short),
            ("INCOMPLETE", "anchor.too_shallow"),
        ),
        (
            "an anchored head of which nothing shows that it is of one history with the log's",
            &without(&bundle, "consistency"),
            &rule,
            chain,
            ("REJECTED", "anchor.log"),
        ),
        (
            "an anchored head that is not",
            &other_head,
            &rule,
            chain,
            ("REJECTED", "anchor.log"),
        ),
    ] {
        let report = stage.audit(&approval, bundle, rule, headers);
        assert_eq!(verdict(&report), expected, "{what}: {}", report.to_json());
    }
    // Mainnet's own first block has difficulty 1, and so could a chain on top of it.
    let mut easy = REGTEST_GENESIS;
    easy[68..].copy_from_slice(b"\x29\xab\x5f\x49\xff\xff\x00\x1d\x1d\xac\x2b\x7c");
    let file = header_file("mainnet", 0, &easy);
    let report = stage.audit_with(&approval, &none, &mainnet, Some(&file));
    assert_eq!(verdict(&report), ("INCOMPLETE", "anchor.not_pinned"));
    drop(server);
    stage.log.assert_clean();
}

/// Exit code and output of `cosignet`, with words that are separated by spaces.
fn cosignet(folder: &Path, line: &str) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_cosignet-log")).with_file_name("cosignet");
    assert!(
        program.is_file(),
        "there is no {}: run `cargo build -p verifier-cli` first",
        program.display()
    );
    let mut command = Command::new(program);
    let output = command.current_dir(folder).args(line.split(' ')).output();
    let output = output.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    (output.status.code(), words.join(" "))
}

#[test]
fn the_walk_of_somebody_who_requires_an_anchor() {
    let mut stage = Stage::new(3);
    let server = stage.serve();
    let approval = Approval::new(1);
    server.client.append(&approval);
    // A bundle with a promise of the head that it is proven under.
    anchor(&server, 1, is_pending);
    let pending = server.client.append(&approval);
    for number in 2..=260 {
        server.client.append(&Approval::new(number));
    }
    // One without an anchor, of a larger head; the same with another entry.
    let bare = edited(&server.client.append(&approval).text(), |anchor| {
        *anchor = json!({});
    });
    let mut other: Value = serde_json::from_str(&bare).unwrap();
    let second = server.client.verification(&Approval::new(2)).json();
    other["entry"] = second["entry"].clone();
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| cosignet(folder.path(), line);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("pending.json", &pending.text());
    write("bare.json", &bare);
    write("other.json", &other.to_string());
    let mut policy = approval.draft.clone().mint().policy;
    policy.log = Some(format!("log {}\nquorum none\n", stage.log.vkey));
    policy.anchor = Some(stage.rule(0));
    write("policy", &policy.value().to_string());
    let verify = "--policy policy --format human";
    let (code, said) = run(&format!("verify pending.json {verify}"));
    assert_eq!(code, Some(4));
    assert!(said.contains("[anchor.pending]"), "{said}");
    let (code, said) = run(&format!(
        "anchor upgrade bare.json --log {}",
        server.client.url
    ));
    assert_eq!(code, Some(4), "{said}");

    stage.mine();
    anchor(&server, 1, is_complete);
    let calendars = stage.calendars.iter();
    let calendars: Vec<_> = calendars
        .map(|c| format!("--calendar {}", c.uri()))
        .collect();
    let (code, said) = run(&format!(
        "anchor upgrade pending.json {}",
        calendars.join(" ")
    ));
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&format!(
        "anchor upgrade bare.json --log {}",
        server.client.url
    ));
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&format!(
        "anchor upgrade other.json --log {}",
        server.client.url
    ));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("[anchor.log]"), "{said}");
    let sync = "headers sync headers --network regtest --from";
    let (code, said) = run(&format!("{sync} {}/rest", stage.node.url()));
    assert_eq!(code, Some(0), "{said}");

    // Offline from here on.
    server.kill();
    for bundle in ["pending.json", "bare.json"] {
        let (code, said) = run(&format!("verify {bundle} {verify}"));
        assert_eq!(code, Some(4), "{said}");
        let (code, said) = run(&format!("verify {bundle} {verify} --headers headers"));
        assert_eq!(code, Some(0), "{said}");
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = "in the log no later than Bitcoin regtest block 13, ";
        let (_, rest) = words.split_once(line).unwrap();
        let (time, rest) = rest.split_at("2026-03-01 15:50:00Z".len());
        assert!(time.ends_with('Z'), "{said}");
        let strength = " ± 2 h: in the chain that the policy knows, 10 confirmations";
        assert!(rest.starts_with(strength), "{said}");
    }
}

#[test]
fn state_survives_being_killed() {
    let mut stage = Stage::new(3);
    let server = stage.serve();
    let approval = Approval::new(1);
    server.client.append(&approval);
    let stamped = anchor(&server, 1, is_pending);
    server.kill();
    stage.mine();
    let server = stage.serve();
    let complete = anchor(&server, 1, is_complete);
    assert_eq!(complete["stampedAt"], stamped["stampedAt"]);
    assert_eq!(stage.calendars[0].taken(), 1, "nothing is stamped twice");
    assert_eq!(server.stop(), Some(0));

    // An index that is lost or damaged is made again from the proofs.
    let path = stage.log.path("public/anchors/index.json");
    for damage in [None, Some("{\"anchors\":[{}]}")] {
        match damage {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let server = stage.serve();
        server.client.append(&Approval::new(2));
        anchor(&server, 1, is_complete);
        let bundle = server.client.append(&approval).json();
        assert_eq!(bundle["anchor"]["header"]["height"], HEIGHT);
    }
    stage.log.assert_clean();
}

#[test]
fn addresses_in_proofs_are_followed_only_while_they_are_configured() {
    let mut stage = Stage::new(3);
    let server = stage.serve();
    server.client.append(&Approval::new(1));
    anchor(&server, 1, is_pending);
    server.kill();
    let before: Vec<_> = stage.calendars.drain(..).collect();
    let asked = |calendar: &Calendar| calendar.asked().len();
    let counts: Vec<_> = before.iter().map(asked).collect();
    stage.calendars = (0..3).map(|_| Calendar::start()).collect();
    let server = stage.serve();
    server.client.append(&Approval::new(2));
    anchor(&server, 2, is_pending);
    until("a question", || {
        let mut calendars = stage.calendars.iter();
        calendars.all(|calendar| asked(calendar) >= 2).then_some(())
    });
    assert_eq!(before.iter().map(asked).collect::<Vec<_>>(), counts);
}

#[test]
fn calendars_are_not_trusted_and_no_address_of_theirs_is_followed() {
    let mut stage = Stage::new(8);
    let stranger = Calendar::start();
    let url = stranger.uri().to_owned();
    for (calendar, mood) in stage.calendars[3..].iter().zip([
        Mood::Gone,
        Mood::Moved(url.clone()),
        Mood::Floods,
        Mood::Refers(url),
        Mood::Reverses,
    ]) {
        calendar.set(mood);
    }
    let server = stage.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let pending = anchor(&server, 1, is_pending);
    let mut known: Vec<&str> = stage.calendars[..3].iter().map(Calendar::uri).collect();
    known.sort_unstable();
    let mut found = pending["pending"].as_array().unwrap().clone();
    found.sort_by_key(ToString::to_string);
    assert_eq!(json!(found), json!(known));
    let metrics = server.client.get("/metrics").text();
    for calendar in &stage.calendars[3..] {
        let name = "cosignet_log_anchor_failures_total";
        let line = format!("{name}{{source=\"{}\"}}", calendar.uri());
        assert!(metrics.contains(&line), "{metrics}");
    }

    // A block that the source of headers contradicts is not taken; the others are.
    stage.calendars[0].set(Mood::Lies);
    stage.mine();
    let anchored = anchor(&server, 1, |anchor| {
        anchor["pending"]
            .as_array()
            .is_some_and(|left| left.len() == 1)
    });
    assert_eq!(anchored["height"], HEIGHT);
    assert_eq!(anchored["pending"], json!([stage.calendars[0].uri()]));
    assert_eq!(stranger.asked(), [""; 0]);
}

#[test]
fn answers_may_lead_to_other_things_besides() {
    let mut stage = Stage::new(3);
    for calendar in &stage.calendars {
        calendar.set(Mood::Besides);
    }
    let server = stage.serve();
    server.client.append(&Approval::new(1));
    anchor(&server, 1, is_pending);
    stage.mine();
    let anchored = anchor(&server, 1, |anchor| anchor["pending"].is_null());
    assert_eq!(anchored["height"], HEIGHT);
}

#[test]
fn what_calendars_lose_is_stamped_again() {
    let mut stage = Stage::new(3);
    for calendar in &stage.calendars {
        calendar.set(Mood::Forgets);
    }
    let server = stage.serve_with(&[("COSIGNET_LOG_ANCHOR_OVERDUE_SECONDS", "2")]);
    let approval = Approval::new(1);
    server.client.append(&approval);
    anchor(&server, 1, is_pending);
    until("the metric", || {
        let metrics = server.client.get("/metrics").text();
        metrics
            .contains("cosignet_log_anchor_overdue 1\n")
            .then_some(())
    });
    for calendar in &stage.calendars {
        calendar.set(Mood::Sound);
    }
    until("the second stamp", || {
        (stage.calendars[2].taken() >= 2).then_some(())
    });
    // Perhaps it was taken while the calendars still forgot.
    until("the promises", || {
        stage.mine();
        let anchored = index(&server).first()?["height"].is_u64();
        anchored.then_some(())
    });
    let bundle = server.client.append(&approval).json();
    assert!(bundle["anchor"]["header"].is_object());
    let metrics = server.client.get("/metrics").text();
    let again = "cosignet_log_anchor_resubmissions_total ";
    let (_, count) = metrics.split_once(&format!("\n{again}")).unwrap();
    assert!(!count.starts_with('0'), "{metrics}");
}

#[test]
fn one_calendar_is_not_enough_and_appends_do_not_wait_for_any() {
    let stage = Stage::new(3);
    for calendar in &stage.calendars[1..] {
        calendar.set(Mood::Gone);
    }
    let server = stage.serve();
    let approval = Approval::new(1);
    assert_eq!(server.client.append(&approval).status, 201);
    until("an attempt", || {
        (stage.calendars[0].taken() >= 2).then_some(())
    });
    assert_eq!(index(&server), [json!(null); 0]);
    assert_eq!(server.client.append(&Approval::new(2)).status, 201);
    let repeat = server.client.append(&approval);
    assert_eq!(
        (repeat.status, &repeat.json()["anchor"]),
        (200, &json!(null))
    );
    stage.calendars[1].set(Mood::Sound);
    anchor(&server, 2, is_pending);
}

#[test]
fn only_anchors_are_served_below_anchors() {
    let stage = Stage::new(3);
    let server = stage.serve();
    assert_eq!(index(&server), [json!(null); 0]);
    server.client.append(&Approval::new(1));
    anchor(&server, 1, is_pending);
    for (path, kind, cache) in [
        ("index.json", "application/json", "public, max-age=60"),
        (
            "1/checkpoint",
            "text/plain; charset=utf-8",
            "public, max-age=604800, immutable",
        ),
        (
            "1/checkpoint.ots",
            "application/octet-stream",
            "public, max-age=60",
        ),
    ] {
        let reply = server.client.get(&format!("/anchors/{path}"));
        let found = (reply.status, reply.kind.as_str(), reply.cache.as_str());
        assert_eq!(found, (200, kind, cache), "{path}");
        assert_eq!(reply.cors, "*");
        let file = stage.log.path("public/anchors").join(path);
        assert_eq!(reply.bytes, fs::read(file).unwrap(), "{path}");
    }
    for path in [
        "",
        "1",
        "1/",
        "01/checkpoint",
        "+1/checkpoint",
        "2/checkpoint",
        "1/header",
        "1/../../checkpoint",
        "../checkpoint",
        "1/checkpoint/",
        "1//checkpoint",
        "18446744073709551616/checkpoint",
    ] {
        let reply = server.client.get(&format!("/anchors/{path}"));
        assert_eq!(reply.code(), "request.not_found", "{path}");
    }
}

#[test]
fn bad_settings_are_named() {
    let log = Log::new();
    for (name, value, says) in [
        ("CALENDARS", "https://a.example", "--anchor-calendar"),
        (
            "CALENDARS",
            "https://a.example,https://b.example,file:///c",
            "--anchor-calendar",
        ),
    ] {
        let name = format!("COSIGNET_LOG_ANCHOR_{name}");
        let refused = log.serve_with(&[(&name, value)]).map(drop);
        assert!(refused.unwrap_err().contains(says), "{value}");
    }
    // The same in a file, where they have a table of their own.
    let file = log.path("settings.toml");
    let config = file.display().to_string();
    for (text, says) in [
        (
            "[anchor]\ncalendars = [\"https://a.example\"]\n",
            "--anchor-calendar",
        ),
        ("[anchor]\ncalendar = []\n", "calendar"),
    ] {
        fs::write(&file, text).unwrap();
        let refused = log.serve_with(&[("COSIGNET_LOG_CONFIG", &config)]);
        assert!(refused.map(drop).unwrap_err().contains(says), "{text}");
    }
}
