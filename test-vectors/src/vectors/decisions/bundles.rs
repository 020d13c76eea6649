//! Whether the bundles of a decision belong together, and what is wrong with one of them.

use serde_json::{Value, json};

use super::super::File;
use super::super::bundles::remove;
use super::super::mutations::edit_entry;
use super::super::people::{
    PAYLOAD, SEALED_AT, asked, context, decided, members, no, policy, together, wanting, yes,
};
use crate::approval::{APPROVAL, REFUSAL, approval_id};
use crate::ceremony::UP;
use crate::encoding::b64url;
use crate::{Context, Decision, Draft, Ledger, Policy};

pub(in super::super) fn bundles() -> File {
    let mut file = File::new(
        "decision",
        "bundles",
        "bundles that do not belong together, and one that is wrong",
    );
    repeated(&mut file);
    others(&mut file);
    wrong(&mut file);
    file
}

fn two() -> Policy {
    policy(&members(), Some(wanting(&[("finance", 2)])))
}

fn repeated(file: &mut File) {
    let repeated = "decision.repeated";
    let mut put = |name: &str, input| {
        file.verdict(format!("repeated: {name}"), input, "REJECTED", repeated);
    };
    let all = || together(["bob", "cat"].map(yes));
    put("a bundle", {
        let all = all();
        asked(
            &Decision::of(&[all[0].clone(), all[1].clone(), all[0].clone()]).value(),
            &two(),
        )
    });
    put("a bundle, and nothing else", {
        let bob = all().remove(0);
        asked(&Decision::of(&[bob.clone(), bob]).value(), &two())
    });
    put("an entry under another head", {
        let mut ledger = Ledger::default();
        ledger.add(yes("bob"));
        ledger.seal(SEALED_AT);
        ledger.add(yes("cat"));
        ledger.seal(SEALED_AT + 60);
        let all = [
            ledger.approval(0),
            ledger.approval(1),
            ledger.approval_under(0, 1),
        ];
        asked(&Decision::of(&all).value(), &two())
    });
    put("an entry, sealed the second time", {
        let all = all();
        let mut decision = Decision::of(&[all[0].clone(), all[1].clone(), all[0].clone()]);
        decision.bundles[2].evidence = None;
        asked(&decision.value(), &two())
    });
    let again = |change: &dyn Fn(&mut Draft)| {
        let mut again = yes("bob");
        change(&mut again);
        decided([yes("bob"), again, yes("cat")], &two())
    };
    put("an assertion under another approval id", {
        again(&|draft| draft.approval_id = approval_id(8))
    });
    put("an assertion that was decided at another time", {
        again(&|draft| draft.decided_at = "2026-03-01T12:00:01.000Z".into())
    });
    put(
        "a challenge with another counter",
        again(&|draft| draft.ceremony.sign_count = 9),
    );
    put("a challenge with another signature, which does not hold", {
        again(&|draft| draft.edit_entry = |entry| entry.signature = vec![0; 64])
    });
    put(
        "a refusal",
        decided([no("bob"), yes("cat"), no("bob")], &two()),
    );
    put("an assertion, once as an approval and once as a refusal", {
        again(&|draft| draft.entry_type = REFUSAL.into())
    });
    put("an entry of a type that is not known", {
        let other = |seed| {
            let mut draft = yes(seed);
            draft.entry_text = Some("{\"type\":\"another/v1\"}".into());
            draft
        };
        decided([yes("bob"), yes("cat"), other("ann"), other("dan")], &two())
    });
    put(
        "an approval by an unknown key",
        decided([yes("eve"), yes("cat"), yes("eve")], &two()),
    );
}

