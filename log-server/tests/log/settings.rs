//! Settings that people write on the command line, in variables and on disk, and the answers they
//! get.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::Log;

#[test]
fn an_address_that_cannot_be_listened_on_says_what_can() {
    let log = Log::new();
    let data = log.data().display().to_string();
    for (listen, status, said) in [
        ("8080", 2, "--listen: this is a port alone"),
        ("localhost", 2, "--listen: the port is missing"),
        ("http://localhost:80", 2, "has no scheme"),
        ("::1:8080", 2, "in brackets"),
        (
            "no-such-name.invalid:80",
            5,
            "cannot listen on no-such-name.invalid:80",
        ),
    ] {
        let output = log.run(&[
            "serve",
            "--data",
            &data,
            "--rp-id",
            "example.com",
            "--origin",
            "https://example.com",
            "--listen",
            listen,
        ]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{listen}: {text}");
        assert!(text.contains(said), "{listen}: {text}");
        if status == 2 {
            assert!(text.contains("such as 127.0.0.1:8080"), "{listen}: {text}");
        }
    }
}

#[test]
fn names_and_ports_can_be_listened_on() {
    let log = Log::new();
    for listen in ["localhost:0", ":0", "*:0", "[::]:0"] {
        let server = log.serve_at(listen, &[]).unwrap();
        assert_eq!(server.client.get("/healthz").status, 200, "{listen}");
        assert_eq!(server.stop(), Some(0));
    }
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let log = Log::new();
    let names = [
        "LISTEN",
        "CONFIG",
        "QUEUE",
        "CROSS_ORIGIN",
        "WITNESS_POLICY",
        "TOP_ORIGINS",
        "PROXIES",
        "ANCHOR_CALENDARS",
        "ANCHOR_INTERVAL_SECONDS",
        "VERIFY_POLICY",
        "DATA",
    ];
    let names = names.map(|name| format!("COSIGNET_LOG_{name}"));
    let empty: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let server = log.serve_with(&empty).unwrap();
    assert_eq!(server.client.get("/readyz").status, 200);
    drop(server);
    // What is required is still missing.
    let missing = log
        .serve_with(&[("COSIGNET_LOG_RP_IDS", "")])
        .err()
        .unwrap();
    assert!(missing.contains("--rp-id"), "{missing}");
}

#[test]
fn a_key_that_others_can_read_is_said_and_one_that_they_can_replace_is_refused() {
    let log = Log::new();
    let key = log.path("log.key");
    let set = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    let server = log.serve();
    assert!(!server.said.contains("chmod"), "{}", server.said);
    drop(server);
    set(0o644);
    let server = log.serve();
    assert!(
        server.said.contains("can read the secret in it"),
        "{}",
        server.said
    );
    assert!(server.said.contains("chmod 600"), "{}", server.said);
    drop(server);
    set(0o622);
    let refused = log.serve_with(&[]).err().unwrap();
    assert!(
        refused.contains("can replace the secret in it"),
        "{refused}"
    );
    set(0o600);
    assert_eq!(log.serve().stop(), Some(0));
}

#[test]
fn what_no_approval_can_meet_is_said_at_the_start() {
    let log = Log::new();
    for (name, value, said) in [
        (
            "RP_IDS",
            "https://approvals.example",
            "No browser signs for the relying party id",
        ),
        (
            "ORIGINS",
            "approvals.example/",
            "No browser sends the origin",
        ),
        ("ORIGINS", "null", "No browser sends the origin"),
        (
            "TOP_ORIGINS",
            "https://shop.example",
            "topOrigins have no effect without crossOrigin",
        ),
    ] {
        let name = format!("COSIGNET_LOG_{name}");
        let server = log.serve_with(&[(&name, value)]).unwrap();
        assert!(server.said.contains(said), "{value}: {}", server.said);
    }
    let server = log.serve();
    assert!(!server.said.contains("WARN"), "{}", server.said);
}

#[test]
fn a_policy_is_the_same_from_every_editor() {
    let log = Log::new();
    let policy = format!("log {}\nquorum none\n", log.vkey);
    let settings = "requestsPerSecond = 9\nqueue = 7\n";
    let forms: [fn(&str) -> Vec<u8>; 4] = [
        |text| text.into(),
        |text| text.replace('\n', "\r\n").into(),
        |text| format!("\u{feff}{text}").into(),
        |text| {
            let text = format!("\u{feff}{}", text.replace('\n', "\r\n"));
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        },
    ];
    let [policy_file, settings_file] = ["../log.policy", "../log.toml"].map(|name| log.path(name));
    let paths = [&policy_file, &settings_file].map(|path| path.display().to_string());
    let env = [
        ("COSIGNET_LOG_WITNESS_POLICY", paths[0].as_str()),
        ("COSIGNET_LOG_CONFIG", &paths[1]),
    ];
    for form in forms {
        fs::write(&policy_file, form(&policy)).unwrap();
        fs::write(&settings_file, form(settings)).unwrap();
        assert_eq!(log.serve_with(&env).unwrap().stop(), Some(0));
        let data = log.data().display().to_string();
        log.succeed(&["fsck", &data, "--witness-policy", &paths[0]]);
    }
    fs::write(&policy_file, b"log \xff").unwrap();
    let refused = log.serve_with(&env).err().unwrap();
    assert!(
        refused.contains("log.policy is not UTF-8 text"),
        "{refused}"
    );
}

#[test]
fn fsck_ends_with_0_for_a_clean_log_alone() {
    let log = Log::new();
    let data = log.data().display().to_string();
    for words in [
        ["fsck", &data, "--help"],
        ["fsck", "-h", &data],
        ["fsck", &data, "-V"],
    ] {
        let output = log.run(&words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{words:?}: {output:?}");
    }
    for words in [["fsck", "--help"], ["help", "fsck"], ["token", "-h"]] {
        assert_eq!(log.run(&words).status.code(), Some(0), "{words:?}");
    }
}
