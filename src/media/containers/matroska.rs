//! Matroska and WebM (RFC 9559): the tracks, where they stand at the beginning as they do in nearly every file.

use super::{Facts, letters};
use crate::media::head;
use crate::session::{Result, Source, policy};

const SEGMENT: u32 = 0x1853_8067;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const TRACK_KIND: u32 = 0x83;
const CODEC: u32 = 0x86;
const VIDEO: u32 = 0xe0;
const WIDTH: u32 = 0xb0;
const HEIGHT: u32 = 0xba;

pub(super) fn read(source: &Source) -> Result<Facts> {
    let bytes = head(source, policy::MOVIE_HEADER_LIMIT)?;
    let tracks = find(&bytes, SEGMENT).and_then(|segment| find(segment, TRACKS));
    let Some(tracks) = tracks else { return Ok(Facts::default()) };
    let mut facts = Facts { has_audio: Some(false), ..Facts::default() };
    for (_, track) in Elements(tracks).filter(|(id, _)| *id == TRACK) {
        match find(track, TRACK_KIND).map(number) {
            Some(1) if facts.size.is_none() => {
                let side = |id| find(find(track, VIDEO)?, id).and_then(|value| u32::try_from(number(value)).ok());
                facts.size = side(WIDTH).zip(side(HEIGHT));
                facts.codec = find(track, CODEC).and_then(letters);
            }
            Some(2) => facts.has_audio = Some(true),
            _ => {}
        }
    }
    Ok(facts)
}

fn find(content: &[u8], id: u32) -> Option<&[u8]> {
    Elements(content).find(|element| element.0 == id).map(|element| element.1)
}

fn number(value: &[u8]) -> u64 {
    value.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The elements in a piece of memory: their name and content. One that goes on beyond the end has what is there.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        // The zeros before the first one say how many bytes a number takes; names keep that one, lengths do not.
        let id_length = rest.first()?.leading_zeros() as usize + 1;
        let id = rest.get(..id_length).filter(|_| id_length <= 4)?;
        let after = &rest[id_length..];
        let length_length = after.first()?.leading_zeros() as usize + 1;
        let length = after.get(..length_length).filter(|_| length_length <= 8)?;
        let ones = (1 << (7 * length_length)) - 1;
        let length = number(length) & ones;
        let content = &after[length_length..];
        // All ones: as long as what is around it, as live recordings have it.
        let end = if length == ones { content.len() } else { content.len().min(usize::try_from(length).ok()?) };
        self.0 = &content[end..];
        Some((number(id) as u32, &content[..end]))
    }
}
