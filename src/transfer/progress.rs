//! What has been sent. A request that has to be repeated takes back what it had counted, so that the number
//! stays true and never goes beyond the whole.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// The progress of one upload, for any thread to read.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes that a connection has taken, of requests that have not failed.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes of the file; 0 before the upload has begun.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Never below nothing: a request of an upload that was begun anew may fail late.
    fn take_back(&self, bytes: u64) {
        let back = |sent: u64| Some(sent.saturating_sub(bytes));
        let _ = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back);
    }

    /// An upload begins, or begins anew.
    pub(super) fn begin(&self, total: u64) {
        self.sent.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }
}

/// What one request has sent. The request's body counts, and lives on for a moment in the connection when the request is
/// over; what it counts then is ignored.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    progress: Arc<Progress>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    counted: u64,
    moved: Instant,
    on_disk: bool,
    over: bool,
}

impl Counter {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Counter {
            progress,
            state: Arc::new(Mutex::new(State { counted: 0, moved: Instant::now(), on_disk: false, over: false })),
        }
    }

    /// Counts bytes that the connection has taken. False when the request is over and nothing more is to be sent.
    pub(super) fn count(&self, bytes: u64) -> bool {
        let mut state = self.state.lock();
        if !state.over && bytes > 0 {
            state.counted += bytes;
            state.moved = Instant::now();
            self.progress.sent.fetch_add(bytes, Ordering::Relaxed);
        }
        !state.over
    }

    /// Says whether the connection waits for the file rather than for the network.
    pub(super) fn wait_for_disk(&self, waits: bool) {
        self.state.lock().on_disk = waits;
    }

    /// When bytes last moved, and whether the next ones wait for the file.
    pub(super) fn moved(&self) -> (Instant, bool) {
        let state = self.state.lock();
        (state.moved, state.on_disk)
    }

    /// The request is over, and all its bytes have arrived: they count for good, also the last ones, for which the connection
    /// had no reason to ask for more.
    pub(super) fn succeed(&self, length: u64) {
        let mut state = self.state.lock();
        if !state.over {
            self.progress.sent.fetch_add(length.saturating_sub(state.counted), Ordering::Relaxed);
            state.over = true;
        }
    }

    /// The request is over, and what it counted is taken back; nothing after it succeeded.
    pub(super) fn fail(&self) {
        let mut state = self.state.lock();
        if !state.over {
            self.progress.take_back(state.counted);
            state.over = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_request_takes_back_what_it_counted_and_counts_no_more() {
        let progress = Arc::new(Progress::default());
        let good = Counter::new(progress.clone());
        let bad = Counter::new(progress.clone());
        assert!(good.count(10) && bad.count(7));
        assert_eq!(progress.sent(), 17);
        bad.fail();
        good.succeed(12);
        assert!(!bad.count(5) && !good.count(5));
        good.fail();
        assert_eq!(progress.sent(), 12);
    }
}
