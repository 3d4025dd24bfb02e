//! AVI: the lists of its header.

use super::{Facts, letters};
use crate::media::bytes::Numbers;
use crate::media::head;
use crate::session::{Result, Source, policy};

pub(super) fn read(source: &Source) -> Result<Facts> {
    let bytes = head(source, policy::MOVIE_HEADER_LIMIT)?;
    let mut lists = Chunks(bytes.get(12..).unwrap_or_default());
    let header = lists.find_map(|chunk| list(chunk, b"hdrl"));
    let Some(header) = header else { return Ok(Facts::default()) };
    let mut facts = Facts { has_audio: Some(false), ..Facts::default() };
    for stream in Chunks(header).filter_map(|chunk| list(chunk, b"strl")) {
        let chunk = |name: &[u8; 4]| Chunks(stream).find(|(id, _)| id == name).map(|(_, content)| content);
        let kind = chunk(b"strh").and_then(|header| header.first_chunk().copied());
        match kind.as_ref() {
            Some(b"vids") if facts.size.is_none() => {
                // BITMAPINFOHEADER: its own size, width, height, planes and depth, then the codec.
                let Some(format) = chunk(b"strf").map(Numbers::little) else { continue };
                let side = |at: usize| format.u32(at).map(|side| side.cast_signed().unsigned_abs());
                facts.size = side(4).zip(side(8));
                facts.codec = format.four(16).and_then(|codec| match codec {
                    [0, 0, 0, 0] => Some("uncompressed video".to_owned()),
                    codec => letters(&codec),
                });
            }
            Some(b"auds") => facts.has_audio = Some(true),
            _ => {}
        }
    }
    Ok(facts)
}

/// What is in a list of this name.
fn list<'a>((id, content): Chunk<'a>, name: &[u8; 4]) -> Option<&'a [u8]> {
    if id == *b"LIST" { content.strip_prefix(name) } else { None }
}

/// A chunk's name and content.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// Chunks: a name, a length, the content and a byte that makes the length even. The last may go on beyond the end.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        let numbers = Numbers::little(rest);
        let (name, length) = (numbers.four(0)?, numbers.u32(4)? as usize);
        let content = rest.get(8..)?;
        let end = content.len().min(length);
        self.0 = content.get(end + (end & 1)..).unwrap_or_default();
        Some((name, &content[..end]))
    }
}
