//! JPEG and PNG headers, and whether the file goes on to its end mark.
//!
//! Crates that tell the size of an image say neither what kind of JPEG it is, which decides whether a browser shows it,
//! nor whether it is whole.

use std::fmt;
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::unreadable;
use super::{Kind, Warning};
use crate::session::Source;
use crate::session::{Code, Error, Result, policy};

/// A still image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its format.
    pub format: ImageFormat,
}

/// The formats that ftrack shows as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ImageFormat::Jpeg => "JPEG",
            ImageFormat::Png => "PNG",
        })
    }
}

/// Reads a PNG file (ISO/IEC 15948: sections 5.2 and 11.2).
pub(super) fn read_png(source: &Source) -> Result<(Kind, Vec<Warning>)> {
    // Signature, then the length, name and content of the first chunk, which must be the header.
    let header = super::head(source, 33)?;
    let dimensions = match (header.get(12..16), header.get(16..20), header.get(20..24)) {
        (Some(b"IHDR"), Some(width), Some(height)) => big_endian(width).zip(big_endian(height)),
        _ => None,
    };
    let (width, height) = dimensions.ok_or_else(|| damaged("its header is missing"))?;
    check_end(source, 33, b"IEND\xae\x42\x60\x82")?;
    finish(width, height, ImageFormat::Png, Vec::new())
}

/// Reads a JPEG file (ITU-T T.81, annex B).
pub(super) fn read_jpeg(source: &Source) -> Result<(Kind, Vec<Warning>)> {
    let mut reader = BufReader::new(source.file());
    reader.seek(SeekFrom::Start(2)).map_err(unreadable)?;
    let frame = frame_header(&mut reader)?;
    let after = reader.stream_position().map_err(unreadable)?;
    match frame.marker {
        0xc0..=0xc2 if frame.precision == 8 => {}
        0xc0..=0xc2 => return Err(not_shown(&format!("a JPEG image of {} bits", frame.precision))),
        0xc3 | 0xf7 => return Err(not_shown("a lossless JPEG image")),
        _ => return Err(not_shown("a JPEG image of a rare kind (arithmetic or hierarchical)")),
    }
    // A preview inside the header has an end mark of its own, so the search begins behind the header.
    check_end(source, after, b"\xff\xd9")?;
    let warnings = if frame.components == 4 { vec![Warning::Cmyk] } else { Vec::new() };
    finish(frame.width.into(), frame.height.into(), ImageFormat::Jpeg, warnings)
}

struct Frame {
    marker: u8,
    precision: u8,
    width: u16,
    height: u16,
    components: u8,
}

/// Skips segments up to the one that describes the picture.
fn frame_header(reader: &mut BufReader<impl Read + Seek>) -> Result<Frame> {
    for _ in 0..policy::JPEG_SEGMENT_LIMIT {
        let marker = next_marker(reader)?;
        let length = u16::from_be_bytes(take(reader)?);
        match marker {
            // All markers of frames, without the three in their range that are tables; and that of JPEG-LS.
            0xc0..=0xcf | 0xf7 if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [precision, h1, h2, w1, w2, components] = take(reader)?;
                let (width, height) = (u16::from_be_bytes([w1, w2]), u16::from_be_bytes([h1, h2]));
                return Ok(Frame { marker, precision, width, height, components });
            }
            0xda => return Err(damaged("the description of its picture is missing")),
            // The length counts itself.
            _ if length >= 2 => reader.seek_relative(i64::from(length) - 2).map_err(unreadable)?,
            _ => return Err(damaged("a part of its header has no length")),
        }
    }
    Err(damaged("its header has no end"))
}

/// The next marker. Any number of fill bytes may stand before it.
fn next_marker(reader: &mut impl Read) -> Result<u8> {
    if take::<1>(reader)? != [0xff] {
        return Err(damaged("its header makes no sense"));
    }
    for _ in 0..policy::JPEG_SEGMENT_LIMIT {
        let [marker] = take(reader)?;
        if marker != 0xff {
            return Ok(marker);
        }
    }
    Err(damaged("its header makes no sense"))
}

/// Looks for the mark that ends an image, in the last bytes of the file and not before `from`.
fn check_end(source: &Source, from: u64, mark: &[u8]) -> Result<()> {
    let size = source.size_bytes();
    let start = size.saturating_sub(policy::IMAGE_TAIL).max(from).min(size);
    let tail = super::read_at(source, start, (size - start) as usize)?;
    if tail.windows(mark.len()).any(|window| window == mark) {
        return Ok(());
    }
    Err(damaged("it is cut off before its end"))
}

fn finish(width: u32, height: u32, format: ImageFormat, mut warnings: Vec<Warning>) -> Result<(Kind, Vec<Warning>)> {
    if width == 0 || height == 0 {
        return Err(damaged(&format!("its size is {width}x{height}")));
    }
    if width > policy::IMAGE_LARGE || height > policy::IMAGE_LARGE {
        warnings.push(Warning::Large { width, height });
    }
    Ok((Kind::Image(Image { width, height, format }), warnings))
}

/// Exactly as many bytes. That the file ends before is damage.
pub(super) fn take<const N: usize>(reader: &mut impl Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(damaged("it is cut off in its header")),
        Err(error) => Err(unreadable(error)),
    }
}

fn big_endian(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// A predicate for an image that makes no sense.
pub(super) fn damaged(reason: &str) -> Error {
    Error::new(Code::ImageDamaged, format!("is a damaged image: {reason}. Render or copy it again"))
}

fn not_shown(what: &str) -> Error {
    Error::new(Code::NotMedia, format!("is {what}, which browsers do not show: save it as a usual jpg or png"))
}
