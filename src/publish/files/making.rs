//! What is to be made of the main file, where browsers do not play it as it is: found out without running anything.

use super::OnHoles;
use super::frames::{self, Looked};
use crate::media::sequence::Pictures;
use crate::media::{self, Kind, Media, OtherImage, Plan, Rational, Reason};
use crate::publish::Mode;
use crate::session::{Code, Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Something to be made by ffmpeg.
#[derive(Clone, Debug)]
pub struct Making {
    /// Of what.
    pub what: What,
    /// The height of the source, where it is known.
    pub height: Option<u32>,
    /// Why it is not shown as it is: the error where nothing can be made.
    pub reason: Error,
}

/// What something is made of.
#[derive(Clone, Debug)]
pub enum What {
    /// A movie of a movie.
    Movie(PathBuf),
    /// An image of an image.
    Still(PathBuf),
    /// Whatever the server's encoder makes of it.
    Encoded,
    /// A movie of frames, in the order in which they are shown.
    Frames(Vec<PathBuf>, Rational),
}

/// What the host says of it.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub mode: Mode,
    pub frame_rate: Option<Rational>,
    pub on_holes: OnHoles,
    /// `path` is a sequence also where it is the name of one frame.
    pub is_sequence: bool,
    /// Whether something tells how values look that are not made for a display.
    pub knows_colours: bool,
    /// Files that are copied in the outbox, and where.
    pub copies: BTreeMap<PathBuf, PathBuf>,
}

/// The main file.
#[derive(Debug)]
pub enum Main {
    /// It is shown as it is.
    Shown(Media),
    /// Something is made of it.
    Made(Making),
}

/// Looks at the main file.
pub fn look(path: &Path, wish: &Wish) -> Result<Main> {
    if let Some(copied) = frames::copied(path, wish)? {
        return look_at_frames(path, copied, wish);
    }
    if let Some(sequence) = frames::find(path, wish.is_sequence)? {
        let checked = frames::check(&sequence, wish.on_holes)?;
        let Pictures { checked, kind, size, .. } = checked.look()?;
        return look_at_frames(path, Looked { checked, kind, height: size.map(|size| size.1) }, wish);
    }
    let media = media::look(path)?;
    let plan = media::plan(&media);
    let reason = match (&plan, wish.mode) {
        (Plan::Direct, Mode::Transcode) if !matches!(media.kind, Kind::Pdf(_)) => {
            Error::new(Code::FfmpegMissing, format!("'{}' was to be transcoded", path.display()))
        }
        (Plan::Direct, _) => return Ok(Main::Shown(media)),
        (Plan::NeedsTranscode(reason), Mode::Auto | Mode::Transcode) | (Plan::NeedsEncode(reason), Mode::Transcode) => {
            makeable(reason, || reason.error(&media), wish)?
        }
        (Plan::NeedsEncode(reason), Mode::Auto) => {
            let reason = makeable(reason, || reason.error(&media), wish)?;
            return Ok(Main::Made(Making { what: What::Encoded, height: None, reason }));
        }
        (Plan::NeedsTranscode(reason) | Plan::NeedsEncode(reason) | Plan::Unsupported(reason), _) => {
            return Err(reason.error(&media));
        }
    };
    let (what, height) = match &media.kind {
        Kind::Image(image) => (What::Still(path.to_owned()), Some(image.height)),
        Kind::OtherImage(OtherImage { animated: false, height, .. }) => (What::Still(path.to_owned()), *height),
        Kind::OtherImage(image) => (What::Movie(path.to_owned()), image.height),
        Kind::Movie(movie) => (What::Movie(path.to_owned()), Some(movie.shown_size().1)),
        Kind::OtherMovie(movie) => (What::Movie(path.to_owned()), movie.height),
        Kind::Pdf(_) => (What::Still(path.to_owned()), None),
    };
    Ok(Main::Made(Making { what, height, reason }))
}

fn look_at_frames(path: &Path, looked: Looked, wish: &Wish) -> Result<Main> {
    let said =
        |reason: &Reason| Error::new(reason.code, format!("'{}' {}: {}", path.display(), reason.found, reason.remedy));
    let reason = match (media::plan_frames(&looked.kind), wish.mode) {
        (Plan::NeedsTranscode(reason), Mode::Auto | Mode::Transcode) => makeable(&reason, || said(&reason), wish)?,
        (Plan::NeedsTranscode(reason) | Plan::NeedsEncode(reason) | Plan::Unsupported(reason), _) => {
            return Err(said(&reason));
        }
        (Plan::Direct, _) => return Err(Error::new(Code::Internal, "frames that play: please report it")),
    };
    let Some(rate) = wish.frame_rate else {
        return Err(Error::new(
            Code::FrameRateNeeded,
            format!(
                "frame_rate: '{}' is a sequence of frames, which do not say how fast they are: give a rate such as \"24\" or \
                 \"24000/1001\"",
                path.display()
            ),
        ));
    };
    let shown = looked.checked.shown();
    let files = shown.map(|(_, file)| wish.copies.get(&file).cloned().unwrap_or(file)).collect();
    Ok(Main::Made(Making { what: What::Frames(files, rate), height: looked.height, reason }))
}

/// What is not made for a display is not guessed at.
fn makeable(reason: &Reason, error: impl Fn() -> Error, wish: &Wish) -> Result<Error> {
    let error = error();
    if reason.needs_lut && !wish.knows_colours { Err(error) } else { Ok(error) }
}
