//! A calendar that speaks the API of OpenTimestamps, and a miner that puts what it has promised
//! into blocks with real work. Nothing of the protocol is left out but the network.

use core::mem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::bitcoin::{Chain, Op, attestation, follow, in_block, number, promised, timestamp};
use crate::encoding::{hex, sha256};
use crate::http::{Request, Response, serve};

/// How a calendar behaves.
#[derive(Clone, Debug, Default)]
pub enum Mood {
    /// As it should.
    #[default]
    Sound,
    /// It takes digests, promises, and forgets.
    Forgets,
    /// It closes every connection.
    Gone,
    /// It sends everybody to another address.
    Moved(String),
    /// It answers with more than anybody should read: a long promise, a megabyte of zeros.
    Floods,
    /// It promises in the name of somebody else.
    Refers(String),
    /// It answers with an operation that no calendar needs.
    Reverses,
    /// It shows a block that has another root.
    Lies,
    /// Each of its answers leads to something else as well: another chain, a kind of attestation
    /// that nobody knows.
    Besides,
}

/// A running calendar.
#[derive(Clone, Debug)]
pub struct Calendar {
    uri: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    uri: String,
    mood: Mood,
    taken: u32,
    /// Promised, and in no block.
    waiting: Vec<Vec<u8>>,
    /// From a promised message to its block.
    blocks: HashMap<String, Vec<u8>>,
    /// The requests, path by path.
    asked: Vec<String>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self::start()
    }
}

impl Calendar {
    /// Starts one on loopback.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let uri = serve(move |request| shared.lock().unwrap().answer(request));
        state.lock().unwrap().uri.clone_from(&uri);
        Self { uri, state }
    }

    /// Its address, as proofs name it.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Changes how it behaves.
    pub fn set(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// Has a digest stamped, as if it had been posted.
    pub fn stamp(&self, digest: &[u8; 32]) -> Vec<u8> {
        self.state().promise(digest)
    }

    /// How many digests it has taken.
    pub fn taken(&self) -> u32 {
        self.state().taken
    }

    /// The paths that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Option<Response> {
        self.asked.push(request.path.clone());
        match &self.mood {
            Mood::Gone => return None,
            Mood::Floods if request.method == "GET" => {
                return Some(Response::ok(vec![0; 1 << 20]));
            }
            Mood::Moved(to) => {
                let mut moved = Response::new(302, "");
                moved.headers = format!("location: {to}{}\r\n", request.path);
                return Some(moved);
            }
            _ => {}
        }
        let text = |status, text: &str| Some(Response::new(status, text));
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/digest") if request.body.len() > 64 => text(400, "digest too long"),
            ("POST", "/digest") => Some(Response::ok(self.promise(&request.body))),
            ("GET", path) => match path.strip_prefix("/timestamp/") {
                Some(message) => match self.blocks.get(message) {
                    Some(block) => Some(Response::ok(match self.mood {
                        Mood::Besides => beside(block),
                        _ => block.clone(),
                    })),
                    None if self.waiting.iter().any(|known| hex(known) == message) => {
                        text(404, "Pending confirmation in Bitcoin blockchain")
                    }
                    None => text(404, "Not found"),
                },
                None => text(404, "Not found"),
            },
            _ => text(501, "Unsupported method"),
        }
    }

    /// ```text
    /// append nonce[16], sha256, append sibling[32], sha256, prepend time[4], append mac[8]
    /// ```
    fn promise(&mut self, digest: &[u8]) -> Vec<u8> {
        self.taken += 1;
        let drawn = sha256(format!("{} {}", self.uri, self.taken).as_bytes());
        let seconds = 1_700_000_000 + self.taken;
        let path = [
            Op::Append(drawn[..16].to_vec()),
            Op::Sha256,
            Op::Append(sha256(&drawn).to_vec()),
            Op::Sha256,
            Op::Prepend(seconds.to_be_bytes().to_vec()),
            Op::Append(drawn[24..].to_vec()),
        ];
        let message = path.iter().fold(digest.to_vec(), |m, op| op.apply(&m));
        let uri = match &self.mood {
            Mood::Refers(uri) => uri.clone(),
            _ => self.uri.clone(),
        };
        match self.mood {
            Mood::Forgets => {}
            Mood::Floods => {
                let long = [Op::Prepend(vec![7; 4000]), Op::Sha256];
                return timestamp(&[&long[..], &long, &long].concat(), &promised(&uri));
            }
            Mood::Besides => {
                self.waiting.push(message);
                return beside(&timestamp(&path, &promised(&uri)));
            }
            Mood::Reverses => return [&[0xf2], &timestamp(&path, &promised(&uri))[..]].concat(),
            _ => self.waiting.push(message),
        }
        timestamp(&path, &promised(&uri))
    }
}

