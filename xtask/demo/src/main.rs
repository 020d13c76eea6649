//! The demo: a gate with its log on this machine, two witnesses, an agent that asks, people who
//! approve, an executor that acts once, and an auditor. `cargo xtask demo` builds what it needs and
//! starts it.
//!
//! ```text
//! agent ── asks ──► gate ◄── passkeys ── people
//!                    │ └── signatures ──► log ◄── witnesses
//! executor ◄─ claim ─┘
//!    └── decision.json ──► auditor: `cosignet verify`
//! ```

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]

mod audit;
mod gate;
mod once;
mod person;
mod program;
mod software;
mod stage;
mod visit;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use stage::Stage;

const HELP: &str = "\
cosignet-demo          a gate to approve on with your own passkey, until Ctrl-C
cosignet-demo --once   the whole way with software passkeys; exit 0 only if the result is VERIFIED
";

/// Errors here are sentences for a person at a terminal.
type Result<T> = core::result::Result<T, String>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let act: fn(&Stage) -> Result<()> = match words.as_slice() {
        [] => visit::run,
        ["--once"] => once::run,
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(act) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Sets the stage, and clears it again however the play ends.
fn run(act: fn(&Stage) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let stage = Arc::new(Stage::start()?);
    stage.introduce();
    let played = Arc::clone(&stage);
    let done = runtime.block_on(async {
        tokio::select! {
            done = tokio::task::spawn_blocking(move || act(&played)) => {
                done.map_err(|error| error.to_string())?
            }
            () = ended() => Ok(()),
        }
    });
    // Without waiting for a play that was broken off; it holds the stage as well.
    runtime.shutdown_background();
    stage.clear();
    done
}

/// Ctrl-C, or a polite request to end.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
