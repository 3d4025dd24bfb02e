//! Files that hang on the note.

use crate::publish::ids::Slot;
use crate::publish::part::Part;
use crate::session::{Error, Result, Source, Stage};
use std::path::PathBuf;
use std::sync::Arc;

/// Opens them: any kind of file, whole and at rest. On a blocking thread.
pub fn open(paths: &[PathBuf]) -> Result<Vec<Part>> {
    let open = |(index, path): (usize, &PathBuf)| {
        let source = Source::open(path).map_err(|error| {
            Error { message: format!("note_attachments: {}", error.message), ..error }.at(Stage::Checking)
        })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        Ok(Part {
            slot: Slot::Attachment(index),
            name,
            file_type: extension.map_or_else(String::new, |extension| format!(".{extension}")),
            source: Arc::new(source),
            meta: None,
        })
    };
    paths.iter().enumerate().map(open).collect()
}
