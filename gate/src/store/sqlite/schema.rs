//! The tables.

use rusqlite::Connection;

use crate::store::StoreError;

/// The schema version that this program reads and writes.
const VERSION: i64 = 2;

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

/// The tables that version 2 adds: news and their receivers.
const NEWS: &str = "
CREATE TABLE channel (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    private INTEGER NOT NULL,
    topics TEXT NOT NULL,
    created INTEGER NOT NULL,
    disabled INTEGER,
    why TEXT
) STRICT;
CREATE TABLE channel_secret (
    channel TEXT NOT NULL REFERENCES channel (name) ON DELETE CASCADE,
    secret BLOB NOT NULL,
    until INTEGER
) STRICT;
CREATE INDEX channel_secrets ON channel_secret (channel);
CREATE TABLE address (
    person TEXT PRIMARY KEY REFERENCES person (name),
    mail TEXT NOT NULL
) STRICT;
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    channel TEXT REFERENCES channel (name) ON DELETE CASCADE,
    person TEXT REFERENCES person (name),
    request TEXT NOT NULL REFERENCES request (id),
    topic TEXT NOT NULL,
    at INTEGER NOT NULL,
    notice TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next INTEGER,
    until INTEGER NOT NULL,
    ended INTEGER,
    said TEXT,
    CHECK ((channel IS NULL) <> (person IS NULL)),
    CHECK ((state = 'waiting') = (next IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended IS NULL))
) STRICT;
CREATE INDEX delivery_due ON delivery (channel, next) WHERE state = 'waiting';
CREATE INDEX delivery_open ON delivery (channel, state, at) WHERE state IN ('waiting', 'dead');
CREATE INDEX delivery_at ON delivery (at);
CREATE INDEX delivery_ended ON delivery (ended) WHERE ended IS NOT NULL;
CREATE INDEX delivery_person ON delivery (person, at) WHERE person IS NOT NULL;
";

pub(super) fn create(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(TABLES)?;
    connection.execute_batch(NEWS)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Brings a database of an earlier version to this one; fails if it is of a later one.
pub(super) fn upgrade(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        VERSION => Ok(()),
        1 => {
            transaction.execute_batch(NEWS)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            Ok(transaction.commit()?)
        }
        found => Err(StoreError::Version {
            found,
            known: VERSION,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_first_version_is_upgraded() {
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(TABLES).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        upgrade(&mut old).unwrap();
        let mut new = Connection::open_in_memory().unwrap();
        create(&new).unwrap();
        let tables = |connection: &Connection| {
            let sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
            let mut all = connection.prepare(sql).unwrap();
            let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            let all: Vec<(String, Option<String>)> = all.unwrap().map(Result::unwrap).collect();
            all
        };
        assert_eq!(tables(&old), tables(&new));
        upgrade(&mut old).unwrap();
        new.pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        let refused = upgrade(&mut new).unwrap_err();
        assert!(matches!(refused, StoreError::Version { .. }), "{refused}");
    }
}
