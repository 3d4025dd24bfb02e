//! Components whose bytes stay where they are: ftrack is told their path, in its location `ftrack.unmanaged`.

use super::GivenFile;
use crate::publish::check::file_type;
use crate::publish::ids::Slot;
use crate::session::{Code, Error, Result};
use std::path::{Path, PathBuf};

/// One of them, looked at.
#[derive(Clone, Debug)]
pub struct ByPath {
    pub slot: Slot,
    pub name: String,
    pub path: PathBuf,
    pub file_type: String,
    pub size_bytes: u64,
}

impl ByPath {
    /// Looks whether it is there. Nothing is read, so that a folder may be registered as well. On a blocking thread.
    pub fn look(given: &GivenFile, path: &Path) -> Result<ByPath> {
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                let remedy = "check the path, and that the drive or mount is there on this machine";
                Error::new(Code::FileNotFound, format!("'{}' does not exist: {remedy}", path.display()))
            }
            _ => Error::new(Code::FileUnreadable, format!("'{}' cannot be looked at: {error}", path.display())),
        })?;
        let name = given.name().unwrap_or_default();
        Ok(ByPath {
            slot: Slot::Named(name.clone()),
            name,
            path: path.to_owned(),
            file_type: file_type(path),
            size_bytes: if metadata.is_file() { metadata.len() } else { 0 },
        })
    }
}
