//! The journal of break-glass: what was done without an approval, before it is done.
//!
//! ```text
//! {"action":text,"at":time,"event":"used","file":"<text>","grantSha256":hex,"payloadHash":hex,
//!  "reason":text,"signers":[name,…],"type":"cosignet.break-glass-use/v1","useId":uuid}
//! {"at":time,"event":"done","type":"cosignet.break-glass-use/v1","useId":uuid}
//!                            or "failed", or "reported"
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use verifier_core::Time;
use verifier_core::break_glass::USE_TYPE;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;

use crate::break_glass::Emergency;
use crate::denied::{Denied, Reason};
use crate::lines::Lines;

/// A journal of uses: a file of lines that are never taken back.
#[derive(Clone, Debug)]
pub struct Uses {
    path: PathBuf,
    lines: Lines<UseEvent>,
}

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UseEvent {
    /// When it was written, by the clock of this machine.
    pub at: Time,
    /// `used`, `done`, `failed` or `reported`.
    pub event: String,
    /// The id of the use.
    pub use_id: String,
    used: Option<Box<Used>>,
}

/// What a line `used` has more than the others.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Used {
    action: String,
    file: String,
    grant_sha256: [u8; 32],
    payload_hash: [u8; 32],
    reason: String,
    signers: Vec<String>,
}

/// A use, with what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Use {
    use_id: String,
    at: Time,
    used: Box<Used>,
    outcome: Option<String>,
    /// Whether a gate has been told of it, and whether of its outcome as well.
    reported: bool,
    told: bool,
}

impl Use {
    /// Its id, a lower-case UUID.
    pub fn use_id(&self) -> &str {
        &self.use_id
    }

    /// When it began.
    pub fn at(&self) -> Time {
        self.at
    }

    /// What was done.
    pub fn action(&self) -> &str {
        &self.used.action
    }

    /// The file, as it was used.
    pub fn file(&self) -> &str {
        &self.used.file
    }

    /// The SHA-256 of what people signed.
    pub fn grant_sha256(&self) -> [u8; 32] {
        self.used.grant_sha256
    }

    /// The SHA-256 of the payload.
    pub fn payload_hash(&self) -> [u8; 32] {
        self.used.payload_hash
    }

    /// Why, as those say who signed.
    pub fn reason(&self) -> &str {
        &self.used.reason
    }

    /// The people who signed, by the names in the journal.
    pub fn signers(&self) -> &[String] {
        &self.used.signers
    }

    /// `done` or `failed`; nothing if the program ended before it could be written.
    pub fn outcome(&self) -> Option<&str> {
        self.outcome.as_deref()
    }

    /// Whether a gate has been told.
    pub fn is_reported(&self) -> bool {
        self.reported
    }

    /// What a gate is told.
    pub(crate) fn report(&self) -> Value<'_> {
        Value::from([
            ("action", self.used.action.as_str().into()),
            ("file", self.used.file.as_str().into()),
            ("outcome", self.outcome().into()),
            ("payloadHash", hex(&self.used.payload_hash).into()),
            ("usedAt", self.at.to_string().into()),
            ("useId", self.use_id.as_str().into()),
        ])
    }
}

impl Uses {
    /// The journal in this file, which is made with the first line.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            lines: Lines::new(path, event),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All lines, in their order; none if there is no file.
    ///
    /// # Errors
    ///
    /// [`Reason::Journal`] if it cannot be read, or is damaged.
    pub fn events(&self) -> Result<Vec<UseEvent>, Denied> {
        self.lines.all()
    }

    /// All uses, in the order in which they began.
    ///
    /// # Errors
    ///
    /// As those of [`Uses::events`].
    pub fn all(&self) -> Result<Vec<Use>, Denied> {
        self.fold(&self.events()?)
    }

    /// Uses that no gate was told about, or not about their outcome, which is known by now.
    pub(crate) fn unreported(&self) -> Result<Vec<Use>, Denied> {
        let mut all = self.all()?;
        all.retain(|one| !one.reported || (one.outcome.is_some() && !one.told));
        Ok(all)
    }

    /// Writes down that the act is about to begin. Nobody else does so at the same time. `now` is
    /// asked when nobody else can: whether it is permitted still, and what time it is.
    pub(crate) fn begin(
        &self,
        emergency: &Emergency,
        now: impl FnOnce() -> Result<Time, Denied>,
    ) -> Result<(), Denied> {
        self.lines.append(|events| {
            let now = now()?;
            clock_is_right(events, now)?;
            may_be_used(&self.fold(events)?, emergency)?;
            let signers = emergency.people().iter();
            Ok(Value::from([
                ("action", emergency.action().into()),
                ("at", now.to_string().into()),
                ("event", "used".into()),
                ("file", emergency.file().into()),
                ("grantSha256", hex(&emergency.grant_sha256()).into()),
                ("payloadHash", hex(&emergency.payload_hash()).into()),
                ("reason", emergency.reason().into()),
                (
                    "signers",
                    signers.map(|name| Value::from(name.as_str())).collect(),
                ),
                ("type", USE_TYPE.into()),
                ("useId", emergency.use_id().into()),
            ]))
        })
    }

