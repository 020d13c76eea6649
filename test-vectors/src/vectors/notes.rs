//! `note`: signed notes (C2SP signed-note), with cosignatures.

use serde_json::{Value, json};

use super::File;
use crate::encoding::{b64, flip, pseudo_random};
use crate::note::{COSIGNATURE, NOTE, NoteKey, note};

const TIME: u64 = 1_772_366_405;

pub(super) fn generated() -> File {
    let mut file = File::new(
        "note",
        "generated",
        "signed notes: what is verified, what is ignored, what is refused",
    );
    let key = |name: &str, kind| NoteKey::new(name, kind, pseudo_random(name));
    let (a, b) = (key("a.example/log", NOTE), key("b.example", NOTE));
    let (w, v) = (
        key("w.example/1", COSIGNATURE),
        key("v.example", COSIGNATURE),
    );
    let text = "a.example/log\n7\nR5y09q0/iwFAFyl7p2IbBXiS0maZ64aL6jcebhvhS0E=\n";
    let (la, lb) = (a.line(text, 0), b.line(text, 0));
    let (lw, lv) = (w.line(text, TIME), v.line(text, TIME + 1));
    let verified = |names: &[&str]| json!({"verified": names});
    let of = |lines: &[&String], keys: &[&NoteKey]| {
        let lines: Vec<String> = lines.iter().map(|l| (*l).clone()).collect();
        input(&note(text, &lines), keys)
    };

    file.case(
        "one signature",
        of(&[&la], &[&a]),
        verified(&["a.example/log"]),
    );
    file.case(
        "two signatures",
        of(&[&la, &lb], &[&a, &b]),
        verified(&["a.example/log", "b.example"]),
    );
    file.case(
        "a signature and two cosignatures",
        of(&[&la, &lw, &lv], &[&a, &w, &v]),
        verified(&["a.example/log", "w.example/1", "v.example"]),
    );
    file.case(
        "a cosignature alone",
        of(&[&la, &lw], &[&w]),
        verified(&["w.example/1"]),
    );
    file.case(
        "an unknown key in front",
        of(&[&lb, &la], &[&a]),
        verified(&["a.example/log"]),
    );
    file.case(
        "a known key that did not sign",
        of(&[&la], &[&a, &b]),
        verified(&["a.example/log"]),
    );
    let other = NoteKey::new(
        "a.example/log",
        NOTE,
        pseudo_random("another key of this name"),
    );
    file.case(
        "another key of the same name is ignored",
        of(&[&other.line(text, 0), &la], &[&a]),
        verified(&["a.example/log"]),
    );
    file.case(
        "the same key for another name is ignored",
        of(&[&a.renamed("c.example").line(text, 0), &la], &[&a]),
        verified(&["a.example/log"]),
    );
    file.case(
        "an unknown key with a bad signature is ignored",
        of(&[&la, &b.line_with(&[7; 64])], &[&a]),
        verified(&["a.example/log"]),
    );
    file.case(
        "an unknown key with a long signature is ignored",
        of(&[&la, &b.line_with(&[7; 3300])], &[&a]),
        verified(&["a.example/log"]),
    );
    let many: Vec<String> = (0..15)
        .map(|i| key(&format!("x{i}.example"), NOTE).line(text, 0))
        .collect();
    file.case(
        "sixteen signatures",
        of(
            &[&many.iter().collect::<Vec<_>>()[..], &[&la]].concat(),
            &[&a],
        ),
        verified(&["a.example/log"]),
    );
    let empty_line = "first\n\nthird\n";
    file.case(
        "an empty line inside the text",
        input(&note(empty_line, &[a.line(empty_line, 0)]), &[&a]),
        verified(&["a.example/log"]),
    );
    let dashes = "\u{2014} b.example AAAA\nsecond \u{e9}\n";
    file.case(
        "a text that looks like a signature line",
        input(&note(dashes, &[a.line(dashes, 0)]), &[&a]),
        verified(&["a.example/log"]),
    );
    file.case(
        "a cosignature of the first second of 1970",
        of(&[&la, &w.line(text, 1)], &[&a, &w]),
        verified(&["a.example/log", "w.example/1"]),
    );

    file.case(
        "two lines of one key",
        of(&[&la, &lb, &la], &[&a, &b]),
        verified(&["a.example/log", "b.example"]),
    );
    file.case(
        "two known keys of one name",
        of(&[&la, &other.line(text, 0)], &[&a, &other]),
        verified(&["a.example/log", "a.example/log"]),
    );
    let lines = |count: usize| {
        let lines = core::iter::repeat_n(&la, count - 8);
        let lines: Vec<&String> = lines.chain(core::iter::repeat_n(&lb, 8)).collect();
        of(&lines, &[&a, &b])
    };
    file.case(
        "sixteen lines of two keys",
        lines(16),
        verified(&["a.example/log", "b.example"]),
    );
    file.invalid(
        "seventeen lines of two keys, none of them with more than nine",
        lines(17),
        "log.checkpoint_form",
    );
    for (name, vkey) in [
        ("no verifier key", "a.example/log".to_owned()),
        ("a verifier key with another id", {
            a.vkey().replace("a.example/log+", "b.example+")
        }),
        ("a verifier key of an unknown type", a.with_kind(2).vkey()),
    ] {
        let mut input = of(&[&la], &[&a]);
        input["vkeys"] = json!([vkey]);
        file.invalid(format!("{name} among the known"), input, "policy.log");
    }

    let unknown = "log.unknown_key";
    file.invalid("signed by an unknown key only", of(&[&lb], &[&a]), unknown);
    file.invalid("no key is known", of(&[&la], &[]), unknown);
    file.invalid(
        "the key under another name",
        of(&[&la], &[&a.renamed("c.example")]),
        unknown,
    );
    file.invalid(
        "a signature line of the key for another type",
        of(&[&la], &[&a.with_kind(COSIGNATURE)]),
        unknown,
    );
    file.invalid(
        "another key of the same name only",
        of(&[&other.line(text, 0)], &[&a]),
        unknown,
    );

    let (bad, cosignature_bad) = ("log.bad_signature", "log.bad_cosignature");
    let signature = a.sign(text, 0);
    let cosignature = w.sign(text, TIME);
    file.invalid(
        "a bit flipped in the signature",
        of(&[&a.line_with(&flip(signature.clone()))], &[&a]),
        bad,
    );
    file.invalid(
        "a bit flipped in the signature, beside a good one",
        of(&[&a.line_with(&flip(signature.clone())), &lb], &[&a, &b]),
        bad,
    );
    file.invalid(
        "63 bytes",
        of(&[&a.line_with(&signature[..63])], &[&a]),
        bad,
    );
    file.invalid(
        "65 bytes",
        of(&[&a.line_with(&[&signature[..], &[0]].concat())], &[&a]),
        bad,
    );
    file.invalid("one byte", of(&[&a.line_with(&[0])], &[&a]), bad);
    file.invalid(
        "a signature of zeros",
        of(&[&a.line_with(&[0; 64])], &[&a]),
        bad,
    );
    file.invalid(
        "signed by another key under this id",
        of(&[&a.line_with(&b.sign(text, 0))], &[&a]),
        bad,
    );
    file.invalid(
        "the text changed",
        input(
            &note(&text.replace('7', "8"), core::slice::from_ref(&la)),
            &[&a],
        ),
        bad,
    );
    file.invalid(
        "the text without its last newline was signed",
        of(&[&a.line_with(&a.sign(text.trim_end(), 0))], &[&a]),
        bad,
    );
    file.invalid(
        "a line added to the text",
        input(
            &note(&format!("{text}more\n"), core::slice::from_ref(&la)),
            &[&a],
        ),
        bad,
    );
    file.invalid(
        "a plain signature in place of a cosignature",
        of(&[&w.line_with(&w.with_kind(NOTE).sign(text, 0))], &[&w]),
        cosignature_bad,
    );
    file.invalid(
        "a cosignature in place of a plain signature",
        of(
            &[&a.line_with(&a.with_kind(COSIGNATURE).sign(text, TIME))],
            &[&a],
        ),
        bad,
    );
    file.invalid(
        "the time of a cosignature changed",
        of(&[&w.line_with(&flip_time(&cosignature))], &[&w]),
        cosignature_bad,
    );
    file.invalid(
        "a cosignature without a time",
        of(&[&w.line_with(&cosignature[8..])], &[&w]),
        cosignature_bad,
    );
    file.invalid(
        "a cosignature cut short",
        of(&[&w.line_with(&cosignature[..71])], &[&w]),
        cosignature_bad,
    );
    file.invalid(
        "a cosignature with a byte more",
        of(&[&w.line_with(&[&cosignature[..], &[0]].concat())], &[&w]),
        cosignature_bad,
    );
    file.invalid(
        "a bad cosignature beside a good signature",
        of(&[&la, &w.line_with(&flip(cosignature.clone()))], &[&a, &w]),
        cosignature_bad,
    );

    for (name, note) in malformed(text, &la) {
        file.invalid(
            format!("form: {name}"),
            input(&note, &[&a]),
            "log.checkpoint_form",
        );
    }
    file
}

