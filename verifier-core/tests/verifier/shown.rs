//! The escaping of characters, for all of Unicode. ICU's data decide; the table of the core is made
//! of them, so that the core needs no data of its own.
//!
//! `UNICODE=overwrite cargo test -p verifier-core --test verifier shown` writes the table anew.

// Tests may panic; clippy does not see that helpers outside `#[test]` are tests too.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use core::fmt::Write as _;
use std::sync::LazyLock;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use verifier_core::hazmat::shown::{escape, is_hidden, plain, quote};

/// Blank pictures: no property tells them from pictures that show something.
const BLANKS: [char; 6] = [
    '\u{2800}',  // BRAILLE PATTERN BLANK
    '\u{fffc}',  // OBJECT REPLACEMENT CHARACTER
    '\u{133fc}', // EGYPTIAN HIEROGLYPH Z015B, blank in common fonts
    '\u{13441}', // EGYPTIAN HIEROGLYPH FULL BLANK
    '\u{13442}', // EGYPTIAN HIEROGLYPH HALF BLANK
    '\u{1d159}', // MUSICAL SYMBOL NULL NOTEHEAD
];

/// ICU's data on a code point.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    hidden: bool,
    mark: bool,
    /// One of many that are alike: private, or assigned to nothing.
    plenty: bool,
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let kind = |c: u32| {
        use GeneralCategory as Is;
        let category = categories.get32(c);
        let unseen = match category {
            Is::Control
            | Is::Format
            | Is::LineSeparator
            | Is::ParagraphSeparator
            | Is::PrivateUse
            | Is::Surrogate
            | Is::Unassigned => true,
            Is::SpaceSeparator => c != u32::from(' '),
            _ => false,
        };
        let blank = char::from_u32(c).is_some_and(|c| BLANKS.contains(&c));
        let marks = [Is::EnclosingMark, Is::NonspacingMark, Is::SpacingMark];
        Kind {
            hidden: unseen || blank || ignorable.contains32(c),
            mark: marks.contains(&category),
            plenty: [Is::PrivateUse, Is::Unassigned].contains(&category),
        }
    };
    (0..=0x0010_ffff).map(kind).collect()
});

fn kind(c: u32) -> Kind {
    KINDS[usize::try_from(c).unwrap().min(KINDS.len() - 1)]
}

fn hidden(c: u32) -> bool {
    kind(c).hidden
}

fn mark(c: u32) -> bool {
    kind(c).mark
}

fn all() -> impl Iterator<Item = char> {
    (0..=0x0010_ffff).filter_map(char::from_u32)
}

/// The lengths of runs, out of the set and in it, seven bits a byte.
fn runs(is_in: fn(u32) -> bool) -> Vec<u8> {
    let mut lengths = Vec::new();
    let (mut within, mut length) = (false, 0_u32);
    for c in 0..=0x0010_ffff_u32 {
        if is_in(c) != within {
            lengths.push(length);
            (within, length) = (!within, 0);
        }
        length += 1;
    }
    if within {
        lengths.push(length);
    }
    let mut bytes = Vec::new();
    for mut length in lengths {
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
    }
    bytes
}

fn table() -> String {
    let mut out = String::from(
        "//! Sets of characters; see `contains` for the form. Written by `tests/verifier/shown.rs`.\n",
    );
    let hidden_doc =
        "Cc, Cf, Cn, Co, Cs, Zl, Zp, Zs but the space; Default_Ignorable_Code_Point; other blanks.";
    let sets = [
        ("HIDDEN", hidden_doc, runs(hidden)),
        ("MARKS", "Mc, Me, Mn.", runs(mark)),
    ];
    for (name, doc, bytes) in sets {
        write!(
            out,
            "\n/// {doc}\n#[rustfmt::skip]\npub(super) const {name}: &[u8] = &[\n"
        )
        .unwrap();
        for row in bytes.chunks(20) {
            let row: Vec<String> = row.iter().map(u8::to_string).collect();
            writeln!(out, "    {},", row.join(", ")).unwrap();
        }
        out.push_str("];\n");
    }
    out
}

#[test]
fn the_table_is_that_of_unicode() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shown/table.rs");
    if std::env::var_os("UNICODE").is_some_and(|value| value == "overwrite") {
        std::fs::write(path, table()).unwrap();
        return;
    }
    let found = std::fs::read_to_string(path).unwrap();
    assert!(found == table(), "UNICODE=overwrite writes it anew");
}

/// The ends of every run of one kind, all that is assigned to something unseen, and some of the
/// rest: the table above is compared whole.
fn telling() -> impl Iterator<Item = char> {
    all().filter(|c| {
        let c = u32::from(*c);
        let is = kind(c);
        let edge = is != kind(c.saturating_sub(1)) || is != kind(c + 1);
        edge || c % 101 == 0 || is.hidden && !is.plenty
    })
}

#[test]
fn whatever_is_not_seen_is_escaped_wherever_it_stands() {
    for c in telling() {
        assert_eq!(is_hidden(c), hidden(u32::from(c)), "U+{:04X}", u32::from(c));
        if !is_hidden(c) {
            continue;
        }
        for text in [
            format!("{c}"),
            format!("a{c}"),
            format!("{c}a"),
            format!("a{c}{c}a"),
        ] {
            let shown = [quote(&text), plain(&text), escape(&text)];
            assert!(shown.iter().all(|shown| shown.is_ascii()), "{shown:?}");
        }
    }
}

#[test]
fn nothing_begins_with_what_stands_on_something_else() {
    for c in all().filter(|c| mark(u32::from(*c))) {
        for text in [
            format!("{c}"),
            format!(" {c}"),
            format!("\u{202e}{c}"),
            format!("\"{c}"),
        ] {
            assert!(quote(&text).is_ascii(), "{}", quote(&text));
        }
        let word = format!("a{c}");
        assert_eq!(quote(&word).is_ascii(), is_hidden(c), "{}", quote(&word));
    }
}

#[test]
fn what_is_seen_is_not_escaped() {
    for c in telling().filter(|c| !is_hidden(*c) && !mark(u32::from(*c))) {
        let expected = match c {
            '"' | '\\' => format!("\"\\{c}\""),
            _ => format!("\"{c}\""),
        };
        assert_eq!(quote(&c.to_string()), expected);
    }
}
