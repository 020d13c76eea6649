//! `ots` and `bitcoin.headers`: timestamps and chains of headers, on regtest.

use serde_json::{Value, json};

use super::File;
use crate::bitcoin::{
    Block, Chain, EASIEST, MAGIC, attestation, block_hash, follow, in_block, number, path,
    promised, proof, timestamp, var_bytes,
};
use crate::encoding::{b64url, hex, sha256};

const BITCOIN: &str = "0588960d73d71901";
const ETHEREUM: &str = "30fe8087b5c7ead7";
const LITECOIN: &str = "06869a0d73d71b45";
const PENDING: &str = "83dfe30d2ef90c8e";
const UNKNOWN: &str = "0102030405060708";
const CALENDAR: &str = "https://calendar.example";
const BAD: &str = "anchor.bad_proof";
const TIME: u32 = 1_700_000_000;

fn digest() -> [u8; 32] {
    sha256(b"a checkpoint")
}

fn input(proof: &[u8], headers: Value) -> Value {
    let (digest, ots) = (hex(&digest()), b64url(proof));
    json!({"network": "regtest", "digest": digest, "ots": ots, "headers": headers})
}

/// A proof over the digest, without headers.
fn stamped(timestamp: &[u8]) -> Value {
    input(&proof(&digest(), timestamp), json!({}))
}

fn nothing() -> Value {
    json!({"bitcoin": [], "pending": []})
}

pub(super) fn ots() -> File {
    let mut file = File::new(
        "ots",
        "form",
        "OpenTimestamps proofs over one digest: paths, attestations, limits, and headers that fit \
         or do not",
    );
    good(&mut file);
    headers_of_blocks(&mut file);
    limits(&mut file);
    for (name, timestamp) in malformed() {
        file.invalid(name, stamped(&timestamp), BAD);
    }
    let good = proof(&digest(), &timestamp(&path(), &in_block(5)));
    for (name, at, byte) in [
        ("another first byte", 0, 1),
        ("another last byte of the magic", 30, 0),
        ("version 0", 31, 0),
        ("version 2", 31, 2),
        ("a file hash of SHA-1", 32, 0x02),
        ("a file hash of RIPEMD-160", 32, 0x03),
        ("a file hash of Keccak-256", 32, 0x67),
        ("a proof of another digest", 33, digest()[0] ^ 1),
    ] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        file.invalid(name, input(&bytes, json!({})), BAD);
    }
    for length in [0, MAGIC.len(), 32, 33, 64, 65, good.len() - 1] {
        let name = format!("cut off after {length} bytes");
        file.invalid(name, input(&good[..length], json!({})), BAD);
    }
    let long_version = [&MAGIC[..], &[0x81, 0x00, 0x08], &good[33..]].concat();
    file.invalid(
        "version 1 in two bytes",
        input(&long_version, json!({})),
        BAD,
    );
    let trailing = [&good[..], &[0]].concat();
    file.invalid("a byte more", input(&trailing, json!({})), BAD);
    file
}

fn good(file: &mut File) {
    let op = |tag: u8| [&[tag][..], &in_block(1)].concat();
    let sha1_tail = [&[0x02][..], &[0xf0, 12], &[7; 12], &in_block(1)].concat();
    let ripemd_tail = [&[0x03][..], &[0xf1, 12], &[7; 12], &in_block(1)].concat();
    let hexlified = [&[0xf3, 0x08][..], &in_block(1)].concat();
    for (name, timestamp) in [
        ("no operation", in_block(1)),
        ("a path", timestamp(&path(), &in_block(5))),
        ("sha256", op(0x08)),
        ("keccak256", op(0x67)),
        ("reverse", op(0xf2)),
        ("sha1", sha1_tail),
        ("ripemd160", ripemd_tail),
        ("hexlify", hexlified),
        ("the largest height", in_block((1 << 32) - 1)),
        (
            "an attestation of Litecoin",
            attestation(LITECOIN, &number(1 << 40)),
        ),
        (
            "an attestation of Ethereum",
            attestation(ETHEREUM, &number(3_283_713)),
        ),
        ("an unknown attestation", attestation(UNKNOWN, b"anything")),
        (
            "an unknown attestation of nothing",
            attestation(UNKNOWN, b""),
        ),
        (
            "an unknown attestation as long as it can be",
            attestation(UNKNOWN, &[1; 8192]),
        ),
        ("255 operations", [&[0x08; 255][..], &in_block(1)].concat()),
        (
            "a message as long as it can be",
            [&[0xf0][..], &var_bytes(&[1; 4064]), &[0x08], &in_block(1)].concat(),
        ),
    ] {
        file.case(name, stamped(&timestamp), nothing());
    }
    let long = format!("https://{}", "a".repeat(992));
    for (name, uri) in [
        ("pending", CALENDAR),
        (
            "pending, with every character that an address may have",
            "AZaz09.-_/:",
        ),
        ("pending, with an address as long as it can be", &long),
        ("pending, without an address", ""),
    ] {
        let expect = json!({"bitcoin": [], "pending": [uri]});
        file.case(name, stamped(&promised(uri)), expect);
    }
    let branches = [
        &[0xff][..],
        &promised("https://one.example"),
        &[0xff, 0x08, 0xff],
        &promised("https://two.example"),
        &in_block(1),
        &attestation(UNKNOWN, b"x"),
    ]
    .concat();
    let expect = json!({"bitcoin": [], "pending": ["https://one.example", "https://two.example"]});
    file.case("branches in branches", stamped(&branches), expect);
}

