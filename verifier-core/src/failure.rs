//! The errors of checks: code, expected, found.

use alloc::string::String;
use core::fmt;

use crate::code::Code;

/// An error that a report can show: a stable code, and where two things were compared, both.
///
/// Its `Display` is one sentence that says what happened. Text from the evidence appears only
/// through [`crate::quote`] and [`crate::plain`].
pub trait Failure: fmt::Display {
    /// The stable code.
    fn code(&self) -> Code;

    /// The value that would have passed.
    fn expected(&self) -> Option<String> {
        None
    }

    /// The value that was there instead.
    fn found(&self) -> Option<String> {
        None
    }
}
