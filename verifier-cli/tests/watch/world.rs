//! A log, its server, and a monitor with a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use test_vectors::approval::{DECIDED_AT_SECONDS, LOG_ORIGIN, witness};
use test_vectors::encoding::pseudo_random;
use test_vectors::log::tlog_policy;
use test_vectors::note::note;
use test_vectors::server::Answer;
use test_vectors::{Algorithm, Draft, Log, Policy, Server, Witness, site};

/// The witnesses' clock when they cosign the first head.
pub(crate) const NOW: u64 = DECIDED_AT_SECONDS + 60;

/// The number of entries that most tests begin with: more than one bundle.
pub(crate) const SIZE: usize = 300;

/// Sound entries, all different. Minted once.
pub(crate) fn entries(count: usize) -> Vec<Vec<u8>> {
    static ENTRIES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let all = ENTRIES.get_or_init(|| (1..=SIZE + 60).map(|n| draft(n).sign().1.into()).collect());
    all[..count].to_vec()
}

/// The draft of a sound entry, to be changed.
pub(crate) fn draft(number: usize) -> Draft {
    Draft::numbered(Algorithm::Es256, number.try_into().unwrap())
}

/// The leaf of a draft.
pub(crate) fn leaf(draft: &Draft) -> Vec<u8> {
    draft.sign().1.into()
}

/// How a monitor's command ended.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Round {
    /// The events of this name.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let lines = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|event: &Value| event["event"] == name)
            .collect()
    }

    /// The codes of what could not be completed.
    pub(crate) fn codes(&self) -> Vec<String> {
        let events = [self.events("incomplete"), self.events("unreachable")].concat();
        events
            .iter()
            .map(|event| event["code"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A server with a log, a policy for it, and the folder of a monitor.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) server: Server,
    witnesses: Vec<Witness>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_policy(|_| {})
    }

    pub(crate) fn with_policy(edit: impl FnOnce(&mut Policy)) -> Self {
        let world = Self {
            folder: TempDir::new().unwrap(),
            server: Server::start(),
            witnesses: (1..=3).map(witness).collect(),
        };
        let log = world.log(&[]);
        let mut policy = draft(1).policy(&log);
        policy.log = Some(tlog_policy(&log, 2, &world.witnesses));
        edit(&mut policy);
        world.write("policy.toml", policy.toml());
        world
    }

    /// The log over these leaves.
    pub(crate) fn log(&self, leaves: &[Vec<u8>]) -> Log {
        Log::new(LOG_ORIGIN, pseudo_random("log"), leaves)
    }

    /// A head over these leaves, cosigned by two witnesses.
    pub(crate) fn head(&self, leaves: &[Vec<u8>], time: u64) -> String {
        self.head_by(leaves, &[(0, time), (1, time + 2)])
    }

    /// A head over these leaves, cosigned by these witnesses at these times.
    pub(crate) fn head_by(&self, leaves: &[Vec<u8>], cosigners: &[(usize, u64)]) -> String {
        let log = self.log(leaves);
        let text = log.checkpoint(leaves.len()).text();
        let cosigners: Vec<(&Witness, u64)> = cosigners
            .iter()
            .map(|(witness, time)| (&self.witnesses[*witness], *time))
            .collect();
        note(&text, &log.sign(&text, &cosigners))
    }

    /// The two witnesses that most heads are cosigned by, and when.
    pub(crate) fn cosigners(&self, time: u64) -> Vec<(&Witness, u64)> {
        vec![(&self.witnesses[0], time), (&self.witnesses[1], time + 2)]
    }

    /// Serves a log of these leaves, and nothing else.
    pub(crate) fn serve(&self, leaves: &[Vec<u8>], time: u64) {
        self.publish(&self.server, leaves, &self.head(leaves, time));
    }

    /// Serves the tiles of these leaves under any head.
    pub(crate) fn publish(&self, server: &Server, leaves: &[Vec<u8>], head: &str) {
        let files = site::tiles(leaves).into_iter();
        let files = files.map(|(path, bytes)| (path, Answer::from(bytes)));
        let head = ("checkpoint".to_owned(), Answer::from(head.to_owned()));
        server.replace(files.chain([head]));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosignet"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs `cosignet` with words that are separated by blanks.
    pub(crate) fn run(&self, args: &str) -> Round {
        self.run_args(&args.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn run_args(&self, args: &[&str]) -> Round {
        let output = self.command().args(args).output().unwrap();
        Round {
            code: output.status.code().expect("not killed by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// One round of a monitor, with further arguments.
    pub(crate) fn round(&self, more: &str) -> Round {
        self.round_of(&self.server.url(), more)
    }

    /// One round on the log at this address.
    pub(crate) fn round_of(&self, url: &str, more: &str) -> Round {
        self.run(&format!(
            "monitor {url} --policy policy.toml --state state --once --format json --timeout 2 {more}"
        ))
    }

    /// A first audit of a log of these leaves, which has to be clean.
    pub(crate) fn audited(&self, leaves: &[Vec<u8>]) {
        self.serve(leaves, NOW);
        let round = self.round("--init");
        assert_eq!(round.code, 0, "{round:?}");
    }

    /// The alarms that were raised.
    pub(crate) fn alarms(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path("state/alarms")).unwrap();
        let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// The one alarm that was raised, which proves this.
    pub(crate) fn alarm(&self, kind: &str) -> Value {
        let alarms = self.alarms();
        let [alarm] = alarms.as_slice() else {
            panic!("{alarms:?}");
        };
        let verdict = self.verify_alarm(alarm.to_str().unwrap());
        assert_eq!(verdict.code, 0, "{verdict:?}");
        let json: Value = serde_json::from_str(&verdict.out).unwrap();
        assert_eq!(json["kind"], kind, "{json}");
        let accused = json["against"][0]["vkey"].as_str().unwrap();
        assert!(accused.starts_with(LOG_ORIGIN), "{json}");
        json
    }

    pub(crate) fn verify_alarm(&self, path: &str) -> Round {
        self.run(&format!(
            "verify-alarm {path} --policy policy.toml --format json"
        ))
    }
}
