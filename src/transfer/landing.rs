//! Where a download lands: a file `NAME.part` beside its target, and `NAME.part.json`, a note of what it is and how much of it
//! is surely on the disk. So a later try, also in another process, fetches only the rest, and the target appears whole or
//! not at all. No address and no key is in the note.

use crate::session::source::Fingerprint;
use crate::session::{Code, Error, Result, policy};
use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A download's place on the disk. Its methods do I/O: call them on a blocking thread.
#[derive(Debug)]
pub struct Landing {
    target: PathBuf,
    part: PathBuf,
    note: PathBuf,
    overwrite: bool,
    what: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Bytes of the content that are in the file.
    written: u64,
    content: Content,
    /// Of the bytes so far, where the content has an MD5.
    hash: Option<Md5>,
    is_gone: bool,
}

/// What is being downloaded, as the storage described it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    /// By which a storage knows that the rest is one of the same content (If-Range): a strong ETag, or a date.
    pub validator: Option<String>,
    /// Of the whole, in bytes.
    pub size: Option<u64>,
    /// Of the whole, in hexadecimal, where the storage told it.
    pub md5: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    /// Of this format.
    version: u32,
    /// The server and component.
    what: String,
    content: Content,
    /// Bytes that survive a power cut.
    flushed: u64,
}

const VERSION: u32 = 1;

impl Landing {
    /// Prepares the download of `what`, which names its server and component, to `target`. What an earlier try has of it is
    /// gone on with.
    pub fn open(target: &Path, overwrite: bool, what: &str) -> Result<Landing> {
        let target = &check_target(target, overwrite)?;
        let beside = |ending: &str| {
            let mut name = target.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            target.with_file_name(name)
        };
        let (part, note) = (beside(".part"), beside(".part.json"));
        let noted = fs::read(&note).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        // The note is written first and removed last, so a part without one is somebody else's.
        if noted.is_none() && part.exists() {
            let message = format!("'{}' is in the way, and not of this library: move or remove it", part.display());
            return Err(Error::new(Code::FileExists, message));
        }
        if noted.is_none() {
            write_note(&note, &Note { version: VERSION, what: what.to_owned(), ..Note::default() })
                .map_err(|error| unwritable(&note, &error))?;
        }
        let file = lock(&part)?;
        let noted = noted.filter(|note| note.version == VERSION && note.what == what).unwrap_or_default();
        let length = file.metadata().map_err(|error| unwritable(&part, &error))?.len();
        // Without a validator nobody can say that the rest would be of the same content.
        let written = if noted.content.validator.is_some() { noted.flushed.min(length) } else { 0 };
        let state = State { file, written, content: noted.content, hash: None, is_gone: false };
        let landing =
            Landing { target: target.clone(), part, note, overwrite, what: what.to_owned(), state: Mutex::new(state) };
        landing.take_up().map_err(|error| unwritable(&landing.part, &error))?;
        Ok(landing)
    }

    /// The name of the target, without folders.
    pub fn name(&self) -> String {
        self.target.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the bytes are until all of them are there.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// How many bytes are there.
    pub fn written(&self) -> u64 {
        self.state.lock().written
    }

    pub(super) fn content(&self) -> Content {
        self.state.lock().content.clone()
    }

    /// Begins with another content, from its first byte.
    pub(super) fn begin(&self, content: Content) -> Result<()> {
        let mut state = self.state.lock();
        state.hash = content.md5.is_some().then(Md5::new);
        (state.content, state.written) = (content, 0);
        let begun = empty(&mut state.file).and_then(|()| self.write_note(&state, 0));
        begun.map_err(|error| unwritable(&self.part, &error))
    }

    /// What is there is of no use: the next bytes are the first.
    pub fn start_over(&self) -> Result<()> {
        self.begin(Content::default())
    }

    /// The next bytes.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut state = self.state.lock();
        if state.is_gone {
            return Err(Error::new(Code::Cancelled, "the download is over"));
        }
        if let Err(error) = state.file.write_all(bytes) {
            // What went in of them is written again, if there is another try.
            let written = state.written;
            let _ = state.file.set_len(written).and_then(|()| state.file.seek(SeekFrom::Start(written)));
            return Err(unwritable(&self.part, &error));
        }
        if let Some(hash) = &mut state.hash {
            hash.update(bytes);
        }
        let before = state.written / policy::DOWNLOAD_SYNC;
        state.written += bytes.len() as u64;
        match state.written / policy::DOWNLOAD_SYNC > before {
            true => self.flush_locked(&state),
            false => Ok(()),
        }
    }

