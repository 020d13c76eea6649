//! What the gate does for those who ask, those who decide, and those who act.

use std::sync::Arc;
use std::time::Instant;

use payload_form::Payload;
use serving::Readiness;
use tokio::sync::Notify;
use verifier_core::Time;
use verifier_core::hazmat::encoding::{base64url, hex, sha256};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::shown::is_name;

use crate::break_glass::{Counts, Hours};
use crate::ceremony::{self, Sent};
use crate::person::{ApiKey, Credential, Person};
use crate::refusal::{Reason, Refusal};
use crate::request::{
    Act, Named, NewSignature, Outcome, Request, Requester, RuleName, Signature, Status,
};
use crate::rules::{Rule, Rules};
use crate::session::Logins;
use crate::site::Site;
use crate::store::{Created, NewRequest, Repeats, Store, Trouble};
use crate::terms::Terms;
use crate::waiting::Waiting;

pub(crate) type Result<T, E = Trouble> = core::result::Result<T, E>;

/// The longest reason for a decision, in bytes.
const MAX_REASON: usize = 1000;

/// The least time in which somebody can be asked to decide, in seconds.
const SHORTEST: u64 = 10;

/// The longest action, in bytes.
const MAX_ACTION: usize = 120;

/// Everything that outlives a request.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) site: Site,
    pub(crate) rules: Rules,
    pub(crate) waiting: Waiting,
    pub(crate) sessions: Logins,
    /// Rung when the log is to get something.
    pub(crate) bell: Arc<Notify>,
    pub(crate) ready: Arc<Readiness>,
    /// Uses of break-glass files.
    pub(crate) uses: Counts,
    /// How often they are reported.
    pub(crate) hours: Hours,
}

/// A body that asks for an approval.
#[derive(Debug)]
pub(crate) struct Asked<'b> {
    pub(crate) action: &'b str,
    pub(crate) payload: &'b Value<'b>,
    /// Somebody who has to be among those who approve.
    pub(crate) username: Option<&'b str>,
    /// A group that the rule has to ask.
    pub(crate) group: Option<&'b str>,
    /// In seconds.
    pub(crate) expires_in: Option<u64>,
}

impl Asked<'_> {
    /// How long it can be decided, in seconds: as long as the rule says, or what was asked for.
    fn lifetime(&self, rule: &Rule) -> Result<u64, Refusal> {
        let longest = rule.expires().as_secs();
        match self.expires_in {
            None => Ok(longest),
            Some(seconds) if (SHORTEST..=longest).contains(&seconds) => Ok(seconds),
            Some(seconds) => {
                let detail = "People need time to decide, and the rule limits it.";
                Err(Refusal::new(Reason::Schema, detail).compared(
                    format!("`expiresIn` from {SHORTEST} to {longest} seconds"),
                    seconds.to_string(),
                ))
            }
        }
    }

    /// The hash of everything that was said, to tell a repeat from another request.
    fn hash(&self, payload: &Payload) -> [u8; 32] {
        let said = Value::from([
            ("action", self.action.into()),
            ("expiresIn", self.expires_in.into()),
            ("group", self.group.into()),
            ("payload", hex(&payload.sha256()).into()),
            ("username", self.username.into()),
        ]);
        sha256(said.to_text().as_bytes())
    }
}

impl Gate {
    pub(crate) fn now(&self) -> Time {
        self.store.now()
    }

