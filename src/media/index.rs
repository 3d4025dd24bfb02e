//! The index of a movie (`moov`): its picture track, and what sound stands beside it.
//!
//! Only the picture track is given to the mp4parse crate. What is unusual in other tracks or in metadata then cannot
//! make a movie look damaged, and their tables take no memory.

use std::io::Read;

use mp4parse::{SampleEntry, Track, VideoCodecSpecific};

use super::boxes::{Boxes, FourCc, Mp4Box, be32, damaged, find, first};
use super::details::{self, Audio, Colour, TimecodeTrack};
use super::rate::Run;
use crate::session::{Code, Error, Result};

/// What the index says.
#[derive(Debug)]
pub(super) struct Index {
    /// The picture track.
    pub picture: Picture,
    /// The codec of the first sound track, and what else is told of it.
    pub sound: Option<(FourCc, Audio)>,
    /// The first track of timecode.
    pub timecode: Option<TimecodeTrack>,
}

/// A track of pictures.
#[derive(Debug)]
pub(super) struct Picture {
    /// Its codec.
    pub codec: FourCc,
    /// Width and height as the container has them, in pixels.
    pub size: (u32, u32),
    /// The H.264 decoder configuration, where there is one.
    pub avcc: Option<Vec<u8>>,
    /// How long its frames are shown, in ticks.
    pub runs: Vec<Run>,
    /// Ticks in a second.
    pub timescale: u64,
    /// Degrees to turn it by, clockwise; 0 also for what is no right angle.
    pub rotation: u16,
    /// Bytes that its frames take in the file.
    pub media_bytes: u64,
    /// What an edit list shows of it in seconds, where there is one: the wait before it, and its length.
    pub edit: Option<(f64, f64)>,
    /// What its numbers mean, where the container says it.
    pub colour: Option<Colour>,
    /// The longest way between key frames, in frames.
    pub key_interval: Option<u64>,
}

/// Reads the content of `moov`.
pub(super) fn read(index: &[u8]) -> Result<Index> {
    for (name, what) in [(b"cmov", "a compressed index"), (b"rmra", "only references to other files")] {
        if first(index, name)?.is_some() {
            let message =
                format!("is a QuickTime file with {what}, which browsers do not read: export it again, self-contained");
            return Err(Error::new(Code::MovieContainer, message));
        }
    }
    if first(index, b"mvex")?.is_some() {
        return Err(fragmented());
    }
    let (mut picture, mut sound, mut timecode) = (None, None, None);
    for track in Boxes(index) {
        let track = track?;
        if track.name != *b"trak" {
            continue;
        }
        match handler(&track)? {
            Some(kind) if kind == *b"vide" && picture.is_none_or(|other| !is_enabled(other) && is_enabled(track)) => {
                picture = Some(track);
            }
            Some(kind) if kind == *b"soun" && sound.is_none() => {
                sound = sample_entry(&track)?.map(|entry| (entry.name, details::audio(&track, &entry)));
            }
            Some(kind) if kind == *b"tmcd" => timecode = timecode.or_else(|| details::timecode(&track)),
            _ => {}
        }
    }
    let track = picture.ok_or_else(no_video)?;
    let entry = sample_entry(&track)?.ok_or_else(|| damaged("its index does not say how pictures are encoded"))?;
    check_boxes(&track.name, track.content)?;
    Ok(Index { picture: read_picture(index, &track, &entry)?, sound, timecode })
}

/// A predicate for a movie that is written in fragments.
pub(super) fn fragmented() -> Error {
    Error::new(
        Code::MovieFragmented,
        "is a fragmented movie, so that its length and frames are unknown: write it in one piece, without loss, with ffmpeg -i IN -c copy -movflags +faststart OUT.mp4",
    )
}

fn no_video() -> Error {
    Error::new(Code::MovieNoVideo, "has no picture, only sound or data: export it with its picture")
}

