//! `types.d.ts` held against real texts, both ways: each member that a text has is declared with a
//! type that its value is of, and each member that is declared is in the text.

extern crate std;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use std::path::Path;

use serde_json::{Value, json};
use test_vectors::encoding::{from_b64url, hex};
use test_vectors::{Algorithm, Approval, Approver, Glass, Passkey};
use verifier_core::Code;

use crate::{Verifier, explain, path, payload, policy, roster};

const TYPES: &str = include_str!("../types.d.ts");

/// As much of TypeScript as the file needs.
#[derive(Clone, Debug)]
enum Type {
    /// One of several.
    AnyOf(Vec<Self>),
    /// A list of these.
    List(Box<Self>),
    /// One value: a text in quotes, a number, `null`.
    Literal(Value),
    /// `string`, `number`, `boolean`, or a name of the file's own.
    Named(String),
    /// Members and their types.
    Object(BTreeMap<String, Self>),
}

/// The tokens that are still to be read.
struct Reader(Vec<String>);

impl Reader {
    fn new(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = match first {
                '/' if rest.starts_with("/*") => rest.find("*/").unwrap() + 2,
                '/' => rest.find('\n').unwrap(),
                '"' => rest[1..].find('"').unwrap() + 2,
                c if word(c) => rest.find(|c| !word(c)).unwrap(),
                c => c.len_utf8(),
            };
            let (token, behind) = rest.split_at(length);
            if first != '/' && !first.is_whitespace() {
                tokens.push(token.to_string());
            }
            rest = behind;
        }
        tokens.reverse();
        Self(tokens)
    }

    fn take(&mut self) -> String {
        self.0.pop().unwrap()
    }

    fn next_is(&mut self, token: &str) -> bool {
        let is = self.0.last().is_some_and(|next| next == token);
        if is {
            self.take();
        }
        is
    }

    fn expect(&mut self, token: &str) {
        assert_eq!(self.take(), token);
    }

    fn declarations(mut self) -> BTreeMap<String, Type> {
        let mut found = BTreeMap::new();
        while !self.0.is_empty() {
            self.expect("export");
            let kind = self.take();
            let name = self.take();
            let one = match kind.as_str() {
                "interface" => self.one(),
                "type" => {
                    self.expect("=");
                    let one = self.union();
                    self.expect(";");
                    one
                }
                other => panic!("{other}"),
            };
            assert!(found.insert(name, one).is_none());
        }
        found
    }

    fn union(&mut self) -> Type {
        self.next_is("|");
        let mut all = vec![self.list()];
        while self.next_is("|") {
            all.push(self.list());
        }
        match all.len() {
            1 => all.remove(0),
            _ => Type::AnyOf(all),
        }
    }

    fn list(&mut self) -> Type {
        let mut one = self.one();
        while self.next_is("[") {
            self.expect("]");
            one = Type::List(one.into());
        }
        one
    }

    fn one(&mut self) -> Type {
        match self.take().as_str() {
            "(" => {
                let inner = self.union();
                self.expect(")");
                inner
            }
            "{" => {
                let mut members = BTreeMap::new();
                while !self.next_is("}") {
                    let name = self.take();
                    self.expect(":");
                    let old = members.insert(name, self.union());
                    assert!(old.is_none());
                    let _ = self.next_is(";");
                }
                Type::Object(members)
            }
            word => match serde_json::from_str(word) {
                Ok(value) => Type::Literal(value),
                Err(_) => Type::Named(word.to_string()),
            },
        }
    }
}

/// The file, and what texts of its types have shown so far.
struct Declared {
    types: BTreeMap<String, Type>,
    /// Places that held something else than `null` or an empty list.
    seen: BTreeSet<String>,
}

impl Declared {
    fn new() -> Self {
        let types = Reader::new(TYPES).declarations();
        let seen = BTreeSet::new();
        Self { types, seen }
    }

    fn hold(&mut self, name: &str, text: &str) {
        let value = serde_json::from_str(text).unwrap();
        let declared = Type::Named(name.to_string());
        self.fits(&declared, &value, name)
            .unwrap_or_else(|place| panic!("{place} in {text}"));
    }

