//! The only build script anyone needs: `cargo xtask help`.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]

mod bench;
mod browser;
mod command;
mod demo;
mod fuzz;
mod test;
mod tour;
mod vectors;
mod web;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo [--once]     approve with a passkey, and verify it on the page; once: unattended
cargo xtask tour              the command line: a real approval, and tampered ones that fail
cargo xtask test              every check and test of the repository
cargo xtask lint              the checks alone: format, clippy, rustdoc, no_std
cargo xtask vectors [--check] write the generated test vectors, or see that none differs
cargo xtask web [--check]     build the verify page into target/web, or see that it builds twice alike
cargo xtask bench             speed, as ratios measured in one run
cargo xtask fuzz [SECONDS]    fuzz every untrusted entry point, 60 seconds each
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["demo"] => demo::start(&[]),
        ["demo", "--once"] => demo::start(&["--once"]),
        ["tour"] => tour::run(),
        ["test"] => test::run_everything(),
        ["lint"] => test::lint(),
        ["vectors"] => vectors::write(),
        ["vectors", "--check"] => vectors::check(),
        ["web"] => web::build(),
        ["web", "--check"] => web::check(),
        ["bench"] => bench::run(),
        ["fuzz"] => fuzz::run_all(60),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run_all(seconds),
            Err(_) => Err(format!("{seconds} is not a number of seconds")),
        },
        ["help"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("these are the commands:\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
