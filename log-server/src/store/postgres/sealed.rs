//! Evidence as it stands in its row: plain, or sealed under a data key of its own.
//!
//! ```text
//! sealed   AES-256-GCM(data key, nonce 0, associated, text) ‖ tag
//! text     for each column from approval_id to refusal: 00, or 01 ‖ length, 8 bytes big-endian ‖ bytes
//! associated
//!          "cosignet.evidence/v1\n" ‖ origin of the log ‖ "\n" ‖ leaf ‖ "\n" ‖ disclosure ‖ "\n"
//! ```
//!
//! Each sealing draws a data key, so no key has two nonces. The data key stands in `evidence_key`,
//! wrapped by an [erasure key](crate::erasure_key). Evidence that has nothing in it is not sealed.
//!
//! The checksum beside a row is of what stands there: of the plain columns, or of the sealed bytes.
//! One of what is inside would be a hash of what was erased, in every backup.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use tokio_postgres::Row;

use super::link::{Answer, Place};
use crate::erasure_key::{DataKey, Wrapper};
use crate::error::{LogError, Result};
use crate::store::sqlite::{checksum_of_evidence, checksum_of_sealed};
use crate::store::{Disclosure, Evidence};

/// How many columns there are after the disclosure.
const FIELDS: usize = 9;

type Fields<T> = [Option<T>; FIELDS];

/// What evidence is sealed with at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal<'s> {
    origin: &'s str,
    key: &'s dyn Wrapper,
}

impl Place {
    /// The erasure key with this id; an error if this process does not have it.
    pub(super) fn wrapper(&self, id: &str) -> Result<&dyn Wrapper> {
        let found = self.keys.find(id);
        found.ok_or_else(|| LogError::Usage(self.keys.lacks(id, self.key.name())))
    }

    /// The seal with this erasure key, which the log has as its current one; `None` if it has none.
    pub(super) fn seal(&self, kek: Option<&str>) -> Result<Option<Seal<'_>>> {
        let seal = |id| {
            let (origin, key) = (self.key.name(), self.wrapper(id)?);
            Ok(Seal { origin, key })
        };
        kek.map(seal).transpose()
    }
}

/// A row as it is to be written.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    pub(super) leaf: i64,
    pub(super) disclosure: i64,
    pub(super) fields: Fields<&'a [u8]>,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) sum: [u8; 32],
    /// The id of the erasure key, and the data key in wrapped form.
    pub(super) key: Option<(String, Vec<u8>)>,
}

/// The rows of several entries.
pub(super) fn write<'a>(
    seal: Option<Seal<'_>>,
    entries: impl Iterator<Item = (i64, &'a Evidence)>,
) -> Result<Vec<Written<'a>>> {
    let plain = entries.map(|(leaf, kept)| Written::plain(leaf, kept));
    let mut rows = plain.collect::<Result<Vec<_>>>()?;
    if let Some(seal) = seal {
        seal.close(&mut rows)?;
    }
    Ok(rows)
}

impl<'a> Written<'a> {
    fn plain(leaf: i64, kept: &'a Evidence) -> Result<Self> {
        Ok(Self {
            leaf,
            disclosure: kept.disclosure.number(),
            fields: fields(kept),
            sealed: None,
            sum: checksum_of_evidence(leaf, kept)?,
            key: None,
        })
    }
}

impl Seal<'_> {
    fn close(self, rows: &mut [Written<'_>]) -> Result<()> {
        let has_some = |row: &&mut Written<'_>| row.fields.iter().any(Option::is_some);
        let mut rows: Vec<_> = rows.iter_mut().filter(has_some).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let keys = rows.iter().map(|_| DataKey::random());
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let wrapped = wrap(self.key, &keys)?;
        for ((row, key), wrapped) in rows.iter_mut().zip(keys).zip(wrapped) {
            let text = pack(&row.fields);
            let sealed = seal(
                key,
                &associated(self.origin, row.leaf, row.disclosure),
                text,
            )?;
            row.sum = checksum_of_sealed(row.leaf, row.disclosure, &sealed)?;
            row.fields = Fields::default();
            row.sealed = Some(sealed);
            row.key = Some((self.key.id().to_owned(), wrapped));
        }
        Ok(())
    }
}

