//! Between rows and what they are of.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use verifier_core::Time;
use verifier_core::hazmat::json::{Limits, Value};

use super::End;
use crate::event::{Event, Link};
use crate::person::{ApiKey, Credential, Person, Rights};
use crate::request::{Act, Claim, Named, Outcome, Request, Requester, RuleName, Signature, State};
use crate::store::{StoreError, Trouble};
use crate::terms::Terms;

/// A column of the program's own kinds.
pub(super) struct Own<T>(pub(super) T);

macro_rules! own {
    ($($kind:ty: $read:expr;)+) => {
        $(impl FromSql for Own<$kind> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let text = value.as_str()?;
                ($read)(text).map(Self).ok_or(FromSqlError::InvalidType)
            }
        })+
    };
}

own! {
    State: State::parse;
    Act: Act::parse;
    Outcome: Outcome::parse;
    Rights: Rights::parse;
    Terms: |text| Terms::parse(text).ok();
    Vec<String>: names;
}

impl FromSql for Own<Time> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = u64::try_from(value.as_i64()?).ok();
        let time = millis.and_then(Time::from_millis);
        time.map(Self).ok_or(FromSqlError::InvalidType)
    }
}

/// A list of names, as JSON.
fn names(text: &str) -> Option<Vec<String>> {
    let value = Value::parse(text.as_bytes(), Limits::bytes(64 * 1024)).ok()?;
    let Value::Array(items) = &value else {
        return None;
    };
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

pub(super) fn to_names(names: &[String]) -> String {
    let names = names.iter().map(|name| Value::from(name.as_str()));
    names.collect::<Value<'_>>().to_text()
}

pub(super) fn millis(time: Time) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A column that may be null.
fn optional<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    Own<T>: FromSql,
{
    Ok(row.get::<_, Option<Own<T>>>(column)?.map(|own| own.0))
}

fn own<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    Own<T>: FromSql,
{
    Ok(row.get::<_, Own<T>>(column)?.0)
}

/// The end of the chain of events.
pub(super) fn end_of_events(connection: &Connection) -> Result<End, StoreError> {
    let sql = "SELECT number, at, line FROM event ORDER BY number DESC LIMIT 1";
    let last = connection
        .query_row(sql, [], |row| {
            let number = u64::try_from(row.get::<_, i64>("number")?).unwrap_or(0);
            let line: String = row.get("line")?;
            let hash = verifier_core::hazmat::encoding::sha256(line.as_bytes());
            Ok(End {
                link: Link { number, hash },
                at: own(row, "at")?,
            })
        })
        .optional()?;
    Ok(last.unwrap_or(End::START))
}

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        number: u64::try_from(row.get::<_, i64>("number")?).unwrap_or(0),
        line: row.get("line")?,
    })
}

/// The columns of a passkey, with its person.
pub(super) const CREDENTIAL: &str = "SELECT credential.*, person.groups AS groups, \
     person.retired AS person_retired FROM credential JOIN person ON person.name = credential.person";

pub(super) fn credential(row: &Row<'_>) -> rusqlite::Result<Credential> {
    let retired: Option<Time> = optional(row, "retired")?;
    Ok(Credential {
        id: row.get("id")?,
        person: row.get("person")?,
        groups: own(row, "groups")?,
        public_key: row.get("public_key")?,
        backup_eligible: row.get("backup_eligible")?,
        backed_up: row.get("backed_up")?,
        transports: own(row, "transports")?,
        attestation: row.get("attestation")?,
        registration: row.get("registration")?,
        added: own(row, "added")?,
        retired: retired.or(optional(row, "person_retired")?),
    })
}

pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get("id")?,
        name: row.get("name")?,
        hash: row.get("hash")?,
        rights: own(row, "rights")?,
        owner: row.get("owner")?,
        created: own(row, "created")?,
        revoked: optional(row, "revoked")?,
    })
}

