//! Logs that follow one another: the old one is closed for ever, the new one looks into it.

use std::path::PathBuf;

use postgres_cluster::Cluster;
use serde_json::{Value, json};

use crate::harness::{Approval, Log, Server, run, tree};
use crate::members::{member, until};

/// Where approvals go from now on.
const SUCCESSOR: &str = "https://log.example/2027";

fn close(log: &Log) -> String {
    let data = log.data().display().to_string();
    let args = ["close", "--data", &data, "--origin", crate::harness::LOG];
    log.succeed(&[&args[..], &["--successor", SUCCESSOR]].concat())
}

/// A log in a directory, and one in a database if there is a server.
fn both() -> impl Iterator<Item = Log> {
    let database = Cluster::shared().map(|cluster| {
        let address = cluster.address(&cluster.database());
        Log::in_database(address)
    });
    std::iter::once(Log::new()).chain(database)
}

/// The log after `old`, in a place of its own, with the settings that name `old`.
struct Next {
    log: Log,
    settings: PathBuf,
}

impl Next {
    /// In the same database if there is one.
    fn after(old: &Log) -> Self {
        Self::looking_into(old, &old.data().display().to_string())
    }

    /// It looks for the old one in this directory.
    fn looking_into(old: &Log, data: &str) -> Self {
        let log = old.next("log.example/2027").with_token();
        let settings = log.path("../settings.toml");
        let text = format!(
            "[[predecessors]]\nvkey = \"{}\"\ndata = \"{data}\"\n",
            old.vkey
        );
        std::fs::write(&settings, text).unwrap();
        Self { log, settings }
    }

    fn serve(&self) -> Server {
        self.try_serve().expect("the server starts")
    }

    fn try_serve(&self) -> Result<Server, String> {
        let settings = self.settings.display().to_string();
        self.log.serve_with(&[("COSIGNET_LOG_CONFIG", &settings)])
    }
}

fn refused(reply: &crate::harness::Reply) -> (u16, String) {
    (reply.status, reply.code())
}

#[test]
fn a_closed_log_takes_nothing_new_and_answers_everything_else() {
    for log in both() {
        let server = log.serve();
        let approvals: Vec<_> = (1..=4).map(Approval::new).collect();
        let [first, second, third, late] = &approvals[..] else {
            unreachable!()
        };
        let bundle = server.client.append(first);
        assert_eq!(bundle.status, 201);
        assert_eq!(server.client.append(second).status, 201);
        assert_eq!(
            server.client.get("/log.json").json()["closedAt"],
            Value::Null
        );
        // Beside the server, and of no other log.
        let data = log.data().display().to_string();
        let other = log.run(&["close", "--data", &data, "--origin", "log.example/other"]);
        assert_eq!(other.status.code(), Some(2), "{other:?}");
        assert_eq!(server.client.append(third).status, 201);
        let said = close(&log);
        assert!(said.contains("is closed, with 3 entries"), "{said}");

        let assert_closed = |server: &Server| {
            let refusal = server.client.append(late);
            assert_eq!(refused(&refusal), (410, "log.closed".into()));
            assert_eq!(refusal.json()["successor"], SUCCESSOR);
            // The first entry, with its proof, whoever repeats it.
            let repeat = server.client.append(first);
            assert_eq!((repeat.status, repeat.index()), (200, 0));
            let report = log.audit(first, &repeat.text());
            assert_eq!(report.verdict().as_str(), "VERIFIED");
            let other = first.with("decidedAt", json!(crate::harness::time(-60)));
            let other = server.client.append(&other);
            assert_eq!(refused(&other), (409, "entry.conflict".into()));
            assert_eq!(server.client.verification(second).status, 200);
            assert_eq!(tree(&server.client.checkpoint()).0, 3);
            let said = server.client.get("/log.json").json();
            assert_eq!(said["successor"], SUCCESSOR);
            assert!(
                said["closedAt"].as_str().unwrap().starts_with("20"),
                "{said}"
            );
            assert!(
                server
                    .client
                    .get("/")
                    .text()
                    .contains("takes no new entries")
            );
            assert_eq!(server.client.get("/readyz").status, 200);
            let metrics = server.client.get("/metrics").text();
            assert!(metrics.contains("\ncosignet_log_closed 1\n"));
        };
        assert_closed(&server);
        // A look at what others have taken: nothing of the late one is anywhere.
        assert_eq!(server.client.verification(late).status, 404);
        let (status, code) = server
            .client
            .disclose(third, &json!({"disclosure": "sealed"}));
        assert!(matches!(status, 200 | 202), "{status} {code}");
        // It stays closed, and closing it again changes nothing.
        let since = server.client.get("/log.json").json()["closedAt"].clone();
        assert_eq!(server.stop(), Some(0));
        close(&log);
        let server = log.serve();
        assert_closed(&server);
        assert_eq!(server.client.get("/log.json").json()["closedAt"], since);
        assert_eq!(server.stop(), Some(0));
        log.assert_clean();

        // And so does a copy.
        let copy = log.copy();
        let to = copy.data().display().to_string();
        log.succeed(&["export", "--data", &data, "--to", &to]);
        std::fs::copy(log.path("log.key"), copy.path("log.key")).unwrap();
        copy.assert_clean();
        let server = copy.serve();
        assert_closed(&server);
    }
}

