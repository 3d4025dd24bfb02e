//! Numbers of the header. Each is the number of a Rust enum, which the assertions below check.

use crate::session::error::{Class, Stage};
use crate::session::event::State;
use crate::session::log::Level;
use crate::session::news::HubStatus;
use crate::session::policy;
use crate::session::review::Deed;
use crate::session::status::Status;

/// The version of the ABI that this header describes. It only grows: a program built with version n works with every library whose ftr_abi_version() is n or more.
pub const FTR_ABI_VERSION: u32 = 1;

/// Success. Functions that count return the count instead, which is never negative.
pub const FTR_OK: i32 = 0;

/// As a timeout: no limit. As any timeout, 0 is "do not wait".
pub const FTR_NO_TIMEOUT: i32 = -1;

/// Class of an error: the call was wrong, fix the program.
pub const FTR_CLASS_MISUSE: i32 = 1;
/// Class of an error: not possible in the present state, such as closed, full, cancelled.
pub const FTR_CLASS_STATE: i32 = 2;
/// Class of an error: the session's settings are wrong or missing.
pub const FTR_CLASS_CONFIGURATION: i32 = 3;
/// Class of an error: the file on disk is the reason.
pub const FTR_CLASS_FILE: i32 = 4;
/// Class of an error: the network, or something in it, is the reason.
pub const FTR_CLASS_NETWORK: i32 = 5;
/// Class of an error: the ftrack server answered, and said no.
pub const FTR_CLASS_SERVER: i32 = 6;
/// Class of an error: the storage that holds the media said no.
pub const FTR_CLASS_STORAGE: i32 = 7;
/// Class of an error: what the file contains cannot be reviewed as it is.
pub const FTR_CLASS_MEDIA: i32 = 8;
/// Class of an error: the publish asks for something that the project does not have.
pub const FTR_CLASS_PUBLISH: i32 = 9;
/// Class of an error: a defect in this library; please report it.
pub const FTR_CLASS_INTERNAL: i32 = 10;

/// The session has no answer from the server yet.
pub const FTR_STATUS_CONNECTING: i32 = 1;
/// The server answers and knows the user.
pub const FTR_STATUS_READY: i32 = 2;
/// The server refuses the user and key.
pub const FTR_STATUS_UNAUTHORISED: i32 = 3;
/// No answer: unknown name, nothing listening, no network, or a server that fails. This and the next three are tried again in the background, until the session ends.
pub const FTR_STATUS_UNREACHABLE: i32 = 4;
/// No trusted encrypted connection could be made.
pub const FTR_STATUS_TLS_FAILED: i32 = 5;
/// The proxy is the reason.
pub const FTR_STATUS_PROXY_FAILED: i32 = 6;
/// What answers at the URL is no ftrack server.
pub const FTR_STATUS_WRONG_SERVER: i32 = 7;
/// The session's own settings are the reason, such as a CA file that cannot be read.
pub const FTR_STATUS_MISCONFIGURED: i32 = 8;
/// The session was closed.
pub const FTR_STATUS_CLOSED: i32 = 9;

/// The job has not ended: the state of the result in an FTR_EVENT_VERSION_CREATED.
pub const FTR_JOB_RUNNING: i32 = 0;
/// The job did all that was asked.
pub const FTR_JOB_DONE: i32 = 1;
/// The job failed; its error says why.
pub const FTR_JOB_FAILED: i32 = 2;
/// The job was cancelled.
pub const FTR_JOB_CANCELLED: i32 = 3;
/// The job ended for now and stays in the outbox, where this session, another one or ftr_outbox_resume goes on with it; its error says why.
pub const FTR_JOB_PARKED: i32 = 4;

