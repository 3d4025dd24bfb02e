//! A session's life, its status, and publishing.

use super::callbacks::Callbacks;
use super::constants::{FTR_OK, FTR_SESSION_AUTO_CONNECT_EVENT_HUB, FTR_SESSION_OUTBOX_MANUAL};
use super::guard::{c_text, guard, in_use};
use super::handle::{Kind, Table};
use super::hub::{HubObject, SUBSCRIPTIONS};
use super::job::{JOBS, JobObject};
use super::options::{
    UploadSettings, absolute, log_level, read_outbox, read_request, read_settings, read_tools, read_uploads,
};
use super::outbox::OUTBOXES;
use super::poller::Poller;
use super::system_user::system_user;
use super::text::{deadline, output, read_options};
use super::types::{ftr_job, ftr_publish_options, ftr_session, ftr_session_options};
use super::watch::WATCHES;
use crate::exchange::Exchanger;
use crate::ftrack::connect::{Connection, connect};
use crate::ftrack::settings::Variables;
use crate::outbox::Places;
use crate::publish::{self, Publisher};
use crate::session::{Code, Error, Job, Result, Session, Status};
use crate::transfer::Traffic;
use std::ffi::{CString, c_char};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What a session's handle names.
pub struct SessionObject {
    pub session: Session,
    pub callbacks: Callbacks,
    pub poller: Poller,
    pub freed: AtomicBool,
    pub hub: HubObject,
    pub exchanger: Arc<Exchanger>,
    connection: Connection,
    pub publisher: Arc<Publisher>,
    information: OnceLock<(CString, CString)>,
}

pub static SESSIONS: Table<SessionObject> = Table::new(Kind::Session);

/// Creates a session. Returns at once: the server is asked in the background, and whether it can be worked with is told by an FTR_EVENT_STATUS, ftr_session_status and ftr_session_wait_ready. Jobs may be submitted before that.
/// The environment variables are read in this call, on this thread; where neither they nor the options name a user, so is the operating system's user database, which may be on the network. The first session starts the library's thread.
/// `*session` is written only on success; free it with ftr_session_free.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_INVALID_JSON, FTR_E_NO_SERVER_URL, FTR_E_BAD_SERVER_URL, FTR_E_NO_API_KEY, FTR_E_NO_API_USER, FTR_E_BAD_PROXY_URL, FTR_E_OUT_OF_RESOURCES. No network error: those are statuses.
///
/// # Safety
/// The texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_create(options: *const ftr_session_options, session: *mut ftr_session) -> i32 {
    guard(|| {
        let out = output(session, "session")?;
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(options, "options") }?;
        // SAFETY: the caller's promise.
        let settings = unsafe { read_settings(&options) }?;
        let mut variables = Variables::capture();
        if settings.api_user.is_none() && variables.api_user.is_none() && variables.system_user.is_none() {
            // The last resort, because the user database may be on the network.
            variables.system_user = system_user();
        }
        let config = settings.resolve(&variables)?;
        let level = log_level(options.log_level)?;
        // SAFETY: the caller's promise.
        let uploads = unsafe { read_uploads(&options) }?;
        // SAFETY: the caller's promise.
        let outbox = unsafe { read_outbox(&options, &Places::capture()) }?;
        // SAFETY: the caller's promise.
        let tools = unsafe { read_tools(&options) }?;
        in_use();
        let session = Session::open(level, config.redactor())?;
        let connection = connect(&session, config);
        let hub = HubObject::new(&session, connection.client());
        if options.flags & FTR_SESSION_AUTO_CONNECT_EVENT_HUB != 0 {
            hub.station.connect()?;
        }
        let UploadSettings { limits, parallel_uploads, journal_folder, start_spread } = uploads;
        let traffic = Traffic::new(limits);
        let station = hub.station.clone();
        let client = connection.client().clone();
        let exchanger = Exchanger::new(client.clone(), traffic.clone(), parallel_uploads);
        let publisher =
            Publisher::new(client, traffic, journal_folder, parallel_uploads, station, outbox, start_spread, tools);
        let object = Arc::new(SessionObject {
            session,
            callbacks: Callbacks::new(&options),
            poller: Poller::default(),
            freed: AtomicBool::new(false),
            hub,
            exchanger,
            connection,
            publisher,
            information: OnceLock::new(),
        });
        let handle = SESSIONS.insert(object.clone())?;
        if options.flags & FTR_SESSION_OUTBOX_MANUAL == 0 {
            let register = move |job: &Arc<Job>| JOBS.insert(Arc::new(JobObject::new(handle, job.clone())));
            publish::follow(&object.session, &object.publisher, Box::new(register));
        }
        // SAFETY: not NULL, and the caller's promise that it is a variable.
        unsafe { out.write(handle) };
        Ok(FTR_OK)
    })
}

