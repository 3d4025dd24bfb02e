//! One thread of one process at a time. Whoever works on an item writes its name into the item's lock; a process has one name,
//! which is a file that it holds a lock of the operating system on. That lets go when the process dies, however it dies; and
//! a thousand items take one descriptor of the host and not a thousand.

use super::{disk, fault};
use crate::session::{Result, policy};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;
use uuid::Uuid;

/// The name of the file, in every item's folder.
pub(super) const NAME: &str = "lock";

/// The length of what is in it: two ids, a space and the end of the line. Always the same, so that letting go needs no room on
/// the disk.
const LENGTH: usize = 74;

/// A process's name, for as long as it holds items: a locked file.
#[derive(Debug)]
pub(super) struct Holder {
    id: Uuid,
    path: PathBuf,
    file: File,
    /// What is held. An item that names another one was let go, and the disk did not take it.
    holds: Mutex<HashSet<Uuid>>,
}

/// A folder that is held. Dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock {
    holder: Arc<Holder>,
    id: Uuid,
    folder: PathBuf,
}

/// How trying went.
#[derive(Debug)]
pub(super) enum Tried {
    Held(Lock),
    Busy,
    /// There is no such folder, or there no longer is.
    Gone,
}

impl Holder {
    /// A new name in `folder`, which is there.
    pub(super) fn new(folder: &Path) -> Result<Holder> {
        for _ in 0..policy::OUTBOX_FRESH_STARTS {
            let id = Uuid::new_v4();
            let path = folder.join(id.to_string());
            let file = disk::private()
                .read(true)
                .create_new(true)
                .open(&path)
                .map_err(|error| fault::unusable(&path, "be made", &error))?;
            let locked = file.try_lock();
            let holder = Holder { id, path, file, holds: Mutex::default() };
            match locked {
                // Somebody who sweeps may have taken it for a dead one's in the moment between.
                Ok(()) if holder.is_there() => return Ok(holder),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if is_passing(&error) => {}
                Err(TryLockError::Error(error)) => return Err(fault::no_lock(&holder.path, &error)),
            }
        }
        Err(fault::unusable(folder, "be used", &io::Error::other("files vanish while they are made")))
    }

    /// Whether others can see it: somebody may have deleted the folder.
    pub(super) fn is_there(&self) -> bool {
        is_same(&self.file, &self.path)
    }

    fn folder(&self) -> &Path {
        // It was joined with a name.
        self.path.parent().unwrap_or(&self.path)
    }

    /// Deletes the names in `folder` of those that are dead.
    pub(super) fn sweep(folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(file) = File::open(&path) else { continue };
            // Shared, so that nobody who looks at the same time takes this for a sign of life.
            if file.try_lock_shared().is_ok() {
                let _ = fs::remove_file(&path);
                let _ = file.unlock();
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        // Closing is not enough: a process that the host has forked has a copy of the descriptor.
        let _ = self.file.unlock();
    }
}

/// Whether the process with this name in `holders` is alive.
fn is_alive(holders: &Path, id: Uuid) -> Result<bool> {
    let path = holders.join(id.to_string());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if disk::is_gone(&error) => return Ok(false),
        Err(error) => return Err(fault::unusable(&path, "be opened", &error)),
    };
    loop {
        match file.try_lock_shared() {
            Ok(()) => {
                let _ = file.unlock();
                return Ok(false);
            }
            Err(TryLockError::WouldBlock) => return Ok(true),
            Err(TryLockError::Error(error)) if disk::is_gone(&error) => return Ok(false),
            Err(TryLockError::Error(error)) if is_passing(&error) => {}
            Err(TryLockError::Error(error)) => return Err(fault::no_lock(&path, &error)),
        }
    }
}

impl Lock {
    /// Holds `folder`, unless somebody else does. Where its lock was deleted by hand, it is made anew.
    pub(super) fn take(holder: &Arc<Holder>, folder: &Path) -> Result<Tried> {
        let path = folder.join(NAME);
        let unusable = |error: io::Error| fault::unusable(&path, "be written", &error);
        for _ in 0..policy::OUTBOX_FRESH_STARTS {
            let mut file = match Written::open(&path, true)? {
                Ok(file) => file,
                Err(tried) => return Ok(tried),
            };
            let said = file.read().map_err(unusable)?;
            if let Some((who, what)) = said
                && if who == holder.id { holder.holds.lock().contains(&what) } else { is_alive(holder.folder(), who)? }
            {
                return Ok(Tried::Busy);
            }
            // Whoever held it may have ended the item since the file was opened, and only then its own name; and somebody else
            // may have made the item anew. From here on nobody but this one may rename the folder.
            if !is_same(&file.0, &path) {
                continue;
            }
            let id = Uuid::new_v4();
            file.write(&format!("{} {id}\n", holder.id)).map_err(unusable)?;
            holder.holds.lock().insert(id);
            return Ok(Tried::Held(Lock { holder: holder.clone(), id, folder: folder.to_owned() }));
        }
        Ok(Tried::Busy)
    }