    /// Notes all that is there, for a later try. What is noted is on the disk.
    pub fn flush(&self) -> Result<()> {
        self.flush_locked(&self.state.lock())
    }

    fn flush_locked(&self, state: &State) -> Result<()> {
        let flushed = state.file.sync_data().and_then(|()| self.write_note(state, state.written));
        flushed.map_err(|error| unwritable(&self.part, &error))
    }

    /// All bytes are there: they are compared with what the storage said of them, and become the target.
    pub fn finish(&self) -> Result<()> {
        let mut state = self.state.lock();
        check_content(&mut state)?;
        state.file.sync_all().map_err(|error| unwritable(&self.part, &error))?;
        match put_in_place(&self.part, &self.target, self.overwrite) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(&self.target)),
            Err(error) => return Err(unwritable(&self.target, &error)),
            Ok(()) => {}
        }
        state.is_gone = true;
        // It tells of a part that is no more.
        let _ = fs::remove_file(&self.note);
        sync_folder(&self.target);
        Ok(())
    }

    /// Takes away what is there of an unfinished download.
    pub fn discard(&self) {
        let mut state = self.state.lock();
        if !state.is_gone {
            state.is_gone = true;
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(&self.note);
        }
    }

    /// Puts the file's end where the good bytes end, and hashes what is there.
    fn take_up(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let State { file, written, content, hash, .. } = &mut *state;
        if *written == 0 {
            *content = Content::default();
            return empty(file);
        }
        file.set_len(*written)?;
        file.seek(SeekFrom::Start(0))?;
        if content.md5.is_some() {
            let (mut md5, mut block) = (Md5::new(), vec![0; policy::BLOCK_SIZE]);
            loop {
                match file.read(&mut block)? {
                    0 => break,
                    count => md5.update(&block[..count]),
                }
            }
            *hash = Some(md5);
        }
        file.seek(SeekFrom::Start(*written)).map(drop)
    }

    fn write_note(&self, state: &State, flushed: u64) -> io::Result<()> {
        let note = Note { version: VERSION, what: self.what.clone(), content: state.content.clone(), flushed };
        write_note(&self.note, &note)
    }
}

fn empty(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0)).map(drop)
}

fn write_note(path: &Path, note: &Note) -> io::Result<()> {
    let mut fresh = path.to_owned().into_os_string();
    fresh.push(format!(".{}", std::process::id()));
    fs::write(&fresh, serde_json::to_vec(note)?)?;
    fs::rename(&fresh, path).inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })
}

/// Opens the part for this download alone.
fn lock(part: &Path) -> Result<File> {
    loop {
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(part);
        let file = open.map_err(|error| unwritable(part, &error))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let message =
                format!("'{}' is being written by another download: wait for it, or give another path", part.display());
            return Err(Error::new(Code::FileUnwritable, message));
        }
        // A file system without locks is used without. Who had it before may have removed it in the last moment.
        let same = match (Fingerprint::of(&file), Fingerprint::at(part)) {
            (Ok(open), Ok(there)) => open.identity == there.identity,
            (Ok(_), Err(error)) => error.kind() != io::ErrorKind::NotFound,
            _ => true,
        };
        if same {
            return Ok(file);
        }
    }
}

