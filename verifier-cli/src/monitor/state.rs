//! The monitor's record of its checks: a folder that is replaced step by step, each step at once.
//!
//! ```text
//! state.json   what is checked, how far the scan of what follows is, and what is in the other
//! files leaves       40 bytes an entry, see `leaves` seen-N       sorted keys of the entries, see
//! `seen` entries      what was scanned and not judged, see `spool` alarms/      evidence, one file
//! an alarm lock         held by the one monitor that runs
//! ```
//!
//! `checked` moves on only when everything that it covers was scanned. `scanned` says how far a
//! scan is that was not finished, and `judged` how much of it was judged.
//!
//! A file that is cut off, changed or gone is noticed before anything is concluded from it:
//! state.json has its own SHA-256 in it, and says of the other files what was written. A copy of
//! the whole folder that is older is a state as well: what it missed is read again.

use std::fs;
use std::path::{Path, PathBuf};

use durable::{Access, Lock};
use verifier_core::hazmat::encoding::{base64url, from_base64url, from_hex, hex, sha256};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::tlog::edge::Edge;

use super::seen::{KeyFile, Sum};
use crate::code::CliCode;
use crate::failure::{CliError, show_path};
use crate::file;

const TYPE: &str = "cosignet.monitor/v2";
/// Room for half a million anchored heads, the most that are remembered.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_VALUES: usize = 4 * 1024 * 1024;
pub(crate) const MAX_ANCHORED: usize = 500_000;

/// Everything that outlives a run, beside the files of `leaves` and `seen`.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The verifier key of the log; none before its first head.
    pub(crate) log: Option<String>,
    /// The last head that was checked in full.
    pub(crate) head: Option<String>,
    /// The SHA-256 of the policy that entries were last checked under, in hex.
    pub(crate) policy: Option<String>,
    /// The tree of that head.
    pub(crate) checked: Edge,
    /// The tree that was scanned beyond it, and not checked.
    pub(crate) scanned: Edge,
    /// How many entries were judged: at least those that are checked.
    pub(crate) judged: u64,
    /// The sum of `leaves`.
    pub(crate) leaves: [u8; 32],
    /// The first entry in the file of entries, and how many bytes of it count.
    pub(crate) spool: (u64, u64),
    /// A head of at most the checked size: the one with the latest time that a quorum gave it.
    pub(crate) cosigned: Option<String>,
    /// The index of the entry that was decided last, as its service says.
    pub(crate) newest: Option<u64>,
    /// The files of `seen`.
    pub(crate) runs: Vec<KeyFile>,
    /// Scanned entries that seem to have an id or an assertion in common.
    pub(crate) pairs: Vec<(u64, u64)>,
    /// How many checked entries are of types that are not known.
    pub(crate) unknown: u64,
    /// Alarms that a hook has not been told of.
    pub(crate) untold: Vec<String>,
    /// Entries by watched keys that the webhook has not been told of.
    pub(crate) unposted: Vec<u64>,
    /// The anchored heads that were compared with the tree.
    pub(crate) anchored: Vec<u64>,
    /// Whether there may be more of them that were not.
    pub(crate) anchors_left: bool,
    /// Those whose blocks were compared with the entries.
    pub(crate) timed: Vec<u64>,
    /// Heads that the log has signed, from wherever, and that are larger than what is checked.
    pub(crate) ahead: Vec<String>,
}

/// The folder, held by this process.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    _lock: Lock,
}

impl StateDir {
    /// Opens the folder and its state.
    pub(crate) fn open(path: &Path, init: bool) -> Result<(Self, State), CliError> {
        let there = path.join("state.json").exists();
        if !there && !init {
            let message = format!("There is no state of a monitor in {}.", show_path(path));
            return Err(CliError::new(CliCode::MonitorNoState, message));
        }
        if init {
            let made = fs::create_dir_all(path.join("alarms"));
            made.map_err(|error| unwritable(path, &error))?;
        }
        let dir = Self {
            path: path.into(),
            _lock: lock(path)?,
        };
        let state = match there {
            true => dir.read(init)?,
            false => State::default(),
        };
        Ok((dir, state))
    }

    pub(crate) fn leaves(&self) -> PathBuf {
        self.path.join("leaves")
    }

