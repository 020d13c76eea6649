//! Files that are built before these tests run.

use std::env;
use std::fs;
use std::path::PathBuf;

/// cargo's target folder: this test is in target/<profile>/deps.
pub(crate) fn target() -> PathBuf {
    let own = env::current_exe().unwrap();
    own.ancestors().nth(3).unwrap().to_path_buf()
}

/// A program of this workspace, in the folder that these tests are built in.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let own = env::current_exe().unwrap();
    let path = own.ancestors().nth(2).unwrap().join(name);
    assert!(
        path.is_file(),
        "there is no {}: `cargo build -p {package}` makes it, `cargo xtask test` makes everything",
        path.display()
    );
    path
}

/// The page in one file.
pub(crate) fn single() -> PathBuf {
    built("web/single/verify.html", "cargo xtask web")
}

pub(crate) fn axe() -> String {
    let path = built("axe/node_modules/axe-core/axe.min.js", "cargo xtask test");
    fs::read_to_string(path).unwrap()
}

fn built(name: &str, by: &str) -> PathBuf {
    let path = target().join(name);
    let place = path.display();
    assert!(path.is_file(), "there is no {place}: `{by}` makes it");
    path
}

pub(crate) fn screenshots() -> PathBuf {
    let folder = target().join("screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder
}
