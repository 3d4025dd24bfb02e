//! The structs and callbacks of the header.

use std::ffi::{c_char, c_void};

/// A session: one server, one user. 0 is none.
pub type ftr_session = u64;

/// An accepted piece of work of a session. 0 is none.
pub type ftr_job = u64;

/// An event in the pull form. 0 is none.
pub type ftr_event = u64;

/// A subscription to events of the hub. 0 is none.
pub type ftr_subscription = u64;

/// A watch on what reviewers do. 0 is none.
pub type ftr_watch = u64;

/// A listing: what was in an outbox at one moment. 0 is none.
pub type ftr_outbox = u64;

/// What went wrong. Made by the library; every text is UTF-8 and safe to show: no key, no password, no upload address is in it.
#[repr(C)]
pub struct ftr_error {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_E_*: what happened.
    pub code: i32,
    /// FTR_CLASS_*: what kind of failure it is. Decide by this, `retryable` and `http_status` rather than by a list of codes.
    pub error_class: i32,
    /// FTR_STAGE_*: where in a publish it happened; 0 outside of one.
    pub stage: i32,
    /// 1 if the same may succeed later with nothing changed, else 0.
    pub retryable: i32,
    /// The HTTP status, or 0 where there was no answer.
    pub http_status: i32,
    /// How long the server asked to wait, or -1 where it did not.
    pub retry_after_ms: i64,
    /// For people: what, with which value, and what to do next. Never NULL.
    pub message: *const c_char,
    /// The server's exception, such as "ValidationError", or NULL.
    pub exception: *const c_char,
    /// The server's error_code, such as "api_credentials_invalid", or NULL.
    pub server_code: *const c_char,
    /// 1 if it is not known whether the server did the work, because its answer was lost: look there before you ask for the same again. Else 0.
    pub outcome_unknown: i32,
    /// Not used; 0.
    pub reserved: i32,
}

/// How far a job is.
#[repr(C)]
pub struct ftr_progress {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_STAGE_*: what it is doing.
    pub stage: i32,
    /// The job.
    pub job: ftr_job,
    /// The tag in the options of the job.
    pub tag: u64,
    /// Bytes of all the job's files together that have left this machine. Never goes back: while bytes are sent again, it rests.
    pub bytes_done: u64,
    /// Bytes to send; 0 until the files were looked at.
    pub bytes_total: u64,
    /// Recent speed; 0 until there is one.
    pub bytes_per_second: f64,
    /// Time left at that speed, or -1 until there is one.
    pub remaining_ms: i64,
    /// Of bytes_done, what the storage has confirmed: the rest has left this machine and is on its way.
    pub bytes_stored: u64,
    /// 1 while the job is paused by ftr_job_pause, else 0.
    pub paused: i32,
    /// Not used; 0.
    pub reserved: i32,
    /// Each file of the job: `file_count` structs, one after the other, files[0].struct_size bytes apart. NULL until the files were looked at.
    pub files: *const ftr_file_progress,
    /// How many files there are.
    pub file_count: u64,
    /// Frames that ffmpeg has made, of FTR_STAGE_TRANSCODING; all renditions together.
    pub frames_done: u64,
    /// Frames that it is to make; 0 where that is not known.
    pub frames_total: u64,
}

/// How far one file of a job is.
#[repr(C)]
pub struct ftr_file_progress {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// The file's name, without folders.
    pub name: *const c_char,
    /// As in ftr_progress.
    pub bytes_done: u64,
    /// As in ftr_progress.
    pub bytes_stored: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
}

