#![allow(clippy::unwrap_used, reason = "these are tests")]

use super::*;
use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

fn release() -> Release {
    Release {
        version: "1.2.3".into(),
        commit: "c0ffee".into(),
        time: 1_700_000_000,
    }
}

/// Programs that are their own names.
fn programs(target: &str) -> Programs {
    let named = PRODUCTS.iter().map(|one| (one.name, one.name.into()));
    Programs {
        target: target.into(),
        files: named.collect(),
    }
}

/// What is packed, with pages that are there for each program.
fn pack(programs: &[Programs]) -> Files {
    let folder = tempfile::tempdir().unwrap();
    for product in &PRODUCTS {
        let name = product.name;
        for file in [
            format!("{name}/man1/{name}.1"),
            format!("{name}/completions/_{name}"),
            format!("{name}/completions/{name}.bash"),
            format!("{name}/completions/{name}.fish"),
            format!("{name}/completions/_{name}.ps1"),
            "openapi.json".to_owned(),
        ] {
            files::write(&folder.path().join(&file), file.as_bytes()).unwrap();
        }
    }
    let release = release();
    let inputs = Inputs {
        release: &release,
        programs,
        share: Share::read(folder.path(), b"notices".to_vec()).unwrap(),
        packages: [("x.whl".to_owned(), b"wheel".to_vec())].into(),
        source: b"source".to_vec(),
        page: b"page".to_vec(),
    };
    inputs.pack().unwrap()
}

fn both() -> [Programs; 2] {
    ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"].map(programs)
}

/// Files of an archive: mode and text.
fn unpacked(packed: &[u8]) -> BTreeMap<String, (u32, String)> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    let entries = archive.entries().unwrap().map(Result::unwrap);
    let named = entries.map(|mut entry| {
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (path, (entry.header().mode().unwrap(), text))
    });
    named.collect()
}

/// The member of a package for Debian that has the files.
fn data(package: &[u8]) -> BTreeMap<String, (u32, String)> {
    let mut rest = package.strip_prefix(b"!<arch>\n").unwrap();
    loop {
        let (header, more) = rest.split_at(60);
        let header = String::from_utf8_lossy(header).into_owned();
        let size: usize = header[48..58].trim().parse().unwrap();
        if header.starts_with("data.tar.gz ") {
            return unpacked(&more[..size]);
        }
        rest = &more[size + size % 2..];
    }
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    let both = both();
    same(&pack(&both), &pack(&both)).unwrap();
    let mut other = both.clone();
    other[1].files.insert("cosignet", b"another".to_vec());
    let error = same(&pack(&both), &pack(&other)).unwrap_err();
    for (name, differs) in [
        ("\"cosignet_1.2.3-1_arm64.deb\"", true),
        ("\"cosignet_1.2.3-1_amd64.deb\"", false),
        ("\"cosignet-1.2.3-aarch64-unknown-linux-musl.tar.gz\"", true),
        ("\"cosignet.rb\"", true),
        ("\"cosignet-gate-1.2.3.oci.tar\"", false),
        ("\"release.json\"", true),
    ] {
        assert_eq!(error.contains(name), differs, "{name}: {error}");
    }
}

#[test]
fn a_release_has_every_package_and_a_statement_about_it() {
    let files = pack(&both());
    let mut expected = [
        "SHA256SUMS",
        "cosignet-1.2.3-aarch64-unknown-linux-musl.tar.gz",
        "cosignet-1.2.3-source.tar.gz",
        "cosignet-1.2.3-x86_64-unknown-linux-musl.tar.gz",
        "cosignet-gate-1.2.3.oci.tar",
        "cosignet-log-1.2.3.oci.tar",
        "cosignet-witness-1.2.3.oci.tar",
        "cosignet.rb",
        "openapi.json",
        "release.json",
        "verify.html",
        "x.whl",
    ]
    .map(str::to_owned)
    .to_vec();
    for product in &PRODUCTS {
        for machine in ["amd64", "arm64"] {
            expected.push(format!("{}_1.2.3-1_{machine}.deb", product.name));
        }
    }
    expected.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), expected);
    let statement: Value = serde_json::from_slice(&files["release.json"]).unwrap();
    let stated = statement["files"].as_object().unwrap();
    assert_eq!(stated.len(), files.len() - 1);
    for (name, sum) in stated {
        assert_eq!(sum, &hex(&sha256(&files[name])), "{name}");
    }
}