    pub(crate) fn alarms(&self) -> PathBuf {
        self.path.join("alarms")
    }

    pub(crate) fn entries(&self) -> PathBuf {
        self.path.join("entries")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the state. When this returns it is durable.
    pub(crate) fn save(&self, state: &State) -> Result<(), CliError> {
        replace(&self.path.join("state.json"), state.to_file().as_bytes())
    }

    fn read(&self, init: bool) -> Result<State, CliError> {
        let path = self.path.join("state.json");
        let bytes = file::read_whole(&path, MAX_BYTES)?;
        let mut limits = Limits::bytes(MAX_BYTES);
        limits.values = MAX_VALUES;
        let value =
            Value::parse(&bytes, limits).map_err(|error| damaged(&path, &error.to_string()))?;
        let wrong = |error: schema::Error| damaged(&path, &error.to_string());
        let members = Members::of(&value).map_err(wrong)?;
        let found = members.text("type").map_err(wrong)?;
        if found != TYPE {
            return self.other_version(found, init);
        }
        let state = State::read(members).map_err(wrong)?;
        if state.to_file().as_bytes() != bytes {
            return Err(damaged(&path, "it is not what was written"));
        }
        // A first audit that was interrupted has nothing to forget.
        if init && state.head.is_some() {
            let message = format!(
                "There is a state in {} already; --init would forget what was checked.",
                show_path(&self.path)
            );
            return Err(CliError::new(CliCode::MonitorState, message)
                .next("Leave --init away. To start over, move the folder away."));
        }
        Ok(state)
    }

    /// A state that this version cannot go on from. It is kept beside the new one.
    fn other_version(&self, found: &str, init: bool) -> Result<State, CliError> {
        let path = self.path.join("state.json");
        let version = |text: &str| text.strip_prefix("cosignet.monitor/v")?.parse::<u32>().ok();
        let older = version(found).is_some_and(|found| Some(found) < version(TYPE));
        if !older || !init {
            let message = format!(
                "{} is of another version than this program.",
                show_path(&path)
            );
            let next = match older {
                true => "Start over with --init: the old state is kept as state.json.old.",
                false => "Use the version that wrote it, or another --state folder.",
            };
            return Err(CliError::new(CliCode::MonitorState, message)
                .expected(TYPE)
                .found(verifier_core::quote(found))
                .next(next));
        }
        let old = self.path.join("state.json.old");
        durable::rename(&path, &old).map_err(|error| unwritable(&path, &error))?;
        Ok(State::default())
    }
}

impl State {
    /// The file: the state, and the SHA-256 of the text that has an empty string in its place.
    fn to_file(&self) -> String {
        let sum = sha256(self.to_json("").as_bytes());
        self.to_json(&hex(&sum))
    }

    fn to_json(&self, sum: &str) -> String {
        let texts = |list: &[String]| list.iter().map(|text| Value::from(text.clone())).collect();
        let run = |run: &KeyFile| {
            Value::from([
                ("checked", Value::from(run.checked)),
                ("keys", run.sum.keys.into()),
                ("marks", hex(&run.sum.marks).into()),
                ("number", run.number.into()),
            ])
        };
        let value = Value::from([
            ("ahead", texts(&self.ahead)),
            (
                "anchored",
                self.anchored
                    .iter()
                    .map(|size| Value::from(*size))
                    .collect(),
            ),
            ("anchorsLeft", self.anchors_left.into()),
            ("checked", write_edge(&self.checked)),
            ("cosigned", optional(&self.cosigned)),
            ("head", optional(&self.head)),
            ("judged", self.judged.into()),
            ("leaves", hex(&self.leaves).into()),
            ("log", optional(&self.log)),
            ("newest", self.newest.map_or(Value::Null, Value::from)),
            (
                "pairs",
                self.pairs
                    .iter()
                    .map(|(a, b)| Value::Array(vec![(*a).into(), (*b).into()]))
                    .collect(),
            ),
            ("policy", optional(&self.policy)),
            ("runs", self.runs.iter().map(run).collect()),
            ("scanned", write_edge(&self.scanned)),
            ("sha256", sum.into()),
            (
                "spool",
                Value::Array(vec![self.spool.0.into(), self.spool.1.into()]),
            ),
            (
                "timed",
                self.timed.iter().map(|size| Value::from(*size)).collect(),
            ),
            ("type", TYPE.into()),
            ("unknown", self.unknown.into()),
            (
                "unposted",
                self.unposted
                    .iter()
                    .map(|index| Value::from(*index))
                    .collect(),
            ),
            ("untold", texts(&self.untold)),
        ]);
        value.to_text() + "\n"
    }

