//! Several logs in one process, one after the other.

use std::path::PathBuf;

use postgres_cluster::Cluster;
use serde_json::Value;

use crate::harness::{Approval, Client, LOG, Log, Server, tree};
use crate::members::until;

/// Three logs of one service, with one token.
struct Years {
    logs: [Log; 3],
    settings: PathBuf,
}

const PATHS: [&str; 3] = ["2026", "2027", "2028"];
const NAMES: [&str; 3] = [LOG, "log.example/2027", "log.example/2028"];

impl Years {
    /// In this order, with the token of the first, each in a directory or all in one database.
    fn after(first: Log) -> Self {
        let from = first.data().display().to_string();
        let [second, third] = [NAMES[1], NAMES[2]].map(|name| {
            let mut log = first.next(name);
            let data = log.data().display().to_string();
            let copy = ["token", "copy", "--data", &data, "--from", &from];
            for expected in ["1 tokens copied", "0 tokens copied"] {
                assert_eq!(log.succeed(&copy), expected);
            }
            log.token.clone_from(&first.token);
            log
        });
        Self::all([first, second, third])
    }

    fn all(logs: [Log; 3]) -> Self {
        let settings = logs[0].path("../settings.toml");
        let tables = PATHS.iter().zip(&logs).map(|(path, log)| {
            let data = log.data().display().to_string();
            format!("[[shards]]\npath = \"{path}\"\ndata = \"{data}\"\n")
        });
        std::fs::write(&settings, tables.collect::<String>()).unwrap();
        Self { logs, settings }
    }

    fn serve(&self) -> Server {
        let first = &self.logs[0];
        first.serve_several(&self.settings).expect("it starts")
    }

    fn close(&self, at: usize) {
        let data = self.logs[at].data().display().to_string();
        self.logs[at].succeed(&["close", "--data", &data, "--origin", NAMES[at]]);
    }
}

/// The same server, seen from below one of its paths.
fn below(server: &Server, path: &str) -> Client {
    let mut client = server.client.clone();
    client.url += &format!("/{path}");
    client
}

fn states_of(server: &Server) -> Vec<String> {
    let said = server.client.get("/log.json").json();
    let shards = said["shards"].as_array().unwrap().iter();
    let state = |shard: &Value| shard["state"].as_str().unwrap().to_owned();
    shards.map(state).collect()
}

/// In directories, and in a database if there is a server.
fn both() -> impl Iterator<Item = Years> {
    let database = Cluster::shared().map(|cluster| {
        let address = cluster.address(&cluster.database());
        Log::in_database(address)
    });
    std::iter::once(Log::new())
        .chain(database)
        .map(Years::after)
}

#[test]
fn appends_go_to_the_log_that_is_open_and_each_log_is_below_its_path() {
    for years in both() {
        let server = years.serve();
        let approvals: Vec<_> = (1..=6).map(Approval::new).collect();
        assert_eq!(server.client.get("/readyz").status, 200);
        for (turn, pair) in approvals.chunks(2).enumerate() {
            let states = states_of(&server);
            let expected = match turn {
                0 => ["open", "waiting", "waiting"],
                1 => ["closed", "open", "waiting"],
                _ => ["closed", "closed", "open"],
            };
            assert_eq!(states, expected);
            let said = server.client.get("/log.json").json();
            assert_eq!(said["vkey"], years.logs[turn].vkey);
            let [one, other] = pair else { unreachable!() };
            let bundle = server.client.append(one);
            assert_eq!(
                (bundle.status, bundle.index()),
                (201, 0),
                "{}",
                bundle.text()
            );
            let report = years.logs[turn].audit(one, &bundle.text());
            assert_eq!(report.verdict().as_str(), "VERIFIED");
            // Also below its path, and never below another one.
            for (at, path) in PATHS.iter().enumerate() {
                let client = below(&server, path);
                let reply = client.append(other);
                let expected = match (at < turn, at == turn) {
                    (true, _) => (410, "log.closed"),
                    (_, true) => (201, ""),
                    _ => (503, "log.predecessor"),
                };
                assert_eq!((reply.status, reply.code().as_str()), expected, "{path}");
            }
            // A token is one of each log, or of none.
            let mut stranger = server.client.clone();
            stranger.token = stranger
                .token
                .replace(|digit: char| digit.is_ascii_digit(), "0");
            assert_eq!(stranger.append(&Approval::new(90)).status, 401);
            if turn < 2 {
                years.close(turn);
                // Until the turn is seen, a client is told to come again.
                let next = turn + 1;
                until("it turns", || states_of(&server)[next] == "open");
                assert_eq!(server.client.append(one).status, 200);
            }
        }
        // What is in one of them is answered from there, wherever it is asked for.
        for (approval, number) in approvals.iter().zip(0..) {
            let again = server.client.append(approval);
            assert_eq!((again.status, again.index()), (200, number % 2));
        }
        for path in PATHS {
            let client = below(&server, path);
            assert_eq!(tree(&client.checkpoint()).0, 2);
            assert_eq!(client.get("/tile/entries/000.p/2").status, 200);
            assert_eq!(client.get("/readyz").status, 200);
            assert!(client.get("/").text().contains("takes no new entries") == (path != "2028"));
            assert!(
                client
                    .get("/metrics")
                    .text()
                    .contains("cosignet_log_tree_size 2")
            );
        }
        let page = server.client.get("/");
        assert!(
            page.text().contains("<a href=\"2027/\">2027</a>"),
            "{}",
            page.text()
        );
        // What is one log's alone is not at the root, and an address without its slash leads there.
        assert_eq!(server.client.get("/healthz").status, 200);
        assert_eq!(server.client.get("/openapi.json").status, 200);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        for path in [
            "/checkpoint",
            "/tile/0/000.p/2",
            "/metrics",
            "/2025/checkpoint",
            "/20260",
        ] {
            let gone = agent.get(format!("{}{path}", server.client.url)).call();
            assert_eq!(gone.unwrap().status(), 404, "{path}");
        }
        let moved = agent
            .get(format!("{}/2026", server.client.url))
            .call()
            .unwrap();
        assert_eq!(moved.status(), 308);
        assert_eq!(moved.headers()["location"], "2026/");
        assert_eq!(server.stop(), Some(0));
        for log in &years.logs {
            log.assert_clean();
        }
        // The same after a restart.
        let server = years.serve();
        assert_eq!(states_of(&server), ["closed", "closed", "open"]);
        assert_eq!(server.client.append(&approvals[0]).status, 200);
        assert_eq!(server.client.append(&Approval::new(7)).status, 201);
    }
}

