//! Review movies and thumbnails by the ffmpeg that the host has, as a program beside it: never linked, never shipped.
//!
//! What is made is looked at like any other file before anybody gets it: [`crate::media::probe`] and
//! [`crate::media::verdict`] say whether it is what was asked for. Colours are converted, not only labelled; frames are
//! neither dropped nor doubled unless another rate is asked for; and what cannot be known, such as how scene-linear values
//! shall look, is not guessed.

mod arguments; // the whole command line, ours or the studio's
mod colour; // what the source's values mean, and what the movie's shall mean
mod find; // which ffmpeg, and what it can do
mod geometry; // from stored pixels to a square-pixel picture of even size
mod look; // the first frame of a source, as ffmpeg decodes it
mod movie; // the whole way from an input to a movie
mod picture; // the filters that a picture goes through
mod progress; // what ffmpeg says of its progress
mod result; // whether what was made is what was asked for
mod run; // one run of ffmpeg, watched
mod settings; // what is asked for
mod source; // an input as ffmpeg reads it: looked at, linked, watched for changes
mod still; // one frame as an image
mod tail; // the last lines of what ffmpeg said
mod timing; // how many frames, and how many a second
mod worker; // threads of their own, for what takes minutes
mod workspace; // the folder of one run

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tokio::sync::Semaphore;

pub use colour::{Alpha, Colour, Transfer};
pub use find::{Environment, Ffmpeg};
pub use progress::Progress;
pub use settings::{At, Input, Quality, Settings, StillSettings};

use super::Rational;
use crate::session::{Result, policy};

/// A movie that was made and looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Done {
    /// Where it is: the output that was asked for.
    pub path: PathBuf,
    /// Frames in it.
    pub frames: u64,
    /// Frames a second, exact.
    pub frame_rate: Rational,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Whether it has sound.
    pub has_audio: bool,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// What somebody may notice, in sentences for people.
    pub warnings: Vec<String>,
}

static TRANSCODES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(policy::TRANSCODES));
static FRAME_GRABS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(policy::FRAME_GRABS));

/// Makes a review movie of a movie, a still or frames.
///
/// `output` is overwritten; its folder must be there, and is where ffmpeg works until the movie is whole. `progress` is
/// called on the task's own thread, the last state only. Not more than `policy::TRANSCODES` run at once; others wait.
///
/// When `cancelled` ends, or this future is dropped, ffmpeg is stopped and nothing of it is left. Errors: `FFMPEG_FAILED`
/// with ffmpeg's last lines, `FFMPEG_STALLED`, `FFMPEG_MISSING` where it lacks what is needed, `CANCELLED`, and what is wrong with the input.
pub async fn transcode(
    ffmpeg: &Ffmpeg,
    input: Input,
    settings: Settings,
    output: &Path,
    progress: impl Fn(Progress),
    cancelled: impl Future<Output = ()>,
) -> Result<Done> {
    let (ffmpeg, output) = (ffmpeg.clone(), output.to_owned());
    let work = move |control: &worker::Control| movie::make(&ffmpeg, &input, &settings, &output, control);
    worker::run(&TRANSCODES, progress, cancelled, work).await
}

/// Makes a JPEG or PNG, by the extension of `output`, of a frame of a movie or of a still.
///
/// It is made as [`transcode`] makes a movie, and beside those that are being made.
pub async fn frame(
    ffmpeg: &Ffmpeg,
    source: &Path,
    settings: StillSettings,
    output: &Path,
    cancelled: impl Future<Output = ()>,
) -> Result<()> {
    let (ffmpeg, source, output) = (ffmpeg.clone(), source.to_owned(), output.to_owned());
    let work = move |control: &worker::Control| still::make(&ffmpeg, &source, &settings, &output, control);
    worker::run(&FRAME_GRABS, |_| (), cancelled, work).await
}
