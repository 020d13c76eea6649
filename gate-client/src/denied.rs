//! Why nothing was done.

use std::fmt;

use verifier_core::Code;

/// Nothing was done, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denied {
    reason: Reason,
    details: Box<Details>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Details {
    message: String,
    expected: Option<String>,
    found: Option<String>,
    next: Option<String>,
}

/// One row a reason: name, code, meaning, next step.
macro_rules! reasons {
    ($($name:ident $code:literal $meaning:literal $next:literal;)+) => {
        /// The kinds of denials.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = $meaning] $name,)+
            /// The break-glass file permits nothing here, for this reason.
            BreakGlass(Code),
            /// The decision does not verify under the caller's policy, for this reason.
            NotVerified(Code),
        }

        impl Reason {
            /// Every reason but those with a code of the verifier's, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable code; that of a decision that does not verify, and of a break-glass file
            /// that does not open, has the verifier's own one beside it, [`Reason::verifier`].
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                    Self::BreakGlass(_) => "denied.break_glass",
                    Self::NotVerified(_) => "denied.not_verified",
                }
            }

            /// The verifier's code for what does not verify.
            pub const fn verifier(self) -> Option<Code> {
                match self {
                    Self::BreakGlass(code) | Self::NotVerified(code) => Some(code),
                    _ => None,
                }
            }

            const fn next(self) -> &'static str {
                match self {
                    $(Self::$name => $next,)+
                    Self::BreakGlass(code) | Self::NotVerified(code) => code.explanation().next,
                }
            }
        }
    };
}

reasons! {
    BadAnswer "denied.bad_answer" "The gate's answer is none that a gate gives."
        "Check the address of the gate; if it is right, ask its operator.";
    BreakGlassOff "denied.break_glass_off" "Nobody has set up break-glass here."
        "Do it by a way that does not need this program; its owner can set break-glass up for the next time.";
    BreakGlassUsed "denied.break_glass_used" "The break-glass file was used for this, or as often as it may be."
        "Have a new file signed if it is to be done once more.";
    Cancelled "denied.cancelled" "The request was cancelled."
        "Ask again if it is still wanted.";
    ClaimExpired "denied.claim_expired" "It was approved, and not claimed in time."
        "Ask again, and claim sooner.";
    ClaimTaken "denied.claim_taken" "Another operation has claimed the approval."
        "Find out which one: an approval is good for one act.";
    ClockSkew "denied.clock_skew" "The clocks of this machine and of the gate differ too much."
        "Set the clock of this machine, or have that of the gate set.";
    Expired "denied.expired" "Nobody decided in time."
        "Ask again, with more time or when the approvers are there.";
    Invalid "denied.invalid" "The request cannot be put before anybody."
        "Change the request as the message says.";
    Journal "denied.journal" "The journal cannot be kept, so nothing may be done."
        "Look at the file of the journal and the rights to it.";
    KeyRefused "denied.key_refused" "The gate does not let this key do that."
        "Use a key with the rights to create and to claim, and one that the rule lets claim.";
    NoRule "denied.no_rule" "No rule of the gate covers the request."
        "Have a rule written for it, or ask for something that a rule covers.";
    NotApproved "denied.not_approved" "It is not approved."
        "Wait for the decision.";
    OtherPayload "denied.other_payload" "Something else was approved."
        "Treat the gate as broken or hostile: it has shown an approval of other bytes.";
    OtherRequest "denied.other_request" "The signed context is that of another request."
        "Treat the gate as broken or hostile: it has shown an approval of something else.";
    OutcomeUnknown "denied.outcome_unknown" "It was claimed before, and nobody knows whether the act happened."
        "Look whether the act took effect. If it did not, ask again with another operation id.";
    Refused "denied.refused" "Somebody refused."
        "Do not do it. Talk to the person who refused.";
    Unreachable "denied.unreachable" "The gate could not be reached for as long as it mattered."
        "Check the network and the address of the gate.";
}

impl Denied {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let details = Details {
            message,
            ..Details::default()
        };
        Self {
            reason,
            details: details.into(),
        }
    }

    pub(crate) fn compared(
        mut self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        self.details.expected = Some(expected.into());
        self.details.found = Some(found.into());
        self
    }

    pub(crate) fn next_is(mut self, next: impl Into<String>) -> Self {
        self.details.next = Some(next.into());
        self
    }

    /// The reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What would have been right.
    pub fn expected(&self) -> Option<&str> {
        self.details.expected.as_deref()
    }

    /// What was there instead.
    pub fn found(&self) -> Option<&str> {
        self.details.found.as_deref()
    }

    /// What to do about it.
    pub fn next(&self) -> &str {
        let own = self.details.next.as_deref();
        own.unwrap_or_else(|| self.reason.next())
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details.message)
    }
}

impl std::error::Error for Denied {}

impl From<payload_form::Refusal> for Denied {
    fn from(refusal: payload_form::Refusal) -> Self {
        let mut denied = Self::new(Reason::Invalid, refusal.to_string()).next_is(refusal.next());
        denied.details.expected = refusal.expected();
        denied.details.found = refusal.found();
        denied
    }
}
