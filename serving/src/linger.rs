//! A connection that ends so that the other side can read the answer.
//!
//! A client that still sends when this side closes gets a reset, and with it loses the answer that
//! it has not read yet. So this side says that it has nothing more to say, and reads on for a
//! while, into nothing (RFC 9112 §9.6).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long it reads on.
const TIME: Duration = Duration::from_secs(2);

/// How many bytes it reads on.
const MOST: usize = 4 * 1024 * 1024;

/// A stream whose end waits for the other side, if `unread` says that more is to come.
#[derive(Debug)]
pub(crate) struct Linger<S> {
    stream: S,
    unread: Arc<AtomicBool>,
    end: Option<End>,
}

#[derive(Debug)]
struct End {
    time: Pin<Box<Sleep>>,
    read: usize,
}

impl<S> Linger<S> {
    pub(crate) fn new(stream: S, unread: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            unread,
            end: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.end.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let end = this.end.get_or_insert_with(|| End {
            time: Box::pin(sleep(TIME)),
            read: 0,
        });
        let mut piece = [0; 8 * 1024];
        loop {
            if end.read > MOST || end.time.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut piece);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    end.read += buffer.filled().len();
                    // What has come after all may go on.
                    this.unread.store(true, Ordering::Relaxed);
                }
                // Its end, or a stream that is broken: either way there is nothing to wait for.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if this.unread.load(Ordering::Relaxed) => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