    /// Writes down what became of it.
    pub(crate) fn end(&self, use_id: &str, event: &str, now: Time) -> Result<(), Denied> {
        self.lines.append(|_| Ok(end(use_id, event, now)))
    }

    /// Writes down that a gate knows of it, unless it has ended meanwhile: then the gate does not
    /// know enough.
    pub(crate) fn reported(&self, one: &Use, now: Time) -> Result<(), Denied> {
        self.lines.append_some(|events| {
            let all = self.fold(events)?;
            let found = all.iter().find(|found| found.use_id == one.use_id);
            let same = found.is_some_and(|found| found.outcome == one.outcome);
            Ok(same.then(|| end(&one.use_id, "reported", now)))
        })
    }

    /// The uses that lines are about. One that begins twice, or ends and never began, is damage:
    /// somebody would make a use forgotten.
    fn fold(&self, events: &[UseEvent]) -> Result<Vec<Use>, Denied> {
        let mut all: Vec<Use> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (event, line) in events.iter().zip(1_usize..) {
            let begun = known.get(event.use_id.as_str()).copied();
            let begun = begun.and_then(|place| all.get_mut(place));
            match (&event.used, begun) {
                (Some(used), None) => {
                    known.insert(&event.use_id, all.len());
                    all.push(Use {
                        use_id: event.use_id.clone(),
                        at: event.at,
                        used: used.clone(),
                        outcome: None,
                        reported: false,
                        told: false,
                    });
                }
                (None, Some(one)) if event.event == "reported" => {
                    one.reported = true;
                    one.told = one.outcome.is_some();
                }
                (None, Some(one)) => one.outcome = Some(event.event.clone()),
                (Some(_), Some(_)) | (None, None) => return Err(self.lines.damaged(line)),
            }
        }
        Ok(all)
    }
}

/// A line behind that of a use.
fn end<'v>(use_id: &'v str, event: &'v str, now: Time) -> Value<'v> {
    Value::from([
        ("at", now.to_string().into()),
        ("event", event.into()),
        ("type", USE_TYPE.into()),
        ("useId", use_id.into()),
    ])
}

/// Fails if something was written later than now: a clock that was set back opens a window again.
fn clock_is_right(events: &[UseEvent], now: Time) -> Result<(), Denied> {
    let allowed = now.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS);
    match events.iter().map(|event| event.at).max() {
        Some(last) if allowed < last => {
            let message = "the clock of this machine stands before a line of the journal";
            Err(Denied::new(Reason::ClockSkew, message)
                .compared(format!("{last} or later"), now.to_string()))
        }
        _ => Ok(()),
    }
}

/// Fails if the file was used for the same, or as often as it may be. What identifies a file is the
/// grant: signatures can be left out.
fn may_be_used(all: &[Use], emergency: &Emergency) -> Result<(), Denied> {
    let grant = emergency.grant_sha256();
    let same: Vec<&Use> = all
        .iter()
        .filter(|one| one.used.grant_sha256 == grant)
        .collect();
    let payload = emergency.payload_hash();
    if let Some(before) = same.iter().find(|one| one.used.payload_hash == payload) {
        let (id, at) = (&before.use_id, before.at);
        return Err(match before.outcome() {
            None => {
                let message = format!(
                    "use {id} of this file began at {at} with the same payload, and nothing was \
                     written behind that: the outcome of the act is unknown"
                );
                Denied::new(Reason::OutcomeUnknown, message).next_is(
                    "Look whether the act took effect. If it did not, have a new file signed.",
                )
            }
            Some(outcome) => {
                let message = format!(
                    "use {id} of this file began at {at} with the same payload, and ended as \
                     {outcome}"
                );
                Denied::new(Reason::BreakGlassUsed, message)
            }
        });
    }
    let most = usize::try_from(emergency.uses()).unwrap_or(0);
    if same.len() < most {
        return Ok(());
    }
    let message = "the break-glass file was used as often as its people have signed";
    Err(Denied::new(Reason::BreakGlassUsed, message)
        .compared(format!("at most {most}"), same.len().to_string()))
}

fn event(line: &[u8]) -> Option<UseEvent> {
    let value = Value::parse(line, Limits::bytes(line.len())).ok()?;
    let members = Members::of(&value).ok()?;
    let read = || -> Result<UseEvent, schema::Error> {
        let kind = members.text("type")?;
        if kind != USE_TYPE {
            return Err(members.wrong("type", USE_TYPE, kind));
        }
        let event = members.text("event")?;
        let used = match event {
            "used" => Some(Box::new(Used {
                action: members.text("action")?.into(),
                file: members.text("file")?.into(),
                grant_sha256: members.hash("grantSha256")?,
                payload_hash: members.hash("payloadHash")?,
                reason: members.text("reason")?.into(),
                signers: names(&members)?,
            })),
            "done" | "failed" | "reported" => None,
            other => return Err(members.wrong("event", "one that is known here", other)),
        };
        Ok(UseEvent {
            at: members.time("at")?,
            event: event.into(),
            use_id: members.text("useId")?.into(),
            used,
        })
    };
    read().ok()
}

fn names(members: &Members<'_, '_>) -> Result<Vec<String>, schema::Error> {
    let names = members.texts("signers")?.into_iter();
    Ok(names.map(Into::into).collect())
}