fn handler(track: &Mp4Box<'_>) -> Result<Option<FourCc>> {
    // Version and flags, a number without meaning, then the kind of the track.
    Ok(find(track.content, &[b"mdia", b"hdlr"])?.and_then(|hdlr| hdlr.get(8..)?.first_chunk().copied()))
}

fn is_enabled(track: Mp4Box<'_>) -> bool {
    matches!(first(track.content, b"tkhd"), Ok(Some(tkhd)) if tkhd.content.get(3).is_some_and(|flags| flags & 1 == 1))
}

/// The first description of how samples are encoded.
fn sample_entry<'a>(track: &Mp4Box<'a>) -> Result<Option<Mp4Box<'a>>> {
    let Some(descriptions) = find(track.content, &[b"mdia", b"minf", b"stbl", b"stsd"])? else { return Ok(None) };
    // Version and flags, and the number of descriptions.
    descriptions.get(8..).and_then(|entries| Boxes(entries).next()).transpose()
}

/// Refuses boxes that are larger than the one around them, and tables that claim more entries than they hold.
///
/// The crate reserves memory for what is claimed before it reads, so every box that it will read is checked, not only
/// the first of its name. It descends on these paths only, so the depth has an end.
fn check_boxes(parent: &FourCc, boxes: &[u8]) -> Result<()> {
    for child in Boxes(boxes) {
        let child = child?;
        match (parent, &child.name) {
            (b"trak", b"mdia" | b"edts" | b"tref")
            | (b"mdia", b"minf")
            | (b"minf", b"stbl")
            | (ENTRY, b"sinf")
            | (b"sinf", b"schi") => check_boxes(&child.name, child.content)?,
            (b"edts", b"elst") => check_table(&child, 4, if child.content.first() == Some(&1) { 20 } else { 12 })?,
            (b"stbl", b"stsd") => {
                check_table(&child, 4, 8)?;
                check_boxes(&child.name, child.content.get(8..).unwrap_or_default())?;
            }
            (b"stbl", b"stts" | b"ctts" | b"co64") => check_table(&child, 4, 8)?,
            (b"stbl", b"stsc") => check_table(&child, 4, 12)?,
            (b"stbl", b"stco" | b"stss") => check_table(&child, 4, 4)?,
            // Frames that are all of one size have no table.
            (b"stbl", b"stsz") if be32(child.content, 4) == Some(0) => check_table(&child, 8, 4)?,
            (b"stsd", _) => check_boxes(ENTRY, child.content.get(ENTRY_FIELDS..).unwrap_or_default())?,
            _ => {}
        }
    }
    Ok(())
}

/// Stands for the name of any sample entry, which is that of its codec.
const ENTRY: &FourCc = b"    ";

/// The fields of a visual sample entry that stand before the boxes in it (ISO/IEC 14496-12, 12.1.3).
const ENTRY_FIELDS: usize = 78;

fn check_table(table: &Mp4Box<'_>, count_at: usize, entry_size: u64) -> Result<()> {
    let room = (table.content.len() as u64).saturating_sub(count_at as u64 + 4) / entry_size;
    match be32(table.content, count_at) {
        Some(count) if u64::from(count) <= room => Ok(()),
        _ => Err(damaged(&format!("a table in its index ({}) is shorter than it claims", table.name.escape_ascii()))),
    }
}