    fn read(members: Members<'_, '_>) -> Result<Self, schema::Error> {
        let members = members.only(&[
            "ahead",
            "anchored",
            "anchorsLeft",
            "checked",
            "cosigned",
            "head",
            "judged",
            "leaves",
            "log",
            "newest",
            "pairs",
            "policy",
            "runs",
            "scanned",
            "sha256",
            "spool",
            "timed",
            "type",
            "unknown",
            "unposted",
            "untold",
        ])?;
        let texts = |key: &str| -> Result<Vec<String>, schema::Error> {
            Ok(members.texts(key)?.into_iter().map(Into::into).collect())
        };
        // An empty text stands for none.
        let text = |key: &str| -> Result<Option<String>, schema::Error> {
            Ok(Some(members.text(key)?.to_owned()).filter(|text| !text.is_empty()))
        };
        let run = |run: Members<'_, '_>| {
            let run = run.only(&["checked", "keys", "marks", "number"])?;
            Ok(KeyFile {
                number: run.optional_u64("number")?.unwrap_or(0),
                checked: run.optional_bool("checked")?.unwrap_or(false),
                sum: Sum {
                    keys: run.optional_u64("keys")?.unwrap_or(0),
                    marks: hash(&run, "marks")?,
                },
            })
        };
        let numbers = |value: &Value<'_>| match value {
            Value::Array(numbers) => numbers.iter().filter_map(Value::as_u64).collect(),
            _ => Vec::new(),
        };
        let pair = |value: &Value<'_>| match numbers(value).as_slice() {
            [a, b] => Some((*a, *b)),
            _ => None,
        };
        let pairs = match members.value("pairs")? {
            Value::Array(pairs) => pairs.iter().filter_map(pair).collect(),
            _ => Vec::new(),
        };
        let spool = pair(members.value("spool")?);
        let spool = spool.ok_or_else(|| members.wrong("spool", "two numbers", "something else"))?;
        Ok(Self {
            spool,
            anchors_left: members.optional_bool("anchorsLeft")?.unwrap_or(false),
            judged: members.optional_u64("judged")?.unwrap_or(0),
            leaves: hash(&members, "leaves")?,
            unposted: numbers(members.value("unposted")?),
            log: text("log")?,
            head: text("head")?,
            policy: text("policy")?,
            checked: read_edge(&members, "checked")?,
            scanned: read_edge(&members, "scanned")?,
            cosigned: text("cosigned")?,
            newest: match members.has("newest") {
                true => members.value("newest")?.as_u64(),
                false => None,
            },
            runs: members
                .objects("runs")?
                .into_iter()
                .map(run)
                .collect::<Result<_, schema::Error>>()?,
            unknown: members.optional_u64("unknown")?.unwrap_or(0),
            untold: texts("untold")?,
            anchored: numbers(members.value("anchored")?),
            timed: numbers(members.value("timed")?),
            pairs,
            ahead: texts("ahead")?,
        })
    }
}

fn hash(members: &Members<'_, '_>, key: &str) -> Result<[u8; 32], schema::Error> {
    let hash = from_hex(members.text(key)?).ok();
    let hash = hash.and_then(|bytes| bytes.try_into().ok());
    hash.ok_or_else(|| members.wrong(key, "a SHA-256 in hex", "something else"))
}

fn optional(text: &Option<String>) -> Value<'_> {
    text.as_deref().unwrap_or_default().into()
}

fn write_edge(edge: &Edge) -> Value<'static> {
    let level = |hashes: &Vec<[u8; 32]>| Value::from(base64url(&hashes.concat()));
    Value::from([
        ("levels", edge.levels().iter().map(level).collect()),
        ("size", edge.size().into()),
    ])
}

