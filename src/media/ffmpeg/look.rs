//! The first frame of a source, as ffmpeg decodes it: what no header says as surely, and for every format that it reads.

use std::ffi::OsString;
use std::time::Duration;

use super::find::{Ffmpeg, ended};
use super::run::Answer;
use super::tail::Tail;
use super::worker::Control;
use crate::media::Rational;
use crate::session::child::Exit;
use crate::session::{Code, Error, Result};

/// What the first frame is like. Names are ffmpeg's; `unknown` where the source does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Width in pixels, after a rotation that the source asks for.
    pub width: u32,
    /// Height in pixels, after that rotation.
    pub height: u32,
    /// How much wider than high a pixel is, where it is known.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Pixel format.
    pub format: String,
    /// `tv` or `pc`.
    pub range: String,
    /// The matrix between RGB and YUV.
    pub matrix: String,
    /// What red, green and blue are.
    pub primaries: String,
    /// The transfer function.
    pub transfer: String,
    /// Whether it is made of two fields.
    pub interlaced: bool,
    /// Frames a second, as far as ffmpeg can tell.
    pub rate: Option<Rational>,
    /// Length in seconds, of the longest stream.
    pub duration: Option<f64>,
    /// Sound tracks.
    pub sounds: usize,
}

/// Has ffmpeg decode the first frame of `input`, which are the arguments that name it.
pub(super) fn look(
    ffmpeg: &Ffmpeg,
    input: &[OsString],
    patience: Duration,
    control: &Control,
) -> Result<Seen, Refusal> {
    let mut arguments: Vec<OsString> = ["-hide_banner", "-nostdin", "-loglevel", "info"].map(Into::into).into();
    arguments.extend_from_slice(input);
    arguments.extend(["-map", "0:V:0", "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-"].map(Into::into));
    let answer = ffmpeg.ask(&arguments, patience, control).map_err(Refusal::Error)?;
    let text = String::from_utf8_lossy(&answer.err);
    match parse(&text) {
        Some(seen) if matches!(answer.exit, Exit::Code(0) | Exit::Unknown) => Ok(seen),
        _ => Err(refused(&answer, &text)),
    }
}

/// Why a source cannot be looked at.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What ffmpeg said of it: a predicate of the source.
    Said(Code, String),
    /// Anything else.
    Error(Error),
}

fn refused(answer: &Answer, text: &str) -> Refusal {
    if text.contains("matches no streams") {
        let what = "has no picture: publish a movie or an image".to_owned();
        return Refusal::Said(Code::MovieNoVideo, what);
    }
    let mut tail = Tail::default();
    tail.feed(text.as_bytes());
    let said = tail.text();
    Refusal::Said(Code::FfmpegFailed, format!("cannot be read by ffmpeg ({}), which said: {said}", ended(answer.exit)))
}

fn parse(text: &str) -> Option<Seen> {
    let mut seen = Seen::default();
    for line in text.lines() {
        if let Some((_, rest)) = line.strip_prefix("[Parsed_showinfo").and_then(|line| line.split_once("] ")) {
            read_frame(rest, &mut seen);
        } else if seen.width == 0 {
            read_header(line, &mut seen);
        }
    }
    (seen.width > 0 && seen.height > 0 && !seen.format.is_empty()).then_some(seen)
}

/// What stands before the first frame: what kind of file it is.
fn read_header(line: &str, seen: &mut Seen) {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("Duration: ") {
        seen.duration = seen.duration.or_else(|| seconds(rest.split(',').next()?));
    } else if line.starts_with("Stream #0:") && line.contains(": Audio: ") {
        seen.sounds += 1;
    }
}

/// Lines of `key:value` pairs: the settings of the filter, then each frame and its colours.
fn read_frame(line: &str, seen: &mut Seen) {
    if line.starts_with("config in ") {
        seen.rate = line.split_once("frame_rate: ").and_then(|(_, rate)| rational(rate.split(',').next()?.trim()));
        return;
    }
    let is_first = line.starts_with("n:") && seen.width == 0;
    let is_colour = line.starts_with("color_range:") && seen.range.is_empty();
    if !is_first && !is_colour {
        return;
    }
    for (key, value) in line.split_whitespace().filter_map(|pair| pair.split_once(':')) {
        match key {
            "fmt" => seen.format = value.to_owned(),
            "sar" => seen.pixel_aspect = fraction(value, '/').filter(|(a, b)| *a > 0 && *b > 0),
            "s" => (seen.width, seen.height) = fraction(value, 'x').unwrap_or_default(),
            "i" => seen.interlaced = matches!(value, "T" | "B"),
            "color_range" => seen.range = value.to_owned(),
            "color_space" => seen.matrix = value.to_owned(),
            "color_primaries" => seen.primaries = value.to_owned(),
            "color_trc" => seen.transfer = value.to_owned(),
            _ => {}
        }
    }
}

fn fraction(text: &str, sign: char) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(sign)?;
    Some((a.parse().ok()?, b.parse().ok()?))
}

fn rational(text: &str) -> Option<Rational> {
    let (a, b) = text.split_once('/')?;
    Rational::new(a.parse().ok()?, b.parse().ok()?)
}

/// `00:00:12.34` in seconds.
fn seconds(text: &str) -> Option<f64> {
    let mut parts = text.trim().split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    Some(hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'a.mp4':
  Metadata:
    comment         : [Parsed_showinfo_9] n: 0 fmt:evil s:1x1
  Duration: 00:01:00.50, start: 0.000000, bitrate: 42 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 160x90 [SAR 2:1 DAR 32:9], 23.98 fps
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, stereo, fltp, 128 kb/s
[Parsed_showinfo_0 @ 0x55a9] config in time_base: 1/24000, frame_rate: 24000/1001
[Parsed_showinfo_0 @ 0x55a9] config out time_base: 0/0, frame_rate: 0/0
[Parsed_showinfo_0 @ 0x55a9] n:   0 pts:      0 pts_time:0       pos:      965 fmt:yuv420p sar:2/1 s:160x90 i:T iskey:1 type:I checksum:1EC7D5C9 plane_checksum:[3F10 52]
[Parsed_showinfo_0 @ 0x55a9] color_range:tv color_space:bt709 color_primaries:unknown color_trc:bt709
Output #0, null, to 'pipe:':
  Stream #0:1: Audio: pcm
[Parsed_showinfo_0 @ 0x55a9] n:   1 pts:   1001 fmt:gray sar:1/1 s:32x18 i:P
";

    #[test]
    fn the_first_frame_is_read_and_what_metadata_pretend_is_not() {
        let seen = parse(ANSWER).unwrap();
        assert_eq!((seen.width, seen.height, seen.pixel_aspect), (160, 90, Some((2, 1))));
        assert_eq!((seen.format.as_str(), seen.interlaced, seen.sounds), ("yuv420p", true, 1));
        assert_eq!((seen.rate, seen.duration), (Rational::new(24_000, 1001), Some(60.5)));
        let colours = [&seen.range, &seen.matrix, &seen.primaries, &seen.transfer].map(String::as_str);
        assert_eq!(colours, ["tv", "bt709", "unknown", "bt709"]);
    }

    #[test]
    fn without_a_frame_nothing_is_known() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("[Parsed_showinfo_0 @ 0x1] n: 0 fmt:gray s:0x0\n"), None);
        assert_eq!(parse("  Duration: N/A, bitrate: N/A\n"), None);
    }
}
