//! The data directory of a witness.

use std::io;
use std::path::{Path, PathBuf};

use command_line::failure::show_path;
use command_line::{CliCode, CliError};
use durable::{Access, Lock};
use verifier_core::hazmat::encoding::{hex, sha256};

use crate::key::WitnessKey;

#[derive(Clone, Debug)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.root.join("witness.key")
    }

    /// The list of logs of which something was cosigned.
    pub(crate) fn known(&self) -> PathBuf {
        self.root.join("known")
    }

    fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Where the head of a log is remembered.
    pub(crate) fn record(&self, origin: &str) -> PathBuf {
        self.logs().join(origin_hash(origin))
    }

    /// Makes the directory of a new witness.
    pub(crate) fn create(&self, key: &WitnessKey) -> Result<(), CliError> {
        let failed = |error: io::Error| unwritable(&self.root, &error);
        durable::create_folder(&self.root).map_err(failed)?;
        let _lock = self.lock()?;
        for path in [self.key(), self.logs()] {
            if path.exists() {
                let message = format!("{} exists already.", show_path(&path));
                return Err(CliError::new(CliCode::WitnessExists, message).file(&path));
            }
        }
        durable::create(&self.key(), key.to_file().as_bytes(), Access::Private)
            .and_then(|()| durable::create_folder(&self.logs()))
            .map_err(failed)
    }

    /// Fails unless [`Directory::create`] has made a witness here. A witness whose memory is gone
    /// must not start with an empty one.
    pub(crate) fn require(&self) -> Result<(), CliError> {
        for path in [self.key(), self.logs()] {
            if !path.exists() {
                let message = format!("{} is not there.", show_path(&path));
                return Err(CliError::new(CliCode::WitnessNone, message).file(&path));
            }
        }
        Ok(())
    }

    /// Makes this process the one that signs here, until the file is dropped.
    pub(crate) fn lock(&self) -> Result<Lock, CliError> {
        let path = self.root.join("lock");
        Lock::take(&path).map_err(|error| match error {
            durable::Error::Held => {
                let message = format!("A witness runs on {} already.", show_path(&self.root));
                CliError::new(CliCode::WitnessRunning, message).file(&self.root)
            }
            error => unwritable(&path, &error.into()),
        })
    }
}

/// The name of a log in files and addresses: SHA-256 of its origin, in hex.
pub(crate) fn origin_hash(origin: &str) -> String {
    hex(&sha256(origin.as_bytes()))
}

/// Puts `bytes` at `path`, in place of what was there. When this returns they are durable.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    durable::replace(path, bytes, Access::Public)
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    let message = format!("{} cannot be written: {error}.", show_path(path));
    CliError::new(CliCode::IoOutput, message)
        .file(path)
        .next("Check the name of the directory and the rights to it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_has_this_hash() {
        assert_eq!(
            origin_hash("example.com/behind-the-sofa"),
            "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4"
        );
    }
}
