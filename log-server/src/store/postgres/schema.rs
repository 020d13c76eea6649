//! The tables, and whether a database has them and nothing else.
//!
//! All of them are in the schema `cosignet_log`, and every row names its log: several logs fit into
//! one database. A version is a step from the one before; what a step says is never changed.

use tokio_postgres::types::Type;

use super::Address;
use super::error::Lapse;
use super::link::{self, Answer};
use super::session::{LIMIT, Purpose, Session};
use crate::error::{LogError, Result};

/// The schema version that this program reads and writes.
pub(super) const VERSION: i32 = 3;

/// The steps to it.
const STEPS: [&str; 3] = [VERSION_1, VERSION_2, VERSION_3];

/// Texts from outside are bytes: a text of PostgreSQL has no U+0000. The head is written with each
/// batch, so its page has room for the next version of the row. A row of `staged` is one batch.
/// A row of `erasure` stays until the old version of the evidence is gone from its table.
const VERSION_1: &str = "
CREATE TABLE cosignet_log.log (
    log_id int4 PRIMARY KEY,
    origin text NOT NULL UNIQUE,
    vkey text NOT NULL,
    cluster text NOT NULL
);
CREATE TABLE cosignet_log.head (
    log_id int4 PRIMARY KEY REFERENCES cosignet_log.log,
    size int8 NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    checkpoint text NOT NULL,
    epoch int8 NOT NULL,
    leader text,
    url text,
    renewed timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE cosignet_log.published (
    log_id int4 PRIMARY KEY REFERENCES cosignet_log.log,
    size int8 NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    checkpoint text NOT NULL,
    epoch int8 NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE cosignet_log.approval (
    log_id int4 NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    leaf int8 NOT NULL,
    PRIMARY KEY (log_id, hash)
);
CREATE TABLE cosignet_log.assertion (
    log_id int4 NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    leaf int8 NOT NULL,
    PRIMARY KEY (log_id, hash)
);
CREATE TABLE cosignet_log.staged (
    log_id int4 NOT NULL,
    first int8 NOT NULL,
    last int8 NOT NULL CHECK (last >= first),
    leaves bytea NOT NULL,
    PRIMARY KEY (log_id, first)
);
CREATE TABLE cosignet_log.evidence (
    log_id int4 NOT NULL,
    leaf int8 NOT NULL,
    disclosure int8 NOT NULL,
    approval_id bytea,
    client_data_json bytea,
    payload bytea,
    action bytea,
    blind bytea,
    salt bytea,
    email bytea,
    context bytea,
    refusal bytea,
    sha256 bytea NOT NULL,
    PRIMARY KEY (log_id, leaf)
);
CREATE TABLE cosignet_log.erasure (
    log_id int4 NOT NULL,
    id int8 GENERATED ALWAYS AS IDENTITY,
    leaf int8 NOT NULL,
    PRIMARY KEY (log_id, id)
);
CREATE TABLE cosignet_log.token (
    log_id int4 NOT NULL,
    name text NOT NULL,
    id text NOT NULL,
    hash bytea NOT NULL,
    rights text NOT NULL,
    created text NOT NULL,
    revoked text,
    sha256 bytea NOT NULL,
    PRIMARY KEY (log_id, name),
    UNIQUE (log_id, id)
);
";

/// The reason for which nobody may lead the log any more, see `freeze`.
const VERSION_2: &str = "ALTER TABLE cosignet_log.head ADD COLUMN frozen text;";

/// Keys for erasing, see `sealed` and `sealing`. The head names the erasure key that is the current one,
/// so that a commit sees at once when that is another one. A row of `erasure_key` is a key that
/// may have wrapped rows of `evidence_key`: whoever serves the log needs all of them.
const VERSION_3: &str = "
ALTER TABLE cosignet_log.head ADD COLUMN kek text;
ALTER TABLE cosignet_log.evidence ADD COLUMN sealed bytea;
CREATE TABLE cosignet_log.evidence_key (
    log_id int4 NOT NULL,
    leaf int8 NOT NULL,
    kek text NOT NULL,
    wrapped bytea NOT NULL,
    PRIMARY KEY (log_id, leaf)
);
CREATE TABLE cosignet_log.erasure_key (
    log_id int4 NOT NULL,
    kek text NOT NULL,
    PRIMARY KEY (log_id, kek)
);
ALTER TABLE cosignet_log.head ADD COLUMN closed text;
ALTER TABLE cosignet_log.head ADD COLUMN successor text;
";

/// Every column, key and check of this version, as PostgreSQL writes them.
const DEFINITIONS: &str = include_str!("schema.txt");

/// A lock on the tables as such, for whoever makes them.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('cosignet_log schema'))";

/// The version of the tables; `None` if there are none.
pub(super) fn version(session: &mut Session) -> Result<Option<i32>> {
    let there = "SELECT to_regclass('cosignet_log.schema') IS NOT NULL";
    let sql = "SELECT version FROM cosignet_log.schema";
    let version = session.run(LIMIT, async |client| -> Answer<Option<i32>> {
        let there: bool = client.query_typed_one(there, &[]).await?.try_get(0)?;
        match there {
            true => client.query_typed_one(sql, &[]).await?.try_get(0).map(Some),
            false => Ok(None),
        }
    });
    Ok(version?)
}

/// Fails unless this version can read the database.
pub(super) fn require(session: &mut Session) -> Result<()> {
    match version(session)? {
        Some(VERSION) => Ok(()),
        Some(found) if found < VERSION => Err(LogError::Usage(format!(
            "the database has schema {found} and this version of cosignet-log writes {VERSION}: start \
             `cosignet-log serve` of this version once, which brings it up to date"
        ))),
        Some(found) => Err(LogError::Usage(format!(
            "the database has schema {found} and this version of cosignet-log knows {VERSION}: \
             run the version that wrote it, or a newer one"
        ))),
        None => Err(LogError::Usage(
            "the database has no tables of a log: create one with `cosignet-log init`".into(),
        )),
    }
}

/// Makes the tables, or brings older ones to this version.
pub(super) fn upgrade(address: &Address) -> Result<()> {
    let mut session = Session::open(address, Purpose::Maintain)?;
    match version(&mut session)? {
        Some(found) if found >= VERSION => Ok(()),
        _ => Ok(raise(&mut session, &STEPS)?),
    }
}

/// [`upgrade`], where there are tables.
pub(super) fn upgrade_existing(address: &Address) -> Result<()> {
    let mut session = Session::open(address, Purpose::Maintain)?;
    match version(&mut session)? {
        Some(found) if found < VERSION => Ok(raise(&mut session, &STEPS)?),
        _ => Ok(()),
    }
}

/// Takes the steps that the tables have not taken, in one transaction.
fn raise(session: &mut Session, steps: &[&str]) -> std::result::Result<(), Lapse> {
    session.run(LIMIT * 60, async |client| -> Answer<()> {
        client.batch_execute("BEGIN").await?;
        client.batch_execute(LOCK).await?;
        let make = "CREATE SCHEMA IF NOT EXISTS cosignet_log; \
                    CREATE TABLE IF NOT EXISTS cosignet_log.schema (version int4 NOT NULL); \
                    INSERT INTO cosignet_log.schema SELECT 0 \
                    WHERE NOT EXISTS (SELECT FROM cosignet_log.schema)";
        // Only where they are missing: to ask for them needs a right that `serve` need not have.
        let there = "SELECT to_regclass('cosignet_log.schema') IS NOT NULL";
        if !client
            .query_typed_one(there, &[])
            .await?
            .try_get::<_, bool>(0)?
        {
            client.batch_execute(make).await?;
        }
        // Another process may have been quicker.
        let sql = "SELECT version FROM cosignet_log.schema FOR UPDATE";
        let version: i32 = client.query_typed_one(sql, &[]).await?.try_get(0)?;
        let taken = usize::try_from(version).unwrap_or(usize::MAX);
        for (number, step) in (1_i32..).zip(steps).skip(taken) {
            client.batch_execute(step).await?;
            let sql = "UPDATE cosignet_log.schema SET version = $1";
            client.execute_typed(sql, &[(&number, Type::INT4)]).await?;
        }
        Ok(())
    })?;
    link::commit(session)
}

/// Differences from a database that this version makes: columns, keys, checks, triggers.
pub(super) async fn complaints(client: &tokio_postgres::Client) -> Answer<Vec<String>> {
    let found = definitions(client).await?;
    let expected: Vec<&str> = DEFINITIONS.lines().collect();
    let missing = expected
        .iter()
        .filter(|one| !found.iter().any(|own| own == *one));
    let missing = missing.map(|one| format!("the schema lacks {one}, or has another one"));
    let more = found.iter().filter(|one| !expected.contains(&one.as_str()));
    let more = more.map(|one| format!("the schema has {one}, which is not of this program"));
    Ok(missing.chain(more).collect())
}

async fn definitions(client: &tokio_postgres::Client) -> Answer<Vec<String>> {
    let sql = "
        WITH ours AS (
            SELECT oid, relname, relkind FROM pg_class
            WHERE relnamespace = 'cosignet_log'::regnamespace
        )
        SELECT relname || '.' || attname || ' ' || format_type(atttypid, atttypmod)
               || CASE WHEN attnotnull THEN ' not null' ELSE '' END AS line
        FROM ours JOIN pg_attribute ON attrelid = ours.oid
        WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r'
        UNION ALL
        SELECT relname || ' ' || pg_get_constraintdef(pg_constraint.oid)
               || CASE WHEN convalidated THEN '' ELSE ' not valid' END
        FROM ours JOIN pg_constraint ON conrelid = ours.oid WHERE contype <> 'n'
        UNION ALL
        SELECT 'trigger ' || tgname || ' on ' || relname
        FROM ours JOIN pg_trigger ON tgrelid = ours.oid WHERE NOT tgisinternal
        UNION ALL
        SELECT 'rule ' || rulename || ' on ' || relname
        FROM ours JOIN pg_rewrite ON ev_class = ours.oid
        UNION ALL
        SELECT 'invalid index ' || indexrelid::regclass
        FROM ours JOIN pg_index ON indrelid = ours.oid WHERE NOT indisvalid
        UNION ALL
        SELECT 'index ' || i.relname || ' on ' || ours.relname
        FROM ours JOIN pg_index ON indrelid = ours.oid JOIN pg_class i ON i.oid = indexrelid
        WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        UNION ALL
        SELECT 'relation ' || relname FROM ours WHERE relkind NOT IN ('r', 'i', 'S')
        ORDER BY 1";
    let rows = client.query_typed(sql, &[]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
