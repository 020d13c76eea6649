//! A log of three members while everything around it fails, one thing after the other, in an order that
//! a seed decides. Clients append all the time; whatever they and all other readers are shown has to be
//! one history, and nothing that was answered may be lost.

use std::time::{Duration, Instant};

use postgres_cluster::Proxy;
use postgres_cluster::proxy::{Cut, Flow, Upload, Way};

use crate::audience::{Audience, Record, audit};
use crate::harness::{Approval, Dice};
use crate::members::until;
use crate::stage::{Machine, PLACE, Stage};

/// The things that fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// SIGKILL to a member that follows.
    FollowerDies,
    /// SIGKILL to the one that leads.
    LeaderDies,
    /// SIGSTOP to the one that leads, for longer than its lease.
    LeaderSleeps,
    /// Every connection of the one that leads to the database ends, and there is no other.
    DatabaseIsGone,
    /// What the one that leads says to the database arrives later, after others have led.
    QuestionsAreHeld,
    /// What the database answers the one that leads arrives later.
    AnswersAreHeld,
    /// A connection ends with a COMMIT on it, which the server never sees.
    CommitIsLost,
    /// A connection ends after the server has committed.
    AnswerIsLost,
    /// The session of a COMMIT is cancelled in its wait for a standby.
    WaitIsCancelled,
    /// It is terminated in that wait.
    SessionIsTerminated,
    /// SIGKILL to the primary; the standby that has most is promoted.
    PrimaryDies,
    /// Uploads of the one that leads are answered with errors.
    BucketRefuses,
    /// They are acknowledged, and nothing is written.
    BucketLoses,
    /// They arrive long after the client has given up.
    BucketIsLate,
    /// SIGKILL to a witness.
    WitnessDies,
    /// The clock of a member is ten minutes ahead, or behind.
    ClockIsWrong,
}

impl Fault {
    const ALL: [Self; 16] = [
        Self::FollowerDies,
        Self::LeaderDies,
        Self::LeaderSleeps,
        Self::DatabaseIsGone,
        Self::QuestionsAreHeld,
        Self::AnswersAreHeld,
        Self::CommitIsLost,
        Self::AnswerIsLost,
        Self::WaitIsCancelled,
        Self::SessionIsTerminated,
        Self::PrimaryDies,
        Self::BucketRefuses,
        Self::BucketLoses,
        Self::BucketIsLate,
        Self::WitnessDies,
        Self::ClockIsWrong,
    ];
}

/// How soon appends have to be answered again after something was mended. The promise is ten seconds on
/// a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(30);

/// A log in trouble.
struct Trouble {
    stage: Stage,
    audience: Audience,
    dice: Dice,
    /// What was done so far, to be printed with a failure.
    done: Vec<String>,
}

impl Trouble {
    fn start(seed: u64, variables: &[(&str, &str)]) -> Option<Self> {
        let stage = Stage::start(3, variables)?;
        let audience = Audience::start(&stage, seed);
        Some(Self {
            stage,
            audience,
            dice: Dice::of(seed),
            done: Vec::new(),
        })
    }

    fn record(&self) -> &Record {
        &self.audience.record
    }

    /// One fault, and the time in which all is well again. Whether it hit anything.
    fn suffer(&mut self, fault: Fault) -> bool {
        let begun = Instant::now();
        let hits = self.inflict(fault);
        let healed = Instant::now();
        self.heal();
        let settled = self.settle(healed, fault);
        let words = format!(
            "{fault:?}: hit {hits}, {:.1} s; {:.1} s until appends are answered, longest gap {:.1} s, {} \
             acknowledged so far",
            (healed - begun).as_secs_f64(),
            settled.as_secs_f64(),
            self.record()
                .longest_gap(begun, Instant::now())
                .as_secs_f64(),
            self.record().acknowledged()
        );
        println!("{words}");
        self.done.push(words);
        hits > 0
    }

    fn heal(&mut self) {
        for member in &self.stage.members {
            member.heal();
            member.signal("-CONT");
        }
        for number in self.stage.trio.standbys() {
            self.stage.trio.resume(number);
        }
    }

