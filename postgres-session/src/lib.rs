//! A conversation with PostgreSQL, for programs that have to know what is committed: its address,
//! TLS, notices and deadlines, and the settings under which an answer to a COMMIT says too little.
//!
//! ```text
//! Address::parse ─► settings::require ─► Session::open ─► run … run ─► commit ─► ()  or  Lapse
//! ```

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a library for programs with std"
)]

pub mod address;
pub mod error;
pub mod session;
pub mod settings;
mod tls;
