//! One page of Markdown: its links, and the anchors that others can link to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

/// A page, by its path in the repository.
#[derive(Debug)]
pub(super) struct Page {
    path: PathBuf,
    text: String,
    links: Vec<Link>,
    anchors: BTreeSet<String>,
}

/// A link as it is written, and where it stands.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) to: String,
    place: Range<usize>,
}

/// A place in the repository that a link leads to.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) anchor: Option<String>,
}

impl Page {
    /// Reads a page of a repository.
    pub(super) fn read(repository: &Path, path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(repository.join(path));
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self::new(path, text))
    }

    pub(super) fn new(path: &Path, text: String) -> Self {
        let (links, anchors) = links_and_anchors(&text);
        Self {
            path: path.to_path_buf(),
            text,
            links,
            anchors,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    pub(super) fn has(&self, anchor: &str) -> bool {
        self.anchors.contains(anchor)
    }

    /// Where a link of this page leads, if not out into the world; `None` within it is a place above
    /// the repository.
    pub(super) fn place(&self, link: &Link) -> Option<Option<Place>> {
        let scheme = link.to.split(['/', '#', '?']).next().unwrap_or_default();
        if scheme.contains(':') {
            return None;
        }
        let (path, anchor) = match link.to.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor.to_owned())),
            None => (link.to.as_str(), None),
        };
        let path = match path {
            "" => Some(self.path.clone()),
            path => joined(self.path.parent().unwrap_or(Path::new("")), path),
        };
        Some(path.map(|path| Place { path, anchor }))
    }

    /// The text for mdBook: links that leave `folder` become links below `url`, and each `README.md`
    /// is an `index.md`, as mdBook has it.
    pub(super) fn for_the_book(&self, folder: &Path, url: &str) -> String {
        let mut links: Vec<&Link> = self.links.iter().collect();
        // From the end, so that places before a change stay what they are. Links by reference share
        // the place of their address.
        links.sort_by_key(|link| Reverse(link.place.start));
        links.dedup_by_key(|link| link.place.start);
        let mut text = self.text.clone();
        for link in links {
            let Some(Some(Place { path, anchor })) = self.place(link) else {
                continue;
            };
            let anchor = anchor
                .map(|anchor| format!("#{anchor}"))
                .unwrap_or_default();
            let there = match path.starts_with(folder) {
                true => link.to.replace("README.md", "index.md"),
                false => format!("{url}/{}{anchor}", path.display()),
            };
            let written = text.get(link.place.clone()).unwrap_or_default();
            // The last one: the words of a link come before its address.
            if let Some((before, behind)) = written.rsplit_once(&link.to) {
                let changed = format!("{before}{there}{behind}");
                text.replace_range(link.place.clone(), &changed);
            }
        }
        text
    }
}

/// A path from a folder of the repository; `None` if it leads out of it.
fn joined(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut result = folder.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => result.push(name),
            Component::ParentDir => {
                if !result.pop() {
                    return None;
                }
            }
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(result)
}

fn links_and_anchors(text: &str) -> (Vec<Link>, BTreeSet<String>) {
    let mut links = Vec::new();
    let mut anchors = BTreeSet::new();
    let mut seen = BTreeMap::new();
    let mut heading: Option<String> = None;
    let mut parser = Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter();
    for (event, place) in &mut parser {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap_or_default());
                let count: &mut u32 = seen.entry(name.clone()).or_default();
                anchors.insert(match *count {
                    0 => name,
                    count => format!("{name}-{count}"),
                });
                *count = count.saturating_add(1);
            }
            Event::Start(
                Tag::Link {
                    link_type,
                    dest_url,
                    ..
                }
                | Tag::Image {
                    link_type,
                    dest_url,
                    ..
                },
            ) if link_type != LinkType::Email => links.push(Link {
                to: dest_url.into_string(),
                place,
            }),
            Event::Html(html) | Event::InlineHtml(html) => {
                for to in attributes(&html) {
                    let place = place.clone();
                    links.push(Link { to, place });
                }
            }
            _ => {}
        }
    }
    // The address of a link by reference stands at its definition.
    for (_, definition) in parser.reference_definitions().iter() {
        for link in &mut links {
            let within = text.get(link.place.clone()).unwrap_or_default();
            if link.to == *definition.dest && !within.contains(&link.to) {
                link.place = definition.span.clone();
            }
        }
    }
    (links, anchors)
}

