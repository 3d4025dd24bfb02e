//! A part of a file as the body of a request: the frames that are fed to it, counted when the connection takes them.

use super::progress::Counter;
use crate::session::{Code, Error};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// The body. It lives in the connection, its frames come from [`super::feed`].
pub(super) struct PartBody {
    frames: mpsc::Receiver<Bytes>,
    counter: Counter,
    /// Handed out and perhaps not taken yet: counted when the connection asks for more.
    handed_out: u64,
    left: u64,
}

impl PartBody {
    /// A body of `length` bytes, and where its frames go in.
    pub(super) fn new(length: u64, counter: Counter) -> (mpsc::Sender<Bytes>, Self) {
        let (sender, frames) = mpsc::channel(1);
        (sender, PartBody { frames, counter, handed_out: 0, left: length })
    }
}

impl Body for PartBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let taken = std::mem::take(&mut self.handed_out);
        self.counter.count(taken);
        if self.left == 0 {
            return Poll::Ready(None);
        }
        // No frames before the end: the request is over, and the connection must not take it for whole.
        let frame = ready!(self.frames.poll_recv(context));
        let frame = frame.ok_or_else(|| Error::new(Code::Cancelled, "the request is over: nothing more is sent"));
        Poll::Ready(Some(frame.map(|frame| {
            self.handed_out = frame.len() as u64;
            self.left = self.left.saturating_sub(self.handed_out);
            Frame::data(frame)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::super::progress::Progress;
    use super::*;
    use crate::session::policy;
    use std::future::poll_fn;
    use std::sync::Arc;

    async fn frame(body: &mut PartBody) -> Option<Result<usize, Error>> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        Some(frame.map(|frame| frame.data_ref().unwrap().len()))
    }

    #[tokio::test]
    async fn bytes_count_when_the_connection_asks_for_more_and_has_no_room_to_keep_them() {
        let progress = Arc::new(Progress::default());
        let block = policy::CONNECTION_BUFFERS + 1;
        let (sender, mut body) = PartBody::new(2 * block, Counter::new(progress.clone(), Arc::default(), 2 * block));
        sender.send(vec![0; block as usize].into()).await.unwrap();
        frame(&mut body).await.unwrap().unwrap();
        assert_eq!(progress.sent(), 0);
        sender.send(vec![0; block as usize].into()).await.unwrap();
        frame(&mut body).await.unwrap().unwrap();
        assert_eq!(progress.sent(), 1);
        assert!(body.is_end_stream());
        assert!(frame(&mut body).await.is_none());
        assert_eq!((progress.sent(), progress.stored()), (block + 1, 0));
    }

    #[tokio::test]
    async fn a_request_that_is_over_is_not_taken_for_whole() {
        let (sender, mut body) = PartBody::new(10, Counter::new(Arc::default(), Arc::default(), 10));
        sender.send(vec![0; 4].into()).await.unwrap();
        drop(sender);
        assert_eq!(frame(&mut body).await.unwrap().unwrap(), 4);
        assert_eq!(frame(&mut body).await.unwrap().unwrap_err().code, Code::Cancelled);
    }
}
