//! What goes to and comes from a server besides publishing: files to endpoints, downloads, removal.

use super::constants::*;
use super::guard::guard;
use super::job::{JOBS, JobObject};
use super::options::{json_object, unknown_flags};
use super::session::{SESSIONS, SessionObject};
use super::text::{null, optional_text, output, read_options};
use super::types::{ftr_download_options, ftr_http_upload_options, ftr_job, ftr_remove_options, ftr_session};
use crate::exchange::{Download, HttpUpload, Kind, Removal, download, http_upload, remove};
use crate::session::life::Accepted;
use crate::session::{Code, Error, Result, Session};
use serde_json::Value;
use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

/// Sends a file with form fields to an endpoint of the server, as studios have of their own: one POST of multipart/form-data, with the session's user, key, headers and cookies. The file is streamed; progress, ftr_job_pause, ftr_job_cancel and the cap on bandwidth are those of a publish. Returns at once; what the endpoint answered comes in the job's result (answer, http_status), and a status other than 2xx is the job's error.
/// User and key go to the server's own origin (scheme, host and port) and to no other: another one is FTR_E_FOREIGN_ORIGIN, unless FTR_HTTP_UPLOAD_NO_AUTH is set. No redirect is followed.
/// What an endpoint gets twice it may do twice. So a request is sent again only where it surely did not arrive: when no connection came to be. What breaks later ends the job, whose error says in outcome_unknown whether the endpoint may have the file; with FTR_HTTP_UPLOAD_REPEATABLE it is tried again like an upload to storage.
/// `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_INVALID_JSON, FTR_E_FOREIGN_ORIGIN, FTR_E_CLOSED, FTR_E_QUEUE_FULL.
///
/// # Safety
/// The texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_http_upload(
    session: ftr_session,
    options: *const ftr_http_upload_options,
    job: *mut ftr_job,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(job, "job")?;
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(options, "options") }?;
        // SAFETY: the caller's promise.
        let request = unsafe { read_http_upload(&options) }?;
        let start = http_upload(&object.session, &object.exchanger, request)?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { submit(&object, session, options.tag, out, start) }
    })
}

/// Downloads a component that the server stores to a file. The bytes go to PATH.part beside it, with a note in PATH.part.json, and become the file when all of them are there: it appears whole or not at all. Their number is compared with the component's size, and their MD5 with the storage's ETag where that is one. A connection that breaks is made again and goes on where it was; when the job fails, PATH.part stays, and downloading to the same path again, also in another process, fetches only the rest. Cancelling removes it.
/// Progress counts bytes that arrived (bytes_done) and those of them that were given to the disk (bytes_stored). ftr_job_pause and ftr_job_resume work as for uploads; the cap on uploads does not count here.
/// The job's end tells what is wrong: FTR_E_FILE_EXISTS (without FTR_DOWNLOAD_OVERWRITE), FTR_E_FILE_NOT_FOUND (no such folder), FTR_E_NOT_A_FILE, FTR_E_FILE_UNWRITABLE, FTR_E_DISK_FULL; FTR_E_INTEGRITY (no such component), FTR_E_NO_LOCATION (it is registered by path or address elsewhere, which the message names), FTR_E_STORAGE_*.
/// `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_CLOSED, FTR_E_QUEUE_FULL.
///
/// # Safety
/// The texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_download_component(
    session: ftr_session,
    options: *const ftr_download_options,
    job: *mut ftr_job,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(job, "job")?;
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(options, "options") }?;
        // SAFETY: the caller's promise.
        let request = unsafe { read_download(&options) }?;
        let start = download(&object.session, &object.exchanger, request)?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { submit(&object, session, options.tag, out, start) }
    })
}

/// Removes a component with its bytes, a sequence with its frames, or a version with its components, from the server. What belongs to it is asked for first; then a version goes before its media, and what takes several requests is hidden before, so that no reviewer sees a half of it. Files that are only registered by path stay where they are, and so does a thumbnail that a task, shot or other version shows as well: both are warnings.
/// The job's result says in `answer` what was removed: {"removed": [{"entity_type": "AssetVersion", "id": "...", "name": "..."}, ...]}, also where the job failed in the middle. In FTR_STAGE_REMOVING a job is not cancelled any more. What cannot be there is FTR_E_INTEGRITY, unless FTR_REMOVE_MISSING_OK is set.
/// `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT (also for any other type), FTR_E_CLOSED, FTR_E_QUEUE_FULL.
///
/// # Safety
/// The texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_session_remove(
    session: ftr_session,
    options: *const ftr_remove_options,
    job: *mut ftr_job,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(job, "job")?;
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(options, "options") }?;
        // SAFETY: the caller's promise.
        let removal = unsafe { read_removal(&options) }?;
        let start = remove(&object.session, &object.exchanger, removal)?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { submit(&object, session, options.tag, out, start) }
    })
}

