//! A whole log on many machines, all of them this one: PostgreSQL with two standbys, an S3 server, three
//! witnesses, and members that are started again when they end. Each way between two of them is one
//! that can be cut.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres_cluster::proxy::Upload;
use postgres_cluster::{Proxy, Trio, free_port};
use tempfile::TempDir;
use test_vectors::weed::Weed;

use crate::cosigning::policy;
use crate::harness::{Client, Log, Server};
use crate::witness::Real;

/// Where the public files of the log are.
pub(crate) const PLACE: &str = "s3://logs/stage";

/// All of it.
pub(crate) struct Stage {
    pub(crate) trio: Trio,
    pub(crate) members: Vec<Machine>,
    pub(crate) witnesses: [Real; 3],
    /// The policy of the log: two of three witnesses.
    pub(crate) policy: String,
    /// The log as its operator sees it, past every proxy.
    pub(crate) log: Log,
    weed: Weed,
    _disk: TempDir,
}

impl Stage {
    /// With so many members, each of which has these variables beside those that it needs. `None`, said
    /// aloud, where PostgreSQL or SeaweedFS is not installed.
    pub(crate) fn start(members: usize, variables: &[(&str, &str)]) -> Option<Self> {
        let disk = tempfile::tempdir().unwrap();
        let weed = Weed::start(disk.path())?;
        let trio = Trio::start()?;
        let database = trio.primary().database();
        let (store, url) = (trio.address(&database), weed.url());
        let variables = [
            &Weed::credentials()[..],
            &[
                ("COSIGNET_LOG_STORE", &store),
                ("COSIGNET_LOG_OBJECTS", PLACE),
                ("COSIGNET_LOG_OBJECTS_ENDPOINT", &url),
                ("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "6"),
            ],
            variables,
        ]
        .concat();
        let mut log = Log::kept_in(&variables);
        let witnesses = ["w1", "w2", "w3"].map(|name| Real::new(name, &log.vkey));
        let lines = [0, 1, 2].map(|number: usize| witnesses[number].policy_line());
        let policy = policy(&log, &lines, 2);
        let path = log.path("../log.policy").display().to_string();
        log.set(&[("COSIGNET_LOG_WITNESS_POLICY", &path)]);
        let members = (0..members)
            .map(|_| Machine::start(&log, &trio, &database, port_of(&url)))
            .collect();
        let this = Self {
            trio,
            members,
            witnesses,
            policy,
            log,
            weed,
            _disk: disk,
        };
        this.until_led(Duration::from_secs(60))
            .expect("somebody leads");
        Some(this)
    }

    /// The member that says that it leads, by itself or among these.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.members.iter().position(Machine::leads)
    }

