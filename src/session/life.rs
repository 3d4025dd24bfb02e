//! A session's life: open, accept jobs, close within a time.

use super::error::{Code, Error, Result};
use super::event::{Event, State};
use super::job::{Job, Meter, Token};
use super::log::{Level, Log};
use super::policy;
use super::queue::Queue;
use super::runtime::Runtime;
use super::secret::Redactor;
use super::status::Status;
use parking_lot::{Condvar, Mutex};
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// One session. Cheap to clone; everything in it may be used from any thread.
#[derive(Clone)]
pub struct Session {
    queue: Arc<Queue>,
    log: Log,
    runtime: Arc<Runtime>,
    jobs: Arc<Jobs>,
    status: Arc<StatusCell>,
}

/// A session for work in the background, which does not keep the runtime alive.
pub struct WeakSession {
    queue: Arc<Queue>,
    log: Log,
    runtime: Weak<Runtime>,
    jobs: Arc<Jobs>,
    status: Arc<StatusCell>,
}

impl WeakSession {
    /// The session, while it is open.
    pub fn upgrade(&self) -> Option<Session> {
        if self.jobs.state.lock().closed {
            return None;
        }
        Some(Session {
            queue: self.queue.clone(),
            log: self.log.clone(),
            runtime: self.runtime.upgrade()?,
            jobs: self.jobs.clone(),
            status: self.status.clone(),
        })
    }

    /// Completes when the session's status has changed or it was closed.
    pub async fn changed(&self) {
        self.status.told.notified().await;
    }
}

#[derive(Default)]
struct Jobs {
    state: Mutex<Admission>,
    changed: Condvar,
}

#[derive(Default)]
struct Admission {
    closed: bool,
    running: Vec<Arc<Job>>,
}

struct StatusCell {
    value: Mutex<(Status, Option<Error>)>,
    /// For threads that wait.
    changed: Condvar,
    /// For the one task that follows it.
    told: Notify,
}

impl StatusCell {
    fn tell(&self) {
        self.changed.notify_all();
        self.told.notify_one();
    }
}

impl Session {
    /// Opens a session: starts the runtime thread if it is the first. No other I/O.
    pub fn open(level: Level, redactor: Redactor) -> Result<Session> {
        let queue = Arc::new(Queue::default());
        let log = Log::new(level, redactor, queue.clone());
        let status =
            StatusCell { value: Mutex::new((Status::Connecting, None)), changed: Condvar::new(), told: Notify::new() };
        Ok(Session { queue, log, runtime: Runtime::shared()?, jobs: Arc::default(), status: Arc::new(status) })
    }

    /// For work in the background.
    pub fn downgrade(&self) -> WeakSession {
        WeakSession {
            queue: self.queue.clone(),
            log: self.log.clone(),
            runtime: Arc::downgrade(&self.runtime),
            jobs: self.jobs.clone(),
            status: self.status.clone(),
        }
    }

    /// Its events.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The thread that works for it.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Whether the server can be worked with, and why not.
    pub fn status(&self) -> (Status, Option<Error>) {
        self.status.value.lock().clone()
    }

    /// A handle by which a background task reports the status.
    pub fn reporter(&self) -> Reporter {
        Reporter { status: self.status.clone(), queue: self.queue.clone(), log: self.log.clone() }
    }

    /// Blocks until the first answer about the server is there, or until `deadline`.
    pub fn wait_status(&self, deadline: Option<Instant>) -> (Status, Option<Error>) {
        let mut value = self.status.value.lock();
        while value.0 == Status::Connecting {
            match deadline {
                None => self.status.changed.wait(&mut value),
                Some(deadline) if Instant::now() >= deadline => break,
                Some(deadline) => {
                    self.status.changed.wait_until(&mut value, deadline);
                }
            }
        }
        value.clone()
    }

    /// Accepts a job: from here on there will be exactly one end of it. It begins with [`Session::start`].
    pub fn accept(&self, tag: u64) -> Result<Accepted> {
        self.accept_within(tag, policy::JOB_CAPACITY)
    }

    /// Accepts a job that the host did not ask for: it leaves room for those that it will.
    pub fn accept_unasked(&self, tag: u64) -> Result<Accepted> {
        self.accept_within(tag, policy::JOB_CAPACITY / 2)
    }

    fn accept_within(&self, tag: u64, capacity: usize) -> Result<Accepted> {
        let mut state = self.jobs.state.lock();
        if state.closed {
            return Err(Error::new(Code::Closed, "the session is closed and accepts nothing new: create another"));
        }
        self.queue.reserve(capacity)?;
        let job = Arc::new(Job::new(tag, self.queue.clone()));
        state.running.push(job.clone());
        drop(state);
        let (jobs, ended) = (self.jobs.clone(), job.clone());
        let token = Token::new(job.clone(), move || {
            jobs.state.lock().running.retain(|running| !Arc::ptr_eq(running, &ended));
            jobs.changed.notify_all();
        });
        Ok(Accepted { job, token })
    }

    /// Starts an accepted job. `work` says how it ended; its progress is told meanwhile.
    pub fn start<Work>(&self, accepted: Accepted, work: Work)
    where
        Work: Future<Output = (State, Option<Error>)> + Send + 'static,
    {
        let Accepted { job, token } = accepted;
        // Held until the end, so that a job outlives a session that is freed: it still has to clean up.
        let runtime = self.runtime.clone();
        let log = self.log.clone();
        self.runtime.spawn(async move {
            let meter = Mutex::new(Meter::default());
            let (state, error) = tokio::select! {
                biased;
                end = work => end,
                // Never completes.
                () = job.report_progress(&meter) => return,
            };
            job.tell_progress(&meter);
            // Whatever a step quoted, what a host shows has no secret in it.
            job.note(|published| {
                for warning in &mut published.warnings {
                    *warning = log.redactor().clean(warning);
                }
            });
            token.end(state, error.map(|error| error.cleaned(log.redactor())));
            drop(runtime);
        });
    }

