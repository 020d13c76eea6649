//! Where the gate is reached, and its limits.

use verifier_core::hazmat::webauthn::Expected;

use crate::store::Limits;

/// The settings that requests and ceremonies depend on.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The origin of the pages, as browsers write it: `https://approve.example.com`.
    pub(crate) origin: String,
    /// The relying party id of every passkey.
    pub(crate) rp_id: String,
    /// Where approvals are meant to be used; in the context that is signed.
    pub(crate) audience: String,
    /// The name that passkeys are shown under.
    pub(crate) name: String,
    pub(crate) limits: Limits,
}

impl Site {
    /// What an assertion over this challenge has to meet.
    pub(crate) fn expected(&self, challenge: Vec<u8>) -> Expected {
        Expected::new(self.rp_id.clone(), vec![self.origin.clone()], challenge)
    }

    /// The page of a request.
    pub(crate) fn page(&self, id: &str) -> String {
        format!("{}/a/{id}", self.origin)
    }
}
