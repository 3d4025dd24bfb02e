//! Exact frame rates from the times that a movie stores.

use std::fmt;

use crate::session::policy;

/// A positive fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    numerator: u64,
    denominator: u64,
}

impl Rational {
    /// The fraction in lowest terms; `None` when either number is zero.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Self { numerator: numerator / a, denominator: denominator / a })
    }

    /// The number above the line.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// The number below the line, never zero.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// The nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// As a fraction, or as a whole number when it is one: `24000/1001`, `25`.
impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            _ => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

/// Some frames in a row that are shown equally long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// How many.
    pub frames: u32,
    /// For how many ticks each is shown.
    pub ticks: u32,
}

/// What the times of a movie's frames say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    /// How many frames there are.
    pub frames: u64,
    /// Frames a second; the average where they are not at one rate.
    pub frame_rate: Rational,
    /// Length in seconds.
    pub duration: Rational,
    /// Whether frames are not at one rate.
    pub variable: bool,
}

/// The rates that editors, cameras and broadcasters use.
const WELL_KNOWN: [(u64, u64); 12] = [
    (24, 1),
    (24_000, 1001),
    (25, 1),
    (30, 1),
    (30_000, 1001),
    (48, 1),
    (48_000, 1001),
    (50, 1),
    (60, 1),
    (60_000, 1001),
    (120, 1),
    (120_000, 1001),
];

/// A rate is only taken for one that was rounded to the clock when the clock ticks at least this often in a frame:
/// on a coarser one everything is near everything.
const TICKS_TO_ROUND: u64 = 8;

/// Frames, rate and length from the runs of a track whose clock ticks `timescale` times a second.
///
/// `None` when there are no frames, no time, or more than `policy::MOVIE_FRAME_LIMIT` frames.
///
/// A movie stores when each frame starts, in whole ticks. When every frame is shown for the same number of ticks,
/// the rate is exactly that. When a clock is too coarse for its rate (24 frames a second in milliseconds are shown for
/// 41, 42, 42, ... ticks), the rate that was meant is the one whose frames all start within one tick of the stored
/// times: it is equal within the rounding of the clock, over the whole movie, and nothing less is accepted.
pub(super) fn timing(runs: &[Run], timescale: u64) -> Option<Timing> {
    let frames = runs.iter().map(|run| u64::from(run.frames)).sum::<u64>();
    if frames == 0 || frames > policy::MOVIE_FRAME_LIMIT {
        return None;
    }
    // At most 2^32 frames of at most 2^32 ticks: u64 holds the sum.
    let ticks = runs.iter().map(|run| u64::from(run.frames) * u64::from(run.ticks)).sum::<u64>();
    let duration = Rational::new(ticks, timescale)?;
    let average = Rational::new(timescale.checked_mul(frames)?, ticks)?;
    let starts = starts(runs, frames);
    let constant = constant(runs, frames).and_then(|step| Rational::new(timescale, step));
    let meant = constant
        .filter(|rate| WELL_KNOWN.contains(&(rate.numerator, rate.denominator)))
        .or_else(|| rounded(&starts, timescale))
        .or(constant)
        .or_else(|| deviation(&starts, timescale, average).map(|_| average));
    Some(Timing { frames, frame_rate: meant.unwrap_or(average), duration, variable: meant.is_none() })
}

/// The ticks that every frame is shown for, when it is the same for all. The last frame does not count: many programs
/// store the rest of the movie's length there. It does where it is the only one.
fn constant(runs: &[Run], frames: u64) -> Option<u64> {
    let mut seen = 0;
    let mut step = None;
    for run in runs.iter().filter(|run| run.frames > 0) {
        let is_last_frame = seen + 1 == frames && frames > 1;
        if !is_last_frame && step.is_some_and(|step| step != run.ticks) {
            return None;
        }
        step = step.or(Some(run.ticks));
        seen += u64::from(run.frames);
    }
    step.filter(|ticks| *ticks > 0).map(u64::from)
}

/// Number and time of the frames at the corners: between two of them times grow in a straight line, so no frame
/// is further off than they are. The last frame stands for itself, and for its end where it is the only one.
fn starts(runs: &[Run], frames: u64) -> Vec<(u64, u64)> {
    let last = if frames == 1 { 1 } else { frames - 1 };
    let mut corners = Vec::with_capacity(runs.len() + 1);
    let (mut frame, mut time) = (0, 0);
    for run in runs {
        let steps = u64::from(run.frames).min(last - frame);
        frame += steps;
        time += steps * u64::from(run.ticks);
        corners.push((frame, time));
    }
    corners
}

