//! Images whose size stands at a place that is easily found.

use super::{Encoding, Facts, StillFormat};
use crate::media::boxes::{Boxes, be32};
use crate::media::bytes::Numbers;
use crate::media::image::damaged;
use crate::media::{head, read_at};
use crate::session::{Result, Source, policy};

pub(super) fn read(source: &Source, format: StillFormat) -> Result<Facts> {
    let bytes = head(source, policy::IMAGE_TAIL)?;
    let facts = match format {
        StillFormat::Photoshop => photoshop(&bytes),
        StillFormat::Hdr => radiance(&bytes),
        StillFormat::Targa => targa(&bytes, source.size_bytes())?,
        StillFormat::WebP => webp(&bytes, source.size_bytes())?,
        StillFormat::Bmp => bmp(&bytes),
        StillFormat::Sgi => pair(Numbers::big(&bytes).u16(6), Numbers::big(&bytes).u16(8)),
        StillFormat::Qoi => pair(Numbers::big(&bytes).u32(4), Numbers::big(&bytes).u32(8)),
        StillFormat::Dds => pair(Numbers::little(&bytes).u32(16), Numbers::little(&bytes).u32(12)),
        StillFormat::Jpeg2000 => jpeg_2000(&bytes),
        StillFormat::Jpeg2000Stream => code_stream(&bytes),
        StillFormat::Heif | StillFormat::Avif => return Ok(Facts::of(image_item(&bytes))),
        StillFormat::Pfm => return Ok(Facts { encoding: Encoding::SceneLinear, ..Facts::of(None) }),
        // How large these are takes a decoder, or does not matter enough.
        _ => return Ok(Facts::of(None)),
    };
    facts.ok_or_else(|| damaged("its header is cut off or makes no sense"))
}

fn pair(width: Option<impl Into<u32>>, height: Option<impl Into<u32>>) -> Option<Facts> {
    Some(Facts::of(Some((width?.into(), height?.into()))))
}

/// Adobe's file format: the header section.
fn photoshop(bytes: &[u8]) -> Option<Facts> {
    let numbers = Numbers::big(bytes);
    let size = (numbers.u32(18)?, numbers.u32(14)?);
    // 32 bits a channel are floating-point numbers.
    let encoding = if numbers.u16(22)? == 32 { Encoding::SceneLinear } else { Encoding::Display };
    Some(Facts::encoded(size, encoding))
}

/// Radiance: lines of text up to an empty one, then the size: `-Y 480 +X 640`.
fn radiance(bytes: &[u8]) -> Option<Facts> {
    let end = bytes.windows(2).position(|two| two == b"\n\n")?;
    let line: Vec<u8> = bytes[end + 2..].iter().take(100).copied().take_while(|byte| *byte != b'\n').collect();
    let text = String::from_utf8(line).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [first, height, second, width] = words.as_slice() else { return None };
    let (mut height, mut width) = (height.parse().ok()?, width.parse().ok()?);
    // Turned by a quarter, it has its columns first.
    match (first.get(1..)?, second.get(1..)?) {
        ("Y", "X") => {}
        ("X", "Y") => std::mem::swap(&mut height, &mut width),
        _ => return None,
    }
    Some(Facts::encoded((width, height), Encoding::SceneLinear))
}

/// Truevision: 18 bytes, none of which are the same in every file.
fn targa(bytes: &[u8], size: u64) -> Result<Option<Facts>> {
    let Some(header) = TargaHeader::parse(bytes) else { return Ok(None) };
    if header.length.is_some_and(|length| length > size) {
        return Err(damaged("it is cut off before its last pixels"));
    }
    Ok(Some(Facts::of(Some(header.size))))
}

struct TargaHeader {
    size: (u32, u32),
    /// Bytes of the whole image, where pixels are not compressed.
    length: Option<u64>,
}

impl TargaHeader {
    fn parse(bytes: &[u8]) -> Option<TargaHeader> {
        let numbers = Numbers::little(bytes);
        let (colours, kind, depth) = (numbers.u8(1)?, numbers.u8(2)?, numbers.u8(16)?);
        let mapped = matches!(kind, 1 | 9);
        let known = matches!(kind, 1..=3 | 9..=11) && matches!(depth, 8 | 15 | 16 | 24 | 32) && colours <= 1;
        let size = (u32::from(numbers.u16(12)?), u32::from(numbers.u16(14)?));
        if !known || (mapped && colours == 0) || size.0 == 0 || size.1 == 0 {
            return None;
        }
        let map = if colours == 1 { u64::from(numbers.u16(5)?) * u64::from(numbers.u8(7)?).div_ceil(8) } else { 0 };
        let pixels = u64::from(size.0) * u64::from(size.1) * u64::from(depth).div_ceil(8);
        let length = (kind < 4).then_some(18 + u64::from(numbers.u8(0)?) + map + pixels);
        Some(TargaHeader { size, length })
    }
}

