//! One table of error codes: it makes the Rust enum, the constants of the C header, their names and
//! their documentation. A number, once released, is never given another meaning.

use super::secret::Redactor;
use std::fmt;
use std::time::Duration;

/// What kind of failure this is, for programs that decide by kind rather than by code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Class {
    /// The call was wrong: fix the program.
    Misuse = 1,
    /// Not possible in the present state: closed, full, forked, timed out, cancelled.
    State = 2,
    /// The session's settings are wrong or missing.
    Configuration = 3,
    /// The file on disk is the reason.
    File = 4,
    /// The network between here and the server, or something in it.
    Network = 5,
    /// The ftrack server answered, and said no.
    Server = 6,
    /// The storage that holds the media said no, or holds something else than was sent.
    Storage = 7,
    /// What the file contains cannot be reviewed as it is.
    Media = 8,
    /// The publish asks for something that the project does not have.
    Publish = 9,
    /// A defect in this library.
    Internal = 10,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:literal, $constant:literal, $class:ident, $retryable:literal;)+) => {
        /// Every error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Code { $($(#[doc = $doc])+ $name = $value,)+ }

        impl Code {
            /// The table, in the order of the header.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The name of the constant in C, such as `FTR_E_NULL_ARGUMENT`.
            pub const fn constant(self) -> &'static str { match self { $(Code::$name => $constant,)+ } }

            /// What it means and what to do next: the text of the header.
            pub const fn documentation(self) -> &'static str { match self { $(Code::$name => concat!($($doc, "\n",)+),)+ } }

            /// The kind of failure.
            pub const fn class(self) -> Class { match self { $(Code::$name => Class::$class,)+ } }

            /// Whether the same call may succeed later with nothing changed.
            pub const fn retryable(self) -> bool { match self { $(Code::$name => $retryable,)+ } }

            /// The code with this number.
            pub const fn from_value(value: i32) -> Option<Code> { match value { $($value => Some(Code::$name),)+ _ => None } }
        }
    };
}

