//! Everybody outside a log: clients who append, readers who remember every checkpoint, and auditors. They
//! see what the public sees, and write down whatever must not be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use test_vectors::encoding::{hex, sha256};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{Level, Tile, entries};
use verifier_core::{Policy, Request, verify};

use crate::harness::{Approval, Client, Dice, LOG};
use crate::stage::{Stage, object};

/// What everybody knows together.
#[derive(Default)]
pub(crate) struct Record {
    /// Every head that anybody was ever shown, and by whom first.
    heads: Mutex<BTreeMap<u64, (Hash, String)>>,
    /// Number, index and bundle of each append that was answered with success.
    acknowledged: Mutex<Vec<(u32, u64, String)>>,
    /// When that was, to measure gaps.
    times: Mutex<Vec<Instant>>,
    violations: Mutex<BTreeSet<String>>,
    /// Answers by status and code, for people.
    answers: Mutex<BTreeMap<String, u32>>,
}

impl Record {
    /// Something that must not be.
    pub(crate) fn violation(&self, what: String) {
        eprintln!("VIOLATION: {what}");
        self.violations.lock().unwrap().insert(what);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().iter().cloned().collect()
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// The largest size that anybody was shown.
    pub(crate) fn size(&self) -> u64 {
        let heads = self.heads.lock().unwrap();
        heads.last_key_value().map_or(0, |(size, _)| *size)
    }

    pub(crate) fn answers(&self) -> BTreeMap<String, u32> {
        self.answers.lock().unwrap().clone()
    }

    /// How many appends were answered with success since then.
    pub(crate) fn acknowledged_since(&self, then: Instant) -> usize {
        let times = self.times.lock().unwrap();
        times.iter().rev().take_while(|time| **time > then).count()
    }

    /// The longest time without such an answer between two moments.
    pub(crate) fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let times = self.times.lock().unwrap();
        let between = times
            .iter()
            .copied()
            .filter(|time| (from..to).contains(time));
        let mut last = from;
        let mut longest = Duration::ZERO;
        for time in between.chain([to]) {
            longest = longest.max(time.saturating_duration_since(last));
            last = time;
        }
        longest
    }

    /// A checkpoint that somebody shows. Its size; `None` if it is none.
    fn shown(&self, who: &str, text: &str) -> Option<u64> {
        let signed = SignedCheckpoint::parse(text).ok()?;
        let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
        let mut heads = self.heads.lock().unwrap();
        let (known, by) = heads.entry(size).or_insert((root, who.to_owned()));
        if *known != root {
            let what = format!("{by} and {who} show two heads of {size} entries");
            drop(heads);
            self.violation(what);
        }
        Some(size)
    }
}

/// Those who act on their own while a log is in trouble.
pub(crate) struct Audience {
    pub(crate) record: Arc<Record>,
    is_over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// What one of them does until it is over.
type Work = Box<dyn FnOnce(&Record, &AtomicBool) + Send>;

/// How many clients append at a time.
pub(crate) const CLIENTS: u32 = 16;

impl Audience {
    /// Clients and readers of these members, of their bucket and of their witnesses.
    pub(crate) fn start(stage: &Stage, seed: u64) -> Self {
        let record = Arc::new(Record::default());
        let is_over = Arc::new(AtomicBool::new(false));
        let members: Vec<Client> = stage.members.iter().map(|one| one.client.clone()).collect();
        let mut threads = Vec::new();
        let mut start = |work: Work| {
            let (record, is_over) = (Arc::clone(&record), Arc::clone(&is_over));
            threads.push(std::thread::spawn(move || work(&record, &is_over)));
        };
        let next = Arc::new(AtomicU32::new(1));
        for number in 0..CLIENTS {
            let (members, next) = (members.clone(), Arc::clone(&next));
            let dice = Dice::of(seed ^ (u64::from(number + 1) << 32));
            start(Box::new(move |record, is_over| {
                append(record, is_over, &members, &next, dice);
            }));
        }
        for (number, member) in members.iter().cloned().enumerate() {
            start(Box::new(move |record, is_over| {
                watch(record, is_over, &member, number);
            }));
        }
        let filer = stage.filer();
        let hash = hex(&sha256(LOG.as_bytes()));
        let witnesses = stage.witnesses.each_ref().map(|witness| witness.url());
        start(Box::new(move |record, is_over| {
            while !is_over.load(SeqCst) {
                if let Some(text) = object(&filer, "checkpoint") {
                    record.shown("the bucket", &text);
                }
                for witness in &witnesses {
                    if let Some(text) = object(&format!("{witness}/{hash}"), "checkpoint") {
                        record.shown("a witness", &text);
                    }
                }
                std::thread::sleep(Duration::from_millis(250));
            }
        }));
        Self {
            record,
            is_over,
            threads,
        }
    }

    /// Ends all of them.
    pub(crate) fn end(&mut self) {
        self.is_over.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.record
                    .violation("an answer is not as the description says".into());
            }
        }
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        self.is_over.store(true, SeqCst);
    }
}

