//! How many requests of a session run at once. Every upload has one lane of its own, so a thumbnail never waits for a
//! film; the lanes beyond those are shared, first come first served, and are added only while they make uploads faster.

use crate::session::policy;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The shared lanes of a session.
#[derive(Debug)]
pub(super) struct Lanes {
    shared: Arc<Semaphore>,
    /// Uploads that would use another lane.
    waiting: AtomicUsize,
    moved: Arc<AtomicU64>,
    pilot: Mutex<Pilot>,
}

/// A shared lane, given back when dropped.
#[derive(Debug)]
pub(super) struct Lane {
    permit: Option<OwnedSemaphorePermit>,
    lanes: Arc<Lanes>,
}

impl Lanes {
    /// `fixed` requests at once for an upload that is alone; else as many as help. Never more than `blocks`: one without
    /// memory would only wait, until the storage closes its connection.
    pub(super) fn new(fixed: Option<usize>, blocks: usize) -> Arc<Self> {
        let most = blocks.clamp(1, policy::MOST_CONNECTIONS);
        let count = fixed.map_or(policy::PARALLEL_PARTS.min(most), |fixed| fixed.clamp(1, blocks.max(1)));
        Arc::new(Lanes {
            // An upload's own lane is one of them.
            shared: Arc::new(Semaphore::new(count - 1)),
            waiting: AtomicUsize::new(0),
            moved: Arc::default(),
            pilot: Mutex::new(Pilot::new(count, if fixed.is_some() { count } else { most })),
        })
    }

    /// A shared lane, when there is one; who asks first gets the first.
    pub(super) fn enter(self: &Arc<Self>) -> impl Future<Output = Lane> + Send + use<> {
        let waiting = Waiting::new(self);
        async move { Lane { permit: waiting.0.shared.clone().acquire_owned().await.ok(), lanes: waiting.0.clone() } }
    }

    /// Where requests count the bytes that move.
    pub(super) fn moved(&self) -> Arc<AtomicU64> {
        self.moved.clone()
    }

    /// Looks whether another number of lanes would be better. To be called now and then by whoever uploads in parts, also
    /// while it needs no more of them.
    pub(super) fn adapt(&self) {
        let moved = self.moved.load(Ordering::Relaxed);
        let full = self.waiting.load(Ordering::Relaxed) > 0 && self.shared.available_permits() == 0;
        let mut pilot = self.pilot.lock();
        let before = pilot.count;
        pilot.look(moved, full, Instant::now());
        self.resize(before, &mut pilot);
    }

    /// The storage asks for less.
    pub(super) fn slow_down(&self) {
        let mut pilot = self.pilot.lock();
        let before = pilot.count;
        pilot.slow_down(Instant::now());
        self.resize(before, &mut pilot);
    }

    fn resize(&self, before: usize, pilot: &mut Pilot) {
        if pilot.count > before {
            let added = pilot.count - before;
            let kept = added.min(pilot.surplus);
            pilot.surplus -= kept;
            self.shared.add_permits(added - kept);
        } else {
            let removed = before - pilot.count;
            // What is in use goes when it is given back.
            pilot.surplus += removed - self.shared.forget_permits(removed);
        }
    }
}

/// An upload that stands in the line.
struct Waiting(Arc<Lanes>);

impl Waiting {
    fn new(lanes: &Arc<Lanes>) -> Waiting {
        lanes.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(lanes.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut pilot = self.lanes.pilot.lock();
        if pilot.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            pilot.surplus -= 1;
            permit.forget();
        }
    }
}

/// Climbs as long as it pays: half as many lanes again are tried, kept when the speed has grown by a good part of
/// what the lanes have, and taken back otherwise.
#[derive(Debug)]
struct Pilot {
    count: usize,
    most: usize,
    /// Lanes that are taken away and still in use.
    surplus: usize,
    window: Option<Window>,
    /// The number to return to and its speed, while more are tried.
    trial: Option<(usize, f64)>,
    /// Nothing is tried before.
    rest: Option<Instant>,
    /// When the storage last asked for less.
    slowed: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    moved: u64,
    /// Whether all lanes were in use and more were wanted, all the time.
    full: bool,
    /// Connections are made and become fast in it: it is not judged.
    warming: bool,
}

