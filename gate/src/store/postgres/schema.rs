//! The tables. Those of the rules are those of SQLite, with its names and its kinds of columns; a
//! version is a step from the one before, and what a step says is never changed.

use postgres_session::address::Address;
use postgres_session::error::Lapse;
use postgres_session::session::{Answer, LIMIT, Purpose, Session};
use tokio_postgres::types::Type;

use crate::store::StoreError;

/// The schema version that this program reads and writes.
const VERSION: i32 = 4;

/// The steps to it.
const STEPS: [&str; 4] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// `login` has challenges that were answered, `session` browsers that are signed in, for as long as
/// either is good. `chain` has one row: the end of the chain of events, with room on its page for the next version of
/// it. `writer` has one for each process that writes. `taker` is the process that works on a row, and
/// `taken` until when it has it for itself.
const VERSION_1: &str = r#"
CREATE TABLE person (
    name text COLLATE "C" PRIMARY KEY,
    groups text COLLATE "C" NOT NULL,
    retired int8
);
CREATE TABLE credential (
    id bytea PRIMARY KEY,
    person text COLLATE "C" NOT NULL REFERENCES person (name),
    public_key bytea NOT NULL,
    backup_eligible int8 NOT NULL,
    backed_up int8 NOT NULL,
    transports text COLLATE "C" NOT NULL,
    attestation text COLLATE "C" NOT NULL,
    registration text COLLATE "C" NOT NULL,
    added int8 NOT NULL,
    retired int8
);
CREATE INDEX credential_person ON credential (person);
CREATE TABLE invite (
    hash bytea PRIMARY KEY,
    person text COLLATE "C" NOT NULL REFERENCES person (name),
    expires int8 NOT NULL,
    used int8,
    challenge bytea,
    challenge_expires int8
);
CREATE TABLE api_key (
    id text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    hash bytea NOT NULL,
    rights text COLLATE "C" NOT NULL,
    owner text COLLATE "C" REFERENCES person (name),
    created int8 NOT NULL,
    revoked int8
);
CREATE TABLE request (
    id text COLLATE "C" PRIMARY KEY,
    api_key text COLLATE "C" NOT NULL,
    key_name text COLLATE "C" NOT NULL,
    key_since int8 NOT NULL,
    owner text COLLATE "C",
    idempotency text COLLATE "C",
    body_hash bytea NOT NULL,
    action text COLLATE "C" NOT NULL,
    payload bytea,
    payload_hash bytea NOT NULL,
    rule_name text COLLATE "C" NOT NULL,
    rule_sha256 bytea NOT NULL,
    rule text COLLATE "C" NOT NULL,
    terms text COLLATE "C" NOT NULL,
    context text COLLATE "C" NOT NULL,
    secret bytea NOT NULL,
    approver text COLLATE "C",
    approver_groups text COLLATE "C",
    created int8 NOT NULL,
    expires int8 NOT NULL,
    state text COLLATE "C" NOT NULL,
    decided int8,
    claim_by int8,
    claim_operation text COLLATE "C",
    claim_key text COLLATE "C",
    claimed int8,
    outcome text COLLATE "C",
    UNIQUE (api_key, idempotency)
);
CREATE INDEX request_open ON request (state, expires) WHERE state IN ('pending', 'signed');
CREATE INDEX request_due ON request (claim_by)
    WHERE state IN ('signed', 'approved') AND claimed IS NULL;
