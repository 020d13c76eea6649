//! `cosignet-witness`: see `cosignet-witness --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    witness::run()
}
