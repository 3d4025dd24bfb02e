//! Movies that browsers do not play, or not all of them: what kind of file they are in, and where that is cheap, what is
//! in it. Nothing is refused here for being odd: ffmpeg and the server's encoder read more than this does.

mod avi; // AVI
mod matroska; // Matroska and WebM
mod mxf; // MXF

use std::fmt;

use crate::session::{Result, Source};

/// A movie in a container that browsers do not play.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OtherMovie {
    /// The kind of file.
    pub format: MovieFormat,
    /// Width in pixels, where it was found.
    pub width: Option<u32>,
    /// Height in pixels, where it was found.
    pub height: Option<u32>,
    /// How pictures are encoded, in the container's own words, where it was found.
    pub codec: Option<String>,
    /// Whether there is a sound track, where it was found.
    pub has_audio: Option<bool>,
}

impl OtherMovie {
    /// A movie of which nothing but the kind of file is known.
    pub(super) fn named(format: MovieFormat) -> Self {
        Self { format, width: None, height: None, codec: None, has_audio: None }
    }
}

/// The kinds of files for movies that are known beside MP4 and QuickTime. The `Display` is the name with its article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MovieFormat {
    /// Matroska.
    Matroska,
    /// WebM.
    WebM,
    /// AVI.
    Avi,
    /// MXF.
    Mxf,
    /// Flash video.
    Flash,
    /// Ogg.
    Ogg,
    /// Windows Media.
    WindowsMedia,
    /// MPEG program stream.
    MpegProgram,
    /// MPEG transport stream.
    MpegTransport,
    /// MPEG video without a container.
    MpegVideo,
    /// H.264 without a container.
    H264Stream,
    /// YUV4MPEG.
    Yuv4Mpeg,
    /// IVF.
    Ivf,
    /// RED camera file.
    Red,
    /// MP4 in fragments.
    Fragmented,
    /// QuickTime of a kind that is not read any more: with a compressed index, or with references to other files.
    OldQuickTime,
}

impl MovieFormat {
    /// Extensions of the format, the usual one first, without dots.
    pub(super) fn extensions(self) -> &'static [&'static str] {
        match self {
            MovieFormat::Matroska => &["mkv", "mk3d", "mka"],
            MovieFormat::WebM => &["webm"],
            MovieFormat::Avi => &["avi", "divx"],
            MovieFormat::Mxf => &["mxf"],
            MovieFormat::Flash => &["flv"],
            MovieFormat::Ogg => &["ogv", "ogg", "ogm"],
            MovieFormat::WindowsMedia => &["wmv", "asf", "wma"],
            MovieFormat::MpegProgram => &["mpg", "mpeg", "vob"],
            MovieFormat::MpegTransport => &["ts", "m2ts", "mts"],
            MovieFormat::MpegVideo => &["m2v", "m1v", "mpv", "mpg"],
            MovieFormat::H264Stream => &["h264", "264", "avc"],
            MovieFormat::Yuv4Mpeg => &["y4m"],
            MovieFormat::Ivf => &["ivf"],
            MovieFormat::Red => &["r3d"],
            MovieFormat::Fragmented => &["mp4", "m4v", "mov", "m4s"],
            MovieFormat::OldQuickTime => &["mov", "qt"],
        }
    }
}

impl fmt::Display for MovieFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MovieFormat::Matroska => "a Matroska file",
            MovieFormat::WebM => "a WebM file",
            MovieFormat::Avi => "an AVI file",
            MovieFormat::Mxf => "an MXF file",
            MovieFormat::Flash => "a Flash video",
            MovieFormat::Ogg => "an Ogg file",
            MovieFormat::WindowsMedia => "a Windows Media file",
            MovieFormat::MpegProgram => "an MPEG program stream",
            MovieFormat::MpegTransport => "an MPEG transport stream",
            MovieFormat::MpegVideo => "a bare MPEG video stream",
            MovieFormat::H264Stream => "a bare H.264 stream",
            MovieFormat::Yuv4Mpeg => "a YUV4MPEG file",
            MovieFormat::Ivf => "an IVF file",
            MovieFormat::Red => "a RED camera file",
            MovieFormat::Fragmented => "a fragmented movie",
            MovieFormat::OldQuickTime => "a QuickTime file of an old kind",
        })
    }
}

/// What a header says. What it does not say stays `None`.
#[derive(Clone, Debug, Default)]
struct Facts {
    size: Option<(u32, u32)>,
    codec: Option<String>,
    has_audio: Option<bool>,
}

/// Reads the header of a movie as far as that is cheap.
pub(super) fn read(source: &Source, format: MovieFormat) -> Result<OtherMovie> {
    let facts = match format {
        MovieFormat::Matroska | MovieFormat::WebM => matroska::read(source)?,
        MovieFormat::Avi => avi::read(source)?,
        MovieFormat::Mxf => mxf::read(source)?,
        _ => Facts::default(),
    };
    let size = facts.size.filter(|(width, height)| *width > 0 && *height > 0);
    let (width, height) = size.unzip();
    Ok(OtherMovie { format, width, height, codec: facts.codec, has_audio: facts.has_audio })
}

/// The letters of a codec's name, where they are letters.
fn letters(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches(['\0', ' ']);
    (!text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))).then(|| text.to_owned())
}
