//! The two-minute tour: real evidence, then the same evidence tampered with.

mod people;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use test_vectors::{Algorithm, Approval};

use crate::command::{cosignet, root, status};

/// Runs the commands that a newcomer would, and checks how each of them ends.
pub(crate) fn run() -> Result<(), String> {
    let tour = Tour {
        cosignet: cosignet()?,
        dir: root().join("target").join("demo"),
    };
    if tour.dir.exists() {
        fs::remove_dir_all(&tour.dir)
            .map_err(|error| format!("{}: {error}", tour.dir.display()))?;
    }
    fs::create_dir_all(&tour.dir).map_err(|error| format!("{}: {error}", tour.dir.display()))?;
    tour.browser()?;
    tour.logged()?;
    tour.decided()?;
    tour.enrolled()?;
    println!("\nThe files are in target/demo and docs/example: try commands of your own.");
    Ok(())
}

struct Tour {
    cosignet: PathBuf,
    dir: PathBuf,
}

impl Tour {
    /// An approval that a browser made, verified from nothing but files.
    fn browser(&self) -> Result<(), String> {
        println!("\n# 1. A real approval, made with a passkey in Chromium\n");
        println!(
            "A policy says whom you trust. Make one, and add alice's passkey from the browser's registration:"
        );
        let init = [
            "policy",
            "init",
            "-o",
            "target/demo/policy.toml",
            "--name",
            "demo",
            "--rp-id",
            "localhost",
            "--origin",
            "http://localhost:38107",
            "--no-log",
        ];
        self.cosignet(&init, 0)?;
        let add = [
            "policy",
            "add-approver",
            "target/demo/policy.toml",
            "--name",
            "alice",
            "--registration",
            "docs/example/registration.json",
        ];
        self.cosignet(&add, 0)?;

        println!("\nDid alice approve exactly this payload?");
        let verify = |payload, code| {
            let policy = ["--policy", "target/demo/policy.toml", "--payload", payload];
            self.cosignet(
                &[&["verify", "docs/example/approval.json"], policy.as_slice()].concat(),
                code,
            )
        };
        verify("docs/example/payload.json", 0)?;

        println!("\nAnd this one, where the amount is another?");
        let payload = root().join("docs/example/payload.json");
        let payload =
            fs::read_to_string(&payload).map_err(|e| format!("{}: {e}", payload.display()))?;
        self.write("tampered.json", &payload.replace("42.00", "43.00"))?;
        verify("target/demo/tampered.json", 1)
    }

    /// An approval in a log with witnesses.
    fn logged(&self) -> Result<(), String> {
        println!("\n# 2. An approval that a transparency log holds, cosigned by two witnesses\n");
        let approval = Approval::sample(Algorithm::Es256);
        let payload = String::from_utf8_lossy(&approval.payload).into_owned();
        self.write("bundle.json", &approval.bundle.text())?;
        self.write("bundle.payload.json", &payload)?;
        self.write("log-policy.toml", &approval.policy.toml())?;
        let verify = |file, code| {
            self.cosignet(
                &["verify", file, "--policy", "target/demo/log-policy.toml"],
                code,
            )
        };
        verify("target/demo/bundle.json", 0)?;

        println!("\nThe same bundle, with one digit of the payload you expect changed:");
        self.write("other.payload.json", &payload.replace("1001.00", "9001.00"))?;
        let other = [
            "verify",
            "target/demo/bundle.json",
            "--policy",
            "target/demo/log-policy.toml",
            "--payload",
            "target/demo/other.payload.json",
        ];
        self.cosignet(&other, 1)?;

        println!("\nThe same bundle, with the time of decision in its log entry changed:");
        let forged = approval
            .bundle
            .text()
            .replace("2026-03-01T12:00:00.000Z", "2026-02-01T12:00:00.000Z");
        self.write("back-dated.json", &forged)?;
        verify("target/demo/back-dated.json", 1)?;

        println!("\nThe same bundle, without a policy: whose key is it?");
        self.cosignet(&["verify", "target/demo/bundle.json"], 4)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.dir.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn cosignet(&self, args: &[&str], expected: i32) -> Result<(), String> {
        println!(
            "\n$ cosignet {}",
            args.iter()
                .map(|arg| quoted(arg))
                .collect::<Vec<_>>()
                .join(" ")
        );
        let status = status(Command::new(&self.cosignet).args(args).current_dir(root()))?;
        println!(
            "(exit {})",
            status
                .code()
                .map_or("by signal".into(), |code| code.to_string())
        );
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(format!("cosignet should have ended with {expected}"))
    }
}

fn quoted(arg: &str) -> String {
    if arg.contains(' ') {
        format!("'{arg}'")
    } else {
        arg.to_string()
    }
}
