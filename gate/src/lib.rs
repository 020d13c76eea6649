//! The approval service: what may be asked, who has to approve it, and what exactly they sign.

#![forbid(unsafe_code)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "for programs with std"
)]

pub mod payload;
pub mod rules;
