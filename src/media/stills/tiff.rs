//! TIFF (Adobe, revision 6.0) and BigTIFF: the first directory of the file.

use super::{Encoding, Facts};
use crate::media::bytes::Numbers;
use crate::media::image::damaged;
use crate::media::{head, read_at};
use crate::session::{Result, Source, policy};

/// Where the first directory is, and how it is written.
struct Layout {
    big_endian: bool,
    /// BigTIFF: counts and offsets of 64 bits.
    wide: bool,
    directory: u64,
}

pub(super) fn read(source: &Source) -> Result<Facts> {
    let layout = layout(&head(source, 16)?).ok_or_else(|| damaged("its header makes no sense"))?;
    let directory = directory(source, &layout)?;
    let entries = Entries { layout: &layout, bytes: &directory };
    let side = |tag: u16| entries.number(tag).and_then(|value| u32::try_from(value).ok());
    let size = side(256).zip(side(257)).ok_or_else(|| damaged("its directory does not say its size"))?;
    check_strips(source, &entries)?;
    // Three is the floating-point kind. Who writes it means light, not what a screen shows.
    let is_float = entries.number(339) == Some(3);
    Ok(Facts::encoded(size, if is_float { Encoding::SceneLinear } else { Encoding::Display }))
}

fn layout(header: &[u8]) -> Option<Layout> {
    let big_endian = header.starts_with(b"MM");
    let numbers = Numbers { bytes: header, big: big_endian };
    let wide = numbers.u16(2)? == 43;
    let directory = if wide { numbers.u64(8)? } else { u64::from(numbers.u32(4)?) };
    Some(Layout { big_endian, wide, directory })
}

fn directory(source: &Source, layout: &Layout) -> Result<Vec<u8>> {
    let cut_off = || damaged("it is cut off: its directory lies beyond its end");
    let count_length: u64 = if layout.wide { 8 } else { 2 };
    let left = source.size_bytes().checked_sub(layout.directory).filter(|left| *left >= count_length);
    let left = left.ok_or_else(cut_off)?;
    let count = read_at(source, layout.directory, count_length as usize)?;
    let numbers = Numbers { bytes: &count, big: layout.big_endian };
    let count = if layout.wide { numbers.u64(0) } else { numbers.u16(0).map(u64::from) };
    let count = count.filter(|count| (1..=u64::from(u16::MAX)).contains(count));
    let count = count.ok_or_else(|| damaged("its directory makes no sense"))?;
    let length = count * layout.entry_length() as u64;
    // The offset of the next directory ends it.
    let next = if layout.wide { 8 } else { 4 };
    if count_length + length + next > left {
        return Err(cut_off());
    }
    read_at(source, layout.directory + count_length, length as usize)
}

impl Layout {
    fn entry_length(&self) -> usize {
        if self.wide { 20 } else { 12 }
    }
}

struct Entries<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
}

/// An entry: the type of its values, their number, and the field that holds them or their offset.
struct Entry<'a> {
    kind: u16,
    count: u64,
    field: Numbers<'a>,
}

impl<'a> Entries<'a> {
    fn get(&self, tag: u16) -> Option<Entry<'a>> {
        self.bytes.chunks_exact(self.layout.entry_length()).find_map(|entry| {
            let numbers = Numbers { bytes: entry, big: self.layout.big_endian };
            if numbers.u16(0)? != tag {
                return None;
            }
            let (count, at) = if self.layout.wide { (numbers.u64(4)?, 12) } else { (numbers.u32(4)?.into(), 8) };
            let field = Numbers { bytes: entry.get(at..)?, big: self.layout.big_endian };
            Some(Entry { kind: numbers.u16(2)?, count, field })
        })
    }

    /// The first value of a tag, where it stands in the field itself or is one of several.
    fn number(&self, tag: u16) -> Option<u64> {
        let entry = self.get(tag)?;
        let width = entry.width()?;
        // Several values that do not fit stand elsewhere; of those that are asked for, only the bits of each channel do.
        (entry.count * width <= entry.field.bytes.len() as u64).then(|| entry.value(0)).flatten()
    }
}

impl Entry<'_> {
    /// Bytes of one value, of whole numbers.
    fn width(&self) -> Option<u64> {
        match self.kind {
            1 | 6 | 7 => Some(1),
            3 | 8 => Some(2),
            4 | 9 | 13 => Some(4),
            16..=18 => Some(8),
            _ => None,
        }
    }

    fn value(&self, at: usize) -> Option<u64> {
        match self.width()? {
            1 => self.field.u8(at).map(u64::from),
            2 => self.field.u16(at).map(u64::from),
            4 => self.field.u32(at).map(u64::from),
            _ => self.field.u64(at),
        }
    }
}

/// Whether the last strip or tile of pixels is in the file.
fn check_strips(source: &Source, entries: &Entries<'_>) -> Result<()> {
    for (offsets, lengths) in [(273, 279), (324, 325)] {
        let (Some(offsets), Some(lengths)) = (entries.get(offsets), entries.get(lengths)) else { continue };
        let (Some(offsets), Some(lengths)) = (values(source, &offsets)?, values(source, &lengths)?) else { continue };
        let end = offsets.iter().zip(&lengths).map(|(offset, length)| offset.saturating_add(*length)).max();
        if end.is_some_and(|end| end > source.size_bytes()) {
            return Err(damaged("it is cut off: pixels lie beyond its end"));
        }
    }
    Ok(())
}

/// All values of an entry; `None` when there are too many to look at or their kind is unusual.
fn values(source: &Source, entry: &Entry<'_>) -> Result<Option<Vec<u64>>> {
    let Some(width) = entry.width() else { return Ok(None) };
    // Each becomes a number of eight bytes.
    if entry.count > policy::IMAGE_HEADER_LIMIT / 8 {
        return Ok(None);
    }
    let length = entry.count * width;
    let all = |bytes: &[u8]| {
        let here = Entry { kind: entry.kind, count: entry.count, field: Numbers { bytes, big: entry.field.big } };
        Some((0..length as usize).step_by(width as usize).filter_map(|at| here.value(at)).collect())
    };
    if length <= entry.field.bytes.len() as u64 {
        return Ok(all(entry.field.bytes));
    }
    let wide = entry.field.bytes.len() == 8;
    let offset = if wide { entry.field.u64(0) } else { entry.field.u32(0).map(u64::from) }.unwrap_or(u64::MAX);
    if offset.saturating_add(length) > source.size_bytes() {
        return Err(damaged("it is cut off: a list of its pixels lies beyond its end"));
    }
    Ok(all(&read_at(source, offset, length as usize)?))
}
