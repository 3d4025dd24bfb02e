//! What goes to and comes from a server besides publishing: files to endpoints, downloads, removal.

use super::constants::*;
use super::guard::guard;
use super::job::{JOBS, JobObject};
use super::options::{json_object, unknown_flags};
use super::session::{SESSIONS, SessionObject};
use super::text::{null, optional_text, output, read_options};
use super::types::{ftr_http_upload_options, ftr_job, ftr_session};
use crate::exchange::{HttpUpload, http_upload};
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
