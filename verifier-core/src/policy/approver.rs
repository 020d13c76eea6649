//! Whose keys are known.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Error, is_short_name, name};
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
    /// Whose key it is: all keys of one person count once.
    pub person: String,
    /// The groups for which the person may serve a clause with this key.
    pub groups: Vec<String>,
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
    /// A key that a roster may list, without limits in time.
    pub fn new(
        name: String,
        person: String,
        groups: Vec<String>,
        key: CoseKey,
        credential_id: Option<Vec<u8>>,
    ) -> Self {
        Self {
            name,
            person,
            groups,
            key,
            credential_id,
            not_before: None,
            not_after: None,
        }
    }

    pub(crate) fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&[
            "credentialId",
            "groups",
            "name",
            "notAfter",
            "notBefore",
            "person",
            "publicKey",
        ])?;
        let name = name(&members, "name")?;
        let person = match members.has("person") {
            true => self::name(&members, "person")?,
            false => name.clone(),
        };
        let key = CoseKey::parse(&members.bytes("publicKey")?).map_err(|error| Error::Key {
            approver: name.clone(),
            error,
        })?;
        let approver = Self {
            name,
            person,
            groups: groups(&members)?,
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

    /// With the members that were given: a person of another name than the key's, and groups.
    pub(super) fn to_value(&self) -> Value<'_> {
        let person = (self.person != self.name).then(|| self.person.clone());
        let optional = [
            (
                "credentialId",
                self.credential_id.as_ref().map(|id| base64url(id)),
            ),
            ("person", person),
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
        let texts = members
            .chain(required)
            .map(|(key, value)| (key.into(), value.into()));
        let groups = (!self.groups.is_empty()).then(|| ("groups".into(), self.groups_value()));
        Value::Object(texts.chain(groups).collect())
    }

    pub(crate) fn groups_value(&self) -> Value<'_> {
        let groups = self.groups.iter();
        groups.map(|group| Value::from(group.as_str())).collect()
    }
}

/// The names of groups, each once.
fn groups(members: &Members<'_, '_>) -> Result<Vec<String>, Error> {
    const KEY: &str = "groups";
    let mut groups: Vec<String> = Vec::new();
    for text in members.texts(KEY)? {
        if !is_short_name(text) || groups.iter().any(|group| group == text) {
            let expected = "names of groups, each once";
            return Err(members.wrong(KEY, expected, text).into());
        }
        groups.push(text.to_string());
    }
    Ok(groups)
}

/// All of them, and where each of them stands.
#[derive(Clone, Debug)]
pub(crate) struct Approvers {
    pub(crate) list: Vec<Approver>,
    by_key: Index,
    by_credential: Index,
}

impl Approvers {
    /// The approver whose public key has these COSE_Key bytes.
    pub(crate) fn by_key(&self, cose_key: &[u8]) -> Option<&Approver> {
        self.by_key.find(cose_key, &self.list)
    }

    /// The approver with this credential id.
    pub(crate) fn by_credential(&self, id: &[u8]) -> Option<&Approver> {
        self.by_credential.find(id, &self.list)
    }

    pub(crate) fn read(entries: Vec<Members<'_, '_>>) -> Result<Self, Error> {
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
