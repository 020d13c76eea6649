//! A log with the page in it, two witnesses, and an approval that it takes in.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tempfile::TempDir;
use test_vectors::encoding::{b64url, hex, sha256};
use test_vectors::{Algorithm, Ceremony, Passkey};
use verifier_core::{Policy, Time};

use crate::prepared;

const RP_ID: &str = "localhost";
const ORIGIN: &str = "http://localhost:38107";

/// The id of the one approval.
pub(crate) const APPROVAL: &str = "5a61d3f0-93a5-4c0e-8c55-4f4b34f8c7aa";

const PAYLOAD: &str = r#"{"action":"wire_transfer","amount":"4200.00","currency":"EUR","to":{"iban":"DE89370400440532013000","name":"Acme GmbH"},"reference":"Invoice 2026-117"}"#;

/// A log on this machine. Its operator offers a policy that trusts the key of one visitor.
pub(crate) struct Log {
    pub(crate) url: String,
    token: String,
    passkey: Passkey,
    /// The fingerprint of the operator's policy.
    pub(crate) policy: String,
    log: Child,
    witnesses: Vec<Child>,
    _folder: TempDir,
}

impl Log {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let log = || {
            let package = "log-server --features verify-page";
            Command::new(prepared::program("cosignet-log", package))
        };
        let data = path("log");
        let vkey = print(
            log()
                .args(["init", "--origin", "localhost/approvals", "--data"])
                .arg(&data),
        );
        let token = print(
            log()
                .args(["token", "create", "--name", "test", "--data"])
                .arg(&data),
        );
        fs::write(path("logs"), format!("log {vkey}\nquorum none\n")).unwrap();
        let mut trusted = format!("log {vkey}\n");
        let mut witnesses = Vec::new();
        for name in ["alice", "bob"] {
            let (line, witness) = witness(name, folder.path());
            trusted += &line;
            witnesses.push(witness);
        }
        trusted += "group both all alice bob\nquorum both\n";
        fs::write(path("witnesses"), &trusted).unwrap();

        let passkey = Passkey::new(Algorithm::Es256, "visitor");
        let policy = json!({
            "name": "house",
            "webauthn": { "rpIds": [RP_ID], "origins": [ORIGIN] },
            "approvers": [{ "name": "visitor", "publicKey": b64url(&passkey.public_key) }],
            "log": { "policy": trusted },
        });
        let policy = policy.to_string();
        fs::write(path("policy.json"), &policy).unwrap();
        let policy = Policy::from_json(policy.as_bytes()).unwrap();

        let mut serve = log();
        serve
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--rp-id", RP_ID, "--origin", ORIGIN, "--data"])
            .arg(&data)
            .arg("--witness-policy")
            .arg(path("witnesses"))
            .arg("--verify-policy")
            .arg(path("policy.json"));
        let (log, address) = until_serving(&mut serve);
        let port = address.rsplit(':').next().unwrap();
        Self {
            url: format!("http://localhost:{port}"),
            token,
            passkey,
            policy: hex(&policy.sha256()),
            log,
            witnesses,
            _folder: folder,
        }
    }

    /// A log with an approval in it: [`APPROVAL`].
    pub(crate) fn with_approval() -> Self {
        let log = Self::start();
        let ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], PAYLOAD.as_bytes());
        let body = json!({
            "approvalId": APPROVAL,
            "decidedAt": now().to_string(),
            "rpId": RP_ID,
            "credentialPublicKey": b64url(&log.passkey.public_key),
            "assertion": ceremony.sign(&log.passkey).credential_json(),
            "payloadHash": hex(&sha256(PAYLOAD.as_bytes())),
            "payload": b64url(PAYLOAD.as_bytes()),
            "action": "wire_transfer",
            "disclosure": "public",
        });
        let appended = ureq::post(format!("{}/v1/entries", log.url))
            .header("authorization", format!("Bearer {}", log.token))
            .header("content-type", "application/json")
            .send(body.to_string().as_bytes());
        assert_eq!(appended.unwrap().status().as_u16(), 201);
        log
    }

    /// SIGKILL.
    pub(crate) fn end(&mut self) {
        self.log.kill().unwrap();
        self.log.wait().unwrap();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        for process in self.witnesses.iter_mut().chain([&mut self.log]) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Its line in a policy, and its process.
fn witness(name: &str, folder: &Path) -> (String, Child) {
    let data = folder.join(name);
    let witness = || Command::new(prepared::program("cosignet-witness", "witness"));
    let vkey = print(
        witness()
            .args(["init", "--name", &format!("localhost/{name}"), "--data"])
            .arg(&data),
    );
    let mut serve = witness();
    serve
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .arg("--logs")
        .arg(folder.join("logs"));
    let (process, address) = until_serving(&mut serve);
    (format!("witness {name} {vkey} http://{address}\n"), process)
}

fn print(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The process, and the address at which it serves.
fn until_serving(command: &mut Command) -> (Child, String) {
    let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("serving address=") {
            let address = rest.split(' ').next().unwrap().to_owned();
            // Read on, or the process blocks on a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return (process, address);
        }
        said += &line;
    }
    process.wait().unwrap();
    panic!("{command:?} does not start: {said}");
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_millis(since.as_millis().try_into().unwrap()).unwrap()
}
