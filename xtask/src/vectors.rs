//! The generated test vectors.

use crate::command::root;

/// Writes them.
pub(crate) fn write() -> Result<(), String> {
    let dir = root().join("test-vectors");
    test_vectors::write(&dir).map_err(|error| format!("cannot write {}: {error}", dir.display()))
}

/// Sees that writing them would change no byte.
pub(crate) fn check() -> Result<(), String> {
    let differing = test_vectors::check(&root().join("test-vectors"));
    if differing.is_empty() {
        eprintln!("test vectors: as generated");
        return Ok(());
    }
    Err(format!(
        "these test vectors differ from what `cargo xtask vectors` writes: {}",
        differing.join(", ")
    ))
}
