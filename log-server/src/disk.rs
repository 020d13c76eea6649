//! Files: texts that people keep, and changes that survive a power cut, with the path in every
//! error. The order of system calls is that of the crate [`durable`].

use std::fs;
use std::path::Path;

use durable::Access;
use serving::secret::exposed;
use verifier_core::hazmat::text::from_people;

use crate::error::{LogError, Result};

/// The text of a file that a person keeps, whichever editor or shell wrote it.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(LogError::file(path))?;
    match from_people(&bytes) {
        Ok(text) => Ok(text.into_owned()),
        Err(error) => Err(LogError::Usage(format!("{} {error}", path.display()))),
    }
}

/// The bytes of a file with a secret. Warns if others can read it, too; an error if they can put
/// another one in its place.
pub(crate) fn read_secret(path: &Path) -> Result<Vec<u8>> {
    match exposed(path).map_err(LogError::file(path))? {
        Some(exposed) if exposed.is_writable() => {
            let remedy = exposed.remedy();
            return Err(LogError::Usage(format!(
                "{exposed}. If nobody has, make it its owner's alone: {remedy}"
            )));
        }
        Some(exposed) => {
            let remedy = exposed.remedy();
            tracing::warn!("{exposed}; make it its owner's alone: {remedy}");
        }
        None => {}
    }
    fs::read(path).map_err(LogError::file(path))
}

/// Puts `bytes` at `path`, for everybody to read, in place of what was there; makes its folder.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    durable::replace(path, bytes, Access::Public).map_err(LogError::file(path))
}

/// Creates a file for its owner alone; an error if it exists.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    durable::create(path, bytes, Access::Private).map_err(LogError::file(path))
}

/// Renames a file within its folder.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    durable::rename(from, to).map_err(LogError::file(to))
}

/// Creates a folder and those above it, as far as they are missing.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    durable::create_folder(path).map_err(LogError::file(path))
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    durable::remove(path).map_err(LogError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_from_every_editor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.policy");
        let utf16: Vec<u8> = "\u{feff}a\r\nb\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [&b"a\nb\n"[..], b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", &utf16] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(read_text(&path).unwrap(), "a\nb\n");
        }
        fs::write(&path, b"a\xff\n").unwrap();
        let failure = read_text(&path).unwrap_err().to_string();
        assert!(
            failure.contains("log.policy is not UTF-8 text"),
            "{failure}"
        );
    }

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/000");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        for failure in [
            create(&path, b"x").unwrap_err(),
            replace(&path.join("below"), b"x").unwrap_err(),
        ] {
            assert!(failure.to_string().contains("a/b/000"), "{failure}");
        }
    }
}
