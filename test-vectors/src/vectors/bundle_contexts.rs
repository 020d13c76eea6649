//! `bundle`: approvals that sign a context, and policies that ask for one.

use serde_json::{Value, json};

use super::bundles::and;
use super::mutations::edit_entry;
use super::people::{PAYLOAD, SEALED_AT, alone, context, given, member, policy, together, yes};
use super::{File, sorted};
use crate::approval::uuid;
use crate::encoding::{b64url, sha256};
use crate::{Approver, Context, Draft, Policy};

fn people() -> Vec<Approver> {
    vec![member("ann", &[]), member("bob", &[])]
}

fn ruled(rules: Value) -> Policy {
    policy(&people(), Some(rules))
}

pub(super) fn contexts() -> File {
    let mut file = File::new(
        "bundle",
        "context",
        "approvals that sign a context, and policies that ask for one",
    );
    let (plain, required) = (
        policy(&people(), None),
        ruled(json!({"context": "required"})),
    );
    let enforced = ruled(json!({"expiry": "enforced"}));
    let mut verified = |name: &str, input| file.verdict(name, input, "VERIFIED", "ok");
    verified("a context that nobody asks for", alone(yes("ann"), &plain));
    verified("a context that is required", alone(yes("ann"), &required));
    verified("no context, and none is asked for", {
        alone(Draft::by("ann").approving(PAYLOAD), &ruled(json!({})))
    });
    verified("a context that the bundle keeps to itself", {
        let mut draft = yes("ann");
        draft.context = None;
        alone(draft, &plain)
    });
    verified("the audience of the policy", {
        alone(yes("ann"), &ruled(json!({"audience": "payments.example"})))
    });
    verified("in time", alone(yes("ann"), &enforced));
    verified("the payload is the caller's", {
        let mut input = alone(yes("ann"), &required);
        edit(&mut input, |b| {
            super::bundles::remove(b, "/evidence/payload")
        });
        and(input, given(PAYLOAD))
    });
    verified(
        "expired, which is only reported",
        alone(until("12:00:04.999"), &required),
    );
    verified(
        "expires with the cosignature",
        alone(until("12:00:05.000"), &enforced),
    );

    let mut short = |name: &str, input, code| file.verdict(name, input, "INCOMPLETE", code);
    let missing = "context.missing";
    for (name, rules) in [
        ("required", json!({"context": "required"})),
        (
            "wanted for its audience",
            json!({"audience": "payments.example"}),
        ),
        ("wanted for its expiry", json!({"expiry": "enforced"})),
    ] {
        let bare = Draft::by("ann").approving(PAYLOAD);
        short(
            &format!("no context, and one is {name}"),
            alone(bare, &ruled(rules.clone())),
            missing,
        );
        let mut kept = yes("ann");
        kept.context = None;
        short(
            &format!("a context that is not shown, and one is {name}"),
            alone(kept, &ruled(rules)),
            missing,
        );
    }
    short(
        "a context is required of a confirmation",
        {
            let approval = together([yes("ann")]).remove(0);
            let input =
                json!({"bundleText": sorted(&approval.confirmation()), "policy": required.value()});
            and(input, given(&approval.payload))
        },
        missing,
    );
    short(
        "a context is required of a confirmation, without a log",
        {
            let approval = together([yes("ann")]).remove(0);
            let policy = Policy {
                log: None,
                ..required.clone()
            };
            let input =
                json!({"bundleText": sorted(&approval.confirmation()), "policy": policy.value()});
            and(input, given(&approval.payload))
        },
        missing,
    );
    let unwitnessed = |mut policy: Policy| {
        let text = policy.log.unwrap();
        policy.log = Some(text.split_once("group").unwrap().0.to_owned() + "quorum none\n");
        policy
    };
    short(
        "an expiry that counts, and no proven time",
        alone(yes("ann"), &unwitnessed(enforced.clone())),
        "context.time_unproven",
    );
    short(
        "an expiry that counts, long past, and no proven time",
        alone(until("00:00:00.000"), &unwitnessed(enforced.clone())),
        "context.time_unproven",
    );
    short(
        "no policy",
        and(alone(yes("ann"), &plain), json!({"policy": null})),
        "approver.unknown_key",
    );
    short(
        "sealed but for the context",
        {
            let mut input = alone(yes("ann"), &required);
            edit(&mut input, |b| {
                super::bundles::remove(b, "/evidence/clientDataJSON")
            });
            input
        },
        "evidence.client_data_missing",
    );
    short(
        "a context, and an entry of a type that is not known",
        {
            let mut draft = yes("ann");
            draft.entry_text = Some("{\"type\":\"another/v1\"}".into());
            alone(draft, &required)
        },
        "entry.unknown_type",
    );

    let mut refused = |name: &str, input, code| file.verdict(name, input, "REJECTED", code);
    refused(
        "expired a millisecond before the cosignature",
        alone(until("12:00:04.999"), &enforced),
        "context.expired",
    );
    for audience in [
        "payments.example.org",
        "Payments.example",
        "",
        "payments.example ",
    ] {
        refused(
            &format!("another audience is asked for: {audience:?}"),
            alone(yes("ann"), &ruled(json!({"audience": audience}))),
            "context.audience",
        );
    }
    refused(
        "no policy, and another context",
        {
            let mut input = and(alone(yes("ann"), &plain), json!({"policy": null}));
            edit(&mut input, |b| {
                b["evidence"]["context"] = json!(Context::numbered(2).text())
            });
            input
        },
        "context.mismatch",
    );
    refused(
        "a context that is not canonical, and was signed",
        {
            let text = context().replace(',', ", ");
            alone(Draft::by("ann").approving_under(&text, PAYLOAD), &plain)
        },
        "context.form",
    );
    refused(
        "an empty context that was signed",
        alone(Draft::by("ann").approving_under("", PAYLOAD), &plain),
        "context.form",
    );
    refused(
        "a context beside an approval that signs none",
        {
            let mut draft = Draft::by("ann").approving(PAYLOAD);
            draft.context = Some(context());
            alone(draft, &plain)
        },
        "context.mismatch",
    );
    for (name, lengths) in [
        ("31", (31, 32)),
        ("33 random bytes, and 31 of the hash", (33, 31)),
    ] {
        let mut draft = yes("ann");
        let hash = sha256(context().as_bytes());
        let payload = sha256(PAYLOAD);
        let parts = [&[7; 33][..lengths.0], &hash[..lengths.1], &payload];
        draft.ceremony.challenge = b64url(&parts.concat());
        let name =
            format!("a challenge with {name} random bytes").replace("hash random bytes", "hash");
        refused(&name, alone(draft, &plain), "context.mismatch");
    }
    refused(
        "payload and context in each other's place",
        {
            let mut draft = yes("ann");
            let parts = [[7; 32], sha256(PAYLOAD), sha256(context().as_bytes())];
            draft.ceremony.challenge = b64url(&parts.concat());
            alone(draft, &plain)
        },
        "payload.mismatch",
    );
    type Change = fn(&mut Context);
    let changes: [(&str, Change); 7] = [
        ("action", |c| c.action.push('s')),
        ("audience", |c| c.audience.push('s')),
        ("expiresAt", |c| {
            c.expires_at = "2027-03-01T13:00:00.000Z".into()
        }),
        ("requestId", |c| c.request_id = uuid("another request")),
        ("requester", |c| c.requester = "agent-8".into()),
        ("rule.name", |c| c.rule = "refunds".into()),
        ("rule.sha256", |c| c.rule_sha256 = "00".repeat(32)),
    ];
    for (member, change) in changes {
        let mut other = Context::numbered(1);
        change(&mut other);
        refused(
            &format!("another {member} than what was signed"),
            {
                let mut input = alone(yes("ann"), &required);
                edit(&mut input, |b| {
                    b["evidence"]["context"] = json!(other.text())
                });
                input
            },
            "context.mismatch",
        );
    }
    refused(
        "a signed context under a broken signature",
        {
            let mut input = alone(yes("ann"), &required);
            edit(&mut input, |b| {
                edit_entry(b, |m| drop(m.insert("signature".into(), b64url(&[0; 64]))));
            });
            input
        },
        "webauthn.bad_signature",
    );
    refused(
        "a context, and no challenge to carry it",
        {
            let mut draft = yes("ann");
            draft.ceremony.challenge = "AA".into();
            alone(draft, &required)
        },
        "webauthn.challenge",
    );
    file.verdict(
        "a context that is no text",
        {
            let mut input = alone(yes("ann"), &plain);
            edit(&mut input, |b| {
                b["evidence"]["context"] = Context::numbered(1).value()
            });
            input
        },
        "MALFORMED",
        "bundle.schema",
    );
    file
}

/// Changes the bundle of an input.
pub(super) fn edit(input: &mut Value, change: impl FnOnce(&mut Value)) {
    let mut bundle: Value = serde_json::from_str(input["bundleText"].as_str().unwrap()).unwrap();
    change(&mut bundle);
    input["bundleText"] = json!(sorted(&bundle));
}

/// An approval of a request that expires at this time of the day; the head is cosigned five
/// seconds past noon.
fn until(time: &str) -> Draft {
    assert_eq!(SEALED_AT % 60, 5);
    let mut context = Context::numbered(1);
    context.expires_at = format!("2026-03-01T{time}Z");
    Draft::by("ann").approving_under(&context.text(), PAYLOAD)
}
