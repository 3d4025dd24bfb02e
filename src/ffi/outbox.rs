//! Looking into a session's outbox, and going on with what is in it.

use super::constants::*;
use super::guard::{c_text, guard};
use super::handle::{Kind, Table};
use super::job::{JOBS, JobObject};
use super::session::SESSIONS;
use super::text::{deadline, optional_text, output};
use super::types::{ftr_job, ftr_outbox, ftr_outbox_item, ftr_session};
use crate::outbox::{Item, Step};
use crate::publish::{self, How, Publisher, no_outbox};
use crate::session::{Code, Error, Result};
use std::ffi::{CString, c_char};
use std::ptr::null;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What a listing's handle names.
pub struct OutboxObject {
    /// With whose end the handle ends.
    pub session: ftr_session,
    items: Vec<ItemView>,
}

pub static OUTBOXES: Table<OutboxObject> = Table::new(Kind::Outbox);

/// Lists what is in the session's outbox at this moment, of all users and servers, also what is damaged: oldest first. Reads the folder on a thread of the library and waits for that up to `timeout_ms`; FTR_E_TIMED_OUT when it takes longer, as a network drive may.
/// `*list` is written only on success; free it with ftr_outbox_free, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_INVALID_ARGUMENT, FTR_E_OUTBOX_OFF, FTR_E_OUTBOX_UNUSABLE, FTR_E_TIMED_OUT, FTR_E_OUT_OF_RESOURCES.
///
/// # Safety
/// `list` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_outbox_list(session: ftr_session, timeout_ms: i32, list: *mut ftr_outbox) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(list, "list")?;
        let deadline = deadline(timeout_ms)?;
        let outbox = object.publisher.outbox.clone().ok_or_else(no_outbox)?;
        let (tell, told) = sync_channel(1);
        object.session.runtime().spawn(async move {
            // A host that waits no longer does not hear of it.
            let _ = tell.send(crate::session::blocking::blocking(move || outbox.list()).await);
        });
        let late = || Error::new(Code::TimedOut, format!("the outbox could not be read within {timeout_ms} ms"));
        let listed = match deadline {
            None => told.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => told.recv_timeout(deadline.saturating_duration_since(Instant::now())),
        };
        let items = listed.map_err(|_| late())??;
        let items = items.iter().map(|item| ItemView::new(item, &object.publisher)).collect();
        let handle = OUTBOXES.insert(Arc::new(OutboxObject { session, items }))?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(handle) };
        Ok(FTR_OK)
    })
}

/// Writes how many items a listing has.
///
/// # Safety
/// `count` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_outbox_count(list: ftr_outbox, count: *mut u64) -> i32 {
    guard(|| {
        let object = OUTBOXES.get(list, "list")?;
        let out = output(count, "count")?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(object.items.len() as u64) };
        Ok(FTR_OK)
    })
}

/// Writes the address of an item of a listing, from 0. Valid until ftr_outbox_free.
///
/// # Safety
/// `item` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_outbox_item_at(list: ftr_outbox, index: u64, item: *mut *const ftr_outbox_item) -> i32 {
    guard(|| {
        let object = OUTBOXES.get(list, "list")?;
        let out = output(item, "item")?;
        let count = object.items.len();
        let found = usize::try_from(index).ok().and_then(|index| object.items.get(index)).ok_or_else(|| {
            Error::new(Code::InvalidArgument, format!("index: {index} is out of range: the listing has {count} items"))
        })?;
        // SAFETY: not NULL, and the caller's promise. The object lives in the table until the handle is freed.
        unsafe { out.write(&raw const found.raw) };
        Ok(FTR_OK)
    })
}

/// Frees a listing. 0 is allowed and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_outbox_free(list: ftr_outbox) -> i32 {
    guard(|| {
        if list != 0 {
            OUTBOXES.remove(list, "list")?;
        }
        Ok(FTR_OK)
    })
}

/// Goes on with a publish that waits in the outbox, now, as a job of this session: its events and its end are those of ftr_session_publish_file, with the tag 0. Of one that is being cancelled, or has failed and is not yet taken back, it goes on with that.
/// What can be wrong with the item is told by the job's end: FTR_E_OUTBOX_BUSY (another process or job has it), FTR_E_OUTBOX_NO_ITEM (it has ended meanwhile), FTR_E_OUTBOX_FAILED, FTR_E_OUTBOX_OTHER, FTR_E_OUTBOX_NEWER, FTR_E_OUTBOX_DAMAGED, FTR_E_SOURCE_CHANGED.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_NOT_UTF8, FTR_E_OUTBOX_OFF, FTR_E_CLOSED, FTR_E_QUEUE_FULL.
///
/// # Safety
/// `item_id` is NULL or NUL-terminated, `job` NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_outbox_resume(session: ftr_session, item_id: *const c_char, job: *mut ftr_job) -> i32 {
    // SAFETY: passed on.
    guard(|| unsafe { start(session, item_id, job, How::Resume) })
}

