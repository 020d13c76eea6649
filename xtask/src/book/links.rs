//! Whether the links between pages lead somewhere, before and behind mdBook.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::page::{Page, Place};
use super::{entries, failed};

/// The table of contents, from which mdBook makes the book.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Folders with pages that are read otherwise, or are not of this repository.
const NOT_OURS: [&str; 3] = [".git", "docs", "target"];

/// Checks that every page of `docs/` is in the table of contents, once, and that each link of the
/// repository's pages leads to a file and an anchor that exist.
pub(super) fn check(repository: &Path) -> Result<(), String> {
    let pages = pages(repository)?;
    let mut wrong = broken(repository, &pages);
    wrong.extend(unlisted(&pages));
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => Err(format!("the pages have mistakes:\n{}", wrong.join("\n"))),
    }
}

/// Checks that each link of the pages that mdBook made leads to one of its files.
pub(super) fn check_made(book: &Path) -> Result<(), String> {
    let mut wrong = Vec::new();
    for path in below(book, "html")? {
        let html = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
        let folder = path.parent().unwrap_or(book);
        for link in html.split("href=\"").skip(1) {
            let link = link.split('"').next().unwrap_or_default();
            let file = link.split(['#', '?']).next().unwrap_or_default();
            // The page for addresses that do not exist has a base of its own.
            let is_page_of_errors = path.ends_with("404.html");
            if file.contains(':') || file.is_empty() || is_page_of_errors {
                continue;
            }
            if !folder.join(file).exists() {
                wrong.push(format!("{}: {link} leads nowhere", path.display()));
            }
        }
    }
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => Err(format!("the book has mistakes:\n{}", wrong.join("\n"))),
    }
}

/// The pages in `docs/`, those at the top of the repository, and each `README.md` of a package.
fn pages(repository: &Path) -> Result<BTreeMap<PathBuf, Page>, String> {
    let mut paths = below(&repository.join("docs"), "md")?;
    for path in entries(repository)? {
        if path.extension().is_some_and(|name| name == "md") {
            paths.push(path);
        } else if path.is_dir() && !NOT_OURS.iter().any(|name| path.ends_with(name)) {
            paths.extend(readme(&path));
            let folders = entries(&path)?;
            paths.extend(folders.iter().filter_map(|path| readme(path)));
        }
    }
    let mut pages = BTreeMap::new();
    for path in paths {
        let within = path.strip_prefix(repository).unwrap_or(&path);
        pages.insert(within.to_path_buf(), Page::read(repository, within)?);
    }
    Ok(pages)
}

fn readme(folder: &Path) -> Option<PathBuf> {
    let path = folder.join("README.md");
    path.is_file().then_some(path)
}

/// Every file with this ending.
fn below(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            found.extend(below(&path, ending)?);
        } else if path.extension().is_some_and(|name| name == ending) {
            found.push(path);
        }
    }
    Ok(found)
}

fn broken(repository: &Path, pages: &BTreeMap<PathBuf, Page>) -> Vec<String> {
    let mut wrong = Vec::new();
    for page in pages.values() {
        let here = page.path().display();
        for link in page.links() {
            let Some(place) = page.place(link) else {
                continue;
            };
            let to = &link.to;
            let Some(Place { path, anchor }) = place else {
                wrong.push(format!("{here}: {to} leads out of the repository"));
                continue;
            };
            if !repository.join(&path).exists() {
                wrong.push(format!("{here}: {to} leads to no file"));
            } else if let Some(anchor) = anchor
                && !pages.get(&path).is_some_and(|page| page.has(&anchor))
            {
                wrong.push(format!("{here}: {to} leads to no heading"));
            }
        }
    }
    wrong
}

fn unlisted(pages: &BTreeMap<PathBuf, Page>) -> Vec<String> {
    let Some(summary) = pages.get(Path::new(SUMMARY)) else {
        return vec![format!("there is no {SUMMARY}")];
    };
    let mut listed: BTreeMap<PathBuf, u32> = BTreeMap::new();
    for link in summary.links() {
        if let Some(Some(place)) = summary.place(link) {
            let count = listed.entry(place.path).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut wrong = Vec::new();
    for path in pages.keys() {
        if path.starts_with("docs") && path != Path::new(SUMMARY) {
            match listed.get(path) {
                Some(1) => {}
                Some(_) => wrong.push(format!("{SUMMARY}: {} is there twice", path.display())),
                None => wrong.push(format!("{SUMMARY}: {} is missing", path.display())),
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::root;

    #[test]
    fn every_page_is_in_the_contents_and_every_link_leads_somewhere() {
        check(&root()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let pages = pages(&root()).unwrap();
        assert!(pages.len() > 30, "{}", pages.len());
        let links: usize = pages.values().map(|page| page.links().len()).sum();
        assert!(links > 300, "{links}");
    }

    fn wrong(files: &[(&str, &str)]) -> Vec<String> {
        let pages = files.iter().map(|(path, text)| {
            let page = Page::new(Path::new(path), (*text).to_owned());
            (PathBuf::from(path), page)
        });
        let pages: BTreeMap<PathBuf, Page> = pages.collect();
        let mut wrong = broken(&root(), &pages);
        wrong.extend(unlisted(&pages));
        wrong
    }

    #[test]
    fn mistakes_are_found() {
        // Of files it is the repository that is looked at, of headings these pages.
        let summary = ("docs/SUMMARY.md", "[a](GATE.md)");
        assert!(wrong(&[summary, ("docs/GATE.md", "# A b\n[c](#a-b)")]).is_empty());
        for (text, expected) in [
            ("[a](GONE.md)", "docs/GATE.md: GONE.md leads to no file"),
            ("[a](#gone)", "docs/GATE.md: #gone leads to no heading"),
            (
                "[a](example/payload.json#x)",
                "docs/GATE.md: example/payload.json#x leads to no heading",
            ),
            (
                "[a](../../x)",
                "docs/GATE.md: ../../x leads out of the repository",
            ),
        ] {
            assert_eq!(wrong(&[summary, ("docs/GATE.md", text)]), [expected]);
        }
        let page = ("docs/GATE.md", "");
        let missing = wrong(&[("docs/SUMMARY.md", ""), page]);
        assert_eq!(missing, ["docs/SUMMARY.md: docs/GATE.md is missing"]);
        let twice = wrong(&[("docs/SUMMARY.md", "[a](GATE.md) [b](GATE.md)"), page]);
        assert_eq!(twice, ["docs/SUMMARY.md: docs/GATE.md is there twice"]);
    }
}
