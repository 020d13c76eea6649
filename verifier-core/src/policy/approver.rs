//! Whose keys are known.

use alloc::collections::BTreeMap;
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
    by_key: BTreeMap<Vec<u8>, usize>,
    by_credential: BTreeMap<Vec<u8>, usize>,
}

impl Approvers {
    /// The approver whose public key has these COSE_Key bytes.
    pub(super) fn by_key(&self, cose_key: &[u8]) -> Option<&Approver> {
        self.list.get(*self.by_key.get(cose_key)?)
    }

    /// The approver with this credential id.
    pub(super) fn by_credential(&self, id: &[u8]) -> Option<&Approver> {
        self.list.get(*self.by_credential.get(id)?)
    }

    pub(super) fn read(entries: Vec<Members<'_, '_>>) -> Result<Self, Error> {
        let list = entries
            .into_iter()
            .map(Approver::read)
            .collect::<Result<Vec<_>, _>>()?;
        let mut by_key = BTreeMap::new();
        let mut by_credential = BTreeMap::new();
        for (i, approver) in list.iter().enumerate() {
            // One key under two names would let one person count as two.
            let mut twice = by_key.insert(approver.key.as_bytes().to_vec(), i).is_some();
            if let Some(id) = &approver.credential_id {
                twice |= by_credential.insert(id.clone(), i).is_some();
            }
            if twice {
                return Err(Error::KeyTwice {
                    approver: approver.name.clone(),
                });
            }
        }
        Ok(Self {
            list,
            by_key,
            by_credential,
        })
    }
}
