//! The tables.

use rusqlite::Connection;

use crate::store::StoreError;

/// The schema version that this program reads and writes.
const VERSION: i64 = 1;

/// Times are milliseconds since 1970. A text of the program's own goes in as it is: rules and terms
/// in canonical JSON, so that what was asked stays what was asked.
const TABLES: &str = "
CREATE TABLE person (
    name TEXT PRIMARY KEY,
    groups TEXT NOT NULL,
    retired INTEGER
) STRICT;
CREATE TABLE credential (
    id BLOB PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (name),
    public_key BLOB NOT NULL,
    backup_eligible INTEGER NOT NULL,
    backed_up INTEGER NOT NULL,
    transports TEXT NOT NULL,
    attestation TEXT NOT NULL,
    registration TEXT NOT NULL,
    added INTEGER NOT NULL,
    retired INTEGER
) STRICT;
CREATE INDEX credential_person ON credential (person);
CREATE TABLE invite (
    hash BLOB PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (name),
    expires INTEGER NOT NULL,
    used INTEGER,
    challenge BLOB,
    challenge_expires INTEGER
) STRICT;
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    rights TEXT NOT NULL,
    owner TEXT REFERENCES person (name),
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT;
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    api_key TEXT NOT NULL,
    key_name TEXT NOT NULL,
    key_since INTEGER NOT NULL,
    owner TEXT,
    idempotency TEXT,
    body_hash BLOB NOT NULL,
    action TEXT NOT NULL,
    payload BLOB,
    payload_hash BLOB NOT NULL,
    rule_name TEXT NOT NULL,
    rule_sha256 BLOB NOT NULL,
    rule TEXT NOT NULL,
    terms TEXT NOT NULL,
    context TEXT NOT NULL,
    secret BLOB NOT NULL,
    approver TEXT,
    approver_groups TEXT,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    state TEXT NOT NULL,
    decided INTEGER,
    claim_by INTEGER,
    claim_operation TEXT,
    claim_key TEXT,
    claimed INTEGER,
    outcome TEXT,
    UNIQUE (api_key, idempotency)
) STRICT;
CREATE INDEX request_open ON request (state, expires) WHERE state IN ('pending', 'signed');
CREATE INDEX request_due ON request (claim_by) WHERE state IN ('signed', 'approved') AND claimed IS NULL;
CREATE INDEX request_key ON request (api_key, state);
CREATE INDEX request_approver ON request (approver, state) WHERE approver IS NOT NULL;
CREATE INDEX request_action ON request (api_key, action, decided) WHERE decided IS NOT NULL;
CREATE INDEX request_kept ON request (decided) WHERE decided IS NOT NULL AND payload IS NOT NULL;
CREATE TABLE signature (
    approval_id TEXT PRIMARY KEY,
    request TEXT NOT NULL REFERENCES request (id),
    person TEXT NOT NULL,
    act TEXT NOT NULL,
    credential BLOB NOT NULL REFERENCES credential (id),
    assertion TEXT NOT NULL,
    groups TEXT NOT NULL,
    reason TEXT,
    received INTEGER NOT NULL,
    bundle TEXT,
    counts INTEGER NOT NULL,
    UNIQUE (request, person)
) STRICT;
CREATE INDEX signature_unlogged ON signature (received) WHERE bundle IS NULL;
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    request TEXT,
    at INTEGER NOT NULL,
    line TEXT NOT NULL
) STRICT;
";

pub(super) fn create(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Fails unless this version can read the database.
pub(super) fn require(connection: &Connection) -> Result<(), StoreError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        VERSION => Ok(()),
        found => Err(StoreError::Version {
            found,
            known: VERSION,
        }),
    }
}
