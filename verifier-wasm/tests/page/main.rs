//! The page in a real browser, judged by what a person reads on it.
//!
//! These tests need what `cargo xtask test` prepares: the page (`cargo xtask web`), the programs
//! of this workspace with the page in the log, Chromium with chromedriver, and axe-core in
//! `target/axe`. A picture of each state is kept in `target/screenshots`.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod answers;
mod browser;
mod descriptors;
mod files;
mod labels;
mod log;
mod logged;
mod people;
mod prepared;
mod readers;
mod reports;
mod rosters;
mod samples;
mod sentences;
mod shown;
mod staged;
mod trust;
mod vectors;
