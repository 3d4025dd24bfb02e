//! One thread of one process at a time: a lock of the operating system on a file, which lets go when the process dies.

use super::{disk, fault};
use crate::session::{Result, policy};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

/// The name of the file, in every item's folder.
pub(super) const NAME: &str = "lock";

/// A folder that is held. Dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// How trying went.
#[derive(Debug)]
pub(super) enum Tried {
    Held(Lock),
    Busy,
    /// There is no such folder, or there no longer is.
    Gone,
}

impl Lock {
    /// Holds `folder`, unless somebody else does. Where its lock was deleted by hand, it is made anew.
    pub(super) fn take(folder: &Path) -> Result<Tried> {
        let path = folder.join(NAME);
        // Those who only look hold it for a moment.
        let give_up = Instant::now() + policy::OUTBOX_LOCK_PATIENCE;
        loop {
            let file = match disk::private().read(true).create(true).truncate(false).open(&path) {
                Ok(file) => file,
                Err(error) if disk::is_gone(&error) => return Ok(Tried::Gone),
                Err(error) => return Err(fault::unusable(&path, "be opened", &error)),
            };
            match file.try_lock() {
                Ok(()) => {
                    let lock = Lock { file };
                    // Else the folder has been removed, and perhaps made anew, since the file was opened.
                    if lock.is_of(folder) {
                        return Ok(Tried::Held(lock));
                    }
                }
                Err(TryLockError::WouldBlock) => sleep(policy::OUTBOX_LOCK_PAUSE),
                Err(TryLockError::Error(error))
                    if error.kind() == io::ErrorKind::Interrupted || disk::is_gone(&error) => {}
                Err(TryLockError::Error(error)) => return Err(fault::no_lock(&path, &error)),
            }
            if Instant::now() >= give_up {
                return Ok(Tried::Busy);
            }
        }
    }

    /// Whether somebody holds `folder`. Nothing is written, and whoever comes at the same moment waits.
    pub(super) fn is_held(folder: &Path) -> Result<bool> {
        let path = folder.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if disk::is_gone(&error) => return Ok(false),
            Err(error) => return Err(fault::unusable(&path, "be opened", &error)),
        };
        match file.try_lock_shared() {
            Ok(()) => {
                // Closing lets go as well, but not where a child process has a copy of the descriptor.
                let _ = file.unlock();
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) if disk::is_gone(&error) => Ok(false),
            Err(TryLockError::Error(error)) => Err(fault::no_lock(&path, &error)),
        }
    }

    /// Whether what is held is still what is at `folder`.
    pub(super) fn is_of(&self, folder: &Path) -> bool {
        match (self.file.metadata(), fs::metadata(folder.join(NAME))) {
            (Ok(held), Ok(there)) => disk::is_same(&held, &there),
            _ => false,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that the host has forked has a copy of the descriptor.
        let _ = self.file.unlock();
    }
}

/// Deletes a folder that nobody may find any longer, its lock last, so that nobody else deletes it at the same time.
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
    let lock: PathBuf = folder.join(NAME);
    ignore_gone(fs::remove_file(lock))?;
    ignore_gone(fs::remove_dir(folder))
}

fn ignore_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if disk::is_gone(&error) => Ok(()),
        removed => removed,
    }
}
