//! Between rows and what they are of.

use verifier_core::Time;
use verifier_core::hazmat::json;

use super::End;
use super::database::{Connection, Row, params};
use crate::event::{Event, Link};
use crate::person::{ApiKey, Credential, Person};
use crate::request::{Claim, Named, Outcome, Request, Requester, RuleName, Signature, State};
use crate::store::{StoreError, Trouble};

type Result<T, E = StoreError> = core::result::Result<T, E>;

pub(super) fn to_names(names: &[String]) -> String {
    let names = names.iter().map(|name| json::Value::from(name.as_str()));
    names.collect::<json::Value<'_>>().to_text()
}

pub(in crate::store) fn millis(time: Time) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The end of the chain of events.
pub(in crate::store) fn end_of_events(connection: &dyn Connection) -> Result<End> {
    let sql = "SELECT number, at, line FROM event ORDER BY number DESC LIMIT 1";
    let Some(row) = connection.row(sql, &[])? else {
        return Ok(End::START);
    };
    let line: String = row.get("line")?;
    let hash = verifier_core::hazmat::encoding::sha256(line.as_bytes());
    let number = row.get("number")?;
    Ok(End {
        link: Link { number, hash },
        at: row.get("at")?,
    })
}

pub(super) fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        number: row.get("number")?,
        line: row.get("line")?,
    })
}

/// The columns of a passkey, with its person.
pub(super) const CREDENTIAL: &str = "SELECT credential.*, person.groups AS groups, \
     person.retired AS person_retired FROM credential JOIN person ON person.name = credential.person";

pub(super) fn credential(row: &Row) -> Result<Credential> {
    let retired: Option<Time> = row.get("retired")?;
    Ok(Credential {
        id: row.get("id")?,
        person: row.get("person")?,
        groups: row.get("groups")?,
        public_key: row.get("public_key")?,
        backup_eligible: row.get("backup_eligible")?,
        backed_up: row.get("backed_up")?,
        transports: row.get("transports")?,
        attestation: row.get("attestation")?,
        registration: row.get("registration")?,
        added: row.get("added")?,
        retired: retired.or(row.get("person_retired")?),
    })
}

pub(super) fn key(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.get("id")?,
        name: row.get("name")?,
        hash: row.get("hash")?,
        rights: row.get("rights")?,
        owner: row.get("owner")?,
        created: row.get("created")?,
        revoked: row.get("revoked")?,
    })
}

/// A request, as it is in the table, with what was signed about it.
pub(super) fn request(connection: &dyn Connection, id: &str) -> Result<Option<Request>> {
    let found = connection.row("SELECT * FROM request WHERE id = ?1", params![id])?;
    let Some(row) = found else {
        return Ok(None);
    };
    let mut request = without_signatures(&row)?;
    let sql = "SELECT * FROM signature WHERE request = ?1 ORDER BY rowid";
    request.signatures = connection.map(sql, params![id], signature)?;
    Ok(Some(request))
}

fn without_signatures(row: &Row) -> Result<Request> {
    let approver: Option<String> = row.get("approver")?;
    let groups: Option<Vec<String>> = row.get("approver_groups")?;
    let operation: Option<String> = row.get("claim_operation")?;
    let outcome = row.get("outcome")?;
    let claim = |operation| {
        Ok::<_, StoreError>(Claim {
            operation,
            key: row.get("claim_key")?,
            at: row.get("claimed")?,
            outcome,
        })
    };
    Ok(Request {
        id: row.get("id")?,
        requester: Requester {
            key: row.get("api_key")?,
            name: row.get("key_name")?,
            since: row.get("key_since")?,
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
        terms: row.get("terms")?,
        context: row.get("context")?,
        secret: row.get("secret")?,
        approver: approver
            .zip(groups)
            .map(|(name, groups)| Named { name, groups }),
        created: row.get("created")?,
        expires: row.get("expires")?,
        state: row.get("state")?,
        decided: row.get("decided")?,
        claim_by: row.get("claim_by")?,
        claim: operation.map(claim).transpose()?,
        signatures: Vec::new(),
    })
}

fn signature(row: &Row) -> Result<Signature> {
    Ok(Signature {
        person: row.get("person")?,
        act: row.get("act")?,
        approval_id: row.get("approval_id")?,
        credential_id: row.get("credential")?,
        assertion: row.get("assertion")?,
        groups: row.get("groups")?,
        reason: row.get("reason")?,
        received: row.get("received")?,
        bundle: row.get("bundle")?,
        counts: row.get("counts")?,
    })
}

/// Writes what has become of a request: the columns that change, on the condition that it is still
/// in the state that the change was decided from.
pub(super) fn update(
    connection: &dyn Connection,
    old: State,
    new: &Request,
) -> Result<(), Trouble> {
    let claim = new.claim.as_ref();
    let changed = connection.execute(
        "UPDATE request SET state = ?3, decided = ?4, claim_by = ?5, claim_operation = ?6, \
         claim_key = ?7, claimed = ?8, outcome = ?9 WHERE id = ?1 AND state = ?2",
        params![
            new.id,
            old.as_str(),
            new.state.as_str(),
            new.decided.map(millis),
            new.claim_by.map(millis),
            claim.map(|claim| claim.operation.as_str()),
            claim.map(|claim| claim.key.as_str()),
            claim.map(|claim| millis(claim.at)),
            claim.and_then(|claim| claim.outcome).map(Outcome::as_str),
        ],
    )?;
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Damaged(format!("request {} has changed by itself", new.id)).into()),
    }
}

/// A person, without passkeys.
pub(super) fn person(row: &Row) -> Result<Person> {
    Ok(Person {
        name: row.get("name")?,
        groups: row.get("groups")?,
        retired: row.get("retired")?,
        credentials: Vec::new(),
    })
}
