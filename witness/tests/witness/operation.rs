//! The operator's side of a witness: start, restart, damage, copies, limits.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use test_vectors::note::note;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::harness::{ORIGIN, Witness, head, log, request, website};

#[test]
fn init_makes_a_key_once_and_serve_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("w").display().to_string();
    let policy = folder.path().join("logs.policy").display().to_string();
    fs::write(&policy, log(ORIGIN, 0).policy_line() + "quorum none\n").unwrap();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cosignet-witness"));
        let output = command.args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            said,
        )
    };
    let serve = [
        "serve",
        "--data",
        &data,
        "--logs",
        &policy,
        "--listen",
        "127.0.0.1:0",
    ];
    let (code, _, said) = run(&serve);
    assert_eq!(code, Some(2));
    assert!(said.contains("witness.none"), "{said}");
    let init = ["init", "--data", &data, "--name", "witness.example/w1"];
    let (code, vkey, _) = run(&init);
    assert_eq!(code, Some(0));
    let vkey = VerifierKey::parse(vkey.trim_end()).unwrap();
    assert_eq!(
        (vkey.name(), vkey.algorithm().as_byte()),
        ("witness.example/w1", 4)
    );
    let key = folder.path().join("w/witness.key");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = fs::read(&key).unwrap();
    let (code, _, said) = run(&init);
    assert_eq!(code, Some(2));
    assert!(said.contains("witness.exists"), "{said}");
    assert_eq!(fs::read(&key).unwrap(), before);
    // Without its memory it would begin anew.
    fs::remove_dir(folder.path().join("w/logs")).unwrap();
    let (code, _, said) = run(&serve);
    assert_eq!(code, Some(2));
    assert!(said.contains("witness.none"), "{said}");
    let (code, _, _) = run(&["init", "--data", &data, "--name", "two words"]);
    assert_eq!(code, Some(2));
}

#[test]
fn nothing_is_no_limit() {
    let witness = Witness::new();
    for limit in ["--rate", "--connections"] {
        let (code, _) = witness.serve_with(&[limit, "0"], &[]).err().unwrap();
        assert_eq!(code, Some(2), "{limit}");
    }
}

#[test]
fn one_process_runs_on_a_directory() {
    let witness = Witness::new();
    let server = witness.serve();
    let (code, said) = witness.serve_with(&[], &[]).err().unwrap();
    assert_eq!(code, Some(2));
    assert!(said.contains("witness.running"), "{said}");
    assert_eq!(
        server.connect().add(&request(&log(ORIGIN, 0), 0, 3)).status,
        200
    );
    assert_eq!(server.stop(), Some(0));
    drop(witness.serve());
}

#[test]
fn it_remembers_and_shows_the_same_bytes_after_a_restart() {
    let witness = Witness::new();
    let server = witness.serve();
    let reply = server.connect().add(&request(&log(ORIGIN, 0), 0, 7));
    let shown = server.connect().shown(ORIGIN).body;
    assert!(shown.ends_with(&reply.body));
    drop(server);
    let server = witness.serve();
    let mut connection = server.connect();
    assert_eq!(connection.shown(ORIGIN).body, shown);
    assert_eq!(
        connection.add(&request(&log(ORIGIN, 1), 0, 9)).size(),
        Some(7)
    );
    assert_eq!(connection.add(&request(&log(ORIGIN, 1), 7, 9)).status, 422);
}

