//! `cosignet-log`: see `cosignet-log --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    log_server::run()
}
