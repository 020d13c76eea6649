//! `cosignet fetch` from an address with several logs, one after the other.

use std::fs;

use tempfile::TempDir;
use test_vectors::approval::LOG_ORIGIN;

use crate::real::{append, run, serve};
use crate::world::{Round, World};

/// Two logs at one address, the first of which is closed; an approval in each.
struct Shards {
    folder: TempDir,
    vkeys: [String; 2],
    ids: [String; 2],
}

impl Shards {
    fn data(&self, at: usize) -> String {
        self.folder
            .path()
            .join(at.to_string())
            .display()
            .to_string()
    }

    fn settings(&self) -> String {
        self.folder
            .path()
            .join("settings.toml")
            .display()
            .to_string()
    }

    fn new() -> Self {
        let mut this = Self {
            folder: tempfile::tempdir().unwrap(),
            vkeys: Default::default(),
            ids: Default::default(),
        };
        let origins = [LOG_ORIGIN, "log.example/next"];
        let mut settings = String::new();
        for (at, origin) in origins.into_iter().enumerate() {
            let data = this.data(at);
            this.vkeys[at] = run(&["init", "--data", &data, "--origin", origin]);
            settings += &format!("[[shards]]\npath = \"{at}\"\ndata = \"{data}\"\n");
        }
        fs::write(this.settings(), settings).unwrap();
        let [first, second] = [this.data(0), this.data(1)];
        let token = run(&["token", "create", "--data", &first, "--name", "test"]);
        run(&["token", "copy", "--data", &second, "--from", &first]);
        let (running, address) = serve(&["--config", &this.settings()]);
        this.ids[0] = append(&address, &token, 1);
        drop(running);
        run(&["close", "--data", &first, "--origin", origins[0]]);
        let (running, address) = serve(&["--config", &this.settings()]);
        this.ids[1] = append(&address, &token, 2);
        drop(running);
        this
    }

    fn world(&self, logs: &[usize]) -> World {
        let lines = logs.iter().map(|at| format!("log {}\n", self.vkeys[*at]));
        let text = lines.collect::<String>() + "quorum none\n";
        World::with_policy(|policy| policy.log = Some(text))
    }
}

fn fetch(world: &World, what: &str, address: &str, more: &str) -> Round {
    let _ignored = fs::remove_file(world.path("out.json"));
    world.run(&format!(
        "fetch {what} --log http://{address} -o out.json --timeout 5 {more}"
    ))
}

#[test]
fn an_approval_is_found_in_whichever_log_of_the_policy_has_it() {
    let shards = Shards::new();
    let (_running, address) = serve(&["--config", &shards.settings()]);
    let both = shards.world(&[0, 1]);
    for id in &shards.ids {
        let fetched = fetch(&both, id, &address, "--policy policy.toml");
        assert_eq!(fetched.code, 0, "{fetched:?}");
        assert!(fetched.out.contains("VERIFIED"), "{fetched:?}");
        // Without a policy nothing is verified, and it is found all the same.
        let fetched = fetch(&both, id, &address, "");
        assert_eq!(fetched.code, 0, "{fetched:?}");
    }
    let unknown = "0b9e6cf5-0a6d-4a53-8f4a-3f3f6d0c8a11";
    let none = fetch(&both, unknown, &address, "--policy policy.toml");
    assert_eq!(none.code, 4, "{none:?}");
    assert!(none.err.contains("fetch.unknown"), "{none:?}");
    // An index says nothing without a log.
    let place = fetch(&both, "0", &address, "--policy policy.toml");
    assert_eq!(place.code, 2, "{place:?}");
    assert!(
        place.err.contains(&format!("http://{address}/1")),
        "{place:?}"
    );
    let place = fetch(&both, "0", &format!("{address}/1"), "");
    assert_eq!(place.code, 0, "{place:?}");
}

/// The address names two logs; the policy has one, and the other one is not asked.
#[test]
fn what_the_address_names_is_no_reason_to_trust_it() {
    let shards = Shards::new();
    let (_running, address) = serve(&["--config", &shards.settings()]);
    for (known, other) in [(0, 1), (1, 0)] {
        let world = shards.world(&[known]);
        let policy = "--policy policy.toml";
        let fetched = fetch(&world, &shards.ids[known], &address, policy);
        assert_eq!(fetched.code, 0, "{fetched:?}");
        let none = fetch(&world, &shards.ids[other], &address, policy);
        assert_eq!(none.code, 4, "{none:?}");
        assert!(!world.path("out.json").exists());
        // Nor is its head taken, when it is asked by its own address.
        let strange = fetch(
            &world,
            &shards.ids[other],
            &format!("{address}/{other}"),
            policy,
        );
        assert_eq!(strange.code, 4, "{strange:?}");
    }
    let stranger = World::new();
    let none = fetch(&stranger, &shards.ids[0], &address, "--policy policy.toml");
    assert_eq!(none.code, 4, "{none:?}");
    assert!(none.err.contains("is in the policy"), "{none:?}");
    // A server that names the key of one log for another: its checkpoint decides.
    let known = shards.world(&[0]);
    let path = format!(
        r#"{{"shards":[{{"path":"1","vkey":"{}"}}]}}"#,
        shards.vkeys[0]
    );
    let liar = World::new();
    liar.server.set("log.json", path);
    let text = body_of(&format!("http://{address}/1/checkpoint"));
    liar.server.set("1/checkpoint", text);
    let id = &shards.ids[1];
    let hint = body_of(&format!(
        "http://{address}/1/public/log/entries/{id}/verification"
    ));
    liar.server
        .set(&format!("1/public/log/entries/{id}/verification"), hint);
    let url = liar.server.url();
    let strange = fetch(
        &known,
        id,
        url.trim_start_matches("http://"),
        "--policy policy.toml",
    );
    assert_eq!(strange.code, 4, "{strange:?}");
    assert!(strange.err.contains("monitor.head"), "{strange:?}");
}

/// What an address answers.
fn body_of(url: &str) -> String {
    use std::io::{Read as _, Write as _};
    let rest = url.trim_start_matches("http://");
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let head = format!("GET /{path} HTTP/1.1\r\nhost: log\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
