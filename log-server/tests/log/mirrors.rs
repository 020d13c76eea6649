//! Copies of a log that somebody else runs, from its address alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use test_vectors::log;
use test_vectors::note::note;
use test_vectors::server::Server;
use test_vectors::site::tiles;

use crate::harness::{Approval, LOG, Log, flip, run};

/// A log that is but files on a server, and a place for its copy.
struct Site {
    server: Server,
    leaves: Vec<String>,
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self {
            server: Server::start(),
            leaves: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Grows to this size, with entries of this kind.
    fn grow(&mut self, size: usize, kind: &str) {
        let more = (self.leaves.len()..size).map(|n| format!("{kind} {n}"));
        self.leaves.extend(more);
        self.server.replace(self.files());
    }

    fn log(&self) -> log::Log {
        log::Log::new(LOG, [7; 32], &self.leaves)
    }

    /// Everything that it serves.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = tiles(&self.leaves);
        files.insert("checkpoint".into(), self.checkpoint().into_bytes());
        files
    }

    fn checkpoint(&self) -> String {
        let log = self.log();
        let text = log.checkpoint(self.leaves.len()).text();
        note(&text, &log.sign(&text, &[]))
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    /// Exit code and messages.
    fn mirror(&self, more: &[&str]) -> (Option<i32>, String) {
        let (url, vkey) = (self.server.url(), self.log().key.vkey());
        let copy = self.copy().display().to_string();
        let args = [&["mirror", &url, &copy, "--vkey", &vkey], more].concat();
        let output = run(&args);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn mirrored(&self) -> String {
        let (code, said) = self.mirror(&[]);
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// The copy has what the site serves, to the byte, and beside that only partial tiles of before.
    fn assert_same(&self) {
        let mut found = files(&self.copy());
        for (name, bytes) in self.files() {
            assert!(found.remove(&name) == Some(bytes), "{name}");
        }
        found.remove("mirror.lock");
        assert!(
            found.keys().all(|name| name.contains(".p/")),
            "{:?}",
            found.keys()
        );
    }
}

/// All files below a folder, by path.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut folders, mut files) = (vec![folder.to_path_buf()], BTreeMap::new());
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_copy_has_what_the_log_shows_and_each_run_fetches_what_is_new() {
    let mut site = Site::new();
    for (size, new) in [(1, 1), (255, 254), (256, 1), (257, 1), (700, 443)] {
        site.grow(size, "entry");
        let said = site.mirrored();
        assert!(
            said.contains(&format!("{size} entries, {new} of them new")),
            "{said}"
        );
        assert_eq!(
            fs::read_to_string(site.copy().join("checkpoint")).unwrap(),
            site.checkpoint()
        );
        assert!(site.mirrored().contains(" 0 of them new"));
    }
    // By now the partial tiles of before are gone, but for those of the last bundle.
    let partial: Vec<String> = files(&site.copy())
        .into_keys()
        .filter(|n| n.contains(".p/"))
        .collect();
    assert!(
        partial
            .iter()
            .all(|name| name.contains("/002.p/") || name.contains("/1/000.p/")),
        "{partial:?}"
    );
    // It asks for what it does not have, and for nothing else.
    site.server.received();
    site.grow(701, "entry");
    site.mirrored();
    let asked: Vec<String> = site
        .server
        .received()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    assert!(
        asked
            .iter()
            .filter(|path| path.contains("entries"))
            .eq(["tile/entries/002.p/189"]),
        "{asked:?}"
    );
    // In one go, with a second level that is not full and a third one.
    let mut large = Site::new();
    large.grow(66_000, "entry");
    large.mirrored();
    large.assert_same();
}

#[test]
fn a_run_that_was_interrupted_goes_on_and_repairs_what_it_left() {
    let mut site = Site::new();
    site.grow(300, "entry");
    site.mirrored();
    site.grow(1500, "entry");
    // The log breaks off in the middle.
    site.server.remove("tile/entries/004");
    let (code, said) = site.mirror(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("does not serve tile/entries/004"), "{said}");
    site.server.replace(site.files());
    site.mirrored();
    site.assert_same();

    // Of what lies there beyond the checkpoint nothing is believed.
    site.grow(2000, "entry");
    let there = site.files();
    for name in ["tile/entries/006", "tile/0/006", "tile/entries/007.p/208"] {
        let path = site.copy().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &there[name]).unwrap();
        flip(&path);
    }
    site.mirrored();
    site.assert_same();

    // Damage at the edge is found by itself, and any other if it is looked for.
    flip(&site.copy().join("tile/0/007.p/208"));
    let said = site.mirrored();
    assert!(said.contains("damaged at its edge"), "{said}");
    site.assert_same();
    for name in ["tile/entries/001", "tile/0/002"] {
        flip(&site.copy().join(name));
    }
    site.mirrored();
    let (code, said) = site.mirror(&["--recheck"]);
    assert_eq!(code, Some(0), "{said}");
    site.assert_same();
}

#[test]
fn a_log_that_went_back_or_forked_is_not_followed() {
    let mut site = Site::new();
    site.grow(300, "entry");
    let before = site.files();
    site.grow(500, "entry");
    site.mirrored();
    let kept = files(&site.copy());

    site.server.replace(before);
    let (code, said) = site.mirror(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it went back"), "{said}");
    assert_eq!(files(&site.copy()), kept);

    // Smaller, of the same size, and larger; each parts from the copy after 400 entries.
    for (forks, size) in (1..).zip([450, 500, 900]) {
        site.leaves.truncate(400);
        site.grow(size, "other");
        let (code, said) = site.mirror(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("two histories"), "{said}");
        let mut found = files(&site.copy());
        let evidence: Vec<String> = found
            .keys()
            .filter(|n| n.starts_with("forks/"))
            .cloned()
            .collect();
        assert_eq!(evidence.len(), forks);
        let own = evidence
            .iter()
            .find(|name| name.contains(&format!("/{size}-")))
            .unwrap();
        assert_eq!(found[own], site.checkpoint().into_bytes());
        found.retain(|name, _| !name.starts_with("forks/"));
        assert_eq!(found, kept);
        assert!(said.contains(own.as_str()), "{said}");
    }
    let vkey = site.log().key.vkey();
    let copy = site.copy().display().to_string();
    let output = run(&["fsck", &copy, "--vkey", &vkey]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("beside this history"), "{said}");
}

#[test]
fn nothing_is_written_that_is_not_in_the_tree() {
    let mut site = Site::new();
    site.grow(600, "entry");
    for name in [
        "tile/entries/001",
        "tile/entries/002.p/88",
        "tile/1/000.p/2",
    ] {
        let mut bytes = site.files()[name].clone();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        site.server.set(name, bytes.clone());
        let (code, said) = site.mirror(&[]);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(
            said.contains("does not fit the signed head"),
            "{name}: {said}"
        );
        let found = files(&site.copy());
        assert!(!found.contains_key("checkpoint"), "{name}");
        assert!(!found.values().any(|written| *written == bytes), "{name}");
        site.server.replace(site.files());
    }
    site.mirrored();
    site.assert_same();
}

#[test]
fn exit_codes_tell_a_script_what_to_do() {
    let mut site = Site::new();
    site.grow(5, "entry");
    let (url, copy) = (site.server.url(), site.copy().display().to_string());
    let vkey = site.log().key.vkey();
    let other = log::Log::new(LOG, [8; 32], &["x"]).key.vkey();
    let code = |args: &[&str]| {
        let output = run(&[&["mirror"], args].concat());
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for (expected, args) in [
        (2, vec![url.as_str(), copy.as_str()]),
        (2, vec![&url, &copy, "--vkey", "x"]),
        (2, vec!["ftp://log.example", &copy, "--vkey", &vkey]),
        (2, vec![&url, "s3://x", "--vkey", &vkey]),
        (1, vec![&url, &copy, "--vkey", &other]),
        (5, vec!["http://127.0.0.1:9", &copy, "--vkey", &vkey]),
        (0, vec![&url, &copy, "--vkey", &vkey]),
        (0, vec![&url, &copy, "--vkey", &vkey]),
        // Now it is known whose copy this is.
        (1, vec![&url, &copy, "--vkey", &other]),
    ] {
        let (found, said) = code(&args);
        assert_eq!(found, expected, "{args:?}: {said}");
    }
    // A quorum that the checkpoint does not have.
    let witness = log::Witness::new("w", "witness.example/w", [9; 32]);
    let policy = site.folder.path().join("policy");
    let line = witness.policy_line();
    fs::write(&policy, format!("{line}\nquorum w\n")).unwrap();
    let policy = policy.display().to_string();
    let (found, said) = code(&[&url, &copy, "--vkey", &vkey, "--witness-policy", &policy]);
    assert_eq!(found, 1, "{said}");
    assert!(said.contains("too few witnesses"), "{said}");
}

#[test]
fn a_copy_of_a_real_log_is_whole() {
    let log = Log::new();
    let server = log.serve();
    for number in 1..=3 {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy").display().to_string();
    log.succeed(&["mirror", &server.client.url, &copy, "--vkey", &log.vkey]);
    let (code, report) = log.fsck_of(&[&copy, "--vkey", &log.vkey]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["size"], 3);
    assert_eq!(log.fsck_of(&[&copy]).0, Some(2));
    flip(&folder.path().join("copy/tile/entries/000.p/3"));
    assert_eq!(log.fsck_of(&[&copy, "--vkey", &log.vkey]).0, Some(1));
}