/// Newer files end with a signature; of older ones, only the name and a header that makes sense can tell.
pub(super) fn is_targa(source: &Source) -> Result<bool> {
    const SIGNATURE: &[u8] = b"TRUEVISION-XFILE.\0";
    if TargaHeader::parse(&head(source, 18)?).is_none() {
        return Ok(false);
    }
    let extension = source.path().extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if StillFormat::Targa.extensions().iter().any(|known| known.eq_ignore_ascii_case(extension)) {
        return Ok(true);
    }
    let Some(start) = source.size_bytes().checked_sub(SIGNATURE.len() as u64) else { return Ok(false) };
    Ok(read_at(source, start, SIGNATURE.len())? == SIGNATURE)
}

/// WebP (RFC 9649): the first chunk is lossy, lossless or extended.
fn webp(bytes: &[u8], size: u64) -> Result<Option<Facts>> {
    let numbers = Numbers::little(bytes);
    if numbers.u32(4).is_some_and(|length| u64::from(length) + 8 > size) {
        return Err(damaged("it is cut off before its end"));
    }
    let three = |at: usize| Some(u32::from(numbers.u16(at)?) | u32::from(numbers.u8(at + 2)?) << 16);
    let extended = |flags: u8| Some((three(24)? + 1, three(27)? + 1, flags & 2 != 0));
    let lossless = |bits: u32| ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, false);
    let lossy = |width: u16, height: u16| (u32::from(width & 0x3fff), u32::from(height & 0x3fff), false);
    let found = match numbers.four(12).as_ref() {
        Some(b"VP8X") => numbers.u8(20).and_then(extended),
        Some(b"VP8L") => numbers.u32(21).map(lossless),
        Some(b"VP8 ") => numbers.u16(26).zip(numbers.u16(28)).map(|(width, height)| lossy(width, height)),
        _ => None,
    };
    Ok(found.map(|(width, height, animated)| Facts { animated, ..Facts::of(Some((width, height))) }))
}

fn bmp(bytes: &[u8]) -> Option<Facts> {
    let numbers = Numbers::little(bytes);
    // The first form of the format had 16 bits for each.
    if numbers.u32(14)? == 12 {
        return pair(numbers.u16(18), numbers.u16(20));
    }
    // A negative height is that of an image from top to bottom.
    pair(Some(numbers.u32(18)?), Some(numbers.u32(22)?.cast_signed().unsigned_abs()))
}

/// JPEG 2000 (ISO/IEC 15444-1, annex I): `jp2h` holds `ihdr`, with height and width.
fn jpeg_2000(bytes: &[u8]) -> Option<Facts> {
    let image = within(within(bytes, b"jp2h")?, b"ihdr")?;
    pair(be32(image, 4), be32(image, 0))
}

/// A stream of JPEG 2000 (annex A): the segment SIZ has the size of a grid, and where on it the image begins.
fn code_stream(bytes: &[u8]) -> Option<Facts> {
    let side = |at: usize| be32(bytes, at)?.checked_sub(be32(bytes, at + 8)?);
    pair(side(8), side(12))
}

/// The size of the largest image in a HEIF file (ISO/IEC 23008-12, `ispe`); tiles and previews are smaller.
fn image_item(bytes: &[u8]) -> Option<(u32, u32)> {
    let meta = within(bytes, b"meta")?;
    // Version and flags come first.
    let properties = within(within(meta.get(4..)?, b"iprp")?, b"ipco")?;
    let all = Boxes(properties).map_while(Result::ok).filter(|found| found.name == *b"ispe");
    let sizes = all.filter_map(|found| be32(found.content, 4).zip(be32(found.content, 8)));
    sizes.max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

/// The content of the first box of this name, as far as the beginning of the file that was read goes.
fn within<'a>(content: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes(content).map_while(Result::ok).find(|found| found.name == *name).map(|found| found.content)
}
