//! Threads of their own for work that takes minutes: the library's few blocking threads are for work that takes moments.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, oneshot, watch};

use super::Progress;
use crate::session::runtime;
use crate::session::{Code, Error, Result};

/// What the work and the task that waits for it share.
#[derive(Debug)]
pub(super) struct Control {
    cancelled: AtomicBool,
    progress: watch::Sender<Progress>,
}

impl Control {
    /// Says `Cancelled` when nobody wants the result any longer.
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(cancelled()) } else { Ok(()) }
    }

    /// Tells how far it is.
    pub fn tell(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }
}

/// Tells the work to stop when the task that waits for it is gone.
struct StopWhenDropped(Arc<Control>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` on a thread of its own when one of the places is free. It has ended, and cleaned up, when this returns; when
/// the future is dropped it ends soon after.
pub(super) async fn run<T: Send + 'static>(
    places: &'static Semaphore,
    progress: impl Fn(Progress),
    cancelled: impl Future<Output = ()>,
    work: impl FnOnce(&Control) -> Result<T> + Send + 'static,
) -> Result<T> {
    let mut cancelled = pin!(cancelled);
    let place = tokio::select! {
        biased;
        () = &mut cancelled => return Err(self::cancelled()),
        place = places.acquire() => place.map_err(|_| lost())?,
    };
    let (teller, mut told) = watch::channel(Progress::default());
    let control = Arc::new(Control { cancelled: AtomicBool::new(false), progress: teller });
    let stop = StopWhenDropped(control.clone());
    let (answer, mut answered) = oneshot::channel();
    let thread = runtime::thread("ftr-ffmpeg", move || {
        let result = work(&control);
        // Held until the work is done, also when nobody waits for it.
        drop(place);
        let _ = answer.send(result);
    });
    thread.map_err(|reason| {
        Error::new(Code::OutOfResources, format!("the thread that runs ffmpeg could not be started: {reason}"))
    })?;
    let mut may_cancel = true;
    loop {
        tokio::select! {
            biased;
            result = &mut answered => return result.unwrap_or_else(|_| Err(lost())),
            () = &mut cancelled, if may_cancel => {
                may_cancel = false;
                stop.0.cancelled.store(true, Ordering::Relaxed);
            }
            Ok(()) = told.changed() => progress(*told.borrow_and_update()),
        }
    }
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the work of ffmpeg was cancelled")
}

fn lost() -> Error {
    Error::new(Code::Internal, "a defect in the library ended the work of ffmpeg: please report it")
}
