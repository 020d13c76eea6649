//! Links, passkeys, and the end of both.

use serde_json::json;
use test_vectors::encoding::from_b64url;
use test_vectors::{Algorithm, Passkey, Registration};

use crate::harness::{Gate, Person, RULES};

#[test]
fn a_link_is_good_once_and_to_look_at_it_uses_nothing_up() {
    let gate = Gate::new(RULES);
    let said = gate.succeed(&["invite", "ann", "--group", "finance"]);
    let token = said
        .lines()
        .next()
        .unwrap()
        .split_once('#')
        .unwrap()
        .1
        .to_owned();
    let passkey = Passkey::new(Algorithm::Es256, "ann");
    let page = gate.send("GET", "/enrol", &[], None);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let finish = |flags: u8, origin: &str| {
        let options = gate.post("/enrol/options", &json!({ "token": token }));
        if options.status != 200 {
            return options;
        }
        let challenge = from_b64url(options.json()["publicKey"]["challenge"].as_str().unwrap());
        let mut made = Registration::new("localhost", origin, &challenge, &passkey);
        made.ceremony.flags = flags;
        let body = json!({ "token": token, "credential": made.json() });
        gate.post("/enrol/finish", &body)
    };
    use test_vectors::ceremony::{AT, UP, UV};
    let refused = finish(UP | AT, &gate.origin());
    assert_eq!(
        refused.refusal(),
        (422, "webauthn.user_verification".into())
    );
    let refused = finish(UP | UV | AT, "https://evil.example");
    assert_eq!(refused.refusal(), (422, "webauthn.origin".into()));
    assert_eq!(finish(UP | UV | AT, &gate.origin()).status, 200);
    let again = finish(UP | UV | AT, &gate.origin());
    assert_eq!(again.refusal(), (404, "invite.unknown".into()));
}

#[test]
fn a_passkey_is_one_persons() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let said = gate.succeed(&["invite", "bob", "--group", "board"]);
    let token = said
        .lines()
        .next()
        .unwrap()
        .split_once('#')
        .unwrap()
        .1
        .to_owned();
    let options = gate.post("/enrol/options", &json!({ "token": token }));
    let challenge = from_b64url(options.json()["publicKey"]["challenge"].as_str().unwrap());
    let made = Registration::new("localhost", &gate.origin(), &challenge, &ann.passkey);
    let body = json!({ "token": token, "credential": made.json() });
    let refused = gate.post("/enrol/finish", &body);
    assert_eq!(refused.refusal(), (409, "credential.known".into()));
}

#[test]
fn somebody_retired_neither_signs_in_nor_decides() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    let cookie = ann.session(&gate);
    let challenge = Person::challenge(&ann.look(&gate, &id).json(), "approve");
    let said = gate.succeed(&["approver", "retire", "ann"]);
    assert!(said.contains("retired"), "{said}");
    let path = format!("/a/{id}/request");
    let look = gate.send("GET", &path, &[("cookie", &cookie)], None);
    assert_eq!(look.refusal(), (401, "session.missing".into()));
    let body = json!({ "kind": "approve", "assertion": ann.sign(&gate, &challenge) });
    let sent = gate.post(&format!("/a/{id}/decision"), &body);
    assert_eq!(sent.refusal(), (422, "approver.unknown".into()));
}

#[test]
fn commands_work_with_and_without_the_process() {
    let mut gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let key = gate.key("agent", "create,read", Some("ann"));
    gate.kill();
    let listed = gate.succeed(&["approver", "list"]);
    assert!(listed.starts_with("ann  [finance]\n  SHA256:"), "{listed}");
    let keys = gate.succeed(&["key", "list"]);
    assert!(
        keys.starts_with("agent  [create,read]  created 20"),
        "{keys}"
    );
    assert!(keys.ends_with("owner ann"), "{keys}");
    gate.succeed(&["key", "revoke", "--name", "agent"]);
    gate.serve(&[]);
    assert_eq!(
        gate.get("/export", &key).refusal(),
        (401, "request.unauthorized".into())
    );
    let twice = gate.run(&["key", "create", "--name", "agent", "--right", "read"]);
    assert_eq!(twice.status.code(), Some(2));
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(said.contains("name.taken"), "{said}");
    let twice = gate.run(&["serve", "--url", &gate.origin()]);
    assert_eq!(twice.status.code(), Some(5), "one process at a time");
    let twice = gate.run(&["init", "--origin", "x.example/log"]);
    assert_eq!(twice.status.code(), Some(2), "nothing is overwritten");
}

#[test]
fn an_invitation_that_nobody_could_use_is_not_made() {
    let gate = Gate::created();
    let early = gate.run(&["invite", "ann", "--group", "finance"]);
    assert_eq!(early.status.code(), Some(5));
    let said = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(said.contains("cosignet-gate serve"), "{said}");
    assert_eq!(gate.succeed(&["export"]), "", "nothing has happened");
}

#[test]
fn a_link_ends_with_its_person() {
    let gate = Gate::new(RULES);
    let said = gate.succeed(&["invite", "ann", "--group", "finance"]);
    let (_, token) = said.lines().next().unwrap().split_once('#').unwrap();
    let options = json!({ "token": token });
    assert_eq!(gate.post("/enrol/options", &options).status, 200);
    gate.succeed(&["approver", "retire", "ann"]);
    let late = gate.post("/enrol/options", &options);
    assert_eq!(late.refusal(), (404, "invite.unknown".into()));
}

#[test]
fn nobody_else_opens_the_socket_that_invites() {
    use std::os::unix::fs::PermissionsExt as _;
    let gate = Gate::new(RULES);
    let socket = std::fs::metadata(gate.data().join("admin.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
}
