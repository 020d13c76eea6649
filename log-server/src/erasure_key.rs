//! Erasure keys, and the files that they live in.
//!
//! ```text
//! COSIGNET+ERASURE+KEY+<id>+<base64(01 ‖ 32 random bytes)>
//! id      16 hex digits: the first 8 bytes of SHA-256("cosignet.erasure-key/v1\n" ‖ the 32 bytes)
//! ```
//!
//! A database that overwrites nothing keeps what was erased: in its journal, its standbys, its
//! backups. So what has to be erasable is sealed there, each entry under a data key of its own, and
//! an erasure key, which is never in the database, wraps these data keys (AES key wrap, RFC 3394).
//! What was erased is unreadable everywhere once the erasure key that wrapped it is destroyed.

#![cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "SQLite overwrites what is erased")
)]

use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use verifier_core::hazmat::encoding::{base64, from_base64, hex, sha256};

use crate::disk;
use crate::error::{LogError, Result};

const PREFIX: &str = "COSIGNET+ERASURE+KEY+";

/// What is hashed before the key for its id.
const ID: &[u8] = b"cosignet.erasure-key/v1\n";

/// A key that seals the evidence of one entry, once.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct DataKey([u8; 32]);

impl DataKey {
    pub(crate) fn random() -> Result<Self> {
        crate::random().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").finish_non_exhaustive()
    }
}

/// Something that wraps data keys: a key in a file, or a service that keeps keys.
///
/// It takes many at a time, since each call may go over a network. Whoever calls holds no lock of
/// the database, and can give up: nothing was written yet.
pub(crate) trait Wrapper: Debug + Send + Sync {
    /// The name of the key for ever; it is written beside everything that the key wraps.
    fn id(&self) -> &str;

    /// The data keys in wrapped form, in order. An error if it cannot be asked at the moment.
    fn wrap(&self, keys: &[DataKey]) -> Result<Vec<Vec<u8>>>;

    /// The data keys that were wrapped, in order; `None` for what this key has not wrapped. An error
    /// if it cannot be asked at the moment.
    fn open(&self, wrapped: &[&[u8]]) -> Result<Vec<Option<DataKey>>>;
}

/// An erasure key out of a file.
pub(crate) struct ErasureKey {
    id: String,
    secret: [u8; 32],
}

impl Debug for ErasureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErasureKey({})", self.id)
    }
}

impl ErasureKey {
    /// A new key.
    pub(crate) fn generate() -> Result<Self> {
        crate::random().map(Self::new)
    }

    fn new(secret: [u8; 32]) -> Self {
        let hash = sha256(&[ID, &secret].concat());
        let (first, _) = hash.split_at(8);
        Self {
            id: hex(first),
            secret,
        }
    }

    /// Reads the file of a key, which has to be its owner's alone.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = disk::read_secret(path)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        Self::parse(text.trim_end()).ok_or_else(|| {
            LogError::Usage(format!(
                "{} is no file of an erasure key: `cosignet-log erasure-key create` makes one",
                path.display()
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('+')?;
        let bytes = from_base64(secret).ok()?;
        let secret: [u8; 32] = bytes.strip_prefix(&[1])?.try_into().ok()?;
        let key = Self::new(secret);
        (key.id == id).then_some(key)
    }

    /// Writes the file of the key, readable by its owner alone. It must not exist.
    pub(crate) fn create_file(&self, path: &Path) -> Result<()> {
        let secret = base64(&[&[1][..], &self.secret].concat());
        let text = format!("{PREFIX}{}+{secret}\n", self.id);
        disk::create(path, text.as_bytes())
    }

    fn cipher(&self) -> Result<AesKek> {
        AesKek::new(&AES_256, &self.secret).map_err(|_| unusable())
    }
}

impl Wrapper for ErasureKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn wrap(&self, keys: &[DataKey]) -> Result<Vec<Vec<u8>>> {
        let wrap = |key: &DataKey| {
            let mut wrapped = vec![0; 40];
            let done = self.cipher()?.wrap(key.bytes(), &mut wrapped);
            done.map_err(|_| unusable())?;
            Ok(wrapped)
        };
        keys.iter().map(wrap).collect()
    }

    fn open(&self, wrapped: &[&[u8]]) -> Result<Vec<Option<DataKey>>> {
        let open = |wrapped: &&[u8]| {
            let mut key = [0; 32];
            // No more than the key is written.
            let fits = wrapped.len() == 40;
            let opened = fits && self.cipher()?.unwrap(wrapped, &mut key).is_ok();
            Ok(opened.then_some(DataKey(key)))
        };
        wrapped.iter().map(open).collect()
    }
}

