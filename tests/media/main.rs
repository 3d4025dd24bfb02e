//! What a file is said to be, and whether browsers show it. The samples were made by ffmpeg, with the script beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is all tests, its helpers too")]

mod damaged; // what is cut off or makes no sense
mod files; // what is told of the file itself, and that it changed
mod images; // stills
mod kinds; // what browsers do not show, and what can be done with it
mod played; // what plays, with its numbers and warnings
mod refused; // what browsers do not play
mod written; // all that ffmpeg can write, beside ffprobe

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ftreview::media::{Kind, Media, Movie, look, probe, verdict};
use ftreview::session::{Code, Error};
use tempfile::TempDir;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name)
}

fn media(name: &str) -> Media {
    probe(&sample(name)).unwrap()
}

fn movie(name: &str) -> Movie {
    match media(name).kind {
        Kind::Movie(movie) => movie,
        other => panic!("{name} is no movie: {other:?}"),
    }
}

/// Probes content that is written to a file of this name, as one that was finished an hour ago.
fn probe_content(name: &str, content: &[u8]) -> Result<Media, Error> {
    with_content(name, content, probe)
}

/// Looks at content in the same way.
fn look_content(name: &str, content: &[u8]) -> Result<Media, Error> {
    with_content(name, content, look)
}

fn with_content(name: &str, content: &[u8], read: impl FnOnce(&Path) -> Result<Media, Error>) -> Result<Media, Error> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    age(&path);
    read(&path)
}

/// Makes a file look as if it was written an hour ago.
fn age(path: &Path) {
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(sample(name)).unwrap()
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

/// The error says the code, names the file and contains every one of these words.
#[track_caller]
fn assert_error(error: Error, code: Code, file: &str, words: &[&str]) {
    assert_eq!(error.code, code, "{error}");
    for word in words.iter().chain([&file]) {
        assert!(error.message.contains(word), "'{word}' is not in: {}", error.message);
    }
}

#[track_caller]
fn assert_refused(name: &str, code: Code, words: &[&str]) {
    assert_error(probe(&sample(name)).unwrap_err(), code, name, words);
}

#[track_caller]
fn assert_does_not_play(name: &str, code: Code, words: &[&str]) {
    assert_error(verdict(&media(name)).unwrap_err(), code, name, words);
}