/// What a job made, and how it ended. Ids are ftrack's. A text that is not known (yet) is NULL; when a job failed, what is there exists on the server.
#[repr(C)]
pub struct ftr_job_result {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_JOB_*: how it ended.
    pub state: i32,
    /// The job.
    pub job: ftr_job,
    /// The tag in the options of the job.
    pub tag: u64,
    /// Why it is not done; NULL when it is.
    pub error: *const ftr_error,
    /// The project.
    pub project_id: *const c_char,
    /// The asset's parent: a shot, an asset build, a sequence, or the project.
    pub parent_id: *const c_char,
    /// The task that the version is linked to.
    pub task_id: *const c_char,
    /// The asset, found or created.
    pub asset_id: *const c_char,
    /// The asset's name.
    pub asset_name: *const c_char,
    /// The asset version.
    pub version_id: *const c_char,
    /// The number that the server gave the version, or -1.
    pub version_number: i64,
    /// The component that reviewers open.
    pub component_id: *const c_char,
    /// Its name: "ftrackreview-mp4", "ftrackreview-image", or that of a document.
    pub component_name: *const c_char,
    /// The thumbnail's component.
    pub thumbnail_id: *const c_char,
    /// The address at which a browser opens the version.
    pub link: *const c_char,
    /// What went on, but not as it should: `warning_count` texts, each a sentence with its remedy.
    pub warnings: *const *const c_char,
    /// How many warnings there are.
    pub warning_count: u64,
    /// The job's item in the outbox, or NULL: of a job that is kept there, and of one that ended as FTR_JOB_PARKED.
    pub outbox_id: *const c_char,
    /// Of ftr_session_http_upload: what the endpoint answered, mostly JSON. Of ftr_session_remove: the text of a JSON object whose "removed" is a list of what was removed. Else NULL.
    pub answer: *const c_char,
    /// Of ftr_session_http_upload: the HTTP status of that answer. Else 0.
    pub http_status: i32,
    /// Not used; 0.
    pub reserved: i32,
    /// The note that was written.
    pub note_id: *const c_char,
    /// The review session that shows the version, found or made.
    pub review_session_id: *const c_char,
    /// The server's job that encodes or has encoded the media, of FTR_MODE_ENCODE.
    pub encode_job_id: *const c_char,
    /// Every component that the job has given the version, as the text of a JSON array such as [{"id": "...", "name": "ftrackreview-mp4", "location_id": "..."}], the one that reviewers open first. NULL until there are some.
    pub components: *const c_char,
}

/// A log line.
#[repr(C)]
pub struct ftr_log_line {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_LOG_*: how much it matters.
    pub level: i32,
    /// When it was said, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// The part of the library that says it.
    pub target: *const c_char,
    /// What happened.
    pub message: *const c_char,
}

/// An event of the hub, from others or from this session. Its texts are never NULL but for `in_reply_to`.
#[repr(C)]
pub struct ftr_hub_event {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// What it is about, such as "ftrack.update".
    pub topic: *const c_char,
    /// Its own id.
    pub id: *const c_char,
    /// Who sent it, for ftr_hub_reply; "" where it does not say.
    pub source_id: *const c_char,
    /// What it says: the text of a JSON object; of a reply, of any JSON value.
    pub data: *const c_char,
    /// All that it says of its sender: the text of a JSON object, with "id" and, mostly, "user" and "applicationId".
    pub source: *const c_char,
    /// For whom it is: an expression, or "" for everybody.
    pub target: *const c_char,
    /// The id of the event that it answers, or NULL.
    pub in_reply_to: *const c_char,
}

/// What a reviewer did. Ids are ftrack's.
#[repr(C)]
pub struct ftr_review {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_REVIEW_*: what was done. Ignore what you do not know: later versions add some.
    pub deed: i32,
    /// The version. Never NULL.
    pub version_id: *const c_char,
    /// The review session in which it was done, or NULL.
    pub review_session_id: *const c_char,
    /// The note, the status, the answer in the review session, or the component. Never NULL.
    pub id: *const c_char,
    /// The note's text, the name of the status, or the component's name. Never NULL.
    pub text: *const c_char,
    /// Who wrote the note or gave the answer, as far as the server tells, or NULL.
    pub author: *const c_char,
    /// The note that this one answers, or NULL.
    pub in_reply_to: *const c_char,
    /// The note's frame, or -1.
    pub frame: i64,
}

