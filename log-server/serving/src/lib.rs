//! What the log and the witness have in common as servers: HTTP/1.1 with limits, a pace for each
//! client, and text for Prometheus. TLS is the reverse proxy's.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a library for programs with std"
)]

mod connections;
mod pace;
pub mod prometheus;

pub use connections::{Answer, serve};
pub use pace::Pace;
