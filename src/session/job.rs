//! One accepted piece of work, and the token by which it ends exactly once.

use super::error::{Code, Error, Stage};
use super::event::{Ended, Event, FileProgress, JobName, Progress, Published, State};
use super::gate::Gate;
use super::policy;
use super::queue::Queue;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// What a job is asked to do: [`Job::cancel`] and [`Job::park`].
const GO_ON: u8 = 0;
const PARK: u8 = 1;
const CANCEL: u8 = 2;

/// Reads how far each file of the job is.
pub type Measure = Box<dyn Fn() -> Vec<FileProgress> + Send + Sync>;

/// One accepted piece of work. The host's handle, the running task and waiting threads share it.
pub struct Job {
    tag: u64,
    handle: OnceLock<u64>,
    queue: Arc<Queue>,
    state: Mutex<JobState>,
    end: Condvar,
    measure: OnceLock<Measure>,
    frames: Mutex<(u64, u64)>,
    stop: AtomicU8,
    stopped: Notify,
    gate: Arc<Gate>,
}

struct JobState {
    stage: Stage,
    published: Published,
    ended: Option<Arc<Ended>>,
    /// The host has seen the end through [`Job::wait`].
    seen: bool,
}

impl Job {
    pub(super) fn new(tag: u64, queue: Arc<Queue>) -> Job {
        let state = JobState { stage: Stage::Accepted, published: Published::default(), ended: None, seen: false };
        Job {
            tag,
            handle: OnceLock::new(),
            queue,
            state: Mutex::new(state),
            end: Condvar::new(),
            measure: OnceLock::new(),
            frames: Mutex::default(),
            stop: AtomicU8::new(GO_ON),
            stopped: Notify::new(),
            gate: Arc::default(),
        }
    }

    /// Tells the job the handle under which the host knows it. Once, before it starts.
    pub fn set_handle(&self, handle: u64) {
        let _ = self.handle.set(handle);
    }

    /// How the host names it.
    pub fn name(&self) -> JobName {
        JobName { handle: self.handle.get().copied().unwrap_or_default(), tag: self.tag }
    }

    /// Asks the job to end as cancelled. It does so at the next point where that leaves nothing half done.
    pub fn cancel(&self) {
        self.stop.store(CANCEL, Ordering::SeqCst);
        self.stopped.notify_waiters();
    }

    /// Asks the job to end as parked if it is kept in an outbox, and as cancelled if not. A host that has cancelled it has the
    /// last word.
    pub fn park(&self) {
        let _ = self.stop.compare_exchange(GO_ON, PARK, Ordering::SeqCst, Ordering::SeqCst);
        self.stopped.notify_waiters();
    }

    /// Completes when the job is asked to end, in either way.
    pub async fn cancelled(&self) {
        let mut notified = std::pin::pin!(self.stopped.notified());
        notified.as_mut().enable();
        if !self.is_stopping() {
            notified.await;
        }
    }

