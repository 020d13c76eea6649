//! The way with a visitor, who approves with a passkey of their own. What happens is read from the
//! gate's events, as a program beside it would.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use verifier_core::hazmat::encoding::from_base64url;
use verifier_core::hazmat::webauthn::CoseKey;

use crate::Result;
use crate::audit;
use crate::gate::{Gate, text};
use crate::once::{payment, rule};
use crate::person::{Act, Person};
use crate::program::program;
use crate::stage::Stage;

/// The visitor's name at the gate.
const VISITOR: &str = "visitor";

/// The name of the approver whom the demo plays.
const ROBOT: &str = "robot";

/// How often events are asked for.
const PAUSE: Duration = Duration::from_millis(300);

/// Says what to do, and follows what is done, until the demo is ended.
pub(crate) fn run(stage: &Stage) -> Result<()> {
    let gate = &stage.gate;
    let robot = Person::enrol(gate, ROBOT, "board")?;
    let agent = gate.key("agent", "create")?;
    let executor = gate.key("executor", "claim")?;
    let auditor = gate.key("auditor", "read")?;
    let link = gate.invite(VISITOR, "finance")?;
    println!("  on its board   {ROBOT}, with a passkey in software: approves after you");

    println!("\n1. Make a passkey: open this link in a browser on this machine\n\n   {link}\n");
    println!("2. Ask, as an agent would: run this in another terminal\n");
    println!("{}\n", curl(gate, &agent));
    println!(
        "3. Approve or refuse, on the page whose address appears here. A payment of 1000 and more"
    );
    println!("   needs {ROBOT} too, a smaller one you alone. Ctrl-C ends the demo.");

    let visit = Visit {
        stage,
        robot,
        executor,
        auditor,
    };
    let mut seen = 0;
    loop {
        for event in gate.events(&visit.auditor, seen)? {
            seen = event.get("number").and_then(Value::as_u64).unwrap_or(seen);
            if let Err(message) = visit.follow(&event) {
                println!("   {message}");
            }
        }
        sleep(PAUSE);
    }
}

struct Visit<'s> {
    stage: &'s Stage,
    robot: Person,
    executor: String,
    auditor: String,
}

impl Visit<'_> {
    fn follow(&self, event: &Value) -> Result<()> {
        let gate = &self.stage.gate;
        let facts = event.get("event").cloned().unwrap_or_default();
        let (id, person) = (text(&facts, "request"), text(&facts, "person"));
        match (text(event, "kind"), person) {
            ("person.enrolled", VISITOR) => {
                println!(
                    "\nYou have made a passkey. Its fingerprint, which your screen shows too:"
                );
                println!("   {}", fingerprint(text(&facts, "publicKey"))?);
            }
            ("request.created", _) => {
                let asked = gate.look(&self.auditor, id)?;
                println!(
                    "\nThe agent has asked. The rule: {}. The page:",
                    rule(&asked)
                );
                println!("\n   {}\n", text(&asked, "url"));
            }
            ("request.signed", VISITOR) if text(&facts, "act") == "approve" => {
                println!("You have approved.");
                let now = gate.look(&self.auditor, id)?;
                if missing(&now) > 0 {
                    self.robot.decide(gate, id, Act::Approve)?;
                    println!("{ROBOT} has approved, for the board.");
                }
            }
            ("request.rejected", _) => {
                println!("You have refused: nobody can claim this request any more.");
            }
            ("request.expired", _) => println!("A request has ended: its time is over."),
            ("request.approved", _) => self.act(id)?,
            _ => {}
        }
        Ok(())
    }

    /// What comes after an approval.
    fn act(&self, id: &str) -> Result<()> {
        let approved = self.stage.gate.look(&self.auditor, id)?;
        println!("The log has it all, cosigned by its witnesses: the request is approved.");
        println!("\nThe executor claims it");
        let hash = text(&approved, "payloadHash");
        let decision = audit::claim(self.stage, &self.executor, id, hash)?;
        println!("\nAn auditor verifies it, with nothing but files");
        audit::verify(self.stage, id, &decision, &rule(&approved))?;
        println!("\nThe files stay until Ctrl-C: change a byte and verify again, or ask again.");
        let cosignet = program("cosignet")?;
        println!("`cosignet` is {}", cosignet.get_program().display());
        Ok(())
    }
}

/// How many signatures a request still needs.
fn missing(request: &Value) -> u64 {
    let count = |name: &str| {
        let found = request.pointer(&format!("/signatures/{name}"));
        found.and_then(Value::as_u64).unwrap_or_default()
    };
    count("needed").saturating_sub(count("given"))
}

fn fingerprint(public_key: &str) -> Result<String> {
    let bytes = from_base64url(public_key).map_err(|error| error.to_string())?;
    let key = CoseKey::parse(&bytes).map_err(|error| error.to_string())?;
    Ok(key.fingerprint())
}

/// A command that asks for a large payment.
fn curl(gate: &Gate, key: &str) -> String {
    let payload = payment("12500.00");
    format!(
        "curl -s {}/api/confirmations -H 'x-api-key: {key}' \\\n  \
         -H 'content-type: application/json' \\\n  \
         -d '{{\"action\":\"payment.send\",\"payload\":{payload}}}'",
        gate.origin()
    )
}