#[test]
fn other_systems_have_an_archive_alone() {
    let files = pack(&[programs("aarch64-apple-darwin")]);
    let archive = &files["cosignet-1.2.3-aarch64-apple-darwin.tar.gz"];
    let archive = unpacked(archive);
    let top = "cosignet-1.2.3-aarch64-apple-darwin";
    for (path, mode) in [
        ("bin/cosignet", 0o755),
        ("share/man/man1/cosignet-log.1", 0o644),
        ("share/completions/_cosignet-gate.ps1", 0o644),
        ("share/systemd/cosignet-witness.service", 0o644),
        ("LICENSE-MIT", 0o644),
        ("third-party.txt", 0o644),
    ] {
        assert_eq!(archive[&format!("{top}/{path}")].0, mode, "{path}");
    }
    assert!(archive.keys().all(|path| path.starts_with(top)));
    assert!(!files.keys().any(|name| name.ends_with(".deb")));
    assert!(!files.contains_key("cosignet.rb"));
}

#[test]
fn a_package_for_debian_has_unit_settings_pages_and_completions() {
    let files = pack(&both());
    let gate = data(&files["cosignet-gate_1.2.3-1_arm64.deb"]);
    let text = |path: &str| gate[path].1.as_str();
    assert_eq!(gate["./"].0, 0o755);
    assert_eq!(
        gate["./usr/bin/cosignet-gate"],
        (0o755, "cosignet-gate".into())
    );
    let unit = text("./usr/lib/systemd/system/cosignet-gate.service");
    assert!(
        unit.contains("\nExecStart=/usr/bin/cosignet-gate serve "),
        "{unit}"
    );
    assert!(!unit.contains("local"));
    // Not a line is in force.
    let settings = text("./etc/cosignet-gate.toml").lines();
    assert!(settings.clone().count() > 5);
    assert!(
        settings
            .into_iter()
            .all(|line| line.is_empty() || line.starts_with('#'))
    );
    for path in [
        "./usr/share/man/man1/cosignet-gate.1.gz",
        "./usr/share/bash-completion/completions/cosignet-gate",
        "./usr/share/fish/vendor_completions.d/cosignet-gate.fish",
        "./usr/share/zsh/vendor-completions/_cosignet-gate",
        "./usr/share/doc/cosignet-gate/changelog.Debian.gz",
        "./usr/share/doc/cosignet-gate/third-party.txt.gz",
    ] {
        assert_eq!(gate[path].0, 0o644, "{path}");
    }
    let copyright = text("./usr/share/doc/cosignet-gate/copyright");
    assert!(copyright.contains("\n .\n") && !copyright.contains("@MIT@"));
    assert!(!gate.keys().any(|path| path.contains("ps1")));

    let cosignet = data(&files["cosignet_1.2.3-1_amd64.deb"]);
    assert!(
        !cosignet
            .keys()
            .any(|path| path.contains("/etc/") || path.contains("systemd"))
    );
}

#[test]
fn options_are_read_and_others_refused() {
    let options = Options::parse(&["--target", "a", "--check", "--target", "b"]).unwrap();
    assert_eq!(options.targets, ["a", "b"]);
    assert!(options.check && !options.compile_twice);
    assert!(Options::parse(&["--target"]).is_err());
    assert!(Options::parse(&["--publish"]).is_err());
}
