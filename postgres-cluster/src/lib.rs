//! PostgreSQL for tests: a server of their own, three of them, and ways to a server on which
//! everything goes wrong that can.

#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a tool for tests: a panic is a failed test"
)]

mod cluster;
pub mod proxy;
mod standbys;

pub use cluster::{Cluster, WAITING, free_port};
pub use proxy::Proxy;
pub use standbys::Trio;
