//! The folder of one run: the movie until it is whole, and links to what ffmpeg reads.
//!
//! ffmpeg takes percent signs, stars, colons and leading dashes in names for more than names, and skips holes in a
//! sequence. So it never sees the names of a studio's files, but links that are counted from zero.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use uuid::Uuid;

use super::worker::Control;
use crate::session::{Code, Error, Result, policy};

const PREFIX: &str = ".ftr-ffmpeg-";
const LOCK: &str = "lock";

/// Digits of a frame's number in its link.
const FRAME_DIGITS: usize = 8;

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Workspace {
    folder: PathBuf,
    /// Locked as long as it is in use, so that others know whether it was left behind.
    lock: Option<File>,
}

impl Workspace {
    /// Makes a folder beside `output`, and removes those that killed processes left there.
    pub fn beside(output: &Path) -> Result<(Workspace, PathBuf)> {
        let output = std::path::absolute(output).map_err(|error| unusable(output, error))?;
        let Some(parent) = output.parent().filter(|_| output.file_name().is_some()) else {
            return Err(unusable(&output, io::ErrorKind::InvalidInput.into()));
        };
        sweep(parent);
        let folder = parent.join(format!("{PREFIX}{}", Uuid::new_v4().simple()));
        make_private(&folder).map_err(|error| unusable(parent, error))?;
        let mut workspace = Workspace { folder, lock: None };
        let lock = File::create(workspace.file(LOCK)).map_err(|error| unusable(parent, error))?;
        // On a file system without locks nobody can tell whether it was left behind, and it is not touched.
        workspace.lock = lock.lock().map(|()| lock).ok();
        Ok((workspace, output))
    }

    /// A file in it.
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// A link to a file that ffmpeg reads, under `name`.
    pub fn link(&self, to: &Path, name: &str) -> Result<PathBuf> {
        let link = self.folder.join(name);
        symbolic_link(to, &link).map_err(|error| {
            Error::new(
                Code::FfmpegFailed,
                format!(
                    "'{}' cannot hold the links that ffmpeg reads through ({error}): choose another working folder, on a local disk",
                    self.folder.parent().unwrap_or(&self.folder).display()
                ),
            )
        })?;
        Ok(link)
    }

    /// Links to files in their order, as the pattern by which ffmpeg counts them from zero.
    pub fn sequence(&self, files: &[PathBuf], control: &Control) -> Result<OsString> {
        let Some(first) = files.first() else { return Err(Error::new(Code::Internal, "a sequence without frames")) };
        let extension = content_extension(first);
        for (number, file) in files.iter().enumerate() {
            control.check()?;
            self.link(file, &format!("frame{number:0FRAME_DIGITS$}.{extension}"))?;
        }
        let mut pattern = escaped_percent(&self.folder);
        pattern.push(format!("/frame%0{FRAME_DIGITS}d.{extension}"));
        Ok(pattern)
    }

    /// The name of a frame's link in a text of ffmpeg's, and its number.
    pub fn frame_in(text: &str) -> Option<(&str, usize)> {
        text.match_indices("frame").find_map(|(start, word)| {
            let rest = &text[start..];
            let digits = rest[word.len()..].find(|character: char| !character.is_ascii_digit())?;
            let number = rest[word.len()..][..digits].parse().ok().filter(|_| digits >= FRAME_DIGITS)?;
            let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '.');
            Some((&rest[..end.unwrap_or(rest.len())], number))
        })
    }

    /// How the folder begins texts of ffmpeg's.
    pub fn prefix(&self) -> String {
        format!("{}{}", self.folder.display(), std::path::MAIN_SEPARATOR)
    }

    /// Moves what was made in it to its place.
    pub fn publish(&self, name: &str, output: &Path) -> Result<()> {
        fs::rename(self.folder.join(name), output).map_err(|error| unusable(output, error))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        // Only now: who sweeps must not come before.
        drop(self.lock.take());
    }
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::new(
        Code::FfmpegFailed,
        format!("'{}' cannot be written: {error}; choose a folder that is there and has room", path.display()),
    )
}

/// Removes what processes left that were killed. What somebody works in is locked, and what is new may be about to be.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_old = || {
            let modified = entry.metadata().and_then(|data| data.modified()).unwrap_or_else(|_| SystemTime::now());
            modified.elapsed().is_ok_and(|age| age > policy::WORK_FOLDER_AGE)
        };
        if is_ours && is_old() && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

#[cfg(unix)]
fn symbolic_link(to: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

#[cfg(windows)]
fn symbolic_link(to: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, link)
}

/// ffmpeg's image reader has a percent sign stand for the beginning of a number, and two for one.
#[cfg(unix)]
fn escaped_percent(path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let double = |byte: &u8| std::iter::repeat_n(*byte, if *byte == b'%' { 2 } else { 1 });
    OsString::from_vec(path.as_os_str().as_bytes().iter().flat_map(double).collect())
}

#[cfg(not(unix))]
fn escaped_percent(path: &Path) -> OsString {
    path.to_string_lossy().replace('%', "%%").into()
}

/// The extension by which ffmpeg chooses a decoder, by the content where it is known: names may be wrong.
fn content_extension(path: &Path) -> String {
    let mut head = [0; 12];
    let read = File::open(path).and_then(|mut file| io::Read::read(&mut file, &mut head)).unwrap_or(0);
    let by_content = match &head[..read] {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [0x76, 0x2f, 0x31, 0x01, ..] => "exr",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "tif",
        [b'S', b'D', b'P', b'X', ..] | [b'X', b'P', b'D', b'S', ..] => "dpx",
        [b'8', b'B', b'P', b'S', ..] => "psd",
        [b'#', b'?', b'R', ..] => "hdr",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => "webp",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'B', b'M', ..] => "bmp",
        _ => return safe_extension(path),
    };
    by_content.to_owned()
}

/// The file's own extension, where it is one.
pub(super) fn safe_extension(path: &Path) -> String {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let is_plain =
        !extension.is_empty() && extension.len() <= 8 && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_plain { extension } else { "bin".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_that_ffmpeg_complains_of_is_found_in_its_words() {
        let found = Workspace::frame_in("2 frames: could not open /x/.ftr-ffmpeg-1/frame00000012.png: no");
        assert_eq!(found, Some(("frame00000012.png", 12)));
        assert_eq!(Workspace::frame_in("frame= 12 of frames"), None);
        assert_eq!(Workspace::frame_in("frame99999999999999999999999.png"), None);
    }

    #[test]
    fn a_folder_that_was_left_is_removed_and_one_in_use_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let output = parent.path().join("a.mp4");
        let (in_use, _) = Workspace::beside(&output).unwrap();
        let left = parent.path().join(".ftr-ffmpeg-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), b"").unwrap();
        let old = SystemTime::now() - 2 * policy::WORK_FOLDER_AGE;
        for folder in [&left, &in_use.folder] {
            File::open(folder).unwrap().set_modified(old).unwrap();
        }
        let (new, _) = Workspace::beside(&output).unwrap();
        assert!(!left.exists() && in_use.folder.exists() && new.folder.exists());
        let folders = [in_use.folder.clone(), new.folder.clone()];
        drop((in_use, new));
        assert!(folders.iter().all(|folder| !folder.exists()));
    }

    #[test]
    fn the_content_names_the_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, b"\xff\xd8\xff\xe0").unwrap();
        assert_eq!(content_extension(&path), "jpg");
        assert_eq!(content_extension(Path::new("/nowhere/a.TGA")), "tga");
        assert_eq!(content_extension(Path::new("/nowhere/a.t%d")), "bin");
    }
}
