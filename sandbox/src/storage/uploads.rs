//! Uploads in parts: a folder an upload, a file a part.
//!
//! A part's file is named `<number>-<MD5>`, so number, content and ETag are put in place by one rename, and an upload
//! survives a restart of the server without a database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::error::StorageError;
use super::ignore_missing;
use super::limits::MOST_PARTS;
use super::objects::ComponentId;

/// The uploads in parts that are under way.
pub(super) struct Uploads {
    folder: PathBuf,
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
        Ok(Uploads { folder })
    }

    /// Begins an upload and returns its id. One that could not be written down is refused at its first part
    /// as an upload that does not exist.
    pub(super) fn begin(&self, component_id: &str, parts: u32) -> String {
        let upload_id = Uuid::new_v4().simple().to_string();
        let folder = self.folder.join(&upload_id);
        let begun = Begun { component_id: component_id.to_owned(), parts };
        let written = fs::create_dir(&folder)
            .and_then(|()| serde_json::to_vec(&begun).map_err(io::Error::other))
            .and_then(|text| fs::write(folder.join("upload.json"), text));
        if let Err(error) = written {
            eprintln!("storage: the upload folder {} could not be made: {error}", folder.display());
        }
        upload_id
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
        if !parts.is_sorted_by(|(left, _), (right, _)| left < right) {
            let message = "the parts are not in ascending order of part_number; sort them, each once";
            return Err(StorageError::bad_request("InvalidPartOrder", message));
        }
        if let Some(missing) = (1..=begun.parts).find(|number| parts.iter().all(|(listed, _)| listed != number)) {
            let message = format!("part {missing} of {} is not listed; upload and list every part", begun.parts);
            return Err(StorageError::bad_request("InvalidPart", message));
        }
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

    /// Drops an upload that is complete.
    pub(super) fn forget(&self, upload_id: &str) {
        if let Err(error) = ignore_missing(fs::remove_dir_all(self.folder.join(upload_id))) {
            eprintln!("storage: the parts of the completed upload {upload_id} could not be removed: {error}");
        }
    }

    fn find(&self, id: &ComponentId, upload_id: &str) -> Result<(PathBuf, Begun), StorageError> {
        let unknown = || {
            let message = format!(
                "there is no upload '{upload_id}' of component {}: it was never begun, or it is complete; \
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

/// An ETag without the quotes that some clients keep and others drop.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
