//! The whole way from an input to a movie, on a thread that may take its time.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::arguments::{Plan, frames_input, movie_input};
use super::colour::Meaning;
use super::find::{Ffmpeg, ended};
use super::geometry::{Geometry, pixel_aspect};
use super::look::{Refusal, Seen, look};
use super::picture::{Chain, Lut};
use super::result::{Expected, check};
use super::run::{Failure, Making};
use super::settings::{Input, Settings};
use super::tail::Tail;
use super::worker::Control;
use super::workspace::{Workspace, safe_extension};
use super::{Done, Progress};
use crate::media::{Kind, Media, Movie, Rational, Warning, probe};
use crate::session::child::Exit;
use crate::session::source::Fingerprint;
use crate::session::{Class, Code, Error, Result, policy};

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

/// An input as ffmpeg reads it, through links.
#[derive(Debug)]
pub(super) struct Source {
    /// The arguments that name it.
    pub input: Vec<OsString>,
    name: OsString,
    audio: Option<PathBuf>,
    /// Every file that is read, as it was before.
    marks: Vec<(PathBuf, Fingerprint)>,
    /// The files that links stand for, where the first ones are those of a sequence.
    kind: SourceKind,
}

#[derive(Debug)]
enum SourceKind {
    /// With what is known of it without ffmpeg.
    Movie(Option<Box<Media>>),
    Still {
        frames: u32,
        rate: Rational,
    },
    Frames {
        frames: u64,
        rate: Rational,
    },
}

impl Source {
    fn prepare(input: &Input, workspace: &Workspace, control: &Control) -> Result<Source> {
        match input {
            Input::Movie(path) => Source::movie(path, workspace),
            Input::Still { path, frames, rate, audio } => {
                if *frames == 0 {
                    return Err(Error::new(
                        Code::InvalidArgument,
                        "frames: a still must be shown for one frame at least, 0 was given",
                    ));
                }
                let kind = SourceKind::Still { frames: *frames, rate: *rate };
                Source::images(std::slice::from_ref(path), *rate, audio.as_deref(), kind, workspace, control)
            }
            Input::Frames { files, rate, audio } => {
                if files.is_empty() {
                    return Err(Error::new(Code::InvalidArgument, "frames: there are none: give one file at least"));
                }
                let kind = SourceKind::Frames { frames: files.len() as u64, rate: *rate };
                Source::images(files, *rate, audio.as_deref(), kind, workspace, control)
            }
        }
    }

    /// A movie, or any other single file of which one frame is wanted.
    pub fn movie(path: &Path, workspace: &Workspace) -> Result<Source> {
        let marks = vec![mark(path)?];
        let known = match probe(path) {
            Ok(media) => Some(Box::new(media)),
            // What is wrong with the file as a file is told; what is in it is ffmpeg's to say.
            Err(error) if error.code.class() == Class::File => return Err(error),
            Err(_) => None,
        };
        let link = workspace.link(&marks[0].0, &format!("input.{}", safe_extension(path)))?;
        Ok(Source { input: movie_input(&link), name: link.into(), audio: None, marks, kind: SourceKind::Movie(known) })
    }

    fn images(
        files: &[PathBuf],
        rate: Rational,
        audio: Option<&Path>,
        kind: SourceKind,
        workspace: &Workspace,
        control: &Control,
    ) -> Result<Source> {
        let mut marks = Vec::with_capacity(files.len() + 1);
        for file in files {
            control.check()?;
            marks.push(mark(file)?);
        }
        let paths: Vec<PathBuf> = marks.iter().map(|(path, _)| path.clone()).collect();
        let pattern = workspace.sequence(&paths, control)?;
        let audio = match audio {
            Some(path) => {
                let marked = mark(path)?;
                let link = workspace.link(&marked.0, &format!("audio.{}", safe_extension(path)))?;
                marks.push(marked);
                Some(link)
            }
            None => None,
        };
        Ok(Source { input: frames_input(pattern.clone(), rate), name: pattern, audio, marks, kind })
    }

