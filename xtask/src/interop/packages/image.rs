//! The images for containers: read by `skopeo`, unpacked by `umoci`, and run as they say, in their
//! own root and as their own user.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::place::Place;
use super::{ending, fresh, get, is_foreign};
use crate::command::{print, run};
use crate::files;

/// A service, and what makes it one that can run.
struct Case {
    name: &'static str,
    init: &'static [&'static str],
    /// A file that it needs, and its text.
    file: (&'static str, &'static str),
    /// The words behind those of the image.
    more: &'static [&'static str],
}

const CASES: [Case; 3] = [
    Case {
        name: "cosignet-gate",
        init: &["init", "--origin", "gate.example.com/log"],
        file: (
            "data/rules.toml",
            "[[rule]]\nname = \"all\"\naction = \"*\"\napprove = [{ group = \"g\", at_least = 1 }]\n",
        ),
        more: &["--url=https://gate.example.com", "--listen=127.0.0.1:0"],
    },
    Case {
        name: "cosignet-log",
        init: &["init", "--origin", "log.example.com/approvals"],
        file: ("data/unused", ""),
        more: &[
            "--rp-id=example.com",
            "--origin=https://example.com",
            "--listen=127.0.0.1:0",
        ],
    },
    Case {
        name: "cosignet-witness",
        init: &["init", "--data=/data", "--name=witness.example.com/w1"],
        file: (
            "etc/cosignet-witness.policy",
            "log log.example/approvals+8253e7ae+AZsfhHkc/HZjBFhU04netcqVRJ2HXydqg4QLBgqznPxx\nquorum none\n",
        ),
        more: &[],
    },
];

/// All images of a release, for both machines.
pub(super) fn try_all(release: &Path, folder: &Path) -> Result<(), String> {
    let images = ending(release, ".oci.tar")?;
    if images.len() != CASES.len() {
        return Err(format!("expected three images: {images:?}"));
    }
    for (image, case) in images.iter().zip(&CASES) {
        for machine in ["amd64", "arm64"] {
            try_one(image, machine, case, &folder.join("image"))?;
        }
    }
    Ok(())
}

fn try_one(image: &Path, machine: &str, case: &Case, folder: &Path) -> Result<(), String> {
    let name = case.name;
    fresh(folder)?;
    let version = env!("CARGO_PKG_VERSION");
    let source = format!("oci-archive:{}:{version}", image.display());
    let skopeo = || {
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "--override-os=linux"]);
        skopeo.arg(format!("--override-arch={machine}"));
        skopeo
    };
    let seen = print(skopeo().args(["inspect", &source]))?;
    let seen: Value = serde_json::from_str(&seen).map_err(|error| error.to_string())?;
    let text = |pointer: &str| seen.pointer(pointer).and_then(Value::as_str);
    let title = text("/Labels/org.opencontainers.image.title");
    if text("/Architecture") != Some(machine) || title != Some(name) {
        return Err(format!("{}: {seen}", image.display()));
    }
    // With every sum looked at, and without the other machine, which umoci would ask about.
    let layout = format!("oci:{}:{version}", folder.join("layout").display());
    run(skopeo().args(["copy", "--quiet", &source, &layout]))?;
    let bundle = folder.join("bundle");
    run(Command::new("umoci")
        .args(["unpack", "--image"])
        .arg(format!("{}:{version}", folder.join("layout").display()))
        .arg(&bundle))?;
    let configuration = files::read(&bundle.join("config.json"))?;
    let configuration: Value =
        serde_json::from_slice(&configuration).map_err(|error| error.to_string())?;
    let number = |pointer: &str| configuration.pointer(pointer).and_then(Value::as_u64);
    let user = number("/process/user/uid").zip(number("/process/user/gid"));
    let user = user.ok_or("an image without a user")?;
    if user != (10_001, 10_001) {
        return Err(format!("{name} would run as {user:?}"));
    }
    let words = |pointer: &str| {
        let words = configuration.pointer(pointer).and_then(Value::as_array);
        words.into_iter().flatten().filter_map(Value::as_str)
    };
    let user = format!("{}:{}", user.0, user.1);
    let place = Place::at(&bundle.join("rootfs"), &user);
    let program = format!("/usr/local/bin/{name}");
    if is_foreign(machine) {
        return place.foreign()?.says_its_version(&program);
    }
    place.says_its_version(&program)?;
    place.has("data", 0o700, "cosignet")?;
    // The variables that a runtime would set.
    let place = place.with(words("/process/env"));
    place.run(&[&[name], case.init].concat())?;
    let (file, text) = case.file;
    place.write(file, text.as_bytes())?;
    let words = words("/process/args").map(|word| match word {
        // This machine has one network for all of it.
        "0.0.0.0:8090" => "127.0.0.1:0",
        word => word,
    });
    let words: Vec<&str> = words.chain(case.more.iter().copied()).collect();
    let serving = place.serve(&words)?;
    get(&serving.address, "/healthz")?;
    if name != "cosignet-witness" {
        get(&serving.address, "/verify")?;
    }
    Ok(())
}
