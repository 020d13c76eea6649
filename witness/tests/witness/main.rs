//! `cosignet-witness` as logs, monitors and operators meet it: the real program over loopback.

#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests, and they have std"
)]

mod harness;
mod never_two;
mod operation;
mod protocol;
