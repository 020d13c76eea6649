//! A process among those that keep one log: it follows the one that leads, and leads when nobody
//! else does.
//!
//! It never steps down: a process that is deposed ends, with everything that it believes, and
//! follows when it is started again. One that cannot begin to lead, since a file is damaged or a witness
//! claims to know more, resigns and follows: it answers look-ups, says why, and tries again.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::backend::Place;
use crate::error::{LogError, Result};
use crate::follower::Follower;
use crate::http::latest::Latest;
use crate::log::{Log, Opened, Running, Thread, start};
use crate::settings::Settings;
use crate::store::{CHECKPOINT, Head, Lead, Leadership, Members};

/// How often a member looks what is published.
const TICK: Duration = Duration::from_millis(100);

/// How many ticks there are between two looks at who leads.
const TURNS: u32 = 5;

/// The pauses after attempts to lead that have failed, which double.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    current: Current,
    running: Arc<Mutex<Option<Running>>>,
    ended: Arc<AtomicBool>,
    following: Option<Thread>,
}

/// The log in the role that this process has at the moment.
#[derive(Clone, Debug)]
pub(crate) struct Current(Arc<RwLock<Log>>);

impl Current {
    pub(crate) fn log(&self) -> Log {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, log: Log) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = log;
    }
}

impl Member {
    /// Starts in the role that is free. Other members reach this one at `url`.
    pub(crate) fn start(data: &Path, url: Option<String>, settings: Settings) -> Result<Self> {
        let place = Place {
            url,
            ..settings.place(data)
        };
        let opened = Opened::new(place, &settings)?;
        let Some(members) = opened.backend.members()? else {
            let lead = opened.backend.lead()?;
            let (log, running) = Log::lead(&opened, settings, lead, None)?;
            return Ok(Self::leading(log, running));
        };
        let key = opened.key.public().clone();
        let elsewhere = shown_elsewhere(&opened);
        let latest = Arc::new(Latest::new(Arc::clone(&members), key, elsewhere));
        let mut attempts = Attempts::default();
        if let Some(lead) = try_to_lead(&opened, &*members)? {
            match Log::lead(&opened, settings.clone(), lead, Some(Arc::clone(&latest))) {
                Ok((log, running)) => return Ok(Self::leading(log, running)),
                Err(failure @ LogError::Usage(_)) => return Err(failure),
                Err(failure) => attempts.failed(&failure),
            }
        }
        let follower = Follower::start(&opened, settings.clone(), &latest)?;
        let current = Current(Arc::new(RwLock::new(follower.log.clone())));
        let running = Arc::new(Mutex::new(None));
        let ended = Arc::new(AtomicBool::new(false));
        let program = settings.program;
        let following = Following {
            opened,
            settings,
            members,
            latest,
            attempts,
            current: current.clone(),
            running: Arc::clone(&running),
            ended: Arc::clone(&ended),
        };
        let following = start(program, "member", move || following.run(follower))?;
        Ok(Self {
            current,
            running,
            ended,
            following: Some(following),
        })
    }

    fn leading(log: Log, running: Running) -> Self {
        Self {
            current: Current(Arc::new(RwLock::new(log))),
            running: Arc::new(Mutex::new(Some(running))),
            ended: Arc::default(),
            following: None,
        }
    }

    /// The log, in whatever role.
    pub(crate) fn current(&self) -> Current {
        self.current.clone()
    }

    /// Ends the member: see [`Running::end`].
    pub(crate) fn end(self) -> Result<()> {
        self.ended.store(true, SeqCst);
        if let Some(following) = self.following {
            let failed = |_| LogError::System("the thread that follows has failed".into());
            following.join().map_err(failed)??;
        }
        drop(self.current);
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        running.map_or(Ok(()), Running::end)
    }
}

/// The thread of a member that follows.
struct Following {
    opened: Opened,
    settings: Settings,
    members: Arc<dyn Members>,
    latest: Arc<Latest>,
    attempts: Attempts,
    current: Current,
    running: Arc<Mutex<Option<Running>>>,
    ended: Arc<AtomicBool>,
}