/// A publish in an outbox. Made by the library; a text that is not known is NULL.
#[repr(C)]
pub struct ftr_outbox_item {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_OUTBOX_*: what becomes of it.
    pub state: i32,
    /// Its name in the outbox. Never NULL.
    pub id: *const c_char,
    /// How often it was tried and could not be done.
    pub attempts: u32,
    /// 1 if it is for the session's own server and user, so that the session may go on with it, else 0.
    pub belongs: i32,
    /// When it was submitted, in milliseconds since 1970-01-01 UTC, or -1.
    pub created_ms: i64,
    /// When it is tried again by itself, or -1: as soon as there is a session that does.
    pub next_try_ms: i64,
    /// FTR_E_*: why it waits or failed, or 0.
    pub error_code: i32,
    /// Not used; 0.
    pub reserved: i32,
    /// The same for people.
    pub error_message: *const c_char,
    /// The file.
    pub path: *const c_char,
    /// ftr_publish_options.context, or what stood for it.
    pub context: *const c_char,
    /// For which server.
    pub server_url: *const c_char,
    /// In whose name.
    pub api_user: *const c_char,
    /// ftr_publish_options.tag.
    pub tag: u64,
    /// The size of its files together.
    pub size_bytes: u64,
    /// What copies of its files take in the outbox.
    pub copied_bytes: u64,
}

/// How the event hub of a session is. Begin with FTR_HUB_INFO_INIT; filled by ftr_hub_status.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_hub_info {
    /// sizeof(ftr_hub_info), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_HUB_*: what the connection is.
    pub status: i32,
    /// How often a connection came to be.
    pub connections: u64,
    /// Subscriptions of the session.
    pub subscriptions: u64,
    /// Events that wait to be sent.
    pub waiting: u64,
    /// Events that gave way to newer ones before they were sent: more than 1024, or 8 MiB, were waiting.
    pub dropped: u64,
    /// Published events whose FTR_EVENT_HUB_PUBLISHED has not come.
    pub published: u64,
}

/// An event of any kind. The pointers that a kind does not name are NULL.
#[repr(C)]
pub struct ftr_event_info {
    /// How much of this struct the library filled, in bytes.
    pub struct_size: u32,
    /// FTR_EVENT_*. Ignore kinds that you do not know: later versions add some.
    pub kind: i32,
    /// The session.
    pub session: ftr_session,
    /// The job, or 0.
    pub job: ftr_job,
    /// The tag in the options of the job, subscription or hub event, or 0.
    pub tag: u64,
    /// FTR_STATUS_*, of FTR_EVENT_STATUS; FTR_HUB_*, of FTR_EVENT_HUB_STATUS.
    pub status: i32,
    /// Not used; 0.
    pub reserved: i32,
    /// Why the status is not good, of FTR_EVENT_STATUS and FTR_EVENT_HUB_STATUS; why an event or a subscription failed, of FTR_EVENT_HUB_PUBLISHED and FTR_EVENT_HUB_REFUSED.
    pub error: *const ftr_error,
    /// Of FTR_EVENT_PROGRESS.
    pub progress: *const ftr_progress,
    /// Of FTR_EVENT_VERSION_CREATED and FTR_EVENT_JOB_ENDED.
    pub result: *const ftr_job_result,
    /// Of FTR_EVENT_LOG.
    pub log: *const ftr_log_line,
    /// How many log lines were lost, of FTR_EVENT_DROPPED; how many events of the hub, of FTR_EVENT_HUB_DROPPED.
    pub dropped: u64,
    /// Of FTR_EVENT_HUB and FTR_EVENT_HUB_REFUSED, or 0.
    pub subscription: ftr_subscription,
    /// Of FTR_EVENT_HUB and FTR_EVENT_HUB_REPLY: the event. Of FTR_EVENT_HUB_PUBLISHED: the event's id, and "" otherwise.
    pub hub: *const ftr_hub_event,
    /// Of FTR_EVENT_REVIEW, or 0.
    pub watch: ftr_watch,
    /// Of FTR_EVENT_REVIEW.
    pub review: *const ftr_review,
}

