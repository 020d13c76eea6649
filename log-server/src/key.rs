//! The key of the log, and the file that it lives in.
//!
//! ```text
//! PRIVATE+KEY+<name>+<8 hex digits: key id>+<base64(01 ‖ Ed25519 seed)>
//! ```
//!
//! The form in which other implementations of signed notes keep theirs.

use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use verifier_core::AwsLc;
use verifier_core::hazmat::encoding::{base64, from_base64, hex};
use verifier_core::hazmat::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::{Algorithm, VerifierKey};

use crate::disk;
use crate::error::{LogError, Result};
use crate::store::Head;

const PREFIX: &str = "PRIVATE+KEY+";

/// The log's key. Its `Debug` form shows the public half.
pub(crate) struct LogKey {
    secret: SigningKey,
    public: VerifierKey,
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogKey({})", self.public)
    }
}

impl LogKey {
    /// A new key for the log with this origin.
    pub(crate) fn generate(origin: &str) -> Result<Self> {
        Self::from_seed(origin, &crate::random()?)
    }

    fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<Self> {
        let secret = SigningKey::from_bytes(seed);
        let public = secret.verifying_key().to_bytes();
        let public = VerifierKey::new(origin, Algorithm::Ed25519, &public)
            .map_err(|error| LogError::Usage(format!("the origin cannot name a key: {error}")))?;
        Ok(Self { secret, public })
    }

    /// Reads the key file. Warns if others can read it, too.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = disk::read_secret(path)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        Self::parse(text.trim_end()).ok_or_else(|| {
            LogError::damage(format!(
                "{} is not a key file of this log: restore it from your backup of the key",
                path.display()
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '+');
        let (name, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = from_base64(secret).ok()?;
        let seed: [u8; 32] = bytes.strip_prefix(&[1])?.try_into().ok()?;
        let key = Self::from_seed(name, &seed).ok()?;
        (hex(&key.public.id()) == id).then_some(key)
    }

    /// Writes the key file, readable by its owner alone. It must not exist.
    pub(crate) fn create_file(&self, path: &Path) -> Result<()> {
        let secret = [&[1][..], self.secret.as_bytes()].concat();
        let (name, id) = (self.public.name(), hex(&self.public.id()));
        let text = format!("{PREFIX}{name}+{id}+{}\n", base64(&secret));
        disk::create(path, text.as_bytes())
    }

    /// The half that verifiers know it by. Its name is the origin of the log.
    pub(crate) fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The signed checkpoint of this tree. What it returns must not leave the process before it
    /// is committed.
    pub(crate) fn sign(&self, size: u64, root: Hash) -> Result<String> {
        let checkpoint = Checkpoint::new(self.public.name(), size, root)
            .map_err(|error| LogError::System(error.to_string()))?;
        let text = checkpoint.to_string();
        let signature = self.secret.sign(text.as_bytes()).to_bytes();
        Ok(format!(
            "{text}\n{}",
            self.public.signature_line(&signature)
        ))
    }

    /// The head of this tree, with [`LogKey::sign`].
    pub(crate) fn head(&self, size: u64, root: Hash) -> Result<Head> {
        let checkpoint = self.sign(size, root)?;
        Ok(Head {
            size,
            root,
            checkpoint,
        })
    }

    /// Size and root of a checkpoint that this key signed for this log.
    pub(crate) fn open(&self, text: &str) -> std::result::Result<(u64, Hash), String> {
        open(&self.public, text)
    }
}

/// Size and root of a checkpoint that `key` signed for the log of the same name.
pub(crate) fn open(key: &VerifierKey, text: &str) -> std::result::Result<(u64, Hash), String> {
    let signed = SignedCheckpoint::parse(text).map_err(|error| error.to_string())?;
    signed
        .note()
        .verify(&AwsLc, std::slice::from_ref(key))
        .map_err(|error| error.to_string())?;
    let checkpoint = signed.checkpoint();
    if checkpoint.origin() != key.name() {
        return Err(format!("it is of the log {}", checkpoint.origin()));
    }
    Ok((checkpoint.size(), checkpoint.root()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;

    #[test]
    fn the_file_reads_back_and_signs() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let key = LogKey::generate("log.example/a").unwrap();
        key.create_file(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(key.create_file(&path).is_err());
        let read = LogKey::read(&path).unwrap();
        assert_eq!(read.public(), key.public());
        let signed = read.sign(0, EMPTY_ROOT).unwrap();
        assert_eq!(key.open(&signed), Ok((0, EMPTY_ROOT)));
        let other = LogKey::generate("log.example/a").unwrap();
        assert!(other.open(&signed).is_err());
        fs::write(&path, "PRIVATE+KEY+log.example/a+00000000+AQ==").unwrap();
        assert!(LogKey::read(&path).is_err());
    }
}