/// Accepted, and not begun.
pub const FTR_STAGE_ACCEPTED: i32 = 1;
/// The file is looked at; nothing was sent.
pub const FTR_STAGE_CHECKING: i32 = 2;
/// Names become ids; nothing was created.
pub const FTR_STAGE_RESOLVING: i32 = 3;
/// Bytes go to storage; no reviewer sees anything yet.
pub const FTR_STAGE_UPLOADING: i32 = 4;
/// The version is created and given its media. From here on a job is not cancelled any more.
pub const FTR_STAGE_VERSIONING: i32 = 5;
/// What comes after the version.
pub const FTR_STAGE_FINISHING: i32 = 6;
/// Others are told.
pub const FTR_STAGE_ANNOUNCING: i32 = 7;
/// Bytes come from storage.
pub const FTR_STAGE_DOWNLOADING: i32 = 8;
/// Entities and their bytes are removed from the server. From here on a job is not cancelled any more.
pub const FTR_STAGE_REMOVING: i32 = 9;
/// Of FTR_MODE_ENCODE, between FTR_STAGE_VERSIONING and FTR_STAGE_FINISHING: the server encodes. Cancelling still takes everything back.
pub const FTR_STAGE_ENCODING: i32 = 10;
/// ffmpeg makes media on this machine, between FTR_STAGE_RESOLVING and FTR_STAGE_UPLOADING. ftr_job_pause does not hold it, cancelling stops it at once.
pub const FTR_STAGE_TRANSCODING: i32 = 11;

/// The session's status changed: see ftr_event_info.status and .error. Only the latest is kept.
pub const FTR_EVENT_STATUS: i32 = 1;
/// How far a job is: see .progress. Only the latest of a job is kept, at most ten a second.
pub const FTR_EVENT_PROGRESS: i32 = 2;
/// The version exists on the server: see .result. Comes before the job's end.
pub const FTR_EVENT_VERSION_CREATED: i32 = 3;
/// A job's end: see .result. Exactly one for each accepted job.
pub const FTR_EVENT_JOB_ENDED: i32 = 4;
/// A log line: see .log.
pub const FTR_EVENT_LOG: i32 = 5;
/// Log lines were dropped because nobody polled: see .dropped.
pub const FTR_EVENT_DROPPED: i32 = 6;
/// Whether the event hub is connected has changed: see .status (FTR_HUB_*) and .error. Only the latest is kept.
pub const FTR_EVENT_HUB_STATUS: i32 = 7;
/// An event of the hub, for one subscription: see .subscription and .hub.
pub const FTR_EVENT_HUB: i32 = 8;
/// A reply to an event that was published with ftr_hub_publish: see .hub and .tag.
pub const FTR_EVENT_HUB_REPLY: i32 = 9;
/// The end of an event that was published with ftr_hub_publish; exactly one for each. .error is NULL when the server has it, and when the replies came that were waited for.
pub const FTR_EVENT_HUB_PUBLISHED: i32 = 10;
/// The server refuses a subscription: see .subscription and .error. It stays, and is asked for again by the next connection.
pub const FTR_EVENT_HUB_REFUSED: i32 = 11;
/// Events of the hub were dropped because nobody polled, the oldest first: see .dropped. More than 4096, or 32 MiB, were waiting.
pub const FTR_EVENT_HUB_DROPPED: i32 = 12;
/// A reviewer did something to what ftr_session_watch watches: see .watch and .review.
pub const FTR_EVENT_REVIEW: i32 = 13;
/// A job is in the outbox: from here on it survives the end of this process; see .result and its outbox_id.
pub const FTR_EVENT_JOB_KEPT: i32 = 14;
/// A publish from the outbox goes on as a job of this session, which the host did not submit: see .job, .tag and .result. Its other events follow. The handle ends with ftr_job_free or ftr_session_free.
pub const FTR_EVENT_JOB_RESUMED: i32 = 15;

