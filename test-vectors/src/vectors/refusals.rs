//! `bundle`: signed refusals, and what is neither an approval nor a refusal.

mod confused;

use serde_json::{Value, json};

use super::File;
use super::bundle_contexts::edit;
use super::bundles::{and, remove};
use super::mutations::edit_entry;
use super::people::{PAYLOAD, alone, context, given, member, no, policy};
use crate::ceremony::UP;
use crate::context::refusal_challenge;
use crate::encoding::{b64url, hex, pseudo_random, sha256};
use crate::{Context, Draft, Policy};

const REFUSED: &str = "decision.refused";

pub(super) fn refusals() -> File {
    let mut file = File::new(
        "bundle",
        "refusal",
        "signed refusals, and what is neither an approval nor a refusal",
    );
    authentic(&mut file);
    open(&mut file);
    broken(&mut file);
    confused::confused(&mut file);
    confused::malformed(&mut file);
    file
}

fn ann() -> Policy {
    policy(&[member("ann", &["finance"])], None)
}

fn ruled(rules: Value) -> Policy {
    policy(&[member("ann", &["finance"])], Some(rules))
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut input = alone(no("ann"), &ann());
    edit(&mut input, change);
    input
}

/// A refusal is REJECTED because it holds.
fn authentic(file: &mut File) {
    let mut refused = |name: &str, input| file.verdict(name, input, "REJECTED", REFUSED);
    refused("a refusal", alone(no("ann"), &ann()));
    refused(
        "under a policy with a decision",
        alone(no("ann"), &ruled(json!({}))),
    );
    refused("by one who serves no clause", {
        alone(
            no("ann"),
            &ruled(json!({"require": [{"group": "board", "atLeast": 2}]})),
        )
    });
    refused("where a context is required", {
        alone(
            no("ann"),
            &ruled(json!({"context": "required", "audience": "payments.example"})),
        )
    });
    refused("after the request had expired", {
        let mut context = Context::numbered(1);
        context.expires_at = "2020-01-01T00:00:00.000Z".into();
        let draft = Draft::by("ann").refusing(&context.text(), PAYLOAD);
        alone(draft, &ruled(json!({"expiry": "enforced"})))
    });
    let short = |change: fn(&str) -> String| {
        let mut policy = ann();
        policy.log = policy.log.map(|text| change(&text));
        alone(no("ann"), &policy)
    };
    refused("without a log in the policy", {
        let policy = Policy { log: None, ..ann() };
        alone(no("ann"), &policy)
    });
    refused("in a log that the policy does not know", {
        short(|text| text.split_once('\n').unwrap().1.to_owned())
    });
    refused("under a head that too few witnesses have seen", {
        short(|text| {
            let other = crate::approval::witness(2).policy_line();
            text.replace(
                "group all-witnesses 1 w1",
                &format!("{other}group all-witnesses 2 w1 w2"),
            )
        })
    });
    refused("where an anchor is required", {
        let anchor = Some(json!({"required": true}));
        alone(no("ann"), &Policy { anchor, ..ann() })
    });
    let kept = || changed(|b| remove(b, "/evidence/payload"));
    refused("of the caller's payload", and(kept(), given(PAYLOAD)));
    let hash = json!({"expectations": {"payloadSha256": hex(&sha256(PAYLOAD))}});
    refused("of the caller's payload hash", and(kept(), hash));
    refused("of the same JSON, written otherwise", {
        let spaced = String::from_utf8(PAYLOAD.to_vec())
            .unwrap()
            .replace(',', ", ");
        and(alone(no("ann"), &ann()), given(spaced.as_bytes()))
    });
    refused("of the approver who was asked for", {
        let asked = json!({"expectations": {"approver": "ann", "rpId": "approvals.example"}});
        and(alone(no("ann"), &ann()), asked)
    });
}

/// Nothing can be concluded: not even that there was a no.
fn open(file: &mut File) {
    let mut open = |name: &str, input, code| file.verdict(name, input, "INCOMPLETE", code);
    let missing = "evidence.refusal_missing";
    open(
        "without its random part",
        changed(|b| remove(b, "/evidence/refusal")),
        missing,
    );
    open(
        "without its context",
        changed(|b| remove(b, "/evidence/context")),
        missing,
    );
    open(
        "without both",
        changed(|b| {
            remove(b, "/evidence/refusal");
            remove(b, "/evidence/context");
        }),
        missing,
    );
    open(
        "sealed",
        changed(|b| remove(b, "/evidence")),
        "evidence.client_data_missing",
    );
    open(
        "without its client data",
        changed(|b| {
            remove(b, "/evidence/clientDataJSON");
        }),
        "evidence.client_data_missing",
    );
    open(
        "without a payload",
        changed(|b| remove(b, "/evidence/payload")),
        "payload.missing",
    );
    open(
        "without a payload, for hashes only",
        {
            let payload = Some("hash-only".into());
            let mut input = alone(no("ann"), &Policy { payload, ..ann() });
            edit(&mut input, |b| remove(b, "/evidence/payload"));
            input
        },
        "payload.missing",
    );
    open(
        "by an unknown key",
        alone(no("ann"), &policy(&[member("bob", &[])], None)),
        "approver.unknown_key",
    );
    open(
        "no policy",
        and(alone(no("ann"), &ann()), json!({"policy": null})),
        "approver.unknown_key",
    );
    open(
        "a key that expires, and no proven time",
        {
            let mut policy = ann();
            policy.approvers[0].not_after = Some("2030-01-01T00:00:00.000Z".into());
            policy.log = None;
            alone(no("ann"), &policy)
        },
        "approver.time_unproven",
    );
}

