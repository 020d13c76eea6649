//! Whose word it is who may approve.

use alloc::string::String;
use alloc::vec::Vec;

use super::approver::{Approver, Approvers};
use super::{Error, name};
use crate::decision::Clause;
use crate::json::Value;
use crate::schema::{Members, Wrong};

/// The roster that says who may approve, and the people who make its first version.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RosterRule {
    /// The name of the roster.
    pub name: String,
    /// The version that it has reached at least.
    pub min_version: Option<u64>,
    /// Who of the first admins has to approve version 1.
    pub require: Vec<Clause>,
    pub(crate) admins: Approvers,
}

impl RosterRule {
    /// The first admins.
    pub fn admins(&self) -> &[Approver] {
        &self.admins.list
    }

    pub(super) fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&["admins", "minVersion", "name", "require"])?;
        let require = Clause::list(&members, "require")?;
        if require.is_empty() {
            return Err(members.error("require", Wrong::Missing).into());
        }
        let min_version = members.optional_u64("minVersion")?;
        if min_version == Some(0) {
            return Err(members.wrong("minVersion", "1 or more", "0").into());
        }
        let admins = Approvers::read(members.objects("admins")?)?;
        if admins.list.is_empty() {
            return Err(members.error("admins", Wrong::Missing).into());
        }
        Ok(Self {
            name: name(&members, "name")?,
            min_version,
            require,
            admins,
        })
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        let version = self.min_version;
        let version = version.map(|version| ("minVersion", version.into()));
        let admins = self.admins.list.iter().map(Approver::to_value);
        let members = [
            ("admins", admins.collect()),
            ("name", self.name.as_str().into()),
            (
                "require",
                self.require.iter().map(Clause::to_value).collect(),
            ),
        ];
        let members = version.into_iter().chain(members);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
    }
}
