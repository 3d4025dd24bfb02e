//! What reviewers do, as events.

use super::callbacks::Own;
use super::constants::{FTR_OK, FTR_WATCH_PUBLISHED};
use super::guard::guard;
use super::handle::{Kind, Table};
use super::options::unknown_flags;
use super::session::SESSIONS;
use super::text::{optional_text, output, read_options};
use super::types::*;
use crate::hub::What;
use crate::session::news::Receiver;
use crate::session::{Code, Error, Result};
use std::sync::Arc;

/// What a watch's handle names.
pub struct WatchObject {
    /// With whose end the handle ends.
    pub session: ftr_session,
    pub own: Own,
}

pub static WATCHES: Table<WatchObject> = Table::new(Kind::Watch);

/// Watches what reviewers do to a version, to the versions of a review session, or to what this session publishes. Each note, change of status, approval, request for changes, encoded movie and new thumbnail is told by one FTR_EVENT_REVIEW when polling, but for the session's own changes. What was there before is not told, except for notes and answers on versions that this session has published.
/// It hears by the event hub: connect it (ftr_hub_connect, or FTR_SESSION_AUTO_CONNECT_EVENT_HUB). When a connection comes back, and every few minutes besides, the server is asked what happened meanwhile, so that nothing is lost and nothing told twice.
/// `*watch` is written only on success; free it with ftr_watch_free, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT (nothing to watch, or more than one thing), FTR_E_CLOSED, FTR_E_OUT_OF_RESOURCES.
///
/// # Safety
/// The texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_watch(
    session: ftr_session,
    options: *const ftr_watch_options,
    watch: *mut ftr_watch,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(watch, "watch")?;
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(options, "options") }?;
        // SAFETY: the caller's promise.
        let what = unsafe { read_what(&options) }?;
        let own = Own { callback: options.callback, user_data: options.user_data };
        let handle = WATCHES.insert(Arc::new(WatchObject { session, own }))?;
        if let Err(error) = object.hub.station.watch(what, Receiver { handle, tag: options.tag }) {
            WATCHES.remove(handle, "watch")?;
            return Err(error);
        }
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(handle) };
        Ok(FTR_OK)
    })
}

/// Ends a watch and frees its handle: nothing of it is told any more, not even what waits already. A callback of it that another thread is in at this moment is not waited for. 0 is allowed and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_watch_free(watch: ftr_watch) -> i32 {
    guard(|| {
        if watch == 0 {
            return Ok(FTR_OK);
        }
        let removed = WATCHES.remove(watch, "watch")?;
        // The session may have been freed by another thread, and all its watches with it.
        if let Ok(object) = SESSIONS.get(removed.session, "session") {
            object.hub.station.unwatch(watch);
        }
        Ok(FTR_OK)
    })
}

/// # Safety
/// The texts are NULL or NUL-terminated.
unsafe fn read_what(options: &ftr_watch_options) -> Result<What> {
    if options.flags & !FTR_WATCH_PUBLISHED != 0 {
        return Err(unknown_flags(options.flags, "FTR_WATCH_PUBLISHED"));
    }
    // SAFETY: passed on.
    let version = unsafe { optional_text(options.version_id, "version_id") }?;
    // SAFETY: passed on.
    let review_session = unsafe { optional_text(options.review_session_id, "review_session_id") }?;
    let wrong = |message: &str| Err(Error::new(Code::InvalidArgument, message));
    match (version, review_session, options.flags & FTR_WATCH_PUBLISHED != 0) {
        (Some(id), ..) if id.is_empty() => wrong("version_id: is empty: give a version's id, or NULL"),
        (_, Some(id), _) if id.is_empty() => wrong("review_session_id: is empty: give a review session's id, or NULL"),
        (Some(id), None, false) => Ok(What::Version(id)),
        (None, Some(id), false) => Ok(What::ReviewSession(id)),
        (None, None, true) => Ok(What::Published),
        (None, None, false) => {
            wrong("options: name nothing to watch: set version_id, review_session_id or FTR_WATCH_PUBLISHED")
        }
        _ => wrong("options: name more than one thing to watch: make a watch for each"),
    }
}