#[test]
fn a_log_that_is_damaged_is_down_alone() {
    let years = Years::after(Log::new());
    let server = years.serve();
    let early = Approval::new(1);
    assert_eq!(server.client.append(&early).status, 201);
    years.close(0);
    until("it turns", || states_of(&server)[1] == "open");
    assert_eq!(server.stop(), Some(0));

    // Its checkpoint is that of nobody.
    let checkpoint = years.logs[0].path("public/checkpoint");
    let kept = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, b"damaged").unwrap();
    let server = years.serve();
    let gone = below(&server, "2026").get("/checkpoint");
    assert_eq!((gone.status, gone.code()), (503, "log.damaged".into()));
    let ready = server.client.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("2026: "), "{}", ready.text());
    // Those after it live, and admit nothing: nobody knows what is in it.
    assert_eq!(below(&server, "2027").get("/checkpoint").status, 200);
    let refusal = server.client.append(&early);
    assert_eq!(refusal.status, 503, "{}", refusal.text());
    assert_eq!(below(&server, "2027").append(&Approval::new(2)).status, 503);
    assert_eq!(server.stop(), Some(0));

    std::fs::write(&checkpoint, kept).unwrap();
    let server = years.serve();
    assert_eq!(server.client.append(&early).status, 200);
    assert_eq!(server.client.append(&Approval::new(2)).status, 201);
    assert_eq!(server.stop(), Some(0));

    // The one that takes appends is damaged: the old one is served all the same.
    std::fs::write(years.logs[1].path("public/checkpoint"), b"damaged").unwrap();
    let server = years.serve();
    assert_eq!(states_of(&server), ["closed", "down", "waiting"]);
    assert_eq!(below(&server, "2026").append(&early).status, 200);
    assert_eq!(below(&server, "2026").verification(&early).status, 200);
    assert_eq!(server.client.append(&Approval::new(3)).status, 503);
}

#[test]
fn several_logs_that_cannot_be_are_wrong_usage() {
    let log = Log::new();
    let data = log.data().display().to_string();
    let settings = log.path("../settings.toml");
    let table =
        |path: &str, data: &str| format!("[[shards]]\npath = \"{path}\"\ndata = \"{data}\"\n");
    let other = log.next("log.example/2027");
    let second = other.data().display().to_string();
    for (text, said) in [
        (table("v1", &data), "has to be a name of its own"),
        (table("a/b", &data), "has to be a name of its own"),
        (
            table("2026", &data) + &table("2026", &second),
            "has to be a name of its own",
        ),
        (
            table("2026", &data) + &table("2027", &data),
            "is named twice",
        ),
        (table("2026", "/nowhere"), "there is no log in"),
        (
            format!("objects = \"/srv/public\"\n{}", table("2026", &data)),
            "never share a place",
        ),
    ] {
        std::fs::write(&settings, text).unwrap();
        let Err(refused) = log.serve_several(&settings) else {
            panic!("it starts: {said}");
        };
        assert!(refused.contains(said), "{refused}");
    }
    // One or several, and not both.
    std::fs::write(&settings, table("2026", &data)).unwrap();
    let path = settings.display().to_string();
    let both = log.serve_with(&[("COSIGNET_LOG_CONFIG", &path)]);
    assert!(both.is_err_and(|said| said.contains("not both")));
}
