//! What a session has beside its server to make media with: ffmpeg, and a folder to work in.

use crate::media::ffmpeg::{Environment, Ffmpeg};
use crate::session::{Code, Error, Result};
use std::future::Future;
use std::path::PathBuf;
use tokio::sync::Mutex;

/// What was read where the session was created, on the host's own thread.
pub struct Tools {
    /// Where ffmpeg is; nothing is the host's `PATH`.
    pub ffmpeg: Option<PathBuf>,
    /// Whether ffmpeg is not to be used.
    pub without_ffmpeg: bool,
    /// The host's variables.
    pub environment: Environment,
    /// Where folders for what is made may be put.
    pub work_folder: PathBuf,
}

/// ffmpeg, looked for when it is needed for the first time.
pub(super) struct Finder {
    pub tools: Tools,
    found: Mutex<Option<Ffmpeg>>,
}

impl Finder {
    pub fn new(tools: Tools) -> Finder {
        Finder { tools, found: Mutex::new(None) }
    }

    /// One that was not found is looked for again: somebody may have installed it.
    pub async fn ffmpeg(&self, cancelled: impl Future<Output = ()>) -> Result<Ffmpeg> {
        if self.tools.without_ffmpeg {
            let message =
                "ffmpeg_path: the session was told to do without ffmpeg: leave ftr_session_options.ffmpeg_path NULL";
            return Err(Error::new(Code::FfmpegMissing, message));
        }
        let mut found = self.found.lock().await;
        if let Some(ffmpeg) = found.as_ref() {
            return Ok(ffmpeg.clone());
        }
        let ffmpeg = Ffmpeg::find(self.tools.ffmpeg.as_deref(), &self.tools.environment, cancelled).await?;
        Ok(found.insert(ffmpeg).clone())
    }
}
