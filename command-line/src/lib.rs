//! The floor of the command lines here: what `cosignet` and `cosignet-witness` both need, and the
//! words of a command line for `cosignet-log` as well.
//!
//! Both programs end with the same numbers, report errors in the same form, and share one table of
//! codes, so that `cosignet explain` knows all of them.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "for programs with std"
)]

pub mod code;
pub mod exit;
pub mod failure;
pub mod file;
pub mod output;
mod parse;
pub mod text;
mod words;

pub use code::CliCode;
pub use exit::Exit;
pub use failure::CliError;
pub use output::Format;
pub use parse::{format_of, legible, parse};
pub use words::{NEXT_NOT_ALONE, NEXT_WITH_FILE, NOT_ALONE, only_asks, option_that_is_a_file};