    /// The place that does not fit is the error.
    fn fits(&mut self, declared: &Type, value: &Value, place: &str) -> Result<(), String> {
        let fits = match (declared, value) {
            (Type::AnyOf(all), _) => {
                let found: Vec<_> = all.iter().map(|one| self.fits(one, value, place)).collect();
                if found.iter().any(Result::is_ok) {
                    return Ok(());
                }
                // That of the object, if it is one that does not fit.
                return found
                    .into_iter()
                    .max_by_key(|one| match one {
                        Err(place) => place.len(),
                        Ok(()) => 0,
                    })
                    .unwrap();
            }
            (Type::List(one), Value::Array(items)) => {
                let place = format!("{place}[]");
                return items
                    .iter()
                    .try_for_each(|item| self.fits(one, item, &place));
            }
            (Type::Literal(one), _) => one == value,
            (Type::Named(name), _) => match name.as_str() {
                "string" => value.is_string(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                _ => {
                    let declared = self.types.get(name).cloned();
                    return self.fits(&declared.unwrap(), value, place);
                }
            },
            (Type::Object(members), Value::Object(found)) => {
                let names = |place: &str, name: &String| format!("{place}.{name}");
                if let Some(name) = found.keys().find(|name| !members.contains_key(*name)) {
                    return Err(format!("{} is not declared", names(place, name)));
                }
                for (name, declared) in members {
                    let place = names(place, name);
                    let Some(value) = found.get(name) else {
                        return Err(format!("{place} is declared and not there"));
                    };
                    self.fits(declared, value, &place)?;
                }
                true
            }
            _ => false,
        };
        if !fits {
            return Err(format!("{place} is another value than declared: {value}"));
        }
        if !value.is_null() {
            self.seen.insert(place.to_string());
        }
        Ok(())
    }

    /// Places that no text has shown with a value: what is said of them is not tested.
    fn unseen(&self, declared: &Type, place: &str, out: &mut Vec<String>) {
        match declared {
            Type::AnyOf(all) => all.iter().for_each(|one| self.unseen(one, place, out)),
            Type::List(one) => self.unseen(one, &format!("{place}[]"), out),
            // The reports on a decision's bundles are of the type that they are in.
            Type::Named(name) if name == "Report" && place != name => {}
            Type::Named(name) if self.types.contains_key(name) => {
                self.unseen(&self.types[name], place, out);
            }
            Type::Object(members) => {
                for (name, one) in members {
                    self.unseen(one, &format!("{place}.{name}"), out);
                }
            }
            Type::Literal(Value::Null) => {}
            Type::Literal(_) | Type::Named(_) if self.seen.contains(place) => {}
            Type::Literal(_) | Type::Named(_) => out.push(place.to_string()),
        }
    }
}

/// The report on a case of the vectors; `None` if its question cannot be asked.
fn report(input: &Value) -> Option<String> {
    let mut verifier = Verifier::new();
    if !input["policy"].is_null() {
        let policy = policy::read(input["policy"].to_string().as_bytes());
        verifier.policy = Some(policy.ok()?);
        verifier.source = "caller".into();
    }
    let bytes = |text: &Value| text.as_str().map(from_b64url);
    let text = |text: &Value| text.as_str().map(String::from);
    verifier.payload = bytes(&input["payload"]);
    verifier.headers = bytes(&input["headers"]);
    verifier.roster = text(&input["roster"]).map(String::into_bytes);
    let asked = &input["expectations"];
    verifier.payload_sha256 = match &asked["payloadSha256"] {
        Value::String(hash) => Some(crate::usage::hash(hash).ok()?),
        _ => None,
    };
    verifier.approval_id = text(&asked["approvalId"]);
    verifier.approver = text(&asked["approver"]);
    verifier.rp_id = text(&asked["rpId"]);
    verifier.at = match &input["at"] {
        Value::String(at) => Some(crate::usage::time(at).ok()?),
        _ => None,
    };
    // Headers that are none would be thrown into JavaScript, and there is none here.
    if let Some(headers) = &verifier.headers {
        verifier_core::HeaderChain::parse(headers).ok()?;
    }
    let evidence = input["bundleText"].as_str();
    let evidence = evidence.or(input["decisionText"].as_str());
    verifier.verify(evidence?.as_bytes()).ok()
}

/// What is known of a break-glass file that permits an act.
fn glass() -> String {
    let people = ["ann", "bob"].map(|name| (name, Passkey::new(Algorithm::Es256, name)));
    let mut policy = Approval::sample(Algorithm::Es256).policy;
    let oncall = |(name, key): &(&str, Passkey)| Approver::new(name, key).in_groups(&["oncall"]);
    policy.approvers = people.iter().map(oncall).collect();
    let policy = policy::read(policy.value().to_string().as_bytes()).unwrap();
    let hash = hex(&policy.sha256());
    let mut verifier = Verifier::new();
    verifier.policy = Some(policy);
    verifier.at = crate::usage::time("2026-03-01T12:10:00.000Z").ok();
    let file = Glass::new(&hash).signed_by(&[&people[0].1, &people[1].1]);
    let settings = test_vectors::break_glass::settings(&hash, "/var/lib/uses.jsonl");
    let settings = settings.to_string();
    let said =
        verifier.open_break_glass(file.text().as_bytes(), settings.as_bytes(), "payment.send");
    said.ok().unwrap()
}

#[test]
fn every_text_is_of_its_declared_type() {
    let mut declared = Declared::new();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let folders = ["bundle", "decision"].map(|kind| std::fs::read_dir(vectors.join(kind)).unwrap());
    let mut reports = 0;
    for file in folders.into_iter().flatten() {
        let path = file.unwrap().path();
        if path.ends_with("splices.json") {
            // Each of them opens an e-mail address, which takes its time.
            continue;
        }
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            if let Some(text) = report(&case["input"]) {
                declared.hold("Report", &text);
                reports += 1;
            }
        }
    }
    assert!(reports > 200, "{reports}");

