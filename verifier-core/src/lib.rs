//! Verifies human approvals: WebAuthn assertions over payloads, held in a transparency log.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod code;
pub mod encoding;
mod failure;
pub mod json;
pub mod signature;
pub mod time;
pub mod tlog;
pub mod webauthn;

pub use failure::{Failure, quote};