    /// Whether it is asked to end, in either way.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst) != GO_ON
    }

    /// Whether it is asked to end for now, to be gone on with later.
    pub fn is_to_park(&self) -> bool {
        self.stop.load(Ordering::SeqCst) == PARK
    }

    /// Closed while the job is paused.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Blocks until the end, or until `deadline`; `None` is no limit.
    pub fn wait(&self, deadline: Option<Instant>) -> Option<Arc<Ended>> {
        let mut state = self.state.lock();
        while state.ended.is_none() {
            match deadline {
                None => self.end.wait(&mut state),
                Some(deadline) if Instant::now() >= deadline => return None,
                Some(deadline) => {
                    self.end.wait_until(&mut state, deadline);
                }
            }
        }
        state.seen = true;
        state.ended.clone()
    }

    /// The host needs the handle no longer. If it has seen the end by waiting, it is not told again.
    pub fn forget(&self) {
        if self.state.lock().seen {
            self.queue.forget(self.name());
        }
    }

    /// The job does something else from now on.
    pub fn enter(&self, stage: Stage) {
        self.state.lock().stage = stage;
    }

    /// What it is doing.
    pub fn stage(&self) -> Stage {
        self.state.lock().stage
    }

    /// From now on progress is read here. Once a job.
    pub fn measure(&self, measure: Measure) {
        let _ = self.measure.set(measure);
    }

    /// How many frames of how many ffmpeg has made; 0 is not known.
    pub fn count_frames(&self, done: u64, total: u64) {
        *self.frames.lock() = (done, total);
    }

    /// Notes what exists on the server, for the job's end.
    pub fn note(&self, change: impl FnOnce(&mut Published)) {
        change(&mut self.state.lock().published);
    }

    /// What exists on the server.
    pub fn published(&self) -> Published {
        self.state.lock().published.clone()
    }

    /// Tells the host that the version exists. Once a job; it never takes the place of another event.
    pub fn version_created(&self) {
        let published = Arc::new(self.published());
        self.queue.keep(Event::VersionCreated { job: self.name(), published });
    }

    /// Tells the host that the job is in the outbox. Once a job.
    pub fn kept(&self) {
        let published = Arc::new(self.published());
        self.queue.keep(Event::Kept { job: self.name(), published });
    }

    /// Tells the host of a job that it did not submit: it goes on from the outbox. Once a job, before anything else.
    pub fn resumed(&self) {
        let published = Arc::new(self.published());
        self.queue.keep(Event::Resumed { job: self.name(), published });
    }

    /// Tells the host how far the job is, at most as often as the policy says, until dropped.
    pub(super) async fn report_progress(&self, meter: &Mutex<Meter>) {
        let mut interval = tokio::time::interval(policy::PROGRESS_INTERVAL);
        loop {
            interval.tick().await;
            self.tell_progress(meter);
        }
    }

    /// Tells the host how far the job is, if that has changed.
    pub(super) fn tell_progress(&self, meter: &Mutex<Meter>) {
        let files = self.measure.get().map(|measure| measure()).unwrap_or_default();
        let reading = Reading {
            job: self.name(),
            stage: self.stage(),
            paused: self.gate.is_closed(),
            files,
            frames: *self.frames.lock(),
        };
        if let Some(progress) = meter.lock().read(reading) {
            self.queue.progress(progress);
        }
    }

    fn finish(&self, ended: Ended) {
        let ended = Arc::new(ended);
        let waking = {
            let mut state = self.state.lock();
            debug_assert!(state.ended.is_none(), "a job has one end");
            state.ended = Some(ended.clone());
            // Under the lock: whoever learns of the end in one way finds it in the other.
            self.queue.keep_unannounced(Event::Ended { job: self.name(), ended })
        };
        self.end.notify_all();
        self.queue.announce(waking);
    }
}

/// The right to end a job. Ending it consumes the token; losing the token (a panic, a dropped task)
/// ends the job as failed. So a job's end can neither be forgotten nor told twice.
pub struct Token {
    job: Arc<Job>,
    on_end: Option<Box<dyn FnOnce() + Send>>,
}

impl Token {
    pub(super) fn new(job: Arc<Job>, on_end: impl FnOnce() + Send + 'static) -> Token {
        Token { job, on_end: Some(Box::new(on_end)) }
    }

    /// Ends the job.
    pub fn end(mut self, state: State, error: Option<Error>) {
        self.finish(state, error);
    }

    /// Takes the job back that the host never learned of: it has no end to be told.
    pub fn withdraw(mut self) {
        if let Some(on_end) = self.on_end.take() {
            self.job.queue.release();
            on_end();
        }
    }

