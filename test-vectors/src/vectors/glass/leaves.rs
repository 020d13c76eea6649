//! `leaf`: what can be said of an entry from the leaf alone.

use serde_json::{Value, json};

use super::super::File;
use super::{CEREMONIES, Row, key, policy, signed};
use crate::approval::RP_ID;
use crate::break_glass::leaf;
use crate::encoding::b64url;
use crate::entry::canonical;
use crate::{Algorithm, Ceremony, Draft, Glass, Passkey, Policy};

type Members = std::collections::BTreeMap<String, String>;

pub(in super::super) fn leaves() -> File {
    let mut file = File::new(
        "leaf",
        "break-glass",
        "an entry of a use of break-glass shows by itself that a grant was signed and nothing else",
    );
    let policy = policy();
    for algorithm in Algorithm::ALL {
        let passkey = Passkey::new(algorithm, "glass");
        let glass = signed(&policy, &[]);
        let name = format!("a signature by a key of {}", algorithm.name());
        file.valid(name, input(&text(&glass, &passkey), &policy));
    }
    file.valid("an approval", {
        let (_, text) = Draft::sample(Algorithm::Es256).sign();
        input(&text, &policy)
    });
    forms(&mut file, &policy);
    challenges(&mut file, &policy);
    rules(&mut file, &policy);
    file
}

fn input(text: &str, policy: &Policy) -> Value {
    json!({"policy": policy.value(), "text": text})
}

fn text(glass: &Glass, passkey: &Passkey) -> String {
    canonical(&leaf(glass, RP_ID, passkey))
}

fn good() -> Members {
    leaf(&signed(&policy(), &[]), RP_ID, &key("ann"))
}

fn forms(file: &mut File, policy: &Policy) {
    let with = |edit: &dyn Fn(&mut Members)| {
        let mut members = good();
        edit(&mut members);
        input(&canonical(&members), policy)
    };
    for key in good().keys() {
        let without = with(&|members| drop(members.remove(key)));
        file.invalid(format!("without {key}"), without, "entry.field");
    }
    for (key, value) in [
        ("note", "x"),
        ("approvalIdHash", "AA"),
        ("approver", "AA"),
        ("clientDataHash", "AA"),
        ("decidedAt", "2026-03-01T12:00:00.000Z"),
        ("grant", "{}"),
    ] {
        let more = with(&|members| drop(members.insert(key.into(), value.into())));
        file.invalid(format!("with {key}"), more, "entry.field");
    }
    for (key, value) in [
        ("notBefore", "2026-03-01T12:00:00Z"),
        ("rpId", "Approvals.example"),
        ("signature", "AA=="),
        ("clientDataJSON", "e30"),
        ("clientDataJSON", ""),
    ] {
        let other = with(&|members| drop(members.insert(key.into(), value.into())));
        file.invalid(format!("{key} is {value:?}"), other, "entry.field");
    }
    for (kind, code) in [
        ("cosignet.approval/v1", "entry.field"),
        ("cosignet.refusal/v1", "entry.field"),
        ("cosignet.break-glass/v2", "entry.unknown_type"),
        ("Cosignet.break-glass/v1", "entry.unknown_type"),
    ] {
        let other = with(&|members| drop(members.insert("type".into(), kind.into())));
        file.invalid(format!("as {kind}"), other, code);
    }
    let text = canonical(&good());
    file.invalid(
        "a blank in front",
        input(&format!(" {text}"), policy),
        "entry.not_canonical",
    );
    file.invalid(
        "one byte more than 8 KiB",
        input(&padded(8193), policy),
        "entry.too_large",
    );
    file.invalid(
        "an approval as break-glass",
        {
            let (_, text) = Draft::sample(Algorithm::Es256).sign();
            let text = text.replace("cosignet.approval/v1", "cosignet.break-glass/v1");
            input(&text, policy)
        },
        "entry.field",
    );
}

/// So many bytes, with authenticator data that fill them up.
fn padded(length: usize) -> String {
    let mut members = good();
    let missing = length - canonical(&members).len();
    let more = "A".repeat(missing / 4 * 4);
    members
        .get_mut("authenticatorData")
        .unwrap()
        .push_str(&more);
    let missing = length - canonical(&members).len();
    members.insert("rpId".into(), "r".repeat(missing) + &members["rpId"]);
    canonical(&members)
}

/// Whatever else was signed, properly and by the same key, is none.
fn challenges(file: &mut File, policy: &Policy) {
    let mut other = signed(policy, &[]).challenge();
    other[0] ^= 1;
    let mut longer = signed(policy, &[]).challenge();
    longer.push(0);
    for (name, signed) in [
        ("a login", vec![7; 32]),
        ("an approval", vec![7; 64]),
        ("an approval under a context", vec![7; 96]),
        ("44 other bytes", vec![7; 44]),
        ("a letter of the beginning is another one", other),
        ("one byte more", longer),
        ("nothing", Vec::new()),
    ] {
        let mut ceremony = Ceremony::new(RP_ID, crate::approval::ORIGIN, &[], &[]);
        ceremony.challenge = b64url(&signed);
        let assertion = ceremony.sign(&key("ann"));
        let mut members = good();
        for (key, bytes) in [
            ("authenticatorData", &assertion.authenticator_data),
            ("clientDataJSON", &assertion.client_data_json),
            ("signature", &assertion.signature),
        ] {
            members.insert(key.into(), b64url(bytes));
        }
        let name = format!("what was signed: {name}");
        file.invalid(name, input(&canonical(&members), policy), "entry.field");
    }
}

fn rules(file: &mut File, policy: &Policy) {
    let own: Row<Ceremony> = (
        "data of a registration",
        |c| c.flags = 0x45,
        "webauthn.authenticator_data",
    );
    for (name, edit, code) in CEREMONIES.into_iter().chain([own]) {
        let mut glass = signed(policy, &[]);
        glass.edit = edit;
        let text = text(&glass, &key("ann"));
        file.invalid(format!("rules: {name}"), input(&text, policy), code);
    }
    let mut lax = policy.clone();
    lax.user_verification = Some("preferred".into());
    let mut glass = signed(policy, &[]);
    glass.edit = |c| c.flags = 0x01;
    file.invalid(
        "rules: nobody was recognised, and the policy does without",
        input(&text(&glass, &key("ann")), &lax),
        "webauthn.user_verification",
    );
    let mut members = good();
    members.insert("rpId".into(), "evil.example".into());
    file.invalid(
        "rules: signed for another RP than it says",
        input(&canonical(&members), policy),
        "webauthn.rp_id",
    );
    let mut unlisted = policy.clone();
    unlisted.rp_ids = vec!["other.example".into()];
    file.invalid(
        "rules: an RP that the policy does not list",
        input(&canonical(&good()), &unlisted),
        "webauthn.rp_id",
    );
    let mut members = good();
    members.insert("credentialPublicKey".into(), b64url(&key("bob").public_key));
    file.invalid(
        "rules: somebody else's key",
        input(&canonical(&members), policy),
        "webauthn.bad_signature",
    );
    let mut members = good();
    members.insert("credentialPublicKey".into(), "AA".into());
    file.invalid(
        "rules: no key",
        input(&canonical(&members), policy),
        "webauthn.bad_key",
    );
}
