//! Which uploads in parts are open: a small file a component, since a store does not say for how many parts an upload
//! was begun, and a restart must not make everybody begin again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::storage::component_id::ComponentId;

/// The open uploads, one at most for a component.
pub(super) struct Ledger {
    folder: PathBuf,
}

/// An upload that was begun.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) upload_id: String,
    pub(super) parts: u32,
}

impl Ledger {
    pub(super) fn open(folder: PathBuf) -> io::Result<Ledger> {
        fs::create_dir_all(&folder)?;
        Ok(Ledger { folder })
    }

    /// The component's open upload.
    pub(super) fn find(&self, id: &ComponentId) -> Option<Open> {
        serde_json::from_slice(&fs::read(self.path(id)).ok()?).ok()
    }

    /// Notes an upload, or that somebody asked for it again: its time is that of the last note.
    pub(super) fn note(&self, id: &ComponentId, open: &Open) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, open)?;
        file.persist(self.path(id))?;
        Ok(())
    }

    /// The upload is over, unless another one is noted by now.
    pub(super) fn forget(&self, id: &ComponentId, upload_id: &str) {
        if self.find(id).is_some_and(|open| open.upload_id == upload_id) {
            // A note that stays is found out when the upload is asked for again.
            let _ = fs::remove_file(self.path(id));
        }
    }

    /// Takes out the uploads that nobody asked for so long.
    pub(super) fn take_expired(&self, lifetime: Duration) -> io::Result<Vec<(ComponentId, Open)>> {
        let mut expired = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Ok(noted) = fs::metadata(&path).and_then(|metadata| metadata.modified()) else { continue };
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let (Ok(id), true) = (ComponentId::parse(name), noted.elapsed().is_ok_and(|idle| idle >= lifetime)) else {
                continue;
            };
            expired.extend(self.find(&id).map(|open| (id, open)));
            fs::remove_file(path)?;
        }
        Ok(expired)
    }

    fn path(&self, id: &ComponentId) -> PathBuf {
        self.folder.join(format!("{}.json", id.as_str()))
    }
}
