//! The clients against servers that answer well, badly, and in every way that they may.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "tests"
)]

mod calendars;
mod headers;
mod http;
mod log;

use std::time::Duration;

use log_client::Client;

fn client() -> Client {
    Client::new("test", Duration::from_secs(2)).unwrap()
}
