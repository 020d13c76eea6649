//! `bundle`: two good bundles of one log, and every part of one in the other.

use serde_json::{Value, json};

use super::File;
use super::bundles::input_of;
use super::mutations::edit_entry;
use crate::encoding::{pseudo_random, sha256};
use crate::entry::Disclosure;
use crate::{Algorithm, Approval, Draft, Passkey};

pub(super) fn splices() -> File {
    let mut file = File::new(
        "bundle",
        "splices",
        "two good bundles of one log under one head, and every part of one put into the other",
    );
    let pairs = [
        ("two approvers", pair(true)),
        ("one approver twice", pair(false)),
    ];
    for (who, [a, b]) in &pairs {
        for (way, into, from) in [("B in A", a, b), ("A in B", b, a)] {
            let name = |part: &str| format!("{who}: {part} of {way}");
            splice(&mut file, &name, into, from, *who == "two approvers");
        }
    }
    file
}

/// Two approvals that differ in everything but the log, the RP id and perhaps the key.
fn pair(two_approvers: bool) -> [Approval; 2] {
    let mut a = Draft::sample(Algorithm::Es256);
    a.reveal_email = true;
    let mut b = Draft::numbered(Algorithm::Es256, 2);
    b.decided_at = "2026-03-01T11:59:00.000Z".into();
    b.action = Some("another_transfer".into());
    if two_approvers {
        b.passkey = Passkey::new(Algorithm::Es256, "bob");
    }
    b.reveal_email = true;
    b.disclosure = Some(Disclosure {
        blind: pseudo_random("blind of b"),
        salt: pseudo_random("salt of b"),
        email: Some("bob@example.com".into()),
    });
    Approval::together(&[a, b]).try_into().unwrap()
}

fn splice(
    file: &mut File,
    name: &dyn Fn(&str) -> String,
    into: &Approval,
    from: &Approval,
    two_approvers: bool,
) {
    let (target, source) = (into.bundle.value(), from.bundle.value());
    let input = |bundle: &Value| input_of(&bundle.to_string(), &into.policy);
    file.verdict(name("nothing"), input(&target), "VERIFIED", "ok");

    let client_data = "evidence.client_data_mismatch";
    for (pointer, code) in [
        ("/entry", client_data),
        ("/logProof", "log.not_included"),
        ("/evidence", client_data),
        ("/evidence/approvalId", "evidence.approval_id_mismatch"),
        ("/evidence/clientDataJSON", client_data),
        ("/evidence/payload", "payload.mismatch"),
        ("/evidence/approver", "evidence.approver_mismatch"),
        ("/evidence/approver/blind", "evidence.approver_mismatch"),
        ("/evidence/approver/salt", "evidence.approver_mismatch"),
        ("/evidence/approver/email", "evidence.approver_mismatch"),
    ] {
        let mut bundle = target.clone();
        *bundle.pointer_mut(pointer).unwrap() = source.pointer(pointer).unwrap().clone();
        file.verdict(name(pointer), input(&bundle), "REJECTED", code);
    }
    let mut bundle = target.clone();
    bundle["evidence"]["action"] = source["evidence"]["action"].clone();
    file.verdict(
        name("the action, which nothing vouches for,"),
        input(&bundle),
        "VERIFIED",
        "ok",
    );

    let signature = "webauthn.bad_signature";
    let other: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&from.bundle.entry).unwrap();
    let with = |keys: &[&str]| {
        let mut bundle = target.clone();
        edit_entry(&mut bundle, |members| {
            for key in keys {
                members.insert((*key).into(), other[*key].clone());
            }
        });
        bundle
    };
    for (key, code) in [
        ("approvalIdHash", "evidence.approval_id_mismatch"),
        ("approver", "evidence.approver_mismatch"),
        ("authenticatorData", signature),
        ("clientDataHash", client_data),
        ("decidedAt", "log.not_included"),
        ("signature", signature),
    ] {
        file.verdict(
            name(&format!("entry.{key}")),
            input(&with(&[key])),
            "REJECTED",
            code,
        );
    }
    if two_approvers {
        file.verdict(
            name("entry.credentialPublicKey"),
            input(&with(&["credentialPublicKey"])),
            "REJECTED",
            signature,
        );
    }

    let mut bundle = with(&["clientDataHash"]);
    bundle["evidence"]["clientDataJSON"] = source["evidence"]["clientDataJSON"].clone();
    file.verdict(
        name("the client data with their hash"),
        input(&bundle),
        "REJECTED",
        signature,
    );
    bundle["evidence"]["payload"] = source["evidence"]["payload"].clone();
    file.verdict(
        name("the client data with hash and payload"),
        input(&bundle),
        "REJECTED",
        signature,
    );

    // A whole assertion that holds, in another approval's entry.
    let assertion = [
        "authenticatorData",
        "clientDataHash",
        "credentialPublicKey",
        "signature",
    ];
    let mut bundle = with(&assertion);
    bundle["evidence"]["clientDataJSON"] = source["evidence"]["clientDataJSON"].clone();
    file.verdict(
        name("the assertion"),
        input(&bundle),
        "REJECTED",
        "payload.mismatch",
    );
    bundle["evidence"]["payload"] = source["evidence"]["payload"].clone();
    file.verdict(
        name("the assertion with its payload"),
        input(&bundle),
        "REJECTED",
        "log.not_included",
    );
    bundle["logProof"] = source["logProof"].clone();
    file.verdict(
        name("all but approval id and approver"),
        input(&bundle),
        "REJECTED",
        "log.not_included",
    );

    // The same log proof with one part of the other's.
    let mut approval = into.clone();
    approval.bundle.log_proof.index = from.bundle.log_proof.index;
    file.verdict(
        name("the index"),
        input(&approval.bundle.value()),
        "REJECTED",
        "log.not_included",
    );
    let mut approval = into.clone();
    approval.bundle.log_proof.path = from.bundle.log_proof.path.clone();
    file.verdict(
        name("the path"),
        input(&approval.bundle.value()),
        "REJECTED",
        "log.not_included",
    );

    // What the caller brings along.
    let mut given = input(&target);
    given["payload"] = json!(crate::encoding::b64url(&from.payload));
    file.verdict(
        name("the caller's payload"),
        given,
        "REJECTED",
        "payload.mismatch",
    );
    let mut given = input(&target);
    let hash = crate::encoding::hex(&sha256(&from.payload));
    given["expectations"] = json!({"payloadSha256": hash});
    file.verdict(
        name("the caller's payload hash"),
        given,
        "REJECTED",
        "payload.mismatch",
    );
    let mut given = input(&target);
    given["expectations"] = json!({"approvalId": from.approval_id});
    file.verdict(
        name("the caller's approval id"),
        given,
        "REJECTED",
        "expectation.approval_id",
    );
}
