//! The decision: several bundles about one payload, in one file.

use serde_json::{Value, json};

use crate::approval::{Approval, DECIDED_AT_SECONDS};
use crate::bundle::{Bundle, Evidence};
use crate::encoding::b64url;
use crate::policy::clauses;
use crate::{Approver, Context, Draft, Ledger, Policy};

/// A decision before it is written.
#[derive(Clone, Debug)]
pub struct Decision {
    /// `context`.
    pub context: Option<String>,
    /// `payload`.
    pub payload: Option<Vec<u8>>,
    /// `bundles`.
    pub bundles: Vec<Bundle>,
}

impl Decision {
    /// These approvals and refusals, with the context and the payload that all of them have stated
    /// once.
    pub fn of(approvals: &[Approval]) -> Self {
        let mut bundles: Vec<Bundle> = approvals.iter().map(|a| a.bundle.clone()).collect();
        Self {
            context: lift(&mut bundles, |evidence| &mut evidence.context),
            payload: lift(&mut bundles, |evidence| &mut evidence.payload),
            bundles,
        }
    }

    /// The decision of two people that no vector contains, and the policy that wants both.
    pub fn apart() -> (Self, Policy) {
        let people = ["apart one", "apart two"];
        let mut ledger = Ledger::default();
        for seed in people {
            let context = Context::numbered(7).text();
            ledger.add(Draft::by(seed).approving_under(&context, br#"{"to":"Acme GmbH"}"#));
        }
        ledger.seal(DECIDED_AT_SECONDS + 5);
        let approvals = ledger.approvals_from(0);
        let mut policy = approvals[0].policy.clone();
        let both = people.map(|seed| Approver::new(seed, &Draft::by(seed).passkey));
        policy.approvers = both.map(|person| person.in_groups(&["both"])).into();
        policy.log = Some(ledger.tlog_policy());
        policy.decision = Some(json!({"require": clauses(&[("both".into(), 2)])}));
        (Self::of(&approvals), policy)
    }

    /// The JSON structure.
    pub fn value(&self) -> Value {
        let bundles: Vec<Value> = self.bundles.iter().map(Bundle::value).collect();
        let mut value = json!({"type": "cosignet.decision/v1", "bundles": bundles});
        if let Some(context) = &self.context {
            value["context"] = json!(context);
        }
        if let Some(payload) = &self.payload {
            value["payload"] = json!(b64url(payload));
        }
        value.sort_all_objects();
        value
    }

    /// The text.
    pub fn text(&self) -> String {
        self.value().to_string()
    }
}

/// Takes out of all bundles what they have in common.
fn lift<T: Clone + PartialEq>(
    bundles: &mut [Bundle],
    member: fn(&mut Evidence) -> &mut Option<T>,
) -> Option<T> {
    let mut all = bundles.iter_mut().map(|b| b.evidence.as_mut().map(member));
    let first = all.next()??.clone()?;
    if !all.all(|other| other.is_some_and(|other| *other == Some(first.clone()))) {
        return None;
    }
    for bundle in bundles {
        *member(bundle.evidence.as_mut()?) = None;
    }
    Some(first)
}
