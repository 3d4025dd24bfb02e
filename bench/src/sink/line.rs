//! A slow line, made by reading no faster than it would deliver.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What was not used of the rate in this time is lost: enough for timers that come late, too little for a burst.
const SLACK: Duration = Duration::from_millis(10);

/// The most that is read at once on a line with a limit: with larger reads the sender would see bursts.
const STEP: usize = 64 << 10;

/// A stream that is read at a limited rate. Writing is not limited: answers are small.
pub struct Line<S> {
    stream: S,
    bytes_per_second: Option<u64>,
    /// When what was read would have come through the line.
    free_at: Instant,
    waiting: Pin<Box<Sleep>>,
}

impl<S> Line<S> {
    pub fn new(stream: S, bytes_per_second: Option<u64>) -> Self {
        let now = Instant::now();
        Self { stream, bytes_per_second, free_at: now, waiting: Box::pin(sleep_until(now)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(rate) = self.bytes_per_second else {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        };
        ready!(self.waiting.as_mut().poll(context));
        let room = buffer.remaining().min(STEP);
        let mut step = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut step))?;
        let count = step.filled().len();
        buffer.advance(count);
        let now = Instant::now();
        let from = self.free_at.max(now.checked_sub(SLACK).unwrap_or(now));
        let free_at = from + Duration::from_secs_f64(count as f64 / rate as f64);
        self.free_at = free_at;
        self.waiting.as_mut().reset(free_at);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
