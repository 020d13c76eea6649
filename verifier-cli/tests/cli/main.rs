//! `cosignet` as its users meet it: real runs over files.

#![allow(
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests, and they have std"
)]

mod advice;
mod break_glass;
mod decisions;
mod enrolment;
mod exit_codes;
mod fixtures;
mod inputs;
mod people;
mod policies;
mod readme;
mod reports;
mod rosters;
mod snapshots;
mod vectors;
