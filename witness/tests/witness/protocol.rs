//! c2sp.org/tlog-witness: every status code, and what a monitor sees.

use test_vectors::encoding::{b64, from_b64};
use test_vectors::note::{NOTE, NoteKey, note};

use crate::harness::{ORIGIN, Witness, body, claim, head, log, request};

/// The time in a cosignature line.
fn seconds(line: &str) -> u64 {
    let payload = from_b64(line.trim_end().rsplit(' ').next().unwrap());
    u64::from_be_bytes(payload[4..12].try_into().unwrap())
}

#[test]
fn a_checkpoint_is_cosigned_as_another_implementation_would() {
    let witness = Witness::new();
    let vkey = "witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    assert_eq!(witness.key.vkey(), vkey);
    let server = witness.serve();
    let mut connection = server.connect();
    let log = log(ORIGIN, 0);
    for (old, size) in [(0, 3), (3, 3), (3, 4), (4, 17), (17, 17), (17, 40)] {
        let reply = connection.add(&request(&log, old, size));
        assert_eq!(reply.status, 200, "{old} {size}: {}", reply.body);
        let text = log.checkpoint(size).text();
        assert_eq!(reply.body, witness.key.line(&text, seconds(&reply.body)));
        // A monitor sees exactly that.
        let shown = connection.shown(ORIGIN);
        assert_eq!(
            (shown.status, shown.body),
            (200, head(&log, size) + &reply.body)
        );
    }
    // A log may begin with its empty tree.
    let empty = crate::harness::log("log.example/other", 0);
    for (old, size) in [(0, 0), (0, 0), (0, 2)] {
        assert_eq!(connection.add(&request(&empty, old, size)).status, 200);
    }
}

#[test]
fn every_refusal_has_its_status() {
    let witness = Witness::new();
    let server = witness.serve();
    let mut connection = server.connect();
    let log = log(ORIGIN, 0);
    let fork = crate::harness::log(ORIGIN, 1);
    assert_eq!(connection.add(&request(&log, 0, 7)).status, 200);

    let unsigned = |key: &NoteKey| {
        let text = log.checkpoint(9).text();
        let line = key.line(&text, 0);
        note(&text, &[line])
    };
    let stranger = NoteKey::new("stranger", NOTE, [3; 32]);
    // Name and id are right, and nothing else is.
    let forged = head(&log, 9).replace(&b64(&log.tree().root(9)), &b64(&log.tree().root(8)));
    let proof = log.tree().consistency(7, 9);
    let nine = head(&log, 9);
    let crossed = fork.tree().consistency(7, 9);
    let broken: Vec<[u8; 32]> = proof.iter().map(|hash| hash.map(|byte| byte ^ 1)).collect();
    let other_root = claim(&log, 7, [1; 32]);
    let bad_empty = claim(&log, 0, [1; 32]);
    let unknown = head(&crate::harness::log("log.example/unknown", 0), 3);
    let cases: Vec<(&str, u16, String)> = vec![
        ("nothing", 400, String::new()),
        ("no old size", 400, format!("\n{nine}")),
        (
            "an old size with a zero",
            400,
            body(7, &proof, &nine).replace("old 7", "old 07"),
        ),
        ("no blank line", 400, "old 7\nAAAA\n".into()),
        ("a hash that is none", 400, format!("old 7\nAAAA\n\n{nine}")),
        ("64 hashes", 400, body(7, &[[0; 32]; 64], &nine)),
        ("no note", 400, body(7, &proof, "text\n")),
        (
            "no checkpoint",
            400,
            body(7, &proof, &nine.replacen("\n9\n", "\nnine\n", 1)),
        ),
        ("CR LF", 400, body(7, &proof, &nine).replace('\n', "\r\n")),
        ("older than it began", 400, body(9, &[], &head(&log, 8))),
        ("unknown log", 404, body(0, &[], &unknown)),
        ("unknown log, old size above", 404, body(9, &[], &unknown)),
        (
            "signed by nobody it knows",
            403,
            body(7, &proof, &unsigned(&stranger)),
        ),
        (
            "signed by its name only",
            403,
            body(7, &proof, &unsigned(&stranger.renamed(ORIGIN))),
        ),
        ("a forged signature", 403, body(7, &proof, &forged)),
        (
            "a forged signature, elsewhere",
            403,
            body(3, &proof, &forged),
        ),
        ("from nothing", 409, request(&log, 0, 9)),
        ("from less", 409, request(&log, 6, 9)),
        ("from more", 409, request(&log, 8, 9)),
        ("another fork from less", 409, request(&fork, 6, 9)),
        ("a smaller tree", 409, request(&log, 6, 6)),
        ("no empty tree, elsewhere", 409, body(0, &[], &bad_empty)),
        ("no proof", 422, body(7, &[], &nine)),
        ("a broken proof", 422, body(7, &broken, &nine)),
        (
            "a proof too long",
            422,
            body(7, &[&proof[..], &[[0; 32]]].concat(), &nine),
        ),
        (
            "a proof of another fork",
            422,
            body(7, &crossed, &head(&fork, 9)),
        ),
        (
            "the same size, another root",
            422,
            body(7, &[], &other_root),
        ),
        (
            "the same size, with a proof",
            422,
            body(7, &proof, &head(&log, 7)),
        ),
    ];
    for (what, status, body) in cases {
        let reply = connection.add(&body);
        assert_eq!(reply.status, status, "{what}: {}", reply.body);
        let size = (status == 409).then_some(7);
        assert_eq!(reply.size(), size, "{what}");
    }
    // Of a log that was never cosigned.
    let other = crate::harness::log("log.example/other", 0);
    for (what, status, body) in [
        ("from more", 409, request(&other, 3, 9)),
        ("a proof of nothing", 422, body(0, &proof, &head(&other, 9))),
        (
            "no empty tree",
            422,
            body(0, &[], &claim(&other, 0, [1; 32])),
        ),
    ] {
        let reply = connection.add(&body);
        assert_eq!(reply.status, status, "{what}: {}", reply.body);
        assert_eq!(reply.size(), (status == 409).then_some(0), "{what}");
    }
    assert_eq!(connection.shown("log.example/other").status, 404);
    // And none of this has changed anything.
    assert_eq!(connection.add(&request(&log, 7, 9)).status, 200);

    let add = "/add-checkpoint";
    for (what, method, path, body, status) in [
        ("another method", "GET", add, Vec::new(), 405),
        ("another method", "DELETE", "/healthz", Vec::new(), 405),
        ("no text", "POST", add, vec![0xff; 9], 400),
        ("too much", "POST", add, vec![b'a'; 200_000], 413),
        ("another address", "GET", "/", Vec::new(), 404),
        ("an optional part", "POST", "/sign-subtree", Vec::new(), 404),
        (
            "not a hash",
            "GET",
            "/log.example/checkpoint",
            Vec::new(),
            404,
        ),
        ("an escape", "GET", "/../checkpoint", Vec::new(), 404),
    ] {
        let reply = server.connect().send(method, path, &body).unwrap();
        assert_eq!(reply.status, status, "{what} {path}");
    }
}

