//! Verifies human approvals: WebAuthn assertions over payloads, held in a transparency log.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod alarm;
pub mod bitcoin;
pub mod bundle;
pub mod check;
pub mod code;
pub mod commitment;
pub mod confirmation;
pub mod encoding;
pub mod entry;
mod failure;
pub mod input;
pub mod inspect;
pub mod json;
pub mod kind;
pub mod leaf;
pub mod payload;
pub mod policy;
pub mod report;
pub mod schema;
pub mod shown;
pub mod signature;
pub mod text;
pub mod time;
pub mod tlog;
mod verify;
pub mod webauthn;

pub use failure::Failure;
pub use report::{Report, Verdict};
pub use schema::{Error as SchemaError, Problem};
pub use shown::{plain, quote};
pub use verify::{Request, StampReport, verify, verify_stamp};
