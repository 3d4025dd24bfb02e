//! The bounded event queue.
//!
//! A job's place is reserved when the job is accepted, so its end always fits. Progress and status
//! are latest values: a host that polls late hears how it is, not how it was. Log lines and events of the
//! hub are the only things that are ever dropped, oldest first, and the loss is counted and told.

use super::error::{Code, Error, Result};
use super::event::{Event, JobName, Progress};
use super::log::{Line, Sink};
use super::news::{HubEvent, Lane, Receiver};
use super::policy;
use super::wake::Wake;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Instant;

/// One session's events.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    wake: Wake,
}

#[derive(Default)]
struct State {
    /// Counts what was ever put in, so that the kinds below come out in the order they went in.
    clock: u64,
    /// Ends and created versions: never dropped, bounded by the places reserved.
    kept: VecDeque<(u64, Event)>,
    status: Option<(u64, Event)>,
    /// One entry a job, so few that a scan is the fastest look-up.
    progress: Vec<(u64, Progress)>,
    lines: VecDeque<(u64, Line)>,
    dropped: u64,
    hub_status: Option<(u64, Event)>,
    hub: Lane,
    /// One entry a subscription that the server refuses.
    refused: VecDeque<(u64, Event)>,
    /// Not dropped unless their watch ends: who puts them in asks for room first.
    reviews: VecDeque<(u64, Event)>,
    /// Jobs accepted whose end was not handed out yet.
    reserved: usize,
    /// Events published whose end was not handed out yet.
    published: usize,
    interrupted: bool,
    /// No more places will be reserved.
    closed: bool,
}

/// That an event was put in, and whether the host must be woken for it.
#[must_use = "the host is not woken until it is announced"]
pub struct Waking(bool);

/// Why [`Queue::wait`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There is something to take.
    Ready,
    /// Somebody called [`Queue::interrupt`].
    Interrupted,
    /// The time is over.
    TimedOut,
    /// The queue was closed, and everything was taken.
    Finished,
}

impl Queue {
    /// Reserves a place for a job's end, or says that there is none within `capacity`.
    pub fn reserve(&self, capacity: usize) -> Result<()> {
        let mut state = self.state.lock();
        if state.reserved >= capacity {
            return Err(Error::new(
                Code::QueueFull,
                format!(
                    "{} jobs were accepted whose end nobody has fetched: poll events, or free the jobs that were waited for",
                    state.reserved
                ),
            ));
        }
        state.reserved += 1;
        Ok(())
    }

