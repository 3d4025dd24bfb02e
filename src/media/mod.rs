//! What a file is: opened, checked, its headers read, and whether a browser shows it as it is.
//!
//! All of it is synchronous and meant for blocking threads. It reads headers only, never the pictures.

#![forbid(unsafe_code)]

mod boxes; // the boxes of MP4 and QuickTime files, on disk and in memory
mod bytes; // numbers in a piece of memory
mod containers; // movies that browsers do not play
mod details; // what an index says beside size, rate and frames
pub mod ffmpeg; // review movies and thumbnails, by the host's own ffmpeg
mod h264; // what an H.264 stream says about itself
mod image; // JPEG and PNG headers
mod index; // a movie's index: the picture track, and the sound beside it
mod meta; // what ftrack's player is told about a file
mod movie; // from boxes to a movie
mod pdf; // documents
mod plan; // what can be done with a file
mod rate; // exact frame rates
pub mod sequence; // frames that are a file each: notations, and what of them is there
mod sniff; // formats by their first bytes
mod stills; // images that browsers do not show
mod verdict; // does a browser show it

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use containers::{MovieFormat, OtherMovie};
pub use details::{Audio, Colour, Timecode};
pub use h264::{Chroma, PixelFormat, Profile};
pub use image::{Image, ImageFormat};
pub use meta::{FrameOut, MetaForm, ftr_meta, ftr_meta_in};
pub use movie::{Codec, Container, Movie};
pub use pdf::Pdf;
pub use plan::{Plan, Reason, plan, plan_frames};
pub use rate::Rational;
pub use stills::{Encoding, OtherImage, StillFormat};
pub use verdict::verdict;

use crate::session::{Code, Error, Result, Source};
use sniff::Format;

/// What is known of a file that reviewers shall see.
#[derive(Clone, Debug)]
pub struct Media {
    /// The open file, to be sent as it was looked at.
    pub source: Arc<Source>,
    /// What it is, and all about it.
    pub kind: Kind,
    /// What plays, but not as well as it could.
    pub warnings: Vec<Warning>,
    /// The extension that fits the content, lower-case and with its dot: `.mp4`. ftrack's `file_type`.
    pub file_type: String,
}

/// What kind of media a file is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A movie in an MP4 or QuickTime file.
    Movie(Movie),
    /// A JPEG or PNG image.
    Image(Image),
    /// A movie in a container that browsers do not play. Told by [`look`] only.
    OtherMovie(OtherMovie),
    /// An image that browsers, or not all of them, show. Told by [`look`] only.
    OtherImage(OtherImage),
    /// A PDF document. Told by [`look`] only.
    Pdf(Pdf),
}

/// Something that a reviewer may notice, though the file plays. Its `Display` says what, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The index stands at the end of the file.
    NotFaststart,
    /// A QuickTime file, which not every browser recognises.
    QuickTime,
    /// Frames do not follow each other at one rate.
    VariableFrameRate,
    /// To be shown turned by this many degrees, clockwise.
    Rotated(u16),
    /// Larger than most graphics cards take, in pixels.
    Large {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Frames are made of two fields.
    Interlaced,
    /// Pixels are this much wider than high.
    PixelAspect {
        /// Width of a pixel in relation to its height.
        width: u16,
        /// Height of a pixel in relation to its width.
        height: u16,
    },
    /// An edit list shows less, more or another part than the frames that are stored.
    EditList,
    /// The sound is of this kind, which browsers do not play.
    SilentSound(String),
    /// The name has another extension than the content, whose own is this.
    Extension(String),
    /// An image in printing colours.
    Cmyk,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NotFaststart => write!(
                f,
                "the movie's index is at its end, so that a browser must fetch the end before it plays: write it with -movflags +faststart"
            ),
            Warning::QuickTime => write!(
                f,
                "it is a QuickTime file, which not every browser opens: rewrap it without loss with ffmpeg -i IN -c copy -movflags +faststart OUT.mp4"
            ),
            Warning::VariableFrameRate => write!(
                f,
                "its frames do not follow at one rate, so that frame numbers in notes may be off by some: write it with -vsync cfr and -r RATE"
            ),
            Warning::Rotated(degrees) => {
                write!(f, "it is stored turned by {degrees} degrees, which not every player undoes: encode it upright")
            }
            Warning::Large { width, height } => {
                write!(f, "{width}x{height} is more than many graphics cards show: scale it down")
            }
            Warning::Interlaced => {
                write!(f, "it may be interlaced, which shows as combs on edges that move: add -vf yadif")
            }
            Warning::PixelAspect { width, height } => write!(
                f,
                "its pixels are not square ({width}:{height}), which not every player honours: add -vf scale=iw*sar:ih,setsar=1"
            ),
            Warning::EditList => write!(
                f,
                "its edit list shows another part than the frames that are stored, so that frame numbers may be off: export it without trimming"
            ),
            Warning::SilentSound(kind) => {
                write!(f, "its sound is {kind}, which browsers do not play: encode it with -c:a aac")
            }
            Warning::Extension(format) => {
                write!(f, "its extension is another than that of its content, {format}: rename it")
            }
            Warning::Cmyk => {
                write!(f, "it is in printing colours (CMYK), which browsers show differently: save it as RGB")
            }
        }
    }
}

