//! A private folder for what one publish makes, where no outbox keeps it.

use crate::session::{Code, Error, Result, policy};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use uuid::Uuid;

const PREFIX: &str = "ftreview-work-";
const LOCK: &str = "lock";

/// The folder. It is gone when this is dropped, and swept up by a later one where the process was killed.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    /// Locked as long as it is in use.
    _lock: File,
}

impl WorkFolder {
    /// Makes one in `parent`. Blocks for file I/O.
    pub fn new(parent: &Path) -> Result<WorkFolder> {
        let unusable = |error: io::Error| {
            let remedy = "give another folder with ftr_session_options.work_folder, or make room in it";
            Error::new(
                Code::FfmpegFailed,
                format!("work_folder: '{}' cannot be used: {error}; {remedy}", parent.display()),
            )
        };
        sweep(parent);
        let path = parent.join(format!("{PREFIX}{}", Uuid::new_v4().simple()));
        make_private(&path).map_err(unusable)?;
        let lock = File::create(path.join(LOCK)).inspect_err(|_| drop(fs::remove_dir_all(&path))).map_err(unusable)?;
        // On a file system without locks nobody else sweeps it up while it is young.
        let _ = lock.try_lock();
        Ok(WorkFolder { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what killed processes left. What is in use is locked.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_owner_and_one_that_was_left_behind_with_the_next_owner() {
        let parent = tempfile::tempdir().unwrap();
        let mine = WorkFolder::new(parent.path()).unwrap();
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), b"").unwrap();
        let old = SystemTime::now() - 2 * policy::WORK_FOLDER_AGE;
        for folder in [&left, &mine.path] {
            File::open(folder).unwrap().set_modified(old).unwrap();
        }
        let other = WorkFolder::new(parent.path()).unwrap();
        assert!(!left.exists() && mine.path().exists() && other.path().exists());
        let paths = [mine.path.clone(), other.path.clone()];
        drop((mine, other));
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
