//! The form of proof, checkpoint and note.

use super::{File, Scene};
use crate::approval::witness;
use crate::encoding::{b64, hex};

pub(super) fn rows(file: &mut File, scene: &Scene) {
    let good = scene.proof(&[1, 2]);
    let text = good.text();
    let policy = scene.policy(2);
    let hash = b64(&good.path[0]);
    let replace = |from: &str, to: &str| text.replacen(from, to, 1);
    let rows = vec![
        ("empty", String::new()),
        ("the first line alone", "c2sp.org/tlog-proof@v1\n".into()),
        ("another version", replace("@v1", "@v2")),
        ("a space behind the first line", replace("@v1\n", "@v1 \n")),
        ("an empty line in front", format!("\n{text}")),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("carriage returns", text.replace('\n', "\r\n")),
        ("no index", replace("index 2\n", "")),
        (
            "the index on two lines",
            replace("index 2", "index 2\nindex 2"),
        ),
        (
            "an index with a leading zero",
            replace("index 2", "index 02"),
        ),
        ("an index with a sign", replace("index 2", "index +2")),
        ("a negative index", replace("index 2", "index -2")),
        ("an index in hex", replace("index 2", "index 0x2")),
        ("no number behind index", replace("index 2", "index ")),
        ("a space behind the index", replace("index 2", "index 2 ")),
        (
            "two spaces in front of the index",
            replace("index 2", "index  2"),
        ),
        (
            "an index of 2^64",
            replace("index 2", "index 18446744073709551616"),
        ),
        ("Index with a capital", replace("index 2", "Index 2")),
        (
            "extra data in base64url",
            replace("index", "extra __-_\nindex"),
        ),
        (
            "extra data behind the index",
            replace("index 2", "index 2\nextra AAAA"),
        ),
        (
            "extra data twice",
            replace("index", "extra AAAA\nextra AAAA\nindex"),
        ),
        (
            "a hash without padding",
            replace(&hash, hash.trim_end_matches('=')),
        ),
        ("a hash of 31 bytes", replace(&hash, &b64(&[7; 31]))),
        ("a hash of 33 bytes", replace(&hash, &b64(&[7; 33]))),
        ("a hash in hex", replace(&hash, &hex(&good.path[0]))),
        (
            "a space in front of a hash",
            replace(&hash, &format!(" {hash}")),
        ),
        ("65 hashes", {
            let mut long = good.clone();
            long.path.resize(65, [7; 32]);
            long.text()
        }),
        ("no empty line", replace("\n\nlog.example", "\nlog.example")),
        ("no checkpoint", text.split_once("\n\n").unwrap().0.into()),
    ];
    for (name, text) in rows {
        file.invalid(
            format!("form: {name}"),
            scene.input(&text, &policy),
            "log.proof_form",
        );
    }

    let checkpoint = &good.checkpoint;
    let root = b64(&scene.log.tree().root(7));
    let rows = vec![
        (
            "the size with a leading zero",
            checkpoint.replace("\n7\n", "\n07\n"),
        ),
        (
            "the size with a sign",
            checkpoint.replace("\n7\n", "\n+7\n"),
        ),
        (
            "the size in words",
            checkpoint.replace("\n7\n", "\nseven\n"),
        ),
        ("an empty size", checkpoint.replace("\n7\n", "\n \n")),
        (
            "a size of 2^64",
            checkpoint.replace("\n7\n", "\n18446744073709551616\n"),
        ),
        (
            "a root of 31 bytes",
            checkpoint.replace(&root, &b64(&[7; 31])),
        ),
        (
            "a root in hex",
            checkpoint.replace(&root, &hex(&scene.log.tree().root(7))),
        ),
        (
            "a root without padding",
            checkpoint.replace(&root, root.trim_end_matches('=')),
        ),
        ("no root", checkpoint.replace(&format!("{root}\n"), "")),
        ("no origin", checkpoint.replace("log.example/proofs\n", "")),
        ("an empty extension line", format!("{checkpoint}\nmore\n")),
        (
            "a space behind the size",
            checkpoint.replace("\n7\n", "\n7 \n"),
        ),
    ];
    for (name, checkpoint) in rows {
        file.invalid(
            format!("checkpoint: {name}"),
            scene.input(&scene.signed(&checkpoint, &[1, 2]).text(), &policy),
            "log.checkpoint_form",
        );
    }
    let rows = vec![
        (
            "no signatures",
            text.split_once("\n\u{2014}").unwrap().0.to_owned() + "\n",
        ),
        ("the last newline missing", text.trim_end().into()),
        (
            "a hyphen instead of the dash",
            text.replace('\u{2014}', "-"),
        ),
        ("something behind the signatures", format!("{text}more\n")),
        ("a malformed line", format!("{text}\u{2014} x.example !!\n")),
        (
            "a control character",
            text.replacen("\n7\n", "\n7\u{1}\n", 1),
        ),
        ("65 signature lines", {
            let stranger = witness(9).key.line(checkpoint, 1);
            format!("{text}{}", stranger.repeat(62))
        }),
    ];
    for (name, text) in rows {
        file.invalid(
            format!("note: {name}"),
            scene.input(&text, &policy),
            "log.checkpoint_form",
        );
    }
}
