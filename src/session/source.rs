//! A file that is published: opened once, checked, read at offsets, never copied, and noticed when it changes.
//!
//! The same open file is looked at first and sent later, so that nothing can come in between.

use super::error::{Code, Error, Result};
use super::policy;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// An open file, together with how it looked when it was opened. Its methods do I/O: call them on a blocking thread.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    fingerprint: Fingerprint,
}

/// What changes when a file is changed: its length, its time of modification, or the file behind the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last modification, where the file system keeps one.
    pub modified: Option<SystemTime>,
    /// Device and inode: a file that was replaced by a rename has others. `None` where the system has no such numbers.
    pub identity: Option<(u64, u64)>,
}

impl Fingerprint {
    /// How an open file looks at this moment.
    pub fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::from_metadata(&metadata))
    }

    /// How what is at `path` looks at this moment, symbolic links followed.
    pub fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from_metadata(&metadata))
    }

    /// What is different in `later`, in words for an error message; `None` when nothing is.
    pub fn difference(&self, later: &Fingerprint) -> Option<String> {
        if self.identity != later.identity {
            Some("was replaced by another file".to_owned())
        } else if self.size != later.size {
            Some(format!("changed from {} to {} bytes", self.size, later.size))
        } else if self.modified != later.modified {
            Some(format!("was written again (still {} bytes)", self.size))
        } else {
            None
        }
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok(), identity: identity(metadata) }
    }
}

impl Source {
    /// Opens a file for reading and checks that it is one, is not empty and is not still being written.
    ///
    /// Blocks for `policy::SETTLE_TIME` where the file was changed less than `policy::RECENT` ago.
    pub fn open(path: &Path) -> Result<Source> {
        open(path, std::thread::sleep)
    }

    /// [`Source::open`] for a file that the caller has watched, so that it is taken as it is.
    pub(crate) fn open_watched(path: &Path) -> Result<Source> {
        open(path, |_| ())
    }

    /// Where the file is, as it was asked for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file. Its position belongs to whoever reads; the checks here do not depend on it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The length in bytes when it was opened.
    pub fn size_bytes(&self) -> u64 {
        self.fingerprint.size
    }

    /// How it looked when it was opened.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Says `FileChanged` when the file, or what is at its path now, is not what was opened.
    pub fn check_unchanged(&self) -> Result<()> {
        check_same(&self.path, &self.file, &self.fingerprint)
    }

    /// The error, with the path before its message, for messages that are predicates of the file.
    pub fn name(&self, error: Error) -> Error {
        name(&self.path, error)
    }

    /// Exactly `length` bytes from `offset`; fewer are an `UnexpectedEof`.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.read_into(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `space` from `offset`; fewer bytes are an `UnexpectedEof`.
    pub fn read_into(&self, offset: u64, space: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < space.len() {
            match read_at(&self.file, &mut space[filled..], offset + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The error for a read that failed: that somebody cut the file explains an end that comes too early.
    pub fn unreadable(&self, error: io::Error) -> Error {
        self.check_unchanged().err().unwrap_or_else(|| self.name(unreadable(error)))
    }
}

#[cfg(unix)]
fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, block, offset)
}

#[cfg(windows)]
fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, block, offset)
}

/// A predicate for a read that failed.
fn unreadable(error: io::Error) -> Error {
    Error::new(Code::FileUnreadable, format!("cannot be read: {error}"))
}

/// [`Source::open`] with the waiting handed in, so that a test can change the file in that time.
fn open(path: &Path, wait: impl FnOnce(Duration)) -> Result<Source> {
    let file = open_for_reading(path).map_err(|error| name(path, cannot_open(path, error)))?;
    let metadata = file.metadata().map_err(|error| name(path, unreadable(error)))?;
    if !metadata.is_file() {
        return Err(name(path, not_a_file(metadata.is_dir())));
    }
    let fingerprint = Fingerprint::from_metadata(&metadata);
    if is_recent(&fingerprint) {
        wait(policy::SETTLE_TIME);
        check_same(path, &file, &fingerprint)?;
    }
    if fingerprint.size == 0 {
        let message = "is empty: the render or export that should write it did not finish";
        return Err(name(path, Error::new(Code::FileEmpty, message)));
    }
    Ok(Source { path: path.to_owned(), file, fingerprint })
}