    /// Gives back the place of a job that was never started.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.reserved = state.reserved.saturating_sub(1);
    }

    /// Reserves a place for the end of a published event, or says that there is none. Its end is put in with [`Queue::keep`].
    pub fn reserve_published(&self) -> Result<()> {
        let mut state = self.state.lock();
        if state.published >= policy::HUB_PUBLISHED {
            let message =
                format!("{} events were published whose end nobody has fetched: poll events", state.published);
            return Err(Error::new(Code::QueueFull, message));
        }
        state.published += 1;
        Ok(())
    }

    /// Puts in an event of the hub for these, who hear of it in this order.
    pub fn deliver(&self, event: Arc<HubEvent>, receivers: VecDeque<Receiver>) {
        self.put(|state, clock| state.hub.deliver(clock, event, receivers));
    }

    /// Puts in a reply to a published event.
    pub fn reply(&self, event: Arc<HubEvent>, publisher: Receiver) {
        self.put(|state, clock| state.hub.reply(clock, event, publisher));
    }

    /// Puts in that the server refuses a subscription, once.
    pub fn refuse(&self, subscription: Receiver, error: Error) {
        self.put(|state, clock| {
            let same = |event: &Event| matches!(event, Event::HubRefused { subscription: other, .. } if *other == subscription);
            state.refused.retain(|(_, event)| !same(event));
            state.refused.push_back((clock, Event::HubRefused { subscription, error }));
        });
    }

    /// How many events of a watch there is room for.
    pub fn review_room(&self) -> usize {
        policy::WATCH_EVENTS.saturating_sub(self.state.lock().reviews.len())
    }

    /// Puts in an event of a watch, for which there was room.
    pub fn review(&self, event: Event) {
        self.put(|state, clock| state.reviews.push_back((clock, event)));
    }

    /// Nobody else hears of this event of the hub.
    pub fn stop(&self, id: &str) {
        self.reduce(|state| state.hub.stop(id));
    }

    /// Forgets what waits for a subscription or a watch.
    pub fn forget_subscription(&self, handle: u64) {
        self.reduce(|state| {
            state.hub.forget(handle);
            state.refused.retain(
                |(_, event)| !matches!(event, Event::HubRefused { subscription, .. } if subscription.handle == handle),
            );
            state.reviews.retain(|(_, event)| !matches!(event, Event::Review { watch, .. } if watch.handle == handle));
        });
    }

    /// Replaces the status of the hub that is waiting to be told, for a caller that holds a lock.
    pub fn hub_status_unannounced(&self, event: Event) -> Waking {
        Waking(self.insert(|state, clock| state.hub_status = Some((clock, event))))
    }

    /// Puts in a job's end or a step that is told once a job: for these a place is reserved.
    pub fn keep(&self, event: Event) {
        self.put(|state, clock| state.kept.push_back((clock, event)));
    }

    /// Like [`Queue::keep`] for a caller that holds a lock: the host is woken by [`Queue::announce`], after unlocking.
    pub fn keep_unannounced(&self, event: Event) -> Waking {
        Waking(self.insert(|state, clock| state.kept.push_back((clock, event))))
    }

    /// Wakes the host after something was put in unannounced.
    pub fn announce(&self, waking: Waking) {
        self.ready.notify_one();
        if waking.0 {
            // Not under the lock: a host that waits for the descriptor runs at once, and would wait for the lock. It may have
            // taken the event by another way before this; then the descriptor is readable once with nothing to take.
            self.wake.set();
            self.wake.call();
        }
    }

    /// Replaces the status that is waiting to be told, for a caller that holds a lock.
    pub fn status_unannounced(&self, event: Event) -> Waking {
        Waking(self.insert(|state, clock| state.status = Some((clock, event))))
    }

    /// Replaces the progress of the same job that is waiting to be told.
    pub fn progress(&self, progress: Progress) {
        self.put(|state, clock| {
            state.progress.retain(|(_, waiting)| waiting.job != progress.job);
            state.progress.push((clock, progress));
        });
    }

    /// Takes the oldest event, if there is one.
    pub fn take(&self) -> Option<Event> {
        let mut state = self.state.lock();
        let event = state.take();
        if !state.ready() {
            self.wake.clear();
        }
        event
    }

    /// How many events are waiting.
    pub fn len(&self) -> usize {
        let state = self.state.lock();
        state.kept.len()
            + state.lines.len()
            + state.progress.len()
            + usize::from(state.status.is_some())
            + usize::from(state.dropped > 0)
            + usize::from(state.hub_status.is_some())
            + state.hub.len()
            + state.refused.len()
            + state.reviews.len()
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Blocks until there is something to take, until `deadline`, or until interrupted. `None` is no limit.
    pub fn wait(&self, deadline: Option<Instant>) -> Woken {
        let mut state = self.state.lock();
        loop {
            if std::mem::take(&mut state.interrupted) {
                return Woken::Interrupted;
            }
            if state.ready() {
                return Woken::Ready;
            }
            // Announced after it was taken: see `announce`.
            self.wake.clear();
            if state.finished() {
                return Woken::Finished;
            }
            match deadline {
                None => self.ready.wait(&mut state),
                Some(deadline) if Instant::now() >= deadline => return Woken::TimedOut,
                Some(deadline) => {
                    self.ready.wait_until(&mut state, deadline);
                }
            }
        }
    }

    /// Makes a waiting thread return, or the next one that waits.
    pub fn interrupt(&self) {
        self.state.lock().interrupted = true;
        self.ready.notify_all();
    }

    /// No more jobs are accepted: whoever waits returns when the last end was taken.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.ready.notify_all();
    }

    /// Forgets the end of a job that the host learned of in another way, and frees its place.
    pub fn forget(&self, job: JobName) {
        self.reduce(|state| state.forget(job));
    }

    /// A change that only takes away.
    fn reduce(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        let was_ready = state.ready();
        change(&mut state);
        if state.finished() {
            self.ready.notify_all();
        }
        if was_ready && !state.ready() {
            self.wake.clear();
        }
    }

    /// A descriptor that is readable while events wait. It belongs to the queue: nobody else reads or closes it.
    pub fn wake_fd(&self) -> Result<RawFd> {
        let state = self.state.lock();
        self.wake.descriptor(state.ready())
    }

    /// The wake-up callback's gate.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    fn put(&self, change: impl FnOnce(&mut State, u64)) {
        let waking = Waking(self.insert(change));
        // Not under the lock: the callback is the host's code.
        self.announce(waking);
    }

    /// Whether the queue was empty before.
    fn insert(&self, change: impl FnOnce(&mut State, u64)) -> bool {
        let mut state = self.state.lock();
        let was_empty = !state.ready();
        state.clock += 1;
        let clock = state.clock;
        change(&mut state, clock);
        was_empty
    }
}