fn others(file: &mut File) {
    let mut put = |name: &str, input, code| file.verdict(name, input, "REJECTED", code);
    let (payload, other) = ("decision.other_payload", "decision.other_context");
    let elsewhere = |seed: &str| Draft::by(seed).approving_under(&context(), b"other");
    put(
        "other payload: of the second",
        decided([yes("bob"), elsewhere("cat")], &two()),
        payload,
    );
    put(
        "other payload: of one too many",
        decided([yes("bob"), yes("ann"), elsewhere("cat")], &two()),
        payload,
    );
    put(
        "other payload: of an unknown key",
        decided([yes("bob"), yes("cat"), elsewhere("eve")], &two()),
        payload,
    );
    put(
        "other payload: of a refusal",
        {
            let refusal = Draft::by("ann").refusing(&context(), b"other");
            decided([yes("bob"), yes("cat"), refusal], &two())
        },
        payload,
    );
    put(
        "other payload: without contexts",
        {
            let drafts = [("bob", PAYLOAD), ("cat", b"other")];
            decided(
                drafts.map(|(seed, payload)| Draft::by(seed).approving(payload)),
                &two(),
            )
        },
        payload,
    );
    put(
        "other payload: and another context",
        {
            let text = Context::numbered(2).text();
            decided(
                [
                    yes("bob"),
                    Draft::by("cat").approving_under(&text, b"other"),
                ],
                &two(),
            )
        },
        payload,
    );
    put(
        "other payload: stated for both",
        {
            let mut decision = Decision::of(&together([yes("bob"), elsewhere("cat")]));
            for bundle in &mut decision.bundles {
                bundle.evidence.as_mut().unwrap().payload = None;
            }
            decision.payload = Some(PAYLOAD.to_vec());
            asked(&decision.value(), &two())
        },
        payload,
    );
    let later = |seed: &str| Draft::by(seed).approving_under(&Context::numbered(2).text(), PAYLOAD);
    put(
        "other context: of the second",
        decided([yes("bob"), later("cat")], &two()),
        other,
    );
    put(
        "other context: of an unknown key",
        decided([yes("bob"), yes("cat"), later("eve")], &two()),
        other,
    );
    put(
        "other context: of a refusal",
        {
            let refusal = Draft::by("ann").refusing(&Context::numbered(2).text(), PAYLOAD);
            decided([yes("bob"), yes("cat"), refusal], &two())
        },
        other,
    );
    put(
        "other context: none in the second",
        decided([yes("bob"), Draft::by("cat").approving(PAYLOAD)], &two()),
        other,
    );
    put(
        "other context: one is not shown",
        {
            let mut kept = later("cat");
            kept.context = None;
            decided([yes("bob"), kept], &two())
        },
        other,
    );
    put(
        "other context: a refusal among approvals without context",
        {
            let bare = |seed| Draft::by(seed).approving(PAYLOAD);
            decided([bare("bob"), bare("cat"), no("ann")], &two())
        },
        other,
    );
    put(
        "other context: stated for both",
        {
            let mut decision = Decision::of(&together([yes("bob"), later("cat")]));
            for bundle in &mut decision.bundles {
                bundle.evidence.as_mut().unwrap().context = None;
            }
            decision.context = Some(context());
            asked(&decision.value(), &two())
        },
        other,
    );
    put(
        "a context stated for approvals of another",
        {
            let mut decision = Decision::of(&together(["bob", "cat"].map(later)));
            decision.context = Some(context());
            asked(&decision.value(), &two())
        },
        "context.mismatch",
    );
    put(
        "a context stated for approvals without one",
        {
            let bare = ["bob", "cat"].map(|seed| Draft::by(seed).approving(PAYLOAD));
            let mut decision = Decision::of(&together(bare));
            decision.context = Some(context());
            asked(&decision.value(), &two())
        },
        "context.mismatch",
    );
    // Neither shows a context, so nobody says that there is one.
    let mut kept = later("cat");
    kept.context = None;
    let mut bob = yes("bob");
    bob.context = None;
    file.verdict(
        "two contexts that are not shown",
        decided([bob, kept], &two()),
        "VERIFIED",
        "ok",
    );
}

