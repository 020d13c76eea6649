//! The gate as its callers, approvers and auditors see it: the real program, its real log.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "tests"
)]

mod audit;
mod break_glass;
mod client;
mod crash;
mod enrolment;
mod harness;
mod http;
mod invariants;
mod mail;
mod mcp;
mod mcp_clients;
mod openapi;
mod receiver;
mod requests;
mod rosters;
#[cfg(feature = "postgres")]
mod several;
mod shards;
mod troubled_log;
mod webhooks;
