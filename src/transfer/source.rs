//! The file that is sent. It is opened once and read at offsets, never copied; at the end it must be the
//! file that it was at the beginning.

use crate::session::{Code, Error, Result};
use bytes::Bytes;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An open file. Its methods do I/O: call them on a blocking thread.
#[derive(Debug)]
pub struct Source {
    file: File,
    path: PathBuf,
    opened: Identity,
}

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: Option<SystemTime>,
    /// Device and inode; nothing where there are none.
    place: Option<(u64, u64)>,
}

impl Source {
    /// Opens the file for reading.
    pub fn open(path: &Path) -> Result<Source> {
        let shown = path.display();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::new(Code::FileNotFound, format!("There is no file {shown}. Check the path."))
            }
            _ => unreadable(path, &error),
        };
        // Before opening: opening a pipe would wait for its writer.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(Error::new(Code::NotAFile, format!("{shown} is no file. Give the path of one.")));
        }
        let file = File::open(path).map_err(failed)?;
        let opened = Identity::of(&file.metadata().map_err(failed)?);
        if opened.size == 0 {
            let message = format!("{shown} is empty: what writes it did not finish. Publish it when it is written.");
            return Err(Error::new(Code::FileEmpty, message));
        }
        Ok(Source { file, path: path.to_owned(), opened })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.opened.size
    }

    /// Exactly `length` bytes from `offset`; fewer mean that somebody cut the file.
    pub fn read(&self, offset: u64, length: usize) -> Result<Bytes> {
        let mut block = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match read_at(&self.file, &mut block[filled..], offset + filled as u64) {
                Ok(0) => return Err(self.changed("has become shorter")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&self.path, &error)),
            }
        }
        Ok(block.into())
    }

    /// Whether it is the file that was opened: neither written to nor replaced. That it was deleted meanwhile is
    /// no fault, because what was opened is still whole.
    pub fn check_unchanged(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|error| unreadable(&self.path, &error))?;
        if Identity::of(&now) != self.opened {
            return Err(self.changed("was written to"));
        }
        match self.path.metadata() {
            Ok(there) if Identity::of(&there) != self.opened => Err(self.changed("was replaced")),
            _ => Ok(()),
        }
    }

    fn changed(&self, how: &str) -> Error {
        let path = self.path.display();
        Error::new(
            Code::FileChanged,
            format!("{path} {how} while it was uploaded. Publish it when it is written whole."),
        )
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt;
            Some((metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let place = None;
        Identity { size: metadata.len(), modified: metadata.modified().ok(), place }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    Error::new(Code::FileUnreadable, format!("{path} cannot be read: {error}. Check its permissions and the disk."))
}

#[cfg(unix)]
fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, block, offset)
}

#[cfg(windows)]
fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, block, offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("movie.mov");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
        result.unwrap_err().code
    }

    #[test]
    fn what_cannot_be_sent_is_named_when_it_is_opened() {
        let (folder, path) = file(b"");
        assert_eq!(code(Source::open(&folder.path().join("missing.mov"))), Code::FileNotFound);
        assert_eq!(code(Source::open(folder.path())), Code::NotAFile);
        assert_eq!(code(Source::open(&path)), Code::FileEmpty);
    }

    #[test]
    fn any_range_is_read_and_one_beyond_the_end_means_that_the_file_changed() {
        let (_folder, path) = file(b"0123456789");
        let source = Source::open(&path).unwrap();
        assert_eq!(source.read(3, 4).unwrap(), "3456");
        assert_eq!(code(source.read(8, 3)), Code::FileChanged);
    }

    #[test]
    fn a_file_that_was_written_to_or_replaced_is_no_longer_the_same() {
        let (folder, path) = file(b"0123456789");
        let source = Source::open(&path).unwrap();
        source.check_unchanged().unwrap();

        let other = folder.path().join("other.mov");
        std::fs::write(&other, b"9876543210").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(code(source.check_unchanged()), Code::FileChanged);

        let source = Source::open(&path).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"!").unwrap();
        assert_eq!(code(source.check_unchanged()), Code::FileChanged);
    }

    #[test]
    fn a_file_that_was_deleted_while_open_is_still_whole() {
        let (_folder, path) = file(b"0123456789");
        let source = Source::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        source.check_unchanged().unwrap();
        assert_eq!(source.read(0, 10).unwrap(), "0123456789");
    }
}