/// Appends are under way while the log is closed: each is in it or refused, for ever.
#[test]
fn what_is_under_way_while_a_log_is_closed_is_in_it_or_is_not() {
    for log in both() {
        let server = log.serve();
        let approvals: Vec<_> = (1..=200).map(Approval::new).collect();
        let replies: Vec<_> = std::thread::scope(|scope| {
            let parts: Vec<_> = approvals
                .chunks(25)
                .map(|part| {
                    let client = server.client.clone();
                    scope.spawn(move || -> Vec<_> {
                        part.iter()
                            .map(|approval| client.append(approval))
                            .collect()
                    })
                })
                .collect();
            std::thread::sleep(std::time::Duration::from_millis(20));
            close(&log);
            parts
                .into_iter()
                .flat_map(|part| part.join().unwrap())
                .collect()
        });
        let size = tree(&server.client.checkpoint()).0;
        let mut taken = 0;
        for (approval, reply) in approvals.iter().zip(&replies) {
            match reply.status {
                201 => taken += 1,
                _ => assert_eq!(refused(reply), (410, "log.closed".into())),
            }
            let again = server.client.append(approval);
            let expected = if reply.status == 201 { 200 } else { 410 };
            assert_eq!(again.status, expected, "{}", again.text());
        }
        println!("{taken} of {} were in time", approvals.len());
        assert_eq!(size, taken);
        assert_eq!(server.stop(), Some(0));
        log.assert_clean();
    }
}

#[test]
fn every_member_says_that_a_log_is_closed() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let log = Log::in_database(cluster.address(&cluster.database()));
    let first = member(&log);
    let second = member(&log);
    until("it follows", || second.client.get("/readyz").status == 200);
    let early = Approval::new(1);
    assert_eq!(second.client.append(&early).status, 201);
    close(&log);
    for member in [&first, &second] {
        let refusal = member.client.append(&Approval::new(2));
        assert_eq!(refused(&refusal), (410, "log.closed".into()));
        assert_eq!(refusal.json()["successor"], SUCCESSOR);
        assert_eq!(member.client.append(&early).status, 200);
        let said = member.client.get("/log.json").json();
        assert_eq!(said["successor"], SUCCESSOR);
    }
    first.kill();
    // The next one that leads is bound by the same mark.
    until("it leads", || crate::members::leads(&second));
    let refusal = second.client.append(&Approval::new(2));
    assert_eq!(refused(&refusal), (410, "log.closed".into()));
}