/// A decision is no better than its worst bundle.
fn wrong(file: &mut File) {
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = yes("ann");
        change(&mut draft);
        decided([yes("bob"), yes("cat"), draft], &two())
    };
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut decision = Decision::of(&together(["bob", "cat", "ann"].map(yes))).value();
        change(&mut decision["bundles"][2]);
        asked(&decision, &two())
    };
    for (name, input, code) in [
        (
            "a broken signature",
            edited(&|b| {
                edit_entry(b, |m| drop(m.insert("signature".into(), b64url(&[0; 64]))));
            }),
            "webauthn.bad_signature",
        ),
        (
            "a broken signature of an unknown key",
            {
                let mut eve = yes("eve");
                eve.edit_entry = |entry| entry.signature = vec![0; 64];
                decided([yes("bob"), yes("cat"), eve], &two())
            },
            "webauthn.bad_signature",
        ),
        (
            "an entry that is not in the log",
            edited(&|b| {
                edit_entry(b, |m| {
                    drop(m.insert("decidedAt".into(), "2026-03-01T12:00:01.000Z".into()))
                });
            }),
            "log.not_included",
        ),
        (
            "an entry that is not canonical",
            edited(&|b| {
                b["entry"] = json!(format!("{} ", b["entry"].as_str().unwrap()));
            }),
            "entry.not_canonical",
        ),
        (
            "no proof",
            edited(&|b| b["logProof"] = json!("")),
            "log.proof_form",
        ),
        (
            "another's client data",
            edited(&|b| {
                b["evidence"]["clientDataJSON"] = json!("e30");
            }),
            "evidence.client_data_mismatch",
        ),
        (
            "another approval id",
            edited(&|b| {
                b["evidence"]["approvalId"] = json!(approval_id(8));
            }),
            "evidence.approval_id_mismatch",
        ),
        (
            "the random part of a refusal",
            edited(&|b| {
                b["evidence"]["refusal"] = json!({"random": b64url(&[7; 32])});
            }),
            "entry.type_mismatch",
        ),
        (
            "another origin",
            with(&|d| d.ceremony.origin = "https://evil.example".into()),
            "webauthn.origin",
        ),
        (
            "no user verification",
            with(&|d| d.ceremony.flags = UP),
            "webauthn.user_verification",
        ),
        (
            "a registration",
            with(&|d| d.ceremony.kind = "webauthn.create".into()),
            "webauthn.type",
        ),
        (
            "a challenge of 32 bytes",
            with(&|d| d.ceremony.challenge = b64url(&[7; 32])),
            "webauthn.challenge",
        ),
        (
            "another RP id",
            with(&|d| d.ceremony.rp_id = "evil.example".into()),
            "webauthn.rp_id",
        ),
        (
            "a refusal logged as an approval",
            {
                let mut refusal = no("ann");
                refusal.entry_type = APPROVAL.into();
                decided([yes("bob"), yes("cat"), refusal], &two())
            },
            "entry.type_mismatch",
        ),
        (
            "a refusal with a broken signature",
            {
                let mut refusal = no("ann");
                refusal.edit_entry = |entry| entry.signature = vec![0; 64];
                decided([yes("bob"), yes("cat"), refusal], &two())
            },
            "webauthn.bad_signature",
        ),
        (
            "a refusal of another payload than the one stated",
            {
                let refusal = Draft::by("ann").refusing(&context(), b"other");
                let mut decision = Decision::of(&together([yes("bob"), yes("cat"), refusal]));
                for bundle in &mut decision.bundles {
                    bundle.evidence.as_mut().unwrap().payload = None;
                }
                decision.payload = Some(PAYLOAD.to_vec());
                asked(&decision.value(), &two())
            },
            "payload.mismatch",
        ),
        (
            "an authentic refusal beside it",
            {
                let mut ann = yes("ann");
                ann.ceremony.origin = "https://evil.example".into();
                decided([yes("bob"), no("cat"), ann], &two())
            },
            "webauthn.origin",
        ),
    ] {
        file.verdict(format!("wrong: {name}"), input, "REJECTED", code);
    }
    for first in [true, false] {
        let mut drafts = [yes("ann"), yes("bob"), yes("cat")];
        drafts[0].ceremony.origin = "https://evil.example".into();
        drafts[1].ceremony.flags = UP;
        if !first {
            drafts.reverse();
        }
        let code = if first {
            "webauthn.origin"
        } else {
            "webauthn.user_verification"
        };
        file.verdict(
            format!("wrong: two of them, {code} first"),
            decided(drafts, &two()),
            "REJECTED",
            code,
        );
    }
    let mut expired = two();
    expired.approvers[0].not_after = Some("2020-01-01T00:00:00.000Z".into());
    let input = decided(["ann", "bob", "cat"].map(yes), &expired);
    file.verdict(
        "wrong: a key that had expired",
        input,
        "REJECTED",
        "approver.key_expired",
    );
    // What is not there proves nothing, neither way.
    let mut decision = Decision::of(&together(["bob", "cat", "ann"].map(yes))).value();
    remove(&mut decision, "/bundles/2/evidence/clientDataJSON");
    file.verdict(
        "one without client data",
        asked(&decision, &two()),
        "VERIFIED",
        "ok",
    );
}
