//! A host program in Rust that uses the library as a C program does, and a staging server to use it on.

use ftreview::ffi::constants::*;
use ftreview::ffi::types::*;
use ftreview::ffi::*;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::storage::Storage;
use ftreview_sandbox::{Config, Server};
use serde_json::Value;
use std::ffi::{CStr, CString, c_char};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::ptr::null;

/// A job fails the test rather than hang it after this long.
const GUARD_MS: i32 = 120_000;

/// A staging server with a fresh demo project, on a runtime of its own.
pub struct Staging {
    runtime: tokio::runtime::Runtime,
    server: Server,
    folder: tempfile::TempDir,
}

impl Staging {
    pub fn start() -> Staging {
        Staging::start_with(|_| {})
    }

    /// One that is not as usual.
    pub fn start_with(change: impl FnOnce(&mut Config)) -> Staging {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        let server = runtime.block_on(Server::start(config)).unwrap();
        Staging { runtime, server, folder }
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The folder with the server's data.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// How many bodies, whole files and parts, were sent to storage since the last call.
    pub fn puts(&self) -> usize {
        self.requests().iter().filter(|line| line.starts_with("PUT /storage")).count()
    }

    /// Where the server listens.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// A folder for the test's own files.
    pub fn scratch(&self) -> PathBuf {
        let path = self.folder.path().join("scratch");
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// The entities that a query finds.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let state = self.server.state();
        self.runtime.block_on(state.query(expression)).unwrap()
    }

    /// The id of the one entity that a query finds.
    pub fn id(&self, expression: &str) -> String {
        let rows = self.query(expression);
        assert_eq!(rows.len(), 1, "{expression}: {rows:?}");
        rows[0]["id"].as_str().unwrap().to_owned()
    }

    /// The bytes in storage.
    pub fn stored(&self, component_id: &str) -> Vec<u8> {
        let path = self.server.state().storage.path(component_id);
        std::fs::read(path.unwrap_or_else(|| panic!("nothing is stored for {component_id}"))).unwrap()
    }

    /// The server's storage.
    pub fn storage(&self) -> Storage {
        self.server.state().storage.clone()
    }

    /// What was asked since the last call.
    pub fn requests(&self) -> Vec<String> {
        let requests = &self.server.state().requests;
        let lines = requests.lines();
        requests.clear();
        lines
    }

    /// Everything that a publish may create, counted.
    pub fn census(&self) -> Vec<usize> {
        ["Asset", "AssetVersion", "FileComponent", "ComponentLocation"]
            .map(|entity| self.query(&format!("select id from {entity}")).len())
            .to_vec()
    }

    pub fn session(&self) -> Session {
        Session::create(self.url(), DEMO_USER, DEMO_KEY)
    }
}

/// A session, freed when dropped.
pub struct Session(pub ftr_session);

impl Session {
    pub fn create(url: &str, user: &str, key: &str) -> Session {
        Self::create_with(url, user, key, session_options())
            .unwrap_or_else(|(code, message)| panic!("{code}: {message}"))
    }

    /// A session of the demo user with options of its own.
    pub fn with(url: &str, options: ftr_session_options) -> Result<Session, (i32, String)> {
        Self::create_with(url, DEMO_USER, DEMO_KEY, options)
    }

    fn create_with(url: &str, user: &str, key: &str, options: ftr_session_options) -> Result<Session, (i32, String)> {
        let (url, user, key) = (text(url), text(user), text(key));
        let options = ftr_session_options {
            server_url: url.as_ptr(),
            api_user: user.as_ptr(),
            api_key: key.as_ptr(),
            log_level: FTR_LOG_TRACE,
            ..options
        };
        let mut session = 0;
        // SAFETY: the texts outlive the call, those of the caller as well.
        match unsafe { ftr_session_create(&options, &mut session) } {
            FTR_OK => Ok(Session(session)),
            code => Err((code, last_error())),
        }
    }

    pub fn submit(&self, publish: &Publish) -> Result<Job, (i32, String)> {
        let texts = publish.texts();
        let pointer = |index: usize| texts[index].as_ref().map_or(null(), |text| text.as_ptr());
        let options = ftr_publish_options {
            path: pointer(0),
            context: pointer(1),
            asset_name: pointer(2),
            asset_type: pointer(3),
            comment: pointer(4),
            status: pointer(5),
            thumbnail: pointer(6),
            tag: 7,
            idempotency_key: pointer(7),
            // What becomes of files that do not play is the subject of tests/modes.
            mode: FTR_MODE_DIRECT,
            flags: if publish.copy_source { FTR_PUBLISH_COPY_SOURCE } else { 0 },
            ..publish_options()
        };
        let mut job = 0;
        // SAFETY: the texts outlive the call.
        match unsafe { ftr_session_publish_file(self.0, &options, &mut job) } {
            FTR_OK => Ok(Job(job)),
            code => Err((code, last_error())),
        }
    }