codes! {
    /// A pointer that must be given was NULL. The message names the argument.
    NullArgument = -101, "FTR_E_NULL_ARGUMENT", Misuse, false;
    /// A text was not UTF-8. Convert it first; on Windows from the wide form of the path.
    NotUtf8 = -102, "FTR_E_NOT_UTF8", Misuse, false;
    /// struct_size is none that this library knows: initialise the struct with its INIT macro, or update the library.
    StructSize = -103, "FTR_E_STRUCT_SIZE", Misuse, false;
    /// The value is no handle of this copy of the library.
    BadHandle = -104, "FTR_E_BAD_HANDLE", Misuse, false;
    /// The handle was freed before.
    StaleHandle = -105, "FTR_E_STALE_HANDLE", Misuse, false;
    /// A handle of another kind, such as a job where a session is expected.
    WrongHandleKind = -106, "FTR_E_WRONG_HANDLE_KIND", Misuse, false;
    /// A value is outside what the argument allows. The message names argument, value and what is allowed.
    InvalidArgument = -107, "FTR_E_INVALID_ARGUMENT", Misuse, false;
    /// A text that must be JSON is not, or has the wrong shape.
    InvalidJson = -108, "FTR_E_INVALID_JSON", Misuse, false;
    /// A subscription's expression or an event's target cannot be read. The message names the position and what was expected there.
    Expression = -109, "FTR_E_EXPRESSION", Misuse, false;
    /// The address is not one of the ftrack server, and the user and key go to no other. Send without them (FTR_HTTP_UPLOAD_NO_AUTH), or give an address of the server.
    ForeignOrigin = -112, "FTR_E_FOREIGN_ORIGIN", Misuse, false;

    /// Called from the wake-up callback, in which only the functions for versions and for error texts may be called.
    WouldDeadlock = -201, "FTR_E_WOULD_DEADLOCK", State, false;
    /// Events were polled from inside a callback of the same session's poll.
    Reentrant = -202, "FTR_E_REENTRANT", State, false;
    /// Another thread is polling this session at this moment; one at a time may.
    ConcurrentPoll = -203, "FTR_E_CONCURRENT_POLL", State, false;
    /// The session is closed: it accepts nothing new. Events that are left can still be polled.
    Closed = -204, "FTR_E_CLOSED", State, false;
    /// Called in a child process made by fork. Use the library in the parent, or in the child after exec.
    Forked = -205, "FTR_E_FORKED", State, false;
    /// So many jobs are accepted and not yet reported that no room for another's end can be promised. Poll events, or free jobs that were waited for.
    QueueFull = -206, "FTR_E_QUEUE_FULL", State, true;
    /// The time given to the call is over. What it waited for goes on.
    TimedOut = -207, "FTR_E_TIMED_OUT", State, true;
    /// The job was cancelled by the host, or ended by closing or freeing its session.
    Cancelled = -208, "FTR_E_CANCELLED", State, false;
    /// The event hub is neither connected nor being connected, and the event is for others: call ftr_hub_connect first.
    HubOff = -209, "FTR_E_HUB_OFF", State, false;
    /// The event was dropped before it was sent: more are waiting for the event hub than there is room for.
    HubDropped = -210, "FTR_E_HUB_DROPPED", State, true;
    /// Another thread or process is working on this item of the outbox. Wait for its end, or come back later.
    OutboxBusy = -211, "FTR_E_OUTBOX_BUSY", State, true;
    /// The outbox has no such item: it may have ended meanwhile. List the outbox to see what is there.
    OutboxNoItem = -212, "FTR_E_OUTBOX_NO_ITEM", State, false;
    /// The outbox holds as many items, or as many bytes of copied files, as it may. Drain it, forget items that failed, or allow more.
    OutboxFull = -213, "FTR_E_OUTBOX_FULL", State, true;
    /// The outbox's folder cannot be read, written or locked: no permission, read-only, a full disk, or a file system without locks. The message names the path and the remedy.
    OutboxUnusable = -214, "FTR_E_OUTBOX_UNUSABLE", State, false;
    /// The item was written by a newer version of this library. Resume it with that version; this one leaves it alone.
    OutboxNewer = -215, "FTR_E_OUTBOX_NEWER", State, false;
    /// The item's files are not what was written: it is never published. Forget it, and publish its file again.
    OutboxDamaged = -216, "FTR_E_OUTBOX_DAMAGED", State, false;

    /// The session has no outbox: create it with ftr_session_options.outbox_folder or FTR_SESSION_OUTBOX.
    OutboxOff = -217, "FTR_E_OUTBOX_OFF", State, false;
    /// The item of the outbox is another user's, or goes to another server: use a session of that user and server.
    OutboxOther = -218, "FTR_E_OUTBOX_OTHER", State, false;
    /// The item of the outbox has failed for good, and waits for ftr_outbox_retry or ftr_outbox_forget. The message says why it failed.
    OutboxFailed = -219, "FTR_E_OUTBOX_FAILED", State, false;
    /// The publish was in the outbox for longer than ftr_session_options.outbox_max_age_s, and is not tried again by itself.
    OutboxExpired = -220, "FTR_E_OUTBOX_EXPIRED", State, false;

    /// No server URL was given and FTRACK_SERVER is not set.
    NoServerUrl = -301, "FTR_E_NO_SERVER_URL", Configuration, false;
    /// The server URL is not one: it must look like https://studio.ftrackapp.com.
    BadServerUrl = -302, "FTR_E_BAD_SERVER_URL", Configuration, false;
    /// No API key was given and neither FTRACK_API_KEY nor FTRACK_APIKEY is set.
    NoApiKey = -303, "FTR_E_NO_API_KEY", Configuration, false;
    /// No API user was given, FTRACK_API_USER is not set and the operating system names no user.
    NoApiUser = -304, "FTR_E_NO_API_USER", Configuration, false;
    /// The proxy is not a URL such as http://proxy.studio:3128.
    BadProxyUrl = -305, "FTR_E_BAD_PROXY_URL", Configuration, false;
    /// The CA file cannot be read or holds no PEM certificate.
    CaFile = -306, "FTR_E_CA_FILE", Configuration, false;

    /// There is no file at the path, or no folder for one that is to be written.
    FileNotFound = -401, "FTR_E_FILE_NOT_FOUND", File, false;
    /// The path is a directory or a device, not a file.
    NotAFile = -402, "FTR_E_NOT_A_FILE", File, false;
    /// The file has no bytes: the render or export that made it did not finish.
    FileEmpty = -403, "FTR_E_FILE_EMPTY", File, false;
    /// The file is there and may not be read by this user, or reading it failed.
    FileUnreadable = -404, "FTR_E_FILE_UNREADABLE", File, false;
    /// The file grew or changed while it was checked or uploaded. Publish it when it is written whole.
    FileChanged = -405, "FTR_E_FILE_CHANGED", File, true;
    /// The file is larger than the server takes.
    FileTooLarge = -406, "FTR_E_FILE_TOO_LARGE", File, false;
    /// The file of an item of the outbox has changed since the publish was accepted. Retry the item to publish it as it is now, or forget the item.
    SourceChanged = -407, "FTR_E_SOURCE_CHANGED", File, false;
    /// The file of an item of the outbox is no longer there. Bring it back, or the drive that it is on, and retry the item; or forget it.
    SourceGone = -408, "FTR_E_SOURCE_GONE", File, true;
    /// There is something at the path that is to be written. Give another path, or FTR_DOWNLOAD_OVERWRITE.
    FileExists = -409, "FTR_E_FILE_EXISTS", File, false;
    /// The file, or its folder, may not be written by this user, is being written by another download, or writing it failed.
    FileUnwritable = -410, "FTR_E_FILE_UNWRITABLE", File, false;
    /// The disk is full, or the user's share of it.
    DiskFull = -411, "FTR_E_DISK_FULL", File, true;

    /// The server's name is unknown, or nothing answers at its address.
    Unreachable = -501, "FTR_E_UNREACHABLE", Network, true;
    /// The server took the connection and then said nothing for the time allowed.
    NetworkTimeout = -502, "FTR_E_NETWORK_TIMEOUT", Network, true;
    /// No trusted encrypted connection: an unknown authority, a wrong name or an expired certificate.
    Tls = -503, "FTR_E_TLS", Network, false;
    /// The proxy cannot be reached, wants a password, or refuses the server.
    Proxy = -504, "FTR_E_PROXY", Network, true;
    /// The connection broke before the answer was complete.
    ConnectionLost = -505, "FTR_E_CONNECTION_LOST", Network, true;
    /// What answers at the URL is no ftrack server.
    WrongServer = -506, "FTR_E_WRONG_SERVER", Network, false;

    /// The server does not accept the API user and key.
    Unauthorised = -601, "FTR_E_UNAUTHORISED", Server, false;
    /// The user may not do this on the server.
    Permission = -602, "FTR_E_PERMISSION", Server, false;
    /// The server refuses a value.
    Validation = -603, "FTR_E_VALIDATION", Server, false;
    /// What should be created exists already.
    Duplicate = -604, "FTR_E_DUPLICATE", Server, false;
    /// Something that the request refers to does not exist (any longer).
    Integrity = -605, "FTR_E_INTEGRITY", Server, false;
    /// The server cannot read a query that this library wrote.
    Query = -606, "FTR_E_QUERY", Server, false;
    /// The server is too old, or set up in a way that it lacks an operation.
    Unsupported = -607, "FTR_E_UNSUPPORTED", Server, false;
    /// The server failed in a way that has no code of its own; the message quotes it.
    ServerError = -608, "FTR_E_SERVER_ERROR", Server, true;
    /// The server has too much to do (429 or 503); retry_after_ms says when to come back, where it said so.
    ServerBusy = -609, "FTR_E_SERVER_BUSY", Server, true;
    /// The answer is not what the protocol promises.
    MalformedAnswer = -610, "FTR_E_MALFORMED_ANSWER", Server, true;
    /// The event hub refuses a subscription or an event; the message has its words.
    HubRefused = -611, "FTR_E_HUB_REFUSED", Server, false;
    /// An endpoint of the server answered an upload with an error status, or sends it elsewhere; the message has its words.
    HttpRefused = -612, "FTR_E_HTTP_REFUSED", Server, false;
    /// The component's bytes are in no place from which they can be downloaded. The message names where it is registered.
    NoLocation = -613, "FTR_E_NO_LOCATION", Server, false;

    /// The storage refused the bytes.
    StorageRefused = -701, "FTR_E_STORAGE_REFUSED", Storage, false;
    /// The upload address expired before all bytes were sent, also after asking for a new one.
    StorageExpired = -702, "FTR_E_STORAGE_EXPIRED", Storage, true;
    /// The storage failed (5xx) or broke the connection, for as long as it was tried.
    StorageUnavailable = -703, "FTR_E_STORAGE_UNAVAILABLE", Storage, true;
    /// The storage holds something else than was sent. Nothing was published.
    StorageMismatch = -704, "FTR_E_STORAGE_MISMATCH", Storage, true;

    /// The file is neither a movie nor an image that this library knows.
    NotMedia = -801, "FTR_E_NOT_MEDIA", Media, false;
    /// The movie is cut off or damaged: its index is missing or makes no sense.
    MovieDamaged = -802, "FTR_E_MOVIE_DAMAGED", Media, false;
    /// The movie has no picture.
    MovieNoVideo = -803, "FTR_E_MOVIE_NO_VIDEO", Media, false;
    /// Browsers do not play the movie's codec. Encode it as H.264.
    MovieCodec = -804, "FTR_E_MOVIE_CODEC", Media, false;
    /// Browsers do not play the movie's pixel format. Encode it with -pix_fmt yuv420p.
    MoviePixelFormat = -805, "FTR_E_MOVIE_PIXEL_FORMAT", Media, false;
    /// Width or height is odd. Scale or pad it to even numbers.
    MovieOddSize = -806, "FTR_E_MOVIE_ODD_SIZE", Media, false;
    /// The movie is fragmented, so that length and frames are unknown. Write it in one piece, with -movflags +faststart.
    MovieFragmented = -807, "FTR_E_MOVIE_FRAGMENTED", Media, false;
    /// The container is one that browsers do not play, such as mxf or avi. Write an mp4.
    MovieContainer = -808, "FTR_E_MOVIE_CONTAINER", Media, false;
    /// The image is damaged.
    ImageDamaged = -809, "FTR_E_IMAGE_DAMAGED", Media, false;
    /// The thumbnail is not a jpg or png.
    BadThumbnail = -810, "FTR_E_BAD_THUMBNAIL", Media, false;
    /// Frames of the sequence are missing, empty or damaged. The message names them. Render them, or choose what is shown in their place.
    SequenceHoles = -811, "FTR_E_SEQUENCE_HOLES", Media, false;
    /// There is one frame where a sequence was meant. Render the others, or publish the one as an image.
    SequenceSingle = -812, "FTR_E_SEQUENCE_SINGLE", Media, false;
    /// There is no frame of the sequence.
    SequenceEmpty = -813, "FTR_E_SEQUENCE_EMPTY", Media, false;
    /// Frames of the sequence differ in size or kind, or the files that were named are not of one sequence. The message names two of them.
    SequenceMixed = -814, "FTR_E_SEQUENCE_MIXED", Media, false;
    /// The values are scene-linear, log or HDR, and how they shall look is not said. Give a LUT, or a movie that was made through OCIO.
    /// The image or sequence is scene-linear or logarithmic: how it should look is not in it. Give a LUT, or publish a proxy made with OCIO.
    SceneLinear = -815, "FTR_E_SCENE_LINEAR", Media, false;
    /// A movie must be made or a frame taken, and there is no ffmpeg for it, or one that cannot do it. The message says where was looked, and what is missing.
    FfmpegMissing = -816, "FTR_E_FFMPEG_MISSING", Media, false;
    /// ffmpeg failed, or what it made is not what was asked for. The message has its last lines. Nothing is left of the file.
    FfmpegFailed = -817, "FTR_E_FFMPEG_FAILED", Media, false;
    /// ffmpeg made no progress for so long that it was stopped. Nothing is left of the file.
    FfmpegStalled = -818, "FTR_E_FFMPEG_STALLED", Media, true;
    /// The server could not encode the file; the message has its words. Nothing of the publish is left.
    EncodeFailed = -819, "FTR_E_ENCODE_FAILED", Media, false;
    /// The server has not encoded the file in the time allowed, and may do so later: the version is there, and shows its media then. Look at the server's jobs.
    EncodeStuck = -820, "FTR_E_ENCODE_STUCK", Media, true;
    /// The server does not encode: it is too old, or its administrator has switched it off. Publish an mp4 (H.264), jpg or png.
    EncodeUnsupported = -821, "FTR_E_ENCODE_UNSUPPORTED", Media, false;
    /// The renditions of one publish are not of one movie: they differ in length, rate or shape, or two have the same height. The message names both.
    RenditionsDiffer = -822, "FTR_E_RENDITIONS_DIFFER", Media, false;
    /// Frames, or a still, are to become a movie and no rate was given, or one that is none: set ftr_publish_options.frame_rate.
    FrameRateNeeded = -823, "FTR_E_FRAME_RATE_NEEDED", Media, false;
    /// A file of the publish is not what its role says, or nothing tells what it is to be beside the others. Give each file a role that fits.
    BadRole = -824, "FTR_E_BAD_ROLE", Media, false;

    /// No context was given, and none of FTRACK_CONTEXTID, FTRACK_TASKID, FTRACK_SHOTID is set.
    NoContext = -851, "FTR_E_NO_CONTEXT", Publish, false;
    /// The context is not on the server. The message names the part that was not found, and what is there.
    UnknownContext = -852, "FTR_E_UNKNOWN_CONTEXT", Publish, false;
    /// The context's names fit more than one entity. Give an id.
    AmbiguousContext = -853, "FTR_E_AMBIGUOUS_CONTEXT", Publish, false;
    /// The project has no such status for versions. The message names those it has.
    UnknownStatus = -854, "FTR_E_UNKNOWN_STATUS", Publish, false;
    /// There is no such asset type. The message names those there are.
    UnknownAssetType = -855, "FTR_E_UNKNOWN_ASSET_TYPE", Publish, false;
    /// There is no such user, or this one may not see it.
    UnknownUser = -856, "FTR_E_UNKNOWN_USER", Publish, false;
    /// The project has no such list of versions. The message names those it has; FTR_PUBLISH_CREATE_LISTS makes it.
    UnknownList = -857, "FTR_E_UNKNOWN_LIST", Publish, false;
    /// There is no such label for notes. The message names those there are.
    UnknownLabel = -858, "FTR_E_UNKNOWN_LABEL", Publish, false;
    /// Versions have no custom attribute with this key. The message names those they have.
    UnknownAttribute = -859, "FTR_E_UNKNOWN_ATTRIBUTE", Publish, false;
    /// The project has no such review session. The message names those it has; FTR_PUBLISH_CREATE_REVIEW_SESSION makes it.
    UnknownReviewSession = -860, "FTR_E_UNKNOWN_REVIEW_SESSION", Publish, false;
    /// An invitee has a mail address that cannot be one.
    BadInvitee = -861, "FTR_E_BAD_INVITEE", Publish, false;
    /// There is no version with this id, or this user may not see it.
    UnknownVersion = -862, "FTR_E_UNKNOWN_VERSION", Publish, false;
    /// The context is no version, and FTR_PUBLISH_INTO_VERSION needs one: give a version's id.
    NotAVersion = -863, "FTR_E_NOT_A_VERSION", Publish, false;
    /// The context is no task, and what was asked for needs one.
    NoTask = -864, "FTR_E_NO_TASK", Publish, false;

    /// A defect in this library: please report it with the message.
    Internal = -901, "FTR_E_INTERNAL", Internal, false;
    /// A panic was caught at the boundary; the session that it happened in goes on as far as it can. Please report it.
    Panic = -902, "FTR_E_PANIC", Internal, false;
    /// The operating system gave no thread, descriptor or memory.
    OutOfResources = -903, "FTR_E_OUT_OF_RESOURCES", Internal, true;
}

