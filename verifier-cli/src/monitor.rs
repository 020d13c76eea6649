//! `cosignet monitor`: watches that a log only appends, and that every signature in it holds.
//!
//! A round: fetch the head, prove that it extends the last one that was checked in full, read the
//! new entries, recompute the tree from them, judge them, and only then move on. What signatures
//! prove becomes an alarm; anything else that is wrong is a round that could not be completed.

mod advance;
mod alarms;
mod anchors;
mod budget;
mod compare;
mod event;
mod hooks;
mod judge;
mod leaves;
mod metrics;
mod page;
mod reported;
mod scan;
mod seen;
mod spool;
mod state;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::MultiProgress;
use log_client::{Client, RemoteLog};
use verifier_core::Time;
use verifier_core::policy::{LogPolicy, LogRule, Policy};
use verifier_core::{HeaderChain, Roster};

use crate::args::MonitorArgs;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::headers::{self, HeaderFile};
use crate::{http, key, policy_file, roster_file};

pub(crate) use hooks::WebhookFormat;

use event::Event;
use leaves::Leaves;
use metrics::{Counts, Metrics};
use seen::Seen;
use spool::Spool;
use state::{State, StateDir};

pub(crate) fn run(args: &MonitorArgs) -> Result<Exit, CliError> {
    let policy = policy_file::load(&args.policy)?;
    let LogRule::Required(rule) = policy.log() else {
        let message = "The policy does without a log, so there is nothing to watch.";
        return Err(CliError::usage(message).next("Name the log in the policy."));
    };
    let client = http::client_with(Duration::from_secs(args.timeout))?;
    let log = RemoteLog::new(&client, &args.url)?;
    let others = args.compare.iter().map(|url| RemoteLog::new(&client, url));
    let others = others.collect::<Result<_, _>>()?;
    let watched = watched(&args.watch_key)?;
    let file = args.headers.as_deref().map(headers::read).transpose()?;
    let headers = file.as_ref().map(HeaderFile::verify).transpose()?;
    let roster = roster(args.roster.as_deref(), &policy, headers.as_ref())?;
    let metrics = args.metrics.as_deref().map(Metrics::new).transpose()?;
    let (dir, state) = StateDir::open(&args.state, args.init)?;
    let mut monitor = Monitor {
        args,
        policy: &policy,
        rule,
        client,
        log,
        others,
        watched,
        headers: headers.as_ref(),
        roster: roster.as_ref(),
        metrics,
        counts: Counts::default(),
        leaves: Leaves::open(&dir.leaves(), state.scanned.size(), &state.leaves)?,
        spool: Spool::open(&dir.entries(), state.spool)?,
        seen: Seen::open(dir.path(), state.runs.clone())?,
        dir,
        state,
        bars: MultiProgress::new(),
        worst: Exit::Ok,
        begun: Instant::now(),
        undelivered: false,
        head_time: None,
    };
    if args.init {
        monitor.save()?;
    }
    loop {
        let exit = monitor.round();
        if args.once {
            return Ok(exit);
        }
        thread::sleep(Duration::from_secs(args.every));
    }
}

/// The COSE_Keys whose entries are reported.
fn watched(files: &[String]) -> Result<Vec<Vec<u8>>, CliError> {
    if files.len() > 255 {
        return Err(CliError::usage("At most 255 keys can be watched."));
    }
    let read = |file: &String| Ok(key::read(file)?.as_bytes().to_vec());
    files.iter().map(read).collect()
}

/// The roster, which has to hold before anything is judged by it.
fn roster(
    path: Option<&Path>,
    policy: &Policy,
    headers: Option<&HeaderChain<'_>>,
) -> Result<Option<Roster>, CliError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let roster = roster_file::load(path, Some(policy), headers, None)?;
    let roster = roster.map_err(|error| CliError::of(&error).about(path))?;
    Ok(Some(roster))
}

/// A monitor between two rounds.
struct Monitor<'a> {
    args: &'a MonitorArgs,
    policy: &'a Policy,
    rule: &'a LogPolicy,
    client: Client,
    log: RemoteLog,
    /// Mirrors and witnesses to compare with.
    others: Vec<RemoteLog>,
    watched: Vec<Vec<u8>>,
    headers: Option<&'a HeaderChain<'a>>,
    roster: Option<&'a Roster>,
    metrics: Option<Metrics>,
    counts: Counts,
    dir: StateDir,
    state: State,
    leaves: Leaves,
    spool: Spool,
    seen: Seen,
    bars: MultiProgress,
    /// The worst that the round has come to.
    worst: Exit,
    /// When the round began.
    begun: Instant,
    /// Whether it was said in this round that somebody could not be told.
    undelivered: bool,
    /// The latest time that witnesses gave to a head of the log.
    head_time: Option<Time>,
}

impl Monitor<'_> {
    /// One round. What went wrong has been said when this returns.
    fn round(&mut self) -> Exit {
        (self.worst, self.begun, self.undelivered) = (Exit::Ok, Instant::now(), false);
        let others = self.look_around();
        let before = self.state.checked.size();
        let outcome = self.advance();
        self.noted(outcome);
        let outcome = self.compare(others);
        self.noted(outcome);
        if self.state.checked.size() > before || self.state.anchors_left {
            let outcome = self.anchors();
            self.noted(outcome);
        }
        if self.state.scanned == self.state.checked {
            // All of them are judged, also by the anchors.
            let outcome = self.spool.restart(self.state.checked.size());
            self.noted(outcome);
        }
        let outcome = self.tell();
        self.noted(outcome);
        let outcome = self.remind();
        self.noted(outcome);
        let ended = self.worst;
        let outcome = self.publish(ended);
        self.noted(outcome);
        let outcome = self.write_page(ended);
        self.noted(outcome);
        self.worst
    }

    fn noted(&mut self, outcome: Result<(), CliError>) {
        if let Err(error) = outcome {
            self.note(&error);
        }
    }

    /// Something that keeps the round from being complete. Whatever it is: only evidence accuses.
    fn note(&mut self, error: &CliError) {
        let exit = match error.exit() {
            Exit::Malformed | Exit::Rejected => Exit::Incomplete,
            other => other,
        };
        self.worst = self.worst.max(exit);
        self.say(&Event::of(error, exit));
    }

    fn say(&self, event: &Event) {
        if self.args.quiet && event.is_routine() {
            return;
        }
        self.bars
            .suspend(|| event.print(self.log.url(), self.args.format));
    }

    /// Makes durable what is known, and how far the scan is.
    fn save(&mut self) -> Result<(), CliError> {
        self.leaves.sync()?;
        self.spool.sync()?;
        self.seen.flush()?;
        self.state.leaves = self.leaves.sum();
        self.state.spool = self.spool.place();
        self.state.runs = self.seen.runs().to_vec();
        self.dir.save(&self.state)?;
        self.seen.sweep();
        Ok(())
    }
}
