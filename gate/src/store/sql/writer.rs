//! The thread that writes: what waits becomes one transaction, and is answered when it is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use verifier_core::Time;
use verifier_core::hazmat::json::Value;

use super::database::{Connection, params};
use super::{Change, Clock, End, Notify};
use crate::event::{Event, Link};
use crate::refusal::{Reason, Refusal};
use crate::store::{CLOCK_ALLOWANCE_MILLIS, StoreError, Trouble};

/// How many calls may wait, and how many go into one transaction.
const QUEUE: usize = 4096;
const BATCH: usize = 256;

/// How long calls go into one transaction. Where several processes write, others wait meanwhile.
const TURN: Duration = Duration::from_millis(200);

/// Answers a caller, when it is known whether the transaction was committed.
type Reply = Box<dyn FnOnce(Option<&StoreError>) + Send>;

/// One call: what it does, unless there is no transaction to do it in, and how its caller hears of it.
type Job = Box<dyn FnOnce(Option<&mut Step<'_>>) -> (bool, Reply) + Send>;

/// The one connection of a process that writes, a transaction at a time.
pub(in crate::store) trait Ledger: Send {
    /// Begins a transaction: nobody else, in this process or another one, changes anything before it
    /// ends. Returns the end of the chain.
    fn begin(&mut self) -> Result<End, StoreError>;

    /// The way to what it changes.
    fn connection(&self) -> Result<&dyn Connection, StoreError>;

    /// Ends it: what was changed is durable, with the chain that ends here. If there is an error, it
    /// may be so all the same.
    fn commit(&mut self, end: End) -> Result<(), StoreError>;

    /// Ends it: nothing was changed. Whatever could not be undone is undone with the connection.
    fn undo(&mut self);
}

/// A way to the thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

/// One call in its transaction.
pub(super) struct Step<'t> {
    pub(super) connection: &'t dyn Connection,
    /// The moment of the transaction, never before that of the last event.
    pub(super) now: Time,
    /// What the machine's clock says.
    machine: Time,
    end: End,
    /// The requests that are other ones now.
    changed: Vec<String>,
    /// There is something more to deliver.
    pub(super) delivers: bool,
}

impl Step<'_> {
    /// Records a change of a request, or of what else has no id, together with the news of it.
    pub(super) fn event(
        &mut self,
        kind: &'static str,
        request: Option<&str>,
        facts: Value<'_>,
    ) -> Result<(), Trouble> {
        let (event, link) = Event::next(self.end.link, self.now, kind, facts);
        self.execute(
            "INSERT INTO event (number, request, at, line) VALUES (?1, ?2, ?3, ?4)",
            params![
                event.number,
                request,
                super::rows::millis(self.now),
                event.line
            ],
        )?;
        self.end = End { link, at: self.now };
        self.changed.extend(request.map(str::to_owned));
        match request {
            Some(id) => self.announce(kind, id),
            None => Ok(()),
        }
    }

    /// Takes the machine's clock for right, though it stands before the last event.
    pub(super) fn follow_machine(&mut self) {
        self.now = self.machine;
    }

    /// Fails while the machine's clock stands before the last event.
    pub(super) fn require_clock(&self) -> Result<(), Trouble> {
        let behind = self.machine.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS) < self.end.at;
        if !behind {
            return Ok(());
        }
        let detail = "The clock of this machine stands before the last event that it recorded. \
                      Nothing is decided until it is right again, or `cosignet-gate clock accept` \
                      takes it for right.";
        Err(Refusal::new(Reason::ClockBehind, detail)
            .compared(
                format!("{} or later", self.end.at),
                self.machine.to_string(),
            )
            .into())
    }
}

