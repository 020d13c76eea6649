//! The gate's pages in a real browser, before a real gate, with a passkey that the browser keeps in
//! software. What is judged is what a person reads, and what the gate then says.
//!
//! These tests need what `cargo xtask test` prepares: Chromium with chromedriver, and axe-core in
//! `target/axe`. A picture of each state is kept in `target/screenshots`.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod approver;
#[allow(dead_code, reason = "the tests of the verify page need more of it")]
#[path = "../../../verifier-wasm/tests/page/browser.rs"]
mod browser;
mod decision;
mod display;
mod enrolment;
mod glass;
mod liar;
#[allow(dead_code, reason = "the tests of the verify page need more of it")]
#[path = "../../../verifier-wasm/tests/page/prepared.rs"]
mod prepared;
mod server;