/// Opens a file, checks that it is whole and at rest, and reads its headers. What browsers do not show is an error: this
/// tells nothing but [`Kind::Movie`] and [`Kind::Image`].
///
/// Blocks for file I/O, and for `policy::SETTLE_TIME` where the file was changed a moment ago.
/// An error means that it cannot be said what the file is, or that it is nothing that a browser could show; whether it
/// shows a movie is [`verdict`]'s question.
pub fn probe(path: &Path) -> Result<Media> {
    examine(Source::open(path)?, Wanted::Shown)
}

/// Opens a file, checks that it is whole and at rest, and says what it is, whether browsers show it or not: [`plan`] then
/// says what can be done with it. Blocks as [`probe`] does.
///
/// An error means that the file is damaged, or neither a movie nor an image nor a PDF document.
pub fn look(path: &Path) -> Result<Media> {
    examine(Source::open(path)?, Wanted::All)
}

/// [`look`] for a file that the caller has watched for changes.
fn look_at_watched(path: &Path) -> Result<Media> {
    examine(Source::open_watched(path)?, Wanted::All)
}

/// What a caller can do something with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What browsers may show as it is.
    Shown,
    /// Whatever is known.
    All,
}

fn examine(source: Source, wanted: Wanted) -> Result<Media> {
    let source = Arc::new(source);
    let found = recognise(&source, wanted);
    // A file that changes while it is read looks damaged; that it changed is the truth.
    source.check_unchanged()?;
    found.map_err(|error| with_path(source.name(error), source.path()))
}

/// The error, with the file's own path in the command that mends it, so that the command can be pasted.
fn with_path(error: Error, path: &Path) -> Error {
    let message = error.message.replace("ffmpeg -i IN ", &format!("ffmpeg -i '{}' ", path.display()));
    Error { message, ..error }
}

/// Reads the headers of an open file. Errors are predicates: the caller puts the path before them.
fn recognise(source: &Arc<Source>, wanted: Wanted) -> Result<Media> {
    let format = sniff::format(source)?;
    if wanted == Wanted::Shown {
        refuse(&format)?;
    }
    let (kind, mut warnings) = match read(source, &format) {
        Err(error) if wanted == Wanted::All => (instead(&format, error)?, Vec::new()),
        result => result?,
    };
    let (file_type, fits) = sniff::file_type(source.path(), &format);
    if !fits {
        warnings.push(Warning::Extension(file_type.clone()));
    }
    Ok(Media { source: source.clone(), kind, warnings, file_type })
}

fn read(source: &Arc<Source>, format: &Format) -> Result<(Kind, Vec<Warning>)> {
    match format {
        Format::Mp4 => movie::read(source, Container::Mp4),
        Format::QuickTime => movie::read(source, Container::QuickTime),
        Format::Jpeg => image::read_jpeg(source),
        Format::Png => image::read_png(source),
        Format::OtherMovie(format) => Ok((Kind::OtherMovie(containers::read(source, *format)?), Vec::new())),
        Format::OtherImage(format) => Ok((Kind::OtherImage(stills::read(source, *format)?), Vec::new())),
        Format::Pdf => Ok((Kind::Pdf(pdf::read(source)?), Vec::new())),
        Format::Other(name) => Err(not_media(name)),
        Format::Unknown(begins) => Err(Error::new(
            Code::NotMedia,
            format!(
                "is no movie or image that can be recognised (it begins with {begins}): publish an mp4, mov, jpg or png"
            ),
        )),
    }
}

/// Movies and images that are whole and that browsers do not decode, of formats that they do otherwise.
fn instead(format: &Format, error: Error) -> Result<Kind> {
    match (format, error.code) {
        (Format::Mp4 | Format::QuickTime, Code::MovieFragmented) => {
            Ok(Kind::OtherMovie(OtherMovie::named(MovieFormat::Fragmented)))
        }
        (Format::Mp4 | Format::QuickTime, Code::MovieContainer) => {
            Ok(Kind::OtherMovie(OtherMovie::named(MovieFormat::OldQuickTime)))
        }
        (Format::Jpeg, Code::NotMedia) => Ok(Kind::OtherImage(OtherImage::named(StillFormat::RareJpeg))),
        _ => Err(error),
    }
}

/// What browsers do not show, by its name.
fn refuse(format: &Format) -> Result<()> {
    let (code, message) = match format {
        Format::OtherMovie(format) => (
            Code::MovieContainer,
            format!(
                "is {format}, which not every browser plays: write an mp4, with ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p -movflags +faststart OUT.mp4"
            ),
        ),
        Format::OtherImage(format) => {
            (Code::NotMedia, format!("is {format}, which not every browser shows: convert it to jpg or png"))
        }
        Format::Pdf => return Err(not_media("a PDF document")),
        _ => return Ok(()),
    };
    Err(Error::new(code, message))
}

fn not_media(name: &str) -> Error {
    Error::new(Code::NotMedia, format!("is {name}, neither a movie nor an image: publish an mp4, mov, jpg or png"))
}

/// Bytes of the file that the caller knows to be inside it. Errors are predicates, as everywhere in this room.
fn read_at(source: &Source, offset: u64, length: usize) -> Result<Vec<u8>> {
    source.read(offset, length).map_err(unreadable)
}

/// The first bytes, at most `length` of them.
fn head(source: &Source, length: u64) -> Result<Vec<u8>> {
    read_at(source, 0, length.min(source.size_bytes()) as usize)
}

/// A predicate for a read that failed.
fn unreadable(error: io::Error) -> Error {
    Error::new(Code::FileUnreadable, format!("cannot be read: {error}"))
}
