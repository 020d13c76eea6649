//! The book: the pages in `docs/`, put together by mdBook into `target/book`.

mod links;
mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, root, run, succeeds, target};
use page::Page;

/// Where files that are no page of the book can be read.
const REPOSITORY: &str = "https://github.com/cosignet/verifier/blob/main";

/// Checks the links, has mdBook make the pages, and looks that these lead somewhere, too.
pub(crate) fn build() -> Result<(), String> {
    links::check(&root())?;
    if !succeeds(Command::new("mdbook").arg("--version")) {
        return Err(
            "mdbook is not installed: `cargo install --locked mdbook --no-default-features` \
             brings it"
                .into(),
        );
    }
    let (source, made) = (target().join("book-source"), target().join("book"));
    for folder in [&source, &made] {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
    }
    copy(&root(), Path::new("docs"), &source)?;
    copy_file(&root(), Path::new("book.toml"), &source)?;
    let mut mdbook = Command::new("mdbook");
    run(mdbook
        .arg("build")
        .arg("--dest-dir")
        .arg(&made)
        .arg(&source))?;
    links::check_made(&made)?;
    eprintln!("\nthe book: {}", made.join("index.html").display());
    Ok(())
}

/// Does what the pages for beginners say, command by command, those for agent builders as well: they
/// need the package indexes of Python and npm.
pub(crate) fn walk() -> Result<(), String> {
    run(&mut cargo(&[
        "build",
        "--package=gate",
        "--package=log-server",
        "--package=verifier-cli",
        "--package=witness",
    ]))?;
    run(&mut cargo(&[
        "test",
        "--package=demo",
        "--test=pages",
        "--",
        "--include-ignored",
    ]))
}

/// Copies a folder of the repository, with the links of its pages as the book needs them.
fn copy(from: &Path, folder: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to.join(folder)).map_err(|error| failed(&to.join(folder), &error))?;
    for path in entries(&from.join(folder))? {
        let within = path.strip_prefix(from).unwrap_or(&path);
        if path.is_dir() {
            copy(from, within, to)?;
        } else if path.extension().is_some_and(|name| name == "md") && !path.ends_with("SUMMARY.md")
        {
            let page = Page::read(from, within)?;
            let text = page.for_the_book(Path::new("docs"), REPOSITORY);
            fs::write(to.join(within), text).map_err(|error| failed(&to.join(within), &error))?;
        } else {
            copy_file(from, within, to)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, file: &Path, to: &Path) -> Result<(), String> {
    let copied = fs::copy(from.join(file), to.join(file));
    copied.map_err(|error| failed(&from.join(file), &error))?;
    Ok(())
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    let mut paths = Vec::new();
    for entry in read {
        paths.push(entry.map_err(|error| failed(folder, &error))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
