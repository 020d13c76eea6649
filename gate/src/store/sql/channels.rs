//! Channels, their secrets, and addresses of people.

use verifier_core::hazmat::json::Value;

use super::database::{Connection, Row, params};
use super::rows::{self, millis};
use super::writer::Step;
use crate::channel::{Channel, Disabled, Kept, Kind, Target};
use crate::notice::Topic;
use crate::person::MailAddress;
use crate::refusal::{Reason, Refusal};
use crate::store::{StoreError, Trouble};
use crate::webhook::Secret;

type Result<T, E = Trouble> = core::result::Result<T, E>;

/// How many channels a gate has at most.
const MOST: i64 = 64;

/// How many secrets of a webhook sign at a time: each makes the header longer.
const SECRETS: i64 = 4;

impl Step<'_> {
    pub(super) fn add_channel(&mut self, channel: Channel) -> Result<()> {
        if one(self.connection, &channel.name)?.is_some() {
            let detail = "There is a webhook or a chat of this name.";
            return Err(Refusal::new(Reason::NameTaken, detail).into());
        }
        if self.number("SELECT count(*) FROM channel", &[])? >= MOST {
            let detail = format!("There are {MOST} webhooks and chats, and no room for more.");
            return Err(Refusal::new(Reason::ChannelLimit, detail).into());
        }
        let topics: Vec<String> = names(&channel.topics);
        self.execute(
            "INSERT INTO channel (name, kind, url, private, topics, created) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                channel.name,
                channel.kind.as_str(),
                channel.target.url(),
                channel.target.is_private(),
                rows::to_names(&topics),
                millis(self.now),
            ],
        )?;
        for kept in &channel.secrets {
            self.add_secret(&channel.name, &kept.secret)?;
        }
        let facts = Value::from([
            ("kind", channel.kind.as_str().into()),
            ("name", channel.name.as_str().into()),
            // The rest may be a secret.
            ("origin", channel.target.origin().into()),
            ("private", channel.target.is_private().into()),
            (
                "topics",
                topics.iter().map(|one| Value::from(one.as_str())).collect(),
            ),
        ]);
        self.event("channel.added", None, facts)
    }

    pub(super) fn rotate(&mut self, name: &str, secret: &Secret, overlap: u64) -> Result<()> {
        let channel = self.channel(name)?;
        if channel.kind == Kind::Chat {
            let detail = "A chat has no secret: its address is one. Remove it, and add another.";
            return Err(Refusal::new(Reason::ChannelUnknown, detail).into());
        }
        let until = self.now.saturating_add_millis(overlap);
        let sql = "UPDATE channel_secret SET until = ?2 \
                   WHERE channel = ?1 AND (until IS NULL OR until > ?2)";
        self.execute(sql, params![name, millis(until)])?;
        let sql = "DELETE FROM channel_secret WHERE channel = ?1 AND until <= ?2";
        self.execute(sql, params![name, millis(self.now)])?;
        let sql = "SELECT count(*) FROM channel_secret WHERE channel = ?1";
        if self.number(sql, params![name])? >= SECRETS {
            let detail = format!(
                "{SECRETS} secrets of it are in use. Wait until one ends, or end all of them \
                 with --overlap 0."
            );
            return Err(Refusal::new(Reason::ChannelLimit, detail).into());
        }
        self.add_secret(name, secret)?;
        let facts = Value::from([("name", name.into()), ("until", until.to_string().into())]);
        self.event("channel.rotated", None, facts)
    }

    pub(super) fn enable(&mut self, name: &str) -> Result<()> {
        self.channel(name)?;
        let sql = "UPDATE channel SET disabled = NULL, why = NULL \
                   WHERE name = ?1 AND disabled IS NOT NULL";
        match self.execute(sql, params![name])? {
            0 => Ok(()),
            _ => self.event(
                "channel.enabled",
                None,
                Value::from([("name", name.into())]),
            ),
        }
    }

    /// Sends nothing to a channel any more, of what waits neither.
    pub(super) fn disable(&mut self, name: &str, why: &str) -> Result<()> {
        let now = millis(self.now);
        let sql = "UPDATE channel SET disabled = ?2, why = ?3 \
                   WHERE name = ?1 AND disabled IS NULL";
        if self.execute(sql, params![name, now, why])? == 0 {
            return Ok(());
        }
        let sql = "UPDATE delivery SET state = 'dead', next = NULL, ended = ?2, said = ?3 \
                   WHERE channel = ?1 AND state = 'waiting'";
        self.execute(sql, params![name, now, why])?;
        let facts = Value::from([("name", Value::from(name)), ("why", why.into())]);
        self.event("channel.disabled", None, facts)
    }

    pub(super) fn remove_channel(&mut self, name: &str) -> Result<()> {
        self.channel(name)?;
        self.execute("DELETE FROM channel WHERE name = ?1", params![name])?;
        self.event(
            "channel.removed",
            None,
            Value::from([("name", name.into())]),
        )
    }

    pub(super) fn channel(&self, name: &str) -> Result<Channel> {
        let unknown = || {
            let detail = "There is no webhook and no chat of this name.";
            Refusal::new(Reason::ChannelUnknown, detail)
        };
        Ok(one(self.connection, name)?.ok_or_else(unknown)?)
    }

    pub(super) fn set_address(
        &mut self,
        person: &str,
        address: Option<&MailAddress>,
    ) -> Result<()> {
        if super::people::person(self.connection, person)?.is_none() {
            let detail = "There is nobody of this name. Invite them first.";
            return Err(Refusal::new(Reason::ApproverUnknown, detail).into());
        }
        let (changed, kind) = match address {
            None => {
                let sql = "DELETE FROM address WHERE person = ?1";
                (self.execute(sql, params![person])?, "mail.removed")
            }
            Some(address) => {
                let sql = "INSERT INTO address (person, mail) VALUES (?1, ?2) \
                           ON CONFLICT (person) DO UPDATE SET mail = excluded.mail";
                let set = self.execute(sql, params![person, address.as_str()])?;
                (set, "mail.set")
            }
        };
        match changed {
            0 => Ok(()),
            // The address itself is nobody's business who reads events.
            _ => self.event(kind, None, Value::from([("person", person.into())])),
        }
    }

    fn add_secret(&self, name: &str, secret: &Secret) -> Result<()> {
        let sql = "INSERT INTO channel_secret (channel, secret) VALUES (?1, ?2)";
        self.execute(sql, params![name, secret.as_bytes()])?;
        Ok(())
    }
}

