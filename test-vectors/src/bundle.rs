//! The bundle: one file that carries an approval with all its evidence.

use serde_json::{Value, json};

use crate::encoding::{b64, b64url};
use crate::entry::Disclosure;
use crate::note::LogProof;
use crate::tree::Hash;

/// A bundle before it is written.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The text of the leaf.
    pub entry: String,
    /// The proof.
    pub log_proof: LogProof,
    /// The disclosed evidence.
    pub evidence: Option<Evidence>,
    /// The anchor.
    pub anchor: Option<Anchor>,
}

/// The `evidence` of a bundle.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// `approvalId`.
    pub approval_id: Option<String>,
    /// `clientDataJSON`.
    pub client_data_json: Option<Vec<u8>>,
    /// `payload`.
    pub payload: Option<Vec<u8>>,
    /// `action`.
    pub action: Option<String>,
    /// `context`.
    pub context: Option<String>,
    /// `refusal.random`.
    pub random: Option<[u8; 32]>,
    /// `approver`.
    pub approver: Option<Disclosure>,
}

/// The `anchor` of a bundle.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The signed checkpoint that was stamped.
    pub checkpoint: String,
    /// The proof of the entry under that checkpoint.
    pub log_proof: LogProof,
    /// From the smaller head to the larger one.
    pub consistency: Option<Vec<Hash>>,
    /// The OpenTimestamps proof.
    pub ots: Option<Vec<u8>>,
    /// A block header that the service claims: height and 80 bytes.
    pub header: Option<(u64, Vec<u8>)>,
}

impl Bundle {
    /// The JSON structure.
    pub fn value(&self) -> Value {
        let mut bundle = json!({
            "type": "cosignet.bundle/v1",
            "entry": self.entry,
            "logProof": self.log_proof.text(),
        });
        if let Some(evidence) = &self.evidence {
            bundle["evidence"] = evidence.value();
        }
        if let Some(anchor) = &self.anchor {
            bundle["anchor"] = anchor.value();
        }
        bundle.sort_all_objects();
        bundle
    }

    /// The text.
    pub fn text(&self) -> String {
        self.value().to_string()
    }
}

impl Evidence {
    fn value(&self) -> Value {
        let mut value = json!({});
        if let Some(id) = &self.approval_id {
            value["approvalId"] = json!(id);
        }
        if let Some(bytes) = &self.client_data_json {
            value["clientDataJSON"] = json!(b64url(bytes));
        }
        if let Some(bytes) = &self.payload {
            value["payload"] = json!(b64url(bytes));
        }
        if let Some(action) = &self.action {
            value["action"] = json!(action);
        }
        if let Some(context) = &self.context {
            value["context"] = json!(context);
        }
        if let Some(random) = &self.random {
            value["refusal"] = json!({"random": b64url(random)});
        }
        if let Some(approver) = &self.approver {
            value["approver"] =
                json!({"blind": b64url(&approver.blind), "salt": b64url(&approver.salt)});
            if let Some(email) = &approver.email {
                value["approver"]["email"] = json!(email);
            }
        }
        value
    }
}

impl Anchor {
    fn value(&self) -> Value {
        let mut value = json!({
            "checkpoint": self.checkpoint,
            "logProof": self.log_proof.text(),
        });
        if let Some(hashes) = &self.consistency {
            let hashes: Vec<String> = hashes.iter().map(|hash| b64(hash)).collect();
            value["consistency"] = json!(hashes);
        }
        if let Some(ots) = &self.ots {
            value["ots"] = json!(b64url(ots));
        }
        if let Some((height, bytes)) = &self.header {
            value["header"] = json!({"height": height, "bytes": b64url(bytes)});
        }
        value
    }
}
