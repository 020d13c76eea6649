//! From the head that was last checked to the one that the log serves.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use verifier_core::AwsLc;
use verifier_core::alarm::Evidence;
use verifier_core::hazmat::encoding::{base64, hex};
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{Hash, verify_prefix};
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::tile::{Level, Tile};

use super::Monitor;
use super::event::{Event, counted, now};
use super::scan::{Batch, Scan};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};

/// How often a scan makes sure that it can go on from where it is.
const SAVE_ENTRIES: u64 = 65_536;
const SAVE_TIME: Duration = Duration::from_secs(10);

/// A head that a log of the policy has signed.
#[derive(Clone, Debug)]
pub(super) struct SignedHead {
    /// All of the signed checkpoint.
    pub(super) text: String,
    /// The verifier key that signed.
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) root: Hash,
    /// When its quorum was met; `None` for `quorum none`. An error says what is missing.
    pub(super) quorum: Result<Option<Time>, CliError>,
    /// When no larger head can have met the quorum yet.
    pub(super) newest_at: Option<Time>,
}

impl Monitor<'_> {
    /// The head that the log serves, checked in full.
    pub(super) fn advance(&mut self) -> Result<(), CliError> {
        let text = self.log.checkpoint()?;
        let text = text.ok_or_else(|| self.log.missing("checkpoint"))?;
        let head = self.read_head(self.log.url(), &text)?;
        if self.state.log.as_ref().is_some_and(|log| *log != head.key) {
            let message = format!(
                "{} serves the head of another log than the state in {} is about.",
                self.log.url(),
                show_path(self.dir.path())
            );
            return Err(CliError::new(CliCode::MonitorHead, message).found(&*head.key));
        }
        self.reconcile(&head)?;
        let outcome = self.follow(&head);
        if outcome.is_err() {
            // It is signed all the same.
            let url = self.log.url().to_owned();
            self.keep_ahead(&head, &url)?;
        }
        outcome
    }

    /// Goes on from what is checked to a head of the log.
    fn follow(&mut self, head: &SignedHead) -> Result<(), CliError> {
        if !self.extends(head)? {
            return Ok(());
        }
        let time = head.quorum.clone()?;
        self.head_time = self.head_time.max(time);
        if head.size > self.state.checked.size() || self.state.head.is_none() {
            let begun = Instant::now();
            let from = self.state.checked.size();
            if let Err(error) = self.scan(head) {
                let outcome = self.stopped(head, time, &error);
                self.noted(outcome);
                return Err(error);
            }
            self.judge(head, head.size, time)?;
            self.complete(head)?;
            self.report(head, from, begun.elapsed());
        } else if self.worst == Exit::Ok {
            let text = match head.size {
                1 => "nothing new; 1 entry is checked".into(),
                size => format!("nothing new; {size} entries are checked"),
            };
            self.say(&Event::new("unchanged", text).with("size", head.size));
        }
        self.remember(head)?;
        self.fresh(time)
    }

    /// Judges a head from anywhere under the policy.
    pub(super) fn read_head(&self, url: &str, text: &str) -> Result<SignedHead, CliError> {
        let refused = |error: &dyn verifier_core::Failure| {
            let message = format!("The head that {url} serves: {error} ({}).", error.code());
            let mut refusal = CliError::new(CliCode::MonitorHead, message);
            if let Some(expected) = error.expected() {
                refusal = refusal.expected(expected);
            }
            match error.found() {
                Some(found) => refusal.found(found),
                None => refusal,
            }
        };
        let note = SignedCheckpoint::parse(text).map_err(|error| refused(&error))?;
        let signed = self.rule.tlog.verify_log(&AwsLc, &note);
        let signed = signed.map_err(|error| refused(&error))?;
        let quorum = signed
            .verify_cosignatures(&AwsLc)
            .and_then(|cosigned| cosigned.quorum());
        let head = signed.checkpoint();
        Ok(SignedHead {
            key: signed.key().to_string(),
            size: head.size(),
            root: head.root(),
            newest_at: quorum.as_ref().ok().and_then(|met| met.newest_at()),
            quorum: quorum
                .map(|met| met.time())
                .map_err(|error| refused(&error)),
            text: text.to_owned(),
        })
    }

    /// Whether a head does not contradict the last one that was checked, and is not older. A
    /// contradiction is an alarm, whatever the witnesses say about the new head.
    fn extends(&mut self, head: &SignedHead) -> Result<bool, CliError> {
        let checked = self.state.checked.size();
        let Some(last) = self.state.head.clone() else {
            self.shown(head)?;
            return Ok(true);
        };
        if head.size <= checked {
            let url = self.log.url().to_owned();
            let contradicts = self.contradicts(head, &url)?;
            if !contradicts && head.size < checked {
                let message = format!(
                    "{} serves a head of {}; {checked} are checked already.",
                    self.log.url(),
                    counted(head.size, "entry", "entries"),
                );
                return Err(CliError::new(CliCode::MonitorBehind, message));
            }
            return Ok(!contradicts);
        }
        if checked == 0 {
            self.shown(head)?;
            return Ok(true);
        }
        let mut nodes = self.log.nodes(head.size);
        let proof = prove::prefix(checked, head.size, &mut |height, number| {
            nodes.node(height, number)
        })?;
        let proof = proof.unwrap_or_default();
        let root = verify_prefix(checked, head.size, &head.root, &proof).map_err(|_| {
            self.log
                .mismatch("tile", "the tiles do not lead to its root")
        })?;
        if root == self.state.checked.root() {
            return Ok(true);
        }
        let evidence = Evidence::Fork {
            first: last,
            second: head.text.clone(),
            prefix: proof,
        };
        self.raise(evidence, &[self.log.url().to_owned()])?;
        Ok(false)
    }

    /// Nothing is read on the word of a head alone: a log that does not have its tree could hand
    /// out entries for ever.
    fn shown(&self, head: &SignedHead) -> Result<(), CliError> {
        Ok(self.log.shows(head.size, &head.root)?)
    }

    /// Whether a head of at most the checked size is not that of the checked tree.
    pub(super) fn contradicts(&mut self, head: &SignedHead, from: &str) -> Result<bool, CliError> {
        let checked = self.state.checked.size();
        let root = match head.size == checked {
            true => self.state.checked.root(),
            false => self.leaves.root(head.size)?,
        };
        if root == head.root {
            return Ok(false);
        }
        let leaves = &mut self.leaves;
        let prefix = prove::prefix(head.size, checked, &mut |height, number| {
            leaves.node(height, number)
        })?;
        let evidence = Evidence::Fork {
            first: head.text.clone(),
            second: self.state.head.clone().unwrap_or_default(),
            prefix: prefix.unwrap_or_default(),
        };
        self.raise(evidence, &[from.to_owned(), self.log.url().to_owned()])?;
        Ok(true)
    }

    /// Reads what is not scanned yet, up to a head, and recomputes its root.
    fn scan(&mut self, head: &SignedHead) -> Result<(), CliError> {
        let scanned = self.state.scanned.size();
        let policy = hex(&self.policy.sha256());
        let other_rules = self
            .state
            .policy
            .as_ref()
            .is_some_and(|known| *known != policy);
        self.state.policy = Some(policy);
        if scanned > head.size || scanned < self.state.checked.size() || other_rules {
            self.forget()?;
        } else if scanned > self.state.checked.size() {
            let text = format!("goes on at entry {scanned}, where the scan was interrupted");
            self.say(&Event::new("resumed", text).with("size", scanned));
        }
        if self.spool.place().0 > scanned || self.state.scanned == self.state.checked {
            self.spool.restart(self.state.scanned.size())?;
        }
        self.read(head)?;
        self.save()
    }

    /// A scan that did not come to its end: what was read is judged, if it is the beginning of the
    /// tree of the head; else it is forgotten, because nobody knows which part of it is wrong.
    fn stopped(
        &mut self,
        head: &SignedHead,
        time: Option<Time>,
        error: &CliError,
    ) -> Result<(), CliError> {
        match self.begins(head) {
            Ok(true) => {}
            Err(_) if error.code() != CliCode::ServedMismatch.as_str() => return self.save(),
            Ok(false) | Err(_) => return self.forget(),
        }
        self.save()?;
        let scanned = self.state.scanned.size();
        if scanned > self.judged() {
            self.judge(head, scanned, time)?;
            self.state.judged = scanned;
            self.state.pairs.clear();
            self.spool.restart(scanned)?;
            self.save()?;
        }
        Ok(())
    }

    /// Whether the tree of a head begins with what was scanned.
    fn begins(&mut self, head: &SignedHead) -> Result<bool, CliError> {
        let scanned = self.state.scanned.size();
        if scanned == 0 || scanned >= head.size {
            return Ok(scanned == 0 || self.state.scanned.root() == head.root);
        }
        let mut nodes = self.log.nodes(head.size);
        let proof = prove::prefix(scanned, head.size, &mut |height, number| {
            nodes.node(height, number)
        })?;
        let root = verify_prefix(scanned, head.size, &head.root, &proof.unwrap_or_default());
        Ok(root.is_ok_and(|root| root == self.state.scanned.root()))
    }

    fn read(&mut self, head: &SignedHead) -> Result<(), CliError> {
        let known = self.state.scanned.clone();
        let log = self.log.clone();
        let (policy, watched) = (self.policy, std::mem::take(&mut self.watched));
        // The first line of a checkpoint is the origin of its log.
        let origin = head.text.lines().next().unwrap_or_default();
        let roster = self.roster;
        let scan = Scan {
            log: &log,
            rules: policy.webauthn(),
            watched: &watched,
            roster: roster.map(|roster| (roster, origin)),
            connections: self.args.connections,
        };
        let bar = self.bar(known.size(), head.size);
        let mut saved = (known.size(), Instant::now());
        let outcome = scan.run(&known, head.size, |batch| {
            self.take(batch)?;
            let size = self.state.scanned.size();
            bar.set_position(size);
            if size.saturating_sub(saved.0) >= SAVE_ENTRIES || saved.1.elapsed() > SAVE_TIME {
                saved = (size, Instant::now());
                self.save()?;
            }
            match size < head.size {
                true => self.within_budget(known.size(), head.size),
                false => Ok(()),
            }
        });
        bar.finish_and_clear();
        self.bars.remove(&bar);
        self.watched = watched;
        outcome?;
        for (tile, hashes) in self.state.scanned.partial() {
            self.same_tile(&tile, hashes)?;
        }
        if self.state.scanned.root() != head.root {
            let why = "the entries do not lead to its root";
            return Err(self.log.mismatch("tile/entries", why).into());
        }
        Ok(())
    }

    fn take(&mut self, batch: Batch) -> Result<(), CliError> {
        let mut scanned = self.state.scanned.clone();
        for record in &batch.records {
            let filled = scanned.append(record.hash);
            let filled = filled.map_err(|error| CliError::of(&error))?;
            for (tile, hashes) in filled {
                self.same_tile(&tile, &hashes)?;
            }
        }
        self.spool.append(&batch.entries)?;
        self.leaves.append(&batch.records)?;
        self.seen.add(batch.keys);
        self.state.scanned = scanned;
        Ok(())
    }

    /// The log serves this tile. Those of level 0 have been compared with their bundles.
    fn same_tile(&self, tile: &Tile, hashes: &[Hash]) -> Result<(), CliError> {
        if tile.level() == Level::Hashes(0) || self.log.hashes(tile)? == hashes {
            return Ok(());
        }
        let why = "its hashes are not those of the entries";
        Err(self.log.mismatch(&tile.path(), why).into())
    }

    /// Forgets what was scanned and not checked.
    fn forget(&mut self) -> Result<(), CliError> {
        self.state.scanned = self.state.checked.clone();
        self.state.judged = self.state.checked.size();
        self.state.pairs.clear();
        self.spool.restart(self.state.scanned.size())?;
        self.seen.reset();
        self.leaves.truncate(self.state.scanned.size())?;
        self.save()
    }

    /// Everything that the head covers was scanned and judged.
    fn complete(&mut self, head: &SignedHead) -> Result<(), CliError> {
        self.state.checked = self.state.scanned.clone();
        self.state.judged = self.state.checked.size();
        self.state.head = Some(head.text.clone());
        self.state.log = Some(head.key.clone());
        self.state.pairs.clear();
        self.save()
    }

    fn report(&mut self, head: &SignedHead, from: u64, took: Duration) {
        let new = head.size.saturating_sub(from);
        self.counts.entries = self.counts.entries.saturating_add(new);
        let mut text = format!(
            "{}, {} in all, {} in one tree",
            counted(new, "new entry", "new entries"),
            head.size,
            if new == 1 { "is" } else { "are" },
        );
        if self.worst == Exit::Ok {
            let seconds = took.as_secs_f64();
            text.push_str(&format!(", and every signature holds ({seconds:.1} s)"));
        }
        if self.state.unknown > 0 {
            let are = match self.state.unknown {
                1 => "1 is of a type that is".into(),
                many => format!("{many} are of types that are"),
            };
            text.push_str(&format!("; {are} not known"));
        }
        let event = Event::new("checked", text)
            .with("entries", new)
            .with("root", base64(&head.root))
            .with("size", head.size)
            .with("unknown", self.state.unknown);
        self.say(&event);
    }

    /// Keeps a head for what it proves about entries to come: at its time they were not there.
    pub(super) fn remember(&mut self, head: &SignedHead) -> Result<(), CliError> {
        let time = head.newest_at;
        if time.is_none() || head.size > self.state.checked.size() {
            return Ok(());
        }
        // `None` also where the policy has changed since.
        let known = self.state.cosigned.as_deref();
        let known = known.and_then(|text| self.read_head("the state", text).ok()?.newest_at);
        if time > known {
            self.state.cosigned = Some(head.text.clone());
            self.save()?;
        }
        Ok(())
    }

    /// Whether the newest head is as new as the caller wants.
    fn fresh(&mut self, time: Option<Time>) -> Result<(), CliError> {
        let (Some(most), Some(time), Some(now)) = (self.args.max_age, time, now()) else {
            return Ok(());
        };
        if time.saturating_add_millis(most.saturating_mul(1000)) >= now {
            return Ok(());
        }
        let message = format!(
            "The newest head of {} was cosigned at {}.",
            self.log.url(),
            for_people(time)
        );
        Err(CliError::new(CliCode::MonitorStale, message).expected(format!("at most {most} s ago")))
    }

    fn bar(&self, from: u64, to: u64) -> ProgressBar {
        if to.saturating_sub(from) < 1000 || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = self.bars.add(ProgressBar::new(to));
        let template = "{pos} of {len} entries  {wide_bar}  {per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(from);
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}
