//! What has been sent. A request that has to be repeated takes back what it had counted, so that the number
//! stays true and never goes beyond the whole.

use crate::session::policy;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The progress of one upload, for any thread to read.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    stored: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes that have left this machine, of requests that have not failed. The last ones of each request count when
    /// the storage has answered, because they may still be in a buffer here.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes that the storage has said it has.
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Bytes of the file; 0 before the upload has begun.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// An upload begins, or begins anew, with so many bytes in storage already.
    pub(super) fn begin(&self, total: u64, stored: u64) {
        self.sent.store(stored, Ordering::Relaxed);
        self.stored.store(stored, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// All of `total` bytes are in storage: an earlier try had sent them.
    pub fn found_stored(&self, total: u64) {
        self.begin(total, total);
    }

    /// So many bytes of a download have arrived on this machine.
    pub(super) fn receive(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// And are on its disk.
    pub(super) fn land(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Never below nothing: a request of an upload that was begun anew may fail late.
    fn take_back(&self, bytes: u64) {
        let back = |sent: u64| Some(sent.saturating_sub(bytes));
        let _ = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back);
    }
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The other side.
    Network,
    /// The file.
    Disk,
    /// Memory, bandwidth, or the end of a pause.
    Us,
}

/// What one request has sent. The request's body counts, and lives on for a moment in the connection when the request is
/// over; what it counts then is ignored.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    progress: Arc<Progress>,
    /// Of all requests, also of those that fail: what tells how fast the network is.
    moved: Arc<AtomicU64>,
    length: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    /// Taken by the connection.
    taken: u64,
    /// Of these, what counts as sent.
    sent: u64,
    moved: Instant,
    wait: Wait,
    over: bool,
}

impl Counter {
    /// For a request of `length` bytes. What moves is also added to `moved`.
    pub(super) fn new(progress: Arc<Progress>, moved: Arc<AtomicU64>, length: u64) -> Self {
        let now = Instant::now();
        let state = State { begun: now, taken: 0, sent: 0, moved: now, wait: Wait::Network, over: false };
        Counter { progress, moved, length, state: Arc::new(Mutex::new(state)) }
    }

    /// Counts bytes that the connection has taken.
    pub(super) fn count(&self, bytes: u64) {
        let mut state = self.state.lock();
        if !state.over && bytes > 0 {
            state.taken += bytes;
            state.moved = Instant::now();
            let sent = state.taken.saturating_sub(policy::CONNECTION_BUFFERS);
            self.add(sent - state.sent);
            state.sent = sent;
        }
    }

    /// What the next bytes wait for.
    pub(super) fn wait(&self, wait: Wait) {
        let mut state = self.state.lock();
        if state.wait == Wait::Us {
            // That nothing moved meanwhile says nothing.
            state.moved = Instant::now();
        }
        state.wait = wait;
    }

    /// When the request is dead unless a byte moves before, and what it waits for; nothing while it waits for us.
    pub(super) fn deadline(&self, idle: Duration) -> (Option<Instant>, Wait) {
        let state = self.state.lock();
        if state.wait == Wait::Us {
            return (None, Wait::Us);
        }
        // What is still in buffers here moves unseen: at the speed of what was seen.
        let buffered = state.taken.min(policy::CONNECTION_BUFFERS) as f64;
        let unseen = match state.taken {
            0 => Duration::ZERO,
            taken => state.moved.duration_since(state.begun).mul_f64(buffered / taken as f64),
        };
        (Some(state.moved + idle + unseen), state.wait)
    }

    /// The request is over, and all its bytes have arrived: they count for good.
    pub(super) fn succeed(&self) {
        let mut state = self.state.lock();
        if !state.over {
            self.add(self.length.saturating_sub(state.sent));
            self.progress.stored.fetch_add(self.length, Ordering::Relaxed);
            state.over = true;
        }
    }

    fn add(&self, bytes: u64) {
        self.progress.sent.fetch_add(bytes, Ordering::Relaxed);
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The request is over, and what it counted is taken back; nothing after it succeeded.
    pub(super) fn fail(&self) {
        let mut state = self.state.lock();
        if !state.over {
            self.progress.take_back(state.sent);
            state.over = true;
        }
    }
}

/// Takes back what a request counted unless it succeeded, also when its future is dropped.
pub(super) struct Attempt(pub(super) Counter);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.fail();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: u64 = policy::CONNECTION_BUFFERS;

    #[test]
    fn a_failed_request_takes_back_what_it_counted_and_counts_no_more() {
        let progress = Arc::new(Progress::default());
        let good = Counter::new(progress.clone(), Arc::default(), KEPT + 12);
        let bad = Counter::new(progress.clone(), Arc::default(), KEPT + 20);
        good.count(KEPT + 10);
        bad.count(KEPT + 7);
        assert_eq!((progress.sent(), progress.stored()), (17, 0));
        bad.fail();
        good.succeed();
        bad.count(5);
        good.count(5);
        good.fail();
        assert_eq!((progress.sent(), progress.stored()), (KEPT + 12, KEPT + 12));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_time_for_what_is_in_buffers_and_none_runs_out_while_it_waits_for_us() {
        let idle = Duration::from_secs(60);
        let counter = Counter::new(Arc::default(), Arc::default(), 4 * KEPT);
        let start = Instant::now();
        assert_eq!(counter.deadline(idle), (Some(start + idle), Wait::Network));
        tokio::time::advance(Duration::from_secs(100)).await;
        counter.count(2 * KEPT);
        // Half of what was taken may still be here, and took 50 s.
        assert_eq!(counter.deadline(idle).0, Some(start + Duration::from_secs(100 + 60 + 50)));
        counter.wait(Wait::Us);
        assert_eq!(counter.deadline(idle), (None, Wait::Us));
        tokio::time::advance(Duration::from_secs(1000)).await;
        counter.wait(Wait::Disk);
        assert!(counter.deadline(idle).0.unwrap() > Instant::now() + idle - Duration::from_secs(1));
    }
}
