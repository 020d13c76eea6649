//! Changing what is disclosed, whoever asks: a client of `PUT /v1/entries/…/disclosure`, or the
//! program around the log.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serving::{Answer, Held, Party, Problem};

use crate::disclosure::Change;
use crate::http::app::App;
use crate::http::problem;
use crate::http::routes::{blocking, verification};
use crate::refusal::Refusal;
use crate::store::Replaced;

/// Changes what is disclosed of an approval as `body` says, and answers with what is then shown:
/// 202 if what was erased may still be in files of the database. `memory` is the room that the body
/// takes.
pub(crate) async fn disclose(
    app: &Arc<App>,
    party: Option<Party>,
    id: String,
    body: &[u8],
    memory: Held,
) -> Result<Answer, Problem> {
    if let Some(why) = app.health.frozen() {
        return Err(Refusal::frozen(&why).into());
    }
    let place = app.rooms.changes.take(party, 1);
    let held = [memory, place.map_err(problem::no_room)?];
    let change = Change::read(body)?;
    blocking(app, move |app| {
        // Also while nobody waits for the answer any more.
        let _held = held;
        let head = app.head();
        let (index, entry) = app.entry(&id, &head)?;
        let old = app.records.evidence(index)?;
        let old = old.ok_or_else(Refusal::internal)?;
        let new = change.apply(&id, &entry, &old)?;
        if old != new {
            if app.records.replace_evidence(index, &old, &new)? == Replaced::Other {
                return Err(Refusal::overloaded().into());
            }
            tracing::info!(index, level = ?new.disclosure, "disclosure changed");
        }
        let erasing = || app.records.is_erasing(index);
        let finished = app.erasures.finished(erasing)?;
        let mut answer = verification(app, &id)?;
        if !finished {
            *answer.status_mut() = StatusCode::ACCEPTED;
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
        }
        Ok(answer)
    })
    .await
}
