//! Many points, several at once, and what came of them.

use super::point::Point;
use super::sweep::{Manner, Outcome, run};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

/// What came of a sweep.
#[derive(Default)]
pub struct Report {
    pub points: usize,
    /// Points at which nothing happened: the request or the operation did not come.
    pub missed: usize,
    /// Points after which another process had to go on though none was killed.
    pub put_off: usize,
    /// Uploads in parts that are left in all of them together.
    pub uploads: usize,
    /// The point's text, and what is not as it should be.
    pub failures: Vec<(String, String)>,
}

/// Runs the points, so many at once.
pub fn sweep(points: Vec<Point>, manner: Manner, at_once: usize) -> Report {
    let report = Mutex::new(Report { points: points.len(), ..Report::default() });
    let queue = Mutex::new(VecDeque::from(points));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    // The queue is let go before the point is run.
                    let Some(point) = queue.lock().unwrap().pop_front() else { return };
                    let outcome = std::panic::catch_unwind(|| run(&point, manner));
                    let outcome = outcome.unwrap_or_else(|_| Err("it panicked, see above".to_owned()));
                    report.lock().unwrap().note(&point, outcome);
                }
            });
        }
    });
    report.into_inner().unwrap()
}

impl Report {
    fn note(&mut self, point: &Point, outcome: Result<Outcome, String>) {
        match outcome {
            Ok(outcome) => {
                self.missed += usize::from(!outcome.struck);
                self.put_off += usize::from(outcome.put_off);
                self.uploads += outcome.left.uploads;
            }
            Err(wrong) => {
                eprintln!("FAILED {point}: {wrong}\n    alone: cargo xtask sweep --only '{point}'\n");
                self.failures.push((point.to_string(), wrong));
            }
        }
    }

    /// One line for people, with the time it took.
    pub fn tell(&self, what: &str, since: Instant) {
        println!(
            "{what}: {} points, {} failed, {} did not come about, {} were put off, {} uploads in parts left; {:.0} s",
            self.points,
            self.failures.len(),
            self.missed,
            self.put_off,
            self.uploads,
            since.elapsed().as_secs_f64()
        );
    }

    #[track_caller]
    pub fn succeeded(self) {
        let failed: Vec<&str> = self.failures.iter().map(|(point, _)| point.as_str()).collect();
        assert!(failed.is_empty(), "{} of {} points failed: {failed:#?}", failed.len(), self.points);
        assert!(self.missed < self.points, "nothing went wrong at any point");
    }
}