    /// Waits until appends are answered, and goes on for a while. How long it took.
    fn settle(&self, healed: Instant, fault: Fault) -> Duration {
        if !self.goes_on(healed) {
            for (number, member) in self.stage.members.iter().enumerate() {
                println!("member {number}: {:#?}", member.messages());
            }
            self.record().violation(format!(
                "no append is answered {} s after {fault:?}: {:?}",
                PATIENCE.as_secs(),
                self.record().answers()
            ));
        }
        let took = healed.elapsed();
        let well = Instant::now();
        std::thread::sleep(Duration::from_millis(1500));
        // The append before may have been answered by the leader that died just then.
        if !self.goes_on(well) {
            self.record()
                .violation(format!("nothing goes on after {fault:?}"));
        }
        took
    }

    /// Whether an append is answered after this moment. Waits for it.
    fn goes_on(&self, since: Instant) -> bool {
        while self.record().acknowledged_since(since) == 0 {
            if since.elapsed() > PATIENCE {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// The one that leads, once somebody does.
    fn leader(&self) -> usize {
        let led = self.stage.until_led(PATIENCE);
        led.map_or(0, |(leader, _)| leader)
    }

    fn follower(&mut self) -> usize {
        let leader = self.leader();
        (leader + 1 + self.dice.index(2)) % 3
    }

    /// Does it, and ends it. How often it hit something.
    fn inflict(&mut self, fault: Fault) -> u32 {
        let pause = |millis: u64| std::thread::sleep(Duration::from_millis(millis));
        let some = 1000 + self.dice.below(2000);
        match fault {
            Fault::FollowerDies => {
                let follower = self.follower();
                u32::from(self.stage.members[follower].kill())
            }
            Fault::LeaderDies => {
                let leader = self.leader();
                u32::from(self.stage.members[leader].kill())
            }
            Fault::LeaderSleeps => {
                let leader = self.leader();
                let hit = self.stage.members[leader].signal("-STOP");
                let begun = Instant::now();
                // Another one leads by then, or nothing was tried.
                while begun.elapsed() < Duration::from_secs(15)
                    && !(0..3).any(|n| n != leader && self.stage.members[n].leads())
                {
                    pause(100);
                }
                pause(1000);
                let other = (0..3).any(|n| n != leader && self.stage.members[n].leads());
                u32::from(hit && other)
            }
            Fault::DatabaseIsGone => self.cut(some, |proxy| proxy.close()),
            Fault::QuestionsAreHeld => {
                self.cut(5000 + some, |proxy| proxy.flow(Way::There, Flow::Held))
            }
            Fault::AnswersAreHeld => {
                self.cut(5000 + some, |proxy| proxy.flow(Way::Back, Flow::Held))
            }
            Fault::CommitIsLost => self.cut(some, |proxy| proxy.cut(Cut::BeforeCommit, 2)),
            Fault::AnswerIsLost => self.cut(some, |proxy| proxy.cut(Cut::AfterCommit, 2)),
            Fault::WaitIsCancelled => self.interrupt("pg_cancel_backend"),
            Fault::SessionIsTerminated => self.interrupt("pg_terminate_backend"),
            Fault::PrimaryDies => {
                let dead = self.stage.trio.primary_number();
                self.stage.trio.kill_primary();
                pause(some / 2);
                let next = self.stage.trio.most_advanced();
                self.stage.trio.promote(next, true);
                self.stage.trio.join(dead);
                1
            }
            Fault::BucketRefuses => self.uploads(some, Upload::Refused),
            Fault::BucketLoses => self.uploads(some, Upload::Lost),
            Fault::BucketIsLate => self.uploads(3000 + some, Upload::Late),
            Fault::WitnessDies => {
                let witness = self.dice.index(3);
                self.stage.witnesses[witness].kill();
                pause(some);
                self.stage.witnesses[witness].start();
                1
            }
            Fault::ClockIsWrong => {
                let member = self.dice.index(3);
                let skew = ["600000", "-600000"][self.dice.index(2)];
                self.clock(member, Some(skew.into()));
                pause(some);
                let hit = self.stage.members[member].is_up();
                self.clock(member, None);
                u32::from(hit)
            }
        }
    }

    /// Starts a member again with its clock so far off.
    fn clock(&self, member: usize, skew: Option<String>) {
        let machine = &self.stage.members[member];
        machine.set("COSIGNET_LOG_TEST_CLOCK", skew);
        machine.kill();
        machine.until_up();
    }

    /// Something happens between the one that leads and its database.
    fn cut(&self, millis: u64, how: impl Fn(&Proxy)) -> u32 {
        let leader = &self.stage.members[self.leader()];
        let before = leader.hits();
        leader.to_database.iter().for_each(how);
        std::thread::sleep(Duration::from_millis(millis));
        leader.hits() - before
    }

    fn uploads(&self, millis: u64, upload: Upload) -> u32 {
        let leader = &self.stage.members[self.leader()].to_bucket;
        let before = leader.hits();
        leader.uploads(upload);
        std::thread::sleep(Duration::from_millis(millis));
        leader.hits() - before
    }

    /// Whoever waits for a standby is interrupted, while there is none that answers.
    fn interrupt(&self, function: &str) -> u32 {
        let trio = &self.stage.trio;
        trio.standbys()
            .into_iter()
            .for_each(|number| trio.pause(number));
        let begun = Instant::now();
        while trio.primary().waiting() == 0 && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let hits = trio.primary().interrupt(function);
        std::thread::sleep(Duration::from_millis(700));
        u32::try_from(hits).unwrap()
    }

    /// The end of a log that has to be in order.
    fn end(mut self) {
        self.heal();
        self.audience.end();
        let begun = Instant::now();
        let sizes = |stage: &Stage| -> Vec<Option<String>> {
            let each = stage.members.iter().map(|member| {
                let reply = member.client.send("GET", "/checkpoint", &[], b"").ok()?;
                let tree = (reply.status == 200).then(|| crate::harness::tree(&reply.text()))?;
                Some(format!("{tree:?}"))
            });
            each.collect()
        };
        // What was committed last may still be on its way.
        let mut seen = sizes(&self.stage);
        while seen.contains(&None) || seen.windows(2).any(|two| two[0] != two[1]) {
            if begun.elapsed() > PATIENCE {
                self.record()
                    .violation(format!("members differ at the end: {seen:?}"));
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
            seen = sizes(&self.stage);
        }
        audit(&self.stage, self.record(), &self.stage.members[0].client);
        let data = self.stage.log.data().display().to_string();
        for args in [&[&*data][..], &[PLACE, "--vkey", &self.stage.log.vkey]] {
            let (code, report) = self.stage.log.fsck_of(args);
            if code != Some(0) {
                self.record()
                    .violation(format!("fsck {args:?}: {code:?} {report}"));
            }
        }
        for (number, member) in self.stage.members.iter().enumerate() {
            for (code, said) in member.ends() {
                println!("member {number} ended by itself with {code}: {said}");
                if code != 5 {
                    let what = format!("member {number} ended with {code}: {said}");
                    self.record().violation(what);
                }
            }
        }
        println!("{:?}", self.record().answers());
    }
}

/// The seed of this run, printed.
fn seed() -> u64 {
    let given = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = given.unwrap_or_else(|| u64::from(now.unwrap().subsec_nanos()));
    println!("SEED={seed}");
    seed
}

/// Every fault in turn for so long, at least once each. Violations, and what was done.
fn campaign(time: Duration) -> Option<(Vec<String>, Vec<String>)> {
    let seed = seed();
    let mut trouble = Trouble::start(seed, &[])?;
    let begun = Instant::now();
    loop {
        let mut faults = Fault::ALL;
        trouble.dice.shuffle(&mut faults);
        for fault in faults {
            // A fault that met nobody has tested nothing.
            let hit = (0..4).any(|_| trouble.suffer(fault));
            assert!(hit, "{fault:?} never hit: {:#?}", trouble.done);
            if !trouble.record().violations().is_empty() {
                break;
            }
        }
        if begun.elapsed() > time || !trouble.record().violations().is_empty() {
            break;
        }
    }
    let record = std::sync::Arc::clone(&trouble.audience.record);
    let done = trouble.done.clone();
    println!("{} appends acknowledged", record.acknowledged());
    assert!(record.acknowledged() > 50);
    trouble.end();
    Some((record.violations(), done))
}

#[test]
fn nothing_is_lost_and_nothing_forks_whatever_fails() {
    let Some((violations, done)) = campaign(Duration::ZERO) else {
        return;
    };
    assert!(violations.is_empty(), "{violations:#?} after {done:#?}");
}

#[test]
#[ignore = "as long as you like: cargo xtask chaos"]
fn nothing_is_lost_and_nothing_forks_for_minutes() {
    let minutes = std::env::var("MINUTES")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = Duration::from_secs(60 * minutes.unwrap_or(10));
    let found = campaign(time).expect("PostgreSQL and SeaweedFS are installed");
    let (violations, done) = found;
    assert!(violations.is_empty(), "{violations:#?} after {done:#?}");
}

/// The same clients, readers and members, but those that lead rely on it: as with a lock that is asked
/// before the write. If nobody noticed, the test above would prove nothing.
#[test]
fn a_log_whose_leaders_rely_on_leading_is_caught() {
    let unfenced = [("COSIGNET_LOG_TEST_UNFENCED", "1")];
    let Some(mut trouble) = Trouble::start(seed(), &unfenced) else {
        return;
    };
    // What two that lead at once do, and not whatever else can go wrong.
    let forked = |what: &String| {
        let shows = what.contains(" shows ") && what.contains(" entries after ");
        let kinds = [
            "is answered with 409",
            "two heads of",
            "has shown another tree of",
            "is there twice",
        ];
        shows || kinds.iter().any(|kind| what.contains(kind))
    };
    let caught = (0..6).any(|_| {
        trouble.suffer(Fault::LeaderSleeps);
        trouble.record().violations().iter().any(forked)
    });
    let seen = trouble.record().violations();
    assert!(caught, "nobody noticed: {:#?}, {seen:#?}", trouble.done);
}

/// Waits until every member says that the log is frozen.
fn until_frozen(trouble: &Trouble) {
    let begun = Instant::now();
    loop {
        let says = trouble.stage.members.iter().map(|member| {
            match member.client.send("GET", "/readyz", &[], b"") {
                Ok(reply) => format!("{} {}", reply.status, reply.code()),
                Err(error) => error.to_string(),
            }
        });
        let says: Vec<String> = says.collect();
        if says.iter().all(|said| said == "503 log.frozen") {
            return;
        }
        let ends: Vec<_> = trouble.stage.members.iter().map(Machine::ends).collect();
        let late = begun.elapsed() > 2 * PATIENCE;
        assert!(!late, "they go on: {says:?}, and have ended with {ends:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Of two standbys one has what was committed, and the other one is promoted: the log ends there, for
/// every member and after every start, and what was shown is never contradicted.
#[test]
fn a_log_that_lost_what_it_has_shown_ends_and_does_not_fork() {
    let Some(mut trouble) = Trouble::start(seed(), &[]) else {
        return;
    };
    let shown = |trouble: &Trouble| trouble.record().size();
    until("it goes on", || shown(&trouble) > 5);
    let lagging = trouble.stage.trio.standbys()[0];
    trouble.stage.trio.pause(lagging);
    let before = shown(&trouble);
    until("it goes on", || shown(&trouble) > before + 5);
    trouble.stage.trio.cut_off(lagging);
    let other = trouble.stage.trio.standbys()[1];
    trouble.stage.trio.kill_primary();
    trouble.stage.trio.kill_standby(other);
    trouble.stage.trio.promote(lagging, false);
    until_frozen(&trouble);
    // It stays so.
    let size = shown(&trouble);
    let acknowledged = trouble.record().acknowledged();
    for member in &trouble.stage.members {
        member.kill();
        member.until_up();
    }
    until_frozen(&trouble);
    std::thread::sleep(Duration::from_secs(1));
    trouble.audience.end();
    for member in &trouble.stage.members {
        let refused = member.client.append(&Approval::new(4_000_000));
        assert_eq!((refused.status, refused.code()), (503, "log.frozen".into()));
    }
    let record = trouble.record();
    assert_eq!((record.size(), record.acknowledged()), (size, acknowledged));
    assert_eq!(record.violations(), Vec::<String>::new());
}
