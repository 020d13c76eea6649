//! Files, folders, stdin, and names that are hard to read.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use test_vectors::encoding::{hex, sha256};
use test_vectors::{Algorithm, Approval};

use crate::fixtures::{Folder, Run};

const POLICY: &str = "--policy policy.toml";

/// The line of each input, without the one about the run.
fn lines(run: &Run) -> Vec<serde_json::Value> {
    let mut lines = all_lines(run);
    lines.retain(|line| line["schema"] != "cosignet.run/v1");
    lines
}

fn all_lines(run: &Run) -> Vec<serde_json::Value> {
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
    Approval::many(2)[0].policy.value().to_string()
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

#[test]
fn nothing_in_a_folder_is_left_out_in_silence() {
    let folder = Folder::many(2);
    fs::rename(folder.path("folder/02.json"), folder.path("folder/02.JSON")).unwrap();
    folder.write("folder/02.payload.json", "{}");
    folder.write("folder/.payload.json", "{");
    folder.write("folder/notes.txt", "");
    fs::create_dir(folder.path("folder/below")).unwrap();
    let run = folder.run(&format!("verify folder {POLICY}"));
    assert_eq!(run.code, 1, "{}", run.transcript());
    assert!(
        run.stdout.contains("REJECTED    folder/02.JSON"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("MALFORMED   folder/.payload.json"),
        "{}",
        run.stdout
    );
    let last = "2 files left out: folder/below (a folder, which is not read), folder/notes.txt (not \
                named *.json).";
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.ends_with(last), "{}", run.stdout);
    let run = folder.run(&format!("verify folder {POLICY} --format json"));
    let left_out = all_lines(&run).pop().unwrap()["leftOut"].clone();
    assert_eq!(left_out[0]["file"], "folder/below");
    assert_eq!(left_out[1]["file"], "folder/notes.txt");
    let quiet = folder.run(&format!("verify folder {POLICY} -q"));
    assert!(quiet.stderr.contains("left out"), "{}", quiet.transcript());
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_a_folder_is_opened_and_nothing_is_waited_for() {
    let folder = Folder::many(3);
    folder.write("secret", "hunter2");
    fs::remove_file(folder.path("folder/01.payload")).unwrap();
    std::os::unix::fs::symlink(folder.path("secret"), folder.path("folder/01.payload")).unwrap();
    fs::remove_file(folder.path("folder/03.payload")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .args([
            folder.path("folder/03.payload"),
            folder.path("folder/04.json"),
        ])
        .status();
    assert!(made.unwrap().success());
    let run = folder.run(&format!("verify folder {POLICY}"));
    assert_eq!(run.code, 5, "{}", run.transcript());
    assert!(
        run.stdout
            .contains("it is a link that leads out of the folder")
    );
    assert!(run.stdout.contains("folder/04.json is no regular file"));
    assert!(
        run.stdout.contains("1 VERIFIED, 3 UNREADABLE"),
        "{}",
        run.stdout
    );
    assert!(!run.transcript().contains("hunter2"));
}

#[test]
fn copies_of_one_approval_are_not_many_approvals() {
    let folder = Folder::many(1);
    for i in 10..30 {
        fs::copy(
            folder.path("folder/01.json"),
            folder.path(format!("folder/{i}.json")),
        )
        .unwrap();
    }
    folder.write("folder/99.json", "{");
    let run = folder.run(&format!("verify folder {POLICY}"));
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "20 of them repeat what another one says: folder/10.json (the file of \
                           folder/01.json), "
        ),
        "{}",
        run.stdout
    );
    let (_, end) = run.stdout.split_once("Not VERIFIED:\n").expect(&run.stdout);
    assert!(end.starts_with("MALFORMED   folder/99.json"), "{end}");
    let run = folder.run(&format!("verify folder {POLICY} --format json"));
    let mut lines = all_lines(&run);
    let last = lines.pop().unwrap();
    assert_eq!(last["duplicates"].as_array().unwrap().len(), 20);
    assert_eq!(last["exitCode"], 3);
    assert_eq!(lines[0]["file"], "folder/01.json");
}

#[test]
fn stdin_has_one_name_too_few_to_be_two_files() {
    let folder = Folder::sample();
    for other in ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let run = folder.run(&format!("verify - {other} {POLICY}"));
        assert_eq!(run.code, 2, "{other}: {}", run.transcript());
    }
}

