//! Uses of break-glass files, as executors report them when the gate is there again
//! (docs/spec/break-glass.md). The gate records them and decides nothing: no request comes of it,
//! and none becomes approved.

use std::sync::atomic::{AtomicU64, Ordering};

use serving::openapi::schema::object;
use verifier_core::break_glass::{Error, File};
use verifier_core::hazmat::encoding::{base64url, hex};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;
use verifier_core::{AwsLc, Code, Failure as _, Policy, Time};

use crate::event::{self, Event};
use crate::gate::{Gate, Result};
use crate::person::{ApiKey, Credential, Person};
use crate::refusal::{Reason, Refusal};
use crate::request::Outcome;

/// The kind of the event of a use.
pub(crate) const KIND: &str = "break-glass.used";

/// The fewest people who can break the glass.
const FEWEST: usize = 2;

/// What an executor says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used<'b> {
    /// A lower-case UUID.
    pub(crate) use_id: &'b str,
    pub(crate) action: &'b str,
    /// The text of the file.
    pub(crate) file: &'b str,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) payload_hash: [u8; 32],
    pub(crate) used_at: Time,
}

/// What the gate has recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) event: Event,
    pub(crate) is_new: bool,
}

/// How many uses were recorded since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    valid: AtomicU64,
    invalid: AtomicU64,
}

impl Counts {
    fn add(&self, valid: bool) {
        let count = match valid {
            true => &self.valid,
            false => &self.invalid,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The word for a count, and the count.
    pub(crate) fn all(&self) -> [(&'static str, u64); 2] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("valid", read(&self.valid)),
            ("invalid", read(&self.invalid)),
        ]
    }
}

impl Used<'_> {
    /// The members of the event that the executor has said.
    fn said(&self) -> [(&'static str, Value<'_>); 6] {
        [
            ("action", self.action.into()),
            ("file", self.file.into()),
            ("outcome", self.outcome.map(Outcome::as_str).into()),
            ("payloadHash", hex(&self.payload_hash).into()),
            ("useId", self.use_id.into()),
            ("usedAt", self.used_at.to_string().into()),
        ]
    }
}

impl Gate {
    /// Records a use, once for its id. Whether its signatures hold is recorded with it, and
    /// never keeps it from being recorded.
    pub(crate) async fn record_use(&self, key: &ApiKey, used: Used<'_>) -> Result<Recorded> {
        let people = self.store.people().await?;
        let judged = judge(&used, &self.policy_of(&people));
        let (code, signers) = match &judged {
            Ok(signers) => (None, signers.as_slice()),
            Err(code) => (Some(code.as_str()), &[][..]),
        };
        let own = [
            ("code", code.into()),
            ("key", key.name.as_str().into()),
            (
                "signers",
                signers
                    .iter()
                    .map(|name| Value::from(name.as_str()))
                    .collect(),
            ),
            ("valid", judged.is_ok().into()),
        ];
        let facts = object(used.said().into_iter().chain(own));
        let recorded = self.store.record_use(used.use_id, facts.to_text()).await?;
        if !recorded.is_new && !says(&recorded.event, &used) {
            let detail = "Another use was reported under this id.";
            return Err(Refusal::new(Reason::BreakGlassReused, detail).into());
        }
        if recorded.is_new {
            self.uses.add(judged.is_ok());
            tracing::warn!(
                use_id = used.use_id,
                valid = judged.is_ok(),
                "BREAK-GLASS: something was done without an approval"
            );
        }
        Ok(recorded)
    }

    /// Everybody of this gate, with the time for which each key counts, as a policy: who has since
    /// gone could sign before.
    fn policy_of(&self, people: &[Person]) -> String {
        let keys = people.iter().flat_map(|person| {
            let keys = person.credentials.iter();
            keys.map(move |one| approver(person, one))
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

/// The people who signed for this act at that time, or the code that says why it is not so.
fn judge(used: &Used<'_>, policy: &str) -> core::result::Result<Vec<String>, Code> {
    let policy = Policy::from_json(policy.as_bytes()).map_err(|error| error.code())?;
    let signed = File::parse(used.file.as_bytes())
        .and_then(|file| file.verify(&policy, None, &AwsLc))
        .and_then(|signed| {
            let grant = signed.file().grant();
            grant.permits(used.action, used.used_at)?;
            Ok(signed)
        })
        .map_err(|error: Error| error.code())?;
    let mut people: Vec<String> = signed
        .signers()
        .iter()
        .map(|one| one.person.clone())
        .collect();
    people.sort_unstable();
    people.dedup();
    match people.len() >= FEWEST {
        true => Ok(people),
        false => Err(Code::BreakGlassQuorumShort),
    }
}

/// Whether an event is about exactly this.
fn says(event: &Event, used: &Used<'_>) -> bool {
    let value = Value::parse(event.line.as_bytes(), Limits::bytes(event::MAX_BYTES));
    let Ok(Value::Object(line)) = &value else {
        return false;
    };
    let facts = line.get("event").and_then(Value::as_object);
    facts.is_some_and(|facts| {
        let mut said = used.said().into_iter();
        said.all(|(key, value)| facts.get(key) == Some(&value))
    })
}