/// A row as it was read, with its wrapped key.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) leaf: i64,
    disclosure: i64,
    fields: Fields<Vec<u8>>,
    sealed: Option<Vec<u8>>,
    pub(super) sum: Vec<u8>,
    key: Option<(String, Vec<u8>)>,
}

/// Evidence as it was found.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) leaf: i64,
    /// `None` if it is sealed, and the process does not have its key.
    kept: Option<Evidence>,
    /// Whether it is what was written, as far as that can be told.
    pub(super) written: bool,
    /// What to say of the key that is not here.
    lacks: String,
}

impl Opened {
    /// The evidence, if it can be read.
    pub(super) fn if_readable(self) -> Option<Evidence> {
        self.kept
    }

    /// The evidence; an error if its key is not here.
    pub(super) fn evidence(self) -> Result<Evidence> {
        self.kept.ok_or(LogError::Usage(self.lacks))
    }
}

impl Kept {
    /// The columns of a row: leaf, disclosure, the nine, sum, sealed, and of its key id and wrapped
    /// form.
    pub(super) fn read(row: &Row) -> Answer<Self> {
        let mut fields: Fields<Vec<u8>> = Fields::default();
        for (at, field) in (2..).zip(&mut fields) {
            *field = row.try_get(at)?;
        }
        let (kek, wrapped): (Option<String>, Option<Vec<u8>>) =
            (row.try_get(13)?, row.try_get(14)?);
        Ok(Self {
            leaf: row.try_get(0)?,
            disclosure: row.try_get(1)?,
            fields,
            sum: row.try_get(11)?,
            sealed: row.try_get(12)?,
            key: kek.zip(wrapped),
        })
    }

    /// Whether the other one is the same, whichever erasure key wraps its key.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.leaf, self.disclosure, &self.sum) == (other.leaf, other.disclosure, &other.sum)
            && (&self.fields, &self.sealed) == (&other.fields, &other.sealed)
    }

    fn opened(self, data_key: Option<DataKey>, place: &Place) -> Result<Opened> {
        let Self {
            leaf, disclosure, ..
        } = self;
        let origin = place.key.name();
        let Some(sealed) = self.sealed else {
            let kept = evidence(disclosure, self.fields)?;
            let sum = checksum_of_evidence(leaf, &kept)?;
            let written = sum[..] == self.sum && self.key.is_none();
            return Ok(Opened {
                leaf,
                kept: Some(kept),
                written,
                lacks: String::new(),
            });
        };
        let sum = checksum_of_sealed(leaf, disclosure, &sealed)?;
        let written = sum[..] == self.sum && self.fields.iter().all(Option::is_none);
        let Some((kek, _)) = self.key else {
            return Err(closed(leaf, "its key is missing"));
        };
        if place.keys.find(&kek).is_none() {
            return Ok(Opened {
                leaf,
                kept: None,
                written,
                lacks: place.keys.lacks(&kek, origin),
            });
        }
        let Some(data_key) = data_key else {
            return Err(closed(
                leaf,
                &format!("the erasure key {kek} has not wrapped its key"),
            ));
        };
        let text = unseal(&data_key, &associated(origin, leaf, disclosure), sealed);
        let fields = text.as_deref().and_then(unpack);
        let fields =
            fields.ok_or_else(|| closed(leaf, "it is not what was sealed under its key"))?;
        Ok(Opened {
            leaf,
            kept: Some(evidence(disclosure, fields)?),
            written,
            lacks: String::new(),
        })
    }
}

