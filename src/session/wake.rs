//! Telling a host's own event loop that there is something to poll: a descriptor to wait on, and a callback.
//!
//! The descriptor belongs to the library at both ends, so a host that closes nothing and reads nothing
//! can neither lose a wake-up nor receive a SIGPIPE.

use super::error::{Code, Error, Result};
use parking_lot::Mutex;
use std::cell::Cell;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

/// What a host wants called. Runs on the thread that queued the event, which is always one of the library's own.
pub type Callback = Box<dyn Fn() + Send>;

/// Both ways to wake a host.
#[derive(Default)]
pub struct Wake {
    descriptor: OnceLock<Descriptor>,
    /// Locked while the callback runs: whoever replaces it therefore waits until it has returned.
    callback: Mutex<Option<Callback>>,
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is running a wake-up callback.
pub fn inside_callback() -> bool {
    INSIDE.try_with(Cell::get).unwrap_or(false)
}

impl Wake {
    /// The descriptor, made when it is first asked for, readable if `ready`.
    pub fn descriptor(&self, ready: bool) -> Result<RawFd> {
        if self.descriptor.get().is_none() {
            let descriptor = Descriptor::new()?;
            if ready {
                descriptor.set();
            }
            // The caller holds the queue's lock, so nobody else sets it in between.
            let _ = self.descriptor.set(descriptor);
        }
        match self.descriptor.get() {
            Some(descriptor) => Ok(descriptor.read_end.as_raw_fd()),
            None => Err(Error::new(Code::Internal, "the wake-up descriptor vanished")),
        }
    }

    /// Makes the descriptor readable.
    pub fn set(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.set();
        }
    }

    /// Makes the descriptor not readable.
    pub fn clear(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.clear();
        }
    }

    /// Replaces the callback; returns when the former one runs nowhere any longer.
    pub fn set_callback(&self, callback: Option<Callback>) {
        *self.callback.lock() = callback;
    }

    /// Calls the callback.
    pub fn call(&self) {
        let callback = self.callback.lock();
        if let Some(callback) = &*callback {
            INSIDE.set(true);
            callback();
            INSIDE.set(false);
        }
    }
}

/// An eventfd on Linux; elsewhere a pipe with both ends.
struct Descriptor {
    read_end: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    write_end: OwnedFd,
}

impl Descriptor {
    #[cfg(target_os = "linux")]
    fn new() -> Result<Descriptor> {
        // SAFETY: no pointers; the result is checked.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(no_descriptor());
        }
        // SAFETY: just opened, and nobody else knows it.
        Ok(Descriptor { read_end: unsafe { OwnedFd::from_raw_fd(descriptor) } })
    }

    #[cfg(not(target_os = "linux"))]
    fn new() -> Result<Descriptor> {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
            return Err(no_descriptor());
        }
        for end in ends {
            // SAFETY: plain flags on descriptors that were just opened.
            unsafe {
                libc::fcntl(end, libc::F_SETFL, libc::O_NONBLOCK);
                libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
        // SAFETY: just opened, and nobody else knows them.
        Ok(unsafe { Descriptor { read_end: OwnedFd::from_raw_fd(ends[0]), write_end: OwnedFd::from_raw_fd(ends[1]) } })
    }

    fn set(&self) {
        #[cfg(target_os = "linux")]
        let write_end = &self.read_end;
        #[cfg(not(target_os = "linux"))]
        let write_end = &self.write_end;
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight readable bytes. When it is full already it is readable already.
        unsafe { libc::write(write_end.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    fn clear(&self) {
        let mut buffer = [0u8; 64];
        // SAFETY: 64 writable bytes; not blocking. An eventfd is emptied by one read, a pipe by as many as it takes.
        while unsafe { libc::read(self.read_end.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) } > 0 {}
    }
}

fn no_descriptor() -> Error {
    let reason = std::io::Error::last_os_error();
    Error::new(
        Code::OutOfResources,
        format!("no descriptor for wake-ups: {reason}; close some files or raise the limit"),
    )
}

#[cfg(test)]
mod tests {
    use crate::session::log::{Level, Line, Sink};
    use crate::session::queue::Queue;

    fn line(message: &str) -> Line {
        Line { level: Level::Info, target: "test", time: std::time::UNIX_EPOCH, message: message.to_owned() }
    }

    #[test]
    fn the_descriptor_is_readable_while_events_wait_and_not_when_all_were_taken() {
        let queue = Queue::default();
        queue.line(line("before the descriptor exists"));
        let descriptor = queue.wake_fd().unwrap();
        let readable = || {
            let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid pollfd.
            unsafe { libc::poll(&mut poll, 1, 0) == 1 }
        };
        assert!(readable());
        queue.take();
        assert!(!readable());
        queue.line(line("one"));
        queue.line(line("two"));
        queue.take();
        assert!(readable());
        queue.take();
        assert!(!readable());
    }
}
