//! Signatures: taken in, and on their way to the log.

use std::collections::HashSet;

use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::Value;

use super::database::{Connection, Work, params};
use super::people;
use super::requests::standing;
use super::rows::{self, millis};
use super::writer::Step;
use crate::refusal::{Reason, Refusal};
use crate::request::{NewSignature, Request, Signature, State};
use crate::store::{StoreError, Trouble, Unlogged};

type Result<T, E = Trouble> = core::result::Result<T, E>;

/// How long one process has for a signature alone, in milliseconds. A log that gets it twice has it
/// once: this only spares it the second.
const LEASE: u64 = 10_000;

impl Step<'_> {
    pub(super) fn sign(
        &mut self,
        id: &str,
        credential: &[u8],
        new: NewSignature,
    ) -> Result<Request> {
        self.require_clock()?;
        let who = self.credential(credential)?;
        let Some(who) = who.filter(|who| who.retired.is_none()) else {
            let detail = "This passkey may not be used: it was retired, or never enrolled.";
            return Err(Refusal::new(Reason::ApproverUnknown, detail).into());
        };
        let old = self.find(id)?;
        let retired = retired(self.connection, &old)?;
        let active = |one: &Signature| !retired.contains(&one.credential_id);
        let mut request = old.clone();
        request.sign(&who, new, &active, self.now)?;
        let Some(signature) = request.signatures.last() else {
            return Err(StoreError::Damaged("a signature was lost".into()).into());
        };
        self.execute(
            "INSERT INTO signature (approval_id, request, person, act, credential, assertion, \
             groups, reason, received, counts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                signature.approval_id,
                id,
                signature.person,
                signature.act.as_str(),
                signature.credential_id,
                signature.assertion,
                rows::to_names(&signature.groups),
                signature.reason,
                millis(signature.received),
                signature.counts,
            ],
        )?;
        for counted in request.signatures.iter().filter(|one| one.counts) {
            let sql = "UPDATE signature SET counts = 1 WHERE approval_id = ?1";
            self.execute(sql, params![counted.approval_id])?;
        }
        rows::update(self.connection, old.state, &request)?;
        let facts = Value::from([
            ("act", signature.act.as_str().into()),
            ("approvalId", signature.approval_id.as_str().into()),
            ("assertion", signature.assertion.as_str().into()),
            ("credentialId", base64url(&signature.credential_id).into()),
            ("person", signature.person.as_str().into()),
            ("reason", signature.reason.as_deref().into()),
            ("request", id.into()),
            ("state", request.state.as_str().into()),
        ]);
        self.event("request.signed", Some(id), facts)?;
        if request.state == State::Rejected {
            self.event("request.rejected", Some(id), standing(&request))?;
        }
        Ok(request)
    }

    pub(super) fn logged(&mut self, approval_id: &str, bundle: String) -> Result<Request> {
        let sql = "SELECT request FROM signature WHERE approval_id = ?1";
        let found = self.connection.row(sql, params![approval_id])?;
        let unknown = || StoreError::Damaged("a signature was lost".into());
        let id: String = found.ok_or_else(unknown)?.get("request")?;
        let old = self.find(&id)?;
        let mut request = old.clone();
        request.logged(approval_id, bundle.clone(), self.now);
        if request == old {
            return Ok(request);
        }
        let sql = "UPDATE signature SET bundle = ?2 WHERE approval_id = ?1 AND bundle IS NULL";
        self.execute(sql, params![approval_id, bundle])?;
        rows::update(self.connection, old.state, &request)?;
        let facts = Value::from([
            ("approvalId", approval_id.into()),
            ("bundle", bundle.into()),
            ("request", id.as_str().into()),
        ]);
        self.event("signature.logged", Some(&id), facts)?;
        if request.state != old.state {
            self.event("request.approved", Some(&id), standing(&request))?;
        }
        Ok(request)
    }
}

/// The passkeys among those used for a request that may not be used any more.
pub(super) fn retired(
    connection: &dyn Connection,
    request: &Request,
) -> Result<HashSet<Vec<u8>>, StoreError> {
    let mut retired = HashSet::new();
    for one in &request.signatures {
        let found = people::credential(connection, &one.credential_id)?;
        if found.is_none_or(|found| found.retired.is_some()) {
            retired.insert(one.credential_id.clone());
        }
    }
    Ok(retired)
}

/// Signatures without a bundle, the oldest first.
pub(super) fn unlogged(
    connection: &dyn Connection,
    most: usize,
) -> Result<Vec<Unlogged>, StoreError> {
    let work = Work {
        table: "signature",
        key: "approval_id",
        condition: "bundle IS NULL",
        order: "received",
        most,
        lease: LEASE,
    };
    connection.take(&work, &[])?;
    let sql = format!(
        "SELECT signature.approval_id, signature.request, credential.public_key \
         FROM signature JOIN credential ON credential.id = signature.credential \
         WHERE bundle IS NULL{} ORDER BY received LIMIT ?1",
        connection.is_taken()
    );
    connection.map(&sql, params![most], |row| {
        let request = rows::request(connection, &row.get::<String>("request")?)?
            .ok_or_else(|| StoreError::Damaged("a signature of no request".into()))?;
        Ok(Unlogged {
            request,
            approval_id: row.get("approval_id")?,
            public_key: row.get("public_key")?,
        })
    })
}
