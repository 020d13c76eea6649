//! Evidence under keys of its own, as operators of a log in PostgreSQL meet it.

use std::fs;

use postgres_cluster::Cluster;

use crate::erasure::{erase, public};
use crate::harness::{Approval, Log, run};
use crate::members::{leads, member, until};

/// A log in a database, and the files of two erasure keys beside it.
struct Sealed {
    log: Log,
    files: [String; 2],
    ids: [String; 2],
}

impl Sealed {
    /// Sealed from the beginning, or not.
    fn new(from_the_beginning: bool) -> Option<Self> {
        let cluster = Cluster::shared()?;
        let address = cluster.address(&cluster.database());
        let folder = tempfile::tempdir().unwrap().keep();
        let files = ["one", "two"].map(|name| folder.join(name).display().to_string());
        let ids = files.clone().map(|file| {
            let output = run(&["erasure-key", "create", &file]);
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        });
        let mut variables = vec![("COSIGNET_LOG_STORE", address.as_str())];
        if from_the_beginning {
            variables.push(("COSIGNET_LOG_ERASURE_KEYS", &files[0]));
        }
        let log = Log::kept_in(&variables);
        Some(Self { log, files, ids })
    }

    /// Which of its files every program has from now on.
    fn has(&mut self, files: &[usize]) {
        let some: Vec<&str> = files.iter().map(|at| self.files[*at].as_str()).collect();
        self.log
            .set(&[("COSIGNET_LOG_ERASURE_KEYS", &some.join(","))]);
    }

    fn command(&self, args: &[&str]) -> (Option<i32>, String) {
        let data = self.log.data().display().to_string();
        let output = self.log.run(&[args, &["--data", &data]].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn status(&self) -> String {
        let (code, said) = self.command(&["erasure-key", "status"]);
        assert_eq!(code, Some(0), "{said}");
        said
    }

    fn rotate(&self) -> (Option<i32>, String) {
        self.command(&["erasure-key", "rotate", "--to", &self.files[1]])
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        let folder = std::path::Path::new(&self.files[0]).parent().unwrap();
        let _ = fs::remove_dir_all(folder);
    }
}

#[test]
fn keys_change_while_the_log_runs_and_old_ones_are_destroyed() {
    let Some(mut sealed) = Sealed::new(true) else {
        return;
    };
    let first = member(&sealed.log);
    let approvals: Vec<_> = (1..=5).map(public).collect();
    for approval in &approvals {
        assert_eq!(first.client.append(approval).status, 201);
    }
    let payload = |member: &crate::harness::Server, approval| {
        let shown = member.client.verification(approval).json();
        shown["evidence"]["payload"].is_string()
    };
    assert!(approvals.iter().all(|approval| payload(&first, approval)));
    until("it is erased", || {
        erase(&first.client, &approvals[0]).status == 200
    });
    assert!(!payload(&first, &approvals[0]));
    let status = sealed.status();
    assert!(
        status.contains(&format!("{}: 4 entries", sealed.ids[0])),
        "{status}"
    );

    // fsck opens what it can, and says what it could not.
    sealed.log.assert_clean();
    sealed.has(&[]);
    let data = sealed.log.data().display().to_string();
    let output = sealed.log.run(&["fsck", &data]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("4 entries is sealed"), "{said}");

    // Nobody serves without the key, nor copies.
    let copy = sealed.log.copy();
    let to = copy.data().display().to_string();
    for (files, at) in [(vec![], 0), (vec![1], 0)] {
        sealed.has(&files);
        let Err(said) = sealed.log.serve_with(&[]) else {
            panic!("it starts with {files:?}");
        };
        assert!(said.contains(&sealed.ids[at]), "{said}");
        let (code, said) = sealed.command(&["export", "--to", &to]);
        assert_eq!(code, Some(2), "{said}");
        let (code, said) = sealed.rotate();
        assert_eq!(code, Some(2), "{said}");
    }

    // One member after the other gets both, and the change is interrupted.
    sealed.has(&[0, 1]);
    let second = member(&sealed.log);
    assert_eq!(first.stop(), Some(0));
    until("it leads", || leads(&second));
    sealed
        .log
        .set(&[("COSIGNET_LOG_FAILPOINT", "after-rewrap")]);
    assert_eq!(sealed.rotate().0, None);
    sealed.log.set(&[("COSIGNET_LOG_FAILPOINT", "")]);
    let late = public(6);
    assert_eq!(second.client.append(&late).status, 201);
    assert!(
        approvals[1..]
            .iter()
            .all(|approval| payload(&second, approval))
    );
    sealed.has(&[1]);
    assert!(sealed.log.serve_with(&[]).is_err());
    sealed.has(&[0, 1]);
    let (code, said) = sealed.rotate();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("the key {} no more", sealed.ids[0])),
        "{said}"
    );
    let status = sealed.status();
    assert!(!status.contains(&sealed.ids[0]), "{status}");
    assert!(
        status.contains(&format!("{}: 5 entries", sealed.ids[1])),
        "{status}"
    );

