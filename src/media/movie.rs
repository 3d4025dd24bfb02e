//! From the boxes of a file to what is known of a movie.

use std::fmt;

use super::boxes::{self, FourCc, Layout, damaged};
use super::bytes::Numbers;
use super::details::{Audio, Colour, Timecode, TimecodeTrack};
use super::h264::{self, PixelFormat, Profile};
use super::index::{self, Index, Picture};
use super::rate::{self, Rational, Timing};
use super::{Kind, Warning};
use crate::session::Source;
use crate::session::{Code, Error, Result, policy};

/// A movie whose length, rate and picture are known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Movie {
    /// The kind of file around it.
    pub container: Container,
    /// Width in pixels, as stored: before any rotation.
    pub width: u32,
    /// Height in pixels, as stored: before any rotation.
    pub height: u32,
    /// The number of frames, exact.
    pub frames: u64,
    /// Frames a second, exact: `24000/1001`. The average where it varies.
    pub frame_rate: Rational,
    /// Length in seconds, exact.
    pub duration: Rational,
    /// How pictures are encoded.
    pub codec: Codec,
    /// The profile, of H.264.
    pub profile: Option<Profile>,
    /// How pixels are stored, where the file says it: of H.264.
    pub pixel_format: Option<PixelFormat>,
    /// Whether the index stands before the media, so that a browser plays at once.
    pub faststart: bool,
    /// Whether there is a sound track.
    pub has_audio: bool,
    /// What is told of the sound.
    pub audio: Option<Audio>,
    /// What the numbers of the picture mean, where the container or the stream says it. The container is believed first,
    /// as browsers do.
    pub colour: Option<Colour>,
    /// The longest way from one key frame to the next, in frames: how far a player must decode to show the frame that a
    /// reviewer jumps to. 1 when every frame is one.
    pub key_interval: Option<u64>,
    /// Where the timecode begins, where there is one.
    pub timecode: Option<Timecode>,
    /// Whether frames do not follow at one rate.
    pub variable_frame_rate: bool,
    /// Degrees that a player turns it by, clockwise: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Whether frames may be made of two fields.
    pub interlaced: bool,
}

impl Movie {
    /// Width and height in pixels as a player shows them, turned.
    pub fn shown_size(&self) -> (u32, u32) {
        if self.rotation % 180 == 90 { (self.height, self.width) } else { (self.width, self.height) }
    }
}

/// The kind of file that a movie is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MP4 and its relatives.
    Mp4,
    /// QuickTime (`.mov`). With H.264 in it Chromium and Safari play it and Firefox mostly does, by its content and
    /// whatever its type is called; a review component is an mp4 by ftrack's name for it (`ftrackreview-mp4`), and
    /// rewrapping costs nothing. So it is a warning, not an error.
    QuickTime,
}

/// A video codec, as the four letters that MP4 and QuickTime have for it. Its `Display` is the name people use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Codec(pub [u8; 4]);

impl Codec {
    /// Whether it is H.264, with its settings in the index or among the pictures.
    pub fn is_h264(self) -> bool {
        matches!(&self.0, b"avc1" | b"avc3")
    }