/// A request, as it is in the table, with what was signed about it.
pub(super) fn request(connection: &Connection, id: &str) -> Result<Option<Request>, StoreError> {
    let mut find = connection.prepare_cached("SELECT * FROM request WHERE id = ?1")?;
    let Some(mut request) = find.query_row([id], without_signatures).optional()? else {
        return Ok(None);
    };
    let sql = "SELECT * FROM signature WHERE request = ?1 ORDER BY rowid";
    let mut all = connection.prepare_cached(sql)?;
    let all = all.query_map([id], signature)?;
    request.signatures = all.collect::<rusqlite::Result<_>>()?;
    Ok(Some(request))
}

fn without_signatures(row: &Row<'_>) -> rusqlite::Result<Request> {
    let approver: Option<String> = row.get("approver")?;
    let groups: Option<Vec<String>> = optional(row, "approver_groups")?;
    let operation: Option<String> = row.get("claim_operation")?;
    let outcome = optional(row, "outcome")?;
    let claim = |operation| {
        Ok::<_, rusqlite::Error>(Claim {
            operation,
            key: row.get("claim_key")?,
            at: own(row, "claimed")?,
            outcome,
        })
    };
    Ok(Request {
        id: row.get("id")?,
        requester: Requester {
            key: row.get("api_key")?,
            name: row.get("key_name")?,
            since: own(row, "key_since")?,
            owner: row.get("owner")?,
        },
        action: row.get("action")?,
        payload: row.get("payload")?,
        payload_hash: row.get("payload_hash")?,
        rule: RuleName {
            name: row.get("rule_name")?,
            sha256: row.get("rule_sha256")?,
            text: row.get("rule")?,
        },
        terms: own(row, "terms")?,
        context: row.get("context")?,
        secret: row.get("secret")?,
        approver: approver
            .zip(groups)
            .map(|(name, groups)| Named { name, groups }),
        created: own(row, "created")?,
        expires: own(row, "expires")?,
        state: own(row, "state")?,
        decided: optional(row, "decided")?,
        claim_by: optional(row, "claim_by")?,
        claim: operation.map(claim).transpose()?,
        signatures: Vec::new(),
    })
}

fn signature(row: &Row<'_>) -> rusqlite::Result<Signature> {
    Ok(Signature {
        person: row.get("person")?,
        act: own(row, "act")?,
        approval_id: row.get("approval_id")?,
        credential_id: row.get("credential")?,
        assertion: row.get("assertion")?,
        groups: own(row, "groups")?,
        reason: row.get("reason")?,
        received: own(row, "received")?,
        bundle: row.get("bundle")?,
        counts: row.get("counts")?,
    })
}

/// Writes what has become of a request: the columns that change, on the condition that it is still
/// in the state that the change was decided from.
pub(super) fn update(connection: &Connection, old: State, new: &Request) -> Result<(), Trouble> {
    let mut update = connection
        .prepare_cached(
            "UPDATE request SET state = ?3, decided = ?4, claim_by = ?5, claim_operation = ?6, \
             claim_key = ?7, claimed = ?8, outcome = ?9 WHERE id = ?1 AND state = ?2",
        )
        .map_err(StoreError::from)?;
    let claim = new.claim.as_ref();
    let changed = update
        .execute(params![
            new.id,
            old.as_str(),
            new.state.as_str(),
            new.decided.map(millis),
            new.claim_by.map(millis),
            claim.map(|claim| claim.operation.as_str()),
            claim.map(|claim| claim.key.as_str()),
            claim.map(|claim| millis(claim.at)),
            claim.and_then(|claim| claim.outcome).map(Outcome::as_str),
        ])
        .map_err(StoreError::from)?;
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Damaged(format!("request {} has changed by itself", new.id)).into()),
    }
}

/// A person, without passkeys.
pub(super) fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        name: row.get("name")?,
        groups: own(row, "groups")?,
        retired: optional(row, "retired")?,
        credentials: Vec::new(),
    })
}