/// Data keys in wrapped form, in order: all of them, or an error.
pub(super) fn wrap(key: &dyn Wrapper, keys: &[DataKey]) -> Result<Vec<Vec<u8>>> {
    let wrapped = key.wrap(keys)?;
    match wrapped.len() == keys.len() {
        true => Ok(wrapped),
        false => Err(LogError::System(format!(
            "the erasure key {} has wrapped {} of {} keys",
            key.id(),
            wrapped.len(),
            keys.len()
        ))),
    }
}

/// The data keys that these erasure keys have wrapped, in order; `None` where there is none, or this
/// process does not have its erasure key, or that has not wrapped it. Each erasure key is asked once.
pub(super) fn data_keys<'k>(
    place: &Place,
    wrapped: impl Iterator<Item = Option<(&'k str, &'k [u8])>>,
) -> Result<Vec<Option<DataKey>>> {
    let mut found = Vec::new();
    let mut by_key: BTreeMap<&str, Vec<(usize, &[u8])>> = BTreeMap::new();
    for (at, one) in wrapped.enumerate() {
        found.push(None);
        if let Some((kek, key)) = one {
            by_key.entry(kek).or_default().push((at, key));
        }
    }
    for (kek, some) in by_key {
        let Some(key) = place.keys.find(kek) else {
            continue;
        };
        let all: Vec<&[u8]> = some.iter().map(|(_, wrapped)| *wrapped).collect();
        for ((at, _), opened) in some.into_iter().zip(key.open(&all)?) {
            if let Some(place) = found.get_mut(at) {
                *place = opened;
            }
        }
    }
    Ok(found)
}

/// Opens what was read. Damage that keeps evidence closed is an error.
pub(super) fn open(place: &Place, rows: Vec<Kept>) -> Result<Vec<Opened>> {
    let wrapped = rows.iter().map(|row| {
        let (kek, key) = row.sealed.as_ref().and(row.key.as_ref())?;
        Some((&**kek, &key[..]))
    });
    let keys = data_keys(place, wrapped)?;
    let opened = rows.into_iter().zip(keys);
    opened.map(|(row, key)| row.opened(key, place)).collect()
}

/// Opens one row.
pub(super) fn open_one(place: &Place, row: Kept) -> Result<Opened> {
    let leaf = row.leaf;
    let opened = open(place, vec![row])?.pop();
    opened.ok_or_else(|| closed(leaf, "it was not opened"))
}

fn closed(leaf: i64, why: &str) -> LogError {
    LogError::damage(format!(
        "the database: the evidence of entry {leaf} cannot be opened, since {why}: restore both rows \
         from a backup, see OPERATIONS"
    ))
}

fn associated(origin: &str, leaf: i64, disclosure: i64) -> Vec<u8> {
    format!("cosignet.evidence/v1\n{origin}\n{leaf}\n{disclosure}\n").into_bytes()
}

fn cipher(key: &DataKey) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key.bytes());
    key.ok().map(LessSafeKey::new)
}

/// The one nonce of a data key.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Takes the key: it seals nothing else.
#[allow(clippy::needless_pass_by_value, reason = "it is used up")]
fn seal(key: DataKey, associated: &[u8], mut text: Vec<u8>) -> Result<Vec<u8>> {
    let sealed = cipher(&key).and_then(|cipher| {
        let done = cipher.seal_in_place_append_tag(nonce(), Aad::from(associated), &mut text);
        done.ok()
    });
    match sealed {
        Some(()) => Ok(text),
        None => Err(LogError::System("evidence cannot be sealed".into())),
    }
}

fn unseal(key: &DataKey, associated: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let opened = cipher(key)?.open_in_place(nonce(), Aad::from(associated), &mut sealed);
    let length = opened.ok()?.len();
    sealed.truncate(length);
    Some(sealed)
}

