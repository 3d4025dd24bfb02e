//! Formats by their first bytes. The extension decides nothing: it is often wrong, and browsers do not look at it.

use std::path::Path;

use super::containers::MovieFormat;
use super::stills::{self, StillFormat};
use crate::session::Result;
use crate::session::Source;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// MP4 or one of its relatives.
    Mp4,
    /// QuickTime.
    QuickTime,
    /// A JPEG image.
    Jpeg,
    /// A PNG image.
    Png,
    /// A movie that browsers do not play.
    OtherMovie(MovieFormat),
    /// An image that browsers, or not all of them, show.
    OtherImage(StillFormat),
    /// A PDF document.
    Pdf,
    /// Something known that is neither.
    Other(&'static str),
    /// Nothing known. The first bytes, as text.
    Unknown(String),
}

/// Bytes that are looked at: three packets of an MPEG transport stream are the most that anything needs.
const HEAD: u64 = 400;

/// Tells what an open file holds.
pub(super) fn format(source: &Source) -> Result<Format> {
    match recognise(&super::head(source, HEAD)?) {
        // Targa files begin with nothing of their own.
        Format::Unknown(_) if stills::is_targa(source)? => Ok(Format::OtherImage(StillFormat::Targa)),
        format => Ok(format),
    }
}

/// The extension for the content with its dot, and whether the path has one that fits.
pub(super) fn file_type(path: &Path, format: &Format) -> (String, bool) {
    // The first is the usual one.
    let fitting: &[&str] = match format {
        Format::Mp4 => &["mp4", "m4v", "m4a", "f4v", "3gp", "3g2"],
        Format::QuickTime => &["mov", "qt"],
        Format::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
        Format::Png => &["png"],
        Format::OtherMovie(format) => format.extensions(),
        Format::OtherImage(format) => format.extensions(),
        Format::Pdf => &["pdf"],
        Format::Other(_) | Format::Unknown(_) => &[],
    };
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    if fitting.contains(&extension.as_str()) {
        return (format!(".{extension}"), true);
    }
    (fitting.first().map(|usual| format!(".{usual}")).unwrap_or_default(), false)
}