/// A publish in the outbox waits for its next try.
pub const FTR_OUTBOX_WAITING: i32 = 1;
/// A publish in the outbox is being worked on, in this process or another.
pub const FTR_OUTBOX_RUNNING: i32 = 2;
/// A publish in the outbox has failed for good: .error_message says why. It stays until ftr_outbox_retry or ftr_outbox_forget, or until the outbox is full.
pub const FTR_OUTBOX_FAILED: i32 = 3;
/// A publish in the outbox was cancelled or has failed, and what it made on the server is still to be removed.
pub const FTR_OUTBOX_UNDOING: i32 = 4;
/// An item of the outbox cannot be read, because the disk or somebody has changed its files. ftr_outbox_forget removes it.
pub const FTR_OUTBOX_DAMAGED: i32 = 5;
/// An item of the outbox was written by a newer version of the library, which can go on with it.
pub const FTR_OUTBOX_NEWER: i32 = 6;

/// A note was written: ftr_review.text and .frame.
pub const FTR_REVIEW_NOTE: i32 = 1;
/// The version has another status, named in .text, which is neither of the next two.
pub const FTR_REVIEW_STATUS: i32 = 2;
/// Approved: in a review session, or by a status whose name says so, which .text has.
pub const FTR_REVIEW_APPROVED: i32 = 3;
/// Changes are required: in a review session, or by a status whose name says so, which .text has.
pub const FTR_REVIEW_CHANGES_REQUIRED: i32 = 4;
/// There are new media for the web player, named in .text: the server has encoded them, or somebody added them.
pub const FTR_REVIEW_ENCODED: i32 = 5;
/// The version has another thumbnail: .id is the component.
pub const FTR_REVIEW_THUMBNAIL: i32 = 6;

/// No connection to the event hub, because nobody asked for one.
pub const FTR_HUB_OFF: i32 = 1;
/// The connection to the event hub is being made, for the first time or again; this goes on until it is there.
pub const FTR_HUB_CONNECTING: i32 = 2;
/// Events come and go.
pub const FTR_HUB_CONNECTED: i32 = 3;
/// The server does not accept the user and key, or the session's settings are wrong. ftr_hub_connect tries again.
pub const FTR_HUB_UNACCEPTED: i32 = 4;

/// Log nothing.
pub const FTR_LOG_OFF: i32 = 0;
/// Log what failed.
pub const FTR_LOG_ERROR: i32 = 1;
/// Log also what went on, but not as it should. The level of FTR_SESSION_OPTIONS_INIT.
pub const FTR_LOG_WARNING: i32 = 2;
/// Log also each step of the work.
pub const FTR_LOG_INFO: i32 = 3;
/// Log also each request, with its duration.
pub const FTR_LOG_DEBUG: i32 = 4;
/// Log everything.
pub const FTR_LOG_TRACE: i32 = 5;

/// In ftr_session_options.flags: ask the server for its strict mode, with real HTTP status codes.
pub const FTR_SESSION_STRICT_API: u32 = 1;
/// In ftr_session_options.flags: connect to the event hub in the background, as ftr_hub_connect does.
pub const FTR_SESSION_AUTO_CONNECT_EVENT_HUB: u32 = 2;

/// In ftr_session_options.flags: keep publishes in the user's own outbox, which all programs of the user share: $XDG_STATE_HOME/ftreview/outbox, where that is not set ~/.local/state/ftreview/outbox; on macOS ~/Library/Application Support/ftreview/outbox; on Windows %LOCALAPPDATA%\ftreview\outbox.
pub const FTR_SESSION_OUTBOX: u32 = 4;
/// In ftr_session_options.flags: nothing of the outbox is gone on with by itself, only by ftr_outbox_resume and ftr_outbox_retry.
pub const FTR_SESSION_OUTBOX_MANUAL: u32 = 8;

/// In ftr_hub_publish_options.flags: the event is only for subscriptions of the same session, and needs no connection.
pub const FTR_HUB_LOCAL: u32 = 1;

/// In ftr_watch_options.flags: watch what this session has published, and what it will publish.
pub const FTR_WATCH_PUBLISHED: u32 = 1;

/// In ftr_publish_options.flags: leave width and height out of the movie's ftr_meta. ftrack's documentation asks for them; some servers were seen not to play a movie that has them.
pub const FTR_PUBLISH_META_WITHOUT_SIZE: u32 = 1;

