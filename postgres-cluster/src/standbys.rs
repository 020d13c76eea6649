//! A PostgreSQL of three servers: a primary and two standbys, one of which has to have what is called
//! committed (`ANY 1`). Each of them follows whichever of the three is the primary.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, free_port};
use crate::proxy::{Flow, Proxy, Way};

/// How many servers there are.
const SERVERS: usize = 3;

/// Which standbys a COMMIT waits for.
const ANY: &str = "ANY 1 (s0, s1, s2)";

/// The three of them.
#[derive(Debug)]
pub struct Trio {
    ports: [u16; SERVERS],
    /// The way of each server, as a standby, to the primary.
    ways: [Proxy; SERVERS],
    /// `None` where one is dead.
    servers: [Option<Cluster>; SERVERS],
    primary: usize,
}

impl Trio {
    /// Server 0 is the primary. `None`, said aloud, where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let ports = [free_port(), free_port(), free_port()];
        let ways = [(); SERVERS].map(|()| Proxy::start(ports[0]));
        let first = Cluster::start_at(ports[0], &borrowed(&settings(&ways[0], 0)))?;
        let mut this = Self {
            ports,
            ways,
            servers: [Some(first), None, None],
            primary: 0,
        };
        this.join(1);
        this.join(2);
        // Not before there is somebody to wait for.
        this.primary().require_standbys(ANY);
        Some(this)
    }

    /// The name that a server has as a standby.
    fn name(server: usize) -> String {
        format!("s{server}")
    }

    /// Whoever is the primary.
    pub fn primary(&self) -> &Cluster {
        self.servers[self.primary].as_ref().unwrap()
    }

    /// The number of the primary.
    pub fn primary_number(&self) -> usize {
        self.primary
    }

    /// The numbers of the standbys that live.
    pub fn standbys(&self) -> Vec<usize> {
        let lives = |number: &usize| self.servers[*number].is_some();
        let all = (0..SERVERS).filter(lives);
        all.filter(|number| *number != self.primary).collect()
    }

    /// The ports of all three, whoever lives.
    pub fn ports(&self) -> [u16; SERVERS] {
        self.ports
    }

    /// The address of a database at whoever is the primary, through these ports.
    pub fn address_through(ports: &[u16], database: &str) -> String {
        let hosts: Vec<String> = ports
            .iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        format!("postgres://log@{}/{database}", hosts.join(","))
    }

    /// The address of a database at whoever is the primary.
    pub fn address(&self, database: &str) -> String {
        Self::address_through(&self.ports, database)
    }

    /// SIGKILL to the primary. Its files are gone with it.
    pub fn kill_primary(&mut self) {
        let dead = self.servers[self.primary].take();
        dead.as_ref().unwrap().kill();
    }

    /// SIGKILL to a standby.
    pub fn kill_standby(&mut self, number: usize) {
        assert_ne!(number, self.primary);
        let dead = self.servers[number].take();
        dead.as_ref().unwrap().kill();
    }

    /// The standby that has received most: with the primary gone, and all others asked, it has
    /// everything that was called committed.
    pub fn most_advanced(&self) -> usize {
        let received = |number: &usize| {
            let sql =
                "SELECT coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'";
            let text = self.servers[*number].as_ref().unwrap().sql("postgres", sql);
            text.parse::<u64>().unwrap()
        };
        self.standbys().into_iter().max_by_key(received).unwrap()
    }

    /// Makes a standby the primary, whatever it lacks. The one before has to be dead. `waits` says
    /// whether what is committed from now on has to be at another one as well.
    pub fn promote(&mut self, number: usize, waits: bool) {
        let standby = self.servers[number].as_ref().unwrap();
        for way in &self.ways {
            way.lead_to(self.ports[number]);
        }
        standby.require_standbys(if waits { ANY } else { "" });
        assert_eq!(standby.sql("postgres", "SELECT pg_promote(true, 30)"), "t");
        let begun = Instant::now();
        while standby.sql("postgres", "SELECT pg_is_in_recovery()") != "f" {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it is no primary"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.primary = number;
    }

    /// Makes a dead server anew, as a standby of the primary, and waits until it has caught up.
    pub fn join(&mut self, number: usize) {
        self.resume(number);
        let settings = settings(&self.ways[number], number);
        let standby = self
            .primary()
            .standby_at(self.ports[number], &borrowed(&settings));
        self.servers[number] = Some(standby);
        self.until_streaming(number);
    }

    /// Waits until a standby hears of what the primary does.
    pub fn until_streaming(&self, number: usize) {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' \
             AND application_name = '{}'",
            Self::name(number)
        );
        let begun = Instant::now();
        while self.primary().sql("postgres", &sql) != "1" {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{number} is alone"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Lets a standby lag: nothing that the primary sends arrives.
    pub fn pause(&self, number: usize) {
        self.ways[number].flow(Way::Back, Flow::Held);
    }

    /// Lets everything arrive.
    pub fn resume(&self, number: usize) {
        self.ways[number].heal();
    }

    /// What is on its way to a standby never arrives, nor does anything else.
    pub fn cut_off(&self, number: usize) {
        self.ways[number].close();
    }
}

/// The settings of a server, which as a standby follows whoever is at the end of this way.
fn settings(way: &Proxy, number: usize) -> Vec<String> {
    let port = way.port;
    let name = Trio::name(number);
    vec![
        format!("cluster_name={name}"),
        format!(
            "primary_conninfo=host=127.0.0.1 port={port} user=postgres application_name={name} \
             connect_timeout=2"
        ),
        "wal_keep_size=256MB".into(),
        "wal_retrieve_retry_interval=200ms".into(),
        "hot_standby_feedback=off".into(),
    ]
}

fn borrowed(settings: &[String]) -> Vec<&str> {
    settings.iter().map(String::as_str).collect()
}
