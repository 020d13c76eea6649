//! The tokens of those who may write, as they are stored.

use std::fmt::Debug;

use crate::error::Result;

/// The stored part of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TokenRow {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) rights: String,
    pub(crate) created: String,
    pub(crate) revoked: Option<String>,
}

/// The tokens of a log. A revocation counts from the next question on, in every process.
pub(crate) trait Tokens: Debug + Send + Sync {
    /// Adds a token, durably. `false` if there is, or was, one of this name or id.
    fn add(&self, token: &TokenRow) -> Result<bool>;

    /// All tokens, in the order in which they were made.
    fn all(&self) -> Result<Vec<TokenRow>>;

    /// The token with this id, unless it is revoked.
    fn find(&self, id: &str) -> Result<Option<TokenRow>>;

    /// Makes a token worthless, durably. `false` if there is none of this name, or no more.
    fn revoke(&self, name: &str, at: &str) -> Result<bool>;
}
