//! The boxes that MP4 and QuickTime files are made of (ISO/IEC 14496-12, section 4.2).
//!
//! The index of a movie can stand behind gigabytes of pictures, so the boxes on disk are walked by seeking.

use crate::session::Source;
use crate::session::{Code, Error, Result, policy};

/// The four letters that name a box, a brand or a codec.
pub(super) type FourCc = [u8; 4];

/// Where the parts of a movie stand in its file.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Where the content of the index (`moov`) begins and ends.
    pub index: Option<(u64, u64)>,
    /// Where the first media data (`mdat`) begin.
    pub media_start: Option<u64>,
    /// How many bytes of media data there are in all.
    pub media_bytes: u64,
    /// Whether there are movie fragments (`moof`).
    pub fragmented: bool,
}

/// Walks the boxes at the top of a file. A part that is cut off is an error, a little rubbish at the end is not.
pub(super) fn layout(source: &Source) -> Result<Layout> {
    let size = source.size_bytes();
    let mut layout = Layout::default();
    let mut offset = 0;
    for _ in 0..policy::MOVIE_BOX_LIMIT {
        // Less than a header is left: the end, or a few bytes of padding.
        if size - offset < 8 {
            return Ok(layout);
        }
        let header = super::read_at(source, offset, (size - offset).min(16) as usize)?;
        let parsed = parse_header(&header, size - offset).filter(|header| header.name.iter().all(is_text));
        let Some(Header { name, length, total }) = parsed else { return rubbish(layout, offset) };
        let needed = matches!(&name, b"moov" | b"mdat");
        let Some(end) = offset.checked_add(total).filter(|end| *end <= size) else {
            return if needed { Err(cut_off(&name, offset, total, size)) } else { rubbish(layout, offset) };
        };
        let content = offset + length;
        match &name {
            b"moov" => layout.index = layout.index.or(Some((content, end))),
            b"mdat" => {
                layout.media_start = layout.media_start.or(Some(offset));
                layout.media_bytes += end - content;
            }
            // Fragments may be many, and nothing behind them changes what is said.
            b"moof" => {
                layout.fragmented = true;
                return Ok(layout);
            }
            _ => {}
        }
        offset = end;
    }
    rubbish(layout, offset)
}

/// A box in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mp4Box<'a> {
    /// Its name.
    pub name: FourCc,
    /// The whole of it with its header.
    pub whole: &'a [u8],
    /// What is in it.
    pub content: &'a [u8],
}

/// The boxes in a piece of memory. Ends after one error.
pub(super) struct Boxes<'a>(pub &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Mp4Box<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        // QuickTime may end a list with four zero bytes.
        if rest.len() < 8 {
            return None;
        }
        let parsed = parse_header(rest, rest.len() as u64).and_then(|Header { name, length, total }| {
            let (whole, next) = rest.split_at_checked(usize::try_from(total).ok()?)?;
            let content = whole.get(length as usize..)?;
            Some((Mp4Box { name, whole, content }, next))
        });
        match parsed {
            Some((found, next)) => {
                self.0 = next;
                Some(Ok(found))
            }
            None => Some(Err(damaged("a box in its index does not fit into the one around it"))),
        }
    }
}

/// The content of the box at the end of `path`, through the first box of each name.
pub(super) fn find<'a>(content: &'a [u8], path: &[&FourCc]) -> Result<Option<&'a [u8]>> {
    let mut content = content;
    for name in path {
        let Some(found) = first(content, name)? else { return Ok(None) };
        content = found.content;
    }
    Ok(Some(content))
}

/// The first box of this name.
pub(super) fn first<'a>(content: &'a [u8], name: &FourCc) -> Result<Option<Mp4Box<'a>>> {
    for found in Boxes(content) {
        let found = found?;
        if found.name == *name {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A big-endian number of 32 bits at `offset`.
pub(super) fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// A predicate for a movie that makes no sense.
pub(super) fn damaged(reason: &str) -> Error {
    Error::new(Code::MovieDamaged, format!("is damaged: {reason}. Export or copy it again"))
}

struct Header {
    name: FourCc,
    /// Of the header itself, in bytes.
    length: u64,
    /// Of the whole box, in bytes.
    total: u64,
}

/// Reads a box header. `None` when the box is shorter than it.
fn parse_header(bytes: &[u8], left: u64) -> Option<Header> {
    let size = be32(bytes, 0)?;
    let name: FourCc = *bytes.get(4..)?.first_chunk()?;
    let (length, total) = match size {
        // To the end of what it is in.
        0 => (8, left),
        1 => (16, u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)),
        size => (8, u64::from(size)),
    };
    (total >= length).then_some(Header { name, length, total })
}

/// Letters and signs, and the copyright sign that QuickTime begins names with.
fn is_text(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~' | 0xa9)
}

/// Something that is no box: of no matter when all that is needed was found before it.
fn rubbish(layout: Layout, offset: u64) -> Result<Layout> {
    if layout.index.is_some() && layout.media_start.is_some() {
        return Ok(layout);
    }
    Err(damaged(&format!(
        "at byte {offset} is something that does not belong into a movie, and its index was not found before"
    )))
}

fn cut_off(name: &FourCc, offset: u64, total: u64, size: u64) -> Error {
    let part = if name == b"moov" { "its index (moov)" } else { "its media data (mdat)" };
    let there = size - offset;
    Error::new(
        Code::MovieDamaged,
        format!("is cut off: {there} of the {total} bytes of {part} are there. Copy or export it again, to the end"),
    )
}