/// Writes FTR_STATUS_*: whether the server can be worked with, as far as is known now. Does not wait.
///
/// # Safety
/// `status` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_status(session: ftr_session, status: *mut i32) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(status, "status")?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(object.session.status().0 as i32) };
        Ok(FTR_OK)
    })
}

/// Blocks until the server has answered for the first time, or until it is clear why it does not, or for `timeout_ms`.
/// FTR_OK: the session is ready. FTR_E_TIMED_OUT: nothing is known yet. Else the error that explains the status, such as FTR_E_UNAUTHORISED or FTR_E_UNREACHABLE; ftr_last_error_message has the whole of it.
/// Nothing needs to wait for this: jobs find out by themselves.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_session_wait_ready(session: ftr_session, timeout_ms: i32) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        match object.session.wait_status(deadline(timeout_ms)?) {
            (Status::Ready, _) => Ok(FTR_OK),
            (Status::Closed, _) => Err(Error::new(Code::Closed, "the session was closed")),
            (_, Some(error)) => Err(error),
            (_, None) => Err(unanswered()),
        }
    })
}

/// Writes the server's answer to query_server_information as JSON text: version, user_information and so on. Does not wait: FTR_E_TIMED_OUT before the session is ready.
/// The text is valid until ftr_session_free.
///
/// # Safety
/// `json` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_server_information(session: ftr_session, json: *mut *const c_char) -> i32 {
    // SAFETY: passed on.
    guard(|| unsafe { write_information(session, json, "json", |texts| texts.1.as_ptr()) })
}

/// Writes the server's version, such as "4.13.8". Does not wait: FTR_E_TIMED_OUT before the session is ready. The text is valid until ftr_session_free.
///
/// # Safety
/// `version` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_server_version(session: ftr_session, version: *mut *const c_char) -> i32 {
    // SAFETY: passed on.
    guard(|| unsafe { write_information(session, version, "version", |texts| texts.0.as_ptr()) })
}

/// Publishes a file for web review: checks it, uploads it, creates an asset version that shows it. Returns at once, having touched neither file nor network; everything that can be wrong with those is told by the job's end.
/// The media are uploaded first and the version is created after, so a reviewer never sees half a publish.
/// `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_NO_CONTEXT, FTR_E_CLOSED, FTR_E_QUEUE_FULL.
///
/// # Safety
/// The texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_publish_file(
    session: ftr_session,
    options: *const ftr_publish_options,
    job: *mut ftr_job,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(job, "job")?;
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(options, "options") }?;
        // SAFETY: the caller's promise.
        let request = unsafe { read_request(&options) }?;
        // Only where it is needed: another thread of the host may be changing the environment.
        let variables = if request.context.is_none() { Variables::capture() } else { Variables::default() };
        let mut request = request.complete(&variables)?;
        if object.publisher.outbox.is_some() {
            request.path = absolute(request.path, "path")?;
            request.thumbnail = request.thumbnail.map(|path| absolute(path, "thumbnail")).transpose()?;
            for path in request.attachments_mut() {
                *path = absolute(std::mem::take(path), "note_attachments")?;
            }
        }
        request.lut = request.lut.map(|path| absolute(path, "lut")).transpose()?;
        for (index, file) in request.files.iter_mut().enumerate() {
            file.path = absolute(std::mem::take(&mut file.path), &format!("files[{index}].path"))?;
        }
        let accepted = object.session.accept(options.tag)?;
        let handle = match JOBS.insert(Arc::new(JobObject::new(session, accepted.job.clone()))) {
            Ok(handle) => handle,
            Err(error) => {
                accepted.withdraw();
                return Err(error);
            }
        };
        accepted.job.set_handle(handle);
        publish::start(&object.session, &object.publisher, accepted, request);
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(handle) };
        Ok(FTR_OK)
    })
}