#[cfg(unix)]
fn open_for_reading(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // Without O_NONBLOCK, opening a FIFO waits until somebody writes to it. It means nothing for files.
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

#[cfg(not(unix))]
fn open_for_reading(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    match fs::metadata(path) {
        // Sockets cannot be opened anywhere, and directories not on Windows.
        Ok(metadata) if !metadata.is_file() => not_a_file(metadata.is_dir()),
        _ if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Error::new(
            Code::FileNotFound,
            "does not exist: check the path, and that the drive or mount is there on this machine",
        ),
        _ if error.kind() == io::ErrorKind::PermissionDenied => Error::new(
            Code::FileUnreadable,
            "may not be read by this user: give read permission, and execute permission on its folders",
        ),
        _ => Error::new(Code::FileUnreadable, format!("cannot be opened: {error}")),
    }
}

fn not_a_file(is_directory: bool) -> Error {
    let message = if is_directory {
        "is a directory: give the path of one file in it"
    } else {
        "is a device, pipe or socket, not a file"
    };
    Error::new(Code::NotAFile, message)
}

/// Whether the file was modified a moment ago. A time that is still to come is a clock that differs, as on network drives.
fn is_recent(fingerprint: &Fingerprint) -> bool {
    fingerprint.modified.is_some_and(|modified| modified.elapsed().map_or(true, |age| age < policy::RECENT))
}

fn check_same(path: &Path, file: &File, before: &Fingerprint) -> Result<()> {
    let now = Fingerprint::of(file).map_err(|error| name(path, unreadable(error)))?;
    // What is at the path tells of a replacement; a path that is gone leaves the open file as it is.
    let there = Fingerprint::at(path).unwrap_or(now);
    let Some(difference) = before.difference(&now).or_else(|| before.difference(&there)) else { return Ok(()) };
    let message = format!("{difference} while it was being published: publish it when it is written whole");
    Err(name(path, Error::new(Code::FileChanged, message)))
}

fn name(path: &Path, mut error: Error) -> Error {
    error.message = format!("'{}' {}", path.display(), error.message);
    error
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_grows_while_it_is_watched_is_refused_and_may_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"first").unwrap();
        let error = open(&path, |watched| {
            assert_eq!(watched, policy::SETTLE_TIME);
            OpenOptions::new().append(true).open(&path).unwrap().write_all(b" second").unwrap();
        })
        .unwrap_err();
        assert_eq!(error.code, Code::FileChanged);
        assert!(error.retryable());
        assert!(
            error.message.contains("render.mp4") && error.message.contains("from 5 to 12 bytes"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_watched_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"first").unwrap();
        fs::write(folder.path().join("next"), b"other").unwrap();
        let error = open(&path, |_| fs::rename(folder.path().join("next"), &path).unwrap()).unwrap_err();
        assert_eq!(error.code, Code::FileChanged);
    }

    #[test]
    fn an_empty_file_that_is_about_to_be_written_is_changing_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"").unwrap();
        let error = open(&path, |_| fs::write(&path, b"now").unwrap()).unwrap_err();
        assert_eq!(error.code, Code::FileChanged);
    }

    #[test]
    fn an_old_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"done").unwrap();
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        File::options().write(true).open(&path).unwrap().set_modified(hour_ago).unwrap();
        open(&path, |_| panic!("waited for an old file")).unwrap();
    }

    #[test]
    fn a_file_from_the_future_is_watched_like_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"done").unwrap();
        let ahead = SystemTime::now() + Duration::from_secs(3600);
        File::options().write(true).open(&path).unwrap().set_modified(ahead).unwrap();
        let mut waited = false;
        open(&path, |_| waited = true).unwrap();
        assert!(waited);
    }

    #[test]
    fn any_range_is_read_and_one_beyond_the_end_means_that_the_file_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"0123456789").unwrap();
        let source = Source::open(&path).unwrap();
        assert_eq!(source.read(3, 4).unwrap(), b"3456");
        File::options().write(true).open(&path).unwrap().set_len(9).unwrap();
        let cut = source.read(8, 2).unwrap_err();
        assert_eq!(source.unreadable(cut).code, Code::FileChanged);
    }

    #[test]
    fn a_file_that_was_deleted_while_open_is_still_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("render.mp4");
        fs::write(&path, b"0123456789").unwrap();
        let source = Source::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        source.check_unchanged().unwrap();
        assert_eq!(source.read(0, 10).unwrap(), b"0123456789");
    }
}
