//! OpenEXR: the display window, and whether all blocks of pixels were written (openexr.com, "OpenEXR File Layout").

use super::{Encoding, Facts};
use crate::media::bytes::Numbers;
use crate::media::image::damaged;
use crate::media::{head, read_at};
use crate::session::{Result, Source, policy};

pub(super) fn read(source: &Source) -> Result<Facts> {
    let bytes = head(source, policy::IMAGE_HEADER_LIMIT)?;
    let header = Header::parse(&bytes).ok_or_else(|| damaged("its header is cut off or makes no sense"))?;
    check_blocks(source, &header)?;
    Ok(Facts::encoded(
        header.display.size().ok_or_else(|| damaged("its display window is empty"))?,
        Encoding::SceneLinear,
    ))
}

/// A rectangle of pixels, its corners included.
#[derive(Clone, Copy, Default)]
struct Window {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Window {
    fn parse(value: &[u8]) -> Option<Window> {
        let numbers = Numbers::little(value);
        let corner = |at: usize| numbers.u32(at).map(|number| i64::from(number.cast_signed()));
        Some(Window { left: corner(0)?, top: corner(4)?, right: corner(8)?, bottom: corner(12)? })
    }

    fn size(self) -> Option<(u32, u32)> {
        let side = |from: i64, to: i64| u32::try_from(to - from + 1).ok().filter(|side| *side > 0);
        side(self.left, self.right).zip(side(self.top, self.bottom))
    }
}

struct Header {
    display: Window,
    data: Window,
    compression: u8,
    /// Whether the table of blocks follows the header and is of a kind that is counted here: of one part, in scan lines.
    simple: bool,
    /// Where the header ends.
    end: usize,
}

impl Header {
    /// Reads the attributes of the first part up to the zero that ends them.
    fn parse(bytes: &[u8]) -> Option<Header> {
        // Tiles, deep data and several parts have other tables.
        let version = Numbers::little(bytes).u32(4)?;
        let mut header = Header {
            display: Window::default(),
            data: Window::default(),
            compression: 0,
            simple: version & 0x1a00 == 0,
            end: 8,
        };
        let (mut display, mut data) = (None, None);
        loop {
            let (name, at) = text(bytes, header.end)?;
            if name.is_empty() {
                header.end = at;
                break;
            }
            let (_kind, at) = text(bytes, at)?;
            let length = usize::try_from(Numbers::little(bytes).u32(at)?).ok()?;
            let value = bytes.get(at + 4..)?.get(..length)?;
            match name {
                b"displayWindow" => display = Some(Window::parse(value)?),
                b"dataWindow" => data = Some(Window::parse(value)?),
                b"compression" => header.compression = *value.first()?,
                _ => {}
            }
            header.end = at + 4 + length;
        }
        (header.display, header.data) = (display?, data?);
        Some(header)
    }

    /// Lines in one block, of the compressions that are known.
    fn lines_in_block(&self) -> Option<u64> {
        match self.compression {
            0..=2 => Some(1),
            3 | 5 => Some(16),
            4 | 6..=8 => Some(32),
            9 => Some(256),
            _ => None,
        }
    }
}

/// Text up to its zero, and where it ends.
fn text(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(256).position(|byte| *byte == 0)?;
    Some((&rest[..length], at + length + 1))
}

/// A render that was stopped leaves zeros in the table of blocks; a copy that was stopped lacks the last of them.
fn check_blocks(source: &Source, header: &Header) -> Result<()> {
    let Some((_, height)) = header.data.size() else { return Err(damaged("its data window is empty")) };
    let Some(lines) = header.lines_in_block().filter(|_| header.simple) else { return Ok(()) };
    let blocks = u64::from(height).div_ceil(lines);
    let length = blocks * 8;
    if length > policy::IMAGE_HEADER_LIMIT {
        return Ok(());
    }
    let size = source.size_bytes();
    let start = header.end as u64;
    if start + length > size {
        return Err(damaged("it is cut off before its pixels"));
    }
    let table = read_at(source, start, length as usize)?;
    let offsets = Numbers::little(&table);
    let mut last = 0;
    for offset in (0..table.len()).step_by(8).filter_map(|at| offsets.u64(at)) {
        match offset {
            0 => return Err(damaged("some of its pixels were never written: the render was stopped")),
            offset if offset.saturating_add(8) > size || offset < start + length => {
                return Err(damaged("it is cut off: pixels lie beyond its end"));
            }
            offset => last = last.max(offset),
        }
    }
    // The line that the block begins with, the length of what follows.
    let block = read_at(source, last, 8)?;
    let pixels = Numbers::little(&block).u32(4).unwrap_or(0);
    if last + 8 + u64::from(pixels) > size {
        return Err(damaged("it is cut off in its last pixels"));
    }
    Ok(())
}
