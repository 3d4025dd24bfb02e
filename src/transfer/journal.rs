//! What of an upload in parts is in storage already, noted in a small file, so that a later process sends only the rest.
//!
//! A line of JSON each: first what is uploaded and under which upload id, then a part each. Lines are only ever added, so
//! a crash can cost the last one, which is then sent again. No address and no key is in it.

use crate::session::source::Fingerprint;
use crate::session::{Code, Error, Result};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The journal of one component's upload. Its methods do I/O in small pieces: on local disks they may be called anywhere.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    source: SourceLine,
    /// Of which upload, and its file.
    open: Mutex<Option<(String, File)>>,
}

/// What is uploaded. Another file, or the same one changed, is another upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SourceLine {
    size: u64,
    modified_ns: Option<u64>,
    identity: Option<(u64, u64)>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FirstLine {
    /// Of this format.
    version: u32,
    source: SourceLine,
    part_size: u64,
    upload_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PartLine {
    part: u32,
    etag: String,
}

/// What a journal says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// There is none, or none that can be read.
    Nothing,
    /// Parts of this very upload: numbers and ETags.
    Parts(BTreeMap<u32, String>),
    /// So many parts of an upload that the server no longer takes, or of a file that has changed since.
    Other(usize),
}

const VERSION: u32 = 1;

impl Journal {
    /// The journal of `component_id` in `folder`, for a source that looks like this. The folder is made when it is not there.
    pub fn open(folder: &Path, component_id: &str, source: &Fingerprint) -> Result<Journal> {
        make_folder(folder).map_err(|error| unusable(folder, &error))?;
        let modified = source.modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let source = SourceLine {
            size: source.size,
            modified_ns: modified.and_then(|modified| u64::try_from(modified.as_nanos()).ok()),
            identity: source.identity,
        };
        Ok(Journal { path: path(folder, component_id), source, open: Mutex::default() })
    }

    /// Removes what is noted of `component_id` in `folder`, if anything is.
    pub fn forget(folder: &Path, component_id: &str) {
        // One that stays is taken for another upload's, and begun anew.
        let _ = fs::remove_file(path(folder, component_id));
        remove_unfinished(folder, component_id);
    }

    /// Whether something is noted.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// What is noted of the upload `upload_id`.
    pub(super) fn read(&self, upload_id: &str, part_size: u64) -> Noted {
        let Ok(text) = fs::read(&self.path) else { return Noted::Nothing };
        let mut lines = text.split_inclusive(|byte| *byte == b'\n').filter_map(whole_line);
        let Some(first) = lines.next().and_then(|line| serde_json::from_slice::<FirstLine>(line).ok()) else {
            return Noted::Nothing;
        };
        let parts = lines.filter_map(|line| serde_json::from_slice::<PartLine>(line).ok());
        let parts: BTreeMap<u32, String> =
            parts.filter(|line| !line.etag.is_empty()).map(|line| (line.part, line.etag)).collect();
        let wanted =
            FirstLine { version: VERSION, source: self.source.clone(), part_size, upload_id: upload_id.to_owned() };
        match first == wanted {
            true => Noted::Parts(parts),
            false => Noted::Other(parts.len()),
        }
    }

    /// Begins to note the parts of an upload, those that are known to be there included.
    pub(super) fn begin(&self, upload_id: &str, part_size: u64, parts: &BTreeMap<u32, String>) -> Result<()> {
        let first =
            FirstLine { version: VERSION, source: self.source.clone(), part_size, upload_id: upload_id.to_owned() };
        let begin = || -> io::Result<File> {
            let fresh = self.path.with_extension(format!("{}.new", std::process::id()));
            let mut file = private(&fresh)?;
            let mut text = line(&first)?;
            for (part, etag) in parts {
                text.extend(line(&PartLine { part: *part, etag: etag.clone() })?);
            }
            file.write_all(&text)?;
            fs::rename(&fresh, &self.path)?;
            Ok(file)
        };
        let file = begin().map_err(|error| unusable(&self.path, &error))?;
        *self.open.lock() = Some((upload_id.to_owned(), file));
        Ok(())
    }

    /// Notes that a part of this upload is in storage; of one that was given up meanwhile, nothing. After a failure nothing more
    /// is noted, and what is there stays true.
    pub(super) fn add(&self, upload_id: &str, part: u32, etag: &str) -> Result<()> {
        let mut open = self.open.lock();
        let Some((_, file)) = open.as_mut().filter(|(noted, _)| noted == upload_id) else { return Ok(()) };
        let added = line(&PartLine { part, etag: etag.to_owned() }).and_then(|line| file.write_all(&line));
        added.map_err(|error| {
            *open = None;
            unusable(&self.path, &error)
        })
    }