fn pack(fields: &Fields<&[u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    for field in fields {
        match field {
            None => text.push(0),
            Some(bytes) => {
                text.push(1);
                text.extend(crate::count(bytes.len()).to_be_bytes());
                text.extend(*bytes);
            }
        }
    }
    text
}

fn unpack(mut text: &[u8]) -> Option<Fields<Vec<u8>>> {
    let mut fields: Fields<Vec<u8>> = Fields::default();
    for field in &mut fields {
        let (kind, rest) = text.split_first()?;
        text = rest;
        match kind {
            0 => {}
            1 => {
                let (length, rest) = text.split_first_chunk::<8>()?;
                let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
                let (bytes, rest) = rest.split_at_checked(length)?;
                *field = Some(bytes.to_vec());
                text = rest;
            }
            _ => return None,
        }
    }
    text.is_empty().then_some(fields)
}

/// The columns after the disclosure, in their order.
fn fields(kept: &Evidence) -> Fields<&[u8]> {
    [
        kept.approval_id.as_deref().map(str::as_bytes),
        kept.client_data_json.as_deref(),
        kept.payload.as_deref(),
        kept.action.as_deref().map(str::as_bytes),
        kept.blind.as_ref().map(|bytes| &bytes[..]),
        kept.salt.as_ref().map(|bytes| &bytes[..]),
        kept.email.as_deref().map(str::as_bytes),
        kept.context.as_deref().map(str::as_bytes),
        kept.refusal.as_ref().map(|bytes| &bytes[..]),
    ]
}

fn evidence(disclosure: i64, fields: Fields<Vec<u8>>) -> Result<Evidence> {
    let [
        approval,
        json,
        payload,
        action,
        blind,
        salt,
        email,
        context,
        refusal,
    ] = fields;
    Ok(Evidence {
        disclosure: Disclosure::from_number(disclosure),
        approval_id: text(approval)?,
        client_data_json: json,
        payload,
        action: text(action)?,
        blind: fixed(blind)?,
        salt: fixed(salt)?,
        email: text(email)?,
        context: text(context)?,
        refusal: fixed(refusal)?,
    })
}

fn text(bytes: Option<Vec<u8>>) -> Result<Option<String>> {
    let wrong = |_| LogError::damage("the database: a text of the evidence is no text");
    bytes.map(String::from_utf8).transpose().map_err(wrong)
}

fn fixed(bytes: Option<Vec<u8>>) -> Result<Option<[u8; 32]>> {
    let wrong =
        |_| LogError::damage("the database: a random number of the evidence is not 32 bytes");
    bytes.map(<[u8; 32]>::try_from).transpose().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_unpacked_as_it_was_packed_or_not_at_all() {
        let mut fields: Fields<&[u8]> = Fields::default();
        fields[0] = Some(b"");
        fields[2] = Some(b"payload");
        fields[8] = Some(&[7; 32]);
        let text = pack(&fields);
        let back = unpack(&text).unwrap();
        assert_eq!(back, fields.map(|field| field.map(<[u8]>::to_vec)));
        for length in 0..text.len() {
            assert_eq!(unpack(&text[..length]), None, "{length}");
        }
        assert_eq!(unpack(&[&text[..], &[0]].concat()), None);
        let mut odd = text.clone();
        odd[0] = 2;
        assert_eq!(unpack(&odd), None);
    }

    #[test]
    fn what_is_sealed_opens_under_its_key_at_its_place_alone() {
        let key = DataKey::random().unwrap();
        let place = associated("log.example", 7, 1);
        let sealed = seal(key.clone(), &place, b"a payload".to_vec()).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"payload"));
        let open = |key: &DataKey, place: &[u8]| unseal(key, place, sealed.clone());
        assert_eq!(open(&key, &place).unwrap(), b"a payload");
        assert_eq!(open(&DataKey::random().unwrap(), &place), None);
        for (origin, leaf, disclosure) in [
            ("log.example/2", 7, 1),
            ("log.example", 8, 1),
            ("log.example", 7, 2),
        ] {
            assert_eq!(open(&key, &associated(origin, leaf, disclosure)), None);
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(unseal(&key, &place, changed), None);
        }
    }
}
