//! The only build script anyone needs: `cargo xtask help`.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]

mod bench;
mod bench_cluster;
mod bench_gate;
mod bench_log;
mod bench_monitor;
mod bench_witness;
mod book;
mod browser;
mod cluster;
mod command;
mod connection;
mod crash;
mod demo;
mod dist;
mod files;
mod framing;
mod fuzz;
mod gate;
mod gate_fixture;
mod interop;
mod lint;
mod mutants;
mod npm;
mod openapi;
mod oracle;
mod postgres;
mod seaweedfs;
mod test;
mod tour;
mod vectors;
mod venv;
mod watch;
mod web;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo [--once]     a gate to approve on with a passkey, and the verdict; once: unattended
cargo xtask tour              the command line: a real approval, and tampered ones that fail
cargo xtask test              every check and test of the repository
cargo xtask lint              the checks alone: format, clippy, rustdoc, no_std, package, Windows, oldest compiler,
                              and other programs read /openapi.json
cargo xtask vectors [--check] write the generated test vectors, or see that none differs
cargo xtask web [--check]     build the verify page into target/web, or see that it builds twice alike
cargo xtask book              the pages of docs/ as a book, by mdBook, into target/book
cargo xtask book --walk       do what the pages for beginners say, command by command
cargo xtask dist [--check] [--compile-twice] [--target TARGET]... [--programs DIR]
                              what a release consists of, into target/dist: archives, packages, images, page, and
                              a statement for its maintainers to approve; check: packed twice alike
cargo xtask interop packages  install what is in target/dist where nothing else is; as root on Debian
cargo xtask bench             speed, as ratios measured in one run
cargo xtask bench-log [N]     appends and reads a second, with an empty log and with N entries
cargo xtask bench-log against DIR  the log against that of another build, in turns
cargo xtask bench-cluster [N|DIR]  appends a second of a log in PostgreSQL and S3, and how long a take-over
                              takes; N: also with so many entries, and the sizes of the tables;
                              DIR: of the programs there
cargo xtask bench-gate        requests, decisions and waking callers of a gate, on this disk
cargo xtask bench-monitor [N] a full audit of a log of N entries, 200,000 if not said
cargo xtask bench-witness     how many heads a witness cosigns in a second
cargo xtask crash [--all]     kill the log server 200 times under load, and look what it lost; all: its
                              witnesses together with it
cargo xtask crash --gate [--kills N]  the same to a gate, whose people approve, refuse and claim
cargo xtask watch [STEP]      damage the state of a monitor at every byte, or at every STEP bytes
cargo xtask liar [SEED [TURNS]]  a log that lies in every known way, against monitor, fsck and fetch
cargo xtask cluster           a log on many machines, here: PostgreSQL with standbys, S3, witnesses; killed while
                              you watch, and looked at
cargo xtask chaos [--minutes N] [--seed S]  the same while everything around it fails, 10 minutes if not said
cargo xtask campaign          the log beside damage: flipped bits, snapshots that stay, lost tiles
cargo xtask framing [SEED]    ambiguous and endless requests against log, witness and gate
cargo xtask fuzz [SECONDS]    fuzz every untrusted entry point, 60 seconds each
cargo xtask fuzz --oracle [--minutes N] [--seed S]  changed approvals, against a second reading
cargo xtask mutants [FILES]   break the rules of the core one by one, and see which test notices; before FILES,
                              --again: only what survived last time; --alone: also what needs a build of its own
cargo xtask interop [gate]    let other programs read what the log publishes, and call the gate by its
                              description; gate: only that
cargo xtask interop mcp       let agents of others ask over MCP, and run its conformance suite
cargo xtask interop python    build, install and test the client for Python
cargo xtask interop typescript [mutants]  the packages for npm, installed, bundled, and in front of a gate;
                              mutants: their guards taken away one by one
cargo xtask npm [--check]     build the packages for npm into target/npm, or see that they are packed twice alike
cargo xtask gate-fixture      a gate whose people decide by themselves, for tests of clients; ends with its
                              standard input