/// Accepts a job, gives it a handle and starts it.
///
/// # Safety
/// `out` is the address of a variable.
unsafe fn submit(
    object: &SessionObject,
    session: ftr_session,
    tag: u64,
    out: *mut ftr_job,
    start: impl FnOnce(&Session, Accepted),
) -> Result<i32> {
    let accepted = object.session.accept(tag)?;
    let handle = match JOBS.insert(Arc::new(JobObject::new(session, accepted.job.clone()))) {
        Ok(handle) => handle,
        Err(error) => {
            accepted.withdraw();
            return Err(error);
        }
    };
    accepted.job.set_handle(handle);
    start(&object.session, accepted);
    // SAFETY: the caller's promise.
    unsafe { out.write(handle) };
    Ok(FTR_OK)
}

/// # Safety
/// The texts are NULL or NUL-terminated.
unsafe fn read_http_upload(options: &ftr_http_upload_options) -> Result<HttpUpload> {
    // SAFETY: passed on.
    let text = |text: *const c_char, argument| unsafe { optional_text(text, argument) };
    let known = FTR_HTTP_UPLOAD_NO_AUTH | FTR_HTTP_UPLOAD_REPEATABLE | FTR_HTTP_UPLOAD_PUT;
    if options.flags & !known != 0 {
        let known = "FTR_HTTP_UPLOAD_NO_AUTH, FTR_HTTP_UPLOAD_REPEATABLE and FTR_HTTP_UPLOAD_PUT";
        return Err(unknown_flags(options.flags, known));
    }
    if options.reserved != 0 {
        return Err(invalid("reserved: is not 0: begin with FTR_HTTP_UPLOAD_OPTIONS_INIT".to_owned()));
    }
    let answer_patience = match options.answer_timeout_ms {
        0 => None,
        time @ 1.. => Some(Duration::from_millis(time.unsigned_abs().into())),
        time => {
            let message = format!("answer_timeout_ms: {time} is no time: give milliseconds, or 0 for 5 minutes");
            return Err(invalid(message));
        }
    };
    let flag = |flag| options.flags & flag != 0;
    let needed = |text: Option<String>, argument, what| text.ok_or_else(|| null(argument, what));
    Ok(HttpUpload {
        endpoint: needed(text(options.endpoint, "endpoint")?, "endpoint", "a path of the server or a URL")?,
        path: needed(text(options.path, "path")?, "path", "the file to send")?.into(),
        fields: text(options.fields, "fields")?,
        file_field: text(options.file_field, "file_field")?,
        file_name: text(options.file_name, "file_name")?,
        content_type: text(options.content_type, "content_type")?,
        headers: text(options.headers, "headers")?.map_or_else(|| Ok(Vec::new()), |text| strings(&text, "headers"))?,
        answer_patience,
        without_auth: flag(FTR_HTTP_UPLOAD_NO_AUTH),
        repeatable: flag(FTR_HTTP_UPLOAD_REPEATABLE),
        put: flag(FTR_HTTP_UPLOAD_PUT),
    })
}

/// # Safety
/// The texts are NULL or NUL-terminated.
unsafe fn read_download(options: &ftr_download_options) -> Result<Download> {
    // SAFETY: passed on.
    let text = |text: *const c_char, argument| unsafe { optional_text(text, argument) };
    if options.flags & !FTR_DOWNLOAD_OVERWRITE != 0 {
        return Err(unknown_flags(options.flags, "FTR_DOWNLOAD_OVERWRITE"));
    }
    let needed = |text: Option<String>, argument, what| text.ok_or_else(|| null(argument, what));
    Ok(Download {
        component_id: needed(text(options.component_id, "component_id")?, "component_id", "a component's id")?,
        path: needed(text(options.path, "path")?, "path", "the file to write")?.into(),
        overwrite: options.flags & FTR_DOWNLOAD_OVERWRITE != 0,
    })
}

/// # Safety
/// The texts are NULL or NUL-terminated.
unsafe fn read_removal(options: &ftr_remove_options) -> Result<Removal> {
    // SAFETY: passed on.
    let text = |text: *const c_char, argument| unsafe { optional_text(text, argument) };
    if options.flags & !FTR_REMOVE_MISSING_OK != 0 {
        return Err(unknown_flags(options.flags, "FTR_REMOVE_MISSING_OK"));
    }
    let kinds = "FileComponent, SequenceComponent or AssetVersion";
    let entity_type = text(options.entity_type, "entity_type")?.ok_or_else(|| null("entity_type", kinds))?;
    Ok(Removal {
        kind: Kind::parse(&entity_type)?,
        id: text(options.id, "id")?.ok_or_else(|| null("id", "the id of what is to be removed"))?,
        missing_ok: options.flags & FTR_REMOVE_MISSING_OK != 0,
    })
}

/// The names and values of a JSON object of strings.
fn strings(text: &str, argument: &str) -> Result<Vec<(String, String)>> {
    let pair = |(name, value): (String, Value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(Error::new(
            Code::InvalidJson,
            format!(
                "{argument}: the value of {name:?} is no string: give an object of strings, such as {{\"X-Studio\": \"lyon\"}}"
            ),
        )),
    };
    json_object(text, argument)?.into_iter().map(pair).collect()
}

fn invalid(message: String) -> Error {
    Error::new(Code::InvalidArgument, message)
}
