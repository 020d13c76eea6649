//! Uses of break-glass files, as executors report them when the gate is there again
//! (docs/spec/break-glass.md). The gate records them and decides nothing: no request comes of it,
//! and none becomes approved.

mod counts;
mod leaf;

use std::time::Instant;

use serving::openapi::schema::object;
use verifier_core::break_glass::File;
use verifier_core::hazmat::encoding::{base64url, hex, sha256};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;
use verifier_core::{AwsLc, Code, Failure as _, Policy, Time};

use crate::event::{self, Event};
use crate::gate::{Gate, Result};
use crate::notice::Glass;
use crate::person::{ApiKey, Credential, Person};
use crate::refusal::{Reason, Refusal};
use crate::request::Outcome;

pub(crate) use counts::{Counts, Hours};
pub(crate) use leaf::ToLog;

/// The kind of the event of a use.
pub(crate) const KIND: &str = "break-glass.used";

/// The kind of the event that says what came of a use of which that was not known.
pub(crate) const ENDED: &str = "break-glass.ended";

/// The kind of the event that says that the log has what somebody signed.
pub(crate) const LOGGED: &str = "break-glass.logged";

/// The fewest people who can break the glass.
const FEWEST: usize = 2;

/// What an executor says.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// A lower-case UUID.
    pub(crate) use_id: String,
    pub(crate) action: String,
    /// The text of the file.
    pub(crate) file: String,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) payload_hash: [u8; 32],
    pub(crate) used_at: Time,
}

impl Used {
    /// The members of a report, all of which have to be there.
    pub(crate) const MEMBERS: [&str; 6] = [
        "action",
        "file",
        "outcome",
        "payloadHash",
        "useId",
        "usedAt",
    ];
}

/// What the gate has recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) event: Event,
    pub(crate) is_new: bool,
}

/// What was recorded when it was looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsesSeen {
    /// The number of the last event.
    pub(crate) last: u64,
    /// The event of the use with this id.
    pub(crate) used: Option<Event>,
    /// The event of what came of it.
    pub(crate) ended: Option<Event>,
    /// Uses under the same grant, if this one is not there.
    pub(crate) same_grant: Vec<Event>,
}

/// Makes the facts of a use, of the events under the same grant that are new since it was looked.
pub(crate) type Facts = Box<dyn FnOnce(&[Event]) -> Told + Send>;

/// What is said of a use.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The facts of the event, in JSON.
    pub(crate) facts: String,
    /// As much of them as others are told.
    pub(crate) notice: Glass,
    /// What the log is told: nothing of a use that is not permitted.
    pub(crate) leaves: Vec<ToLog>,
}

impl Used {
    /// The members of the event that the executor has said. A file that is none is not kept: its
    /// hash says which one it was.
    fn said(&self, is_file: bool) -> [(&'static str, Value<'_>); 7] {
        let file = is_file.then_some(self.file.as_str());
        [
            ("action", self.action.as_str().into()),
            ("file", file.into()),
            ("fileSha256", hex(&sha256(self.file.as_bytes())).into()),
            ("outcome", self.outcome.map(Outcome::as_str).into()),
            ("payloadHash", hex(&self.payload_hash).into()),
            ("useId", self.use_id.as_str().into()),
            ("usedAt", self.used_at.to_string().into()),
        ]
    }
}