#[test]
fn a_memory_that_cannot_be_trusted_is_refused() {
    let witness = Witness::new();
    let server = witness.serve();
    assert_eq!(
        server.connect().add(&request(&log(ORIGIN, 0), 0, 7)).status,
        200
    );
    drop(server);
    let path = witness.record(ORIGIN);
    let good = fs::read_to_string(&path).unwrap();
    let six = head(&log(ORIGIN, 0), 6);
    let other = head(&log("log.example/other", 0), 7);
    let time = good.lines().next().unwrap();
    for bad in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("\n7\n", "\n6\n"),
        good.replace("time ", "at "),
        six,
        format!("{time}\n{other}"),
    ] {
        fs::write(&path, &bad).unwrap();
        let (code, said) = witness
            .serve_with(&[], &[])
            .err()
            .expect("it must not start");
        assert_eq!(code, Some(1), "{bad}");
        assert!(said.contains("witness.damaged"), "{said}");
    }
    // Without the file the log would be one that was never seen, and start again.
    fs::remove_file(&path).unwrap();
    let (code, said) = witness
        .serve_with(&[], &[])
        .err()
        .expect("it must not start");
    assert_eq!(code, Some(1));
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("it is gone, and something of"), "{said}");
    fs::write(&path, &good).unwrap();
    drop(witness.serve());
}

#[test]
fn a_directory_of_before_learns_which_logs_it_knows() {
    let witness = Witness::new();
    let server = witness.serve();
    assert!(!witness.path("witness/known").exists());
    let first = request(&log(ORIGIN, 0), 0, 7);
    assert_eq!(server.connect().add(&first).status, 200);
    drop(server);
    let known = witness.path("witness/known");
    assert_eq!(fs::read_to_string(&known).unwrap(), format!("{ORIGIN}\n"));
    fs::remove_file(&known).unwrap();
    drop(witness.serve());
    assert_eq!(fs::read_to_string(&known).unwrap(), format!("{ORIGIN}\n"));
}

#[test]
fn a_copy_that_has_forgotten_is_found_by_its_own_cosignatures() {
    let witness = Witness::new();
    let server = witness.serve();
    let log = log(ORIGIN, 0);
    assert_eq!(server.connect().add(&request(&log, 0, 7)).status, 200);
    drop(server);
    let published = |size: usize, cosigned: bool| {
        let text = log.checkpoint(size).text();
        let own = witness.key.line(&text, 1_700_000_000);
        let lines = [log.key.line(&text, 0), own];
        note(&text, if cosigned { &lines } else { &lines[..1] })
    };
    let fork = crate::harness::log(ORIGIN, 1).checkpoint(7).text();
    let fork = note(
        &fork,
        &[
            log.key.line(&fork, 0),
            witness.key.line(&fork, 1_700_000_000),
        ],
    );
    let unknown = head(&crate::harness::log("log.example/unknown", 0), 3);
    for (what, text, code) in [
        ("as much", Some(published(7, true)), None),
        ("less", Some(published(5, true)), None),
        ("more, not cosigned by it", Some(published(9, false)), None),
        (
            "more",
            Some(published(9, true)),
            Some((1, "witness.rolled_back")),
        ),
        ("another tree", Some(fork), Some((1, "witness.rolled_back"))),
        ("nothing", None, Some((5, "io.unreachable"))),
        (
            "no checkpoint",
            Some("<html>".into()),
            Some((5, "io.unreachable")),
        ),
        ("another log", Some(unknown), Some((2, "usage"))),
    ] {
        let url = website(text);
        match (witness.serve_with(&["--check-log", &url], &[]), code) {
            (Ok(server), None) => drop(server),
            (Err((found, said)), Some((expected, code))) => {
                assert_eq!(found, Some(expected), "{what}: {said}");
                assert!(said.contains(code), "{what}: {said}");
            }
            (started, _) => panic!("{what}: {}", started.is_ok()),
        }
    }
}

