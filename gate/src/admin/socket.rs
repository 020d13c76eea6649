//! The socket, from both sides.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use command_line::{CliCode, CliError};
use durable::Lock;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use verifier_core::hazmat::json::{Limits, Value};

use crate::layout::Layout;
use crate::refusal::Refusal;
use crate::serve::database;
use crate::store::{Store, Trouble};

/// The longest call, and the longest answer, in bytes.
const MAX_CALL: u64 = 64 * 1024;
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// How long either side waits for the other.
const TIME: Duration = Duration::from_secs(30);

/// Answers calls on the socket until the task is dropped.
pub(crate) fn serve(
    layout: &Layout,
    store: Arc<dyn Store>,
) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
    let path = layout.socket();
    // The lock is held, so that a socket that is there is one that a crash has left.
    let _left = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let store = Arc::clone(&store);
            tokio::spawn(tokio::time::timeout(TIME, converse(stream, store)));
        }
    })
}

async fn converse(stream: tokio::net::UnixStream, store: Arc<dyn Store>) {
    let (read, mut write) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(read.take(MAX_CALL)).lines();
    let Ok(Some(line)) = lines.next_line().await else {
        return;
    };
    let answer = said(answered(&store, &line).await);
    let _gone = write.write_all(format!("{answer}\n").as_bytes()).await;
}

async fn answered(store: &Arc<dyn Store>, line: &str) -> Result<Value<'static>, Trouble> {
    let limits = Limits::bytes(usize::try_from(MAX_CALL).unwrap_or(usize::MAX));
    let call = Value::parse(line.as_bytes(), limits).map_err(|_| Refusal::internal())?;
    super::answer(store, &call).await
}

/// A line of the conversation.
fn said(answer: Result<Value<'static>, Trouble>) -> String {
    match answer {
        Ok(answer) => Value::from([("answer", answer)]).to_text(),
        Err(trouble) => {
            let refusal = match trouble {
                Trouble::Refused(refusal) => refusal,
                Trouble::Store(error) => Refusal {
                    detail: error.to_string(),
                    ..Refusal::internal()
                },
            };
            let refused = Value::from([
                ("code", refusal.reason.code().into()),
                ("detail", refusal.detail.into()),
                ("found", refusal.found.into()),
            ]);
            Value::from([("refused", refused)]).to_text()
        }
    }
}

/// Has a call of this machine's operator done: by the gate that runs, or on its database if none
/// does.
pub(crate) fn ask(layout: &Layout, call: &Value<'_>) -> Result<Value<'static>, CliError> {
    require_gate(layout)?;
    let line = match Lock::take(&layout.lock()) {
        Ok(_lock) => alone(layout, call)?,
        Err(durable::Error::Held) => over_socket(&layout.socket(), call)?,
        Err(error) => {
            let error = std::io::Error::from(error);
            return Err(CliError::unreadable(&layout.lock(), &error));
        }
    };
    let answer = Value::parse(line.as_bytes(), Limits::bytes(MAX_ANSWER))
        .map_err(|error| unreachable(&format!("its answer is not JSON: {error}")))?;
    let member = |key: &str| answer.as_object().and_then(|all| all.get(key)).cloned();
    if let Some(refused) = member("refused") {
        let text = |key: &str| refused.as_object()?.get(key)?.as_str().map(str::to_owned);
        let code = text("code").unwrap_or_default();
        let message = format!("{} [{code}]", text("detail").unwrap_or_default());
        let error = CliError::new(CliCode::GateRefused, message);
        return Err(match text("found") {
            Some(found) => error.found(found),
            None => error,
        });
    }
    let answer = member("answer").ok_or_else(|| unreachable("it gave no answer"))?;
    Ok(answer.into_owned())
}

/// Whether somebody can be asked: the gate that runs in the directory, or a store.
pub(crate) fn has_gate(layout: &Layout) -> Result<bool, CliError> {
    if layout.socket().exists() {
        return Ok(true);
    }
    let place = layout.place()?;
    place.has_gate().map_err(|error| database(&error))
}

/// Fails unless somebody can be asked.
pub(crate) fn require_gate(layout: &Layout) -> Result<(), CliError> {
    match has_gate(layout)? {
        true => Ok(()),
        false => Err(no_gate(layout)),
    }
}

/// Nothing is where a gate was to be.
pub(crate) fn no_gate(layout: &Layout) -> CliError {
    let message = "There is no gate in this directory: `cosignet-gate init` makes one, and one that \
                   is kept in a database is found with --store.";
    CliError::usage(message).file(layout.folder())
}

fn alone(layout: &Layout, call: &Value<'_>) -> Result<String, CliError> {
    let place = layout.place()?;
    if !place.has_gate().map_err(|error| database(&error))? {
        return Err(no_gate(layout));
    }
    let store = place.open(Arc::new(|_| {}));
    let store = store.map_err(|error| unreachable(&error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| unreachable(&error.to_string()))?;
    Ok(said(runtime.block_on(super::answer(&store, call))))
}

fn over_socket(path: &Path, call: &Value<'_>) -> Result<String, CliError> {
    let failed = |error: std::io::Error| unreachable(&error.to_string());
    let mut stream = UnixStream::connect(path).map_err(failed)?;
    stream.set_read_timeout(Some(TIME)).map_err(failed)?;
    stream.set_write_timeout(Some(TIME)).map_err(failed)?;
    let line = format!("{}\n", call.to_text());
    stream.write_all(line.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    let most = u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX);
    let mut reader = BufReader::new(stream.take(most));
    reader.read_line(&mut answer).map_err(failed)?;
    Ok(answer)
}

fn unreachable(why: &str) -> CliError {
    let message = format!("The gate cannot be asked: {why}.");
    CliError::new(CliCode::GateUnreachable, message)
}
