//! Runs `cases/break-glass.json`: files, settings and journals, and what has to come of them. The file is
//! made here, of fixed seeds, for clients in other languages as well.

use serde_json::{Value, json};
use test_vectors::break_glass::settings;
use test_vectors::encoding::{b64url, hex, sha256};
use test_vectors::passkey::{Algorithm, Passkey};
use test_vectors::policy::Approver;
use test_vectors::{Draft, Glass};
use verifier_core::{Policy, Time};

use crate::{BreakGlass, Denied, Reason, Settings};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/break-glass.json");

const PAYLOAD: &str = r#"{"amount":"25.00","to":"Acme GmbH"}"#;
const OTHER: &str = r#"{"amount":"26.00","to":"Acme GmbH"}"#;

fn cases() -> Value {
    serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

fn passkey(seed: &str) -> Passkey {
    Passkey::new(Algorithm::Es256, seed)
}

fn policy(name: &str) -> (Value, String) {
    let draft = Draft::numbered(Algorithm::Es256, 1);
    let mut policy = draft.policy(&draft.log("leaf", 0));
    policy.name = name.into();
    let oncall =
        |name: &str, seed: &str| Approver::new(name, &passkey(seed)).in_groups(&["oncall"]);
    policy.approvers = vec![
        oncall("ann", "ann"),
        oncall("ann (2)", "ann too").of_person("ann"),
        oncall("bob", "bob"),
        Approver::new("cleo", &passkey("cleo")).in_groups(&["finance"]),
    ];
    let value = policy.value();
    let read = Policy::from_json(value.to_string().as_bytes()).unwrap();
    (value, hex(&read.sha256()))
}

/// The lines of a journal in which `glass` was used for `payload`.
fn used(glass: &Glass, number: u8, payload: &str, outcome: Option<&str>) -> String {
    let id = format!("00000000-0000-4000-8000-0000000000{number:02}");
    let line = json!({
        "action": "payment.send",
        "at": "2026-03-01T12:05:00.000Z",
        "event": "used",
        "file": glass.text(),
        "grantSha256": hex(&sha256(glass.grant_text().as_bytes())),
        "payloadHash": hex(&sha256(payload.as_bytes())),
        "reason": glass.reason,
        "signers": ["ann", "bob"],
        "type": "cosignet.break-glass-use/v1",
        "useId": id,
    });
    let end = outcome.map(|outcome| {
        json!({
            "at": "2026-03-01T12:06:00.000Z",
            "event": outcome,
            "type": "cosignet.break-glass-use/v1",
            "useId": id,
        })
    });
    let lines = std::iter::once(line).chain(end);
    lines.fold(String::new(), |all, mut line| {
        line.sort_all_objects();
        all + &line.to_string() + "\n"
    })
}

/// Every file, and every case.
fn minted() -> Value {
    let ((good, hash), (other, _)) = (policy("example"), policy("other"));
    let [ann, ann_too, bob, cleo] = ["ann", "ann too", "bob", "cleo"].map(passkey);
    let mallory = passkey("mallory");
    let signed = |signers: &[&Passkey]| Glass::new(&hash).signed_by(signers);
    let two = signed(&[&ann, &bob]);
    let edited = |edit: fn(&mut Glass)| {
        let mut glass = two.clone();
        edit(&mut glass);
        glass
    };
    let twice = edited(|glass| glass.uses = 2);
    let mut posing = mallory.clone();
    posing.credential_id.clone_from(&bob.credential_id);
    let approval_challenge = edited(|glass| {
        glass.edit = |ceremony| ceremony.challenge = b64url(&[7; 96]);
    });
    let login_challenge = edited(|glass| {
        glass.edit = |ceremony| ceremony.challenge = b64url(&[7; 32]);
    });
    let plain = settings(&hash, "");
    let with = |key: &str, value: Value| {
        let mut own = plain.clone();
        own[key] = value;
        own
    };
    let mut all = json!({
        "type": "cosignet.break-glass-cases/v1",
        "about": [
            "A client opens `files`[file] under `policies`[policy] and `settings`[settings], whose `journal` is a path of the player's own, with the text of `journal` in it (none: there is no file; `unwritable`: its folder is not there). Its clock shows `now`.",
            "It then runs `action` with the bytes of `payload`. `expect` is `ran`, or the code of the denial; `code` the verifier's own. The closure runs once if it is `ran`, else never.",
            "`events` are the events in the journal behind it, and in it while the act runs all but the last of them. Without `events` the journal is as it was.",
            "Members that a case leaves out are those of `usual`."
        ],
        "usual": {
            "action": "payment.send",
            "file": "two people",
            "now": "2026-03-01T12:10:00.000Z",
            "payload": PAYLOAD,
            "policy": "good",
            "settings": "good",
        },
        "files": {
            "a login's challenge": login_challenge.text(),
            "an approval's challenge": approval_challenge.text(),
            "another audience": edited(|glass| glass.audience = "deploy.example".into()).text(),
            "another policy": edited(|glass| glass.policy_sha256 = "00".repeat(32)).text(),
            "bad signature": signed(&[&ann, &posing]).text(),
            "from another origin": edited(|glass| {
                glass.edit = |ceremony| ceremony.origin = "https://evil.example".into();
            }).text(),
            "longer than an hour": edited(|glass| {
                glass.not_after = "2026-03-01T13:00:00.001Z".into();
            }).text(),
            "nobody": signed(&[]).text(),
            "not allowed": edited(|glass| glass.action = "list.users".into()).text(),
            "not JSON": "break the glass",
            "one person": signed(&[&ann]).text(),
            "one person twice": signed(&[&ann, &ann]).text(),
            "pattern": edited(|glass| glass.action = "payment.*".into()).text(),
            "stranger": signed(&[&ann, &bob, &mallory]).text(),
            "three people": signed(&[&cleo, &ann, &bob]).text(),
            "two keys of one person": signed(&[&ann, &ann_too]).text(),
            "two of other groups": signed(&[&ann, &cleo]).text(),
            "two people": two.text(),
            "two people, two uses": twice.text(),
            "user not verified": edited(|glass| {
                glass.edit = |ceremony| ceremony.flags = 0x01;
            }).text(),
        },
        "policies": {"good": good, "other": other},
        "settings": {
            "good": plain,
            "half an hour": with("longest", json!("29m")),
            "one person": with("require", json!([{"atLeast": 1, "group": "oncall"}])),
            "a roster's version": with("minRosterVersion", json!(7)),
            "a roster's version 0": with("minRosterVersion", json!(0)),
            "unknown member": with("enabled", json!(true)),
        },
    });
    let began = used(&two, 1, PAYLOAD, None);
    let done = used(&two, 1, PAYLOAD, Some("done"));
    let later = done.replace("12:06:00.000Z", "12:12:00.001Z");
    let other_done = used(&two, 1, OTHER, Some("done"));
    let once = used(&twice, 1, OTHER, Some("done"));
    let both = once.clone() + &used(&twice, 2, r#"{"amount":"1"}"#, Some("failed"));
    let others = edited(|glass| glass.random = [1; 32]);
    let others_end = used(&others, 1, PAYLOAD, Some("done"));
    let end_alone = others_end.split_inclusive('\n').next_back().unwrap();
    let long = format!("payment.{}", "x".repeat(112));
    let ends = ["used", "done"];
    let behind = |before: &[&str]| json!([before, &ends[..]].concat());
    all["cases"] = json!([
        {"name": "two people", "expect": "ran", "events": ends},
        {"name": "three people, one of another group", "file": "three people", "expect": "ran", "events": ends},
        {"name": "an action that begins like the pattern", "file": "pattern", "action": "payment.refund.now", "expect": "ran", "events": ends},
        {"name": "the first moment", "now": "2026-03-01T12:00:00.000Z", "expect": "ran", "events": ends},
        {"name": "a journal of other files", "journal": used(&edited(|glass| glass.random = [1; 32]), 1, PAYLOAD, None), "expect": "ran", "events": behind(&["used"])},
        {"name": "the second of two uses", "file": "two people, two uses", "journal": once, "expect": "ran", "events": behind(&["used", "done"])},
        {"name": "a roster's version, and none is needed", "settings": "a roster's version", "expect": "ran", "events": ends},
        {"name": "an action of 120 bytes", "file": "pattern", "action": long, "expect": "ran", "events": ends},
        {"name": "an action of 121 bytes", "file": "pattern", "action": format!("{long}x"), "expect": "denied.break_glass", "code": "break_glass.other_action"},
        {"name": "an action that is not shown as itself", "file": "pattern", "action": "payment.\u{200b}send", "expect": "denied.break_glass", "code": "break_glass.other_action"},
        {"name": "settings with version 0 of a roster", "settings": "a roster's version 0", "expect": "denied.break_glass", "code": "break_glass.settings"},
        {"name": "a use that begins twice in the journal", "journal": used(&others, 1, PAYLOAD, None) + &used(&others, 1, OTHER, None), "expect": "denied.journal"},
        {"name": "an end without a use in the journal", "journal": end_alone, "expect": "denied.journal"},
        {"name": "a report without a use in the journal", "journal": end_alone.replace("\"done\"", "\"reported\""), "expect": "denied.journal"},
        {"name": "expired", "now": "2026-03-01T12:30:00.000Z", "expect": "denied.break_glass", "code": "break_glass.window"},
        {"name": "not begun", "now": "2026-03-01T11:59:59.999Z", "expect": "denied.break_glass", "code": "break_glass.window"},
        {"name": "other action", "action": "payment.refund", "expect": "denied.break_glass", "code": "break_glass.other_action"},
        {"name": "the beginning of a pattern", "file": "pattern", "action": "payment.", "expect": "denied.break_glass", "code": "break_glass.other_action"},
        {"name": "nobody", "file": "nobody", "expect": "denied.break_glass", "code": "break_glass.quorum_short"},
        {"name": "too few", "file": "one person", "expect": "denied.break_glass", "code": "break_glass.quorum_short"},
        {"name": "one signer twice", "file": "one person twice", "expect": "denied.break_glass", "code": "break_glass.quorum_short"},
        {"name": "two keys of one person", "file": "two keys of one person", "expect": "denied.break_glass", "code": "break_glass.quorum_short"},
        {"name": "a person of another group", "file": "two of other groups", "expect": "denied.break_glass", "code": "break_glass.quorum_short"},
        {"name": "a stranger beside two people", "file": "stranger", "expect": "denied.break_glass", "code": "break_glass.unknown_key"},
        {"name": "somebody under another's name", "file": "bad signature", "expect": "denied.break_glass", "code": "webauthn.bad_signature"},
        {"name": "what an approval signs", "file": "an approval's challenge", "expect": "denied.break_glass", "code": "webauthn.challenge"},
        {"name": "what a login signs", "file": "a login's challenge", "expect": "denied.break_glass", "code": "webauthn.challenge"},
        {"name": "from another origin", "file": "from another origin", "expect": "denied.break_glass", "code": "webauthn.origin"},
        {"name": "a user who was not verified", "file": "user not verified", "expect": "denied.break_glass", "code": "webauthn.user_verification"},
        {"name": "for another program", "file": "another audience", "expect": "denied.break_glass", "code": "break_glass.audience"},
        {"name": "a grant of another policy", "file": "another policy", "expect": "denied.break_glass", "code": "break_glass.other_policy"},
        {"name": "a policy that the settings do not name", "policy": "other", "expect": "denied.break_glass", "code": "break_glass.other_policy"},
        {"name": "an action that the settings do not name", "file": "not allowed", "action": "list.users", "expect": "denied.break_glass", "code": "break_glass.not_allowed"},
        {"name": "longer than the settings allow", "settings": "half an hour", "expect": "denied.break_glass", "code": "break_glass.too_long"},
        {"name": "longer than an hour", "file": "longer than an hour", "expect": "denied.break_glass", "code": "break_glass.form"},
        {"name": "no file", "file": "not JSON", "expect": "denied.break_glass", "code": "break_glass.form"},
        {"name": "settings that ask for one person", "settings": "one person", "expect": "denied.break_glass", "code": "break_glass.settings"},
        {"name": "settings with a member that nobody knows", "settings": "unknown member", "expect": "denied.break_glass", "code": "break_glass.settings"},
        {"name": "a payload that is read in two ways", "payload": "{\"a\":1,\"a\":2}", "expect": "denied.invalid"},
        {"name": "the journal cannot be written", "journal": "unwritable", "expect": "denied.journal"},
        {"name": "half a line in the journal", "journal": done.trim_end_matches(['}', '\n']), "expect": "denied.journal"},
        {"name": "a line of something else in the journal", "journal": "{}\n", "expect": "denied.journal"},
        {"name": "begun before, outcome unknown", "journal": began, "expect": "denied.outcome_unknown"},
        {"name": "done before", "journal": done, "expect": "denied.break_glass_used"},
        {"name": "done before, and another use is left", "file": "two people, two uses", "journal": used(&twice, 1, PAYLOAD, Some("done")), "expect": "denied.break_glass_used"},
        {"name": "a line of another type in the journal", "journal": done.replace("break-glass-use/v1", "break-glass-use/v2"), "expect": "denied.journal"},
        {"name": "an event that nobody knows in the journal", "journal": done.replace("\"done\"", "\"approved\""), "expect": "denied.journal"},
        {"name": "tried before, and failed", "journal": used(&two, 1, PAYLOAD, Some("failed")), "expect": "denied.break_glass_used"},
        {"name": "another payload, and one use", "journal": other_done, "expect": "denied.break_glass_used"},
        {"name": "one signature more does not make it another file", "file": "three people", "journal": done, "expect": "denied.break_glass_used"},
        {"name": "the third of two uses", "file": "two people, two uses", "journal": both, "expect": "denied.break_glass_used"},
        {"name": "a clock that was set back", "journal": later, "expect": "denied.clock_skew"},
    ]);
    all
}

#[test]
fn the_cases_are_what_the_seeds_make() {
    let mut minted = minted();
    // The same order, whatever another crate in the build has told serde_json.
    minted.sort_all_objects();
    if std::env::var_os("CASES").is_some_and(|value| value == "overwrite") {
        let text = serde_json::to_string_pretty(&minted).unwrap() + "\n";
        std::fs::write(PATH, text).unwrap();
    }
    assert!(cases() == minted);
}

/// The events of a journal.
fn events(path: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["event"].as_str().unwrap().to_owned()
    };
    text.lines().map(line).collect()
}

#[test]
fn every_case_ends_as_the_file_says() {
    let all = cases();
    let mut wrong = Vec::new();
    for case in all["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let usual = |key: &str| case[key].as_str().or(all["usual"][key].as_str()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal = match case["journal"].as_str() {
            Some("unwritable") => folder.path().join("none").join("uses"),
            text => {
                let path = folder.path().join("uses");
                if let Some(text) = text {
                    std::fs::write(&path, text).unwrap();
                }
                path
            }
        };
        let before = std::fs::read(&journal).ok();
        let mut settings = all["settings"][usual("settings")].clone();
        settings["journal"] = json!(journal);
        let policy = all["policies"][usual("policy")].to_string();
        let policy = Policy::from_json(policy.as_bytes()).unwrap();
        let file = all["files"][usual("file")].as_str().unwrap();
        let mut ran = 0;
        let mut run = || -> Result<(), Denied> {
            let settings = Settings::in_code(settings.to_string().as_bytes())?;
            let glass = BreakGlass::open(file.as_bytes(), &policy, None, &settings)?;
            let glass = glass.at(Time::parse(usual("now")).unwrap());
            let payload = usual("payload").as_bytes();
            glass.run(usual("action"), payload, |emergency| {
                ran += 1;
                assert_eq!(emergency.payload(), payload);
                let mut events = events(&journal);
                events.push("done".into());
                assert_eq!(json!(events), case["events"], "{name}");
                Ok::<(), ()>(())
            })?;
            Ok(())
        };
        let result = run();
        let (found, code) = match &result {
            Ok(()) => ("ran", None),
            Err(denied) => (denied.reason().code(), denied.reason().verifier()),
        };
        let mut expect = |what: &str, fits: bool| {
            if !fits {
                wrong.push(format!("{name}: {what}: {found} {result:?}"));
            }
        };
        expect("result", case["expect"].as_str() == Some(found));
        expect(
            "code",
            case["code"].as_str() == code.map(|code| code.as_str()),
        );
        match case["events"].as_array() {
            Some(_) => expect("events", case["events"] == json!(events(&journal))),
            None => expect(
                "journal",
                std::fs::read(&journal).ok().unwrap_or_default() == before.unwrap_or_default(),
            ),
        }
        expect("closure", ran == u32::from(found == "ran"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file that two people have signed, and an empty journal.
struct Scene {
    folder: tempfile::TempDir,
    settings: Settings,
    policy: Policy,
    file: String,
}

impl Scene {
    fn new() -> Self {
        let all = cases();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = all["settings"]["good"].clone();
        settings["journal"] = json!(folder.path().join("uses"));
        let this = Self {
            folder,
            settings: Settings::in_code(settings.to_string().as_bytes()).unwrap(),
            policy: Policy::from_json(all["policies"]["good"].to_string().as_bytes()).unwrap(),
            file: all["files"]["two people"].as_str().unwrap().into(),
        };
        std::fs::write(this.journal(), "").unwrap();
        this
    }

    fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("uses")
    }

    /// The journal, as somebody else has it, until it is dropped.
    fn held(&self) -> std::fs::File {
        let held = std::fs::File::open(self.journal()).unwrap();
        held.lock().unwrap();
        held
    }

    fn opened(&self, at: &str) -> BreakGlass {
        let file = self.file.as_bytes();
        let glass = BreakGlass::open(file, &self.policy, None, &self.settings).unwrap();
        glass.at(Time::parse(at).unwrap())
    }
}

#[test]
fn an_hour_that_ends_while_the_journal_is_waited_for_is_over() {
    let scene = Scene::new();
    let held = scene.held();
    let waiting = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(400));
        drop(held);
    });
    let glass = scene.opened("2026-03-01T12:29:59.800Z");
    let denied = glass.run("payment.send", b"{}", |_| -> Result<(), ()> {
        panic!("it ran")
    });
    waiting.join().unwrap();
    let reason = denied.unwrap_err().reason();
    assert_eq!(
        reason.verifier().map(|code| code.as_str()),
        Some("break_glass.window")
    );
    assert_eq!(std::fs::read(scene.journal()).unwrap(), b"");
}

