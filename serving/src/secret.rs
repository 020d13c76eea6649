//! Files with secrets, and who beside their owner can get at them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A file with a secret that others than its owner can get at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exposed {
    path: PathBuf,
    mode: u32,
}

impl Exposed {
    /// The command that makes the file its owner's alone.
    pub fn remedy(&self) -> String {
        format!("chmod 600 {}", self.path.display())
    }

    /// Whether others can put another secret in its place. Otherwise they can read it.
    pub fn is_writable(&self) -> bool {
        self.mode & 0o022 != 0
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let others = match self.mode & 0o006 {
            0 => "its group",
            _ => "every user of this machine",
        };
        let can = match self.is_writable() {
            true => "replace",
            false => "read",
        };
        let mode = self.mode & 0o777;
        write!(
            f,
            "{path} has mode {mode:04o}: {others} can {can} the secret in it"
        )
    }
}

/// The exposure of a secret; `None` if its owner alone can get at it, or if this system has no
/// modes.
///
/// # Errors
///
/// If there is no such file, or it cannot be looked at.
pub fn exposed(path: &Path) -> io::Result<Option<Exposed>> {
    let mode = mode(path)?;
    let exposed = Exposed {
        path: path.into(),
        mode,
    };
    Ok((mode & 0o066 != 0).then_some(exposed))
}

#[cfg(unix)]
fn mode(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode())
}

#[cfg(not(unix))]
fn mode(path: &Path) -> io::Result<u32> {
    std::fs::metadata(path).map(|_| 0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn says_who_can_do_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "secret").unwrap();
        for (mode, said) in [
            (0o600, None),
            (0o400, None),
            (0o640, Some("its group can read")),
            (0o644, Some("every user of this machine can read")),
            (0o660, Some("its group can replace")),
            (0o602, Some("every user of this machine can replace")),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found = exposed(&path).unwrap();
            assert_eq!(found.is_some(), said.is_some(), "{mode:o}");
            if let (Some(found), Some(said)) = (found, said) {
                let text = found.to_string();
                assert!(
                    text.contains(said) && found.remedy().starts_with("chmod 600 "),
                    "{text}"
                );
                assert_eq!(found.is_writable(), said.contains("replace"), "{mode:o}");
            }
        }
    }
}
