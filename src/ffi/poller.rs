//! Sees to it that one thread at a time polls a session, and knows which.

use crate::session::{Code, Error, Result};
use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One a session.
#[derive(Default)]
pub struct Poller {
    polls: Mutex<()>,
    /// [`this_thread`] of the thread that polls; 0 when none does.
    thread: AtomicUsize,
}

impl Poller {
    /// Runs `body` as the one thread that polls.
    pub fn poll(&self, body: impl FnOnce() -> Result<i32>) -> Result<i32> {
        if self.is_here() {
            return Err(Error::new(Code::Reentrant, "called in a callback of the same session's poll: return first"));
        }
        let Some(_polls) = self.polls.try_lock() else {
            return Err(Error::new(
                Code::ConcurrentPoll,
                "another thread is polling this session: let one thread do it",
            ));
        };
        let _polling = Polling::begin(self);
        body()
    }

    /// Returns when no other thread polls any more.
    pub fn wait(&self) {
        if !self.is_here() {
            drop(self.polls.lock());
        }
    }

    fn is_here(&self) -> bool {
        self.thread.load(Ordering::SeqCst) == this_thread()
    }
}

struct Polling<'a>(&'a Poller);

impl Polling<'_> {
    fn begin(poller: &Poller) -> Polling<'_> {
        poller.thread.store(this_thread(), Ordering::SeqCst);
        Polling(poller)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.thread.store(0, Ordering::SeqCst);
    }
}

/// A number that no other running thread has. An address rather than the thread's id: it is there until the thread's very
/// end, so that static and thread-local destructors of a host may still free a session.
fn this_thread() -> usize {
    thread_local! {
        static HERE: Cell<u8> = const { Cell::new(0) };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}
