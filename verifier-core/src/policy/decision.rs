//! What it takes for a decision.

use alloc::string::String;
use alloc::vec::Vec;

use super::Error;
use crate::decision::Clause;
use crate::json::Value;
use crate::schema::Members;

/// What it takes for a decision: who has to approve, and under which context.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DecisionRule {
    /// The clauses, which all have to hold. Without any, one approval of anybody is enough.
    pub require: Vec<Clause>,
    /// Whether the approval has to have signed a context.
    pub context: ContextRule,
    /// The audience that the context has to name.
    pub audience: Option<String>,
    /// What follows if nothing proves that the approval was made before the context's `expiresAt`.
    pub expiry: ExpiryRule,
}

/// Whether an approval has to have signed a context.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContextRule {
    /// A context is judged if it is there.
    Optional,
    /// Without one there is no VERIFIED.
    Required,
}

/// What follows if the proven time of an approval lies after the `expiresAt` of its context.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ExpiryRule {
    /// The approval is rejected.
    Enforced,
    /// The report says so.
    Reported,
}

impl DecisionRule {
    /// Whether a context has to be there: also where the audience or the expiry in it count, since
    /// whoever hands over an approval can leave the context out.
    pub fn needs_context(&self) -> bool {
        self.context == ContextRule::Required
            || self.audience.is_some()
            || self.expiry == ExpiryRule::Enforced
    }

    pub(super) fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&["audience", "context", "expiry", "require"])?;
        let context = match members.optional_text("context")? {
            None | Some("optional") => ContextRule::Optional,
            Some("required") => ContextRule::Required,
            Some(other) => {
                let expected = "\"required\" or \"optional\"";
                return Err(members.wrong("context", expected, other).into());
            }
        };
        let expiry = match members.optional_text("expiry")? {
            None | Some("reported") => ExpiryRule::Reported,
            Some("enforced") => ExpiryRule::Enforced,
            Some(other) => {
                let expected = "\"reported\" or \"enforced\"";
                return Err(members.wrong("expiry", expected, other).into());
            }
        };
        Ok(Self {
            require: Clause::list(&members, "require")?,
            context,
            audience: members.optional_text("audience")?.map(Into::into),
            expiry,
        })
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        let context = match self.context {
            ContextRule::Optional => "optional",
            ContextRule::Required => "required",
        };
        let expiry = match self.expiry {
            ExpiryRule::Enforced => "enforced",
            ExpiryRule::Reported => "reported",
        };
        let audience = self.audience.as_deref();
        let audience = audience.map(|audience| ("audience", audience.into()));
        let members = [
            ("context", context.into()),
            ("expiry", expiry.into()),
            (
                "require",
                self.require.iter().map(Clause::to_value).collect(),
            ),
        ];
        let members = audience.into_iter().chain(members);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
    }
}
