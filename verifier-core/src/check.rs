//! The checks, in the order in which a report lists them.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::Failure;
use crate::code::{Code, Effect};
use crate::json::Value;
use crate::payload::Difference;

/// One row a check: name, id, title, why it matters, specification.
macro_rules! checks {
    ($($name:ident $id:literal $title:literal, $why:literal, $spec:literal;)+) => {
        /// A check. Its id never changes.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum CheckId {
            $(#[doc = $why] $name,)+
        }

        impl CheckId {
            /// Every check, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable id, such as `payload.binding`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// A few words for a list.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Why the check matters.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$name => $why,)+ }
            }

            /// Where the rule is written.
            pub const fn spec(self) -> &'static str {
                match self { $(Self::$name => $spec,)+ }
            }
        }
    };
}

checks! {
    EntryForm "entry.form" "entry form",
        "The log can hold an entry only in one form, so that one approval is one leaf.",
        "docs/spec/entry.md";
    EvidenceMatch "evidence.match" "evidence belongs to entry",
        "Evidence and entry have to come from the same approval.",
        "docs/spec/bundle.md#evidence";
    Expectation "expectation" "what you asked for",
        "Another valid approval is no answer to your question.",
        "docs/spec/verification.md#expectations";
    Roster "roster" "roster",
        "Who may approve is itself approved, so that nobody can bend the list.",
        "docs/spec/roster.md#verification";
    ApproverKey "approver.key" "approver key",
        "A signature says something only under a key whose holder you know.",
        "docs/spec/policy.md#approvers";
    WebauthnKey "webauthn.key" "credential key",
        "Under an unsound key anybody could sign.",
        "docs/spec/webauthn.md#keys";
    WebauthnSignature "webauthn.signature" "passkey signature",
        "It shows that nothing signed has been changed since.",
        "WebAuthn L3 §7.2 step 21";
    WebauthnClientData "webauthn.client_data" "client data form",
        "What parsers disagree about could show one thing and mean another.",
        "WebAuthn L3 §5.8.1";
    WebauthnType "webauthn.type" "ceremony type",
        "The signature of a registration is not an approval.",
        "WebAuthn L3 §7.2 step 10";
    WebauthnChallenge "webauthn.challenge" "challenge form",
        "Only a challenge that ends in a payload hash approves a payload.",
        "docs/spec/payload.md#challenge";
    WebauthnOrigin "webauthn.origin" "origin",
        "The approval has to come from the site that shows payloads, not from a look-alike.",
        "WebAuthn L3 §7.2 step 12";
    WebauthnCrossOrigin "webauthn.cross_origin" "not embedded",
        "A page that frames the approval page can deceive the approver.",
        "WebAuthn L3 §7.2 steps 13 and 14";
    WebauthnAuthenticatorData "webauthn.authenticator_data" "authenticator data form",
        "The flags mean something only in data of the prescribed form.",
        "WebAuthn L3 §6.1";
    WebauthnRpId "webauthn.rp_id" "relying party",
        "The passkey has to have signed for this service.",
        "WebAuthn L3 §7.2 step 15";
    WebauthnUserPresence "webauthn.user_presence" "user presence",
        "Without it the signature could have been made silently.",
        "WebAuthn L3 §7.2 step 16";
    WebauthnUserVerification "webauthn.user_verification" "user verification",
        "A PIN or biometric ties the key to its holder.",
        "WebAuthn L3 §7.2 step 17";
    PayloadBinding "payload.binding" "payload binding",
        "It ties these bytes, and no others, to the challenge.",
        "docs/spec/payload.md#binding";
    Context "context" "signed context",
        "It ties the approval to one request, one rule and one deadline.",
        "docs/spec/decision.md#context";
    LogProof "log.proof" "inclusion proof",
        "It shows that the log holds the entry, so that it cannot be denied later.",
        "RFC 6962 §2.1.1";
    LogCheckpoint "log.checkpoint" "checkpoint signature",
        "The log has to stand by this tree.",
        "c2sp.org/tlog-checkpoint";
    LogQuorum "log.quorum" "witness quorum",
        "Witnesses make sure that everybody is shown the same tree.",
        "c2sp.org/tlog-policy";
    AnchorLog "anchor.log" "anchored head",
        "The head in Bitcoin has to be a head of this log, with this entry.",
        "docs/spec/bundle.md#anchor";
    AnchorPath "anchor.path" "anchor path",
        "The timestamp proof has to lead from the head to a Bitcoin block.",
        "docs/spec/bundle.md#anchor";
    AnchorHeader "anchor.header" "block header",
        "The block has to carry the proof's root and its own proof of work.",
        "docs/spec/bundle.md#anchor";
    AnchorChain "anchor.chain" "block chain",
        "The block has to be part of the chain that the policy knows.",
        "docs/spec/bundle.md#anchor";
    DecisionBundles "decision.bundles" "one request",
        "Approvals of different things do not add up.",
        "docs/spec/decision.md#bundles";
    DecisionRefusal "decision.refusal" "nobody refused",
        "One authentic no outweighs every yes.",
        "docs/spec/decision.md#refusals";
    DecisionQuorum "decision.quorum" "enough people",
        "The policy says how many people of which groups it takes, and each counts once.",
        "docs/spec/decision.md#quorum";
    Time "time" "times",
        "Nothing in the evidence may lie in the future of the moment you asked about.",
        "docs/spec/verification.md#time";
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// It ran and failed.
    Fail,
    /// It is required and could not be made.
    Incomplete,
    /// Neither the policy nor the caller asks for it.
    NotChecked,
    /// It ran and passed.
    Pass,
    /// It depends on another check that did not pass.
    Skipped,
}

