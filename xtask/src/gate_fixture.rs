//! A gate for the tests of clients in other languages: `cargo xtask gate-fixture`. People with
//! software passkeys decide its requests, as the action of each says.
//!
//! ```text
//! → {"actions":{…},"cosignet":path,"keys":{"both","claim","create","read"},"policies":{"one","two"},"url"}\n
//! ← the end of standard input ends it
//! ```
//!
//! | action | what people do |
//! |---|---|
//! | `fixture.approve` | one of them approves at once; the rule wants one |
//! | `fixture.approve.late` | the same after three seconds |
//! | `fixture.refuse` | one of them refuses, with the reason "not today" |
//! | `fixture.ignore` | nobody decides |
//! | `fixture-two.approve` | two of them approve; the rule wants two |
//!
//! No rule covers any other action. Of the policies, each the path of a file, `one` is that of the
//! first rule and `two` that of the other.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::command::{binary, cargo, run, target};
use crate::connection::Connection;
use crate::gate::{Gate, Person, get, text};

/// The keys that claim need not be the keys that ask.
const RULES: &str = r#"
[[rule]]
name = "one"
action = "fixture.*"
approve = [{ group = "finance", at_least = 1 }]
expires = "10m"
claim_within = "10m"

[[rule]]
name = "two"
action = "fixture-two.*"
approve = [{ group = "finance", at_least = 2 }]
expires = "10m"
claim_within = "10m"
"#;

/// The time between two looks for new requests.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How late somebody is who decides late.
const LATE: Duration = Duration::from_secs(3);

/// Builds what it needs, starts the gate, says where it is, and ends with standard input.
pub(crate) fn start() -> Result<(), String> {
    run(&mut cargo(&[
        "build",
        "--quiet",
        "--package",
        "gate",
        "--package",
        "verifier-cli",
    ]))?;
    let name = std::process::id().to_string();
    let folder = Folder(target().join("gate-fixture").join(name));
    let path = &folder.0;
    fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let program = binary("debug", "cosignet-gate");
    let gate = Gate::start_under(RULES, &program, path.join("gate"))?;
    let people = People {
        address: gate.address.clone(),
        ann: gate.person("ann", "finance")?,
        bob: gate.person("bob", "finance")?,
        events: gate.key("fixture", "read")?,
    };
    let mut policies = serde_json::Map::new();
    for rule in ["one", "two"] {
        let policy = path.join(format!("{rule}.toml"));
        let written = fs::write(&policy, gate.policy(rule)? + "\n");
        written.map_err(|error| format!("{}: {error}", policy.display()))?;
        policies.insert(rule.into(), policy.to_string_lossy().into());
    }
    let said = json!({
        "actions": {
            "approve": Act::Approve.action(),
            "ignore": "fixture.ignore",
            "late": Act::Late.action(),
            "noRule": "other.action",
            "refuse": Act::Refuse.action(),
            "two": Act::Two.action(),
        },
        "cosignet": binary("debug", "cosignet").to_string_lossy(),
        "keys": {
            "both": gate.key("both", "create,claim")?,
            "claim": gate.key("executor", "claim")?,
            "create": gate.key("agent", "create")?,
            "read": gate.key("auditor", "read")?,
        },
        "policies": policies,
        "url": format!("http://{}", gate.address),
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{said}")
        .and_then(|()| stdout.flush())
        .map_err(|error| error.to_string())?;
    thread::spawn(move || {
        if let Err(error) = Arc::new(people).watch() {
            eprintln!("gate-fixture: {error}");
        }
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map_err(|e| e.to_string())?;
    Ok(())
}

/// What somebody does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Approve,
    Late,
    Refuse,
    Two,
}

impl Act {
    const ALL: [Self; 4] = [Self::Approve, Self::Late, Self::Refuse, Self::Two];

    const fn action(self) -> &'static str {
        match self {
            Self::Approve => "fixture.approve",
            Self::Late => "fixture.approve.late",
            Self::Refuse => "fixture.refuse",
            Self::Two => "fixture-two.approve",
        }
    }
}

/// A folder that goes when this does.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Those who decide, and a key with which they hear of requests.
#[derive(Debug)]
struct People {
    address: String,
    ann: Person,
    bob: Person,
    events: String,
}

impl People {
    /// Looks for requests until the gate is gone, and has each decided on a thread of its own.
    fn watch(self: &Arc<Self>) -> Result<(), String> {
        let mut connection = Connection::open(&self.address)?;
        let key = format!("x-api-key: {}\r\n", self.events);
        let mut last = 0_u64;
        loop {
            let page = get(&format!("/export?after={last}"), &key);
            let page = connection.ask(&page)?.expect(200)?;
            for line in String::from_utf8_lossy(&page.body).lines() {
                let event: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
                let number = event.get("number").and_then(Value::as_u64);
                last = number.ok_or("an event without number")?;
                if text(&event, "/kind")? == "request.created" {
                    self.decide_later(&event)?;
                }
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn decide_later(self: &Arc<Self>, created: &Value) -> Result<(), String> {
        let id = text(created, "/event/request")?.to_owned();
        let action = text(created, "/event/action")?;
        let Some(act) = Act::ALL.into_iter().find(|act| act.action() == action) else {
            return Ok(());
        };
        let people = Arc::clone(self);
        thread::spawn(move || {
            if let Err(error) = people.decide(&id, act) {
                eprintln!("gate-fixture: {id}: {error}");
            }
        });
        Ok(())
    }

    fn decide(&self, id: &str, act: Act) -> Result<(), String> {
        match act {
            Act::Approve => self.answer(&self.ann, id, true),
            Act::Late => {
                thread::sleep(LATE);
                self.answer(&self.ann, id, true)
            }
            Act::Refuse => self.answer(&self.bob, id, false),
            Act::Two => {
                self.answer(&self.ann, id, true)?;
                self.answer(&self.bob, id, true)
            }
        }
    }

    /// One person looks at the request and answers it.
    fn answer(&self, person: &Person, id: &str, approves: bool) -> Result<(), String> {
        let mut connection = Connection::open(&self.address)?;
        let cookie = person.sign_in(&mut connection)?;
        let look = get(&format!("/a/{id}/request"), &cookie);
        let shown = connection.ask(&look)?.expect(200)?.json()?;
        let answer = match approves {
            true => person.approval(id, &shown)?,
            false => person.refusal(id, &shown, "not today")?,
        };
        connection.ask(&answer)?.expect(200).map(|_| ())
    }
}