impl State {
    fn forget(&mut self, job: JobName) {
        let ended = |event: &Event| matches!(event, Event::Ended { job: name, .. } if *name == job);
        let ends = self.kept.iter().filter(|(_, event)| ended(event)).count();
        self.kept.retain(|(_, event)| match event {
            Event::Ended { job: name, .. }
            | Event::VersionCreated { job: name, .. }
            | Event::Kept { job: name, .. }
            | Event::Resumed { job: name, .. } => *name != job,
            _ => true,
        });
        self.reserved = self.reserved.saturating_sub(ends);
        self.progress.retain(|(_, progress)| progress.job != job);
    }

    fn finished(&self) -> bool {
        self.closed && self.reserved == 0 && self.published == 0 && !self.ready()
    }

    fn ready(&self) -> bool {
        !self.kept.is_empty()
            || self.status.is_some()
            || !self.progress.is_empty()
            || !self.lines.is_empty()
            || self.dropped > 0
            || self.hub_status.is_some()
            || !self.hub.is_empty()
            || !self.refused.is_empty()
            || !self.reviews.is_empty()
    }

    fn take(&mut self) -> Option<Event> {
        let kept = self.kept.front().map(|(clock, _)| *clock);
        let status = self.status.as_ref().map(|(clock, _)| *clock);
        let progress = self.progress.first().map(|(clock, _)| *clock);
        let lines = self.lines.front().map(|(clock, _)| *clock);
        let hub_status = self.hub_status.as_ref().map(|(clock, _)| *clock);
        let refused = self.refused.front().map(|(clock, _)| *clock);
        let hub = self.hub.clock();
        let reviews = self.reviews.front().map(|(clock, _)| *clock);
        let all = [kept, status, progress, lines, hub_status, refused, reviews, hub];
        let Some(oldest) = all.into_iter().flatten().min() else {
            // What was lost is told even if what came after it was taken away.
            return self.hub.take();
        };
        if hub == Some(oldest) {
            return self.hub.take();
        }
        if hub_status == Some(oldest) {
            return self.hub_status.take().map(|(_, event)| event);
        }
        if reviews == Some(oldest) {
            return self.reviews.pop_front().map(|(_, event)| event);
        }
        if refused == Some(oldest) {
            return self.refused.pop_front().map(|(_, event)| event);
        }
        if lines == Some(oldest) && self.dropped > 0 {
            // The loss is told where it happened: before the oldest line that is left.
            return Some(Event::Dropped(std::mem::take(&mut self.dropped)));
        }
        if kept == Some(oldest) {
            let event = self.kept.pop_front().map(|(_, event)| event);
            match event {
                Some(Event::Ended { .. }) => self.reserved = self.reserved.saturating_sub(1),
                Some(Event::HubPublished { .. }) => self.published = self.published.saturating_sub(1),
                _ => {}
            }
            return event;
        }
        if status == Some(oldest) {
            return self.status.take().map(|(_, event)| event);
        }
        if progress == Some(oldest) {
            return Some(Event::Progress(self.progress.remove(0).1));
        }
        self.lines.pop_front().map(|(_, line)| Event::Log(line))
    }
}

