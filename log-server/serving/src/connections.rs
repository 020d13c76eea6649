//! Connections: as many as there is room for, and limits on the time of each.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

/// An answer whose body is in memory.
pub type Answer = Response<Full<Bytes>>;

/// How long a client may read nothing of an answer.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// How long open requests may take when the server ends.
const END_TIME: Duration = Duration::from_secs(30);

/// The most bytes of the head of a request, about.
const MAX_HEAD: usize = 64 * 1024;

/// Answers requests until the process gets SIGTERM or SIGINT; those that are open then have 30
/// seconds to end.
///
/// There are never more than so many `connections`; others wait to be accepted. A client has
/// `head_time` to send the head of a request, the first byte of the next one included, and 20
/// seconds to read something of an answer. The time of the body is up to `answer`.
///
/// # Errors
///
/// If the process cannot wait for signals.
pub async fn serve<F, A>(
    listener: TcpListener,
    connections: usize,
    head_time: Duration,
    answer: F,
) -> io::Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Answer, Infallible>> + Send + 'static,
{
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(connections));
    loop {
        let accepted = tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a client that left: neither ends the server.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_time)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service_fn(answer.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection");
            }
        });
    }
    drop(listener);
    tracing::info!("finishing open requests");
    let _ = tokio::time::timeout(END_TIME, graceful.shutdown()).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}