/// As ftr_outbox_resume, also for a publish that has failed for good, and with the files as they are now, changed or not.
///
/// # Safety
/// `item_id` is NULL or NUL-terminated, `job` NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_outbox_retry(session: ftr_session, item_id: *const c_char, job: *mut ftr_job) -> i32 {
    // SAFETY: passed on.
    guard(|| unsafe { start(session, item_id, job, How::Retry) })
}

/// Takes a publish out of the outbox, and back what it made on the server; a version that reviewers have already stays. A damaged item is removed. The job ends as FTR_JOB_CANCELLED; where the server cannot be reached the item stays until it can. Else as ftr_outbox_resume.
///
/// # Safety
/// `item_id` is NULL or NUL-terminated, `job` NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_outbox_forget(session: ftr_session, item_id: *const c_char, job: *mut ftr_job) -> i32 {
    // SAFETY: passed on.
    guard(|| unsafe { start(session, item_id, job, How::Forget) })
}

/// # Safety
/// `item_id` is NULL or NUL-terminated, `job` NULL or the address of a variable.
unsafe fn start(session: ftr_session, item_id: *const c_char, job: *mut ftr_job, how: How) -> Result<i32> {
    let object = SESSIONS.get(session, "session")?;
    // SAFETY: passed on.
    let id = unsafe { optional_text(item_id, "item_id") }?
        .ok_or_else(|| super::text::null("item_id", "ftr_outbox_item.id or ftr_job_result.outbox_id"))?;
    let out = output(job, "job")?;
    if object.publisher.outbox.is_none() {
        return Err(no_outbox());
    }
    let accepted = object.session.accept(0)?;
    let handle = match JOBS.insert(Arc::new(JobObject::new(session, accepted.job.clone()))) {
        Ok(handle) => handle,
        Err(error) => {
            accepted.withdraw();
            return Err(error);
        }
    };
    accepted.job.set_handle(handle);
    publish::resume(&object.session, &object.publisher, accepted, id, how);
    // SAFETY: not NULL, and the caller's promise.
    unsafe { out.write(handle) };
    Ok(FTR_OK)
}

/// An [`ftr_outbox_item`] and what it points to.
struct ItemView {
    raw: ftr_outbox_item,
    /// A `CString` keeps its bytes where they are when it is moved.
    _texts: Vec<CString>,
}

// SAFETY: the pointers lead into memory that the same value owns and never changes.
unsafe impl Send for ItemView {}
// SAFETY: as above.
unsafe impl Sync for ItemView {}

impl ItemView {
    fn new(item: &Item, publisher: &Publisher) -> ItemView {
        let mut texts = Vec::new();
        let mut text = |text: Option<&str>| {
            text.map_or(null(), |text| {
                let kept = c_text(text);
                let pointer = kept.as_ptr();
                texts.push(kept);
                pointer
            })
        };
        let (record, noted) = (item.record.as_ref().ok(), item.state.as_ref().ok());
        let error = match item.error() {
            Some(error) => Some((error.code as i32, error.message.as_str())),
            None => noted.and_then(|noted| noted.error.as_ref()).map(|error| (error.code, error.message.as_str())),
        };
        let path = record.and_then(|record| record.request["path"].as_str());
        let context = record.and_then(|record| record.request["context"].as_str());
        let size = record.map_or(0, |record| record.sources.iter().map(|source| source.size).sum());
        let raw = ftr_outbox_item {
            struct_size: size_of::<ftr_outbox_item>() as u32,
            state: state(item),
            id: text(Some(&item.id)),
            attempts: noted.map_or(0, |noted| noted.attempts),
            belongs: publish::belongs(item, publisher).into(),
            created_ms: record.map_or(-1, |record| milliseconds(record.created)),
            next_try_ms: noted.and_then(|noted| noted.next_try).map_or(-1, milliseconds),
            error_code: error.map_or(0, |(code, _)| code),
            reserved: 0,
            error_message: text(error.map(|(_, message)| message)),
            path: text(path),
            context: text(context),
            server_url: text(record.map(|record| record.server_url.as_str())),
            api_user: text(record.map(|record| record.api_user.as_str())),
            tag: record.map_or(0, |record| record.tag),
            size_bytes: size,
            copied_bytes: item.bytes,
        };
        ItemView { raw, _texts: texts }
    }
}

fn state(item: &Item) -> i32 {
    match (item.error().map(|error| error.code), &item.state) {
        (Some(Code::OutboxNewer), _) => FTR_OUTBOX_NEWER,
        (None, _) if !item.record.as_ref().is_ok_and(publish::is_known) => FTR_OUTBOX_NEWER,
        (Some(_), _) | (None, Err(_)) => FTR_OUTBOX_DAMAGED,
        (None, Ok(_)) if item.busy => FTR_OUTBOX_RUNNING,
        (None, Ok(state)) => match state.step {
            Step::Waiting => FTR_OUTBOX_WAITING,
            Step::Undoing => FTR_OUTBOX_UNDOING,
            Step::Failed => FTR_OUTBOX_FAILED,
        },
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
