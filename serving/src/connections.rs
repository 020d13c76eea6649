//! Connections: as many as there is room for, a share of them for each address, and limits on the
//! time of each.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use crate::Request;
use crate::exchange::{Outgoing, exchange};
use crate::linger::Linger;
use crate::party::Proxies;
use crate::problem::Problem;
use crate::room::{Held, Room};

/// How long a client may read nothing of an answer.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// How long open requests may take when the server ends.
const END_TIME: Duration = Duration::from_secs(30);

/// The most bytes of the head of a request, about.
const MAX_HEAD: usize = 64 * 1024;

/// How many connections beyond a share are told so at a time; the others are closed.
const TOLD: usize = 32;

/// The limits of a server.
#[derive(Clone, Debug)]
pub struct Server {
    connections: Arc<Room>,
    head_time: Duration,
    proxies: Proxies,
}

impl Server {
    /// So many connections at a time; others wait to be accepted. A client has `head_time` to
    /// send the head of a request, the first byte of the next one included, and 20 seconds to
    /// read something of an answer. The time of a body is its reader's business.
    ///
    /// No address holds more connections than it leaves free; `proxies` are not bound by that.
    pub fn new(connections: usize, head_time: Duration, proxies: Proxies) -> Self {
        Self {
            connections: Room::new("connections", connections),
            head_time,
            proxies,
        }
    }

    /// The room for connections.
    pub fn connections(&self) -> &Arc<Room> {
        &self.connections
    }

    /// Answers requests until `end` says so, which [`asked_to_end`] does; those that are open then
    /// have 30 seconds to end.
    ///
    /// Every answer that leaves something of its request unread says `Connection: close`. Requests
    /// of HTTP/1.1 without a `Host`, or with two, are refused.
    pub async fn serve<F, A, B>(
        self,
        listener: TcpListener,
        end: impl Future<Output = ()>,
        answer: F,
    ) where
        F: Fn(Request) -> A + Clone + Send + 'static,
        A: Future<Output = Response<B>> + Send + 'static,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut end = std::pin::pin!(end);
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(self.connections.most()));
        let told = Arc::new(Semaphore::new(TOLD));
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                accepted = accept(&listener, &room) => accepted,
            };
            let (stream, peer, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a client that left: neither ends the server.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let peer = peer.ip();
            let party = self.proxies.connection(peer);
            let Ok(held) = self.connections.take(party, 1) else {
                if let Ok(told) = Arc::clone(&told).try_acquire_owned() {
                    tokio::spawn(refuse(stream, told));
                }
                continue;
            };
            let connection = self.connection(stream, peer, answer.clone());
            tokio::spawn(until_end(graceful.watch(connection), permit, held));
        }
        drop(listener);
        tracing::info!("finishing open requests");
        let _ = tokio::time::timeout(END_TIME, graceful.shutdown()).await;
    }

    fn connection<F, A, B>(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        answer: F,
    ) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + use<F, A, B>
    where
        F: Fn(Request) -> A + Clone + Send + 'static,
        A: Future<Output = Response<B>> + Send + 'static,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let unread = Arc::new(AtomicBool::new(false));
        let stream = Linger::new(Box::pin(stream), Arc::clone(&unread));
        let proxies = Arc::new(self.proxies.clone());
        let service = service_fn(move |request| {
            let (answer, proxies, unread) =
                (answer.clone(), Arc::clone(&proxies), Arc::clone(&unread));
            async move {
                let answered: Response<Outgoing<B>> =
                    exchange(request, peer, &proxies, &unread, answer).await;
                Ok::<_, std::convert::Infallible>(answered)
            }
        });
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_time)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
    }
}

/// Gives back the place in the room before the permit, as parameters are dropped from the last to
/// the first: the next connection, which waits for a permit, then finds a place.
async fn until_end(
    connection: impl Future<Output = hyper::Result<()>>,
    _permit: OwnedSemaphorePermit,
    _held: Held,
) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

/// Tells a client that it has too many connections, without waiting for its request.
async fn refuse(stream: TcpStream, _told: OwnedSemaphorePermit) {
    let detail = "Too many connections from this address: close some.";
    let answer = Problem::new(429, "request.too_many", detail)
        .retry(1)
        .to_http();
    let told = async {
        let unread = Arc::new(AtomicBool::new(true));
        let mut stream = Linger::new(stream, unread);
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), told).await;
}

/// Waits until the process is asked to end (SIGTERM, SIGINT). From this call on, not only from the
/// first wait, these signals no longer kill it: so a server that says that it serves ends in order.
///
/// # Errors
///
/// If the process cannot wait for signals.
#[cfg(unix)]
pub fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits until the process is asked to end (Ctrl-C).
///
/// # Errors
///
/// None on this system.
#[cfg(not(unix))]
pub fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