pub(super) fn all(connection: &dyn Connection) -> Result<Vec<Channel>, StoreError> {
    let sql = "SELECT * FROM channel ORDER BY name";
    connection.map(sql, &[], |row| {
        with_secrets(connection, without_secrets(row)?)
    })
}

pub(super) fn one(connection: &dyn Connection, name: &str) -> Result<Option<Channel>, StoreError> {
    let found = connection.row("SELECT * FROM channel WHERE name = ?1", params![name])?;
    found
        .map(|row| with_secrets(connection, without_secrets(&row)?))
        .transpose()
}

/// The names of the channels that want to hear of this.
pub(super) fn listening(
    connection: &dyn Connection,
    topic: Topic,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name, topics FROM channel WHERE disabled IS NULL ORDER BY name";
    let mut listening = Vec::new();
    for row in connection.rows(sql, &[])? {
        let topics: Vec<String> = row.get("topics")?;
        if topics.iter().any(|one| one == topic.as_str()) {
            listening.push(row.get("name")?);
        }
    }
    Ok(listening)
}

pub(super) fn addresses(connection: &dyn Connection) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT person, mail FROM address ORDER BY person";
    connection.map(sql, &[], |row| Ok((row.get("person")?, row.get("mail")?)))
}

pub(super) fn address(
    connection: &dyn Connection,
    person: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT mail FROM address WHERE person = ?1";
    let found = connection.row(sql, params![person])?;
    found.map(|row| row.get("mail")).transpose()
}

fn without_secrets(row: &Row) -> Result<Channel, StoreError> {
    let kind: String = row.get("kind")?;
    let url: String = row.get("url")?;
    let disabled: Option<verifier_core::Time> = row.get("disabled")?;
    let why: Option<String> = row.get("why")?;
    let topics: Vec<String> = row.get("topics")?;
    Ok(Channel {
        name: row.get("name")?,
        kind: Kind::parse(&kind).ok_or_else(damaged)?,
        target: Target::parse(&url, row.get("private")?).map_err(|_| damaged())?,
        topics: topics.iter().filter_map(|one| Topic::parse(one)).collect(),
        created: row.get("created")?,
        disabled: disabled.map(|at| Disabled {
            at,
            why: why.unwrap_or_default(),
        }),
        secrets: Vec::new(),
    })
}

fn with_secrets(connection: &dyn Connection, mut channel: Channel) -> Result<Channel, StoreError> {
    let sql = "SELECT secret, until FROM channel_secret WHERE channel = ?1 ORDER BY rowid DESC";
    channel.secrets = connection.map(sql, params![channel.name], |row| {
        Ok(Kept {
            secret: Secret::from_bytes(row.get("secret")?).ok_or_else(damaged)?,
            until: row.get("until")?,
        })
    })?;
    Ok(channel)
}

fn names(topics: &[Topic]) -> Vec<String> {
    topics.iter().map(|one| one.as_str().to_owned()).collect()
}

pub(super) fn damaged() -> StoreError {
    StoreError::Damaged("a channel or a delivery is not what was written".into())
}