/// One client: an approval after the other, each of them until it is in.
fn append(
    record: &Record,
    is_over: &AtomicBool,
    members: &[Client],
    next: &AtomicU32,
    mut dice: Dice,
) {
    while !is_over.load(SeqCst) {
        let number = next.fetch_add(1, SeqCst);
        let approval = Approval::new(number);
        loop {
            if is_over.load(SeqCst) {
                return;
            }
            let member = members.get(dice.index(members.len())).unwrap();
            let Ok(reply) = member.try_append(&approval) else {
                record.answered("no answer".into());
                std::thread::sleep(Duration::from_millis(50 + dice.below(100)));
                continue;
            };
            record.answered(format!("{} {}", reply.status, reply.code()));
            match reply.status {
                200 | 201 => {
                    let (index, bundle) = (reply.index(), reply.text());
                    let proof = reply.json()["logProof"].as_str().unwrap().to_owned();
                    let checkpoint = proof.split_once("\n\n").unwrap().1;
                    record.shown("a bundle", checkpoint);
                    let mut all = record.acknowledged.lock().unwrap();
                    all.push((number, index, bundle));
                    drop(all);
                    record.times.lock().unwrap().push(Instant::now());
                    // The machine is also that of other tests.
                    std::thread::sleep(Duration::from_millis(20 + dice.below(20)));
                    break;
                }
                // A clock that is wrong, as one of the faults.
                422 if reply.code() == "entry.decided_at" => {}
                429 | 503 => {}
                other => {
                    let code = reply.code();
                    record.violation(format!("approval {number} is answered with {other} {code}"));
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(50 + dice.below(100)));
        }
    }
}

impl Record {
    fn answered(&self, how: String) {
        *self.answers.lock().unwrap().entry(how).or_default() += 1;
    }
}

/// One reader of one member, to whom it never shows less than before.
fn watch(record: &Record, is_over: &AtomicBool, member: &Client, number: usize) {
    let who = format!("member {number}");
    let mut last = 0;
    while !is_over.load(SeqCst) {
        if let Ok(reply) = member.send("GET", "/checkpoint", &[], b"")
            && reply.status == 200
        {
            let size = record.shown(&who, &reply.text());
            let size = size.unwrap_or_else(|| {
                record.violation(format!("{who} shows no checkpoint: {}", reply.text()));
                last
            });
            if size < last {
                record.violation(format!("{who} shows {size} entries after {last}"));
            }
            last = last.max(size);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What the auditors find at the end in the tree that a member shows.
pub(crate) fn audit(stage: &Stage, record: &Record, member: &Client) {
    let checkpoint = member.checkpoint();
    let Some(size) = record.shown("the end", &checkpoint) else {
        return record.violation(format!("no checkpoint at the end: {checkpoint}"));
    };
    if size < record.size() {
        record.violation(format!(
            "{} entries were shown, and {size} are there",
            record.size()
        ));
    }
    keep_heads(stage, record);
    let (mut tree, mut ids, mut assertions) =
        (CompactRange::default(), HashMap::new(), HashMap::new());
    let heads = record.heads.lock().unwrap().clone();
    for tile in Tile::all_in_tree(Level::Entries, size) {
        let reply = member.get(&format!("/{}", tile.path()));
        if reply.status != 200 {
            return record.violation(format!("{} is not there", tile.path()));
        }
        for leaf in entries(&reply.bytes).unwrap() {
            let index = tree.size();
            tree.append(leaf_hash(leaf)).unwrap();
            if let Some((root, by)) = heads.get(&tree.size())
                && *root != tree.root()
            {
                let size = tree.size();
                record.violation(format!("{by} has shown another tree of {size} entries"));
            }
            let entry = Entry::parse(std::str::from_utf8(leaf).unwrap()).unwrap();
            if ids.insert(entry.approval_id_hash, index).is_some() {
                record.violation(format!("the approval id of entry {index} is there twice"));
            }
            let assertion = sha256(&entry.assertion_identity());
            if assertions.insert(assertion, index).is_some() {
                record.violation(format!("the assertion of entry {index} is there twice"));
            }
        }
    }
    let acknowledged = record.acknowledged.lock().unwrap();
    let auditor = auditor(&stage.policy);
    let threads = acknowledged.chunks(acknowledged.len().div_ceil(2).max(1));
    std::thread::scope(|scope| {
        for some in threads {
            let (ids, auditor) = (&ids, &auditor);
            scope.spawn(move || {
                for (number, index, bundle) in some {
                    let id = test_vectors::approval::approval_id(*number);
                    if ids.get(&sha256(id.as_bytes())) != Some(index) {
                        record.violation(format!("approval {number} is not entry {index}"));
                    }
                    let request = Request::new().policy(auditor).approval_id(&id);
                    let report = verify(bundle.as_bytes(), &request);
                    let verdict = report.verdict();
                    if verdict != verifier_core::Verdict::Verified {
                        record.violation(format!("approval {number} is {}", verdict.as_str()));
                    }
                }
            });
        }
    });
}

/// Every head in the bucket is one of the same history.
fn keep_heads(stage: &Stage, record: &Record) {
    // An hour makes more than a hundred thousand.
    let list = format!("{}/heads/?limit=10000000", stage.filer());
    let asked = ureq::get(list).header("accept", "application/json").call();
    let mut listed = asked.unwrap();
    let body = listed.body_mut().with_config().limit(1 << 30);
    let text = body.read_to_string().unwrap();
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = listed["Entries"].as_array().cloned().unwrap_or_default();
    for name in names {
        let path = name["FullPath"].as_str().unwrap();
        let name = path.rsplit('/').next().unwrap();
        match stage.object(&format!("heads/{name}")) {
            Some(text) if record.shown("heads/", &text) == name.parse().ok() => {}
            _ => record.violation(format!("heads/{name} is no head of that size")),
        }
    }
    if names_are_none(&listed) {
        record.violation("the bucket has no heads".into());
    }
}

fn names_are_none(listed: &serde_json::Value) -> bool {
    listed["Entries"].as_array().is_none_or(Vec::is_empty)
}

/// Somebody who trusts the passkey of all approvals and this log.
fn auditor(log: &str) -> Policy {
    let mut policy = Approval::new(1).draft.mint().policy;
    policy.log = Some(log.into());
    Policy::from_json(policy.value().to_string().as_bytes()).unwrap()
}
