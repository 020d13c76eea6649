#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod alarm;
pub mod check;
pub mod code;
pub mod hazmat;
pub mod inspect;
pub mod policy;
pub mod report;

// Parts of the front door, named in the list below.
mod failure;
mod verify;

// What the front door is made of. Other crates find it in `hazmat`, which says why.
#[doc(hidden)]
pub mod bitcoin;
#[doc(hidden)]
pub mod bundle;
#[doc(hidden)]
pub mod commitment;
#[doc(hidden)]
pub mod confirmation;
#[doc(hidden)]
pub mod encoding;
#[doc(hidden)]
pub mod entry;
#[doc(hidden)]
pub mod input;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod kind;
#[doc(hidden)]
pub mod leaf;
#[doc(hidden)]
pub mod payload;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod shown;
#[doc(hidden)]
pub mod signature;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod tlog;
#[doc(hidden)]
pub mod webauthn;

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
#[doc(hidden)]
pub use schema::{Error as SchemaError, Problem};
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
