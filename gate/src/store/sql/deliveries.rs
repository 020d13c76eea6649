//! Deliveries: made with their event, tried, ended.

use verifier_core::Time;

use super::channels::{self, damaged};
use super::database::{Connection, Row, Work, params};
use super::people;
use super::rows::{self, millis};
use super::signing;
use super::writer::Step;
use crate::delivery::{Backlog, Due, Lane, Outcome, PATIENCE, Receiver, Record, State, next_try};
use crate::notice::{Glass, Notice, Topic};
use crate::person::Person;
use crate::refusal::{Reason, Refusal};
use crate::request::{May, Request, Signature};
use crate::store::{StoreError, Trouble};

type Result<T, E = Trouble> = core::result::Result<T, E>;

/// How many mails a person gets in an hour: somebody who asks and asks fills no mailbox.
const MAILS: i64 = 30;
const HOUR: u64 = 60 * 60 * 1000;

/// How long one process has for a delivery alone, in milliseconds: longer than a try takes.
const LEASE: u64 = 90_000;

impl Step<'_> {
    /// Makes the deliveries of an event of this kind, if it is one of a request.
    pub(super) fn announce(&mut self, kind: &str, id: &str) -> Result<()> {
        let of_request = Topic::parse(kind).filter(|topic| topic.status().is_some());
        let Some(topic) = of_request else {
            return Ok(());
        };
        let listening = channels::listening(self.connection, topic)?;
        let addressed = match topic {
            Topic::Created => channels::addresses(self.connection)?,
            _ => Vec::new(),
        };
        if listening.is_empty() && addressed.is_empty() {
            return Ok(());
        }
        let request = self.find(id)?;
        let notice = Notice::of(topic, &request, self.now);
        let until = self.now.saturating_add_millis(PATIENCE);
        for name in listening {
            self.deliver(&notice, (Some(&name), None), self.now, until)?;
        }
        for (name, _) in addressed {
            let person = people::person(self.connection, &name)?;
            let asked = person.and_then(|person| asked_at(&request, &person));
            if let Some(at) = asked
                && self.may_be_mailed(&name, topic)?
            {
                self.deliver(&notice, (None, Some(&name)), at, request.expires)?;
            }
        }
        Ok(())
    }

    /// Makes the deliveries of a use of break-glass: everybody gets a mail whom the gate can mail.
    pub(super) fn announce_use(&mut self, used: Glass) -> Result<()> {
        let notice = Notice::of_use(used, self.now);
        let until = self.now.saturating_add_millis(PATIENCE);
        for name in channels::listening(self.connection, notice.topic)? {
            self.deliver(&notice, (Some(&name), None), self.now, until)?;
        }
        for (name, _) in channels::addresses(self.connection)? {
            let person = people::person(self.connection, &name)?;
            if person.is_some_and(|person| is_here(&person))
                && self.may_be_mailed(&name, notice.topic)?
            {
                self.deliver(&notice, (None, Some(&name)), self.now, until)?;
            }
        }
        Ok(())
    }

    fn deliver(
        &mut self,
        notice: &Notice,
        (channel, person): (Option<&str>, Option<&str>),
        next: Time,
        until: Time,
    ) -> Result<()> {
        let id = format!("msg_{}", crate::uuid()?);
        self.execute(
            "INSERT INTO delivery (id, channel, person, request, use_id, topic, at, notice, state, \
             tries, next, until) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', 0, ?9, ?10)",
            params![
                id,
                channel,
                person,
                notice.request(),
                notice.use_id(),
                notice.topic.as_str(),
                millis(notice.at),
                notice.to_text(),
                millis(next),
                millis(until),
            ],
        )?;
        self.delivers = true;
        Ok(())
    }

    /// Whether a person may get one more mail of this kind. Requests and uses of break-glass are
    /// counted by themselves: whoever asks and asks keeps nobody from hearing of a use.
    fn may_be_mailed(&self, person: &str, topic: Topic) -> Result<bool> {
        let after = self.now.as_millis().saturating_sub(HOUR);
        let after = Time::from_millis(after).unwrap_or(Time::EPOCH);
        let sql = "SELECT count(*) FROM delivery WHERE person = ?1 AND at > ?2 AND topic = ?3";
        let mailed = self.number(sql, params![person, millis(after), topic.as_str()])?;
        if mailed == MAILS {
            tracing::warn!(person, "{MAILS} mails within an hour are enough");
        }
        Ok(mailed < MAILS)
    }

    pub(super) fn tried(&mut self, id: &str, outcome: &Outcome, chance: u16) -> Result<()> {
        let sql = "SELECT channel, tries, until FROM delivery WHERE id = ?1 AND state = 'waiting'";
        // It may have been removed, or given up, meanwhile.
        let Some(row) = self.connection.row(sql, params![id])? else {
            return Ok(());
        };
        let channel: Option<String> = row.get("channel")?;
        let until: Time = row.get("until")?;
        let tries = row.get::<u64>("tries")?.saturating_add(1);
        let (state, next) = match outcome {
            Outcome::Delivered(_) => (State::Delivered, None),
            Outcome::Never(_) | Outcome::Gone(_) => (State::Dead, None),
            Outcome::Moot => (State::Moot, None),
            Outcome::Failed { wish, .. } => match next_try(tries, self.now, until, *wish, chance) {
                Some(next) => (State::Waiting, Some(next)),
                None => (State::Dead, None),
            },
        };
        let ended = (state != State::Waiting).then_some(self.now);
        self.execute(
            "UPDATE delivery SET state = ?2, tries = ?3, next = ?4, ended = ?5, said = ?6 \
             WHERE id = ?1",
            params![
                id,
                state.as_str(),
                tries,
                next.map(millis),
                ended.map(millis),
                outcome.said(),
            ],
        )?;
        self.connection.release("delivery", "id", id)?;
        match (outcome, channel) {
            (Outcome::Gone(why), Some(channel)) => self.disable(&channel, why),
            _ => Ok(()),
        }
    }

    pub(super) fn redeliver(&mut self, channel: &str, id: Option<&str>) -> Result<usize> {
        if self.channel(channel)?.disabled.is_some() {
            let detail = "It wanted nothing any more, and is disabled: `webhook enable` first.";
            return Err(Refusal::new(Reason::ChannelDisabled, detail).into());
        }
        let until = self.now.saturating_add_millis(PATIENCE);
        let sent = self.execute(
            "UPDATE delivery SET state = 'waiting', tries = 0, next = ?2, until = ?3, ended = NULL \
             WHERE channel = ?1 AND CASE WHEN ?4 IS NULL THEN state = 'dead' \
             ELSE id = ?4 AND state IN ('dead', 'delivered') END",
            params![channel, millis(self.now), millis(until), id],
        )?;
        match (sent, id) {
            (0, Some(_)) => {
                let detail = "There is no such delivery of it that has ended.";
                Err(Refusal::new(Reason::DeliveryUnknown, detail).into())
            }
            _ => {
                self.delivers = true;
                Ok(sent)
            }
        }
    }

    pub(super) fn forget(&mut self, before: Time, most: usize) -> Result<usize> {
        let sql = "DELETE FROM delivery WHERE id IN \
                   (SELECT id FROM delivery WHERE ended < ?1 LIMIT ?2)";
        Ok(self.execute(sql, params![millis(before), most])?)
    }

    /// Lets nothing wait for a time that the clock has left behind.
    pub(super) fn bring_deliveries_forward(&mut self) -> Result<()> {
        let until = self.now.saturating_add_millis(PATIENCE);
        let sql = "UPDATE delivery SET next = CASE WHEN next > ?1 THEN ?1 ELSE next END, \
                   until = CASE WHEN until > ?2 THEN ?2 ELSE until END WHERE state = 'waiting'";
        self.execute(sql, params![millis(self.now), millis(until)])?;
        self.delivers = true;
        Ok(())
    }
}

