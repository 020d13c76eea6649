//! The check `context` (docs/spec/decision.md).

use super::super::context::Context;
use super::{Challenge, Course};
use crate::encoding::sha256;

impl Course<'_> {
    /// `signed` is the challenge, or what it leads to, if there is a claim; see [`Challenge`].
    pub(super) fn context(&mut self, text: Option<&str>, signed: Option<&Challenge>) {
        let id = "context";
        let rules = &self.trust.rules;
        if text.is_none() && !rules.needs_context && !self.refuses {
            return;
        }
        let Some(text) = text else {
            return match self.refuses {
                true => self.skip(&[id]),
                false => self.coded(id, "context.missing"),
            };
        };
        let Some(signed) = signed else {
            return self.skip(&[id]);
        };
        let Some(context) = Context::read(text) else {
            return self.coded(id, "context.form");
        };
        if self.refuses {
            if !self.passed("payload.binding") {
                return self.skip(&[id]);
            }
        } else {
            let Challenge::Approves(challenge) = signed else {
                return self.skip(&[id]);
            };
            if challenge.len() != 96 || challenge[32..64] != sha256(text.as_bytes()) {
                return self.coded(id, "context.mismatch");
            }
        }
        if self.passed("webauthn.signature") {
            self.facts.request_id = Some(context.request_id);
        }
        if rules
            .audience
            .as_ref()
            .is_some_and(|audience| *audience != context.audience)
        {
            return self.coded(id, "context.audience");
        }
        if rules.enforces_expiry && !self.refuses {
            match self.bound {
                None => return self.coded(id, "context.time_unproven"),
                Some(bound) if bound > context.expires_at => {
                    return self.coded(id, "context.expired");
                }
                Some(_) => {}
            }
        }
        self.pass(id);
    }
}
