//! Judges entries that were scanned: alarms for what they prove.

use std::collections::BTreeMap;

use log_client::Nodes;
use verifier_core::alarm::{ALLOWANCE_MILLIS, Evidence, Logged};
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::leaf_hash;
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::prove;

use super::Monitor;
use super::advance::SignedHead;
use super::event::{Event, counted};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};

/// Entries that need not be asked for.
type Hand = BTreeMap<u64, Vec<u8>>;

/// How many entries of one round become alarms of their own.
pub(super) const MOST: usize = 100;

/// A head with a time at which no quorum had seen later entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cosigned {
    size: u64,
    time: Time,
}

impl Cosigned {
    pub(super) fn of(head: &SignedHead, time: Time) -> Self {
        Self {
            size: head.size,
            time,
        }
    }
}

/// A head with a time by which its entries were there.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    head: SignedHead,
    time: Time,
    ots: Option<Vec<u8>>,
}

impl Bound {
    pub(super) fn of(head: &SignedHead, time: Time, ots: Option<Vec<u8>>) -> Self {
        Self {
            head: head.clone(),
            time,
            ots,
        }
    }
}

/// A suspected fault of an entry, before it is proven.
pub(super) enum Suspicion {
    Fault,
    /// The entry with this index, before it in the log, was decided too long after it.
    Late(u64),
    PostDated(Bound),
}

/// An entry that appeared later than the policy allows, which may be anybody's fault.
struct Overdue {
    index: u64,
    decided: Time,
    head: Cosigned,
    /// How many more there are.
    others: u64,
}

/// The entry that was decided last, of those with smaller indexes.
#[derive(Clone, Copy, Debug)]
struct Newest {
    index: u64,
    decided: Time,
}