cargo xtask interop webhooks  let the libraries of Standard Webhooks verify what a gate sends
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["demo"] => demo::start(&[]),
        ["demo", "--once"] => demo::start(&["--once"]),
        ["tour"] => tour::run(),
        ["test"] => test::run_everything(),
        ["lint"] => lint::run_all(),
        ["vectors"] => vectors::write(),
        ["vectors", "--check"] => vectors::check(),
        ["web"] => web::build(),
        ["web", "--check"] => web::check(),
        ["book"] => book::build(),
        ["book", "--walk"] => book::walk(),
        ["dist", options @ ..] => dist::run(options),
        ["bench"] => bench::run(),
        ["bench-log"] => bench_log::run(0),
        ["bench-log", "against", folder] => bench_log::run_against(folder),
        ["bench-log", entries] => match entries.parse() {
            Ok(entries) => bench_log::run(entries),
            Err(_) => Err(format!("{entries} is not a number of entries")),
        },
        ["bench-cluster"] => bench_cluster::run(None, 0),
        ["bench-cluster", one] => match one.parse() {
            Ok(entries) => bench_cluster::run(None, entries),
            Err(_) => bench_cluster::run(Some(one), 0),
        },
        ["bench-gate"] => bench_gate::run(),
        ["bench-monitor"] => bench_monitor::run(200_000),
        ["bench-monitor", entries] => match entries.parse() {
            Ok(entries) => bench_monitor::run(entries),
            Err(_) => Err(format!("{entries} is not a number of entries")),
        },
        ["bench-witness"] => bench_witness::run(),
        ["crash"] => crash::kill_log(),
        ["crash", "--all"] => crash::kill_all(),
        ["crash", "--gate"] => crash::kill_gate(200),
        ["crash", "--gate", "--kills", kills] => match kills.parse() {
            Ok(kills @ 1..) => crash::kill_gate(kills),
            _ => Err(format!("{kills} is not a number of kills")),
        },
        ["campaign"] => crash::damage(),
        ["cluster"] => cluster::show(),
        ["chaos", options @ ..] => cluster::chaos(options),
        ["framing"] => framing::run_campaign(1),
        ["framing", seed] => match seed.parse() {
            Ok(seed) => framing::run_campaign(seed),
            Err(_) => Err(format!("{seed} is not a number")),
        },
        ["watch"] => watch::run_campaign(1),
        ["watch", step] => match step.parse() {
            Ok(step @ 1..) => watch::run_campaign(step),
            _ => Err(format!("{step} is not a number of bytes")),
        },
        ["liar", numbers @ ..] if numbers.len() <= 2 => {
            let number = |at: usize, default| match numbers.get(at) {
                Some(text) => text.parse().map_err(|_| format!("{text} is not a number")),
                None => Ok(default),
            };
            number(0, 1).and_then(|seed| watch::run_lies(seed, number(1, 20)?))
        }
        ["fuzz"] => fuzz::run_all(60),
        ["fuzz", "--oracle", rest @ ..] => oracle::run_campaign(rest),
        ["mutants", files @ ..] => mutants::run(files),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run_all(seconds),
            Err(_) => Err(format!("{seconds} is not a number of seconds")),
        },
        ["interop"] => interop::run_all(),
        ["interop", "gate"] => interop::run_gate(),
        ["interop", "mcp"] => interop::mcp::run_all(),
        ["interop", "packages"] => interop::packages::run_all(),
        ["interop", "python"] => interop::python::run_all(),
        ["interop", "typescript"] => interop::typescript::run_all(),
        ["interop", "typescript", "mutants"] => interop::typescript::run_mutants(),
        ["npm"] => npm::build().map(drop),
        ["npm", "--check"] => npm::check().map(drop),
        ["gate-fixture"] => gate_fixture::start(),
        ["interop", "webhooks"] => interop::webhooks::run_all(),
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
