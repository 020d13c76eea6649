//! Events, as they are sent to webhooks.

use serving::openapi::Webhook;
use serving::openapi::schema::{
    HEX_32, TIME, UUID, one_of, open, reference, string, text, text_or_null,
};
use verifier_core::hazmat::json::Value;

use crate::notice::Topic;
use crate::request::Status;

/// Events that are sent to addresses of the operator's choice, as Standard Webhooks 1.0.0.
pub(super) const WEBHOOKS: &[Webhook] = &[
    Webhook {
        name: "request.created",
        id: "requestCreated",
        summary: "People can decide a request.",
        body: "Event",
    },
    Webhook {
        name: "request.approved",
        id: "requestApproved",
        summary: "Enough people have approved it, and the log has all of it.",
        body: "Event",
    },
    Webhook {
        name: "request.rejected",
        id: "requestRejected",
        summary: "Somebody has refused it.",
        body: "Event",
    },
    Webhook {
        name: "request.expired",
        id: "requestExpired",
        summary: "It was not decided, or not claimed, in time.",
        body: "Event",
    },
    Webhook {
        name: "request.cancelled",
        id: "requestCancelled",
        summary: "The key that asked has taken it back.",
        body: "Event",
    },
    Webhook {
        name: "request.claimed",
        id: "requestClaimed",
        summary: "One operation may act.",
        body: "Event",
    },
];

/// An event.
pub(super) fn event() -> Value<'static> {
    open(&["data", "timestamp", "type"], |name| match name {
        "data" => reference("EventData"),
        "timestamp" => text(TIME),
        _ => one_of(&Topic::ALL.map(Topic::as_str)),
    })
}

/// The request that it is about, as it stood then.
pub(super) fn data() -> Value<'static> {
    open(
        &[
            "action",
            "claimBy",
            "claimedAt",
            "createdAt",
            "decidedAt",
            "expiresAt",
            "id",
            "payloadHash",
            "status",
            "url",
        ],
        |name| match name {
            "claimBy" | "claimedAt" | "decidedAt" => text_or_null(TIME),
            "createdAt" | "expiresAt" => text(TIME),
            "id" => text(UUID),
            "payloadHash" => text(HEX_32),
            "status" => one_of(&Status::ALL.map(Status::as_str)),
            _ => string(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_news_is_described() {
        let described = WEBHOOKS.iter().map(|one| one.name);
        assert!(described.eq(Topic::ALL.iter().map(|one| one.as_str())));
    }
}
