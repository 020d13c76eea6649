//! Flip any bit of a good bundle: either it is no longer VERIFIED, or the flip hit text that
//! nobody signed, and then the report shows the changed text as claimed or differs in `inputs`
//! alone. These tests say exactly which bytes those are.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use core::ops::Range;

use serde_json::Value;
use test_vectors::{Algorithm, Approval, Draft};
use verifier_core::AwsLc;
use verifier_core::Policy;
use verifier_core::{Report, Request, Verdict, verify};

/// A bundle whose every flip is tried.
struct Subject {
    text: Vec<u8>,
    policy: Policy,
    payload: Option<Vec<u8>>,
}

impl Subject {
    fn new(approval: &Approval, text: String) -> Self {
        let policy = approval.policy.value().to_string();
        let policy = Policy::from_json(policy.as_bytes()).unwrap();
        let subject = Self {
            text: text.into(),
            policy,
            payload: None,
        };
        assert_eq!(subject.verify(&subject.text).verdict(), Verdict::Verified);
        subject
    }

    fn verify(&self, text: &[u8]) -> Report {
        let mut request = Request::default();
        request.policy = Some(&self.policy);
        request.payload = self.payload.as_deref();
        request.crypto = &AwsLc;
        verify(text, &request)
    }

    /// The positions in `range` where some flip stays VERIFIED. What the report says but for
    /// `inputs` and the members of `claimedByService` named in `claims` has to stay the same.
    fn harmless(&self, range: Range<usize>, claims: &[&str]) -> Vec<usize> {
        let stable = |report: &Report| {
            let mut value: Value = serde_json::from_str(&report.to_json()).unwrap();
            value["inputs"] = Value::Null;
            for claim in claims {
                value["claimedByService"][claim] = Value::Null;
            }
            value
        };
        let original = stable(&self.verify(&self.text));
        let mut text = self.text.clone();
        let mut positions = Vec::new();
        for at in range {
            for bit in 0..8 {
                text[at] ^= 1 << bit;
                let report = self.verify(&text);
                if report.verdict() == Verdict::Verified {
                    assert_eq!(stable(&report), original, "bit {bit} of byte {at}");
                    positions.push(at);
                }
                text[at] ^= 1 << bit;
            }
        }
        positions.dedup();
        positions
    }

    /// Where `text` stands.
    fn place(&self, text: &str) -> Range<usize> {
        let start = self
            .text
            .windows(text.len())
            .position(|w| w == text.as_bytes())
            .unwrap();
        start..start + text.len()
    }

    fn all(&self) -> Range<usize> {
        0..self.text.len()
    }
}

#[test]
fn only_the_action_label_can_change_in_a_bundle() {
    let approval = Draft::numbered(Algorithm::Es256, 1).mint();
    let subject = Subject::new(&approval, approval.bundle.text());
    let action = subject.place("\"action\":\"wire_transfer\"");
    let label = action.end - "wire_transfer\"".len()..action.end - 1;
    assert_eq!(
        subject.harmless(subject.all(), &["action"]),
        label.collect::<Vec<_>>()
    );
}

#[test]
fn white_space_outside_strings_can_change_into_other_white_space() {
    let approval = Draft::numbered(Algorithm::EdDsa, 2).mint();
    let value: Value = serde_json::from_str(&approval.bundle.text()).unwrap();
    let subject = Subject::new(&approval, serde_json::to_string_pretty(&value).unwrap());
    let mut in_string = false;
    let mut escaped = false;
    let mut space = Vec::new();
    for (at, byte) in subject.text.iter().enumerate() {
        match byte {
            b'"' if !escaped => in_string = !in_string,
            b' ' | b'\n' if !in_string => space.push(at),
            _ => {}
        }
        escaped = *byte == b'\\' && !escaped;
    }
    let harmless = subject.harmless(subject.all(), &["action"]);
    let label = subject.place("wire_transfer");
    let others: Vec<_> = harmless.iter().filter(|at| !label.contains(at)).collect();
    assert!(others.iter().all(|at| space.contains(at)), "{others:?}");
    // A line feed is one bit away from no other white space but U+000B, and a space from none.
    assert!(others.len() < space.len());
}

#[test]
fn an_address_can_change_its_case() {
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.reveal_email = true;
    let approval = draft.mint();
    let subject = Subject::new(&approval, approval.bundle.text());
    let address = subject.place("alice@example.com");
    let letters: Vec<_> = address
        .clone()
        .filter(|at| subject.text[*at].is_ascii_alphabetic())
        .collect();
    assert_eq!(subject.harmless(address, &["approverEmail"]), letters);
}

#[test]
fn nothing_can_change_in_the_service_s_confirmation_but_what_nobody_reads() {
    let mut approval = Approval::sample(Algorithm::Es256);
    approval.policy.log = None;
    let text = approval.confirmation().to_string();
    let mut subject = Subject {
        text: text.into(),
        ..Subject::new_unchecked(&approval)
    };
    subject.payload = Some(approval.payload.clone());
    assert_eq!(subject.verify(&subject.text).verdict(), Verdict::Verified);
    let harmless = subject.harmless(subject.all(), &[]);
    // Members that are looked up by name and missing afterwards, or never looked at.
    let text = String::from_utf8(subject.text.clone()).unwrap();
    let signed = ["authenticatorData", "clientDataJSON", "signature"];
    let value: Value = serde_json::from_str(&text).unwrap();
    for member in signed {
        let content = value["rawAssertion"]["response"][member].as_str().unwrap();
        let place = subject.place(content);
        assert!(harmless.iter().all(|at| !place.contains(at)), "{member}");
    }
    for member in ["payloadHash", "credentialId", "status"] {
        let place = subject.place(value[member].as_str().unwrap());
        assert!(harmless.iter().all(|at| !place.contains(at)), "{member}");
    }
}

impl Subject {
    fn new_unchecked(approval: &Approval) -> Self {
        let policy = approval.policy.value().to_string();
        let policy = Policy::from_json(policy.as_bytes()).unwrap();
        Self {
            text: Vec::new(),
            policy,
            payload: None,
        }
    }
}
