//! The C boundary: the only room that knows pointers, and the only one that C can call.
//!
//! Every export is named here once, in the order of the header. What a function promises stands in its
//! documentation, which is copied into `include/ftreview.h`; what all of them promise stands at the top
//! of that file, whose text is in `cbindgen.toml`.
//!
//! No function here does I/O or holds a lock while it calls the host.
#![allow(non_camel_case_types)]

mod callbacks; // the host's functions
pub mod constants; // numbers of the header: kinds, states, stages, levels, flags
mod event; // polling with callbacks, pulling one event at a time
mod exchange; // files to endpoints, downloads, removal
mod guard; // what stands before every export: fork, wake-up callback, panic, the last error
mod handle; // handles that can be wrong without harm
mod hub; // the event hub: connecting, subscribing, publishing
mod job; // waiting for, cancelling and freeing a job
mod options; // what the option structs say, checked
mod outbox; // what is in the outbox, and going on with it
mod poller; // one thread at a time polls a session
mod session; // a session's life, its status, wake-up, publishing
mod system_user; // the last resort for the user's name
mod text; // text and option structs from C
pub mod types; // the structs and callbacks of the header
mod version; // what this library is, names of errors
mod view; // events as C sees them
mod watch; // what reviewers do, as events

pub use version::{ftr_abi_version, ftr_error_description, ftr_error_name, ftr_last_error_message, ftr_version};

pub use session::{
    ftr_session_close, ftr_session_create, ftr_session_free, ftr_session_publish_file, ftr_session_server_information,
    ftr_session_server_version, ftr_session_set_upload_rate, ftr_session_status, ftr_session_wait_ready,
};

pub use event::{
    ftr_event_free, ftr_event_get, ftr_event_json, ftr_session_interrupt, ftr_session_next_event,
    ftr_session_poll_events, ftr_session_set_wakeup_callback, ftr_session_wake_fd,
};

pub use job::{ftr_job_cancel, ftr_job_free, ftr_job_pause, ftr_job_resume, ftr_job_wait};

pub use exchange::{ftr_session_download_component, ftr_session_http_upload, ftr_session_remove};

pub use hub::{
    ftr_hub_connect, ftr_hub_disconnect, ftr_hub_publish, ftr_hub_reply, ftr_hub_status, ftr_hub_stop,
    ftr_hub_subscribe, ftr_hub_unsubscribe, ftr_hub_wait_connected,
};

pub use outbox::{
    ftr_outbox_count, ftr_outbox_forget, ftr_outbox_free, ftr_outbox_item_at, ftr_outbox_list, ftr_outbox_resume,
    ftr_outbox_retry,
};

pub use watch::{ftr_session_watch, ftr_watch_free};
