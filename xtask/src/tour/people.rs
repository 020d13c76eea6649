//! Several people: a decision, a refusal, and a list of approvers that is approved itself.

use serde_json::json;
use test_vectors::roster::chain;
use test_vectors::{
    Algorithm, Approval, Approver, Context, Decision, Draft, Ledger, Passkey, Roster,
};

use super::Tour;

const PAYLOAD: &str = r#"{"amount":"4200.00","currency":"EUR","to":"Acme GmbH"}"#;

/// When the head of the log was cosigned, in seconds since 1970.
const SEALED_AT: u64 = 1_772_366_460;

fn key(name: &str, group: &str) -> Approver {
    Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(&[group])
}

/// An approval of a payload, by the key with this seed, under an id of its own.
fn approving(seed: &str, number: u32, payload: &[u8]) -> Draft {
    let mut draft = Draft::by(seed);
    draft.approval_id = test_vectors::approval::approval_id(number);
    draft.approving(payload)
}

impl Tour {
    /// Two of three, and a no.
    pub(super) fn decided(&self) -> Result<(), String> {
        println!("\n# 3. Two of three people have to approve\n");
        let context = Context::numbered(1).text();
        let approvals = Approval::together(&[
            Draft::by("ann").approving_under(&context, PAYLOAD.as_bytes()),
            Draft::by("bob").approving_under(&context, PAYLOAD.as_bytes()),
            Draft::by("cid").refusing(&context, PAYLOAD.as_bytes()),
        ]);
        let [ann, bob, cid] = approvals.as_slice() else {
            return Err("three bundles were minted".into());
        };
        let names = ["ann.json", "bob.json", "cid-refuses.json"];
        for (name, approval) in names.iter().zip([ann, bob, cid]) {
            self.write(name, &approval.bundle.text())?;
        }
        self.write("wire.json", PAYLOAD)?;
        let mut policy = ann.policy.clone();
        policy.approvers = ["ann", "bob", "cid"]
            .map(|name| key(name, "finance"))
            .into();
        policy.decision = Some(json!({"require": [{"group": "finance", "atLeast": 2}]}));
        self.write("people.json", &policy.value().to_string())?;
        let asked = [
            "--policy",
            "target/demo/people.json",
            "--payload",
            "target/demo/wire.json",
        ];
        let verify = |files: &[&str], code| {
            self.cosignet(&[&["verify"], files, asked.as_slice()].concat(), code)
        };

        println!("One is not enough, and the report says who is missing:");
        verify(&["target/demo/ann.json"], 4)?;
        println!("\nTwo are:");
        let both = ["target/demo/ann.json", "target/demo/bob.json", "--together"];
        verify(&both, 0)?;
        println!("\nOne authentic refusal outweighs them:");
        let join = [
            "decision",
            "join",
            "target/demo/ann.json",
            "target/demo/bob.json",
            "target/demo/cid-refuses.json",
            "-o",
            "target/demo/decision.json",
        ];
        self.cosignet(&join, 0)?;
        verify(&["target/demo/decision.json"], 1)
    }

    /// A roster of two versions; what is logged behind the second is judged by it.
    pub(super) fn enrolled(&self) -> Result<(), String> {
        println!("\n# 4. Who may approve is approved itself\n");
        let admins = [key("dora", "admins"), key("emil", "admins")];
        let first = Roster::first(
            "acme",
            2,
            &admins,
            &[key("ann", "finance"), key("bob", "finance")],
        );
        let second = first.next(&[key("ann", "finance")]);
        let mut ledger = Ledger::default();
        let mut number = 0;
        let mut add = |ledger: &mut Ledger, seed: &str, payload: &[u8]| {
            number += 1;
            ledger.add(approving(seed, number, payload))
        };
        let mut version = |ledger: &mut Ledger, roster: &Roster| {
            ["dora", "emil"].map(|admin| add(ledger, admin, &roster.payload()))
        };
        let one = version(&mut ledger, &first);
        let before = ledger.add(approving("bob", 100, PAYLOAD.as_bytes()));
        let two = version(&mut ledger, &second);
        let after = ledger.add(approving("bob", 101, PAYLOAD.as_bytes()));
        ledger.seal(SEALED_AT);

        let decision = |by: [usize; 2]| Decision::of(&by.map(|index| ledger.approval(index)));
        let file = chain(&[decision(one), decision(two)]);
        self.write("roster.json", &file.to_string())?;
        for (name, roster) in [("version-1.json", &first), ("version-2.json", &second)] {
            self.write(name, &String::from_utf8_lossy(&roster.payload()))?;
        }
        for (name, index) in [("before.json", before), ("after.json", after)] {
            self.write(name, &ledger.approval(index).bundle.text())?;
        }
        let mut policy = ledger.approval(before).policy;
        policy.log = Some(ledger.tlog_policy());
        policy.approvers.clear();
        policy.roster = Some(json!({
            "name": "acme",
            "require": [{"group": "admins", "atLeast": 2}],
            "admins": admins.iter().map(Approver::value).collect::<Vec<_>>(),
        }));
        self.write("admins.json", &policy.value().to_string())?;

        println!("The policy names two admins; both have approved both versions:");
        let policy = ["--policy", "target/demo/admins.json"];
        let check = ["roster", "check", "target/demo/roster.json"];
        self.cosignet(&[&check, policy.as_slice()].concat(), 0)?;
        let diff = [
            "roster",
            "diff",
            "target/demo/version-1.json",
            "target/demo/version-2.json",
        ];
        self.cosignet(&diff, 0)?;
        let roster = ["--roster", "target/demo/roster.json"];
        let verify = |file, code| {
            let args = [&["verify", file], policy.as_slice(), roster.as_slice()].concat();
            self.cosignet(&args, code)
        };
        println!("\nbob approved before he was removed:");
        verify("target/demo/before.json", 0)?;
        println!("\nAnd after that. No clock is needed to tell: the log has an order.");
        verify("target/demo/after.json", 1)
    }
}
