//! Sequences of frames: what is found on disk for everything that people type, and what is told of what is not there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is all tests, its helpers too")]

mod choice; // holes, single frames, empty frames, frames that are still being written
mod found; // what a notation finds in a folder
mod peers; // the same as fileseq and clique say, on a corpus that Python writes
mod pictures; // the headers of all frames

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ftreview::media::sequence::{Sequence, find, siblings};
use ftreview::session::{Code, Error};
use tempfile::TempDir;

/// A folder with these files in it, each with a byte of content, written an hour ago.
struct Folder(TempDir);

impl Folder {
    fn with<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let folder = Folder(TempDir::new().unwrap());
        for name in names {
            folder.write(name.as_ref(), b"x");
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
        age(&self.path(name));
    }

    /// The sequence that is meant by a name in this folder.
    fn find(&self, name: &str) -> Result<Option<Sequence>, Error> {
        find(self.path(name).to_str().unwrap())
    }

    #[track_caller]
    fn sequence(&self, name: &str) -> Sequence {
        self.find(name).unwrap().unwrap_or_else(|| panic!("{name} is taken for one file"))
    }

    /// What is found, in clique's form without the folder, and what is missing.
    #[track_caller]
    fn shown(&self, name: &str) -> String {
        self.told(&self.sequence(name))
    }

    /// The sequence of which this file is a frame, in the same form.
    #[track_caller]
    fn siblings(&self, name: &str) -> String {
        siblings(&self.path(name)).unwrap().map_or_else(|| "none".to_owned(), |sequence| self.told(&sequence))
    }

    fn told(&self, sequence: &Sequence) -> String {
        let shown = sequence.to_string();
        let within = shown.strip_prefix(&format!("{}/", self.0.path().display())).unwrap_or(&shown).to_owned();
        if sequence.missing.is_empty() { within } else { format!("{within} without {}", sequence.missing) }
    }
}

/// Makes a file look as if it was written an hour ago: one that was written just now is watched for a while.
fn age(path: &Path) {
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}

/// The error says the code and contains every one of these words.
#[track_caller]
fn assert_error(error: Error, code: Code, words: &[&str]) {
    assert_eq!(error.code, code, "{error}");
    for word in words {
        assert!(error.message.contains(word), "'{word}' is not in: {}", error.message);
    }
}
