//! What the operator does on this machine: over a socket that nobody else can open while the gate
//! runs, and on the database itself while it does not. No call over the network reaches any of it.
//!
//! ```text
//! → {"call":"invite", …}\n
//! ← {"answer":…}\n  or  {"refused":{"code":…,"detail":…}}\n
//! ```

mod channels;
mod socket;

use std::sync::Arc;

use verifier_core::Time;
use verifier_core::hazmat::encoding::{base64url, from_base64url, hex};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::{Members, Wrong};
use verifier_core::hazmat::webauthn::CoseKey;

use crate::person::{ApiKey, Credential, Person, Rights, is_name};
use crate::refusal::{Reason, Refusal};
use crate::store::{Invite, Store, Trouble};

pub(crate) use socket::{ask, has_gate, no_gate, require_gate, serve};

type Result<T, E = Trouble> = core::result::Result<T, E>;

/// How many events one call returns.
pub(crate) const EVENTS: usize = 500;

/// Does what an operator asks for.
pub(crate) async fn answer(store: &Arc<dyn Store>, call: &Value<'_>) -> Result<Value<'static>> {
    let members = Members::of(call).map_err(Refusal::from)?;
    let name = members.text("call").map_err(Refusal::from)?;
    if let Some(answer) = channels::answer(store, name, &members).await? {
        return Ok(answer);
    }
    match name {
        "clock" => {
            let ended = store.accept_clock().await?;
            Ok(Value::from([("ended", number(ended))]))
        }
        "events" => {
            let after = optional_u64(&members, "after")?.unwrap_or(0);
            let events = store.events(after, EVENTS).await?;
            Ok(events
                .into_iter()
                .map(|one| Value::from(one.line))
                .collect())
        }
        "invite" => invite(store, &members).await,
        "keyCreate" => create_key(store, &members).await,
        "keyRevoke" => {
            let name = text(&members, "name")?;
            let revoked = store.revoke(name).await?;
            Ok(Value::from([("revoked", Value::from(revoked))]))
        }
        "keys" => Ok(store.keys().await?.iter().map(key).collect()),
        "people" => Ok(store.people().await?.iter().map(person).collect()),
        "retire" => {
            let passkey = members.optional_text("passkey").map_err(Refusal::from)?;
            let passkey = passkey.map(from_base64url).transpose();
            let wrong = |_| Refusal::new(Reason::Schema, "The id of the passkey is not base64url.");
            let passkey = passkey.map_err(wrong)?;
            let name = text(&members, "name")?;
            Ok(person(&store.retire(name, passkey.as_deref()).await?))
        }
        other => Err(Refusal::from(members.wrong("call", "a call of this version", other)).into()),
    }
}

async fn invite(store: &Arc<dyn Store>, members: &Members<'_, '_>) -> Result<Value<'static>> {
    let name = text(members, "name")?;
    let groups = members.texts("groups").map_err(Refusal::from)?;
    for one in groups.iter().copied().chain([name]) {
        require_name(one)?;
    }
    let hours = optional_u64(members, "hours")?.unwrap_or(24).clamp(1, 72);
    let (token, hash) = crate::enrolment::token()?;
    let invite = Invite {
        hash,
        person: name.to_owned(),
        groups: groups.into_iter().map(str::to_owned).collect(),
        lifetime: hours.saturating_mul(3_600_000),
    };
    let person = store.invite(invite).await?;
    Ok(Value::from([
        ("groups", names(&person.groups)),
        ("hours", hours.into()),
        ("token", token.into()),
    ]))
}

async fn create_key(store: &Arc<dyn Store>, members: &Members<'_, '_>) -> Result<Value<'static>> {
    let name = text(members, "name")?;
    require_name(name)?;
    let rights = text(members, "rights")?;
    let rights = Rights::parse(rights).ok_or_else(|| {
        let error = members.wrong("rights", "create, claim and read, or some of them", rights);
        Refusal::from(error)
    })?;
    let token = serving::token::NewToken::generate(crate::http::KEY_PREFIX)
        .map_err(|_| Refusal::internal())?;
    let owner = members.optional_text("owner").map_err(Refusal::from)?;
    let key = ApiKey {
        id: token.id().to_owned(),
        name: name.to_owned(),
        hash: *token.hash(),
        rights,
        owner: owner.map(str::to_owned),
        created: Time::EPOCH,
        revoked: None,
    };
    store.add_key(key).await?;
    Ok(Value::from([("key", Value::from(token.text().to_owned()))]))
}

fn require_name(text: &str) -> Result<(), Refusal> {
    if is_name(text) {
        return Ok(());
    }
    let detail = "A name has 1 to 64 bytes, no comma, and nothing that cannot be seen.";
    let found = verifier_core::quote(text);
    Err(Refusal::new(Reason::Schema, detail).compared("a name", found))
}

fn text<'v>(members: &Members<'v, '_>, name: &str) -> Result<&'v str, Refusal> {
    Ok(members.text(name)?)
}

fn optional_u64(members: &Members<'_, '_>, name: &str) -> Result<Option<u64>, Refusal> {
    match members.has(name) {
        true => members
            .optional_u64(name)?
            .map(Some)
            .ok_or_else(|| Refusal::from(members.error(name, Wrong::Missing))),
        false => Ok(None),
    }
}

fn person(person: &Person) -> Value<'static> {
    Value::from([
        ("groups", names(&person.groups)),
        ("name", person.name.clone().into()),
        ("passkeys", person.credentials.iter().map(passkey).collect()),
        ("retired", time(person.retired)),
    ])
}

fn passkey(credential: &Credential) -> Value<'static> {
    let key = CoseKey::parse(&credential.public_key);
    let fingerprint = key.map(|key| key.fingerprint()).unwrap_or_default();
    Value::from([
        ("added", credential.added.to_string().into()),
        ("attestation", credential.attestation.clone().into()),
        ("fingerprint", fingerprint.into()),
        ("id", base64url(&credential.id).into()),
        ("publicKey", base64url(&credential.public_key).into()),
        ("retired", time(credential.retired)),
        ("synced", credential.backup_eligible.into()),
    ])
}

fn key(key: &ApiKey) -> Value<'static> {
    Value::from([
        ("created", key.created.to_string().into()),
        ("id", key.id.clone().into()),
        ("name", key.name.clone().into()),
        ("owner", key.owner.clone().into()),
        ("revoked", time(key.revoked)),
        ("rights", key.rights.to_text().into()),
        ("sha256", hex(&key.hash).into()),
    ])
}

fn time(time: Option<Time>) -> Value<'static> {
    time.map(|time| time.to_string()).into()
}

fn names(names: &[String]) -> Value<'static> {
    names.iter().cloned().map(Value::from).collect()
}

fn number(items: usize) -> Value<'static> {
    u64::try_from(items).unwrap_or(u64::MAX).into()
}
