//! What goes with the programs, the same for every machine: manual pages, completions, texts.

use std::collections::BTreeMap;
use std::path::Path;

use super::product::PRODUCTS;
use crate::command::root;
use crate::files;

/// Files by their names.
type Named = BTreeMap<String, Vec<u8>>;

/// What a program says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pub(super) man: Named,
    pub(super) completions: Named,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Share {
    pages: BTreeMap<&'static str, Pages>,
    /// The descriptions of interfaces.
    pub(super) interfaces: Named,
    /// The licence.
    pub(super) mit: String,
    pub(super) apache: String,
    pub(super) changelog: Vec<u8>,
    pub(super) readme: Vec<u8>,
    /// Whose libraries are in the programs, with their licences.
    pub(super) notices: Vec<u8>,
}

impl Share {
    /// Reads what `describe` wrote into a folder, and the texts of the repository.
    pub(super) fn read(folder: &Path, notices: Vec<u8>) -> Result<Self, String> {
        let text = |name: &str| {
            let bytes = files::read(&root().join(name))?;
            String::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))
        };
        let mut pages = BTreeMap::new();
        for product in &PRODUCTS {
            let of = folder.join(product.name);
            let (man, completions) = (named(&of.join("man1"))?, named(&of.join("completions"))?);
            pages.insert(product.name, Pages { man, completions });
        }
        let mut interfaces = named(folder)?;
        interfaces.retain(|name, _| name.ends_with(".json"));
        Ok(Self {
            pages,
            interfaces,
            mit: text("LICENSE-MIT")?,
            apache: text("LICENSE-APACHE")?,
            changelog: text("CHANGELOG.md")?.into_bytes(),
            readme: text("README.md")?.into_bytes(),
            notices,
        })
    }

    /// What a program says of itself.
    pub(super) fn pages(&self, name: &str) -> Result<&Pages, String> {
        let pages = self.pages.get(name);
        pages.ok_or_else(|| format!("{name} has said nothing of itself"))
    }

    /// Those of all programs.
    pub(super) fn all(&self) -> impl Iterator<Item = &Pages> {
        self.pages.values()
    }
}

/// The files in a folder.
fn named(folder: &Path) -> Result<Named, String> {
    let mut named = Named::new();
    for path in files::entries(folder)? {
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            named.insert(name.into_owned(), files::read(&path)?);
        }
    }
    Ok(named)
}
