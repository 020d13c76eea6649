//! Whose libraries are linked into the programs, and under which licences: a text that goes with
//! every package.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::product::PRODUCTS;
use super::programs::FEATURES;
use crate::command::{cargo, print};
use crate::files;

/// How names of files begin that say what may be done with a library.
const NAMES: [&str; 6] = [
    "COPYING",
    "COPYRIGHT",
    "LICENCE",
    "LICENSE",
    "NOTICE",
    "UNLICENSE",
];

const HEAD: &str = "\
The programs have libraries of others linked into them. Beside those below these are the standard
library of Rust (https://github.com/rust-lang/rust, MIT OR Apache-2.0), its support code of LLVM
(Apache-2.0 WITH LLVM-exception), SQLite (in the public domain), and, in those for
linux-musl, musl (https://musl.libc.org, MIT, Copyright 2005-2020 Rich Felker, et al.) and support
code of Zig (https://ziglang.org, MIT, Copyright Zig contributors).
";

/// A library that is linked in.
#[derive(Debug)]
struct Library {
    /// Name and version.
    name: String,
    licence: String,
    /// The texts that come with it.
    texts: Vec<String>,
}

/// The text for the programs of a target.
pub(super) fn of(target: &str) -> Result<Vec<u8>, String> {
    let linked = linked(target)?;
    let metadata = print(&mut cargo(&["metadata", "--locked", "--format-version=1"]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    let mut libraries = Vec::new();
    for package in packages.into_iter().flatten() {
        let text = |key: &str| {
            let text = package.get(key).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        let name = format!("{} {}", text("name"), text("version"));
        // What has no source is a part of this repository.
        if linked.contains(&name) && !text("source").is_empty() {
            let folder = Path::new(text("manifest_path")).parent();
            libraries.push(Library {
                name,
                licence: text("license").to_owned(),
                texts: texts(folder.unwrap_or(Path::new("")))?,
            });
        }
    }
    match libraries.is_empty() {
        true => Err("no library is linked in, which cannot be".into()),
        false => Ok(write(&libraries).into_bytes()),
    }
}

/// Names and versions of all that is linked in.
fn linked(target: &str) -> Result<BTreeSet<String>, String> {
    let packages = PRODUCTS.each_ref().map(|one| ["--package", one.package]);
    let words = [
        "tree",
        "--locked",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
        "--target",
        target,
        "--features",
        FEATURES,
    ];
    let tree = print(&mut cargo(&[&words[..], packages.as_flattened()].concat()))?;
    // name v1.2.3 (and where it is from, or *)
    let names = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        Some(format!("{name} {version}"))
    });
    Ok(names.collect())
}

fn texts(folder: &Path) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    for path in files::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_uppercase();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            let text = String::from_utf8_lossy(&files::read(&path)?).into_owned();
            texts.push(text.replace('\r', ""));
        }
    }
    Ok(texts)
}

/// A line for each library, then each text once, with those that have it.
fn write(libraries: &[Library]) -> String {
    let mut out = format!("{HEAD}\n");
    let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut lines = BTreeSet::new();
    for library in libraries {
        lines.insert(format!("{}: {}\n", library.name, library.licence));
        for text in &library.texts {
            by_text.entry(text.trim()).or_default().push(&library.name);
        }
    }
    out.extend(lines);
    for (text, mut names) in by_text {
        names.sort_unstable();
        names.dedup();
        let line = "-".repeat(80);
        out.push_str(&format!("\n{line}\n{}:\n\n{text}\n", names.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_many_have_stands_once() {
        let library = |name: &str, texts: &[&str]| Library {
            name: name.into(),
            licence: "MIT".into(),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        let all = [
            library("b 1.0.0", &["same\n", "own"]),
            library("a 2.0.0", &["same"]),
        ];
        let text = write(&all);
        assert!(text.starts_with(HEAD));
        assert!(text.contains("\na 2.0.0: MIT\nb 1.0.0: MIT\n"));
        assert!(text.contains("\na 2.0.0, b 1.0.0:\n\nsame\n"));
        assert!(text.contains("\nb 1.0.0:\n\nown\n"));
        assert_eq!(text.matches("same").count(), 1);
    }
}