/// Called inside ftr_session_poll_events for FTR_EVENT_PROGRESS. The struct is valid during the call.
pub type ftr_progress_callback = Option<unsafe extern "C" fn(user_data: *mut c_void, progress: *const ftr_progress)>;

/// Called inside ftr_session_poll_events for FTR_EVENT_JOB_ENDED. The struct is valid during the call.
pub type ftr_job_callback = Option<unsafe extern "C" fn(user_data: *mut c_void, result: *const ftr_job_result)>;

/// Called inside ftr_session_poll_events for every event that has no callback of its own. The struct is valid during the call.
pub type ftr_event_callback = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const ftr_event_info)>;

/// Called inside ftr_session_poll_events for FTR_EVENT_LOG. The struct is valid during the call.
pub type ftr_log_callback = Option<unsafe extern "C" fn(user_data: *mut c_void, line: *const ftr_log_line)>;

/// Called on a thread of the library when there is something to poll again. It may only tell another thread so.
pub type ftr_wakeup_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// How to reach a server, and what to call. Begin with FTR_SESSION_OPTIONS_INIT. Everything is copied by ftr_session_create, but for user_data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_session_options {
    /// sizeof(ftr_session_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_SESSION_* flags, or 0.
    pub flags: u32,
    /// Such as "https://studio.ftrackapp.com". NULL: FTRACK_SERVER.
    pub server_url: *const c_char,
    /// The user's or a global API key. NULL: FTRACK_API_KEY, then FTRACK_APIKEY.
    pub api_key: *const c_char,
    /// The user's name, not id. NULL: FTRACK_API_USER, then the name of the operating system's user.
    pub api_user: *const c_char,
    /// How long one API request may take, in milliseconds. 0: 60 seconds.
    pub timeout_ms: i32,
    /// How long reaching a server may take, in milliseconds. 0: 10 seconds.
    pub connect_timeout_ms: i32,
    /// More headers for API requests, as the text of a JSON object of strings. They go to no other origin than the server's. NULL: none.
    pub headers: *const c_char,
    /// Cookies for API requests, as the text of a JSON object of strings. NULL: none.
    pub cookies: *const c_char,
    /// Such as "http://user:password@proxy.studio:3128". NULL: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. "": no proxy.
    pub proxy: *const c_char,
    /// A PEM file with certificates to trust besides those of the operating system and of SSL_CERT_FILE, SSL_CERT_DIR and REQUESTS_CA_BUNDLE. NULL: none.
    pub ca_file: *const c_char,
    /// FTR_LOG_*: which log lines are made.
    pub log_level: i32,
    /// Not used; 0.
    pub reserved: u32,
    /// Handed to the callbacks below. Not touched.
    pub user_data: *mut c_void,
    /// Or NULL.
    pub on_progress: ftr_progress_callback,
    /// Or NULL.
    pub on_job: ftr_job_callback,
    /// Or NULL. Gets every event whose own callback is NULL.
    pub on_event: ftr_event_callback,
    /// Or NULL.
    pub on_log: ftr_log_callback,
    /// The memory that file contents on their way may take, in bytes, for all uploads of the session together; at least FTR_BLOCK_SIZE. 0: 32 MiB.
    pub upload_memory_bytes: u64,
    /// A cap on the bytes a second of all uploads together; see ftr_session_set_upload_rate. 0: no cap.
    pub upload_bytes_per_second: u64,
    /// How many files larger than 16 MiB are uploaded at once, 1 to 64; as many smaller ones go beside them, so that a still does not wait for films. 0: 4.
    pub parallel_uploads: i32,
    /// How many requests an upload that is alone makes at once, 1 to 64. 0: 6 to begin with, and up to 16 while more make it faster. Never more than upload_memory_bytes has blocks.
    pub upload_connections: i32,
    /// FTR_VERIFY_*: how what arrived is compared with the file.
    pub upload_verify: i32,
    /// Not used; 0.
    pub reserved2: i32,
    /// A folder in which unfinished uploads of publishes with an idempotency_key are noted, so that another try, also in another process, sends only what is missing; made when it is not there. Small files of which nobody else may read any; no secret is in them. NULL: nothing is noted.
    pub journal_folder: *const c_char,
    /// The outbox: a folder in which every publish is kept until it has ended, so that it survives being offline, the end of this process and a reboot; made when it is not there. Any number of processes may use one folder. No secret is in it. NULL: none, unless FTR_SESSION_OUTBOX is set.
    pub outbox_folder: *const c_char,
    /// The most publishes in the outbox. One more is published without being kept, with a warning. 0: 1000.
    pub outbox_max_items: u64,
    /// The most bytes that copies of files in the outbox may take together (FTR_PUBLISH_COPY_SOURCE). 0: 20 GiB.
    pub outbox_max_bytes: u64,
    /// After so many seconds a publish in the outbox is not tried again by itself: it stays there as failed. 0: 30 days.
    pub outbox_max_age_s: u64,
    /// Each publish begins after a time drawn from 0 to this, in milliseconds, so that the machines of a farm that end a task together do not call the server together. 0: at once.
    pub start_spread_ms: i32,
    /// Not used; 0.
    pub reserved3: i32,
    /// The ffmpeg that makes movies and thumbnails: a path, or a name to look for on PATH. It is run as a program of its own, when it is needed. NULL: "ffmpeg" on PATH. "": none is used.
    pub ffmpeg_path: *const c_char,
    /// Where media that are made are kept until they are uploaded, in folders of their own that are removed in the end; not used by publishes that are kept in an outbox. NULL: the system's folder for temporary files.
    pub work_folder: *const c_char,
}

