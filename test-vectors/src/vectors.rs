//! The test vectors: what they are made of, and the files they go to.

mod anchors;
mod assertions;
mod blocks;
mod bundle_contexts;
mod bundle_policies;
mod bundles;
mod confirmations;
mod contexts;
mod decisions;
mod entries;
mod expectations;
mod glass;
mod heads;
mod limits;
mod malformed;
mod merkle;
mod mutations;
mod notes;
mod payloads;
mod people;
mod policies;
mod policy_decisions;
mod proofs;
mod refusals;
mod rosters;
mod splices;
mod timestamps;
mod trust;

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::reading::Question;

/// Every generated file: its path under `test-vectors`, and its text.
pub fn generate() -> Vec<(String, String)> {
    let files = files();
    files.iter().map(|f| (f.path.clone(), f.text())).collect()
}

/// Writes every generated file under `dir`.
pub fn write(dir: &Path) -> io::Result<()> {
    for (path, text) in generate() {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

/// The paths of generated files that are missing under `dir` or differ from what
/// [`generate`] gives. Other files are not looked at.
pub fn check(dir: &Path) -> Vec<String> {
    generate()
        .into_iter()
        .filter(|(path, text)| fs::read(dir.join(path)).ok().as_deref() != Some(text.as_bytes()))
        .map(|(path, _)| path)
        .collect()
}

fn files() -> Vec<File> {
    let mut files = vec![
        entries::form(),
        assertions::generated(),
        merkle::inclusion(),
        merkle::consistency(),
        notes::generated(),
        proofs::generated(),
        policies::form(),
        policy_decisions::decisions(),
        bundles::good(),
        mutations::mutations(),
        splices::splices(),
        bundle_policies::policies(),
        expectations::expectations(),
        glass::bundles(),
        glass::files(),
        glass::leaves(),
        payloads::payloads(),
        anchors::anchors(),
        blocks::blocks(),
        heads::heads(),
        trust::trust(),
        limits::limits(),
        timestamps::ots(),
        timestamps::headers(),
        timestamps::epochs(),
        malformed::malformed(),
        malformed::too_large(),
        confirmations::confirmations(),
        contexts::form(),
        bundle_contexts::contexts(),
        refusals::refusals(),
        decisions::alone_as_decision(),
        decisions::anchors(),
        decisions::bundles(),
        decisions::malformed(),
        decisions::quorum(),
        decisions::expectations(),
        decisions::splices(),
        rosters::forms(),
        rosters::chain(),
        rosters::admins(),
        rosters::files(),
        rosters::in_force(),
        rosters::logs(),
        rosters::decisions(),
    ];
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// One file of cases of one kind.
#[derive(Debug)]
struct File {
    path: String,
    kind: &'static str,
    description: &'static str,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    name: String,
    input: Value,
    expect: Value,
}

impl File {
    fn new(kind: &'static str, name: &str, description: &'static str) -> Self {
        Self {
            path: format!("{kind}/{name}.json"),
            kind,
            description,
            cases: Vec::new(),
        }
    }

    fn case(&mut self, name: impl Into<String>, input: Value, expect: Value) {
        let name = name.into();
        assert!(
            self.cases.iter().all(|case| case.name != name),
            "{}: two cases are called {name}",
            self.path
        );
        self.cases.push(Case {
            name,
            input,
            expect,
        });
    }

    fn valid(&mut self, name: impl Into<String>, input: Value) {
        self.case(name, input, json!("valid"));
    }

    fn invalid(&mut self, name: impl Into<String>, input: Value, code: &str) {
        self.case(name, input, json!({"invalid": code}));
    }

    /// A case of kind `bundle` or `decision`. Who writes it says how it ends, and the second reading has to come
    /// to the same end; all that it finds on the way is expected as well.
    fn verdict(&mut self, name: impl Into<String>, input: Value, verdict: &str, code: &str) {
        let name = name.into();
        assert_eq!(verdict == "VERIFIED", code == "ok", "{name}");
        let answer = Question::of_vector(&input).answer();
        assert_eq!(answer.verdict, verdict, "{}: {name}: {answer:?}", self.path);
        // Which of several defects a malformed input is refused for is left open.
        if verdict != "MALFORMED" {
            assert_eq!(answer.code, code, "{}: {name}: {answer:?}", self.path);
        }
        let expect = answer.expectation(code);
        self.case(name, input, expect);
    }

    /// Two spaces a level; `name` first, because people read these.
    fn text(&self) -> String {
        let mut out = format!(
            "{{\n  \"kind\": {},\n  \"description\": {},\n  \"source\": {},\n  \"cases\": [",
            json!(self.kind),
            json!(self.description),
            json!("generated from fixed seeds by this project's crate test-vectors"),
        );
        for (i, case) in self.cases.iter().enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            out.push_str(&format!(
                "\n    {{\n      \"name\": {},\n      \"input\": {},\n      \"expect\": {}\n    }}",
                json!(case.name),
                indented(&case.input),
                with_checks_in_lines(&case.expect),
            ));
        }
        out.push_str("\n  ]\n}\n");
        out
    }
}

/// The text of an object, the same whether or not another crate in the build has told serde_json
/// to keep members in the order in which they came.
fn sorted(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    value.to_string()
}

/// As [`indented`], with one line for each of `checks`.
fn with_checks_in_lines(expect: &Value) -> String {
    let Some(checks) = expect["checks"].as_array().filter(|all| !all.is_empty()) else {
        return indented(expect);
    };
    let lines: Vec<String> = checks
        .iter()
        .map(|check| {
            format!(
                "\n          {{\"id\": {}, \"status\": {}, \"code\": {}}}",
                check["id"], check["status"], check["code"]
            )
        })
        .collect();
    let mut rest = expect.clone();
    rest["checks"] = json!([]);
    indented(&rest).replace(
        "\"checks\": []",
        &format!("\"checks\": [{}\n        ]", lines.join(",")),
    )
}

fn indented(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    serde_json::to_string_pretty(&value)
        .unwrap()
        .replace('\n', "\n      ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_positive(expect: &Value) -> bool {
        let found = |key| expect.get(key).is_some();
        expect == "valid"
            || found("verified")
            || found("bitcoin")
            || expect["verdict"] == "VERIFIED"
    }

    #[test]
    fn files_are_json_with_two_negatives_for_each_positive() {
        let (mut positive, mut negative) = (0, 0);
        for file in files() {
            let value: Value = serde_json::from_str(&file.text()).unwrap();
            assert_eq!(value["kind"], file.kind);
            assert_eq!(value["cases"].as_array().unwrap().len(), file.cases.len());
            assert!(file.path.starts_with(file.kind) && !file.cases.is_empty());
            for case in &file.cases {
                if is_positive(&case.expect) {
                    positive += 1;
                } else {
                    negative += 1;
                }
            }
        }
        assert!(negative >= 2 * positive, "{negative} to {positive}");
    }

    /// The rows of the verifier's table of codes: `    Name "a.b" Effect,`. Read as text, because
    /// this crate does not depend on the verifier.
    fn codes() -> Vec<(&'static str, &'static str)> {
        include_str!("../../verifier-core/src/code.rs")
            .lines()
            .filter_map(|line| {
                let mut words = line.strip_prefix("    ")?.split(' ');
                words
                    .next()
                    .filter(|name| name.starts_with(char::is_uppercase))?;
                let code = words.next()?.strip_prefix('"')?.strip_suffix('"')?;
                let effect = words.next()?.strip_suffix(',')?;
                words.next().is_none().then_some((code, effect))
            })
            .collect()
    }

    #[test]
    fn every_code_is_expected_somewhere_and_no_other() {
        let codes = codes();
        assert!(codes.len() > 50 && codes.contains(&("payload.mismatch", "Reject")));
        let mut expected = BTreeSet::new();
        for file in files() {
            for case in &file.cases {
                let code = [&case.expect["invalid"], &case.expect["code"]]
                    .into_iter()
                    .find_map(Value::as_str);
                let Some(code) = code.filter(|code| *code != "*") else {
                    continue;
                };
                let effect = codes.iter().find(|(c, _)| *c == code).map(|(_, e)| *e);
                let verdict = match effect.unwrap_or_else(|| panic!("no code {code}")) {
                    "None" => "VERIFIED",
                    "Incomplete" => "INCOMPLETE",
                    "Malformed" => "MALFORMED",
                    "Reject" => "REJECTED",
                    _ => "",
                };
                if let Some(found) = case.expect["verdict"].as_str() {
                    assert_eq!(found, verdict, "{} {}", file.path, case.name);
                }
                expected.insert(code.to_owned());
            }
        }
        // No input leads there.
        expected.insert("check.missing".to_owned());
        // Of registrations, which are no evidence.
        expected.insert("webauthn.attestation".to_owned());
        // Of a journal, or of a gate.
        expected.insert("break_glass.overused".to_owned());
        for (code, _) in &codes {
            assert!(expected.contains(*code), "no vector expects {code}");
        }
    }

    /// Bundles that nobody minted here: recorded from a browser.
    #[test]
    fn transcribed_bundles_end_as_the_second_reading_does() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundle/chromium.json");
        let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let answer = Question::of_vector(&case["input"]).answer();
            let found = answer.expectation(answer.code);
            for (key, expected) in case["expect"].as_object().unwrap() {
                assert_eq!(&found[key], expected, "{}: {key}", case["name"]);
            }
        }
    }

    #[test]
    fn files_on_disk_are_what_is_generated_now() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(check(dir), Vec::<String>::new(), "write the vectors again");
        assert_eq!(check(&dir.join("no such folder")).len(), generate().len());
    }
}
