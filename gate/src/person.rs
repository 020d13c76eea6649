//! People who may approve, and their passkeys.

use verifier_core::Time;
use verifier_core::hazmat::shown;

use crate::refusal::{Reason, Refusal};

/// The longest name of a person, a group or a key, in bytes.
const MAX_NAME: usize = 64;

/// Somebody who may approve.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) retired: Option<Time>,
    pub(crate) credentials: Vec<Credential>,
}

/// A passkey, with its person as they are now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) id: Vec<u8>,
    pub(crate) person: String,
    /// The groups of the person.
    pub(crate) groups: Vec<String>,
    /// The COSE_Key, byte for byte as the authenticator wrote it.
    pub(crate) public_key: Vec<u8>,
    /// Whether it may leave its device (flag BE).
    pub(crate) backup_eligible: bool,
    /// Whether it had left its device when it was enrolled (flag BS).
    pub(crate) backed_up: bool,
    /// How a browser can reach it, such as `internal` or `usb`.
    pub(crate) transports: Vec<String>,
    /// What the authenticator says of itself, and whether anything vouches for it.
    pub(crate) attestation: String,
    /// What the browser returned, to look at it again later.
    pub(crate) registration: String,
    pub(crate) added: Time,
    pub(crate) retired: Option<Time>,
}

impl Person {
    /// The passkeys that may be used.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Credential> {
        let all = self.credentials.iter();
        all.filter(|one| self.retired.is_none() && one.retired.is_none())
    }
}

/// Whether this can be the name of a person, a group or a key: 1 to 64 bytes of what can be seen.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME && shown::is_name(text) && !text.contains(',')
}

/// Where somebody gets mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MailAddress(lettre::Address);

impl MailAddress {
    /// Reads an address such as `ann@example.com`, without a name around it.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map(Self).map_err(|_| {
            let detail = "This is no address of mail.";
            Refusal::new(Reason::MailAddress, detail)
                .compared("ann@example.com", verifier_core::quote(text))
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

/// An API key, without its secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) name: String,
    /// SHA-256 of the secret.
    pub(crate) hash: [u8; 32],
    pub(crate) rights: Rights,
    /// The person who answers for it.
    pub(crate) owner: Option<String>,
    pub(crate) created: Time,
    pub(crate) revoked: Option<Time>,
}

/// What a key may do. None of it is to approve or to enrol.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Rights {
    pub(crate) create: bool,
    pub(crate) claim: bool,
    pub(crate) read: bool,
}

impl Rights {
    const NAMES: [&'static str; 3] = ["create", "claim", "read"];

    /// Reads a list such as `create,claim`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rights = Self::default();
        for word in text.split(',') {
            match word.trim() {
                "create" => rights.create = true,
                "claim" => rights.claim = true,
                "read" => rights.read = true,
                _ => return None,
            }
        }
        Some(rights)
    }

    pub(crate) fn to_text(self) -> String {
        let held = [self.create, self.claim, self.read];
        let names = Self::NAMES.into_iter().zip(held);
        let names: Vec<&str> = names
            .filter(|(_, held)| *held)
            .map(|(name, _)| name)
            .collect();
        names.join(",")
    }
}