#[test]
fn names_of_files_are_never_taken_for_options() {
    let folder = Folder::sample();
    folder.write("bad.json", r#"{"status":"denied"}"#);
    for name in [
        "-h.json",
        "-hq.json",
        "-qh.json",
        "--help",
        "-h",
        "-V",
        "--policy=policy.toml",
        "-q",
    ] {
        let run = folder.run(&format!("verify bad.json {name} {POLICY}"));
        assert_eq!(
            run.code,
            if name == "-q" { 1 } else { 2 },
            "{name}: {}",
            run.transcript()
        );
        // Where the name is that of a file, it is refused whatever it would mean.
        folder.write(name, "");
        let run = folder.run(&format!("verify bad.json {name} {POLICY}"));
        assert_eq!(run.code, 2, "{name}: {}", run.transcript());
        let run = folder.run(&format!("verify {POLICY} -- bad.json {name}"));
        assert_eq!(run.code, 1, "{name}: {}", run.transcript());
        fs::remove_file(folder.path(name)).unwrap();
    }
    for args in [
        "verify --help",
        "help verify",
        "policy check -h",
        "--version",
    ] {
        assert_eq!(folder.run(args).code, 0, "{args}");
    }
}

#[test]
fn a_verdict_on_nothing_in_particular_says_so() {
    let folder = Folder::sample();
    let open = folder.run(&format!("verify approval.json {POLICY}"));
    assert!(
        open.stdout.contains("nothing was expected"),
        "{}",
        open.stdout
    );
    let quiet = folder.run(&format!("verify approval.json {POLICY} -q"));
    assert!(
        quiet.stderr.contains("nothing was expected"),
        "{}",
        quiet.stderr
    );
    let named = folder.run(&format!(
        "verify approval.json {POLICY} --payload wire.json -q"
    ));
    assert_eq!((named.code, named.stderr.as_str()), (0, ""));
    for (more, code) in [("", 2), (" --payload wire.json", 0)] {
        let run = folder.run(&format!(
            "verify approval.json {POLICY} --require-expectation{more}"
        ));
        assert_eq!(run.code, code, "{}", run.transcript());
    }
}

#[test]
fn a_payload_has_no_limit_of_its_own() {
    let folder = Folder::sample();
    folder.write("long.txt", "0123456789abcdef".repeat(40_000));
    let run = folder.run(&format!("verify approval.json {POLICY} --payload long.txt"));
    assert_eq!(run.code, 1, "{}", run.transcript());
    assert!(run.stdout.contains("[payload.mismatch]"));
}

/// A bundle, its parts, and everything else that lies beside it, each with the words for it.
fn kinds(folder: &Folder) -> [(&'static str, &'static str); 9] {
    let approval = Approval::sample(Algorithm::Es256);
    let policy = approval.policy.value();
    folder.write("policy.json", policy.to_string());
    folder.write("log.policy", policy["log"]["policy"].as_str().unwrap());
    folder.write("proof.txt", approval.bundle.log_proof.text());
    folder.write("entry.json", &approval.bundle.entry);
    folder.write("headers.bin", "cosignet.headers/v1 mainnet 0\n");
    folder.write("alarm.json", r#"{"type":"cosignet.alarm/v1"}"#);
    folder.write(
        "registration.json",
        r#"{"response":{"attestationObject":""}}"#,
    );
    folder.write("key.pem", "-----BEGIN PUBLIC KEY-----\n");
    [
        ("policy.toml", "a policy"),
        ("policy.json", "a policy"),
        ("log.policy", "a log policy"),
        ("proof.txt", "a log proof"),
        ("entry.json", "an entry of a log"),
        ("headers.bin", "a file of block headers"),
        ("alarm.json", "an alarm"),
        ("registration.json", "the registration of a passkey"),
        ("key.pem", "a key or certificate"),
    ]
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_file_in_the_role_of_another_one_is_named_as_what_it_is() {
    let folder = Folder::sample();
    let kinds = kinds(&folder);
    for (file, noun) in kinds {
        let run = folder.run(&format!("verify {file} {POLICY}"));
        assert_eq!(run.code, 3, "{file}: {}", run.transcript());
        let said = words(&run.stdout);
        let expected = format!("this looks like {noun}, not like an approval.");
        assert!(said.contains(&expected), "{file}: {said}");
        let (_, next) = said.split_once("Next: ").expect(&said);
        assert!(!next.starts_with("Check that"), "{file}: {next}");
        let json = folder.run(&format!("verify {file} {POLICY} --format json"));
        assert!(json.stdout.contains(&expected), "{file}: {}", json.stdout);
    }
    let also = [("approval.json", "an approval")];
    for (file, noun) in kinds.into_iter().chain(also) {
        for (role, command) in [
            ("a policy", "verify approval.json --policy FILE"),
            ("a policy", "policy check FILE"),
            (
                "a file of block headers",
                "verify approval.json --policy policy.toml --headers FILE",
            ),
            ("a file of block headers", "headers check FILE"),
            (
                "a log policy",
                "policy init --name x --rp-id a.example --origin https://a.example --log-policy FILE",
            ),
        ] {
            if noun == role {
                continue;
            }
            let run = folder.run(&command.replace("FILE", file));
            let context = format!("{command}: {file}: {}", run.transcript());
            assert!([2, 3].contains(&run.code), "{context}");
            let expected = format!("{file}: this looks like {noun}, not like {role}.");
            assert!(words(&run.stderr).contains(&expected), "{context}");
            assert!(run.stderr.contains("next: "), "{context}");
        }
    }
}

#[test]
fn a_payload_in_the_role_of_the_approval_is_told_its_place() {
    let folder = Folder::sample();
    let run = folder.run(&format!("verify wire.json {POLICY}"));
    assert_eq!(run.code, 3);
    assert!(words(&run.stdout).contains("--payload FILE -- APPROVAL"));
    let run = folder.run(&format!(
        "verify approval.json {POLICY} --payload policy.toml"
    ));
    assert_eq!(run.code, 1);
    let said = words(&run.stdout);
    assert!(
        said.contains("The payload that you gave looks like a policy"),
        "{said}"
    );
    // A title or a comment makes no policy of a text.
    folder.write("minutes.md", "# Approvers\n\n[link]\n");
    let run = folder.run(&format!("verify minutes.md {POLICY}"));
    assert_eq!(run.code, 3);
    assert!(!run.stdout.contains("looks like"), "{}", run.stdout);
}

#[test]
fn inspect_never_sends_the_reader_to_inspect() {
    let folder = Folder::sample();
    folder.write("other.json", "{}");
    folder.write("bad.json", "{");
    let kinds = kinds(&folder).map(|(file, _)| file);
    for file in kinds.into_iter().chain(["other.json", "bad.json"]) {
        let run = folder.run(&format!("inspect {file}"));
        assert!([0, 3].contains(&run.code), "{file}: {}", run.transcript());
        assert!(
            !words(&run.stderr).contains("cosignet inspect"),
            "{file}: {}",
            run.stderr
        );
    }
    let run = folder.run("inspect policy.toml");
    assert!(words(&run.stderr).contains("`cosignet policy show FILE` shows it"));
}

#[test]
fn the_threads_are_no_matter_of_the_environment() {
    let folder = Folder::many(3);
    let run = |threads: Option<&str>| {
        let mut command = folder.command();
        command.args(["verify", "folder", "--policy", "policy.toml"]);
        command.envs(threads.map(|threads| ("RAYON_NUM_THREADS", threads)));
        Run::from(command.output().unwrap()).transcript()
    };
    let plain = run(None);
    assert!(plain.contains("3 VERIFIED"), "{plain}");
    for threads in ["", "0", "1", "-1", "100000", "99999999999999999999", "x"] {
        assert_eq!(run(Some(threads)), plain, "{threads}");
    }
}
