//! When the gate is not there: an act that several people have permitted in a file of their own.
//!
//! ```no_run
//! use gate_client::{BreakGlass, Settings};
//!
//! # fn pay(policy: &verifier_core::Policy, file: &[u8]) -> Result<(), gate_client::Denied> {
//! let settings = Settings::load("/etc/payments/break-glass.json".as_ref())?;
//! let glass = BreakGlass::open(file, policy, None, &settings)?;
//! let ran = glass.run("payment.send", br#"{"amount":"25.00"}"#, |emergency| {
//!     println!("without an approval, as {}", emergency.use_id());
//!     Ok::<(), std::io::Error>(())
//! })?;
//! # let _ = ran;
//! # Ok(())
//! # }
//! ```
//!
//! It is a function of its own, with types of its own: no [`Approved`](crate::Approved) comes of it,
//! and nothing that takes one takes an [`Emergency`].

use std::io::Write as _;
use std::path::Path;

use payload_form::Payload;
use verifier_core::break_glass::{self, Opened};
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::roster::{self, Roster};
use verifier_core::{AwsLc, Failure as _, Policy, plain, quote};

use crate::clock::Clock;
use crate::denied::{Denied, Reason};
use crate::gate::Outcome;
use crate::owned;
use crate::uses::Uses;

/// Who may break the glass here, for what, and where it is written down. Without settings there is
/// no break-glass.
#[derive(Clone, Debug)]
pub struct Settings {
    rules: break_glass::Settings,
    uses: Uses,
}

impl Settings {
    /// The settings in a file that the process cannot write: on Unix it and every folder on the way
    /// to it have to belong to root, and nobody else may write them. Whoever chooses the path gets
    /// settings that root has written, or none; that may be an old copy, so that none is left lying
    /// about. Whoever starts the process in a user namespace of their own, or with a library of
    /// their own, acts as they like, and needs no settings.
    ///
    /// # Errors
    ///
    /// [`Reason::BreakGlassOff`] if there is no such file, or it is anybody else's;
    /// [`Reason::BreakGlass`] if it is no file of settings.
    pub fn load(path: &Path) -> Result<Self, Denied> {
        let shown = plain(&path.to_string_lossy());
        let off = |why: String| {
            let message = format!("break-glass is not set up here: {shown} {why}");
            Denied::new(Reason::BreakGlassOff, message)
        };
        let text = owned::read(path, break_glass::Settings::MAX_BYTES).map_err(off)?;
        Self::in_code(&text)
    }

    /// Settings that are part of the program. Never make them of anything that comes with a request,
    /// an argument or a variable of the environment.
    ///
    /// # Errors
    ///
    /// [`Reason::BreakGlass`] if the JSON is none of settings.
    pub fn in_code(json: &[u8]) -> Result<Self, Denied> {
        let rules = break_glass::Settings::from_json(json).map_err(|error| denied(&error))?;
        let journal = Path::new(rules.journal());
        if !journal.is_absolute() {
            let message = format!("{} is not where a journal can be", quote(rules.journal()));
            return Err(Denied::new(Reason::BreakGlassOff, message)
                .compared("an absolute path", plain(rules.journal())));
        }
        let uses = Uses::new(journal);
        Ok(Self { rules, uses })
    }

    /// The journal.
    pub fn uses(&self) -> &Uses {
        &self.uses
    }
}

/// A file that opens. It permits acts for an hour at most; each of them is written down before.
#[derive(Clone, Debug)]
pub struct BreakGlass {
    opened: Opened,
    /// As it goes into the journal.
    file: String,
    uses: Uses,
    clock: Clock,
}

/// An act that goes ahead without an approval, permitted and written down.
#[derive(Clone, Debug)]
pub struct Emergency {
    use_id: String,
    action: String,
    payload: Vec<u8>,
    file: String,
    grant_sha256: [u8; 32],
    uses: u64,
    reason: String,
    people: Vec<String>,
}

/// An act that went ahead without an approval.
#[derive(Debug)]
#[non_exhaustive]
pub struct Broken<T, E> {
    /// What the closure returned.
    pub result: Result<T, E>,
    /// The id of the use: in the journal, and later in the gate's events.
    pub use_id: String,
    /// Why the journal was not told what came of it, if it was not.
    pub unwritten: Option<Denied>,
}

impl BreakGlass {
    /// Opens a file: every signature in it holds under `policy`, which is the one that the settings
    /// name, and enough people have signed. `roster` is for a policy that leaves it to one who may.
    ///
    /// # Errors
    ///
    /// [`Reason::BreakGlass`], with the verifier's code.
    pub fn open(
        file: &[u8],
        policy: &Policy,
        roster: Option<&Result<Roster, roster::Error>>,
        settings: &Settings,
    ) -> Result<Self, Denied> {
        let opened = break_glass::File::parse(file)
            .and_then(|file| file.verify(policy, roster, &AwsLc))
            .and_then(|signed| Opened::new(signed, &settings.rules))
            .map_err(|error| denied(&error))?;
        Ok(Self {
            file: opened.file().to_json(),
            opened,
            uses: settings.uses.clone(),
            clock: Clock::of_system(),
        })
    }

