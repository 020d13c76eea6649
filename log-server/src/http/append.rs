//! Appending, whoever asks: a client of `POST /v1/entries`, or the program around the log.

use std::sync::Arc;

use serving::{Answer, BodyError, Held, Party, Problem};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use verifier_core::hazmat::bundle::{self, Bundle, Reveal};
use verifier_core::hazmat::commitment::approver_commitment;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::leaf_hash;

use crate::admission::{Admitted, Sent};
use crate::batch::{Appended, Entered, Job, WaitingClient};
use crate::http::app::{App, Appends};
use crate::http::forward::Forward;
use crate::http::problem;
use crate::http::routes::{BODY, blocking};
use crate::predecessor::Earlier;
use crate::refusal::{Reason, Refusal};

/// The outcome of an append.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// With all that was sent.
    pub(crate) bundle: Bundle,
    /// Whether it was there before.
    pub(crate) repeat: bool,
}

/// Appends for the program around the log, which shares nothing with other clients.
pub(crate) async fn trusted(app: &Arc<App>, body: &[u8]) -> Result<Outcome, Problem> {
    admits(app)?;
    append(app, None, body, room(app, body)?).await
}

/// Has the member that leads append what `body` says, if it is what would be appended here.
pub(super) async fn forward(
    app: &Arc<App>,
    to: &Forward,
    party: Party,
    token: &str,
    body: &[u8],
) -> Result<Answer, Problem> {
    let place = app.rooms.appends.take(Some(party), 1);
    let _place = place.map_err(problem::no_room)?;
    Admitted::read(body, &app.rules)?;
    let answer = to.append(token, body, app.publish_wait).await?;
    if let Some(latest) = &app.latest
        && let Ok(head) = latest.head().await
    {
        // Whoever asks here next finds it.
        to.show(head);
    }
    Ok(answer)
}

/// The room for a body that the program around the log has read.
pub(crate) fn room(app: &App, body: &[u8]) -> Result<Held, Problem> {
    if body.len() > BODY.most {
        return Err(problem::body(BodyError::TooLarge(BODY.most)));
    }
    let held = app.rooms.bodies.take(None, body.len());
    held.map_err(problem::no_room)
}

/// Whether anything new is admitted at the moment.
pub(super) fn admits(app: &App) -> Result<(), Refusal> {
    match app.health.frozen() {
        Some(why) => Err(Refusal::frozen(&why)),
        None if app.health.admits() => Ok(()),
        None => Err(Refusal::held_back()),
    }
}

/// Appends what `body` says for somebody, and waits for the publication. `memory` is the room that
/// the body takes.
pub(super) async fn append(
    app: &Arc<App>,
    party: Option<Party>,
    body: &[u8],
    memory: Held,
) -> Result<Outcome, Problem> {
    let place = app.rooms.appends.take(party, 1);
    let place = place.map_err(problem::no_room)?;
    let admitted = Admitted::read(body, &app.rules)?;
    let sent = admitted.sent.clone();
    let (admitted, earlier) = find_earlier(app, admitted).await?;
    let entry = match earlier {
        Ok(None) => Ok(()),
        Ok(Some(earlier)) => {
            let mut bundle = own_bundle(earlier.appended, sent)?;
            bundle.anchor = earlier.anchor;
            let repeat = true;
            return Ok(Outcome { bundle, repeat });
        }
        // It may be in this log.
        Err(refusal) if refusal.reason == Reason::Predecessor => Err(refusal),
        Err(refusal) => return Err(refusal.into()),
    };
    let (answer, answered) = oneshot::channel();
    let client = WaitingClient {
        answer,
        _held: [memory, place],
    };
    let job = Job {
        admitted,
        entry,
        client,
    };
    let Appends::Here(jobs) = &app.appends else {
        return Err(Refusal::not_leading().into());
    };
    jobs.try_send(job).map_err(|error| match error {
        TrySendError::Full(_) => problem::no_room(app.rooms.appends.turn_away()),
        TrySendError::Closed(_) => Refusal::internal().into(),
    })?;
    let mut appended = tokio::time::timeout(app.publish_wait, answered)
        .await
        .map_err(|_| Refusal::not_published())?
        .map_err(|_| Refusal::internal())??;
    let (index, repeat) = (appended.entry.index, appended.entry.repeat);
    tracing::debug!(index, repeat, size = appended.head.size, "append");
    // What was appended just now is under no stamped head.
    let mut anchor = None;
    if repeat {
        let head = Arc::clone(&appended.head);
        let leaf = leaf_hash(appended.entry.leaf.as_bytes());
        let kept = move |app: &App| {
            Ok((
                app.records.evidence(index)?,
                app.anchor(index, &leaf, &head),
            ))
        };
        let (evidence, found) = blocking(app, kept).await?;
        appended.entry.blind = evidence.and_then(|evidence| evidence.blind);
        anchor = found;
    }
    let mut bundle = own_bundle(appended, sent)?;
    bundle.anchor = anchor;
    Ok(Outcome { bundle, repeat })
}

/// The entry that an approval has in a log before this one.
async fn find_earlier(
    app: &Arc<App>,
    admitted: Admitted,
) -> Result<(Admitted, Result<Option<Earlier>, Refusal>), Problem> {
    if app.predecessors.is_empty() {
        return Ok((admitted, Ok(None)));
    }
    blocking(app, move |app| {
        let earlier = app.predecessors.find(&admitted);
        Ok((admitted, earlier))
    })
    .await
}

/// The bundle for the client that appended it: with all that was sent, whatever the public may see.
fn own_bundle(appended: Appended, sent: Sent) -> Result<Bundle, Refusal> {
    let Entered { leaf, blind, .. } = appended.entry;
    let Leaf::Decision(entry) = Leaf::parse(&leaf)? else {
        // All that there is stands in the leaf.
        let evidence = bundle::Evidence::default();
        return Ok(Bundle::new(leaf, appended.proof, evidence));
    };
    let mut evidence = bundle::Evidence::default();
    evidence.approval_id = Some(sent.approval_id);
    evidence.client_data_json = Some(sent.client_data_json);
    evidence.payload = sent.payload;
    evidence.action = sent.action;
    evidence.context = sent.statement.context;
    evidence.refusal = sent.statement.refusal;
    // A repeat may name another approver than the entry commits to, or the blind may be erased.
    if let (Some(approver), Some(blind)) = (sent.approver, blind)
        && entry.approver == Some(approver_commitment(&blind, &approver.hash))
    {
        evidence.approver = Some(Reveal::new(blind, approver.salt, None));
    }
    Ok(Bundle::new(leaf, appended.proof, evidence))
}
