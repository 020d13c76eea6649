//! Files, folders, stdin, and names that are hard to read.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use test_vectors::encoding::{hex, sha256};

use crate::fixtures::{Folder, Run};

const POLICY: &str = "--policy policy.toml";

fn lines(run: &Run) -> Vec<serde_json::Value> {
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_folder_is_read_in_the_order_of_its_names() {
    // More than one chunk would be 256; the order must hold within one, too.
    let folder = Folder::many(20);
    let run = folder.run(&format!("verify folder {POLICY} --format json"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    let reports = lines(&run);
    assert_eq!(reports.len(), 20);
    for (i, report) in reports.iter().enumerate() {
        let bytes = fs::read(folder.path(format!("folder/{:02}.json", i + 1))).unwrap();
        assert_eq!(report["inputs"]["bundleSha256"], hex(&sha256(&bytes)));
        assert_eq!(report["subject"]["payloadMatch"], "exact");
    }
}

#[test]
fn a_folder_leaves_out_payloads_and_the_policy_and_nothing_else() {
    let folder = Folder::many(2);
    fs::create_dir(folder.path("folder/below.json")).unwrap();
    folder.write("folder/notes.txt", "");
    let policy = folder.read("policy.toml");
    folder.write("folder/trust.json", policy_as_json(&policy));
    let run = folder.run("verify folder --policy folder/trust.json --format json");
    assert_eq!(
        (run.code, lines(&run).len()),
        (0, 2),
        "{}",
        run.transcript()
    );
    // A payload without its approval, and a policy that is not the one in use, are not passed over.
    let run = folder.run(&format!("verify folder {POLICY} --format json"));
    assert_eq!(
        (run.code, lines(&run).len()),
        (3, 3),
        "{}",
        run.transcript()
    );
    fs::remove_file(folder.path("folder/trust.json")).unwrap();
    folder.write("folder/lost.payload.json", "{}");
    let run = folder.run(&format!("verify folder {POLICY}"));
    assert_eq!(run.code, 3, "{}", run.transcript());
    assert!(run.stdout.contains("lost.payload.json"));
}

fn policy_as_json(_toml: &str) -> String {
    test_vectors::Approval::many(2)[0]
        .policy
        .value()
        .to_string()
}

#[test]
fn a_payload_beside_an_approval_is_compared() {
    let folder = Folder::many(3);
    folder.write("folder/03.payload", "{}");
    let run = folder.run(&format!("verify folder {POLICY}"));
    assert_eq!(run.code, 1, "{}", run.transcript());
    assert!(run.stdout.contains("folder/03.json  [payload.mismatch]"));
    // Two of them are one too many.
    folder.write("folder/01.payload.json", "{}");
    fs::remove_file(folder.path("folder/03.payload")).unwrap();
    let run = folder.run(&format!("verify folder {POLICY}"));
    assert_eq!(run.code, 5, "{}", run.transcript());
    assert!(run.stdout.contains("[io.two_payloads]"));
}

#[test]
fn a_folder_without_approvals_is_no_success() {
    let folder = Folder::sample();
    fs::create_dir(folder.path("empty")).unwrap();
    let run = folder.run(&format!("verify empty {POLICY}"));
    assert_eq!(run.code, 5);
    assert!(
        run.transcript().contains("[io.no_files]"),
        "{}",
        run.transcript()
    );
    let run = folder.run(&format!("verify empty approval.json {POLICY}"));
    assert_eq!(run.code, 5);
}

#[test]
fn an_unreadable_file_has_a_line_of_its_own() {
    let folder = Folder::sample();
    let run = folder.run(&format!(
        "verify approval.json nothing.json approval.json {POLICY} --format json"
    ));
    let found = lines(&run);
    assert_eq!(found.len(), 3);
    assert_eq!(found[1]["code"], "io.unreadable");
    assert_eq!(found[1]["exitCode"], 5);
    assert_eq!(found[1]["file"], "nothing.json");
    assert_eq!(run.code, 5);
}

#[test]
fn stdin_is_a_file_like_any_other() {
    let folder = Folder::sample();
    let mut child = folder
        .command()
        .args(["verify", "-", "--policy", "policy.toml", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = folder.read("approval.json");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    let named = folder.run(&format!("verify approval.json {POLICY} --format json"));
    assert_eq!(run.transcript(), named.transcript());
}

#[test]
fn a_huge_file_is_not_read_to_its_end() {
    let folder = Folder::sample();
    // Sparse: it takes no room, but whoever read all of it would notice.
    let file = fs::File::create(folder.path("huge.json")).unwrap();
    file.set_len(1 << 40).unwrap();
    let run = folder.run(&format!("verify huge.json {POLICY}"));
    assert_eq!(run.code, 3, "{}", run.transcript());
    assert!(run.stdout.contains("[bundle.too_large]"));
    let run = folder.run(&format!(
        "verify approval.json {POLICY} --payload huge.json"
    ));
    assert_eq!(run.code, 5, "{}", run.transcript());
    assert!(run.stderr.contains("[io.too_large]"));
    let run = folder.run("verify approval.json --policy huge.json");
    assert_eq!(run.code, 2, "{}", run.transcript());
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_fine() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::many(1);
    let name = OsStr::from_bytes(b"folder/\xff\x1b[2J.json");
    fs::copy(folder.path("folder/01.json"), folder.path(name)).unwrap();
    let run = folder.run(&format!("verify folder {POLICY}"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    let run = folder.run(&format!("verify folder {POLICY} --format json"));
    assert_eq!(lines(&run).len(), 2);
}
