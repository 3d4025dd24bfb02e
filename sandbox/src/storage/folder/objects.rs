//! Stored objects: one file a component, which appears whole or not at all.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use parking_lot::RwLock;
use tempfile::NamedTempFile;

use super::ignore_missing;
use super::serve::File;
use crate::storage::component_id::ComponentId;
use crate::storage::limits::READ_BLOCK;

/// The folder of objects. The ETag of `<id>` stands beside it in `<id>.etag`.
///
/// No file is synced to disk: this is a staging server, and a power cut may cost its last uploads.
pub(super) struct Objects {
    folder: PathBuf,
    incoming: PathBuf,
    /// Held to change an object and its ETag together.
    pair: RwLock<()>,
}

impl Objects {
    /// `incoming` must be on the same file system, so that a received file is renamed into place.
    pub(super) fn open(folder: PathBuf, incoming: PathBuf) -> io::Result<Objects> {
        fs::create_dir_all(&folder)?;
        Ok(Objects { folder, incoming, pair: RwLock::new(()) })
    }

    /// Where files are received.
    pub(super) fn incoming(&self) -> &Path {
        &self.incoming
    }

    /// Where the object is, or would be.
    pub(super) fn path(&self, id: &ComponentId) -> PathBuf {
        // Two characters of the id keep folders small with many thousands of objects.
        self.folder.join(&id.as_str()[..2]).join(id.as_str())
    }

    /// The object with its ETag.
    pub(super) fn file(&self, id: &ComponentId) -> Option<File> {
        let path = self.path(id);
        let _pair = self.pair.read();
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let etag = fs::read_to_string(etag_path(&path)).unwrap_or_else(|_| format!("\"{:x}-unknown\"", metadata.len()));
        Some(File { path, etag })
    }

    /// Makes a received file the component's object.
    pub(super) fn store(&self, id: &ComponentId, received: NamedTempFile, etag: &str) -> io::Result<()> {
        let path = self.path(id);
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        let mut etag_file = NamedTempFile::new_in(&self.incoming)?;
        etag_file.write_all(etag.as_bytes())?;
        let _pair = self.pair.write();
        // The old ETag goes first: a crash in between leaves an object without one, never with a wrong one.
        ignore_missing(fs::remove_file(etag_path(&path)))?;
        received.persist(&path)?;
        etag_file.persist(etag_path(&path))?;
        Ok(())
    }

    /// Makes the given files, one after the other, the component's object.
    pub(super) fn join(&self, id: &ComponentId, parts: &[PathBuf], etag: &str) -> io::Result<()> {
        let mut whole = NamedTempFile::new_in(&self.incoming)?;
        for part in parts {
            io::copy(&mut fs::File::open(part)?, whole.as_file_mut())?;
        }
        self.store(id, whole, etag)
    }

    /// Makes a copy of the file the component's object.
    pub(super) fn copy(&self, id: &ComponentId, file: &Path) -> io::Result<()> {
        let (mut source, mut copy, mut digest) =
            (fs::File::open(file)?, NamedTempFile::new_in(&self.incoming)?, Md5::new());
        let mut block = vec![0; READ_BLOCK];
        loop {
            let count = source.read(&mut block)?;
            if count == 0 {
                break;
            }
            digest.update(&block[..count]);
            copy.write_all(&block[..count])?;
        }
        self.store(id, copy, &format!("\"{}\"", hex::encode(digest.finalize())))
    }

    /// Deletes the object and its ETag; fine when they are gone already.
    pub(super) fn remove(&self, id: &ComponentId) -> io::Result<()> {
        let path = self.path(id);
        let _pair = self.pair.write();
        ignore_missing(fs::remove_file(&path))?;
        ignore_missing(fs::remove_file(etag_path(&path)))
    }
}

fn etag_path(object: &Path) -> PathBuf {
    object.with_extension("etag")
}
