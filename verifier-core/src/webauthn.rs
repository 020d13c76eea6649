//! The data that a browser and a passkey hand over when a person approves, and the rules that make
//! it mean something (Web Authentication Level 3, §7.2).
//!
//! An assertion is three byte strings. The passkey signs the first one and a hash of the second:
//!
//! ```text
//! signature over  authenticatorData ‖ SHA-256(clientDataJSON)
//!                 written by the      written by the browser:
//!                 passkey: flags,     ceremony, challenge, origin
//!                 hash of the RP id
//! ```
//!
//! [`assertion`] has the rules, one function each, and [`assertion::Assertion::verify`], which
//! applies all of them; [`registration::ceremony`] has those for a live registration. The other
//! modules read one thing each, strictly; but for the envelope of a [`registration`] that somebody
//! brings along, which is no evidence.

pub mod assertion;
pub mod authenticator_data;
pub mod cbor;
pub mod client_data;
pub mod cose_key;
pub mod credential;
pub mod loose_bytes;
pub mod registration;

pub use assertion::{Assertion, Expected, UserVerification, VerifiedAssertion};
pub use authenticator_data::{AttestedData, AuthenticatorData, Backup, Flags};
pub use client_data::ClientData;
pub use cose_key::CoseKey;
pub use credential::{AssertionJson, RegistrationJson};
pub use loose_bytes::LooseBytes;
pub use registration::{Ceremony, Registration, VerifiedRegistration};

#[cfg(test)]
mod test_signer;