/// Formats that begin with bytes of their own.
const BEGINNINGS: &[(&[u8], Format)] = &[
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", Format::OtherMovie(MovieFormat::Mxf)),
    (b"FLV\x01", Format::OtherMovie(MovieFormat::Flash)),
    (b"OggS", Format::OtherMovie(MovieFormat::Ogg)),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Format::OtherMovie(MovieFormat::WindowsMedia)),
    (b"\x00\x00\x01\xba", Format::OtherMovie(MovieFormat::MpegProgram)),
    (b"\x00\x00\x01\xb3", Format::OtherMovie(MovieFormat::MpegVideo)),
    (b"\x00\x00\x00\x01\x67", Format::OtherMovie(MovieFormat::H264Stream)),
    (b"\x00\x00\x01\x67", Format::OtherMovie(MovieFormat::H264Stream)),
    (b"YUV4MPEG2 ", Format::OtherMovie(MovieFormat::Yuv4Mpeg)),
    (b"DKIF", Format::OtherMovie(MovieFormat::Ivf)),
    (b"\x76\x2f\x31\x01", Format::OtherImage(StillFormat::OpenExr)),
    (b"II*\0", Format::OtherImage(StillFormat::Tiff)),
    (b"MM\0*", Format::OtherImage(StillFormat::Tiff)),
    (b"II+\0", Format::OtherImage(StillFormat::BigTiff)),
    (b"MM\0+", Format::OtherImage(StillFormat::BigTiff)),
    (b"SDPX", Format::OtherImage(StillFormat::Dpx)),
    (b"XPDS", Format::OtherImage(StillFormat::Dpx)),
    (b"\x80\x2a\x5f\xd7", Format::OtherImage(StillFormat::Cineon)),
    (b"\xd7\x5f\x2a\x80", Format::OtherImage(StillFormat::Cineon)),
    (b"8BPS", Format::OtherImage(StillFormat::Photoshop)),
    (b"#?RADIANCE", Format::OtherImage(StillFormat::Hdr)),
    (b"#?RGBE", Format::OtherImage(StillFormat::Hdr)),
    (b"GIF8", Format::OtherImage(StillFormat::Gif)),
    (b"BM", Format::OtherImage(StillFormat::Bmp)),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format::OtherImage(StillFormat::Jpeg2000)),
    (b"\xff\x4f\xff\x51", Format::OtherImage(StillFormat::Jpeg2000Stream)),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format::OtherImage(StillFormat::JpegXl)),
    (b"\xff\x0a", Format::OtherImage(StillFormat::JpegXl)),
    (b"\x01\xda", Format::OtherImage(StillFormat::Sgi)),
    (b"qoif", Format::OtherImage(StillFormat::Qoi)),
    (b"PF\n", Format::OtherImage(StillFormat::Pfm)),
    (b"Pf\n", Format::OtherImage(StillFormat::Pfm)),
    (b"P4\n", Format::OtherImage(StillFormat::Netpbm)),
    (b"P5\n", Format::OtherImage(StillFormat::Netpbm)),
    (b"P6\n", Format::OtherImage(StillFormat::Netpbm)),
    (b"P7\n", Format::OtherImage(StillFormat::Netpbm)),
    (b"DDS ", Format::OtherImage(StillFormat::Dds)),
    (b"%PDF-", Format::Pdf),
    (b"PK\x03\x04", Format::Other("a zip archive")),
    (b"\x1f\x8b", Format::Other("a gzip archive")),
    (b"ID3", Format::Other("an MP3 sound file")),
    (b"fLaC", Format::Other("a FLAC sound file")),
    (b"PXR-USDC", Format::Other("a USD file")),
    (b"#usda ", Format::Other("a USD file")),
    (b"<!DOCTYPE", Format::Other("a web page")),
    (b"<html", Format::Other("a web page")),
    (b"\x7fELF", Format::Other("a program")),
    (b"MZ", Format::Other("a program")),
];

fn recognise(head: &[u8]) -> Format {
    if let Some((_, format)) = BEGINNINGS.iter().find(|(bytes, _)| head.starts_with(bytes)) {
        return format.clone();
    }
    let four = |offset: usize| head.get(offset..offset + 4).unwrap_or_default();
    match (four(0), four(4), four(8)) {
        (_, b"ftyp", brand) => by_brand(brand),
        // QuickTime before 1999, and what some cameras still write.
        (_, b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot", _) => Format::QuickTime,
        (b"RIFF" | b"RF64", _, b"AVI ") => Format::OtherMovie(MovieFormat::Avi),
        (b"RIFF" | b"RF64", _, b"WAVE") => Format::Other("a WAV sound file"),
        (b"RIFF", _, b"WEBP") => Format::OtherImage(StillFormat::WebP),
        (_, b"RED1" | b"RED2", _) => Format::OtherMovie(MovieFormat::Red),
        (b"\x1a\x45\xdf\xa3", ..) if contains(head, b"webm") => Format::OtherMovie(MovieFormat::WebM),
        (b"\x1a\x45\xdf\xa3", ..) => Format::OtherMovie(MovieFormat::Matroska),
        _ if is_transport_stream(head) => Format::OtherMovie(MovieFormat::MpegTransport),
        _ => Format::Unknown(shown(head)),
    }
}

fn by_brand(brand: &[u8]) -> Format {
    match brand {
        b"qt  " => Format::QuickTime,
        b"avif" | b"avis" => Format::OtherImage(StillFormat::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            Format::OtherImage(StillFormat::Heif)
        }
        b"crx " => Format::OtherImage(StillFormat::CanonRaw),
        _ => Format::Mp4,
    }
}

/// Packets of 188 bytes that each begin with the same byte, after a time of four bytes on discs and in cameras.
fn is_transport_stream(head: &[u8]) -> bool {
    [(0, 188), (4, 192)].iter().any(|(start, step)| (0..2).all(|packet| head.get(start + packet * step) == Some(&0x47)))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn shown(head: &[u8]) -> String {
    let first: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", first.join(" "))
}