#[test]
fn what_is_in_the_log_before_is_answered_with_its_first_entry() {
    for old in both() {
        let server = old.serve();
        let approvals: Vec<_> = (1..=5).map(Approval::new).collect();
        let (early, late) = approvals.split_at(3);
        for approval in early {
            assert_eq!(server.client.append(approval).status, 201);
        }
        let next = Next::after(&old);
        let new = next.serve();
        // While the old one is open, nobody knows what it will take.
        for approval in [&early[0], &late[0]] {
            let refusal = new.client.append(approval);
            assert_eq!(refused(&refusal), (503, "log.predecessor".into()));
        }
        assert_eq!(refused(&new.client.get("/readyz")).1, "log.predecessor");
        assert_eq!(
            new.client.get("/log.json").json()["predecessors"],
            json!([old.vkey])
        );
        close(&old);
        assert_eq!(new.client.get("/readyz").status, 200);
        for approval in early {
            let first = server.client.append(approval);
            let again = new.client.append(approval);
            assert_eq!((again.status, again.text()), (200, first.text()));
            let report = old.audit(approval, &again.text());
            assert_eq!(report.verdict().as_str(), "VERIFIED");
        }
        assert_eq!(tree(&new.client.checkpoint()).0, 0);
        // Neither the id nor the signature enters once more, whatever else is said of it.
        let time = json!(crate::harness::time(-60));
        let other = new.client.append(&early[1].with("decidedAt", time));
        assert_eq!(refused(&other), (409, "entry.conflict".into()));
        let id = json!("0b9e6cf5-0a6d-4a53-8f4a-3f3f6d0c8a11");
        let reused = new.client.append(&early[1].with("approvalId", id));
        assert_eq!(refused(&reused), (409, "entry.assertion_reused".into()));
        for approval in late {
            assert_eq!(new.client.append(approval).status, 201);
            assert_eq!(new.client.append(approval).status, 200);
        }
        assert_eq!(tree(&new.client.checkpoint()).0, 2);
        // What was erased in the old one is not in the answer of the new one.
        let sealed = json!({"disclosure": "sealed"});
        assert!(server.client.disclose(&early[2], &sealed).0 < 300);
        let first = server.client.append(&early[2]);
        assert_eq!(new.client.append(&early[2]).text(), first.text());
        // Nobody has to serve the old one any more, and a restart forgets nothing.
        assert_eq!(server.stop(), Some(0));
        assert_eq!(new.stop(), Some(0));
        let new = next.serve();
        let again = new.client.append(&early[0]);
        assert_eq!((again.status, again.index()), (200, 0));
        assert_eq!(
            old.audit(&early[0], &again.text()).verdict().as_str(),
            "VERIFIED"
        );
        assert_eq!(new.client.append(&late[0]).status, 200);
        assert_eq!(tree(&new.client.checkpoint()).0, 2);
        assert_eq!(new.stop(), Some(0));
        next.log.assert_clean();
        old.assert_clean();
    }
}

