//! Requests as JSON: what callers and pages see of them.

use serving::openapi::schema::object;
use verifier_core::Time;
use verifier_core::hazmat::decision::Decision;
use verifier_core::hazmat::decision::Served;
use verifier_core::hazmat::encoding::{base64url, hex};
use verifier_core::hazmat::json::{Limits, Value};

use crate::person::Credential;
use crate::refusal::{Reason, Refusal, Result};
use crate::request::{Act, May, Outcome, Request, Signature, State, Status};
use crate::site::Site;

/// A request as those see it who ask and act. With one approval it is a confirmation, as `cosignet
/// verify` reads it.
pub(super) fn of_key(request: &Request, site: &Site, now: Time) -> String {
    let status = request.status(now);
    let approvals = || request.deciding(Act::Approve);
    let refusal = request.deciding(Act::Refuse).next();
    let by = |all: &mut dyn Iterator<Item = &Signature>| -> Value<'static> {
        all.map(|one| Value::from(one.person.clone())).collect()
    };
    let signed = request
        .signatures
        .iter()
        .filter(|one| one.act == Act::Approve)
        .count();
    let needed: usize = request.terms.clauses.iter().map(|one| one.at_least).sum();
    let mut members = vec![
        ("action", request.action.as_str().into()),
        ("createdAt", request.created.to_string().into()),
        ("expiresAt", request.expires.to_string().into()),
        ("id", request.id.as_str().into()),
        ("payloadHash", hex(&request.payload_hash).into()),
        (
            "rule",
            Value::from([
                ("name", request.rule.name.as_str().into()),
                ("sha256", hex(&request.rule.sha256).into()),
            ]),
        ),
        (
            "signatures",
            Value::from([("given", count(signed)), ("needed", count(needed))]),
        ),
        ("status", status.as_str().into()),
        ("url", site.page(&request.id).into()),
        ("waitingForLog", is_waiting(request, now).into()),
    ];
    if let Some(refusal) = refusal {
        members.push(("reason", refusal.reason.as_deref().into()));
        members.push(("refusedBy", by(&mut std::iter::once(refusal))));
    }
    if status == Status::Approved {
        members.push(("claimBy", request.claim_by.map(|by| by.to_string()).into()));
        members.push(("decidedBy", by(&mut approvals())));
        let assertions = || approvals().filter_map(confirmed);
        if let (1, Some(one)) = (approvals().count(), assertions().next()) {
            members.extend(one);
        } else {
            let all = assertions().map(object).collect();
            members.push(("approvals", all));
        }
        if let Ok(decision) = decision(request) {
            members.push(("decision", parsed(&decision)));
        }
    }
    if let Some(claim) = &request.claim {
        members.push(("claimedAt", claim.at.to_string().into()));
        members.push(("outcome", claim.outcome.map(Outcome::as_str).into()));
    }
    object(members).to_text()
}

/// The members of a confirmation that are of one approval.
fn confirmed(signature: &Signature) -> Option<[(&'static str, Value<'static>); 2]> {
    Some([
        ("credentialId", base64url(&signature.credential_id).into()),
        ("rawAssertion", parsed(&signature.assertion)),
    ])
}

/// A text of the gate's own, as part of another one. What was kept can be read.
fn parsed(text: &str) -> Value<'static> {
    let value = Value::parse(text.as_bytes(), Limits::bytes(Decision::MAX_BYTES));
    value.map_or(Value::Null, Value::into_owned)
}

/// The answer to a claim: everything with which an executor can decide for itself.
pub(super) fn claimed(request: &Request, site: &Site, now: Time) -> Result<String> {
    let decision = decision(request)?;
    let payload = request.payload.as_deref().ok_or_else(erased)?;
    let claim = request.claim.as_ref();
    Ok(Value::from([
        ("claimedAt", claim.map(|claim| claim.at.to_string()).into()),
        ("decision", parsed(&decision)),
        ("id", request.id.as_str().into()),
        ("payload", base64url(payload).into()),
        ("payloadHash", hex(&request.payload_hash).into()),
        ("status", request.status(now).as_str().into()),
        ("url", site.page(&request.id).into()),
    ])
    .to_text())
}

/// All that was signed and decided, in one file (docs/spec/decision.md).
pub(super) fn decision(request: &Request) -> Result<String> {
    let not_logged = || {
        let detail = "The log does not have all of its signatures yet.";
        Refusal::new(Reason::DecisionNotLogged, detail)
    };
    let counted: Vec<&Signature> = request.signatures.iter().filter(|one| one.counts).collect();
    let ended = matches!(
        request.state,
        State::Approved | State::Rejected | State::Lapsed
    );
    if counted.is_empty() || !ended {
        return Err(match request.state {
            State::Pending | State::Signed => not_logged(),
            _ => Refusal::new(Reason::DecisionNotLogged, "It ended without a decision."),
        });
    }
    let mut bundles = Vec::new();
    for signature in counted {
        let text = signature.bundle.as_deref().ok_or_else(not_logged)?;
        let mut bundle = crate::log::read_bundle(text).ok_or_else(Refusal::internal)?;
        bundle.evidence.payload.clone_from(&request.payload);
        bundles.push(bundle);
    }
    let decision = Decision::new(bundles).map_err(|_| Refusal::internal())?;
    Ok(decision.to_json())
}

