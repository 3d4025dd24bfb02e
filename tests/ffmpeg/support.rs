//! Making media and reading movies back, with the ffmpeg of this machine.

use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use ftreview::media::ffmpeg::{self, Done, Environment, Ffmpeg, Input, Settings};
use ftreview::media::{Kind, Media, Movie, Rational, probe, verdict};
use ftreview::session::{Error, Result};
use tempfile::TempDir;

/// The ffmpeg of this machine, or the one that FTREVIEW_TEST_FFMPEG names, to try another version. Where there is none, tests that need it say so and pass; with CI set they fail, since it is
/// installed there.
pub fn installed() -> Option<&'static Ffmpeg> {
    static FOUND: OnceLock<Option<Ffmpeg>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let named = std::env::var_os("FTREVIEW_TEST_FFMPEG").map(PathBuf::from);
        block_on(Ffmpeg::find(named.as_deref(), &Environment::capture(), pending())).ok()
    });
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "ffmpeg must be there in continuous integration");
        println!("ffmpeg is not installed: this test is left out");
    }
    found.as_ref()
}

/// Leaves a test out where there is no ffmpeg.
macro_rules! real {
    () => {
        match crate::support::installed() {
            Some(ffmpeg) => ffmpeg,
            None => return,
        }
    };
}
pub(crate) use real;

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn rate(numerator: u64, denominator: u64) -> Rational {
    Rational::new(numerator, denominator).unwrap()
}

/// A folder, and what is made in it.
pub struct Studio {
    pub folder: TempDir,
}

impl Studio {
    pub fn new() -> Studio {
        Studio { folder: tempfile::Builder::new().prefix("ftr-test-").tempdir().unwrap() }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs ffmpeg in the folder, as a studio would.
    pub fn ffmpeg(&self, arguments: &str) {
        self.ffmpeg_with(&arguments.split_whitespace().collect::<Vec<_>>());
    }

    pub fn ffmpeg_with(&self, arguments: &[&str]) {
        let mut command = Command::new("ffmpeg");
        command.args(["-y", "-nostdin", "-loglevel", "error"]).args(arguments).current_dir(self.folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Frames of a moving picture: `name` is a pattern such as `a.%04d.png`.
    pub fn pictures(&self, name: &str, size: &str, count: usize, more: &str) -> Vec<PathBuf> {
        self.ffmpeg(&format!(
            "-f lavfi -i testsrc2=size={size}:rate=24 -frames:v {count} {more} -start_number 1 {name}"
        ));
        (1..=count).map(|number| self.path(numbered(name, number))).collect()
    }

    pub fn transcode(&self, input: Input, settings: Settings) -> Result<Done> {
        let ffmpeg = installed().expect("asked for before");
        let result = block_on(ffmpeg::transcode(ffmpeg, input, settings, &self.path("out.mp4"), |_| (), pending()));
        self.assert_tidy();
        result
    }

    /// Transcodes and checks what every result must be.
    #[track_caller]
    pub fn movie(&self, input: Input, settings: Settings) -> (Done, Movie) {
        let done = self.transcode(input, settings).unwrap();
        let media = plays(&done.path);
        let Kind::Movie(movie) = media.kind else { panic!("no movie") };
        assert_eq!((done.frames, done.frame_rate), (movie.frames, movie.frame_rate));
        assert_eq!((done.width, done.height, done.has_audio), (movie.width, movie.height, movie.has_audio));
        assert_eq!(done.size_bytes, media.source.size_bytes());
        (done, movie)
    }

    #[track_caller]
    pub fn refused(&self, input: Input, settings: Settings) -> Error {
        let error = self.transcode(input, settings).unwrap_err();
        assert!(!self.path("out.mp4").exists(), "a failure left a file");
        error
    }

    /// Nothing of a run is left.
    #[track_caller]
    pub fn assert_tidy(&self) {
        let left: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().starts_with(".ftr-"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn numbered(pattern: &str, number: usize) -> String {
    let (head, rest) = pattern.split_once('%').unwrap();
    let (digits, tail) = rest.split_once('d').unwrap();
    let width: usize = digits.parse().unwrap_or(0);
    format!("{head}{number:0width$}{tail}")
}

/// What every movie of ours must be: it plays, and there is nothing to warn of.
#[track_caller]
pub fn plays(path: &Path) -> Media {
    let media = probe(path).unwrap();
    verdict(&media).unwrap();
    assert_eq!(media.warnings, []);
    media
}

pub fn frames(files: &[PathBuf], rate: Rational) -> Input {
    Input::Frames { files: files.to_vec(), rate, audio: None }
}

/// Every frame of a movie as RGB, decoded by what it says of itself: three bytes a pixel.
pub fn decoded(path: &Path) -> Vec<u8> {
    raw(path, &["-vf", "scale=flags=accurate_rnd+full_chroma_inp+full_chroma_int,format=rgb24"])
}

/// The brightness of every frame as it is stored: one byte a pixel.
pub fn luma(path: &Path) -> Vec<u8> {
    raw(path, &["-vf", "extractplanes=y"])
}

pub fn raw(path: &Path, more: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error", "-i"]).arg(path).args(more);
    if !more.contains(&"-f") {
        command.args(["-f", "rawvideo"]);
    }
    command.arg("-");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What ffprobe says of the first stream of a kind, `v` or `a`.
pub fn probed(path: &Path, kind: &str) -> serde_json::Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_streams", "-show_format", "-select_streams", kind]).arg(path);
    let answer: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    answer
}

/// A PGM or PPM-free way to a grey PNG: raw bytes through ffmpeg.
pub fn write_raw(studio: &Studio, bytes: &[u8], format: &str, size: (u32, u32), arguments: &str) {
    let raw = studio.path("raw.bin");
    std::fs::write(&raw, bytes).unwrap();
    let (width, height) = size;
    studio.ffmpeg(&format!("-f rawvideo -pix_fmt {format} -s {width}x{height} -i raw.bin {arguments}"));
    std::fs::remove_file(raw).unwrap();
}

/// Writes a program for a shell.
pub fn script(path: &Path, body: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
