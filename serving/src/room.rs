//! Rooms for what is scarce, and how much of them one client gets.
//!
//! A client never holds more than it leaves free. So a single one gets half of a room, two get a
//! third each, and the next one finds as much again: nobody has to guess how many will come.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;

use crate::party::Party;
use crate::prometheus;

/// How long a room counts as full after somebody did not fit in.
const REMEMBERED: Duration = Duration::from_secs(10);

/// A room: bytes of bodies, places in a queue, connections.
#[derive(Debug)]
pub struct Room {
    name: &'static str,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    parties: HashMap<Party, usize>,
    /// How often there was no room for one client, and for nobody.
    refused: [u64; 2],
    full: Option<Instant>,
}

/// The reason why somebody does not fit in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// This client holds as much as it leaves to the others.
    #[error("Your other requests hold your whole share of the {0}: wait until some are answered.")]
    Share(&'static str),
    /// All of it is taken.
    #[error("The {0} are exhausted: too many requests are waiting.")]
    Full(&'static str),
}

impl Refused {
    /// 429 for a client's own share, 503 for everybody's.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Share(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// A part of a room, given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    party: Option<Party>,
    amount: usize,
}

impl Room {
    /// A room of this size. `name` is a plural: `connections`.
    pub fn new(name: &'static str, most: usize) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { name, most, state })
    }

    /// All of it.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Nothing yet, of which there can be more. Without a `party`, only what there is in all
    /// counts.
    pub fn hold(self: &Arc<Self>, party: Option<Party>) -> Held {
        Held {
            room: Arc::clone(self),
            party,
            amount: 0,
        }
    }

    /// So much of it.
    ///
    /// # Errors
    ///
    /// If the client's share or the room is exhausted.
    pub fn take(self: &Arc<Self>, party: Option<Party>, amount: usize) -> Result<Held, Refused> {
        let mut held = self.hold(party);
        held.more(amount)?;
        Ok(held)
    }

    /// Turns somebody away for whom there is no room further on.
    pub fn turn_away(&self) -> Refused {
        let mut state = self.lock();
        state.refused[1] += 1;
        state.full = Some(Instant::now());
        Refused::Full(self.name)
    }

    /// Says that it is full, if it is, or was just now.
    pub fn trouble(&self) -> Option<String> {
        let state = self.lock();
        let recent = state.full.is_some_and(|at| at.elapsed() < REMEMBERED);
        (recent || state.taken >= self.most).then(|| {
            format!(
                "the {} are exhausted: {} of {}",
                self.name, state.taken, self.most
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Adds to it.
    ///
    /// # Errors
    ///
    /// If the client's share or the room is exhausted. It then holds what it held before.
    pub fn more(&mut self, amount: usize) -> Result<(), Refused> {
        let mut state = self.room.lock();
        let free = self.room.most.saturating_sub(state.taken);
        if amount > free {
            drop(state);
            return Err(self.room.turn_away());
        }
        if let Some(party) = &self.party {
            let own = state.parties.get(party).copied().unwrap_or_default();
            let own = own.saturating_add(amount);
            if own > free {
                state.refused[0] += 1;
                return Err(Refused::Share(self.room.name));
            }
            state.parties.insert(party.clone(), own);
        }
        state.taken = state.taken.saturating_add(amount);
        self.amount = self.amount.saturating_add(amount);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.room.lock();
        state.taken = state.taken.saturating_sub(self.amount);
        if let Some(party) = &self.party
            && let Some(own) = state.parties.get_mut(party)
        {
            *own = own.saturating_sub(self.amount);
            if *own == 0 {
                state.parties.remove(party);
            }
        }
    }
}

/// The figures of these rooms for Prometheus, under names that begin with `prefix`.
pub(crate) fn metrics<'r>(prefix: &str, rooms: impl IntoIterator<Item = &'r Arc<Room>>) -> String {
    let (mut held, mut most, mut refused) = (String::new(), String::new(), String::new());
    for room in rooms {
        let state = room.lock();
        let name = prometheus::label(room.name);
        let [share, full] = state.refused;
        let _infallible = writeln!(held, "{prefix}_room_held{{of={name}}} {}", state.taken);
        let _infallible = writeln!(most, "{prefix}_room_limit{{of={name}}} {}", room.most);
        let _infallible = writeln!(
            refused,
            "{prefix}_room_refused_total{{of={name},why=\"share\"}} {share}\n\
             {prefix}_room_refused_total{{of={name},why=\"full\"}} {full}"
        );
    }
    let mut out = String::new();
    for (name, kind, help, lines) in [
        ("held", "gauge", "Taken of what is scarce.", held),
        ("limit", "gauge", "How much of it there is.", most),
        (
            "refused_total",
            "counter",
            "Requests without room: for this client, or for anybody.",
            refused,
        ),
    ] {
        prometheus::head(&mut out, &format!("{prefix}_room_{name}"), kind, help);
        out.push_str(&lines);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str) -> Option<Party> {
        Some(Party::Token(name.into()))
    }

    /// How many places somebody gets, one by one.
    fn fill(room: &Arc<Room>, party: Option<Party>) -> Vec<Held> {
        std::iter::from_fn(|| room.take(party.clone(), 1).ok()).collect()
    }

    #[test]
    fn a_client_never_holds_more_than_it_leaves_free() {
        let room = Room::new("places", 120);
        let a = fill(&room, token("a"));
        assert_eq!(a.len(), 60);
        assert_eq!(
            room.take(token("a"), 1).unwrap_err(),
            Refused::Share("places")
        );
        // The next one finds room, however many came before.
        let b = fill(&room, token("b"));
        let c = fill(&room, token("c"));
        assert_eq!((b.len(), c.len()), (30, 15));
        assert!(!fill(&room, token("d")).is_empty());
        assert_eq!(room.trouble(), None);
        // What is given back is there again.
        drop((a, b, c));
        assert_eq!(fill(&room, token("b")).len(), 60);
    }

    #[test]
    fn without_a_client_all_of_it_can_be_taken_and_that_is_said() {
        let room = Room::new("places", 10);
        let all = fill(&room, None);
        assert_eq!(all.len(), 10);
        assert_eq!(
            room.take(token("a"), 1).unwrap_err(),
            Refused::Full("places")
        );
        let trouble = room.trouble().unwrap();
        assert_eq!(trouble, "the places are exhausted: 10 of 10");
        let text = metrics("x", [&room]);
        for line in [
            "x_room_held{of=\"places\"} 10",
            "x_room_limit{of=\"places\"} 10",
            "x_room_refused_total{of=\"places\",why=\"full\"} 2",
            "x_room_refused_total{of=\"places\",why=\"share\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        drop(all);
        assert!(room.trouble().is_some(), "it was full just now");
    }

    #[test]
    fn a_room_for_one_has_room_for_one() {
        let room = Room::new("places", 1);
        let first = room.take(token("a"), 1).unwrap();
        assert_eq!(
            room.take(token("b"), 1).unwrap_err(),
            Refused::Full("places")
        );
        drop(first);
        assert!(room.take(token("b"), 1).is_ok());
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let room = Room::new("bytes", 100);
        let mut held = room.hold(token("a"));
        held.more(40).unwrap();
        assert_eq!(held.more(30).unwrap_err(), Refused::Share("bytes"));
        assert_eq!(held.more(70).unwrap_err(), Refused::Full("bytes"));
        held.more(10).unwrap();
        drop(held);
        assert!(room.lock().parties.is_empty());
        assert_eq!(room.lock().taken, 0);
    }
}
