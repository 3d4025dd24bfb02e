//! One frame as an image.

use std::ffi::OsString;
use std::path::Path;

use super::arguments::{common, words};
use super::colour::Meaning;
use super::find::Ffmpeg;
use super::geometry::Geometry;
use super::look::{Seen, look};
use super::movie::linked_lut;
use super::picture::Chain;
use super::run::Making;
use super::settings::{At, StillSettings};
use super::source::Source;
use super::worker::Control;
use super::workspace::Workspace;
use crate::media::{Kind, Movie, probe, verdict};
use crate::session::{Code, Error, Result, policy};

/// Makes the image.
pub(super) fn make(
    ffmpeg: &Ffmpeg,
    path: &Path,
    settings: &StillSettings,
    output: &Path,
    control: &Control,
) -> Result<()> {
    let is_jpeg = wants_jpeg(output)?;
    let (workspace, output) = Workspace::beside(output)?;
    let source = Source::movie(path, &workspace)?;
    let seen = look(ffmpeg, &source.input, policy::FFMPEG_ANSWER, control)
        .map_err(|refusal| source.refused(&workspace, refusal))?;
    let lut = settings.lut.as_deref().map(|path| linked_lut(path, &workspace)).transpose()?;
    let meaning = Meaning::of(&seen, &settings.colour, lut.is_some(), source.is_image())
        .map_err(|what| Error::new(Code::SceneLinear, format!("'{}' {what}", path.display())))?;
    let geometry = Geometry::of_still(&seen, settings.max_width);
    let (mut chain, meaning) = Chain::begin(&meaning, lut.as_ref());
    chain.still(&meaning, &geometry, is_jpeg);
    let filters = chain.argument();
    let name = if is_jpeg { "image.jpg" } else { "image.png" };
    let file = workspace.file(name);
    // A length may be wrong, and no frame where the middle should be: then it is the first.
    for seek in [place(settings.at, source.known_movie(), &seen), None] {
        let mut arguments = common();
        if let Some(seconds) = seek {
            arguments.extend(words(&format!("-ss {seconds:.6}")));
        }
        arguments.extend_from_slice(&source.input);
        arguments.extend(["-map", "0:V:0", "-filter:v"].map(OsString::from));
        arguments.push(filters.clone());
        arguments.extend(words(
            "-frames:v 1 -map_metadata -1 -fflags +bitexact -flags:v +bitexact -q:v 2 -f image2 -update 1",
        ));
        arguments.push(file.clone().into());
        let making =
            Making { ffmpeg, arguments: &arguments, output: &file, frames_total: Some(1), stall: settings.stall };
        making.run(control).map_err(|failure| source.failed(&workspace, failure))?;
        if file.exists() || seek.is_none() {
            break;
        }
    }
    check(&file, &geometry)?;
    control.check()?;
    workspace.publish(name, &output)
}

fn wants_jpeg(output: &Path) -> Result<bool> {
    match output.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("jpg" | "jpeg") => Ok(true),
        Some("png") => Ok(false),
        _ => {
            Err(Error::new(Code::InvalidArgument, format!("output: '{}' must end with .jpg or .png", output.display())))
        }
    }
}

/// Where to seek to, in seconds: half a frame before the one that is wanted, since the first one after it is taken.
fn place(at: At, movie: Option<&Movie>, seen: &Seen) -> Option<f64> {
    let rate = movie.map(|movie| movie.frame_rate).or(seen.rate)?.as_f64();
    let frames = match movie {
        Some(movie) => movie.frames,
        None => (seen.duration? * rate).round() as u64,
    };
    let frame = match at {
        At::Middle => frames / 2,
        At::Frame(frame) => frame,
    };
    (frame > 0).then(|| (frame as f64 - 0.5) / rate)
}

fn check(file: &Path, geometry: &Geometry) -> Result<()> {
    let wrong = |what: &str| {
        Error::new(Code::FfmpegFailed, format!("the image that ffmpeg made is not right and was removed: {what}"))
    };
    let media = probe(file).and_then(|media| verdict(&media).map(|()| media)).map_err(|error| wrong(&error.message))?;
    match media.kind {
        Kind::Image(image) if (image.width, image.height) == geometry.frame => Ok(()),
        Kind::Image(image) => Err(wrong(&format!(
            "it is {}x{}, and {}x{} was asked for",
            image.width, image.height, geometry.frame.0, geometry.frame.1
        ))),
        _ => Err(wrong("it is no image")),
    }
}