#[test]
fn the_request_of_the_specification_is_read() {
    const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";
    // Its keys are not given: the log is unknown, or known under another key.
    let witness = Witness::new();
    let server = witness.serve();
    assert_eq!(server.connect().add(EXAMPLE).status, 404);
    drop(server);
    let line = log("example.com/behind-the-sofa", 0).policy_line();
    std::fs::write(witness.path("logs.policy"), line + "quorum none\n").unwrap();
    let server = witness.serve();
    assert_eq!(server.connect().add(EXAMPLE).status, 403);
}

#[test]
fn lines_of_unknown_keys_are_neither_in_the_way_nor_passed_on() {
    let witness = Witness::new();
    let server = witness.serve();
    let log = log(ORIGIN, 0);
    let text = log.checkpoint(6).text();
    let stranger = NoteKey::new("stranger", NOTE, [3; 32]).line(&text, 0);
    // Its own line, as a log sends it that has asked before.
    let own = witness.key.line(&text, 1_700_000_000);
    let lines = [stranger, log.key.line(&text, 0), own];
    let mut connection = server.connect();
    let reply = connection.add(&body(0, &[], &note(&text, &lines)));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(connection.shown(ORIGIN).body, head(&log, 6) + &reply.body);
}

#[test]
fn logs_do_not_know_of_each_other() {
    let witness = Witness::new();
    let server = witness.serve();
    let mut connection = server.connect();
    let (one, two) = (log(ORIGIN, 0), log("log.example/other", 1));
    assert_eq!(connection.add(&request(&one, 0, 9)).status, 200);
    assert_eq!(connection.add(&request(&two, 0, 6)).status, 200);
    assert_eq!(connection.add(&request(&two, 9, 12)).size(), Some(6));
    assert_eq!(connection.add(&request(&one, 9, 12)).status, 200);
    // The key of one says nothing about the other.
    let text = one.checkpoint(13).text();
    let line = two.key.line(&text, 0);
    let proof = one.tree().consistency(12, 13);
    let reply = connection.add(&body(12, &proof, &note(&text, &[line])));
    assert_eq!(reply.status, 403);
}
