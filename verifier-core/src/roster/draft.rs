//! A version that nobody has approved yet.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Error, Version, newest_payload, payload_text};
use crate::policy::Approver;

/// A version in the making. Admins and approvers may be changed; nothing of it is verified.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Those who approve the version after this one.
    pub admins: Vec<Approver>,
    /// Those who may approve while this version is in force.
    pub approvers: Vec<Approver>,
    from: Version,
    number: u64,
    previous: Option<[u8; 32]>,
    follows: bool,
}

impl Draft {
    /// The version after the newest in a roster's file; or the one that a payload is, which nobody
    /// has approved yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is neither.
    pub fn of(file: &[u8]) -> Result<Self, Error> {
        let newest = newest_payload(file);
        // An editor or a shell leaves a newline behind what is one line.
        let bare = file.strip_suffix(b"\n").unwrap_or(file);
        let from = Version::parse(newest.as_deref().unwrap_or(bare))?;
        let follows = newest.is_some();
        let (number, previous) = match follows {
            true => (from.number().saturating_add(1), Some(from.sha256())),
            false => (from.number(), from.previous()),
        };
        Ok(Self {
            admins: from.admins().to_vec(),
            approvers: from.approvers().to_vec(),
            from,
            number,
            previous,
            follows,
        })
    }

    /// The version that it was made from: the newest of the file, or the payload itself.
    pub fn from(&self) -> &Version {
        &self.from
    }

    /// Whether it comes after a version that is in a roster's file already.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// The payload for its admins to approve, in canonical JSON.
    pub fn to_payload(&self) -> String {
        payload_text(
            self.from.name(),
            self.number,
            self.previous,
            self.from.require(),
            &self.admins,
            &self.approvers,
        )
    }
}