fn headers_of_blocks(file: &mut File) {
    let root = follow(&path(), &digest());
    let bytes = proof(&digest(), &timestamp(&path(), &in_block(2)));
    let block = Chain::default()
        .extended(1, TIME, "other")
        .next(root, TIME + 600);
    let with = |header: &[u8]| input(&bytes, json!({"2": hex(header)}));
    let header = block.mine();
    let found = json!({"bitcoin": [{"height": 2, "time": TIME + 600}], "pending": []});
    file.case("with the header of its block", with(&header), found.clone());
    let both = proof(
        &digest(),
        &[
            &[0xff][..],
            &promised(CALENDAR),
            &timestamp(&path(), &in_block(2)),
        ]
        .concat(),
    );
    let expect = json!({"bitcoin": found["bitcoin"], "pending": [CALENDAR]});
    let headers = json!({"2": hex(&header)});
    file.case(
        "with the header of its block, and pending",
        input(&both, headers),
        expect,
    );
    let mut other = block;
    other.merkle_root[0] ^= 1;
    let mut reversed = block;
    reversed.merkle_root.reverse();
    for (name, header) in [
        ("with a header of another Merkle root", other.mine()),
        (
            "with a header whose Merkle root is in display order",
            reversed.mine(),
        ),
        (
            "with a header without the work that it claims",
            block.fail(),
        ),
    ] {
        file.invalid(name, with(&header), "anchor.header");
    }
    for (name, bits) in [
        ("with a target that is too easy", 0x2100_ffff),
        ("with a negative target", 0x2080_ffff),
        ("with a target of zero", 0x2000_0000),
        ("with a target too large to exist", 0xff00_ffff),
    ] {
        let mut block = block;
        block.bits = bits;
        file.invalid(name, with(&block.header(0)), "anchor.header");
    }
    let mut mainnet = with(&header);
    mainnet["network"] = json!("mainnet");
    file.invalid(
        "with a header of regtest on mainnet",
        mainnet,
        "anchor.header",
    );
    let mut unnamed = with(&header);
    unnamed.as_object_mut().unwrap().remove("network");
    let name = "with a header of regtest and no network, which is mainnet";
    file.invalid(name, unnamed, "anchor.header");
}

