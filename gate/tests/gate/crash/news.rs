//! News of everything that happened, whenever the gate was killed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::World;
use crate::receiver::wait_for;

impl World {
    /// Each event that is news was told, and nothing else; a repeated id said the same again. Returns
    /// how many events and how many deliveries that were.
    pub(super) fn audit_news(&self) -> (usize, usize) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.gate.succeed(&["export"]);
        let events = events
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let news = |kind: &str| {
            let kinds = ["created", "approved", "rejected", "expired", "cancelled"];
            let kind = kind.strip_prefix("request.");
            kind.is_some_and(|kind| kinds.contains(&kind) || kind == "claimed")
        };
        let happened: BTreeSet<_> = events
            .map(|one| {
                (
                    text(&one["kind"]),
                    text(&one["event"]["request"]),
                    text(&one["at"]),
                )
            })
            .filter(|(kind, _, _)| news(kind))
            .collect();
        let told = || -> BTreeSet<_> {
            let all = self.receiver.got().into_iter().map(|got| got.json());
            all.map(|one| {
                (
                    text(&one["type"]),
                    text(&one["data"]["id"]),
                    text(&one["timestamp"]),
                )
            })
            .collect()
        };
        wait_for(|| told().is_superset(&happened).then_some(()));
        assert_eq!(told(), happened);
        let got = self.receiver.got();
        let mut bodies = BTreeMap::new();
        for one in &got {
            let id = one.header("webhook-id").to_owned();
            let before = bodies.insert(id, one.body.clone());
            assert!(before.is_none_or(|before| before == one.body), "{one:?}");
        }
        assert_eq!(bodies.len(), happened.len(), "an id for each event");
        (happened.len(), got.len())
    }
}