    /// Whether it accepts nothing new.
    pub fn is_closed(&self) -> bool {
        self.jobs.state.lock().closed
    }

    /// Accepts nothing new, waits for the jobs until `deadline`, then parks or cancels what is left and returns how many that are.
    pub fn close(&self, deadline: Option<Instant>) -> usize {
        let mut state = self.jobs.state.lock();
        state.closed = true;
        self.queue.close();
        while !state.running.is_empty() {
            match deadline {
                None => self.jobs.changed.wait(&mut state),
                Some(deadline) if Instant::now() >= deadline => break,
                Some(deadline) => {
                    self.jobs.changed.wait_until(&mut state, deadline);
                }
            }
        }
        let left = state.running.clone();
        drop(state);
        for job in &left {
            job.park();
        }
        // The waiting threads are told, but no event is queued: this is a host's thread.
        self.status.value.lock().0 = Status::Closed;
        self.status.tell();
        left.len()
    }

    /// Parks or cancels everything and lets go. What the jobs must clean up goes on in the background.
    pub fn abandon(&self) {
        self.queue.wake().set_callback(None);
        self.close(Some(Instant::now()));
        self.queue.interrupt();
    }
}

/// A job that was accepted and not started yet.
pub struct Accepted {
    /// The job.
    pub job: Arc<Job>,
    token: Token,
}

impl Accepted {
    /// Takes it back: the host could not be told of it.
    pub fn withdraw(self) {
        self.token.withdraw();
    }
}

/// Reports the status from the background.
#[derive(Clone)]
pub struct Reporter {
    status: Arc<StatusCell>,
    queue: Arc<Queue>,
    log: Log,
}

impl Reporter {
    /// The status is this now. Told as an event if it differs.
    pub fn report(&self, status: Status, error: Option<Error>) {
        let error = error.map(|error| error.cleaned(self.log.redactor()));
        let waking = {
            let mut value = self.status.value.lock();
            if value.0 == Status::Closed || (value.0 == status && value.1 == error) {
                return;
            }
            *value = (status, error.clone());
            // Under the lock: whoever learns of the status in one way finds it in the other.
            self.queue.status_unannounced(Event::Status { status, error })
        };
        self.status.tell();
        self.queue.announce(waking);
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::Woken;
    use super::*;
    use std::time::Duration;

    fn session() -> Session {
        Session::open(Level::Trace, Redactor::default()).unwrap()
    }

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_secs(20))
    }

    fn ends(session: &Session) -> Vec<State> {
        std::iter::from_fn(|| session.queue().take())
            .filter_map(|event| match event {
                Event::Ended { ended, .. } => Some(ended.state),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_job_that_panics_ends_as_failed_once_and_the_session_goes_on() {
        let session = session();
        let accepted = session.accept(1).unwrap();
        let job = accepted.job.clone();
        session.start(accepted, async { panic!("a defect") });
        let ended = job.wait(soon()).unwrap();
        assert_eq!((ended.state, ended.error.as_ref().unwrap().code), (State::Failed, Code::Panic));

        let accepted = session.accept(2).unwrap();
        let job = accepted.job.clone();
        session.start(accepted, async { (State::Done, None) });
        assert_eq!(job.wait(soon()).unwrap().state, State::Done);
        assert_eq!(ends(&session), [State::Failed, State::Done]);
    }

    #[test]
    fn a_job_that_is_never_started_still_ends_once() {
        let session = session();
        drop(session.accept(1).unwrap());
        assert_eq!(ends(&session), [State::Failed]);
        assert_eq!(session.close(soon()), 0);
    }

    #[test]
    fn closing_returns_in_time_says_what_is_left_and_cancels_it() {
        let session = session();
        let accepted = session.accept(1).unwrap();
        let job = accepted.job.clone();
        let work = job.clone();
        session.start(accepted, async move {
            work.cancelled().await;
            (State::Cancelled, None)
        });
        assert_eq!(session.close(Some(Instant::now())), 1);
        assert_eq!(session.accept(2).err().unwrap().code, Code::Closed);
        assert_eq!(job.wait(soon()).unwrap().state, State::Cancelled);
        assert_eq!(session.close(soon()), 0);
    }

    #[test]
    fn who_waits_for_events_without_limit_is_told_when_the_session_was_closed_and_the_last_job_has_ended() {
        let session = Arc::new(session());
        let accepted = session.accept(1).unwrap();
        let (waiting, (tell, told)) = (session.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            while waiting.queue().wait(None) == Woken::Ready {
                waiting.queue().take();
            }
            tell.send(()).unwrap();
        });
        session.close(Some(Instant::now()));
        accepted.token.end(State::Done, None);
        told.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn a_cancel_before_the_job_listens_is_not_lost() {
        let session = session();
        let accepted = session.accept(1).unwrap();
        let job = accepted.job.clone();
        job.cancel();
        let work = job.clone();
        session.start(accepted, async move {
            work.cancelled().await;
            (State::Cancelled, None)
        });
        assert_eq!(job.wait(soon()).unwrap().state, State::Cancelled);
    }
}
