//! The headers of all frames: which are damaged, and whether all are of one kind and size.

use std::path::Path;

use super::check::{Checked, Holes};
use super::{Frames, NAMED};
use crate::media::{self, Kind};
use crate::session::{Code, Error, Result};

/// A sequence whose frames are pictures of one kind and size.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// The sequence. Damaged frames are among the missing.
    pub checked: Checked,
    /// Frames that are cut off or make no sense.
    pub damaged: Frames,
    /// What every frame is: a [`Kind::Image`] or [`Kind::OtherImage`].
    pub kind: Kind,
    /// Width and height in pixels, where they are known.
    pub size: Option<(u32, u32)>,
}

impl Checked {
    /// Reads the header of every frame, for a movie to be made of them. Blocks for file I/O, a few reads for each.
    ///
    /// `SequenceMixed` when kinds or sizes differ. A damaged frame is a hole, and treated as the caller chose. A file that
    /// is no picture is an error.
    pub fn look(mut self) -> Result<Pictures> {
        let mut first: Option<(i64, Kind)> = None;
        let mut damaged = Vec::new();
        let mut reason = None;
        for frame in self.sequence.frames.iter() {
            let path = self.sequence.path_of(frame);
            let kind = match media::look_at_watched(&path) {
                Ok(media) => media.kind,
                Err(error) if matches!(error.code, Code::ImageDamaged | Code::MovieDamaged) => {
                    damaged.push(frame);
                    reason = reason.or(Some(error));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some((number, expected)) = &first else {
                refuse_other(&path, &kind)?;
                first = Some((frame, kind));
                continue;
            };
            if traits(expected) != traits(&kind) {
                return Err(mixed((&self.sequence.path_of(*number), expected), (&path, &kind)));
            }
        }
        let damaged: Frames = damaged.into_iter().collect();
        match (first, reason) {
            (None, Some(error)) => Err(error),
            (Some(_), Some(error)) if self.holes == Holes::Refuse => Err(damage(&self, &damaged, &error)),
            (None, None) => {
                Err(Error::new(Code::SequenceEmpty, format!("{} has no frame left", self.sequence.quoted())))
            }
            (Some((_, kind)), _) => {
                self.sequence.frames = self.sequence.frames.without(&damaged);
                self.sequence.missing = self.sequence.missing.with(&damaged);
                let size = traits(&kind).1;
                Ok(Pictures { checked: self, damaged, kind, size })
            }
        }
    }
}

/// What must be the same of all frames: the format by its name, and the size.
fn traits(kind: &Kind) -> (String, Option<(u32, u32)>) {
    match kind {
        Kind::Image(image) => (format!("a {} image", image.format), Some((image.width, image.height))),
        Kind::OtherImage(image) => (image.format.to_string(), image.width.zip(image.height)),
        Kind::Movie(movie) => ("a movie".to_owned(), Some((movie.width, movie.height))),
        Kind::OtherMovie(movie) => (movie.format.to_string(), movie.width.zip(movie.height)),
        Kind::Pdf(_) => ("a PDF document".to_owned(), None),
    }
}

fn refuse_other(path: &Path, kind: &Kind) -> Result<()> {
    match kind {
        Kind::Image(_) => Ok(()),
        Kind::OtherImage(image) if !image.animated => Ok(()),
        other => {
            let what = traits(other).0;
            let message = format!("'{}' is {what}, not a frame: publish such files one by one", path.display());
            Err(Error::new(Code::NotMedia, message))
        }
    }
}

fn mixed((one, expected): (&Path, &Kind), (other, kind): (&Path, &Kind)) -> Error {
    let shown = |kind: &Kind| match traits(kind) {
        (format, Some((width, height))) => format!("{format} of {width}x{height}"),
        (format, None) => format,
    };
    let (one, other) = (one.display(), other.display());
    let message = format!(
        "'{one}' is {} and '{other}' is {}: frames of one sequence are of one kind and size; render them again",
        shown(expected),
        shown(kind)
    );
    Error::new(Code::SequenceMixed, message)
}

fn damage(checked: &Checked, damaged: &Frames, first: &Error) -> Error {
    let sequence = checked.sequence.quoted();
    let message = match damaged.len() {
        1 => format!("{sequence} has a damaged frame: {}", first.message),
        count => {
            format!("{sequence} has {count} damaged frames: {}; of the first: {}", damaged.brief(NAMED), first.message)
        }
    };
    Error::new(Code::SequenceHoles, message)
}