/// Caps the bytes a second that all uploads of the session send together, or lifts the cap with 0. Takes effect at once, also on what is being sent. API requests are not counted.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_session_set_upload_rate(session: ftr_session, bytes_per_second: u64) -> i32 {
    guard(|| {
        SESSIONS.get(session, "session")?.publisher.traffic.set_rate(bytes_per_second);
        Ok(FTR_OK)
    })
}

/// Closes a session: accepts no more jobs, waits up to `timeout_ms` for those that run, then parks what is left, and disconnects the event hub. Returns how many that are: 0 is a clean close. Parked jobs stay in the outbox, and the next session that uses it goes on with them; a session without an outbox cancels them.
/// Events that are waiting, and the ends of parked and cancelled jobs, can still be polled; when all is told, polling returns FTR_E_CLOSED. Safe to call again, from any thread, and inside a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_session_close(session: ftr_session, timeout_ms: i32) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let left = object.session.close(deadline(timeout_ms)?);
        object.hub.station.close();
        Ok(left.try_into().unwrap_or(i32::MAX))
    })
}

/// Frees a session, the handles of its jobs, subscriptions, watches and listings, and its undelivered events. Does not wait for the network: what still runs is parked, or cancelled where there is no outbox, and cleans up in the background. When it returns, no callback of the session runs or will run, but for the one that it was called from: it waits for one that another thread is in, so that thread must not be waiting for this one.
/// 0 is allowed and does nothing. Pull events (ftr_event) are freed on their own.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_session_free(session: ftr_session) -> i32 {
    guard(|| {
        if session == 0 {
            return Ok(FTR_OK);
        }
        let object = SESSIONS.remove(session, "session")?;
        object.freed.store(true, Ordering::SeqCst);
        object.session.abandon();
        object.hub.station.close();
        SUBSCRIPTIONS.remove_all(|subscription| subscription.session == session);
        WATCHES.remove_all(|watch| watch.session == session);
        OUTBOXES.remove_all(|list| list.session == session);
        JOBS.remove_all(|job| job.session == session);
        object.poller.wait();
        Ok(FTR_OK)
    })
}

/// # Safety
/// `out` is NULL or the address of a variable.
unsafe fn write_information(
    session: ftr_session,
    out: *mut *const c_char,
    argument: &str,
    choose: impl Fn(&(CString, CString)) -> *const c_char,
) -> Result<i32> {
    let object = SESSIONS.get(session, "session")?;
    let out = output(out, argument)?;
    let information = object.connection.information().ok_or_else(|| match object.session.status() {
        (_, Some(error)) => error,
        _ => unanswered(),
    })?;
    let texts = object.information.get_or_init(|| (c_text(&information.version), c_text(&information.raw.to_string())));
    // SAFETY: not NULL, and the caller's promise.
    unsafe { out.write(choose(texts)) };
    Ok(FTR_OK)
}

fn unanswered() -> Error {
    Error::new(
        Code::TimedOut,
        "the server has not answered yet: wait with ftr_session_wait_ready, or for the status event",
    )
}
