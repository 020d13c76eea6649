//! Break-glass: files that open and permit an act, leaves of a log, and bundles around them.

mod bundles;
mod files;
mod leaves;

pub(super) use bundles::bundles;
pub(super) use files::files;
pub(super) use leaves::leaves;

use serde_json::{Value, json};

use super::sorted;
use crate::approval::{ORIGIN, RP_ID};
use crate::break_glass::settings;
use crate::encoding::{hex, sha256};
use crate::{Algorithm, Approver, Ceremony, Glass, Passkey, Policy};

/// A change, and the code that it leads to.
type Row<T> = (&'static str, fn(&mut T), &'static str);

/// What makes a ceremony none of break-glass, for whoever has the file or the leaf alone.
const CEREMONIES: [Row<Ceremony>; 5] = [
    (
        "a registration",
        |c| c.kind = "webauthn.create".into(),
        "webauthn.type",
    ),
    (
        "in a frame",
        |c| c.cross_origin = Some(true),
        "webauthn.cross_origin",
    ),
    (
        "another RP",
        |c| c.rp_id = "evil.example".into(),
        "webauthn.rp_id",
    ),
    (
        "nobody was there",
        |c| c.flags = 0x04,
        "webauthn.user_presence",
    ),
    (
        "nobody was recognised",
        |c| c.flags = 0x01,
        "webauthn.user_verification",
    ),
];

fn key(seed: &str) -> Passkey {
    Passkey::new(Algorithm::Es256, seed)
}

/// Ann with two keys, bob, and cleo, who is not on call: all defaults written out, so that the policy
/// is its own canonical form.
fn policy() -> Policy {
    let listed = |name: &str, groups: &[&str]| Approver::new(name, &key(name)).in_groups(groups);
    Policy {
        name: "example".into(),
        payload: Some("required".into()),
        rp_ids: vec![RP_ID.into()],
        origins: vec![ORIGIN.into()],
        user_verification: Some("required".into()),
        cross_origin: Some(false),
        top_origins: Some(Vec::new()),
        approvers: vec![
            listed("ann", &["oncall"]),
            listed("ann too", &["oncall"]).of_person("ann"),
            listed("bob", &["finance", "oncall"]),
            listed("cleo", &["finance"]),
        ],
        log: None,
        max_append_delay: None,
        anchor: Some(json!({
            "minConfirmations": 6, "network": "mainnet", "pinnedBlocks": [], "required": false,
        })),
        decision: None,
        roster: None,
    }
}

/// What identifies a policy that is its own canonical form.
fn hash(policy: &Policy) -> String {
    hex(&sha256(sorted(&policy.value()).as_bytes()))
}

/// A grant under this policy, signed by these.
fn signed(policy: &Policy, signers: &[&str]) -> Glass {
    let keys: Vec<Passkey> = signers.iter().map(|seed| key(seed)).collect();
    Glass::new(&hash(policy)).signed_by(&keys.iter().collect::<Vec<_>>())
}

/// Two of `oncall`, for payments.
fn rules(policy: &Policy) -> Value {
    settings(&hash(policy), "/var/lib/payments/break-glass.jsonl")
}