    /// Waits until somebody leads, and says who and after how long.
    pub(crate) fn until_led(&self, patience: Duration) -> Option<(usize, Duration)> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(leader) = self.leader() {
                return Some((leader, begun.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// A public file as the S3 server has it, whoever asks.
    pub(crate) fn object(&self, name: &str) -> Option<String> {
        object(&self.filer(), name)
    }

    /// Where the S3 server shows everybody what it has.
    pub(crate) fn filer(&self) -> String {
        let port = port_of(&self.weed.url()) + 3;
        format!("http://127.0.0.1:{port}/buckets/logs/stage")
    }
}

/// A file at that place.
pub(crate) fn object(filer: &str, name: &str) -> Option<String> {
    let mut reply = ureq::get(format!("{filer}/{name}")).call().ok()?;
    reply.body_mut().read_to_string().ok()
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

/// A member, and who starts it again.
pub(crate) struct Machine {
    pub(crate) client: Client,
    /// The ways to the three servers of the database.
    pub(crate) to_database: [Proxy; 3],
    pub(crate) to_bucket: Proxy,
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
}

struct Shared {
    log: Log,
    address: String,
    server: Mutex<Option<Server>>,
    /// Variables from the next start on.
    more: Mutex<Vec<(&'static str, String)>>,
    /// How it ended each time that it did so by itself, and the last of its messages.
    ends: Mutex<Vec<(i32, String)>>,
    /// What it says when it does not start.
    refused: Mutex<Option<String>>,
    is_over: AtomicBool,
}

impl Machine {
    fn start(log: &Log, trio: &Trio, database: &str, bucket: u16) -> Self {
        let to_database = trio.ports().map(Proxy::start);
        let to_bucket = Proxy::start(bucket);
        let ports = to_database.clone().map(|proxy| proxy.port);
        let (store, endpoint) = (
            Trio::address_through(&ports, database),
            format!("http://127.0.0.1:{}", to_bucket.port),
        );
        let mut own = log.on_another_machine();
        own.set(&[
            ("COSIGNET_LOG_STORE", &store),
            ("COSIGNET_LOG_OBJECTS_ENDPOINT", &endpoint),
        ]);
        let address = format!("127.0.0.1:{}", free_port());
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(9)))
            .build()
            .into();
        let client = Client {
            url: format!("http://{address}"),
            token: log.token.clone(),
            agent,
        };
        let shared = Arc::new(Shared {
            log: own,
            address,
            server: Mutex::default(),
            more: Mutex::default(),
            ends: Mutex::default(),
            refused: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let kept = Arc::clone(&shared);
        let keeper = std::thread::spawn(move || kept.keep());
        let this = Self {
            client,
            to_database,
            to_bucket,
            shared,
            keeper: Some(keeper),
        };
        this.until_up();
        this
    }

    /// Waits until it is there.
    pub(crate) fn until_up(&self) {
        let begun = Instant::now();
        while !self.is_up() {
            let refused = self.shared.refused.lock().unwrap().clone();
            assert!(begun.elapsed() < Duration::from_secs(60), "{refused:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.shared.server.lock().unwrap().is_some()
    }

    /// SIGKILL. Whether there was something to kill.
    pub(crate) fn kill(&self) -> bool {
        let server = self.shared.server.lock().unwrap().take();
        server.map(Server::kill).is_some()
    }

    /// SIGSTOP or SIGCONT. Whether there was a process to get it.
    pub(crate) fn signal(&self, name: &str) -> bool {
        let server = self.shared.server.lock().unwrap();
        server.as_ref().map(|server| server.signal(name)).is_some()
    }

    /// It has this variable from its next start on.
    pub(crate) fn set(&self, name: &'static str, value: Option<String>) {
        let mut more = self.shared.more.lock().unwrap();
        more.retain(|(known, _)| *known != name);
        more.extend(value.map(|value| (name, value)));
    }

    /// Its ends by itself so far: exit codes, and last words.
    pub(crate) fn ends(&self) -> Vec<(i32, String)> {
        self.shared.ends.lock().unwrap().clone()
    }

    /// The last of its messages.
    pub(crate) fn messages(&self) -> Vec<String> {
        let server = self.shared.server.lock().unwrap();
        let said = server
            .as_ref()
            .map(|server| server.messages.lock().unwrap().clone());
        let said = said.unwrap_or_default();
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        let old = lines.len().saturating_sub(15);
        lines.into_iter().skip(old).collect()
    }

    /// Its ways to everything are as they should be.
    pub(crate) fn heal(&self) {
        self.to_database.iter().for_each(Proxy::heal);
        self.to_bucket.heal();
    }

    /// How often something did not pass on its ways to the database.
    pub(crate) fn hits(&self) -> u32 {
        self.to_database.iter().map(Proxy::hits).sum()
    }

    /// Whether it says, within a second, that it leads.
    pub(crate) fn leads(&self) -> bool {
        let quick = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(1)))
            .build();
        let quick = ureq::Agent::from(quick);
        let asked = quick.get(format!("{}/metrics", self.client.url)).call();
        let text = asked
            .ok()
            .and_then(|mut reply| reply.body_mut().read_to_string().ok());
        text.is_some_and(|text| text.lines().any(|line| line == "cosignet_log_leading 1"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.shared.is_over.store(true, SeqCst);
        // It may stand still.
        self.kill();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

impl Shared {
    fn keep(&self) {
        while !self.is_over.load(SeqCst) {
            let has_ended = {
                let mut server = self.server.lock().unwrap();
                let ended = server.as_mut().and_then(Server::ended);
                if let Some(code) = ended
                    && let Some(server) = server.take()
                {
                    let said = server.messages.lock().unwrap().clone();
                    let last = said.lines().last().unwrap_or_default().to_owned();
                    self.ends.lock().unwrap().push((code, last));
                }
                server.is_none()
            };
            if has_ended {
                self.serve();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn serve(&self) {
        let more = self.more.lock().unwrap().clone();
        let more: Vec<(&str, &str)> = more.iter().map(|(n, value)| (*n, value.as_str())).collect();
        match self.log.serve_at(&self.address, &more) {
            Ok(server) if !self.is_over.load(SeqCst) => {
                *self.server.lock().unwrap() = Some(server);
            }
            Ok(_) => {}
            Err(said) => *self.refused.lock().unwrap() = Some(said),
        }
    }
}

/// Servers for another program, which is told where they are; they end with its standard input.
#[test]
#[ignore = "for others: cargo xtask bench-cluster"]
fn servers_for_others() {
    let disk = tempfile::tempdir().unwrap();
    let weed = Weed::start(disk.path()).expect("SeaweedFS is installed");
    let trio = Trio::start().expect("PostgreSQL is installed");
    let slow = Proxy::start(port_of(&weed.url()));
    slow.uploads(Upload::Slow {
        put: Duration::from_millis(30),
        get: Duration::from_millis(20),
    });
    let store = || trio.address(&trio.primary().database());
    let said = serde_json::json!({
        "bucket": weed.url(),
        "bucketStore": store(),
        "slow": format!("http://127.0.0.1:{}", slow.port),
        "slowStore": store(),
    });
    println!("\n{said}");
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}
