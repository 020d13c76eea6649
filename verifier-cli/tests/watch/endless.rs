//! A log that signs a tree of 2^40 entries, and serves filler for as long as it is asked.

use std::fs;
use std::sync::{Arc, Mutex};

use test_vectors::approval::LOG_ORIGIN;
use test_vectors::encoding::b64;
use test_vectors::http::{Response, serve};
use test_vectors::note::note;
use test_vectors::tree::{Hash, leaf_hash, node_hash};

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

const ENDLESS: u64 = 1 << 40;

/// The log's treatment of the tiles that lead to its root.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    Withheld,
    Shown,
}

/// The root of 256 hashes, all the same but the first one.
fn root(first: Hash, others: Hash) -> Hash {
    let mut level = [vec![first], vec![others; 255]].concat();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    level[0]
}

/// The first tile of each level and all others: 256 hashes, the first of which may differ.
struct Filler {
    bad: Vec<u8>,
    filler: Vec<u8>,
    /// The first and the other hashes of each level.
    levels: Vec<(Hash, Hash)>,
}

impl Filler {
    fn new(bad: Vec<u8>, filler: Vec<u8>) -> Self {
        let mut levels = vec![(leaf_hash(&bad), leaf_hash(&filler))];
        for _ in 0..5 {
            let (first, others) = levels[levels.len() - 1];
            levels.push((root(first, others), root(others, others)));
        }
        Self {
            bad,
            filler,
            levels,
        }
    }

    fn root(&self) -> Hash {
        self.levels[5].0
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let (level, place) = path.strip_prefix("/tile/")?.split_once('/')?;
        let (place, width) = place.split_once(".p/").unwrap_or((place, "256"));
        let width: usize = width.parse().ok()?;
        let is_first = !place.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
        if level == "entries" {
            let entry = |entry: &[u8]| {
                let length = u16::try_from(entry.len()).unwrap().to_be_bytes();
                [&length[..], entry].concat()
            };
            let first = if is_first { &self.bad } else { &self.filler };
            return Some([entry(first), entry(&self.filler).repeat(255)].concat());
        }
        let (first, others) = *self.levels.get(level.parse::<usize>().ok()?)?;
        let first = if is_first { first } else { others };
        Some([first.to_vec(), others.repeat(255)].concat()[..32 * width].to_vec())
    }
}

/// A log with that head, in the world of a monitor. The requests that it got.
fn endless(world: &World, edge: Edge) -> (String, Arc<Mutex<u64>>) {
    let mut bad = draft(SIZE + 60);
    bad.edit_entry = |entry| entry.signature[9] ^= 1;
    // Of a type that is not known: it breaks no rule, and there are as many of it as anybody wants.
    let filler = br#"{"type":"cosignet.approval/v9"}"#.to_vec();
    let filler = Filler::new(leaf(&bad), filler);
    let text = format!("{LOG_ORIGIN}\n{ENDLESS}\n{}\n", b64(&filler.root()));
    let log = world.log(&[]);
    let head = note(&text, &log.sign(&text, &world.cosigners(NOW)));
    let asked = Arc::<Mutex<u64>>::default();
    let count = Arc::clone(&asked);
    let url = serve(move |request| {
        *count.lock().unwrap() += 1;
        if request.path == "/checkpoint" {
            return Some(Response::ok(head.clone()));
        }
        let upper = ["/tile/1/", "/tile/2/", "/tile/3/", "/tile/4/", "/tile/5/"];
        let upper = upper.iter().any(|level| request.path.starts_with(level));
        let hidden = edge == Edge::Withheld && upper;
        let file = filler.file(&request.path).filter(|_| !hidden);
        Some(file.map_or(Response::new(404, ""), Response::ok))
    });
    (url, asked)
}

fn state_bytes(world: &World) -> u64 {
    let files = fs::read_dir(world.path("state")).unwrap();
    let lengths = files.map(|file| file.unwrap().metadata().unwrap());
    lengths
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

#[test]
fn nothing_is_read_on_the_word_of_a_head_alone() {
    let world = World::new();
    let (url, asked) = endless(&world, Edge::Withheld);
    let round = world.round_of(&url, "--init");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["served.missing".into()]),
        "{round:?}"
    );
    assert!(*asked.lock().unwrap() < 10, "{asked:?}");
    let fetched = world.run(&format!("fetch 5 --log {url} -o out.json --timeout 2"));
    assert_eq!(fetched.code, 4, "{fetched:?}");
}

#[test]
fn a_round_ends_judges_what_it_has_and_the_next_one_goes_on() {
    let world = World::new();
    let (url, _) = endless(&world, Edge::Shown);
    let round = world.round_of(&url, "--init --round-entries 2000");
    assert_eq!(round.code, 1, "{round:?}");
    world.alarm("entry.rejected");
    let stopped = &round.events("stopped")[0];
    assert_eq!(stopped["code"], "monitor.budget");
    assert_eq!(stopped["exitCode"], 5);
    fs::rename(world.path("state/alarms"), world.path("dealt-with")).unwrap();
    let first = state_bytes(&world);
    let round = world.round_of(&url, "--round-entries 2000");
    assert_eq!(round.code, 5, "{round:?}");
    assert_eq!(round.events("resumed").len(), 1, "{round:?}");
    assert!(state_bytes(&world) < 3 * first + 200_000);
    for budget in ["--round-seconds 1", "--round-mib 1"] {
        let round = world.round_of(&url, budget);
        assert_eq!(
            (round.code, round.events("stopped").len()),
            (5, 1),
            "{round:?}"
        );
    }
    // An honest head is looked at all the same, and what was signed is not forgotten.
    world.serve(&entries(SIZE), NOW);
    let round = world.round("");
    assert_eq!(round.events("checked")[0]["size"], SIZE, "{round:?}");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.behind".into()])
    );
}