fn limits(file: &mut File) {
    let good = in_block(1);
    let many = |n: usize| [[&[0xff][..], &good].concat().repeat(n - 1), good.clone()].concat();
    file.case("256 attestations", stamped(&many(256)), nothing());
    file.invalid("257 attestations", stamped(&many(257)), BAD);
    file.invalid(
        "256 operations",
        stamped(&[&[0x08; 256][..], &good].concat()),
        BAD,
    );
    let long = |n: usize| [&[0xf0][..], &var_bytes(&vec![1; n]), &[0x08], &good].concat();
    file.invalid("a message of 4,097 bytes", stamped(&long(4065)), BAD);
    file.invalid("an operand of 4,097 bytes", stamped(&long(4097)), BAD);
    // 32 bytes and 2,017 more, as hex.
    let hexlified = [&[0xf0][..], &var_bytes(&[1; 2017]), &[0xf3, 0x08], &good].concat();
    file.invalid("hex of 2,049 bytes", stamped(&hexlified), BAD);
    for n in [20, 28] {
        let hexlified = [&vec![0xf3; n][..], &good].concat();
        file.invalid(format!("hexlify {n} times"), stamped(&hexlified), BAD);
    }
    let uri = format!("https://{}", "a".repeat(993));
    file.invalid("an address of 1,001 bytes", stamped(&promised(&uri)), BAD);
    file.invalid(
        "an unknown attestation of 8,193 bytes",
        stamped(&attestation(UNKNOWN, &[1; 8193])),
        BAD,
    );
    let filler = [&[0xff][..], &attestation(UNKNOWN, &[1; 8000])].concat();
    let large = [
        &filler.repeat(8)[..],
        &[0xff],
        &attestation(UNKNOWN, &[1; 1352]),
        &good,
    ]
    .concat();
    assert_eq!(proof(&digest(), &large).len(), 65_536);
    file.case("65,536 bytes", stamped(&large), nothing());
    let larger = [
        &filler.repeat(8)[..],
        &[0xff],
        &attestation(UNKNOWN, &[1; 1353]),
        &good,
    ]
    .concat();
    file.invalid("65,537 bytes", stamped(&larger), BAD);
    let branch = [&[0xff][..], &[0xf2; 200], &[0x08], &good].concat();
    let busy = [
        &[0xf0][..],
        &var_bytes(&[1; 4064]),
        &branch.repeat(20),
        &[0x08],
        &good,
    ]
    .concat();
    file.invalid("operations that move more than 4 MiB", stamped(&busy), BAD);
    // 32 for the first fork, 64 for each reversal, 32 + 4,096 for the long message, and then 1,022
    // times 4,096: two forks with 191 reversals, and 128 more.
    let branch = [&[0xff][..], &[0xf2; 191], &attestation(UNKNOWN, b"")].concat();
    let exact = |forks: usize| {
        [
            &[&[0xff][..], &attestation(UNKNOWN, b"")]
                .concat()
                .repeat(forks)[..],
            &[0xf2; 63],
            &[0xf0],
            &var_bytes(&[1; 4064]),
            &branch.repeat(2),
            &[0xf2; 128],
            &attestation(UNKNOWN, b""),
        ]
        .concat()
    };
    file.case("operations that move 4 MiB", stamped(&exact(1)), nothing());
    file.invalid(
        "operations that move 32 bytes more than 4 MiB",
        stamped(&exact(2)),
        BAD,
    );
    let forks = [&[0xf0][..], &var_bytes(&[1; 4064]), &[0xff].repeat(20_000)].concat();
    file.invalid("siblings without end", stamped(&forks), BAD);
}

fn malformed() -> Vec<(String, Vec<u8>)> {
    let good = in_block(1);
    // The tag, and anything in place of length and payload.
    let tag = |tag: &str, rest: &[u8]| [&attestation(tag, b"")[..9], rest].concat();
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("no item", vec![]),
        ("an operation and nothing", vec![0x08]),
        (
            "a sibling that does not follow",
            [&[0xff][..], &good].concat(),
        ),
        (
            "two sibling marks",
            [&[0xff, 0xff][..], &good, &good].concat(),
        ),
        (
            "an operation that does not exist",
            [&[0x55][..], &good].concat(),
        ),
        (
            "append without an operand",
            [&[0xf0, 0][..], &good].concat(),
        ),
        (
            "prepend without an operand",
            [&[0xf1, 0][..], &good].concat(),
        ),
        (
            "append with the length in two bytes",
            [&[0xf0, 0x81, 0x00, 7, 0x08][..], &good].concat(),
        ),
        ("a root of 33 bytes", [&[0xf0, 1, 9][..], &good].concat()),
        ("a root of 20 bytes", [&[0x02][..], &good].concat()),
        (
            "a height in more bytes than it needs",
            attestation(BITCOIN, &[0x81, 0x00]),
        ),
        ("a height of 2^32", in_block(1 << 32)),
        ("a height of 2^64 - 1", in_block(u64::MAX)),
        (
            "a height of 2^64",
            attestation(
                BITCOIN,
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
            ),
        ),
        (
            "a height in twelve bytes",
            attestation(BITCOIN, &[&[0x80; 11][..], &[1]].concat()),
        ),
        ("no height", attestation(BITCOIN, b"")),
        ("a height and a byte more", attestation(BITCOIN, &[1, 0])),
        (
            "an attestation whose length is larger than it",
            tag(BITCOIN, &[0x7f, 1]),
        ),
        (
            "an attestation of 2^63 - 1 bytes",
            tag(UNKNOWN, &number(u64::MAX >> 1)),
        ),
        (
            "an attestation of 2^35 bytes",
            tag(UNKNOWN, &number(1 << 35)),
        ),
        (
            "an attestation of Litecoin with a byte more",
            attestation(LITECOIN, &[1, 0]),
        ),
        (
            "an attestation of Ethereum with a byte more",
            attestation(ETHEREUM, &[1, 0]),
        ),
        (
            "an attestation of Ethereum without a height",
            attestation(ETHEREUM, b""),
        ),
        (
            "an address with a space",
            promised("https://calendar.example/ x"),
        ),
        (
            "an address with a query",
            promised("https://calendar.example/?x"),
        ),
        (
            "an address with an at sign",
            promised("https://a@calendar.example"),
        ),
        (
            "an address that is not ASCII",
            promised("https://k\u{e4}lender.example"),
        ),
        (
            "an address and a byte more",
            attestation(PENDING, &[&var_bytes(b"https://a")[..], b"x"].concat()),
        ),
        (
            "an address that is cut off",
            attestation(PENDING, &[9, b'h']),
        ),
        (
            "a bad branch after a good one",
            [&[0xff][..], &good, &[0x55]].concat(),
        ),
        (
            "a bad branch before a good one",
            [&[0xff, 0x55][..], &good].concat(),
        ),
    ];
    rows.into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect()
}