/// What to publish, and where. Begin with FTR_PUBLISH_OPTIONS_INIT. Everything is copied by ftr_session_publish_file.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_publish_options {
    /// sizeof(ftr_publish_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_PUBLISH_* flags, or 0.
    pub flags: u32,
    /// What is reviewed: a movie, a still, a PDF document, or a sequence of frames such as "shot.%04d.exr", "shot.####.exr", "shot.$F4.exr", "shot.[1001-1100].exr" or "shot.%04d.exr [1001-1100]". It must not change until the job has ended. Never NULL.
    /// H.264 mp4, jpg, png and PDF are shown as they are; of others FTR_MODE_AUTO has ffmpeg make an mp4 or jpg.
    pub path: *const c_char,
    /// Where it belongs: the id of a task, shot (or other parent), project or version, or names from the project down, such as "project/sq010/sh010/compositing". NULL: FTRACK_CONTEXTID, then FTRACK_TASKID, then FTRACK_SHOTID.
    /// A task's version goes to an asset of the task's parent and is linked to the task. A version's id means a further version of its asset.
    pub context: *const c_char,
    /// The asset. It is found by name, type and parent, or created. NULL: the file's name without ending and version ("sh010_comp_v003.mov" is "sh010_comp").
    pub asset_name: *const c_char,
    /// Name or short name of an asset type. One that is not there is FTR_E_UNKNOWN_ASSET_TYPE, or made with FTR_PUBLISH_CREATE_ASSET_TYPE. NULL: "upload".
    pub asset_type: *const c_char,
    /// The version's comment. NULL: none.
    pub comment: *const c_char,
    /// The name of one of the project's version statuses, in any case. NULL: the server's choice.
    pub status: *const c_char,
    /// A jpg or png to show in lists. NULL: an image beside the movie in `files`, else a still itself, else the movie's middle frame, taken with ffmpeg; without ffmpeg none, which the result warns of, because ftrack shows no play button on such a version.
    pub thumbnail: *const c_char,
    /// Any number: comes back in every event of the job.
    pub tag: u64,
    /// A text that names this publish and no other, such as the id of a farm's task: however often it is published with the same one, also from other processes, there is one version. With ftr_session_options.journal_folder an upload that failed goes on where it ended. NULL: each call is a publish of its own.
    pub idempotency_key: *const c_char,
    /// The topic of the event by which others hear of the version, if the event hub is connected when the publish ends. NULL: "ftreview.published".
    pub announce_topic: *const c_char,
    /// What that event says besides the ids and the link of the version, as the text of a JSON object. NULL: nothing.
    pub announce_data: *const c_char,
    /// FTR_MODE_*: how the file becomes something that browsers play.
    pub mode: i32,
    /// How long FTR_MODE_ENCODE waits for the server to encode, in milliseconds, before the job ends with FTR_E_ENCODE_STUCK. 0: 2 hours.
    pub encode_timeout_ms: i32,
    /// The name of a status for the task, in any case: one of those that the project has for tasks of its type. The context must be a task. Set when the media are shown. NULL: it stays as it is.
    pub task_status: *const c_char,
    /// Whose version it is: a username or an id. The user of the session needs the right to say so. NULL: the user of the session.
    pub user: *const c_char,
    /// Versions that this one was made from, as the text of a JSON array of ids. NULL: none.
    pub uses_versions: *const c_char,
    /// Lists of versions in the project that it is put into, as the text of a JSON array of names or ids. One that is not there is FTR_E_UNKNOWN_LIST, or made with FTR_PUBLISH_CREATE_LISTS. NULL: none.
    pub lists: *const c_char,
    /// Metadata of the version, as the text of a JSON object. Values that are no texts are written as JSON. NULL: none.
    pub metadata: *const c_char,
    /// Custom attributes of the version, as the text of a JSON object by their keys. A key that versions do not have is FTR_E_UNKNOWN_ATTRIBUTE. NULL: none.
    pub custom_attributes: *const c_char,
    /// A note on the version, by `user` where that is given and else by the user of the session. NULL: none.
    pub note: *const c_char,
    /// Labels of the note, as the text of a JSON array of names, in any case. NULL: none.
    pub note_labels: *const c_char,
    /// Files that hang on the note, as the text of a JSON array of paths: of any kind, uploaded with the media, and not to change before the job has ended. NULL: none.
    pub note_attachments: *const c_char,
    /// The frame that the note is about, counted from 0; INIT: -1, none. Where the server's notes have no frames, its text begins with it and the result says so.
    pub note_frame: i64,
    /// A review session of the project that the version is shown in: a name or an id. One that is not there is FTR_E_UNKNOWN_REVIEW_SESSION, or made with FTR_PUBLISH_CREATE_REVIEW_SESSION, open for two weeks. NULL: none.
    pub review_session: *const c_char,
    /// Who is to see the review session, as the text of a JSON array such as [{"name": "Anna", "email": "anna@studio.com"}]; "name" may be left out. Each address is added once, and who is added is sent ftrack's invitation; who was in it before gets no other. NULL: nobody.
    pub invitees: *const c_char,
    /// Files beside `path`: other sizes of it, a thumbnail, source files, frames. `file_count` structs one after the other, files[0].struct_size bytes apart. NULL: none.
    /// Movies without a component_name are sorted by height: the lowest is "ftrackreview-mp4", the others are "ftrackreview-mp4-1080", "-1440" and "-2160" by what they fit into. They must be one movie: as long, as fast and of the same shape. Of two images the larger is "ftrackreview-image-high". Servers before 4.5 show the first only: the others are left out, with a warning.
    pub files: *const ftr_publish_file,
    /// How many files there are.
    pub file_count: u64,
    /// Put over what "ftr_meta" of the media says by itself (frameIn, frameOut, frameRate, width, height, format), as the text of a JSON object; null takes a key away. NULL: nothing.
    pub meta: *const c_char,
    /// The number of the movie's first frame, for "ftr_meta".
    pub first_frame: i64,
    /// FTR_META_FRAME_OUT_*: what "frameOut" is.
    pub meta_frame_out: i32,
    /// FTR_HOLES_*: what is done where frames of a sequence are missing, empty or damaged.
    pub holes: i32,
    /// FTR_RENDITION_* together: the heights of the movies that ffmpeg makes. None is larger than its source: what a lower source is in full is its largest. 0: one of at most 1080 lines.
    pub renditions: u32,
    /// Not used; 0.
    pub reserved: i32,
    /// Frames a second of frames, such as "24", "23.976" or "24000/1001"; of a movie that is made of a movie, another rate than the source's. NULL: that of the source; frames need one (FTR_E_FRAME_RATE_NEEDED).
    pub frame_rate: *const c_char,
    /// Arguments for ffmpeg instead of the library's own, as the text of a JSON array of texts, without the program. "{input}" and "{output}" must stand in them; "{width}", "{height}", "{rate}", "{frames}", "{key_interval}", "{audio}" and "{lut}" may; "{{" is a brace. Frames are read with "-framerate", "{rate}", "-i", "{input}". What comes out must play. NULL: H.264 in yuv420p with BT.709, key frames for scrubbing, the index in front and AAC sound.
    pub ffmpeg_arguments: *const c_char,
    /// A look-up table that takes the values of scene-linear or logarithmic media to the display: a .cube, .3dl, .csp, .dat or .m3d file. NULL: none, and such media are refused with FTR_E_SCENE_LINEAR.
    pub lut: *const c_char,
}