/// What can be said of the target before anything is asked of the server; the path of the file itself where it is a link.
fn check_target(target: &Path, overwrite: bool) -> Result<PathBuf> {
    let shown = target.display();
    if target.file_name().is_none() {
        let message = format!("path: '{shown}' names no file: give the path of the file to write");
        return Err(Error::new(Code::InvalidArgument, message));
    }
    match fs::metadata(target) {
        Ok(there) if there.is_dir() => {
            let message = format!("'{shown}' is a directory: give the path of the file to write");
            return Err(Error::new(Code::NotAFile, message));
        }
        Ok(there) if !there.is_file() => {
            return Err(Error::new(Code::NotAFile, format!("'{shown}' is a device, pipe or socket, not a file")));
        }
        Ok(_) if !overwrite => return Err(exists(target)),
        Ok(_) => return Ok(fs::canonicalize(target).unwrap_or_else(|_| target.to_owned())),
        Err(_) => {}
    }
    let folder = target.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(folder) if folder.is_dir() => Ok(target.to_owned()),
        Ok(_) => Err(Error::new(
            Code::NotAFile,
            format!("'{}' is no directory: '{shown}' cannot be in it", folder.display()),
        )),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(unwritable(target, &error)),
        Err(_) => {
            let message = format!("there is no directory '{}' for '{shown}': make it first", folder.display());
            Err(Error::new(Code::FileNotFound, message))
        }
    }
}

fn exists(target: &Path) -> Error {
    let remedy = "give another path, or FTR_DOWNLOAD_OVERWRITE";
    Error::new(Code::FileExists, format!("'{}' is there already: {remedy}", target.display()))
}

fn check_content(state: &mut State) -> Result<()> {
    let again = "download it again, and if it happens again ask the storage's administrator";
    let written = state.written;
    if let Some(size) = state.content.size.filter(|size| *size != written) {
        let message = format!("{written} of {size} bytes came: {again}");
        return Err(Error::new(Code::StorageMismatch, message));
    }
    let (Some(hash), Some(told)) = (&state.hash, &state.content.md5) else { return Ok(()) };
    let found: String = hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    match found.eq_ignore_ascii_case(told) {
        true => Ok(()),
        false => {
            let message = format!("other bytes came than the storage holds (MD5 {found} and not {told}): {again}");
            Err(Error::new(Code::StorageMismatch, message))
        }
    }
}