    /// Makes a request under the first rule that covers it.
    pub(crate) async fn create(
        &self,
        key: &ApiKey,
        asked: &Asked<'_>,
        repeats: Repeats,
    ) -> Result<Created> {
        if asked.action.len() > MAX_ACTION || !is_name(asked.action) {
            let detail = "The action is a label of 1 to 120 bytes, of characters that can be seen, \
                          without blanks at its ends.";
            return Err(Refusal::new(Reason::Schema, detail).into());
        }
        // What no rule can cover is not looked at any further.
        let payload = Payload::of(asked.payload)
            .and_then(|payload| payload.at_most(self.rules.max_payload()))
            .map_err(Refusal::from)?;
        let rule = self.rules.find(asked.action, asked.payload, &key.name);
        let Some(rule) = rule else {
            let detail = "No rule covers this action, payload and key, so nobody may be asked. \
                          `cosignet-gate rules explain` says which rule came how near.";
            return Err(Refusal::new(Reason::RuleNone, detail).into());
        };
        let payload = payload.at_most(rule.max_payload()).map_err(Refusal::from)?;
        let terms = Terms::from(rule);
        if let Some(group) = asked.group
            && !terms.clauses.iter().any(|one| one.group == group)
        {
            let detail = "The rule that covers this request does not ask the group.";
            return Err(Refusal::new(Reason::ApproverUnknown, detail)
                .compared("a group of the rule", verifier_core::quote(group))
                .into());
        }
        let approver = match asked.username {
            None => None,
            Some(name) => Some(self.named(name, key, &terms).await?),
        };
        let lifetime = asked.lifetime(rule)?;
        let body_hash = asked.hash(&payload);
        let new = NewRequest {
            id: crate::uuid()?,
            requester: Requester {
                key: key.id.clone(),
                name: key.name.clone(),
                since: key.created,
                owner: key.owner.clone(),
            },
            repeats,
            body_hash,
            action: asked.action.to_owned(),
            payload: payload.bytes().to_vec(),
            rule: RuleName {
                name: rule.name().to_owned(),
                sha256: rule.sha256(),
                text: rule.text().to_owned(),
            },
            terms,
            audience: self.site.audience.clone(),
            secret: crate::random()?,
            approver,
            lifetime: lifetime.saturating_mul(1000),
            limits: self.site.limits,
        };
        self.store.create(new).await
    }

    /// Somebody who is asked by name: a person who may serve a clause of the rule.
    async fn named(&self, name: &str, key: &ApiKey, terms: &Terms) -> Result<Named> {
        let found = self.store.person(name).await?;
        let found = found.filter(|person| person.active().next().is_some());
        let is_owner = key.owner.as_deref() == Some(name);
        match found.filter(|person| terms.ask(&person.groups) && !is_owner) {
            Some(person) => Ok(Named {
                name: person.name,
                groups: person.groups,
            }),
            None => {
                let detail = "Nobody of this name may approve it: there is no such person with a \
                              passkey, or the rule does not ask them, or they answer for the key \
                              that asks.";
                Err(Refusal::new(Reason::ApproverUnknown, detail).into())
            }
        }
    }

    /// A request of this key's own, or any for a key that reads or claims.
    pub(crate) async fn of_key(&self, key: &ApiKey, id: &str) -> Result<Request> {
        let found = self.store.request(id).await?;
        let is_seen = |request: &Request| {
            key.rights.read || key.rights.claim || request.requester.key == key.id
        };
        // Whether it exists is nobody else's business.
        found
            .filter(is_seen)
            .ok_or_else(|| Refusal::unknown().into())
    }

    /// Waits until a request is no longer pending, or `until`.
    pub(crate) async fn decided(&self, key: &ApiKey, id: &str, until: Instant) -> Result<Request> {
        let mut listener = self.waiting.listen(id);
        loop {
            let request = self.of_key(key, id).await?;
            let now = self.now();
            let left = until.saturating_duration_since(Instant::now());
            if request.status(now) != Status::Pending || left.is_zero() {
                return Ok(request);
            }
            let end = request.claim_by.unwrap_or(request.expires);
            // Thousands may wait: none of them keeps a request, with its payload, in memory.
            drop(request);
            let to_end = end.as_millis().saturating_sub(now.as_millis());
            let to_end = std::time::Duration::from_millis(to_end.saturating_add(1));
            tokio::select! {
                () = listener.changed() => {}
                () = tokio::time::sleep(left.min(to_end)) => {}
            }
        }
    }

    pub(crate) async fn cancel(&self, key: &ApiKey, id: &str) -> Result<Request> {
        let request = self.store.request(id).await?;
        if request.is_none_or(|request| request.requester.key != key.id) {
            return Err(Refusal::unknown().into());
        }
        self.store.cancel(id).await
    }

    pub(crate) async fn claim(
        &self,
        key: &ApiKey,
        id: &str,
        operation: &str,
        payload_hash: [u8; 32],
    ) -> Result<Request> {
        self.store.claim(id, key, operation, payload_hash).await
    }