/// A file that is published beside the main one. Begin with FTR_PUBLISH_FILE_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_publish_file {
    /// sizeof(ftr_publish_file), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_FILE_* flags, or 0.
    pub flags: u32,
    /// The file. It must not change until the job has ended. Never NULL.
    pub path: *const c_char,
    /// The component's name. NULL: that of its role; of FTR_ROLE_COMPONENT and FTR_ROLE_UNMANAGED the file's name without ending, of FTR_ROLE_SEQUENCE what all frames begin with. Movies and images to review have the names of ftrack's player only.
    pub component_name: *const c_char,
    /// FTR_ROLE_*: what it is to be.
    pub role: i32,
    /// Not used; 0.
    pub reserved: i32,
}

/// A file to send to an endpoint, and how. Begin with FTR_HTTP_UPLOAD_OPTIONS_INIT. Everything is copied by ftr_session_http_upload.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_http_upload_options {
    /// sizeof(ftr_http_upload_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_HTTP_UPLOAD_* flags, or 0.
    pub flags: u32,
    /// Where to: a path of the server, such as "/studio/review", with a query if it needs one, or a whole URL of the same origin. Never NULL.
    pub endpoint: *const c_char,
    /// The file. It must not change until the job has ended. Never NULL.
    pub path: *const c_char,
    /// The form's other fields, as the text of a JSON object of texts and lists of texts; a list is a field for each of its texts. They come before the file. At most 1 MiB. NULL: none.
    pub fields: *const c_char,
    /// The name of the field that has the file. NULL: "file".
    pub file_field: *const c_char,
    /// What the form calls the file. NULL: its own name, without folders.
    pub file_name: *const c_char,
    /// What the form says that it is. NULL: by its content or, where that is not known, by its name.
    pub content_type: *const c_char,
    /// More headers for this request, as the text of a JSON object of strings. NULL: none.
    pub headers: *const c_char,
    /// Any number: comes back in every event of the job.
    pub tag: u64,
    /// How long the endpoint may take to answer when it has everything, in milliseconds. 0: 5 minutes.
    pub answer_timeout_ms: i32,
    /// Not used; 0.
    pub reserved: i32,
}

