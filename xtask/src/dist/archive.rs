//! Archives whose bytes depend on nothing but what is put into them: entries in the order of their
//! paths, one time for all, owners by number, no name of a machine or a user.
//!
//! ```text
//! tar    POSIX ustar, names of at most 100 bytes
//! gzip   RFC 1952, without name and time
//! ar     "!<arch>\n", then for each member 60 bytes of header and its bytes, to an even length
//! ```

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// What is to be in an archive, by its path, which has no slash at either end.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<String, Entry>,
    /// The paths that were given twice.
    twice: Vec<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    kind: Kind,
    mode: u32,
    /// User and group.
    owner: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    File(Vec<u8>),
    Folder,
}

impl Tree {
    /// A file of root's, and the folders that it is in.
    pub(super) fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        self.add(path, Kind::File(bytes.into()), mode, 0);
    }

    /// The same for a file whose path is the sum of its bytes: it may be there already.
    pub(super) fn same(&mut self, path: &str, mode: u32, bytes: Vec<u8>) {
        if !self.entries.contains_key(path) {
            self.file(path, mode, bytes);
        }
    }

    /// A folder, and those that it is in.
    pub(super) fn folder(&mut self, path: &str, mode: u32, owner: u64) {
        self.add(path, Kind::Folder, mode, owner);
    }

    /// How many bytes the files have, and how many entries there are.
    pub(super) fn size(&self) -> (usize, usize) {
        let bytes = self.entries.values().map(|entry| match &entry.kind {
            Kind::File(bytes) => bytes.len(),
            Kind::Folder => 0,
        });
        (bytes.sum(), self.entries.len())
    }

    /// The archive, with this before each path.
    pub(super) fn tar(&self, prefix: &str, time: u64) -> Result<Vec<u8>, String> {
        if let Some(path) = self.twice.first() {
            return Err(format!("{path} is in an archive twice"));
        }
        let mut builder = Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let (kind, end, bytes) = match &entry.kind {
                Kind::File(bytes) => (EntryType::Regular, "", bytes.as_slice()),
                Kind::Folder => (EntryType::Directory, "/", &[][..]),
            };
            let mut header = Header::new_ustar();
            let end = if path.is_empty() { "" } else { end };
            name(&mut header, &format!("{prefix}{path}{end}"))?;
            header.set_entry_type(kind);
            header.set_mode(entry.mode);
            header.set_uid(entry.owner);
            header.set_gid(entry.owner);
            header.set_mtime(time);
            header.set_size(bytes.len().try_into().unwrap_or(u64::MAX));
            header.set_cksum();
            let added = builder.append(&header, bytes);
            added.map_err(|error| format!("{path}: {error}"))?;
        }
        builder.into_inner().map_err(|error| error.to_string())
    }

    fn add(&mut self, path: &str, kind: Kind, mode: u32, owner: u64) {
        for (at, _) in path.match_indices('/') {
            let folder = path.get(..at).unwrap_or_default().to_owned();
            self.entries.entry(folder).or_insert(Entry {
                kind: Kind::Folder,
                mode: 0o755,
                owner: 0,
            });
        }
        let entry = Entry { kind, mode, owner };
        if self.entries.insert(path.to_owned(), entry).is_some() {
            self.twice.push(path.to_owned());
        }
    }
}

/// Writes the name as it is: `Header::set_path` takes `./` away, which Debian's packages have.
fn name(header: &mut Header, path: &str) -> Result<(), String> {
    let room = header.as_old_mut().name.get_mut(..path.len());
    let room = room.ok_or_else(|| format!("{path} is longer than 100 bytes"))?;
    room.copy_from_slice(path.as_bytes());
    Ok(())
}

/// The bytes, compressed.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    // 255: an unknown system.
    let header = GzBuilder::new().mtime(0).operating_system(255);
    let mut encoder = header.write(Vec::new(), Compression::best());
    let done = encoder.write_all(bytes).and_then(|()| encoder.finish());
    done.map_err(|error| error.to_string())
}

/// An archive of these members, as Debian's packages are. Names have at most 15 bytes.
pub(super) fn ar(members: &[(&str, &[u8])], time: u64) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let (owner, mode, size) = (0, "100644", bytes.len());
        let header = format!("{name:<16}{time:<12}{owner:<6}{owner:<6}{mode:<8}{size:<10}`\n");
        archive.extend(header.as_bytes());
        archive.extend(*bytes);
        if !size.is_multiple_of(2) {
            archive.push(b'\n');
        }
    }
    archive
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;
    use std::io::Read as _;

    fn listing(tar: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().unwrap().map(Result::unwrap);
        let lines = entries.map(|mut entry| {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let (header, path) = (entry.header(), entry.path_bytes());
            format!(
                "{} {:o} {} {} {} {text}",
                String::from_utf8_lossy(&path),
                header.mode().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap(),
            )
        });
        lines.collect()
    }

    #[test]
    fn the_order_in_which_entries_come_does_not_matter() {
        let (mut one, mut other) = (Tree::default(), Tree::default());
        one.file("b/c", 0o644, "text");
        one.folder("a", 0o700, 7);
        one.file("b/a/d", 0o755, "");
        other.file("b/a/d", 0o755, "");
        other.folder("a", 0o700, 7);
        other.file("b/c", 0o644, "text");
        let tar = one.tar("./", 5).unwrap();
        assert_eq!(tar, other.tar("./", 5).unwrap());
        assert_eq!(
            listing(&tar),
            [
                "./a/ 700 7 7 5 ",
                "./b/ 755 0 0 5 ",
                "./b/a/ 755 0 0 5 ",
                "./b/a/d 755 0 0 5 ",
                "./b/c 644 0 0 5 text",
            ]
        );
    }

    #[test]
    fn a_path_is_there_once_and_fits() {
        let mut twice = Tree::default();
        twice.file("a", 0o644, "1");
        twice.file("a", 0o644, "2");
        assert!(twice.tar("", 0).is_err());
        let mut long = Tree::default();
        long.file(&"n".repeat(98), 0o644, "");
        assert!(long.tar("./", 0).is_ok());
        assert!(long.tar("more/", 0).is_err());
    }

    #[test]
    fn compressed_bytes_have_no_time_and_come_back() {
        let packed = gzip(b"some text").unwrap();
        assert_eq!(packed, gzip(b"some text").unwrap());
        assert_eq!(packed.get(4..10), Some(&[0, 0, 0, 0, 2, 255][..]));
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, b"some text");
    }

    #[test]
    fn members_begin_at_even_offsets() {
        let archive = ar(&[("a", b"123"), ("b", b"45")], 9);
        let text = String::from_utf8(archive).unwrap();
        let header =
            |name, size| format!("{name:<16}9           0     0     100644  {size:<10}`\n");
        let expected = format!("!<arch>\n{}123\n{}45", header("a", 3), header("b", 2));
        assert_eq!(text, expected);
    }
}
