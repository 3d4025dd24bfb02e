//! Uploads in parts: a folder an upload, a file a part.
//!
//! A part's file is named `<number>-<MD5>`, so number, content and ETag are put in place by one rename, and an upload
//! survives a restart of the server without a database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::ignore_missing;
use crate::storage::component_id::ComponentId;
use crate::storage::error::StorageError;
use crate::storage::limits::{Limits, MOST_PARTS};
use crate::storage::parts::{bare, check_listed};

/// The uploads in parts that are under way.
pub(super) struct Uploads {
    folder: PathBuf,
    /// Held to look for a component's open upload and to begin one, so that there is one at most.
    beginning: Mutex<()>,
}

/// What an upload was begun for; `upload.json` in its folder.
#[derive(Serialize, Deserialize)]
struct Begun {
    component_id: String,
    parts: u32,
}

/// Parts that were checked, in order, and the ETag of the object they make.
pub(super) struct Chosen {
    pub(super) paths: Vec<PathBuf>,
    pub(super) etag: String,
}

impl Uploads {
    pub(super) fn open(folder: PathBuf) -> io::Result<Uploads> {
        fs::create_dir_all(&folder)?;
        Ok(Uploads { folder, beginning: Mutex::new(()) })
    }

    /// The id of the component's open upload in as many parts, or of a new one in place of what was open.
    pub(super) fn begin(&self, id: &ComponentId, parts: u32, limits: &Limits) -> io::Result<String> {
        let _alone = self.beginning.lock();
        self.expire(limits.upload_lifetime)?;
        for (upload_id, begun) in self.open_uploads()? {
            if begun.component_id != id.as_str() {
                continue;
            }
            if begun.parts == parts && !limits.renew_upload_id {
                // Written again for its time: somebody is about to go on with it. Unless it was completed just now.
                match self.write_down(&upload_id, &begun) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    written => return written.map(|()| upload_id),
                }
            }
            self.forget(&upload_id);
        }
        let upload_id = Uuid::new_v4().simple().to_string();
        fs::create_dir(self.folder.join(&upload_id))?;
        self.write_down(&upload_id, &Begun { component_id: id.as_str().to_owned(), parts })?;
        Ok(upload_id)
    }

    /// Drops the uploads that nothing happened to for so long.
    pub(super) fn expire(&self, lifetime: Duration) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // The time of a folder is when a file was last put into it. One that is gone was completed meanwhile.
            let Ok(touched) = fs::metadata(&path).and_then(|metadata| metadata.modified()) else { continue };
            if touched.elapsed().is_ok_and(|idle| idle >= lifetime) {
                ignore_missing(fs::remove_dir_all(path))?;
            }
        }
        Ok(())
    }

    /// Drops the open uploads of a component.
    pub(super) fn abort(&self, id: &ComponentId) -> io::Result<()> {
        let _alone = self.beginning.lock();
        let open = self.open_uploads()?.into_iter().filter(|(_, begun)| begun.component_id == id.as_str());
        open.for_each(|(upload_id, _)| self.forget(&upload_id));
        Ok(())
    }

    /// Refuses a part that does not belong to an upload of this component, before its bytes are read.
    pub(super) fn expect(&self, id: &ComponentId, upload_id: &str, number: u32) -> Result<(), StorageError> {
        let (_, begun) = self.find(id, upload_id)?;
        if number == 0 || number > begun.parts.min(MOST_PARTS) {
            let message = format!("part {number} is not one of the parts 1 to {} of this upload", begun.parts);
            return Err(StorageError::bad_request("InvalidArgument", message));
        }
        Ok(())
    }

    /// Makes a received file the part `number`, in place of an earlier one.
    pub(super) fn store(
        &self,
        id: &ComponentId,
        upload_id: &str,
        number: u32,
        received: NamedTempFile,
        md5: &str,
    ) -> Result<(), StorageError> {
        let (folder, _) = self.find(id, upload_id)?;
        let path = folder.join(part_name(number, md5));
        received.persist(&path).map_err(io::Error::from)?;
        for other in versions_of(&folder, number)?.into_iter().filter(|other| *other != path) {
            ignore_missing(fs::remove_file(other))?;
        }
        Ok(())
    }

    /// Checks the parts that a client says make the object: every one there, ascending, with the ETag it was
    /// answered with, and none but the last below `smallest` bytes.
    pub(super) fn choose(
        &self,
        id: &ComponentId,
        upload_id: &str,
        parts: &[(u32, String)],
        smallest: u64,
    ) -> Result<Chosen, StorageError> {
        let (folder, begun) = self.find(id, upload_id)?;
        check_listed(parts, begun.parts)?;
        let mut chosen = Vec::with_capacity(parts.len());
        let mut digests = Md5::new();
        for (index, (number, etag)) in parts.iter().enumerate() {
            let path = find_part(&folder, *number, etag)?;
            let size = path.metadata()?.len();
            if index + 1 < parts.len() && size < smallest {
                let message =
                    format!("part {number} has {size} bytes; every part but the last needs at least {smallest}");
                return Err(StorageError::bad_request("EntityTooSmall", message));
            }
            digests.update(hex::decode(bare(etag)).unwrap_or_default());
            chosen.push(path);
        }
        let etag = format!("\"{}-{}\"", hex::encode(digests.finalize()), parts.len());
        Ok(Chosen { paths: chosen, etag })
    }

    /// Drops an upload that is complete or not wanted any more.
    pub(super) fn forget(&self, upload_id: &str) {
        if let Err(error) = ignore_missing(fs::remove_dir_all(self.folder.join(upload_id))) {
            eprintln!("storage: the parts of the upload {upload_id} could not be removed: {error}");
        }
    }

    /// Every upload by its id. There are few: those under way, and those of the last days that nobody went on with.
    fn open_uploads(&self) -> io::Result<Vec<(String, Begun)>> {
        let mut open = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let begun =
                fs::read(entry.path().join("upload.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
            open.extend(entry.file_name().into_string().ok().zip(begun));
        }
        Ok(open)
    }

    fn write_down(&self, upload_id: &str, begun: &Begun) -> io::Result<()> {
        let folder = self.folder.join(upload_id);
        let mut file = NamedTempFile::new_in(&folder)?;
        serde_json::to_writer(&mut file, begun)?;
        file.persist(folder.join("upload.json"))?;
        Ok(())
    }

    fn find(&self, id: &ComponentId, upload_id: &str) -> Result<(PathBuf, Begun), StorageError> {
        let unknown = || {
            let message = format!(
                "there is no upload '{upload_id}' of component {}: it was never begun, is complete, or was dropped; \
                 begin a new one with get_upload_metadata",
                id.as_str()
            );
            StorageError::not_found("NoSuchUpload", message)
        };
        // A UUID has no separators, so that an id from outside cannot leave the folder.
        Uuid::try_parse(upload_id).ok().filter(|_| upload_id.len() == 32).ok_or_else(unknown)?;
        let folder = self.folder.join(upload_id);
        let text = fs::read(folder.join("upload.json")).map_err(|_| unknown())?;
        let begun: Begun = serde_json::from_slice(&text).map_err(io::Error::from)?;
        if ComponentId::parse(&begun.component_id)? != *id {
            return Err(unknown());
        }
        Ok((folder, begun))
    }
}

fn find_part(folder: &Path, number: u32, etag: &str) -> Result<PathBuf, StorageError> {
    let stored = versions_of(folder, number)?;
    let wanted = part_name(number, bare(etag));
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name == wanted.as_str());
    if let Some(path) = stored.iter().find(|path| named(path)) {
        return Ok(path.clone());
    }
    let message = if stored.is_empty() {
        format!("part {number} was not uploaded; PUT it to its address first")
    } else {
        format!("part {number} is not stored with the ETag {etag}; list the ETag that its last PUT was answered with")
    };
    Err(StorageError::bad_request("InvalidPart", message))
}

/// The stored files of a part: one, or for a moment two while it is replaced.
fn versions_of(folder: &Path, number: u32) -> io::Result<Vec<PathBuf>> {
    let prefix = part_name(number, "");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn part_name(number: u32, md5: &str) -> String {
    format!("{number:05}-{md5}")
}
