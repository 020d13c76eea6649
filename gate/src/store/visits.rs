//! Who has signed in, where several processes answer: a browser may be given another one each time.

use verifier_core::Time;

use super::Answer;

/// A login, and the session that it begins.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The challenge that was signed, and until when it would be good.
    pub(crate) challenge: [u8; 32],
    pub(crate) answer_until: Time,
    /// The hash of the cookie.
    pub(crate) cookie: [u8; 32],
    pub(crate) credential_id: Vec<u8>,
    pub(crate) until: Time,
}

/// The part of a store that several processes have in common for as long as a browser is there.
pub(crate) trait Visits {
    /// What challenges are sealed with: random, and the same for all.
    fn secret(&self) -> Answer<'_, [u8; 32]>;
    /// Begins a session, once for a challenge; `false` if it was answered before.
    fn begin(&self, visit: Visit) -> Answer<'_, bool>;
    /// The passkey that has signed in with the cookie of this hash.
    fn visitor(&self, cookie: [u8; 32]) -> Answer<'_, Option<Vec<u8>>>;
    /// Ends a session.
    fn leave(&self, cookie: [u8; 32]) -> Answer<'_, ()>;
}
