//! People, their passkeys, and the links to enrol them.

use verifier_core::Time;
use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::Value;

use super::database::{Connection, params};
use super::rows::{self, CREDENTIAL, millis};
use super::writer::Step;
use crate::person::{Credential, Person};
use crate::refusal::{Reason, Refusal};
use crate::store::{Enrolment, Invite, NewCredential, StoreError, Trouble};

type Result<T, E = Trouble> = core::result::Result<T, E>;

/// How long a challenge to make a passkey is good, in milliseconds.
const CEREMONY: u64 = 10 * 60 * 1000;

impl Step<'_> {
    pub(super) fn invite(&mut self, invite: &Invite) -> Result<Person> {
        let groups = rows::to_names(&invite.groups);
        match person(self.connection, &invite.person)? {
            None => {
                let sql = "INSERT INTO person (name, groups) VALUES (?1, ?2)";
                self.execute(sql, params![invite.person, groups])?;
            }
            Some(_) if invite.groups.is_empty() => {}
            Some(_) => {
                let sql = "UPDATE person SET groups = ?2 WHERE name = ?1";
                self.execute(sql, params![invite.person, groups])?;
            }
        }
        // Somebody who comes back is one again, and their old passkeys are not.
        let sql = "UPDATE credential SET retired = ?2 WHERE person = ?1 AND retired IS NULL AND \
                   (SELECT retired FROM person WHERE name = ?1) IS NOT NULL";
        self.execute(sql, params![invite.person, millis(self.now)])?;
        let sql = "UPDATE person SET retired = NULL WHERE name = ?1";
        self.execute(sql, params![invite.person])?;
        let expires = self.now.saturating_add_millis(invite.lifetime);
        let sql = "INSERT INTO invite (hash, person, expires) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![invite.hash, invite.person, millis(expires)])?;
        let person = self.somebody(&invite.person)?;
        let facts = Value::from([
            ("expires", expires.to_string().into()),
            (
                "groups",
                person
                    .groups
                    .iter()
                    .map(|one| Value::from(one.as_str()))
                    .collect(),
            ),
            ("person", person.name.as_str().into()),
        ]);
        self.event("person.invited", None, facts)?;
        Ok(person)
    }

    pub(super) fn begin_enrolment(
        &mut self,
        hash: &[u8; 32],
        challenge: &[u8; 32],
    ) -> Result<Enrolment> {
        usable(self.connection, hash, self.now)?;
        let until = self.now.saturating_add_millis(CEREMONY);
        let sql = "UPDATE invite SET challenge = ?2, challenge_expires = ?3 WHERE hash = ?1";
        self.execute(sql, params![hash, challenge, millis(until)])?;
        begun(self.connection, hash, self.now)
    }

    pub(super) fn enrol(&mut self, hash: &[u8; 32], new: &NewCredential) -> Result<Credential> {
        self.require_clock()?;
        let enrolment = begun(self.connection, hash, self.now)?;
        if self.credential(&new.id)?.is_some() {
            let detail = "This passkey is enrolled already.";
            return Err(Refusal::new(Reason::CredentialKnown, detail).into());
        }
        self.execute(
            "INSERT INTO credential (id, person, public_key, backup_eligible, backed_up, \
             transports, attestation, registration, added) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                new.id,
                enrolment.person.name,
                new.public_key,
                new.backup_eligible,
                new.backed_up,
                rows::to_names(&new.transports),
                new.attestation,
                new.registration,
                millis(self.now),
            ],
        )?;
        let sql = "UPDATE invite SET used = ?2, challenge = NULL WHERE hash = ?1";
        self.execute(sql, params![hash, millis(self.now)])?;
        let facts = Value::from([
            ("credentialId", base64url(&new.id).into()),
            ("person", enrolment.person.name.as_str().into()),
            ("publicKey", base64url(&new.public_key).into()),
            ("registration", new.registration.as_str().into()),
        ]);
        self.event("person.enrolled", None, facts)?;
        let lost = || StoreError::Damaged("a passkey was lost".into());
        Ok(self.credential(&new.id)?.ok_or_else(lost)?)
    }

    pub(super) fn retire(&mut self, name: &str, credential: Option<&[u8]>) -> Result<Person> {
        let person = self.somebody(name)?;
        let now = millis(self.now);
        let changed = match credential {
            None => {
                let sql = "UPDATE person SET retired = ?2 WHERE name = ?1 AND retired IS NULL";
                self.execute(sql, params![name, now])?
            }
            Some(id) if person.credentials.iter().any(|one| one.id == id) => {
                let sql = "UPDATE credential SET retired = ?2 WHERE id = ?1 AND retired IS NULL";
                self.execute(sql, params![id, now])?
            }
            Some(_) => {
                let detail = "This person has no such passkey.";
                return Err(Refusal::new(Reason::ApproverUnknown, detail).into());
            }
        };
        if changed > 0 {
            // Links that are still out would undo it.
            let sql = "UPDATE invite SET used = ?2 WHERE person = ?1 AND used IS NULL";
            self.execute(sql, params![name, now])?;
            let facts = Value::from([
                ("credentialId", credential.map(base64url).into()),
                ("person", name.into()),
            ]);
            self.event("person.retired", None, facts)?;
        }
        self.somebody(name)
    }

    pub(super) fn credential(&self, id: &[u8]) -> Result<Option<Credential>, StoreError> {
        credential(self.connection, id)
    }

    fn somebody(&self, name: &str) -> Result<Person> {
        let unknown = || Refusal::new(Reason::ApproverUnknown, "There is nobody of this name.");
        Ok(person(self.connection, name)?.ok_or_else(unknown)?)
    }
}

