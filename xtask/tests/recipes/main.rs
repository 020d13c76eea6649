//! The recipes of `docs/recipes/`, as far as they run without the host that they are for: each acts
//! when `cosignet gate run` does, and in no other case.
//!
//! A script stands in for `cosignet`. It is all that a recipe sees of an approval, so what the real
//! command does is not tested here.

#![cfg(unix)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod agent;
mod ansible;
mod bench;
mod github;
mod gitlab;
mod terraform;
mod yaml;
