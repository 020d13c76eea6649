//! The demo: a log on this machine, a small approval service before it, and a visitor who
//! approves a payment with a passkey. `cargo xtask demo` builds what it needs and starts it.
//!
//! ```text
//! visitor ── options ──► passkey ── assertion ──► service ── POST ──► log
//!    └──────────────── verify page of the log, and `cosignet verify` ◄──┘
//! ```

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]

mod once;
mod payload;
mod server;
mod service;
mod software;
mod stage;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use service::Service;
use stage::Stage;

const HELP: &str = "\
cosignet-demo          a page to approve on, until Ctrl-C
cosignet-demo --once   the whole way with a software passkey; exit 0 only if the result is VERIFIED
";

/// Errors here are sentences for a person at a terminal.
type Result<T> = core::result::Result<T, String>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let once = match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => false,
        ["--once"] => true,
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(once) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(once: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        // The origin of the page is part of what the log admits, so the page's port comes first.
        let page = server::bind().await?;
        let stage = Arc::new(Stage::start(&page.origin)?);
        let service = Arc::new(Service::new(Arc::clone(&stage), &page.origin));
        stage.introduce(&page.origin);
        if once {
            return once::run(&service, &stage).await;
        }
        println!(
            "\nOpen {}/ in a browser. Ctrl-C ends the demo.",
            page.origin
        );
        tokio::select! {
            served = server::serve(page, service) => served,
            _ = ended() => Ok(()),
        }
    })
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