/// The well-known rate that fits best, if one does.
fn rounded(starts: &[(u64, u64)], timescale: u64) -> Option<Rational> {
    WELL_KNOWN
        .iter()
        .filter_map(|(numerator, denominator)| Rational::new(*numerator, *denominator))
        .filter(|rate| timescale * rate.denominator >= TICKS_TO_ROUND * rate.numerator)
        .filter_map(|rate| deviation(starts, timescale, rate).map(|off| (rate, off)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(rate, _)| rate)
}

/// How far, in ticks, the frame that fits worst starts from where it should at this rate; `None` when that is more than one.
fn deviation(starts: &[(u64, u64)], timescale: u64, rate: Rational) -> Option<f64> {
    let numerator = i128::from(rate.numerator);
    let clock = i128::from(timescale) * i128::from(rate.denominator);
    let mut worst = 0;
    for (frame, time) in starts {
        // In numerators of a tick, so that everything stays whole.
        let is = i128::from(*time).checked_mul(numerator)?;
        let should = i128::from(*frame).checked_mul(clock)?;
        worst = is.checked_sub(should)?.abs().max(worst);
    }
    (worst <= numerator).then(|| worst as f64 / numerator as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate_of(runs: &[(u32, u32)], timescale: u64) -> (String, bool) {
        let runs: Vec<Run> = runs.iter().map(|(frames, ticks)| Run { frames: *frames, ticks: *ticks }).collect();
        let timing = timing(&runs, timescale).unwrap();
        (timing.frame_rate.to_string(), timing.variable)
    }

    /// The times that a clock of `timescale` stores for `frames` at a rate.
    fn stored(rate: (u64, u64), frames: u64, timescale: u64) -> Vec<(u32, u32)> {
        let start = |frame: u64| (frame * timescale * rate.1 + rate.0 / 2) / rate.0;
        (0..frames).map(|frame| (1, (start(frame + 1) - start(frame)) as u32)).collect()
    }

    #[test]
    fn rates_are_exact_fractions() {
        assert_eq!(rate_of(&[(48, 1001)], 24_000), ("24000/1001".into(), false));
        assert_eq!(rate_of(&[(48, 1001)], 30_000), ("30000/1001".into(), false));
        assert_eq!(rate_of(&[(50, 512)], 12_800), ("25".into(), false));
        assert_eq!(rate_of(&[(7, 1024)], 10_240), ("10".into(), false));
        assert_eq!(rate_of(&[(1, 512)], 12_800), ("25".into(), false));
        assert_eq!(rate_of(&[(3, 2)], 25), ("25/2".into(), false));
    }

    #[test]
    fn the_rate_that_a_coarse_clock_rounded_is_found() {
        for rate in WELL_KNOWN {
            let exact = Rational::new(rate.0, rate.1).unwrap().to_string();
            for timescale in [1000, 1200, 10_000, 90_000, 1_000_000] {
                assert_eq!(
                    rate_of(&stored(rate, 480, timescale), timescale),
                    (exact.clone(), false),
                    "clock {timescale}"
                );
            }
        }
    }

    #[test]
    fn a_rate_that_is_only_near_a_well_known_one_stays_what_it_is() {
        assert_eq!(rate_of(&[(1000, 3754)], 90_000), ("45000/1877".into(), false));
        assert_eq!(rate_of(&[(100, 1000)], 23_980), ("1199/50".into(), false));
        assert_eq!(rate_of(&[(2, 1)], 10), ("10".into(), false));
    }

    #[test]
    fn a_last_frame_that_is_held_does_not_change_the_rate() {
        assert_eq!(rate_of(&[(47, 1001), (1, 5000)], 24_000), ("24000/1001".into(), false));
        assert_eq!(rate_of(&[(47, 1001), (1, 0)], 24_000), ("24000/1001".into(), false));
    }

    #[test]
    fn an_uneven_rate_is_variable_and_its_average_is_told() {
        assert_eq!(rate_of(&[(24, 1000), (24, 2000)], 24_000), ("16".into(), true));
        assert_eq!(rate_of(&[(10, 1000), (1, 3000), (10, 1000)], 24_000), ("504/23".into(), true));
    }

    #[test]
    fn numbers_without_sense_are_refused_and_never_overflow() {
        let run = |frames, ticks| Run { frames, ticks };
        assert_eq!(timing(&[], 24), None);
        assert_eq!(timing(&[run(10, 0)], 24), None);
        assert_eq!(timing(&[run(10, 1)], 0), None);
        assert_eq!(timing(&[run(u32::MAX, 1), run(1, 1)], 24), None);
        assert!(timing(&[run(u32::MAX - 1, u32::MAX), run(1, 7)], u32::MAX.into()).is_some());
        assert!(timing(&[run(1, u32::MAX), run(u32::MAX - 1, 1)], u32::MAX.into()).is_some());
    }
}
