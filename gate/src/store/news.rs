//! News, their receivers, and what became of them.
//!
//! A delivery is made in the transaction of its event: there is one for each event of a request and
//! each channel that wants it, and none for an event that was not committed.

use super::Answer;
use crate::channel::Channel;
use crate::delivery::{Backlog, Due, Lane, Outcome, Record, State};
use crate::person::MailAddress;
use crate::webhook::Secret;
use verifier_core::Time;

/// The part of a store that news are kept in.
pub(crate) trait News {
    /// Keeps a new channel, with its secrets.
    fn add_channel(&self, channel: Channel) -> Answer<'_, ()>;
    /// Every channel, by name.
    fn channels(&self) -> Answer<'_, Vec<Channel>>;
    /// Gives a webhook a new secret. Those before it sign for so many milliseconds more.
    fn rotate(&self, channel: &str, secret: Secret, overlap: u64) -> Answer<'_, ()>;
    /// Sends to a channel again that wanted nothing any more.
    fn enable(&self, channel: &str) -> Answer<'_, ()>;
    /// Forgets a channel, its secrets and its deliveries.
    fn remove_channel(&self, channel: &str) -> Answer<'_, ()>;

    /// Sets where a person gets mail, or that they get none.
    fn set_address(&self, person: &str, address: Option<MailAddress>) -> Answer<'_, ()>;
    /// Persons and their addresses, by name.
    fn addresses(&self) -> Answer<'_, Vec<(String, String)>>;

    /// Deliveries of a lane that are due, the longest first, without those on their way.
    fn due(&self, lane: &Lane, on_their_way: Vec<String>, most: usize) -> Answer<'_, Vec<Due>>;
    /// Keeps what came of a try; `chance` spreads the next ones.
    fn tried(&self, id: &str, outcome: Outcome, chance: u16) -> Answer<'_, ()>;
    /// Sends what a channel did not take, or the one of this id, once more. Returns how many.
    fn redeliver(&self, channel: &str, id: Option<&str>) -> Answer<'_, usize>;
    /// The newest deliveries, of this channel and in this state if one is said.
    fn deliveries(
        &self,
        channel: Option<&str>,
        state: Option<State>,
        most: usize,
    ) -> Answer<'_, Vec<Record>>;
    /// Everything that is not delivered.
    fn backlog(&self) -> Answer<'_, Vec<(Lane, Backlog)>>;
    /// Forgets deliveries that ended before this moment; returns how many.
    fn forget(&self, before: Time, most: usize) -> Answer<'_, usize>;
}