pub(super) fn headers() -> File {
    let mut file = File::new(
        "bitcoin.headers",
        "regtest",
        "chains of regtest headers with real work: links, times, targets",
    );
    let chain = Chain::default().extended(15, TIME, "block");
    let input =
        |headers: &[u8]| json!({"network": "regtest", "startHeight": 0, "headers": hex(headers)});
    let of = |chain: &Chain| input(&chain.bytes());
    file.valid("from the first block", of(&chain));
    file.valid("the first block alone", of(&Chain::default()));
    let more = |block: Block| [&chain.bytes()[..], &block.mine()].concat();
    let root = sha256(b"another");
    let next = |time| chain.next(root, time);
    // The median of the eleven blocks before is the time of block 10.
    let median = TIME + 9 * 600;
    file.valid(
        "a block earlier than the one before it",
        input(&more(next(median + 1))),
    );
    let part = chain.headers[1..].concat();
    file.valid(
        "behind blocks that are given",
        json!({"network": "regtest", "startHeight": 1, "headers": hex(&part),
               "previous": hex(&chain.headers[0])}),
    );
    file.invalid("at the median", input(&more(next(median))), "headers.chain");
    let mut early = chain.clone();
    early.headers.truncate(3);
    let early = [&early.bytes()[..], &early.next(root, TIME - 1).mine()].concat();
    file.invalid(
        "at the median of three blocks",
        input(&early),
        "headers.chain",
    );
    let mut harder = next(TIME + 15 * 600);
    harder.bits = EASIEST - 1;
    file.invalid("another target", input(&more(harder)), "headers.chain");
    let mut easier = harder;
    easier.bits = 0x2100_ffff;
    file.invalid(
        "a target that is too easy",
        input(&more(easier)),
        "headers.chain",
    );
    let mut lazy = chain.bytes();
    lazy.extend(next(TIME + 15 * 600).fail());
    file.invalid("a block without its work", input(&lazy), "headers.chain");
    let mut unlinked = next(TIME + 15 * 600);
    unlinked.previous[31] ^= 1;
    file.invalid(
        "a block that follows another",
        input(&more(unlinked)),
        "headers.chain",
    );
    let mut gap = chain.clone();
    gap.headers.remove(7);
    file.invalid("a block missing", of(&gap), "headers.chain");
    let mut twice = chain.clone();
    twice.headers.insert(7, twice.headers[7]);
    file.invalid("a block twice", of(&twice), "headers.chain");
    let mut swapped = chain.clone();
    swapped.headers.swap(7, 8);
    file.invalid(
        "two blocks in the wrong order",
        of(&swapped),
        "headers.chain",
    );
    file.invalid("not from the first block", input(&part), "headers.chain");
    let mut other = of(&chain);
    for network in ["mainnet", "testnet4", "signet"] {
        other["network"] = json!(network);
        file.invalid(format!("as {network}"), other.clone(), "headers.chain");
    }
    let middle = json!({"network": "regtest", "startHeight": 1, "headers": hex(&part)});
    file.invalid("from the second block", middle, "headers.form");
    let wrong = json!({"network": "regtest", "startHeight": 2, "headers": hex(&part),
                       "previous": hex(&chain.headers[..2].concat())});
    file.invalid(
        "behind other blocks than those given",
        wrong,
        "headers.chain",
    );
    file.invalid("nothing", input(&[]), "headers.form");
    let cut = chain.bytes();
    file.invalid("cut off", input(&cut[..cut.len() - 1]), "headers.form");
    long_chains(&mut file);
    file
}

