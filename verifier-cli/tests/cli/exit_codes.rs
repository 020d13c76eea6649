//! Every row of the table of exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixtures::{Folder, Run};

const POLICY: &str = "--policy policy.toml";

#[test]
fn each_row_of_the_table() {
    let folder = Folder::sample();
    folder.write("other.json", r#"{"other":true}"#);
    folder.write("bad.json", "{");
    folder.write("bad.toml", "name = \n");
    folder.write("unknown.toml", "surprise = 1\n");
    let hash = "00".repeat(32);
    let id = "00000000-0000-0000-0000-000000000000";
    for (args, code) in [
        (format!("verify approval.json {POLICY}"), 0),
        (
            format!("verify approval.json {POLICY} --payload wire.json --at now"),
            0,
        ),
        (
            format!("verify approval.json {POLICY} --approver alice --rp-id approvals.example"),
            0,
        ),
        (
            format!("verify approval.json {POLICY} --payload other.json"),
            1,
        ),
        (
            format!("verify approval.json {POLICY} --payload-sha256 {hash}"),
            1,
        ),
        (
            format!("verify approval.json {POLICY} --approval-id {id}"),
            1,
        ),
        (format!("verify approval.json {POLICY} --approver bob"), 1),
        (
            format!("verify approval.json {POLICY} --rp-id other.example"),
            1,
        ),
        (
            format!("verify approval.json {POLICY} --at 2026-02-01T00:00:00Z"),
            1,
        ),
        ("verify".into(), 2),
        ("verify --surprise".into(), 2),
        ("surprise".into(), 2),
        (
            format!("verify approval.json {POLICY} --payload-sha256 00"),
            2,
        ),
        (format!("verify approval.json {POLICY} --approval-id 1"), 2),
        (format!("verify approval.json {POLICY} --at tomorrow"), 2),
        (
            format!("verify approval.json approval.json {POLICY} --payload wire.json"),
            2,
        ),
        (format!("verify . {POLICY} --payload-sha256 {hash}"), 2),
        (format!("verify - - {POLICY}"), 2),
        ("verify approval.json --policy bad.toml".into(), 2),
        ("verify approval.json --policy unknown.toml".into(), 2),
        ("verify approval.json --policy bad.json".into(), 2),
        (format!("verify bad.json {POLICY}"), 3),
        (format!("verify - {POLICY}"), 3),
        ("verify approval.json".into(), 4),
        (format!("verify nothing.json {POLICY}"), 5),
        ("verify approval.json --policy nothing.toml".into(), 5),
        (
            format!("verify approval.json {POLICY} --payload nothing.json"),
            5,
        ),
        ("inspect approval.json".into(), 0),
        ("inspect bad.json".into(), 3),
        ("inspect nothing.json".into(), 5),
        ("explain".into(), 0),
        ("explain io.unreadable".into(), 0),
        ("explain nothing.known".into(), 2),
        ("policy check policy.toml".into(), 0),
        ("policy check bad.toml".into(), 2),
        ("policy show nothing.toml".into(), 5),
        ("--help".into(), 0),
        ("--version".into(), 0),
    ] {
        let run = folder.run(&args);
        assert_eq!(run.code, code, "{args}\n{}", run.transcript());
        let json = folder.run(&format!("{args} --format json"));
        assert_eq!(
            json.code,
            // Help beside anything else is a mistake: it would end with 0 and without a verdict.
            if args.starts_with("--") { 2 } else { run.code },
            "{args}"
        );
        if !args.starts_with("--") {
            for line in json.stdout.lines().chain(json.stderr.lines()) {
                let value: serde_json::Value = serde_json::from_str(line).expect(line);
                if args.starts_with("verify") {
                    assert_eq!(value["exitCode"], code, "{args}: {line}");
                }
            }
        }
        if args.starts_with("verify") && code != 2 {
            let quiet = folder.run(&format!("{args} -q"));
            assert_eq!((quiet.code, quiet.stdout.as_str()), (code, ""), "{args}");
        }
    }
}

#[test]
fn of_several_the_worst_counts() {
    let folder = Folder::sample();
    folder.write("malformed.json", "{");
    folder.edit(
        "approval.json",
        "\"type\":\"cosignet.bundle/v1\"",
        "\"type\":\"cosignet.bundle/v1\"",
    );
    let text = folder.read("approval.json");
    folder.write(
        "rejected.json",
        text.replace("tlog-proof@v1", "tlog-proof@v9"),
    );
    let sealed = serde_json::from_str::<serde_json::Value>(&text).map(|mut value| {
        value["evidence"] = serde_json::json!({});
        value.to_string()
    });
    folder.write("incomplete.json", sealed.unwrap());
    for (inputs, code) in [
        (
            "nothing.json incomplete.json malformed.json rejected.json approval.json",
            1,
        ),
        (
            "nothing.json incomplete.json malformed.json approval.json",
            3,
        ),
        ("approval.json nothing.json incomplete.json", 4),
        ("approval.json nothing.json", 5),
        ("approval.json approval.json", 0),
    ] {
        let run = folder.run(&format!("verify {inputs} --policy policy.toml"));
        assert_eq!(run.code, code, "{inputs}\n{}", run.transcript());
    }
}

#[test]
fn output_that_nobody_reads_is_no_success() {
    let folder = Folder::sample();
    for args in [
        &["verify", "approval.json", "--policy", "policy.toml"][..],
        &[
            "verify",
            "approval.json",
            "approval.json",
            "--policy",
            "policy.toml",
        ],
        &["explain"],
        &["inspect", "approval.json"],
    ] {
        let run = without_a_reader(&folder, args);
        assert_eq!((run.code, run.stderr.as_str()), (5, ""), "{args:?}");
    }
    // A rejection stays one.
    folder.write("wire.json", "{}");
    let args = [
        "verify",
        "approval.json",
        "--policy",
        "policy.toml",
        "--payload",
        "wire.json",
    ];
    assert_eq!(without_a_reader(&folder, &args).code, 1);
}

/// Runs a command whose stdout is a pipe that nobody reads.
fn without_a_reader(folder: &Folder, args: &[&str]) -> Run {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = folder
        .command()
        .args(args)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Run::from(child.wait_with_output().unwrap())
}

#[test]
fn no_environment_variable_changes_what_is_printed() {
    let folder = Folder::sample();
    let run = |variables: &[(&str, &str)]| {
        let mut command = folder.command();
        command.args([
            "verify",
            "approval.json",
            "--policy",
            "policy.toml",
            "--format",
            "json",
        ]);
        command.envs(variables.iter().copied());
        Run::from(command.output().unwrap()).transcript()
    };
    let plain = run(&[]);
    assert_eq!(plain, run(&[]), "the same bytes in every run");
    let variables = [
        ("NO_COLOR", "1"),
        ("COLUMNS", "20"),
        ("LANG", "de_DE"),
        ("TZ", "Asia/Tokyo"),
        ("RAYON_NUM_THREADS", "1"),
    ];
    assert_eq!(plain, run(&variables));
}

#[test]
fn the_witness_is_named_where_it_was() {
    let folder = Folder::empty();
    let program = program_of_its_own(&folder);
    for (args, call) in [
        ("witness", "cosignet-witness --help"),
        ("witness --help", "cosignet-witness --help"),
        ("witness serve --help", "cosignet-witness serve"),
        (
            "witness init --data w --name witness.example/w1",
            "cosignet-witness init",
        ),
    ] {
        let run = run_as(&program, &folder, args);
        assert_eq!(run.code, 2, "{args}: {run:?}");
        assert!(run.stderr.contains("[usage]"), "{args}: {}", run.stderr);
        assert!(run.stderr.contains(call), "{args}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{args}");
        let run = run_as(&program, &folder, &format!("{args} --format json"));
        let error: serde_json::Value = serde_json::from_str(&run.stderr).expect(&run.stderr);
        assert_eq!((run.code, &error["code"]), (2, &"usage".into()), "{args}");
    }
    assert!(!folder.path("w").exists());
    let help = folder.run("--help").stdout;
    assert!(help.contains("the program cosignet-witness"), "{help}");
}

/// The program alone in a folder: nobody knows what stands beside the one that was built.
fn program_of_its_own(folder: &Folder) -> PathBuf {
    let built = env!("CARGO_BIN_EXE_cosignet");
    std::fs::create_dir(folder.path("bin")).unwrap();
    let name = format!("cosignet{}", std::env::consts::EXE_SUFFIX);
    let program = folder.path("bin").join(name);
    if std::fs::hard_link(built, &program).is_err() {
        std::fs::copy(built, &program).unwrap();
    }
    program
}

fn run_as(program: &Path, folder: &Folder, args: &str) -> Run {
    let mut command = Command::new(program);
    command.current_dir(folder.path("")).stdin(Stdio::null());
    Run::from(command.args(args.split_whitespace()).output().unwrap())
}

#[cfg(unix)]
#[test]
fn the_witness_beside_it_is_started() {
    let folder = Folder::empty();
    let program = program_of_its_own(&folder);
    // A shell in the place of the witness: the arguments come through as they are.
    std::os::unix::fs::symlink("/bin/sh", folder.path("bin/cosignet-witness")).unwrap();
    folder.write("script", "echo \"$@\"; exit 42");
    let run = run_as(
        &program,
        &folder,
        "witness script init --help --format json",
    );
    let found = (run.code, run.stdout.as_str(), run.stderr.as_str());
    assert_eq!(found, (42, "init --help --format json\n", ""));
    // A folder of that name is no program.
    std::fs::remove_file(folder.path("bin/cosignet-witness")).unwrap();
    std::fs::create_dir(folder.path("bin/cosignet-witness")).unwrap();
    let run = run_as(&program, &folder, "witness init");
    assert!(run.stderr.contains("cosignet-witness init"), "{run:?}");
}
