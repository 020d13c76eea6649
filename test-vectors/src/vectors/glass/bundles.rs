//! `bundle`: what somebody signed under break-glass, where an approval belongs.

use serde_json::json;

use super::super::File;
use super::super::bundles::{drafted, edited, remove};
use super::super::people::{PAYLOAD, alone, member, no, passkey, policy as policy_of};
use super::{policy, signed};
use crate::approval::RP_ID;
use crate::break_glass::leaf;
use crate::encoding::b64url;
use crate::entry::canonical;
use crate::{Draft, Glass};

pub(in super::super) fn bundles() -> File {
    let mut file = File::new(
        "bundle",
        "break-glass",
        "what was done under break-glass is no approval and no refusal, whoever signed and logged it",
    );
    let glass = || signed(&policy(), &[]);
    let code = "entry.break_glass";
    file.verdict(
        "an entry of break-glass, by the approver's own key",
        drafted(|draft| as_leaf(draft, &glass(), |_| {})),
        "REJECTED",
        code,
    );
    file.verdict(
        "the same without any evidence",
        {
            let mut input = drafted(|draft| as_leaf(draft, &glass(), |_| {}));
            let text = input["bundleText"].as_str().unwrap();
            let mut bundle = serde_json::from_str(text).unwrap();
            remove(&mut bundle, "/evidence");
            input["bundleText"] = json!(super::sorted(&bundle));
            input
        },
        "REJECTED",
        code,
    );
    file.verdict(
        "the same with an unknown member, of which nothing is read",
        drafted(|draft| {
            as_leaf(draft, &glass(), |members| {
                members.insert("note".into(), "x".into());
            });
        }),
        "REJECTED",
        code,
    );
    file.verdict(
        "an approval, logged as break-glass",
        drafted(|draft| draft.entry_type = "cosignet.break-glass/v1".into()),
        "REJECTED",
        code,
    );
    file.verdict(
        "an approval, called break-glass afterwards",
        edited(|bundle| {
            let entry = bundle["entry"].as_str().unwrap();
            let entry = entry.replace("cosignet.approval/v1", "cosignet.break-glass/v1");
            bundle["entry"] = json!(entry);
        }),
        "REJECTED",
        code,
    );
    file.verdict(
        "break-glass, logged as an approval",
        drafted(|draft| draft.ceremony.challenge = b64url(&glass().challenge())),
        "REJECTED",
        "webauthn.challenge",
    );
    file.verdict(
        "break-glass, logged as a refusal",
        {
            let mut draft = no("ann");
            draft.ceremony.challenge = b64url(&glass().challenge());
            alone(draft, &policy_of(&[member("ann", &["finance"])], None))
        },
        "REJECTED",
        "webauthn.challenge",
    );
    assert_eq!(no("ann").payload, PAYLOAD);
    assert_eq!(no("ann").passkey.public_key, passkey("ann").public_key);
    file
}

/// The draft with the signature of a grant by its own passkey as its entry.
fn as_leaf(
    draft: &mut Draft,
    glass: &Glass,
    edit: impl FnOnce(&mut std::collections::BTreeMap<String, String>),
) {
    let mut members = leaf(glass, RP_ID, &draft.passkey);
    edit(&mut members);
    draft.entry_text = Some(canonical(&members));
}