/// In ftr_publish_options.flags: the outbox keeps a copy of the files, so that they may change or vanish once FTR_EVENT_JOB_KEPT has come. Takes as much disk until the publish has ended; without an outbox it means nothing.
pub const FTR_PUBLISH_COPY_SOURCE: u32 = 2;
/// In ftr_http_upload_options.flags: without the user, key, headers and cookies of the session; then the address may be of any server.
pub const FTR_HTTP_UPLOAD_NO_AUTH: u32 = 1;
/// In ftr_http_upload_options.flags: the endpoint may get the same file twice without harm, so that a request whose answer was lost is sent again.
pub const FTR_HTTP_UPLOAD_REPEATABLE: u32 = 2;
/// In ftr_http_upload_options.flags: PUT instead of POST.
pub const FTR_HTTP_UPLOAD_PUT: u32 = 4;

/// In ftr_download_options.flags: what is at the path is replaced, when the whole component is there.
pub const FTR_DOWNLOAD_OVERWRITE: u32 = 1;

/// In ftr_remove_options.flags: what is not there (any more) is no failure.
pub const FTR_REMOVE_MISSING_OK: u32 = 1;

/// In ftr_publish_options.flags: the version's thumbnail becomes the task's, too. It is uploaded once.
pub const FTR_PUBLISH_TASK_THUMBNAIL: u32 = 0x100;
/// In ftr_publish_options.flags: the version's thumbnail becomes that of the asset's parent, too, such as the shot.
pub const FTR_PUBLISH_PARENT_THUMBNAIL: u32 = 0x200;

/// In ftr_publish_options.flags: `path` is a sequence also where it is the name of one frame; the others are looked for beside it.
pub const FTR_PUBLISH_SEQUENCE: u32 = 0x400;
/// In ftr_publish_options.flags: the values of the media are made for a display, whatever the files say, such as EXR frames that went through a view transform. They are not refused with FTR_E_SCENE_LINEAR.
pub const FTR_PUBLISH_DISPLAY_REFERRED: u32 = 0x800;

/// As ftr_publish_options.holes: the publish fails with FTR_E_SEQUENCE_HOLES.
pub const FTR_HOLES_REFUSE: i32 = 0;
/// As ftr_publish_options.holes: the frame before is shown in their place, so that all others keep their time.
pub const FTR_HOLES_HOLD: i32 = 1;
/// As ftr_publish_options.holes: they are left out, and the movie is shorter.
pub const FTR_HOLES_LEAVE_OUT: i32 = 2;

/// In ftr_publish_options.renditions: 720 lines.
pub const FTR_RENDITION_720: u32 = 1;
/// In ftr_publish_options.renditions: 1080 lines.
pub const FTR_RENDITION_1080: u32 = 2;
/// In ftr_publish_options.renditions: 1440 lines.
pub const FTR_RENDITION_1440: u32 = 4;
/// In ftr_publish_options.renditions: 2160 lines.
pub const FTR_RENDITION_2160: u32 = 8;

/// As ftr_publish_options.meta_frame_out: the number of the last frame, so that 100 frames from 0 end with 99.
pub const FTR_META_FRAME_OUT_LAST: i32 = 0;
/// As ftr_publish_options.meta_frame_out: one more than that, which some servers and studios expect: 100.
pub const FTR_META_FRAME_OUT_COUNT: i32 = 1;

/// Role of a file: what its content says. Movies and images are reviewed; an image beside a movie is its thumbnail.
pub const FTR_ROLE_AUTO: i32 = 0;
/// Role of a file: a movie that reviewers open, in another size than the main one.
pub const FTR_ROLE_MOVIE: i32 = 1;
/// Role of a file: an image that reviewers open, in another size than the main one.
pub const FTR_ROLE_IMAGE: i32 = 2;
/// Role of a file: a PDF document that reviewers open.
pub const FTR_ROLE_PDF: i32 = 3;
/// Role of a file: the thumbnail, as ftr_publish_options.thumbnail.
pub const FTR_ROLE_THUMBNAIL: i32 = 4;
/// Role of a file: a component that is uploaded as it is, whatever is in it.
pub const FTR_ROLE_COMPONENT: i32 = 5;
/// Role of a file: a component of which ftrack is told the path, in its location "ftrack.unmanaged". Nothing is uploaded. A folder is allowed.
pub const FTR_ROLE_UNMANAGED: i32 = 6;
/// Role of a file: a sequence of frames, as a SequenceComponent with a member for each frame. ftrack is told their paths, unless FTR_FILE_UPLOAD_FRAMES is set.
pub const FTR_ROLE_SEQUENCE: i32 = 7;

