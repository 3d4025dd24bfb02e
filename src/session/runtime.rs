//! The one thread that works for all sessions of this copy of the library.
//!
//! It starts with the first session and ends by itself after the last. It masks every signal, so that
//! a host's handlers keep running on the host's threads, and it is never joined: a host may exit, or
//! fork, at any time.

use super::error::{Code, Error, Result};
use super::policy;
use once_cell::sync::Lazy;
use parking_lot::Mutex;
use std::future::Future;
use std::sync::{Arc, Weak};
use tokio::sync::oneshot;

/// Keeps the thread alive. Held by sessions and by their jobs.
pub struct Runtime {
    handle: tokio::runtime::Handle,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

static SHARED: Lazy<Mutex<Weak<Runtime>>> = Lazy::new(Mutex::default);

impl Runtime {
    /// The running thread, or a new one.
    pub fn shared() -> Result<Arc<Runtime>> {
        let mut shared = SHARED.lock();
        if let Some(runtime) = shared.upgrade() {
            return Ok(runtime);
        }
        let runtime = Arc::new(Runtime::start()?);
        *shared = Arc::downgrade(&runtime);
        Ok(runtime)
    }

    /// Runs a future on the thread.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(future));
    }

    fn start() -> Result<Runtime> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread("ftr-runtime", move || run(tell, stopped));
        let resources = |reason: std::io::Error| {
            Error::new(Code::OutOfResources, format!("the runtime thread could not be started: {reason}"))
        };
        thread.map_err(resources)?;
        let handle = told
            .recv()
            .map_err(|_| Error::new(Code::OutOfResources, "the runtime thread ended before it began"))?
            .map_err(resources)?;
        Ok(Runtime { handle, stop: Mutex::new(Some(stop)) })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Only tells the thread to end: this may run on that very thread.
        if let Some(stop) = self.stop.lock().take() {
            let _ = stop.send(());
        }
    }
}

/// Starts a thread of the library: named, with all signals masked. It is never joined.
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    // The new thread inherits the mask of this one, so that not even its first instruction can be interrupted.
    let _mask = SignalMask::block_all();
    let thread = std::thread::Builder::new().name(name.into()).stack_size(policy::RUNTIME_STACK);
    thread.spawn(work).map(drop)
}

fn run(tell: std::sync::mpsc::Sender<std::io::Result<tokio::runtime::Handle>>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(policy::BLOCKING_THREADS)
        .thread_name("ftr-io")
        // Blocking threads start on whichever thread asks, and that may be one of the host's.
        .on_thread_start(|| std::mem::forget(SignalMask::block_all()))
        .build();
    match runtime {
        Err(reason) => drop(tell.send(Err(reason))),
        Ok(runtime) => {
            if tell.send(Ok(runtime.handle().clone())).is_ok() {
                let _ = runtime.block_on(stopped);
            }
            // A name look-up cannot be interrupted; it is left to end by itself.
            runtime.shutdown_background();
        }
    }
}

/// All signals masked on this thread until dropped.
pub(super) struct SignalMask {
    former: libc::sigset_t,
}

impl SignalMask {
    pub(super) fn block_all() -> SignalMask {
        // SAFETY: a sigset_t is plain data, filled before it is used; both pointers are valid.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut former: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut former);
            SignalMask { former }
        }
    }
}

impl Drop for SignalMask {
    fn drop(&mut self) {
        // SAFETY: `former` was filled by pthread_sigmask.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.former, std::ptr::null_mut()) };
    }
}
