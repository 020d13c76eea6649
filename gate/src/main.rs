//! `cosignet-gate`: asks people before something critical happens.

use std::process::ExitCode;

fn main() -> ExitCode {
    gate::run()
}
