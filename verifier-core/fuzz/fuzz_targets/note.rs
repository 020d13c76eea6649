//! A signed note, a checkpoint, a verifier key, a tile path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::tile::Tile;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

fuzz_target!(|text: &str| {
    let _ = Note::parse(text);
    if let Ok(checkpoint) = SignedCheckpoint::parse(text) {
        assert_eq!(checkpoint.as_str(), text);
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Some(tile) = Tile::parse_path(text) {
        assert_eq!(tile.path(), text);
    }
});
