//! A client of the gate that fails closed.
//!
//! ```no_run
//! use gate_client::{Ask, Gate, Keys};
//!
//! # fn pay(policy: verifier_core::Policy) -> Result<(), gate_client::Denied> {
//! let gate = Gate::new("https://gate.example", Keys::both("key"), policy)?;
//! let ask = Ask::new("payment.send", br#"{"amount":"25.00"}"#)?;
//! let ran = gate.run(ask, |approved| {
//!     println!("{} bytes were approved", approved.payload().len());
//!     Ok::<(), std::io::Error>(())
//! })?;
//! # let _ = ran;
//! # Ok(())
//! # }
//! ```
//!
//! [`Gate::run`] asks, waits, claims, and verifies what came of it offline, under a policy that the
//! caller has pinned. The closure gets an [`Approved`], and verification alone makes one. Everything
//! else ends in [`Denied`]: there is no answer of a gate, no failure of a network and no setting
//! with which the closure runs otherwise.
//!
//! [`BreakGlass`] is the one way around that, for when the gate is not there. It has a name, a type
//! and a journal of its own, and is off unless [`Settings`] that the process cannot write switch it on.
//!
//! An act happens once at most in one run. Over restarts that takes a [`Journal`] of the caller's.

#![forbid(unsafe_code)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a library with std"
)]

mod answer;
mod approved;
mod ask;
mod asking;
mod break_glass;
mod clock;
mod connection;
mod denied;
mod gate;
mod journal;
mod lines;
mod owned;
mod uses;

#[cfg(test)]
mod break_glass_cases;
#[cfg(test)]
mod cases;

pub use answer::Status;
pub use approved::Approved;
pub use ask::Ask;
pub use asking::Asking;
pub use break_glass::{BreakGlass, Broken, Emergency, Settings};
pub use connection::Keys;
pub use denied::{Denied, Reason};
pub use gate::{Gate, Outcome, Ran, Reported};
pub use journal::{Journal, Record};
pub use uses::{Use, UseEvent, Uses};
