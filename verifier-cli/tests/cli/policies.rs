//! Making, extending, checking and showing policies.

use test_vectors::encoding::{b64url, sha256};
use test_vectors::{Algorithm, Passkey};

use crate::fixtures::Folder;
use crate::people::{member, of_admins, of_people};

const INIT: &str = "policy init -o mine.toml --name mine --rp-id approvals.example \
                    --origin https://approvals.example --no-log";

fn key(algorithm: Algorithm, seed: &str) -> String {
    b64url(&Passkey::new(algorithm, seed).public_key)
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::empty();
    assert_eq!(folder.run(INIT).code, 0);
    let before = folder.read("mine.toml");
    let run = folder.run(&INIT.replace("--name mine", "--name other"));
    assert_eq!(run.code, 5, "{}", run.transcript());
    assert!(run.stderr.contains("[io.exists]"));
    assert_eq!(folder.read("mine.toml"), before);
}

#[test]
fn comments_survive_an_added_approver() {
    let folder = Folder::empty();
    folder.run(INIT);
    let before = folder.read("mine.toml");
    for (algorithm, name) in [
        (Algorithm::Es256, "a"),
        (Algorithm::Rs256, "b"),
        (Algorithm::EdDsa, "c"),
    ] {
        let key = key(algorithm, name);
        let run = folder.run(&format!(
            "policy add-approver mine.toml --name {name} --key {key}"
        ));
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(run.stdout.contains("SHA256:"), "{}", run.stdout);
    }
    let after = folder.read("mine.toml");
    assert!(after.starts_with(&before), "{after}");
    let run = folder.run("policy show mine.toml");
    assert_eq!(run.stdout.matches("SHA256:").count(), 3, "{}", run.stdout);
}

#[test]
fn refuses_keys_that_it_should_not_add() {
    let folder = Folder::empty();
    folder.run(INIT);
    let (alice, bob) = (key(Algorithm::Es256, "alice"), key(Algorithm::Es256, "bob"));
    let add = |rest: &str| folder.run(&format!("policy add-approver mine.toml {rest}"));
    assert_eq!(
        add(&format!("--name alice --key {alice} --credential-id AQ")).code,
        0
    );
    let before = folder.read("mine.toml");
    for (rest, code, text) in [
        (format!("--name again --key {alice}"), 2, "[key.twice]"),
        (
            format!("--name bob --key {bob} --credential-id AQ"),
            2,
            "[key.twice]",
        ),
        (format!("--name bob --key {bob} --alg RS256"), 2, "ES256"),
        (format!("--name bob --key {}", &bob[..40]), 2, "[key.form]"),
        ("--name bob --key nothing.pem".into(), 5, "[io.unreadable]"),
        (
            "--name bob --registration nothing.json".into(),
            5,
            "[io.unreadable]",
        ),
        ("--name bob".into(), 2, "--registration"),
    ] {
        let run = add(&rest);
        assert_eq!(run.code, code, "{rest}\n{}", run.transcript());
        assert!(run.stderr.contains(text), "{rest}\n{}", run.stderr);
        assert_eq!(folder.read("mine.toml"), before, "{rest}");
    }
}