    /// What is known of a movie without ffmpeg.
    pub fn known_movie(&self) -> Option<&Movie> {
        match &self.kind {
            SourceKind::Movie(Some(media)) => match &media.kind {
                Kind::Movie(movie) => Some(movie),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is an image, or images.
    pub fn is_image(&self) -> bool {
        match &self.kind {
            SourceKind::Movie(Some(media)) => !matches!(media.kind, Kind::Movie(_)),
            SourceKind::Movie(None) => false,
            _ => true,
        }
    }

    /// What a studio calls it.
    fn title(&self) -> String {
        let first = self.marks.first().map(|(path, _)| path.display().to_string()).unwrap_or_default();
        match &self.kind {
            SourceKind::Frames { frames, .. } if *frames > 1 => format!("the {frames} frames from '{first}'"),
            _ => format!("'{first}'"),
        }
    }

    /// Says `FileChanged` when a file is not as it was before.
    fn check_unchanged(&self) -> Result<()> {
        for (path, before) in &self.marks {
            let difference = match Fingerprint::at(path) {
                Ok(now) => before.difference(&now),
                Err(error) => Some(format!("went away ({error})")),
            };
            if let Some(difference) = difference {
                let message = format!(
                    "'{}' {difference} while a movie was made of it: publish it when it is written whole",
                    path.display()
                );
                return Err(Error::new(Code::FileChanged, message));
            }
        }
        Ok(())
    }

    /// Of images, everything that ffmpeg calls an error is one: it goes on with a part of the picture, or with the one before.
    fn check_whole(&self, tail: &mut Tail) -> Result<(), String> {
        match tail.errors() {
            [] => Ok(()),
            errors => Err(format!("ffmpeg cannot read all of {}: {}", self.title(), errors.join(" | "))),
        }
    }

    /// A text of ffmpeg's with the names of files where links stand for them.
    pub fn renamed(&self, workspace: &Workspace, text: &str) -> String {
        let mut text = text.to_owned();
        // Bounded by the length of the text: every round takes a link away.
        while let Some((link, number)) = Workspace::frame_in(&text).map(|(link, number)| (link.to_owned(), number)) {
            let Some((path, _)) = self.marks.get(number) else { break };
            text = text.replace(&format!("{}{link}", workspace.prefix()), &path.display().to_string());
            text = text.replace(&link, &path.display().to_string());
        }
        let mut replace = |link: &str, path: Option<&(PathBuf, Fingerprint)>| {
            if let Some((path, _)) = path {
                text = text.replace(
                    &format!("{}{link}.{}", workspace.prefix(), safe_extension(path)),
                    &path.display().to_string(),
                );
            }
        };
        match self.kind {
            SourceKind::Movie(_) => replace("input", self.marks.first()),
            _ if self.audio.is_some() => replace("audio", self.marks.last()),
            _ => {}
        }
        text.replace(&workspace.prefix(), "")
    }

    /// The error for a source that ffmpeg cannot read.
    pub fn refused(&self, workspace: &Workspace, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Error(error) => error,
            // That somebody writes it at this moment explains it better.
            Refusal::Said(code, what) => self
                .check_unchanged()
                .err()
                .unwrap_or_else(|| Error::new(code, self.renamed(workspace, &format!("{} {what}", self.title())))),
        }
    }

    /// The error for a run that failed.
    pub fn failed(&self, workspace: &Workspace, failure: Failure) -> Error {
        let (exit, mut tail) = match failure {
            Failure::Other(error) => {
                return Error { message: self.renamed(workspace, &error.message), ..error };
            }
            Failure::Ended(exit, tail) => (exit, tail),
        };
        if let Err(changed) = self.check_unchanged() {
            return changed;
        }
        Error::new(Code::FfmpegFailed, self.renamed(workspace, &self.failure(exit, &mut tail, workspace)))
    }

    fn failure(&self, exit: Exit, tail: &mut Tail, workspace: &Workspace) -> String {
        let said = tail.text();
        let said = if said.is_empty() { "it said nothing".to_owned() } else { format!("it said last: {said}") };
        if tail.says("No space left on device") || tail.says("Disk quota exceeded") {
            let folder =
                Path::new(&workspace.prefix()).parent().map(|path| path.display().to_string()).unwrap_or_default();
            return format!("the disk of '{folder}' is full: make room or choose another working folder; {said}");
        }
        format!("ffmpeg failed on {} ({}); {said}", self.title(), ended(exit))
    }

    /// The frames that it has and at which rate, as far as that is known without counting.
    fn timing(&self, seen: &Seen, settings: &Settings, warnings: &mut Vec<String>) -> Result<Timing> {
        match &self.kind {
            SourceKind::Still { frames, rate } => Ok(Timing::of_images(u64::from(*frames), *rate, settings.rate)),
            SourceKind::Frames { frames, rate } => Ok(Timing::of_images(*frames, *rate, settings.rate)),
            SourceKind::Movie(known) => self.movie_timing(known.as_deref(), seen, settings, warnings),
        }
    }

    fn movie_timing(
        &self,
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
                    format!("{} does not say its frame rate: give one", self.title()),
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
}

/// A rate above this is a clock, not a rate.
const FASTEST_BELIEVED: f64 = 240.0;

/// How frames come to their rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// They have it, exactly.
    Exact,
    /// They have it but for the rounding of a container's clock: each stays, and none is doubled but to fill a gap.
    Keep,
    /// They are doubled and left out.
    Change,
}

#[derive(Debug)]
struct Timing {
    rate: Rational,
    pace: Pace,
    /// Frames that the movie must have.
    exact: Option<u64>,
    /// Frames that it will have, more or less.
    about: Option<u64>,
}

impl Timing {
    fn of_images(frames: u64, rate: Rational, asked: Option<Rational>) -> Self {
        let wanted = asked.unwrap_or(rate);
        if wanted == rate {
            return Timing { rate, pace: Pace::Exact, exact: Some(frames), about: Some(frames) };
        }
        let about = (frames as f64 * wanted.as_f64() / rate.as_f64()).round().max(1.0) as u64;
        Timing { rate: wanted, pace: Pace::Change, exact: None, about: Some(about) }
    }

    fn expected(&self) -> Option<(u64, u64)> {
        self.exact.map(|frames| (frames, frames))
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

/// Everything that the command line needs, and what its result must be.
fn plan(
    ffmpeg: &Ffmpeg,
    source: &Source,
    seen: &Seen,
    settings: &Settings,
    workspace: &Workspace,
    warnings: &mut Vec<String>,
) -> Result<(Plan, Expected)> {
    let timing = source.timing(seen, settings, warnings)?;
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
        frames: timing.expected(),
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

/// The absolute path of a file, and how it looks now.
pub(super) fn mark(path: &Path) -> Result<(PathBuf, Fingerprint)> {
    let told = |code, what: &str| Error::new(code, format!("'{}' {what}", path.display()));
    let absolute =
        std::path::absolute(path).map_err(|error| told(Code::FileNotFound, &format!("is no path: {error}")))?;
    let mark = match fs::metadata(&absolute) {
        Ok(data) if data.is_dir() => {
            return Err(told(Code::NotAFile, "is a directory: give the path of one file in it"));
        }
        Ok(data) if !data.is_file() => return Err(told(Code::NotAFile, "is a device, pipe or socket, not a file")),
        Ok(data) if data.len() == 0 => {
            return Err(told(Code::FileEmpty, "is empty: the render or export that should write it did not finish"));
        }
        Ok(_) => Fingerprint::at(&absolute),
        Err(error) => Err(error),
    };
    match mark {
        Ok(mark) => Ok((absolute, mark)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(told(
            Code::FileNotFound,
            "does not exist: check the path, and that the drive or mount is there on this machine",
        )),
        Err(error) => Err(told(Code::FileUnreadable, &format!("cannot be looked at: {error}"))),
    }
}
