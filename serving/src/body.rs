//! Bodies of requests: bounded in size and time, and in room that is taken as bytes come.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{self, HeaderMap};
use tokio::sync::oneshot;

use crate::Request;
use crate::room::{Held, Refused};

/// How much of a body that nobody wants is read, so that the connection can be kept.
const UNWANTED: u64 = 64 * 1024;

/// How long that may take.
const UNWANTED_TIME: Duration = Duration::from_secs(1);

/// How much a body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "two limits, and no third kind")]
pub struct BodyLimits {
    /// In bytes.
    pub most: usize,
    /// From the first byte that is asked for to the last.
    pub time: Duration,
}

/// The reason why a body is not read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is compressed, or encoded in another way.
    #[error("The body has to come as it is, without Content-Encoding.")]
    Encoded,
    /// The connection ended before it, or its framing is wrong.
    #[error("The body did not arrive whole.")]
    Incomplete,
    /// There is no room for it.
    #[error(transparent)]
    Room(#[from] Refused),
    /// It is longer than so many bytes.
    #[error("The body is larger than {}.", size(*.0))]
    TooLarge(usize),
    /// It takes too long.
    #[error("The body did not arrive in time.")]
    TooSlow,
}

impl BodyError {
    /// The status that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::Room(refused) => refused.status(),
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = KIB * KIB;
    match bytes {
        _ if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

/// The body of a request, of which nothing may have come yet. When it is dropped, the connection
/// gets the rest back.
#[derive(Debug)]
pub struct Body {
    /// `None` once it is on its way back.
    incoming: Option<Incoming>,
    progress: Progress,
    back: Option<oneshot::Sender<(Incoming, Progress)>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    Untouched,
    Begun,
    Ended,
}

/// The rest of a body, when its request is answered.
#[derive(Debug)]
pub(crate) struct Rest(oneshot::Receiver<(Incoming, Progress)>);

impl Body {
    pub(crate) fn new(incoming: Incoming) -> (Self, Rest) {
        let (back, rest) = oneshot::channel();
        let body = Self {
            progress: match incoming.is_end_stream() {
                true => Progress::Ended,
                false => Progress::Untouched,
            },
            incoming: Some(incoming),
            back: Some(back),
        };
        (body, Rest(rest))
    }

    /// The next bytes; `None` at the end.
    async fn data(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some(incoming) = &mut self.incoming else {
            return Ok(None);
        };
        self.progress = Progress::Begun;
        loop {
            match incoming.frame().await {
                None => {
                    self.progress = Progress::Ended;
                    return Ok(None);
                }
                Some(Err(_)) => return Err(BodyError::Incomplete),
                Some(Ok(frame)) => {
                    // Trailers say nothing here.
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let (Some(incoming), Some(back)) = (self.incoming.take(), self.back.take()) {
            // The connection may be gone.
            let _ = back.send((incoming, self.progress));
        }
    }
}

impl Rest {
    /// Whether nothing of the body is left, after reading a little more of it: then the next
    /// request begins there. A client that waits for `100 Continue` has not
    /// sent the body.
    pub(crate) async fn finish(mut self, waits_for_continue: bool) -> bool {
        // A handler that still has the body may read more of it at any time.
        let Ok((mut incoming, progress)) = self.0.try_recv() else {
            return false;
        };
        match progress {
            Progress::Ended => return true,
            Progress::Untouched if waits_for_continue => return false,
            Progress::Untouched | Progress::Begun => {}
        }
        if incoming.size_hint().lower() > UNWANTED {
            return false;
        }
        let rest = async {
            let mut read = 0;
            while let Some(frame) = incoming.frame().await {
                let Ok(frame) = frame else {
                    return false;
                };
                let length = frame.data_ref().map_or(0, Bytes::len);
                read += u64::try_from(length).unwrap_or(u64::MAX);
                if read > UNWANTED {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(UNWANTED_TIME, rest)
            .await
            .unwrap_or(false)
    }
}

/// Reads the body of a request to its end. `held` grows as bytes come, and has to be kept for as
/// long as they are.
///
/// # Errors
///
/// If the body is encoded, too large, too slow, not whole, or there is no room for it.
pub async fn read_body(
    request: Request,
    limits: BodyLimits,
    held: &mut Held,
) -> Result<Bytes, BodyError> {
    if is_encoded(request.headers()) {
        return Err(BodyError::Encoded);
    }
    let mut body = request.into_body();
    let stated = body.incoming.as_ref().map(|body| body.size_hint().lower());
    let most = u64::try_from(limits.most).unwrap_or(u64::MAX);
    if stated.is_some_and(|stated| stated > most) {
        return Err(BodyError::TooLarge(limits.most));
    }
    let whole = async {
        let mut bytes = Vec::new();
        while let Some(data) = body.data().await? {
            if bytes.len().saturating_add(data.len()) > limits.most {
                return Err(BodyError::TooLarge(limits.most));
            }
            held.more(data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from(bytes))
    };
    tokio::time::timeout(limits.time, whole)
        .await
        .map_err(|_| BodyError::TooSlow)?
}

/// Whether a body is something other than its own bytes.
fn is_encoded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::CONTENT_ENCODING);
    codings.iter().any(|coding| {
        let coding = coding.as_bytes().trim_ascii();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        for (bytes, said) in [
            (1024 * 1024, "1 MiB"),
            (128 * 1024, "128 KiB"),
            (1000, "1000 bytes"),
            (0, "0 bytes"),
        ] {
            let error = BodyError::TooLarge(bytes).to_string();
            assert_eq!(error, format!("The body is larger than {said}."));
        }
    }

    #[test]
    fn only_identity_is_no_encoding() {
        for (value, encoded) in [
            ("gzip", true),
            ("identity, br", true),
            ("Identity", false),
            (" identity ", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(is_encoded(&headers), encoded, "{value}");
        }
    }
}
