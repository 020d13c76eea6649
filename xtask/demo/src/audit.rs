//! An executor that acts once, and an auditor with nothing but files.

use serde_json::Value;

use crate::Result;
use crate::gate::text;
use crate::program::program;
use crate::stage::{Stage, write};

/// The files of an auditor.
const DECISION: &str = "decision.json";
const POLICY: &str = "policy.toml";

/// Claims an approved request, acts, and says so. Returns the decision.
pub(crate) fn claim(stage: &Stage, key: &str, id: &str, hash: &str) -> Result<Value> {
    let claimed = stage.gate.claim(key, id, "transfer-1", hash)?.done()?;
    println!(
        "   claimed at {}, by operation transfer-1",
        text(&claimed, "claimedAt")
    );
    let again = stage.gate.claim(key, id, "transfer-2", hash)?;
    match again.code().as_str() {
        code @ "claim.taken" => println!("   a second operation, transfer-2, is refused: {code}"),
        code => {
            return Err(format!(
                "a second claim should be refused, and it is: {code}"
            ));
        }
    }
    stage.gate.report_done(key, id)?;
    println!("   the payment would be made now, once; the gate is told that it is done");
    Ok(claimed.get("decision").cloned().unwrap_or_default())
}

/// Writes down the decision and the policy for its rule, and verifies as an auditor does.
pub(crate) fn verify(stage: &Stage, name: &str, decision: &Value, rule: &str) -> Result<()> {
    let folder = stage.folder(name)?;
    write(&folder.join(DECISION), &format!("{decision}\n"))?;
    let policy = stage.gate.run(&["policy", "--rule", rule])?;
    write(&folder.join(POLICY), &format!("{policy}\n"))?;
    println!(
        "   {DECISION}  every signature, with the log's proofs and the witnesses' cosignatures"
    );
    println!("   {POLICY}    whom to trust: from `cosignet-gate policy --rule {rule:?}`");
    println!("\n$ cd {}", folder.display());
    println!("$ cosignet verify {DECISION} --policy {POLICY}\n");
    let mut cosignet = program("cosignet")?;
    cosignet.args(["verify", DECISION, "--policy", POLICY]);
    let status = cosignet.current_dir(&folder).status();
    let status = status.map_err(|error| format!("cannot run cosignet: {error}"))?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(format!(
            "the result should be VERIFIED, and the exit code is {code:?}"
        )),
    }
}
