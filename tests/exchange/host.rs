//! A host program in Rust that uses the library as a C program does.

use ftreview::ffi::constants::*;
use ftreview::ffi::types::*;
use ftreview::ffi::*;
use serde_json::Value;
use std::ffi::{CStr, CString, c_char};
use std::mem::zeroed;
use std::path::{Path, PathBuf};
use std::ptr::null;

/// A job fails the test rather than hang it after this long.
const GUARD_MS: i32 = 120_000;

/// A session, freed when dropped.
pub struct Session(pub ftr_session);

impl Session {
    pub fn create(url: &str, user: &str, key: &str) -> Session {
        Self::with(url, user, key, |_| {})
    }

    pub fn with(url: &str, user: &str, key: &str, change: impl FnOnce(&mut ftr_session_options)) -> Session {
        let (url, user, key, proxy) = (text(url), text(user), text(key), text(""));
        // SAFETY: plain data for which zeros are a value.
        let mut options: ftr_session_options = unsafe { zeroed() };
        options.struct_size = size_of::<ftr_session_options>() as u32;
        options.server_url = url.as_ptr();
        options.api_user = user.as_ptr();
        options.api_key = key.as_ptr();
        options.proxy = proxy.as_ptr();
        options.log_level = FTR_LOG_TRACE;
        change(&mut options);
        let mut session = 0;
        // SAFETY: the texts outlive the call.
        assert_eq!(unsafe { ftr_session_create(&options, &mut session) }, FTR_OK, "{}", last_error());
        Session(session)
    }

    pub fn http_upload(&self, upload: &Upload) -> Result<Job, (i32, String)> {
        let optional = |value: &Option<String>| value.as_deref().map(text);
        let pointer = |value: &Option<CString>| value.as_ref().map_or(null(), |text| text.as_ptr());
        let (endpoint, path) = (text(&upload.endpoint), text(upload.path.to_str().unwrap()));
        let (fields, headers) = (optional(&upload.fields), optional(&upload.headers));
        let (file_field, file_name) = (optional(&upload.file_field), optional(&upload.file_name));
        let content_type = optional(&upload.content_type);
        let options = ftr_http_upload_options {
            struct_size: size_of::<ftr_http_upload_options>() as u32,
            flags: upload.flags,
            endpoint: endpoint.as_ptr(),
            path: path.as_ptr(),
            fields: pointer(&fields),
            file_field: pointer(&file_field),
            file_name: pointer(&file_name),
            content_type: pointer(&content_type),
            headers: pointer(&headers),
            tag: 7,
            answer_timeout_ms: upload.answer_timeout_ms,
            reserved: 0,
        };
        let mut job = 0;
        // SAFETY: the texts outlive the call.
        match unsafe { ftr_session_http_upload(self.0, &options, &mut job) } {
            FTR_OK => Ok(Job(job)),
            code => Err((code, last_error())),
        }
    }

    /// Publishes a file in the demo project and waits for the end.
    pub fn published(&self, path: &Path) -> Ended {
        let (path, context) = (text(path.to_str().unwrap()), text("demo/sq010/sh010/compositing"));
        // SAFETY: plain data for which zeros are a value; the texts outlive the call.
        unsafe {
            let mut options: ftr_publish_options = zeroed();
            options.struct_size = size_of::<ftr_publish_options>() as u32;
            (options.path, options.context) = (path.as_ptr(), context.as_ptr());
            let mut job = 0;
            assert_eq!(ftr_session_publish_file(self.0, &options, &mut job), FTR_OK, "{}", last_error());
            Job(job).wait().done()
        }
    }

    pub fn download(&self, component_id: &str, path: &Path, flags: u32) -> Result<Job, (i32, String)> {
        let (component_id, path) = (text(component_id), text(path.to_str().unwrap()));
        let options = ftr_download_options {
            struct_size: size_of::<ftr_download_options>() as u32,
            flags,
            component_id: component_id.as_ptr(),
            path: path.as_ptr(),
            tag: 7,
        };
        let mut job = 0;
        // SAFETY: the texts outlive the call.
        match unsafe { ftr_session_download_component(self.0, &options, &mut job) } {
            FTR_OK => Ok(Job(job)),
            code => Err((code, last_error())),
        }
    }

    /// Downloads and waits for the end.
    pub fn downloaded(&self, component_id: &str, path: &Path) -> Ended {
        let job = self.download(component_id, path, 0);
        job.unwrap_or_else(|(code, message)| panic!("{code}: {message}")).wait()
    }

    pub fn remove(&self, entity_type: &str, id: &str, flags: u32) -> Result<Job, (i32, String)> {
        let (entity_type, id) = (text(entity_type), text(id));
        let options = ftr_remove_options {
            struct_size: size_of::<ftr_remove_options>() as u32,
            flags,
            entity_type: entity_type.as_ptr(),
            id: id.as_ptr(),
            tag: 7,
        };
        let mut job = 0;
        // SAFETY: the texts outlive the call.
        match unsafe { ftr_session_remove(self.0, &options, &mut job) } {
            FTR_OK => Ok(Job(job)),
            code => Err((code, last_error())),
        }
    }

