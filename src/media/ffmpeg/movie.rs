//! The whole way from an input to a movie, on a thread that may take its time.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::arguments::Plan;
use super::colour::Meaning;
use super::find::Ffmpeg;
use super::geometry::{Geometry, pixel_aspect};
use super::look::{Seen, look};
use super::picture::{Chain, Lut};
use super::result::{Expected, check};
use super::run::Making;
use super::settings::{Input, Settings};
use super::source::{Source, SourceKind, mark};
use super::timing::{Pace, Timing};
use super::worker::Control;
use super::workspace::{Workspace, safe_extension};
use super::{Done, Progress};
use crate::media::Movie;
use crate::session::{Code, Error, Result, policy};

const OUTPUT: &str = "movie.mp4";

/// Makes the movie.
pub(super) fn make(
    ffmpeg: &Ffmpeg,
    input: &Input,
    settings: &Settings,
    output: &Path,
    control: &Control,
) -> Result<Done> {
    if settings.arguments.is_none() && !ffmpeg.has_x264 {
        return Err(no_x264(ffmpeg));
    }
    let (workspace, output) = Workspace::beside(output)?;
    let source = Source::prepare(input, &workspace, control)?;
    let seen = look(ffmpeg, &source.input, policy::FFMPEG_ANSWER, control)
        .map_err(|refusal| source.refused(&workspace, refusal))?;
    let mut warnings = Vec::new();
    let (plan, expected) = plan(ffmpeg, &source, &seen, settings, &workspace, &mut warnings)?;
    let arguments = plan.arguments(settings)?;
    control.tell(Progress { frames_total: plan.frames, ..Progress::default() });
    let making = Making {
        ffmpeg,
        arguments: &arguments,
        output: &plan.output,
        frames_total: plan.frames,
        stall: settings.stall,
    };
    let mut made = making.run(control).map_err(|failure| source.failed(&workspace, failure))?;
    source.check_unchanged()?;
    if source.is_image() && settings.arguments.is_none() {
        source
            .check_whole(&mut made.tail)
            .map_err(|message| Error::new(Code::FfmpegFailed, source.renamed(&workspace, &message)))?;
    }
    let movie = check(&plan.output, &expected, settings.arguments.is_some(), &mut warnings)?;
    if settings.arguments.is_none() && made.frames > 0 && made.frames != movie.frames {
        let counts = format!("the movie that ffmpeg made has {} frames, and it counted {}", movie.frames, made.frames);
        return Err(Error::new(Code::FfmpegFailed, counts));
    }
    warnings.extend(made.tail.errors().iter().map(|line| format!("ffmpeg said: {}", source.renamed(&workspace, line))));
    if settings.arguments.is_none() {
        check_length(&plan, &source, &seen, &movie, &mut warnings)?;
    }
    let size_bytes = fs::metadata(&plan.output).map(|data| data.len()).unwrap_or_default();
    control.check()?;
    workspace.publish(OUTPUT, &output)?;
    Ok(Done {
        path: output,
        frames: movie.frames,
        frame_rate: movie.frame_rate,
        width: movie.width,
        height: movie.height,
        has_audio: movie.has_audio,
        size_bytes,
        warnings,
    })
}

/// A movie that ends before its source said it would.
fn check_length(plan: &Plan, source: &Source, seen: &Seen, movie: &Movie, warnings: &mut Vec<String>) -> Result<()> {
    let said = plan.frames.filter(|_| !source.is_image()).unwrap_or_default();
    if movie.frames + SHORT_FRAMES + said / SHORT_PART >= said {
        return Ok(());
    }
    let what = format!("{} says that it has about {said} frames, and {} can be read", source.title(), movie.frames);
    // What is said is the length of the longest stream: with sound beside it, it may be the sound's.
    if seen.sounds == 0 {
        return Err(Error::new(
            Code::MovieDamaged,
            format!("{what}: it is cut off or damaged, copy or export it again"),
        ));
    }
    warnings.push(format!("{what}: is it cut off, or is the sound longer than the picture?"));
    Ok(())
}

/// So many frames, and so small a part, the length in a header may be off by rounding.
const SHORT_FRAMES: u64 = 2;
const SHORT_PART: u64 = 100;