/// A component to download, and to where. Begin with FTR_DOWNLOAD_OPTIONS_INIT. Everything is copied by ftr_session_download_component.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_download_options {
    /// sizeof(ftr_download_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_DOWNLOAD_* flags, or 0.
    pub flags: u32,
    /// The id of the FileComponent. Never NULL.
    pub component_id: *const c_char,
    /// The file to write. Its folder must be there. Never NULL.
    pub path: *const c_char,
    /// Any number: comes back in every event of the job.
    pub tag: u64,
}

/// What to remove. Begin with FTR_REMOVE_OPTIONS_INIT. Everything is copied by ftr_session_remove.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_remove_options {
    /// sizeof(ftr_remove_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_REMOVE_* flags, or 0.
    pub flags: u32,
    /// "FileComponent", "SequenceComponent" or "AssetVersion". Never NULL.
    pub entity_type: *const c_char,
    /// Its id. Never NULL.
    pub id: *const c_char,
    /// Any number: comes back in every event of the job.
    pub tag: u64,
}

/// How to subscribe to events of the hub. Begin with FTR_HUB_SUBSCRIBE_OPTIONS_INIT. Everything is copied by ftr_hub_subscribe, but for user_data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_hub_subscribe_options {
    /// sizeof(ftr_hub_subscribe_options), set by the INIT macro.
    pub struct_size: u32,
    /// Lower ones hear of an event before higher ones. INIT: 100.
    pub priority: i32,
    /// What the subscriber says of itself, as the text of a JSON object: targets of events are compared with it, and the server is told. NULL: an id of its own, and "applicationId": "ftreview".
    pub metadata: *const c_char,
    /// Any number: comes back in every event of the subscription.
    pub tag: u64,
    /// Gets the FTR_EVENT_HUB and FTR_EVENT_HUB_REFUSED of this subscription, inside ftr_session_poll_events. NULL: the session's on_event does.
    pub callback: ftr_event_callback,
    /// Handed to the callback. Not touched.
    pub user_data: *mut c_void,
}

