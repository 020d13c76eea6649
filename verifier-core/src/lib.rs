#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod alarm;
pub mod break_glass;
pub mod check;
pub mod code;
pub mod inspect;
pub mod policy;
pub mod report;
pub mod roster;

// Parts of the front door, named in the list below.
mod failure;
mod verify;

/// The parts that [`verify`] is made of, for programs that make, log, watch or show approvals.
///
/// Each part answers one question and no other. A signature that verifies is not an approval, a
/// bundle that can be read is not evidence, an inclusion proof is worth what the head above it is
/// worth, and a Bitcoin header that carries its own work may be in no chain. Whatever has to decide
/// whether a human approved something calls [`verify`], which asks all the questions and in the
/// right order.
///
/// The items here may change in any release with a new first or second number.
// Their files stand beside this one: they are what the front door is made of, and no second crate.
#[path = "."]
pub mod hazmat {
    pub mod bitcoin;
    pub mod bundle;
    pub mod commitment;
    pub mod confirmation;
    pub mod context;
    pub mod decision;
    pub mod encoding;
    pub mod entry;
    pub mod input;
    pub mod json;
    pub mod kind;
    pub mod leaf;
    pub mod payload;
    pub mod schema;
    pub mod shown;
    pub mod signature;
    pub mod text;
    pub mod time;
    pub mod tlog;
    pub mod webauthn;
}

// Within the crate they go by short names, which no other crate can reach.
use hazmat::{
    bitcoin, bundle, commitment, confirmation, context, decision, encoding, entry, input, json,
    kind, leaf, payload, schema, shown, signature, text, time, tlog, webauthn,
};

#[doc(inline)]
pub use bitcoin::chain::HeaderChain;
#[doc(inline)]
pub use check::{Check, CheckId, Status};
#[doc(inline)]
pub use code::{Code, Effect, Explanation};
pub use failure::Failure;
#[doc(inline)]
pub use kind::Kind;
#[doc(inline)]
pub use policy::Policy;
#[doc(inline)]
pub use report::{NotProven, Report, Verdict};
#[doc(inline)]
pub use roster::Roster;
#[doc(inline)]
pub use shown::{plain, quote};
#[cfg(feature = "aws-lc-rs")]
#[doc(inline)]
pub use signature::AwsLc;
#[doc(inline)]
pub use signature::{Crypto, RustCrypto};
#[doc(inline)]
pub use time::Time;
pub use verify::{Request, StampReport, verify, verify_stamp};
