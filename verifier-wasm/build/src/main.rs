//! Makes the verify page out of the WASM module and `verifier-wasm/web`: `cargo xtask web`.
//!
//! ```text
//! web-build <module.wasm> <sources> <out>
//!
//! <out>/index.html, *.js, *.css, verifier_bg.wasm    the hosted page
//! <out>/verifier.d.ts                                 types, for other programs
//! <out>/single/verify.html                            the same page in one file
//! ```
//!
//! Nothing here depends on a clock, a path or an order of files: the same input gives the same
//! bytes.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]

mod combine;
mod compress;
mod glue;
mod page;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, sources, out] = args.as_slice() else {
        eprintln!("web-build: usage: web-build <module.wasm> <sources> <out>");
        return ExitCode::FAILURE;
    };
    match glue::bind(module).and_then(|glue| page::build(&glue, sources, out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("web-build: {message}");
            ExitCode::FAILURE
        }
    }
}
