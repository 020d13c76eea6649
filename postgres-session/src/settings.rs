//! Settings of the server under which an answer to a COMMIT says too little, and poolers that give
//! a session's questions to several servers. Whoever is told "committed" acts on it.

use crate::address::Address;
use crate::error::{Error, Result};
use crate::session::{Answer, LIMIT, Purpose, Session};

/// The oldest version of PostgreSQL that this runs on.
const OLDEST: i32 = 14;

/// Settings, and the values that they may have.
const SAFE: [(&str, &[&str]); 3] = [
    ("fsync", &["on"]),
    ("full_page_writes", &["on"]),
    ("synchronous_commit", &["on", "remote_apply"]),
];

/// Fails if a commit could be lost here. A session inherits what is set for its role and its
/// database, so it is asked what it has.
///
/// # Errors
///
/// If it could, or the server cannot be asked.
pub fn require(address: &Address) -> Result<()> {
    let mut session = Session::open(address, Purpose::Examine)?;
    let names = SAFE.map(|(name, _)| format!("current_setting('{name}')"));
    let sql = format!(
        "SELECT {}, current_setting('server_version_num')::int4, \
         current_setting('data_checksums')",
        names.join(", ")
    );
    let (values, version, checksums) = session.run(LIMIT, async |client| -> Answer<_> {
        let row = client.query_typed_one(&sql, &[]).await?;
        let values = (0..SAFE.len()).map(|at| row.try_get(at));
        let values: Vec<String> = values.collect::<Answer<_>>()?;
        let (version, checksums) = (SAFE.len(), SAFE.len() + 1);
        let version: i32 = row.try_get(version)?;
        let checksums: String = row.try_get(checksums)?;
        Ok((values, version, checksums))
    })?;
    if version < OLDEST * 10_000 {
        return Err(Error::Usage(format!(
            "{address} is PostgreSQL {}: this needs {OLDEST} at least",
            version / 10_000
        )));
    }
    for ((name, safe), found) in SAFE.iter().zip(values) {
        if !safe.contains(&found.as_str()) {
            return Err(Error::Usage(format!(
                "{address} has {name} = {found}: what it calls committed can be lost, {}. Set it \
                 to {} for the server, its role and its database",
                address.tenant.harm,
                safe.join(" or ")
            )));
        }
    }
    if checksums != "on" {
        tracing::warn!(
            "{address} has no checksums of its pages: a bit that flips in a table shows late. \
             `pg_checksums --enable` makes them while the server is stopped"
        );
    }
    own_server(session, Session::open(address, Purpose::Examine)?, address)
}

/// Fails if something between here and the server hands one session's transactions to several
/// servers. While another session is in a transaction, such a pooler cannot give the first one the
/// server that it had before; and a server that both have is one too few.
fn own_server(mut one: Session, mut other: Session, address: &Address) -> Result<()> {
    let before = server(&mut one, "BEGIN; COMMIT")?;
    let taken = server(&mut other, "BEGIN")?;
    let after = server(&mut one, "BEGIN; COMMIT")?;
    if before == after && before != taken {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "something pools the transactions of {address}: one session was given several servers. \
         Connect directly, or through a pooler in session mode"
    )))
}

/// The process that answers a session.
fn server(session: &mut Session, before: &str) -> Result<i32> {
    let asked = session.run(LIMIT, async |client| -> Answer<i32> {
        client.batch_execute(before).await?;
        let row = client.query_typed_one("SELECT pg_backend_pid()", &[]);
        row.await?.try_get(0)
    });
    Ok(asked?)
}