    /// Who has signed what.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// A clock for tests, that shows this time now.
    #[cfg(test)]
    pub(crate) fn at(mut self, now: verifier_core::Time) -> Self {
        self.clock = Clock::at(now);
        self
    }

    /// Writes into the journal that this is about to be done, says so on standard error, and only
    /// then calls `act`, once.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the reason. `act` was not called then.
    pub fn run<T, E>(
        &self,
        action: &str,
        payload: &[u8],
        act: impl FnOnce(&Emergency) -> Result<T, E>,
    ) -> Result<Broken<T, E>, Denied> {
        let emergency = self.begin(action, payload)?;
        let result = act(&emergency);
        let outcome = match result {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Failed,
        };
        let now = self.clock.now();
        let unwritten = self.uses.end(&emergency.use_id, outcome.as_str(), now);
        Ok(Broken {
            result,
            use_id: emergency.use_id,
            unwritten: unwritten.err(),
        })
    }

    fn begin(&self, action: &str, payload: &[u8]) -> Result<Emergency, Denied> {
        let payload = Payload::parse(payload)?;
        let permits = || {
            let now = self.clock.latest();
            let permitted = self.opened.permits(action, now);
            permitted.map_err(|error| denied(&error))
        };
        let permitted = permits()?;
        let grant = self.opened.grant();
        let people = self.opened.people().into_iter();
        let emergency = Emergency {
            use_id: use_id()?,
            action: permitted.action().into(),
            payload: payload.bytes().to_vec(),
            file: self.file.clone(),
            grant_sha256: self.opened.file().grant_sha256(),
            uses: grant.uses,
            reason: grant.reason.clone(),
            people: people.map(Into::into).collect(),
        };
        // The journal may have been waited for, and the hour may be over.
        self.uses
            .begin(&emergency, || permits().map(|still| still.at()))?;
        self.shout(&emergency);
        Ok(emergency)
    }

    /// Whoever looks at this program has to see it. That nobody may be looking changes nothing.
    fn shout(&self, emergency: &Emergency) {
        let people: Vec<String> = emergency.people.iter().map(|name| plain(name)).collect();
        let text = format!(
            "BREAK-GLASS: {} is done WITHOUT AN APPROVAL, signed for by {}, because: {}\n\
             BREAK-GLASS: use {} is in {}, and will be reviewed.\n",
            plain(&emergency.action),
            people.join(", "),
            quote(&emergency.reason),
            emergency.use_id,
            plain(&self.uses.path().to_string_lossy()),
        );
        let _ignored = std::io::stderr().write_all(text.as_bytes());
    }
}

impl Emergency {
    /// The bytes that the act is about.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The SHA-256 of them.
    pub fn payload_hash(&self) -> [u8; 32] {
        sha256(&self.payload)
    }

    /// What is done.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The id of this use, a lower-case UUID: an idempotency key for whatever is to be done.
    pub fn use_id(&self) -> &str {
        &self.use_id
    }

    /// Why, as those say who signed.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The people who signed, each once, in the order of their names.
    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// The file, as it was used.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The SHA-256 of what people signed.
    pub fn grant_sha256(&self) -> [u8; 32] {
        self.grant_sha256
    }

    /// How many acts they have signed for.
    pub(crate) fn uses(&self) -> u64 {
        self.uses
    }
}

fn denied(error: &break_glass::Error) -> Denied {
    let code = error.code();
    let denied = Denied::new(Reason::BreakGlass(code), format!("{code}: {error}"));
    match (error.expected(), error.found()) {
        (Some(expected), Some(found)) => denied.compared(expected, found),
        _ => denied,
    }
}

/// A random UUID of version 4.
fn use_id() -> Result<String, Denied> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("this machine has no random numbers: {error}");
        Denied::new(Reason::Invalid, message)
    })?;
    let text = hex(&bytes);
    let part = |from, to| text.get(from..to).unwrap_or_default();
    Ok(format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use verifier_core::hazmat::bundle::is_approval_id;

    #[test]
    fn settings_that_others_can_write_switch_nothing_on() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let reason = |path: &Path| Settings::load(path).unwrap_err().reason();
        assert_eq!(reason(&path), Reason::BreakGlassOff);
        assert_eq!(reason(folder.path()), Reason::BreakGlassOff);
        let hash = "00".repeat(32);
        let text = test_vectors::break_glass::settings(&hash, "/tmp/journal");
        std::fs::write(&path, text.to_string()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(reason(&path), Reason::BreakGlassOff);
        let text = test_vectors::break_glass::settings(&hash, "journal");
        let refused = Settings::in_code(text.to_string().as_bytes()).unwrap_err();
        assert_eq!(refused.reason(), Reason::BreakGlassOff);
    }

    #[test]
    fn ids_are_uuids_and_differ() {
        let (one, other) = (use_id().unwrap(), use_id().unwrap());
        assert!(is_approval_id(&one), "{one}");
        assert_ne!(one, other);
    }
}
