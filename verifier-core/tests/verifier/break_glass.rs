//! Break-glass files: what opens, what does not, and that none of it is an approval.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use proptest::prelude::*;
use serde_json::{Value, json};
use test_vectors::approval::RP_ID;
use test_vectors::break_glass::{leaf, leaf_id, settings};
use test_vectors::encoding::{b64url, hex};
use test_vectors::entry::canonical;
use test_vectors::{Algorithm, Approver, Ceremony, Draft, Glass, Passkey};
use verifier_core::break_glass::{Entry, Error, File, Grant, Opened, Pattern, Settings, challenge};
use verifier_core::hazmat::encoding::{base64url, from_base64url, sha256};
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::payload::Challenge;
use verifier_core::hazmat::webauthn::CoseKey;
use verifier_core::{
    AwsLc, Crypto, Failure as _, Policy, Request, Roster, RustCrypto, Time, Verdict, verify,
};

use crate::parsed;

const NOON: &str = "2026-03-01T12:10:00.000Z";

/// A change, and the code that it leads to.
type Case<T> = (fn(&mut T), &'static str);

/// People and a policy.
struct World {
    ann: Passkey,
    /// Another key of the same person.
    ann_too: Passkey,
    bob: Passkey,
    cleo: Passkey,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(edit: fn(&mut test_vectors::Policy)) -> Self {
        let key = |seed: &str| Passkey::new(Algorithm::Es256, seed);
        let world = [key("ann"), key("ann too"), key("bob"), key("cleo")];
        let [ann, ann_too, bob, cleo] = world;
        let draft = Draft::numbered(Algorithm::Es256, 1);
        let mut policy = draft.policy(&draft.log("leaf", 0));
        policy.approvers = vec![
            Approver::new("ann", &ann).in_groups(&["oncall"]),
            Approver::new("ann (2)", &ann_too)
                .of_person("ann")
                .in_groups(&["oncall"]),
            Approver::new("bob", &bob).in_groups(&["oncall", "finance"]),
            Approver::new("cleo", &cleo).in_groups(&["finance"]),
        ];
        edit(&mut policy);
        let policy = parsed(&policy);
        Self {
            ann,
            ann_too,
            bob,
            cleo,
            policy,
        }
    }

    fn hash(&self) -> String {
        hex(&self.policy.sha256())
    }

    fn glass(&self) -> Glass {
        Glass::new(&self.hash()).signed_by(&[&self.ann, &self.bob])
    }

    fn settings(&self) -> Value {
        settings(&self.hash(), "/var/lib/payments/break-glass.jsonl")
    }

    /// The code that stands in the way of a payment, with both back ends, or `ok`.
    fn code(&self, glass: &Glass, settings: &Value) -> String {
        self.code_of(&glass.text(), settings, "payment.send", NOON)
    }

    fn code_of(&self, file: &str, settings: &Value, action: &str, at: &str) -> String {
        let by = |crypto: &dyn Crypto| -> Result<(), Error> {
            let settings = Settings::from_json(settings.to_string().as_bytes())?;
            let signed = File::parse(file.as_bytes())?.verify(&self.policy, None, crypto)?;
            let opened = Opened::new(signed, &settings)?;
            opened.permits(action, Time::parse(at).unwrap()).map(|_| ())
        };
        let (one, other) = (by(&RustCrypto), by(&AwsLc));
        assert_eq!(one, other);
        one.map_or_else(|error| error.code().to_string(), |()| "ok".into())
    }
}

#[test]
fn two_people_open_it_for_the_time_that_they_signed() {
    let world = World::new();
    let settings = world.settings();
    let text = world.glass().text();
    let cases = [
        ("2026-03-01T11:59:59.999Z", "break_glass.window"),
        ("2026-03-01T12:00:00.000Z", "ok"),
        ("2026-03-01T12:29:59.999Z", "ok"),
        ("2026-03-01T12:30:00.000Z", "break_glass.window"),
        ("2027-03-01T12:10:00.000Z", "break_glass.window"),
    ];
    for (at, code) in cases {
        let found = world.code_of(&text, &settings, "payment.send", at);
        assert_eq!(found, code, "{at}");
    }
    for action in [
        "payment.sen",
        "payment.send.",
        "payment",
        "",
        "PAYMENT.SEND",
    ] {
        let found = world.code_of(&text, &settings, action, NOON);
        assert_eq!(found, "break_glass.other_action", "{action}");
    }
    let mut wide = world.glass();
    wide.action = "payment.*".into();
    for (action, code) in [
        ("payment.send", "ok"),
        ("payment.refund.now", "ok"),
        ("payment.", "break_glass.other_action"),
        ("payments", "break_glass.other_action"),
    ] {
        assert_eq!(world.code_of(&wide.text(), &settings, action, NOON), code);
    }
}

/// What a log has of it is made by the core as it is minted independently.
#[test]
fn each_signature_is_an_entry_of_its_own() {
    let world = World::new();
    let glass = world.glass();
    let file = File::parse(glass.text().as_bytes()).unwrap();
    let mut ids = Vec::new();
    for (signature, passkey) in file.signatures().iter().zip([&world.ann, &world.bob]) {
        let key = CoseKey::parse(&passkey.public_key).unwrap();
        let entry = Entry::new(file.grant(), signature, RP_ID, &key).unwrap();
        let text = canonical(&leaf(&glass, RP_ID, passkey));
        assert_eq!(entry.to_text(), text);
        assert_eq!(entry.id(), leaf_id(&glass, passkey));
        assert_eq!(Leaf::parse(&text), Ok(Leaf::BreakGlass(entry)));
        ids.push(leaf_id(&glass, passkey));
    }
    assert_ne!(ids[0], ids[1]);
    let mut other = file.grant().clone();
    other.uses = 2;
    let key = CoseKey::parse(&world.ann.public_key).unwrap();
    assert_eq!(Entry::new(&other, &file.signatures()[0], RP_ID, &key), None);
}

#[test]
fn people_are_counted_and_not_keys() {
    let world = World::new();
    let settings = world.settings();
    let short = "break_glass.quorum_short";
    let cases: [(&[&Passkey], &str); 7] = [
        (&[], short),
        (&[&world.ann], short),
        (&[&world.ann, &world.ann], short),
        (&[&world.ann, &world.ann_too], short),
        (&[&world.ann, &world.cleo], short),
        (&[&world.ann_too, &world.bob], "ok"),
        (&[&world.cleo, &world.bob, &world.ann_too, &world.ann], "ok"),
    ];
    for (number, (signers, code)) in cases.into_iter().enumerate() {
        let glass = world.glass().signed_by(signers);
        assert_eq!(world.code(&glass, &settings), code, "{number}");
    }
    // One person serves one clause.
    let mut clauses = world.settings();
    clauses["require"] =
        json!([{"atLeast": 1, "group": "oncall"}, {"atLeast": 1, "group": "finance"}]);
    let bob = world.glass().signed_by(&[&world.bob]);
    assert_eq!(world.code(&bob, &clauses), short);
    assert_eq!(world.code(&world.glass(), &clauses), "ok");
}

#[test]
fn every_signature_has_to_hold() {
    let world = World::new();
    let settings = world.settings();
    let edits: [Case<Ceremony>; 8] = [
        (|c| c.kind = "webauthn.create".into(), "webauthn.type"),
        (
            |c| c.origin = "https://evil.example".into(),
            "webauthn.origin",
        ),
        (|c| c.cross_origin = Some(true), "webauthn.cross_origin"),
        (|c| c.rp_id = "evil.example".into(), "webauthn.rp_id"),
        (|c| c.flags = 0x04, "webauthn.user_presence"),
        (|c| c.flags = 0x01, "webauthn.user_verification"),
        (|c| c.challenge = b64url(&[7; 44]), "webauthn.challenge"),
        (|c| c.challenge.push('='), "webauthn.challenge"),
    ];
    for (edit, code) in edits {
        let mut glass = world.glass();
        glass.edit = edit;
        assert_eq!(world.code(&glass, &settings), code);
    }
    // A third signature that does not hold is in the way, though two would be enough.
    let stranger = Passkey::new(Algorithm::Es256, "mallory");
    let glass = world.glass();
    let with = glass
        .clone()
        .signed_by(&[&world.ann, &world.bob, &stranger]);
    assert_eq!(world.code(&with, &settings), "break_glass.unknown_key");
    // The name of a key is not who signed.
    let mut posing = stranger;
    posing.credential_id.clone_from(&world.bob.credential_id);
    let with = glass.signed_by(&[&world.ann, &posing]);
    assert_eq!(world.code(&with, &settings), "webauthn.bad_signature");
}

#[test]
fn user_verification_is_required_whatever_the_policy_says() {
    let world = World::with(|policy| policy.user_verification = Some("preferred".into()));
    let mut glass = world.glass();
    glass.edit = |ceremony| ceremony.flags = 0x01;
    let found = world.code(&glass, &world.settings());
    assert_eq!(found, "webauthn.user_verification");
}

#[test]
fn keys_without_ids_are_found_and_several_rp_ids_tried() {
    let world = World::with(|policy| {
        policy.rp_ids.insert(0, "first.example".into());
        for approver in &mut policy.approvers {
            approver.credential_id = None;
        }
    });
    assert_eq!(world.code(&world.glass(), &world.settings()), "ok");
}

#[test]
fn a_key_counts_for_the_whole_time_or_not_at_all() {
    let limits: [Case<test_vectors::Policy>; 4] = [
        (
            |policy| policy.approvers[0].not_after = Some("2026-03-01T12:29:59.999Z".into()),
            "break_glass.key_limits",
        ),
        (
            |policy| policy.approvers[0].not_before = Some("2026-03-01T12:00:00.001Z".into()),
            "break_glass.key_limits",
        ),
        (
            |policy| policy.approvers[0].not_after = Some("2026-03-01T12:30:00.000Z".into()),
            "ok",
        ),
        (
            |policy| policy.approvers[0].not_before = Some("2026-03-01T12:00:00.000Z".into()),
            "ok",
        ),
    ];
    for (edit, code) in limits {
        let world = World::with(edit);
        assert_eq!(world.code(&world.glass(), &world.settings()), code);
    }
}

#[test]
fn settings_are_read_as_they_are_written() {
    let world = World::new();
    let read = |value: &Value| Settings::from_json(value.to_string().as_bytes());
    let value = world.settings();
    let settings = read(&value).unwrap();
    assert_eq!(settings.audience(), "payments.example");
    assert_eq!(settings.journal(), "/var/lib/payments/break-glass.jsonl");
    assert_eq!(settings.policy_sha256(), world.policy.sha256());
    assert_eq!(
        settings.require().len(),
        value["require"].as_array().unwrap().len()
    );
    for (actions, fits) in [(0, false), (1, true), (64, true), (65, false)] {
        let mut value = value.clone();
        value["actions"] = (0..actions).map(|n| json!(format!("pay.{n}"))).collect();
        assert_eq!(read(&value).is_ok(), fits, "{actions}");
    }
}

#[test]
fn the_settings_say_who_and_what() {
    let world = World::new();
    let cases: [Case<Glass>; 6] = [
        (
            |glass| glass.audience = "deploy.example".into(),
            "break_glass.audience",
        ),
        (
            |glass| glass.policy_sha256 = "00".repeat(32),
            "break_glass.other_policy",
        ),
        (
            |glass| glass.action = "payments.*".into(),
            "break_glass.not_allowed",
        ),
        (
            |glass| glass.action = "deploy.*".into(),
            "break_glass.not_allowed",
        ),
        (
            |glass| glass.action = "deploy.production.*".into(),
            "break_glass.not_allowed",
        ),
        (
            |glass| glass.not_after = "2026-03-01T13:00:00.000Z".into(),
            "ok",
        ),
    ];
    for (edit, code) in cases {
        let mut glass = world.glass();
        edit(&mut glass);
        assert_eq!(world.code(&glass, &world.settings()), code, "{glass:?}");
    }
    let mut short = world.settings();
    short["longest"] = json!("29m");
    assert_eq!(world.code(&world.glass(), &short), "break_glass.too_long");
    short["longest"] = json!("30m");
    assert_eq!(world.code(&world.glass(), &short), "ok");
    // The settings name one policy: another one's people do not count, whoever gives it.
    let other = World::with(|policy| policy.name = "other".into());
    let glass = Glass::new(&other.hash()).signed_by(&[&world.ann, &world.bob]);
    assert_eq!(other.code(&glass, &other.settings()), "ok");
    assert_eq!(
        other.code(&glass, &world.settings()),
        "break_glass.other_policy"
    );
}

/// Whoever has an old roster brings nobody back: the settings say how new it has to be.
#[test]
fn settings_say_how_old_a_roster_may_be() {
    let (_, chain, policy) = test_vectors::Roster::apart();
    let policy = parsed(&policy);
    let request = Request::new().policy(&policy);
    let roster = Ok(Roster::verify(chain.to_string().as_bytes(), &request).unwrap());
    let hash = hex(&policy.sha256());
    let one = Draft::by("apart one").passkey;
    let file = Glass::new(&hash).signed_by(&[&one]).text();
    for (version, code) in [
        (None, "break_glass.settings"),
        (Some(0), "break_glass.settings"),
        (Some(2), "roster.too_old"),
        // Then the next rule is asked.
        (Some(1), "break_glass.quorum_short"),
    ] {
        let mut text = settings(&hash, "/var/lib/payments/break-glass.jsonl");
        if let Some(version) = version {
            text["minRosterVersion"] = json!(version);
        }
        let opened = Settings::from_json(text.to_string().as_bytes()).and_then(|settings| {
            let file = File::parse(file.as_bytes())?;
            let signed = file.verify(&policy, Some(&roster), &AwsLc)?;
            Opened::new(signed, &settings)
        });
        assert_eq!(opened.unwrap_err().code().to_string(), code, "{version:?}");
    }
    // Without a roster it says nothing.
    let world = World::new();
    let mut settings = world.settings();
    settings["minRosterVersion"] = json!(7);
    assert_eq!(world.code(&world.glass(), &settings), "ok");
}

/// A roster counts under the policy by which its admins were judged, and under no other one that
/// names it as well.
#[test]
fn a_roster_verified_under_another_policy_opens_nothing() {
    let (_, chain, policy) = test_vectors::Roster::apart();
    let mut other = policy.clone();
    other.name = "other".into();
    let (policy, other) = (parsed(&policy), parsed(&other));
    let chain = chain.to_string();
    let under =
        |policy| Ok(Roster::verify(chain.as_bytes(), &Request::new().policy(policy)).unwrap());
    let one = Draft::by("apart one").passkey;
    let file = Glass::new(&hex(&policy.sha256())).signed_by(&[&one]).text();
    for (roster, expected) in [
        (Some(under(&policy)), "ok"),
        (Some(under(&other)), "roster.missing"),
        (None, "roster.missing"),
    ] {
        let file = File::parse(file.as_bytes()).unwrap();
        let signed = file.verify(&policy, roster.as_ref(), &AwsLc);
        let code = signed.map_or_else(|error| error.code().to_string(), |_| "ok".into());
        assert_eq!(code, expected);
    }
}

/// What no gate would record afterwards is nothing that can be done.
#[test]
fn an_action_is_a_name_of_120_bytes_at_most() {
    let world = World::new();
    let mut wide = world.glass();
    wide.action = "payment.*".into();
    let long = format!("payment.{}", "x".repeat(112));
    for (action, code) in [
        (long.as_str(), "ok"),
        (&format!("{long}x"), "break_glass.other_action"),
        ("payment.\u{200b}send", "break_glass.other_action"),
        ("payment.send ", "break_glass.other_action"),
    ] {
        let found = world.code_of(&wide.text(), &world.settings(), action, NOON);
        assert_eq!(found, code, "{action:?}");
    }
}

#[test]
fn settings_that_ask_for_one_person_are_none() {
    let world = World::new();
    let one = json!([{"atLeast": 1, "group": "oncall"}]);
    let edits: [(&str, Value); 14] = [
        ("require", one),
        ("require", json!([])),
        ("require", json!([{"atLeast": 65, "group": "oncall"}])),
        ("actions", json!([])),
        ("actions", json!(["*"])),
        ("actions", json!(["pay*"])),
        ("actions", json!(["*.send"])),
        ("actions", json!([".*"])),
        ("audience", json!("")),
        ("journal", json!("")),
        ("longest", json!("61m")),
        ("policySha256", json!("00")),
        ("type", json!("cosignet.break-glass-settings/v2")),
        ("enabled", json!(true)),
    ];
    for (key, value) in edits {
        let mut settings = world.settings();
        settings[key] = value;
        let found = world.code(&world.glass(), &settings);
        assert_eq!(found, "break_glass.settings", "{settings}");
    }
    for key in [
        "actions",
        "audience",
        "journal",
        "policySha256",
        "require",
        "type",
    ] {
        let mut settings = world.settings();
        settings.as_object_mut().unwrap().remove(key);
        let found = world.code(&world.glass(), &settings);
        assert_eq!(found, "break_glass.settings", "{settings}");
    }
}

#[test]
fn a_grant_has_one_form() {
    let world = World::new();
    let good = world.glass();
    let edits: [fn(&mut Glass); 17] = [
        |glass| glass.not_after = "2026-03-01T13:00:00.001Z".into(),
        |glass| glass.not_after.clone_from(&glass.not_before),
        |glass| glass.not_after = "2026-03-01T11:00:00.000Z".into(),
        |glass| glass.uses = 0,
        |glass| glass.uses = 101,
        |glass| glass.action = "*".into(),
        |glass| glass.action = "payment*".into(),
        |glass| glass.action = "a".repeat(121),
        |glass| glass.action = String::new(),
        |glass| glass.reason = String::new(),
        |glass| glass.reason = " ".into(),
        |glass| glass.reason = "one\ntwo".into(),
        |glass| glass.reason = "hid\u{202e}den".into(),
        |glass| glass.reason = "a".repeat(1001),
        |glass| glass.audience = String::new(),
        |glass| glass.policy_sha256 = "0".into(),
        |glass| glass.grant = Some(glass.grant_text().replacen('{', "{ ", 1)),
    ];
    for edit in edits {
        let mut glass = good.clone();
        edit(&mut glass);
        let found = world.code(&glass, &world.settings());
        assert_eq!(found, "break_glass.form", "{}", glass.grant_text());
    }
    let text = good.grant_text();
    for key in good.grant_value().as_object().unwrap().keys() {
        let mut value = good.grant_value();
        value.as_object_mut().unwrap().remove(key);
        assert!(Grant::parse(&value.to_string()).is_err(), "{key}");
        value[key] = Value::Null;
        assert!(Grant::parse(&value.to_string()).is_err(), "{key}");
    }
    let grant = Grant::parse(&text).unwrap();
    assert_eq!(grant.to_text(), text);
    assert_eq!(challenge(&text), good.challenge());
    let file = File::parse(good.text().as_bytes()).unwrap();
    assert_eq!(file.to_json(), good.text());
    assert_eq!(file.grant_text(), text);
    assert_eq!(file.grant_sha256(), sha256(text.as_bytes()));
}

#[test]
fn a_file_has_room_for_sixteen_signatures() {
    let world = World::new();
    let mut file = File::parse(Glass::new(&world.hash()).text().as_bytes()).unwrap();
    let signed = File::parse(world.glass().text().as_bytes()).unwrap();
    let mut signature = signed.signatures()[0].clone();
    file.add(signature.clone()).unwrap();
    file.add(signature.clone()).unwrap();
    assert_eq!(file.signatures().len(), 1);
    for number in 1..16 {
        signature.signature.push(number);
        file.add(signature.clone()).unwrap();
    }
    signature.signature.push(0);
    assert_eq!(
        file.add(signature).unwrap_err().code().as_str(),
        "break_glass.form"
    );
    // What was refused is not in it.
    assert_eq!(file.signatures().len(), 16);
}

#[test]
fn what_is_said_names_the_grant_and_the_people() {
    let world = World::new();
    let glass = world
        .glass()
        .signed_by(&[&world.bob, &world.ann, &world.ann_too]);
    let file = File::parse(glass.text().as_bytes()).unwrap();
    let settings = Settings::from_json(world.settings().to_string().as_bytes()).unwrap();
    let signed = file.verify(&world.policy, None, &RustCrypto).unwrap();
    let opened = Opened::new(signed, &settings).unwrap();
    let permitted = opened
        .permits("payment.send", Time::parse(NOON).unwrap())
        .unwrap();
    assert_eq!(permitted.action(), "payment.send");
    let said: Value = serde_json::from_str(&permitted.to_json()).unwrap();
    assert_eq!(said["schema"], "cosignet.break-glass-report/v1");
    assert_eq!(said["people"], json!(["ann", "bob"]));
    assert_eq!(said["signers"].as_array().unwrap().len(), 3);
    assert_eq!(said["action"], "payment.send");
    assert_eq!(said["at"], NOON);
    // The same without the act.
    let mut of_file = said.clone();
    let members = of_file.as_object_mut().unwrap();
    members.retain(|name, _| name != "action" && name != "at");
    assert_eq!(
        serde_json::from_str::<Value>(&opened.to_json()).unwrap(),
        of_file
    );
    // Signatures are not what a file is known by.
    let fewer = world.glass();
    let fewer = File::parse(fewer.text().as_bytes()).unwrap();
    assert_eq!(said["grantSha256"], hex(&fewer.grant_sha256()));
}

/// A break-glass signature in the place of an approval, a refusal and a confirmation.
#[test]
fn it_is_no_approval() {
    let world = World::new();
    let glass = world.glass();
    let payload = br#"{"amount":"1000.00"}"#;
    let judge = |file: &[u8]| {
        let report = verify(file, &Request::new().policy(&world.policy).payload(payload));
        (report.verdict(), report.code().as_str())
    };
    assert_eq!(judge(glass.text().as_bytes()).0, Verdict::Malformed);
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.passkey = world.ann.clone();
    let mut approval = draft.clone().approving(payload);
    approval.ceremony.challenge = b64url(&glass.challenge());
    let minted = approval.mint();
    let found = judge(minted.bundle.text().as_bytes());
    assert_eq!(found, (Verdict::Rejected, "webauthn.challenge"));
    let found = judge(minted.confirmation().to_string().as_bytes());
    assert_eq!(found.0, Verdict::Rejected);
    let mut refusal = draft.refusing(&glass.grant_text(), payload);
    refusal.ceremony.challenge = b64url(&glass.challenge());
    let found = judge(refusal.mint().bundle.text().as_bytes());
    assert_eq!(found.0, Verdict::Rejected);
    assert_ne!(found.1, "decision.refused");
}

#[test]
fn a_pattern_needs_a_name_behind_its_dot() {
    let pattern = |text| Pattern::parse(text).unwrap();
    for (inner, outer, within) in [
        ("payment.send", "payment.*", true),
        ("payment.", "payment.*", false),
        ("payment.*", "payment.*", true),
        ("payment.card.*", "payment.*", true),
        ("payment.*", "payment.card.*", false),
        ("payment.send", "payment.sen", false),
    ] {
        let (inner, outer) = (pattern(inner), pattern(outer));
        assert_eq!(inner.is_within(&outer), within, "{inner} {outer}");
    }
}

proptest! {
    /// Whatever is signed is one thing at most: an approval, a refusal or a login, or a grant.
    #[test]
    fn no_bytes_are_two_things(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let approval = Challenge::parse(&base64url(&bytes)).is_ok();
        let refusal_or_login = bytes.len() == 32;
        let glass = bytes.len() == 44 && bytes.starts_with(b"break-glass\0");
        prop_assert!(u8::from(approval) + u8::from(refusal_or_login) + u8::from(glass) <= 1);
    }

    /// And a grant's challenge is a grant's, whatever stands in it.
    #[test]
    fn the_challenge_of_a_grant_is_nothing_else(text in ".{0,200}") {
        let bytes = challenge(&text);
        prop_assert_eq!(bytes.len(), 44);
        prop_assert!(bytes.starts_with(b"break-glass\0"));
        prop_assert!(Challenge::parse(&base64url(&bytes)).is_err());
        prop_assert!(<[u8; 32]>::try_from(bytes.as_slice()).is_err());
        prop_assert!(base64url(&bytes).starts_with("YnJlYWstZ2xhc3MA"));
    }

    /// No other challenge opens a file: those of approvals, refusals and logins among them.
    #[test]
    fn no_other_challenge_opens_a_file(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let world = World::new();
        let mut value = world.glass().value();
        let mut ceremony = Ceremony::new(RP_ID, test_vectors::approval::ORIGIN, &[], &[]);
        ceremony.challenge = b64url(&bytes);
        let assertion = ceremony.sign(&world.ann);
        value["signatures"][0]["clientDataJSON"] = json!(b64url(&assertion.client_data_json));
        value["signatures"][0]["signature"] = json!(b64url(&assertion.signature));
        let found = world.code_of(&value.to_string(), &world.settings(), "payment.send", NOON);
        // An empty one is not even the form of one.
        prop_assert!(found.starts_with("webauthn.c"), "{}", found);
    }

    /// A pattern within another one is met by nothing that the other one is not met by.
    #[test]
    fn what_is_within_meets_less(
        inner in "[ab.]{1,4}(\\.\\*)?",
        outer in "[ab.]{1,4}(\\.\\*)?",
        action in "[ab.*]{0,6}",
    ) {
        let (Some(inner), Some(outer)) = (Pattern::parse(&inner), Pattern::parse(&outer)) else {
            return Ok(());
        };
        if inner.is_within(&outer) && inner.matches(&action) {
            prop_assert!(outer.matches(&action), "{} {} {}", inner, outer, action);
        }
    }

    /// A changed byte of the grant, or of a signature, opens nothing.
    #[test]
    fn a_changed_byte_opens_nothing(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let world = World::new();
        let mut bytes = world.glass().text().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let found = world.code_of(&text, &world.settings(), "payment.send", NOON);
        prop_assert_ne!(found, "ok");
    }
}

/// The example in the specification.
#[test]
fn the_example_is_what_it_says() {
    let spec = include_str!("../../../docs/spec/break-glass.md");
    let glass = Glass::new("62ecd0ec12c504e5df286723b7d23627f93dcd5c956e9b97eeb6c5ea88385e28");
    let text = glass.grant_text();
    assert!(spec.contains(&text), "{text}");
    assert!(
        spec.contains(&format!("The grant, {} bytes", text.len())),
        "{}",
        text.len()
    );
    let challenge = hex(&challenge(&text));
    assert!(spec.contains(&challenge), "{challenge}");
    let begins = from_base64url("YnJlYWstZ2xhc3MA").unwrap();
    assert_eq!(begins, b"break-glass\0");
}
