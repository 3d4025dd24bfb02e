//! A publish with all of its options, and its result.

use super::host::{Session, Staging, example, last_error, publish_options, session_options, text};
use ftreview::ffi::constants::*;
use ftreview::ffi::types::{ftr_job_result, ftr_publish_options, ftr_session_options};
use ftreview::ffi::{ftr_job_free, ftr_job_wait, ftr_session_publish_file};
use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;
use std::ptr::null;

pub const TASK: &str = "demo/sq010/sh010/compositing";

/// How long a job may take before its test fails.
const GUARD_MS: i32 = 120_000;

/// A publish in the making: texts by the names of their fields.
#[derive(Clone)]
pub struct Wish {
    texts: Vec<(&'static str, String)>,
    flags: u32,
    frame: i64,
    mode: i32,
    encode_timeout_ms: i32,
}

/// The movie that the repository ships, for a task, with a thumbnail, so that there is nothing to warn of.
pub fn wish() -> Wish {
    Wish { texts: Vec::new(), flags: 0, frame: -1, mode: FTR_MODE_AUTO, encode_timeout_ms: 0 }
        .with("path", example("review.mp4").display())
        .with("thumbnail", example("thumbnail.jpg").display())
        .with("context", TASK)
}

impl Wish {
    pub fn with(mut self, field: &'static str, value: impl ToString) -> Wish {
        self.texts.retain(|(known, _)| *known != field);
        self.texts.push((field, value.to_string()));
        self
    }

    pub fn without(mut self, field: &str) -> Wish {
        self.texts.retain(|(known, _)| *known != field);
        self
    }

    pub fn flags(mut self, flags: u32) -> Wish {
        self.flags |= flags;
        self
    }

    pub fn frame(mut self, frame: i64) -> Wish {
        self.frame = frame;
        self
    }

    pub fn mode(mut self, mode: i32) -> Wish {
        self.mode = mode;
        self
    }

    pub fn encode_timeout_ms(mut self, timeout: i32) -> Wish {
        self.encode_timeout_ms = timeout;
        self
    }

    /// The job, or why it was not accepted.
    pub fn submit(&self, session: &Session) -> Result<u64, (i32, String)> {
        let texts: Vec<(&str, CString)> = self.texts.iter().map(|(field, value)| (*field, text(value))).collect();
        let field =
            |name: &str| texts.iter().find(|(field, _)| *field == name).map_or(null(), |(_, value)| value.as_ptr());
        let options = ftr_publish_options {
            flags: self.flags,
            path: field("path"),
            context: field("context"),
            asset_name: field("asset_name"),
            asset_type: field("asset_type"),
            comment: field("comment"),
            status: field("status"),
            thumbnail: field("thumbnail"),
            idempotency_key: field("idempotency_key"),
            mode: self.mode,
            encode_timeout_ms: self.encode_timeout_ms,
            task_status: field("task_status"),
            user: field("user"),
            uses_versions: field("uses_versions"),
            lists: field("lists"),
            metadata: field("metadata"),
            custom_attributes: field("custom_attributes"),
            note: field("note"),
            note_labels: field("note_labels"),
            note_attachments: field("note_attachments"),
            note_frame: self.frame,
            review_session: field("review_session"),
            invitees: field("invitees"),
            ..publish_options()
        };
        let mut job = 0;
        // SAFETY: the texts outlive the call.
        match unsafe { ftr_session_publish_file(session.0, &options, &mut job) } {
            FTR_OK => Ok(job),
            code => Err((code, last_error())),
        }
    }

    /// Publishes and waits for the end.
    #[track_caller]
    pub fn end(&self, session: &Session) -> End {
        match self.submit(session) {
            Ok(job) => wait(job),
            Err((code, message)) => End { code, message, ..End::default() },
        }
    }

    #[track_caller]
    pub fn done(&self, session: &Session) -> End {
        let end = self.end(session);
        assert_eq!(end.state, FTR_JOB_DONE, "{end:?}");
        end
    }
}

/// How a job ended.
#[derive(Debug, Default)]
pub struct End {
    pub state: i32,
    pub code: i32,
    pub stage: i32,
    pub message: String,
    pub version_id: String,
    pub version_number: i64,
    pub component_id: String,
    pub thumbnail_id: String,
    pub note_id: String,
    pub review_session_id: String,
    pub encode_job_id: String,
    pub outbox_id: String,
    /// Their names.
    pub components: Vec<String>,
    pub warnings: Vec<String>,
}

#[track_caller]
pub fn wait(job: u64) -> End {
    let mut result: *const ftr_job_result = null();
    // SAFETY: a variable; the result is valid until the job is freed, and its pointers are NULL or texts.
    unsafe {
        assert_eq!(ftr_job_wait(job, GUARD_MS, &mut result), FTR_OK, "{}", last_error());
        let result_of = &*result;
        let error = result_of.error.as_ref();
        let components: Vec<serde_json::Value> = match copy(result_of.components) {
            none if none.is_empty() => Vec::new(),
            text => serde_json::from_str(&text).unwrap(),
        };
        let components = components.iter().map(|component| component["name"].as_str().unwrap().to_owned()).collect();
        let warnings =
            (0..result_of.warning_count as usize).map(|index| copy(*result_of.warnings.add(index))).collect();
        let end = End {
            state: result_of.state,
            code: error.map_or(0, |error| error.code),
            stage: error.map_or(0, |error| error.stage),
            message: error.map_or_else(String::new, |error| copy(error.message)),
            version_id: copy(result_of.version_id),
            version_number: result_of.version_number,
            component_id: copy(result_of.component_id),
            thumbnail_id: copy(result_of.thumbnail_id),
            note_id: copy(result_of.note_id),
            review_session_id: copy(result_of.review_session_id),
            encode_job_id: copy(result_of.encode_job_id),
            outbox_id: copy(result_of.outbox_id),
            components,
            warnings,
        };
        assert_eq!(ftr_job_free(job), FTR_OK);
        end
    }
}

/// # Safety
/// NULL or a valid text.
unsafe fn copy(text: *const c_char) -> String {
    // SAFETY: the caller's promise.
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned() }
}

/// A session that keeps its publishes in this folder, and goes on with them by itself or only when it is told to.
pub fn keeping(url: &str, folder: &std::path::Path) -> Session {
    let folder = text(folder.to_str().unwrap());
    let options = ftr_session_options { outbox_folder: folder.as_ptr(), ..session_options() };
    Session::with(url, options).unwrap_or_else(|(_, message)| panic!("{message}"))
}

/// The end of the publish that a session goes on with by itself.
pub fn resumed(session: &Session) -> End {
    let event = session.await_event(FTR_EVENT_JOB_RESUMED);
    let job = &event["job"];
    wait(job.as_u64().or_else(|| job.as_str()?.parse().ok()).unwrap())
}

/// A folder for an outbox.
pub fn outbox(staging: &Staging) -> PathBuf {
    staging.scratch().join("outbox")
}