impl Sink for Queue {
    fn line(&self, line: Line) {
        self.put(|state, clock| {
            if state.lines.len() >= policy::LOG_CAPACITY {
                state.lines.pop_front();
                state.dropped += 1;
            }
            state.lines.push_back((clock, line));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Stage;
    use super::super::event::{Ended, Published, State as JobState};
    use super::super::log::Level;
    use super::super::review::{Deed, Review};
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn end(handle: u64) -> Event {
        let ended = Ended { state: JobState::Done, error: None, published: Published::default() };
        Event::Ended { job: JobName { handle, tag: 0 }, ended: Arc::new(ended) }
    }

    fn progress(handle: u64, bytes_done: u64) -> Progress {
        let job = JobName { handle, tag: 0 };
        Progress {
            job,
            stage: Stage::Uploading,
            bytes_done,
            bytes_stored: 0,
            bytes_total: 9,
            bytes_per_second: 0.0,
            remaining: None,
            paused: false,
            files: Vec::new(),
            frames_done: 0,
            frames_total: 0,
        }
    }

    fn line(message: &str) -> Line {
        Line { level: Level::Info, target: "test", time: std::time::UNIX_EPOCH, message: message.to_owned() }
    }

    #[test]
    fn an_accepted_job_always_has_room_for_its_end_however_many_lines_are_logged() {
        let queue = Queue::default();
        for _ in 0..policy::JOB_CAPACITY {
            queue.reserve(policy::JOB_CAPACITY).unwrap();
        }
        assert_eq!(queue.reserve(policy::JOB_CAPACITY).unwrap_err().code, Code::QueueFull);
        for number in 0..policy::JOB_CAPACITY as u64 {
            for _ in 0..5 {
                queue.line(line("noise"));
            }
            queue.keep(end(number));
        }
        let (mut ends, mut lines, mut dropped) = (0, 0, 0);
        while let Some(event) = queue.take() {
            match event {
                Event::Ended { job, .. } => {
                    assert_eq!(job.handle, ends);
                    ends += 1;
                }
                Event::Log(_) => lines += 1,
                Event::Dropped(count) => dropped += count,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ends, policy::JOB_CAPACITY as u64);
        assert_eq!(lines + dropped, 5 * policy::JOB_CAPACITY as u64);
        queue.reserve(policy::JOB_CAPACITY).unwrap();
    }

    #[test]
    fn only_the_latest_progress_of_a_job_is_told_and_never_after_its_end() {
        let queue = Queue::default();
        queue.reserve(policy::JOB_CAPACITY).unwrap();
        queue.progress(progress(1, 3));
        queue.progress(progress(2, 4));
        queue.progress(progress(1, 5));
        queue.keep(end(1));
        let mut seen = Vec::new();
        while let Some(event) = queue.take() {
            seen.push(match event {
                Event::Progress(progress) => (progress.job.handle, progress.bytes_done),
                Event::Ended { job, .. } => (job.handle, 99),
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(seen, [(2, 4), (1, 5), (1, 99)]);
    }

    #[test]
    fn the_wake_up_callback_is_called_once_until_the_queue_was_emptied() {
        let queue = Queue::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = calls.clone();
        queue.wake().set_callback(Some(Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        })));
        queue.line(line("one"));
        queue.line(line("two"));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        while queue.take().is_some() {}
        queue.line(line("three"));
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn an_interrupt_is_not_lost_when_nobody_waits_yet() {
        let queue = Queue::default();
        queue.interrupt();
        assert_eq!(queue.wait(None), Woken::Interrupted);
        assert_eq!(queue.wait(Some(Instant::now())), Woken::TimedOut);
    }

    #[test]
    fn nothing_is_told_of_a_job_that_was_waited_for_and_freed() {
        let queue = Queue::default();
        queue.reserve(policy::JOB_CAPACITY).unwrap();
        queue.progress(progress(1, 3));
        queue.keep(end(1));
        queue.forget(JobName { handle: 1, tag: 0 });
        assert!(queue.is_empty() && queue.take().is_none());
        assert_eq!(queue.state.lock().reserved, 0);
    }

    #[test]
    fn what_waits_for_a_watch_that_was_ended_is_forgotten_and_makes_room() {
        let queue = Queue::default();
        let what = Arc::new(Review {
            deed: Deed::Note,
            version_id: "v".to_owned(),
            review_session_id: None,
            id: "n".to_owned(),
            text: "Softer".to_owned(),
            author: None,
            frame: None,
            in_reply_to: None,
        });
        let review = |handle| Event::Review { watch: Receiver { handle, tag: 0 }, review: what.clone() };
        let room = queue.review_room();
        for handle in [1, 2, 1] {
            queue.review(review(handle));
        }
        queue.forget_subscription(1);
        assert_eq!(queue.review_room(), room - 1);
        assert!(matches!(queue.take(), Some(Event::Review { watch: Receiver { handle: 2, .. }, .. })));
        assert!(queue.is_empty());
    }
}
