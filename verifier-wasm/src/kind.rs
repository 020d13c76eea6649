//! How a dropped file looks, in the words of the page.

use verifier_core::Kind;
use verifier_core::hazmat::input::Input;

/// A guess for words about the file, see [`Kind`]: the verifier then says whether it is one.
pub(crate) fn of(file: &[u8]) -> &'static str {
    match Kind::of(file) {
        Kind::Bundle | Kind::Confirmation | Kind::Decision | Kind::Entry => "approval",
        Kind::Checkpoint => "checkpoint",
        Kind::Headers => "headers",
        Kind::LogPolicy => "logPolicy",
        Kind::LogProof => "logProof",
        Kind::Policy => "policy",
        Kind::Registration => "registration",
        Kind::Roster => "roster",
        // A decision may be longer than anything that is told by its look.
        Kind::Unknown if file.len() > Input::MAX_BYTES => match Input::parse(file) {
            Ok(Input::Decision(_)) => "approval",
            _ => "unknown",
        },
        _ => "unknown",
    }
}
