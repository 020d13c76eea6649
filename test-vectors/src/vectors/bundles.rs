//! `bundle`: good ones, and how the other files of this kind make theirs.

use serde_json::{Value, json};

use super::{File, sorted};
use crate::approval::{DECIDED_AT_SECONDS, ORIGIN, RP_ID};
use crate::ceremony::{BE, BS, ED, UP, UV};
use crate::encoding::{b64url, pseudo_random};
use crate::entry::canonical;
use crate::passkey::cose;
use crate::{Algorithm, Approval, Approver, Ceremony, Draft, Passkey, Policy};

/// The input that a bundle and its own policy make.
pub(super) fn input(approval: &Approval) -> Value {
    input_of(&approval.bundle.text(), &approval.policy)
}

pub(super) fn input_of(text: &str, policy: &Policy) -> Value {
    json!({"bundleText": text, "policy": policy.value()})
}

/// The input of a changed draft.
pub(super) fn drafted(edit: impl FnOnce(&mut Draft)) -> Value {
    let mut draft = Draft::sample(Algorithm::Es256);
    edit(&mut draft);
    input(&draft.mint())
}

/// The input of a good bundle whose JSON was changed afterwards.
pub(super) fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let approval = Approval::sample(Algorithm::Es256);
    let mut bundle = approval.bundle.value();
    edit(&mut bundle);
    input_of(&sorted(&bundle), &approval.policy)
}

/// The input of a good bundle under a changed policy.
pub(super) fn under(edit: fn(&mut Policy)) -> Value {
    drafted(|draft| draft.edit_policy = edit)
}

/// `input` with further members.
pub(super) fn and(mut input: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    input.as_object_mut().unwrap().extend(more);
    input
}

/// Removes what `pointer` names.
pub(super) fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(key).unwrap();
}

/// The policy that trusts `passkey` alone.
pub(super) fn trusting(policy: &Policy, passkey: &Passkey) -> Policy {
    Policy {
        approvers: vec![Approver::new("alice", passkey)],
        ..policy.clone()
    }
}

