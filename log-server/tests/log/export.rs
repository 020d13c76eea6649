//! Copies of a log that runs, and what starts from them.

use std::fs;

use crate::harness::{Approval, Log, tree};

fn export(log: &Log, to: &Log) -> Option<i32> {
    let (data, to) = (
        log.data().display().to_string(),
        to.data().display().to_string(),
    );
    let output = log.run(&["export", "--data", &data, "--to", &to]);
    output.status.code()
}

fn with_key(log: &Log, copy: &Log) {
    fs::copy(log.path("log.key"), copy.path("log.key")).unwrap();
}

#[test]
fn a_copy_made_under_load_is_whole_and_starts() {
    let log = Log::new();
    let server = log.serve();
    let copy = log.copy();
    let approvals: Vec<_> = (1..=600).map(Approval::new).collect();
    std::thread::scope(|scope| {
        for part in approvals.chunks(150) {
            let client = server.client.clone();
            scope.spawn(move || {
                for approval in part {
                    assert_eq!(client.append(approval).status, 201);
                }
            });
        }
        // The second and later ones bring the first up to date.
        for _ in 0..5 {
            assert_eq!(export(&log, &copy), Some(0));
            with_key(&log, &copy);
            copy.assert_clean();
        }
    });
    assert_eq!(export(&log, &copy), Some(0));
    copy.assert_clean();
    drop(server);
    assert!(fs::read(copy.path("log.sqlite")).unwrap().len() > 1000);
    let server = copy.serve();
    assert_eq!(tree(&server.client.checkpoint()).0, 600);
    for approval in &approvals {
        assert_eq!(server.client.append(approval).status, 200);
    }
}

#[test]
fn what_is_committed_and_not_published_is_in_the_copy() {
    let log = Log::new();
    let server = log.serve();
    let approvals: Vec<_> = (1..=3).map(Approval::new).collect();
    assert_eq!(server.client.append(&approvals[0]).status, 201);
    drop(server);
    let server = log.serve_until("after-commit");
    assert!(server.client.try_append(&approvals[1]).is_err());
    server.wait();
    let copy = log.copy();
    assert_eq!(export(&log, &copy), Some(0));
    with_key(&log, &copy);
    copy.assert_clean();
    let server = copy.serve();
    assert_eq!(tree(&server.client.checkpoint()).0, 2);
    let reply = server.client.append(&approvals[1]);
    assert_eq!((reply.status, reply.index()), (200, 1));
}

#[test]
fn nothing_is_exported_over_something_else() {
    let (log, other) = (Log::new(), Log::new());
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    // Another log, the log itself, a directory with other things.
    assert_eq!(export(&log, &other), Some(2));
    other.assert_clean();
    assert_eq!(export(&log, &log), Some(2));
    log.assert_clean();
    let copy = log.copy();
    fs::create_dir(copy.data()).unwrap();
    fs::write(copy.path("thesis.txt"), "x").unwrap();
    assert_eq!(export(&log, &copy), Some(2));
    // A copy on which somebody runs a server.
    let copy = log.copy();
    assert_eq!(export(&log, &copy), Some(0));
    with_key(&log, &copy);
    let running = copy.serve();
    assert_eq!(export(&log, &copy), Some(2));
    drop(running);
    // One that was interrupted is no log, until the next export has gone through.
    fs::remove_file(copy.path("public/checkpoint")).unwrap();
    assert!(copy.serve_with(&[]).is_err());
    assert_eq!(export(&log, &copy), Some(0));
    copy.assert_clean();
}

#[test]
fn a_copy_that_has_gone_on_by_itself_is_not_taken_back() {
    let log = Log::new();
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let copy = log.copy();
    assert_eq!(export(&log, &copy), Some(0));
    with_key(&log, &copy);
    // The copy is promoted, and somebody's cron job goes on.
    let promoted = copy.serve();
    let approval = Approval::new(2);
    assert_eq!(promoted.client.append(&approval).status, 201);
    assert_eq!(promoted.stop(), Some(0));
    assert_eq!(export(&log, &copy), Some(2));
    // Also if the old log has got entries of its own by then.
    for number in 3..=5 {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    assert_eq!(export(&log, &copy), Some(2));
    let promoted = copy.serve();
    let reply = promoted.client.append(&approval);
    assert_eq!((reply.status, reply.index()), (200, 1));
}

#[test]
fn anchors_are_copied() {
    let (log, copy) = (Log::new(), Log::new().copy());
    fs::create_dir_all(log.path("public/anchors/7")).unwrap();
    fs::write(log.path("public/anchors/7/checkpoint"), "x").unwrap();
    assert_eq!(export(&log, &copy), Some(0));
    let anchor = fs::read_to_string(copy.path("public/anchors/7/checkpoint"));
    assert_eq!(anchor.unwrap(), "x");
}

#[test]
fn a_copy_does_not_lie_within_the_log_nor_the_log_within_it() {
    let log = Log::new();
    let data = log.data();
    let link = data.with_file_name("link");
    std::os::unix::fs::symlink(log.path("public"), &link).unwrap();
    let dangling = data.with_file_name("dangling");
    std::os::unix::fs::symlink(log.path("public/later"), &dangling).unwrap();
    let above = data.parent().unwrap().to_path_buf();
    for to in [
        data.clone(),
        data.join("public"),
        data.join("public/copy"),
        data.join("new/deep/copy"),
        data.join("../log/public/copy"),
        link.join("copy"),
        dangling,
        above,
    ] {
        let (from, to) = (data.display().to_string(), to.display().to_string());
        let output = log.run(&["export", "--data", &from, "--to", &to]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(2 | 5)), "{to}: {said}");
    }
    let names = fs::read_dir(log.path("public")).unwrap();
    let names: Vec<_> = names.map(|item| item.unwrap().file_name()).collect();
    assert_eq!(names, ["checkpoint"], "nothing was made");
}

#[test]
fn directories_and_locks_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let log = Log::new();
    let copy = log.copy();
    assert_eq!(export(&log, &copy), Some(0));
    for (path, mode) in [
        (log.data(), 0o700),
        (log.path("lock"), 0o600),
        (log.path("log.sqlite"), 0o600),
        (copy.data(), 0o700),
        (copy.path("lock"), 0o600),
        (copy.path("log.sqlite"), 0o600),
    ] {
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{}", path.display());
    }
}