impl Monitor<'_> {
    /// How many entries need no judging any more.
    pub(super) fn judged(&self) -> u64 {
        self.state.checked.size().max(self.state.judged)
    }

    /// Judges what is scanned and not judged: the tree of this head, or its beginning.
    pub(super) fn judge(
        &mut self,
        head: &SignedHead,
        to: u64,
        time: Option<Time>,
    ) -> Result<(), CliError> {
        let from = self.judged();
        let earlier = self.earlier_heads();
        let later = time.map(|time| Bound::of(head, time, None));
        self.watch(from, to)?;
        let later = later.into_iter().collect();
        let suspects = self.suspects(from, to, true, earlier, later)?;
        let accused = self.accuse_in(suspects, head);
        self.duplicates(head, to)?;
        accused?;
        if to == head.size {
            let mut unknown = 0_u64;
            self.leaves
                .each(self.state.checked.size(), to, |_, record| {
                    unknown = unknown.saturating_add(u64::from(record.is_unknown()));
                    Ok(())
                })?;
            self.unknown(unknown);
        }
        Ok(())
    }

    /// Looks for entries that some head speaks against, and if asked (`faults`) for those that
    /// break a rule or the order of the log.
    pub(super) fn suspects(
        &mut self,
        from: u64,
        to: u64,
        faults: bool,
        mut earlier: Vec<Cosigned>,
        mut later: Vec<Bound>,
    ) -> Result<Vec<(u64, Suspicion)>, CliError> {
        earlier.sort_by_key(|head| (head.size, head.time));
        later.sort_by_key(|bound| (bound.head.size, bound.time));
        // Of the heads that lack an entry the latest says most, of those that have it the earliest:
        // keep those that say more than all smaller, or all larger ones.
        let mut latest = None;
        earlier.retain(|head| {
            let says_more = latest < Some(head.time);
            latest = latest.max(Some(head.time));
            says_more
        });
        let mut earliest: Option<Time> = None;
        later.reverse();
        later.retain(|bound| {
            let says_more = earliest.is_none_or(|earliest| bound.time < earliest);
            earliest = Some(earliest.map_or(bound.time, |earliest| earliest.min(bound.time)));
            says_more
        });
        later.reverse();
        let delay = self.rule.max_append_delay.saturating_add(ALLOWANCE_MILLIS);
        let mut newest = self.newest(from)?;
        let mut overdue: Option<Overdue> = None;
        let mut suspects = Vec::new();
        let mut more = 0_u64;
        self.leaves.each(from, to, |index, record| {
            let suspicion = match record.decided_at() {
                None => Some(Suspicion::Fault).filter(|_| faults && record.is_fault()),
                Some(decided) => {
                    let allowed = decided.saturating_add_millis(delay);
                    let before = newest.filter(|newest| newest.decided > allowed);
                    if newest.is_none_or(|newest| newest.decided < decided) {
                        newest = Some(Newest { index, decided });
                    }
                    if before.is_none()
                        && let Some(head) = lacking(index, &earlier)
                        && head.time > allowed
                    {
                        let first = overdue.get_or_insert(Overdue {
                            index,
                            decided,
                            head,
                            others: 0,
                        });
                        let another = u64::from(first.index != index);
                        first.others = first.others.saturating_add(another);
                    }
                    let post_dated = containing(index, &later)
                        .filter(|bound| {
                            decided > bound.time.saturating_add_millis(ALLOWANCE_MILLIS)
                        })
                        .map(|bound| Suspicion::PostDated(bound.clone()));
                    let late = before.map(|before| Suspicion::Late(before.index));
                    post_dated.or(late.filter(|_| faults))
                }
            };
            match suspicion {
                Some(suspicion) if suspects.len() < MOST => suspects.push((index, suspicion)),
                Some(_) => more = more.saturating_add(1),
                None => {}
            }
            Ok(())
        })?;
        if more > 0 {
            let text = format!(
                "{} rules as well; the first {MOST} became alarms",
                counted(more, "entry breaks", "entries break")
            );
            self.say(&Event::new("more", text).with("entries", more));
        }
        if faults {
            self.state.newest = newest.map(|newest| newest.index);
        }
        if let Some(overdue) = overdue {
            self.overdue(&overdue);
        }
        Ok(suspects)
    }

    /// The entry that was decided last of those before `end`.
    fn newest(&mut self, end: u64) -> Result<Option<Newest>, CliError> {
        let known = self.state.newest.filter(|index| *index < end);
        if let Some(index) = known {
            let decided = self.leaves.record(index)?.decided_at();
            return Ok(decided.map(|decided| Newest { index, decided }));
        }
        let mut newest: Option<Newest> = None;
        self.leaves.each(0, end, |index, record| {
            if let Some(decided) = record.decided_at()
                && newest.is_none_or(|newest| newest.decided < decided)
            {
                newest = Some(Newest { index, decided });
            }
            Ok(())
        })?;
        Ok(newest)
    }

    /// Says that entries came later than the policy allows. It is no alarm: witnesses that the log
    /// could not reach look the same from here, and anybody may have had the head cosigned again.
    fn overdue(&mut self, overdue: &Overdue) {
        let Overdue {
            index,
            decided,
            head,
            others,
        } = overdue;
        let others = match others {
            0 => String::new(),
            1 => " The same is true of one more entry.".into(),
            count => format!(" The same is true of {count} more entries."),
        };
        let message = format!(
            "Entry {index} says that it was decided at {}, and at {} the witnesses had seen no larger tree than \
             that of {} entries, which does not contain it.{others}",
            for_people(*decided),
            for_people(head.time),
            head.size,
        );
        let error = CliError::new(CliCode::MonitorOverdue, message);
        let delay = self.rule.max_append_delay_text();
        self.note(&error.expected(format!("published within {delay}")));
    }

    /// Proves suspicions under the last head that was checked.
    pub(super) fn accuse(&mut self, suspects: Vec<(u64, Suspicion)>) -> Result<(), CliError> {
        let Some(text) = self.state.head.clone() else {
            return Ok(());
        };
        let head = self.read_head("the state", &text)?;
        self.accuse_in(suspects, &head)
    }

    /// A suspicion that cannot be proven, for want of something, keeps nothing else from being
    /// proven.
    fn accuse_in(
        &mut self,
        suspects: Vec<(u64, Suspicion)>,
        head: &SignedHead,
    ) -> Result<(), CliError> {
        let hand = self.hand(suspects.iter().map(|(index, _)| *index))?;
        let mut outcome = Ok(());
        for (index, suspicion) in suspects {
            if let Err(error) = self.accuse_of(index, suspicion, head, &hand) {
                outcome = Err(error);
            }
        }
        outcome
    }

    fn accuse_of(
        &mut self,
        index: u64,
        suspicion: Suspicion,
        head: &SignedHead,
        hand: &Hand,
    ) -> Result<(), CliError> {
        let evidence = match suspicion {
            Suspicion::Fault => Evidence::BadEntry(self.logged(index, head, hand)?),
            Suspicion::PostDated(bound) => Evidence::PostDated {
                logged: self.logged(index, &bound.head, hand)?,
                ots: bound.ots,
            },
            Suspicion::Late(before) => Evidence::Late {
                before: self.logged(before, head, hand)?,
                late: self.logged(index, head, hand)?,
            },
        };
        self.raise(evidence, &[self.log.url().to_owned()])
    }

    /// The entries among these that were read in this scan: nobody is asked for them again.
    fn hand(&mut self, wanted: impl Iterator<Item = u64>) -> Result<Hand, CliError> {
        let mut hand = self.spool.read(&wanted.collect())?;
        for (index, entry) in std::mem::take(&mut hand) {
            if leaf_hash(&entry) == self.leaves.record(index)?.hash {
                hand.insert(index, entry);
            }
        }
        Ok(hand)
    }

    fn duplicates(&mut self, head: &SignedHead, to: u64) -> Result<(), CliError> {
        let from = self.judged();
        let pairs = match to == head.size {
            // They are not found a second time, so they are kept until they are judged.
            true => self.seen.settle()?,
            false => self.seen.look()?,
        };
        for pair in pairs {
            if pair.1 >= from && !self.state.pairs.contains(&pair) {
                self.state.pairs.push(pair);
            }
        }
        self.save()?;
        let pairs = self.state.pairs.clone();
        let hand = self.hand(pairs.iter().flat_map(|(first, second)| [*first, *second]))?;
        let mut outcome = Ok(());
        for (first, second) in pairs {
            if let Err(error) = self.duplicate(first, second, head, &hand) {
                outcome = Err(error);
            }
        }
        outcome
    }

    fn duplicate(
        &mut self,
        first: u64,
        second: u64,
        head: &SignedHead,
        hand: &Hand,
    ) -> Result<(), CliError> {
        let first = self.logged(first, head, hand)?;
        let second = self.logged(second, head, hand)?;
        let entry = |logged: &Logged| {
            let text = std::str::from_utf8(&logged.entry).ok()?;
            Leaf::parse(text).ok()
        };
        let same = entry(&first).zip(entry(&second)).is_some_and(|(a, b)| {
            a.id_hash() == b.id_hash() || a.assertion_identity() == b.assertion_identity()
        });
        match same {
            true => {
                let evidence = Evidence::Duplicate(first, second);
                self.raise(evidence, &[self.log.url().to_owned()])
            }
            false => Ok(()),
        }
    }

    fn unknown(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.state.unknown = self.state.unknown.saturating_add(count);
        let message = format!(
            "{} that this version does not know.",
            counted(count, "entry is of a type", "entries are of types")
        );
        self.note(&CliError::new(CliCode::MonitorUnknownEntries, message));
    }

    /// The entry, and the proof that it is in the tree of this head.
    fn logged(&mut self, index: u64, head: &SignedHead, hand: &Hand) -> Result<Logged, CliError> {
        let entry = match hand.get(&index) {
            Some(entry) => entry.clone(),
            None => {
                // Under the newest head: partial tiles of older ones may be gone.
                let size = self.state.scanned.size().max(head.size);
                self.log.entry(index, size)?
            }
        };
        if leaf_hash(&entry) != self.leaves.record(index)?.hash {
            let why = "it has other entries than before";
            return Err(self.log.mismatch("tile/entries", why).into());
        }
        let log = self.log.clone();
        let mut nodes = log.nodes(head.size);
        let hashes = prove::inclusion(index, head.size, &mut |height, number| {
            self.node(&mut nodes, height, number)
        })?;
        let checkpoint = SignedCheckpoint::parse(&head.text);
        let checkpoint = checkpoint.map_err(|error| CliError::of(&error))?;
        let proof = Proof::new(None, index, hashes.unwrap_or_default(), checkpoint);
        let proof = proof.map_err(|error| CliError::of(&error))?;
        Ok(Logged::new(entry, proof.to_string()))
    }

    /// A node of what was scanned, or else of what the log shows.
    fn node(
        &mut self,
        nodes: &mut Nodes<'_>,
        height: u8,
        number: u64,
    ) -> Result<[u8; 32], CliError> {
        let leaves = 1_u64.checked_shl(height.into());
        let end = leaves.and_then(|leaves| number.checked_add(1)?.checked_mul(leaves));
        match end.is_some_and(|end| end <= self.state.scanned.size()) {
            true => self.leaves.node(height, number),
            false => Ok(nodes.node(height, number)?),
        }
    }

    /// The head that is known to lack the entries to come, unless the policy has changed since.
    fn earlier_heads(&self) -> Vec<Cosigned> {
        let known = self.state.cosigned.as_deref();
        let head = known.and_then(|text| self.read_head("the state", text).ok());
        let cosigned = head.and_then(|head| {
            let time = head.newest_at?;
            Some(Cosigned::of(&head, time))
        });
        cosigned.into_iter().collect()
    }

    /// Alarms that are still there make every round end with 1.
    pub(super) fn remind(&mut self) -> Result<(), CliError> {
        let count = self.alarm_files()?.len();
        if count > 0 && self.worst != Exit::Rejected {
            self.worst = Exit::Rejected;
            let folder = self.dir.alarms();
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            let folder = show_path(&folder);
            let text = match count {
                1 => format!("1 alarm is in {folder}; move it away when it is dealt with"),
                _ => format!("{count} alarms are in {folder}; move them away when dealt with"),
            };
            self.say(&Event::new("alarms", text).with("count", count));
        }
        Ok(())
    }
}

/// The earliest head that has an entry. Heads are in the order of their sizes and of their times.
fn containing(index: u64, later: &[Bound]) -> Option<&Bound> {
    later.get(later.partition_point(|bound| bound.head.size <= index))
}

/// The latest head that lacks an entry, of heads in the same order.
fn lacking(index: u64, earlier: &[Cosigned]) -> Option<Cosigned> {
    let lack = earlier.partition_point(|head| head.size <= index);
    earlier.get(lack.checked_sub(1)?).copied()
}
