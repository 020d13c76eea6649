//! The log server of this repository, watched while it works.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use test_vectors::approval::{LOG_ORIGIN, ORIGIN, RP_ID};
use test_vectors::encoding::{b64url, hex, sha256};
use verifier_core::Time;

use crate::world::{World, draft};

/// The server's program, which lies beside the one under test.
pub(crate) fn program() -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_cosignet"));
    let name = format!("cosignet-log{}", std::env::consts::EXE_SUFFIX);
    let path = own.with_file_name(name);
    assert!(
        path.exists(),
        "{} is missing: build it with `cargo build -p log-server`",
        path.display()
    );
    path
}

pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ignored = self.0.kill();
        let _ignored = self.0.wait();
    }
}

pub(crate) fn run(args: &[&str]) -> String {
    let output = Command::new(program()).args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Serves a log, or what else these arguments name, at an address of its own.
pub(crate) fn serve(what: &[&str]) -> (Running, String) {
    let mut process = Command::new(program())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(what)
        .args(["--rp-id", RP_ID, "--origin", ORIGIN])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let running = Running(process);
    let mut said = String::new();
    while stderr.read_line(&mut said).unwrap() > 0 {
        let last = said.lines().last().unwrap_or_default();
        if let Some((_, rest)) = last.split_once("serving address=") {
            let address = rest.split([' ', '\n']).next().unwrap().to_owned();
            std::thread::spawn(move || {
                let mut rest = Vec::new();
                let _ignored = stderr.read_to_end(&mut rest);
            });
            return (running, address);
        }
    }
    panic!("{said}");
}

/// Appends an approval, below this path of the address; its id.
pub(crate) fn append(address: &str, token: &str, number: usize) -> String {
    let draft = draft(number);
    let (assertion, _) = draft.sign();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let body = json!({
        "approvalId": draft.approval_id,
        "decidedAt": Time::from_seconds(now.as_secs()).unwrap().to_string(),
        "rpId": draft.entry_rp_id,
        "credentialPublicKey": b64url(&assertion.public_key),
        "assertion": assertion.credential_json(),
        "payloadHash": hex(&sha256(&draft.payload)),
        "payload": b64url(&draft.payload),
        "disclosure": "public",
    })
    .to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    draft.approval_id
}

#[test]
fn the_server_of_this_repository_is_clean() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("log").display().to_string();
    let vkey = run(&["init", "--data", &data, "--origin", LOG_ORIGIN]);
    let token = run(&["token", "create", "--data", &data, "--name", "test"]);
    let world =
        World::with_policy(|policy| policy.log = Some(format!("log {vkey}\nquorum none\n")));
    let (_running, address) = serve(&["--data", &data]);
    let monitor =
        format!("monitor http://{address} --policy policy.toml --state state --once --format json");
    let first = world.run(&format!("{monitor} --init"));
    assert_eq!(first.code, 0, "{first:?}");
    let mut id = String::new();
    for (size, until) in [(1, 1), (2, 3), (4, 8)] {
        for number in size..=until {
            id = append(&address, &token, number);
        }
        let round = world.run(&monitor);
        assert_eq!(round.code, 0, "{round:?}");
        assert_eq!(round.events("checked")[0]["size"], until);
    }
    let fetched = world.run(&format!(
        "fetch {id} --log http://{address} --policy policy.toml -o approval.json"
    ));
    assert_eq!(fetched.code, 0, "{fetched:?}");
}
