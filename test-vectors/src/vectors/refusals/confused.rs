//! A refusal where an approval belongs, an approval where a refusal belongs, and parts of neither.

use serde_json::{Value, json};

use super::super::File;
use super::super::bundle_contexts::edit;
use super::super::bundles::remove;
use super::super::mutations::edit_entry;
use super::super::people::{PAYLOAD, alone, no, yes};
use super::{ann, changed};
use crate::Draft;
use crate::approval::{APPROVAL, REFUSAL};
use crate::encoding::b64url;

/// The one as the other.
pub(super) fn confused(file: &mut File) {
    let mut confused = |name: &str, input, code| {
        file.verdict(format!("confused: {name}"), input, "REJECTED", code);
    };
    let typed = |mut draft: Draft, kind: &str| {
        draft.entry_type = kind.into();
        draft
    };
    let mismatch = "entry.type_mismatch";
    confused(
        "a refusal logged as an approval",
        alone(typed(no("ann"), APPROVAL), &ann()),
        mismatch,
    );
    confused(
        "a refusal logged as an approval, without its random part",
        {
            let mut draft = typed(no("ann"), APPROVAL);
            draft.random = None;
            alone(draft, &ann())
        },
        "webauthn.challenge",
    );
    confused(
        "a refusal logged as an approval, without its client data",
        {
            let mut input = alone(typed(no("ann"), APPROVAL), &ann());
            edit(&mut input, |b| {
                remove(b, "/evidence/clientDataJSON");
                b["evidence"]["payload"] = json!("AA");
                edit_entry(b, |m| drop(m.insert("signature".into(), b64url(&[0; 64]))));
            });
            input
        },
        "webauthn.bad_signature",
    );
    confused(
        "an approval logged as a refusal",
        alone(typed(yes("ann"), REFUSAL), &ann()),
        mismatch,
    );
    confused(
        "an approval logged as a refusal, with a random part",
        {
            let mut draft = typed(yes("ann"), REFUSAL);
            draft.random = Some([7; 32]);
            alone(draft, &ann())
        },
        mismatch,
    );
    confused(
        "an approval without context logged as a refusal",
        alone(typed(Draft::by("ann").approving(PAYLOAD), REFUSAL), &ann()),
        mismatch,
    );
    confused(
        "an approval with the random part of a refusal",
        {
            let mut draft = yes("ann");
            draft.random = Some([7; 32]);
            alone(draft, &ann())
        },
        mismatch,
    );
    confused(
        "an approval without context, with the random part of a refusal",
        {
            let mut draft = Draft::by("ann").approving(PAYLOAD);
            draft.random = Some([7; 32]);
            alone(draft, &ann())
        },
        mismatch,
    );
    confused(
        "an approval that reuses the random part of a refusal",
        {
            let mut draft = yes("ann");
            draft.entry_type = APPROVAL.into();
            draft.random = no("ann").random;
            alone(draft, &ann())
        },
        mismatch,
    );
    confused(
        "the type of the entry edited",
        changed(|b| {
            edit_entry(b, |m| drop(m.insert("type".into(), APPROVAL.into())));
        }),
        mismatch,
    );
}

pub(super) fn malformed(file: &mut File) {
    for (name, value, code) in [
        ("no random part", json!({}), "bundle.schema"),
        ("null", Value::Null, "bundle.schema"),
        ("a list", json!([]), "bundle.schema"),
        (
            "31 bytes",
            json!({"random": b64url(&[7; 31])}),
            "bundle.schema",
        ),
        (
            "33 bytes",
            json!({"random": b64url(&[7; 33])}),
            "bundle.schema",
        ),
        (
            "no base64url",
            json!({"random": "+".repeat(43)}),
            "bundle.base64",
        ),
        ("a number", json!({"random": 1}), "bundle.schema"),
        (
            "a member more",
            json!({"random": b64url(&[7; 32]), "why": "no"}),
            "bundle.schema",
        ),
    ] {
        let input = changed(|b| b["evidence"]["refusal"] = value);
        file.verdict(format!("malformed: {name}"), input, "MALFORMED", code);
    }
}
