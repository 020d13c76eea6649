//! Whose keys are known.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Error, name};
use crate::encoding::base64url;
use crate::json::Value;
use crate::schema::Members;
use crate::time::Time;
use crate::webauthn::cose_key::CoseKey;

/// A key and the name the policy gives its holder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Approver {
    /// For people; printable, not necessarily unique.
    pub name: String,
    /// The key; unique in the policy.
    pub key: CoseKey,
    /// The credential's id; unique in the policy.
    pub credential_id: Option<Vec<u8>>,
    /// No approval is proven earlier than this.
    pub not_before: Option<Time>,
    /// Every approval is proven not later than this.
    pub not_after: Option<Time>,
}

impl Approver {
    pub(super) fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members =
            members.only(&["credentialId", "name", "notAfter", "notBefore", "publicKey"])?;
        let name = name(&members)?;
        let key = CoseKey::parse(&members.bytes("publicKey")?).map_err(|error| Error::Key {
            approver: name.clone(),
            error,
        })?;
        let approver = Self {
            name,
            key,
            credential_id: members.optional_bytes("credentialId")?,
            not_before: members.optional_time("notBefore")?,
            not_after: members.optional_time("notAfter")?,
        };
        match (approver.not_before, approver.not_after) {
            (Some(from), Some(to)) if from > to => Err(members
                .wrong("notAfter", "a time after notBefore", &to.to_string())
                .into()),
            _ => Ok(approver),
        }
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        let optional = [
            (
                "credentialId",
                self.credential_id.as_ref().map(|id| base64url(id)),
            ),
            ("notAfter", self.not_after.map(|t| t.to_string())),
            ("notBefore", self.not_before.map(|t| t.to_string())),
        ];
        let required = [
            ("name", self.name.clone()),
            ("publicKey", base64url(self.key.as_bytes())),
        ];
        let members = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let members = members.chain(required);
        Value::Object(
            members
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

/// All of them, and where each of them stands.
#[derive(Clone, Debug)]
pub(super) struct Approvers {
    pub(super) list: Vec<Approver>,
    by_key: Index,
    by_credential: Index,
}

impl Approvers {
    /// The approver whose public key has these COSE_Key bytes.
    pub(super) fn by_key(&self, cose_key: &[u8]) -> Option<&Approver> {
        self.by_key.find(cose_key, &self.list)
    }

    /// The approver with this credential id.
    pub(super) fn by_credential(&self, id: &[u8]) -> Option<&Approver> {
        self.by_credential.find(id, &self.list)
    }

    pub(super) fn read(entries: Vec<Members<'_, '_>>) -> Result<Self, Error> {
        let mut all = Self {
            list: Vec::with_capacity(entries.len()),
            by_key: Index::by(|approver| Some(approver.key.as_bytes())),
            by_credential: Index::by(|approver| approver.credential_id.as_deref()),
        };
        for members in entries {
            all.list.push(Approver::read(members)?);
            // One key under two names would let one person count as two.
            for index in [&mut all.by_key, &mut all.by_credential] {
                index.add_last(&all.list)?;
            }
        }
        Ok(all)
    }
}

/// Places in the list of approvers, in the order of something that each has at most once.
#[derive(Clone, Debug)]
struct Index {
    key: fn(&Approver) -> Option<&[u8]>,
    places: Vec<usize>,
}

impl Index {
    fn by(key: fn(&Approver) -> Option<&[u8]>) -> Self {
        let places = Vec::new();
        Self { key, places }
    }

    fn find<'l>(&self, key: &[u8], list: &'l [Approver]) -> Option<&'l Approver> {
        let at = self.search(key, list).ok()?;
        list.get(*self.places.get(at)?)
    }

    /// Fails if another approver has the same key.
    fn add_last(&mut self, list: &[Approver]) -> Result<(), Error> {
        let Some((last, before)) = list.split_last() else {
            return Ok(());
        };
        let Some(key) = (self.key)(last) else {
            return Ok(());
        };
        let twice = |_| Error::KeyTwice {
            approver: last.name.clone(),
        };
        let at = self
            .search(key, before)
            .map_or_else(Ok, |at| Err(twice(at)))?;
        self.places.insert(at, before.len());
        Ok(())
    }

    /// Where `key` stands among the places, or where it belongs.
    fn search(&self, key: &[u8], list: &[Approver]) -> Result<usize, usize> {
        let key_at = |at: &usize| list.get(*at).and_then(self.key);
        self.places
            .binary_search_by(|at| key_at(at).cmp(&Some(key)))
    }
}
