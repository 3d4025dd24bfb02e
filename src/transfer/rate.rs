//! The bandwidth that a session may use. Requests take turns frame by frame, so that a thumbnail is not kept waiting by
//! the parts of a film.

use crate::session::policy;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{Mutex as Turns, watch};
use tokio::time::Instant;

/// How late timers fire at most: tokio's have steps of a millisecond, and a busy machine adds some.
const TIMER: Duration = Duration::from_millis(10);

/// A cap on the bytes a second of all requests together, which may be changed at any time.
#[derive(Debug)]
pub(super) struct Rate {
    /// Bytes a second; 0 is no cap.
    cap: watch::Sender<u64>,
    /// Who waits first goes first.
    turns: Turns<()>,
    /// From when on the next bytes may go.
    free: Mutex<Instant>,
}

impl Rate {
    /// `bytes_per_second` 0 is no cap.
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Rate { cap: watch::Sender::new(bytes_per_second), turns: Turns::default(), free: Mutex::new(Instant::now()) }
    }

    /// Takes effect at once, also on what waits already.
    pub(super) fn set(&self, bytes_per_second: u64) {
        let mut free = self.free.lock();
        let former = self.cap.send_replace(bytes_per_second);
        let now = Instant::now();
        // What was reserved at the former speed takes as long as it would at this one: a host may set it many times a second.
        let left = free.saturating_duration_since(now);
        *free = match (former, bytes_per_second) {
            (0, _) | (_, 0) => now,
            (former, present) => now + left.mul_f64(former as f64 / present as f64),
        };
    }

    /// Whether there is a cap.
    pub(super) fn is_capped(&self) -> bool {
        *self.cap.borrow() > 0
    }

    /// How much to send at once: less under a cap, so that it flows evenly and no request seems dead.
    pub(super) fn frame(&self) -> usize {
        match *self.cap.borrow() {
            0 => policy::FRAME_SIZE,
            cap => usize::try_from(cap / policy::FRAMES_PER_SECOND)
                .unwrap_or(usize::MAX)
                .clamp(policy::SMALLEST_FRAME, policy::FRAME_SIZE),
        }
    }

    /// Completes when `bytes` may go.
    pub(super) async fn take(&self, bytes: usize) {
        if !self.is_capped() {
            return;
        }
        let mut changes = self.cap.subscribe();
        let _turn = self.turns.lock().await;
        loop {
            let until = {
                // Together, so that nothing is reserved at a speed that is no more.
                let mut free = self.free.lock();
                let (cap, now) = (*changes.borrow_and_update(), Instant::now());
                if cap == 0 {
                    return;
                }
                if *free <= now {
                    // What was not used in quiet times is not made up for, but a timer that fired late is.
                    *free = (*free).max(now - TIMER) + Duration::from_secs_f64(bytes as f64 / cap as f64);
                    return;
                }
                *free
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                _ = changes.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join;

    #[tokio::test(start_paused = true)]
    async fn a_cap_holds_for_all_requests_together_and_each_gets_its_share() {
        let rate = Rate::new(100_000);
        let start = Instant::now();
        let send = |frames: usize| {
            let rate = &rate;
            async move {
                for _ in 0..frames {
                    rate.take(10_000).await;
                }
                start.elapsed()
            }
        };
        let (film, thumbnail) = join(send(90), send(10)).await;
        // 100 frames a tenth of a second apart, of which the first waits for nothing; the timer has steps of a millisecond.
        assert!(film >= Duration::from_millis(9_900) && film <= Duration::from_millis(10_100), "{film:?}");
        assert!(thumbnail <= Duration::from_millis(2_100), "{thumbnail:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cap_that_is_lifted_lets_go_what_waits() {
        let rate = Rate::new(1);
        rate.take(1_000_000).await;
        let start = Instant::now();
        let lift = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            rate.set(0);
        };
        join(rate.take(1), lift).await;
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(rate.frame(), policy::FRAME_SIZE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cap_holds_while_a_host_sets_it_again_and_again() {
        for other in [100_000, 100_001] {
            let rate = Rate::new(100_000);
            let start = Instant::now();
            let send = async {
                for _ in 0..20 {
                    rate.take(10_000).await;
                }
            };
            // As a slider does that is being moved.
            let slide = async {
                for step in 0.. {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    rate.set([other, 100_000][step % 2]);
                }
            };
            tokio::select! {
                () = send => {}
                () = slide => {}
            }
            assert!(start.elapsed() >= Duration::from_millis(1_850), "{other}: {:?}", start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_waits_at_the_new_speed() {
        for (before, after) in [(1, 1_000), (1_000, 1), (u64::MAX, 1_000), (1, u64::MAX)] {
            let rate = Rate::new(before);
            rate.take(1_000).await;
            rate.set(after);
            let start = Instant::now();
            rate.take(1).await;
            let longest = Duration::from_millis(10) + Duration::from_secs_f64(1_000.0 / after as f64);
            assert!(start.elapsed() <= longest, "{before} to {after}: {:?}", start.elapsed());
        }
    }

    #[test]
    fn frames_are_smaller_under_a_cap() {
        assert_eq!(Rate::new(0).frame(), policy::FRAME_SIZE);
        assert_eq!(Rate::new(1).frame(), policy::SMALLEST_FRAME);
        assert_eq!(Rate::new(u64::MAX).frame(), policy::FRAME_SIZE);
        assert!(Rate::new(1_000_000).frame() < policy::FRAME_SIZE);
    }
}
