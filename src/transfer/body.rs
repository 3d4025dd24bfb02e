//! A part of a file as the body of a request. Blocks are read and hashed on blocking threads, one ahead of the one
//! that is being sent, so that disk and network work at the same time and memory holds two blocks a request.

use super::progress::Counter;
use crate::session::{Code, Error, Source, policy};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use md5::{Digest, Md5};
use parking_lot::Mutex;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::{JoinHandle, spawn_blocking};

/// The body. Dropping it stops reading after the block that is being read.
pub(super) struct PartBody {
    source: Arc<Source>,
    counter: Counter,
    outcome: Outcome,
    /// What is not read yet.
    unread: Range<u64>,
    /// What is read and not handed out yet.
    block: Bytes,
    reading: Option<JoinHandle<Result<Read, Error>>>,
    /// Of all bytes, once they are read.
    md5: Option<[u8; 16]>,
    /// Handed out and perhaps not taken yet: counted when the connection asks for more.
    handed_out: u64,
    left: u64,
}

/// What the request's owner learns from the body, which itself goes to the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome(Arc<Mutex<Ended>>);

#[derive(Debug, Default)]
struct Ended {
    md5: Option<[u8; 16]>,
    error: Option<Error>,
}

struct Read {
    block: Bytes,
    hash: Md5,
}

impl Outcome {
    /// The MD5 of all bytes, once all were handed out.
    pub(super) fn md5(&self) -> Option<[u8; 16]> {
        self.0.lock().md5
    }

    /// Why reading the file failed, if it did.
    pub(super) fn error(&self) -> Option<Error> {
        self.0.lock().error.clone()
    }
}

impl PartBody {
    /// The bytes of `range`. Reading begins at once; a runtime with blocking threads must be running.
    pub(super) fn new(source: Arc<Source>, range: Range<u64>, counter: Counter, outcome: Outcome) -> Self {
        let left = range.end - range.start;
        let (block, reading) = (Bytes::new(), None);
        let mut body =
            PartBody { source, counter, outcome, unread: range, block, reading, md5: None, handed_out: 0, left };
        body.read_ahead(Md5::new());
        body
    }

    fn read_ahead(&mut self, mut hash: Md5) {
        let length = (self.unread.end - self.unread.start).min(policy::BLOCK_SIZE as u64);
        if length == 0 {
            self.md5 = Some(hash.finalize().into());
            return;
        }
        let (source, offset) = (self.source.clone(), self.unread.start);
        self.unread.start += length;
        self.reading = Some(spawn_blocking(move || {
            // A block's size is a usize by policy.
            let block = source.read(offset, length as usize).map_err(|error| source.unreadable(error))?;
            hash.update(&block);
            Ok(Read { block: block.into(), hash })
        }));
    }

    fn poll_block(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(reading) = &mut self.reading else {
            let message = "a defect in the library ended the reading of the file too early: please report it";
            return Poll::Ready(Err(Error::new(Code::Internal, message)));
        };
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let read = read.unwrap_or_else(|error| {
            let what = "a defect in the library stopped the reading of the file";
            Err(Error::new(Code::Internal, format!("{what} ({error}): please report it")))
        })?;
        self.block = read.block;
        self.read_ahead(read.hash);
        Poll::Ready(Ok(()))
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.outcome.0.lock().error = Some(error.clone());
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for PartBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let taken = std::mem::take(&mut self.handed_out);
        if !self.counter.count(taken) {
            return Poll::Ready(Some(Err(Error::new(Code::Cancelled, "the request is over: nothing more is sent"))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.block.is_empty() {
            let polled = self.poll_block(context);
            self.counter.wait_for_disk(polled.is_pending());
            if let Err(error) = ready!(polled) {
                return self.fail(error);
            }
        }
        let length = self.block.len().min(policy::FRAME_SIZE);
        let frame = self.block.split_to(length);
        self.handed_out = length as u64;
        self.left -= length as u64;
        if self.left == 0 {
            self.outcome.0.lock().md5 = self.md5;
        }
        Poll::Ready(Some(Ok(Frame::data(frame))))
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
    use std::future::poll_fn;

    /// A file of zeros that takes no room on the disk.
    fn source(size: u64) -> (tempfile::TempDir, Arc<Source>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros");
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let source = Arc::new(Source::open(&path).unwrap());
        (folder, source)
    }

    async fn frame(body: &mut PartBody) -> Option<Result<usize, Error>> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        Some(frame.map(|frame| frame.data_ref().unwrap().len()))
    }

    #[tokio::test]
    async fn memory_holds_two_blocks_however_large_the_file_is() {
        let size = 20 * policy::BLOCK_SIZE as u64 + 77;
        let (_folder, source) = source(size);
        let (counter, outcome) = (Counter::new(Arc::default()), Outcome::default());
        let mut body = PartBody::new(source, 0..size, counter, outcome.clone());
        let mut handed_out = 0;
        while let Some(length) = frame(&mut body).await {
            assert!(outcome.md5().is_none() || body.left == 0);
            handed_out += length.unwrap() as u64;
            assert!(body.unread.start - handed_out <= 2 * policy::BLOCK_SIZE as u64);
            assert_eq!(body.size_hint().exact(), Some(size - handed_out));
        }
        assert_eq!(handed_out, size);
        let zeros = vec![0; size as usize];
        assert_eq!(outcome.md5().unwrap(), <[u8; 16]>::from(Md5::digest(&zeros)));
    }

    #[tokio::test]
    async fn bytes_count_when_the_connection_asks_for_more() {
        let size = 2 * policy::FRAME_SIZE as u64;
        let (_folder, source) = source(size);
        let progress = Arc::new(Progress::default());
        let mut body = PartBody::new(source, 0..size, Counter::new(progress.clone()), Outcome::default());
        frame(&mut body).await.unwrap().unwrap();
        assert_eq!(progress.sent(), 0);
        frame(&mut body).await.unwrap().unwrap();
        assert_eq!(progress.sent(), policy::FRAME_SIZE as u64);
    }

    #[tokio::test]
    async fn a_request_that_is_over_gets_no_more_bytes() {
        let (_folder, source) = source(10 * policy::FRAME_SIZE as u64);
        let counter = Counter::new(Arc::default());
        let mut body = PartBody::new(source.clone(), 0..source.size_bytes(), counter.clone(), Outcome::default());
        frame(&mut body).await.unwrap().unwrap();
        counter.fail();
        assert_eq!(frame(&mut body).await.unwrap().unwrap_err().code, Code::Cancelled);
    }

    #[tokio::test]
    async fn a_read_that_fails_is_told_to_the_requests_owner() {
        let (_folder, source) = source(10);
        let outcome = Outcome::default();
        let mut body = PartBody::new(source, 0..11, Counter::new(Arc::default()), outcome.clone());
        assert_eq!(frame(&mut body).await.unwrap().unwrap_err().code, Code::FileUnreadable);
        assert_eq!(outcome.error().unwrap().code, Code::FileUnreadable);
    }
}
