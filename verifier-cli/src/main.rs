//! `cosignet`: see `cosignet --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    verifier_cli::run()
}