/// In ftr_publish_file.flags: the frames of FTR_ROLE_SEQUENCE are uploaded.
pub const FTR_FILE_UPLOAD_FRAMES: u32 = 1;

/// In ftr_publish_options.flags: make the lists in ftr_publish_options.lists that are not there.
pub const FTR_PUBLISH_CREATE_LISTS: u32 = 4;
/// In ftr_publish_options.flags: make the review session in ftr_publish_options.review_session where it is not there.
pub const FTR_PUBLISH_CREATE_REVIEW_SESSION: u32 = 8;
/// In ftr_publish_options.flags: invitees are added to the review session and get no mail.
pub const FTR_PUBLISH_DO_NOT_INVITE: u32 = 16;
/// In ftr_publish_options.flags: the context is the id of a version, and that version gets the media: no new one is made. The new media are added before the earlier ones are removed, so that it is never without. Its comment, status, user and thumbnail change where they are given. A publish that fails leaves the version as it was.
pub const FTR_PUBLISH_INTO_VERSION: u32 = 32;
/// In ftr_publish_options.flags: make the asset type in ftr_publish_options.asset_type where it is not there.
pub const FTR_PUBLISH_CREATE_ASSET_TYPE: u32 = 64;
/// In ftr_publish_options.flags: with FTR_MODE_ENCODE, the version keeps the source as a component besides what is made of it. Without it the server deletes the source when it has encoded it.
pub const FTR_PUBLISH_KEEP_ORIGINAL: u32 = 128;

/// In ftr_publish_options.mode: the library chooses. What browsers play is published as it is; of the rest ffmpeg makes an mp4 or jpg, as FTR_MODE_TRANSCODE does; where there is no ffmpeg, the server encodes a movie, as FTR_MODE_ENCODE does. What was chosen, and why, is a warning of the result.
pub const FTR_MODE_AUTO: i32 = 0;
/// In ftr_publish_options.mode: the file is published as it is, and one that browsers do not play is refused.
pub const FTR_MODE_DIRECT: i32 = 1;
/// In ftr_publish_options.mode: the file is uploaded, and the server encodes it. The version is there from the beginning and shows its media when the server is done: see FTR_STAGE_ENCODING.
pub const FTR_MODE_ENCODE: i32 = 2;
/// In ftr_publish_options.mode: ffmpeg on this machine makes a movie of the movie or frames, or a jpg of the still, which is published; also where browsers would play the file as it is. See ftr_session_options.ffmpeg_path, and ftr_publish_options.renditions, .frame_rate, .ffmpeg_arguments, .lut and .holes.
pub const FTR_MODE_TRANSCODE: i32 = 3;

/// In ftr_session_options.upload_verify: the MD5 of what is sent is computed on the way, and compared with the ETag that the storage answers where that is an MD5; else the job says so as a warning. Costs one core a second for 0.9 GB.
pub const FTR_VERIFY_ETAG: i32 = 0;
/// Nothing is computed: what was put together of parts is compared by its size, and the rest is what the storage checks by itself.
pub const FTR_VERIFY_OFF: i32 = 1;
/// As FTR_VERIFY_ETAG, and files of up to 16 MiB, which go up in one request, are read beforehand so that the storage is told their MD5 (Content-MD5) and refuses other bytes.
pub const FTR_VERIFY_CONTENT_MD5: i32 = 2;

/// Files are read and sent in blocks of this many bytes: the least that ftr_session_options.upload_memory_bytes may be.
pub const FTR_BLOCK_SIZE: u64 = 1_048_576;