    pub(crate) async fn report(&self, key: &ApiKey, id: &str, outcome: Outcome) -> Result<Request> {
        self.store.report(id, key, outcome).await
    }

    /// Takes an act of somebody with a passkey in. The signature alone says who it was: a session
    /// only shows the page.
    pub(crate) async fn decide(
        &self,
        id: &str,
        act: Act,
        sent: Sent,
        reason: Option<&str>,
    ) -> Result<(Request, Signature)> {
        let request = self.request(id).await?;
        if reason.is_some_and(|reason| reason.len() > MAX_REASON || reason.contains('\0')) {
            let detail = "The reason has at most 1000 bytes, and no character U+0000.";
            return Err(Refusal::new(Reason::Schema, detail).into());
        }
        let credential = self.enrolled(sent.assertion.credential_id()).await?;
        let challenge = ceremony::challenge(&request, &credential.person, act);
        ceremony::verify(&self.site, &credential, challenge, &sent)?;
        let signature = NewSignature {
            act,
            approval_id: crate::uuid()?,
            assertion: sent.text,
            reason: reason.filter(|text| !text.is_empty()).map(str::to_owned),
        };
        let approval_id = signature.approval_id.clone();
        let signed = self.store.sign(id, &credential.id, signature).await?;
        self.bell.notify_one();
        let mut all = signed.signatures.iter();
        let own = all.find(|one| one.approval_id == approval_id).cloned();
        let own = own.ok_or_else(Refusal::internal)?;
        Ok((signed, own))
    }

    pub(crate) async fn request(&self, id: &str) -> Result<Request> {
        let found = self.store.request(id).await?;
        found.ok_or_else(|| Refusal::unknown().into())
    }

    /// A passkey that may be used.
    pub(crate) async fn enrolled(&self, credential_id: &[u8]) -> Result<Credential> {
        let found = self.store.credential(credential_id).await?;
        found.ok_or_else(|| {
            let detail = "This passkey may not be used here: it was retired, or never enrolled.";
            Refusal::new(Reason::ApproverUnknown, detail).into()
        })
    }

    /// The passkeys of somebody who wants to sign in. Nobody learns from the answer whether there
    /// is such a person: for a name that is unknown it has no passkey, as it has without a name.
    pub(crate) async fn sign_in(&self, name: Option<&str>) -> Result<([u8; 32], Vec<Credential>)> {
        let challenge = self.sessions.challenge(crate::random()?);
        let person = match name {
            None => None,
            Some(name) => self.store.person(name).await?,
        };
        let active = person.as_ref().map(|one| one.active().cloned().collect());
        Ok((challenge, active.unwrap_or_default()))
    }

    /// Begins a session; returns its cookie.
    pub(crate) async fn signed_in(&self, sent: &Sent) -> Result<(String, Person)> {
        let refused = |detail: &str| Refusal::new(Reason::SessionRefused, detail);
        let challenge = sent.challenge()?;
        let challenge = self
            .sessions
            .answered(&challenge)
            .ok_or_else(|| refused("Signing in took too long. Try again."))?;
        let credential = self.enrolled(sent.assertion.credential_id()).await?;
        let signed = challenge.as_bytes().to_vec();
        ceremony::verify(&self.site, &credential, signed, sent)?;
        let person = self.store.person(&credential.person).await?;
        let person = person.ok_or_else(|| refused("There is no such person any more."))?;
        let cookie = base64url(&crate::random::<32>()?);
        self.sessions
            .begin(challenge, &cookie, &credential.id)
            .await?
            .ok_or_else(|| refused("This answer was used before. Try again."))?;
        Ok((cookie, person))
    }

    /// Who has signed in with this cookie, by the passkey that was used.
    pub(crate) async fn session(&self, cookie: Option<&str>) -> Result<Credential> {
        let missing = || {
            let detail = "Sign in with your passkey to see what you are asked.";
            Trouble::from(Refusal::new(Reason::SessionMissing, detail))
        };
        let session = match cookie {
            None => None,
            Some(cookie) => self.sessions.find(cookie).await?,
        };
        let credential_id = session.ok_or_else(missing)?;
        match self.store.credential(&credential_id).await? {
            Some(credential) => Ok(credential),
            None => Err(missing()),
        }
    }
}