/// A timestamp with two others of the same message before it.
fn beside(timestamp: &[u8]) -> Vec<u8> {
    let litecoin = attestation("06869a0d73d71b45", &number(3_000_000));
    let unknown = attestation("0102030405060708", b"?");
    [&[0xff][..], &litecoin, &[0xff], &unknown, timestamp].concat()
}

/// Mines the next block of regtest. Each calendar that owes something has a transaction in it
/// that commits to the root of all that it owes, and from then on shows the path to the block.
pub fn mine(calendars: &[&Calendar], chain: &mut Chain, time: u32) {
    let height = u64::try_from(chain.headers.len()).unwrap();
    let mut owed: Vec<(&Calendar, Vec<Promise>)> = Vec::new();
    let mut transactions = vec![double(format!("coinbase {height}").as_bytes())];
    for &calendar in calendars {
        let waiting = mem::take(&mut calendar.state().waiting);
        if waiting.is_empty() {
            continue;
        }
        let mut promises = tree(&waiting);
        let root = follow(&promises[0].path, &promises[0].message);
        let (before, after) = transaction(height);
        transactions.push(double(&[&before[..], &root, &after].concat()));
        for Promise { path, .. } in &mut promises {
            path.extend([Op::Prepend(before.clone()), Op::Append(after.clone())]);
            path.extend([Op::Sha256, Op::Sha256]);
        }
        owed.push((calendar, promises));
    }
    let (root, places) = block_tree(&transactions);
    for ((calendar, promises), place) in owed.into_iter().zip(&places[1..]) {
        let mut state = calendar.state();
        for Promise { message, mut path } in promises {
            path.extend(place.iter().cloned());
            if matches!(state.mood, Mood::Lies) {
                path.push(Op::Sha256);
            }
            let shown = timestamp(&path, &in_block(height));
            state.blocks.insert(hex(&message), shown);
        }
    }
    *chain = chain.clone().with(root, time);
}

/// A promised message, and where it leads.
struct Promise {
    message: Vec<u8>,
    path: Vec<Op>,
}

/// The calendar's own tree: a path from each message to its root. An odd one out moves up.
fn tree(messages: &[Vec<u8>]) -> Vec<Promise> {
    let promise = |message: &Vec<u8>| Promise {
        message: message.clone(),
        path: vec![Op::Sha256],
    };
    let mut promises: Vec<Promise> = messages.iter().map(promise).collect();
    // A node, and which messages are below it.
    let mut level: Vec<([u8; 32], Vec<usize>)> = messages
        .iter()
        .enumerate()
        .map(|(i, message)| (sha256(message), vec![i]))
        .collect();
    while level.len() > 1 {
        let mut next = Vec::new();
        for pair in level.chunks(2) {
            let [left, right] = pair else {
                next.extend(pair.iter().cloned());
                continue;
            };
            for i in &left.1 {
                let step = [Op::Append(right.0.into()), Op::Sha256];
                promises[*i].path.extend(step);
            }
            for i in &right.1 {
                let step = [Op::Prepend(left.0.into()), Op::Sha256];
                promises[*i].path.extend(step);
            }
            let node = sha256(&[left.0, right.0].concat());
            next.push((node, [&left.1[..], &right.1].concat()));
        }
        level = next;
    }
    promises
}

/// A transaction with one output, `OP_RETURN <32 bytes>`: what is before those bytes, and after.
fn transaction(height: u64) -> (Vec<u8>, Vec<u8>) {
    let spent = sha256(&height.to_le_bytes());
    let before = [
        &[1, 0, 0, 0, 1][..],
        &spent,
        &[0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1],
        &[0, 0, 0, 0, 0, 0, 0, 0, 34, 0x6a, 0x20],
    ];
    (before.concat(), vec![0, 0, 0, 0])
}

/// The root of a block's transactions, and the path of each to it.
fn block_tree(transactions: &[[u8; 32]]) -> ([u8; 32], Vec<Vec<Op>>) {
    let mut paths = vec![Vec::new(); transactions.len()];
    let mut places: Vec<usize> = (0..transactions.len()).collect();
    let mut level = transactions.to_vec();
    while level.len() > 1 {
        if level.len() % 2 == 1 {
            level.push(*level.last().unwrap());
        }
        for (path, place) in paths.iter_mut().zip(&mut places) {
            let sibling = level[*place ^ 1].to_vec();
            path.push(match *place % 2 {
                0 => Op::Append(sibling),
                _ => Op::Prepend(sibling),
            });
            path.extend([Op::Sha256, Op::Sha256]);
            *place /= 2;
        }
        let nodes = level.chunks(2).map(|pair| double(&pair.concat()));
        level = nodes.collect();
    }
    (level[0], paths)
}

fn double(bytes: &[u8]) -> [u8; 32] {
    sha256(&sha256(bytes))
}
