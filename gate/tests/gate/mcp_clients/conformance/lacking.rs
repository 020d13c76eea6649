//! What a server of two tools has no use for, and the scenarios that want it.

use super::super::{LEGACY, MODERN};

/// Scenarios of which nothing but the form of the messages can be looked at.
pub(super) struct Whole {
    /// In one revision alone.
    revision: Option<&'static str>,
    pub(super) scenarios: &'static [&'static str],
}

impl Whole {
    const fn of_both(scenarios: &'static [&'static str]) -> Self {
        let revision = None;
        Self {
            revision,
            scenarios,
        }
    }

    const fn of(revision: &'static str, scenarios: &'static [&'static str]) -> Self {
        let revision = Some(revision);
        Self {
            revision,
            scenarios,
        }
    }

    pub(super) fn is_of(&self, revision: &str) -> bool {
        self.revision.is_none_or(|one| one == revision)
    }
}

/// A scenario with checks that cannot be met. Its others have to be.
pub(super) struct Part {
    pub(super) scenario: &'static str,
    pub(super) checks: &'static [&'static str],
}

pub(super) const WHOLLY: &[Whole] = &[
    // There are no prompts.
    Whole::of_both(&[
        "prompts-get-embedded-resource",
        "prompts-get-simple",
        "prompts-get-with-args",
        "prompts-get-with-image",
        "prompts-list",
    ]),
    // There are no resources.
    Whole::of_both(&[
        "resources-list",
        "resources-read-binary",
        "resources-read-text",
        "resources-templates-read",
    ]),
    Whole::of(LEGACY, &["resources-subscribe", "resources-unsubscribe"]),
    // Nothing that a client types is completed.
    Whole::of_both(&["completion-complete"]),
    // What the server does is in its own log, and not sent to clients.
    Whole::of(LEGACY, &["logging-set-level", "tools-call-with-logging"]),
    // The answers of both tools are text.
    Whole::of_both(&[
        "tools-call-audio",
        "tools-call-embedded-resource",
        "tools-call-image",
        "tools-call-mixed-content",
    ]),
    // Nothing is asked of a client, of its model, or of who sits before it: the people whom the gate
    // asks are elsewhere.
    Whole::of(
        LEGACY,
        &[
            "elicitation-sep1034-defaults",
            "elicitation-sep1330-enums",
            "tools-call-elicitation",
            "tools-call-sampling",
        ],
    ),
    Whole::of(
        MODERN,
        &[
            "input-required-result-basic-elicitation",
            "input-required-result-basic-list-roots",
            "input-required-result-basic-sampling",
            "input-required-result-capability-check",
            "input-required-result-ignore-extra-params",
            "input-required-result-missing-input-response",
            "input-required-result-multi-round",
            "input-required-result-multiple-input-requests",
            "input-required-result-non-tool-request",
            "input-required-result-request-state",
            "input-required-result-result-type",
            "input-required-result-tampered-state",
            "tasks-mrtr-composition",
            "tasks-mrtr-input",
        ],
    ),
    // No session is kept, and no stream to come back to.
    Whole::of(
        LEGACY,
        &[
            "server-session-lifecycle",
            "server-sse-multiple-streams",
            "server-sse-polling",
        ],
    ),
    // It wants a tool whose schema has `$defs` and the like. Ours need none.
    Whole::of_both(&["json-schema-2020-12"]),
    // No argument of a tool is wanted in a header as well.
    Whole::of(MODERN, &["http-custom-header-server-validation"]),
    // Both tools serve clients that know no tasks.
    Whole::of(MODERN, &["tasks-required-task-error"]),
    // The suite passes over it: its authors have not written it yet.
    Whole::of(MODERN, &["tasks-status-notifications"]),
];

pub(super) const IN_PART: &[Part] = &[
    // Of the lists there is the one of tools.
    Part {
        scenario: "caching",
        checks: &[
            "sep-2549-prompts-list-caching-hints",
            "sep-2549-resources-list-caching-hints",
            "sep-2549-resources-templates-list-caching-hints",
        ],
    },
    // `resources/read` is not a method here, so no address is looked for.
    Part {
        scenario: "sep-2164-resource-not-found",
        checks: &["sep-2164-data-uri", "sep-2164-error-code"],
    },
    // They want a tool that needs a capability of the client, one that asks its user, and one that
    // writes to its log.
    Part {
        scenario: "server-stateless",
        checks: &[
            "sep-2575-http-server-no-independent-requests-on-stream",
            "sep-2575-missing-capability-http-400",
            "sep-2575-server-no-log-without-loglevel",
            "sep-2575-server-rejects-undeclared-capability",
        ],
    },
    // They want a task that fails, and one that asks the client something.
    Part {
        scenario: "tasks-dispatch-and-envelope",
        checks: &[
            "tasks-result-type-complete-on-non-task-responses",
            "tasks-server-directed-creation-no-hint",
        ],
    },
    // They want tasks that fail. Whatever people decide is a result.
    Part {
        scenario: "tasks-lifecycle",
        checks: &[
            "sep-2663-tasks-get-status-failed",
            "sep-2663-tool-error-uses-completed-status",
        ],
    },
    // It wants to be greeted by its name.
    Part {
        scenario: "tasks-request-headers",
        checks: &["tasks-headers-tolerate-mcp-method-on-tools-call"],
    },
];