/// Where in a publish something happened; numbers are those of `FTR_STAGE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Stage {
    /// Accepted, and not begun.
    Accepted = 1,
    /// The file is looked at; no network.
    Checking = 2,
    /// Names become ids.
    Resolving = 3,
    /// Bytes go to storage.
    Uploading = 4,
    /// The version is created and given its media.
    Versioning = 5,
    /// What comes after the version: thumbnail, notes, review session.
    Finishing = 6,
    /// Others are told.
    Announcing = 7,
    /// Bytes come from storage.
    Downloading = 8,
    /// Entities and their bytes are removed from the server.
    Removing = 9,
    /// The server encodes; between `Versioning` and `Finishing`.
    Encoding = 10,
    /// ffmpeg makes media, on this machine; between `Resolving` and `Uploading`.
    Transcoding = 11,
}

/// The result of nearly everything.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A code, a message that is safe to show, and what is known besides.
///
/// The message names the argument or thing, its value and the remedy. It never holds a key, a
/// password or the query of an upload address.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// What happened.
    pub code: Code,
    /// For people: what, with which value, and what to do next.
    pub message: String,
    /// Everything that only some errors have. Boxed, so that results stay small.
    pub details: Box<Details>,
}

/// What only some errors have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Where in the publish it happened.
    pub stage: Option<Stage>,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
    /// The server's exception, such as `ValidationError`.
    pub exception: Option<String>,
    /// The server's `error_code`, such as `api_credentials_invalid`.
    pub error_code: Option<String>,
    /// True when it is not known whether the server did the work: the answer was lost.
    pub outcome_unknown: bool,
}