    /// Whether somebody holds `folder`, whose name is in `holders`. Writes nothing and is in nobody's way.
    pub(super) fn is_held(holders: &Path, folder: &Path) -> Result<bool> {
        match read(&folder.join(NAME)) {
            Some((who, _)) => is_alive(holders, who),
            None => Ok(false),
        }
    }

    /// Whether what is held is still what is there: somebody may have deleted the folder by hand, and made it anew.
    pub(super) fn is_there(&self) -> bool {
        read(&self.folder.join(NAME)) == Some((self.holder.id, self.id))
    }

    /// What is held.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder has this name now.
    pub(super) fn moved(&mut self, folder: PathBuf) {
        self.folder = folder;
    }

    fn let_go(&self) -> Result<()> {
        let path = self.folder.join(NAME);
        let unusable = |error: io::Error| fault::unusable(&path, "be written", &error);
        // Nothing is made: an item that has ended is gone.
        let Ok(mut file) = Written::open(&path, false)? else { return Ok(()) };
        if file.read().map_err(unusable)? == Some((self.holder.id, self.id)) {
            file.write(&format!("{:1$}\n", "", LENGTH - 1)).map_err(unusable)?;
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Where the disk does not take it, others can have the item when this process has ended or let go of the outbox.
        let _ = self.let_go();
        self.holder.holds.lock().remove(&self.id);
    }
}

/// The lock file of an item in the hands of who reads or writes it, for the moment that this takes.
struct Written(File);

impl Written {
    fn open(path: &Path, create: bool) -> Result<std::result::Result<Written, Tried>> {
        let give_up = Instant::now() + policy::OUTBOX_LOCK_PATIENCE;
        loop {
            let file = match disk::private().read(true).create(create).truncate(false).open(path) {
                Ok(file) => file,
                Err(error) if disk::is_gone(&error) => return Ok(Err(Tried::Gone)),
                Err(error) => return Err(fault::unusable(path, "be opened", &error)),
            };
            match file.try_lock() {
                Ok(()) => {
                    let written = Written(file);
                    // Else the folder has been removed, and perhaps made anew, since the file was opened.
                    if is_same(&written.0, path) {
                        return Ok(Ok(written));
                    }
                }
                Err(TryLockError::WouldBlock) => sleep(policy::OUTBOX_LOCK_PAUSE),
                Err(TryLockError::Error(error)) if is_passing(&error) => {}
                Err(TryLockError::Error(error)) => return Err(fault::no_lock(path, &error)),
            }
            if Instant::now() >= give_up {
                return Ok(Err(Tried::Busy));
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<(Uuid, Uuid)>> {
        let mut text = Vec::new();
        (&self.0).take(LENGTH as u64 + 1).read_to_end(&mut text)?;
        Ok(understood(&text))
    }

    fn write(&mut self, words: &str) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(words.as_bytes())?;
        self.0.set_len(LENGTH as u64)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Who holds what, as a lock file says; nobody, where it says something else.
fn read(path: &Path) -> Option<(Uuid, Uuid)> {
    disk::read(path, LENGTH as u64).ok().and_then(|text| understood(&text))
}

fn understood(text: &[u8]) -> Option<(Uuid, Uuid)> {
    let (who, what) = std::str::from_utf8(text).ok()?.strip_suffix('\n')?.split_once(' ')?;
    Some((Uuid::try_parse(who).ok()?, Uuid::try_parse(what).ok()?))
}

/// Whether an open file is what is at the path.
fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => disk::is_same(&open, &there),
        _ => false,
    }
}

/// Asking again helps.
fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted || disk::is_gone(error)
}

/// Deletes a folder that nobody may find any longer, its lock last: while it is held, it stays so.
pub(super) fn delete(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if disk::is_gone(&error) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == NAME {
            continue;
        }
        let removed = match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path()),
            false => fs::remove_file(entry.path()),
        };
        ignore_gone(removed)?;
    }
    ignore_gone(fs::remove_file(folder.join(NAME)))?;
    ignore_gone(fs::remove_dir(folder))
}

fn ignore_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if disk::is_gone(&error) => Ok(()),
        removed => removed,
    }
}