    fn finish(&mut self, state: State, error: Option<Error>) {
        if let Some(on_end) = self.on_end.take() {
            self.job.finish(Ended { state, error, published: self.job.published() });
            on_end();
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if self.on_end.is_some() {
            let (code, what) = match std::thread::panicking() {
                true => (Code::Panic, "a defect in the library stopped the job; please report it"),
                false => (
                    Code::Internal,
                    "a defect in the library lost the job before it was done: look on the server what was \
                     published, and please report it",
                ),
            };
            let error = Error::new(code, what).at(self.job.stage());
            self.finish(State::Failed, Some(error));
        }
    }
}

/// Turns readings into progress: never back, with a speed that does not jump.
#[derive(Default)]
pub struct Meter {
    last: Option<Progress>,
    window: Option<(Instant, u64)>,
    speed: f64,
}

/// How far a job is at one moment.
struct Reading {
    job: JobName,
    stage: Stage,
    paused: bool,
    files: Vec<FileProgress>,
    frames: (u64, u64),
}

/// Speed is the mean over about this long: shorter jumps with every part, longer lags behind a cap or a stall.
const SPEED_WINDOW: Duration = Duration::from_secs(2);

impl Meter {
    /// Nothing when nothing has changed.
    fn read(&mut self, reading: Reading) -> Option<Progress> {
        let Reading { job, stage, paused, mut files, frames } = reading;
        // A request that failed takes back what it had counted; the host sees the number rest until it is reached again.
        for (file, last) in files.iter_mut().zip(self.last.iter().flat_map(|last| &last.files)) {
            file.bytes_done = file.bytes_done.max(last.bytes_done);
            file.bytes_stored = file.bytes_stored.max(last.bytes_stored);
        }
        let sum = |bytes: fn(&FileProgress) -> u64| files.iter().map(bytes).sum::<u64>();
        let bytes_done = sum(|file| file.bytes_done);
        let (bytes_stored, bytes_total) = (sum(|file| file.bytes_stored), sum(|file| file.bytes_total));
        self.measure_speed(bytes_done, paused);
        let left = bytes_total.saturating_sub(bytes_done) as f64;
        let remaining = (self.speed >= 1.0 && bytes_total > 0 && !paused)
            .then(|| Duration::try_from_secs_f64(left / self.speed).unwrap_or(Duration::MAX));
        let changed = self.last.as_ref().is_none_or(|last| {
            // Also of a stall the host learns: by a speed that falls.
            let slower = last.bytes_per_second >= 1.0 && last.bytes_per_second >= 2.0 * self.speed;
            let before = (last.stage, last.paused, last.frames_done, last.frames_total);
            slower || before != (stage, paused, frames.0, frames.1) || last.files != files
        });
        let progress = Progress {
            job,
            stage,
            bytes_done,
            bytes_stored,
            bytes_total,
            bytes_per_second: if paused { 0.0 } else { self.speed },
            remaining,
            paused,
            files,
            frames_done: frames.0,
            frames_total: frames.1,
        };
        changed.then(|| self.last.insert(progress).clone())
    }

    fn measure_speed(&mut self, bytes_done: u64, paused: bool) {
        let now = Instant::now();
        let (since, before) = *self.window.get_or_insert((now, bytes_done));
        let elapsed = now.duration_since(since);
        if elapsed < policy::PROGRESS_INTERVAL {
            return;
        }
        if !paused {
            let recent = (bytes_done - before) as f64 / elapsed.as_secs_f64();
            let weight = (elapsed.as_secs_f64() / SPEED_WINDOW.as_secs_f64()).min(1.0);
            self.speed = if self.speed == 0.0 { recent } else { self.speed + weight * (recent - self.speed) };
        }
        self.window = Some((now, bytes_done));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(paused: bool, done: u64, stored: u64) -> Reading {
        let file = FileProgress { name: "a.mp4".into(), bytes_done: done, bytes_stored: stored, bytes_total: 100 };
        Reading { job: JobName::default(), stage: Stage::Uploading, paused, files: vec![file], frames: (0, 0) }
    }

    #[test]
    fn progress_never_goes_back_and_is_told_when_something_changed() {
        let mut meter = Meter::default();
        assert_eq!(meter.read(reading(false, 50, 20)).unwrap().bytes_done, 50);
        assert_eq!(meter.read(reading(false, 50, 20)), None);
        assert_eq!(meter.read(reading(false, 30, 20)), None);
        let later = meter.read(reading(false, 60, 40)).unwrap();
        assert_eq!((later.bytes_done, later.bytes_stored, later.bytes_total), (60, 40, 100));
        assert_eq!((later.files[0].bytes_done, later.files[0].bytes_stored), (60, 40));
    }

    #[test]
    fn a_stall_is_told_by_a_speed_that_falls() {
        let mut meter = Meter::default();
        meter.read(reading(false, 0, 0));
        let pass = |meter: &mut Meter| {
            let (since, _) = meter.window.as_mut().unwrap();
            *since -= SPEED_WINDOW / 2;
        };
        pass(&mut meter);
        let before = meter.read(reading(false, 50, 20)).unwrap().bytes_per_second;
        assert!(before > 1.0);
        let mut told = Vec::new();
        for _ in 0..50 {
            pass(&mut meter);
            told.extend(meter.read(reading(false, 50, 20)).map(|progress| progress.bytes_per_second));
        }
        assert!(told.last().is_some_and(|speed| *speed < 1.0), "{told:?}");
        assert!(told.len() < 20, "and not for ever: {told:?}");
    }

    #[test]
    fn a_pause_is_told_and_has_no_speed() {
        let mut meter = Meter::default();
        meter.read(reading(false, 50, 20));
        let paused = meter.read(reading(true, 50, 20)).unwrap();
        assert!(paused.paused && paused.bytes_per_second == 0.0 && paused.remaining.is_none());
        assert!(!meter.read(reading(false, 50, 20)).unwrap().paused);
    }
}
