//! Break-glass: a permission for when the gate is not there, signed by several people for an hour at
//! most (docs/spec/break-glass.md).
//!
//! It is no approval. What people sign has 44 bytes, and no approval, refusal or login signs as many;
//! none of the types here becomes one of those that [`verify`](crate::verify) makes.
//!
//! ```text
//! File::parse ──► File ── verify, every signature ──► Signed ── under settings ──► Opened ── permits ──► Permitted
//! ```

mod entry;
mod error;
mod file;
mod grant;
mod opened;
mod settings;

pub use entry::Entry;
pub use error::Error;
pub use file::{File, Signature, Signed, Signer};
pub use grant::{Grant, MAX_MILLIS, MAX_USES, Pattern, challenge, is_action, is_challenge};
pub use opened::{Opened, Permitted};
pub use settings::Settings;

/// The `type` of a grant.
pub const GRANT_TYPE: &str = "cosignet.break-glass-grant/v1";
/// The `type` of an entry of a log.
pub const ENTRY_TYPE: &str = "cosignet.break-glass/v1";
/// The `type` of a file.
pub const FILE_TYPE: &str = "cosignet.break-glass-file/v1";
/// The `type` of settings.
pub const SETTINGS_TYPE: &str = "cosignet.break-glass-settings/v1";
/// The `type` of the lines of a journal.
pub const USE_TYPE: &str = "cosignet.break-glass-use/v1";