/// What the tags of a page with HTML in it lead to.
fn attributes(html: &str) -> impl Iterator<Item = String> {
    ["href=\"", "src=\"", "srcset=\""]
        .into_iter()
        .flat_map(|name| {
            let behind = html.split(name).skip(1);
            let values = behind.filter_map(|rest| rest.split('"').next());
            values.map(str::to_owned).collect::<Vec<_>>()
        })
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|one| match one {
        ' ' => Some('-'),
        '-' | '_' => Some(one),
        _ if one.is_alphanumeric() => Some(one),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::new(Path::new("docs/spec/entry.md"), text.to_owned())
    }

    fn only_place(text: &str) -> Option<Option<Place>> {
        let page = page(text);
        let [link] = page.links() else {
            panic!("{:?}", page.links());
        };
        page.place(link)
    }

    #[test]
    fn a_link_leads_from_the_folder_of_its_page() {
        let place = |path: &str, anchor: Option<&str>| {
            Some(Some(Place {
                path: path.into(),
                anchor: anchor.map(str::to_owned),
            }))
        };
        for (text, expected) in [
            ("[a](log.md)", place("docs/spec/log.md", None)),
            (
                "[a](../GATE.md#people)",
                place("docs/GATE.md", Some("people")),
            ),
            ("[a](../../README.md)", place("README.md", None)),
            ("[a](#here)", place("docs/spec/entry.md", Some("here"))),
            ("[a]\n\n[a]: ../x.md", place("docs/x.md", None)),
            ("<img src=\"../p.webp\">", place("docs/p.webp", None)),
            ("[a](../../../etc/passwd)", Some(None)),
            ("[a](/GATE.md)", Some(None)),
            ("[a](https://c2sp.org/tlog-policy#x)", None),
        ] {
            assert_eq!(only_place(text), expected, "{text}");
        }
    }

    #[test]
    fn code_has_no_links() {
        assert!(
            page("`[a](b.md)`\n\n```\n[a](b.md)\n```\n")
                .links()
                .is_empty()
        );
    }

    #[test]
    fn anchors_are_those_of_github() {
        let page = page("# The gate's `serve`, 2 of 3\n\n## A_b-c\n\n## A_b-c\n\n```\n# no\n```\n");
        for there in ["the-gates-serve-2-of-3", "a_b-c", "a_b-c-1"] {
            assert!(page.has(there), "{there}: {:?}", page.anchors);
        }
        assert!(!page.has("no"));
        assert!(!page.has("a_b-c-2"));
    }

    #[test]
    fn links_lead_elsewhere_in_the_book() {
        for (text, expected) in [
            ("[x.rs](../../x.rs#l)", "[x.rs](https://e/x.rs#l)"),
            ("[../../x](../../x)", "[../../x](https://e/x)"),
            ("[a](../../README.md)", "[a](https://e/README.md)"),
            ("[GATE](../GATE.md#a)", "[GATE](../GATE.md#a)"),
            ("[README.md](README.md#a)", "[README.md](index.md#a)"),
            (
                "[a][r] [b][r], [c](../README.md)\n\n[r]: ../../r.rs\n",
                "[a][r] [b][r], [c](../index.md)\n\n[r]: https://e/r.rs\n",
            ),
        ] {
            assert_eq!(
                page(text).for_the_book(Path::new("docs"), "https://e"),
                expected
            );
        }
    }
}
