//! Sessions, whichever process a browser is given: of this one alone, or of all that share a store.

use std::sync::Arc;
use std::time::Instant;

use subtle::ConstantTimeEq as _;
use verifier_core::Time;
use verifier_core::hazmat::encoding::sha256;

use super::{CHALLENGE, Challenge, SESSION, Sessions, sealed};
use crate::store::{Store, Trouble, Visit};

/// Where sessions are kept.
#[derive(Debug)]
pub(crate) enum Logins {
    /// In this process, which nobody else answers for.
    Here(Sessions),
    /// In the store, which other processes work on as well.
    Shared(Arc<dyn Store>, [u8; 32]),
}

/// A challenge that is still good, unless it was answered before.
#[derive(Debug)]
pub(crate) enum Answered {
    Here(Challenge),
    Shared([u8; 32], Time),
}

impl Answered {
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        match self {
            Self::Here(challenge) => challenge.as_bytes(),
            Self::Shared(bytes, _) => bytes,
        }
    }
}

impl Logins {
    /// Those of a store, if several processes work on it.
    pub(crate) async fn of(store: &Arc<dyn Store>, secret: [u8; 32]) -> Result<Self, Trouble> {
        match store.visits() {
            None => Ok(Self::Here(Sessions::new(secret, Instant::now()))),
            Some(visits) => {
                let secret = visits.secret().await?;
                Ok(Self::Shared(Arc::clone(store), secret))
            }
        }
    }

    /// Makes a challenge out of random bytes.
    pub(crate) fn challenge(&self, random: [u8; 8]) -> [u8; 32] {
        match self {
            Self::Here(sessions) => sessions.challenge(random, Instant::now()),
            Self::Shared(store, secret) => {
                sealed(secret, store.now().as_millis().to_be_bytes(), random)
            }
        }
    }

    /// Whether an answer is over a challenge of this gate, and in time.
    pub(crate) fn answered(&self, challenge: &[u8]) -> Option<Answered> {
        let (store, secret) = match self {
            Self::Here(sessions) => {
                let answered = sessions.answered(challenge, Instant::now());
                return answered.map(Answered::Here);
            }
            Self::Shared(store, secret) => (store, secret),
        };
        let bytes = <[u8; 32]>::try_from(challenge).ok()?;
        let (made, rest) = bytes.split_first_chunk::<8>()?;
        let (random, _) = rest.split_first_chunk::<8>()?;
        if !bool::from(sealed(secret, *made, *random).ct_eq(&bytes)) {
            return None;
        }
        let made = Time::from_millis(u64::from_be_bytes(*made))?;
        let good = u64::try_from(CHALLENGE.as_millis()).ok()?;
        let until = made.saturating_add_millis(good);
        (store.now() < until).then_some(Answered::Shared(bytes, until))
    }

    /// Begins a session with a challenge that this passkey has signed: once. `None` if the challenge
    /// was answered before.
    pub(crate) async fn begin(
        &self,
        answered: Answered,
        cookie: &str,
        credential_id: &[u8],
    ) -> Result<Option<()>, Trouble> {
        match (self, answered) {
            (Self::Here(sessions), Answered::Here(challenge)) => {
                Ok(sessions.begin(challenge, cookie, credential_id, Instant::now()))
            }
            (Self::Shared(store, _), Answered::Shared(challenge, answer_until)) => {
                let Some(visits) = store.visits() else {
                    return Ok(None);
                };
                let session = u64::try_from(SESSION.as_millis()).unwrap_or(u64::MAX);
                let begun = visits.begin(Visit {
                    challenge,
                    answer_until,
                    cookie: sha256(cookie.as_bytes()),
                    credential_id: credential_id.to_vec(),
                    until: store.now().saturating_add_millis(session),
                });
                Ok(begun.await?.then_some(()))
            }
            _ => Ok(None),
        }
    }

    /// The passkey that has signed in with this cookie.
    pub(crate) async fn find(&self, cookie: &str) -> Result<Option<Vec<u8>>, Trouble> {
        match self {
            Self::Here(sessions) => {
                let session = sessions.find(cookie, Instant::now());
                Ok(session.map(|session| session.credential_id))
            }
            Self::Shared(store, _) => match store.visits() {
                Some(visits) => visits.visitor(sha256(cookie.as_bytes())).await,
                None => Ok(None),
            },
        }
    }

    pub(crate) async fn end(&self, cookie: &str) -> Result<(), Trouble> {
        match self {
            Self::Here(sessions) => {
                sessions.end(cookie);
                Ok(())
            }
            Self::Shared(store, _) => match store.visits() {
                Some(visits) => visits.leave(sha256(cookie.as_bytes())).await,
                None => Ok(()),
            },
        }
    }
}