fn read_edge(members: &Members<'_, '_>, key: &str) -> Result<Edge, schema::Error> {
    let wrong = || members.wrong(key, "the right edge of a tree", "something else");
    let edge = members.optional_members(key)?.ok_or_else(wrong)?;
    let edge = edge.only(&["levels", "size"])?;
    let size = edge.optional_u64("size")?.ok_or_else(wrong)?;
    let mut levels = Vec::new();
    for level in edge.texts("levels")? {
        let bytes = from_base64url(level).map_err(|_| wrong())?;
        let (hashes, []) = bytes.as_chunks::<32>() else {
            return Err(wrong());
        };
        levels.push(hashes.to_vec());
    }
    Edge::from_levels(size, levels).map_err(|_| wrong())
}

fn lock(dir: &Path) -> Result<Lock, CliError> {
    let path = dir.join("lock");
    Lock::take(&path).map_err(|error| match error {
        durable::Error::Held => {
            let message = format!("Another monitor runs on {}.", show_path(dir));
            CliError::new(CliCode::MonitorState, message)
                .next("Wait until it has ended, or use another --state folder.")
        }
        error => unwritable(&path, &error.into()),
    })
}

/// Puts a file in place of what was there, if anything, and makes that durable.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    durable::replace(path, bytes, Access::Public).map_err(|error| unwritable(path, &error))
}

pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or(&text);
    let message = format!("{} cannot be written: {why}.", show_path(path));
    CliError::new(CliCode::IoOutput, message)
        .file(path)
        .next("Check the rights to the folder, and the room on the disk.")
}

/// The state contradicts itself.
pub(crate) fn damaged(path: &Path, why: &str) -> CliError {
    let message = format!("{} is damaged: {why}.", show_path(path));
    CliError::new(CliCode::MonitorState, message)
        .file(path)
        .next("Restore the folder from a backup: what it missed is read again. Or start over in another folder with --init.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State {
            log: Some("log+key".into()),
            head: Some("head".into()),
            untold: vec!["a.json".into()],
            anchored: vec![7, 9],
            runs: vec![KeyFile {
                number: 3,
                checked: true,
                sum: Sum {
                    keys: 7,
                    marks: [9; 32],
                },
            }],
            spool: (3, 900),
            unposted: vec![5],
            judged: 11,
            pairs: vec![(1, 2)],
            ..State::default()
        };
        for i in 0..70_000_u32 {
            let hash = verifier_core::hazmat::tlog::merkle::leaf_hash(&i.to_be_bytes());
            state.scanned.append(hash).unwrap();
            if i < 300 {
                state.checked.append(hash).unwrap();
            }
        }
        let (dir, _) = StateDir::open(folder.path(), true).unwrap();
        dir.save(&state).unwrap();
        dir.save(&state).unwrap();
        assert!(StateDir::open(folder.path(), false).is_err(), "locked");
        drop(dir);
        let (dir, read) = StateDir::open(folder.path(), false).unwrap();
        assert_eq!(read.to_file(), state.to_file());
        drop(dir);
        let refused = StateDir::open(folder.path(), true).unwrap_err();
        assert_eq!(refused.code(), "monitor.state");
        let text = fs::read_to_string(folder.path().join("state.json")).unwrap();
        let path = folder.path().join("state.json");
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            StateDir::open(folder.path(), false).unwrap_err().code()
        };
        for at in (0..text.len()).step_by(7) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(refused(&bytes), "monitor.state", "{at}");
            assert_eq!(refused(&text.as_bytes()[..at]), "monitor.state", "{at}");
        }
        assert_eq!(refused(format!("{text} ").as_bytes()), "monitor.state");
        fs::write(&path, text).unwrap();
        StateDir::open(folder.path(), false).unwrap();
    }

    #[test]
    fn a_state_that_is_missing_or_older_is_never_replaced_silently() {
        let folder = tempfile::tempdir().unwrap();
        let open = |init| StateDir::open(folder.path(), init).map(drop);
        assert_eq!(open(false).unwrap_err().code(), "monitor.no_state");
        let path = folder.path().join("state.json");
        fs::write(&path, r#"{"type":"cosignet.monitor/v1","what":1}"#).unwrap();
        assert_eq!(open(false).unwrap_err().code(), "monitor.state");
        open(true).unwrap();
        assert!(folder.path().join("state.json.old").exists());
        fs::write(&path, r#"{"type":"cosignet.monitor/v3"}"#).unwrap();
        assert_eq!(open(true).unwrap_err().code(), "monitor.state");
    }
}