/// How to publish an event. Begin with FTR_HUB_PUBLISH_OPTIONS_INIT. Everything is copied by ftr_hub_publish, but for user_data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_hub_publish_options {
    /// sizeof(ftr_hub_publish_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_HUB_LOCAL, or 0.
    pub flags: u32,
    /// For whom: an expression on what subscribers say of themselves, such as "applicationId=ftrack.client.web". NULL: everybody.
    pub target: *const c_char,
    /// The id of the event that this one answers. NULL: none.
    pub in_reply_to: *const c_char,
    /// Any number: comes back in every event about this one.
    pub tag: u64,
    /// How long to wait for replies, in milliseconds. 0: none are wanted.
    pub reply_timeout_ms: i32,
    /// After how many replies to stop waiting. 0: all that come in the time.
    pub max_replies: u32,
    /// Gets the FTR_EVENT_HUB_REPLY and the FTR_EVENT_HUB_PUBLISHED of this event, inside ftr_session_poll_events. NULL: the session's on_event does.
    pub callback: ftr_event_callback,
    /// Handed to the callback. Not touched.
    pub user_data: *mut c_void,
}

/// What to watch. Begin with FTR_WATCH_OPTIONS_INIT and set one of `version_id`, `review_session_id` and FTR_WATCH_PUBLISHED. Everything is copied by ftr_session_watch, but for user_data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ftr_watch_options {
    /// sizeof(ftr_watch_options), set by the INIT macro.
    pub struct_size: u32,
    /// FTR_WATCH_PUBLISHED, or 0.
    pub flags: u32,
    /// A version's id, or NULL.
    pub version_id: *const c_char,
    /// A review session's id, or NULL: every version in it, also those that are added later.
    pub review_session_id: *const c_char,
    /// Any number: comes back in every event of the watch.
    pub tag: u64,
    /// Gets the FTR_EVENT_REVIEW of this watch, inside ftr_session_poll_events. NULL: the session's on_event does.
    pub callback: ftr_event_callback,
    /// Handed to the callback. Not touched.
    pub user_data: *mut c_void,
}
