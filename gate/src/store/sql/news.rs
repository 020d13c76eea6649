//! News in a database: each call, and the transaction that it is.

use verifier_core::Time;

use super::{Sql, channels, deliveries};
use crate::channel::Channel;
use crate::delivery::{Backlog, Due, Lane, Outcome, Record, State};
use crate::person::MailAddress;
use crate::store::{Answer, News, Store as _};
use crate::webhook::Secret;

impl News for Sql {
    fn add_channel(&self, channel: Channel) -> Answer<'_, ()> {
        self.change(move |step| step.add_channel(channel))
    }

    fn channels(&self) -> Answer<'_, Vec<Channel>> {
        self.look(|connection| Ok(channels::all(connection)?))
    }

    fn rotate(&self, channel: &str, secret: Secret, overlap: u64) -> Answer<'_, ()> {
        let name = channel.to_owned();
        self.change(move |step| step.rotate(&name, &secret, overlap))
    }

    fn enable(&self, channel: &str) -> Answer<'_, ()> {
        let name = channel.to_owned();
        self.change(move |step| step.enable(&name))
    }

    fn remove_channel(&self, channel: &str) -> Answer<'_, ()> {
        let name = channel.to_owned();
        self.change(move |step| step.remove_channel(&name))
    }

    fn set_address(&self, person: &str, address: Option<MailAddress>) -> Answer<'_, ()> {
        let person = person.to_owned();
        self.change(move |step| step.set_address(&person, address.as_ref()))
    }

    fn addresses(&self) -> Answer<'_, Vec<(String, String)>> {
        self.look(|connection| Ok(channels::addresses(connection)?))
    }

    fn due(&self, lane: &Lane, on_their_way: Vec<String>, most: usize) -> Answer<'_, Vec<Due>> {
        let (lane, now) = (lane.clone(), self.now());
        self.look(move |connection| {
            Ok(deliveries::due(
                connection,
                &lane,
                &on_their_way,
                most,
                now,
            )?)
        })
    }

    fn tried(&self, id: &str, outcome: Outcome, chance: u16) -> Answer<'_, ()> {
        let id = id.to_owned();
        self.change(move |step| step.tried(&id, &outcome, chance))
    }

    fn redeliver(&self, channel: &str, id: Option<&str>) -> Answer<'_, usize> {
        let (channel, id) = (channel.to_owned(), id.map(str::to_owned));
        self.change(move |step| step.redeliver(&channel, id.as_deref()))
    }

    fn deliveries(
        &self,
        channel: Option<&str>,
        state: Option<State>,
        most: usize,
    ) -> Answer<'_, Vec<Record>> {
        let channel = channel.map(str::to_owned);
        self.look(move |connection| {
            Ok(deliveries::records(
                connection,
                channel.as_deref(),
                state,
                most,
            )?)
        })
    }

    fn backlog(&self) -> Answer<'_, Vec<(Lane, Backlog)>> {
        self.look(|connection| Ok(deliveries::backlog(connection)?))
    }

    fn forget(&self, before: Time, most: usize) -> Answer<'_, usize> {
        self.change(move |step| step.forget(before, most))
    }
}
