//! Requests: made, claimed, ended.

use verifier_core::Time;
use verifier_core::hazmat::context::Context;
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::json::Value;

use super::database::{self, Connection, params};
use super::rows::{self, millis};
use super::writer::Step;
use crate::person::ApiKey;
use crate::refusal::{Reason, Refusal};
use crate::request::{Outcome, Request, State};
use crate::store::{Created, NewRequest, Repeats, StoreError, Trouble};

type Result<T, E = Trouble> = core::result::Result<T, E>;

/// The states in which a request waits for somebody.
const OPEN: &str = "state IN ('pending', 'signed')";

impl Step<'_> {
    pub(super) fn create(&mut self, new: NewRequest) -> Result<Created> {
        self.require_clock()?;
        if let Some(found) = self.repeated(&new)? {
            return Ok(Created::Repeat(found));
        }
        self.limit(&new)?;
        let expires = self.now.saturating_add_millis(new.lifetime);
        let mut context = Context::new(&new.id, expires);
        context.action.clone_from(&new.action);
        context.audience.clone_from(&new.audience);
        context.requester.clone_from(&new.requester.name);
        context.rule.clone_from(&new.rule.name);
        context.rule_sha256 = new.rule.sha256;
        let context = context.to_text();
        if let Err(error) = Context::parse(&context) {
            return Err(Refusal::of(&error).into());
        }
        let approver = new.approver.as_ref();
        self.execute(
            "INSERT INTO request (id, api_key, key_name, key_since, owner, idempotency, body_hash, \
             action, payload, payload_hash, rule_name, rule_sha256, rule, terms, context, secret, \
             approver, approver_groups, created, expires, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, \
             ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, 'pending')",
            params![
                new.id,
                new.requester.key,
                new.requester.name,
                millis(new.requester.since),
                new.requester.owner,
                match &new.repeats {
                    Repeats::Named(name) => Some(name.as_str()),
                    Repeats::Nothing | Repeats::Pending => None,
                },
                new.body_hash,
                new.action,
                new.payload,
                sha256(&new.payload),
                new.rule.name,
                new.rule.sha256,
                new.rule.text,
                new.terms.to_text(),
                context,
                new.secret,
                approver.map(|named| named.name.as_str()),
                approver.map(|named| rows::to_names(&named.groups)),
                millis(self.now),
                millis(expires),
            ],
        )?;
        let request = self.find(&new.id)?;
        let facts = Value::from([
            ("action", request.action.as_str().into()),
            ("context", request.context.as_str().into()),
            ("payloadHash", hex(&request.payload_hash).into()),
            ("request", request.id.as_str().into()),
            ("requester", request.requester.name.as_str().into()),
            ("rule", request.rule.text.as_str().into()),
        ]);
        self.event("request.created", Some(&new.id), facts)?;
        Ok(Created::New(request))
    }

    /// The request that an earlier call has made.
    fn repeated(&self, new: &NewRequest) -> Result<Option<Request>> {
        let name = match &new.repeats {
            Repeats::Named(name) => name,
            Repeats::Nothing => return Ok(None),
            Repeats::Pending => return self.pending(new),
        };
        let sql = "SELECT id, body_hash FROM request WHERE api_key = ?1 AND idempotency = ?2";
        let found = self.connection.row(sql, params![new.requester.key, name])?;
        let Some(row) = found else {
            return Ok(None);
        };
        match row.get::<[u8; 32]>("body_hash")? == new.body_hash {
            true => self.find(&row.get::<String>("id")?).map(Some),
            false => {
                let detail = "The Idempotency-Key was used for a request that said something else.";
                Err(Refusal::new(Reason::IdempotencyReused, detail).into())
            }
        }
    }

    /// A pending request of this key, made by a call without a name that said the same.
    fn pending(&self, new: &NewRequest) -> Result<Option<Request>> {
        let sql = format!(
            "SELECT id FROM request WHERE api_key = ?1 AND {OPEN} AND body_hash = ?2 AND \
             idempotency IS NULL AND coalesce(claim_by, expires) > ?3 ORDER BY created LIMIT 1"
        );
        let now = millis(self.now);
        let ids = self.ids(&sql, params![new.requester.key, new.body_hash, now])?;
        ids.first().map(|id| self.find(id)).transpose()
    }

    fn limit(&self, new: &NewRequest) -> Result<()> {
        let now = millis(self.now);
        // No more are counted than matter: each creation asks, and a key may have thousands.
        let full = |column: &str, value: &str, most: u64| {
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM request WHERE {column} = ?1 AND {OPEN} AND \
                 expires > ?2 LIMIT ?3) AS open"
            );
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let count = self.number(&sql, params![value, now, most])?;
            Ok::<_, Trouble>(count >= most)
        };
        if full("api_key", &new.requester.key, new.limits.of_key)? {
            let detail = "This key has as many open requests as it may. Wait until some are \
                          decided, or cancel them.";
            return Err(Refusal::new(Reason::KeyLimit, detail).into());
        }
        if let Some(named) = &new.approver
            && full("approver", &named.name, new.limits.of_person)?
        {
            let detail = "This person has as many open requests as anybody may have.";
            return Err(Refusal::new(Reason::PersonLimit, detail).into());
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: &str) -> Result<Request> {
        self.advance(id, "request.cancelled", |request, now| request.cancel(now))
    }

    pub(super) fn claim(
        &mut self,
        id: &str,
        key: &ApiKey,
        operation: &str,
        payload_hash: &[u8; 32],
    ) -> Result<Request> {
        self.require_clock()?;
        self.advance(id, "request.claimed", |request, now| {
            request.claim(&key.id, &key.name, operation, payload_hash, now)
        })
    }

    pub(super) fn report(&mut self, id: &str, key: &ApiKey, outcome: Outcome) -> Result<Request> {
        self.advance(id, "request.reported", |request, _| {
            request.report(&key.id, outcome)
        })
    }

    /// One change of a request, and its event; neither if it changes nothing.
    fn advance(
        &mut self,
        id: &str,
        kind: &'static str,
        change: impl FnOnce(&mut Request, Time) -> crate::refusal::Result<()>,
    ) -> Result<Request> {
        let old = self.find(id)?;
        let mut request = old.clone();
        change(&mut request, self.now)?;
        if request != old {
            rows::update(self.connection, old.state, &request)?;
            self.event(kind, Some(id), standing(&request))?;
        }
        Ok(request)
    }

    pub(super) fn expire(&mut self, most: usize) -> Result<Vec<String>> {
        let ids = due(self.connection, self.now, most)?;
        for id in &ids {
            self.end(id)?;
        }
        Ok(ids)
    }

    fn end(&mut self, id: &str) -> Result<()> {
        let old = self.find(id)?;
        let mut request = old.clone();
        if request.expire(self.now) {
            rows::update(self.connection, old.state, &request)?;
            self.event("request.expired", Some(id), standing(&request))?;
        }
        Ok(())
    }

    pub(super) fn erase(&mut self, before: Time, most: usize) -> Result<usize> {
        let ids = kept(self.connection, before, most)?;
        for id in &ids {
            self.execute(
                "UPDATE request SET payload = NULL WHERE id = ?1",
                params![id],
            )?;
            let facts = Value::from([("request", Value::from(id.as_str()))]);
            self.event("request.erased", Some(id), facts)?;
        }
        Ok(ids.len())
    }

    pub(super) fn accept_clock(&mut self) -> Result<usize> {
        // What was made while the clock was ahead would live too long, and so would an approval that
        // nobody has claimed.
        let ids = self.ids(
            "SELECT id FROM request WHERE state IN ('pending', 'signed') \
             OR (state = 'approved' AND claimed IS NULL)",
            &[],
        )?;
        self.follow_machine();
        let facts = Value::from([("ended", u64::try_from(ids.len()).unwrap_or(0).into())]);
        self.event("clock.accepted", None, facts)?;
        self.bring_deliveries_forward()?;
        for id in &ids {
            let old = self.find(id)?;
            let mut request = old.clone();
            request.state = match old.state {
                State::Pending => State::Expired,
                _ => State::Lapsed,
            };
            request.decided = request.decided.or(Some(self.now));
            rows::update(self.connection, old.state, &request)?;
            self.event("request.expired", Some(id), standing(&request))?;
        }
        Ok(ids.len())
    }

    pub(super) fn find(&self, id: &str) -> Result<Request> {
        rows::request(self.connection, id)?.ok_or_else(|| Refusal::unknown().into())
    }

    pub(super) fn execute(
        &self,
        sql: &str,
        values: &[database::Value<'_>],
    ) -> Result<usize, StoreError> {
        self.connection.execute(sql, values)
    }

    /// The number that a question is answered with.
    pub(super) fn number(
        &self,
        sql: &str,
        values: &[database::Value<'_>],
    ) -> Result<i64, StoreError> {
        let none = || StoreError::Damaged("a number is missing".into());
        self.connection.row(sql, values)?.ok_or_else(none)?.at(0)
    }

    fn ids(&self, sql: &str, values: &[database::Value<'_>]) -> Result<Vec<String>, StoreError> {
        self.connection.map(sql, values, |row| row.at(0))
    }
}

/// Requests whose time is over.
pub(super) fn due(
    connection: &dyn Connection,
    now: Time,
    most: usize,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM request WHERE state = 'pending' AND expires <= ?1 \
               UNION ALL \
               SELECT id FROM request WHERE state IN ('signed', 'approved') AND claimed IS NULL \
               AND claim_by <= ?1 LIMIT ?2";
    connection.map(sql, params![millis(now), most], |row| row.at(0))
}

/// Requests that ended before this moment, with a payload, and with nothing on its way to the log.
pub(super) fn kept(
    connection: &dyn Connection,
    before: Time,
    most: usize,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM request WHERE decided < ?1 AND payload IS NOT NULL AND NOT EXISTS \
               (SELECT 1 FROM signature WHERE signature.request = request.id AND bundle IS NULL) \
               LIMIT ?2";
    connection.map(sql, params![millis(before), most], |row| row.at(0))
}

/// Where a request stands, as its events say it.
pub(super) fn standing(request: &Request) -> Value<'_> {
    let claim = request.claim.as_ref();
    let outcome = claim.and_then(|claim| claim.outcome).map(Outcome::as_str);
    Value::from([
        ("claimedBy", claim.map(|claim| claim.key.as_str()).into()),
        (
            "operation",
            claim.map(|claim| claim.operation.as_str()).into(),
        ),
        ("outcome", outcome.into()),
        ("request", request.id.as_str().into()),
        ("state", request.state.as_str().into()),
    ])
}