CREATE INDEX request_key ON request (api_key, state);
CREATE INDEX request_approver ON request (approver, state) WHERE approver IS NOT NULL;
CREATE INDEX request_action ON request (api_key, action, decided) WHERE decided IS NOT NULL;
CREATE INDEX request_kept ON request (decided) WHERE decided IS NOT NULL AND payload IS NOT NULL;
CREATE TABLE signature (
    rowid int8 GENERATED ALWAYS AS IDENTITY,
    approval_id text COLLATE "C" PRIMARY KEY,
    request text COLLATE "C" NOT NULL REFERENCES request (id),
    person text COLLATE "C" NOT NULL,
    act text COLLATE "C" NOT NULL,
    credential bytea NOT NULL REFERENCES credential (id),
    assertion text COLLATE "C" NOT NULL,
    groups text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    received int8 NOT NULL,
    bundle text COLLATE "C",
    counts int8 NOT NULL,
    taker text COLLATE "C",
    taken int8,
    UNIQUE (request, person)
);
CREATE INDEX signature_unlogged ON signature (received) WHERE bundle IS NULL;
CREATE TABLE event (
    number int8 PRIMARY KEY,
    request text COLLATE "C",
    at int8 NOT NULL,
    line text COLLATE "C" NOT NULL
);
CREATE TABLE channel (
    name text COLLATE "C" PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    private int8 NOT NULL,
    topics text COLLATE "C" NOT NULL,
    created int8 NOT NULL,
    disabled int8,
    why text COLLATE "C"
);
CREATE TABLE channel_secret (
    rowid int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text COLLATE "C" NOT NULL REFERENCES channel (name) ON DELETE CASCADE,
    secret bytea NOT NULL,
    until int8
);
CREATE INDEX channel_secrets ON channel_secret (channel);
CREATE TABLE address (
    person text COLLATE "C" PRIMARY KEY REFERENCES person (name),
    mail text COLLATE "C" NOT NULL
);
CREATE TABLE delivery (
    rowid int8 GENERATED ALWAYS AS IDENTITY,
    id text COLLATE "C" PRIMARY KEY,
    channel text COLLATE "C" REFERENCES channel (name) ON DELETE CASCADE,
    person text COLLATE "C" REFERENCES person (name),
    request text COLLATE "C" NOT NULL REFERENCES request (id),
    topic text COLLATE "C" NOT NULL,
    at int8 NOT NULL,
    notice text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    tries int8 NOT NULL,
    next int8,
    until int8 NOT NULL,
    ended int8,
    said text COLLATE "C",
    taker text COLLATE "C",
    taken int8,
    CHECK ((channel IS NULL) <> (person IS NULL)),
    CHECK ((state = 'waiting') = (next IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended IS NULL))
);
CREATE INDEX delivery_due ON delivery (channel, next) WHERE state = 'waiting';
CREATE INDEX delivery_open ON delivery (channel, state, at) WHERE state IN ('waiting', 'dead');
CREATE INDEX delivery_at ON delivery (at);
CREATE INDEX delivery_ended ON delivery (ended) WHERE ended IS NOT NULL;
CREATE INDEX delivery_person ON delivery (person, at) WHERE person IS NOT NULL;
CREATE TABLE secret (
    id int4 PRIMARY KEY CHECK (id = 1),
    bytes bytea NOT NULL CHECK (octet_length(bytes) = 32)
);
CREATE TABLE login (
    challenge bytea PRIMARY KEY,
    until int8 NOT NULL
);
CREATE INDEX login_until ON login (until);
CREATE TABLE session (
    cookie bytea PRIMARY KEY,
    credential bytea NOT NULL,
    until int8 NOT NULL
);
CREATE INDEX session_until ON session (until);
CREATE TABLE chain (
    id int4 PRIMARY KEY CHECK (id = 1),
    number int8 NOT NULL CHECK (number >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    at int8 NOT NULL,
    writes int8 NOT NULL
) WITH (fillfactor = 10);
INSERT INTO chain VALUES (1, 0, decode(repeat('00', 32), 'hex'), 0, 0);
CREATE TABLE writer (
    id text COLLATE "C" PRIMARY KEY,
    batch int8 NOT NULL,
    seen timestamptz NOT NULL
) WITH (fillfactor = 50);
"#;

/// News that are about a use of break-glass, and about no request. Who wanted to hear of everything
/// hears of that, too.
const VERSION_2: &str = r#"
ALTER TABLE delivery ALTER COLUMN request DROP NOT NULL;
ALTER TABLE delivery ADD COLUMN use_id text COLLATE "C";
ALTER TABLE delivery ADD CHECK ((request IS NULL) <> (use_id IS NULL));
UPDATE channel SET topics = replace(topics, '"request.claimed"]',
                                    '"request.claimed","break-glass.used"]')
    WHERE kind = 'webhook' AND topics = '["request.created","request.approved",'
        || '"request.rejected","request.expired","request.cancelled","request.claimed"]';
"#;

/// What was signed under break-glass, on its way to the log. Whoever is the first brings it there, and
/// the log takes it once.
const VERSION_3: &str = r#"
CREATE TABLE glass_entry (
    id text COLLATE "C" PRIMARY KEY,
    use_id text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    at int8 NOT NULL,
    logged int8
);
CREATE INDEX glass_entry_unlogged ON glass_entry (at, id) WHERE logged IS NULL;
"#;

/// What each creation counts is counted in an index alone.
const VERSION_4: &str = r#"
DROP INDEX request_key;
DROP INDEX request_approver;
CREATE INDEX request_key ON request (api_key, state, expires);
CREATE INDEX request_approver ON request (approver, state, expires) WHERE approver IS NOT NULL;
"#;

/// Makes the tables. There must be none.
pub(super) fn create(address: &Address) -> Result<(), StoreError> {
    let mut session = Session::open(address, Purpose::Maintain)?;
    if version(&mut session)?.is_some() {
        return Err(StoreError::Usage(format!(
            "{address} has a gate in the schema {} already: a further machine needs no \
             `cosignet-gate init`, and another gate another --store-schema",
            address.schema()
        )));
    }
    Ok(raise(&mut session, address.schema())?)
}

/// Whether there are tables.
pub(super) fn exists(address: &Address) -> Result<bool, StoreError> {
    let mut session = Session::open(address, Purpose::Serve)?;
    Ok(version(&mut session)?.is_some())
}

/// Brings the tables to this version, if they are older. There must be some.
pub(super) fn upgrade(address: &Address) -> Result<(), StoreError> {
    let mut session = Session::open(address, Purpose::Maintain)?;
    match version(&mut session)? {
        Some(found) if found < VERSION => Ok(raise(&mut session, address.schema())?),
        _ => require(&mut session),
    }
}

/// Fails unless this version can read the tables.
pub(super) fn require(session: &mut Session) -> Result<(), StoreError> {
    match version(session)? {
        Some(VERSION) => Ok(()),
        Some(found) => Err(StoreError::Version {
            found: found.into(),
            known: VERSION.into(),
        }),
        None => Err(StoreError::Usage(
            "the database has no gate in this schema: make one with `cosignet-gate init --store`"
                .into(),
        )),
    }
}

/// The version of the tables; `None` if there are none.
fn version(session: &mut Session) -> Result<Option<i32>, StoreError> {
    // The first schema of the path is that of the gate, if it is there at all.
    let there = "SELECT to_regclass('schema') IS NOT NULL";
    let version = session.run(LIMIT, async |client| -> Answer<Option<i32>> {
        let there: bool = client.query_typed_one(there, &[]).await?.try_get(0)?;
        match there {
            true => {
                let row = client.query_typed_one("SELECT version FROM schema", &[]);
                row.await?.try_get(0).map(Some)
            }
            false => Ok(None),
        }
    });
    Ok(version?)
}

/// Takes the steps that the tables have not taken, in one transaction.
fn raise(session: &mut Session, schema: &str) -> Result<(), Lapse> {
    session.run(LIMIT * 60, async |client| -> Answer<()> {
        client.batch_execute("BEGIN").await?;
        let lock = "SELECT pg_advisory_xact_lock(hashtext('cosignet_gate ' || $1))";
        client.query_typed(lock, &[(&schema, Type::TEXT)]).await?;
        // Only where they are missing: to ask for them needs a right that `serve` need not have.
        let there = "SELECT to_regclass('schema') IS NOT NULL";
        let there = client.query_typed_one(there, &[]).await?;
        if !there.try_get::<_, bool>(0)? {
            let make = format!(
                "CREATE SCHEMA IF NOT EXISTS {schema}; \
                 CREATE TABLE {schema}.schema (version int4 NOT NULL); \
                 INSERT INTO {schema}.schema VALUES (0)"
            );
            client.batch_execute(&make).await?;
        }
        // Another process may have been quicker.
        let sql = "SELECT version FROM schema FOR UPDATE";
        let version: i32 = client.query_typed_one(sql, &[]).await?.try_get(0)?;
        let taken = usize::try_from(version).unwrap_or(usize::MAX);
        for (number, step) in (1_i32..).zip(STEPS).skip(taken) {
            client.batch_execute(step).await?;
            let sql = "UPDATE schema SET version = $1";
            client.execute_typed(sql, &[(&number, Type::INT4)]).await?;
        }
        Ok(())
    })?;
    session.commit()
}

#[cfg(test)]
mod tests {
    use postgres_cluster::Cluster;

    use super::super::Database;
    use super::*;

    #[test]
    fn news_of_version_1_are_kept() {
        let Some(cluster) = Cluster::shared() else {
            return;
        };
        let name = cluster.database();
        let sql =
            |sql: &str| cluster.sql(&name, &format!("SET search_path = cosignet_gate; {sql}"));
        let all = r#"["request.created","request.approved","request.rejected","request.expired","request.cancelled","request.claimed"]"#;
        sql(&format!(
            "SET ROLE log; CREATE SCHEMA cosignet_gate; CREATE TABLE schema (version int4 NOT NULL); \
             INSERT INTO schema VALUES (1); {VERSION_1}; \
             INSERT INTO request VALUES ('r', 'k', 'k', 0, NULL, NULL, '', 'a', NULL, '', 'n', '', \
             't', '{{}}', '{{}}', '', NULL, NULL, 0, 0, 'pending'); \
             INSERT INTO channel VALUES ('all', 'webhook', 'u', 0, '{all}', 0), \
             ('chat', 'chat', 'u', 0, '{all}', 0), \
             ('some', 'webhook', 'u', 0, '[\"request.claimed\"]', 0); \
             INSERT INTO delivery (id, channel, request, topic, at, notice, state, tries, next, until) \
             VALUES ('d', 'all', 'r', 'request.created', 7, '{{}}', 'waiting', 0, 8, 9)"
        ));
        let database = Database::parse(&cluster.address(&name), None, None).unwrap();
        for _ in 0..2 {
            upgrade(&database.address).unwrap();
        }
        assert_eq!(sql("SELECT version FROM schema"), VERSION.to_string());
        assert_eq!(sql("SELECT id || request || next FROM delivery"), "dr8");
        let told = "SELECT name FROM channel WHERE topics LIKE '%break-glass.used%'";
        assert_eq!(sql(told), "all");
        // One thing, and not none or two.
        for (request, used) in [("NULL", "NULL"), ("'r'", "'u'")] {
            let wrong = format!(
                "SET search_path = cosignet_gate; INSERT INTO delivery (id, channel, request, \
                 use_id, topic, at, notice, state, tries, next, until) VALUES \
                 ('x', 'all', {request}, {used}, 't', 7, '{{}}', 'waiting', 0, 8, 9)"
            );
            assert_eq!(cluster.try_sql(&name, &wrong), None, "{wrong}");
        }
    }
}
