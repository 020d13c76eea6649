//! Events, as they are sent to webhooks.

use serving::openapi::Webhook;
use serving::openapi::schema::{
    HEX_32, TIME, UUID, array, boolean, one_of, open, reference, string, text, text_or_null,
};
use verifier_core::hazmat::json::Value;

use super::schemas::CODE;
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
    Webhook {
        name: "break-glass.used",
        id: "breakGlassUsed",
        summary: "Something was done without an approval, and the gate has heard of it.",
        body: "UseEvent",
    },
];

/// An event of a request.
pub(super) fn event() -> Value<'static> {
    of("EventData", |topic| topic.status().is_some())
}

/// An event of a use of break-glass.
pub(super) fn use_event() -> Value<'static> {
    of("UseEventData", |topic| topic.status().is_none())
}

fn of(data: &'static str, is_one: fn(&Topic) -> bool) -> Value<'static> {
    open(&["data", "timestamp", "type"], |name| match name {
        "data" => reference(data),
        "timestamp" => text(TIME),
        _ => {
            let topics = Topic::ALL.into_iter().filter(is_one);
            one_of(&topics.map(Topic::as_str).collect::<Vec<_>>())
        }
    })
}

/// The use that it is about, as it was recorded.
pub(super) fn use_data() -> Value<'static> {
    open(
        &[
            "action",
            "audience",
            "code",
            "grantSha256",
            "signers",
            "useId",
            "usedAt",
            "valid",
        ],
        |name| match name {
            "audience" => text_or_null("^.+$"),
            "code" => text_or_null(CODE),
            "grantSha256" => text_or_null(HEX_32),
            "signers" => array(string()),
            "useId" => text(UUID),
            "usedAt" => text(TIME),
            "valid" => boolean(),
            _ => string(),
        },
    )
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