/// Never in place of a file that may not be replaced, also where it came to be meanwhile.
fn put_in_place(part: &Path, target: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite {
        return fs::rename(part, target);
    }
    match fs::hard_link(part, target) {
        Ok(()) => {
            // The target is there; a second name of it does no harm.
            let _ = fs::remove_file(part);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without links: nothing else is to be had than to look before.
        Err(_) if target.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(part, target),
    }
}

/// So that the name survives a power cut as well as the bytes. Not every system lets a folder be opened.
fn sync_folder(target: &Path) {
    #[cfg(unix)]
    if let Some(folder) = target.parent() {
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = target;
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    let (code, message) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Code::DiskFull, format!("there is no room left for '{shown}' ({error}): make room, and download it again"))
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            Code::FileUnwritable,
            format!("'{shown}' may not be written by this user ({error}): give write permission on its directory"),
        ),
        io::ErrorKind::NotFound => {
            (Code::FileNotFound, format!("the directory of '{shown}' is gone ({error}): check the drive or mount"))
        }
        _ => (Code::FileUnwritable, format!("'{shown}' cannot be written: {error}")),
    };
    Error::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: &[u8]) -> Content {
        let md5: String = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Content { validator: Some("\"v1\"".into()), size: Some(bytes.len() as u64), md5: Some(md5) }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_download_that_was_broken_off_goes_on_in_another_process_and_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("comp.mov");
        let first = Landing::open(&target, false, "server c1").unwrap();
        first.begin(content(b"one two three")).unwrap();
        first.write(b"one ").unwrap();
        first.flush().unwrap();
        first.write(b"lost").unwrap();
        assert_eq!(Landing::open(&target, false, "server c1").unwrap_err().code, Code::FileUnwritable);
        drop(first);
        assert_eq!(names(folder.path()), ["comp.mov.part", "comp.mov.part.json"]);
        let second = Landing::open(&target, false, "server c1").unwrap();
        assert_eq!((second.written(), second.content()), (4, content(b"one two three")));
        second.write(b"two three").unwrap();
        second.finish().unwrap();
        assert_eq!(names(folder.path()), ["comp.mov"]);
        assert_eq!(fs::read(&target).unwrap(), b"one two three");
    }

    #[test]
    fn what_is_there_of_another_component_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("comp.mov");
        let first = Landing::open(&target, false, "server c1").unwrap();
        first.begin(content(b"one")).unwrap();
        first.write(b"on").unwrap();
        first.flush().unwrap();
        drop(first);
        assert_eq!(Landing::open(&target, false, "server c2").unwrap().written(), 0);
    }

    #[test]
    fn bytes_that_are_not_those_of_the_storage_never_become_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("comp.mov");
        let landing = Landing::open(&target, false, "server c1").unwrap();
        for bytes in [&b"one two thre"[..], b"one two thrEE", b"one two three!"] {
            landing.begin(content(b"one two three")).unwrap();
            landing.write(bytes).unwrap();
            assert_eq!(landing.finish().unwrap_err().code, Code::StorageMismatch);
            assert!(!target.exists());
        }
        landing.discard();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_that_came_to_be_meanwhile_is_not_replaced_unless_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("comp.mov");
        for (overwrite, left) in [(false, &b"mine"[..]), (true, b"one")] {
            let _ = fs::remove_file(&target);
            let landing = Landing::open(&target, overwrite, "server c1").unwrap();
            landing.begin(content(b"one")).unwrap();
            landing.write(b"one").unwrap();
            fs::write(&target, "mine").unwrap();
            assert_eq!(landing.finish().err().map(|error| error.code), (!overwrite).then_some(Code::FileExists));
            assert_eq!(fs::read(&target).unwrap(), left);
            landing.discard();
        }
        assert_eq!(Landing::open(&target, false, "server c1").unwrap_err().code, Code::FileExists);
    }

    #[test]
    fn what_is_wrong_with_a_target_is_told_by_its_own_code() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::write(folder.path().join("other.mov.part"), "a browser's").unwrap();
        for (target, code) in [
            (folder.path().to_owned(), Code::NotAFile),
            (folder.path().join("nowhere/comp.mov"), Code::FileNotFound),
            (folder.path().join("file/comp.mov"), Code::NotAFile),
            (folder.path().join(".."), Code::InvalidArgument),
            (PathBuf::from("/dev/null"), Code::NotAFile),
            (folder.path().join("other.mov"), Code::FileExists),
        ] {
            let error = Landing::open(&target, false, "server c1").unwrap_err();
            assert_eq!(error.code, code, "{error}");
        }
        assert_eq!(fs::read(folder.path().join("other.mov.part")).unwrap(), b"a browser's");
    }

    #[test]
    fn each_failure_to_write_has_the_code_that_says_what_to_do() {
        for (kind, code) in [
            (io::ErrorKind::StorageFull, Code::DiskFull),
            (io::ErrorKind::QuotaExceeded, Code::DiskFull),
            (io::ErrorKind::PermissionDenied, Code::FileUnwritable),
            (io::ErrorKind::ReadOnlyFilesystem, Code::FileUnwritable),
            (io::ErrorKind::FileTooLarge, Code::FileUnwritable),
            (io::ErrorKind::NotFound, Code::FileNotFound),
        ] {
            let error = unwritable(Path::new("/shots/comp.mov.part"), &kind.into());
            assert_eq!(error.code, code);
            assert!(error.message.contains("'/shots/comp.mov.part'"), "{error}");
        }
    }

    #[test]
    fn a_note_cut_at_any_byte_or_with_any_byte_changed_is_read_without_harm() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("comp.mov");
        let landing = Landing::open(&target, false, "server c1").unwrap();
        landing.begin(content(b"one two three")).unwrap();
        landing.write(b"one ").unwrap();
        landing.flush().unwrap();
        drop(landing);
        let note = folder.path().join("comp.mov.part.json");
        let part = folder.path().join("comp.mov.part");
        let whole = fs::read(&note).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x15;
            for damaged in [&whole[..at], &changed] {
                fs::write(&note, damaged).unwrap();
                fs::write(&part, b"one ").unwrap();
                if let Ok(landing) = Landing::open(&target, false, "server c1") {
                    assert!(landing.written() <= 4);
                }
            }
        }
    }
}