/// The attempts to lead that have failed.
#[derive(Debug, Default)]
struct Attempts {
    /// The last one, how long nothing is tried after it, and why it failed.
    last: Option<(Instant, Duration, String)>,
}

impl Attempts {
    fn failed(&mut self, failure: &LogError) {
        let pause = self.last.as_ref().map(|(_, pause, _)| *pause * 2);
        let pause = pause.unwrap_or(FIRST_PAUSE).min(LONGEST_PAUSE);
        tracing::error!(%failure, ?pause, "cannot lead");
        self.last = Some((Instant::now(), pause, failure.to_string()));
    }

    /// Whether it is too early for the next one.
    fn pausing(&self) -> bool {
        let pausing = |(at, pause, _): &(Instant, Duration, String)| at.elapsed() < *pause;
        self.last.as_ref().is_some_and(pausing)
    }

    fn why(&self) -> Option<String> {
        self.last.as_ref().map(|(_, _, why)| why.clone())
    }
}

impl Following {
    /// Follows until the process ends, or until it leads.
    fn run(mut self, follower: Follower) -> Result<()> {
        for turn in (0..TURNS).cycle() {
            if self.ended.load(SeqCst) {
                break;
            }
            follower.refresh();
            if turn == 0
                && let Some(lead) = self.look(&follower)
            {
                match self.lead(lead) {
                    Ok(()) => {
                        // Whatever is on its way to the one that led comes here.
                        follower.follow(self.opened.place.url.clone());
                        break;
                    }
                    // Whoever else can, leads.
                    Err(failure) => self.attempts.failed(&failure),
                }
            }
            std::thread::sleep(TICK);
        }
        follower.end();
        Ok(())
    }

    /// The right to lead, if it is free. An error of the moment is one of the moment: the next look
    /// comes soon.
    fn look(&self, follower: &Follower) -> Option<Lead> {
        let looked = self.members.leadership().and_then(|found| match found {
            Leadership::Held(leader) => {
                follower.thaw();
                follower.lead(None);
                follower.follow(leader);
                Ok(None)
            }
            Leadership::Frozen(why) => {
                follower.freeze(&why);
                Ok(None)
            }
            Leadership::Vacant => {
                follower.thaw();
                follower.lead(self.attempts.why());
                follower.follow(None);
                match self.attempts.pausing() {
                    true => Ok(None),
                    false => try_to_lead(&self.opened, &*self.members),
                }
            }
        });
        looked.unwrap_or_else(|failure| {
            tracing::warn!(%failure, "cannot see who leads");
            None
        })
    }

    fn lead(&self, lead: Lead) -> Result<()> {
        let latest = Some(Arc::clone(&self.latest));
        let (log, running) = Log::lead(&self.opened, self.settings.clone(), lead, latest)?;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        self.current.replace(log);
        Ok(())
    }
}

/// The checkpoint that readers may have seen among the public files: no member shows less, not even
/// one that has just started at a database that went back.
fn shown_elsewhere(opened: &Opened) -> Option<Head> {
    let objects = opened.backend.objects();
    let found = objects.get(CHECKPOINT).unwrap_or_else(|failure| {
        tracing::warn!(%failure, "cannot read the copy of the checkpoint");
        None
    });
    let checkpoint = String::from_utf8(found?).ok()?;
    // Whether somebody else writes there, the one that leads finds out.
    let (size, root) = opened.key.open(&checkpoint).ok()?;
    Some(Head {
        size,
        root,
        checkpoint,
    })
}

/// The right to lead; `None` if somebody else has it.
fn try_to_lead(opened: &Opened, members: &dyn Members) -> Result<Option<Lead>> {
    if members.leadership()? != Leadership::Vacant {
        return Ok(None);
    }
    match opened.backend.lead() {
        Ok(lead) => Ok(Some(lead)),
        // Somebody was quicker.
        Err(_) if members.leadership()? != Leadership::Vacant => Ok(None),
        Err(failure) => Err(failure),
    }
}
