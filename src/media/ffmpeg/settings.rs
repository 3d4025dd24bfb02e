//! What is asked for.

use std::path::PathBuf;
use std::time::Duration;

use super::Colour;
use crate::media::Rational;
use crate::session::policy;

/// What a movie is made of. Relative paths are those of the host's working directory at the moment of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A movie in any container that this ffmpeg reads, with its sound.
    Movie(PathBuf),
    /// One image, shown for a time.
    Still {
        /// The image.
        path: PathBuf,
        /// For how many frames.
        frames: u32,
        /// Frames a second.
        rate: Rational,
        /// Sound beside it, cut where the picture ends.
        audio: Option<PathBuf>,
    },
    /// Images in the order in which they are shown. A file that stands twice is shown twice, which is how holes are filled.
    Frames {
        /// The images, all of one kind.
        files: Vec<PathBuf>,
        /// Frames a second.
        rate: Rational,
        /// Sound beside them, cut where the pictures end.
        audio: Option<PathBuf>,
    },
}

/// How well a movie is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// The same quality throughout, as x264 counts: 0 to 51, where less is better and 18 shows no difference.
    Constant(u8),
    /// This many bits a second on average.
    BitRate(u64),
}

/// How a movie is made. The default is a review movie of the size and rate of its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The height of a rendition in pixels, such as 720, 1080, 1440 or 2160. What is lower stays as it is.
    pub height: Option<u32>,
    /// How well it is encoded.
    pub quality: Quality,
    /// Every how many frames there is a key frame, at least: 1 is the best for scrubbing and the largest.
    pub key_interval: u32,
    /// Frames a second, where not those of the source: frames are then shown twice or left out, and the length stays.
    pub rate: Option<Rational>,
    /// What values mean.
    pub colour: Colour,
    /// Whether sound is taken along, where there is any.
    pub audio: bool,
    /// A look-up table that makes display colours of the source's values: .cube, .3dl, .csp, .dat or .m3d.
    pub lut: Option<PathBuf>,
    /// The studio's own arguments instead of ours, one an element, without the program and without any shell.
    ///
    /// `{input}` and `{output}` must stand in them; `{width}`, `{height}`, `{rate}`, `{frames}`, `{key_interval}`,
    /// `{audio}` and `{lut}` may; `{{` is a brace. Frames are read with `-framerate {rate} -i {input}`.
    pub arguments: Option<Vec<String>>,
    /// An ffmpeg that shows no progress for this long is stopped.
    pub stall: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            height: None,
            quality: Quality::Constant(policy::REVIEW_CRF),
            key_interval: policy::REVIEW_KEY_INTERVAL,
            rate: None,
            colour: Colour::default(),
            audio: true,
            lut: None,
            arguments: None,
            stall: policy::FFMPEG_STALL,
        }
    }
}

/// Which frame of a movie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The one in the middle: it shows more of a shot than the first.
    #[default]
    Middle,
    /// This one, counted from zero.
    Frame(u64),
}

/// How an image is made of a frame. The default is the middle frame in its own size.
#[derive(Clone, Debug, PartialEq)]
pub struct StillSettings {
    /// Which frame; a still has one only.
    pub at: At,
    /// The greatest width in pixels; what is narrower stays as it is.
    pub max_width: Option<u32>,
    /// What values mean.
    pub colour: Colour,
    /// A look-up table that makes display colours of the source's values.
    pub lut: Option<PathBuf>,
    /// An ffmpeg that takes longer is stopped.
    pub stall: Duration,
}

impl Default for StillSettings {
    fn default() -> Self {
        Self { at: At::Middle, max_width: None, colour: Colour::default(), lut: None, stall: policy::FFMPEG_STALL }
    }
}
