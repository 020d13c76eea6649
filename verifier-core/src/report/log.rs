//! The findings about the log and its witnesses.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::encoding::hex;
use crate::json::Value;
use crate::time::Time;

/// Where the entry stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogFacts {
    /// The log.
    pub origin: String,
    /// The position of the entry, from 0.
    pub index: u64,
    /// The number of entries in the tree that contains it.
    pub tree_size: u64,
    /// The policy's quorum in words such as `2 of w1, w2, w3`; names in it are
    /// fit to print.
    pub quorum: String,
    /// Whether that is met.
    pub quorum_met: bool,
    /// The smallest time at which a quorum of the witnesses had seen that tree.
    pub quorum_time: Option<Time>,
    /// Every signature line of the checkpoint, in its order, and whether it counts.
    pub signatures: Vec<SignatureFacts>,
    /// The policy's witnesses that cosigned it.
    pub witnesses: Vec<WitnessFacts>,
}

/// A signature line of a checkpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureFacts {
    /// The key id that the line names.
    pub key_id: [u8; 4],
    /// The name of the key that the line names: anybody can write any name.
    pub name: String,
    /// Whose key that is, according to the policy; `None` if it lists none of that name and id.
    pub signer: Option<Signer>,
    /// The policy's name for the witness.
    pub policy_name: Option<String>,
    /// Whether the signature verifies under the policy's key. Of a witness with several lines
    /// all have to.
    pub verified: bool,
}

/// The part that a key plays in the policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signer {
    /// A log.
    Log,
    /// A witness.
    Witness,
}

impl Signer {
    /// The text in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Witness => "witness",
        }
    }
}

impl SignatureFacts {
    fn to_value(&self) -> Value<'_> {
        Value::from([
            ("keyId", hex(&self.key_id).into()),
            ("name", self.name.as_str().into()),
            ("policyName", self.policy_name.as_deref().into()),
            ("signer", self.signer.map(Signer::as_str).into()),
            ("verified", self.verified.into()),
        ])
    }
}

/// A witness that cosigned: every cosignature of its in the checkpoint verifies.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WitnessFacts {
    /// The id of its key.
    pub key_id: [u8; 4],
    /// The name of its key.
    pub name: String,
    /// The policy's name for it.
    pub policy_name: String,
    /// When it cosigned.
    pub time: Time,
}

impl LogFacts {
    pub(super) fn to_value(&self) -> Value<'_> {
        let witness = |witness: &'_ WitnessFacts| {
            Value::from([
                ("keyId", hex(&witness.key_id).into()),
                ("name", witness.name.clone().into()),
                ("policyName", witness.policy_name.clone().into()),
                ("time", witness.time.to_string().into()),
            ])
        };
        Value::from([
            ("index", self.index.into()),
            ("origin", self.origin.as_str().into()),
            ("quorum", self.quorum.as_str().into()),
            ("quorumMet", self.quorum_met.into()),
            (
                "quorumTime",
                self.quorum_time.map(|time| time.to_string()).into(),
            ),
            (
                "signatures",
                self.signatures
                    .iter()
                    .map(SignatureFacts::to_value)
                    .collect(),
            ),
            ("treeSize", self.tree_size.into()),
            ("witnesses", self.witnesses.iter().map(witness).collect()),
        ])
    }
}