const _: () = {
    assert!(FTR_BLOCK_SIZE == policy::BLOCK_SIZE as u64);
    assert!(FTR_CLASS_MISUSE == Class::Misuse as i32 && FTR_CLASS_STATE == Class::State as i32);
    assert!(FTR_CLASS_CONFIGURATION == Class::Configuration as i32 && FTR_CLASS_FILE == Class::File as i32);
    assert!(FTR_CLASS_NETWORK == Class::Network as i32 && FTR_CLASS_SERVER == Class::Server as i32);
    assert!(FTR_CLASS_STORAGE == Class::Storage as i32 && FTR_CLASS_MEDIA == Class::Media as i32);
    assert!(FTR_CLASS_PUBLISH == Class::Publish as i32 && FTR_CLASS_INTERNAL == Class::Internal as i32);
    assert!(FTR_STATUS_CONNECTING == Status::Connecting as i32 && FTR_STATUS_READY == Status::Ready as i32);
    assert!(FTR_STATUS_UNAUTHORISED == Status::Unauthorised as i32);
    assert!(FTR_STATUS_UNREACHABLE == Status::Unreachable as i32 && FTR_STATUS_TLS_FAILED == Status::TlsFailed as i32);
    assert!(FTR_STATUS_PROXY_FAILED == Status::ProxyFailed as i32);
    assert!(FTR_STATUS_WRONG_SERVER == Status::WrongServer as i32);
    assert!(FTR_STATUS_MISCONFIGURED == Status::Misconfigured as i32 && FTR_STATUS_CLOSED == Status::Closed as i32);
    assert!(FTR_JOB_DONE == State::Done as i32 && FTR_JOB_FAILED == State::Failed as i32);
    assert!(FTR_JOB_CANCELLED == State::Cancelled as i32 && FTR_JOB_PARKED == State::Parked as i32);
    assert!(FTR_STAGE_ACCEPTED == Stage::Accepted as i32 && FTR_STAGE_CHECKING == Stage::Checking as i32);
    assert!(FTR_STAGE_RESOLVING == Stage::Resolving as i32 && FTR_STAGE_UPLOADING == Stage::Uploading as i32);
    assert!(FTR_STAGE_VERSIONING == Stage::Versioning as i32 && FTR_STAGE_FINISHING == Stage::Finishing as i32);
    assert!(FTR_STAGE_ANNOUNCING == Stage::Announcing as i32);
    assert!(FTR_STAGE_DOWNLOADING == Stage::Downloading as i32 && FTR_STAGE_REMOVING == Stage::Removing as i32);
    assert!(FTR_STAGE_ENCODING == Stage::Encoding as i32 && FTR_STAGE_TRANSCODING == Stage::Transcoding as i32);
    assert!(FTR_HUB_OFF == HubStatus::Off as i32 && FTR_HUB_CONNECTING == HubStatus::Connecting as i32);
    assert!(FTR_HUB_CONNECTED == HubStatus::Connected as i32 && FTR_HUB_UNACCEPTED == HubStatus::Refused as i32);
    assert!(FTR_REVIEW_NOTE == Deed::Note as i32 && FTR_REVIEW_STATUS == Deed::Status as i32);
    assert!(FTR_REVIEW_APPROVED == Deed::Approved as i32 && FTR_REVIEW_ENCODED == Deed::Encoded as i32);
    assert!(FTR_REVIEW_CHANGES_REQUIRED == Deed::ChangesRequired as i32);
    assert!(FTR_REVIEW_THUMBNAIL == Deed::Thumbnail as i32);
    assert!(FTR_LOG_OFF == Level::Off as i32 && FTR_LOG_ERROR == Level::Error as i32);
    assert!(FTR_LOG_WARNING == Level::Warning as i32 && FTR_LOG_INFO == Level::Info as i32);
    assert!(FTR_LOG_DEBUG == Level::Debug as i32 && FTR_LOG_TRACE == Level::Trace as i32);
};