/// Not authentic.
fn broken(file: &mut File) {
    let mut broken = |name: &str, input, code| {
        file.verdict(format!("broken: {name}"), input, "REJECTED", code);
    };
    let mismatch = "payload.mismatch";
    broken(
        "another payload",
        changed(|b| b["evidence"]["payload"] = json!("AA")),
        mismatch,
    );
    broken(
        "another random part",
        changed(|b| {
            b["evidence"]["refusal"]["random"] = json!(b64url(&[7; 32]));
        }),
        mismatch,
    );
    broken(
        "another context",
        changed(|b| {
            b["evidence"]["context"] = json!(Context::numbered(2).text());
        }),
        mismatch,
    );
    broken(
        "the caller has another payload",
        and(alone(no("ann"), &ann()), given(b"other")),
        mismatch,
    );
    broken(
        "the caller has another payload hash",
        {
            let asked = json!({"expectations": {"payloadSha256": "00".repeat(32)}});
            and(alone(no("ann"), &ann()), asked)
        },
        mismatch,
    );
    broken(
        "another payload in the bundle than that of the caller, which was signed",
        {
            let mut input = changed(|b| b["evidence"]["payload"] = json!("AA"));
            input = and(input, given(PAYLOAD));
            input
        },
        mismatch,
    );
    broken(
        "another payload in the bundle, and the hash of the caller was signed",
        {
            let asked = json!({"expectations": {"payloadSha256": hex(&sha256(PAYLOAD))}});
            and(changed(|b| b["evidence"]["payload"] = json!("AA")), asked)
        },
        mismatch,
    );
    broken(
        "the same JSON, written otherwise, and no payload in the bundle",
        {
            let spaced = String::from_utf8(PAYLOAD.to_vec())
                .unwrap()
                .replace(',', ", ");
            and(
                changed(|b| remove(b, "/evidence/payload")),
                given(spaced.as_bytes()),
            )
        },
        mismatch,
    );
    broken(
        "a context that is not canonical, and was signed",
        {
            alone(
                Draft::by("ann").refusing(&context().replace(',', ", "), PAYLOAD),
                &ann(),
            )
        },
        "context.form",
    );
    broken(
        "another audience",
        alone(no("ann"), &ruled(json!({"audience": "other.example"}))),
        "context.audience",
    );
    let challenge = |bytes: &[u8]| {
        let mut draft = no("ann");
        draft.ceremony.challenge = b64url(bytes);
        alone(draft, &ann())
    };
    let good = || refusal_challenge(&no("ann").random.unwrap(), &context(), PAYLOAD);
    broken(
        "32 random bytes: a login",
        challenge(&pseudo_random("login")),
        mismatch,
    );
    broken(
        "a challenge of 31 bytes",
        challenge(&good()[..31]),
        "webauthn.challenge",
    );
    broken(
        "a challenge of 33 bytes",
        challenge(&[&good()[..], &[0]].concat()),
        "webauthn.challenge",
    );
    broken("no challenge", challenge(b""), "webauthn.challenge");
    broken(
        "a challenge with padding",
        {
            let mut draft = no("ann");
            draft.ceremony.challenge.push('=');
            alone(draft, &ann())
        },
        "webauthn.challenge",
    );
    let parts = |tag: &[u8]| {
        let random = no("ann").random.unwrap();
        let hashes = [sha256(context().as_bytes()), sha256(PAYLOAD)].concat();
        challenge(&sha256(&[tag, &random[..], &hashes].concat()))
    };
    broken("the hash without its tag", parts(b""), mismatch);
    broken(
        "the tag without its zero byte",
        parts(b"cosignet.refusal/v1"),
        mismatch,
    );
    broken(
        "the tag of an approval",
        parts(b"cosignet.approval/v1\0"),
        mismatch,
    );
    broken(
        "a broken signature",
        changed(|b| {
            edit_entry(b, |m| drop(m.insert("signature".into(), b64url(&[0; 64]))));
        }),
        "webauthn.bad_signature",
    );
    broken(
        "no user verification",
        {
            let mut draft = no("ann");
            draft.ceremony.flags = UP;
            alone(draft, &ann())
        },
        "webauthn.user_verification",
    );
    broken(
        "another origin",
        {
            let mut draft = no("ann");
            draft.ceremony.origin = "https://evil.example".into();
            alone(draft, &ann())
        },
        "webauthn.origin",
    );
    broken(
        "a key that had expired",
        {
            let mut policy = ann();
            policy.approvers[0].not_after = Some("2020-01-01T00:00:00.000Z".into());
            alone(no("ann"), &policy)
        },
        "approver.key_expired",
    );
    broken(
        "not in the log",
        changed(|b| {
            edit_entry(b, |m| {
                drop(m.insert("decidedAt".into(), "2026-03-01T12:00:01.000Z".into()))
            });
        }),
        "log.not_included",
    );
    broken(
        "from the future",
        {
            and(
                alone(no("ann"), &ann()),
                json!({"at": "2026-03-01T11:00:00.000Z"}),
            )
        },
        "time.in_future",
    );
    broken(
        "another approval id",
        {
            let asked = json!({"expectations": {"approvalId": crate::approval::approval_id(9)}});
            and(alone(no("ann"), &ann()), asked)
        },
        "expectation.approval_id",
    );
    broken(
        "another approver",
        {
            and(
                alone(no("ann"), &ann()),
                json!({"expectations": {"approver": "bob"}}),
            )
        },
        "expectation.approver",
    );
}
