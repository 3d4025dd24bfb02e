//! One run of ffmpeg, watched: what it says, whether it goes on, how it ends.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::find::Ffmpeg;
use super::progress::Reader;
use super::tail::Tail;
use super::worker::Control;
use crate::session::child::{Child, Exit};
use crate::session::{Code, Error, Result, policy};

/// What a run that is over said and how it ended.
#[derive(Debug)]
pub(super) struct Answer {
    pub exit: Exit,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

/// Runs a program that answers soon, and takes its answer: the first `policy::FFMPEG_ANSWER_LIMIT` bytes of it.
pub(super) fn ask(
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    patience: Duration,
    control: &Control,
) -> Result<Answer> {
    let mut child = start(program, arguments, environment)?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let exit = attend(&mut child, control, |piece, words| {
        keep(&mut out, piece);
        keep(&mut err, words);
        if begun.elapsed() < patience { Ok(()) } else { Err(no_answer(program, patience)) }
    })?;
    Ok(Answer { exit, out, err })
}

/// A run that makes something.
pub(super) struct Making<'a> {
    pub ffmpeg: &'a Ffmpeg,
    pub arguments: &'a [OsString],
    /// What it writes: that it grows or changes is progress too.
    pub output: &'a Path,
    pub frames_total: Option<u64>,
    pub stall: Duration,
}

/// What a run that ended well said.
#[derive(Debug)]
pub(super) struct Made {
    pub frames: u64,
    pub tail: Tail,
}

/// Why a run did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// It ended so; the lines say why.
    Ended(Exit, Tail),
    /// Anything else: cancelled, stalled, not started.
    Other(Error),
}

impl Making<'_> {
    /// Runs it to its end.
    pub fn run(&self, control: &Control) -> Result<Made, Failure> {
        let mut child = start(&self.ffmpeg.path, self.arguments, self.ffmpeg.environment()).map_err(Failure::Other)?;
        let mut progress = Reader::new(self.frames_total);
        let mut tail = Tail::default();
        let mut watch = Watch::new(self.output);
        let exit = attend(&mut child, control, |piece, words| {
            tail.feed(words);
            if progress.feed(piece) {
                watch.moved();
                control.tell(progress.now());
            }
            if watch.silence() < self.stall { Ok(()) } else { Err(self.stalled(&progress, &mut tail)) }
        });
        match exit.map_err(Failure::Other)? {
            // Where the status is unknown, the movie itself is looked at all the more.
            Exit::Code(0) | Exit::Unknown => Ok(Made { frames: progress.now().frames_done, tail }),
            other => Err(Failure::Ended(other, tail)),
        }
    }

    fn stalled(&self, progress: &Reader, tail: &mut Tail) -> Error {
        let seconds = self.stall.as_secs_f64();
        let done = progress.now();
        let total = done.frames_total.map(|total| format!(" of {total}")).unwrap_or_default();
        let last = tail.text();
        let said = if last.is_empty() { String::new() } else { format!("; it said last: {last}") };
        Error::new(
            Code::FfmpegStalled,
            format!(
                "ffmpeg made no progress for {seconds} s after frame {}{total} and was stopped: is a drive it reads or writes away?{said}",
                done.frames_done
            ),
        )
    }
}

/// Starts a program, with an error that says which.
fn start(program: &Path, arguments: &[OsString], environment: &[(OsString, OsString)]) -> Result<Child> {
    Child::spawn(program, arguments, environment)
        .map_err(|error| Error::new(Code::FfmpegMissing, format!("'{}' cannot be run: {error}", program.display())))
}

/// Waits for the end of a program, handing on what it writes, and stops it when `each` or the host wants that.
fn attend(child: &mut Child, control: &Control, mut each: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<Exit> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        child.listen(policy::CHILD_TICK, &mut out, &mut err);
        if let Err(error) = control.check().and_then(|()| each(&out, &err)) {
            stop(child);
            return Err(error);
        }
        let silent = out.is_empty() && err.is_empty();
        out.clear();
        err.clear();
        // What is in the pipes when it has ended was written before: they are read until nothing comes.
        if silent && let Some(exit) = child.ended() {
            loop {
                child.listen(Duration::ZERO, &mut out, &mut err);
                if out.is_empty() && err.is_empty() {
                    return Ok(exit);
                }
                let _ = each(&out, &err);
                out.clear();
                err.clear();
            }
        }
    }
}

/// Asks it to end, and ends it where it does not.
fn stop(child: &mut Child) {
    let mut ignored = (Vec::new(), Vec::new());
    child.terminate();
    let begun = Instant::now();
    while child.ended().is_none() && begun.elapsed() < policy::FFMPEG_GRACE {
        // One that waits for its words to be read would not hear it.
        child.listen(policy::CHILD_TICK, &mut ignored.0, &mut ignored.1);
        ignored.0.clear();
        ignored.1.clear();
    }
    child.kill();
}

fn keep(kept: &mut Vec<u8>, piece: &[u8]) {
    let room = policy::FFMPEG_ANSWER_LIMIT.saturating_sub(kept.len());
    kept.extend_from_slice(&piece[..piece.len().min(room)]);
}

fn no_answer(program: &Path, patience: Duration) -> Error {
    Error::new(
        Code::FfmpegStalled,
        format!("'{}' did not answer within {} s and was stopped", program.display(), patience.as_secs_f64()),
    )
}

/// When something last moved: frames that were counted, or the file.
struct Watch<'a> {
    file: &'a Path,
    seen: Option<(u64, Option<SystemTime>)>,
    looked: Instant,
    moved: Instant,
}

impl<'a> Watch<'a> {
    fn new(file: &'a Path) -> Self {
        Self { file, seen: None, looked: Instant::now(), moved: Instant::now() }
    }

    fn moved(&mut self) {
        self.moved = Instant::now();
    }

    /// For how long nothing moved.
    fn silence(&mut self) -> Duration {
        if self.looked.elapsed() >= policy::FFMPEG_FILE_LOOK {
            self.looked = Instant::now();
            let now = fs::metadata(self.file).ok().map(|data| (data.len(), data.modified().ok()));
            if now != self.seen {
                self.seen = now;
                self.moved();
            }
        }
        self.moved.elapsed()
    }
}
