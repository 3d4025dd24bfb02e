//! MXF (SMPTE ST 377-1): the descriptors in the metadata of the header partition.

use super::Facts;
use crate::media::bytes::Numbers;
use crate::media::head;
use crate::session::{Result, Source, policy};

/// What the keys of all sets of metadata begin with; the version of the register may be any.
const SET: [&[u8]; 2] = [b"\x06\x0e\x2b\x34\x02\x53\x01", b"\x0d\x01\x01\x01\x01\x01"];

pub(super) fn read(source: &Source) -> Result<Facts> {
    let bytes = head(source, policy::MOVIE_HEADER_LIMIT)?;
    let mut facts = Facts { has_audio: Some(false), ..Facts::default() };
    for (key, value) in Packets(&bytes) {
        if !key.starts_with(SET[0]) || !key[8..].starts_with(SET[1]) {
            continue;
        }
        match key[14] {
            // Descriptors of pictures: generic, with colour differences, with RGB, MPEG-2.
            0x27..=0x29 | 0x51 if facts.size.is_none() => picture(value, &mut facts),
            // Descriptors of sound: generic, AES, wave.
            0x42 | 0x47 | 0x48 => facts.has_audio = Some(true),
            _ => {}
        }
    }
    Ok(facts)
}

fn picture(set: &[u8], facts: &mut Facts) {
    let field = |tag: u16| Fields(set).find(|field| field.0 == tag).map(|field| Numbers::big(field.1));
    let number = |tag: u16| field(tag).and_then(|value| value.u32(0));
    // What is shown, else what is stored.
    let width = number(0x3209).or_else(|| number(0x3203));
    let height = number(0x3208).or_else(|| number(0x3202));
    // Two fields are stored apart, each with half of the lines.
    let fields = field(0x320c).and_then(|layout| layout.u8(0)) == Some(1);
    facts.size = width.zip(height.map(|height| height.saturating_mul(if fields { 2 } else { 1 })));
    facts.codec = field(0x3201).and_then(|label| label.bytes.get(8..16)).map(|label| codec(label).to_owned());
}

/// The codec of a label of SMPTE RP 224: its second half.
fn codec(label: &[u8]) -> &'static str {
    match label {
        [4, 1, 2, 2, 1, 0x31..=0x35, ..] => "H.264",
        [4, 1, 2, 2, 1, 0x20 | 0x21, ..] => "MPEG-4 part 2",
        [4, 1, 2, 2, 1, ..] => "MPEG-2",
        [4, 1, 2, 2, 2, ..] => "DV",
        [4, 1, 2, 2, 3, 1, ..] => "JPEG 2000",
        [4, 1, 2, 2, 3, 6, ..] => "ProRes",
        [4, 1, 2, 2, 0x71, ..] => "DNxHD or DNxHR",
        [4, 1, 2, 1, ..] => "uncompressed video",
        _ => "a codec without a name here",
    }
}

/// Key, length and value, one behind the other. The last may go on beyond the end.
struct Packets<'a>(&'a [u8]);

impl<'a> Iterator for Packets<'a> {
    type Item = (&'a [u8; 16], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = std::mem::take(&mut self.0).split_first_chunk::<16>()?;
        let (first, rest) = rest.split_first()?;
        // Above 0x80, it says how many bytes the length takes.
        let more = if *first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let long = rest.get(..more).filter(|_| more <= 8)?;
        let length = match more {
            0 => u64::from(*first),
            _ => long.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let content = &rest[more..];
        let end = content.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        self.0 = &content[end..];
        Some((key, &content[..end]))
    }
}

/// The fields of a set: a tag, a length and a value.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        let numbers = Numbers::big(rest);
        let (tag, length) = (numbers.u16(0)?, usize::from(numbers.u16(2)?));
        let value = rest.get(4..4 + length)?;
        self.0 = &rest[4 + length..];
        Some((tag, value))
    }
}