#[test]
fn a_gate_hears_of_a_use_and_then_of_its_end() {
    let two = Glass::new(&"00".repeat(32));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uses");
    let uses = crate::Uses::new(&path);
    let now = Time::parse("2026-03-01T12:10:00.000Z").unwrap();
    let left = || -> Vec<Option<String>> {
        let left = uses.unreported().unwrap();
        left.iter()
            .map(|one| one.outcome().map(Into::into))
            .collect()
    };
    std::fs::write(&path, used(&two, 1, PAYLOAD, None)).unwrap();
    let running = uses.unreported().unwrap().remove(0);
    uses.reported(&running, now).unwrap();
    assert!(left().is_empty(), "there is nothing to tell until it ends");
    uses.end(running.use_id(), "done", now).unwrap();
    assert_eq!(left(), [Some("done".into())]);
    let ended = uses.unreported().unwrap().remove(0);
    // What was told before it ended is not enough, whoever writes that down too late.
    uses.reported(&running, now).unwrap();
    assert_eq!(left(), [Some("done".into())]);
    uses.reported(&ended, now).unwrap();
    assert!(left().is_empty());
    assert_eq!(events(&path), ["used", "reported", "done", "reported"]);
}

#[test]
fn a_gate_that_is_down_is_waited_for_once() {
    let two = Glass::new(&"00".repeat(32));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uses");
    let text = (1..=9).map(|number| used(&two, number, PAYLOAD, Some("done")));
    std::fs::write(&path, text.collect::<String>()).unwrap();
    let gate = crate::Gate::without_policy("http://127.0.0.1:9", crate::Keys::both("key"));
    let patience = std::time::Duration::from_millis(700);
    let began = std::time::Instant::now();
    let told = gate.unwrap().patience(patience);
    let told = told.report_break_glass(&crate::Uses::new(&path));
    assert_eq!(told.unwrap_err().reason(), Reason::Unreachable);
    assert!(began.elapsed() < patience * 4, "{:?}", began.elapsed());
}

#[test]
fn what_failed_is_written_down_and_nobody_else_writes() {
    let scene = Scene::new();
    let open = || scene.opened("2026-03-01T12:10:00.000Z");
    let held = scene.held();
    let denied = open().run("payment.send", b"{}", |_| -> Result<(), ()> {
        panic!("it ran")
    });
    assert_eq!(denied.unwrap_err().reason(), Reason::Journal);
    drop(held);
    let ran = open()
        .run("payment.send", b"{}", |_| Err::<(), &str>("no"))
        .unwrap();
    assert_eq!((ran.result, ran.unwritten), (Err("no"), None));
    let uses = scene.settings.uses().all().unwrap();
    assert_eq!(uses.len(), 1);
    assert_eq!(uses[0].use_id(), ran.use_id);
    assert_eq!(uses[0].outcome(), Some("failed"));
    assert_eq!(uses[0].signers(), ["ann", "bob"]);
    assert_eq!(uses[0].file(), scene.file);
    assert!(!uses[0].is_reported());
}
