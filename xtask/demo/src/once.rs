//! The whole way unattended.

use std::process::Command;
use std::sync::Arc;

use verifier_core::hazmat::encoding::{hex, sha256};

use crate::Result;
use crate::payload::{PAYLOAD, shown};
use crate::service::{Approved, Service};
use crate::software::Software;
use crate::stage::Stage;

/// Prints each step. `Ok` only if the result is VERIFIED.
pub(crate) async fn run(service: &Arc<Service>, stage: &Arc<Stage>) -> Result<()> {
    println!("\n1. A passkey is made, in software");
    let passkey = Software::new(service.origin())?;
    let registration = passkey.register(&service.registration_options()?).await?;
    let fingerprint = service.enrol(registration.to_string().as_bytes(), true)?;
    println!("   {fingerprint}");
    println!("   The demo's policy (policy.json) now trusts this key, this site and this log.");

    println!("\n2. This payload is to be approved");
    for (field, value) in shown() {
        println!("   {field:<12} {value}");
    }
    println!("   SHA-256      {}", hex(&sha256(PAYLOAD.as_bytes())));

    println!(
        "\n3. The passkey signs a nonce and that hash, for {}",
        service.origin()
    );
    let (id, options) = service.ask()?;
    let assertion = passkey.approve(&options).await?;

    println!("\n4. The service appends the approval to the log");
    let (service, stage) = (Arc::clone(service), Arc::clone(stage));
    let rest = move || {
        let approved = service.approve(&id, &assertion)?;
        println!("   approval id  {}", approved.id);
        public(&stage, &approved)?;
        verify(&approved)
    };
    let done = tokio::task::spawn_blocking(rest).await;
    done.map_err(|error| error.to_string())?
}

/// Anybody can look it up now.
fn public(stage: &Stage, approved: &Approved) -> Result<()> {
    println!("\n5. Anybody can look it up, and verify it in a browser");
    let path = format!("/public/log/entries/{}/verification", approved.id);
    match stage.get(&path)? {
        (200, bundle) => println!("   {path}: {} bytes", bundle.len()),
        (status, text) => return Err(format!("{path} answers {status}: {text}")),
    }
    match stage.get("/verify/")? {
        (200, page) if page.contains("Content-Security-Policy") => {
            println!("   {}", approved.verify_url);
        }
        (status, _) => return Err(format!("/verify/ answers {status}: the log has no page")),
    }
    Ok(())
}

/// Verifies as an auditor does.
fn verify(approved: &Approved) -> Result<()> {
    println!("\n6. An auditor verifies it, with nothing but files\n");
    println!("$ {}\n", approved.command().join(" "));
    let command = approved.command_here()?;
    let (program, args) = command.split_first().ok_or("no command")?;
    let status = Command::new(program)
        .args(args)
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(format!(
            "the result should be VERIFIED, and the exit code is {code:?}"
        )),
    }
}
