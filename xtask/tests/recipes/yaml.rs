//! YAML as the hosts of the recipes read it.

use std::fs;

use saphyr::{LoadableYamlNode as _, Yaml};

use crate::bench::recipes;

/// The one document of a file, handed to `look`.
pub(crate) fn read<T>(name: &str, look: impl FnOnce(&Yaml<'_>) -> T) -> T {
    let text = fs::read_to_string(recipes().join(name)).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let [document] = documents.as_slice() else {
        panic!("{name} has {} documents", documents.len());
    };
    look(document)
}

/// What stands at this path.
pub(crate) fn at<'y>(yaml: &'y Yaml<'y>, path: &[&str]) -> &'y Yaml<'y> {
    path.iter().fold(yaml, |yaml, name| {
        yaml.as_mapping_get(name)
            .unwrap_or_else(|| panic!("there is no {name} of {path:?}"))
    })
}

pub(crate) fn text(yaml: &Yaml<'_>, path: &[&str]) -> String {
    let value = at(yaml, path);
    value
        .as_str()
        .unwrap_or_else(|| panic!("{path:?} is no text: {value:?}"))
        .to_owned()
}

pub(crate) fn list<'y>(yaml: &'y Yaml<'y>, path: &[&str]) -> &'y [Yaml<'y>] {
    at(yaml, path)
        .as_sequence()
        .unwrap_or_else(|| panic!("{path:?} is no list"))
}

/// The names in a mapping, in order.
pub(crate) fn names(yaml: &Yaml<'_>, path: &[&str]) -> Vec<String> {
    let mapping = at(yaml, path)
        .as_mapping()
        .unwrap_or_else(|| panic!("{path:?} is no mapping"));
    mapping
        .keys()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}