    /// Whether its pictures are encrypted, so that nothing without the key makes something of them.
    pub fn is_encrypted(self) -> bool {
        self.0 == *b"encv"
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.0 {
            b"avc1" | b"avc3" => "H.264",
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "HEVC (H.265)",
            b"vvc1" | b"vvi1" => "VVC (H.266)",
            b"apch" => "ProRes 422 HQ",
            b"apcn" => "ProRes 422",
            b"apcs" => "ProRes 422 LT",
            b"apco" => "ProRes 422 Proxy",
            b"ap4h" => "ProRes 4444",
            b"ap4x" => "ProRes 4444 XQ",
            b"aprn" | b"aprh" => "ProRes RAW",
            b"AVdn" => "DNxHD or DNxHR",
            b"AVdh" => "DNxHR",
            b"CFHD" => "CineForm",
            b"mp4v" | b"xvid" | b"XVID" | b"DIVX" => "MPEG-4 part 2",
            b"m2v1" | b"mp2v" | b"mx5p" | b"mx3p" => "MPEG-2",
            b"jpeg" | b"mjpg" | b"mjpa" | b"mjpb" | b"MJPG" => "Motion JPEG",
            b"mjp2" => "Motion JPEG 2000",
            b"png " => "PNG frames",
            b"rle " => "QuickTime Animation",
            b"raw " | b"2vuy" | b"2Vuy" | b"yuv2" | b"v210" | b"v308" | b"v408" | b"v410" | b"r210" | b"b64a"
            | b"b48r" => "uncompressed video",
            b"Hap1" | b"Hap5" | b"HapY" | b"HapM" | b"HapA" => "HAP",
            b"SVQ1" | b"SVQ3" => "Sorenson Video",
            b"s263" | b"h263" | b"H263" => "H.263",
            b"vp08" => "VP8",
            b"vp09" => "VP9",
            b"av01" => "AV1",
            b"dvc " | b"dvcp" | b"dvpp" | b"dv5p" | b"dv5n" | b"dvh5" | b"dvh6" => "DV",
            [b'x', b'd', _, _] => "XDCAM (MPEG-2)",
            [b'a', b'i', b'1' | b'5', _] => "AVC-Intra",
            b"encv" => "encrypted video",
            other => return write!(f, "{}", other.escape_ascii()),
        };
        write!(f, "{name} ({})", self.0.escape_ascii())
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads an MP4 or QuickTime file.
pub(super) fn read(source: &Source, container: Container) -> Result<(Kind, Vec<Warning>)> {
    let layout = boxes::layout(source)?;
    let index = read_index(source, &layout)?;
    let picture = &index.picture;
    check_media(&layout, picture)?;
    let Timing { frames, frame_rate, duration, variable } = rate::timing(&picture.runs, picture.timescale)
        .ok_or_else(|| damaged("its index holds no frames, or frames without any length"))?;
    let stream = match &picture.avcc {
        Some(avcc) => Some(h264::read(avcc)?),
        None if Codec(picture.codec).is_h264() => return Err(damaged("it is H.264 without its settings (avcC)")),
        None => None,
    };
    // What the stream says is what is shown; the container's numbers are a copy of it.
    let (width, height) = stream.and_then(|stream| stream.size).unwrap_or(picture.size);
    if width == 0 || height == 0 {
        return Err(damaged(&format!("its picture is {width}x{height}")));
    }
    let faststart = layout.index.zip(layout.media_start).is_some_and(|((index, _), media)| index < media);
    let movie = Movie {
        container,
        width,
        height,
        frames,
        frame_rate,
        duration,
        codec: Codec(picture.codec),
        profile: stream.map(|stream| stream.profile),
        pixel_format: stream.and_then(|stream| stream.pixel_format),
        faststart,
        has_audio: index.sound.is_some(),
        audio: index.sound.as_ref().map(|sound| sound.1.clone()),
        colour: picture.colour.or_else(|| stream.and_then(|stream| stream.colour)),
        key_interval: picture.key_interval,
        timecode: index.timecode.and_then(|track| timecode(source, track)),
        variable_frame_rate: variable,
        rotation: picture.rotation,
        interlaced: stream.is_some_and(|stream| stream.interlaced),
    };
    let mut warnings = warnings(&movie, &index);
    if let Some((width, height)) = stream.and_then(|stream| stream.pixel_aspect) {
        warnings.push(Warning::PixelAspect { width, height });
    }
    Ok((Kind::Movie(movie), warnings))
}

/// The number of the first frame stands among the media.
fn timecode(source: &Source, track: TimecodeTrack) -> Option<Timecode> {
    let frame = source.read(track.at, 4).ok()?;
    let frame = Numbers::big(&frame).u32(0)?;
    Some(Timecode { frame, per_second: track.per_second, drop_frame: track.drop_frame })
}

fn read_index(source: &Source, layout: &Layout) -> Result<Index> {
    let Some((start, end)) = layout.index else {
        return Err(match layout {
            Layout { fragmented: true, .. } => index::fragmented(),
            _ => Error::new(
                Code::MovieDamaged,
                "has no index (moov): the program that wrote it was stopped before it finished, or the copy was. Export or copy it again",
            ),
        });
    };
    if end - start > policy::MOVIE_INDEX_LIMIT {
        let claims = format!("its index claims {} bytes, more than any movie needs", end - start);
        return Err(damaged(&claims));
    }
    let index = index::read(&super::read_at(source, start, (end - start) as usize)?)?;
    if layout.fragmented { Err(index::fragmented()) } else { Ok(index) }
}

/// Whether the frames that the index lists can be in the file at all.
fn check_media(layout: &Layout, picture: &Picture) -> Result<()> {
    if layout.media_start.is_none() {
        return Err(damaged("it has an index, and no media data (mdat)"));
    }
    if picture.media_bytes > layout.media_bytes {
        return Err(Error::new(
            Code::MovieDamaged,
            format!(
                "is cut off: its frames take {} bytes and {} bytes of media data are there. Copy or export it again, to the end",
                picture.media_bytes, layout.media_bytes
            ),
        ));
    }
    Ok(())
}

fn warnings(movie: &Movie, index: &Index) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |applies: bool, warning: Warning| {
        if applies {
            warnings.push(warning);
        }
    };
    let large = movie.width > policy::MOVIE_LARGE || movie.height > policy::MOVIE_LARGE;
    warn(movie.container == Container::QuickTime, Warning::QuickTime);
    warn(!movie.faststart, Warning::NotFaststart);
    warn(movie.variable_frame_rate, Warning::VariableFrameRate);
    warn(movie.rotation != 0, Warning::Rotated(movie.rotation));
    warn(large, Warning::Large { width: movie.width, height: movie.height });
    warn(movie.interlaced, Warning::Interlaced);
    warn(is_edited(movie, &index.picture), Warning::EditList);
    if let Some((_, audio)) = index.sound.as_ref().filter(|(codec, _)| !sound_plays(codec)) {
        warn(true, Warning::SilentSound(audio.codec.clone()));
    }
    warnings
}

/// Whether an edit list changes what is shown by a frame or more. Nearly every movie has one, which only says how far
/// the first frame is put off for frames that are decoded before they are shown.
fn is_edited(movie: &Movie, picture: &Picture) -> bool {
    let frame = 1.0 / movie.frame_rate.as_f64();
    picture.edit.is_some_and(|(wait, length)| wait >= frame || (length - movie.duration.as_f64()).abs() >= frame)
}

/// AAC and MP3, Opus and FLAC: what all current browsers play in MP4.
fn sound_plays(codec: &FourCc) -> bool {
    matches!(codec, b"mp4a" | b".mp3" | b"Opus" | b"fLaC")
}
