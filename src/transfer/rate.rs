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
        self.cap.send_replace(bytes_per_second);
        // What was reserved at the former speed is forgotten.
        *self.free.lock() = Instant::now();
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
            let cap = *changes.borrow_and_update();
            let (now, free) = (Instant::now(), *self.free.lock());
            if cap == 0 {
                return;
            }
            if free <= now {
                // What was not used in quiet times is not made up for, but a timer that fired late is.
                let from = free.max(now - TIMER);
                *self.free.lock() = from + Duration::from_secs_f64(bytes as f64 / cap as f64);
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(free) => {}
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

    #[test]
    fn frames_are_smaller_under_a_cap() {
        assert_eq!(Rate::new(0).frame(), policy::FRAME_SIZE);
        assert_eq!(Rate::new(1).frame(), policy::SMALLEST_FRAME);
        assert_eq!(Rate::new(u64::MAX).frame(), policy::FRAME_SIZE);
        assert!(Rate::new(1_000_000).frame() < policy::FRAME_SIZE);
    }
}
