//! `/log.json`: what a log says of itself, for information. Nobody has to believe any of it.

use std::sync::Arc;

use serving::Problem;
use serving::openapi::schema::object;
use verifier_core::hazmat::json::Value;
use verifier_core::policy::max_decision_age;

use crate::http::app::App;
use crate::http::routes::blocking;

/// The text, with the logs that are served beside this one.
pub(crate) async fn of_several(app: &Arc<App>, shards: Value<'static>) -> Result<String, Problem> {
    blocking(app, |app| Ok(of_log(app, Some(shards)))).await
}

/// The text. Reads the database.
pub(super) fn of_log(app: &App, shards: Option<Value<'static>>) -> String {
    let witnesses = app.cosigner.policy().witnesses().iter().map(|witness| {
        Value::from([
            ("name", Value::from(witness.name())),
            ("vkey", Value::from(witness.key().to_string())),
        ])
    });
    let before = app.predecessors.keys();
    let before: Vec<_> = before.map(|key| Value::from(key.to_string())).collect();
    let before = (!before.is_empty()).then_some(("predecessors", Value::Array(before)));
    let closing = app.closing();
    let ended = closing.iter().flat_map(|closing| {
        let successor = closing.successor.as_deref();
        let successor = successor.map(|url| ("successor", Value::from(url)));
        let at = ("closedAt", Value::from(closing.at.as_str()));
        [Some(at), successor].into_iter().flatten()
    });
    let members = [
        (
            "maxAppendDelaySeconds",
            Value::from(app.rules.max_append_delay / 1000),
        ),
        (
            "maxDecisionAgeSeconds",
            Value::from(max_decision_age(app.rules.max_append_delay) / 1000),
        ),
        ("origin", Value::from(app.key.name())),
        ("quorum", app.cosigner.policy().quorum_in_words().into()),
        ("vkey", Value::from(app.key.to_string())),
        ("witnesses", Value::Array(witnesses.collect())),
    ];
    let beside = shards.map(|shards| ("shards", shards));
    object(members.into_iter().chain(before).chain(ended).chain(beside)).to_text()
}
