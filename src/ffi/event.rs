//! Polling with callbacks, pulling one event at a time, and being woken.

use super::callbacks::HostPointer;
use super::constants::FTR_OK;
use super::guard::{c_text, guard};
use super::handle::{Kind, Table};
use super::hub::HubObject;
use super::session::{SESSIONS, SessionObject};
use super::text::{deadline, output};
use super::types::*;
use super::view::{EventView, event_json};
use crate::session::queue::Woken;
use crate::session::{Code, Error, Event, Result};
use std::ffi::{CString, c_char, c_void};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// What an event's handle names.
pub struct EventObject {
    view: EventView,
    event: Event,
    json: OnceLock<CString>,
}

static EVENTS: Table<EventObject> = Table::new(Kind::Event);

/// Waits up to `timeout_ms` for events and calls the session's callbacks for those that are there, on this thread, with no lock held. Returns how many events were told; 0 when the time was over, or ftr_session_interrupt was called.
/// In a host's main loop call it with 0: it then returns in microseconds when there is nothing to tell.
/// A callback may call every function of the library but the polling ones of the same session; it may free the session. It must not throw, nor jump out of the call.
/// Errors: FTR_E_CLOSED when the session is closed and everything was told; FTR_E_REENTRANT in a callback of the same session; FTR_E_CONCURRENT_POLL while another thread polls it.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_session_poll_events(session: ftr_session, timeout_ms: i32) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let deadline = deadline(timeout_ms)?;
        let told = object.poller.poll(|| {
            if !wait(&object, deadline)? {
                return Ok(0);
            }
            // What callbacks cause waits for the next call, so that a busy session cannot hold a host's frame.
            let waiting = object.session.queue().len();
            let mut told = 0;
            while told < waiting && !object.freed.load(Ordering::SeqCst) {
                let Some(event) = object.session.queue().take() else { break };
                let view = EventView::new(session, &event);
                if !object.hub.tell(&event, &view) {
                    object.callbacks.tell(&view);
                }
                told += 1;
            }
            Ok(told.try_into().unwrap_or(i32::MAX))
        })?;
        // The queue was never empty, so nobody has told the host of what is left.
        wake_if_ready(&object);
        Ok(told)
    })
}

/// The pull form of ftr_session_poll_events, for languages in which callbacks hurt: waits up to `timeout_ms` for one event and writes its handle. Returns 1, or 0 and writes 0 when there is none. Free each with ftr_event_free.
/// Both forms take from the same queue. Errors: as ftr_session_poll_events.
///
/// # Safety
/// `event` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_next_event(session: ftr_session, timeout_ms: i32, event: *mut ftr_event) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(event, "event")?;
        let deadline = deadline(timeout_ms)?;
        object.poller.poll(|| {
            let taken = loop {
                match wait(&object, deadline)? {
                    true => match object.session.queue().take() {
                        // Another thread has just ended it, and hears of it no more.
                        Some(event) if HubObject::is_over(&event) => {}
                        taken => break taken,
                    },
                    false => break None,
                }
            };
            let (count, handle) = match taken {
                None => (0, 0),
                Some(event) => {
                    let view = EventView::new(session, &event);
                    object.hub.taken(&event);
                    (1, EVENTS.insert(Arc::new(EventObject { view, event, json: OnceLock::new() }))?)
                }
            };
            // SAFETY: not NULL, and the caller's promise.
            unsafe { out.write(handle) };
            Ok(count)
        })
    })
}

/// Makes a call that waits for events of this session return 0, or the next one if none is waiting. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_session_interrupt(session: ftr_session) -> i32 {
    guard(|| {
        SESSIONS.get(session, "session")?.session.queue().interrupt();
        Ok(FTR_OK)
    })
}

/// Writes a file descriptor that is readable while events wait, for poll(2), epoll, QSocketNotifier and the like. It belongs to the library: never read, write or close it. Polling until nothing is left makes it unreadable again; now and then it is readable once with nothing to poll. Valid until ftr_session_free.
///
/// # Safety
/// `fd` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_wake_fd(session: ftr_session, fd: *mut i32) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(fd, "fd")?;
        let descriptor = object.session.queue().wake_fd()?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(descriptor) };
        Ok(FTR_OK)
    })
}

/// Sets the function that tells the host's own loop to poll, or removes it with NULL. It is called on a thread of the library when events are there after none were; once more right after it is set, if events wait already.
/// In it only ftr_version, ftr_abi_version and the functions for error texts may be called: everything else returns FTR_E_WOULD_DEADLOCK. Post a message to the host's loop and return.
/// When this returns, the former function runs nowhere and will not be called again.
///
/// # Safety
/// `callback` is a function that may be called on any thread until it is replaced or the session is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_set_wakeup_callback(
    session: ftr_session,
    callback: ftr_wakeup_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let queue = object.session.queue();
        let host = HostPointer(user_data);
        queue.wake().set_callback(callback.map(|callback| {
            Box::new(move || {
                // SAFETY: the host's promise.
                unsafe { callback(host.get()) }
            }) as Box<dyn Fn() + Send>
        }));
        wake_if_ready(&object);
        Ok(FTR_OK)
    })
}

/// Writes the address of what an event says. Valid until ftr_event_free.
///
/// # Safety
/// `info` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_event_get(event: ftr_event, info: *mut *const ftr_event_info) -> i32 {
    guard(|| {
        let object = EVENTS.get(event, "event")?;
        let out = output(info, "info")?;
        // SAFETY: not NULL, and the caller's promise. The object lives in the table until the handle is freed.
        unsafe { out.write(&raw const object.view.raw) };
        Ok(FTR_OK)
    })
}

/// Writes an event as JSON text, for languages in which structs hurt: the fields of ftr_event_info, and in it objects with those of the structs; `error` has the name of its code besides. Fields that the kind does not have are left out. Handles and tags are text, because the numbers of JavaScript and Lua do not hold 64 bits. Valid until ftr_event_free.
///
/// # Safety
/// `json` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_event_json(event: ftr_event, json: *mut *const c_char) -> i32 {
    guard(|| {
        let object = EVENTS.get(event, "event")?;
        let out = output(json, "json")?;
        let text = object.json.get_or_init(|| c_text(&event_json(object.view.raw.session, &object.event).to_string()));
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(text.as_ptr()) };
        Ok(FTR_OK)
    })
}

/// Frees an event. 0 is allowed and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_event_free(event: ftr_event) -> i32 {
    guard(|| {
        if event != 0 {
            EVENTS.remove(event, "event")?;
        }
        Ok(FTR_OK)
    })
}

/// Whether there is something to take; false when the time is over.
fn wait(object: &SessionObject, deadline: Option<Instant>) -> Result<bool> {
    match object.session.queue().wait(deadline) {
        Woken::Ready => Ok(true),
        Woken::Interrupted | Woken::TimedOut => Ok(false),
        Woken::Finished => Err(Error::new(Code::Closed, "the session is closed and everything was told: free it")),
    }
}

/// Calls the wake-up callback, on the library's thread, if events wait.
fn wake_if_ready(object: &SessionObject) {
    let queue = object.session.queue();
    if !queue.is_empty() {
        let queue = queue.clone();
        object.session.runtime().spawn(async move { queue.wake().call() });
    }
}