pub(super) fn good() -> File {
    let mut file = File::new(
        "bundle",
        "good",
        "bundles that are VERIFIED, and sealed ones, which cannot be",
    );
    for algorithm in Algorithm::ALL {
        file.verdict(
            format!("with a key of {}", algorithm.name()),
            input(&Approval::sample(algorithm)),
            "VERIFIED",
            "ok",
        );
    }
    let mut verified = |name: &str, input: Value| file.verdict(name, input, "VERIFIED", "ok");
    verified(
        "without a commitment to an approver",
        drafted(|d| d.disclosure = None),
    );
    verified(
        "with the approver's address",
        drafted(|d| d.reveal_email = true),
    );
    verified(
        "one leaf in the log",
        drafted(|d| (d.leaves_before, d.leaves_behind) = (0, 0)),
    );
    verified(
        "the last leaf of many",
        drafted(|d| (d.leaves_before, d.leaves_behind) = (299, 0)),
    );
    verified(
        "all three witnesses",
        drafted(|d| d.cosigned.push((2, DECIDED_AT_SECONDS))),
    );
    verified(
        "no quorum",
        drafted(|d| {
            d.quorum = 0;
            d.cosigned.clear();
        }),
    );
    verified("no log in the policy", under(|p| p.log = None));
    verified("no log in the policy, and garbage for a proof", {
        let approval = Approval::sample(Algorithm::Es256);
        let mut bundle = approval.bundle.value();
        bundle["logProof"] = json!("not a proof");
        input_of(
            &sorted(&bundle),
            &Policy {
                log: None,
                ..approval.policy
            },
        )
    });
    verified(
        "a checkpoint with an extension line",
        drafted(|d| d.extensions.push("more".into())),
    );
    verified(
        "a passkey that is backed up",
        drafted(|d| d.ceremony.flags = UP | UV | BE | BS),
    );
    verified(
        "reserved flags",
        drafted(|d| d.ceremony.flags = UP | UV | 0x22),
    );
    for algorithm in Algorithm::ALL {
        let mut draft = Draft::sample(algorithm);
        let Some(key) = cose::fix_curve(&draft.passkey.public_key) else {
            continue;
        };
        let name = algorithm.name();
        let mut approval = draft.mint();
        for approver in &mut approval.policy.approvers {
            if approver.public_key == draft.passkey.public_key {
                approver.public_key.clone_from(&key);
            }
        }
        verified(
            &format!("the policy has the {name} key under the algorithm that fixes the curve"),
            input(&approval),
        );
        draft.edit_entry = |entry| {
            entry.credential_public_key = cose::fix_curve(&entry.credential_public_key).unwrap();
        };
        verified(
            &format!("the entry has the {name} key under the algorithm that fixes the curve"),
            input(&draft.mint()),
        );
    }
    verified(
        "an extension output",
        drafted(|d| {
            d.ceremony.flags = UP | UV | ED;
            d.ceremony.tail = b"\xa1\x67example\xf5".to_vec();
        }),
    );
    verified(
        "client data with a member that browsers add",
        drafted(|d| {
            d.ceremony
                .extra
                .push(r#""other_keys_can_be_added_here":"x""#.into());
        }),
    );
    for length in [16, 64] {
        verified(
            &format!("a nonce of {length} bytes"),
            drafted(|d| {
                let nonce = [pseudo_random("a"), pseudo_random("b")].concat();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &nonce[..length], &d.payload);
            }),
        );
    }
    verified(
        "user verification preferred and not done",
        drafted(|d| {
            d.ceremony.flags = UP;
            d.edit_policy = |p| p.user_verification = Some("preferred".into());
        }),
    );
    verified(
        "in an allowed frame",
        drafted(|d| {
            d.ceremony.cross_origin = Some(true);
            d.ceremony.top_origin = Some("https://top.example".into());
            d.edit_policy = |p| {
                p.cross_origin = Some(true);
                p.top_origins = Some(vec!["https://top.example".into()]);
            };
        }),
    );
    verified(
        "the payload is not JSON",
        drafted(|d| {
            d.payload = b"\x00\xff".to_vec();
            d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
        }),
    );
    verified(
        "the payload is empty",
        drafted(|d| {
            d.payload = vec![];
            d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
        }),
    );
    for (name, pointer) in [
        ("the approval id", "/evidence/approvalId"),
        ("the action", "/evidence/action"),
        ("the approver", "/evidence/approver"),
    ] {
        verified(
            &format!("{name} is not disclosed"),
            edited(|b| remove(b, pointer)),
        );
    }
    verified(
        "hash only: the payload is not disclosed, and the policy does not ask for it",
        {
            let draft = {
                let mut d = Draft::sample(Algorithm::Es256);
                d.edit_policy = |p| p.payload = Some("hash-only".into());
                d
            };
            let mut approval = draft.mint();
            approval.bundle.evidence.as_mut().unwrap().payload = None;
            input(&approval)
        },
    );
    verified(
        "the e-mail address is spelled differently",
        edited(|b| {
            b["evidence"]["approver"]["email"] = json!(" Alice@Example.COM\n");
        }),
    );
    verified("the JSON is indented", {
        let approval = Approval::sample(Algorithm::Es256);
        let text = serde_json::to_string_pretty(&approval.bundle.value()).unwrap();
        input_of(&text, &approval.policy)
    });
    verified("one of many approvals in one log", {
        input(&Approval::many(40).pop().unwrap())
    });
    let sealed = "evidence.client_data_missing";
    file.verdict(
        "sealed: no evidence at all",
        edited(|b| remove(b, "/evidence")),
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "sealed: empty evidence",
        edited(|b| b["evidence"] = json!({})),
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "sealed: all but the client data",
        edited(|b| remove(b, "/evidence/clientDataJSON")),
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "sealed: the caller has the payload",
        {
            let approval = Approval::sample(Algorithm::Es256);
            let input = edited(|b| remove(b, "/evidence"));
            and(input, json!({"payload": b64url(&approval.payload)}))
        },
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "an entry of a type that is not known",
        drafted(|d| {
            let members = [("type", "cosignet.comment/v1"), ("reason", "no")];
            let members = members.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            d.entry_text = Some(canonical(&members));
        }),
        "INCOMPLETE",
        "entry.unknown_type",
    );
    file
}