/// Whether somebody has a passkey that is not retired.
fn is_here(person: &Person) -> bool {
    person.active().next().is_some()
}

/// The first moment from which on this person may decide, by the state machine's own word: at once,
/// or when the request is escalated to a group of theirs.
fn asked_at(request: &Request, person: &Person) -> Option<Time> {
    let escalations = request.terms.escalate.iter().map(|one| {
        let after = u64::try_from(one.after.as_millis()).unwrap_or(u64::MAX);
        request.created.saturating_add_millis(after)
    });
    let mut moments: Vec<Time> = escalations.chain([request.created]).collect();
    moments.sort_unstable();
    let mut moments = moments.into_iter();
    moments.find(|at| may_decide(request, person, &|_| true, *at))
}

fn may_decide(
    request: &Request,
    person: &Person,
    active: &dyn Fn(&Signature) -> bool,
    at: Time,
) -> bool {
    let mut passkeys = person.active();
    passkeys.any(|one| request.may(one, active, at) == May::Decide)
}

pub(super) fn due(
    connection: &dyn Connection,
    lane: &Lane,
    on_their_way: &[String],
    most: usize,
    now: Time,
) -> Result<Vec<Due>, StoreError> {
    let channel = match lane {
        Lane::Mail => None,
        Lane::Channel(name) => match channels::one(connection, name)? {
            Some(channel) => Some(Box::new(channel)),
            None => return Ok(Vec::new()),
        },
    };
    // Those on their way are among the oldest, and keep no others from being seen.
    let look = most.saturating_add(on_their_way.len());
    let condition = match lane {
        Lane::Channel(_) => "channel = ?1 AND state = 'waiting' AND next <= ?2",
        Lane::Mail => "channel IS NULL AND ?1 IS NULL AND state = 'waiting' AND next <= ?2",
    };
    let work = Work {
        table: "delivery",
        key: "id",
        condition,
        order: "next",
        most: look,
        lease: LEASE,
    };
    connection.take(&work, params![lane.channel(), millis(now)])?;
    let sql = format!(
        "SELECT * FROM delivery WHERE {condition}{} ORDER BY next LIMIT ?3",
        connection.is_taken()
    );
    let mut due = Vec::new();
    for row in connection.rows(&sql, params![lane.channel(), millis(now), look])? {
        let id: String = row.get("id")?;
        if on_their_way.contains(&id) || due.len() >= most {
            continue;
        }
        let notice = notice(&row)?;
        let person: Option<String> = row.get("person")?;
        let receiver = match (&channel, person) {
            (Some(channel), _) => Receiver::Channel(channel.clone()),
            (None, Some(person)) => match notice.request() {
                Some(request) => mail(connection, request, &person, now)?,
                None => mail_of_use(connection, &person)?,
            },
            (None, None) => Receiver::Nobody,
        };
        due.push(Due {
            id,
            notice,
            receiver,
        });
    }
    Ok(due)
}

