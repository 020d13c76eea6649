//! `context`: the request, the rule and the deadline that were signed, and `decision.refusal` of a
//! refusal.

use alloc::format;
use alloc::string::String;

use super::Run;
use super::claim::SigningClaim;
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::context::Context;
use crate::encoding::{hex, sha256};
use crate::entry::Act;
use crate::input::Input;
use crate::policy::ExpiryRule;
use crate::report::{Report, SignedFacts};
use crate::time::{Time, for_people};
use crate::{plain, quote};

const ID: CheckId = CheckId::Context;

impl Run<'_> {
    /// The context, if it was signed. The check is listed where there is a context, and where there
    /// has to be one.
    pub(super) fn context(
        &mut self,
        input: &Input,
        claim: Option<&SigningClaim<'_>>,
        bound: Option<Time>,
    ) -> Option<SignedFacts> {
        let text = match input {
            Input::Bundle(bundle) => bundle.evidence.context.as_deref(),
            _ => None,
        };
        let Some(text) = text else {
            match self.act {
                Act::Refusal => self.skip(&[ID], CheckId::EvidenceMatch),
                Act::Approval if self.trust.needs_context() => {
                    self.push(Check::coded(ID, Code::ContextMissing));
                }
                Act::Approval => {}
            }
            return None;
        };
        if claim.is_none() {
            self.skip(&[ID], CheckId::EntryForm);
            return None;
        }
        let context = match Context::parse(text) {
            Ok(context) => context,
            Err(error) => {
                self.push(Check::failed(ID, &error));
                return None;
            }
        };
        let hash = sha256(text.as_bytes());
        match self.act {
            Act::Approval => match &self.challenge {
                None => {
                    self.skip(&[ID], CheckId::WebauthnChallenge);
                    return None;
                }
                Some(challenge) if challenge.context_hash() != Some(&hash) => {
                    let found = match challenge.context_hash() {
                        Some(found) => format!("sha256 {} (in the challenge)", hex(found)),
                        None => String::from("a challenge without room for a context"),
                    };
                    let expected = format!("sha256 {} (of the context)", hex(&hash));
                    let check = Check::coded(ID, Code::ContextMismatch);
                    self.push(check.expected(expected).found(found));
                    return None;
                }
                Some(_) => {}
            },
            // That the payload leads to what was signed shows the same of the context.
            Act::Refusal if self.status(CheckId::PayloadBinding) != Some(Status::Pass) => {
                self.skip(&[ID], CheckId::PayloadBinding);
                return None;
            }
            Act::Refusal => {}
        }
        let check = self.judge(&context, bound);
        self.push(check.unwrap_or_else(|| {
            let id = &context.request_id;
            let message = format!(
                "The request {id} and its rule {} were signed.",
                quote(&context.rule)
            );
            Check::pass(ID, message).found(format!("sha256 {}", hex(&hash)))
        }));
        let signed = self.status(CheckId::WebauthnSignature) == Some(Status::Pass);
        signed.then(|| SignedFacts {
            in_time: bound.map(|bound| bound <= context.expires_at),
            context,
            context_sha256: hash,
        })
    }

    /// What the policy has against a context.
    fn judge(&self, context: &Context, bound: Option<Time>) -> Option<Check> {
        let rule = self.trust.rule?;
        if let Some(audience) = rule.audience.as_deref()
            && audience != context.audience
        {
            let check = Check::coded(ID, Code::ContextAudience);
            return Some(
                check
                    .expected(quote(audience))
                    .found(quote(&context.audience)),
            );
        }
        // A refusal does not expire.
        if rule.expiry != ExpiryRule::Enforced || self.act == Act::Refusal {
            return None;
        }
        let expected = format!("not after {}", context.expires_at);
        match bound {
            None => Some(Check::coded(ID, Code::ContextTimeUnproven).expected(expected)),
            Some(bound) if bound > context.expires_at => {
                let check = Check::coded(ID, Code::ContextExpired);
                Some(check.expected(expected).found(format!("{bound}")))
            }
            Some(_) => None,
        }
    }

    /// `decision.refusal` of a refusal: it is authentic if nothing failed, and key, signature and
    /// payload are in order. That its log proof is short of something does not turn a no into
    /// nothing.
    pub(super) fn refusal(&mut self, report: &Report) {
        const ID: CheckId = CheckId::DecisionRefusal;
        if self.act != Act::Refusal {
            return;
        }
        let needed = super::ASSERTION_CHECKS.iter().copied();
        let needed = needed.chain([
            CheckId::EvidenceMatch,
            CheckId::Context,
            CheckId::ApproverKey,
        ]);
        let failed = self
            .checks
            .iter()
            .find(|check| check.status == Status::Fail);
        let open = needed
            .into_iter()
            .find(|id| self.status(*id) != Some(Status::Pass));
        if let Some(cause) = failed.map(|check| check.id).or(open) {
            return self.skip(&[ID], cause);
        }
        let who = report
            .approver
            .as_ref()
            .map_or_else(String::new, |one| plain(&one.name));
        let when = report.bound.map_or_else(String::new, |bound| {
            format!(", no later than {}", for_people(bound.time))
        });
        let message = format!("{who} refused this payload{when}.");
        self.push(Check::coded(ID, Code::DecisionRefused).message(message));
    }
}