impl Status {
    /// The text in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
            Self::NotChecked => "not_checked",
            Self::Pass => "pass",
            Self::Skipped => "skipped",
        }
    }
}

/// A check and how it ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// Which check.
    pub id: CheckId,
    /// How it ended.
    pub status: Status,
    /// Why, where it neither passed nor was left out.
    pub code: Option<Code>,
    /// The value that would have passed.
    pub expected: Option<String>,
    /// The value that was there.
    pub found: Option<String>,
    /// One sentence.
    pub message: String,
    /// Where exactly two payloads differ: the first few places.
    pub differences: Vec<Difference>,
    /// How many more places there are at which they differ.
    pub differences_left_out: u64,
}

impl Check {
    pub(crate) fn pass(id: CheckId, message: impl Into<String>) -> Self {
        Self::new(id, Status::Pass, None, message.into())
    }

    /// A failed check, or an incomplete one if the code of `failure` says so.
    pub(crate) fn failed(id: CheckId, failure: &dyn Failure) -> Self {
        let mut check = Self::coded(id, failure.code());
        check.message = sentence(failure.to_string());
        check.expected = failure.expected();
        check.found = failure.found();
        check
    }

    /// A failed or incomplete check of which the code's meaning says all there is to say.
    pub(crate) fn coded(id: CheckId, code: Code) -> Self {
        let status = match code.effect() {
            Effect::Incomplete => Status::Incomplete,
            _ => Status::Fail,
        };
        Self::new(id, status, Some(code), code.explanation().meaning.into())
    }

    pub(crate) fn not_checked(id: CheckId, message: &str) -> Self {
        Self::new(id, Status::NotChecked, None, message.into())
    }

    pub(crate) fn skipped(id: CheckId, cause: CheckId) -> Self {
        let message = format!("It depends on {cause}, which did not pass.");
        Self::new(id, Status::Skipped, None, message)
    }

    pub(crate) fn expected(self, expected: impl Into<String>) -> Self {
        Self {
            expected: Some(expected.into()),
            ..self
        }
    }

    pub(crate) fn found(self, found: impl Into<String>) -> Self {
        Self {
            found: Some(found.into()),
            ..self
        }
    }

    pub(crate) fn message(self, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..self
        }
    }

    pub(crate) fn to_value(&self) -> Value<'_> {
        let difference = |d: &'_ Difference| {
            Value::from([
                ("expected", d.expected.clone().into()),
                ("found", d.found.clone().into()),
                ("path", d.path.clone().into()),
            ])
        };
        Value::from([
            ("code", self.code.map(Code::as_str).into()),
            (
                "differences",
                self.differences.iter().map(difference).collect(),
            ),
            ("differencesLeftOut", self.differences_left_out.into()),
            ("expected", self.expected.as_deref().into()),
            ("found", self.found.as_deref().into()),
            ("id", self.id.as_str().into()),
            ("message", self.message.as_str().into()),
            ("spec", self.id.spec().into()),
            ("status", self.status.as_str().into()),
        ])
    }

    fn new(id: CheckId, status: Status, code: Option<Code>, message: String) -> Self {
        let (expected, found, differences) = (None, None, Vec::new());
        Self {
            id,
            status,
            code,
            expected,
            found,
            message,
            differences,
            differences_left_out: 0,
        }
    }
}

/// An error's text as a sentence: a capital in front, a full stop behind.
fn sentence(text: String) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    let stop = if text.ends_with('.') { "" } else { "." };
    first.into_iter().chain(chars).chain(stop.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_in_order() {
        let mut ids: Vec<_> = CheckId::ALL.iter().map(|id| id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CheckId::ALL.len());
        assert!(CheckId::ALL.is_sorted());
    }

    #[test]
    fn messages_are_sentences() {
        assert_eq!(sentence("an error".into()), "An error.");
        assert_eq!(sentence("RSA.".into()), "RSA.");
        assert_eq!(sentence(String::new()), ".");
    }
}
