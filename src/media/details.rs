//! What an index says beside the size, the rate and the number of frames: colour, key frames, sound, timecode. All of it is
//! told where it is found; nothing here makes a movie look damaged.

use std::fmt;

use super::boxes::{Boxes, FourCc, Mp4Box, find};
use super::bytes::Numbers;
use super::rate::Rational;

/// What the numbers of a picture mean, as the code points of ITU-T H.273. Its `Display` has ffmpeg's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Which red, green and blue: 1 is BT.709.
    pub primaries: u16,
    /// How values follow light: 1 is BT.709, 13 is sRGB, 8 is linear, 16 is PQ, 18 is HLG.
    pub transfer: u16,
    /// How brightness and colour are mixed of red, green and blue: 1 is BT.709, 6 is BT.601.
    pub matrix: u16,
    /// Whether values use the full range, where it is said.
    pub full_range: Option<bool>,
}

impl Colour {
    /// Whether it is high dynamic range, which browsers show as each of them thinks fit.
    pub fn is_hdr(self) -> bool {
        matches!(self.transfer, 16 | 18)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = match self.full_range {
            Some(true) => "pc, ",
            Some(false) => "tv, ",
            None => "",
        };
        let (matrix, primaries, transfer) = (self.matrix, self.primaries, self.transfer);
        write!(f, "{range}{}/{}/{}", name(MATRICES, matrix), name(PRIMARIES, primaries), name(TRANSFERS, transfer))
    }
}

const PRIMARIES: &[(u16, &str)] = &[
    (1, "bt709"),
    (2, "unknown"),
    (4, "bt470m"),
    (5, "bt470bg"),
    (6, "smpte170m"),
    (7, "smpte240m"),
    (9, "bt2020"),
    (11, "smpte431"),
    (12, "smpte432"),
];
const TRANSFERS: &[(u16, &str)] = &[
    (1, "bt709"),
    (2, "unknown"),
    (4, "bt470m"),
    (5, "bt470bg"),
    (6, "smpte170m"),
    (7, "smpte240m"),
    (8, "linear"),
    (13, "iec61966-2-1"),
    (14, "bt2020-10"),
    (15, "bt2020-12"),
    (16, "smpte2084"),
    (18, "arib-std-b67"),
];
const MATRICES: &[(u16, &str)] = &[
    (0, "gbr"),
    (1, "bt709"),
    (2, "unknown"),
    (5, "bt470bg"),
    (6, "smpte170m"),
    (7, "smpte240m"),
    (9, "bt2020nc"),
    (10, "bt2020c"),
];

fn name(names: &[(u16, &'static str)], code: u16) -> String {
    names.iter().find(|known| known.0 == code).map_or_else(|| code.to_string(), |known| known.1.to_owned())
}

/// The sound of a movie: of its first sound track.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audio {
    /// The codec, as the four letters that MP4 and QuickTime have for it: `mp4a` is AAC.
    pub codec: String,
    /// Samples a second, where they are said.
    pub sample_rate: Option<u32>,
    /// Channels, where they are said.
    pub channels: Option<u16>,
    /// Length in seconds, where it is said.
    pub duration: Option<Rational>,
}

/// Where a movie's timecode begins. Its `Display` is the usual one: `01:00:00:00`, with `;` before the frame for drop-frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timecode {
    /// The first frame, counted from midnight.
    pub frame: u32,
    /// Frames that are counted in a second: 24 also for 23.976.
    pub per_second: u8,
    /// Whether numbers are left out so that the count follows the clock.
    pub drop_frame: bool,
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = u64::from(self.per_second.max(1));
        let mut frame = u64::from(self.frame);
        if self.drop_frame {
            // Two numbers of 30 are left out every minute but every tenth; four of 60.
            let left_out = rate / 15;
            let (minute, ten) = (rate * 60 - left_out, rate * 600 - left_out * 9);
            let within = frame % ten;
            let minutes = within.saturating_sub(left_out) / minute.max(1);
            frame += left_out * (frame / ten * 9 + minutes);
        }
        let seconds = frame / rate;
        let sign = if self.drop_frame { ';' } else { ':' };
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        write!(f, "{hours:02}:{minutes:02}:{:02}{sign}{:02}", seconds % 60, frame % rate)
    }
}

/// The colour that a visual sample entry tells (`colr`, ISO/IEC 14496-12, 12.1.5). QuickTime's form has no range.
pub(super) fn colour(entry_boxes: &[u8]) -> Option<Colour> {
    let content = find(entry_boxes, &[b"colr"]).ok()??;
    let numbers = Numbers::big(content);
    let full_range = match content.first_chunk()? {
        b"nclx" => Some(numbers.u8(10)? & 0x80 != 0),
        b"nclc" => None,
        _ => return None,
    };
    Some(Colour { primaries: numbers.u16(4)?, transfer: numbers.u16(6)?, matrix: numbers.u16(8)?, full_range })
}