    /// Removes and waits for the end.
    pub fn removed(&self, entity_type: &str, id: &str, flags: u32) -> Ended {
        let job = self.remove(entity_type, id, flags);
        job.unwrap_or_else(|(code, message)| panic!("{code}: {message}")).wait()
    }

    /// Uploads and waits for the end.
    pub fn uploaded(&self, upload: &Upload) -> Ended {
        self.http_upload(upload).unwrap_or_else(|(code, message)| panic!("{code}: {message}")).wait()
    }

    /// Every event that waits, as JSON.
    pub fn events(&self) -> Vec<Value> {
        std::iter::from_fn(|| self.next_event(0)).collect()
    }

    /// The next event that is so.
    pub fn await_event(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        std::iter::from_fn(|| self.next_event(GUARD_MS)).find(is_it).expect("the event that is waited for")
    }

    fn next_event(&self, timeout_ms: i32) -> Option<Value> {
        let (mut event, mut json) = (0, null());
        // SAFETY: variables, and a text that is valid until the event is freed.
        unsafe {
            match ftr_session_next_event(self.0, timeout_ms, &mut event) {
                0 => return None,
                1 => assert_eq!(ftr_event_json(event, &mut json), FTR_OK),
                code => panic!("{code}: {}", last_error()),
            }
            let read = serde_json::from_str(&copy(json)).unwrap();
            assert_eq!(ftr_event_free(event), FTR_OK);
            Some(read)
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        assert_eq!(ftr_session_free(self.0), FTR_OK);
    }
}

/// An upload to an endpoint in the making.
#[derive(Clone, Default)]
pub struct Upload {
    pub endpoint: String,
    pub path: PathBuf,
    pub fields: Option<String>,
    pub file_field: Option<String>,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub headers: Option<String>,
    pub flags: u32,
    pub answer_timeout_ms: i32,
}

impl Upload {
    pub fn of(path: impl AsRef<Path>, endpoint: &str) -> Upload {
        Upload { path: path.as_ref().to_owned(), endpoint: endpoint.to_owned(), ..Upload::default() }
    }
}

/// A job.
pub struct Job(pub ftr_job);

impl Job {
    pub fn wait(&self) -> Ended {
        let mut result = null();
        // SAFETY: a variable, and a result that is valid until the job is freed.
        unsafe {
            let code = ftr_job_wait(self.0, GUARD_MS, &mut result);
            assert_eq!(code, FTR_OK, "{}", last_error());
            Ended::read(&*result)
        }
    }

    pub fn cancel(&self) {
        assert_eq!(ftr_job_cancel(self.0), FTR_OK);
    }

    pub fn pause(&self) {
        assert_eq!(ftr_job_pause(self.0), FTR_OK);
    }

    pub fn resume(&self) {
        assert_eq!(ftr_job_resume(self.0), FTR_OK);
    }
}

/// A job's result, copied.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    pub state: i32,
    pub code: i32,
    pub stage: i32,
    pub message: String,
    pub outcome_unknown: bool,
    /// Of the error.
    pub refused_with: i32,
    pub component_id: String,
    pub answer: String,
    pub http_status: i32,
    pub warnings: Vec<String>,
}

impl Ended {
    /// # Safety
    /// A result of the library that is still valid.
    unsafe fn read(result: &ftr_job_result) -> Ended {
        // SAFETY: the caller's promise; pointers in a result are NULL or valid texts.
        unsafe {
            let error = result.error.as_ref();
            let warnings = (0..result.warning_count as usize).map(|index| copy(*result.warnings.add(index))).collect();
            Ended {
                state: result.state,
                code: error.map_or(0, |error| error.code),
                stage: error.map_or(0, |error| error.stage),
                message: error.map_or_else(String::new, |error| copy(error.message)),
                outcome_unknown: error.is_some_and(|error| error.outcome_unknown == 1),
                refused_with: error.map_or(0, |error| error.http_status),
                component_id: copy(result.component_id),
                answer: copy(result.answer),
                http_status: result.http_status,
                warnings,
            }
        }
    }

    #[track_caller]
    pub fn done(self) -> Ended {
        assert_eq!(self.state, FTR_JOB_DONE, "{self:?}");
        self
    }

    #[track_caller]
    pub fn failed(self, code: ftreview::session::Code) -> Ended {
        assert_eq!((self.state, self.code), (FTR_JOB_FAILED, code as i32), "{self:?}");
        self
    }
}

pub fn last_error() -> String {
    // SAFETY: a text that is valid until the thread's next error.
    unsafe { copy(ftr_last_error_message()) }
}

pub fn text(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// # Safety
/// NULL or a valid text.
unsafe fn copy(text: *const c_char) -> String {
    // SAFETY: the caller's promise.
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned() }
}

/// Bytes that no shift and no swap of blocks leaves as they are.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend(next());
    }
    bytes.truncate(size);
    bytes
}

/// A file that was written long ago, so that nobody waits to see whether it still grows.
pub fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    path
}