    let approval = Approval::sample(Algorithm::Es256);
    let bundle = approval.bundle.text();
    let json = approval.policy.value().to_string();
    declared.hold(
        "PolicyInfo",
        &policy::describe(&policy::read(json.as_bytes()).unwrap()),
    );
    let mut rooted = approval.policy.clone();
    let admins = [rooted.approvers.remove(0).in_groups(&["admins"]).value()];
    rooted.approvers.clear();
    let require = [json!({"atLeast": 1, "group": "admins"})];
    rooted.roster = Some(json!({"admins": admins, "name": "acme", "require": require}));
    let rooted = policy::read(rooted.value().to_string().as_bytes()).unwrap();
    assert!(policy::describe(&rooted).contains("\"admins\":[{"));
    declared.hold("PolicyInfo", &policy::describe(&rooted));
    for bytes in [&approval.payload[..], b"pay Bob", b"\xff"] {
        declared.hold("PayloadInfo", &payload::describe(bytes, 2));
    }
    declared.hold("BreakGlassReport", &glass());
    let roster = roster::tests::file();
    declared.hold("RosterInfo", &roster::describe(roster.as_bytes()).unwrap());
    declared.hold("MerklePath", &path::of(bundle.as_bytes()).unwrap());
    for code in Code::ALL {
        declared.hold("Explanation", &explain::code(code.as_str()).unwrap());
    }
    let checks: Vec<Value> = serde_json::from_str(&explain::checks()).unwrap();
    for check in checks {
        declared.hold("CheckInfo", &check.to_string());
    }
    for name in [
        "BreakGlassReport",
        "Report",
        "PolicyInfo",
        "PayloadInfo",
        "RosterInfo",
        "MerklePath",
        "Explanation",
        "CheckInfo",
    ] {
        let mut unseen = Vec::new();
        declared.unseen(&Type::Named(name.to_string()), name, &mut unseen);
        assert_eq!(unseen, Vec::<String>::new(), "no text shows these");
    }
}

#[test]
fn the_kinds_of_files_are_declared() {
    let types = Reader::new(TYPES).declarations();
    let Type::AnyOf(kinds) = &types["FileKind"] else {
        panic!("{types:?}")
    };
    let approval = Approval::sample(Algorithm::Es256);
    for file in [
        approval.bundle.text().as_bytes(),
        approval.payload.as_slice(),
        b"",
    ] {
        let kind = Value::from(crate::kind::of(file));
        let declared = |one: &Type| matches!(one, Type::Literal(value) if *value == kind);
        assert!(kinds.iter().any(declared), "{kind}");
    }
}

#[test]
fn the_page_takes_no_longer_payloads_than_the_module() {
    let most = include_str!("../../web/intake.js");
    let kib = verifier_core::hazmat::payload::MAX_BYTES / 1024;
    assert_eq!(kib * 1024, verifier_core::hazmat::payload::MAX_BYTES);
    assert!(most.contains(&format!("payload: {kib} * 1024,")), "{kib}");
    assert!(
        most.contains(&format!("a payload at most {kib} KiB")),
        "{kib}"
    );
}
