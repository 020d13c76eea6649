//! Mints approvals, logs and bundles from fixed seeds, for tests, benchmarks and test vectors.
//!
//! This is a second reading of the specification: nothing here comes from the verifier, so that
//! the two check each other. Everything is deterministic. It makes test data and nothing else:
//! all its keys are public, and it panics where a program for users would report an error.
//!
//! ```
//! use test_vectors::{Algorithm, Draft};
//!
//! let mut draft = Draft::sample(Algorithm::Es256);
//! draft.ceremony.origin = "https://look-alike.example".into();
//! let approval = draft.mint(); // properly signed and logged, on the wrong origin
//! assert!(approval.bundle.text().contains("cosignet.bundle/v1"));
//! ```

#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a tool for tests: fields are there to be changed, and a panic is a failed test"
)]

pub mod approval;
pub mod bitcoin;
pub mod break_glass;
pub mod bundle;
pub mod calendar;
pub mod ceremony;
pub mod context;
pub mod decision;
pub mod encoding;
pub mod entry;
pub mod http;
pub mod ledger;
pub mod log;
pub mod node;
pub mod note;
pub mod passkey;
pub mod policy;
pub mod reading;
pub mod registration;
pub mod roster;
pub mod server;
pub mod site;
pub mod tree;
mod vectors;
pub mod weed;

pub use approval::{Approval, Draft};
pub use break_glass::Glass;
pub use bundle::Bundle;
pub use ceremony::{Assertion, Ceremony};
pub use context::Context;
pub use decision::Decision;
pub use entry::Entry;
pub use ledger::Ledger;
pub use log::{Log, Witness};
pub use passkey::{Algorithm, Passkey};
pub use policy::{Approver, Policy};
pub use registration::Registration;
pub use roster::Roster;
pub use server::Server;
pub use vectors::{check, generate, write};
