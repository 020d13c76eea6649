//! HTTP to one witness, and what makes an answer a cosignature. Nothing that comes from there is
//! trusted.

use std::time::Duration;

use log_client::{Answer, Error, Http, Kind};
use verifier_core::AwsLc;
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::policy::Witness;
use verifier_core::hazmat::tlog::submission::SIZE_TYPE;

use super::worker::Trouble;

/// For all of one answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// A connection to a witness that is kept open.
pub(super) struct WitnessClient {
    base: String,
    /// Made with the first question, so that a failure of it is that witness's alone.
    http: Option<Http>,
}

/// A witness's answer.
pub(super) struct Reply {
    pub(super) status: u16,
    kind: String,
    pub(super) body: String,
}

impl WitnessClient {
    pub(super) fn new(url: &str) -> Self {
        Self {
            base: url.trim_end_matches('/').to_owned(),
            http: None,
        }
    }

    /// `POST <url>/add-checkpoint`
    pub(super) async fn add_checkpoint(&mut self, body: String) -> Result<Reply, Trouble> {
        let url = format!("{}/add-checkpoint", self.base);
        let kind = "text/plain; charset=utf-8";
        let http = self.http()?;
        let answer = http.post(&url, kind, body.into_bytes(), MAX_ANSWER).await;
        Reply::read(answer.map_err(|error| trouble(&error))?)
    }

    /// `GET <url>/<SHA-256 of the origin>/checkpoint`
    pub(super) async fn checkpoint(&self, origin: &str) -> Option<String> {
        let hash = hex(&sha256(origin.as_bytes()));
        let url = format!("{}/{hash}/checkpoint", self.base);
        let answer = self.http.as_ref()?.get(&url, MAX_ANSWER).await.ok()?;
        let reply = Reply::read(answer).ok()?;
        (reply.status == 200).then_some(reply.body)
    }

    fn http(&mut self) -> Result<Http, Trouble> {
        if let Some(http) = &self.http {
            return Ok(http.clone());
        }
        let http = Http::new(crate::AGENT, ANSWER_TIME).map_err(|error| trouble(&error))?;
        self.http = Some(http.clone());
        Ok(http)
    }
}

impl Reply {
    fn read(answer: Answer) -> Result<Self, Trouble> {
        let body = String::from_utf8(answer.body)
            .map_err(|_| Trouble::Witness("answer", "its answer is not text".into()))?;
        Ok(Self {
            status: answer.status,
            kind: answer.content_type,
            body,
        })
    }

    /// Whether the body is said to be a size.
    pub(super) fn is_size(&self) -> bool {
        let kind = self.kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case(SIZE_TYPE)
    }

    /// A status that there is nothing to do about.
    pub(super) fn refused(&self) -> Trouble {
        let reason = match self.status {
            403 => "403",
            404 => "404",
            422 => "422",
            429 => "429",
            500..=599 => "5xx",
            _ => "status",
        };
        let first: String = self
            .body
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(100)
            .collect();
        let said = verifier_core::quote(&first);
        Trouble::Witness(reason, format!("it answers {} {said}", self.status))
    }
}

/// The signature line of the witness over this checkpoint, taken out of an answer: by its key, over
/// exactly this text, at about this time. Other lines are ignored.
pub(super) fn cosignature(
    witness: &Witness,
    checkpoint: &str,
    reply: &Reply,
) -> Result<String, Trouble> {
    let wrong = |why: String| Trouble::Witness("cosignature", why);
    let key = witness.key();
    let all = format!("{checkpoint}{}", reply.body);
    let note = Note::parse(&all).map_err(|_| wrong("it does not answer with signatures".into()))?;
    let mut lines = note.signatures().iter();
    let line = lines
        .find(|line| (line.name(), line.id()) == (key.name(), key.id()))
        .ok_or_else(|| wrong("it answers without a cosignature of its key".into()))?;
    let line = key.signature_line(line.signature());
    let alone = format!("{checkpoint}{line}");
    let verified = Note::parse(&alone)
        .and_then(|note| {
            note.verify(&AwsLc, std::slice::from_ref(key))
                .map(|v| v.first().and_then(|v| v.time()))
        })
        .map_err(|error| wrong(error.to_string()))?;
    let time = verified.ok_or_else(|| wrong("its cosignature has no time".into()))?;
    let skew = time.as_millis().abs_diff(crate::now().as_millis());
    if skew > CLOCK_ALLOWANCE_MILLIS {
        let now = crate::now();
        return Err(wrong(format!(
            "it says that it is {time}, and here it is {now}"
        )));
    }
    Ok(line)
}

fn trouble(error: &Error) -> Trouble {
    let reason = match error.kind() {
        Kind::Timeout => "timeout",
        Kind::Unreachable => "unreachable",
        _ => "answer",
    };
    Trouble::Witness(reason, format!("it {}", error.why()))
}