/// Many append the same approvals at both while the old one is closed: each has one entry.
#[test]
fn nothing_gets_into_two_logs_while_one_is_closed() {
    for old in both() {
        let next = Next::after(&old);
        let (server, new) = (old.serve(), next.serve());
        let approvals: Vec<_> = (1..=120).map(Approval::new).collect();
        std::thread::scope(|scope| {
            for part in approvals.chunks(30) {
                for client in [&server.client, &new.client] {
                    let client = client.clone();
                    scope.spawn(move || {
                        for approval in part {
                            // Until one or the other has it.
                            while !matches!(client.append(approval).status, 200 | 201 | 410) {
                                std::thread::sleep(std::time::Duration::from_millis(5));
                            }
                        }
                    });
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(60));
            close(&old);
        });
        let sizes = [&server, &new].map(|one| tree(&one.client.checkpoint()).0);
        println!("{sizes:?}");
        for approval in &approvals {
            let found = [&server, &new].map(|one| one.client.verification(approval).status);
            assert!(matches!(found, [200, 404] | [404, 200]), "{found:?}");
        }
        assert_eq!(sizes[0] + sizes[1], 120);
        assert_eq!(server.stop(), Some(0));
        assert_eq!(new.stop(), Some(0));
        old.assert_clean();
        next.log.assert_clean();
    }
}

#[test]
fn a_log_before_that_cannot_be_read_lets_nothing_in() {
    let old = Log::new();
    let server = old.serve();
    let early = Approval::new(1);
    let first = server.client.append(&early);
    assert_eq!(first.status, 201);
    close(&old);
    assert_eq!(server.stop(), Some(0));
    // A copy of it, as it may be brought to another machine: without the key.
    let copy = old.path("../copy").display().to_string();
    let data = old.data().display().to_string();
    old.succeed(&["export", "--data", &data, "--to", &copy]);
    let next = Next::looking_into(&old, &copy);
    let new = next.serve();
    let known = Approval::new(2);
    assert_eq!(new.client.append(&known).status, 201);
    assert_eq!(new.client.append(&early).status, 200);
    assert_eq!(new.stop(), Some(0));

    let database = old.path("../copy/log.sqlite");
    let bundle = old.path("../copy/public/tile/entries/000.p/1");
    let checkpoint = old.path("../copy/public/checkpoint");
    // No claim can be looked up; no entry can be shown; another one is published than was committed.
    for (broken, path) in [
        ("claims", &database),
        ("entries", &bundle),
        ("checkpoint", &checkpoint),
    ] {
        let kept = std::fs::read(path).unwrap();
        match broken {
            "claims" => {
                let database = rusqlite::Connection::open(path).unwrap();
                database.execute_batch("DROP TABLE assertion").unwrap();
            }
            "entries" => std::fs::write(path, b"something else").unwrap(),
            _ => std::fs::write(path, old.signed(7)).unwrap(),
        }
        let new = next.serve();
        let again = new.client.append(&early);
        assert_eq!(refused(&again), (503, "log.predecessor".into()), "{broken}");
        if broken != "entries" {
            let refusal = new.client.append(&Approval::new(3));
            assert_eq!(
                refused(&refusal),
                (503, "log.predecessor".into()),
                "{broken}"
            );
            assert_eq!(
                refused(&new.client.get("/readyz")).0,
                if broken == "claims" { 200 } else { 503 }
            );
        }
        // What it has itself, it knows.
        assert_eq!(new.client.append(&known).status, 200, "{broken}");
        assert_eq!(new.stop(), Some(0));
        for more in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{more}", database.display()));
        }
        std::fs::write(path, kept).unwrap();
    }
    let new = next.serve();
    assert_eq!(new.client.append(&early).text(), first_again(&old, &early));
    assert_eq!(new.client.append(&Approval::new(3)).status, 201);
    assert_eq!(new.stop(), Some(0));

    // A copy that was made before the end is one of an open log.
    let reopened = rusqlite::Connection::open(&database).unwrap();
    reopened
        .execute_batch("UPDATE head SET closed = NULL")
        .unwrap();
    drop(reopened);
    let new = next.serve();
    assert_eq!(
        refused(&new.client.append(&Approval::new(4))).1,
        "log.predecessor"
    );
    assert_eq!(new.stop(), Some(0));

    // Where nothing is, or the log of another key, it does not start.
    std::fs::remove_dir_all(old.path("../copy")).unwrap();
    let Err(said) = next.try_serve() else {
        panic!("it starts without the log before");
    };
    assert!(
        said.contains("there is no log log.example/approvals"),
        "{said}"
    );
    assert_eq!(run(&["close", "--origin", "x"]).status.code(), Some(2));
}

/// What the old log itself answers.
fn first_again(old: &Log, approval: &Approval) -> String {
    let server = old.serve();
    let text = server.client.append(approval).text();
    assert_eq!(server.stop(), Some(0));
    text
}
