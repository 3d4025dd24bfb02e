//! Running ffmpeg: what it is asked, and what it says when it fails.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;

/// Lines of its own account of a failure that are told.
const LINES: usize = 5;

/// Bytes of that account that are kept, from the end. Damaged media make it talk without end.
const TAIL: usize = 4096;

/// The height that every browser plays smoothly, and the lowest rendition has (reference, 3.4), and the width that goes with
/// the largest still. Sizes are even, which H.264 with 4:2:0 colour needs; pixels become square.
const MOVIE_SIZE: &str = "scale=w='max(2,2*trunc(iw*sar*min(1,720/ih)/2))':h='max(2,2*trunc(min(ih,720)/2))':\
                          out_color_matrix=bt709:out_range=tv,setsar=1";
const STILL_SIZE: &str = "scale=w='min(1920,iw)':h='min(1080,ih)':force_original_aspect_ratio=decrease";

/// An ffmpeg program.
pub(super) struct Ffmpeg(PathBuf);

/// What a movie turned out to be.
#[derive(Debug, PartialEq)]
pub(super) struct Movie {
    pub(super) frames: u64,
    /// Frames a second.
    pub(super) rate: f64,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Movie {
    /// Where the middle frame is, in seconds: a little before it, since ffmpeg takes the next one.
    pub(super) fn middle(&self) -> f64 {
        let index = self.frames.saturating_sub(1) / 2;
        (index as f64 - 0.25).max(0.0) / self.rate
    }
}

impl Ffmpeg {
    pub(super) fn new(program: PathBuf) -> Self {
        Self(program)
    }

    pub(super) fn program(&self) -> &Path {
        &self.0
    }

    /// Makes a movie that browsers play, with the settings ftrack uses (reference, 3.4), and says what it is.
    pub(super) async fn movie(&self, folder: &Path, source: &str, movie: &str) -> Result<Movie, String> {
        let mut arguments = vec!["-i", source, "-map", "0:v:0", "-map", "0:a:0?", "-vf", MOVIE_SIZE];
        arguments.extend(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p"]);
        arguments.extend(["-b:v", "2000k", "-bf", "0", "-g", "30"]);
        arguments.extend(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]);
        arguments.extend(["-c:a", "aac", "-ac", "2", "-movflags", "+faststart", movie]);
        self.run(folder, &arguments, |_| {}).await?;
        let mut frames = Frames::default();
        // Its list of packets: the same in all versions, and no second program is needed.
        self.run(folder, &["-i", movie, "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"], |line| {
            frames.read(line)
        })
        .await?;
        frames.movie().ok_or_else(|| "ffmpeg made a movie without frames".to_owned())
    }

    /// Takes the frame at `seconds` out of a movie.
    pub(super) async fn frame(&self, folder: &Path, movie: &str, seconds: f64, image: &str) -> Result<(), String> {
        let seconds = format!("{seconds:.6}");
        self.run(folder, &["-ss", &seconds, "-i", movie, "-frames:v", "1", "-q:v", "3", image], |_| {}).await
    }

    /// Makes an image that browsers show of a still.
    pub(super) async fn still(&self, folder: &Path, source: &str, image: &str) -> Result<(), String> {
        let arguments = ["-i", source, "-map", "0:v:0", "-vf", STILL_SIZE, "-frames:v", "1", "-q:v", "2", image];
        self.run(folder, &arguments, |_| {}).await
    }

