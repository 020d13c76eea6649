//! `cargo xtask cluster`: the whole thing, started, killed and looked at, in plain words.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use verifier_core::Verdict;

use crate::harness::{Approval, tree};
use crate::stage::{PLACE, Stage};

/// Somebody has pressed Ctrl-C: what was started is ended, and its files are removed.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The show so far.
struct Show {
    stage: Stage,
    begun: Instant,
    number: u32,
    /// Each approval that was acknowledged, its index, and its bundle.
    acknowledged: Vec<(Approval, u64, String)>,
}

impl Show {
    fn say(&self, words: &str) {
        println!("{:6.1} s  {words}", self.begun.elapsed().as_secs_f64());
    }

    /// Appends this many approvals, each at another member, and repeats until each of them is in.
    fn append(&mut self, count: u32) {
        for _ in 0..count {
            self.number += 1;
            let approval = Approval::new(self.number);
            let begun = Instant::now();
            let mut member = usize::try_from(self.number).unwrap() % self.stage.members.len();
            let mut last = String::new();
            loop {
                assert!(!INTERRUPTED.load(SeqCst), "interrupted");
                assert!(
                    begun.elapsed() < Duration::from_secs(60),
                    "nothing is appended"
                );
                let said = match self.stage.members[member].client.try_append(&approval) {
                    Ok(reply) if matches!(reply.status, 200 | 201) => {
                        let (index, bundle) = (reply.index(), reply.text());
                        let took = begun.elapsed();
                        if !last.is_empty() || took > Duration::from_secs(1) {
                            self.say(&format!(
                                "approval {} is entry {index}, by member {member}, after {:.1} s",
                                self.number,
                                took.as_secs_f64()
                            ));
                        }
                        self.acknowledged.push((approval, index, bundle));
                        break;
                    }
                    Ok(reply) => format!("member {member} says {} {}", reply.status, reply.code()),
                    Err(_) => format!("member {member} does not answer"),
                };
                if said != last {
                    self.say(&format!(
                        "approval {}: {said}; it is sent again",
                        self.number
                    ));
                    last = said;
                }
                member = (member + 1) % self.stage.members.len();
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        let size = self.acknowledged.len();
        self.say(&format!("{size} approvals are acknowledged"));
    }

    fn leader(&self) -> usize {
        let led = self.stage.until_led(Duration::from_secs(30));
        led.expect("somebody leads").0
    }
}

#[test]
#[ignore = "to be watched: cargo xtask cluster"]
fn a_log_on_many_machines() {
    on_interrupt();
    println!(
        "\nStarting PostgreSQL with two standbys, SeaweedFS, three witnesses and three members …"
    );
    let begun = Instant::now();
    let stage = Stage::start(3, &[]).expect("PostgreSQL and SeaweedFS are installed");
    let mut show = Show {
        stage,
        begun,
        number: 0,
        acknowledged: Vec::new(),
    };
    for (number, member) in show.stage.members.iter().enumerate() {
        show.say(&format!("member {number} answers at {}", member.client.url));
    }
    let leader = show.leader();
    show.say(&format!(
        "member {leader} leads; the others send appends on to it"
    ));
    show.append(20);

    show.say(&format!(
        "SIGKILL to member {leader}, in the middle of whatever it does"
    ));
    show.stage.members[leader].kill();
    let killed = Instant::now();
    show.append(5);
    let next = show.leader();
    show.say(&format!(
        "member {next} leads, {:.1} s after the kill at most: the lease of 5 s had to run out",
        killed.elapsed().as_secs_f64()
    ));
    show.stage.members[leader].until_up();
    show.say(&format!("member {leader} was started again, and follows"));
    show.append(10);

    show.say("SIGKILL to the primary of PostgreSQL");
    let dead = show.stage.trio.primary_number();
    show.stage.trio.kill_primary();
    let standby = show.stage.trio.most_advanced();
    show.say(&format!(
        "standby s{standby} has received most of the two: it has all that was committed"
    ));
    show.stage.trio.promote(standby, true);
    show.say(&format!(
        "s{standby} is the primary now; the member that led ends, since its reign is one of s{dead}"
    ));
    show.append(10);
    let leader = show.leader();
    show.say(&format!(
        "member {leader} leads; it has compared s{standby} with the heads in the bucket and asked the \
         witnesses"
    ));

    let mut verified = 0;
    for (approval, index, bundle) in &show.acknowledged {
        let report = show
            .stage
            .log
            .audit_under(&show.stage.policy, approval, bundle);
        assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
        let repeat = show.stage.members[0].client.append(approval);
        assert_eq!((repeat.status, repeat.index()), (200, *index));
        verified += 1;
    }
    show.say(&format!(
        "{verified} of {verified} acknowledged approvals are VERIFIED, and where they were"
    ));
    let data = show.stage.log.data().display().to_string();
    for args in [&[&*data][..], &[PLACE, "--vkey", &show.stage.log.vkey]] {
        let (code, report) = show.stage.log.fsck_of(args);
        assert_eq!(code, Some(0), "{report}");
        let what = if args.len() == 1 {
            "database and bucket"
        } else {
            "the bucket alone"
        };
        show.say(&format!(
            "fsck of {what}: clean, {} entries",
            report["size"]
        ));
    }
    let checkpoint = show.stage.members[0].client.checkpoint();
    assert!(tree(&checkpoint).0 >= u64::from(show.number));
    show.say("a member and a primary were lost, and nothing that was answered with success:");
    println!("\n{checkpoint}");
}

/// Ctrl-C ends the show, and everything that it has started.
fn on_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            INTERRUPTED.store(true, SeqCst);
            println!("interrupted: ending everything …");
        }
    });
}