/// The longest way from one key frame to the next or to the end, in frames. Where there is no list of them, each is one.
pub(super) fn key_interval(track: &Mp4Box<'_>, frames: u64) -> Option<u64> {
    let Ok(list) = find(track.content, &[b"mdia", b"minf", b"stbl", b"stss"]) else { return None };
    let Some(list) = list.map(Numbers::big) else { return Some(1) };
    let count = list.u32(4)? as usize;
    let mut longest = 0;
    let mut last = 1;
    for index in 0..count.min(list.bytes.len() / 4) {
        let frame = u64::from(list.u32(8 + index * 4)?);
        longest = longest.max(frame.saturating_sub(last));
        last = frame;
    }
    Some(longest.max((frames + 1).saturating_sub(last)))
}

/// The sound of a track whose first description is given.
pub(super) fn audio(track: &Mp4Box<'_>, entry: &Mp4Box<'_>) -> Audio {
    let numbers = Numbers::big(entry.content);
    // Eight bytes that all entries have; then version, revision, vendor; channels, bits, two numbers; the rate in 16.16.
    let (channels, rate) = match numbers.u16(8) {
        // QuickTime's second version has constants there, and the truth behind them.
        Some(2) => (numbers.u32(40).and_then(|count| u16::try_from(count).ok()), numbers.u64(32).map(f64::from_bits)),
        _ => (numbers.u16(16), numbers.u32(24).map(|rate| f64::from(rate >> 16))),
    };
    let (timescale, duration) = media_header(track).unzip();
    let rate = rate.filter(|rate| (1.0..1e9).contains(rate)).map(|rate| rate as u32);
    Audio {
        codec: entry.name.escape_ascii().to_string(),
        // More than 65535 do not fit; the clock of the track is that of its samples.
        sample_rate: rate.or(timescale.and_then(|scale| u32::try_from(scale).ok()).filter(|scale| *scale > 0)),
        channels: channels.filter(|channels| *channels > 0),
        duration: timescale.zip(duration).and_then(|(scale, ticks)| Rational::new(ticks, scale)),
    }
}

/// Ticks in a second, and how many of them a track takes (`mdhd`).
fn media_header(track: &Mp4Box<'_>) -> Option<(u64, u64)> {
    let numbers = Numbers::big(find(track.content, &[b"mdia", b"mdhd"]).ok()??);
    match numbers.u8(0)? {
        1 => Some((numbers.u32(20)?.into(), numbers.u64(24)?)),
        _ => Some((numbers.u32(12)?.into(), numbers.u32(16)?.into())),
    }
}

/// A track of timecode: its rate, and where in the file its first frame stands, in four bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimecodeTrack {
    /// Frames that are counted in a second.
    pub per_second: u8,
    /// Whether numbers are left out.
    pub drop_frame: bool,
    /// The offset of the first frame's number.
    pub at: u64,
}

/// Reads a track of timecode (QuickTime File Format, "Timecode Sample Description").
pub(super) fn timecode(track: &Mp4Box<'_>) -> Option<TimecodeTrack> {
    let table = find(track.content, &[b"mdia", b"minf", b"stbl"]).ok()??;
    let descriptions = find(table, &[b"stsd"]).ok()??;
    let entry = Boxes(descriptions.get(8..)?).next()?.ok().filter(|entry| entry.name == *b"tmcd" as FourCc)?;
    let numbers = Numbers::big(entry.content);
    let offsets = |name: &FourCc| find(table, &[name]).ok().flatten().map(Numbers::big);
    let at = match offsets(b"stco") {
        Some(list) => list.u32(8).map(u64::from),
        None => offsets(b"co64").and_then(|list| list.u64(8)),
    };
    Some(TimecodeTrack {
        per_second: numbers.u8(24).filter(|rate| *rate > 0)?,
        drop_frame: numbers.u32(12)? & 1 == 1,
        at: at?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timecode_is_written_as_clocks_show_it() {
        let shown = |frame, per_second, drop_frame| Timecode { frame, per_second, drop_frame }.to_string();
        assert_eq!(shown(0, 24, false), "00:00:00:00");
        assert_eq!(shown(1001, 24, false), "00:00:41:17");
        assert_eq!(shown(86_400, 24, false), "01:00:00:00");
        assert_eq!(shown(1799, 30, true), "00:00:59;29");
        assert_eq!(shown(1800, 30, true), "00:01:00;02");
        assert_eq!(shown(17_981, 30, true), "00:09:59;29");
        assert_eq!(shown(17_982, 30, true), "00:10:00;00");
        assert_eq!(shown(107_892, 30, true), "01:00:00;00");
        assert_eq!(shown(3600, 60, true), "00:01:00;04");
        assert_eq!(shown(u32::MAX, 255, true).len(), 11 + 1);
        assert_eq!(shown(7, 0, true), "00:00:07;00");
    }

    #[test]
    fn colours_have_the_names_that_ffmpeg_has() {
        let colour = Colour { primaries: 1, transfer: 13, matrix: 6, full_range: Some(false) };
        assert_eq!(colour.to_string(), "tv, smpte170m/bt709/iec61966-2-1");
        assert_eq!(Colour { primaries: 200, full_range: None, ..colour }.to_string(), "smpte170m/200/iec61966-2-1");
    }
}
