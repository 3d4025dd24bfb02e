//! `encode_media`: movies and stills are made playable by ffmpeg, as jobs in a queue.
//!
//! - `request`: the operation, which makes the job and what it will put out, and puts it in the queue
//! - `run`: one job from start to end
//! - `ffmpeg`: the program
//!
//! What a job puts out is there at once, as components without data that say so (`ftr_meta` is `encoding`), because clients
//! look for them at once (Python client, test_asset_version.py). They get their location when they have data, and they go
//! when the job fails. Jobs that were not done when the server stopped are begun again at its next start.

mod ffmpeg;
pub(crate) mod request;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;

use crate::error::ApiResult;
use crate::state::AppState;
use ffmpeg::Ffmpeg;

/// What the server does about `encode_media`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// It does not know the operation, as servers without an encoder.
    Off,
    /// It encodes with ffmpeg.
    #[default]
    Ffmpeg,
    /// Jobs start and never end: for testing clients.
    Stuck,
}

/// How the server encodes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether it does.
    pub mode: Mode,
    /// How long a job runs before anything happens: for testing clients.
    pub delay: Duration,
    /// The ffmpeg to use; `None` is the one on `PATH` when the server starts. Without one, jobs fail and say so.
    pub program: Option<PathBuf>,
    /// How many jobs run at once. Each keeps two cores busy.
    pub workers: usize,
    /// How many jobs may wait; more are refused.
    pub waiting: usize,
    /// How long a job may take. Hours of footage are no review.
    pub time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            delay: Duration::ZERO,
            program: None,
            workers: 2,
            waiting: 1000,
            time: Duration::from_secs(30 * 60),
        }
    }
}

/// Where jobs are put; clones share the queue.
#[derive(Clone)]
pub struct Encoder(Arc<Inner>);

struct Inner {
    settings: Settings,
    ffmpeg: Option<Ffmpeg>,
    folder: PathBuf,
    queue: mpsc::Sender<Task>,
}

/// The other end of an encoder's queue.
pub(crate) struct Queue(mpsc::Receiver<Task>);

/// A job that is put in the queue once the transaction that made it has passed.
pub(crate) struct Queued {
    place: mpsc::OwnedPermit<Task>,
    task: Task,
}

/// What is to be done for a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Task {
    job_id: String,
    user_id: String,
    source_id: String,
    /// The source's file type, with its dot, which ffmpeg wants to see.
    file_type: String,
    keep_original: bool,
    version_id: Option<String>,
    /// `None` for a still.
    movie_id: Option<String>,
    image_id: String,
}

/// The jobs that run; dropping it ends them.
pub(crate) struct Workers(Vec<AbortHandle>);

impl Encoder {
    /// An encoder that works in `folder`. The queue is to be given to [`start`].
    pub(crate) fn new(settings: Settings, folder: PathBuf) -> (Self, Queue) {
        let (queue, receiver) = mpsc::channel(settings.waiting.max(1));
        let ffmpeg = settings.program.clone().or_else(|| on_path("ffmpeg")).map(Ffmpeg::new);
        (Self(Arc::new(Inner { settings, ffmpeg, folder, queue })), Queue(receiver))
    }

    /// How it encodes.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The ffmpeg it uses.
    pub fn program(&self) -> Option<&Path> {
        self.0.ffmpeg.as_ref().map(Ffmpeg::program)
    }

    /// A place in the queue; `None` when it is full.
    fn reserve(&self, task: Task) -> Option<Queued> {
        let place = self.0.queue.clone().try_reserve_owned().ok()?;
        Some(Queued { place, task })
    }
}

impl Queued {
    /// Puts it in the queue.
    pub(crate) fn send(self) {
        self.place.send(self.task);
    }
}

/// Starts the workers, and with them what was not done when the server stopped.
pub(crate) async fn start(state: &AppState, queue: Queue) -> ApiResult<Workers> {
    let encoder = &state.encoder.0;
    // What an earlier run has left of its work.
    let _ = std::fs::remove_dir_all(&encoder.folder);
    let unfinished = state.database.run(|connection| Ok(unfinished(connection)?)).await?;
    let queue = Arc::new(Mutex::new(queue.0));
    let mut handles = Vec::new();
    for _ in 0..encoder.settings.workers.max(1) {
        let (state, queue) = (state.clone(), queue.clone());
        handles.push(tokio::spawn(async move {
            loop {
                let next = queue.lock().await.recv().await;
                let Some(task) = next else { return };
                run::run(&state, &task).await;
            }
        }));
    }
    let again = encoder.queue.clone();
    handles.push(tokio::spawn(async move {
        for task in unfinished {
            // It fails when the server stops again.
            let _ = again.send(task).await;
        }
    }));
    Ok(Workers(handles.iter().map(tokio::task::JoinHandle::abort_handle).collect()))
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// The program of this name on `PATH`.
fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Remembers a job until it is done.
fn remember(connection: &Connection, task: &Task) -> rusqlite::Result<()> {
    let text = serde_json::json!(task).to_string();
    let mut statement = connection.prepare_cached("INSERT INTO _encoding (job_id, task) VALUES (?1, ?2)")?;
    statement.execute([&task.job_id, &text]).map(drop)
}

/// The jobs that are remembered, in order.
fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<Task>> {
    let mut statement = connection.prepare("SELECT task FROM _encoding ORDER BY rowid")?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
}