    /// Publishes and waits for the end.
    pub fn publish(&self, publish: &Publish) -> Ended {
        self.submit(publish).unwrap_or_else(|(code, message)| panic!("{code}: {message}")).wait()
    }

    /// Every event that waits, as JSON.
    pub fn events(&self) -> Vec<Value> {
        std::iter::from_fn(|| self.next_event(0)).collect()
    }

    /// Waits for the event that tells this status.
    pub fn await_status(&self, status: i32) {
        while let Some(event) = self.next_event(GUARD_MS) {
            if event["kind"] == FTR_EVENT_STATUS && event["status"] == status {
                return;
            }
        }
        panic!("the status {status} was not told");
    }

    /// Waits for an event of this kind.
    #[allow(dead_code)] // not every test program waits for one
    pub fn await_event(&self, kind: i32) -> Value {
        let mut events = std::iter::from_fn(|| self.next_event(GUARD_MS));
        events.find(|event| event["kind"] == kind).unwrap_or_else(|| panic!("no event {kind} came"))
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

/// A publish in the making.
#[derive(Clone, Default)]
pub struct Publish {
    pub path: PathBuf,
    pub context: Option<String>,
    pub asset_name: Option<String>,
    pub asset_type: Option<String>,
    pub comment: Option<String>,
    pub status: Option<String>,
    pub thumbnail: Option<PathBuf>,
    pub idempotency_key: Option<String>,
    pub copy_source: bool,
}

impl Publish {
    pub fn of(path: impl Into<PathBuf>, context: &str) -> Publish {
        Publish { path: path.into(), context: Some(context.to_owned()), ..Publish::default() }
    }

    fn texts(&self) -> [Option<CString>; 8] {
        let path = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
        let optional = |value: &Option<String>| value.as_deref().map(text);
        [
            Some(path(&self.path)),
            optional(&self.context),
            optional(&self.asset_name),
            optional(&self.asset_type),
            optional(&self.comment),
            optional(&self.status),
            self.thumbnail.as_deref().map(path),
            optional(&self.idempotency_key),
        ]
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
}

/// A job's result, copied.
#[derive(Debug, Default)]
pub struct Ended {
    pub state: i32,
    pub code: i32,
    pub stage: i32,
    pub message: String,
    pub project_id: String,
    pub parent_id: String,
    pub task_id: String,
    pub asset_id: String,
    pub asset_name: String,
    pub version_id: String,
    pub version_number: i64,
    pub component_id: String,
    pub component_name: String,
    pub thumbnail_id: String,
    pub link: String,
    pub outbox_id: String,
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
                project_id: copy(result.project_id),
                parent_id: copy(result.parent_id),
                task_id: copy(result.task_id),
                asset_id: copy(result.asset_id),
                asset_name: copy(result.asset_name),
                version_id: copy(result.version_id),
                version_number: result.version_number,
                component_id: copy(result.component_id),
                component_name: copy(result.component_name),
                thumbnail_id: copy(result.thumbnail_id),
                link: copy(result.link),
                outbox_id: copy(result.outbox_id),
                warnings,
            }
        }
    }

    #[track_caller]
    pub fn done(self) -> Ended {
        assert_eq!(self.state, FTR_JOB_DONE, "{self:?}");
        self
    }
}

pub fn session_options() -> ftr_session_options {
    ftr_session_options {
        struct_size: size_of::<ftr_session_options>() as u32,
        log_level: FTR_LOG_WARNING,
        // What is published does not depend on the machine.
        ffmpeg_path: c"".as_ptr(),
        // SAFETY: integers, nullable pointers and optional functions, of which all zero bytes are a value.
        ..unsafe { std::mem::zeroed() }
    }
}

/// As the INIT macro makes them.
pub fn publish_options() -> ftr_publish_options {
    ftr_publish_options {
        struct_size: size_of::<ftr_publish_options>() as u32,
        // SAFETY: as above.
        ..unsafe { std::mem::zeroed() }
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

/// The movie, thumbnail or still that the repository ships.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/media").join(name)
}

/// A movie with so much room at its end that it has `size` bytes, which take no room on a disk that can leave holes. Nothing
/// where the file system takes no such file.
pub fn film(staging: &Staging, size: u64) -> Option<PathBuf> {
    let path = staging.scratch().join(format!("film_{size}.mp4"));
    std::fs::copy(example("review.mp4"), &path).unwrap();
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let end = file.seek(SeekFrom::End(0)).unwrap();
    // A box whose length of 64 bits follows its name.
    file.write_all(&1u32.to_be_bytes()).unwrap();
    file.write_all(b"free").unwrap();
    file.write_all(&(size - end).to_be_bytes()).unwrap();
    file.set_len(size).ok().map(|()| path)
}

/// A sample of tests/data/media.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name)
}