/// As [`headers`], about targets alone: where an epoch ends, and what a chain may begin with.
pub(super) fn epochs() -> File {
    let mut file = File::new(
        "bitcoin.retarget",
        "regtest",
        "regtest keeps its target at a multiple of 2016, whatever time the blocks took",
    );
    let harder = EASIEST - 1;
    let block = |previous: [u8; 32], time: u32, bits: u32| Block {
        previous,
        merkle_root: sha256(b"epoch"),
        time,
        bits,
    };
    let first = block([1; 32], TIME, harder).mine_from(0);
    let last = block([2; 32], TIME + 600, harder).mine_from(0);
    let next = |bits: u32| block(block_hash(&last), TIME + 1200, bits);
    let input = |first: &[u8; 80], last: &[u8; 80], next: &[u8; 80]| json!({"network": "regtest", "first": hex(first), "last": hex(last), "next": hex(next)});
    let chain = "headers.chain";
    file.valid(
        "the same target",
        input(&first, &last, &next(harder).mine_from(0)),
    );
    for (name, bits) in [
        ("the easiest target instead", EASIEST),
        ("a fourth of the target, as if time counted", 0x201f_ffff),
        ("a target above the limit", 0x2100_ffff),
    ] {
        file.invalid(name, input(&first, &last, &next(bits).mine_from(0)), chain);
    }
    let lazy = (0..)
        .map(|nonce| next(harder).header(nonce))
        .find(|header| block_hash(header)[31] >= 0x80)
        .unwrap();
    file.invalid("without its own work", input(&first, &last, &lazy), chain);
    let above = block([2; 32], TIME + 600, 0x2100_ffff).mine_from(0);
    let behind = block(block_hash(&above), TIME + 1200, 0x2100_ffff).mine_from(0);
    file.invalid(
        "the last of the epoch above the limit",
        input(&first, &above, &behind),
        chain,
    );
    let unlinked = block([3; 32], TIME + 1200, harder).mine_from(0);
    file.invalid(
        "behind another block",
        input(&first, &last, &unlinked),
        chain,
    );
    file
}

/// Chains that begin where an epoch begins, and one that goes on where it ends.
fn long_chains(file: &mut File) {
    let input = |start: u32, headers: &[[u8; 80]]| json!({"network": "regtest", "startHeight": start, "headers": hex(&headers.concat())});
    let epoch = Chain::default().extended(2017, TIME, "epoch");
    file.valid("across block 2016", input(0, &epoch.headers));
    // From the middle: any target to begin with, and no median before the twelfth.
    let harder = EASIEST - 1;
    let chain = |times: &[u32]| {
        let mut headers: Vec<[u8; 80]> = Vec::new();
        for time in times {
            let previous = headers.last().map_or([9; 32], block_hash);
            let block = Block {
                previous,
                merkle_root: sha256(b"middle"),
                time: *time,
                bits: harder,
            };
            headers.push(block.mine_from(0));
        }
        headers
    };
    let falling: Vec<u32> = (0..11).map(|i| TIME - i).collect();
    file.valid(
        "from block 2016, any target, eleven blocks each earlier than the one before",
        input(2016, &chain(&falling)),
    );
    // The median of the eleven is TIME - 5.
    let with = |time: u32| chain(&[&falling[..], &[time]].concat());
    file.valid(
        "from block 2016, the twelfth later than the median",
        input(2016, &with(TIME - 4)),
    );
    file.invalid(
        "from block 2016, the twelfth at the median",
        input(2016, &with(TIME - 5)),
        "headers.chain",
    );
    file.invalid(
        "from block 2015",
        input(2015, &chain(&falling)),
        "headers.form",
    );
    let mut eased = chain(&falling);
    let last = Block {
        previous: block_hash(eased.last().unwrap()),
        merkle_root: sha256(b"middle"),
        time: TIME,
        bits: EASIEST,
    };
    eased.push(last.mine_from(0));
    file.invalid(
        "from block 2016, another target in the middle",
        input(2016, &eased),
        "headers.chain",
    );
    // Of two times the later one is the median.
    let two = Chain::default().with(sha256(b"a"), TIME);
    let block = |time| [&two.headers[..], &[two.next(sha256(b"b"), time).mine()]].concat();
    file.valid("later than the later of two", input(0, &block(TIME + 1)));
    file.invalid(
        "as late as the later of two",
        input(0, &block(TIME)),
        "headers.chain",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitcoin::Op;

    #[test]
    fn a_path_is_followed_as_it_is_written() {
        let path = [Op::Append(vec![1]), Op::Prepend(vec![2]), Op::Sha256];
        assert_eq!(follow(&path, &[3]), sha256(&[2, 3, 1]));
        assert_eq!(timestamp(&path, &[9]), [0xf0, 1, 1, 0xf1, 1, 2, 8, 9]);
    }
}
