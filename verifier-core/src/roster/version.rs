//! One version of a roster: a payload that admins approve like any other.
//!
//! ```text
//! {"admins":[{"groups":[…],"name":…,"person":…,"publicKey":b64,"credentialId":b64},…],
//!  "approvers":[…],"name":…,"previous":hex|null,"require":[{"atLeast":n,"group":…},…],
//!  "type":"cosignet.roster/v1","version":n}
//! ```
//!
//! Canonical JSON, at most 512 KiB.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Error;
use crate::decision::Clause;
use crate::encoding::{base64url, hex, sha256};
use crate::json::{Limits, Value};
use crate::payload;
use crate::policy::{self, Approver, Approvers, name};
use crate::schema::{Members, Wrong};

/// The `type` of the payloads that this version understands.
pub const TYPE: &str = "cosignet.roster/v1";

/// One version of a roster, well formed. That its admins approved it is for
/// [`Roster::verify`](super::Roster::verify) to say.
#[derive(Clone, Debug)]
pub struct Version {
    name: String,
    number: u64,
    previous: Option<[u8; 32]>,
    require: Vec<Clause>,
    admins: Approvers,
    approvers: Approvers,
    sha256: [u8; 32],
}

impl Version {
    /// Reads the payload of a version.
    ///
    /// # Errors
    ///
    /// [`Error::Form`] or [`Error::NotJson`] for anything but a roster in canonical JSON.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let value =
            Value::parse(payload, Limits::bytes(payload::MAX_BYTES)).map_err(Error::NotJson)?;
        if value.to_canonical().map(String::into_bytes).as_deref() != Some(payload) {
            return Err(Error::Form(
                "a version is not in canonical form (RFC 8785)".into(),
            ));
        }
        let members = Members::of(&value)?;
        let found = members.text("type")?;
        if found != TYPE {
            let expected = "\"cosignet.roster/v1\"";
            return Err(members.wrong("type", expected, found).into());
        }
        let members = members.only(&[
            "admins",
            "approvers",
            "name",
            "previous",
            "require",
            "type",
            "version",
        ])?;
        let number = members
            .optional_u64("version")?
            .filter(|number| *number > 0);
        let previous = match members.value("previous")? {
            Value::Null => None,
            _ => Some(members.hash("previous")?),
        };
        let require = Clause::list(&members, "require")?;
        if require.is_empty() {
            return Err(members.error("require", Wrong::Missing).into());
        }
        Ok(Self {
            name: name(&members, "name")?,
            number: number.ok_or_else(|| members.error("version", Wrong::Missing))?,
            previous,
            require,
            admins: keys(&members, "admins")?,
            approvers: keys(&members, "approvers")?,
            sha256: sha256(payload),
        })
    }

    /// The name of the roster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the version, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// SHA-256 of the payload of the version before; `None` for the first.
    pub fn previous(&self) -> Option<[u8; 32]> {
        self.previous
    }

    /// SHA-256 of the payload.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Who of the admins has to approve the next version.
    pub fn require(&self) -> &[Clause] {
        &self.require
    }

    /// Who may approve the next version.
    pub fn admins(&self) -> &[Approver] {
        &self.admins.list
    }

    /// Who may approve.
    pub fn approvers(&self) -> &[Approver] {
        &self.approvers.list
    }

    pub(super) fn admins_listed(&self) -> &Approvers {
        &self.admins
    }

    pub(crate) fn listed(&self) -> &Approvers {
        &self.approvers
    }
}

/// People and their keys. Person and groups have to be said: a default would be one more thing to
/// get wrong in what admins sign.
fn keys(members: &Members<'_, '_>, key: &str) -> Result<Approvers, Error> {
    members.value(key)?;
    let all = members.objects(key)?;
    if all.is_empty() && key == "admins" {
        return Err(members.error(key, Wrong::Missing).into());
    }
    for one in members.objects(key)? {
        let one = one.only(&["credentialId", "groups", "name", "person", "publicKey"])?;
        for needed in ["groups", "person"] {
            if !one.has(needed) {
                return Err(one.error(needed, Wrong::Missing).into());
            }
        }
    }
    Approvers::read(all).map_err(|error: policy::Error| Error::Form(error.to_string()))
}

/// The payload of a version, in canonical JSON.
///
/// `previous` is the SHA-256 of the payload of the version before.
pub fn payload_text(
    name: &str,
    number: u64,
    previous: Option<[u8; 32]>,
    require: &[Clause],
    admins: &[Approver],
    approvers: &[Approver],
) -> String {
    let people = |list: &'_ [Approver]| -> Value<'static> { list.iter().map(key_value).collect() };
    Value::from([
        ("admins", people(admins)),
        ("approvers", people(approvers)),
        ("name", name.into()),
        ("previous", previous.map(|hash| hex(&hash)).into()),
        ("require", require.iter().map(Clause::to_value).collect()),
        ("type", TYPE.into()),
        ("version", number.into()),
    ])
    .to_text()
}

fn key_value(one: &Approver) -> Value<'static> {
    let groups = one.groups.iter().map(|group| Value::from(group.clone()));
    let id = one.credential_id.as_ref();
    let id = id.map(|id| ("credentialId".into(), base64url(id).into()));
    let members = [
        ("groups".into(), groups.collect()),
        ("name".into(), one.name.clone().into()),
        ("person".into(), one.person.clone().into()),
        ("publicKey".into(), base64url(one.key.as_bytes()).into()),
    ];
    Value::Object(members.into_iter().chain(id).collect())
}