fn is_waiting(request: &Request, now: Time) -> bool {
    request.state == State::Signed && request.status(now) == Status::Pending
}

/// What the page of a request shows to somebody who has signed in.
pub(super) struct Shown<'s> {
    pub(super) request: &'s Request,
    pub(super) who: &'s Credential,
    pub(super) credentials: Vec<Value<'static>>,
    pub(super) previous: Option<&'s Request>,
    pub(super) served: Vec<Served>,
    pub(super) may: May,
    pub(super) site: &'s Site,
    pub(super) now: Time,
}

impl Shown<'_> {
    pub(super) fn to_text(&self) -> Result<String> {
        let request = self.request;
        let payload = request.payload.as_deref().ok_or_else(erased)?;
        let previous = self.previous.and_then(|previous| {
            let payload = previous.payload.as_deref()?;
            Some(Value::from([
                (
                    "decidedAt",
                    previous.decided.map(|at| at.to_string()).into(),
                ),
                ("id", previous.id.as_str().into()),
                ("payload", base64url(payload).into()),
            ]))
        });
        let groups = self
            .who
            .groups
            .iter()
            .map(|group| Value::from(group.as_str()));
        let rule = Value::from([
            ("name", request.rule.name.as_str().into()),
            ("sha256", hex(&request.rule.sha256).into()),
            ("text", request.rule.text.as_str().into()),
        ]);
        let requester = Value::from([
            ("name", request.requester.name.as_str().into()),
            ("since", request.requester.since.to_string().into()),
        ]);
        Ok(Value::from([
            ("action", request.action.as_str().into()),
            (
                "allowCredentials",
                self.credentials.iter().cloned().collect(),
            ),
            (
                "claimWithinSeconds",
                (request.terms.claim_within / 1000).into(),
            ),
            ("clauses", self.served.iter().map(clause).collect()),
            ("context", request.context.as_str().into()),
            ("createdAt", request.created.to_string().into()),
            ("expiresAt", request.expires.to_string().into()),
            ("groups", groups.collect()),
            ("id", request.id.as_str().into()),
            ("may", may(self.may).into()),
            ("now", self.now.to_string().into()),
            ("payload", base64url(payload).into()),
            ("person", self.who.person.as_str().into()),
            ("previous", previous.unwrap_or(Value::Null)),
            (
                "random",
                base64url(&request.random(&self.who.person)).into(),
            ),
            ("requester", requester),
            ("rpId", self.site.rp_id.as_str().into()),
            ("rule", rule),
            (
                "signatures",
                request.signatures.iter().map(signature).collect(),
            ),
            ("status", request.status(self.now).as_str().into()),
            ("waitingForLog", is_waiting(request, self.now).into()),
        ])
        .to_text())
    }
}

fn erased() -> Refusal {
    let detail = "The payload was erased after its time. Its hash and what was signed stay.";
    Refusal::new(Reason::Erased, detail)
}

fn clause(served: &Served) -> Value<'_> {
    Value::from([
        ("atLeast", count(served.at_least)),
        ("group", served.group.as_str().into()),
        ("missing", count(served.missing())),
    ])
}

fn signature(signature: &Signature) -> Value<'_> {
    Value::from([
        ("at", signature.received.to_string().into()),
        ("kind", signature.act.as_str().into()),
        ("person", signature.person.as_str().into()),
    ])
}

const fn may(may: May) -> &'static str {
    match may {
        May::Decide => "decide",
        May::Done => "done",
        May::Enough => "enough",
        May::NotAsked => "not-asked",
        May::Requester => "requester",
        May::Synced => "synced-key",
    }
}

/// What somebody gets who has just decided.
pub(super) fn receipt(request: &Request, own: &Signature, site: &Site, now: Time) -> String {
    let bundle = own.bundle.as_deref().map(|text| ("bundle", text.into()));
    let members = [
        ("approvalId", own.approval_id.as_str().into()),
        ("payloadHash", hex(&request.payload_hash).into()),
        ("status", request.status(now).as_str().into()),
        (
            "verifyUrl",
            format!("{}/verify/#id={}", site.origin, own.approval_id).into(),
        ),
        ("waitingForLog", own.bundle.is_none().into()),
    ];
    object(members.into_iter().chain(bundle)).to_text()
}

pub(super) fn count(items: usize) -> Value<'static> {
    u64::try_from(items).unwrap_or(u64::MAX).into()
}
