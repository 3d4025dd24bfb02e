//! Whether what was made is what was asked for. What is not is never handed on.

use std::path::Path;

use crate::media::{Kind, Movie, Rational, Warning, probe, verdict};
use crate::session::{Code, Error, Result};

/// What the movie must be.
#[derive(Debug)]
pub(super) struct Expected {
    pub size: (u32, u32),
    pub rate: Rational,
    /// Frames, exact where both ends are the same.
    pub frames: Option<u64>,
    pub has_audio: bool,
}

/// Looks at the movie at `path`. Of a studio's own arguments only that it plays is asked; the rest are warnings.
pub(super) fn check(path: &Path, expected: &Expected, is_studios: bool, warnings: &mut Vec<String>) -> Result<Movie> {
    let made = |error: Error| wrong(&error.message.replace(&format!("'{}' ", path.display()), "it "));
    let media = probe(path).map_err(made)?;
    verdict(&media).map_err(made)?;
    let Kind::Movie(movie) = media.kind else { return Err(wrong("it is no movie")) };
    let mut faults = differences(&movie, expected);
    for warning in &media.warnings {
        match warning {
            Warning::Large { .. } => warnings.push(format!("the movie that was made: {warning}")),
            other => faults.push(other.to_string()),
        }
    }
    match faults.as_slice() {
        [] => {}
        faults if is_studios => {
            warnings.extend(faults.iter().map(|fault| format!("the movie that the arguments made: {fault}")));
        }
        [fault, ..] => return Err(wrong(fault)),
    }
    Ok(movie)
}

fn differences(movie: &Movie, expected: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |is_right: bool, what: String| {
        if !is_right {
            found.push(what);
        }
    };
    let Expected { size: (width, height), rate, .. } = expected;
    compare(
        (movie.width, movie.height) == expected.size,
        format!("it is {}x{}, and {width}x{height} was asked for", movie.width, movie.height),
    );
    compare(
        movie.frame_rate == *rate,
        format!("it has {} frames a second, and {rate} was asked for", movie.frame_rate),
    );
    if let Some(frames) = expected.frames {
        compare(movie.frames == frames, format!("it has {} frames, and {frames} were asked for", movie.frames));
    }
    compare(movie.has_audio || !expected.has_audio, "it has no sound, and its source has".to_owned());
    found
}

fn wrong(what: &str) -> Error {
    Error::new(Code::FfmpegFailed, format!("the movie that ffmpeg made is not right and was removed: {what}"))
}
