//! Who sits at the browser: a short session, begun with a passkey.
//!
//! The challenge of a login has 32 bytes, and that of an approval at least 48. So what signs in never
//! approves, and a challenge that the gate chooses never decides.

mod everywhere;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;
use verifier_core::hazmat::encoding::sha256;

pub(crate) use everywhere::Logins;

/// How long a challenge is good, and a session.
const CHALLENGE: Duration = Duration::from_secs(5 * 60);
pub(crate) const SESSION: Duration = Duration::from_secs(15 * 60);

/// The most sessions at a time, and the most answers that are remembered.
const MOST: usize = 20_000;

/// The challenges of this process, and its sessions.
///
/// A challenge is kept nowhere until it is answered, so that asking for many costs nobody else
/// theirs. It says itself when it was made:
///
/// ```text
/// milliseconds[8] ‖ random[8] ‖ SHA-256(tag ‖ secret ‖ milliseconds ‖ random)[..16]
/// ```
#[derive(Debug)]
pub(crate) struct Sessions {
    secret: [u8; 32],
    /// The moment that challenges count from.
    start: Instant,
    spent: Mutex<Spent>,
    /// By the hash of the cookie.
    open: Mutex<HashMap<[u8; 32], Session>>,
}

/// The challenges that a passkey has answered.
#[derive(Debug, Default)]
struct Spent {
    /// Until when each of them would be good.
    until: HashMap<[u8; 32], Instant>,
    /// Challenges that were good until then, or less long, count as answered: they were forgotten.
    before: Option<Instant>,
}

impl Spent {
    /// Takes a challenge; `false` if it was taken before.
    fn take(&mut self, challenge: &Challenge, now: Instant) -> bool {
        if self.until.len() >= MOST {
            self.until.retain(|_, until| *until > now);
        }
        if self.until.len() >= MOST {
            self.before = self.before.max(self.until.values().max().copied());
            self.until.clear();
        }
        self.before.is_none_or(|before| challenge.until > before)
            && self
                .until
                .insert(challenge.bytes, challenge.until)
                .is_none()
    }
}

/// Somebody who has signed in with this passkey.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Session {
    pub(crate) credential_id: Vec<u8>,
    until: Instant,
}

/// A challenge of this process that is still good, unless it was answered before.
#[derive(Debug)]
pub(crate) struct Challenge {
    bytes: [u8; 32],
    until: Instant,
}