/// The output of `policy check` about `mine.toml`, without line breaks.
fn checked(folder: &Folder, options: &str) -> String {
    let run = folder.run(&format!("policy check mine.toml {options}"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn check_warns_in_plain_words() {
    let folder = Folder::empty();
    folder.run(INIT);
    let (a, b) = (key(Algorithm::Es256, "a"), key(Algorithm::Es256, "b"));
    for key in [a, b] {
        folder.run(&format!(
            "policy add-approver mine.toml --name x --key {key} --not-after 2027-01-01T00:00:00Z"
        ));
    }
    for (from, to, warning) in [
        ("", "", "log = \"none\""),
        ("", "", "The key of \"x\" has a notAfter"),
        (
            "payload = \"required\"",
            "payload = \"hash-only\"",
            "hash-only",
        ),
        (
            "userVerification = \"required\"",
            "userVerification = \"preferred\"",
            "without PIN or biometric",
        ),
        (
            "https://approvals.example",
            "http://approvals.example",
            "not protected by TLS",
        ),
        (
            "https://approvals.example",
            "https://approvals.example/",
            "ends in a slash; browsers write \"https://approvals.example\"",
        ),
        (
            "https://approvals.example",
            "https://Approvals.example",
            "upper-case",
        ),
        (
            "https://approvals.example",
            "https://evilapprovals.example",
            "No origin belongs to",
        ),
        (
            "https://approvals.example",
            "approvals.example",
            "it has no scheme",
        ),
        (
            "rpIds = [\"approvals.example\"]",
            "rpIds = [\"https://approvals.example\"]",
            "it has a scheme, and an id is a domain alone",
        ),
        (
            "topOrigins = []",
            "topOrigins = [\"*\"]",
            "top origin \"*\"",
        ),
        (
            "topOrigins = []",
            "topOrigins = [\"https://top.example\"]",
            "have no effect",
        ),
        (
            "crossOrigin = false",
            "crossOrigin = true",
            "any site may embed",
        ),
        (
            "required = false",
            "required = true",
            "an anchor is one of a log's head",
        ),
    ] {
        let before = folder.read("mine.toml");
        folder.edit("mine.toml", from, to);
        let flat = checked(&folder, "--at 2026-06-01T00:00:00Z");
        assert!(flat.contains(warning), "{warning}\n{flat}");
        folder.write("mine.toml", before);
    }
}

#[test]
fn approvers_added_at_once_are_all_there() {
    let folder = Folder::sample();
    let before = folder.read("policy.toml").matches("[[approvers]]").count();
    let children: Vec<_> = (0..8)
        .map(|i| {
            let key = key(Algorithm::Es256, &format!("p{i}"));
            let name = format!("p{i}");
            let args = [
                "policy",
                "add-approver",
                "policy.toml",
                "--name",
                &name,
                "--key",
                &key,
            ];
            let mut command = folder.command();
            command.args(args).stdout(std::process::Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let after = folder.read("policy.toml").matches("[[approvers]]").count();
    assert_eq!(after, before + 8);
}

#[test]
fn people_and_what_it_takes_of_them_are_shown() {
    let folder = Folder::empty();
    let mut policy = of_people(&["ann", "bob"], 2);
    policy.approvers[1] = member("bob (phone)", "board").of_person("bob");
    policy.decision.as_mut().unwrap()["audience"] = "payments.example".into();
    folder.write("people.toml", policy.toml());
    let shown = folder.run("policy show people.toml").stdout;
    for words in [
        "decision    2 of finance\n",
        "context     required, since its audience or deadline counts; audience",
        "approver    \"bob (phone)\"\n",
        "            of bob, board\n",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let mut policy = of_admins(&["dora", "emil"]);
    policy.roster.as_mut().unwrap()["minVersion"] = 3.into();
    folder.write("admins.toml", policy.toml());
    let shown = folder.run("policy show admins.toml").stdout;
    let admin = member("dora", "admins");
    let fingerprint = b64url(&sha256(&admin.public_key));
    for words in [
        "roster      acme, version 3 or newer; version 1 takes 2 of admins\n",
        "approvers   those of the roster\n",
        "admin       dora\n",
        &fingerprint,
        "            of emil, admins\n",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_policy_is_the_same_in_whatever_form_it_was_saved() {
    let folder = Folder::sample();
    let text = folder.read("policy.toml");
    let sha256 = |name: &str| {
        let run = folder.run(&format!("policy show {name}"));
        assert_eq!(run.code, 0, "{}", run.transcript());
        let line = run.stdout.lines().find(|line| line.starts_with("sha256"));
        line.unwrap().to_owned()
    };
    let expected = sha256("policy.toml");
    let windows = text.replace('\n', "\r\n");
    let utf16: Vec<u8> = format!("\u{feff}{windows}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for form in [
        windows.clone().into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        utf16,
        text.trim_end().as_bytes().to_vec(),
    ] {
        folder.write("form.toml", form);
        assert_eq!(sha256("form.toml"), expected);
    }
    // An edit keeps the form.
    folder.write("form.toml", &windows);
    let key = key(Algorithm::Es256, "new");
    let run = folder.run(&format!(
        "policy add-approver form.toml --name new --key {key}"
    ));
    assert_eq!(run.code, 0, "{}", run.transcript());
    let edited = folder.read("form.toml");
    assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count());
}

#[test]
fn init_warns_of_what_no_browser_sends() {
    for (rp_id, origin, warning) in [
        ("acme.com", "acme.com", "it has no scheme"),
        ("com", "https://acme.com", "a public suffix"),
        ("127.0.0.1", "http://127.0.0.1:8080", "never for addresses"),
        ("acme.com", "null", "no passkeys"),
        (
            "acme.com",
            "android:apk-key-hash:14:6D:E9:83",
            "without colons",
        ),
    ] {
        let folder = Folder::empty();
        let init = format!("policy init --name x --rp-id {rp_id} --origin {origin} --no-log");
        for (options, stream) in [("-o mine.toml", 0), ("", 1), ("-o j.toml --format json", 0)] {
            let run = folder.run(&format!("{init} {options}"));
            assert_eq!(run.code, 0, "{}", run.transcript());
            let said = [&run.stdout, &run.stderr][stream];
            let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(warning), "{options}: {}", run.transcript());
        }
        assert!(checked(&folder, "").contains(warning));
    }
    let folder = Folder::empty();
    assert!(!folder.run(INIT).stdout.contains("WARNING"));
}

#[test]
fn keys_that_do_not_count_are_judged_by_name_and_moment() {
    let folder = Folder::empty();
    folder.run(INIT);
    let add = |seed: &str, options: &str| {
        let key = key(Algorithm::Es256, seed);
        let run = folder.run(&format!(
            "policy add-approver mine.toml --name x --key {key} {options}"
        ));
        assert_eq!(run.code, 0, "{}", run.transcript());
    };
    add(
        "a",
        "--not-before 2026-01-01T00:00:00Z --not-after 2026-06-01T00:00:00Z",
    );
    for (at, warning) in [
        ("2025-12-31T23:59:59Z", Some("No key of \"x\" counts yet")),
        ("2026-01-01T00:00:00Z", None),
        ("2026-06-01T00:00:00Z", None),
        (
            "2026-06-01T00:00:01Z",
            Some("No key of \"x\" counts any more"),
        ),
    ] {
        let flat = checked(&folder, &format!("--at {at}"));
        match warning {
            Some(warning) => assert!(flat.contains(warning), "{at}: {flat}"),
            None => assert!(!flat.contains("No key of"), "{at}: {flat}"),
        }
    }
    // A second key under the name is rotation, and no mistake.
    add("b", "");
    let flat = checked(&folder, "--at 2026-06-01T00:00:01Z");
    assert!(
        !flat.contains("No key of") && !flat.contains("more than one"),
        "{flat}"
    );
}

#[test]
fn a_quorum_that_one_party_meets_alone_is_no_quorum() {
    use test_vectors::encoding::pseudo_random;
    use test_vectors::note::{COSIGNATURE, NOTE, NoteKey};
    let key = |name: &str, kind: u8| NoteKey::new(name, kind, pseudo_random(name)).vkey();
    let log = format!("log {}\n", key("log.example/approvals", NOTE));
    let witness =
        |name: &str, key_name: &str| format!("witness {name} {}\n", key(key_name, COSIGNATURE));
    let apart = [
        witness("a", "w.one.example/1"),
        witness("b", "w.two.example/1"),
        witness("c", "w.three.example/1"),
    ]
    .concat();
    let together = [
        witness("a", "w1.one.example"),
        witness("b", "w2.one.example"),
        witness("c", "w.two.example"),
    ]
    .concat();
    let own = [
        witness("a", "w.log.example/1"),
        witness("b", "w.two.example/1"),
    ]
    .concat();
    let work = format!("minChainWork = \"{:0>64}\"", 1);
    for (witnesses, quorum, warning) in [
        (&apart, "group q 2 a b c\nquorum q\n", None),
        (
            &apart,
            "group q any a b c\nquorum q\n",
            Some("Each of \"one.example\""),
        ),
        (
            &apart,
            "quorum a\n",
            Some("One witness meets the quorum alone, that of \"one.example\""),
        ),
        (
            &together,
            "group q 2 a b c\nquorum q\n",
            Some("\"one.example\" with 2 witnesses"),
        ),
        (&together, "group q all a b c\nquorum q\n", None),
        (&own, "quorum a\n", Some("the log's own operator")),
        (&own, "group q all a b\nquorum q\n", None),
        (&apart, "quorum none\n", Some("The quorum is none")),
    ] {
        let folder = Folder::empty();
        folder.write("log.policy", format!("{log}{witnesses}{quorum}"));
        let run = folder.run(&INIT.replace("--no-log", "--log-policy log.policy"));
        assert_eq!(run.code, 0, "{}", run.transcript());
        let flat = checked(&folder, "");
        match warning {
            Some(warning) => assert!(flat.contains(warning), "{quorum}: {flat}"),
            None => assert!(!flat.contains("alone"), "{quorum}: {flat}"),
        }
        let delay = "maxAppendDelay = \"24h\"";
        for (value, warning) in [
            ("87600h", "3650d"),
            ("30s", "monitors will call its entries overdue"),
        ] {
            let before = folder.read("mine.toml");
            folder.edit("mine.toml", delay, &format!("maxAppendDelay = \"{value}\""));
            let flat = checked(&folder, "");
            assert!(flat.contains(warning), "{flat}");
            folder.write("mine.toml", before);
        }
        // Anchors: whose blocks, and how much work.
        for (anchor, warning) in [
            (
                "network = \"regtest\"",
                "anybody makes such blocks in a moment",
            ),
            ("network = \"testnet4\"", "cost next to nothing"),
            ("network = \"signet\"", "No anchor will count"),
            (work.as_str(), "a small part of the work"),
            ("minConfirmations = 1", "abandoned now and then"),
            (
                "pinnedBlocks = [{ height = 0, hash = \"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\" }]",
                "yours count by your word alone",
            ),
        ] {
            let before = folder.read("mine.toml");
            folder.edit(
                "mine.toml",
                "required = false",
                &format!("required = false\n{anchor}"),
            );
            let flat = checked(&folder, "");
            assert!(flat.contains(warning), "{anchor}: {flat}");
            folder.write("mine.toml", before);
        }
    }
}

#[test]
fn a_key_is_retired_and_nothing_else_changes() {
    let (a, b, c) = (
        Passkey::new(Algorithm::Es256, "a"),
        Passkey::new(Algorithm::Es256, "b"),
        Passkey::new(Algorithm::EdDsa, "c"),
    );
    let fingerprint = |passkey: &Passkey| {
        let hash = sha256(&passkey.public_key);
        format!("SHA256:{}", b64url(&hash))
    };
    let key = |passkey: &Passkey| b64url(&passkey.public_key);
    let head = "name = \"mine\"  # ours\nlog = \"none\"\n\n[webauthn]\nrpIds = [\"a.example\"]\n\
                origins = [\"https://a.example\"] # as browsers write it\n";
    let tables = format!(
        "{head}\n# Alice's phone\n[[approvers]]\nname = \"alice\"\npublicKey = \"{}\" # compared\n\n\
         [[approvers]]\nname = \"bob\"\npublicKey = \"{}\"\nnotAfter = \"2027-01-01T00:00:00.000Z\" # old\n\n\
         [[approvers]]\nname = \"alice\"\npublicKey = \"{}\"\n# the end\n",
        key(&a),
        key(&b),
        key(&c)
    );
    let inline = head.replace(
        "\n\n[webauthn]",
        &format!(
            "\napprovers = [{{ name = \"alice\", publicKey = \"{}\" }}, # phone\n  {{ name = \"bob\", publicKey = \"{}\", notAfter = \"2027-01-01T00:00:00.000Z\" }}, {{ name = \"alice\", publicKey = \"{}\" }}]\n\n[webauthn]",
            key(&a),
            key(&b),
            key(&c)
        ),
    );
    for text in [tables, inline] {
        let folder = Folder::empty();
        folder.write("mine.toml", &text);
        let retire = |rest: &str| folder.run(&format!("policy retire-approver mine.toml {rest}"));
        for (rest, code, said) in [
            (
                "--name alice --at 2026-03-01T12:00:00Z",
                2,
                "[key.ambiguous]",
            ),
            ("--name carol --at 2026-03-01T12:00:00Z", 2, "[key.unknown]"),
            (
                "--key SHA256:AAAA --at 2026-03-01T12:00:00Z",
                2,
                "[key.unknown]",
            ),
            ("--name bob --at 2027-01-01T00:00:00Z", 2, "[key.retired]"),
            ("--name bob --at 2028-01-01T00:00:00Z", 2, "[key.retired]"),
            ("--name bob", 2, "--at"),
            ("--at now", 2, "--name"),
            (
                "--name bob --all --key x --at now",
                2,
                "cannot be used with",
            ),
        ] {
            let run = retire(rest);
            assert_eq!(run.code, code, "{rest}\n{}", run.transcript());
            assert!(run.stderr.contains(said), "{rest}\n{}", run.stderr);
            assert_eq!(folder.read("mine.toml"), text, "{rest}");
        }
        // An end is moved forward, and what stands behind it stays.
        let run = retire("--name bob --at 2026-06-01T00:00:00Z");
        assert_eq!(run.code, 0, "{}", run.transcript());
        let earlier = text.replace("2027-01-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z");
        assert_eq!(folder.read("mine.toml"), earlier);

        // One of several keys, by its fingerprint; then the name has one left.
        let run = retire(&format!(
            "--key {} --at 2026-03-01T12:00:00Z",
            fingerprint(&c)
        ));
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(run.stdout.contains(&fingerprint(&c)), "{}", run.stdout);
        let flat = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("nothing proves a time"), "{}", run.stdout);
        let run = retire("--name alice --at 2026-04-01T12:00:00Z");
        assert_eq!(run.code, 0, "{}", run.transcript());
        let after = folder.read("mine.toml");
        for kept in [
            "# ours",
            "# as browsers write it",
            "2026-03-01T12:00:00.000Z",
        ] {
            assert!(after.contains(kept), "{kept}: {after}");
        }
        assert_eq!(after.matches("notAfter").count(), 3, "{after}");
        let shown = folder.run("policy show mine.toml").stdout;
        assert_eq!(shown.matches("not after").count(), 3, "{shown}");
        let run = retire("--name alice --all --at 2026-02-01T00:00:00Z");
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert_eq!(folder.read("mine.toml").matches("2026-02-01").count(), 2);
    }
}

#[test]
fn a_retired_key_verifies_what_is_proven_to_be_older() {
    let folder = Folder::sample();
    let retire = |at: &str| {
        let run = folder.run(&format!(
            "policy retire-approver policy.toml --name alice --at {at}"
        ));
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(!run.stdout.contains("WARNING"), "{}", run.stdout);
        folder
            .run("verify approval.json --policy policy.toml --payload wire.json")
            .code
    };
    // The sample was decided, and witnessed, on 2026-03-01 at noon.
    assert_eq!(retire("2026-03-02T00:00:00Z"), 0);
    assert_eq!(retire("2026-03-01T00:00:00Z"), 1);
}

#[test]
fn advice_about_keys_in_a_policy_fits() {
    use test_vectors::passkey::cose;
    let es256 = Passkey::new(Algorithm::Es256, "a").public_key;
    let es256k = cose::ec2(-47, 8, &es256[10..42], &es256[45..]);
    let approver = |name: &str, key: &[u8]| {
        let key = b64url(key);
        format!("[[approvers]]\nname = \"{name}\"\npublicKey = \"{key}\"\n")
    };
    let good = approver("a", &es256);
    for (approvers, code, next) in [
        (
            approver("k", &es256k),
            "policy.key",
            "Register a passkey of another kind",
        ),
        (
            format!("{good}{}", approver("b", &es256)),
            "policy.key",
            "leave one of two",
        ),
        // One key under both of its numbers is one key twice.
        (
            format!("{good}{}", approver("b", &cose::fix_curve(&es256).unwrap())),
            "policy.key",
            "leave one of two",
        ),
        (
            good.replace("publicKey = \"", "publicKey = \"="),
            "policy.field",
            "Correct the field",
        ),
    ] {
        let folder = Folder::empty();
        folder.run(INIT);
        let policy = folder.read("mine.toml");
        folder.write("mine.toml", format!("{policy}\n{approvers}"));
        let run = folder.run("policy check mine.toml --format json");
        assert_eq!(run.code, 2, "{}", run.transcript());
        let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
        assert_eq!(error["code"], code, "{error}");
        let said = error["next"].as_str().unwrap();
        assert!(said.contains(next), "{error}");
        assert!(!said.contains("policy check"), "{error}");
    }
}
