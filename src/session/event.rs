//! What a session tells its host.

use super::error::{Error, Stage};
use super::log::Line;
use super::news::{HubEvent, HubStatus, Receiver};
use super::review::Review;
use super::status::Status;
use std::sync::Arc;
use std::time::Duration;

/// One thing to tell. Everything about one job comes in order, and nothing after its [`Event::Ended`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Whether the server can be worked with has changed. Only the latest is kept.
    Status {
        /// What it is now.
        status: Status,
        /// Why, where it is not good.
        error: Option<Error>,
    },
    /// How far a job is. Only the latest is kept.
    Progress(Progress),
    /// The version exists on the server: its ids, number and link, told before the job ends.
    VersionCreated {
        /// The host's name for the job.
        job: JobName,
        /// What exists.
        published: Arc<Published>,
    },
    /// A job is in the outbox: from here on it survives the end of this process.
    Kept {
        /// The host's name for the job.
        job: JobName,
        /// With its name in the outbox.
        published: Arc<Published>,
    },
    /// A publish from the outbox goes on as a job of this session.
    Resumed {
        /// The host's name for the job.
        job: JobName,
        /// With its name in the outbox.
        published: Arc<Published>,
    },
    /// A job's end. There is exactly one for each accepted job.
    Ended {
        /// The host's name for the job.
        job: JobName,
        /// How it ended.
        ended: Arc<Ended>,
    },
    /// A log line.
    Log(Line),
    /// Log lines that were dropped because nobody polled.
    Dropped(u64),
    /// Whether the event hub is connected has changed. Only the latest is kept.
    HubStatus {
        /// What it is now.
        status: HubStatus,
        /// Why, where it is not good.
        error: Option<Error>,
    },
    /// An event of the hub, for one of those who subscribed.
    Hub {
        /// For whom.
        subscription: Receiver,
        /// The event.
        event: Arc<HubEvent>,
    },
    /// A reply to an event that this session published.
    HubReply {
        /// What it answers.
        publisher: Receiver,
        /// The reply.
        event: Arc<HubEvent>,
    },
    /// The end of an event that this session published. There is exactly one for each.
    HubPublished {
        /// Which.
        publisher: Receiver,
        /// The event's id.
        id: String,
        /// Why nobody, or not all, may have heard of it.
        error: Option<Error>,
    },
    /// The server refuses a subscription.
    HubRefused {
        /// Which.
        subscription: Receiver,
        /// Why.
        error: Error,
    },
    /// Events of the hub that were dropped because nobody polled.
    HubDropped(u64),
    /// A reviewer did something to what is watched.
    Review {
        /// For which watch.
        watch: Receiver,
        /// What.
        review: Arc<Review>,
    },
}

/// How the host names a job: the handle it was given and the number it chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobName {
    /// The handle.
    pub handle: u64,
    /// The host's own number, returned untouched.
    pub tag: u64,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The host's name for the job.
    pub job: JobName,
    /// What it is doing.
    pub stage: Stage,
    /// Bytes sent of all files together; never goes back.
    pub bytes_done: u64,
    /// Bytes of all files together that the storage has said it has.
    pub bytes_stored: u64,
    /// Bytes to send of all files together; 0 until the files were looked at.
    pub bytes_total: u64,
    /// Recent speed.
    pub bytes_per_second: f64,
    /// Time left at that speed; unknown until there is a speed.
    pub remaining: Option<Duration>,
    /// Whether the host has paused it.
    pub paused: bool,
    /// Each file.
    pub files: Vec<FileProgress>,
    /// Frames that ffmpeg has made.
    pub frames_done: u64,
    /// Frames that it is to make; 0 where that is not known.
    pub frames_total: u64,
}

/// How far one file of a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProgress {
    /// Its name, without folders.
    pub name: String,
    /// Bytes sent.
    pub bytes_done: u64,
    /// Bytes that the storage has said it has.
    pub bytes_stored: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
}

/// How a job ended; numbers are those of `FTR_JOB_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum State {
    /// All that was asked for is done.
    Done = 1,
    /// It failed; the error says why, and what exists is told.
    Failed = 2,
    /// The host cancelled it; nothing is left on the server that a reviewer sees.
    Cancelled = 3,
    /// Kept for later in the outbox.
    Parked = 4,
}

/// A job's end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub state: State,
    /// Why not done.
    pub error: Option<Error>,
    /// What exists on the server: all of it when done, what there is when failed.
    pub published: Published,
}

/// What a publish made. Ids are ftrack's, as text; empty where there is none (yet).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// The project.
    pub project_id: Option<String>,
    /// The asset's parent: shot, asset build, sequence or project.
    pub parent_id: Option<String>,
    /// The task that the version is linked to.
    pub task_id: Option<String>,
    /// The asset, found or created.
    pub asset_id: Option<String>,
    /// The asset's name.
    pub asset_name: Option<String>,
    /// The version.
    pub version_id: Option<String>,
    /// The number that the server gave the version.
    pub version_number: Option<i64>,
    /// The media that reviewers open.
    pub component_id: Option<String>,
    /// Its reserved name, such as `ftrackreview-mp4`.
    pub component_name: Option<String>,
    /// The thumbnail's component.
    pub thumbnail_id: Option<String>,
    /// All components of the version.
    pub components: Vec<Component>,
    /// Where a browser opens the version.
    pub link: Option<String>,
    /// The note that it wrote.
    pub note_id: Option<String>,
    /// The server's job that encodes it.
    pub encode_job_id: Option<String>,
    /// The review session that shows the version.
    pub review_session_id: Option<String>,
    /// Its item in the outbox, while and if it is kept there.
    pub outbox_id: Option<String>,
    /// What went on, but not as it should: each a sentence with its remedy.
    pub warnings: Vec<String>,
    /// What an endpoint answered to an upload; what was removed, as JSON.
    pub answer: Option<String>,
    /// The HTTP status of the endpoint's answer.
    pub http_status: Option<u16>,
}

/// A component that a publish made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name, such as `ftrackreview-mp4-1080`.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The location that it is in.
    pub location_id: &'static str,
}