impl Gate {
    /// Records a use, once for its id, and once what came of it. Whether its signatures hold is
    /// recorded with it, and never keeps it from being recorded.
    pub(crate) async fn record_use(&self, key: &ApiKey, used: Used) -> Result<Recorded> {
        let file = File::parse(used.file.as_bytes());
        let grant = file.as_ref().ok().map(File::grant_sha256);
        let seen = self.store.uses_seen(&used.use_id, grant).await?;
        if let Some(event) = &seen.used {
            return self
                .repeated(key, &used, event.clone(), seen.ended.as_ref())
                .await;
        }
        self.hours.take(&key.id, Instant::now())?;
        let people = self.store.people().await?;
        let policy = match &file {
            Ok(file) => self.policy_of(&people, file),
            Err(_) => String::new(),
        };
        let (name, asked) = (key.name.clone(), used.clone());
        let (before, rp_id) = (seen.same_grant.clone(), self.site.rp_id.clone());
        // Up to 16 signatures are verified: no other call waits for that.
        let facts = move || -> Facts {
            let grant = file.as_ref().ok().map(Known::of);
            let judged = file
                .map_err(|error| error.code())
                .and_then(|file| Judged::of(&asked, file, &policy));
            let judged = judged.map(|judged| judged.with_leaves(&people, &rp_id));
            Box::new(move |since| told(&asked, &name, grant, judged, &before, since))
        };
        let facts = tokio::task::spawn_blocking(facts).await;
        let facts = facts.map_err(|_| Refusal::internal())?;
        let id = used.use_id.clone();
        let recorded = self.store.record_use(&id, seen, grant, facts).await?;
        if !recorded.is_new {
            return self.repeated(key, &used, recorded.event, None).await;
        }
        let valid = fact(&recorded.event, "valid") == Value::Bool(true);
        self.uses.add(valid);
        tracing::warn!(
            use_id = used.use_id,
            valid,
            "BREAK-GLASS: something was done without an approval"
        );
        Ok(recorded)
    }

    /// A use that is recorded, and told again: the same, or the same with what came of it.
    async fn repeated(
        &self,
        key: &ApiKey,
        used: &Used,
        event: Event,
        ended: Option<&Event>,
    ) -> Result<Recorded> {
        let other = || {
            let detail = "Another use was reported under this id.";
            Refusal::new(Reason::BreakGlassReused, detail)
        };
        if !says(&event, used) {
            return Err(other().into());
        }
        let told = Value::from(used.outcome.map(Outcome::as_str));
        let known = fact(ended.unwrap_or(&event), "outcome");
        let known = match known == Value::Null && told != Value::Null {
            true => {
                let facts = Value::from([
                    ("key", key.name.as_str().into()),
                    ("outcome", told.clone()),
                    ("useId", used.use_id.as_str().into()),
                ]);
                let (id, number) = (&used.use_id, event.number);
                let ended = self.store.end_use(id, number, facts.to_text()).await?;
                fact(&ended.event, "outcome")
            }
            false => known,
        };
        // Somebody who asks again does not take back what came of it.
        if known != told && told != Value::Null {
            return Err(other().into());
        }
        let is_new = false;
        Ok(Recorded { event, is_new })
    }

    /// Those of this gate whose keys the file names, with the time for which each key counts, as a
    /// policy: who has since gone could sign before.
    fn policy_of(&self, people: &[Person], file: &File) -> String {
        let keys = people.iter().flat_map(|person| {
            let keys = person.credentials.iter();
            let named = keys.filter(|one| {
                let mut all = file.signatures().iter();
                all.any(|signature| signature.credential_id == one.id)
            });
            named.map(move |one| approver(person, one))
        });
        let list = |text: &str| -> Value<'static> {
            std::iter::once(Value::from(text.to_owned())).collect()
        };
        Value::from([
            ("approvers", keys.collect()),
            ("log", "none".into()),
            ("name", "people of this gate".into()),
            (
                "webauthn",
                Value::from([
                    ("origins", list(&self.site.origin)),
                    ("rpIds", list(&self.site.rp_id)),
                ]),
            ),
        ])
        .to_text()
    }
}

/// A passkey, as a policy lists it.
fn approver(person: &Person, one: &Credential) -> Value<'static> {
    let retired = [one.retired, person.retired].into_iter().flatten().min();
    let added = one.added.as_millis().saturating_sub(CLOCK_ALLOWANCE_MILLIS);
    let added = Time::from_millis(added).unwrap_or(Time::EPOCH);
    let groups = person.groups.iter();
    let members = [
        ("credentialId", base64url(&one.id).into()),
        (
            "groups",
            groups.map(|group| Value::from(group.clone())).collect(),
        ),
        ("name", person.name.clone().into()),
        ("notBefore", added.to_string().into()),
        ("publicKey", base64url(&one.public_key).into()),
    ];
    let end = retired.map(|end| ("notAfter", end.max(added).to_string().into()));
    object(members.into_iter().chain(end))
}

/// A file that holds for the act.
struct Judged {
    file: File,
    /// Who signed.
    people: Vec<String>,
    /// How often they permit it.
    uses: u64,
    leaves: Vec<ToLog>,
}