fn no_x264(ffmpeg: &Ffmpeg) -> Error {
    Error::new(
        Code::FfmpegMissing,
        format!(
            "'{}' (version {}) was built without libx264, and other encoders are not guessed: install a build with it, or give arguments of your own that name an encoder",
            ffmpeg.path.display(),
            ffmpeg.version
        ),
    )
}

/// Everything that the command line needs, and what its result must be.
fn plan(
    ffmpeg: &Ffmpeg,
    source: &Source,
    seen: &Seen,
    settings: &Settings,
    workspace: &Workspace,
    warnings: &mut Vec<String>,
) -> Result<(Plan, Expected)> {
    let timing = Timing::of(source, seen, settings, warnings)?;
    let geometry = Geometry::of_movie(seen, settings.height);
    let is_image = !matches!(source.kind, SourceKind::Movie(_));
    // What a studio's own arguments do with colours is the studio's to know.
    let is_told = settings.lut.is_some() || settings.arguments.is_some();
    let meaning = Meaning::of(seen, &settings.colour, is_told, is_image)
        .map_err(|what| Error::new(Code::SceneLinear, format!("{} {what}", source.title())))?;
    let lut = settings.lut.as_deref().map(|path| linked_lut(path, workspace)).transpose()?;
    if settings.arguments.is_none() {
        warnings.extend(meaning.warnings.iter().cloned());
        told_of_the_source(source, seen, &geometry, settings, warnings);
    }
    let (mut chain, meaning) = Chain::begin(&meaning, lut.as_ref());
    chain.movie(&meaning, &geometry, seen.interlaced);
    if let SourceKind::Still { frames, .. } = source.kind {
        chain.add(format!("loop=loop={}:size=1:start=0", frames.saturating_sub(1)));
        chain.add("setpts=N");
    }
    if timing.pace == Pace::Change {
        chain.add(format!("fps=fps={}:start_time=0:round=near", timing.rate));
    }
    let has_own_sound = settings.audio && seen.sounds > 0 && matches!(source.kind, SourceKind::Movie(_));
    let audio = source.audio.clone().filter(|_| settings.audio);
    let expected = Expected {
        size: geometry.frame,
        rate: timing.rate,
        frames: timing.exact,
        has_audio: has_own_sound || audio.is_some(),
    };
    let plan = Plan {
        input: source.input.clone(),
        input_name: source.name.clone(),
        strict: is_image,
        filters: chain.argument(),
        has_own_sound,
        audio,
        size: geometry.frame,
        rate: timing.rate,
        constant_rate: (timing.pace == Pace::Keep).then(|| ffmpeg.constant_rate()),
        frames: timing.about,
        primaries: meaning.primaries.clone(),
        transfer: meaning.transfer,
        lut: lut.map(|lut| lut.path),
        output: workspace.file(OUTPUT),
    };
    Ok((plan, expected))
}

fn told_of_the_source(
    source: &Source,
    seen: &Seen,
    geometry: &Geometry,
    settings: &Settings,
    warnings: &mut Vec<String>,
) {
    if seen.interlaced {
        warnings.push("it is interlaced and was left so: edges that move show combs".to_owned());
    }
    if geometry.pads() {
        let (width, height) = geometry.picture;
        warnings.push(format!("its size is odd ({width}x{height}): the last line is repeated once"));
    }
    if let Some((a, b)) = pixel_aspect(seen) {
        warnings.push(format!(
            "its pixels are not square ({a}:{b}): the picture was made {}x{}",
            geometry.picture.0, geometry.picture.1
        ));
    }
    if settings.audio && seen.sounds > 1 && matches!(source.kind, SourceKind::Movie(_)) {
        warnings.push(format!("it has {} sound tracks: the first was taken", seen.sounds));
    }
}

/// A LUT as ffmpeg reads it.
pub(super) fn linked_lut(path: &Path, workspace: &Workspace) -> Result<Lut> {
    let (absolute, _) = mark(path)?;
    let mut content = Vec::new();
    let read = File::open(&absolute).and_then(|file| file.take(policy::LUT_HEAD).read_to_end(&mut content));
    read.map_err(|error| Error::new(Code::FileUnreadable, format!("'{}' cannot be read: {error}", path.display())))?;
    let link = workspace.link(&absolute, &format!("lut.{}", safe_extension(path)))?;
    Ok(Lut::new(&link, &content))
}
