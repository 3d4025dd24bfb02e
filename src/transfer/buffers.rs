//! The memory of a session's uploads: blocks that are used again, and never more of them than the limit allows.

use crate::session::policy;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Blocks of `policy::BLOCK_SIZE` bytes. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    places: Arc<Semaphore>,
    limit: usize,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    unused: Vec<Box<[u8]>>,
    /// For how many uploads.
    uploads: usize,
}

/// An upload that is running: for as long, blocks that come back are kept for the next that is taken.
#[derive(Debug)]
pub(super) struct InUse(Arc<Mutex<Kept>>);

/// A block to fill. It goes back when it, and every piece that was cut from it, is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    block: Box<[u8]>,
    filled: usize,
    pool: Buffers,
    _place: OwnedSemaphorePermit,
}

impl Buffers {
    /// As many blocks as fit into `bytes`, one at least.
    pub(super) fn new(bytes: u64) -> Self {
        let blocks = (bytes / policy::BLOCK_SIZE as u64).clamp(1, Semaphore::MAX_PERMITS as u64);
        // Within MAX_PERMITS, which is a usize.
        let limit = blocks as usize;
        Buffers { places: Arc::new(Semaphore::new(limit)), limit, kept: Arc::default() }
    }

    /// How many blocks there may be.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// To be held by each upload. An idle session keeps no blocks; but between the small files of one that is busy, getting
    /// new ones from the system would cost more than sending them.
    pub(super) fn in_use(&self) -> InUse {
        self.kept.lock().uploads += 1;
        InUse(self.kept.clone())
    }

    /// A block, when there is one; who asks first gets the first.
    pub(super) async fn take(&self) -> Buffer {
        // Never closed: the semaphore lives in self.
        let place = self.places.clone().acquire_owned().await;
        #[expect(clippy::expect_used, reason = "nothing closes the semaphore")]
        self.buffer(place.expect("the semaphore is never closed"))
    }

    /// A block if there is one at once.
    pub(super) fn try_take(&self) -> Option<Buffer> {
        Some(self.buffer(self.places.clone().try_acquire_owned().ok()?))
    }

    fn buffer(&self, place: OwnedSemaphorePermit) -> Buffer {
        // A new block of zeros costs nothing before it is written to.
        let block = self.kept.lock().unused.pop().unwrap_or_else(|| vec![0; policy::BLOCK_SIZE].into());
        Buffer { block, filled: 0, pool: self.clone(), _place: place }
    }
}

impl Buffer {
    /// The first `length` bytes, to be written to. At most a block.
    pub(super) fn space(&mut self, length: usize) -> &mut [u8] {
        self.filled = length.min(self.block.len());
        &mut self.block[..self.filled]
    }

    /// What was written, to be cut into pieces without copying.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.block[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut kept = self.pool.kept.lock();
        if kept.uploads > 0 {
            kept.unused.push(std::mem::take(&mut self.block));
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut kept = self.0.lock();
        kept.uploads -= 1;
        if kept.uploads == 0 {
            kept.unused = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn there_are_never_more_blocks_than_the_limit_and_an_idle_pool_keeps_none() {
        let buffers = Buffers::new(3 * policy::BLOCK_SIZE as u64 + 1);
        let unused = || buffers.kept.lock().unused.len();
        let uploads = [buffers.in_use(), buffers.in_use()];
        let mut first = buffers.take().await;
        first.space(2);
        let first = first.freeze();
        let piece = first.slice(1..);
        let rest = [buffers.take().await, buffers.take().await];
        assert!(buffers.try_take().is_none());
        drop(first);
        assert!(buffers.take().now_or_never().is_none(), "a piece of it is still in use");
        drop(piece);
        let again = buffers.take().now_or_never().unwrap();
        drop(rest);
        assert_eq!(unused(), 2);
        let [film, still] = uploads;
        drop(film);
        assert_eq!(unused(), 2);
        drop(still);
        assert_eq!(unused(), 0);
        drop(again);
        assert_eq!(unused(), 0, "what a connection gives back late is not kept");
    }

    #[tokio::test]
    async fn a_block_holds_what_was_written_to_it_and_nothing_of_its_former_use() {
        let buffers = Buffers::new(policy::BLOCK_SIZE as u64 * 2);
        let _upload = buffers.in_use();
        let mut block = buffers.take().await;
        block.space(5).copy_from_slice(b"first");
        assert_eq!(block.freeze(), "first");
        let mut block = buffers.take().await;
        block.space(2).copy_from_slice(b"ok");
        assert_eq!(block.freeze(), "ok");
    }
}
