//! The hand-over from the writer to the publisher: a batch that is committed, and those who wait
//! for it.

use std::sync::Arc;
use std::time::Instant;

use serving::Held;
use tokio::sync::{oneshot, watch};

use crate::admission::Admitted;
use crate::edge::File;
use crate::refusal::Refusal;
use crate::store::Head;

/// A request to append.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) admitted: Admitted,
    /// Whether it may become an entry, if it is none yet: what the logs before this one say.
    pub(crate) entry: Result<(), Refusal>,
    pub(crate) client: WaitingClient,
}

/// A client that waits for its answer.
#[derive(Debug)]
pub(crate) struct WaitingClient {
    pub(crate) answer: oneshot::Sender<Result<Appended, Refusal>>,
    /// The room that its body takes and its place in the queue, also while nobody waits for the
    /// answer any more.
    pub(crate) _held: [Held; 2],
}

impl WaitingClient {
    pub(crate) fn answer(self, answer: Result<Appended, Refusal>) {
        // The client may be gone.
        let _ = self.answer.send(answer);
    }
}

/// The outcome of an append.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    pub(crate) entry: Entered,
    /// The published head that covers it.
    pub(crate) head: Arc<Head>,
    /// The proof of inclusion in that head.
    pub(crate) proof: String,
}

/// A committed entry.
#[derive(Clone, Debug)]
pub(crate) struct Entered {
    pub(crate) index: u64,
    /// Whether it was there before.
    pub(crate) repeat: bool,
    pub(crate) leaf: String,
    /// The opening of the commitment to the approver. Not of a repeat: until that is answered, it
    /// may be erased.
    pub(crate) blind: Option<[u8; 32]>,
}

/// A committed batch. All its clients are answered when it is published, also those who get a
/// refusal: it may be because of an entry that nobody is to know of before.
#[derive(Debug)]
pub(crate) struct Batch {
    /// `None` if it has repeats and refusals alone.
    pub(crate) growth: Option<Growth>,
    pub(crate) clients: Vec<(WaitingClient, Result<Entered, Refusal>)>,
    pub(crate) begun: Instant,
    pub(crate) stage: watch::Sender<Stage>,
}

/// The part of the tree that a batch has added.
#[derive(Debug)]
pub(crate) struct Growth {
    pub(crate) head: Head,
    /// The tiles that it fills or widens.
    pub(crate) files: Vec<File>,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    Committed,
    /// A quorum has signed its head.
    Cosigned,
    /// It is published, and its clients are answered.
    Answered,
}

impl Batch {
    /// The work that the start leaves to the publisher.
    pub(crate) fn first() -> Self {
        Self::new(None, Vec::new(), Instant::now())
    }

    pub(crate) fn new(
        growth: Option<Growth>,
        clients: Vec<(WaitingClient, Result<Entered, Refusal>)>,
        begun: Instant,
    ) -> Self {
        Self {
            growth,
            clients,
            begun,
            stage: watch::Sender::new(Stage::Committed),
        }
    }

    /// Gives everybody this answer.
    pub(crate) fn refuse(self, refusal: &Refusal) {
        for (client, _) in self.clients {
            client.answer(Err(refusal.clone()));
        }
    }
}