#[test]
fn it_never_states_an_earlier_time() {
    let witness = Witness::new();
    let server = witness.serve();
    let log = log(ORIGIN, 0);
    assert_eq!(server.connect().add(&request(&log, 0, 7)).status, 200);
    drop(server);
    let path = witness.record(ORIGIN);
    let text = fs::read_to_string(&path).unwrap();
    let (time, rest) = text.split_once('\n').unwrap();
    let seconds: u64 = time.strip_prefix("time ").unwrap().parse().unwrap();
    // As if the clock had been ahead then.
    for (ahead, status) in [(50, 200), (3600, 500)] {
        fs::write(&path, format!("time {}\n{rest}", seconds + ahead)).unwrap();
        let server = witness.serve();
        let mut connection = server.connect();
        let reply = connection.add(&request(&log, 7, 7));
        assert_eq!(reply.status, status, "{}", reply.body);
        if status == 200 {
            let text = log.checkpoint(7).text();
            assert_eq!(reply.body, witness.key.line(&text, seconds + ahead));
        }
    }
}

#[test]
fn what_cannot_be_remembered_is_not_cosigned() {
    let witness = Witness::new();
    let server = witness.serve();
    let mut connection = server.connect();
    let log = log(ORIGIN, 0);
    assert_eq!(connection.add(&request(&log, 0, 3)).status, 200);
    // What a full or read-only disk does, also to root.
    let (logs, aside) = (witness.path("witness/logs"), witness.path("aside"));
    fs::rename(&logs, &aside).unwrap();
    assert_eq!(connection.add(&request(&log, 3, 4)).status, 500);
    fs::rename(&aside, &logs).unwrap();
    assert_eq!(connection.shown(ORIGIN).body.lines().nth(1), Some("3"));
    assert_eq!(connection.add(&request(&log, 3, 5)).status, 200);
}

#[test]
fn too_many_heads_of_one_log_do_not_touch_the_other() {
    let witness = Witness::new();
    let server = witness.serve_with(&["--rate", "1"], &[]).unwrap();
    let mut connection = server.connect();
    let own = log(ORIGIN, 0);
    // What no log has signed, and what is known, costs nothing and is not counted.
    let mut forged = request(&own, 0, 1);
    forged.truncate(forged.len() - 20);
    for _ in 0..20 {
        assert_ne!(connection.add(&forged).status, 429);
    }
    assert_eq!(connection.add(&request(&own, 0, 1)).status, 200);
    let replies: Vec<_> = (0..20)
        .map(|_| connection.add(&request(&own, 1, 2)))
        .collect();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(!refused.is_empty());
    assert!(refused[0].head.contains("\r\nretry-after: 1\r\n"));
    let other = request(&log("log.example/other", 0), 0, 3);
    assert_eq!(connection.add(&other).status, 200);
}

#[test]
fn health_and_metrics() {
    let witness = Witness::new();
    let server = witness.serve();
    let mut connection = server.connect();
    assert_eq!(connection.get("/healthz").status, 200);
    connection.add(&request(&log(ORIGIN, 0), 0, 3));
    connection.add(&request(&log(ORIGIN, 0), 0, 3));
    let metrics = connection.get("/metrics").body;
    for line in [
        "cosignet_witness_answers_total{route=\"add-checkpoint\",status=\"200\"} 1",
        "cosignet_witness_answers_total{route=\"add-checkpoint\",status=\"409\"} 1",
        "cosignet_witness_tree_size{log=\"log.example/approvals\"} 3",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[test]
fn who_never_reads_an_answer_does_not_keep_the_others_out() {
    let witness = Witness::new();
    let server = witness.serve_with(&["--connections", "1"], &[]).unwrap();
    let mut greedy = TcpStream::connect(&server.address).unwrap();
    greedy
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let requests = b"GET /metrics HTTP/1.1\r\nhost: witness\r\n\r\n".repeat(1000);
    // Until there is no room left for answers, and none for questions.
    while greedy.write_all(&requests).is_ok() {}
    let begin = Instant::now();
    let mut patient = TcpStream::connect(&server.address).unwrap();
    let patience = Duration::from_secs(60);
    patient.set_read_timeout(Some(patience)).unwrap();
    patient
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: witness\r\n\r\n")
        .unwrap();
    let mut answer = [0; 12];
    patient.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"HTTP/1.1 200");
    assert!(begin.elapsed() > Duration::from_secs(10), "it was not full");
}
