//! The next steps that messages name: each is a command that exists, and leads out of the trouble
//! that it was printed for.

use std::fs;
use std::path::{Path, PathBuf};

use test_vectors::approval::{ORIGIN, RP_ID};
use test_vectors::{Algorithm, Approval, Draft};

use crate::fixtures::{Folder, Run};

/// Sources whose messages name commands of `cosignet`.
const SOURCES: [&str; 9] = [
    "command-line/src",
    "gate-client/src",
    "gate/src",
    "log-client/src",
    "log-server/src",
    "policy-advice/src",
    "policy-text/src",
    "verifier-cli/src",
    "witness/src",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let found = entries.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => sources(&entry.path()),
        false => vec![entry.path()],
    });
    found
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// The text of a source with the lines of a string put together, and what documents it as well:
/// that is read by people, too.
fn text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let whole = lines.fold(first, |text, line| text + line.trim_start());
    whole.replace("\n/// ", " ").replace("\n//! ", " ")
}

/// What is between backquotes and begins like this.
fn quoted(text: &str, start: &str) -> Vec<String> {
    let opening = format!("`{start}");
    let pieces = text.split(&opening).skip(1);
    let pieces = pieces.filter_map(|rest| rest.split_once('`'));
    pieces.map(|(piece, _)| format!("{start}{piece}")).collect()
}

/// Walks along a command line; the words that are no command and no option have no part in it.
fn complaint(root: &clap::Command, line: &str) -> Option<String> {
    let mut command = root;
    let mut words = line.split_whitespace().skip(1).peekable();
    while let Some(next) = words.peek().and_then(|word| command.find_subcommand(word)) {
        command = next;
        words.next();
    }
    if command.has_subcommands() && words.peek().is_some_and(|word| !word.starts_with('-')) {
        return Some(format!("`{line}`: no such command"));
    }
    let options = words.take_while(|word| *word != "--");
    let mut options = options.filter_map(|word| word.strip_prefix("--"));
    let unknown = options.find(|word| {
        let name = word.split(['=', '[', ',']).next().unwrap_or_default();
        !accepts(command, name) && !accepts(root, name)
    });
    unknown.map(|name| format!("`{line}`: no option --{name}"))
}

fn accepts(command: &clap::Command, option: &str) -> bool {
    let mut options = command.get_arguments();
    ["help", "version"].contains(&option) || options.any(|arg| arg.get_long() == Some(option))
}

fn any_accepts(command: &clap::Command, option: &str) -> bool {
    accepts(command, option)
        || command
            .get_subcommands()
            .any(|sub| any_accepts(sub, option))
}

