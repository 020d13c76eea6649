//! The whole way unattended.

use serde_json::{Value, json};
use verifier_core::hazmat::encoding::{hex, sha256};

use crate::Result;
use crate::audit;
use crate::gate::text;
use crate::person::{Act, Person};
use crate::stage::Stage;

/// Prints each step. `Ok` only if the result is VERIFIED.
pub(crate) fn run(stage: &Stage) -> Result<()> {
    let gate = &stage.gate;
    println!("\n1. Two people are invited, and make passkeys, in software");
    let people = [("alice", "finance"), ("bob", "board")];
    let enrol = |(name, group): (&str, &str)| {
        let person = Person::enrol(gate, name, group)?;
        println!(
            "   {:<14} {}",
            format!("{name}, {group}"),
            person.fingerprint
        );
        Ok::<_, String>(person)
    };
    let [alice, bob] = people.map(enrol);
    let (alice, bob) = (alice?, bob?);
    let agent = gate.key("agent", "create")?;
    let executor = gate.key("executor", "claim")?;
    println!(
        "   An agent gets a key that asks, an executor one that claims. Neither key approves."
    );

    println!("\n2. The agent asks: a large payment needs one of finance and one of the board");
    let payload = payment("12500.00");
    let asked = gate.ask(&agent, "payment.send", &payload)?;
    let id = text(&asked, "id").to_owned();
    println!("   {payload}");
    println!("   rule         {}", rule(&asked));
    println!("   page         {}", text(&asked, "url"));
    println!("   SHA-256      {}", text(&asked, "payloadHash"));

    println!("\n3. Both see exactly this, and sign its hash with their passkeys");
    alice.decide(gate, &id, Act::Approve)?;
    let half = gate.look(&agent, &id)?;
    println!(
        "   alice approves; the request is {}",
        text(&half, "status")
    );
    bob.decide(gate, &id, Act::Approve)?;
    // Approved is what the log has, with the cosignatures of its witnesses.
    let decided = expect(gate.wait(&agent, &id)?, "approved")?;
    println!("   bob approves; both signatures are in the log, both witnesses have cosigned it");
    println!("   the request is approved");

    println!("\n4. Another request is refused: one refusal outweighs every approval");
    let other = gate.ask(&agent, "payment.send", &payment("99000.00"))?;
    let other_id = text(&other, "id");
    alice.decide(gate, other_id, Act::Approve)?;
    println!("   alice approves 99000.00");
    bob.decide(gate, other_id, Act::Refuse)?;
    let refused = expect(gate.wait(&agent, other_id)?, "rejected")?;
    println!("   bob refuses; the request is rejected");
    let claim = gate.claim(
        &executor,
        other_id,
        "transfer-0",
        text(&refused, "payloadHash"),
    )?;
    println!("   the executor cannot claim it: {}", claim.code());
    if claim.status == 200 {
        return Err("a refused request could be claimed".into());
    }

    println!(
        "\n5. The executor claims the first one, by the hash of the payment that it would make"
    );
    let hash = hex(&sha256(payload.to_string().as_bytes()));
    let decision = audit::claim(stage, &executor, &id, &hash)?;

    println!("\n6. An auditor verifies it, with nothing but files");
    audit::verify(stage, "audit", &decision, &rule(&decided))
}

/// A payment of so much.
pub(crate) fn payment(amount: &str) -> Value {
    json!({
        "amount": amount,
        "currency": "EUR",
        "reference": "Invoice 2026-117",
        "to": { "iban": "DE89370400440532013000", "name": "Acme GmbH" },
    })
}

/// The rule that a request falls under.
pub(crate) fn rule(request: &Value) -> String {
    let name = request.pointer("/rule/name").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

fn expect(request: Value, status: &str) -> Result<Value> {
    match text(&request, "status") == status {
        true => Ok(request),
        false => Err(format!("the request should be {status}: {request}")),
    }
}