impl Pilot {
    fn new(count: usize, most: usize) -> Self {
        Pilot { count, most: most.max(count), surplus: 0, window: None, trial: None, rest: None, slowed: None }
    }

    fn look(&mut self, moved: u64, full: bool, now: Instant) {
        let Some(window) = &mut self.window else {
            self.window = Some(Window { since: now, moved, full, warming: true });
            return;
        };
        // Lanes that were added at its beginning are not in use in the same moment.
        window.full &= full || now.duration_since(window.since) < policy::ADAPT_INTERVAL / 5;
        let Window { since, moved: before, full: was_full, warming } = *window;
        let (elapsed, bytes) = (now.duration_since(since), moved.saturating_sub(before));
        // On a slow link a window is as long as it takes until chance does not count.
        let enough = bytes >= self.count as u64 * policy::ADAPT_BYTES;
        if elapsed < policy::ADAPT_INTERVAL || (was_full && !enough) {
            return;
        }
        let count = self.count;
        match (was_full, warming) {
            (true, false) => self.judge(bytes as f64 / elapsed.as_secs_f64(), now),
            (true, true) => {}
            // Nothing can be learned of lanes that are not used.
            (false, _) => self.give_up_trial(now),
        }
        let warming = self.count != count || !was_full;
        self.window = Some(Window { since: now, moved, full, warming });
    }

    fn judge(&mut self, speed: f64, now: Instant) {
        match self.trial {
            Some((before, base)) => {
                let gain = speed / base.max(1.0) - 1.0;
                let lanes = self.count as f64 / before as f64 - 1.0;
                if gain >= lanes * policy::ADAPT_GAIN {
                    self.trial = None;
                    self.climb(speed);
                } else {
                    self.give_up_trial(now);
                }
            }
            None if self.rest.is_none_or(|rest| now >= rest) => self.climb(speed),
            None => {}
        }
    }

    fn climb(&mut self, speed: f64) {
        let more = (self.count + self.count.div_ceil(2)).min(self.most);
        let is_fast = speed >= self.count as f64 * policy::ADAPT_FAST as f64;
        if more > self.count && !is_fast {
            self.trial = Some((self.count, speed));
            self.count = more;
        }
    }

    fn give_up_trial(&mut self, now: Instant) {
        if let Some((before, _)) = self.trial.take() {
            self.count = before;
            self.rest = Some(now + policy::ADAPT_REST);
        }
    }

