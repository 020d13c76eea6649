//! `bundle`: one change to a good bundle each, and approvals that were wrong from the start.

mod entries;
mod evidence;
mod logged;
mod proofs;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::File;
use crate::entry::canonical;

/// Changes the members of the entry inside a bundle, and leaves its proof alone.
pub(super) fn edit_entry(bundle: &mut Value, edit: impl FnOnce(&mut BTreeMap<String, String>)) {
    let text = bundle["entry"].as_str().unwrap();
    let mut members = serde_json::from_str(text).unwrap();
    edit(&mut members);
    bundle["entry"] = json!(canonical(&members));
}

pub(super) fn mutations() -> File {
    let mut file = File::new(
        "bundle",
        "mutations",
        "a good bundle with one thing changed, and properly logged approvals with one thing wrong",
    );
    entries::rows(&mut file);
    evidence::rows(&mut file);
    proofs::rows(&mut file);
    logged::rows(&mut file);
    file
}
