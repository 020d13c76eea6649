//! Receivers of news: webhooks, chats, and mail.

use std::sync::Arc;

use verifier_core::Time;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::Members;

use super::{Result, number, optional_u64, require_name, text, time};
use crate::channel::{Channel, Kept, Kind, Target};
use crate::delivery::{Record, State};
use crate::notice::Topic;
use crate::person::MailAddress;
use crate::refusal::{Reason, Refusal};
use crate::store::Store;
use crate::webhook::Secret;

/// How many deliveries one call returns at most.
const RECORDS: usize = 1000;

/// The name of the lane of mail.
const RESERVED: &str = "mail";

/// Does a call about channels; `None` if it is about something else.
pub(super) async fn answer(
    store: &Arc<dyn Store>,
    call: &str,
    members: &Members<'_, '_>,
) -> Result<Option<Value<'static>>> {
    Ok(Some(match call {
        "channelAdd" => add(store, members).await?,
        "channelEnable" => {
            store.enable(text(members, "name")?).await?;
            Value::Null
        }
        "channelRemove" => {
            store.remove_channel(text(members, "name")?).await?;
            Value::Null
        }
        "channelRotate" => {
            let secret = Secret::generate()?;
            let overlap = optional_u64(members, "overlap")?.unwrap_or_default();
            store
                .rotate(text(members, "name")?, secret.clone(), overlap)
                .await?;
            Value::from([("secret", Value::from(secret.to_text()))])
        }
        "channels" => {
            let now = store.now();
            let all = store.channels().await?;
            all.iter().map(|one| channel(one, now)).collect()
        }
        "deliveries" => {
            let name = members.optional_text("name").map_err(Refusal::from)?;
            let state = members.optional_text("state").map_err(Refusal::from)?;
            let most = optional_u64(members, "most")?.unwrap_or(50);
            let most = usize::try_from(most).unwrap_or(RECORDS).min(RECORDS);
            let state = state.and_then(State::parse);
            let all = store.deliveries(name, state, most).await?;
            all.iter().map(record).collect()
        }
        "mailAddress" => {
            let address = members.optional_text("address").map_err(Refusal::from)?;
            let address = address.map(MailAddress::parse).transpose()?;
            store.set_address(text(members, "name")?, address).await?;
            Value::Null
        }
        "mailAddresses" => {
            let all = store.addresses().await?.into_iter();
            all.map(|(person, address)| {
                Value::from([("address", address.into()), ("person", person.into())])
            })
            .collect()
        }
        "redeliver" => {
            let id = members.optional_text("id").map_err(Refusal::from)?;
            let sent = store.redeliver(text(members, "name")?, id).await?;
            Value::from([("deliveries", number(sent))])
        }
        _ => return Ok(None),
    }))
}

async fn add(store: &Arc<dyn Store>, members: &Members<'_, '_>) -> Result<Value<'static>> {
    let name = text(members, "name")?;
    require_name(name)?;
    if name == RESERVED {
        let detail = "This name is taken: mail to people has it.";
        return Err(Refusal::new(Reason::NameTaken, detail).into());
    }
    let kind = text(members, "kind")?;
    let kind = Kind::parse(kind)
        .ok_or_else(|| Refusal::from(members.wrong("kind", "webhook or chat", kind)))?;
    let private = members.optional_bool("private").map_err(Refusal::from)?;
    let target = Target::parse(text(members, "url")?, private.unwrap_or(false))?;
    let topics = members.texts("topics").map_err(Refusal::from)?;
    let topics: Vec<Topic> = topics.into_iter().map(topic).collect::<Result<_, _>>()?;
    let topics = match (topics.is_empty(), kind) {
        (false, _) => topics,
        (true, Kind::Webhook) => Topic::ALL.to_vec(),
        (true, Kind::Chat) => vec![Topic::Created, Topic::BreakGlass],
    };
    let secret = match kind {
        Kind::Webhook => Some(Secret::generate()?),
        Kind::Chat => None,
    };
    let kept = secret.clone().map(|secret| Kept {
        secret,
        until: None,
    });
    let channel = Channel {
        name: name.to_owned(),
        kind,
        target,
        topics,
        created: Time::EPOCH,
        disabled: None,
        secrets: kept.into_iter().collect(),
    };
    store.add_channel(channel).await?;
    Ok(Value::from([(
        "secret",
        secret.map(|secret| secret.to_text()).into(),
    )]))
}

fn topic(text: &str) -> Result<Topic, Refusal> {
    Topic::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Topic::ALL.into_iter().map(Topic::as_str).collect();
        Refusal::new(Reason::Schema, "There is no event of this name.")
            .compared(all.join(", "), verifier_core::quote(text))
    })
}

fn channel(channel: &Channel, now: Time) -> Value<'static> {
    let disabled = channel.disabled.as_ref();
    let topics = channel.topics.iter().map(|one| Value::from(one.as_str()));
    Value::from([
        ("created", channel.created.to_string().into()),
        ("disabled", time(disabled.map(|one| one.at))),
        ("kind", channel.kind.as_str().into()),
        ("name", channel.name.clone().into()),
        ("private", channel.target.is_private().into()),
        ("secrets", number(channel.secrets(now).count())),
        ("topics", topics.collect()),
        ("url", shown(channel).into()),
        ("why", disabled.map(|one| one.why.clone()).into()),
    ])
}

/// The address as it may stand on a screen: that of a chat is a secret behind its host.
fn shown(channel: &Channel) -> String {
    match channel.kind {
        Kind::Webhook => channel.target.url().to_owned(),
        Kind::Chat => format!("{}/…", channel.target.origin()),
    }
}

fn record(record: &Record) -> Value<'static> {
    let to = match record.is_mail {
        true => format!("mail to {}", verifier_core::plain(&record.receiver)),
        false => record.receiver.clone(),
    };
    Value::from([
        ("about", record.about.clone().into()),
        ("at", record.at.to_string().into()),
        ("id", record.id.clone().into()),
        ("next", time(record.next)),
        ("said", record.said.clone().into()),
        ("state", record.state.as_str().into()),
        ("to", to.into()),
        ("topic", record.topic.as_str().into()),
        ("tries", record.tries.into()),
    ])
}
