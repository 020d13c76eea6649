//! Files that nobody but the operator can have written, by where they are.

use std::path::Path;

/// Reads a file that is root's own: its path, with every link followed, and every folder from the
/// root of the file system on belong to root, and nobody else may write one of them.
///
/// The file alone says too little. Whoever chooses the path could name one that the kernel shows as
/// root's and fills with what a process likes, such as `/proc/PID/cmdline`: its size is said to be 0,
/// and is not what is read. A pipe or a device is never opened.
///
/// # Errors
///
/// Why it is not read, as the end of a sentence.
#[cfg(unix)]
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let unread = |error: std::io::Error| format!("cannot be read: {error}");
    let path = path.canonicalize().map_err(unread)?;
    for folder in path.ancestors().skip(1) {
        let found = folder.symlink_metadata().map_err(unread)?;
        is_operators(&found).map_err(|why| format!("lies in a folder that {why}"))?;
    }
    // Looked at before, since opening a pipe would wait; and again when it is open.
    is_file(&path.symlink_metadata().map_err(unread)?)?;
    let file = std::fs::File::open(&path).map_err(unread)?;
    let found = file.metadata().map_err(unread)?;
    is_file(&found)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    match u64::try_from(bytes.len()) {
        Ok(read) if read > limit => Err(format!("has more than {most} bytes")),
        Ok(read) if read == found.len() && read > 0 => Ok(bytes),
        _ => Err("is empty, or has another size than it says".into()),
    }
}

/// Elsewhere nobody can tell whose a file is: settings are in the code there.
#[cfg(not(unix))]
pub(crate) fn read(_path: &Path, _most: usize) -> Result<Vec<u8>, String> {
    Err("cannot be told to be the operator's own on this system".into())
}

#[cfg(unix)]
fn is_file(found: &std::fs::Metadata) -> Result<(), String> {
    match found.is_file() {
        true => is_operators(found).map_err(Into::into),
        false => Err("is no regular file".into()),
    }
}

#[cfg(unix)]
fn is_operators(found: &std::fs::Metadata) -> Result<(), &'static str> {
    use std::os::unix::fs::MetadataExt as _;
    roots_alone(found.uid(), found.mode())
}

#[cfg(unix)]
fn roots_alone(owner: u32, mode: u32) -> Result<(), &'static str> {
    /// Write permission of group and others.
    const WRITABLE: u32 = 0o022;
    match (owner, mode & WRITABLE) {
        (0, 0) => Ok(()),
        (0, _) => Err("can be written by others than root"),
        _ => Err("does not belong to root"),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn root_alone_owns_and_writes() {
        for (owner, mode, fits) in [
            (0, 0o100_644, true),
            (0, 0o100_600, true),
            (0, 0o40_755, true),
            (0, 0o100_664, false),
            (0, 0o100_646, false),
            (0, 0o41_777, false),
            (1000, 0o100_644, false),
            (1000, 0o100_400, false),
        ] {
            assert_eq!(roots_alone(owner, mode).is_ok(), fits, "{owner} {mode:o}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_the_kernel_makes_up_is_no_file_of_roots() {
        // Root's, for reading alone, in folders of root's: as the arguments of a process that another
        // user must not look at.
        let refused = read("/proc/version".as_ref(), 4096).unwrap_err();
        assert!(refused.contains("another size"), "{refused}");
        // What is no file is never opened.
        assert_eq!(
            read("/etc".as_ref(), 4096).unwrap_err(),
            "is no regular file"
        );
        // Nor is a device, which would never end.
        let refused = read("/dev/zero".as_ref(), 4096).unwrap_err();
        assert!(!refused.contains("bytes"), "{refused}");
    }

    #[test]
    fn a_folder_that_others_can_write_makes_no_file_roots() {
        // Everybody writes the folder of temporary files, or it is the user's own.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "text").unwrap();
        let refused = read(&path, 10).unwrap_err();
        assert!(refused.starts_with("lies in a folder"), "{refused}");
        // A link from elsewhere changes nothing.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 10).unwrap_err(), refused);
        // The operator's own can be read, as far as it goes.
        let own = "/etc/passwd".as_ref();
        if read(own, 1 << 20).is_ok() {
            let long = read(own, 1).unwrap_err();
            assert_eq!(long, "has more than 1 bytes");
        } else {
            eprintln!("NOT TESTED: a file of root's, since /etc/passwd is none here");
        }
    }
}