fn malformed(text: &str, line: &str) -> Vec<(&'static str, String)> {
    let good = format!("{text}\n{line}");
    let payload = line.trim_end().rsplit(' ').next().unwrap();
    let many = |n: usize| {
        format!(
            "{text}\n{}",
            line.replace("a.example/log", "x.example").repeat(n)
        )
    };
    vec![
        ("empty", String::new()),
        ("the text alone", text.into()),
        ("no blank line", format!("{text}{line}")),
        ("no signature lines", format!("{text}\n")),
        ("the last newline missing", good.trim_end().into()),
        ("carriage returns", good.replace('\n', "\r\n")),
        ("a tab", good.replacen('7', "7\t", 1)),
        ("a byte of zero", good.replacen('7', "7\0", 1)),
        (
            "a hyphen instead of the dash",
            good.replace('\u{2014}', "-"),
        ),
        ("an en dash", good.replace('\u{2014}', "\u{2013}")),
        (
            "no space behind the dash",
            good.replace("\u{2014} ", "\u{2014}"),
        ),
        (
            "two spaces in front of the signature",
            format!("{text}\n{}", line.replace(payload, &format!(" {payload}"))),
        ),
        (
            "a space at the end of the line",
            format!("{text}\n{} \n", line.trim_end()),
        ),
        ("no name", format!("{text}\n\u{2014}  {payload}\n")),
        (
            "a plus in the name",
            good.replace("\u{2014} a.", "\u{2014} a+"),
        ),
        (
            "a no-break space in the name",
            good.replace("\u{2014} a.", "\u{2014} a\u{a0}"),
        ),
        ("no signature", format!("{text}\n\u{2014} a.example/log\n")),
        (
            "an empty signature",
            format!("{text}\n\u{2014} a.example/log \n"),
        ),
        (
            "three bytes of signature",
            format!("{text}\n\u{2014} a.example/log {}\n", b64(&[1, 2, 3])),
        ),
        ("base64 without its padding", good.replace('=', "")),
        (
            "base64url",
            format!("{text}\n\u{2014} a.example/log ____\n"),
        ),
        (
            "a malformed line beside a good one",
            format!("{good}\u{2014} b.example !!!!\n"),
        ),
        ("something behind the signatures", format!("{good}more\n")),
        ("a second blank line at the end", format!("{good}\n")),
        ("a thousand signature lines", many(1000)),
    ]
}

fn flip_time(cosignature: &[u8]) -> Vec<u8> {
    let mut changed = cosignature.to_vec();
    changed[7] ^= 1;
    changed
}

fn input(note: &str, keys: &[&NoteKey]) -> Value {
    let vkeys: Vec<String> = keys.iter().map(|key| key.vkey()).collect();
    json!({ "note": note, "vkeys": vkeys })
}
