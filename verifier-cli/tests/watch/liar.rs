//! A log that lies in one way after the other, beside the same log telling the truth.
//!
//! Each lie says beforehand what each reader has to make of it: the monitor that has seen the log
//! before, `fsck` of its address, and `fetch` of one entry. The expectations are written from what a
//! reader can know, and not from what the programs do: a proof where the log has signed two things
//! that do not go together, no more than a complaint where bytes do not fit a head, and nothing
//! where only somebody with a memory can know.

use std::fs;
use std::process::Command;

use test_vectors::approval::DECIDED_AT_SECONDS;
use test_vectors::encoding::pseudo_random;
use test_vectors::note::note;
use test_vectors::server::Server;
use test_vectors::{Draft, Log, site};
use verifier_core::Time;

use crate::real::program;
use crate::world::{NOW, SIZE, World, draft, entries, leaf};

/// The promise of the log, and what clocks may differ by, in seconds.
const PROMISE: u64 = 86_400 + 240;

/// The finding of a monitor's round.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Seen {
    /// Nothing: exit 0.
    Nothing,
    /// Something that does not fit or is missing, with this code: exit 4, and nobody is accused.
    Complaint(&'static str),
    /// A proof of this kind: exit 1.
    Proof(&'static str),
}

use Seen::{Complaint, Nothing, Proof};

/// A log that has been audited once, and how large it is when it lies.
#[derive(Clone, Copy, Debug)]
struct Case {
    first: usize,
    then: usize,
}

/// The right conclusions of the readers of a lie.
#[derive(Clone, Copy, Debug)]
struct Expected {
    monitor: Seen,
    /// Whether `fsck` of the address finds damage.
    fsck: bool,
    /// An entry that `fetch` gets, and whether it gets it.
    fetch: Option<(usize, bool)>,
    /// The monitor's round after that, when the log tells the truth again, grown by so many
    /// entries.
    later: Seen,
    grown: usize,
}

type Lie = fn(&World, &mut Chance, Case) -> Expected;

/// Every lie, by name.
const LIES: &[(&str, Lie)] = &[
    ("an entry exchanged at the same size", exchanged),
    ("an entry exchanged below the growth", exchanged_and_grown),
    ("an entry inserted in the middle", inserted),
    ("an entry dropped", dropped),
    ("an older head, cosigned again", replayed),
    ("an older head of another tree", back_and_away),
    ("another root at the same size", other_root),
    ("a root that no tiles have", unshown_root),
    ("a fork whose tiles are withheld", withheld_fork),
    ("a fork for others", fork_for_others),
    ("an anchored head of another tree", anchored_fork),
    ("a head of another key", foreign_head),
    ("a head without its quorum", lonely_head),
    ("a changed hash", changed_hash),
    ("a changed entry", changed_entry),
    ("a changed tile for others", changed_for_others),
    ("a tile of another width", wrong_width),
    ("a bundle withheld", withheld_bundle),
    ("a promise not kept", late),
    ("a promise that may not have been kept", overdue),
    ("an entry from the future", post_dated),
    ("a bad signature", bad_signature),
    ("an approval id used twice", approval_twice),
    ("an assertion used twice", assertion_twice),
];

/// Numbers that a seed decides.
struct Chance {
    seed: String,
    drawn: u64,
}

impl Chance {
    fn new(seed: &str) -> Self {
        Self {
            seed: seed.into(),
            drawn: 0,
        }
    }

    /// One of `from..to`.
    fn between(&mut self, from: usize, to: usize) -> usize {
        self.drawn += 1;
        let bytes = pseudo_random(&format!("{} {}", self.seed, self.drawn));
        let number = u64::from_be_bytes(bytes[..8].try_into().unwrap());
        let span = u64::try_from(to - from).unwrap();
        from + usize::try_from(number % span).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.between(0, 2) == 1
    }

    /// A sound entry that is in no log.
    fn stranger(&mut self) -> Vec<u8> {
        leaf(&draft(self.between(SIZE + 100, SIZE + 10_000)))
    }

    /// The honest entries with another one in the place of one of the first `below`.
    fn rewritten(&mut self, count: usize, below: usize) -> Vec<Vec<u8>> {
        let mut leaves = entries(count);
        let at = self.between(0, below);
        leaves[at] = self.stranger();
        leaves
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        let bit = self.between(0, bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

fn expected(monitor: Seen, fsck: bool, later: Seen) -> Expected {
    Expected {
        monitor,
        fsck,
        fetch: None,
        later,
        grown: 3,
    }
}

/// A proof that only somebody with a memory has: the log agrees with itself.
fn forked(kind: &'static str) -> Expected {
    Expected {
        fetch: Some((0, true)),
        ..expected(Proof(kind), false, Proof(kind))
    }
}

fn exchanged(world: &World, chance: &mut Chance, case: Case) -> Expected {
    world.serve(&chance.rewritten(case.first, case.first), NOW);
    forked("fork.same_size")
}

fn exchanged_and_grown(world: &World, chance: &mut Chance, case: Case) -> Expected {
    world.serve(&chance.rewritten(case.then, case.first), NOW + 60);
    forked("fork.rewritten")
}

fn inserted(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let mut leaves = entries(case.then);
    leaves.insert(chance.between(0, case.first), chance.stranger());
    world.serve(&leaves, NOW + 60);
    forked("fork.rewritten")
}

fn dropped(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let mut leaves = entries(case.then + 1);
    leaves.remove(chance.between(0, case.first));
    world.serve(&leaves, NOW + 60);
    forked("fork.rewritten")
}

fn replayed(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let size = chance.between(1, case.first);
    world.serve(&entries(size), if chance.coin() { NOW } else { NOW + 600 });
    Expected {
        fetch: Some((size - 1, true)),
        ..expected(Complaint("monitor.behind"), false, Nothing)
    }
}

fn back_and_away(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let size = chance.between(1, case.first);
    world.serve(&chance.rewritten(size, size), NOW);
    forked("fork.rewritten")
}

/// A head with a root of its own making, signed and cosigned as any other.
fn invented(world: &World, size: usize) -> String {
    let log = world.log(&entries(size));
    let mut checkpoint = log.checkpoint(size);
    checkpoint.root = pseudo_random("no tree");
    let text = checkpoint.text();
    note(&text, &log.sign(&text, &world.cosigners(NOW)))
}

fn other_root(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let head = invented(world, case.first);
    world.publish(&world.server, &entries(case.first), &head);
    Expected {
        fetch: Some((chance.between(0, case.first), false)),
        ..expected(Proof("fork.same_size"), true, Proof("fork.same_size"))
    }
}

fn unshown_root(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let head = invented(world, case.then);
    world.publish(&world.server, &entries(case.then), &head);
    // With the honest head of that size there are two.
    Expected {
        grown: 0,
        fetch: Some((chance.between(0, case.then), false)),
        ..expected(Complaint("served.mismatch"), true, Proof("fork.same_size"))
    }
}

fn withheld_fork(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let leaves = chance.rewritten(case.then - 1, case.first);
    let head = world.head(&leaves, NOW + 60);
    world.server.replace([("checkpoint".to_owned(), head)]);
    Expected {
        fetch: Some((0, false)),
        ..expected(Complaint("served.missing"), true, Proof("fork.rewritten"))
    }
}

/// The log itself tells the truth; the address in the file `others` does not.
fn fork_for_others(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let others = Server::start();
    let size = chance.between(1, case.then + 1);
    let leaves = chance.rewritten(size, size.min(case.first));
    world.publish(&others, &leaves, &world.head(&leaves, NOW));
    world.write("others", others.url());
    world.serve(&entries(case.then), NOW + 60);
    // The log has grown by the time that others are compared with it.
    let kind = match size == case.then {
        true => "fork.same_size",
        false => "fork.rewritten",
    };
    Expected {
        fetch: Some((0, true)),
        ..expected(Proof(kind), false, Proof(kind))
    }
}

fn anchored_fork(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let size = chance.between(1, case.first);
    let leaves = chance.rewritten(size, size);
    world.serve(&entries(case.then), NOW + 60);
    let index = format!(r#"{{"anchors":[{{"treeSize":{size}}}]}}"#);
    world.server.set("anchors/index.json", index);
    let head = world.head(&leaves, NOW);
    world
        .server
        .set(&format!("anchors/{size}/checkpoint"), head);
    forked("fork.rewritten")
}

fn foreign_head(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let leaves = entries(case.then);
    let name = world.log(&[]).key.name;
    let other = Log::new(&name, pseudo_random("another key"), &leaves);
    let text = other.checkpoint(leaves.len()).text();
    let mut lines = other.sign(&text, &world.cosigners(NOW));
    if chance.coin() {
        // Under the id of the right key, which has not signed it.
        let own = world.log(&leaves).sign(&text, &[]);
        lines[0] = own[0].clone();
        let flipped = text.replacen(&format!("\n{}\n", case.then), "\n99999\n", 1);
        world.publish(&world.server, &leaves, &note(&flipped, &lines));
    } else {
        world.publish(&world.server, &leaves, &note(&text, &lines));
    }
    Expected {
        fetch: Some((0, false)),
        ..expected(Complaint("monitor.head"), true, Nothing)
    }
}

fn lonely_head(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let leaves = entries(case.then);
    let by = [(0, NOW + 60)];
    let cosigners = if chance.coin() { &by[..] } else { &[] };
    let head = world.head_by(&leaves, cosigners);
    world.publish(&world.server, &leaves, &head);
    // The tree is the right one, and whoever knows no witnesses has nothing to complain about.
    expected(Complaint("monitor.head"), false, Nothing)
}

fn changed_hash(world: &World, chance: &mut Chance, case: Case) -> Expected {
    world.serve(&entries(case.then), NOW + 60);
    let tiles = site::tiles(&entries(case.then)).into_iter();
    let tiles: Vec<_> = { tiles }
        .filter(|(path, _)| !path.contains("/entries/"))
        .collect();
    let (path, mut bytes) = tiles[chance.between(0, tiles.len())].clone();
    let at = chance.between(0, bytes.len() / 32);
    chance.flip(&mut bytes[at * 32..][..32]);
    world.server.set(&path, bytes);
    // A monitor compares the tiles of what is new, and reads those at the edge to see that the log
    // has the tree at all. What it has checked before it computes from what it has kept.
    let partial = path.contains(".p/");
    let needed = partial || case.first < 256;
    let last = case.then - 1;
    let parts: Vec<&str> = path.split(['/', '.']).collect();
    let (level, number): (u32, usize) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
    // The path of an entry has no hash above the entry itself.
    let own = number * 256 + at == last / 256_usize.pow(level);
    Expected {
        fetch: partial.then_some((last, own)),
        ..expected(
            if needed {
                Complaint("served.mismatch")
            } else {
                Nothing
            },
            true,
            Nothing,
        )
    }
}

/// A new entry of the log, changed, and its bundle.
fn broken_bundle(chance: &mut Chance, case: Case) -> (String, Vec<u8>, usize) {
    let mut leaves = entries(case.then);
    let at = chance.between(case.first, case.then);
    chance.flip(&mut leaves[at]);
    let bundle = { site::tiles(&leaves).into_iter() }
        .find(|(path, _)| path.starts_with(&format!("tile/entries/{:03}", at / 256)))
        .unwrap();
    (bundle.0, bundle.1, at)
}

fn changed_entry(world: &World, chance: &mut Chance, case: Case) -> Expected {
    world.serve(&entries(case.then), NOW + 60);
    let (path, bytes, at) = broken_bundle(chance, case);
    world.server.set(&path, bytes);
    Expected {
        fetch: Some((at, false)),
        ..expected(Complaint("served.mismatch"), true, Nothing)
    }
}

/// The monitor reads the truth; `fsck` and `fetch` ask the other address, whose head is the same.
fn changed_for_others(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let (path, bytes, at) = broken_bundle(chance, case);
    let others = Server::start();
    let leaves = entries(case.then);
    world.serve(&leaves, NOW + 60);
    world.publish(&others, &leaves, &world.head(&leaves, NOW + 60));
    others.set(&path, bytes);
    world.write("others", others.url());
    world.write("readers", others.url());
    Expected {
        fetch: Some((at, false)),
        ..expected(Nothing, true, Nothing)
    }
}

fn wrong_width(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let leaves = entries(case.then);
    world.serve(&leaves, NOW + 60);
    let last = case.then - 1;
    let (number, width) = (last / 256, last % 256 + 1);
    let partial = match width {
        256 => String::new(),
        width => format!(".p/{width}"),
    };
    let level = if chance.coin() { "entries" } else { "0" };
    let path = format!("tile/{level}/{number:03}{partial}");
    let mut bytes = site::tiles(&leaves)[&path].clone();
    match (level, chance.coin()) {
        ("entries", true) => {
            let more = chance.stranger();
            bytes.extend(u16::try_from(more.len()).unwrap().to_be_bytes());
            bytes.extend(more);
        }
        ("entries", false) => bytes.truncate(bytes.len() - 2 - leaves[last].len()),
        // A full tile that is too long is not read to its end.
        (_, true) if width < 256 => bytes.extend([7; 32]),
        (_, _) => bytes.truncate(bytes.len() - 32),
    }
    world.server.set(&path, bytes);
    // The path of an entry that is alone in its tile has no hash of that.
    let alone = level == "0" && width == 1;
    Expected {
        fetch: Some((last, alone)),
        ..expected(Complaint("served.mismatch"), true, Nothing)
    }
}

fn withheld_bundle(world: &World, chance: &mut Chance, case: Case) -> Expected {
    world.serve(&entries(case.then), NOW + 60);
    let (path, _, at) = broken_bundle(chance, case);
    world.server.remove(&path);
    Expected {
        fetch: Some((at, false)),
        ..expected(Complaint("served.missing"), true, Nothing)
    }
}

/// The honest log with one more entry, and that entry's index.
fn with_last(world: &World, case: Case, last: &[Vec<u8>], time: u64) -> usize {
    let leaves = [&entries(case.then)[..], last].concat();
    world.serve(&leaves, time);
    leaves.len() - 1
}

fn decided(draft: &mut Draft, seconds: u64) {
    draft.decided_at = Time::from_seconds(seconds).unwrap().to_string();
}

fn late(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let (mut newer, older) = (draft(SIZE + 61), chance.stranger());
    let more = u64::try_from(chance.between(1, 100_000)).unwrap();
    let time = DECIDED_AT_SECONDS + PROMISE + more;
    decided(&mut newer, time);
    let at = with_last(world, case, &[leaf(&newer), older], time);
    Expected {
        fetch: Some((at, true)),
        ..expected(Proof("entry.late"), false, Proof("entry.late"))
    }
}

/// The time of a cosignature proves nothing against the log: anybody can have a head cosigned again.
fn overdue(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let more = u64::try_from(chance.between(600, 100_000)).unwrap();
    let late = DECIDED_AT_SECONDS + PROMISE + more;
    world.serve(&entries(case.first), late);
    let round = world.round("");
    assert_eq!(round.code, 0, "{round:?}");
    world.serve(&entries(case.then), late + 60);
    // It is said once of each entry.
    Expected {
        grown: 0,
        ..expected(Complaint("monitor.overdue"), false, Nothing)
    }
}

fn post_dated(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let mut early = draft(SIZE + 61);
    let ahead = u64::try_from(chance.between(1, 100_000)).unwrap();
    // Witnesses saw it at NOW + 60 at the latest; clocks may differ.
    decided(&mut early, NOW + 62 + 240 + ahead);
    let at = with_last(world, case, &[leaf(&early)], NOW + 60);
    Expected {
        fetch: Some((at, true)),
        ..expected(Proof("entry.post_dated"), false, Proof("entry.post_dated"))
    }
}

fn bad_signature(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let mut bad = draft(SIZE + 61);
    bad.edit_entry = match chance.coin() {
        true => |entry| entry.signature[9] ^= 1,
        false => |entry| entry.client_data_hash[31] ^= 0x80,
    };
    let at = with_last(world, case, &[leaf(&bad)], NOW + 60);
    Expected {
        fetch: Some((at, true)),
        ..expected(Proof("entry.rejected"), false, Proof("entry.rejected"))
    }
}

fn approval_twice(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let mut twice = draft(SIZE + 61);
    twice.approval_id = draft(chance.between(1, case.then + 1)).approval_id;
    with_last(world, case, &[leaf(&twice)], NOW + 60);
    let kind = "duplicate.approval";
    expected(Proof(kind), true, Proof(kind))
}

fn assertion_twice(world: &World, chance: &mut Chance, case: Case) -> Expected {
    let mut twice = draft(chance.between(1, case.then + 1));
    twice.approval_id = draft(SIZE + 61).approval_id;
    with_last(world, case, &[leaf(&twice)], NOW + 60);
    let kind = "duplicate.assertion";
    expected(Proof(kind), true, Proof(kind))
}

/// Compares a round with what it has to find. An alarm that was raised before stays.
fn judge(world: &World, more: &str, seen: Seen, what: &str) {
    let round = world.round(more);
    let (code, codes) = match seen {
        Nothing => (0, vec![]),
        Complaint(code) => (4, vec![code.to_owned()]),
        Proof(_) => (1, round.codes()),
    };
    assert_eq!(
        (round.code, round.codes()),
        (code, codes),
        "{what}: {round:?}"
    );
    match seen {
        Proof(kind) => drop(world.alarm(kind)),
        Nothing | Complaint(_) => assert!(world.alarms().is_empty(), "{what}: {round:?}"),
    }
}

/// `fsck` of an address: whether it finds damage, and nothing else goes wrong.
fn fsck(world: &World, url: &str, damage: bool, what: &str) {
    let vkey = world.log(&[]).key.vkey();
    let mut command = Command::new(program());
    let output = command
        .args(["fsck", url, "--vkey", &vkey])
        .output()
        .unwrap();
    let code = if damage { 1 } else { 0 };
    assert_eq!(output.status.code(), Some(code), "{what}: fsck: {output:?}");
}

/// `fetch` of an entry: whether it is written, and that it is the right one then.
fn fetch(world: &World, url: &str, index: usize, gets: bool, what: &str) {
    let out = world.path("out.json");
    let _ignored = fs::remove_file(&out);
    let args = format!("fetch {index} --log {url} -o out.json --timeout 2 --policy policy.toml");
    let fetched = world.run(&args);
    // Without evidence the best that can be said is INCOMPLETE.
    assert_eq!(out.exists(), gets, "{what}: {fetched:?}");
    assert!(
        gets || [1, 4].contains(&fetched.code),
        "{what}: {fetched:?}"
    );
}

/// Says what was going on, if a test fails meanwhile.
struct Scene(String);

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// One lie, and the truth after it.
fn lie((name, lie): (&str, Lie), seed: &str, case: Case) {
    let what = format!("{name}, seed {seed}, {case:?}");
    let world = World::new();
    world.audited(&entries(case.first));
    let expected = lie(&world, &mut Chance::new(&format!("{seed} {name}")), case);
    let what = format!("{what}, {expected:?}");
    let _scene = Scene(what.clone());
    let named = |file: &str| fs::read_to_string(world.path(file)).ok();
    let compare = named("others").map(|url| format!("--compare {url}"));
    judge(
        &world,
        &compare.unwrap_or_default(),
        expected.monitor,
        &what,
    );
    let readers = named("readers").unwrap_or_else(|| world.server.url());
    fsck(&world, &readers, expected.fsck, &what);
    if let Some((index, gets)) = expected.fetch {
        fetch(&world, &readers, index, gets, &what);
    }
    // Whatever it was, the log goes on with the truth. Nobody is accused of less than a proof, and
    // a proof is not forgotten.
    world.serve(&entries(case.then + expected.grown), NOW + 120);
    if !matches!(expected.monitor, Proof(_)) || expected.later != expected.monitor {
        judge(&world, "", expected.later, &format!("{what}, later"));
    }
}

/// The truth under the same circumstances.
fn truth(case: Case) {
    let what = format!("the truth, {case:?}");
    let world = World::new();
    world.audited(&entries(case.first));
    for (size, time) in [
        (case.first, NOW),
        (case.then, NOW + 60),
        (case.then, NOW + 600),
    ] {
        world.serve(&entries(size), time);
        judge(&world, "", Nothing, &what);
    }
    fsck(&world, &world.server.url(), false, &what);
    for index in [0, case.first, case.then - 1] {
        fetch(&world, &world.server.url(), index, true, &what);
    }
}

/// One turn: the truth and every lie, at sizes that the seed decides.
fn turn(seed: &str) {
    let mut chance = Chance::new(seed);
    // Often at the border of a tile.
    let first = match chance.between(0, 4) {
        0 => chance.between(253, 259),
        1 => chance.between(2, 12),
        _ => chance.between(2, SIZE),
    };
    let then = match chance.between(0, 3) {
        0 if first < 253 => chance.between(254, 260),
        _ => chance.between(first + 2, SIZE + 50),
    };
    let case = Case { first, then };
    truth(case);
    for one in LIES {
        lie(*one, seed, case);
    }
}

#[test]
fn every_lie_is_noticed_and_the_truth_is_not() {
    turn("1");
}

/// The same many times. `cargo xtask liar` runs it.
#[test]
#[ignore = "takes many minutes"]
fn campaign_of_lies() {
    let number = |name: &str, default: u64| {
        let text = std::env::var(name).ok();
        text.map_or(default, |text| text.parse().unwrap())
    };
    let (first, turns) = (number("SEED", 1), number("TURNS", 20));
    for seed in first..first + turns {
        println!("turn with seed {seed}");
        turn(&seed.to_string());
    }
    println!(
        "{turns} turns, {} lies each, all noticed; no truth was",
        LIES.len()
    );
}
