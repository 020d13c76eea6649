//! A delivery: one notice to one receiver, and what becomes of it. A row of its own, made in the
//! transaction of the event, and tried until it is taken or its time is over.
//!
//! ```text
//! waiting ── taken ──► delivered
//!    ├── not taken for 24 hours, or never will be ──► dead ── redeliver ──► waiting
//!    └── nobody needs it any more ──► moot
//! ```

use std::time::Duration;

use verifier_core::Time;

use crate::channel::Channel;
use crate::notice::{Notice, Topic};

/// How long it is tried, in milliseconds.
pub(crate) const PATIENCE: u64 = 24 * 60 * 60 * 1000;

/// The pause behind the first try that failed, by how much each next one is longer, and the longest,
/// in milliseconds: 5 s, 15 s, 45 s, … 4 hours, about 14 tries in all.
const FIRST_PAUSE: u64 = 5_000;
const FACTOR: u64 = 3;
const LONGEST_PAUSE: u64 = 4 * 60 * 60 * 1000;

/// The longest pause that a receiver can ask for.
const LONGEST_WISH: Duration = Duration::from_secs(60 * 60);

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Waiting,
    Delivered,
    /// It was given up, and can be sent again.
    Dead,
    /// The person has nothing to decide any more.
    Moot,
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Dead, Self::Moot];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Moot => "moot",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// `webhook-id`: the same whenever it is tried.
    pub(crate) id: String,
    pub(crate) notice: Notice,
    pub(crate) receiver: Receiver,
}

/// Somebody to whom something is sent.
#[derive(Clone, Debug)]
pub(crate) enum Receiver {
    Channel(Box<Channel>),
    /// A person, at this address.
    Mail(String),
    /// A person who has nothing to decide any more, or no address, or has left.
    Nobody,
}

/// A delivery, as operators look at it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: String,
    /// A channel, or a person.
    pub(crate) receiver: String,
    pub(crate) is_mail: bool,
    /// The id of a request, or of a use of break-glass.
    pub(crate) about: String,
    pub(crate) topic: Topic,
    pub(crate) at: Time,
    pub(crate) state: State,
    pub(crate) tries: u64,
    pub(crate) next: Option<Time>,
    pub(crate) said: Option<String>,
}

/// How much of one lane is not delivered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Backlog {
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
    /// The event of the oldest one that waits.
    pub(crate) oldest: Option<Time>,
}

/// Deliveries that wait for each other: those of one channel, or all mails.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Lane {
    Channel(String),
    Mail,
}

impl Lane {
    pub(crate) fn channel(&self) -> Option<&str> {
        match self {
            Self::Channel(name) => Some(name),
            Self::Mail => None,
        }
    }

    /// As messages and figures name it.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Channel(name) => name,
            Self::Mail => "mail",
        }
    }
}

/// The outcome of one try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The receiver has taken it.
    Delivered(String),
    /// Another try may succeed. A receiver may say how long it wants to be left alone.
    Failed { why: String, wish: Option<Duration> },
    /// No try will succeed.
    Never(String),
    /// The receiver wants nothing any more.
    Gone(String),
    /// There is nobody who needs it.
    Moot,
}

impl Outcome {
    /// As the log of deliveries says it.
    pub(crate) fn said(&self) -> &str {
        match self {
            Self::Delivered(said) | Self::Never(said) | Self::Gone(said) => said,
            Self::Failed { why, .. } => why,
            Self::Moot => "there was nothing left to decide",
        }
    }
}

/// The moment of the next try after one that failed; `None` if there is none before `until`. The
/// last try is at the end of the time. `chance` spreads those out that failed together: by a fifth
/// earlier or later.
pub(crate) fn next_try(
    tries: u64,
    now: Time,
    until: Time,
    wish: Option<Duration>,
    chance: u16,
) -> Option<Time> {
    if now >= until {
        return None;
    }
    let power = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = FIRST_PAUSE.saturating_mul(FACTOR.saturating_pow(power.min(16)));
    let pause = pause.min(LONGEST_PAUSE);
    let spread = pause.saturating_mul(2).saturating_mul(chance.into()) / (5 * u64::from(u16::MAX));
    let pause = (pause - pause / 5).saturating_add(spread);
    let wish = wish.unwrap_or_default().min(LONGEST_WISH);
    let pause = pause.max(u64::try_from(wish.as_millis()).unwrap_or(u64::MAX));
    Some(now.saturating_add_millis(pause).min(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_a_day_more_and_more_seldom() {
        for chance in [0, u16::MAX / 2, u16::MAX] {
            let begin = Time::from_seconds(1_800_000_000).unwrap();
            let until = begin.saturating_add_millis(PATIENCE);
            let (mut now, mut tries, mut pauses) = (begin, 1, Vec::new());
            while let Some(next) = next_try(tries, now, until, None, chance) {
                assert!(next > now);
                pauses.push(next.as_millis() - now.as_millis());
                (now, tries) = (next, tries + 1);
            }
            assert_eq!(now, until, "the last try is at the end");
            assert!((12..=18).contains(&tries), "{tries}");
            assert!((4_000..=6_000).contains(&pauses[0]), "{pauses:?}");
            assert!((12_000..=18_000).contains(&pauses[1]), "{pauses:?}");
            let longest = pauses.iter().max().unwrap();
            assert!(*longest <= LONGEST_PAUSE + LONGEST_PAUSE / 5, "{pauses:?}");
        }
    }

    #[test]
    fn chance_moves_a_try_by_a_fifth() {
        let until = Time::from_millis(PATIENCE).unwrap();
        let first = |chance| {
            let next = next_try(1, Time::EPOCH, until, None, chance);
            next.unwrap().as_millis()
        };
        assert_eq!((first(0), first(u16::MAX)), (4_000, 6_000));
    }

    #[test]
    fn a_receiver_can_ask_for_an_hour_and_no_more() {
        let until = Time::from_millis(PATIENCE).unwrap();
        let next = |seconds| {
            let wish = Some(Duration::from_secs(seconds));
            let next = next_try(1, Time::EPOCH, until, wish, 0);
            next.unwrap().as_millis()
        };
        assert_eq!(next(1), 4_000);
        assert_eq!(next(120), 120_000);
        assert_eq!(next(u64::MAX), 3_600_000);
    }
}