pub(super) fn credential(
    connection: &dyn Connection,
    id: &[u8],
) -> Result<Option<Credential>, StoreError> {
    let sql = format!("{CREDENTIAL} WHERE credential.id = ?1");
    let found = connection.row(&sql, params![id])?;
    found.as_ref().map(rows::credential).transpose()
}

pub(super) fn person(
    connection: &dyn Connection,
    name: &str,
) -> Result<Option<Person>, StoreError> {
    let found = connection.row("SELECT * FROM person WHERE name = ?1", params![name])?;
    found
        .map(|row| with_credentials(connection, rows::person(&row)?))
        .transpose()
}

pub(super) fn people(connection: &dyn Connection) -> Result<Vec<Person>, StoreError> {
    let sql = "SELECT * FROM person ORDER BY name";
    connection.map(sql, &[], |row| {
        with_credentials(connection, rows::person(row)?)
    })
}

fn with_credentials(connection: &dyn Connection, mut person: Person) -> Result<Person, StoreError> {
    let sql = format!("{CREDENTIAL} WHERE credential.person = ?1 ORDER BY credential.added");
    person.credentials = connection.map(&sql, params![person.name], rows::credential)?;
    Ok(person)
}

/// The person whom a link is for, while it can be used.
fn usable(connection: &dyn Connection, hash: &[u8; 32], now: Time) -> Result<String> {
    let sql = "SELECT person FROM invite WHERE hash = ?1 AND used IS NULL AND expires > ?2";
    match connection.row(sql, params![hash, millis(now)])? {
        Some(row) => Ok(row.get("person")?),
        None => {
            let detail = "This link was used, has expired, or never was one. Ask for a new one.";
            Err(Refusal::new(Reason::InviteUnknown, detail).into())
        }
    }
}

/// The enrolment that has begun by a link, while its challenge is good.
pub(super) fn begun(connection: &dyn Connection, hash: &[u8; 32], now: Time) -> Result<Enrolment> {
    let name = usable(connection, hash, now)?;
    let sql = "SELECT challenge, expires FROM invite WHERE hash = ?1 AND challenge IS \
               NOT NULL AND challenge_expires > ?2";
    let Some(row) = connection.row(sql, params![hash, millis(now)])? else {
        let detail = "Making the passkey took too long. Open the link again.";
        return Err(Refusal::new(Reason::InviteUnknown, detail).into());
    };
    let person = person(connection, &name)?
        .ok_or_else(|| StoreError::Damaged("a link for nobody".into()))?;
    Ok(Enrolment {
        person,
        challenge: row.get("challenge")?,
        expires: row.get("expires")?,
    })
}
