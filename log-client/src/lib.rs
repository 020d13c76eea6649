//! Clients of the servers that a verifier of approvals has to do with: transparency logs,
//! OpenTimestamps calendars, and sources of Bitcoin's block headers.
//!
//! Nothing that comes from a server is trusted. Answers have a limit on their size and on the time
//! that they take; no redirect is followed; no environment variable has a say in where requests
//! go. What a log serves in another form than its signed head calls for is told apart from a log
//! that cannot be reached, and neither is evidence against anybody.
//!
//! [`Http`] is asynchronous. [`Client`] is the same for callers that wait, and everything else in
//! this crate is built on it.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a library with std"
)]

mod blocking;
pub mod calendar;
mod error;
pub mod headers;
mod http;
mod log;
mod reach;
mod shards;
mod waiter;

pub use blocking::Client;
pub use error::{Error, Kind, Result};
pub use http::{Answer, Http, Question, address, shown};
pub use log::{Nodes, RemoteLog};
pub use reach::Reach;
pub use shards::is_shard_path;
pub use waiter::Waiter;