    fs::remove_file(&sealed.files[0]).unwrap();
    sealed.has(&[1]);
    let third = member(&sealed.log);
    assert_eq!(second.stop(), Some(0));
    until("it leads", || leads(&third));
    assert!(
        approvals[1..]
            .iter()
            .all(|approval| payload(&third, approval))
    );
    assert_eq!(third.client.append(&approvals[2]).status, 200);
    assert_eq!(third.client.append(&Approval::new(7)).status, 201);
    // A copy is a log of one machine, plain.
    let (code, said) = sealed.command(&["export", "--to", &to]);
    assert_eq!(code, Some(0), "{said}");
    fs::copy(sealed.log.path("log.key"), copy.path("log.key")).unwrap();
    copy.assert_clean();
    let server = copy.serve();
    assert!(payload(&server, &late));
    assert_eq!(third.stop(), Some(0));
    sealed.log.assert_clean();
}

#[test]
fn a_log_that_was_plain_is_sealed_while_it_runs() {
    let Some(mut sealed) = Sealed::new(false) else {
        return;
    };
    let first = member(&sealed.log);
    let approvals: Vec<_> = (1..=3).map(public).collect();
    for approval in &approvals {
        assert_eq!(first.client.append(approval).status, 201);
    }
    sealed.has(&[1]);
    // With a key and nothing sealed yet, a member says so.
    let second = member(&sealed.log);
    assert!(second.said.contains("not sealed"), "{}", second.said);
    assert!(sealed.status().contains("plain: 3 entries"));
    let (code, said) = sealed.rotate();
    assert_eq!(code, Some(0), "{said}");
    let status = sealed.status();
    assert!(status.contains("plain: 0 entries"), "{status}");
    assert!(
        status.contains(&format!("current key: {}", sealed.ids[1])),
        "{status}"
    );
    // The one that leads does not have the key: it writes nothing, ends, and the other one leads.
    let late = public(4);
    let refused = first.client.try_append(&late);
    assert!(refused.is_err() || refused.is_ok_and(|reply| reply.status >= 500));
    assert_eq!(first.wait(), Some(5));
    until("it leads", || leads(&second));
    assert_eq!(second.client.append(&late).status, 201);
    assert_eq!(second.client.append(&approvals[0]).status, 200);
    sealed.log.assert_clean();
}

#[test]
fn a_key_is_for_a_database_alone() {
    let log = Log::new();
    let file = log.path("../erasure.key").display().to_string();
    log.succeed(&["erasure-key", "create", &file]);
    let again = log.run(&["erasure-key", "create", &file]);
    assert_eq!(again.status.code(), Some(5), "{again:?}");
    let Err(said) = log.serve_with(&[("COSIGNET_LOG_ERASURE_KEYS", &file)]) else {
        panic!("it takes a key that it does not use");
    };
    assert!(said.contains("SQLite overwrites"), "{said}");
    let data = log.data().display().to_string();
    let status = log.run(&["erasure-key", "status", "--data", &data]);
    assert_eq!(status.status.code(), Some(2), "{status:?}");
}
