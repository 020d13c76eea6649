//! `cosignet` as its users meet it: real runs over files.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests have std"
)]

mod exit_codes;
mod fixtures;
mod inputs;
mod policies;
mod snapshots;
mod vectors;
