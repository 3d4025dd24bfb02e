//! The host's functions, and its pointer on the way back to it.

use super::types::*;
use super::view::EventView;
use std::ffi::c_void;

/// The host's functions.
pub struct Callbacks {
    user_data: *mut c_void,
    on_progress: ftr_progress_callback,
    on_job: ftr_job_callback,
    on_event: ftr_event_callback,
    on_log: ftr_log_callback,
}

// SAFETY: the pointer is only ever handed back to the host, on the thread on which it polls.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    /// Those that the options name.
    pub fn new(options: &ftr_session_options) -> Callbacks {
        let ftr_session_options { user_data, on_progress, on_job, on_event, on_log, .. } = *options;
        Callbacks { user_data, on_progress, on_job, on_event, on_log }
    }

    /// Calls the function for the event, or the one for all events.
    pub fn tell(&self, view: &EventView) {
        let user_data = self.user_data;
        // SAFETY: the host's functions, called as the header says; the structs outlive the calls.
        unsafe {
            match (view.progress(), view.job_result(), view.log()) {
                (Some(progress), ..) if let Some(call) = self.on_progress => call(user_data, progress),
                (_, Some(result), _) if let Some(call) = self.on_job => call(user_data, result),
                (.., Some(line)) if let Some(call) = self.on_log => call(user_data, line),
                _ => {
                    if let Some(call) = self.on_event {
                        call(user_data, &view.raw);
                    }
                }
            }
        }
    }
}

/// One function of the host, for the events of one subscription or of one published event.
#[derive(Clone, Copy)]
pub struct Own {
    pub callback: ftr_event_callback,
    pub user_data: *mut c_void,
}

// SAFETY: the pointer is only ever handed back to the host, on the thread on which it polls.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

impl Own {
    /// Calls the function, if there is one.
    pub fn tell(self, view: &EventView) -> bool {
        let Some(call) = self.callback else { return false };
        // SAFETY: the host's function, called as the header says; the struct outlives the call.
        unsafe { call(self.user_data, &view.raw) };
        true
    }
}

/// The host's pointer on its way to a thread of the library.
#[derive(Clone, Copy)]
pub struct HostPointer(pub *mut c_void);

// SAFETY: only ever handed back to the host, which promised that its function may run on any thread.
unsafe impl Send for HostPointer {}

impl HostPointer {
    /// The pointer itself, for the call.
    pub fn get(self) -> *mut c_void {
        self.0
    }
}
