//! The core from outside: vectors, other implementations as oracles, laws, attacks. One binary, so
//! that the core and what the tests need beside it are linked once.

mod alarms;
mod assertion_vectors;
mod attacks;
mod back_ends;
mod bitcoin_oracles;
mod bitcoin_vectors;
mod break_glass;
mod browser_json;
mod bundle_vectors;
mod decisions;
mod flips;
mod front_door;
mod merkle_oracles;
mod passkey;
mod readers;
mod registration_ceremonies;
mod registrations;
mod rosters;
mod sentences;
mod shown;
mod tlog_texts;
mod tlog_vectors;
mod wycheproof;

/// The policy as the core reads it.
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
fn parsed(policy: &test_vectors::Policy) -> verifier_core::Policy {
    verifier_core::Policy::from_json(policy.value().to_string().as_bytes()).unwrap()
}
