//! The parts that [`verify`](crate::verify) is made of, for programs that make, log, watch or show
//! approvals.
//!
//! Each part answers one question and no other. A signature that verifies is not an approval, a
//! bundle that can be read is not evidence, an inclusion proof is worth what the head above it is
//! worth, and a Bitcoin header that carries its own work may be in no chain. Whatever has to decide
//! whether a human approved something calls [`verify`](crate::verify), which asks all the questions
//! and in the right order.
//!
//! The items here may change in any release with a new first or second number.

#[doc(inline)]
pub use crate::{
    bitcoin, bundle, commitment, confirmation, encoding, entry, input, json, kind, leaf, payload,
    schema, shown, signature, text, time, tlog, webauthn,
};