    /// Runs it in `folder`, where all names are, so that no message shows a path of this machine. Dropping this ends it.
    async fn run(&self, folder: &Path, arguments: &[&str], mut line: impl FnMut(&str)) -> Result<(), String> {
        let mut command = Command::new(&self.0);
        // Media are from anywhere: what they refer to may only be a file, and never an address.
        command.args([
            "-nostdin",
            "-hide_banner",
            "-v",
            "error",
            "-y",
            "-threads",
            "2",
            "-protocol_whitelist",
            "file,pipe",
        ]);
        command.args(arguments).current_dir(folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("ffmpeg could not be started: {error}"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read = async {
            let Some(stdout) = stdout else { return };
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(text)) = lines.next_line().await {
                line(&text);
            }
        };
        let ((), said) = tokio::join!(read, tail(stderr));
        let status = child.wait().await.map_err(|error| format!("ffmpeg could not be waited for: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("ffmpeg ended with {status}: {}", last_lines(&said))) }
    }
}

/// The end of what is written.
async fn tail(stderr: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut block) = (Vec::new(), vec![0; TAIL]);
    if let Some(mut stderr) = stderr {
        while let Ok(count) = stderr.read(&mut block).await
            && count > 0
        {
            kept.extend_from_slice(&block[..count]);
            kept.drain(..kept.len().saturating_sub(TAIL));
        }
    }
    kept
}

fn last_lines(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "it said nothing".to_owned();
    }
    lines[lines.len().saturating_sub(LINES)..].join("; ").trim_end_matches('.').to_owned()
}

/// What ffmpeg's list of packets (`framecrc`) says of a movie with one stream.
#[derive(Default)]
struct Frames {
    /// Seconds in a tick, as numerator and denominator.
    tick: Option<(u64, u64)>,
    size: Option<(u32, u32)>,
    count: u64,
    first: i64,
    last: i64,
    /// Ticks of a frame.
    duration: i64,
}

impl Frames {
    fn read(&mut self, line: &str) {
        if let Some(text) = line.strip_prefix("#tb 0:") {
            let parts = text.trim().split_once('/');
            self.tick = parts.and_then(|(over, under)| Some((over.parse().ok()?, under.parse().ok()?)));
        } else if let Some(text) = line.strip_prefix("#dimensions 0:") {
            let parts = text.trim().split_once('x');
            self.size = parts.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        } else if !line.starts_with('#') {
            // Stream, decoding time, presentation time, duration, ...
            let mut fields = line.split(',').map(|field| field.trim().parse::<i64>());
            let (Some(Ok(shown)), Some(Ok(duration))) = (fields.nth(2), fields.next()) else { return };
            (self.first, self.last) =
                if self.count == 0 { (shown, shown) } else { (self.first.min(shown), self.last.max(shown)) };
            self.duration = duration;
            self.count += 1;
        }
    }

    fn movie(&self) -> Option<Movie> {
        let (width, height) = self.size?;
        // Of the whole movie, since single frames are rounded to ticks.
        let (frames, ticks) =
            if self.count > 1 { (self.count - 1, self.last - self.first) } else { (self.count, self.duration) };
        let (over, under) = self.tick?;
        // One division of whole numbers: 24 has to be 24.
        let rate = frames.checked_mul(under)? as f64 / u64::try_from(ticks).ok()?.checked_mul(over)? as f64;
        (rate.is_finite() && rate > 0.0).then_some(Movie { frames: self.count, rate, width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_told_exactly_and_frames_may_come_in_any_order() {
        let mut frames = Frames::default();
        let text = "#software: Lavf59\n#tb 0: 1/24000\n#media_type 0: video\n#dimensions 0: 1280x720\n#sar 0: 1/1\n\
                    0, -1001,    0, 1001, 900, 0x1\n0, 0, 2002, 1001, 90, 0x2\n0, 1001, 1001, 1001, 80, 0x3, F=0x0\n";
        text.lines().for_each(|line| frames.read(line));
        let movie = frames.movie().unwrap();
        assert_eq!(movie, Movie { frames: 3, rate: 24000.0 / 1001.0, width: 1280, height: 720 });
        assert!((movie.middle() - 0.75 * 1001.0 / 24000.0).abs() < 1e-9);
    }

    #[test]
    fn a_movie_without_frames_is_none() {
        let mut frames = Frames::default();
        "#tb 0: 1/24000\n#dimensions 0: 1280x720".lines().for_each(|line| frames.read(line));
        assert_eq!(frames.movie(), None);
    }

    #[test]
    fn only_the_end_of_a_long_account_is_told() {
        let text: String = (0..100).map(|number| format!("line {number}\n\n")).collect();
        assert_eq!(last_lines(text.as_bytes()), "line 95; line 96; line 97; line 98; line 99");
        assert_eq!(last_lines(b" \n"), "it said nothing");
    }
}