fn unusable() -> LogError {
    LogError::System("an erasure key cannot be used by this build".into())
}

/// The erasure keys that a process has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyring(Vec<Arc<dyn Wrapper>>);

impl Keyring {
    /// The keys in these files.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self> {
        let mut this = Self::default();
        for path in files {
            this.add(Arc::new(ErasureKey::read(path)?));
        }
        Ok(this)
    }

    /// Adds a key, unless it is there.
    pub(crate) fn add(&mut self, key: Arc<dyn Wrapper>) {
        if self.find(key.id()).is_none() {
            self.0.push(key);
        }
    }

    /// The key with this id.
    pub(crate) fn find(&self, id: &str) -> Option<&dyn Wrapper> {
        let found = self.0.iter().find(|key| key.id() == id);
        found.map(|key| &**key)
    }

    /// The key of a log that is made now; `None` if nothing is to be sealed.
    pub(crate) fn of_new_log(&self) -> Result<Option<&dyn Wrapper>> {
        match self.0.as_slice() {
            [] => Ok(None),
            [key] => Ok(Some(&**key)),
            _ => Err(LogError::Usage(
                "a new log has one erasure key: name one file with --erasure-key".into(),
            )),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to say of evidence whose key is not here.
    pub(crate) fn lacks(&self, id: &str, log: &str) -> String {
        let has: Vec<&str> = self.0.iter().map(|key| key.id()).collect();
        let has = match has.as_slice() {
            [] => "has no erasure key".to_owned(),
            [one] => format!("has the erasure key {one} alone"),
            more => format!("has the erasure keys {} alone", more.join(", ")),
        };
        format!(
            "evidence of the log {} is sealed under the erasure key {}, and this process {has}: name \
             the file of that key with --erasure-key, beside others. If every copy of it is lost, see \
             OPERATIONS, \"Keys for erasing\"",
            verifier_core::plain(log),
            verifier_core::plain(id)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_file_reads_back_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erasure.key");
        let key = ErasureKey::generate().unwrap();
        key.create_file(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(key.create_file(&path).is_err());
        let read = ErasureKey::read(&path).unwrap();
        assert_eq!((read.id(), read.secret), (key.id(), key.secret));
        assert!(!format!("{read:?}").contains(&hex(&key.secret)));
        // Whoever can replace the key could have evidence sealed under one of theirs.
        fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
        let refused = ErasureKey::read(&path).unwrap_err();
        assert!(refused.to_string().contains("replace"), "{refused}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let other = ErasureKey::generate().unwrap();
        for wrong in [
            String::new(),
            text.replace(key.id(), other.id()),
            text.replace("ERASURE", "PRIVATE"),
            text[..text.len() - 9].to_owned(),
        ] {
            fs::write(&path, wrong).unwrap();
            assert!(ErasureKey::read(&path).is_err());
        }
    }

    #[test]
    fn a_key_opens_what_it_has_wrapped_and_nothing_else() {
        let (key, other) = (
            ErasureKey::generate().unwrap(),
            ErasureKey::generate().unwrap(),
        );
        let keys = [DataKey::random().unwrap(), DataKey::random().unwrap()];
        let wrapped = key.wrap(&keys).unwrap();
        let all: Vec<&[u8]> = wrapped.iter().map(|one| &one[..]).collect();
        let opened = key.open(&all).unwrap();
        assert_eq!(opened, keys.map(Some));
        assert_eq!(other.open(&all).unwrap(), [None, None]);
        for at in 0..40 {
            let mut changed = wrapped[0].clone();
            changed[at] ^= 1;
            assert_eq!(key.open(&[&changed]).unwrap(), [None]);
        }
        for length in [0, 8, 16, 24, 32, 39] {
            assert_eq!(key.open(&[&wrapped[0][..length]]).unwrap(), [None]);
        }
        let longer = [&wrapped[0][..], &[0; 8]].concat();
        assert_eq!(key.open(&[&longer]).unwrap(), [None]);
    }

    /// RFC 3394, section 4.6: 256 bits of key data with a 256-bit key.
    #[test]
    fn wraps_as_the_standard_says() {
        let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let data = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f";
        let bytes: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&data[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let key = DataKey(bytes.try_into().unwrap());
        let wrapped = ErasureKey::new(secret).wrap(&[key]).unwrap();
        assert_eq!(
            hex(&wrapped[0]),
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
        );
    }
}
