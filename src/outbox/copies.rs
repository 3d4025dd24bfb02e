//! Source files that are copied into an item, for hosts that do not leave theirs where it is.

use super::source::SourceNote;
use super::{disk, fault};
use crate::session::{Code, Error, Result, policy};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// How the name of every copy begins.
const PREFIX: &str = "copy-";

/// The name of the copy of the source with this number. It keeps the ending, by which players and people know a file.
pub(super) fn name(number: usize, source: &Path) -> String {
    let ending = source.extension().and_then(|ending| ending.to_str());
    match ending.filter(|ending| !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        Some(ending) => format!("{PREFIX}{}.{ending}", number + 1),
        None => format!("{PREFIX}{}", number + 1),
    }
}

/// Copies what `note` says to `folder/name`, as long as `go_on` says so, and flushes it to disk. The disk shares the blocks
/// where it can. After an error nothing is left of it.
pub(super) fn copy(
    note: &SourceNote,
    folder: &Path,
    name: &str,
    has_room: impl FnOnce() -> Result<()>,
    go_on: &dyn Fn() -> bool,
) -> Result<()> {
    note.check()?;
    let path = folder.join(name);
    let copied = fill(note, &path, has_room, go_on);
    if copied.is_err() {
        // One that stays is removed by the next who claims the item.
        let _ = fs::remove_file(&path);
    }
    copied?;
    disk::sync_folder(folder).map_err(|error| fault::unusable(folder, "be written", &error))
}

fn fill(note: &SourceNote, path: &Path, has_room: impl FnOnce() -> Result<()>, go_on: &dyn Fn() -> bool) -> Result<()> {
    let unwritten = |error: io::Error| fault::unusable(path, "be written", &error);
    let source = File::open(&note.path).map_err(|error| {
        let message = format!("'{}' cannot be opened to copy it: {error}", note.path.display());
        Error::new(Code::FileUnreadable, message)
    })?;
    let mut copy = disk::private().create(true).truncate(true).open(path).map_err(unwritten)?;
    // At its full length at once, so that whoever copies at the same moment counts it too.
    copy.set_len(note.size).map_err(unwritten)?;
    has_room()?;
    let mut left = note.size;
    while left > 0 {
        if !go_on() {
            return Err(Error::new(Code::Cancelled, "outbox: the copy of the source was given up"));
        }
        let step = left.min(policy::OUTBOX_COPY_STEP);
        match io::copy(&mut (&source).take(step), &mut copy) {
            // The file ends too early, which the check below explains.
            Ok(0) => break,
            Ok(count) => left -= count,
            // Reading or writing failed; a changed source explains the one, and everything else is said of the copy.
            Err(error) => return Err(note.check().err().unwrap_or_else(|| unwritten(error))),
        }
    }
    note.check()?;
    if left > 0 {
        return Err(unwritten(io::ErrorKind::UnexpectedEof.into()));
    }
    copy.sync_all().map_err(unwritten)
}

/// The bytes of all copies in an item's folder.
pub(super) fn bytes(folder: &Path) -> u64 {
    let copies = fs::read_dir(folder).into_iter().flatten().flatten();
    let copies = copies.filter(|entry| is_copy(&entry.file_name().to_string_lossy()));
    copies.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Removes copies that no source of the item has: somebody stopped while making or replacing them.
pub(super) fn tidy(folder: &Path, sources: &[SourceNote]) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let wanted = |source: &SourceNote| source.copy.as_deref().is_some_and(|copy| name == *copy);
        if is_copy(&name.to_string_lossy()) && !sources.iter().any(wanted) {
            // One that stays costs space, and is removed with the item.
            let _ = fs::remove_file(entry.path());
        }
    }
}

pub(super) fn is_copy(name: &str) -> bool {
    name.starts_with(PREFIX)
}
