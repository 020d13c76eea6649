//! Who sits at the browser: a short session, begun with a passkey.
//!
//! The challenge of a login has 32 bytes, and that of an approval at least 48. So what signs in never
//! approves, and a challenge that the gate chooses never decides.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use verifier_core::hazmat::encoding::sha256;

/// How long a challenge is good, and a session.
const CHALLENGE: Duration = Duration::from_secs(5 * 60);
pub(crate) const SESSION: Duration = Duration::from_secs(15 * 60);

/// The most challenges and sessions at a time.
const MOST: usize = 20_000;

/// The challenges that are out, and the sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    challenges: Mutex<HashMap<[u8; 32], Instant>>,
    /// By the hash of the cookie.
    open: Mutex<HashMap<[u8; 32], Session>>,
}

/// Somebody who has signed in with this passkey.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Session {
    pub(crate) credential_id: Vec<u8>,
    until: Instant,
}

impl Sessions {
    /// Remembers a challenge.
    pub(crate) fn challenge(&self, challenge: [u8; 32], now: Instant) {
        let mut challenges = lock(&self.challenges);
        make_room(&mut challenges, |until| *until > now);
        challenges.insert(challenge, now + CHALLENGE);
    }

    /// Takes a challenge back. Each is good once.
    pub(crate) fn answered(&self, challenge: &[u8], now: Instant) -> Option<[u8; 32]> {
        let challenge = <[u8; 32]>::try_from(challenge).ok()?;
        let until = lock(&self.challenges).remove(&challenge)?;
        (now < until).then_some(challenge)
    }

    /// Begins a session. Its cookie is made by the caller out of random bytes.
    pub(crate) fn begin(&self, cookie: &str, credential_id: &[u8], now: Instant) {
        let mut open = lock(&self.open);
        make_room(&mut open, |session| session.until > now);
        let session = Session {
            credential_id: credential_id.to_vec(),
            until: now + SESSION,
        };
        open.insert(sha256(cookie.as_bytes()), session);
    }

    pub(crate) fn find(&self, cookie: &str, now: Instant) -> Option<Session> {
        let open = lock(&self.open);
        let session = open.get(&sha256(cookie.as_bytes()))?;
        (now < session.until).then(|| session.clone())
    }

    pub(crate) fn end(&self, cookie: &str) {
        lock(&self.open).remove(&sha256(cookie.as_bytes()));
    }
}

/// Forgets what is over, and if that is not enough, everything: whoever is forgotten signs in again.
fn make_room<V>(map: &mut HashMap<[u8; 32], V>, is_good: impl Fn(&V) -> bool) {
    if map.len() >= MOST {
        map.retain(|_, value| is_good(value));
    }
    if map.len() >= MOST {
        map.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_and_for_a_while() {
        let sessions = Sessions::default();
        let now = Instant::now();
        sessions.challenge([1; 32], now);
        sessions.challenge([2; 32], now);
        assert_eq!(sessions.answered(&[1; 31], now), None);
        assert_eq!(sessions.answered(&[3; 32], now), None);
        assert_eq!(sessions.answered(&[1; 32], now), Some([1; 32]));
        assert_eq!(sessions.answered(&[1; 32], now), None);
        assert_eq!(sessions.answered(&[2; 32], now + CHALLENGE), None);
    }

    #[test]
    fn a_session_ends() {
        let sessions = Sessions::default();
        let now = Instant::now();
        sessions.begin("a", b"id", now);
        assert!(sessions.find("a", now).is_some());
        assert!(sessions.find("b", now).is_none());
        assert!(sessions.find("a", now + SESSION).is_none());
        sessions.end("a");
        assert!(sessions.find("a", now).is_none());
    }
}