fn read_picture(index: &[u8], whole: &Mp4Box<'_>, entry: &Mp4Box<'_>) -> Result<Picture> {
    let header = first(index, b"mvhd")?.map(|found| found.whole).unwrap_or_default();
    let parsed =
        parse(header, whole, entry).map_err(|reason| damaged(&format!("its index cannot be read ({reason})")))?;
    let (movie_timescale, track) = parsed;
    let missing = |what: &str| damaged(&format!("its index lacks {what}"));
    let timescale = track.timescale.as_ref().map(|scale| scale.0).ok_or_else(|| missing("the clock (mdhd)"))?;
    let times = track.stts.as_ref().ok_or_else(|| missing("the times of its frames (stts)"))?;
    let runs: Vec<Run> =
        times.samples.iter().map(|run| Run { frames: run.sample_count, ticks: run.sample_delta }).collect();
    let frames: u64 = runs.iter().map(|run| u64::from(run.frames)).sum();
    let key_interval = details::key_interval(whole, frames);
    let media_bytes = track.stsz.as_ref().map_or(0, |sizes| match sizes.sample_size {
        0 => sizes.sample_sizes.iter().map(|size| u64::from(*size)).sum(),
        same => frames.saturating_mul(same.into()),
    });
    let edit = track.edited_duration.as_ref().zip(movie_timescale).map(|(length, scale)| {
        let wait = track.empty_duration.as_ref().map_or(0, |wait| wait.0);
        (wait as f64 / scale as f64, length.0 as f64 / scale as f64)
    });
    Ok(Picture {
        codec: entry.name,
        size: container_size(entry).ok_or_else(|| missing("the size of its pictures"))?,
        avcc: avcc(&track),
        runs,
        timescale,
        rotation: track.tkhd.as_ref().map_or(0, |header| rotation(&header.matrix)),
        media_bytes,
        edit,
        colour: details::colour(entry.content.get(ENTRY_FIELDS..).unwrap_or_default()),
        key_interval,
    })
}

/// Has the crate read an index that holds nothing but this track.
///
/// Of the descriptions of samples only H.264's are of use; the crate is strict about those of other codecs, such as
/// QuickTime's H.263, so that they are hidden from it.
fn parse(movie_header: &[u8], track: &Mp4Box<'_>, entry: &Mp4Box<'_>) -> Result<(Option<u64>, Track), String> {
    let size = u32::try_from(8 + movie_header.len() + track.whole.len()).map_err(|_| "larger than 4 GiB".to_owned())?;
    let mut start = size.to_be_bytes().to_vec();
    start.extend_from_slice(b"moov");
    let hidden = if matches!(&entry.name, b"avc1" | b"avc3") { None } else { descriptions_name(track) };
    let (before, name, after) = match hidden.and_then(|at| Some((track.whole.get(..at)?, track.whole.get(at + 4..)?))) {
        Some((before, after)) => (before, &b"free"[..], after),
        None => (track.whole, &b""[..], &b""[..]),
    };
    let mut reader = start.as_slice().chain(movie_header).chain(before).chain(name).chain(after);
    let mut context = mp4parse::read_mp4(&mut reader).map_err(|error| format!("{error:?}"))?;
    let track = context.tracks.pop().ok_or_else(|| "no track".to_owned())?;
    Ok((context.timescale.map(|scale| scale.0), track))
}

/// Where in a track the name of the box with the descriptions of samples stands.
fn descriptions_name(track: &Mp4Box<'_>) -> Option<usize> {
    let table = find(track.content, &[b"mdia", b"minf", b"stbl"]).ok()??;
    let descriptions = first(table, b"stsd").ok()??;
    let offset = descriptions.whole.as_ptr() as usize - track.whole.as_ptr() as usize;
    Some(offset + 4)
}

/// Width and height of a visual sample entry: two numbers of 16 bits after 24 bytes.
fn container_size(entry: &Mp4Box<'_>) -> Option<(u32, u32)> {
    let both = be32(entry.content, 24)?;
    Some((both >> 16, both & 0xffff))
}

fn avcc(track: &Track) -> Option<Vec<u8>> {
    track.stsd.as_ref()?.descriptions.iter().find_map(|description| match description {
        SampleEntry::Video(video) => match &video.codec_specific {
            VideoCodecSpecific::AVCConfig(bytes) => Some(bytes.to_vec()),
            _ => None,
        },
        _ => None,
    })
}

/// The right angle that a matrix turns by. Cameras write nothing but right angles.
fn rotation(matrix: &mp4parse::Matrix) -> u16 {
    match (matrix.a.signum(), matrix.b.signum(), matrix.c.signum(), matrix.d.signum()) {
        (0, 1, -1, 0) => 90,
        (-1, 0, 0, -1) => 180,
        (0, -1, 1, 0) => 270,
        _ => 0,
    }
}