impl Error {
    /// An error with a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code, message: message.into(), details: Box::default() }
    }

    /// Whether the same call may succeed later with nothing changed.
    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }

    /// The same error, said to have happened in `stage` unless it already says where.
    pub fn at(mut self, stage: Stage) -> Self {
        self.details.stage.get_or_insert(stage);
        self
    }

    /// The same error without the secrets that a server, or a host by mistake, put into a text.
    pub fn cleaned(mut self, redactor: &Redactor) -> Self {
        self.message = redactor.clean(&self.message);
        for text in [&mut self.details.exception, &mut self.details.error_code].into_iter().flatten() {
            *text = redactor.clean(text);
        }
        self
    }

    /// The same error with the HTTP status of the answer.
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.details.http_status = Some(status);
        self
    }

    /// The same error with the time that the server asked to wait.
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.details.retry_after = wait;
        self
    }

    /// The same error, marked as one after which nobody knows whether the server did the work.
    pub fn with_outcome_unknown(mut self) -> Self {
        self.details.outcome_unknown = true;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.constant())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {:?}", self.details)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_its_own_number_and_its_own_name() {
        let numbers: HashSet<i32> = Code::ALL.iter().map(|code| *code as i32).collect();
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.constant()).collect();
        assert_eq!(numbers.len(), Code::ALL.len());
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_value(*code as i32), Some(*code));
            assert!((*code as i32) < 0 && code.constant().starts_with("FTR_E_"));
        }
    }
}
