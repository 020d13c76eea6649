//! Extension outputs: where readers of CBOR differ.

use super::{File, scene};
use crate::ceremony::{ED, UP, UV};
use crate::passkey::cose;

pub(super) fn rows(file: &mut File) {
    let with = |tail: &[u8]| {
        scene(|s| {
            s.ceremony.flags = UP | UV | ED;
            s.ceremony.tail = tail.to_vec();
        })
    };
    for (name, tail) in good() {
        file.valid(format!("extensions: {name}"), with(&tail));
    }
    for (name, tail) in bad() {
        file.invalid(
            format!("extensions: {name}"),
            with(&tail),
            "webauthn.authenticator_data",
        );
    }
}

const TRUE: &[u8] = &[0xf5];

/// A map with these members as they stand.
fn map(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = vec![0xa0 | u8::try_from(members.len()).unwrap()];
    for (key, value) in members {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

/// `{"a": value}`
fn one(value: &[u8]) -> Vec<u8> {
    map(&[(&cose::text("a"), value)])
}

/// This many arrays, one in the other.
fn arrays(count: usize) -> Vec<u8> {
    [vec![0x81; count - 1], vec![0x80]].concat()
}

/// `{"a": [0, 0, …]}`, with this many items in all: the map, the key, the array and zeros.
fn items(count: u16) -> Vec<u8> {
    let zeros = count - 3;
    let head = [&[0x99], &zeros.to_be_bytes()[..]].concat();
    one(&[head, vec![0; zeros.into()]].concat())
}

fn good() -> Vec<(&'static str, Vec<u8>)> {
    let (text, int) = (cose::text, cose::int);
    vec![
        ("an empty map", map(&[])),
        ("null", one(&[0xf6])),
        (
            "keys in order, the shorter first",
            map(&[(&text("b"), TRUE), (&text("aa"), TRUE)]),
        ),
        ("four levels", one(&arrays(3))),
        ("1,024 items", items(1024)),
        ("a map inside with a number for a key", {
            one(&map(&[(&int(1), TRUE)]))
        }),
        ("a map inside with bytes for a key", {
            one(&map(&[(&cose::bytes(b"k"), TRUE)]))
        }),
        (
            "a map inside, its positive number longer and before its negative one",
            one(&map(&[(&int(1000), TRUE), (&int(-1), TRUE)])),
        ),
        (
            "the largest and the smallest integer",
            one(&[&[0x82, 0x1b][..], &[0xff; 8], &[0x3b], &[0xff; 8]].concat()),
        ),
    ]
}

fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let (text, int) = (cose::text, cose::int);
    vec![
        (
            "keys in alphabetical order, the longer first",
            map(&[(&text("aa"), TRUE), (&text("b"), TRUE)]),
        ),
        (
            "keys of one length out of order",
            map(&[(&text("b"), TRUE), (&text("a"), TRUE)]),
        ),
        (
            "a key twice",
            map(&[(&text("a"), TRUE), (&text("a"), TRUE)]),
        ),
        ("five levels", one(&arrays(4))),
        ("1,025 items", items(1025)),
        ("a number for a key", map(&[(&int(1), TRUE)])),
        ("bytes for a key", map(&[(&cose::bytes(b"a"), TRUE)])),
        ("a key that is not UTF-8", map(&[(&[0x61, 0xff], TRUE)])),
        ("a text that is not UTF-8", one(&[0x61, 0xff])),
        ("a surrogate in UTF-8", one(&[0x63, 0xed, 0xa0, 0x80])),
        ("half a float", one(&[0xf9, 0x3c, 0x00])),
        ("a float", one(&[0xfa, 0x3f, 0x80, 0x00, 0x00])),
        ("undefined", one(&[0xf7])),
        ("a simple value in two bytes", one(&[0xf8, 0x20])),
        ("true in two bytes", one(&[0xf8, 0x15])),
        ("a tag", one(&[0xc1, 0x00])),
        ("a number in more bytes than it needs", one(&[0x18, 0x17])),
        (
            "a length in more bytes than it needs",
            one(&[0x58, 0x01, 0x00]),
        ),
        (
            "a number of members in more bytes than it needs",
            [&[0xb8, 0x01][..], &text("a"), TRUE].concat(),
        ),
        ("an array of indefinite length", one(&[0x9f, 0xff])),
        (
            "a text of indefinite length",
            one(&[0x7f, 0x61, 0x61, 0xff]),
        ),
        ("a reserved length", one(&[0x1c])),
        (
            "a map inside with an array for a key",
            one(&map(&[(&[0x80], TRUE)])),
        ),
        (
            "a map inside with true for a key",
            one(&map(&[(TRUE, TRUE)])),
        ),
        (
            "a map inside, its text before its number",
            one(&map(&[(&text("a"), TRUE), (&int(1), TRUE)])),
        ),
        (
            "a map inside, its negative number before its positive one",
            one(&map(&[(&int(-1), TRUE), (&int(1000), TRUE)])),
        ),
        (
            "a map inside with a key twice",
            one(&map(&[(&int(1), TRUE), (&int(1), TRUE)])),
        ),
    ]
}