impl Writer {
    pub(super) fn start(
        ledger: Box<dyn Ledger>,
        clock: Clock,
        notify: Notify,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let mut thread = Thread {
            ledger,
            clock,
            notify,
        };
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || thread.run(&queue))
            .map_err(|error| StoreError::Reach(error.to_string()))?;
        Ok(Self { jobs })
    }

    /// Has a call done. Once it has begun it goes on, whether anybody still waits for it or not.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Step<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |step: Option<&mut Step<'_>>| {
            let none = || StoreError::Reach("the call was not made".into()).into();
            let done = step.map_or_else(|| Err(none()), work);
            let keep = done.is_ok();
            let reply = move |failed: Option<&StoreError>| {
                let answer = match failed {
                    None => done,
                    Some(error) => Err(error.clone().into()),
                };
                // Nobody may be waiting any more.
                let _gone = reply.send(answer);
            };
            let reply: Reply = Box::new(reply);
            (keep, reply)
        });
        let full = || StoreError::Reach("too many calls are waiting".into());
        self.jobs.try_send(job).map_err(|_| full())?;
        let lost = |_| StoreError::Reach("the thread that writes has ended".into());
        answer.await.map_err(lost)?
    }
}

struct Thread {
    ledger: Box<dyn Ledger>,
    clock: Clock,
    notify: Notify,
}

impl Thread {
    fn run(&mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let more = std::iter::from_fn(|| queue.try_recv().ok()).take(BATCH - 1);
            let jobs: Vec<Job> = std::iter::once(first).chain(more).collect();
            let done = catch_unwind(AssertUnwindSafe(|| self.batch(jobs)));
            if done.is_err() {
                // Nobody knows how far it came: the next start looks.
                std::process::abort();
            }
        }
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        let mut jobs = jobs.into_iter();
        while jobs.len() > 0 {
            self.turn(&mut jobs);
        }
    }

    /// One transaction, of as many calls as there is time for.
    fn turn(&mut self, jobs: &mut std::vec::IntoIter<Job>) {
        let mut replies = Vec::new();
        let done = self.transact(jobs, &mut replies);
        match done {
            Ok(Committed {
                changed, delivers, ..
            }) => {
                for id in &changed {
                    (self.notify)(Change::Request(id));
                }
                if delivers {
                    (self.notify)(Change::Deliveries);
                }
                replies.into_iter().for_each(|reply| reply(None));
            }
            Err(error) => {
                tracing::error!("{error}");
                replies.into_iter().for_each(|reply| reply(Some(&error)));
            }
        }
    }

    fn transact(
        &mut self,
        jobs: &mut std::vec::IntoIter<Job>,
        replies: &mut Vec<Reply>,
    ) -> Result<Committed, StoreError> {
        let done = self.ledger.begin().and_then(|end| {
            let done = self.steps(end, jobs, replies)?;
            self.ledger.commit(done.end)?;
            Ok(done)
        });
        if done.is_err() {
            self.ledger.undo();
            replies.extend(jobs.map(|job| job(None).1));
        }
        done
    }

    /// The calls, one after the other, each of them whole or not at all.
    fn steps(
        &self,
        end: End,
        jobs: &mut std::vec::IntoIter<Job>,
        replies: &mut Vec<Reply>,
    ) -> Result<Committed, StoreError> {
        let connection = self.ledger.connection()?;
        let mut committed = Committed {
            end,
            changed: Vec::new(),
            delivers: false,
        };
        let begun = Instant::now();
        for job in jobs {
            connection.batch("SAVEPOINT call")?;
            let machine = (self.clock)();
            let mut step = Step {
                connection,
                now: machine.max(committed.end.at),
                machine,
                end: committed.end,
                changed: Vec::new(),
                delivers: false,
            };
            let (keep, reply) = job(Some(&mut step));
            replies.push(reply);
            if keep {
                committed.end = step.end;
                committed.changed.append(&mut step.changed);
                committed.delivers |= step.delivers;
                connection.batch("RELEASE call")?;
            } else {
                connection.batch("ROLLBACK TO call; RELEASE call")?;
            }
            if begun.elapsed() > TURN {
                break;
            }
        }
        Ok(committed)
    }
}

/// What a transaction has done.
struct Committed {
    end: End,
    changed: Vec<String>,
    delivers: bool,
}

impl End {
    pub(in crate::store) const START: Self = Self {
        link: Link {
            number: 0,
            hash: [0; 32],
        },
        at: Time::EPOCH,
    };
}