    /// The upload is complete, or given up.
    pub fn remove(&self) {
        *self.open.lock() = None;
        // One that stays is taken for another upload's, and begun anew.
        let _ = fs::remove_file(&self.path);
        if let (Some(folder), Some(component_id)) = (self.path.parent(), self.path.file_stem().and_then(OsStr::to_str))
        {
            remove_unfinished(folder, component_id);
        }
    }
}

/// What processes left that were killed while they began a journal of this component.
fn remove_unfinished(folder: &Path, component_id: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(component_id) && name.ends_with(".new")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn path(folder: &Path, component_id: &str) -> PathBuf {
    folder.join(format!("{component_id}.upload"))
}

/// A line that was written to its end, without the end.
fn whole_line(line: &[u8]) -> Option<&[u8]> {
    line.strip_suffix(b"\n")
}

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    let message = format!(
        "journal_folder: '{}' cannot be written ({error}): give a folder that this user may write to, or NULL to do \
         without taking up uploads again",
        path.display()
    );
    Error::new(Code::InvalidArgument, message)
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// An empty file that only this user may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(size: u64) -> Fingerprint {
        Fingerprint { size, modified: Some(UNIX_EPOCH + std::time::Duration::from_secs(7)), identity: Some((1, 2)) }
    }

    fn parts(numbers: &[u32]) -> BTreeMap<u32, String> {
        numbers.iter().map(|number| (*number, format!("etag{number}"))).collect()
    }

    #[test]
    fn what_one_process_noted_another_finds() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("new"), "c1", &fingerprint(99)).unwrap();
        assert_eq!(journal.read("u1", 8), Noted::Nothing);
        journal.begin("u1", 8, &parts(&[2])).unwrap();
        journal.add("u1", 5, "etag5").unwrap();
        let other = Journal::open(&folder.path().join("new"), "c1", &fingerprint(99)).unwrap();
        assert_eq!(other.read("u1", 8), Noted::Parts(parts(&[2, 5])));
        other.remove();
        assert_eq!(journal.read("u1", 8), Noted::Nothing);
    }

    #[test]
    fn a_part_that_is_noted_late_is_none_of_the_upload_that_was_begun_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "c1", &fingerprint(99)).unwrap();
        journal.begin("u1", 8, &parts(&[])).unwrap();
        journal.begin("u2", 8, &parts(&[1])).unwrap();
        journal.add("u1", 2, "etag2").unwrap();
        assert_eq!(journal.read("u2", 8), Noted::Parts(parts(&[1])));
    }

    #[test]
    fn what_was_noted_of_another_upload_or_file_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "c1", &fingerprint(99)).unwrap();
        journal.begin("u1", 8, &parts(&[1, 2])).unwrap();
        assert_eq!(journal.read("u2", 8), Noted::Other(2));
        assert_eq!(journal.read("u1", 9), Noted::Other(2));
        let changed = Journal::open(folder.path(), "c1", &fingerprint(98)).unwrap();
        assert_eq!(changed.read("u1", 8), Noted::Other(2));
    }

    #[test]
    fn a_journal_cut_at_any_byte_or_with_any_byte_changed_is_read_without_harm() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "c1", &fingerprint(99)).unwrap();
        journal.begin("u1", 8, &parts(&[1, 2, 3])).unwrap();
        let whole = fs::read(&journal.path).unwrap();
        for length in 0..whole.len() {
            fs::write(&journal.path, &whole[..length]).unwrap();
            match journal.read("u1", 8) {
                Noted::Parts(found) => assert!(found.iter().all(|(part, etag)| *etag == format!("etag{part}"))),
                other => assert_eq!(other, Noted::Nothing),
            }
            let mut damaged = whole.clone();
            damaged[length] ^= 0x15;
            fs::write(&journal.path, &damaged).unwrap();
            journal.read("u1", 8);
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("new"), "c1", &fingerprint(99)).unwrap();
        journal.begin("u1", 8, &parts(&[])).unwrap();
        assert_eq!(fs::metadata(&journal.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path().join("new")).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Journal::open(&file, "c1", &fingerprint(1)).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert!(error.message.contains("journal_folder: ") && error.message.contains("or NULL"), "{error}");
    }
}
