//! Logs whose public files are kept elsewhere than their database: in a folder, and in a bucket.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use test_vectors::weed::Weed;
use verifier_core::Verdict;

use crate::harness::{Approval, Log, Server, run_with, tree};

/// A folder beside the log's own.
fn folder(log: &Log) -> PathBuf {
    log.path("../elsewhere")
}

fn serve(log: &Log) -> Result<Server, String> {
    serve_until(log, "")
}

fn serve_until(log: &Log, failpoint: &str) -> Result<Server, String> {
    let place = folder(log).display().to_string();
    log.serve_with(&[
        ("COSIGNET_LOG_OBJECTS", &place),
        ("COSIGNET_LOG_FAILPOINT", failpoint),
    ])
}

/// Waits until a file has this text.
fn assert_becomes(path: &std::path::Path, text: &str) {
    for _ in 0..200 {
        if fs::read_to_string(path).is_ok_and(|found| found == text) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{} does not become\n{text}", path.display());
}

#[test]
fn public_files_are_kept_elsewhere_and_the_log_is_the_same() {
    let log = Log::new();
    let (data, place) = (
        log.data().display().to_string(),
        folder(&log).display().to_string(),
    );
    let approvals: Vec<_> = (1..=4).map(Approval::new).collect();
    let server = serve(&log).unwrap();
    for approval in &approvals[..3] {
        assert_eq!(server.client.append(approval).status, 201);
    }
    let checkpoint = server.client.checkpoint();
    assert_eq!(tree(&checkpoint).0, 3);
    // The truth is beside the database, and a copy of it where everybody reads.
    assert_eq!(
        fs::read_to_string(log.path("public/checkpoint")).unwrap(),
        checkpoint
    );
    assert_becomes(&folder(&log).join("checkpoint"), &checkpoint);
    let names = |path: PathBuf| fs::read_dir(path).unwrap().count();
    assert_eq!(names(log.path("public")), 1);
    let heads = folder(&log).join("heads");
    for size in 0..=3 {
        let text = fs::read_to_string(heads.join(format!("{size:020}"))).unwrap();
        assert_eq!(tree(&text).0, size);
        assert_eq!(text.lines().count(), 5);
    }
    let tile = server.client.get("/tile/0/000.p/3").bytes;
    assert_eq!(fs::read(folder(&log).join("tile/0/000.p/3")).unwrap(), tile);
    assert_eq!(server.stop(), Some(0));

    let (code, report) = log.fsck_of(&[&data, "--objects", &place]);
    assert_eq!(code, Some(0), "{report}");
    let (code, report) = log.fsck_of(&[&place, "--vkey", &log.vkey]);
    assert_eq!(code, Some(0), "{report}");
    // Without a word about the place there are no tiles.
    assert_eq!(log.fsck().0, Some(1));
    let Err(said) = log.serve_with(&[]) else {
        panic!("it starts without its tiles");
    };
    assert!(said.contains("it is missing"), "{said}");

    // An old copy that has come back is put right at the start.
    let older = fs::read(heads.join("00000000000000000002")).unwrap();
    fs::write(folder(&log).join("checkpoint"), older).unwrap();
    let server = serve(&log).unwrap();
    assert_becomes(&folder(&log).join("checkpoint"), &checkpoint);
    assert_eq!(server.client.append(&approvals[2]).status, 200);
    assert_eq!(server.client.append(&approvals[3]).status, 201);
    // And while it runs.
    let checkpoint = server.client.checkpoint();
    assert_becomes(&folder(&log).join("checkpoint"), &checkpoint);
    let older = fs::read(heads.join("00000000000000000003")).unwrap();
    fs::write(folder(&log).join("checkpoint"), older).unwrap();
    assert_becomes(&folder(&log).join("checkpoint"), &checkpoint);
    drop(server);

    // Back into one directory.
    let copy = log.copy();
    let to = copy.data().display().to_string();
    log.succeed(&["export", "--data", &data, "--objects", &place, "--to", &to]);
    fs::copy(log.path("log.key"), copy.path("log.key")).unwrap();
    copy.assert_clean();
    let server = copy.serve();
    assert_eq!(server.client.append(&approvals[3]).status, 200);
}

#[test]
fn a_database_that_went_back_signs_nothing() {
    let log = Log::new();
    let server = serve(&log).unwrap();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    drop(server);
    let snapshot = log.snapshot();
    // It dies before anybody but the bucket has seen the head.
    let server = serve_until(&log, "before-checkpoint").unwrap();
    assert!(server.client.try_append(&Approval::new(2)).is_err());
    server.wait();
    snapshot.restore();
    let (data, place) = (
        log.data().display().to_string(),
        folder(&log).display().to_string(),
    );
    for _ in 0..2 {
        let Err(said) = serve(&log) else {
            panic!("it goes on from a head that went back");
        };
        assert!(said.contains("the database went back"), "{said}");
        assert!(said.contains("heads/00000000000000000002"), "{said}");
        assert!(said.contains("Bring") || said.contains("bring"), "{said}");
    }
    let (code, report) = log.fsck_of(&[&data, "--objects", &place]);
    assert_eq!(code, Some(1));
    assert!(
        report["damage"].to_string().contains("rolled back"),
        "{report}"
    );
    // Of another history with as many entries, it is told as well.
    let heads = folder(&log).join("heads");
    fs::write(heads.join("00000000000000000002"), log.signed(1)).unwrap();
    fs::rename(
        heads.join("00000000000000000002"),
        heads.join("00000000000000000001"),
    )
    .unwrap();
    let Err(said) = serve(&log) else {
        panic!("it goes on beside another history");
    };
    assert!(said.contains("two histories"), "{said}");
}

#[test]
fn whatever_a_crash_leaves_elsewhere_the_next_start_goes_on() {
    let log = Log::new();
    let mut size = 0;
    for failpoint in [
        "after-commit",
        "before-tiles",
        "after-tile:2",
        "before-checkpoint",
        "after-checkpoint",
    ] {
        let approval = Approval::new(size + 1);
        let server = serve_until(&log, failpoint).unwrap();
        assert!(server.client.try_append(&approval).is_err(), "{failpoint}");
        server.wait();
        size += 1;
        let server = serve(&log).unwrap();
        let reply = server.client.append(&approval);
        assert_eq!(
            (reply.status, reply.index()),
            (200, u64::from(size) - 1),
            "{failpoint}"
        );
        assert_becomes(
            &folder(&log).join("checkpoint"),
            &server.client.checkpoint(),
        );
    }
    let (data, place) = (
        log.data().display().to_string(),
        folder(&log).display().to_string(),
    );
    let (code, report) = log.fsck_of(&[&data, "--objects", &place]);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn a_log_runs_on_a_bucket_of_a_real_server() {
    let disk = tempfile::tempdir().unwrap();
    let Some(weed) = Weed::start(disk.path()) else {
        return;
    };
    let (url, place) = (weed.url(), "s3://logs/approvals/2027");
    let variables = [
        &Weed::credentials()[..],
        &[
            ("COSIGNET_LOG_OBJECTS", place),
            ("COSIGNET_LOG_OBJECTS_ENDPOINT", &url),
        ],
    ]
    .concat();
    let log = Log::made(|data| {
        let data = data.display().to_string();
        let args = ["init", "--data", &data, "--origin", crate::harness::LOG];
        let made = run_with(&args, &variables);
        assert!(made.status.success(), "{made:?}");
        // A place has one log.
        let other = format!("{data}-2");
        let args = ["init", "--data", &other, "--origin", crate::harness::LOG];
        assert_eq!(run_with(&args, &variables).status.code(), Some(2));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    });
    let log = log.with_token();
    let approvals: Vec<_> = (1..=300).map(Approval::new).collect();
    let server = log.serve_with(&variables).unwrap();
    std::thread::scope(|scope| {
        for part in approvals.chunks(50) {
            let client = server.client.clone();
            scope.spawn(move || {
                for approval in part {
                    assert_eq!(client.append(approval).status, 201);
                }
            });
        }
    });
    server.kill();
    let server = log.serve_with(&variables).unwrap();
    assert_eq!(tree(&server.client.checkpoint()).0, 300);
    let reply = server.client.append(&approvals[7]);
    assert_eq!(reply.status, 200);
    let report = log.audit(&approvals[7], &reply.text());
    assert_eq!(report.verdict(), Verdict::Verified);

    let data = log.data().display().to_string();
    let clean = |args: &[&str]| {
        let output = run_with(args, &variables);
        assert_eq!(output.status.code(), Some(0), "{args:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    clean(&["fsck", &data]);
    assert!(clean(&["fsck", place, "--vkey", &log.vkey]).contains("clean: 300 entries"));
    // Two copies: of the log, in the same bucket, and of its bucket's address as it is served.
    let address = server.client.url.clone();
    for _ in 0..2 {
        clean(&["mirror", &address, "s3://logs/copy", "--vkey", &log.vkey]);
        clean(&["fsck", "s3://logs/copy", "--vkey", &log.vkey]);
    }
    // Or as other programs for S3 are told where it is.
    let others = [&Weed::credentials()[..], &[("AWS_ENDPOINT_URL", &*url)]].concat();
    let output = run_with(&["fsck", "s3://logs/copy", "--vkey", &log.vkey], &others);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(server.stop(), Some(0));

    // While nothing can be put there, nothing is published, and later what was committed is.
    let impatient = [
        &variables[..],
        &[("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "1")],
    ]
    .concat();
    let server = log.serve_with(&impatient).unwrap();
    weed.pause();
    let late = Approval::new(301);
    let reply = server.client.append(&late);
    assert_eq!(
        (reply.status, reply.code()),
        (503, "log.not_published".into())
    );
    assert_eq!(tree(&server.client.checkpoint()).0, 300);
    weed.resume();
    let mut reply = server.client.append(&late);
    for _ in 0..30 {
        if reply.status == 200 {
            break;
        }
        reply = server.client.append(&late);
    }
    assert_eq!((reply.status, reply.index()), (200, 300));
    assert_eq!(server.stop(), Some(0));
    clean(&["fsck", &data]);

    // Whose secret is wrong, or whose server is gone, is told so before anything is signed.
    let wrong = [&variables[..], &[("AWS_SECRET_ACCESS_KEY", "guessed")]].concat();
    let Err(said) = log.serve_with(&wrong) else {
        panic!("it starts without access");
    };
    assert!(said.contains("AWS_"), "{said}");
    drop(weed);
    let Err(said) = log.serve_with(&variables) else {
        panic!("it starts without its objects");
    };
    assert!(said.contains(place), "{said}");
}
