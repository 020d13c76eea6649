//! The tables.

use rusqlite::Connection;

use crate::store::StoreError;

/// The schema version that this program reads and writes.
const VERSION: i64 = 5;

/// The steps to it. What a step says is never changed.
const STEPS: [&str; 5] = [TABLES, NEWS, USES, LEAVES, COUNTS];

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

/// What version 3 changes: news that are about a use of break-glass, and about no request. Who wanted
/// to hear of everything hears of that, too.
const USES: &str = "
ALTER TABLE delivery RENAME TO delivery_2;
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    channel TEXT REFERENCES channel (name) ON DELETE CASCADE,
    person TEXT REFERENCES person (name),
    request TEXT REFERENCES request (id),
    use_id TEXT,
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
    CHECK ((request IS NULL) <> (use_id IS NULL)),
    CHECK ((state = 'waiting') = (next IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended IS NULL))
) STRICT;
INSERT INTO delivery (rowid, id, channel, person, request, topic, at, notice, state, tries, next,
                      until, ended, said)
    SELECT rowid, id, channel, person, request, topic, at, notice, state, tries, next, until, ended,
           said FROM delivery_2;
DROP TABLE delivery_2;
CREATE INDEX delivery_due ON delivery (channel, next) WHERE state = 'waiting';
CREATE INDEX delivery_open ON delivery (channel, state, at) WHERE state IN ('waiting', 'dead');
CREATE INDEX delivery_at ON delivery (at);
CREATE INDEX delivery_ended ON delivery (ended) WHERE ended IS NOT NULL;
CREATE INDEX delivery_person ON delivery (person, at) WHERE person IS NOT NULL;
UPDATE channel SET topics = replace(topics, '\"request.claimed\"]',
                                    '\"request.claimed\",\"break-glass.used\"]')
    WHERE kind = 'webhook' AND topics = '[\"request.created\",\"request.approved\",\
\"request.rejected\",\"request.expired\",\"request.cancelled\",\"request.claimed\"]';
";

/// The table that version 4 adds: what was signed under break-glass, on its way to the log.
const LEAVES: &str = "
CREATE TABLE glass_entry (
    id TEXT PRIMARY KEY,
    use_id TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    logged INTEGER
) STRICT;
CREATE INDEX glass_entry_unlogged ON glass_entry (at, id) WHERE logged IS NULL;
";

/// What each creation counts is counted in an index alone.
const COUNTS: &str = "
DROP INDEX request_key;
DROP INDEX request_approver;
CREATE INDEX request_key ON request (api_key, state, expires);
CREATE INDEX request_approver ON request (approver, state, expires) WHERE approver IS NOT NULL;
";

pub(super) fn create(connection: &Connection) -> Result<(), StoreError> {
    take_steps(connection, 0)
}

/// Brings a database of an earlier version to this one; fails if it is of a later one.
pub(super) fn upgrade(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        VERSION => Ok(()),
        1..VERSION => {
            take_steps(&transaction, found)?;
            Ok(transaction.commit()?)
        }
        found => Err(StoreError::Version {
            found,
            known: VERSION,
        }),
    }
}

/// Takes the steps behind a version.
fn take_steps(connection: &Connection, found: i64) -> Result<(), StoreError> {
    let taken = usize::try_from(found).unwrap_or(usize::MAX);
    for step in STEPS.iter().skip(taken) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<(String, Option<String>)> {
        let sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
        let mut all = connection.prepare(sql).unwrap();
        let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        all.unwrap().map(Result::unwrap).collect()
    }

    /// A database as the program of this version left it.
    fn of_version(version: usize) -> Connection {
        let old = Connection::open_in_memory().unwrap();
        old.pragma_update(None, "foreign_keys", true).unwrap();
        for step in &STEPS[..version] {
            old.execute_batch(step).unwrap();
        }
        let version = i64::try_from(version).unwrap();
        old.pragma_update(None, "user_version", version).unwrap();
        old
    }

    fn texts(connection: &Connection, sql: &str) -> Vec<String> {
        let mut all = connection.prepare(sql).unwrap();
        let all = all.query_map([], |row| row.get(0));
        all.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_database_of_an_earlier_version_is_upgraded() {
        let mut new = Connection::open_in_memory().unwrap();
        create(&new).unwrap();
        for version in 1..STEPS.len() {
            let mut old = of_version(version);
            upgrade(&mut old).unwrap();
            assert_eq!(tables(&old), tables(&new), "{version}");
            upgrade(&mut old).unwrap();
        }
        new.pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        let refused = upgrade(&mut new).unwrap_err();
        assert!(matches!(refused, StoreError::Version { .. }), "{refused}");
    }

    #[test]
    fn news_of_version_2_are_kept_in_their_order() {
        let mut old = of_version(2);
        let request = "INSERT INTO request VALUES ('r', 'k', 'k', 0, NULL, NULL, x'', 'a', NULL, \
                       x'', 'n', x'', 't', '{}', '{}', x'', NULL, NULL, 0, 0, 'pending', NULL, \
                       NULL, NULL, NULL, NULL, NULL)";
        old.execute_batch(request).unwrap();
        let all = "[\"request.created\",\"request.approved\",\"request.rejected\",\
                   \"request.expired\",\"request.cancelled\",\"request.claimed\"]";
        for (name, kind, topics) in [
            ("all", "webhook", all),
            ("chat", "chat", all),
            ("some", "webhook", "[\"request.claimed\"]"),
        ] {
            let sql = "INSERT INTO channel VALUES (?1, ?2, 'u', 0, ?3, 0, NULL, NULL)";
            old.execute(sql, [name, kind, topics]).unwrap();
        }
        for id in ["c", "a", "b"] {
            let sql = "INSERT INTO delivery VALUES (?1, 'all', NULL, 'r', 'request.created', 7, \
                       '{}', 'waiting', 0, 8, 9, NULL, NULL)";
            old.execute(sql, [id]).unwrap();
        }
        let sql = "DELETE FROM delivery WHERE id = 'a'";
        old.execute(sql, []).unwrap();
        upgrade(&mut old).unwrap();
        let sql = "SELECT id || request || next FROM delivery ORDER BY rowid";
        assert_eq!(texts(&old, sql), ["cr8", "br8"]);
        assert_eq!(texts(&old, "PRAGMA foreign_key_check"), [""; 0]);
        let sql = "SELECT name FROM channel WHERE topics LIKE '%break-glass.used%'";
        assert_eq!(texts(&old, sql), ["all"]);
        // One thing, and not none or two.
        for (request, used) in [("NULL", "NULL"), ("'r'", "'u'")] {
            let sql = format!(
                "INSERT INTO delivery VALUES ('x', 'all', NULL, {request}, {used}, 't', 7, '{{}}', \
                 'waiting', 0, 8, 9, NULL, NULL)"
            );
            assert!(old.execute_batch(&sql).is_err(), "{sql}");
        }
        // What belongs to a channel goes with it.
        old.execute_batch("DELETE FROM channel").unwrap();
        assert_eq!(texts(&old, "SELECT id FROM delivery"), [""; 0]);
    }
}
