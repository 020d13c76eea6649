//! Why a request takes no effect: a stable code, and a text for people. Which HTTP status that is,
//! the HTTP side alone knows.

use verifier_core::Code;
use verifier_core::hazmat::schema;

/// A request that takes no effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) expected: Option<String>,
    pub(crate) found: Option<String>,
}

/// What every use of the gate ends with.
pub(crate) type Result<T, E = Refusal> = core::result::Result<T, E>;

/// One row a reason: name, code, meaning.
macro_rules! reasons {
    ($($name:ident $code:literal $meaning:literal;)+) => {
        /// The kinds of refusals.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Reason {
            $(#[doc = $meaning] $name,)+
            /// A verifier would reject what was signed, with this code.
            Verifier(Code),
        }

        impl Reason {
            /// The stable code.
            pub(crate) const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                    Self::Verifier(code) => code.as_str(),
                }
            }
        }
    };
}

reasons! {
    ApproverNotAsked "approver.not_asked" "This person serves no clause of the rule.";
    ApproverNotNeeded "approver.not_needed" "Enough people of this person's groups have approved.";
    ApproverRequester "approver.is_requester" "The owner of the key that asked never approves.";
    ApproverSigned "approver.has_signed" "This person has decided already.";
    ApproverUnknown "approver.unknown" "No such person or group.";
    AuthenticatorSynced "approver.synced_key" "The rule wants a passkey that stays on one device.";
    BreakGlassReused "break_glass.reused" "Another use has this id.";
    ChannelAddress "channel.address" "Nothing is sent to such an address.";
    ChannelDisabled "channel.disabled" "The receiver wanted nothing any more.";
    ChannelLimit "channel.limit" "There is no room for one more.";
    ChannelUnknown "channel.unknown" "No webhook or chat of this name.";
    ClaimExpired "claim.expired" "It was not claimed in time.";
    ClaimMismatch "claim.mismatch" "Another payload was approved.";
    ClaimNotAllowed "claim.not_allowed" "The rule lets other keys claim.";
    ClaimNotApproved "claim.not_approved" "It is not approved.";
    ClaimTaken "claim.taken" "Another operation has claimed it.";
    ClockBehind "clock.behind" "This machine's clock stands before the last event.";
    CredentialKnown "credential.known" "The passkey is enrolled already.";
    DecisionExpired "decision.expired" "The time to decide is over.";
    DecisionMade "decision.made" "It is decided already.";
    DecisionNotLogged "decision.not_logged" "The log does not have all signatures yet.";
    DeliveryUnknown "delivery.unknown" "No such delivery that has ended.";
    Erased "request.erased" "The payload was erased after its time.";
    IdempotencyReused "idempotency.reused" "The key was used for another request.";
    IdempotencyMissing "idempotency.missing" "The call needs an Idempotency-Key.";
    Internal "gate.error" "An error of the gate's own.";
    InviteUnknown "invite.unknown" "The link was used, has expired, or never was.";
    KeyLimit "limit.key" "The key has too many open requests.";
    MailAddress "mail.address" "No address of mail.";
    NameTaken "name.taken" "The name is in use.";
    NotJson "request.not_json" "Not JSON.";
    PayloadNotCanonical "payload.not_canonical" "A value that has another canonical form.";
    PayloadNotJson "payload.not_json" "Not strict JSON.";
    PayloadTooLarge "payload.too_large" "More than the rule admits.";
    PayloadTooManyFields "payload.too_many_fields" "More than people can be asked to look through.";
    PersonLimit "limit.person" "The person has too many open requests.";
    ResultOther "result.other" "Another result was reported.";
    RuleNone "rule.none" "No rule covers the request.";
    Schema "request.schema" "Not the members that the request should have.";
    SessionMissing "session.missing" "Nobody is signed in.";
    SessionRefused "session.refused" "The passkey did not sign in.";
    Unknown "request.unknown" "No such request.";
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            expected: None,
            found: None,
        }
    }

    /// What somebody signed, refused with the code of a verifier.
    pub(crate) fn of(failure: &dyn verifier_core::Failure) -> Self {
        Self {
            expected: failure.expected(),
            found: failure.found(),
            ..Self::new(Reason::Verifier(failure.code()), failure.to_string())
        }
    }

    pub(crate) fn unknown() -> Self {
        Self::new(Reason::Unknown, "There is no such request.")
    }

    pub(crate) fn internal() -> Self {
        let detail = "The gate met an error of its own. Nobody can say whether the call took \
                      effect: repeat it.";
        Self::new(Reason::Internal, detail)
    }

    pub(crate) fn compared(
        mut self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        self.expected = Some(expected.into());
        self.found = Some(found.into());
        self
    }
}

impl From<payload_form::Refusal> for Refusal {
    fn from(refusal: payload_form::Refusal) -> Self {
        use payload_form::Refusal as Of;
        let reason = match &refusal {
            Of::DuplicateKey { .. } | Of::Number { .. } => Reason::PayloadNotCanonical,
            Of::NotJson { .. } => Reason::PayloadNotJson,
            Of::TooDeep | Of::TooLarge { .. } => Reason::PayloadTooLarge,
            Of::TooManyFields => Reason::PayloadTooManyFields,
        };
        let (expected, found) = (refusal.expected(), refusal.found());
        let text = refusal.to_string();
        let mut letters = text.chars();
        let first = letters
            .next()
            .map(|letter| letter.to_uppercase().to_string());
        let detail = format!(
            "{}{}. {}",
            first.unwrap_or_default(),
            letters.as_str(),
            refusal.next()
        );
        Self {
            expected,
            found,
            ..Self::new(reason, detail)
        }
    }
}

impl From<schema::Error> for Refusal {
    fn from(error: schema::Error) -> Self {
        let (expected, found) = match error.problem() {
            schema::Wrong::Value { expected, found } => {
                (Some((*expected).to_owned()), Some(found.clone()))
            }
            _ => (None, None),
        };
        Self {
            expected,
            found,
            ..Self::new(Reason::Schema, error.to_string())
        }
    }
}
