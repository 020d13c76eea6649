//! Mail to people who are asked.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Gate, RULES};
use crate::receiver::{Mailbox, wait_for};

/// A gate that sends its mail through a server of this form, to everybody.
fn gate(server: &str) -> Gate {
    let mut gate = Gate::created();
    std::fs::write(gate.data().join("rules.toml"), RULES).unwrap();
    gate.serve(&[
        "--mail-server",
        server,
        "--mail-from",
        "Approvals <gate@example.com>",
    ]);
    for (name, group) in [("ann", "finance"), ("bob", "board"), ("cat", "finance")] {
        gate.person(name, group);
        let address = format!("{name}@example.com");
        gate.succeed(&["approver", "mail", name, &address]);
    }
    gate
}

#[test]
fn those_who_are_asked_get_a_mail_with_a_link_and_nothing_more() {
    let mailbox = Mailbox::new();
    let gate = gate(&format!("smtp-plain://localhost:{}", mailbox.port));
    let list = gate.succeed(&["approver", "list"]);
    assert!(
        list.contains("ann  [finance]  mail ann@example.com"),
        "{list}"
    );
    // Cat answers for the key, and is not asked; neither is Bob, by this rule.
    let agent = gate.key("agent", "create", Some("cat"));
    let payload = json!({ "amount": "10.00", "to": "DE89370400440532013000" });
    let id = gate.ask(&agent, "payment.send\u{e9}", &payload);
    let [(to, mail)] = &mailbox.wait(1)[..] else {
        panic!("one");
    };
    assert!(to.contains("<ann@example.com>"), "{to}");
    assert!(
        mail.contains("From: Approvals <gate@example.com>"),
        "{mail}"
    );
    assert!(mail.contains("Auto-Submitted: auto-generated"), "{mail}");
    assert!(mail.contains("@localhost>"), "{mail}");
    let link = format!("{}/a/{id}", gate.origin());
    assert!(mail.replace("=\n", "").contains(&link), "{mail}");
    assert!(!mail.contains("DE89") && !mail.contains("10.00"), "{mail}");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(mailbox.got().len(), 1);
    wait_for(|| {
        let log = gate.succeed(&["webhook", "log"]);
        log.contains("delivered to mail to ann, 1 try: answered 250")
            .then_some(())
    });
    gate.succeed(&["approver", "mail", "ann", "--none"]);
    gate.ask(&agent, "payment.send", &json!({ "amount": "20.00" }));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(mailbox.got().len(), 1);
    // Where people read mail is in no event.
    assert!(!gate.succeed(&["export"]).contains("@example.com"));
    let refused = gate.run(&["approver", "mail", "ann", "ann@exa\nmple.com"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}

/// Nobody has signed that, which is what they have to know.
#[test]
fn everybody_gets_a_mail_about_a_use_of_break_glass() {
    let mailbox = Mailbox::new();
    let gate = gate(&format!("smtp-plain://localhost:{}", mailbox.port));
    let executor = gate.key("executor", "claim", None);
    let body = json!({
        "action": "payment.<b>send",
        "file": "none",
        "outcome": "done",
        "payloadHash": "ab".repeat(32),
        "useId": "00000000-0000-4000-8000-000000000001",
        "usedAt": "2026-03-01T12:00:00.000Z",
    });
    let told = gate.call("/v1/break-glass", &executor, "", &body);
    assert_eq!(told.status, 201, "{told:?}");
    let got = mailbox.wait(3);
    for name in ["ann", "bob", "cat"] {
        let to = format!("<{name}@example.com>");
        assert!(got.iter().any(|(found, _)| found.contains(&to)), "{got:?}");
    }
    for (_, mail) in got {
        let mail = mail.replace("=\n", "");
        let subject = "BREAK-GLASS, payment.?b?send without an approval";
        assert!(mail.contains(subject), "{mail}");
        assert!(mail.contains("break_glass.form"), "{mail}");
        assert!(!mail.contains("abab") && !mail.contains("http"), "{mail}");
    }
}

#[test]
fn no_mail_goes_out_unencrypted_unless_it_is_said() {
    let mailbox = Mailbox::new();
    // This server has no STARTTLS, as somebody in between would make it look.
    let gate = gate(&format!("smtp://localhost:{}", mailbox.port));
    let agent = gate.key("agent", "create", None);
    gate.ask(&agent, "payment.send", &json!({ "amount": "10.00" }));
    let log = wait_for(|| {
        let log = gate.succeed(&["webhook", "log"]);
        log.contains("1 try").then_some(log)
    });
    assert!(log.contains("waiting to mail to ann"), "{log}");
    assert_eq!(mailbox.got(), []);
}

#[test]
fn settings_of_mail_fit_together() {
    let gate = Gate::created();
    std::fs::write(gate.data().join("rules.toml"), RULES).unwrap();
    let from = ["--mail-from", "gate@example.com"];
    for more in [
        &["--mail-server", "smtps://mail.example.com"][..],
        &from,
        &[
            "--mail-server",
            "https://mail.example.com",
            from[0],
            from[1],
        ],
        &[
            "--mail-server",
            "smtps://u:p@mail.example.com",
            from[0],
            from[1],
        ],
        &[
            "--mail-server",
            "smtp-plain://mail.example.com",
            from[0],
            from[1],
        ],
        &[
            "--mail-server",
            "smtps://mail.example.com",
            "--mail-from",
            "nobody",
        ],
        &[
            "--mail-server",
            "smtps://mail.example.com",
            from[0],
            from[1],
            "--mail-user",
            "gate",
        ],
    ] {
        let serve = ["serve", "--url", "http://localhost:1"];
        let refused = gate.run(&[&serve[..], more].concat());
        assert_eq!(refused.status.code(), Some(2), "{more:?}: {refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("--mail-"), "{more:?}: {said}");
    }
}