    fn slow_down(&mut self, now: Instant) {
        if self.slowed.is_some_and(|slowed| now.duration_since(slowed) < policy::SLOW_DOWN_INTERVAL) {
            return;
        }
        self.slowed = Some(now);
        self.trial = None;
        self.count = (self.count / 2).max(1);
        self.rest = Some(now + policy::ADAPT_REST);
        self.window = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::time::Duration;

    /// Runs windows over a link whose speed depends on the number of lanes, and says how many there are in the end.
    fn settle(pilot: &mut Pilot, windows: usize, speed: impl Fn(usize) -> f64) -> usize {
        let (mut now, mut moved) = (Instant::now(), 0.0);
        for _ in 0..windows {
            pilot.look(moved as u64, true, now);
            now += policy::ADAPT_INTERVAL;
            moved += speed(pilot.count) * policy::ADAPT_INTERVAL.as_secs_f64();
        }
        pilot.count
    }

    const FAST: f64 = 50e6;

    #[test]
    fn lanes_are_added_while_each_has_its_own_limit() {
        assert_eq!(settle(&mut Pilot::new(6, 16), 12, |lanes| FAST * lanes as f64), 16);
    }

    #[test]
    fn lanes_that_bring_nothing_are_taken_back() {
        assert_eq!(settle(&mut Pilot::new(6, 16), 20, |_| 6.0 * FAST), 6);
        let nearly_flat = |lanes: usize| 6.0 * FAST * (1.0 + 0.01 * lanes as f64);
        assert_eq!(settle(&mut Pilot::new(6, 16), 20, nearly_flat), 6);
    }

    #[test]
    fn no_more_lanes_are_tried_where_each_is_fast() {
        let mut pilot = Pilot::new(6, 16);
        for windows in 1..10 {
            assert_eq!(settle(&mut pilot, windows, |lanes| 4.0 * FAST * lanes as f64), 6);
        }
    }

    #[test]
    fn climbing_ends_where_it_no_longer_pays() {
        assert_eq!(settle(&mut Pilot::new(6, 16), 20, |lanes| FAST * lanes.min(9) as f64), 9);
    }

    #[test]
    fn a_slow_link_is_measured_for_longer_before_it_is_judged() {
        let mut pilot = Pilot::new(6, 16);
        let slow = 1e6;
        let for_one_window = (6.0 * policy::ADAPT_BYTES as f64 / slow / policy::ADAPT_INTERVAL.as_secs_f64()) as usize;
        assert_eq!(settle(&mut pilot, for_one_window, |_| slow), 6);
        assert_eq!(pilot.trial, None);
    }

    #[test]
    fn a_number_that_the_host_fixed_stays() {
        assert_eq!(settle(&mut Pilot::new(3, 3), 20, |lanes| FAST * lanes as f64), 3);
    }

    #[tokio::test]
    async fn lanes_that_were_taken_away_while_in_use_do_not_come_back() {
        let lanes = Lanes::new(Some(7), 7);
        let mut used = Vec::new();
        for _ in 0..6 {
            used.push(lanes.enter().now_or_never().unwrap());
        }
        assert!(lanes.enter().now_or_never().is_none());
        lanes.slow_down();
        // 3 are left, one of which is an upload's own.
        drop(used);
        let left: Vec<Lane> = std::iter::from_fn(|| lanes.enter().now_or_never()).collect();
        assert_eq!(left.len(), 2);
    }

    #[test]
    fn no_lane_is_for_a_request_that_would_only_wait_for_memory() {
        // Four blocks, one of which is for the upload's own lane.
        let lanes = Lanes::new(Some(64), 4);
        assert_eq!(lanes.shared.available_permits(), 3);
    }

    #[test]
    fn requests_that_were_refused_together_count_once() {
        let mut pilot = Pilot::new(16, 16);
        let now = Instant::now();
        (0..16).for_each(|_| pilot.slow_down(now));
        assert_eq!(pilot.count, 8);
        pilot.slow_down(now + policy::SLOW_DOWN_INTERVAL);
        assert_eq!(pilot.count, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_needs_no_more_lanes_does_not_keep_others_from_them() {
        let lanes = Lanes::new(None, 16);
        let (mut used, mut next) = (Vec::new(), Box::pin(lanes.enter()));
        for _ in 0..20 {
            while let Some(lane) = next.as_mut().now_or_never() {
                used.push(lane);
                next = Box::pin(lanes.enter());
            }
            let moved = FAST * (used.len() + 1) as f64 * policy::ADAPT_INTERVAL.as_secs_f64();
            lanes.moved().fetch_add(moved as u64, Ordering::Relaxed);
            tokio::time::advance(policy::ADAPT_INTERVAL).await;
            lanes.adapt();
            // The other one is paused, or at its end.
            lanes.adapt();
        }
        assert_eq!(lanes.pilot.lock().count, 16);
    }

    #[tokio::test]
    async fn lanes_come_back_after_a_rest() {
        let mut pilot = Pilot::new(6, 16);
        pilot.slow_down(Instant::now() - policy::ADAPT_REST - Duration::from_secs(1));
        assert_eq!(pilot.count, 3);
        assert!(settle(&mut pilot, 20, |lanes| FAST * lanes as f64) > 6);
    }
}