impl Judged {
    /// The code says why it is not so.
    fn of(used: &Used, file: File, policy: &str) -> core::result::Result<Self, Code> {
        let policy = match Policy::from_json(policy.as_bytes()) {
            Ok(policy) => policy,
            // A policy lists somebody.
            Err(_) if file.signatures().is_empty() => return Err(Code::BreakGlassQuorumShort),
            Err(_) => return Err(Code::BreakGlassUnknownKey),
        };
        let signed = file
            .verify(&policy, None, &AwsLc)
            .map_err(|error| error.code())?;
        let grant = signed.file().grant();
        grant
            .permits(&used.action, used.used_at)
            .map_err(|error| error.code())?;
        let people = signed.people();
        match people.len() >= FEWEST {
            true => Ok(Self {
                uses: grant.uses,
                people: people.into_iter().map(str::to_owned).collect(),
                file: signed.file().clone(),
                leaves: Vec::new(),
            }),
            false => Err(Code::BreakGlassQuorumShort),
        }
    }

    /// The same, with what the log is told of its signatures, which these people made.
    fn with_leaves(self, people: &[Person], rp_id: &str) -> Self {
        let leaves = leaf::of(&self.file, people, rp_id);
        Self { leaves, ..self }
    }
}

/// What a grant says of itself, whoever signed it.
struct Known {
    sha256: [u8; 32],
    audience: String,
}

impl Known {
    fn of(file: &File) -> Self {
        Self {
            sha256: file.grant_sha256(),
            audience: file.grant().audience.clone(),
        }
    }
}

/// What is said of a use, behind those that were recorded under the same grant.
fn told(
    used: &Used,
    key: &str,
    grant: Option<Known>,
    judged: core::result::Result<Judged, Code>,
    before: &[Event],
    since: &[Event],
) -> Told {
    let judged = judged.and_then(|judged| {
        let count = before.len().saturating_add(since.len());
        let is_over = u64::try_from(count).unwrap_or(u64::MAX) >= judged.uses;
        let own = Value::from(hex(&used.payload_hash));
        let mut all = before.iter().chain(since);
        match is_over || all.any(|event| fact(event, "payloadHash") == own) {
            true => Err(Code::BreakGlassOverused),
            false => Ok(judged),
        }
    });
    let (code, signers, leaves) = match judged {
        Ok(judged) => (None, judged.people, judged.leaves),
        Err(code) => (Some(code.as_str()), Vec::new(), Vec::new()),
    };
    let hash = grant.as_ref().map(|grant| grant.sha256);
    let own = [
        ("code", code.into()),
        ("grantSha256", hash.map(|hash| hex(&hash)).into()),
        ("key", key.into()),
        (
            "signers",
            signers
                .iter()
                .map(|name| Value::from(name.as_str()))
                .collect(),
        ),
        ("valid", code.is_none().into()),
    ];
    let said = used.said(grant.is_some());
    Told {
        facts: object(said.into_iter().chain(own)).to_text(),
        leaves,
        notice: Glass {
            action: used.action.clone(),
            audience: grant.map(|grant| grant.audience),
            code: code.map(str::to_owned),
            grant_sha256: hash,
            signers,
            use_id: used.use_id.clone(),
            used_at: used.used_at,
        },
    }
}

/// What an event says under this key; nothing if it does not say it.
pub(crate) fn fact(event: &Event, key: &str) -> Value<'static> {
    let line = Value::parse(event.line.as_bytes(), Limits::bytes(event::MAX_BYTES));
    let line = line.ok();
    let facts = line
        .as_ref()
        .and_then(|line| line.as_object()?.get("event")?.as_object());
    match facts.and_then(|facts| facts.get(key)) {
        Some(Value::Bool(flag)) => Value::Bool(*flag),
        Some(value) => value
            .as_str()
            .map_or(Value::Null, |text| text.to_owned().into()),
        None => Value::Null,
    }
}

/// Whether an event is about exactly this, but for what came of it.
fn says(event: &Event, used: &Used) -> bool {
    // Events of before say the file alone.
    let of_before = fact(event, "fileSha256") == Value::Null;
    let mut said = used
        .said(of_before || fact(event, "file") != Value::Null)
        .into_iter();
    said.all(|(key, value)| match key {
        "outcome" => true,
        "fileSha256" if of_before => true,
        _ => fact(event, key) == value,
    })
}
