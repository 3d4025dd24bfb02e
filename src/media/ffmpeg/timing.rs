//! How many frames, and how many a second.

use super::look::Seen;
use super::settings::Settings;
use super::source::{Source, SourceKind};
use crate::media::{Kind, Media, Rational, Warning};
use crate::session::{Code, Error, Result, policy};

/// A rate above this is a clock, not a rate.
const FASTEST_BELIEVED: f64 = 240.0;

/// How frames come to their rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// They have it, exactly.
    Exact,
    /// They have it but for the rounding of a container's clock: each stays, and none is doubled but to fill a gap.
    Keep,
    /// They are doubled and left out.
    Change,
}

/// The time of a movie that is to be made.
#[derive(Debug)]
pub(super) struct Timing {
    /// Frames a second.
    pub rate: Rational,
    /// How they come to it.
    pub pace: Pace,
    /// Frames that the movie must have.
    pub exact: Option<u64>,
    /// Frames that it will have, more or less.
    pub about: Option<u64>,
}

impl Timing {
    /// The frames that it has and at which rate, as far as that is known without counting.
    pub fn of(source: &Source, seen: &Seen, settings: &Settings, warnings: &mut Vec<String>) -> Result<Timing> {
        match &source.kind {
            SourceKind::Still { frames, rate } => Ok(Timing::of_images(u64::from(*frames), *rate, settings.rate)),
            SourceKind::Frames { frames, rate } => Ok(Timing::of_images(*frames, *rate, settings.rate)),
            SourceKind::Movie(known) => Timing::of_movie(source, known.as_deref(), seen, settings, warnings),
        }
    }

    fn of_movie(
        source: &Source,
        known: Option<&Media>,
        seen: &Seen,
        settings: &Settings,
        warnings: &mut Vec<String>,
    ) -> Result<Timing> {
        let movie = known.and_then(|media| match &media.kind {
            Kind::Movie(movie) => Some((movie, media.warnings.as_slice())),
            _ => None,
        });
        let stored = match movie {
            Some((movie, _)) => Some(movie.frame_rate),
            None => seen.rate.filter(|rate| rate.as_f64() <= FASTEST_BELIEVED).map(meant),
        };
        let is_variable = movie.is_some_and(|(movie, _)| movie.variable_frame_rate);
        let rate = match (settings.rate, stored) {
            (Some(rate), _) => rate,
            (None, Some(rate)) if !is_variable => rate,
            (None, Some(average)) => {
                let rate = nearest_known(average);
                warnings.push(format!(
                    "its frames do not follow at one rate ({:.3} a second on average), and were made {rate} a second",
                    average.as_f64()
                ));
                rate
            }
            (None, None) => {
                return Err(Error::new(
                    Code::FfmpegFailed,
                    format!("{} does not say its frame rate: give one", source.title()),
                ));
            }
        };
        let same_rate = stored == Some(rate) && !is_variable;
        let frames = movie
            .filter(|(_, warnings)| same_rate && !warnings.contains(&Warning::EditList))
            .map(|(movie, _)| movie.frames);
        let seconds = movie.map(|(movie, _)| movie.duration.as_f64()).or(seen.duration);
        Ok(Timing {
            rate,
            pace: if same_rate { Pace::Keep } else { Pace::Change },
            exact: frames,
            about: frames.or_else(|| seconds.map(|seconds| (seconds * rate.as_f64()).round() as u64)),
        })
    }

    fn of_images(frames: u64, rate: Rational, asked: Option<Rational>) -> Self {
        let wanted = asked.unwrap_or(rate);
        if wanted == rate {
            return Timing { rate, pace: Pace::Exact, exact: Some(frames), about: Some(frames) };
        }
        let about = (frames as f64 * wanted.as_f64() / rate.as_f64()).round().max(1.0) as u64;
        Timing { rate: wanted, pace: Pace::Change, exact: None, about: Some(about) }
    }
}

/// The rate that was meant by one that a container's clock has rounded.
fn meant(rate: Rational) -> Rational {
    let nearest = nearest_known(rate);
    let is_rounded = (nearest.as_f64() / rate.as_f64() - 1.0).abs() < ROUNDING;
    if is_rounded { nearest } else { rate }
}

/// What a clock may have rounded away: 23.976 and 24 are ten times as far apart.
const ROUNDING: f64 = 1e-4;

/// The usual rate that is nearest, for frames that have none.
fn nearest_known(average: Rational) -> Rational {
    let fastest = (policy::REVIEW_FASTEST, 1);
    let known = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), fastest];
    let distance = |rate: &Rational| (rate.as_f64().ln() - average.as_f64().ln()).abs();
    let rates = known.into_iter().filter_map(|(frames, seconds)| Rational::new(frames, seconds));
    rates.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(average)
}