/// Somebody who was to get a mail, if there still is something to decide for them.
fn mail(
    connection: &dyn Connection,
    request: &str,
    person: &str,
    now: Time,
) -> Result<Receiver, StoreError> {
    let found = (
        rows::request(connection, request)?,
        people::person(connection, person)?,
        channels::address(connection, person)?,
    );
    let (Some(request), Some(person), Some(address)) = found else {
        return Ok(Receiver::Nobody);
    };
    let retired = signing::retired(connection, &request)?;
    let active = |one: &Signature| !retired.contains(&one.credential_id);
    Ok(match may_decide(&request, &person, &active, now) {
        true => Receiver::Mail(address),
        false => Receiver::Nobody,
    })
}

/// Somebody who is told of a use of break-glass, if they still are one of the gate's people.
fn mail_of_use(connection: &dyn Connection, person: &str) -> Result<Receiver, StoreError> {
    let found = people::person(connection, person)?;
    let address = channels::address(connection, person)?;
    Ok(match (found.filter(is_here), address) {
        (Some(_), Some(address)) => Receiver::Mail(address),
        _ => Receiver::Nobody,
    })
}

pub(super) fn records(
    connection: &dyn Connection,
    channel: Option<&str>,
    state: Option<State>,
    most: usize,
) -> Result<Vec<Record>, StoreError> {
    let sql = "SELECT * FROM delivery WHERE (?1 IS NULL OR channel = ?1) \
               AND (?2 IS NULL OR state = ?2) ORDER BY at DESC, rowid DESC LIMIT ?3";
    connection.map(
        sql,
        params![channel, state.map(State::as_str), most],
        record,
    )
}

pub(super) fn backlog(connection: &dyn Connection) -> Result<Vec<(Lane, Backlog)>, StoreError> {
    let sql = "SELECT channel, \
               count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'dead'), \
               min(at) FILTER (WHERE state = 'waiting') \
               FROM delivery WHERE state IN ('waiting', 'dead') GROUP BY channel ORDER BY channel";
    connection.map(sql, &[], |row| {
        let channel: Option<String> = row.at(0)?;
        let backlog = Backlog {
            waiting: row.at(1)?,
            dead: row.at(2)?,
            oldest: row.at(3)?,
        };
        Ok((channel.map_or(Lane::Mail, Lane::Channel), backlog))
    })
}

fn notice(row: &Row) -> Result<Notice, StoreError> {
    let text: String = row.get("notice")?;
    let at = row.get("at")?;
    Notice::parse(topic(row)?, at, &text).ok_or_else(damaged)
}

fn topic(row: &Row) -> Result<Topic, StoreError> {
    let topic: String = row.get("topic")?;
    Topic::parse(&topic).ok_or_else(damaged)
}

fn record(row: &Row) -> Result<Record, StoreError> {
    let (channel, person): (Option<String>, Option<String>) =
        (row.get("channel")?, row.get("person")?);
    let (request, used): (Option<String>, Option<String>) =
        (row.get("request")?, row.get("use_id")?);
    let state: String = row.get("state")?;
    Ok(Record {
        id: row.get("id")?,
        is_mail: channel.is_none(),
        receiver: channel.or(person).unwrap_or_default(),
        about: request.or(used).ok_or_else(damaged)?,
        topic: topic(row)?,
        at: row.get("at")?,
        state: State::parse(&state).ok_or_else(damaged)?,
        tries: row.get("tries")?,
        next: row.get("next")?,
        said: row.get("said")?,
    })
}