#[test]
fn every_command_that_a_message_names_exists() {
    let root = verifier_cli::command();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = 0;
    let mut complaints = Vec::new();
    for path in SOURCES.iter().flat_map(|dir| sources(&workspace.join(dir))) {
        let commands = quoted(&text(&path), "cosignet ");
        seen += commands.len();
        let wrong = commands.iter().filter_map(|line| complaint(&root, line));
        complaints.extend(wrong.map(|wrong| format!("{}: {wrong}", path.display())));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(seen > 80, "only {seen} commands were found");
    for line in [
        "cosignet verfy FILE",
        "cosignet policy shw",
        "cosignet verify --polcy FILE",
    ] {
        assert!(complaint(&root, line).is_some(), "{line}");
    }
    // The codes of reports are explained where no command is in view, so an option stands alone.
    for code in verifier_core::Code::ALL {
        for option in quoted(command_line::code::next(*code), "--") {
            let name = option.trim_start_matches('-');
            let name = name.split_whitespace().next().unwrap_or_default();
            assert!(any_accepts(&root, name), "{code}: no option --{name}");
        }
    }
}

/// A trouble, the command that its message names, how a reader fills it in, and what then is the
/// answer to the first command, or to the one that was advised.
struct Way {
    trouble: &'static str,
    code: &'static str,
    advice: &'static str,
    step: &'static str,
    then: &'static str,
    end: i32,
}

fn said(run: &Run) -> String {
    let both = format!("{} {}", run.stdout, run.stderr);
    both.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn advice_leads_out_of_the_trouble_that_it_was_given_for() {
    let sample = Approval::sample(Algorithm::Es256);
    let folder = Folder::of(&sample);
    let mut without = sample.bundle.clone();
    without.evidence.as_mut().unwrap().payload = None;
    folder.write("without.json", without.text());
    let registration =
        Draft::sample(Algorithm::Es256)
            .passkey
            .register(RP_ID, ORIGIN, b"challenge");
    folder.write("alice.json", registration.json().to_string());
    let mut nobody = sample.policy.clone();
    nobody.approvers.clear();
    let mut other = nobody.clone();
    let bob = test_vectors::passkey::Passkey::new(Algorithm::Es256, "bob");
    other
        .approvers
        .push(test_vectors::policy::Approver::new("Bob", &bob));
    folder.write("other.toml", other.toml());
    folder.write(
        "log.policy",
        sample.policy.value()["log"]["policy"].as_str().unwrap(),
    );
    folder.write("proof.txt", sample.bundle.log_proof.text());

    for way in [
        Way {
            trouble: "verify without.json --policy policy.toml",
            code: "payload.missing",
            advice: "`--payload FILE`",
            step: "verify without.json --policy policy.toml --payload wire.json",
            then: "VERIFIED",
            end: 0,
        },
        Way {
            trouble: "verify approval.json --policy other.toml",
            code: "approver.unknown_key",
            advice: "`cosignet policy add-approver`",
            step: "policy add-approver other.toml --name Alice --registration alice.json",
            then: "Alice",
            end: 0,
        },
        // The same command as before, now that the key is there.
        Way {
            trouble: "verify approval.json --policy other.toml --approver Bob",
            code: "expectation.approver",
            advice: "`cosignet policy show`",
            step: "policy show other.toml",
            then: "Alice",
            end: 0,
        },
        Way {
            trouble: "verify approval.json --policy other.toml --approver Bob",
            code: "expectation.approver",
            advice: "`cosignet policy show`",
            step: "verify approval.json --policy other.toml --approver Alice",
            then: "VERIFIED",
            end: 0,
        },
        Way {
            trouble: "verify policy.toml --policy policy.toml",
            code: "bundle.",
            advice: "`cosignet policy show FILE`",
            step: "policy show policy.toml",
            then: "approvals.example",
            end: 0,
        },
        Way {
            trouble: "verify proof.txt --policy policy.toml",
            code: "bundle.",
            advice: "`cosignet inspect FILE`",
            step: "inspect proof.txt",
            then: "log.example/approvals",
            end: 0,
        },
        Way {
            trouble: "verify alice.json --policy policy.toml",
            code: "bundle.",
            advice: "`cosignet policy add-approver POLICY --name NAME --registration FILE`",
            step: "policy add-approver other.toml --name Alice --registration alice.json",
            then: "[key.twice]",
            end: 2,
        },
        Way {
            trouble: "verify log.policy --policy policy.toml",
            code: "bundle.",
            advice: "`cosignet policy init --log-policy FILE …`",
            step: "policy init -o mine.toml --name mine --rp-id approvals.example --origin https://approvals.example --log-policy log.policy",
            then: "mine.toml",
            end: 0,
        },
        Way {
            trouble: "verify wire.json --policy policy.toml",
            code: "bundle.",
            advice: "`cosignet verify --policy POLICY --payload FILE -- APPROVAL`",
            step: "verify --policy policy.toml --payload wire.json -- approval.json",
            then: "VERIFIED",
            end: 0,
        },
        Way {
            trouble: "policy show approval.json",
            code: "policy.",
            advice: "`cosignet verify --policy POLICY -- FILE`",
            step: "verify --policy policy.toml -- approval.json",
            then: "VERIFIED",
            end: 0,
        },
    ] {
        let first = folder.run(way.trouble);
        let context = format!("{}: {}", way.trouble, first.transcript());
        assert_ne!(first.code, 0, "{context}");
        let words = said(&first);
        assert!(words.contains(&format!("[{}", way.code)), "{context}");
        assert!(words.contains(way.advice), "{context}");
        let second = folder.run(way.step);
        let context = format!("{}: {}", way.step, second.transcript());
        assert_eq!(second.code, way.end, "{context}");
        assert!(said(&second).contains(way.then), "{context}");
        assert!(
            !said(&second).contains(&format!("[{}", way.code)),
            "{context}"
        );
    }
}