impl Challenge {
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl Sessions {
    /// `secret` is random, and never leaves the process.
    pub(crate) fn new(secret: [u8; 32], now: Instant) -> Self {
        Self {
            secret,
            start: now,
            spent: Mutex::default(),
            open: Mutex::default(),
        }
    }

    /// Makes a challenge out of random bytes.
    pub(crate) fn challenge(&self, random: [u8; 8], now: Instant) -> [u8; 32] {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        let made = u64::try_from(elapsed).unwrap_or(u64::MAX);
        sealed(&self.secret, made.to_be_bytes(), random)
    }

    /// Whether an answer is over a challenge of this process, and in time.
    pub(crate) fn answered(&self, challenge: &[u8], now: Instant) -> Option<Challenge> {
        let bytes = <[u8; 32]>::try_from(challenge).ok()?;
        let (made, rest) = bytes.split_first_chunk::<8>()?;
        let (random, _) = rest.split_first_chunk::<8>()?;
        if !bool::from(sealed(&self.secret, *made, *random).ct_eq(&bytes)) {
            return None;
        }
        let made = Duration::from_millis(u64::from_be_bytes(*made));
        let until = self.start.checked_add(made)?.checked_add(CHALLENGE)?;
        (now < until).then_some(Challenge { bytes, until })
    }

    /// Begins a session with a challenge that this passkey has signed: once. Its cookie is made by
    /// the caller out of random bytes. `None` if the challenge was answered before.
    pub(crate) fn begin(
        &self,
        challenge: Challenge,
        cookie: &str,
        credential_id: &[u8],
        now: Instant,
    ) -> Option<()> {
        if !lock(&self.spent).take(&challenge, now) {
            return None;
        }
        let mut open = lock(&self.open);
        make_room(&mut open, now);
        let session = Session {
            credential_id: credential_id.to_vec(),
            until: now + SESSION,
        };
        open.insert(sha256(cookie.as_bytes()), session);
        Some(())
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

fn sealed(secret: &[u8; 32], made: [u8; 8], random: [u8; 8]) -> [u8; 32] {
    let tag: &[u8] = b"cosignet.gate-login/v1\0";
    let seal = sha256(&[tag, secret, &made, &random].concat());
    let mut bytes = [0; 32];
    let parts = made.iter().chain(&random).chain(&seal);
    for (byte, from) in bytes.iter_mut().zip(parts) {
        *byte = *from;
    }
    bytes
}

/// Forgets what is over, and if that is not enough, everything: whoever is forgotten signs in again.
fn make_room(open: &mut HashMap<[u8; 32], Session>, now: Instant) {
    if open.len() >= MOST {
        open.retain(|_, session| session.until > now);
    }
    if open.len() >= MOST {
        open.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(now: Instant) -> Sessions {
        Sessions::new([7; 32], now)
    }

    #[test]
    fn a_challenge_is_good_once_and_for_a_while() {
        let start = Instant::now();
        let now = start + Duration::from_secs(100);
        let sessions = sessions(start);
        let challenge = sessions.challenge([1; 8], now);
        let answered = || sessions.answered(&challenge, now);
        assert!(sessions.answered(&challenge[..31], now).is_none());
        assert!(sessions.answered(&challenge, now + CHALLENGE).is_none());
        assert_eq!(answered().unwrap().as_bytes(), &challenge);
        let (first, second) = (answered().unwrap(), answered().unwrap());
        assert!(sessions.begin(first, "a", b"id", now).is_some());
        assert!(sessions.begin(second, "b", b"id", now).is_none());
        assert!(sessions.find("b", now).is_none());
    }

    #[test]
    fn nobody_else_makes_a_challenge() {
        let now = Instant::now();
        let sessions = sessions(now);
        let challenge = sessions.challenge([1; 8], now);
        for byte in 0..challenge.len() {
            let mut other = challenge;
            other[byte] ^= 1;
            assert!(sessions.answered(&other, now).is_none(), "byte {byte}");
        }
        let elsewhere = Sessions::new([8; 32], now);
        assert!(elsewhere.answered(&challenge, now).is_none());
    }

    #[test]
    fn asking_for_challenges_costs_nobody_theirs() {
        let now = Instant::now();
        let sessions = sessions(now);
        let challenge = sessions.challenge([0; 8], now);
        for i in 0..u64::try_from(MOST).unwrap() + 1 {
            sessions.challenge(i.to_be_bytes(), now);
        }
        assert!(sessions.answered(&challenge, now).is_some());
    }

    #[test]
    fn an_answer_that_was_forgotten_is_no_new_one() {
        let now = Instant::now();
        let sessions = sessions(now);
        let signed_in = |random: u64, now| {
            let challenge = sessions.challenge(random.to_be_bytes(), now);
            let challenge = sessions.answered(&challenge, now).unwrap();
            sessions.begin(challenge, "a", b"id", now)
        };
        let most = u64::try_from(MOST).unwrap();
        for n in 0..most {
            assert!(signed_in(n, now).is_some());
        }
        // Whoever has asked meanwhile asks again.
        assert!(signed_in(most, now).is_none());
        assert!(signed_in(0, now).is_none());
        let later = now + Duration::from_millis(1);
        assert!(signed_in(0, later).is_some());
    }

    #[test]
    fn a_session_ends() {
        let now = Instant::now();
        let sessions = sessions(now);
        let challenge = sessions.challenge([1; 8], now);
        let challenge = sessions.answered(&challenge, now).unwrap();
        sessions.begin(challenge, "a", b"id", now).unwrap();
        assert!(sessions.find("a", now).is_some());
        assert!(sessions.find("b", now).is_none());
        assert!(sessions.find("a", now + SESSION).is_none());
        sessions.end("a");
        assert!(sessions.find("a", now).is_none());
    }
}
