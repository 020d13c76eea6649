//! Long runs of things that go wrong side by side: `cargo xtask campaign` and `cargo xtask crash
//! --all`. Each prints its seed; `SEED=n` repeats it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::cosigning::{policy, try_serve, until};
use crate::crash::Witnessed;
use crate::erasure::{erase, is_kept, public, snapshot};
use crate::harness::{Approval, Dice, Log, flip};
use crate::witness::Real;

/// Ends with the scope that appends.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Appends from four clients until `stop`; each append has to succeed, within two seconds.
fn appenders<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    client: &crate::harness::Client,
    stop: &'s AtomicBool,
) {
    for one in 0..4_u32 {
        let client = client.clone();
        scope.spawn(move || {
            for number in (100_000 + one..).step_by(4) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let begun = Instant::now();
                let reply = client.append(&Approval::new(number));
                assert_eq!(reply.status, 201, "{}", reply.text());
                let took = begun.elapsed();
                assert!(took < Duration::from_secs(2), "{took:?}");
            }
        });
    }
}

#[test]
#[ignore = "minutes: cargo xtask campaign"]
fn erasures_beside_snapshots_and_appenders() {
    let mut dice = Dice::new();
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        appenders(scope, client, &stop);
        for round in 0..40_u32 {
            let approvals: Vec<_> = (1..=4).map(|n| public(round * 10 + n)).collect();
            for approval in &approvals {
                assert_eq!(client.append(approval).status, 201);
            }
            // Sometimes nobody reads, sometimes two do, and one of them for longer.
            let mut readers: Vec<_> = (0..dice.below(3)).map(|_| snapshot(&log)).collect();
            for approval in &approvals {
                let reply = erase(client, approval);
                match reply.status {
                    200 => assert!(!is_kept(&log, &approval.draft.payload)),
                    status => assert_eq!((status, readers.is_empty()), (202, false)),
                }
            }
            while readers.pop().is_some() {
                std::thread::sleep(Duration::from_millis(dice.below(300)));
            }
            until("all of it is gone", || {
                let gone = |one| erase(client, one).status == 200;
                approvals.iter().all(gone)
            });
            for approval in &approvals {
                assert!(!is_kept(&log, &approval.draft.payload));
            }
        }
    });
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
#[ignore = "minutes: cargo xtask campaign"]
fn damaged_tiles_with_repeaters_beside_appenders() {
    let mut dice = Dice::new();
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let old: Vec<_> = (1..=600).map(Approval::new).collect();
    for approval in &old {
        assert_eq!(client.append(approval).status, 201);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        appenders(scope, client, &stop);
        for round in 0..40 {
            let number = dice.below(2);
            let path = log.path(&format!("public/tile/entries/00{number}"));
            let good = std::fs::read(&path).unwrap();
            match dice.below(2) {
                0 => flip(&path),
                _ => std::fs::remove_file(&path).unwrap(),
            }
            for _ in 0..20 {
                let index = dice.index(512);
                let reply = client.append(&old[index]);
                // One entry of a flipped bundle is wrong, or none of it can be read.
                let whole = u64::try_from(index / 256).unwrap() != number;
                match reply.status {
                    200 => assert_eq!(usize::try_from(reply.index()).unwrap(), index),
                    status => assert_eq!((status, whole), (503, false), "{round} {index}"),
                }
            }
            std::fs::write(&path, good).unwrap();
            until("it is ready again", || client.get("/readyz").status == 200);
        }
    });
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
#[ignore = "minutes: cargo xtask crash --all"]
fn log_and_witnesses_killed_together() {
    let mut dice = Dice::new();
    let log = Log::new();
    let mut witnesses = [
        Real::new("w1", &log.vkey),
        Real::new("w2", &log.vkey),
        Real::new("w3", &log.vkey),
    ];
    let lines: Vec<String> = witnesses.iter().map(Real::policy_line).collect();
    policy(&log, &lines, 2);
    let mut seen = Witnessed::default();
    for kill in 0..60 {
        let server = try_serve(&log, &[]).expect("the server starts");
        let client = server.client.clone();
        let delay = Duration::from_millis(50 + dice.below(800));
        let (first, second) = (dice.index(3), dice.index(3));
        std::thread::scope(|scope| {
            let witnesses = &mut witnesses;
            scope.spawn(move || {
                std::thread::sleep(delay);
                witnesses[first].kill();
                if kill % 2 == 0 {
                    server.kill();
                    witnesses[second].kill();
                } else {
                    witnesses[second].kill();
                    server.kill();
                }
            });
            seen.load(&client);
        });
        for at in std::collections::BTreeSet::from([first, second]) {
            witnesses[at].start();
        }
        log.assert_clean();
        let server = try_serve(&log, &[]).expect("the server starts");
        until("it publishes", || {
            server.client.get("/readyz").status == 200
        });
        seen.check(&server.client);
        server.kill();
    }
    println!("{} acknowledged appends, all there", seen.acknowledged());
    assert!(seen.acknowledged() > 10);
}
